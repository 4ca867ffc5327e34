#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check, diff and import on a library that imitates a fork of ggml with two types of its own and parameters
that ours lacks, and on one from before all that (support/imitation_ggml.c)."""
import json
import os
import re
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import Case  # noqa: E402

LIBRARIES = os.path.join(os.environ["ATTN_BUILD"], "lib")
FORK = os.path.join(LIBRARIES, "imitation-fork.so")
TQ4 = "fa1 q=f32[128,1,1,1] k=tq4_x[128,1,1,1] v=tq4_x[128,1,1,1]"
VQ2 = "fa1 q=f32[64,1,1,1] k=vq2_x[64,1,1,1] v=vq2_x[64,1,1,1]"
CALLS = "40000"


class Fork(Case):
    def check(self, code, fault, *arguments, library=FORK):
        os.environ["IMITATION_FAULT"] = fault
        self.addCleanup(os.environ.pop, "IMITATION_FAULT", None)
        return self.ends(code, "check", "--no-code", "--subject", "ggml=" + library, *arguments)

    def report(self, code, fault, *arguments, **more):
        return json.loads(self.check(code, fault, "--json", "-", *arguments, **more).out)


class Types(Fork):
    def test_drawn_are_those_that_it_takes(self):
        self.assertEqual(self.report(1, "none", "--calls", CALLS)["own_types"], ["tq4_x", "vq2_x"])
        self.assertIn("types     of its own: tq4_x, vq2_x (not to be read)\n",
                      self.check(1, "none", "--calls", CALLS).out)
        # The same code without them: nothing of the kind is drawn, or said.
        plain = self.check(1, "none", "--calls", CALLS, library=os.path.join(LIBRARIES, "imitation-hip.so")).out
        self.assertNotIn("of its own", plain)
        self.assertNotIn("_x", plain)

    # fault: the group it is found as, what it needs, and what its smallest line is
    faults = {
        "tq4": ("abort fork.cpp:7:_fatal_error", "mask+tq4_x",
                "fa1 q=f32[D,1,1,1] k=tq4_x[D,1,1,1] v=tq4_x[D,1,1,1] mask=f16[2,1,1,1]"),
        "vq2": ("unfit grid flash_attn_tile", "n_kv+vq2_x",
                "fa1 q=f32[D,1,1,1] k=vq2_x[D,100,1,1] v=vq2_x[D,100,1,1]"),
        "keys": ("failed ggml_backend_graph_compute_returns_-1", "n_kv_max",
                 "fa1 q=f32[D,1,1,1] k=f16[D,1,1,1] v=f16[D,1,1,1] n_kv_max=1"),
        "index": ("unfit grid flash_attn_tile", "n_q+src5",
                  "fa1 q=f32[D,2,1,1] k=f16[D,1,1,1] v=f16[D,1,1,1] src5=i32[1,2,1,1]"),
        "prec": ("silent -", "prec_default", "fa1 q=f32[D,1,1,1] k=f16[D,1,1,1] v=f16[D,1,1,1] prec=default"),
    }

    def test_what_only_they_show_is_found(self):
        for fault, (group, needs, line) in self.faults.items():
            with self.subTest(fault=fault):
                found = [f for f in self.report(1, fault, "--calls", CALLS)["findings"] if f["group"] == group]
                self.assertEqual({f["needs"] for f in found}, {needs})
                lines = [f["line"].split(" |")[0] for f in found]
                self.assertEqual({re.sub(r"\[\d+,", "[D,", text, count=3) for text in lines}, {line})
                # Its line shows it again, and only where the fault is.
                self.assertIn(group, {f["group"] for f in self.report(1, fault, lines[0])["findings"]})
                self.assertEqual(self.report(0, "none", lines[0])["findings"], [])

    def test_a_snippet_names_the_number(self):
        folder = self.path("snippets")
        self.check(1, "tq4", "--snippets", folder, TQ4 + " mask=f16[2,1,1,1]")
        with open(os.path.join(folder, "001-abort.c")) as text:
            self.assertIn("ggml_new_tensor_4d(ctx, (enum ggml_type)42, 128, 1, 1, 1)", text.read())

    def test_a_name_is_legal_where_it_is_known(self):
        self.check(0, "none", TQ4, VQ2)
        for arguments in (("plan", TQ4), ("run", TQ4), ("explain", TQ4), ("check", "--subject", "own", TQ4),
                          ("check", "--no-code", "--subject",
                           "ggml=" + os.path.join(LIBRARIES, "imitation-hip.so"), TQ4)):
            err = self.ends(2, *arguments).err
            self.assertIn("unknown type 'tq4_x'", err)
            self.assertIn("1:%d:" % (TQ4.index("tq4_x") + 1), err)
        self.assertIn("are known where it is the subject", self.ends(2, "plan", TQ4).err)
        # Its blocks are the library's: 128 elements of 68 bytes.
        self.assertIn("multiple of its block of 128", self.check(2, "none", TQ4.replace("128", "64")).err)
        self.assertIn("must be a multiple of 68",
                      self.check(2, "none", TQ4.replace("k=tq4_x[128,1,1,1]", "k=tq4_x[128,1,1,1]+34")).err)


class Computes(Fork):
    """The same types in a library that computes by itself (support/imitation_compute.c)."""
    CPU = os.path.join(LIBRARIES, "imitation-fork-cpu.so")
    lines = {name: f"fa1 q=f32[128,2,1,1] k={name}[128,9,1,1] v={name}[128,9,1,1] scale=0.125"
             for name in ("tq4_x", "vq2_x", "f16")}

    def test_its_own_numbers_are_the_reference(self):
        for name, line in self.lines.items():
            for seed in range(6):  # other data: ggml's and ours
                done = self.report(0, "none", line.replace("[128,9,", f"[128,{9 + seed},"), library=self.CPU)
                self.assertEqual((done["findings"], done["blind"] > 0), ([], name == "vq2_x"))

    def test_a_fault_that_only_they_show(self):
        found = self.report(1, "nibble", self.lines["tq4_x"], library=self.CPU)["findings"]
        self.assertEqual(len(found), 1)
        self.assertRegex(found[0]["group"], "(wrong|loose) nmse")
        self.assertRegex(found[0]["line"], "[kv]=tq4_x")
        self.report(0, "nibble", self.lines["f16"], library=self.CPU)
        # Nobody here can read the other: it is computed, and not judged.
        blind = self.check(0, "nibble", self.lines["vq2_x"], library=self.CPU).out
        self.assertIn("blind: of a type or a source that nobody here can read", blind)

    def test_a_row_of_many_that_is_off(self):
        """One of 200, by so little that their mean square error says nothing."""
        line = "fa1 q=f32[128,20,10,1] k=tq4_x[128,64,10,1] v=tq4_x[128,64,10,1] scale=0.088388346"
        found = self.report(1, "tail", line, library=self.CPU)["findings"]
        self.assertEqual([f["group"] for f in found], ["wrong row flash_attn_ext"])
        self.report(0, "none", line, library=self.CPU)

    def test_it_is_found_among_generated_calls(self):
        found = self.report(1, "nibble", "--calls", "300", library=self.CPU)["findings"]
        self.assertTrue([f for f in found if f["kind"] in ("wrong", "loose") and "tq4_x" in f["line"]])
        self.assertFalse([f["line"] for f in self.report(1, "none", "--calls", "300", library=self.CPU)["findings"]
                          if f["kind"] != "hole"])


class Parameters(Fork):
    def test_a_further_source(self):
        line = "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1] src5=f32[9,1,1,1]"
        self.assertEqual(self.report(0, "none", line)["calls"] > 0, True)
        found = self.report(1, "source", line)["findings"]
        self.assertEqual([f["kind"] for f in found], ["abort"])
        self.assertIn("src5=f32", found[0]["line"])
        self.assertIn("src5 has a meaning for a library alone", self.ends(2, "plan", line).err)

    def test_a_further_source_is_drawn(self):
        """Of what it takes, which is not f16; without being told."""
        found = self.report(1, "source", "--calls", CALLS)["findings"]
        self.assertEqual({f["needs"].split("+")[-1] for f in found if f["group"].startswith("abort fork.cpp:9:")},
                         {"src5"})
        refused = [f["line"] for f in self.report(1, "none", "--calls", CALLS)["findings"] if f["kind"] == "hole"]
        self.assertTrue(refused)
        self.assertFalse([line for line in refused if "src5" in line])

    def test_an_old_version(self):
        """It has no function to say prec with, none for sinks and no traits: it is checked all the same."""
        old = os.path.join(LIBRARIES, "imitation-old.so")
        found = self.report(1, "abort", "--calls", CALLS, library=old)
        self.assertIn("abort router.cpp:42:_fatal_error", {f["group"] for f in found["findings"]})
        self.assertFalse([f["line"] for f in found["findings"] if "prec" in f["line"]])
        line = "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1]"
        for more in (" prec=default", " n_kv_max=1", " sinks"):
            text = self.check(0, "none", line, line + more, library=old).out
            self.assertRegex(text, "1 problems that the subject's callers cannot make were left out: .*this ggml")
            self.assertIn("no problem in the input that", self.check(2, "none", line + more, library=old).err)


class Import(Fork):
    def test_round_trip(self):
        lines = [TQ4 + " mask=f16[64,1,1,1] prec=default n_kv_max=5", VQ2 + " src5=i32[1,1,1,1]"]
        log = self.write("log.txt", "".join(f"12:00 fork.cpp:7: no kernel for: {line}\n" for line in lines) +
                         "FLASH_ATTN_EXT(hsk=128,hsv=128,nh=4,nr23=[1,1],kv=64,nb=1,mask=0,sinks=0,max_bias=0,"
                         "logit_softcap=0,prec=def,type_K=tq4_x,type_V=tq4_x,permute=[0,1,2,3],n_kv_max=9)\n")
        got = self.good("import", "--subject", "ggml=" + FORK, log).out.splitlines()
        got = [line for line in got if not line.startswith("#")]
        self.assertEqual(got[:2], lines)
        self.assertRegex(got[2], r"k=tq4_x\[128,64,4,1\]:\S+ v=tq4_x\[128,64,4,1\]\S* scale=\S+ "
                                 r"prec=default n_kv_max=9$")
        self.check(0, "none", self.write("again.txt", "\n".join(got) + "\n"))
        self.assertIn("unknown type 'tq4_x'", self.ends(2, "import", log).err)

    def test_of_logs(self):
        """Route-debug lines, extents by their names, shapes: K is of the library's own, strides are of its blocks."""
        texts = ("CUDA_FA_ROUTE_PLAN device=0 Q=[128,11,32,1] Kraw=tq4_x Vraw=q8_0 Kshape=[128,512,16,1] "
                 "Vshape=[128,512,16,1] Keff=f16 kernel=TILE Knb=[68,1088,68,557056] Vnb=[34,2176,136,1114112]",
                 "L_q:2 L_k:77 n_head:8 d_head:128 type_K:TQ4_X type_V:vq2_x",
                 "flash_attn: Q ne=[128,3,8,1] type=f32 K ne=[128,77,2,1] type=tq4_x V ne=[128,77,2,1] type=vq2_x",
                 "flash_attn: Q ne=[128,5,8,1] type=0 K ne=[128,77,2,1] nb=[68,68,5236,10472] type=42 "
                 "V ne=[128,77,2,1] nb=[68,68,5236,10472] type=42 mask=null")
        log = self.write("log.txt", "".join("12:00 " + text + "\n" for text in texts))
        got = self.good("import", "--subject", "ggml=" + FORK, log).out.splitlines()
        got = [line for line in got if not line.startswith("#")]
        self.assertRegex(got[0], r" k=tq4_x\[128,512,16,1\]:1088,68,557056 v=q8_0\[128,512,16,1\]:2176,136,1114112 ")
        self.assertRegex(got[1], r" k=tq4_x\[128,77,8,1\] v=vq2_x\[128,77,8,1\] ")
        self.assertRegex(got[2], r" k=tq4_x\[128,77,2,1\]:136,68,10472 v=vq2_x\[128,77,2,1\]:80,40,6160 ")
        self.assertRegex(got[3], r" k=tq4_x\[128,77,2,1\] v=tq4_x\[128,77,2,1\] scale")
        again = self.good("import", "--subject", "ggml=" + FORK, self.write("again.txt", "\n".join(got) + "\n")).out
        self.assertEqual([line for line in again.splitlines() if not line.startswith("#")], got)
        self.assertIn("do not exist here: vq2_x 2, 42 1, tq4_x 1", self.good("import", log).out)


class Diff(Fork):
    def library(self, fault):
        path = self.path(f"imitation-fault-{fault}.so")
        shutil.copy(FORK, path)
        return "ggml=" + path

    def diff(self, code, old, new, *arguments):
        path = self.path("diff.json")
        self.ends(code, "diff", "--no-code", "--subject", old, "--subject", new, "--json", path, *arguments)
        with open(path) as f:
            return json.load(f)["changes"]

    def test_a_type_that_breaks(self):
        worse = [c for c in self.diff(1, self.library("none"), self.library("tq4"), "--calls", CALLS) if c["worse"]]
        self.assertEqual([c["new"] for c in worse], ["abort"])
        self.assertIn("k=tq4_x[", worse[0]["line"])
        self.assertEqual(self.diff(0, self.library("none"), self.library("none"), "--calls", CALLS), [])
        self.assertEqual(len(self.diff(1, self.library("none"), self.library("tq4"), TQ4 + " mask=f16[2,1,1,1]")), 1)

    def test_a_source_that_breaks(self):
        worse = [c for c in self.diff(1, self.library("none"), self.library("source"), "--calls", CALLS) if c["worse"]]
        self.assertEqual({c["new"] for c in worse}, {"abort"})
        self.assertTrue(all(" src5=" in c["line"] for c in worse), worse)

    def test_a_type_that_goes(self):
        plain = "ggml=" + os.path.join(LIBRARIES, "imitation-hip.so")
        worse = [c for c in self.diff(1, "ggml=" + FORK, plain, "--calls", CALLS) if c["worse"]]
        self.assertTrue(worse and all(c["new"] == "hole" and "_x[" in c["line"] for c in worse), worse)
        self.assertFalse([c for c in self.diff(0, plain, "ggml=" + FORK, "--calls", CALLS) if c["worse"]])


if __name__ == "__main__":
    unittest.main()
