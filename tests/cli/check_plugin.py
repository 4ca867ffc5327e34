#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check of a plug-in: a healthy one has no finding, each thing that can be wrong with one is said, and nothing
that it does ends the command."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import ATTNFUZZ, SMALL, SOURCE, Case  # noqa: E402


class Plugins(Case):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.work.cleanup)

    def library(self, odd):
        library = os.path.join(self.work.name, odd + ".so")
        subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-shared", "-fPIC", "-I", SOURCE, "-DODD=" + odd, "-o",
                        library, os.path.join(SOURCE, "tests", "support", "odd_plugin.c")], check=True)
        return "plugin=" + library

    def check(self, odd, ends, *said, what=("--calls", "3000")):
        result = self.ends(ends, "check", "--subject", self.library(odd), *what)
        for text in said:
            self.assertIn(text, result.out + result.err)
        return result

    def test_a_healthy_one(self):
        self.check("NOTHING", 0, "0 not known")

    def test_one_that_is_none(self):
        self.check("VERSION", 2, "of version 2, this command reads 1")
        self.check("LAYOUT", 2, "another version of attn_planner.h")
        self.check("DEVICES", 2, "without a device")
        self.check("DEVICE", 2, "device(): SIGABRT")
        path = self.write("text.so", "no library")
        self.assertIn("cannot be loaded", self.ends(2, "check", "--subject", "plugin=" + path).err)
        self.assertIn("cannot be loaded", self.ends(2, "check", "--subject", "plugin=/nosuch.so").err)

    def test_what_does_not_come_back(self):
        self.check("CRASH", 1, "SIGSEGV")
        self.check("ABORT", 1, "SIGABRT")
        self.check("LEGAL", 1, "legal(): SIGSEGV")
        self.check("NAMED", 1, "is_attention(): SIGABRT")
        self.check("HANG", 1, "does not come back", what=(SMALL + " softcap=30",))

    def test_nothing_is_legal(self):
        self.check("NEVER", 0, "calls     0 (65536 problems)", "65536 problems that the subject's callers cannot make")

    def test_each_kernel_has_a_look_that_is_not_naives(self):
        svg = self.path("map.svg")
        self.ends(0, "map", "--subject", self.library("KERNELS"), "--head", "128", "--gqa", "1", "--svg", svg, "--n-q",
                  "1", "--n-kv", ",".join(str(1 << i) for i in range(12)))
        with open(svg) as f:
            looks = re.findall(r'class="mp-k(\d)', f.read())
        self.assertEqual(set(looks), set("0124567"))

    def test_without_the_null_runtime(self):
        """A command alone in a folder: only what needs the runtime asks for it."""
        alone = self.path("attnfuzz")
        shutil.copy(ATTNFUZZ, alone)
        done = subprocess.run([alone, "check", "--subject", self.library("NOTHING"), "--calls", "10"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        library = os.path.join(os.environ["ATTN_BUILD"], "lib", "imitation-hip.so")
        if os.path.exists(library):
            done = subprocess.run([alone, "check", "--calls", "10", "--subject", "ggml=" + library],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("--null-runtime FOLDER", done.stderr)

    def test_launches(self):
        self.check("LDS", 1, "65537")
        self.check("NAME", 0)
        self.check("MANY", 0)


if __name__ == "__main__":
    unittest.main()
