#!/bin/sh
# SPDX-License-Identifier: MIT
# Each fuzz target runs a few seconds from an empty corpus and finds nothing; its statistics are JSON; the replay
# program runs what the engine kept.
set -eu
[ -x "$ATTN_BIN/fuzz_kernel" ] || { echo "skipped: this configuration has no engine"; exit 77; }
"$ATTN_BIN/fuzz_kernel" -help=1 2>&1 | grep max_total_time >/dev/null || { echo "skipped: the engine is not libFuzzer"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for target in fuzz_plan fuzz_kernel fuzz_session fuzz_text fuzz_object; do
    mkdir "$work/$target"
    dict=
    [ $target = fuzz_text ] && dict="-dict=$ATTN_SOURCE/.clusterfuzzlite/fuzz_text.dict"
    ATTNFUZZ_STATS="$work/$target.json" "$ATTN_BIN/$target" -seed=1 -max_total_time=4 -artifact_prefix="$work/" $dict \
        "$work/$target" 2>"$work/log" || { cat "$work/log"; exit 1; }
    python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); assert s["executions"] > 0; print(s["target"], s["executions"], "executions,", s["plans"], "plans")' "$work/$target.json"
    "$ATTN_BIN/$target-replay" "$work/$target" 2>&1 | tail -n 1
done
