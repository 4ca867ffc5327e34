#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The scripts of tests/gpu on a device that lies (support/flaky_backend.c): what they report and keep, how they go on.
"""

import glob
import json
import os
import subprocess
import sys
import time
import unittest
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import ATTNFUZZ, SOURCE, Case  # noqa: E402

FLAKY = os.path.join(os.environ.get("ATTN_BIN", "build/asan/bin"), "attnfuzz-flaky")


def problem(n_kv):
    return f"fa1 q=f32[64,2,2,1] k=f16[64,{n_kv},1,1] v=f16[64,{n_kv},1,1]"


class Scripts(Case):
    def script(self, name, *arguments, code=0):
        done = subprocess.run([os.path.join(SOURCE, "tests", "gpu", name), *arguments], cwd=SOURCE, capture_output=True,
                              text=True, timeout=600)
        self.assertEqual(done.returncode, code, f"{name} {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def runs(self, line, backend):
        return subprocess.run([FLAKY, "run", "--backend", backend, line], cwd=SOURCE, capture_output=True).returncode


class Nightly(Scripts):
    def shards(self, out):
        reports = []
        for i in (1, 2):
            with open(os.path.join(out, f"shard{i}.json")) as f:
                reports.append(json.load(f))
        return reports

    def each_report_says_the_same(self, r, prefix):
        """What the JSON of a shard says is said by its other files too."""
        cases = ElementTree.parse(prefix + "xml").getroot().findall(".//testcase")
        self.assertEqual(len(cases), r["problems"])
        self.assertEqual(sum(case.find("failure") is not None for case in cases), r["failed"])
        with open(prefix + "html") as f:
            self.assertIn(f"{r['problems']} problems", f.read())
        with open(prefix + "failures.txt") as f:
            lines = [line.strip() for line in f if line.startswith("fa1 ")]
        self.assertEqual(len(lines), len(r["failures"]))
        for line, failure in zip(lines, r["failures"]):
            self.assertTrue(line.startswith(failure["line"]), line)

    def test_shards_reports_and_files_for_regress(self):
        self.write("corpus/a.txt", "".join(problem(n) + "\n" for n in range(33, 45)))
        for i in range(6):
            self.write(f"inputs/{i}", bytes([i] * 7))
        out, backend = self.path("out"), "test:wrong@37,kill@40"
        night = ("nightly.sh", "--attnfuzz", FLAKY, "--backend", backend, "--gpus", "2", "--generate", "10",
                 "--seed", "3", "--corpus", self.path("corpus"), "--inputs", self.path("inputs"), out)
        said = self.script(*night, code=1)
        self.assertIn("shard 2 ended with 1", said)
        reports = self.shards(out)
        for i, report in enumerate(reports, 1):
            self.each_report_says_the_same(report, os.path.join(out, f"shard{i}."))
        self.assertEqual(sum(r["problems"] for r in reports), 12 + 6 + 10)
        # Its journals hold the whole night: the same command again runs nothing and says the same.
        self.script(*night, code=1)
        for before, after in zip(reports, self.shards(out)):
            self.assertEqual(after["resumed"], before["problems"])
            self.assertEqual(after["failures"], before["failures"])
        files = glob.glob(os.path.join(out, "regress", "*.txt"))
        names = sorted(os.path.basename(f).rsplit("-", 1)[0] for f in files)
        self.assertEqual(names, ["death-mma", "p2-mma"])
        for file in files:
            with open(file) as f:
                text = f.read()
            self.assertIn("# found at ", text)
            line, = [x for x in text.splitlines() if not x.startswith("#")]
            self.assertEqual(self.runs(line, backend), 1)
            self.assertEqual(self.runs(line, "test"), 0)
        again = self.script("regress.py", "--out", self.path("again"), *glob.glob(os.path.join(out, "*.failures.txt")))
        self.assertTrue(again.startswith("2 findings, 2 files"), again)

    def test_a_healthy_night_is_0_and_offers_nothing(self):
        self.write("corpus/a.txt", problem(33) + "\n" + problem(34) + "\n")
        out = self.path("out")
        said = self.script("nightly.sh", "--attnfuzz", ATTNFUZZ, "--backend", "host", "--gpus", "2",
                           "--corpus", self.path("corpus"), "--inputs", self.path("nothing"), "--generate", "4", out)
        self.assertIn("0 findings, 0 files", said)
        self.assertFalse(os.path.exists(os.path.join(out, "regress")))

    def test_no_gpu_is_3(self):
        self.script("nightly.sh", "--attnfuzz", ATTNFUZZ, "--backend", "hip", "--gpus", "1", "--generate", "2",
                    self.path("out"), code=3)
        self.script("nightly.sh", "--attnfuzz", "/nosuch/file", self.path("out"), code=3)
        self.script("nightly.sh", code=2)


class Regress(Scripts):
    def test_the_shortest_of_a_kind_once_each_and_none_that_is_there(self):
        head = "# P2 sound kernel=tile: wrong\n"
        lines = [head + problem(33) + f" | seed={10 ** i}\n" for i in range(8)]
        with open(os.path.join(SOURCE, "corpus", "naive.txt")) as f:
            known = next(x for x in f if x.startswith("fa1 "))
        file = self.write("f.txt", "".join(lines) + lines[0] + head + known + "# P9 contained: cut\nfa1 q=f32[6")
        said = self.script("regress.py", "--out", self.path("r"), file)
        self.assertTrue(said.startswith("10 findings, 5 files"), said)
        kept = ""
        for path in glob.glob(self.path("r/*.txt")):
            with open(path) as f:
                kept += f.read()
        self.assertEqual(kept.count("fa1 "), 5)
        self.assertNotIn("seed=100000\n", kept)
        said = self.script("regress.py", "--all", "--out", self.path("all"), file)
        self.assertTrue(said.startswith("10 findings, 8 files"), said)
        self.assertEqual(self.runs(self.path("r"), "test"), 0)
        self.script("regress.py", "--out", self.path("x"), self.write("odd.txt", "something else\n"), code=1)


class Validate(Scripts):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("bin/good"))
        os.symlink(os.path.abspath(FLAKY), self.path("bin/good/attnfuzz"))

    def validate(self, *arguments, code):
        return self.script("validate.sh", "--bin", self.path("bin"), "--out", self.path("out"), "--generate-work",
                           "40000", "--jobs", "2", *arguments, code=code)

    def state(self):
        with open(self.path("out/state.json")) as f:
            return json.load(f)["steps"]

    def test_a_step_that_is_cut_off_goes_on(self):
        slow = ("--backend", "test:slow=40", "--generate", "120")
        self.validate(*slow, "--limit", "7", "generated", code=3)
        self.assertEqual(self.state()["generated"]["status"], "unfinished")
        self.validate(*slow, "generated", code=0)
        self.assertEqual(self.state()["generated"]["status"], "good")
        with open(self.path("out/generated.json")) as f:
            r = json.load(f)
        self.assertGreater(r["resumed"], 0)
        self.assertEqual((r["ran"], r["left"]), (120, 0))
        self.assertIn("good before", self.validate(*slow, "generated", code=0))
        said = self.validate(*slow, "fault-b40_kv_head_by_padded_ratio", code=3)
        self.assertIn("--prepare makes it", said)
        self.script("validate.sh", "--bin", self.path("bin"), "--out", self.path("out"), "--backend", "host", code=1)

    def test_who_is_told_to_stop_stops_what_it_started(self):
        command = [os.path.join(SOURCE, "tests/gpu/validate.sh"), "--bin", self.path("bin"), "--out", self.path("out"),
                   "--backend", "test:slow=40", "--generate", "5000", "--generate-work", "40000", "--jobs", "2"]
        with subprocess.Popen([*command, "generated"], stdout=subprocess.PIPE, text=True) as child:
            self.assertEqual(child.stdout.readline(), "== generated\n")
            until = time.monotonic() + 60
            journal = self.path("out/generated.journal")
            while not (os.path.exists(journal) and os.path.getsize(journal) > 200) and time.monotonic() < until:
                time.sleep(0.1)
            child.terminate()
            self.assertEqual(child.wait(), 143)
        with open(self.path("out/generated.json")) as f:  # written at the end
            self.assertGreater(json.load(f)["left"], 0)

    def test_a_step_that_fails_says_so_in_the_table(self):
        self.validate("--backend", "test:wrong@1", "--generate", "20", "generated", code=1)
        with open(self.path("out/summary.txt")) as f:
            self.assertRegex(f.read(), r"(?m)^generated +failed ")

    def test_without_a_gpu_no_step_was_made_and_none_failed(self):
        said = self.validate("--backend", "hip", "--generate", "5", "corpus", "generated", "bench", "rank", "sdpa",
                             code=3)
        self.assertEqual({s["status"] for s in self.state().values()}, {"not made"}, said)

    def test_mistakes(self):
        self.script("validate.sh", "nosuchstep", code=2)
        self.script("validate.sh", "--bin", "/nosuch/folder", code=3)


if __name__ == "__main__":
    unittest.main()
