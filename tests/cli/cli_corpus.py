#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole corpus: planned on every device, run by every able kernel (past the work limit sampled), naive needed
nowhere else than where corpus/naive.txt says so."""

import glob
import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import SOURCE, Case  # noqa: E402

WORK_LIMIT = 20_000_000
LIMIT_S = 3000


def work(line):
    """Multiply-adds by the design's formula, read off the line's text."""
    q = [int(x) for x in re.search(r" q=\w+\[([\d,]+)\]", line).group(1).split(",")]
    v = [int(x) for x in re.search(r" v=\w+\[([\d,]+)\]", line).group(1).split(",")]
    return q[1] * v[1] * q[2] * q[3] * (q[0] + v[0])


class Corpus(Case):
    def test_replay(self):
        lines, sessions = {}, {}
        for path in glob.glob(os.path.join(SOURCE, "corpus", "**", "*.txt"), recursive=True):
            name = os.path.relpath(path, SOURCE)
            with open(path, encoding="ascii") as f:
                text = f.readlines()
            lines.update({f"{name}:{i}": line for i, line in enumerate(text, 1) if line.startswith("fa1 ")})
            begins = [i for i, line in enumerate(text, 1) if line.startswith("session ")]
            sessions[name] = sessions.get(name, 0) + len(begins)
        self.assertGreater(len(lines), 5000)
        path = self.path("run.json")
        result = self.good("run", "--json", path, "corpus", limit_s=LIMIT_S)
        print(result.out)
        with open(path) as f:
            r = json.load(f)
        small = [at for at, line in lines.items() if work(line) <= WORK_LIMIT]
        n = sum(sessions.values())
        played = r["ran"] - r["sampled"] - len(small)
        self.assertGreater(sessions["corpus/sessions/small.txt"], 5)
        self.assertEqual(r["problems"], len(lines) + n)
        self.assertEqual(r["failed"], 0)
        # Nothing is skipped. Every line within the work limit is run whole, and every small session but two, of which a
        # step is beyond it; of the others as much as is allowed.
        self.assertEqual((r["ran"], r["skipped"]), (r["problems"], 0), r["skipped_for"])
        self.assertGreaterEqual(r["sampled"], len(lines) - len(small))
        self.assertEqual((r["blind"], r["suspect"]), (0, 0), r["doubts"][:5])
        self.assertGreaterEqual(played, sessions["corpus/sessions/small.txt"] - 2)
        self.assertLess(played, n)
        for kernel, total in r["by_kernel"].items():
            self.assertEqual(total["missed"], 0, f"{kernel} was able where it was not run")
            self.assertGreater(total["ran"], 0)
            self.assertLessEqual(total["worst"], 1)
        # A sampled line's limit is a kernel's: one block of the slowest kernel can be past what the others stay within.
        beyond = r["ran"] - r["by_kernel"]["naive"]["ran"]
        self.assertLessEqual(beyond, r["sampled"] // 100, "naive is able for every line and session")
        self.assertTrue(all(r["by_device"].values()), r["by_device"])
        listed = sorted(at for at in lines if at.startswith("corpus/naive.txt:"))
        self.assertEqual(sorted(r["needs_naive"]), listed)


if __name__ == "__main__":
    unittest.main()
