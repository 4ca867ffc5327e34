#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Finds, or fetches, what compiling the kernels for AMD GPUs needs, and prints the compiler's command line, one word
# a line, to which --offload-arch=, -o and the source are added.
#
#   kernels/amd-toolchain.sh FOLDER
#
# 1. A ROCm on the machine (ROCM_PATH, else /opt/rocm) with its own clang.
# 2. On Debian: HIP's headers and device libraries from unstable or experimental, beside the clang given in CXX.
#    They are downloaded with a configuration and package lists of their own and unpacked into FOLDER. Nothing is
#    installed and the machine's apt stays as it was. Debian 12's own ROCm is too old for the compiler. Those suites
#    move on, so every version they have is tried, newest first, and the first that compiles a small kernel is taken.
#
# Exit code 0: printed; 77: cannot be had here, the reason is on stderr.
set -eu
folder=${1:?usage: kernels/amd-toolchain.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
clang=${CXX:-clang++}

cannot() { printf 'amd-toolchain: %s\n' "$*" >&2; exit 77; }

cat >"$folder/probe.hip" <<'TEXT'
#include <hip/hip_runtime.h>
extern "C" __global__ void probe(float *x) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = expf(s[63 - threadIdx.x]);
}
TEXT

# works WORD...: does this command line compile the probe for a wave32 and a wave64 target?
works() {
    for arch in gfx1100 gfx942; do
        "$@" --offload-arch=$arch -o "$folder/probe.o" "$folder/probe.hip" >"$folder/probe.log" 2>&1 || return 1
    done
}
take() { # the command line's words, given after the source's description
    printf 'amd-toolchain: %s\n' "$1" >&2
    shift
    printf '%s\n' "$@" | tee "$folder/command"
    exit 0
}

device_only="-x hip --cuda-device-only --no-gpu-bundle-output -std=c++17 -O2 -c"

if [ -s "$folder/command" ]; then # from an earlier run
    # shellcheck disable=SC2046 # words without spaces, one a line
    works $(cat "$folder/command") && { cat "$folder/command"; exit 0; }
fi

rocm=${ROCM_PATH:-/opt/rocm}
# shellcheck disable=SC2086 # device_only is a list of words
if [ -x "$rocm/llvm/bin/clang++" ] && works "$rocm/llvm/bin/clang++" $device_only --rocm-path="$rocm"; then
    take "the machine's ROCm in $rocm" "$rocm/llvm/bin/clang++" $device_only --rocm-path="$rocm"
fi

for tool in apt-get apt-cache dpkg; do
    command -v $tool >/dev/null 2>&1 || cannot "no ROCm in $rocm, and no $tool to fetch HIP's headers with"
done
major=$("$clang" -dumpversion 2>/dev/null | cut -d. -f1) || cannot "no compiler '$clang'"
[ -n "$major" ] || cannot "no compiler '$clang'"

# The mirror that this machine's own apt uses for Debian, and the keys it trusts.
mirror=$(cat /dev/null /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:\/\//) { print $i; break } }
         $1 == "URIs:" { for (i = 2; i <= NF; i++) print $i }' |
    grep -E '/debian/?$' | head -n 1) || :
[ -n "$mirror" ] || cannot "the machine's apt sources name no Debian mirror"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r $keys ] || cannot "$keys is missing (package debian-archive-keyring)"

mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/debs"
for suite in experimental unstable; do echo "deb [signed-by=$keys] $mirror $suite main"; done >"$folder/sources.list"
apt() {
    tool=$1
    shift
    "$tool" -qq -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" -o Acquire::Languages=none \
        -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any "$@"
}
apt apt-get update >"$folder/update.log" 2>&1 ||
    cannot "the package lists of Debian experimental and unstable cannot be read ($(tail -n 1 "$folder/update.log"))"

# versions PACKAGE: newest first
versions() {
    apt apt-cache madison "$1" | awk -F'|' '{ gsub(/ /, "", $2); print $2 }' | sort -u >"$folder/versions"
    # dpkg knows the order of Debian versions; few lines, so the simplest sort will do.
    while [ -s "$folder/versions" ]; do
        best=
        while read -r v; do
            if [ -z "$best" ] || dpkg --compare-versions "$v" gt "$best"; then best=$v; fi
        done <"$folder/versions"
        echo "$best"
        grep -vxF "$best" "$folder/versions" >"$folder/versions.rest" || :
        mv "$folder/versions.rest" "$folder/versions"
    done
}

# fetch PACKAGE VERSION ROOT: download and unpack, nothing is installed
fetch() {
    file=$folder/debs/$1_$2.deb
    if [ ! -s "$file" ]; then
        (cd "$folder/cache" && rm -f ./*.deb && apt apt-get download "$1=$2" >"$folder/download.log" 2>&1 &&
            mv ./*.deb "$file") || return 1
    fi
    dpkg -x "$file" "$3"
}

tried=
for runtime in $(versions libamdhip64-dev); do
    release=${runtime%%[-+~]*} # 7.2.4
    # The device libraries are bitcode: this clang reads its own major version's and older ones'.
    for older in 0 1 2 3; do
        libraries=rocm-device-libs-$((major - older))
        for library in $(versions "$libraries"); do
            for tools in $(versions hipcc); do # has hip_version.h
                [ "${tools%%.*}" = "${release%%.*}" ] || continue
                root=$folder/root-$runtime-$library
                rm -rf "$root"
                mkdir -p "$root"
                tried="$tried $runtime"
                fetch libamdhip64-dev "$runtime" "$root" || continue
                fetch "$libraries" "$library" "$root" || continue
                fetch hipcc "$tools" "$root" || continue
                bitcode=$(find "$root" -name ocml.bc -print | head -n 1)
                [ -n "$bitcode" ] || continue
                # shellcheck disable=SC2086
                if works "$clang" $device_only --rocm-path="$root/usr" -isystem "$root/usr/include" \
                    --rocm-device-lib-path="${bitcode%/*}"; then
                    take "HIP $release, $libraries $library" "$clang" $device_only --rocm-path="$root/usr" \
                        -isystem "$root/usr/include" --rocm-device-lib-path="${bitcode%/*}"
                fi
            done
        done
    done
done
if [ -n "$tried" ]; then
    tail -n 5 "$folder/probe.log" >&2 2>/dev/null || :
    cannot "none of the versions offered compiles a small kernel with $clang (tried:$tried)"
fi
cannot "Debian experimental and unstable offer no HIP headers with device libraries for clang $major"
