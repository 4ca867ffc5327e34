#!/bin/sh
# SPDX-License-Identifier: MIT
# Each fuzz target runs a few seconds from an empty corpus and finds nothing; its statistics are JSON; the replay
# program runs what the engine kept.
set -eu
[ -x "$ATTN_BIN/fuzz_kernel" ] || { echo "skipped: this configuration has no engine"; exit 77; }
"$ATTN_BIN/fuzz_kernel" -help=1 2>&1 | grep max_total_time >/dev/null ||
    { echo "skipped: the engine is not libFuzzer"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
targets="$ATTN_SOURCE/fuzz/targets/targets.txt"
export ATTN_AMD="${ATTN_AMD:-$ATTN_BUILD/gpu/bin/attn_amd.so}"
for target in $(awk '/^[a-z]/ { print $1 }' "$targets"); do
    if [ "$(awk -v target="$target" '$1 == target { print $7 }' "$targets")" = amd ] && [ ! -e "$ATTN_AMD" ]; then
        echo "$target: left out, there is no machine code"
        continue
    fi
    mkdir "$work/$target"
    dict=
    if [ "$(awk -v target="$target" '$1 == target { print $6 }' "$targets")" = words ]; then
        dict="-dict=$ATTN_BIN/$target.dict"
        [ "$(wc -l <"$ATTN_BIN/$target.dict")" -ge 100 ] || { echo "$target.dict has fewer than 100 words"; exit 1; }
    fi
    ATTNFUZZ_STATS="$work/$target.json" "$ATTN_BIN/$target" -seed=1 -max_total_time=4 -artifact_prefix="$work/" $dict \
        "$work/$target" 2>"$work/log" || { cat "$work/log"; exit 1; }
    python3 -c 'if True:
        import json, sys
        s = json.load(open(sys.argv[1]))
        assert s["target"] == sys.argv[2] and s["executions"] > 0, s
        print(s["target"], s["executions"], "executions,", s["plans"], "plans")' "$work/$target.json" "$target"
    "$ATTN_BIN/$target-replay" "$work/$target" 2>&1 | tail -n 1
done
# A file without a row would be built and run by nobody.
for file in "$ATTN_SOURCE"/fuzz/targets/fuzz_*.c; do
    grep -q "^$(basename "$file" .c) " "$targets" || { echo "$file has no row in targets.txt"; exit 1; }
done
