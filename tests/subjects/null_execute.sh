#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A HIP program (null/compute.hip), compiled for AMD GPUs with HIP's own headers, computes on the null runtime under
# attnfuzz null-hip --execute: the right results on each device, variables and graphs too; an access beyond its memory
# is named with the instruction and is an error. Without the switch nothing computes.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=${ATTN_BUILD:-$here/build/asan}
toolchain=$build/gpu/amd/toolchain
work=$build/null-execute
mkdir -p "$work" "$toolchain"
failed() { echo "FAILED: $*"; exit 1; }

sh "$here/kernels/amd-toolchain.sh" "$toolchain" >"$work/words" || exit $? # 77 with its reason: skipped
words=$(grep -vE '^(--cuda-device-only|--no-gpu-bundle-output|-O2)$' "$work/words")
major=$(grep -rhoE '#define HIP_VERSION_MAJOR [0-9]+' \
    $(printf '%s\n' "$words" | sed -n 's/^--rocm-path=\(.*\)/\1\/include/p') | head -n 1 | grep -oE '[0-9]+$')
if [ ! -x "$work/program" ] || [ "$here/tests/subjects/null/compute.hip" -nt "$work/program" ]; then
    # shellcheck disable=SC2086
    $words -O1 -Wall -Wextra -Werror --offload-arch=gfx90a --offload-arch=gfx1100 --offload-arch=gfx1201 \
        -o "$work/program.o" "$here/tests/subjects/null/compute.hip"
    ${CXX:-clang++} "$work/program.o" -L"$build/lib/attnfuzz-null" -l:"libamdhip64.so.$major" -o "$work/program.new"
    mv "$work/program.new" "$work/program"
fi

"$ATTNFUZZ" null-hip --execute --device gfx90a,gfx1100,gfx1201 --out "$work/launches" -- "$work/program" \
    >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err"; failed "the program ended with $?"; }
for device in gfx90a gfx1100 gfx1201; do
    cat <<TEXT
$device
add with 2.5: 0 of 1000 wrong
add with -3: 0 of 1000 wrong
after a graph twice: c[0] is -9
sum 301476, threads seen 256
bins right
TEXT
done >"$work/want"
diff "$work/want" "$work/out" || failed "it computed something else"
grep -q '^18 launches, 0 calls refused, status 0$' "$work/launches" || failed "its launches are not as it made them"
echo "ok: three devices, 18 launches, everything as it should be"

"$ATTNFUZZ" null-hip --execute --device gfx90a,gfx1201 --out /dev/null -- "$work/program" beyond >"$work/out" \
    2>"$work/err"
[ "$(grep -c '^beyond: hipErrorIllegalAddress$' "$work/out")" = 2 ] || { cat "$work/out"; failed "no error of it"; }
grep -q 'on gfx90a: global_bounds: .* lane 16, .*global_store_dword' "$work/err" || failed "gfx90a's is not named"
grep -q 'on gfx1201: global_bounds: .* lane 16, .*global_store_b32' "$work/err" || failed "gfx1201's is not named"
echo "ok: a store beyond its memory is named"

"$ATTNFUZZ" null-hip --device gfx90a --out /dev/null -- "$work/program" >"$work/out" 2>"$work/err" || :
! grep -q '^bins right' "$work/out" || failed "it computes without the switch"
echo "ok: without the switch nothing computes"
