#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fetches the newest ggml HIP backend that Debian ships, with the C library it was built against, and prints where things
# are, a path a line: the loader, the folder of its libraries, the backend.
#
#   subjects/ggml/debian.sh FOLDER
#
# Packages are downloaded from unstable and experimental with a configuration and package lists of their own and unpacked
# into FOLDER. Nothing is installed and the machine's apt stays as it was. What was fetched within a day is taken as
# it is; without a network an older one is, too.
#
# Exit code 0: printed; 77: cannot be had here, the reason is on stderr.
set -eu
folder=${1:?usage: subjects/ggml/debian.sh FOLDER}

cannot() {
    if [ -s "$folder/current" ] && [ -d "$(cat "$folder/current")" ]; then
        printf 'ggml-debian: %s; taking what was fetched before\n' "$*" >&2
        answer
    fi
    printf 'ggml-debian: %s\n' "$*" >&2
    exit 77
}
answer() {
    root=$(cat "$folder/current")
    libraries=$root/usr/lib/x86_64-linux-gnu
    printf '%s\n' "$libraries/ld-linux-x86-64.so.2" "$libraries" "$(find "$libraries/ggml" -name libggml-hip.so | head -n 1)"
    exit 0
}

mkdir -p "$folder" || { echo "ggml-debian: the folder $folder cannot be made" >&2; exit 77; }
folder=$(cd "$folder" && pwd)
[ "$(uname -m)" = x86_64 ] || cannot "the package is for x86-64"
for tool in apt-get apt-cache dpkg; do
    command -v $tool >/dev/null 2>&1 || cannot "no $tool to fetch packages with"
done
if [ -s "$folder/current" ] && [ -n "$(find "$folder/current" -mmin -1440)" ] && [ -d "$(cat "$folder/current")" ]; then answer; fi

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

# newest PACKAGE: its newest version
newest() {
    best=
    for v in $(apt apt-cache madison "$1" | awk -F'|' '{ gsub(/ /, "", $2); print $2 }'); do
        if [ -z "$best" ] || dpkg --compare-versions "$v" gt "$best"; then best=$v; fi
    done
    echo "$best"
}

version=$(newest libggml0-backend-hip)
[ -n "$version" ] || cannot "Debian experimental and unstable offer no libggml0-backend-hip"
root=$folder/root-$version
if [ ! -s "$root.complete" ]; then
    rm -rf "$root"
    mkdir -p "$root"
    # The backend, ggml, its headers, and the C and C++ libraries that they were linked against.
    for package in "libggml0-backend-hip=$version" "libggml0=$version" "libggml-dev=$version" libc6 libstdc++6 libgcc-s1 \
        libgomp1; do
        case $package in
        *=*) ;;
        *) package=$package=$(newest "$package") ;;
        esac
        file=$folder/debs/$package.deb
        if [ ! -s "$file" ]; then
            (cd "$folder/cache" && rm -f ./*.deb && apt apt-get download "$package" >"$folder/download.log" 2>&1 &&
                mv ./*.deb "$file") || cannot "$package cannot be downloaded ($(tail -n 1 "$folder/download.log"))"
        fi
        dpkg -x "$file" "$root" || cannot "$package cannot be unpacked into $root"
    done
    [ -n "$(find "$root/usr/lib/x86_64-linux-gnu/ggml" -name libggml-hip.so)" ] ||
        cannot "libggml0-backend-hip $version holds no libggml-hip.so"
    echo "$version" >"$root.complete"
fi
echo "$root" >"$folder/current"
answer
