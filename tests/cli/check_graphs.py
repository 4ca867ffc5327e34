#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check --graphs: calls made again at the same place, on libraries that capture what they launch and replay it
(support/imitation_graphs.c), that capture nothing, and that compute by themselves (support/imitation_compute.c). Every
planted fault is found with it, its line shows it again, and without it none is."""
import json
import os
import subprocess
import unittest

ATTNFUZZ = os.environ["ATTNFUZZ"]
LIB = os.path.join(os.environ["ATTN_BUILD"], "lib")
GRAPHS, HIP, CPU = (os.path.join(LIB, f"imitation-{name}.so") for name in ("graphs", "hip", "cpu"))
F16 = "fa1 q=f32[64,3,2,1] k=f16[64,30,2,1] v=f16[64,30,2,1]"
Q8 = "fa1 q=f32[64,1,4,1] k=q8_0[64,30,2,1] v=q8_0[64,30,2,1]"


def report(fault, library, *arguments):
    options = [] if library == CPU else ["--no-code", "--device", "gfx906,gfx1100"]
    done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=" + library, *options, "--json", "-", *arguments],
                          capture_output=True, text=True, timeout=300, env=dict(os.environ, IMITATION_FAULT=fault))
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise AssertionError(done.stdout + done.stderr)


class Graphs(unittest.TestCase):
    faults = {  # the group that it is found as
        "capture": "replay launches flash_attn_tile",
        "sync": "capture forbidden hipStreamSynchronize",
        "malloc": "capture forbidden hipMalloc",
        "again": "replay refused -",
    }

    def test_each_fault_is_found_and_its_line_shows_it_again(self):
        for fault, group in self.faults.items():
            with self.subTest(fault=fault):
                found = report(fault, GRAPHS, "--graphs", F16, Q8)["findings"]
                self.assertEqual([f["group"] for f in found], [group], found)
                self.assertEqual(found[0]["devices"], ["gfx906", "gfx1100"])
                kind = "q8_0" if fault == "capture" else "f16"  # where there is a conversion
                self.assertIn(f"q=f32[64,1,1,1] k={kind}[64,1,1,1]", found[0]["line"])
                again = report(fault, GRAPHS, "--graphs", found[0]["line"])["findings"]
                self.assertEqual([f["id"] for f in again], [found[0]["id"]])
                self.assertEqual(report(fault, GRAPHS, F16, Q8)["findings"], [])

    def test_none_where_there_is_none(self):
        found = report("none", GRAPHS, "--graphs", "--calls", "3000")
        self.assertEqual({f["kind"] for f in found["findings"]}, {"hole"})
        self.assertEqual(found["replays"], 3 * found["repeated"])  # of four times the first is no replay
        found = report("none", HIP, "--graphs", F16, Q8)
        self.assertEqual((found["findings"], found["repeated"], found["replays"]), ([], 4, 0))

    def test_a_replay_that_computes_with_the_values_of_before(self):
        found = report("replay", CPU, "--graphs", F16)["findings"]
        self.assertEqual([f["kind"] for f in found], ["replay"])
        self.assertRegex(found[0]["group"], r"^replay (wrong|loose) nmse flash_attn_ext")
        self.assertEqual(found[0]["devices"], ["Imitation"])
        self.assertEqual(report("replay", CPU, F16)["findings"], [])
        self.assertEqual(report("none", CPU, "--graphs", F16)["findings"], [])


if __name__ == "__main__":
    unittest.main()
