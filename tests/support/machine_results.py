#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""machine_results.py ATTNFUZZ [SHARDS [GENERATED]]: what the kernels' machine code comes to on each target that
attn_amd.so has code for, as the section of docs/results.md that tests/zoo/results.sh takes from tests/isa/results.txt.
Of the corpus one line in SHARDS (default 64) and GENERATED problems (200) beside the executor of the source."""

import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(attnfuzz, *arguments):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        done = subprocess.run([attnfuzz, "run", "--json", out.name, *arguments], capture_output=True, text=True)
        if done.returncode > 1:
            sys.exit(done.stderr)
        return json.load(open(out.name))


def main():
    attnfuzz, shards, generated = (sys.argv[1:] + ["64", "200"][len(sys.argv) - 2:])[:3]
    listed = run(attnfuzz, "--backend", "amd:all", "--host-work", "0",
                 "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1]")
    targets = [name for name, n in listed["by_device"].items() if n]
    rows, problems, failed, unsupported = [], 0, 0, 0
    for number, target in enumerate(targets):
        backend = ("--backend", "amd:" + target)
        corpus = run(attnfuzz, *backend, "--host-work", "0", "--shard", "%d/%s" % (number + 1, shards),
                     os.path.join(SOURCE, "corpus"))
        drawn = run(attnfuzz, *backend, "--generate", generated, "--generate-work", "200000", "--seed", str(number + 1))
        problems += corpus["ran"] + drawn["ran"]
        failed += corpus["failed"] + drawn["failed"]
        unsupported += corpus["unsupported"] + drawn["unsupported"]
        for kernel in corpus["by_kernel"]:
            a, b = corpus["by_kernel"][kernel], drawn["by_kernel"][kernel]
            if a["ran"] + b["ran"]:
                rows.append((target, kernel, a["ran"] + b["ran"], max(a["worst"], b["worst"]), b["apart"],
                             100 * b["bits_equal"] / max(1, b["compared_components"])))
    print("\n## Machine code for AMD GPUs, executed on the CPU\n")
    print("Made by `tests/support/machine_results.py`. Of each target's kernels: problems run by it (one corpus line\n"
          "in %s of at most 2 M multiply-adds, and %s generated ones), the largest error in units of its bound, and\n"
          "how far the generated ones were from the executor of the source, in units of both bounds together;\n"
          "components with the same bits.\n" % (shards, generated))
    print("%d problems on %d targets: %d failed, %d unsupported.\n" % (problems, len(targets), failed, unsupported))
    print("| target | kernel | problems | worst of bound | apart | same bits |\n|---|---|---|---|---|---|")
    for row in rows:
        print("| %s | %s | %d | %.3g | %.3g | %.1f%% |" % row)


if __name__ == "__main__":
    main()
