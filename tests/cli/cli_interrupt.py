#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signals at random moments of run, check and shrink: what is known is printed, reports are whole or as they were,
nothing is lost that was printed, no process is left, and a resumed run does nothing twice. 30 moments in a long run."""

import glob
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import share  # noqa: E402
from command import ATTNFUZZ, SAMPLED, SOURCE, Case  # noqa: E402

FLAKY = os.path.join(os.environ.get("ATTN_BIN", "build/asan/bin"), "attnfuzz-flaky")
LONG = bool(os.environ.get("ATTN_LONG"))
MARK = "ATTN_TEST_INTERRUPT"
GENTLE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS = 2 if not LONG else 4  # a machine that runs 30 of these beside others is slower
DRAWN = random.Random(share.turn(1 << 32))
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # where this is run under nohup the command would leave it ignored


def moments(n):
    return [DRAWN.random() for _ in range(30 if LONG else n)]


def left(mark):
    """Processes that have the mark in their environment: the command and all that it has started."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f, open(path.replace("environ", "stat")) as stat:
                marked = f"{MARK}={mark}".encode() in f.read().split(b"\0")
                if marked and stat.read().rsplit(")", 1)[1].split()[0] != "Z":
                    found.append(path.split("/")[2])
        except OSError:
            continue  # it has ended, or is another's
    return found


class Interrupted(Case):
    def interrupt(self, number, after_s, *command):
        """The command, sent a signal after so many seconds: exit code, output, seconds that it took to end."""
        mark = f"{os.getpid()}.{DRAWN.random()}"
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 cwd=SOURCE, env=dict(os.environ, **{MARK: mark}))
        time.sleep(after_s)
        began = time.monotonic()
        child.send_signal(number)
        out, err = child.communicate(timeout=60)
        seconds = time.monotonic() - began
        until = time.monotonic() + 5
        while number == signal.SIGKILL and left(mark) and time.monotonic() < until:
            time.sleep(0.05)  # for the children to be told
        self.assertEqual(left(mark), [], f"{command[1]}: processes are left after signal {number}")
        return child.returncode, out.decode(), err.decode(), seconds

    def ended_well(self, number, code, seconds):
        self.assertEqual(code, 128 + number if number != signal.SIGKILL else -number)
        self.assertLess(seconds, SECONDS)


class Run(Interrupted):
    def setUp(self):
        super().setUp()
        sizes = [37 if n % 4 == 0 else 33 + n % 5 if n % 5 != 4 else 40 for n in range(2, 42)]
        self.file = self.write("a.txt", "".join(
            f"fa1 q=f32[64,{2 + n},2,1] k=f16[64,{n_kv},1,1] v=f16[64,{n_kv},1,1]\n" for n, n_kv in enumerate(sizes)))
        self.wrong = sum(n == 37 for n in sizes)

    def places(self, path):
        if not os.path.exists(path):
            return []
        with open(path) as f:
            text = f.read()
        return re.findall(r"^# found at (\S+)", text[:text.rfind("\n") + 1], re.M)

    def once(self, number, after_s, name):
        """Interrupted, then resumed to the end."""
        path = {kind: self.path(f"{name}.{kind}") for kind in ("json", "html", "junit", "failures", "journal", "log")}
        for kind in ("json", "html", "junit"):
            self.write(f"{name}.{kind}", "as it was")
        command = (FLAKY, "run", "--backend", f"test:wrong@37,slow=20,log={path['log']}", "--jobs", "2", "--shrink",
                   "0", "--host-work", "0", "--resume", path["journal"], "--json", path["json"], "--html",
                   path["html"], "--junit", path["junit"], "--failures", path["failures"], self.file)
        code, out, _, seconds = self.interrupt(number, after_s, *command)
        # Failures known by then. A kill leaves them in the file under way.
        known = self.places(path["failures"] + (".part" if number == signal.SIGKILL else ""))
        done = 0
        if code in (0, 1):  # it was over already
            return False
        self.ended_well(number, code, seconds)
        for kind in ("json", "html", "junit"):
            with open(path[kind]) as f:
                text = f.read()
            if text == "as it was":
                continue
            self.assertNotEqual(number, signal.SIGKILL, "a report of a run that was killed")
            self.assertTrue(text.endswith(("}\n", "</html>\n", "</testsuite>\n")), f"{kind}: {text[-80:]}")
            if kind == "json":
                r = json.loads(text)
                self.assertEqual((r["stopped"], r["ran"] + r["left"]), (number, 40))
                self.assertEqual(sorted(f["at"] for f in r["failures"]), sorted(known))
                self.assertEqual(out.count("FAILED "), len(known))
                done = r["ran"]
        again = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=300)
        self.assertEqual(again.returncode, 1, again.stderr[-1000:])
        with open(path["json"]) as f:
            r = json.load(f)
        self.assertEqual((r["ran"], r["left"], r["failed"]), (40, 0, self.wrong))
        self.assertGreaterEqual(r["resumed"], done, "what was done is done again")
        self.assertLessEqual(set(known), {f["at"] for f in r["failures"]}, "a failure that was known is lost")
        self.assertFalse(os.path.exists(path["failures"] + ".part"))
        return True

    def test_run_at_random_moments(self):
        cut = 0
        for i, moment in enumerate(moments(5)):
            number = (*GENTLE, signal.SIGKILL)[i % 4]
            cut += self.once(number, 0.2 + moment * 2, f"r{i}")
        self.assertGreater(cut, 0, "no run was interrupted")

    def test_a_second_signal_changes_nothing(self):
        path = self.write("o.json", "as it was")
        child = subprocess.Popen([FLAKY, "run", "--backend", "test:slow=50", "--json", path, self.file],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=SOURCE)
        time.sleep(2)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            child.send_signal(number)
        self.assertEqual(child.wait(timeout=60), 128 + signal.SIGINT)
        with open(path) as f:
            self.assertEqual(json.load(f)["stopped"], signal.SIGINT)

    def test_a_report_that_cannot_be_written_leaves_the_old_one(self):
        self.write("o.json", "as it was")
        self.ends(2, "run", "--json", self.path("o.json"), "--html", self.path("none/o.html"), self.file)
        self.ends(2, "run", "--json", self.path("o.json"), self.write("bad.txt", "fa1 q=\n"))
        with open(self.path("o.json")) as f:
            self.assertEqual(f.read(), "as it was")
        self.assertEqual(glob.glob(self.path("*.part")), [])

    def test_a_link_stays_one_and_a_pipe_is_written_to(self):
        os.symlink(self.write("real.json", "old"), self.path("link.json"))
        self.good("run", "--json", self.path("link.json"), self.file)
        self.assertTrue(os.path.islink(self.path("link.json")))
        with open(self.path("real.json")) as f:
            self.assertEqual(json.load(f)["problems"], 40)
        self.good("run", "--html", "/dev/null", self.write("one.txt", SAMPLED + "\n"))

    def test_failures_go_to_what_is_no_regular_file_once(self):
        run = lambda path: subprocess.run([FLAKY, "run", "--backend", "test:wrong@37", "--shrink", "0",  # noqa: E731
                                           "--host-work", "0", "--failures", path, self.file],
                                          capture_output=True, text=True, cwd=SOURCE, timeout=300)
        result = run("/dev/null")
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        result = run("/dev/stderr")  # a pipe
        self.assertEqual((result.returncode, result.stderr.count("# found at ")), (1, self.wrong), result.stderr)
        result = run("/dev/full")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("/dev/full: No space left on device", result.stderr)

    def test_a_share_is_drawn_by_the_seed_and_what_is_left_is_counted(self):
        seen = []
        for seed in ("1", "1", "2"):
            path = self.path(f"s{len(seed)}.json")
            log = self.path(f"log{len(seen)}")
            result = subprocess.run([FLAKY, "run", "--backend", f"test:slow=200,log={log}", "--jobs", "1", "--seconds",
                                     "1", "--seed", seed, "--host-work", "0", "--json", path, self.file],
                                    capture_output=True, text=True, cwd=SOURCE, timeout=100)
            self.assertEqual(result.returncode, 0, result.stderr)
            with open(path) as f:
                r = json.load(f)
            self.assertGreater(r["left"], 0)
            self.assertEqual(r["ran"] + r["left"], 40)
            self.assertRegex(result.stdout, rf"left to do {r['left']} of 40: .* \(not drawn for these 1 s\)")
            with open(log) as f:
                seen.append(f.read().split()[0])
        self.assertEqual(seen[0], seen[1])


class Others(Interrupted):
    def test_check_at_random_moments(self):
        for i, moment in enumerate(moments(3)):
            number = (*GENTLE, signal.SIGKILL)[(i + 2) % 4]
            path, page = self.write("c.json", "as it was"), self.write("c.html", "as it was")
            command = (ATTNFUZZ, "check", "--subject", "own", "--json", path, "--html", page)
            code, out, _, seconds = self.interrupt(number, 0.3 + moment, *command)
            self.ended_well(number, code, seconds)
            with open(path) as f, open(page) as p:
                text, html = f.read(), p.read()
            if text == "as it was":
                self.assertTrue(number == signal.SIGKILL or not out, out)
                continue
            r = json.loads(text)
            self.assertEqual(r["stopped"], number)
            self.assertIn("stopped   by SIG", out)
            self.assertIn(f"calls     {r['calls']} ", out)
            self.assertTrue(html.endswith("</html>\n"))

    def test_shrink_at_random_moments(self):
        for i, moment in enumerate(moments(2)):
            number = (*GENTLE, signal.SIGKILL)[(i + 1) * 2 % 4 - 1]
            code, out, err, seconds = self.interrupt(number, 0.5 + moment, ATTNFUZZ, "shrink", "--max-work",
                                                     str(1 << 40), SAMPLED)
            self.ended_well(number, code, seconds)
            self.assertEqual(out, "")
            if number != signal.SIGKILL:
                self.assertIn("before argument 1:1 was seen to fail", err)


if __name__ == "__main__":
    unittest.main()
