#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The hip backend, compiled for AMD GPUs of the device table (support/amd_build.sh: by turns) and run on the null HIP
# runtime, launches exactly what is planned: for 10,000 problems on each, every able kernel's launches, in order, with
# grid, block and LDS (support/amd_launches.c). What is expected is then made wrong in each of these, and must not
# stand.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=${ATTN_BUILD:-$here/build/asan}
work=$build/gpu # kernels_compile_for_amd.sh builds it there too: whoever comes second finds it built
libraries=$build/lib/attnfuzz-null
backend=${ATTN_HIP_SO:-} # one that is built already

targets= # all that there are
if [ -z "$backend" ]; then
    backend=$work/bin/attn_hip.so
    targets=$(sh "$here/tests/support/amd_build.sh" "$work") || exit $? # 77 with its reason: skipped
fi
launches() { "$ATTN_BIN/amd_launches" "$@"; }
# shellcheck disable=SC2086 # words without spaces
launches "$backend" "$libraries" 10000 $targets
# One of them, whichever is there, for the mistakes.
target=$(echo "${targets:-gfx942}" | head -n 1)
for what in grid block lds order kernel; do
    status=0
    launches --wrong $what "$backend" "$libraries" 200 "$target" >"$build/planned.wrong" || status=$?
    if [ $status != 1 ] || ! grep -q "^FAILED $target" "$build/planned.wrong"; then
        cat "$build/planned.wrong"
        echo "FAILED: with another $what than planned it still holds"
        exit 1
    fi
    echo "ok: another $what is found: $(head -n 1 "$build/planned.wrong")"
done
