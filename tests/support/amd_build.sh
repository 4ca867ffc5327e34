#!/bin/sh
# SPDX-License-Identifier: MIT
#
# amd_build.sh FOLDER: the hip backend for AMD GPUs, as a project of its own, built in FOLDER by whichever of the
# tests that need it comes first. All AMD rows of the device table take a third of an hour of a core: a run builds for
# a third of them, by turns (share.py), of waves of 32 and of 64; a long run builds for all. Prints the targets, one a
# line. Exit code 77: it cannot be built here, the reason is on stderr.
set -eu
folder=${1:?usage: amd_build.sh FOLDER}
here=$(cd "$(dirname "$0")/../.." && pwd)
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
mkdir -p "$folder/amd"
sh "$here/kernels/amd-toolchain.sh" "$folder/amd/toolchain" >/dev/null || exit $? # 77 with its reason

all=$(sed -n 's/^ *X(\(gfx[0-9a-f]*\), .*/\1/p' "$here/planner/tables.h")
[ "$(echo "$all" | wc -w)" -ge 10 ] || { echo "FAILED: the device table's AMD rows are not found" >&2; exit 1; }
# shellcheck disable=SC2086 # words without spaces
targets=$(python3 "$here/tests/support/share.py" 3 $all)

if ! cmake -S "$here/kernels/hip" -B "$folder" -G Ninja -DATTN_GPU=hip -DCMAKE_C_COMPILER="${CC:-clang}" \
    -DCMAKE_CXX_COMPILER="${CXX:-clang++}" -DATTN_AMD_TARGETS="$(echo $targets | tr ' ' ';')" \
    >"$folder/configure.log" 2>&1; then
    tail -n 20 "$folder/configure.log" >&2
    if grep -q 'clang-offload-bundler is missing' "$folder/configure.log"; then exit 77; fi
    exit 1
fi
if ! cmake --build "$folder" -j "$jobs" >"$folder/build.log" 2>&1; then
    grep -v '^\[' "$folder/build.log" | head -n 60 >&2
    echo "FAILED: the hip backend does not compile for AMD GPUs" >&2
    exit 1
fi
echo "$targets"
