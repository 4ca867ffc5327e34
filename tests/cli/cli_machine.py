#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz run --backend amd, bench --machine: the kernels' machine code, executed and judged, for the targets that
this run's AMD build is for; and what is said where there is no machine code."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import share  # noqa: E402
from command import SMALL, Case, main  # noqa: E402

OBJECTS = os.path.join(os.environ["ATTN_BUILD"], "gpu", "bin", "attn_amd.so")
LONG = bool(os.environ.get("ATTN_LONG"))
TURNS = 1 if LONG else 400  # of the corpus' lines
GENERATED = 2000 if LONG else 12
LIMIT_S = 36000 if LONG else 1200


class NoObjects(Case):
    def setUp(self):
        super().setUp()
        os.environ["ATTN_AMD"] = self.path("none.so")

    def test_one_line_and_3(self):
        for target in ("amd:gfx90a", "amd:all", "amd"):
            result = self.ends(3, "run", "--backend", target, SMALL)
            self.assertEqual(len(result.err.splitlines()), 1, result.err)
            self.assertIn("attn_amd.so", result.err)
        self.assertIn("attn_amd.so", self.ends(3, "bench", "--machine", SMALL).err)

    def test_what_is_no_library_of_ours(self):
        path = self.write("none.so", "rubbish")
        self.assertIn(path, self.ends(3, "run", "--backend", "amd:all", SMALL).err)

    def test_names(self):
        self.assertIn("gfx1", self.ends(2, "run", "--backend", "amd:gfx1", SMALL).err)
        self.assertIn("sm_90 is no AMD GPU", self.ends(2, "run", "--backend", "amd:sm_90", SMALL).err)
        self.assertIn("--device", self.ends(2, "run", "--backend", "amd:gfx90a", "--device", "gfx90a", SMALL).err)


@unittest.skipUnless(os.path.exists(OBJECTS), "there is no machine code: kernels_compile_for_amd builds it")
class Machine(Case):
    def setUp(self):
        super().setUp()
        os.environ["ATTN_AMD"] = OBJECTS

    def judged(self, *arguments):
        """A run that has no failure, nothing unsupported, and each kernel in it."""
        path = self.path("run.json")
        result = self.good("run", "--strict", "--backend", "amd:all", "--json", path, *arguments, limit_s=LIMIT_S)
        print(result.out)
        with open(path) as f:
            r = json.load(f)
        self.assertEqual((r["failed"], r["unsupported"], r["blind"], r["suspect"]), (0, 0, 0, 0))
        for kernel, total in r["by_kernel"].items():
            self.assertEqual((total["missed"], total["unsupported"]), (0, 0), kernel)
            self.assertLessEqual(total["worst"], 1, kernel)
        return r

    def test_corpus(self):
        shard = f"{share.turn(TURNS) + 1}/{TURNS}"
        r = self.judged("--shard", shard, "--host-work", "0", "corpus")
        self.assertGreater(r["ran"], 0)
        targets = [name for name, n in r["by_device"].items() if n]
        self.assertGreaterEqual(len(targets), 2)
        self.assertEqual(len({r["by_device"][name] for name in targets}), 1, "every line on every target")

    def test_generated_beside_the_source(self):
        r = self.judged("--generate", str(GENERATED), "--generate-work", "100000", "--seed", str(share.turn(1000)))
        self.assertEqual(r["ran"], GENERATED)
        compared = sum(total["compared"] for total in r["by_kernel"].values())
        self.assertEqual(compared, sum(total["ran"] for total in r["by_kernel"].values()))
        self.assertTrue(all(total["apart"] <= 1 for total in r["by_kernel"].values()))

    def test_bench_counts(self):
        path_of = {name: n for name, n in self.judged(SMALL)["by_device"].items() if n}
        line = "fa1 q=f32[64,4,2,1] k=f16[64,96,1,1] v=f16[64,96,1,1] | dev=" + next(iter(path_of))
        result = json.loads(self.good("bench", "--machine", "--json", line, limit_s=LIMIT_S).out)
        self.assertEqual(result["least_written"], 64 * 4 * 2 * 4)
        for kernel, of in result["kernels"].items():
            main = of["launches"]["main"]
            self.assertGreaterEqual(main["global_written"], result["least_written"], kernel)
            self.assertGreaterEqual(main["global_read"] + main["scalar_read"], result["least_read"], kernel)
            self.assertEqual(sum(main["by_class"].values()), main["wave_instructions"])
            self.assertGreaterEqual(main["lds_passes"], main["lds_passes_least"])
            self.assertLessEqual(main["lanes_active"], main["lanes_there"])
            self.assertGreater(of["plain_per_second"], 0)


if __name__ == "__main__":
    main()
