# SPDX-License-Identifier: MIT
"""attnfuzz tight (P4): no rule of our contracts refuses too much; an over-strict ones, planted (tests/faults/b01: the
mask as wide as n_kv; tests/faults/tight), are reported with lines, and the rules that are needed are not."""

import contextlib
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

    @contextlib.contextmanager
    def over_strict(self, patch, names, *more):
        """The rules that are over-strict with the fault are these, each with lines that it alone refuses: on them all
        other properties hold, with the fault and without."""
        work = os.path.join(BUILD, "tight")
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        planted.patched_copy(patch, work + "/tree")
        objects = planted.Build(BUILD, ["attnfuzz"]).compile_again(planted.header(patch)["rebuild"].split(),
                                                                   work + "/tree", work, leave_out="^subjects/null/")
        planted.Build(BUILD, ["attnfuzz"]).link_again("attnfuzz", objects, work + "/attnfuzz")
        code, rules, said = tight(work + "/attnfuzz", *more)
        self.assertEqual(code, 1, said)
        self.assertEqual([name for name, r in rules.items() if r["verdict"] == "over-strict"], names, rules)
        for name in names:
            self.assertGreaterEqual(len(rules[name]["lines"]), 3)
            for line in rules[name]["lines"]:
                self.assertIn("kernel=" + name.split(".")[0], line)
                explained = subprocess.run([work + "/attnfuzz", "explain", line], capture_output=True, text=True).stdout
                self.assertIn(name, explained)
            run = subprocess.run([ATTNFUZZ, "run", *rules[name]["lines"]], capture_output=True)
            self.assertEqual(run.returncode, 0, run.stdout)
        yield work, rules
        shutil.rmtree(work)

    def test_a_rule_that_refuses_too_much_is_found(self):
        [patch] = glob.glob(SOURCE + "/tests/faults/b01_*.patch")
        with self.over_strict(patch, ["tile.mask_exact"], "--generate", "4000", "--each", "6"):
            pass

    def test_what_no_other_property_finds(self):
        names = ["mma.aligned", "mma.no_sinks", "vec.few_rows", "vec.no_softcap"]
        patch = SOURCE + "/tests/faults/tight/four_rules.patch"
        with self.over_strict(patch, names, "--generate", "4000", "--each", "6") as (work, rules):
            lines = [line.replace(" kernel=" + name.split(".")[0], "")
                     for name in names for line in rules[name]["lines"]]
            run = subprocess.run([work + "/attnfuzz", "run", *lines], capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stdout)


if __name__ == "__main__":
    unittest.main()
