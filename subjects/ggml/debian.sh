#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fetches the newest ggml HIP backend that Debian ships, with the C library it was built against, and prints where
# things are, a path a line: the loader, the folder of its libraries, the backend, the folder of the CPU's backends.
#
#   subjects/ggml/debian.sh FOLDER
#
# Packages come from unstable and experimental and are unpacked into FOLDER (scripts/debian-packages.sh). What was
# fetched within a day is taken as it is; without a network an older one is, too.
#
# The command carries this text, behind that of scripts/debian-packages.sh (cli/CMakeLists.txt).
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
    printf '%s\n' "$libraries/ld-linux-x86-64.so.2" "$libraries" \
        "$(find "$libraries/ggml" -name libggml-hip.so | head -n 1)" \
        "$(dirname "$(find "$libraries/ggml" -name 'libggml-cpu*.so' | head -n 1)")"
    exit 0
}

mkdir -p "$folder" || { echo "ggml-debian: the folder $folder cannot be made" >&2; exit 77; }
folder=$(cd "$folder" && pwd)
[ "$(uname -m)" = x86_64 ] || cannot "the package is for x86-64"
# One at a time: of two that fetch one would remove what the other unpacks. Let go where this shell ends.
if command -v flock >/dev/null 2>&1 && (true >>"$folder/lock") 2>/dev/null; then
    exec 9>>"$folder/lock"
    flock 9
fi
if [ -s "$folder/current" ] && [ -n "$(find "$folder/current" -mmin -1440)" ] && [ -d "$(cat "$folder/current")" ]; then
    answer
fi
if ! command -v debian_open >/dev/null 2>&1; then
    # shellcheck source=scripts/debian-packages.sh
    . "$(dirname "$0")/../../scripts/debian-packages.sh"
fi
debian_open "$folder" ""
newest() { debian_versions "$1" | head -n 1; }

version=$(newest libggml0-backend-hip)
[ -n "$version" ] || cannot "Debian experimental and unstable offer no libggml0-backend-hip"
root=$folder/root-$version
if [ ! -s "$root.complete" ]; then
    rm -rf "$root"
    mkdir -p "$root"
    # The backend, ggml, its headers, and the C and C++ libraries that they were linked against.
    for package in libggml0-backend-hip libggml0 libggml-dev libc6 libstdc++6 libgcc-s1 libgomp1; do
        case $package in
        libggml*) wanted=$version ;;
        *) wanted=$(newest $package) ;;
        esac
        debian_fetch $package "$wanted" "$root" ||
            cannot "$package=$wanted cannot be had ($(tail -n 1 "$folder/download.log"))"
    done
    [ -n "$(find "$root/usr/lib/x86_64-linux-gnu/ggml" -name libggml-hip.so)" ] ||
        cannot "libggml0-backend-hip $version holds no libggml-hip.so"
    echo "$version" >"$root.complete"
fi
echo "$root" >"$folder/current"
answer
