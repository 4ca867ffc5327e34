#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The hip backend compiles and links for AMD rows of the device table (support/amd_build.sh: by turns), as a project
# of its own that needs no compiler for the host's kernels; every code object but those of the other wave size holds
# kernels. Then the objects' metadata is held against plans (support/amd_metadata.c), and must not stand when every
# plan's LDS is made wrong by one byte; and their instructions against the machine's table (isa/). The backend asks for
# AMD's runtime and for nothing else that a machine without a GPU lacks, and says so when it is loaded there.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
work=${ATTN_BUILD:-$here/build}/gpu

begun=$(date +%s)
targets=$(sh "$here/tests/support/amd_build.sh" "$work") || exit $? # 77 with its reason: skipped
echo "built in $(($(date +%s) - begun)) s"

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
    if "$ATTN_BIN/amd_metadata" --wrong-lds $bytes "$here/tests/kernels/amd_scratch.txt" $objects \
        >"$work/wrong-lds" 2>&1; then
        echo "FAILED: plans with LDS wrong by $bytes stand"
        exit 1
    fi
    grep 'bytes of static LDS, the plan says' "$work/wrong-lds" | head -n 1
done

# The machine that executes code objects on the CPU knows each of their instructions: those of a part of the functions,
# by turns.
part=$(python3 "$here/tests/support/share.py" 8)/8
[ -z "${ATTN_LONG:-}" ] || part=0/1
# shellcheck disable=SC2086
"$ATTN_BIN/isa_coverage" --share "$part" $objects

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
