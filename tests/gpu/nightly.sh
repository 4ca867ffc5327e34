#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The nightly validation: the corpus, the fuzzing inputs that are new since yesterday, and problems nobody has seen,
# generated from the date; one shard and one process for each GPU. Reports, failing lines and files to add to
# corpus/regress are in OUT. Exit code: the worst of attnfuzz run's.
set -eu

usage() {
    cat <<'TEXT'
usage: tests/gpu/nightly.sh [options] OUT

  --attnfuzz FILE   the command (default: build/bin/attnfuzz)
  --backend NAME    hip (default) or host
  --gpus N          shards, one a GPU (default: as many as nvidia-smi or rocminfo lists; host: 2)
  --corpus DIR      problem lines (default: corpus)
  --inputs DIR      fuzzing inputs to run as well; a folder that is not there or empty is none
  --generate N      problems to generate (default 20000)
  --seed S          of them (default: today's date, as YYYYMMDD)
TEXT
}

attnfuzz=build/bin/attnfuzz backend=hip gpus= inputs= corpus=corpus generate=20000 seed=$(date -u +%Y%m%d) out=
while [ $# -gt 0 ]; do
    case $1 in
    --attnfuzz | --backend | --gpus | --corpus | --inputs | --generate | --seed)
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        case $1 in
        --attnfuzz) attnfuzz=$2 ;;
        --backend) backend=$2 ;;
        --gpus) gpus=$2 ;;
        --corpus) corpus=$2 ;;
        --inputs) inputs=$2 ;;
        --generate) generate=$2 ;;
        --seed) seed=$2 ;;
        esac
        shift 2
        ;;
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) [ -z "$out" ] || { usage >&2; exit 2; }; out=$1; shift ;;
    esac
done
[ -n "$out" ] || { usage >&2; exit 2; }
[ -x "$attnfuzz" ] || { echo "nightly: $attnfuzz is not there" >&2; exit 3; }

count_gpus() {
    [ "$backend" != host ] || { echo 2; return; }
    if command -v nvidia-smi >/dev/null 2>&1; then
        nvidia-smi -L | grep -c '^GPU ' || :
    elif command -v rocminfo >/dev/null 2>&1; then
        rocminfo | grep -c '^ *Device Type: *GPU' || :
    else
        echo 1
    fi
}
[ -n "$gpus" ] || gpus=$(count_gpus)
case $gpus in '' | *[!0-9]* | 0*) echo "nightly: no GPU is listed (found: '$gpus')" >&2; exit 3 ;; esac

set --
[ -z "$inputs" ] || [ -z "$(ls -A "$inputs" 2>/dev/null)" ] || set -- --inputs "$inputs"
mkdir -p "$out"
echo "nightly: $gpus shards on $backend, $corpus${1:+, inputs of $inputs}, $generate generated problems of seed $seed"

pids=
i=1
while [ "$i" -le "$gpus" ]; do
    where=host
    [ "$backend" = host ] || where=$backend:$((i - 1))
    "$attnfuzz" run --strict --backend "$where" --jobs 1 --shard "$i/$gpus" --generate "$generate" --seed "$seed" "$@" \
        --timeout 120 --resume "$out/shard$i.journal" --json "$out/shard$i.json" --junit "$out/shard$i.xml" \
        --html "$out/shard$i.html" --failures "$out/shard$i.failures.txt" "$corpus" >"$out/shard$i.log" 2>&1 &
    pids="$pids $!"
    i=$((i + 1))
done
worst=0
i=1
for pid in $pids; do
    code=0
    wait "$pid" || code=$?
    echo "nightly: shard $i ended with $code: $(tail -n 1 "$out/shard$i.log")"
    # What lacks a GPU (3) or cannot read its input (2) is worse than what found something (1).
    [ $code -le $worst ] || worst=$code
    i=$((i + 1))
done
# A shard that could not begin has left none, one that was killed what it had found until then.
set --
for file in "$out"/shard*.failures.txt "$out"/shard*.failures.txt.part; do
    if [ -e "$file" ]; then set -- "$@" "$file"; fi
done
[ $# = 0 ] || python3 "$(dirname "$0")/regress.py" --out "$out/regress" "$@"
exit $worst
