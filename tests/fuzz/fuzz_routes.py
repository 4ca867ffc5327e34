#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fuzz_kernel, from an empty corpus, reaches every class of every trait of a route (fuzz/properties/route.h) in a few
thousand executions: more than 128 splits, scans of many workgroups, every set of regions of the workspace. Few of them
do not, and then the statistics say so. What it runs without checks of accesses is a part; a replay checks all, and runs
every able kernel."""

import json
import os
import subprocess
import sys
import tempfile

BIN = os.environ["ATTN_BIN"]
FEW, MANY, REPLAYED = 100, 4000, 40


def run(program, folder, *arguments):
    """The statistics of one process."""
    path = os.path.join(folder, "stats.json")
    done = subprocess.run([os.path.join(BIN, program), *arguments], cwd=folder, capture_output=True, text=True,
                          errors="replace", env=dict(os.environ, ATTNFUZZ_STATS=path))
    if done.returncode:
        sys.exit("%s %s ended with %d\n%s" % (program, " ".join(arguments), done.returncode, done.stderr[-3000:]))
    with open(path) as f:
        return json.load(f)


def fuzz(folder, runs, *more):
    return run("fuzz_kernel", folder, "-seed=1", "-max_len=96", "-rss_limit_mb=0", "-runs=%d" % runs, *more)


def main():
    if not os.path.exists(BIN + "/fuzz_kernel"):
        print("skipped: this configuration has no engine")
        return 77
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        corpus = os.path.join(folder, "corpus")
        os.mkdir(corpus)
        few = fuzz(folder, FEW, corpus)
        if "splits.8" not in few["unreached"]:
            wrong.append("%d executions reached more than 128 splits: the statistics say nothing" % FEW)
        for name in sorted(os.listdir(corpus))[REPLAYED:]:
            os.remove(os.path.join(corpus, name))
        replay = run("fuzz_kernel-replay", folder, corpus)
        if replay["unchecked"] or replay["checked"] < 1.5 * replay["problems"]:
            wrong.append("a replay of %d problems ran kernels %d times with checks and %d without"
                         % (replay["problems"], replay["checked"], replay["unchecked"]))
        many = fuzz(folder, MANY)
        if many["unreached"]:
            wrong.append("not reached in %d executions: %s" % (MANY, " ".join(many["unreached"])))
        if not 0 < many["unchecked"] < many["checked"]:
            wrong.append("%d runs with checks, %d without" % (many["checked"], many["unchecked"]))
        print("%d executions: %d runs with all checks, %d without; classes reached: all but %d; in %d all but %d"
              % (MANY, many["checked"], many["unchecked"], len(many["unreached"]), FEW, len(few["unreached"])))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
