#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A small HIP program (null/program.hip), compiled for AMD GPUs with HIP's own headers, runs on the null runtime: it
# sees the devices that were asked for, its launches are printed as it made them, and its exit status is the command's.
# The runtime's binary interface is held against the same headers.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=${ATTN_BUILD:-$here/build/asan}
libraries=$build/lib/attnfuzz-null
toolchain=$build/gpu/amd/toolchain
work=$build/null-program
mkdir -p "$work" "$toolchain"
failed() { echo "FAILED: $*"; exit 1; }

sh "$here/kernels/amd-toolchain.sh" "$toolchain" >"$work/words" || exit $? # 77 with its reason: skipped
# The same compiler and headers, for host and device together.
words=$(grep -vE '^(--cuda-device-only|--no-gpu-bundle-output|-O2)$' "$work/words")

# ---- The interface -----------------------------------------------------------------------------------------
sed '/^#ifdef __cplusplus/,/^#endif/d' "$here/subjects/null/entries.h" >"$work/entries.h"
sed -n 's/.*[ *]\(hip[A-Z][A-Za-z0-9]*\)(.*/\1/p; s/.*[ *]\(__hipP[a-z]*CallConfiguration\)(.*/\1/p' \
    "$work/entries.h" | sort -u >"$work/names"
sed -n 's/^ENTRY_AS(\([A-Za-z0-9]*\),.*/\1/p' "$here/tests/subjects/null/abi.cc" >"$work/overloaded"
grep -vxFf "$work/overloaded" "$work/names" | sed 's/.*/ENTRY(&)/' >"$work/entries.inc"
n=$(grep -c . "$work/names")
[ "$n" -ge 140 ] || failed "only $n entry points are found in subjects/null/entries.h"
# shellcheck disable=SC2046 # words without spaces, one a line
${CXX:-clang++} -std=c++17 -fsyntax-only -Wall -Wextra -Werror -Wno-deprecated-declarations -Wno-invalid-offsetof \
    $(printf '%s\n' "$words" | grep -A1 -x -e -isystem) -I"$here" -DPLAIN_ENTRIES="\"$work/entries.h\"" \
    -DENTRIES="\"$work/entries.inc\"" "$here/tests/subjects/null/abi.cc" || failed "the interface is not HIP's"
echo "ok: $n entry points and their structures are as in HIP's headers"

# ---- The program -------------------------------------------------------------------------------------------
major=$(grep -rhoE '#define HIP_VERSION_MAJOR [0-9]+' \
    $(printf '%s\n' "$words" | sed -n 's/^--rocm-path=\(.*\)/\1\/include/p') | head -n 1 | grep -oE '[0-9]+$')
if [ ! -x "$work/program" ] || [ "$here/tests/subjects/null/program.hip" -nt "$work/program" ]; then
    # shellcheck disable=SC2086
    $words -O1 -Wall -Wextra -Werror --offload-arch=gfx90a --offload-arch=gfx1100 -o "$work/program.o" \
        "$here/tests/subjects/null/program.hip"
    ${CXX:-clang++} "$work/program.o" -L"$libraries" -l:"libamdhip64.so.$major" -o "$work/program.new"
    mv "$work/program.new" "$work/program"
fi
run() { # EXPECTED_STATUS ARGUMENT...
    want=$1
    shift
    status=0
    "$ATTNFUZZ" null-hip "$@" >"$work/out" 2>"$work/err" || status=$?
    [ $status = "$want" ] || { cat "$work/out" "$work/err"; failed "status $status, not $want: null-hip $*"; }
}
run 5 --device gfx1100,gfx90a -- "$work/program"
sed 's/stream 0x[0-9a-f]*/stream S/' "$work/out" >"$work/plain"
cat >"$work/want" <<'TEXT'
gfx1100 wave 32 static LDS 512 threads 128
x[5] is 5, time known
too many threads: hipErrorLaunchFailure
ipc: hipErrorNotSupported
gfx90a:sramecc+:xnack- wave 64 static LDS 512 threads 128
x[5] is 5, time known
too many threads: hipErrorLaunchFailure
ipc: hipErrorNotSupported
gfx1100 grid 2,3,1 block 128,1,1 lds 0 stream S: reverse(float*)
gfx1100 grid 1,1,1 block 32,2,1 lds 256 stream S: void shift<7>(float*, int)
gfx1100 grid 4,1,1 block 64,1,1 lds 512 stream S graph: void shift<9>(float*, int)
gfx1100 grid 4,1,1 block 64,1,1 lds 512 stream S graph: void shift<9>(float*, int)
gfx1100 grid 1,1,1 block 256,1,1 lds 0 stream S beyond: reverse(float*)
gfx90a grid 2,3,1 block 128,1,1 lds 0 stream S: reverse(float*)
gfx90a grid 1,1,1 block 32,2,1 lds 256 stream S: void shift<7>(float*, int)
gfx90a grid 4,1,1 block 64,1,1 lds 512 stream S graph: void shift<9>(float*, int)
gfx90a grid 4,1,1 block 64,1,1 lds 512 stream S graph: void shift<9>(float*, int)
gfx90a grid 1,1,1 block 256,1,1 lds 0 stream S beyond: reverse(float*)
10 launches, 2 calls refused, status 5
TEXT
diff "$work/want" "$work/plain" || failed "the output is another"
grep -q '^null-hip: hipIpcGetMemHandle: not provided' "$work/err" || failed "what is not provided is not named"
echo "ok: the program's launches are as it made them"

# ---- A device that its code is not for ---------------------------------------------------------------------
run 1 --device gfx942 --json --out "$work/json" -- "$work/program"
grep -q 'hipErrorNoBinaryForGpu' "$work/out" || failed "gfx942 has no code, and nothing says so"
grep -q '"launches":\[' "$work/json" || failed "no JSON"
echo "ok: a device without code is an error"
