#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fetches CBMC and the SAT solver CaDiCaL as Debian 13 ships them, with the C library that they were built against, and
# prints the folder that they are unpacked in. Nothing is installed. What was fetched once is kept.
#
#   proof/cbmc.sh FOLDER
#
# Exit code 0: printed; 77: cannot be had here, the reason is on stderr.
set -eu
folder=${1:?usage: proof/cbmc.sh FOLDER}

cannot() {
    printf 'cbmc: %s\n' "$*" >&2
    exit 77
}

mkdir -p "$folder" || cannot "the folder $folder cannot be made"
folder=$(cd "$folder" && pwd)
root=$folder/root
if [ ! -s "$root/complete" ]; then
    [ "$(uname -m)" = x86_64 ] || cannot "the packages are for x86-64"
    # shellcheck source=scripts/debian-packages.sh
    . "$(dirname "$0")/../scripts/debian-packages.sh"
    debian_open "$folder" "" trixie
    rm -rf "$root"
    mkdir -p "$root"
    for package in cbmc minisat cadical libc6 libstdc++6 libgcc-s1 zlib1g; do
        version=$(debian_versions $package | head -n 1)
        [ -n "$version" ] || cannot "Debian 13 offers no $package"
        debian_fetch $package "$version" "$root" ||
            cannot "$package=$version cannot be had ($(tail -n 1 "$folder/download.log"))"
    done
    "$root/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" \
        --library-path "$root/usr/lib/x86_64-linux-gnu:$root/usr/lib" "$root/usr/bin/cbmc" --version \
        >"$folder/version" 2>&1 || cannot "cbmc does not start ($(tail -n 1 "$folder/version"))"
    cp "$folder/version" "$root/complete"
fi
echo "$root"
