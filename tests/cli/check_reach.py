#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check on a library that imitates ggml's HIP backend (support/imitation_ggml.c): how near a finding is to
what people run, and what it is called from one version of a library to the next."""
import json
import os
import sys
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import Case, attnfuzz, main  # noqa: E402

LIBRARY = os.path.join(os.environ["ATTN_BUILD"], "lib", "imitation-hip.so")


def call(d, n_q, heads, kv_heads, seqs=1, n_kv=256, more="", kind="f16"):
    return (f"fa1 q=f32[{d},{n_q},{heads},{seqs}] k={kind}[{d},{n_kv},{kv_heads},{seqs}] "
            f"v={kind}[{d},{n_kv},{kv_heads},{seqs}]{more}")


@unittest.skipUnless(os.path.exists(LIBRARY), "there is no imitation of a library in this build")
class Imitation(Case):
    def check(self, faults, *arguments):
        """Exit code, report, text."""
        report = self.path("report.json")
        with mock.patch.dict(os.environ, IMITATION_FAULT=faults):
            result = attnfuzz("check", "--no-code", "--subject", "ggml=" + LIBRARY, "--json", report, *arguments)
        self.assertIn(result.code, (0, 1), result.err)
        with open(report) as f:
            return result.code, json.load(f), result.out


class Reach(Imitation):
    FAR = call(128, 1, 1024, 256, 4)
    NEAR = call(128, 1, 32, 8, 128, more=" mask=f16[256,1,1,1]")

    def one(self, *arguments):
        code, report, _ = self.check("many", *arguments)
        self.assertEqual((code, len(report["findings"])), (1, 1), report["findings"])
        return report["findings"][0]

    def test_each(self):
        """Llama's heads; 512 of them, of a ratio that no model has; 1,024."""
        for line, reach, meaning in ((self.NEAR, "model", "a shape of"),
                                     (call(128, 1, 32, 8, 128, more=" sinks"), "model", "one step"),
                                     (call(128, 1, 507, 3, 6), "server", "extents"),
                                     (self.FAR, "far", "beyond")):
            finding = self.one(line)
            self.assertEqual(finding["reach"], reach, line)
            self.assertIn(meaning, finding["reach_meaning"])

    def test_the_example_is_the_nearest(self):
        """Whatever comes first: a finding that models meet is shown by such a call, though a farther one is smaller."""
        longer = call(128, 1, 32, 8, 128, n_kv=300)  # of one sign with the far one before it is shrunk, and more work
        for lines in ((self.FAR, self.NEAR), (self.NEAR, self.FAR), (self.FAR, longer), (longer, self.FAR)):
            finding = self.one(*lines)
            self.assertEqual((finding["reach"], finding["calls"]), ("model", 20))
            self.assertRegex(finding["line"], r"^fa1 q=f32\[128,1,\d\d?,\d\d\d?\]")

    def test_far_ones_come_last_and_can_be_left_out(self):
        hole = call(64, 1, 4, 4, kind="q4_0")
        code, report, text = self.check("many", self.FAR, hole)
        self.assertEqual([f["kind"] for f in report["findings"]], ["hole", "abort"])
        self.assertRegex(text, r"(?s)\n 1\. hole types\n.*\nFar, beyond what a server makes:\n\n 2\. abort launch.cpp:")
        self.check("many", self.FAR, hole, "--html", self.path("page.html"))
        with open(self.path("page.html")) as f:
            self.assertRegex(f.read(), r"(?s)hole types.*<h2>Far, beyond.*abort launch.cpp:9")
        code, report, text = self.check("many", self.FAR, hole, "--reach", "server")
        self.assertEqual(([f["kind"] for f in report["findings"]], report["beyond"], code), (["hole"], 1, 1))
        self.assertIn("; 1 farther than --reach server are left out", text)
        code, report, text = self.check("many", self.FAR, "--reach", "model")
        self.assertEqual((report["findings"], report["beyond"], code), ([], 1, 0))
        self.assertIn("--reach is model, server or far",
                      self.ends(2, "check", "--subject", "own", "--reach", "near").err)

    def test_one_cause_is_one_group(self):
        """The abort with sinks and the one with a softcap are one line in the library: one group, both fields."""
        code, report, text = self.check("many", call(128, 1, 32, 8, 128), call(64, 1, 64, 8, 64),
                                        call(256, 9, 16, 8, 200))
        self.assertEqual(len(report["findings"]), 3)
        self.assertEqual({f["group"] for f in report["findings"]}, {"abort launch.cpp:9:_fatal_error"})
        self.assertIn("in 1 groups", text)
        self.assertRegex(text, r"fields: .*gqa.*n_seq")


class Identity(Imitation):
    FAULTS = "abort,silent,threads,ask"
    # The same troubles met by other calls: what is incidental is other, and the second version's lines are.
    FIRST = [call(256, 1, 1, 1, more=" mask=f16[300,1,1,1]"), call(64, 3, 8, 2, more=" sinks"),
             call(64, 1, 1, 1, kind="q8_0"), call(64, 1, 4, 4, 3), call(128, 1, 4, 4, kind="q4_0")]
    SECOND = [call(256, 5, 16, 8, 2, 300, " mask=f16[512,5,1,1] sinks softcap=30"),
              call(64, 1, 32, 8, n_kv=77, more=" mask=f16[77,1,1,1] sinks"), call(64, 2, 8, 2, 2, 500, kind="q8_0"),
              call(64, 40, 8, 8, 3, more=" mask=f16[256,40,1,1]"), call(128, 1, 32, 8, kind="q4_0")]

    def test_it_is_the_same_in_both_versions(self):
        ids = [sorted(f["id"] for f in self.check(faults, *lines)[1]["findings"])
               for faults, lines in ((self.FAULTS, self.FIRST), (self.FAULTS + ",moved", self.SECOND))]
        self.assertEqual(ids[0], ids[1])
        self.assertEqual(ids[0], ["abort router.cpp:_fatal_error mask 256/256",
                                  "ask router.cpp:_GGML_ASSERT(n_seq_!=_3)_failed plain 64/64",
                                  "hole types 128/128 f16/q4_0", "silent - sinks 64/64",
                                  "unfit threads flash_attn_tile q8_0 64/64"])

    def test_only_what_is_new_fails_and_what_is_gone_is_said(self):
        known = self.path("known.txt")
        self.assertEqual(self.check(self.FAULTS, *self.FIRST, "--save-baseline", known)[0], 1)
        with open(known) as f:
            self.assertRegex(f.read(), r"(?m)^silent - sinks 64/64 @ gfx906,gfx908,")
        code, report, text = self.check(self.FAULTS + ",moved", *self.SECOND, "--baseline", known)
        self.assertEqual((code, report["gone"]), (0, []), text)
        softcap = call(64, 1, 1, 1, more=" softcap=30")
        code, report, text = self.check("abort,threads,ask,moved,failed", *self.SECOND, softcap, "--baseline", known,
                                        "--html", self.path("page.html"))
        new = {f["kind"] for f in report["findings"] if not f["known"]}
        self.assertEqual((code, new, report["gone"]), (1, {"failed"}, ["silent - sinks 64/64"]))
        self.assertRegex(text, r"\nbaseline line \d was not met: silent - sinks 64/64\n")
        with open(self.path("page.html")) as f:
            self.assertRegex(f.read(), "(?s)Of the baseline, not met.*silent - sinks 64/64")

    def test_devices_of_a_baseline(self):
        known = self.path("known.txt")
        with open(known, "w") as f:
            f.write("silent - sinks 64/64 @ gfx906,gfx908\n")
        line = call(64, 1, 1, 1, more=" sinks")
        self.assertEqual(self.check("silent", line, "--device", "gfx906,gfx908", "--baseline", known)[0], 0)
        code, report, text = self.check("silent", line, "--device", "gfx906,gfx1100", "--baseline", known)
        self.assertEqual((code, report["findings"][0]["not_known_on"]), (1, ["gfx1100"]))
        self.assertIn("id:         silent - sinks 64/64   (not known on gfx1100)", text)

    def test_two_places_that_say_the_same(self):
        """Two lines of one source with the same words, features and head size: numbered in their order."""
        lines = [call(256, n_q, 1, 1, more=" mask=f16[300,9,1,1]") for n_q in (9, 1)]
        found = {f["group"]: f["id"] for f in self.check("abort,second", *lines)[1]["findings"]}
        name = "abort router.cpp:_fatal_error mask 256/256"
        self.assertEqual(found, {"abort router.cpp:42:_fatal_error": name,
                                 "abort router.cpp:142:_fatal_error": name + " no.2"})


if __name__ == "__main__":
    main()
