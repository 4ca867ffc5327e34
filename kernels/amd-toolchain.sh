#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Finds, or fetches, what compiling the kernels for AMD GPUs needs, and prints the compiler's command line, one word
# a line, to which --offload-arch=, -o and the source are added.
#
#   kernels/amd-toolchain.sh FOLDER
#
# 1. A ROCm on the machine (ROCM_PATH, else /opt/rocm) with its own clang.
# 2. On Debian: HIP's headers and device libraries from unstable or experimental, beside the clang given in CXX
#    (scripts/debian-packages.sh: unpacked into FOLDER, nothing is installed). Debian 12's own ROCm is too old for the
#    compiler. Those suites move on, so every version they have is tried, newest first, and the first that compiles a
#    small kernel is taken.
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

major=$("$clang" -dumpversion 2>/dev/null | cut -d. -f1) || cannot "no compiler '$clang'"
[ -n "$major" ] || cannot "no compiler '$clang'"

# shellcheck source=scripts/debian-packages.sh
. "$(dirname "$0")/../scripts/debian-packages.sh"
debian_open "$folder" "no ROCm in $rocm, and "

tried=
for runtime in $(debian_versions libamdhip64-dev); do
    release=${runtime%%[-+~]*} # 7.2.4
    # The device libraries are bitcode: this clang reads its own major version's and older ones'.
    for older in 0 1 2 3; do
        libraries=rocm-device-libs-$((major - older))
        for library in $(debian_versions "$libraries"); do
            for tools in $(debian_versions hipcc); do # has hip_version.h
                [ "${tools%%.*}" = "${release%%.*}" ] || continue
                root=$folder/root-$runtime-$library
                rm -rf "$root"
                mkdir -p "$root"
                tried="$tried $runtime"
                debian_fetch libamdhip64-dev "$runtime" "$root" || continue
                debian_fetch "$libraries" "$library" "$root" || continue
                debian_fetch hipcc "$tools" "$root" || continue
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
