# SPDX-License-Identifier: MIT
"""attnfuzz tight (P4): no rule of our contracts refuses too much; an over-strict one, planted (tests/faults/b01: the
mask as wide as n_kv), is reported with lines, and the rules that are needed are not."""

import glob
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import planted  # noqa: E402
from command import ATTNFUZZ  # noqa: E402

SOURCE, BUILD = os.environ["ATTN_SOURCE"], os.environ["ATTN_BUILD"]


def tight(command, *more):
    """The exit code, and the rules by name."""
    done = subprocess.run([command, "tight", "--json", *more], capture_output=True, text=True)
    rules = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {r["kernel"] + "." + r["rule"]: r for r in rules}, done.stderr


class Tight(unittest.TestCase):
    def test_no_rule_of_ours_is_over_strict(self):
        generate = "40000" if os.environ.get("ATTN_LONG") else "3000"
        code, rules, said = tight(ATTNFUZZ, "--generate", generate)
        verdicts = {name: r["verdict"] for name, r in rules.items()}
        self.assertEqual(code, 0, verdicts)
        self.assertEqual(said, "")
        self.assertNotIn("over-strict", verdicts.values())
        for name in ("mma.lds", "mma.threads", "tile.lds"):
            self.assertEqual(verdicts[name], "needed", rules[name])
        self.assertEqual(verdicts["tile.head_size"], "structural")
        self.assertEqual(verdicts["mma.workspace"], "stated")

    def test_a_rule_that_refuses_too_much_is_found(self):
        work = os.path.join(BUILD, "tight")
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        [patch] = glob.glob(SOURCE + "/tests/faults/b01_*.patch")
        planted.patched_copy(patch, work + "/tree")
        objects = planted.Build(BUILD, ["attnfuzz"]).compile_again(planted.header(patch)["rebuild"].split(),
                                                                   work + "/tree", work, leave_out="^subjects/null/")
        planted.Build(BUILD, ["attnfuzz"]).link_again("attnfuzz", objects, work + "/attnfuzz")
        code, rules, said = tight(work + "/attnfuzz", "--generate", "4000", "--each", "6")
        self.assertEqual(code, 1, said)
        self.assertEqual([name for name, r in rules.items() if r["verdict"] == "over-strict"], ["tile.mask_exact"])
        self.assertGreaterEqual(len(rules["tile.mask_exact"]["lines"]), 3)
        for line in rules["tile.mask_exact"]["lines"]:
            self.assertIn("kernel=tile", line)
            explained = subprocess.run([work + "/attnfuzz", "explain", line], capture_output=True, text=True).stdout
            self.assertIn("tile.mask_exact", explained)
            self.assertEqual(subprocess.run([ATTNFUZZ, "run", line], capture_output=True).returncode, 0)
        shutil.rmtree(work)


if __name__ == "__main__":
    unittest.main()
