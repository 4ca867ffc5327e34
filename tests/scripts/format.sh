#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every file of C, C++ and kernels is as .clang-format says, by the version of clang-format that it is written for:
# others differ in details.
set -eu
version=22
cd "$(dirname "$0")/../.."
tool=
for name in clang-format-$version clang-format; do
    if command -v $name >/dev/null 2>&1 && $name --version | grep -q "version $version\."; then
        tool=$name
        break
    fi
done
[ -n "$tool" ] || { echo "skipped: clang-format $version is not on this machine"; exit 77; }

files=$(find planner reference code kernels isa subjects fuzz cli include tests -name '*.[ch]' -o -name '*.cc' \
    -o -name '*.hip' 2>/dev/null | sort)
[ "$(echo "$files" | wc -l)" -gt 200 ] || { echo "FAILED: the files are not found"; exit 1; }
# It must be able to fail.
if printf 'int f(void){return 1 ;}\n' | $tool --assume-filename=planner/f.c --dry-run --Werror 2>/dev/null; then
    echo "FAILED: $tool takes anything"
    exit 1
fi
# shellcheck disable=SC2086 # paths without spaces
$tool --dry-run --Werror $files || { echo "FAILED: $tool -i FILE puts it right"; exit 1; }
echo "$(echo "$files" | wc -l) files are as .clang-format says"
