#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz run as a validation run: generated problems, comparison with the host executor, children that die, hang and
lose their device, the journal. The device is the host executor behind a GPU's interface (support/flaky_backend.c), in
the same child processes that a GPU would be opened in."""

import base64
import collections
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ET
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import command  # noqa: E402
from command import SMALL, SOURCE, Case  # noqa: E402

FLAKY = os.path.join(os.environ.get("ATTN_BIN", "build/asan/bin"), "attnfuzz-flaky")
HOST = command.ATTNFUZZ


def problem(n_kv):
    return f"fa1 q=f32[64,2,2,1] k=f16[64,{n_kv},1,1] v=f16[64,{n_kv},1,1]"


class Validation(Case):
    def setUp(self):
        super().setUp()
        command.ATTNFUZZ = FLAKY
        self.addCleanup(setattr, command, "ATTNFUZZ", HOST)
        self.file = self.write("a.txt", "".join(problem(n) + "\n" for n in range(33, 45)))

    def report(self, what, *arguments, code, name="out.json"):
        path = self.path(name)
        result = self.ends(code, "run", "--backend", "test:" + what, "--json", path, *arguments)
        with open(path) as f:
            r = json.load(f)
        r["said"] = result
        return r

    def fails_on_host(self, line):
        return subprocess.run([HOST, "run", line], capture_output=True, cwd=SOURCE).returncode


class Device(Validation):
    def test_a_healthy_device_is_compared_with_the_host_executor_bit_for_bit(self):
        r = self.report("", self.file, code=0)
        self.assertEqual((r["backend"], r["problems"], r["ran"], r["failed"], r["left"]), ("test", 12, 12, 0, 0))
        self.assertEqual(r["constant_v"], 12)
        self.assertEqual({d for d, n in r["by_device"].items() if n}, {"sm_90"})
        for kernel in r["by_kernel"].values():
            self.assertEqual(kernel["compared"], kernel["ran"])
            self.assertEqual(kernel["bits_equal"], kernel["compared_components"], "it is the same machine")
            self.assertEqual(kernel["apart"], 0)

    def test_a_weakening_is_one_of_the_device_whatever_device_the_line_names(self):
        line = problem(35).replace("64,2,2,1", "64,20,2,1", 1)
        for named, own, kernels in (("gfx942", "sm_90", {"mma", "naive", "tile", "vec"}),
                                    ("gfx942~matrix", "sm_90~matrix", {"naive", "tile", "vec"}),
                                    ("sm_90~wgmma", "sm_90~wgmma", {"mma", "naive", "tile", "vec"})):
            file = self.write("line.txt", f"{line} | dev={named}\n")
            r = self.report("", file, code=0)
            self.assertEqual({k for k, of in r["by_kernel"].items() if of["ran"]}, kernels, named)
            r = self.report("wrong@35", "--shrink", "0", file, code=1)
            self.assertIn(f"dev={own} ", r["failures"][0]["line"])

    def test_what_is_too_large_for_the_host_executor_is_counted(self):
        r = self.report("", "--host-work", "20000", self.file, code=0)
        naive = r["by_kernel"]["naive"]
        self.assertEqual((naive["compared"], naive["not_compared"]), (7, 5))  # 2 * 2 * 128 multiply-adds a key

    def test_a_wrong_result_names_the_kernel_and_what_the_host_executor_says(self):
        r = self.report("wrong@37", self.file, "--failures", self.path("f.txt"), code=1)
        self.assertEqual((r["failed"], r["ran"]), (1, 12))
        failure, = r["failures"]
        self.assertEqual((failure["at"], failure["property"]), (f"{self.file}:5", 2))
        self.assertIn(failure["kernel"], r["by_kernel"])
        self.assertIn("holds on the host executor", failure["host"])
        self.assertIn("dev=sm_90", failure["line"])
        self.assertEqual(failure["from"].split(" | ")[0], problem(37))
        self.assertIn("q=f32[8,1,1,1]", failure["line"], "made smaller, with the kernel kept")
        self.assertIn("kernel=mma", failure["line"])
        self.assertEqual(self.fails_on_host(failure["line"]), 0)
        with open(self.path("f.txt")) as f:
            text = f.read()
        self.assertIn(f"# P2 sound kernel={failure['kernel']}: ", text)
        self.assertEqual([x for x in text.splitlines() if not x.startswith("#")], [failure["line"]])
        again = self.report("wrong@37", self.path("f.txt"), code=1)
        self.assertEqual(again["failures"][0]["text"], failure["text"])
        self.assertEqual(again["failures"][0]["line"], failure["line"])

    def test_the_first_findings_of_a_kind_are_made_smaller_whoever_found_them(self):
        file = self.write("c.txt", "".join(problem(37).replace("64,2,2,1", f"64,{n},2,1") + "\n" for n in range(2, 8)))
        for jobs in ("1", "3"):
            r = self.report("wrong@37", file, "--jobs", jobs, "--shrink", "2", "--resume", self.path(jobs), code=1)
            self.assertEqual(["from" in f for f in r["failures"]], [True, True] + 4 * [False])
            again = self.report("wrong@37", file, "--jobs", jobs, "--shrink", "2", "--resume", self.path(jobs), code=1)
            self.assertEqual(again["failures"], r["failures"])
        r = self.report("wrong@37", file, "--shrink", "0", code=1)
        self.assertFalse(any("from" in f for f in r["failures"]))

    def test_two_runs_that_differ_by_a_bit_have_failed(self):
        failure, = self.report("wobble@40", self.file, code=1)["failures"]
        self.assertEqual((failure["property"], failure["at"]), (10, f"{self.file}:8"))

    def test_a_device_is_not_chosen_for_a_gpu(self):
        self.assertIn("--device", self.ends(2, "run", "--backend", "test", "--device", "gfx942", SMALL).err)


class Survival(Validation):
    """One problem is lost, it is reported with its line, and all others have a result."""

    def survives(self, what, *arguments, at=5):
        for jobs in ("1", "2"):
            junit = self.path("out.xml")
            r = self.report(what, *arguments, "--jobs", jobs, "--junit", junit, self.file, code=1)
            self.assertEqual((r["problems"], r["failed"], r["left"]), (12, 1, 0))
            self.assertEqual(r["by_kernel"]["naive"]["ran"], 11)
            failure, = r["failures"]
            self.assertEqual(failure["at"], f"{self.file}:{at}")
            self.assertEqual(failure["kernel"], "mma", "the kernel it was at")
            self.assertIn(problem(32 + at), failure["line"])
            self.assertEqual(ET.parse(junit).getroot().get("failures"), "1")
        return failure

    def test_a_child_that_is_killed(self):
        self.assertIn("signal 9, while it ran mma", self.survives("kill@37")["text"])

    def test_a_child_that_faults(self):
        self.assertIn("signal 11", self.survives("fault@37")["text"])

    def test_a_child_that_sleeps_for_ever(self):
        begin = time.monotonic()
        self.assertIn("no result within 2 s", self.survives("hang@37", "--timeout", "2")["text"])
        self.assertLess(time.monotonic() - begin, 200)

    def test_a_device_that_is_lost_and_comes_back(self):
        failure = self.survives("lost@37")
        self.assertEqual(failure["failure"], "device_lost")

    def test_a_session_that_loses_its_device_costs_itself(self):
        session, log = "session { layer f heads=2/1 d=64; cells 64; pad 16; prefill 3; decode 20; }", self.path("log")
        file = self.write("s.txt", f"{problem(50)}\n{session}\n{problem(51)}\n{problem(52)}\n")
        self.report(f"log={log}", file, code=0)
        with open(log) as f:
            steps = sorted({int(x) for x in f} - {50, 51, 52})
        self.assertGreater(len(steps), 1)
        r = self.report(f"lost@{steps[-1]}", "--jobs", "1", file, code=1)
        self.assertEqual((r["problems"], r["failed"], r["left"]), (4, 1, 0))
        self.assertEqual([(f["at"], f["failure"]) for f in r["failures"]], [(f"{file}:2", "device_lost")])

    def test_the_first_and_the_last_problem_may_be_the_one(self):
        self.survives("lost@33", at=1)
        self.survives("kill@44", at=12)

    def test_many_at_once(self):
        r = self.report("kill@33,lost@34,fault@36,kill@37,lost@44", "--jobs", "2", self.file, code=1)
        self.assertEqual((r["failed"], r["left"], r["by_kernel"]["naive"]["ran"]), (5, 0, 7))

    def test_a_device_that_does_not_come_back_ends_with_3_and_says_what_is_left(self):
        gone, journal = self.path("gone"), self.path("journal")
        what = f"lost@37,gone={gone}"
        arguments = ("--jobs", "1", "--resume", journal, self.file)
        r = self.report(what, *arguments, code=3)
        self.assertEqual((r["failed"], r["left"]), (1, 7))
        self.assertIn("cannot be opened again: the test's device does not answer", r["said"].err)
        self.assertIn("left to do 7 of 12: the same command goes on from the journal", r["said"].out)
        still = self.report(what, *arguments, code=3)
        self.assertEqual((still["left"], still["resumed"]), (7, 5))
        os.remove(gone)
        r = self.report(what, *arguments, code=1)
        self.assertEqual((r["failed"], r["left"], r["resumed"], r["by_kernel"]["naive"]["ran"]), (1, 0, 5, 11))

    def test_no_device_at_all_is_one_line_and_3(self):
        there = self.write("there", "")
        result = self.ends(3, "run", "--backend", f"test:sulk={there}", self.file)
        self.assertEqual((result.out, result.err), ("", "attnfuzz: the test's device does not answer\n"))
        result = self.ends(3, "run", "--backend", "hip", SMALL)
        self.assertEqual((result.out, result.err.count("\n")), ("", 1), result.err)


class Journal(Validation):
    N = 60

    def setUp(self):
        super().setUp()
        self.journal, self.log = self.path("journal"), self.path("log")
        self.file = self.write("b.txt", "".join(problem(n) + " | data=constant_v\n" for n in range(100, 100 + self.N)))

    def begun(self):
        try:
            with open(self.log) as f:
                return [int(line) for line in f]
        except FileNotFoundError:
            return []

    def test_killed_with_9_and_resumed_nothing_is_lost_or_done_twice(self):
        what = f"slow=10,wrong@110,log={self.log}"
        arguments = ["--jobs", "2", "--shrink", "0", "--resume", self.journal, "--failures", self.path("f.txt"),
                     self.file]
        kills = 0
        for wanted in (15, 35):
            child = subprocess.Popen([FLAKY, "run", "--backend", "test:" + what, *arguments], cwd=SOURCE,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                until = time.monotonic() + 60
                while len(self.begun()) < wanted and time.monotonic() < until:
                    time.sleep(0.01)
                self.assertIsNone(child.poll(), "it was to be killed at work")
            finally:
                child.send_signal(signal.SIGKILL)
                child.wait()
            kills += 1
        with open(self.path("f.txt.part")) as f:
            self.assertIn(problem(110), f.read(), "failing lines are there when the run is not")
        before = len(self.begun())
        r = self.report(what, *arguments, code=1)
        self.assertEqual((r["problems"], r["ran"], r["failed"], r["left"]), (self.N, self.N, 1, 0))
        self.assertGreaterEqual(r["resumed"], before - 2 * 2 * kills)
        times = collections.Counter(self.begun())
        self.assertEqual(set(times), set(range(100, 100 + self.N)), "nothing is lost")
        # the two children of a killed parent are each at one problem, whose result nobody has seen
        twice = {n: k for n, k in times.items() if k > (2 if n == 110 else 1)}
        self.assertLessEqual(sum(k - 1 for k in twice.values()), 2 * kills, twice)
        # and the report is that of a run that was never disturbed
        plain = self.report("wrong@110", self.file, "--jobs", "1", "--shrink", "0", code=1, name="plain.json")
        for key in set(r) - {"seconds", "resumed", "said"}:
            self.assertEqual(r[key], plain[key], key)

    def test_a_finished_journal_runs_nothing(self):
        what = f"log={self.log}"
        self.report(what, "--resume", self.journal, self.file, code=0)
        self.assertEqual(len(self.begun()), self.N)
        r = self.report(what, "--resume", self.journal, self.file, code=0)
        self.assertEqual((r["resumed"], r["ran"], len(self.begun())), (self.N, self.N, self.N))

    def journal_of(self, file):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.journal)
        self.report("", "--resume", self.journal, file, code=0)
        with open(self.journal, "rb") as f:
            return f.read()

    def test_a_torn_record_is_run_again(self):
        one = self.journal_of(self.write("one.txt", problem(100) + "\n"))
        whole = self.journal_of(self.file)
        record = (len(whole) - len(one)) // (self.N - 1)  # all of them held: records are alike
        header = len(one) - record
        self.assertEqual(len(whole), header + self.N * record)
        for cut, kept in ((1, self.N - 1), (record, self.N - 1), (record + 7, self.N - 2), (len(whole) - header, 0)):
            self.write("journal", whole[:-cut])
            r = self.report("", "--resume", self.journal, self.file, code=0)
            self.assertEqual((r["resumed"], r["ran"]), (kept, self.N), cut)
        for cut in (len(whole) - header + 1, len(whole)):
            self.write("journal", whole[:-cut])
            self.assertEqual(self.report("", "--resume", self.journal, self.file, code=0)["resumed"], 0)
        self.write("journal", whole[:-record // 2] + b"\0" * (record // 2))
        self.assertEqual(self.report("", "--resume", self.journal, self.file, code=0)["resumed"], self.N - 1)

    def test_it_belongs_to_one_run(self):
        run = ("run", "--backend", "test", "--resume", self.journal)
        self.good(*run, self.file)
        for other in ((*run, "--kernel", "naive", self.file), (*run, "--shard", "1/2", self.file), (*run, SMALL),
                      (*run, "--host-work", "5", self.file), (*run, "--generate", "1", self.file),
                      ("run", "--resume", self.journal, self.file)):
            result = self.ends(2, *other)
            self.assertRegex(result.err, r"^attnfuzz: .*: the journal of another run: ")
            self.assertEqual(result.err.count("\n"), 1)
        command.ATTNFUZZ = HOST
        self.assertIn("another run", self.ends(2, "run", "--resume", self.journal, self.file).err)

    # What version 0.1.0 wrote for a run of one small problem: 696 bytes, packed.
    EARLIER = (b"c-l)WDalJKt*TNeD$P?c<YHLJ{dSVdrr;h%1_-EWeSAl*?ejt?m!X0QLQk~sZ+POduMwsW1en1jvIy~@9!l349mOio3^mz-"
               b"VH6AozzB_I4r&@2^I$)WW?gnQp1F959WJE+9BUkC")

    def test_one_of_another_version_is_refused_by_name_and_left_as_it_is(self):
        problem_line = "fa1 q=f32[8,1,1,1] k=f16[8,1,1,1] v=f16[8,1,1,1]"
        earlier = zlib.decompress(base64.b85decode(self.EARLIER))
        self.assertEqual(len(earlier), 696)
        later = b"attnfuzz run 4\n\0" + earlier[16:]
        command.ATTNFUZZ = HOST
        said = "a journal of attnfuzz run, of another version of it"
        for content in (earlier, later):
            path = self.write("earlier", content)
            result = self.ends(2, "run", "--resume", path, problem_line)
            self.assertEqual(result.err, f"attnfuzz: {path}: {said}\n")
            with open(path, "rb") as f:
                self.assertEqual(f.read(), content)

    def test_what_is_no_journal_is_left_as_it_is(self):
        for content in (b"fa1 q=...\n", b"x", b"\0" * 4096, b"attnfuzz run 3\n\0" + b"\1" * 24):
            path = self.write("other", content)
            result = self.ends(2, "run", "--backend", "test", "--resume", path, self.file)
            self.assertIn("not a journal", result.err)
            with open(path, "rb") as f:
                self.assertEqual(f.read(), content)
        self.ends(2, "run", "--backend", "test", "--resume", self.folder.name, self.file)
        self.ends(2, "run", "--backend", "test", "--resume", "/nosuch/folder/j", self.file)

    def test_one_run_at_a_time(self):
        child = subprocess.Popen([FLAKY, "run", "--backend", "test:hang@100", "--jobs", "1", "--resume", self.journal,
                                  self.file],
                                 cwd=SOURCE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until and not (os.path.exists(self.journal) and os.path.getsize(self.journal)):
                time.sleep(0.01)
            result = self.ends(2, "run", "--backend", "test:hang@100", "--jobs", "1", "--resume", self.journal,
                               self.file)
            self.assertIn("in use by another run", result.err)
        finally:
            child.kill()
            child.wait()


class Generated(Validation):
    def listed(self, *arguments):
        return self.good("run", "--list", *arguments).out.splitlines()

    def test_number_i_of_a_seed_is_the_same_in_every_run(self):
        lines = self.listed("--generate", "200", "--seed", "7")
        self.assertEqual(len(set(lines)), 200)
        self.assertEqual(self.listed("--generate", "50", "--seed", "7"), lines[:50])
        shards = [self.listed("--generate", "200", "--seed", "7", "--shard", f"{i}/3") for i in (1, 2, 3)]
        for i, shard in enumerate(shards):
            self.assertEqual(shard, lines[i::3])
        self.assertFalse(set(lines) & set(self.listed("--generate", "200", "--seed", "8")))

    def test_they_run_and_workers_leave_no_trace(self):
        seen = []
        for jobs in ("1", "2"):
            r = self.report("", "--generate", "60", "--seed", "3", "--jobs", jobs, code=0)
            self.assertEqual((r["ran"], r["failed"]), (60, 0))
            seen.append({k: v for k, v in r.items() if k not in ("seconds", "said")})
        self.assertEqual(seen[0], seen[1])

    def test_a_failure_among_them_can_be_replayed(self):
        lines = self.listed("--backend", "test:lost@0", "--generate", "60", "--seed", "3")
        n_kv = [int(re.search(r" k=\w+\[\d+,(\d+)", line).group(1)) for line in lines]
        pick = next(n for n in n_kv if n_kv.count(n) == 1)
        failure = self.report(f"wrong@{pick}", "--generate", "60", "--seed", "3", code=1)["failures"][0]
        self.assertEqual(failure["at"], f"generated/3:{n_kv.index(pick)}")
        self.assertEqual(self.report(f"wrong@{pick}", failure["line"], code=1)["failed"], 1)

    def test_sizes_follow_the_limit(self):
        def work(line):
            q, v = ([int(x) for x in re.search(rf" {t}=\w+\[([\d,]+)\]", line).group(1).split(",")] for t in "qv")
            return q[1] * v[1] * q[2] * q[3] * (q[0] + v[0])

        def fills_a_device(line):  # of which some rows are run
            heads, sequences = re.search(r" k=\w+\[\d+,\d+,(\d+),(\d+)\]", line).groups()
            return int(heads) * int(sequences) >= 64
        lines = self.listed("--generate", "300")
        full = list(filter(fills_a_device, lines))
        self.assertGreater(len(full), 3)
        self.assertLess(len(full), 60)
        small = max(work(line) for line in lines if not fills_a_device(line))
        lines = self.listed("--generate", "300", "--generate-work", "100000000")
        large = max(work(line) for line in lines if not fills_a_device(line))
        self.assertLessEqual(small, 1000000)
        self.assertGreater(large, 10 * small)
        self.assertLessEqual(large, 100000000)

    def test_fuzzing_inputs_are_problems(self):
        for i in range(20):
            self.write(f"corpus/input{i:02}", bytes((i * 37 + j * 11) % 256 for j in range(3 * i)))
        lines = self.listed("--inputs", self.path("corpus"))
        self.assertEqual(len(lines), 20)
        self.assertEqual(self.report("", "--inputs", self.path("corpus"), code=0)["ran"], 20)
        self.ends(2, "run", "--inputs", "/nosuch/folder")

    def test_mistakes(self):
        for wrong in (("--generate", "0"), ("--generate", "x"), ("--generate", "10000001"),
                      ("--seed", "-1", "--generate", "1"),
                      ("--generate-work", "1", "--generate", "1"), ("--backend", "hip:", SMALL),
                      ("--backend", "hip:1,1", SMALL),
                      ("--backend", "hip:x", SMALL), ("--backend", "hipp", SMALL), ("--backend", "host:1", SMALL),
                      ("--html", "-", SMALL), ("--html", "/nosuch/folder/x", SMALL),
                      ("--failures", "/nosuch/folder/x", SMALL)):
            self.assertLessEqual(self.ends(2, "run", *wrong).err.count("\n"), 2, wrong)


class Page(Validation):
    def test_the_page_needs_nothing_else_and_names_every_failure(self):
        path = self.path("out.html")
        self.ends(1, "run", "--backend", "test:wrong@37,kill@40", "--html", path, self.file)
        with open(path) as f:
            text = f.read()
        self.assertNotRegex(text, r"https?:|<script|<link|@import|url\((?!#)")
        self.assertIn("2 of 12 problems failed", text)
        self.assertIn("k=f16[64,37,1,1]", text)
        self.assertIn("signal 9", text)
        body = re.sub(r"<!doctype html>|<meta[^>]*>|<style>.*?</style>", "", text, flags=re.S)
        ET.fromstring(body)  # every element is closed
        self.good("run", "--backend", "test", "--html", path, self.file)
        with open(path) as f:
            self.assertIn("all good", f.read())


if __name__ == "__main__":
    unittest.main()
