#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz diff: a subject is the same as itself; of two libraries that imitate ggml's HIP backend
(support/imitation_ggml.c), one with a planted fault, the change is found, shrunk, and worse in one direction only."""

import json
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import Case  # noqa: E402

LIBRARY = os.path.join(os.environ["ATTN_BUILD"], "lib", "imitation-hip.so")


class Own(Case):
    def test_the_same_planner_is_the_same(self):
        result = self.good("diff", "--subject", "own", "--subject", "own", "--calls", "20000")
        self.assertIn("0 worse, 0 others", result.out)

    def test_lines(self):
        line = "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1]"
        out = self.good("diff", "--subject", "own", "--subject", "own", line).out
        self.assertRegex(out, r"calls +\d+ \(1 problems\)")
        self.ends(2, "diff", "--subject", "own", "--subject", "own", "fa1 q=")

    def test_usage(self):
        self.assertIn("twice", self.ends(2, "diff", "--subject", "own").err)
        self.assertIn("twice", self.ends(2, "diff", *["--subject", "own"] * 3).err)
        self.assertIn("cannot be asked",
                      self.ends(2, "diff", "--subject", "own", "--subject", "ggml=" + self.path("none.so")).err)


@unittest.skipUnless(os.path.exists(LIBRARY), "there is no imitation of a library in this build")
class Faults(Case):
    def library(self, fault):
        path = self.path(f"imitation-fault-{fault}.so")
        shutil.copy(LIBRARY, path)
        return "ggml=" + path

    def diff(self, code, old, new):
        path = self.path("diff.json")
        self.ends(code, "diff", "--no-code", "--subject", self.library(old), "--subject", self.library(new), "--calls",
                  "60000", "--json", path, "--html", self.path("diff.html"))
        with open(path) as f:
            return json.load(f)

    def test_each_is_worse_one_way_only(self):
        for fault, word in (("silent", "silent"), ("abort", "abort"), ("grid", "unfit"), ("failed", "failed")):
            with self.subTest(fault):
                worse = [c for c in self.diff(1, "none", fault)["changes"] if c["worse"]]
                self.assertTrue(worse)
                self.assertTrue(all(c["old"].startswith("runs") and c["new"].startswith(word) for c in worse), worse)
                self.assertEqual(self.diff(0, fault, "none")["worse"], 0)
        with open(self.path("diff.html")) as f:
            self.assertIn("kinds of change are worse", f.read())

    def test_the_change_is_shrunk(self):
        change = [c for c in self.diff(1, "none", "failed")["changes"] if c["worse"]][0]
        self.assertRegex(change["line"],
                         r"^fa1 q=f32\[\d+,1,1,1\] k=f16\[\d+,1,1,1\] v=f16\[\d+,1,1,1\] softcap=\S+ \| dev=")

    def test_itself(self):
        self.assertEqual(self.diff(0, "none", "none")["changes"], [])


if __name__ == "__main__":
    unittest.main()
