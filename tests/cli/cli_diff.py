#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz diff: a subject is the same as itself; of two libraries that imitate ggml's HIP backend
(support/imitation_ggml.c), one with a planted fault, the change is found, shrunk, and worse in one direction only."""

import glob
import json
import os
import re
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import planted  # noqa: E402
from command import Case, main  # noqa: E402

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

    def test_lines_too_are_as_many_calls_as_are_asked_for(self):
        lines = ["fa1 q=f32[64,1,1,1] k=f16[64,%d,1,1] v=f16[64,%d,1,1]" % (n, n) for n in range(1, 41)]
        own = "diff", "--subject", "own", "--subject", "own"
        every = int(re.search(r"calls +(\d+) \(40 problems\)", self.good(*own, *lines).out).group(1))
        some = self.good(*own, "--calls", "3", *lines).out
        self.assertRegex(some, r"calls +%d \(1 problems\)" % (every // 40))

    def test_input_without_a_problem(self):
        said = self.ends(2, "diff", "--subject", "own", "--subject", "own", self.write("empty.txt", "")).err
        self.assertIn("no problem line in the input", said)

    def test_what_is_missing_is_3_in_every_verb_that_opens_a_subject(self):
        subject, options = "ggml=" + LIBRARY, ("--no-code", "--null-runtime", self.folder.name)
        for arguments in (("check", "--subject", subject), ("map", "--subject", subject),
                          ("map", "--diff", "own", subject), ("diff", "--subject", subject, "--subject", "own"),
                          ("diff", "--subject", "own", "--subject", subject)):
            said = self.ends(3, *arguments, *options).err
            self.assertIn("it needs libamdhip64.so.6, which the null runtime in", said)

    def test_usage(self):
        self.assertIn("twice", self.ends(2, "diff", "--subject", "own").err)
        self.assertIn("twice", self.ends(2, "diff", *["--subject", "own"] * 3).err)
        self.assertIn("cannot be asked",
                      self.ends(2, "diff", "--subject", "own", "--subject", "ggml=" + self.path("none.so")).err)


class Builds(Case):
    """Our planner as the library that another build has made, with a rule of it changed as well."""
    BUILT = os.path.join(os.environ["ATTN_BUILD"], "lib", "libattn_planner.so")

    def planted(self, fault, renamed=False):
        """libattn_planner.so with a fault of tests/faults planted; renamed: tile is called naive, and naive is not."""
        tree, path = self.path("tree"), self.path("planted.so")
        planted.patched_copy(os.path.join(planted.SOURCE, "tests", "faults", fault + ".patch"), tree)
        planner = os.path.join(tree, "planner")
        with open(os.path.join(planner, "library.h"), "r+") as f:
            text, name = f.read(), "kernel ? kernel->name : NULL"
            self.assertIn(name, text)
            if renamed:
                text = text.replace(name, '!kernel ? NULL : id == ATTN_KERNEL_naive ? "last" : id == ATTN_KERNEL_tile '
                                          '? "naive" : kernel->name')
            f.seek(0)
            f.write(text)
        planted.must([os.environ["CC"], "-std=c11", "-O1", "-w", "-shared", "-fPIC", "-fvisibility=hidden", "-I" + tree,
                      "-o", path, os.path.join(planner, "planner.c"), os.path.join(planner, "library.c"),
                      *glob.glob(os.path.join(planner, "contracts", "kernel_*.c"))], tree)
        return path

    def diff(self, code, old, new):
        path = self.path("diff.json")
        self.ends(code, "diff", "--subject", old, "--subject", new, "--calls", "20000", "--json", path)
        with open(path) as f:
            return json.load(f)

    def test_a_rule_that_refuses_too_much(self):
        """The fault that this project began with, B01: worse one way only, with the call that shows it."""
        new = "own=" + self.planted("b01_exact_mask")
        old = "own=" + self.BUILT
        worse = [c for c in self.diff(1, old, new)["changes"] if c["worse"]]
        self.assertEqual({c["new"] for c in worse}, {"runs naive"})
        self.assertTrue(all(c["line"].startswith("fa1 q=f32[256,") and "mask=" in c["line"] for c in worse), worse)
        self.assertEqual(self.diff(0, new, old)["worse"], 0)
        self.assertEqual(self.diff(0, new, new)["changes"], [])
        # Without PATH it is the planner of this command; and one side may be a command.
        self.assertEqual(self.diff(0, "own", old)["changes"], [])
        self.assertEqual(self.diff(0, "own=" + os.environ["ATTNFUZZ"], old)["changes"], [])

    def test_the_last_resort_is_the_last_of_the_list(self):
        """Whatever it is called, and whatever else is called as ours."""
        new = "own=" + self.planted("b01_exact_mask", renamed=True)
        changes = self.diff(1, "own=" + self.BUILT, new)["changes"]
        self.assertEqual({c["new"] for c in changes if c["worse"]}, {"runs last"})
        self.assertIn(("runs tile", "runs naive"), {(c["old"], c["new"]) for c in changes if not c["worse"]})
        self.assertEqual(self.diff(0, new, "own")["worse"], 0)
        out = self.ends(1, "map", "--subject", new, "--head", "256", "--gqa", "1", "--device", "gfx906", "--mask",
                        "256", "--n-kv", "100,256,1000").out
        self.assertRegex(out, r" 1000 !{24}\n  256 n{24}\n  100 !{24}\n")

    def test_check_takes_it_too(self):
        self.good("check", "--subject", "own=" + self.BUILT, "--calls", "2000")

    def test_what_is_none(self):
        self.assertIn("No such file", self.ends(2, "check", "--subject", "own=" + self.path("none.so")).err)
        self.assertIn("no build of attnfuzz's planner", self.ends(2, "check", "--subject", "own=" + self.other()).err)
        self.assertIn("cannot be loaded", self.ends(2, "check", "--subject", "own=" + os.environ["ATTNFUZZ"]).err)

    def other(self, text="int nothing;"):
        source = self.write("other.c", text)
        planted.must([os.environ["CC"], "-shared", "-fPIC", "-I" + planted.SOURCE, "-o", self.path("other.so"), source],
                     planted.SOURCE)
        return self.path("other.so")

    def test_another_interface(self):
        """Refused by the number that differs, and nothing of it is called."""
        for change, said in ((".layout[4] += 8", "bytes of attn_plan are"), (".version = 2", "version 2 of the")):
            text = """
#define attn_planner_library unused
#include "planner/library.h"
#undef attn_planner_library
struct attn_planner_library_s { uint32_t version, layout[ATTN_PLANNER_LAYOUT_NUMBERS]; } attn_planner_library = {
    ATTN_PLANNER_LIBRARY_VERSION, { ATTN_PLANNER_LAYOUT(ATTN_PLANNER_NUMBER) } };
__attribute__((constructor)) static void change(void) { attn_planner_library%s; }
""" % change
            self.assertIn(said, self.ends(2, "check", "--subject", "own=" + self.other(text)).err)


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

    def test_a_process_that_ends_costs_its_own_call(self):
        """Of those that were asked about together the others are answered all the same."""
        lines = [f"fa1 q=f32[{d},1,1,1] k=f16[{d},1,1,1] v=f16[{d},1,1,1] softcap={c}"
                 for d in (64, 128, 256) for c in (1, 2)]
        path = self.path("diff.json")
        self.ends(1, "diff", "--no-code", "--subject", self.library("none"), "--subject", self.library("gone"),
                  "--json", path, *lines)
        with open(path) as f:
            result = json.load(f)
        self.assertEqual(result["problems"], 6)
        self.assertEqual([(c["new"], c["worse"]) for c in result["changes"]], [("crash", True)])
        self.assertEqual(result["changes"][0]["calls"] * 6, result["calls"] * 2)

    def test_what_is_worse_for_two_reasons_is_said_twice(self):
        """Both abort: one with a mask, one with very many heads; each with its fields, the nearer one first."""
        far, near = ("fa1 q=f32[128,1,1024,4] k=f16[128,9,256,4] v=f16[128,9,256,4]",
                     "fa1 q=f32[256,2,16,1] k=f16[256,9,8,1] v=f16[256,9,8,1] mask=f16[16,2,1,1] sinks")
        path = self.path("diff.json")
        out = self.ends(1, "diff", "--no-code", "--subject", self.library("none"), "--subject",
                        self.library("abort-many"), "--json", path, far, near).out
        with open(path) as f:
            changes = json.load(f)["changes"]
        self.assertEqual([(c["worse"], c["reach"], c["new"]) for c in changes],
                         [(True, "model", "abort"), (True, "far", "abort")])
        self.assertEqual(changes[0]["needs"], "mask")
        self.assertRegex(changes[1]["needs"], r"^gqa(\+kv_heads)?\+n_seq$")
        self.assertRegex(out, r"(?s)reach:   model: .*fields:  mask\n.*reach:   far: ")

    def test_itself(self):
        self.assertEqual(self.diff(0, "none", "none")["changes"], [])


if __name__ == "__main__":
    main()
