#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz run: results, reports, shards, workers that die or hang."""

import glob
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import ATTNFUZZ, LARGE, SAMPLED, SMALL, SOURCE, Case, devices, kernels  # noqa: E402

KEYS = {"backend", "problems", "ran", "failed", "blind", "suspect", "doubts", "skipped", "unjudged", "components",
        "by_kernel", "by_device", "skipped_for", "needs_naive", "failures", "seconds", "plans"}
ODD = "fa1 q=f32[33,2,2,1] k=f16[33,9,1,1] v=f16[33,9,1,1]"
# hours of work, so that a worker is at it for as long as a test needs
ENDLESS = "fa1 q=f32[64,4096,64,1] k=f16[64,16384,8,1] v=f16[64,16384,8,1]"


def variants(n):
    return "".join(SMALL + f" | seed={i}\n" for i in range(n))


class Reports(Case):
    def run_json(self, *arguments, code=0):
        path = self.path("out.json")
        self.ends(code, "run", "--json", path, *arguments)
        with open(path) as f:
            return json.load(f)

    def test_json_counts_what_was_run(self):
        r = self.run_json(SMALL, LARGE, ODD)
        self.assertLessEqual(KEYS, r.keys())
        self.assertEqual((r["problems"], r["ran"], r["skipped"], r["failed"]), (3, 2, 1, 0))
        self.assertEqual(list(r["by_kernel"]), kernels())
        naive = r["by_kernel"]["naive"]
        self.assertEqual((naive["able"], naive["ran"], naive["missed"]), (3, 2, 0))
        self.assertEqual(naive["components"], 64 * 2 * 4 + 33 * 2 * 2)
        self.assertEqual(r["by_kernel"]["tile"]["ran"], 1)
        self.assertEqual(r["needs_naive"], ["argument 3:1"])
        self.assertEqual(sum(r["by_device"].values()), 2)
        self.assertEqual(sum(r["skipped_for"].values()), 1)
        self.assertEqual(r["failures"], [])
        self.assertGreater(r["plans"], 100)

    def test_the_summary_says_the_same(self):
        out = self.good("run", SMALL, LARGE).out
        self.assertRegex(out.splitlines()[-1],
                         r"^2 problems: 1 ran, 1 skipped \(planned only\), 0 failed, 0 blind, 0 suspect; "
                         r"0 need naive; ")
        self.assertRegex(out, r"(?m)^skipped 1: .*multiply-adds")
        for kernel in kernels():
            self.assertRegex(out, rf"(?m)^{kernel} ")

    def test_reports_to_standard_output_are_alone_there(self):
        json.loads(self.good("run", "--json", "-", SMALL).out)
        ET.fromstring(self.good("run", "--junit", "-", SMALL).out)

    def test_junit_has_a_case_for_each_problem(self):
        suite = ET.fromstring(self.good("run", "--junit", "-", SMALL, LARGE).out)
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("skipped")), ("2", "0", "1"))
        cases = suite.findall("testcase")
        self.assertEqual(len(cases), 2)
        self.assertIn("multiply-adds", cases[1].find("skipped").get("message"))

    def test_the_work_limit_is_20_million_multiply_adds(self):
        at = "fa1 q=f32[64,40,1,1] k=f16[64,3906,1,1] v=f16[64,3906,1,1]"
        r = self.run_json(at, at.replace("3906", "3907"))
        self.assertEqual((r["ran"], r["sampled"]), (2, 1))
        self.assertEqual(self.run_json("--work", "1", SMALL)["ran"], 0)

    def test_what_is_too_much_work_is_sampled_and_says_how_much(self):
        page, xml, journal = self.path("run.html"), self.path("run.xml"), self.path("journal")
        arguments = ("--resume", journal, "--html", page, "--junit", xml, SMALL, SAMPLED, LARGE)
        r = self.run_json(*arguments)
        self.assertEqual((r["ran"], r["sampled"], r["skipped"], r["failed"]), (2, 1, 1, 0))
        rows = r["sampled_rows"]
        self.assertEqual(r["sampled_of"], 96 * 4 * 2)
        self.assertTrue(0 < rows < r["sampled_of"])
        naive = r["by_kernel"]["naive"]
        self.assertEqual((naive["ran"], naive["components"], naive["left_out"]), (2, (2 * 4 + rows) * 64, 0))
        words = f"{rows} of {r['sampled_of']} rows"
        with open(page) as f:
            self.assertIn(f"1 sampled, being too much work to be run whole: run and judged in {words}", f.read())
        cases = ET.parse(xml).getroot().findall("testcase")
        self.assertEqual([c.find("properties/property") is not None for c in cases], [False, True, False])
        self.assertEqual(dict(cases[1].find("properties/property").items()), {"name": "sampled", "value": words})
        again = self.good("run", *arguments).out
        self.assertRegex(again, rf"(?m)^sampled 1: .* in {words} ")
        self.assertRegex(again, r"(?m)^from the journal 3$")

    def test_a_forced_kernel_runs_alone(self):
        r = self.run_json("--kernel", "tile", SMALL, ODD)
        self.assertEqual({k for k, v in r["by_kernel"].items() if v["ran"]}, {"tile"})
        self.assertEqual((r["ran"], r["skipped"]), (1, 1))
        for k in kernels():  # whatever the planner would have chosen
            total = self.run_json("--kernel", k, SMALL)["by_kernel"]
            self.assertEqual([x for x, of in total.items() if of["chosen"] > of["able"]], [])

    def test_a_second_schedule_changes_nothing(self):
        self.assertEqual(self.run_json("--schedules", SMALL)["failed"], 0)
        self.assertEqual(self.run_json("--schedule", "5", "--schedules", SMALL)["failed"], 0)

    def test_twins_agree(self):
        self.assertEqual(self.run_json("--twins", SMALL)["failed"], 0)
        # A line that names them asks for them: what a finding prints is run again as it was found.
        self.assertEqual(self.run_json(SMALL + " | dev=gfx942 again=9 twin=rows")["failed"], 0)


# Two keys at a mask of -65504, where a float has steps of 1/256, and V of one component that nearly cancels: what is
# left is less than what the weights may be off by. No judge can tell; this one says so.
BLIND = "fa1 q=f32[8,1,1,1] k=f16[8,2,1,1] v=f16[1,2,1,1] mask=f16[2,1,1,1] | dev=gfx942 mask=finite seed=83"


class Blind(Case):
    def test_a_blind_problem_has_neither_failed_nor_passed_in_any_report(self):
        paths = {kind: self.path("out." + kind) for kind in ("json", "junit", "html")}
        result = self.good("run", *(f"--{kind}={path}" for kind, path in paths.items()), SMALL, BLIND)
        self.assertIn(" 0 failed, 1 blind, 0 suspect; ", result.out.splitlines()[-1])
        self.assertRegex(result.out,
                         r"(?m)^argument 2:1: blind: 1 of 1 rows of naive .*\n  line:   " + re.escape(BLIND))
        with open(paths["json"]) as f:
            r = json.load(f)
        self.assertEqual((r["failed"], r["blind"], r["suspect"], r["by_kernel"]["naive"]["blind"]), (0, 1, 0, 1))
        doubt, = r["doubts"]
        self.assertEqual((doubt["at"], doubt["verdict"], doubt["kernel"], doubt["line"]),
                         ("argument 2:1", "blind", "naive", BLIND))
        suite = ET.parse(paths["junit"]).getroot()
        self.assertEqual((suite.get("failures"), suite.get("skipped")), ("0", "1"))
        self.assertIsNone(suite.findall("testcase")[0].find("skipped"))
        self.assertIn("blind", suite.findall("testcase")[1].find("skipped").get("message"))
        with open(paths["html"]) as f:
            page = f.read()
        self.assertNotIn("all good", page)
        self.assertIn("none failed, not all could be judged", page)
        self.assertIn("seed=83", page)

    def test_under_strict_it_ends_with_1(self):
        self.ends(1, "run", "--strict", SMALL, BLIND)
        self.good("run", "--strict", SMALL)
        self.good("run", SMALL, BLIND)

    def test_a_journal_keeps_it(self):
        journal = self.path("journal")
        for resumed in (0, 2):
            path = self.path("out.json")
            self.ends(1, "run", "--strict", "--resume", journal, "--json", path, SMALL, BLIND)
            with open(path) as f:
                r = json.load(f)
            self.assertEqual((r["blind"], r["resumed"], len(r["doubts"])), (1, resumed, 1))

    def test_long_contexts_and_deep_scores_are_judged_with_every_profile(self):
        with open(os.path.join(SOURCE, "fuzz", "case", "attn_case.h"), encoding="utf-8") as f:
            table = f.read().split("#define ATTN_DATA_PROFILES(X)")[1].split("\n\n")[0]
        profiles = re.findall(r"X\([A-Z_]+, (\w+),", table)
        self.assertGreater(len(profiles), 10)
        lines = [f"fa1 q=f32[64,1,1,1] k=f16[64,16384,1,1] v=f16[64,16384,1,1] mask=f16[16384,1,1,1] scale=0.125 "
                 f"| dev=gfx942 data={data}" for data in profiles]
        result = self.good("run", "--strict", *lines)
        self.assertIn(f"{len(lines)} problems: {len(lines)} ran, ", result.out)


class Devices(Case):
    def devices(self, *arguments):
        lines = self.good("run", "--list", *arguments).out.splitlines()
        return [re.search(r"dev=(\S+)", line).group(1) for line in lines]

    def test_a_line_without_a_device_gets_one_by_its_hash(self):
        file = self.write("a.txt", variants(200))
        chosen = self.devices(file)
        self.assertEqual(len(chosen), 200)
        self.assertEqual(chosen, self.devices(file))
        self.assertEqual(set(chosen), set(devices()))
        wave64 = sum(devices()[d] == 64 for d in chosen)
        self.assertGreater(wave64, 70)
        self.assertLess(wave64, 130)

    def test_waves_is_one_device_of_each_wave_size(self):
        first, second = self.devices("--device", "waves", SMALL)
        self.assertEqual({devices()[first], devices()[second]}, {32, 64})

    def test_a_lines_own_device_stands_and_the_option_is_stronger(self):
        self.assertEqual(self.devices(SMALL + " | dev=gfx1030~lds/2"), ["gfx1030~lds/2"])
        self.assertEqual(self.devices("--device", "gfx906", SMALL + " | dev=gfx1030"), ["gfx906"])
        self.assertEqual(self.devices("--device", "all", SMALL), list(devices()))
        result = json.loads(self.good("run", "--device", "all", "--json", "-", SMALL).out)
        self.assertEqual(result["by_device"], {name: 1 for name in devices()})


class Shards(Case):
    def test_shards_are_a_partition(self):
        file = self.write("a.txt", variants(53))
        listed = lambda *a: self.good("run", "--list", *a, file).out.splitlines()  # noqa: E731
        whole = listed()
        self.assertEqual(len(whole), 53)
        for n in (1, 2, 7, 53, 60):
            parts = [listed("--shard", f"{i}/{n}") for i in range(1, n + 1)]
            self.assertEqual(sorted(sum(parts, [])), sorted(whole))
            self.assertEqual(sum(map(len, parts)), len(whole))
            self.assertLessEqual(max(map(len, parts)) - min(map(len, parts)), 1)

    def test_the_number_of_workers_leaves_no_trace(self):
        file = self.write("a.txt", variants(24) + ODD + "\n" + LARGE + "\n")
        seen = []
        for jobs in ("1", "2", "5"):
            path = self.path(jobs + ".json")
            self.good("run", "--jobs", jobs, "--json", path, file)
            with open(path) as f:
                seen.append(re.sub(r'"seconds":[0-9.]+', "", f.read()))
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])

    def test_elsewhere_than_on_a_terminal_there_is_no_cursor_movement(self):
        result = self.good("run", self.write("a.txt", variants(5)))
        self.assertNotRegex(result.out + result.err, r"[\r\033]")


class Failures(Case):
    def failed(self, result, path):
        self.assertEqual(result.count("FAILED "), 1, result)
        self.assertRegex(result, r"replay: attnfuzz run --max-work \d+ (--timeout 2 )?'fa1 ")
        with open(path) as f:
            r = json.load(f)
        self.assertEqual((r["problems"], r["ran"], r["failed"]), (3, 3, 1))
        failure, = r["failures"]
        self.assertTrue(failure["line"].startswith("fa1 "))
        return failure

    def test_a_problem_that_takes_too_long_has_failed_and_the_others_go_on(self):
        path = self.path("out.json")
        file = self.write("a.txt", f"{SMALL}\n{ENDLESS}\n{SMALL} | seed=2\n")
        begin = time.monotonic()
        result = self.ends(1, "run", "--timeout", "2", "--work", str(2**62), "--kernel", "naive", "--json", path, file)
        self.assertLess(time.monotonic() - begin, 120)
        failure = self.failed(result.out, path)
        self.assertEqual(failure["at"], f"{file}:2")
        self.assertIn("no result within 2 s", failure["text"])

    def test_a_problem_that_takes_too_long_counts_and_is_run_again_as_it_was(self):
        paths = {kind: self.path("out." + kind) for kind in ("json", "junit", "html", "failures")}
        # Long enough for a busy machine to come to a kernel.
        out = self.ends(1, "run", "--timeout", "8", "--max-work", str(2**62), *(f"--{k}={v}" for k, v in paths.items()),
                        ENDLESS + " | dev=gfx942").out
        with open(paths["json"]) as f:
            r = json.load(f)
        kernel = r["failures"][0]["kernel"]
        self.assertEqual({k: (v["able"], v["ran"], v["failed"]) for k, v in r["by_kernel"].items() if v["failed"]},
                         {kernel: (1, 1, 1)})
        self.assertEqual({d for d, n in r["by_device"].items() if n}, {"gfx942"})
        self.assertRegex(out, rf"(?m)^{kernel} +1 +[01] +1 +1 +0 ")
        self.assertRegex(out, r"(?m)^devices .* gfx942 1 ")
        line = f"{ENDLESS} | dev=gfx942 kernel={kernel}"
        command = f"attnfuzz run --max-work {2**62} --timeout 8 '{line}'"
        self.assertEqual((r["failures"][0]["line"], r["failures"][0]["replay"]), (line, command))
        self.assertIn(f"\n  line:   {line}\n  replay: {command}\n", out)
        self.assertEqual(ET.parse(paths["junit"]).getroot().find("testcase/failure").text, command)
        with open(paths["html"]) as page, open(paths["failures"]) as lines:
            self.assertIn(f"<pre>{command}</pre>", page.read())
            self.assertEqual(lines.read().splitlines()[-1], line)
        again = self.ends(1, *shlex.split(command)[1:]).out
        self.assertIn(f"no result within 8 s, while it ran {kernel}", again)

    def test_a_worker_that_dies_is_reported_with_its_line_and_replaced(self):
        path = self.path("out.json")
        file = self.write("a.txt", f"{SMALL}\n{ENDLESS}\n{SMALL} | seed=2\n")
        child = subprocess.Popen([ATTNFUZZ, "run", "--jobs", "1", "--work", str(2**62), "--kernel", "naive", "--json",
                                  path, file],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=SOURCE)
        try:
            worker = self.wait_for_worker_at_work(child.pid)
            os.kill(worker, signal.SIGKILL)
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()
        self.assertEqual(child.returncode, 1, err)
        failure = self.failed(out.decode(), path)
        self.assertEqual(failure["at"], f"{file}:2")
        self.assertIn("signal 9", failure["text"])

    def wait_for_worker_at_work(self, parent):
        """The only child, once it has used 1.5 s of processor time: it is at the endless problem then."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for path in glob.glob("/proc/[0-9]*/stat"):
                try:
                    with open(path) as f:
                        fields = f.read().rsplit(")", 1)[1].split()
                except OSError:
                    continue  # it has ended
                if int(fields[1]) == parent and int(fields[11]) / os.sysconf("SC_CLK_TCK") > 1.5:
                    return int(path.split("/")[2])
            time.sleep(0.05)
        self.fail("no worker at work")


class Bench(Case):
    def test_bench_measures_every_able_kernel(self):
        r = json.loads(self.good("bench", "--json", SMALL).out)
        for rate in ("plans", "check_own", "check_distinct", "judged", "reference",
                     *(f"{k}_{how}" for k in kernels() for how in ("plain", "checked"))):
            self.assertGreater(r["rates"][rate]["per_second"], 0, rate)
            ratio = r["rates"][rate]["of_calibration"]
            self.assertAlmostEqual(ratio, r["rates"][rate]["per_second"] / r["calibration"], delta=ratio / 1e3)
        # The reference run has every rate that is measured.
        with open(os.path.join(SOURCE, "cli", "speed_reference.h")) as f:
            known = re.findall(r"X\((\w+), [\d.e+-]+\)", f.read())
        self.assertLessEqual(set(r["rates"]), set(known))


if __name__ == "__main__":
    unittest.main()
