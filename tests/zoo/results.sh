#!/bin/sh
# SPDX-License-Identifier: MIT
# results.sh ATTNFUZZ >docs/results.md: the page again, out of what is kept here: results.txt (of faults), mutants.txt,
# mutants-results.txt, equivalent.txt, alive.txt (the draw, what came of it, which change nothing that can be told, why
# others live).
set -u
[ $# = 1 ] || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
list=$(mktemp -d)
trap 'rm -rf "$list"' EXIT
python3 "$here/weave.py" "$list/faults" --list >/dev/null || exit 1
mkdir "$list/mutants"
cat <<'END'
# Results

How soon known faults are found, what the machine code of the kernels comes to, and what shipped libraries show. Made by
`tests/zoo/results.sh` out of what `attnfuzz zoo` has left in `tests/zoo/`, `tests/support/machine_results.py` in
`tests/isa/`, and `results.txt` in `tests/subjects/` and `tests/gpu/`, which are written by hand.

## Faults

`target`: the fuzz target as it is; `raw`: libFuzzer without the mutator; `uniform`: random bytes, which the domain
makes problems of, under the same checks; `grid`: the cases of ggml's test-backend-ops, drawn in random order on devices
of the table, judged by its rule, a whole tensor's NMSE of at most 5e-4, with nothing watching what kernels access.
`none` rows have no fault planted. An empty cell has not been run; where fewer seeds have, it is the median of those.

END
"$1" zoo --build "$list/faults" --resume "$here/results.txt" --report --markdown
[ -e "$here/mutants.txt" ] && [ -e "$here/mutants-results.txt" ] || exit 0
cp "$here/mutants.txt" "$list/mutants/zoo.txt"
cat <<'END'

## Mutants

One comparison, constant, stride, barrier or guard of `planner/` and `kernels/` changed, 310 drawn by seed 1; two of
them lie in code that the host does not compile, and are left out, and 27 whose lines are others now are replaced by
as many that seed 2 draws, 14 of them in `kernels/vec/matrix.h` and `kernels/mma/ahead.h`; eight more that no longer
fit have been left out since, and 17 more replaced (`--mutants-again`, seeds 3 to 5; two of them, which lived, lie in
another file now, `kernels/mma/columns.h`). Each is looked for by the
targets that its file suits, 20 CPU seconds each, from an empty corpus. Which change nothing that can be told, and why,
is in `tests/zoo/equivalent.txt`. Those that are alive, and what all come to:

END
"$1" zoo --build "$list/mutants" --resume "$here/mutants-results.txt" --equivalent "$here/equivalent.txt" --seconds 20 \
    --seeds 1 --ways target --report --json >"$list/rows"
python3 - "$list/rows" "$list/mutants/zoo.txt" "$here/alive.txt" <<'END'
import json, sys
why = dict(line.rstrip("\n").split(" ", 1) for line in open(sys.argv[3]) if line.startswith("m"))
rows = [json.loads(line) for line in open(sys.argv[1])]
rows = [row for row in rows if row["number"] > 0 and "target" in row]
alive = [row for row in rows if not row["target"]["found"] and not row["equivalent"]]
same = [row for row in rows if not row["target"]["found"] and row["equivalent"]]
print("| mutant | change | reached | why it lives |\n|---|---|---|---|")
for row in alive:
    reached = "yes" if row["target"]["reached"] else "no"
    print("| %s | %s | %s | %s |" % (
        row["name"], row["what"].replace("|", "\\|"), reached, why.get(row["name"], "")))
died = len(rows) - len(alive) - len(same)
drawn = sum(not line.startswith(("#", "0\t")) for line in open(sys.argv[2]))
print("\n%d drawn, %d of them run: %d died, %d are equivalent, %d are alive: %.1f%% of those that are not equivalent "
      "die." % (
    drawn, len(rows), died, len(same), len(alive), 100 * died / max(1, died + len(alive))))
END
for part in isa subjects gpu; do
    [ ! -e "$here/../$part/results.txt" ] || cat "$here/../$part/results.txt"
done
