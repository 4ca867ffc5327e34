#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fuzz_kernel, from an empty corpus, reaches every class of every trait of a route (fuzz/properties/route.h) in a few
thousand executions: more than 128 splits, scans of many workgroups, every set of regions of the workspace. Few of them
do not, and then the statistics say so. What it runs without checks of accesses is a part; a replay checks all, and runs
every able kernel. Long sessions reach what short ones cannot: more than 64 splits, scans of many workgroups."""

import json
import os
import random
import subprocess
import sys
import tempfile

BIN = os.environ["ATTN_BIN"]
FEW, MANY, REPLAYED = 100, 2500, 40
SEEDS = (1, 2)
# K converted and V not, a scan and no split: a quantised K beside a V of 16 bits, both too small to be drawn often.
RARE = {"regions.5"}
# Inputs of fuzz_session that ask for a long session (fuzz/session/bytes.c), and what some of them must reach.
LONG, LONG_REACH = 96, {"splits.5", "splits.6", "splits.7", "scan.3", "work.7"}


def run(program, folder, *arguments):
    """The statistics of one process."""
    path = os.path.join(folder, "stats.json")
    done = subprocess.run([os.path.join(BIN, program), *arguments], cwd=folder, capture_output=True, text=True,
                          errors="replace", env=dict(os.environ, ATTNFUZZ_STATS=path))
    if done.returncode:
        sys.exit("%s %s ended with %d\n%s" % (program, " ".join(arguments), done.returncode, done.stderr[-3000:]))
    with open(path) as f:
        return json.load(f)


def fuzz(folder, seed, runs, *more):
    return run("fuzz_kernel", folder, "-seed=%d" % seed, "-max_len=96", "-rss_limit_mb=0", "-runs=%d" % runs, *more)


def play_long(folder):
    """The statistics of long sessions, few of whose features are on."""
    draw, names = random.Random(5), []
    for i in range(LONG):
        data = bytearray(draw.getrandbits(8) for _ in range(32 + 4 * 6))
        for at in range(3):
            data[at] &= draw.getrandbits(8) & draw.getrandbits(8)
        data[3] = 63
        names.append(os.path.join(folder, "long%d" % i))
        with open(names[-1], "wb") as f:
            f.write(data)
    return run("fuzz_session", folder, *names)


def main():
    if not os.path.exists(BIN + "/fuzz_kernel"):
        print("skipped: this configuration has no engine")
        return 77
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        corpus = os.path.join(folder, "corpus")
        os.mkdir(corpus)
        few = fuzz(folder, 1, FEW, corpus)
        if "splits.8" not in few["unreached"]:
            wrong.append("%d executions reached more than 128 splits: the statistics say nothing" % FEW)
        for name in sorted(os.listdir(corpus))[REPLAYED:]:
            os.remove(os.path.join(corpus, name))
        replay = run("fuzz_kernel-replay", folder, corpus)
        if replay["unchecked"] or replay["checked"] < 1.5 * replay["problems"]:
            wrong.append("a replay of %d problems ran kernels %d times with checks and %d without"
                         % (replay["problems"], replay["checked"], replay["unchecked"]))
        many = [fuzz(folder, seed, MANY) for seed in SEEDS]
        checked, unchecked = (sum(m[name] for m in many) for name in ("checked", "unchecked"))
        left = set.intersection(*(set(m["unreached"]) for m in many))
        if left - RARE:
            wrong.append("not reached in %d times %d executions: %s" % (len(many), MANY, " ".join(sorted(left - RARE))))
        if not 0 < unchecked < checked:
            wrong.append("%d runs with checks, %d without" % (checked, unchecked))
        played = play_long(folder)
        if LONG_REACH & set(played["unreached"]):
            wrong.append("long sessions do not reach " + " ".join(sorted(LONG_REACH & set(played["unreached"]))))
        print("%d times %d executions: %d runs with all checks, %d without; classes not reached: %s; after %d: %d"
              % (len(many), MANY, checked, unchecked, " ".join(sorted(left)) or "none", FEW, len(few["unreached"])))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
