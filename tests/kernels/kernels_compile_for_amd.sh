#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The hip backend compiles and links for every AMD row of the device table, as a project of its own that needs no compiler
# for the host's kernels; every code object but those of the other wave size holds kernels. Then the objects' metadata is
# held against plans (support/amd_metadata.c), and must not stand when every plan's LDS is made wrong by one byte. The
# backend asks for AMD's runtime and for nothing else that a machine without a GPU lacks, and says so when it is loaded
# there.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
work=${ATTN_BUILD:-$here/build}/gpu
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
mkdir -p "$work"

sh "$here/kernels/amd-toolchain.sh" "$work/amd/toolchain" >"$work/words" || exit $? # 77 with its reason: skipped
major=$("${CXX:-clang++}" -dumpversion | cut -d. -f1)
found=
for tool in clang-offload-bundler "clang-offload-bundler-$major" "${ROCM_PATH:-/opt/rocm}/llvm/bin/clang-offload-bundler"; do
    command -v "$tool" >/dev/null 2>&1 && { found=$tool; break; }
done
[ -n "$found" ] || { echo "skipped: no clang-offload-bundler (Debian: clang-tools-$major)"; exit 77; }

begun=$(date +%s)
cmake -S "$here/kernels/hip" -B "$work" -G Ninja -DATTN_GPU=hip -DCMAKE_C_COMPILER="${CC:-clang}" \
    -DCMAKE_CXX_COMPILER="${CXX:-clang++}" >"$work/configure.log" 2>&1 || { tail -n 20 "$work/configure.log"; exit 1; }
cmake --build "$work" -j "$jobs" >"$work/build.log" 2>&1 || { grep -v '^\[' "$work/build.log" | head -n 60; exit 1; }
echo "built in $(($(date +%s) - begun)) s"

targets=$(sed -n 's/^ *X(\(gfx[0-9a-f]*\), .*/\1/p' "$here/planner/tables.h")
[ "$(echo "$targets" | wc -w)" -ge 10 ] || { echo "FAILED: the device table's AMD rows are not found"; exit 1; }
objects=
for target in $targets; do
    n=0
    for object in "$work/amd/$target"/*.o; do
        [ -e "$object" ] || { echo "FAILED: no code object for $target"; exit 1; }
        objects="$objects $object"
        n=$((n + 1))
    done
    echo "$target: $n code objects"
done

# shellcheck disable=SC2086 # paths of the build folder, without spaces, as everywhere here
"$ATTN_BIN/amd_metadata" "$here/tests/kernels/amd_scratch.txt" $objects
for bytes in 1 -1; do
    # shellcheck disable=SC2086
    if "$ATTN_BIN/amd_metadata" --wrong-lds $bytes "$here/tests/kernels/amd_scratch.txt" $objects >"$work/wrong-lds" 2>&1; then
        echo "FAILED: plans with LDS wrong by $bytes stand"
        exit 1
    fi
    grep 'bytes of static LDS, the plan says' "$work/wrong-lds" | head -n 1
done

# Beside the command, without AMD's runtime: one line that names it, and exit code 3.
if ldconfig -p 2>/dev/null | grep -q libamdhip64; then
    echo "AMD's runtime is on this machine: not tried without it"
    exit 0
fi
rm -rf "$work/beside"
mkdir "$work/beside"
cp "$ATTNFUZZ" "$work/beside/attnfuzz"
cp "$work/bin/attn_hip.so" "$work/beside/"
code=0
"$work/beside/attnfuzz" run --backend hip "$here/corpus/naive.txt" >"$work/beside/out" 2>&1 || code=$?
if [ $code != 3 ] || [ "$(wc -l <"$work/beside/out")" != 1 ] || ! grep -q 'libamdhip64' "$work/beside/out"; then
    echo "FAILED: without AMD's runtime exit code $code and:"
    cat "$work/beside/out"
    exit 1
fi
cat "$work/beside/out"
echo rubbish >"$work/beside/attn_hip.so"
code=0
"$work/beside/attnfuzz" run --backend hip "$here/corpus/naive.txt" >"$work/beside/out" 2>&1 || code=$?
if [ $code != 3 ] || ! grep -q 'cannot be loaded' "$work/beside/out"; then
    echo "FAILED: with a broken attn_hip.so exit code $code and:"
    cat "$work/beside/out"
    exit 1
fi
