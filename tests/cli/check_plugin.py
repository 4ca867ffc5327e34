#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check of a plug-in: a healthy one has no finding, each thing that can be wrong with one is said, and nothing
that it does ends the command."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import SMALL, SOURCE, Case  # noqa: E402


class Plugins(Case):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.work.cleanup)

    def check(self, odd, ends, *said, what=("--calls", "3000")):
        library = os.path.join(self.work.name, odd + ".so")
        subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-shared", "-fPIC", "-I", SOURCE, "-DODD=" + odd, "-o",
                        library, os.path.join(SOURCE, "tests", "support", "odd_plugin.c")], check=True)
        result = self.ends(ends, "check", "--subject", "plugin=" + library, *what)
        for text in said:
            self.assertIn(text, result.out + result.err)
        return result

    def test_a_healthy_one(self):
        self.check("NOTHING", 0, "0 not known")

    def test_one_that_is_none(self):
        self.check("VERSION", 2, "of version 2, this command reads 1")
        self.check("LAYOUT", 2, "another version of attn_planner.h")
        self.check("DEVICES", 2, "without a device")
        path = self.write("text.so", "no library")
        self.assertIn("cannot be loaded", self.ends(2, "check", "--subject", "plugin=" + path).err)
        self.assertIn("cannot be loaded", self.ends(2, "check", "--subject", "plugin=/nosuch.so").err)

    def test_what_does_not_come_back(self):
        self.check("CRASH", 1, "SIGSEGV")
        self.check("ABORT", 1, "SIGABRT")
        self.check("HANG", 1, "does not come back", what=(SMALL + " softcap=30",))

    def test_launches(self):
        self.check("LDS", 1, "65537")
        self.check("NAME", 0)
        self.check("MANY", 0)


if __name__ == "__main__":
    unittest.main()
