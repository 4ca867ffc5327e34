#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The hip backend, compiled for every AMD GPU of the device table and run on the null HIP runtime, launches exactly what
# is planned: for 10,000 problems on each, every able kernel's launches, in order, with grid, block and LDS
# (support/amd_launches.c). What is expected is then made wrong in each of these, and must not stand.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=${ATTN_BUILD:-$here/build/asan}
work=$build/gpu # kernels_compile_for_amd.sh builds it there too: whoever comes second finds it built
libraries=$build/lib/attnfuzz-null
backend=${ATTN_HIP_SO:-} # one that is built already

if [ -z "$backend" ]; then
    backend=$work/bin/attn_hip.so
    mkdir -p "$work/amd"
    sh "$here/kernels/amd-toolchain.sh" "$work/amd/toolchain" >/dev/null || exit $? # 77 with its reason: skipped
    if ! { cmake -S "$here/kernels/hip" -B "$work" -G Ninja -DATTN_GPU=hip -DCMAKE_C_COMPILER="${CC:-clang}" \
        -DCMAKE_CXX_COMPILER="${CXX:-clang++}" && cmake --build "$work"; } >"$work/planned.log" 2>&1; then
        tail -n 40 "$work/planned.log"
        if grep -q 'clang-offload-bundler is missing' "$work/planned.log"; then exit 77; fi # skipped: that is the reason
        echo "FAILED: the hip backend does not compile for AMD GPUs"
        exit 1
    fi
fi
launches() { "$ATTN_BIN/amd_launches" "$@"; }
launches "$backend" "$libraries" 10000
for what in grid block lds order kernel; do
    status=0
    launches --wrong $what "$backend" "$libraries" 200 gfx942 >"$build/planned.wrong" || status=$?
    if [ $status != 1 ] || ! grep -q '^FAILED gfx942' "$build/planned.wrong"; then
        cat "$build/planned.wrong"
        echo "FAILED: with another $what than planned it still holds"
        exit 1
    fi
    echo "ok: another $what is found: $(head -n 1 "$build/planned.wrong")"
done
