#!/bin/sh
# SPDX-License-Identifier: MIT
# AFL++ itself, over targets built for it: its tools need no AFL_MAP_SIZE, an input that is run again is run in the same
# way (stability), the canary is found, one main process and a secondary work side by side and go on. A build of its own
# takes minutes: by turns, one commit in sixteen.
set -eu
if [ -z "${ATTN_LONG:-}" ] && [ "$(python3 "$ATTN_SOURCE/tests/support/share.py" 16)" != 0 ]; then
    echo "skipped: a build for AFL++ takes minutes; it is another commit's turn"
    exit 77
fi
command -v afl-fuzz >/dev/null || { echo "skipped: AFL++ is not installed"; exit 77; }
build=$ATTN_BUILD/afl
mkdir -p "$build"
for preset in afl plain; do
    options="-DATTN_SANITIZE=address,undefined -DATTN_ENGINE=afl"
    [ $preset = afl ] || options=
    # shellcheck disable=SC2086 # words
    cmake -S "$ATTN_SOURCE" -B "$build/$preset" -G Ninja -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
        -DATTN_TESTS=OFF $options >"$build/$preset.log" 2>&1 || { tail "$build/$preset.log"; exit 1; }
done
{ cmake --build "$build/afl" --target fuzz_canary fuzz_session fuzz_plan &&
    cmake --build "$build/plain" --target attnfuzz attn_afl_genome attn_afl_session; } >"$build/log" 2>&1 ||
    { tail -n 20 "$build/log"; exit 1; }

work=$(mktemp -d "$build/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/in"
printf abc >"$work/in/a"
printf '\0' >"$work/in/b"
cp "$work/in/a" "$work/in/c"
unset AFL_MAP_SIZE || :
export AFL_ALLOW_TMP=1 # where the tree may be, too
afl-cmin -m none -i "$work/in" -o "$work/out" -- "$build/afl/bin/fuzz_plan" - >"$work/log" 2>&1 ||
    { tail "$work/log"; echo "afl-cmin needs more than its arguments"; exit 1; }
[ "$(ls "$work/out" | wc -l)" -le 2 ] || { echo "afl-cmin keeps what is the same"; exit 1; }
afl-tmin -m none -i "$work/in/a" -o "$work/min" -- "$build/afl/bin/fuzz_plan" >"$work/log" 2>&1 ||
    { tail "$work/log"; echo "afl-tmin needs more than its arguments"; exit 1; }

fuzz() {
    python3 "$ATTN_SOURCE/scripts/fuzz/fuzz.py" --no-build --replay none --engine afl --jobs 2 --target fuzz_session \
        --build "$build" --work "$work/fuzz" --seconds "$1" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
}
fuzz 20
cat "$work/said"
stats=$work/fuzz/afl/fuzz_session/main/fuzzer_stats
stability=$(awk '$1 == "stability" { print int($3) }' "$stats")
[ "$stability" -ge 95 ] || { echo "fuzz_session is $stability% stable"; exit 1; }
[ -e "$work/fuzz/afl/fuzz_session/s2/fuzzer_stats" ] || { echo "there is no secondary"; exit 1; }
before=$(ls "$work/fuzz/afl/fuzz_session/main/queue" | wc -l)
fuzz 20 # a main process that goes on runs its queue first: on a busy machine longer than a few seconds
[ "$(ls "$work/fuzz/afl/fuzz_session/main/queue" | wc -l)" -ge "$before" ] || { echo "it does not go on"; exit 1; }

# ./dev corpus: libFuzzer's merge and afl-cmin over what was found.
mkdir -p "$build/asan"
ln -sfn "$ATTN_BIN" "$build/asan/bin"
python3 "$ATTN_SOURCE/scripts/fuzz/corpus.py" --no-build --build "$build" --work "$work/fuzz" >"$work/said" 2>&1 ||
    { cat "$work/said"; exit 1; }
grep 'fuzz_session: [0-9]* inputs.* to [0-9]*, [0-9]* of them by afl-cmin$' "$work/said" ||
    { cat "$work/said"; exit 1; }
