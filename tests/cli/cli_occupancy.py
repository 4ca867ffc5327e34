#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz bench --occupancy as a gate: what is listed, in which order, and the exit code where a kernel is beyond a
limit. Kernels of known registers, LDS and scratch, compiled for two targets."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import Case, main  # noqa: E402

SOURCE = """
#define GLOBAL __attribute__((address_space(1)))
#define LDS __attribute__((address_space(3), loader_uninitialized))
#define KERNEL __attribute__((amdgpu_kernel, amdgpu_flat_work_group_size(64, 64))) void
KERNEL small(GLOBAL int *x) { __asm__ volatile("" ::: "v9"); }
KERNEL large(GLOBAL int *x) { __asm__ volatile("" ::: "v199"); }
static volatile LDS char room[4096];
KERNEL lds(GLOBAL int *x) { room[x[0]] = 1; }
KERNEL scratch(GLOBAL int *x) { volatile int a[25]; a[x[0]] = 1; x[1] = a[x[2]]; }
"""
NAMES = ["large", "lds", "scratch", "small"]  # as they lie in a file


class Occupancy(Case):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.work.cleanup)
        source = os.path.join(cls.work.name, "k.c")
        with open(source, "w") as f:
            f.write(SOURCE)
        cls.files = []
        for target in ("gfx906", "gfx1100"):
            path = os.path.join(cls.work.name, target + ".o")
            done = subprocess.run([os.environ["CC"], "-target", "amdgcn-amd-amdhsa", "-mcpu=" + target, "-nogpulib",
                                   "-O2", "-c", source, "-o", path], capture_output=True, text=True)
            if done.returncode:
                raise unittest.SkipTest("the compiler has no AMD targets: " + done.stderr)
            cls.files.append(path)

    def rows(self, code, *arguments):
        out = self.ends(code, "bench", "--occupancy", "--json", *arguments, *self.files).out
        return [json.loads(line) for line in out.splitlines()]

    def test_everything(self):
        rows = self.rows(0)
        self.assertEqual([(r["target"], r["kernel"]) for r in rows],
                         [(target, name) for target in ("gfx906", "gfx1100") for name in NAMES])
        self.assertEqual({tuple(r["beyond"]) for r in rows}, {()})

    def test_kernels_and_targets(self):
        self.assertEqual([r["kernel"] for r in self.rows(0, "--target", "gfx11*", "--kernel", "l*")], ["large", "lds"])
        self.assertEqual(len(self.rows(0, "--target", "gfx906")), 4)
        for filtered in (("--kernel", "flash*"), ("--target", "gfx942")):
            self.assertIn("no kernel of that name and target",
                          self.ends(2, "bench", "--occupancy", *filtered, *self.files).err)

    def test_order(self):
        rows = self.rows(0, "--sort", "vgprs")
        self.assertEqual(sorted((r["vgprs"] for r in rows), reverse=True), [r["vgprs"] for r in rows])
        self.assertEqual(rows[0]["kernel"], "large")
        rows = self.rows(0, "--target", "gfx906", "--sort", "-scratch")
        self.assertEqual([r["kernel"] for r in rows], ["large", "lds", "small", "scratch"])  # else as they lie
        rows = self.rows(0, "--target", "gfx906", "--sort", "lds")
        self.assertEqual([r["kernel"] for r in rows], ["lds", "large", "scratch", "small"])
        self.assertIn("no such column", self.ends(2, "bench", "--occupancy", "--sort", "size", *self.files).err)

    def test_limits(self):
        for limit, most, name in (("max-vgprs", 199, "large"), ("max-lds", 4095, "lds"),
                                  ("max-scratch", 103, "scratch"), ("min-waves", 2, "large")):
            with self.subTest(limit):
                rows = self.rows(1, "--target", "gfx906", "--" + limit, str(most))
                beyond = {r["kernel"]: r["beyond"] for r in rows if r["beyond"]}
                self.assertEqual(beyond, {name: [limit[4:]]})
                others = ("--target", "gfx906", "--kernel", "small", "--" + limit, str(most))
                self.assertEqual(len(self.rows(0, *others)), 1)
                within = most - 1 if limit == "min-waves" else most + 1
                self.assertEqual(len(self.rows(0, "--target", "gfx906", "--" + limit, str(within))), 4)
        out = self.ends(1, "bench", "--occupancy", "--max-lds", "0", "--max-vgprs", "100", *self.files).out
        self.assertRegex(out, r"\ngfx906 +lds .* BEYOND: lds 4096\n")
        self.assertRegex(out, r"\ngfx906 +large .* BEYOND: vgprs 200\n")
        self.assertIn("4 of 8 kernels are beyond a limit\n", out)

    def test_what_is_not_known_is_within_no_least(self):
        source, old = self.path("o.c"), self.path("o.o")
        with open(source, "w") as f:
            f.write("__attribute__((amdgpu_kernel)) void none(void) {}")
        subprocess.run([os.environ["CC"], "-target", "amdgcn-amd-amdhsa", "-mcpu=gfx803", "-nogpulib", "-c", source,
                        "-o", old], check=True)
        self.assertIn("no rules for this target", self.ends(0, "bench", "--occupancy", "--max-vgprs", "99", old).out)
        self.assertIn("BEYOND: waves not known", self.ends(1, "bench", "--occupancy", "--min-waves", "1", old).out)

    def test_spills(self):
        """A kernel that needs more registers than it may have spills."""
        source, path = self.path("s.c"), self.path("s.o")
        sums = "".join(f"a{i} = x[{i} * n];" for i in range(64)) + "__asm__ volatile(\"\" ::: \"memory\");" + "".join(
            f"x[a{i} + {i}] = a{63 - i};" for i in range(64))
        with open(source, "w") as f:
            f.write("__attribute__((amdgpu_kernel, amdgpu_num_vgpr(24))) void spills(__attribute__((address_space(1))) "
                    "int *x, int n) { int %s; %s }" % (", ".join(f"a{i}" for i in range(64)), sums))
        subprocess.run([os.environ["CC"], "-target", "amdgcn-amd-amdhsa", "-mcpu=gfx906", "-nogpulib", "-O2", "-c",
                        source, "-o", path], check=True)
        self.assertIn("BEYOND: spills", self.ends(1, "bench", "--occupancy", "--max-spills", "0", path).out)
        self.good("bench", "--occupancy", "--max-spills", "1000", path)

    def test_usage(self):
        self.assertIn("go with --occupancy", self.ends(2, "bench", "--max-lds", "0").err)
        self.assertIn("--max-lds", self.ends(2, "bench", "--occupancy", "--max-lds", "-1", *self.files).err)


if __name__ == "__main__":
    main()
