#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What fuzzing finds is not lost, and what it does not find means something: ./dev fuzz at random moments of its life,
over a target that fails and one that does not; engines that do nothing; crashes that no property names."""

import contextlib
import glob
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.dirname(TESTS)
sys.path.insert(0, os.path.join(TESTS, "support"))
import share  # noqa: E402

BIN = os.path.abspath(os.environ.get("ATTN_BIN", "build/asan/bin"))
SCRIPTS = os.path.join(SOURCE, "scripts", "fuzz")
LONG = bool(os.environ.get("ATTN_LONG"))
DRAWN = random.Random(share.turn(1 << 32))
SECONDS = 2 if not LONG else 4
MARK = "ATTN_TEST_LOST"

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # where this is run under nohup the commands would leave it ignored

if not os.access(os.path.join(BIN, "fuzz_canary"), os.X_OK):
    print("skipped: this configuration has no engine")
    sys.exit(77)


def left(mark):
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if f"{MARK}={mark}".encode() in f.read().split(b"\0"):
                    found.append(path.split("/")[2])
        except OSError:
            continue
    return found


class Build(unittest.TestCase):
    """A build folder in which fuzz_text is what a test wants."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.work = folder.name, os.path.join(folder.name, "fuzz")
        for name in ("asan/bin", "plain/bin", "plain/lib", "afl/bin", "path"):
            os.makedirs(os.path.join(self.folder, name))
        for name in ("fuzz_canary", "fuzz_canary-replay", "fuzz_text.dict"):
            os.symlink(os.path.join(BIN, name), os.path.join(self.folder, "asan/bin", name))
        os.symlink(os.environ.get("ATTNFUZZ", os.path.join(BIN, "attnfuzz")),
                   os.path.join(self.folder, "plain/bin/attnfuzz"))

    def target(self, of, name="fuzz_text"):
        for end in ("", "-replay"):
            os.symlink(os.path.join(BIN, of + end), os.path.join(self.folder, "asan/bin", name + end))

    def script(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def command(self, *more, script="fuzz.py"):
        return [sys.executable, os.path.join(SCRIPTS, script), "--no-build", "--build", self.folder, "--work",
                self.work, "--jobs", "1", *more]

    def fuzz(self, *more, code, seconds=3, environment=None, engine="libfuzzer"):
        done = subprocess.run(self.command("--seconds", str(seconds), "--replay", "none", "--target", "fuzz_text",
                                           "--engine", engine, *more), capture_output=True, text=True, timeout=120,
                              cwd=SOURCE, env=dict(os.environ, **(environment or {})))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def lines(self):
        found = []
        for path in glob.glob(os.path.join(self.work, "findings/*/findings.txt")):
            with open(path) as f:
                found += [line.rstrip("\n").split("\t") for line in f]
        return found

    def corpus(self):
        return sorted(os.listdir(os.path.join(self.work, "corpus/fuzz_text")))


class Findings(Build):
    def test_they_are_kept_named_and_listed_first_the_next_time(self):
        self.target("fuzz_canary")
        out = self.fuzz(code=1, environment={"ATTNFUZZ_CANARY": "abort"})
        (target, what, line, path), = self.lines()
        self.assertEqual((target, what), ("fuzz_text", "the canary is found"))
        self.assertIn(f"      line:   {line}\n      replay: build/bin/attnfuzz run '{line}'\n", out)
        kept, = glob.glob(os.path.join(self.work, "findings/*", path))
        self.assertIn(f"replay: build/bin/fuzz_text-replay {kept}", out)
        shutil.rmtree(os.path.join(self.work, "corpus"))
        os.remove(os.path.join(self.folder, "asan/bin/fuzz_text"))
        os.symlink(os.path.join(BIN, "fuzz_text"), os.path.join(self.folder, "asan/bin/fuzz_text"))
        out = self.fuzz(code=0, seconds=2)
        self.assertRegex(out.splitlines()[0], r"^\./dev: 1 findings of earlier runs")
        self.assertIn("fuzz_text: the canary is found", out.splitlines()[1])
        grown = self.corpus()
        self.assertGreater(len(grown), 20)
        with open(os.path.join(self.work, "corpus/fuzz_text/mine"), "w") as f:
            f.write("fa1 ")
        self.fuzz(code=0, seconds=1)
        self.assertLessEqual(set(grown), set(self.corpus()), "the corpus grows over runs")
        self.fuzz("--fresh", code=0, seconds=1)
        self.assertNotIn("mine", self.corpus())
        self.assertEqual(len(self.lines()), 1, "findings outlive --fresh")

    def test_what_a_baseline_has_is_no_failure(self):
        """By ids, which are the same in every run; what is known and not met is said; another finding fails."""
        self.target("fuzz_canary")
        known = os.path.join(self.folder, "known.txt")
        with open(known, "w") as f:
            f.write("# of before\nP1 total kernel=tile*\n\nfuzz_text: the canary is found # as it must be\n")
        out = self.fuzz("--baseline", known, code=0, environment={"ATTNFUZZ_CANARY": "abort"})
        self.assertIn("id:     fuzz_text: the canary is found (known: in the baseline)\n", out)
        self.assertIn("not met            line 2 of the baseline: P1 total kernel=tile*\n", out)
        with open(known, "w") as f:
            f.write("fuzz_plan: *\n")
        out = self.fuzz("--baseline", known, code=1, environment={"ATTNFUZZ_CANARY": "abort"})
        self.assertIn("id:     fuzz_text: the canary is found\n", out)
        self.fuzz("--baseline", os.path.join(self.folder, "none.txt"), code=2)

    def test_names_have_nothing_of_a_run_in_them(self):
        sys.path.insert(0, SCRIPTS)
        import baseline
        import findings
        for target, text, name in (
                ("fuzz_plan", "P1 total kernel=tile rule=tile.mask_exact: on gfx906 only naive: 32 is more than 8\n",
                 "P1 total kernel=tile rule=tile.mask_exact"),
                ("fuzz_session", "P2 sound kernel=vec failure=bound: step 1183 (event 13)\n",
                 "P2 sound kernel=vec failure=bound"),
                ("fuzz_plan", "a.out: p/k.c:88: best: Assertion `n > 3' failed.\ncrash target=fuzz_plan kernel=mma: "
                 "SIGABRT\n  line: x\n", "fuzz_plan: crash kernel=mma: SIGABRT (in best: assertion n > N)"),
                ("fuzz_text", "crash target=fuzz_text: a report of the sanitizer\n==77==ERROR: x\nSUMMARY: "
                 "AddressSanitizer: heap-buffer-overflow p/t.c:12:3 in parse\n",
                 "fuzz_text: crash: a report of the sanitizer (heap-buffer-overflow in parse)"),
                ("fuzz_api", "==1234== ERROR: libFuzzer: timeout after 25 seconds\n",
                 "fuzz_api: ERROR: libFuzzer: timeout after N seconds")):
            self.assertEqual(baseline.identity(target, findings.of_text(text)[0]), name)

    def test_the_corpus_replay_too(self):
        """Its failures by the same names: a report of attnfuzz run."""
        sys.path.insert(0, SCRIPTS)
        import baseline
        failure = {"property": 1, "name": "total", "kernel": "tile", "rule": "mask_exact", "failure": None}
        death = {"property": 0, "name": "none", "kernel": "vec", "rule": None, "failure": None}
        path = os.path.join(self.folder, "replay.json")
        with open(path, "w") as f:
            json.dump({"failures": [failure, failure, death], "doubts": [{"verdict": "suspect", "kernel": "mma"}]}, f)
        self.assertEqual(baseline.of_replay(path), ["P1 total kernel=tile rule=tile.mask_exact",
                                                    "corpus: crash kernel=vec", "corpus: suspect kernel=mma"])

    def test_an_input_without_text_is_asked_what_it_is(self):
        self.target("fuzz_canary")
        os.makedirs(os.path.join(self.work, "run"))
        for name in ("fuzz_text-oom-1", "fuzz_text-crash-2"):  # left by a run that was killed
            with open(os.path.join(self.work, "run", name), "wb") as f:
                f.write(b"12345")
        os.remove(os.path.join(self.folder, "asan/bin/fuzz_text"))
        os.symlink(os.path.join(BIN, "fuzz_text"), os.path.join(self.folder, "asan/bin/fuzz_text"))
        out = self.fuzz(code=0, seconds=1)
        self.assertIn("./dev: an earlier run was killed; 2 findings that it had were kept", out)
        for _, what, line, _ in self.lines():
            self.assertIn("not named", what)
            self.assertTrue(line.startswith("fa1 "), line)

    def test_signals_at_random_moments(self):
        """Whatever was printed is there afterwards, and no process."""
        self.target("fuzz_canary")
        for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * (8 if LONG else 1):
            shutil.rmtree(self.work, ignore_errors=True)
            mark = f"{os.getpid()}.{DRAWN.random()}"
            log = os.path.join(self.folder, "log")
            with open(log, "w") as f:
                child = subprocess.Popen(self.command("--seconds", "20", "--seed", "1", "--target", "fuzz_text"),
                                         stdout=f, stderr=subprocess.STDOUT, cwd=SOURCE,
                                         env=dict(os.environ, **{MARK: mark}))
            late = DRAWN.random() < 0.5  # in the replay, or when something was found
            until = time.monotonic() + (DRAWN.random() * 4 if not late else 100)
            found = []
            while time.monotonic() < until and child.poll() is None and not (late and found):
                time.sleep(0.02)
                found = glob.glob(os.path.join(self.work, "run/fuzz_text-crash-*"))
                if late and os.path.exists(os.path.join(self.work, "run")) and not found:
                    for pid in self.replays(mark):  # the replay of the corpus is not waited for
                        with contextlib.suppress(ProcessLookupError):  # it may have ended since
                            os.kill(pid, signal.SIGTERM)
            found = glob.glob(os.path.join(self.work, "run/fuzz_text-crash-*"))
            began = time.monotonic()
            child.send_signal(number)
            code = child.wait(timeout=60)
            seconds = time.monotonic() - began
            with open(log) as f:
                self.assertLess(seconds, SECONDS, f"signal {number}: {f.read()[-2000:]}")
            until = time.monotonic() + (5 if number == signal.SIGKILL else 0.1)  # for who ends what is left
            while left(mark) and time.monotonic() < until:
                time.sleep(0.05)
            self.assertEqual(left(mark), [])
            if os.path.getsize(log) and code not in (0, 1):
                self.assertEqual(code, 128 + number if number != signal.SIGKILL else -number)
            if found and number != signal.SIGKILL:
                self.assertEqual(len(self.lines()), 1)
            if found:
                subprocess.run(self.command("--seconds", "1", "--replay", "none", "--target", "fuzz_text"), cwd=SOURCE,
                               capture_output=True, timeout=100)
                self.assertGreaterEqual(len(self.lines()), 1)

    def replays(self, mark):
        found = []
        for pid in left(mark):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"attnfuzz"):
                found.append(int(pid))
        return found


class Nothing(Build):
    """A run that did nothing is a failure."""

    def test_an_engine_that_does_not_start_or_runs_nothing(self):
        for text, said in (("echo no such thing; exit 9\n", "it has run nothing (exit code 9)"),
                           ("sleep 2\n", "it has run nothing (exit code 0)")):
            self.script("asan/bin/fuzz_text", text)
            self.assertIn(said, self.fuzz(code=1, seconds=1))

    def test_a_canary_that_is_not_found(self):
        os.remove(os.path.join(self.folder, "asan/bin/fuzz_canary"))
        self.script("asan/bin/fuzz_canary", "exit 0\n")
        self.target("fuzz_text")
        self.assertIn("the canary is not found", self.fuzz(code=1))

    def test_no_new_execution_for_a_while(self):
        self.script("asan/bin/fuzz_text", """echo '{"executions": 70, "seconds": 1}' >"$ATTNFUZZ_STATS"\nsleep 60\n""")
        text = ("import sys; sys.path.insert(0, sys.argv.pop(1)); import fuzz; fuzz.STILL_LEAST_S = -8; "
                "sys.exit(fuzz.main())")
        command = self.command("--seconds", "60", "--replay", "none", "--target", "fuzz_text")
        done = subprocess.run([sys.executable, "-c", text, SCRIPTS, *command[2:]], capture_output=True, text=True,
                              timeout=50, cwd=SOURCE)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("no new execution for ", done.stdout)

    def test_a_second_run_does_not_take_the_firsts_findings(self):
        self.target("fuzz_text")
        child = subprocess.Popen(self.command("--seconds", "20", "--replay", "none", "--target", "fuzz_text"),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=SOURCE)
        try:
            while not os.path.exists(os.path.join(self.work, "run")):
                time.sleep(0.05)
            self.fuzz(code=3)
        finally:
            child.terminate()
            self.assertEqual(child.wait(timeout=20), 128 + signal.SIGTERM)


class Afl(Build):
    """The driver, over what plays AFL++."""

    FAKE = """
    while [ $# -gt 0 ]; do
        case $1 in
        -o) out=$2 ;;
        -M | -S) role="$1 $2" ;;
        -p) schedule=$2 ;;
        --) program=$2 ;;
        esac
        shift
    done
    echo "$role ${schedule:-} ${AFL_AUTORESUME:-0} ${AFL_CUSTOM_MUTATOR_LIBRARY:-none}" >>"$SEEN"
    [ -z "$LOADS" ] || echo "[+] Custom mutator '$AFL_CUSTOM_MUTATOR_LIBRARY' installed successfully."
    mkdir -p "$out/${role#* }/queue" "$out/${role#* }/crashes"
    echo '{"executions": 70, "seconds": 1, "plans": 140}' >"$(echo "$ATTNFUZZ_STATS" | sed s/%p/1/)"
    case $program in *canary) echo c >"$out/main/crashes/id:000000,sig:06" ;; esac
    printf 'fa1 new' >"$out/${role#* }/queue/id:000001,src:000000,op:change"
    sleep 1.5
    echo "[+] We're done here. Have a nice day!"
    """

    def setUp(self):
        super().setUp()
        self.script("path/afl-fuzz", self.FAKE)
        self.seen = os.path.join(self.folder, "seen")
        self.environment = {"PATH": os.path.join(self.folder, "path") + ":" + os.environ["PATH"], "SEEN": self.seen,
                            "LOADS": "yes"}

    def test_one_main_and_secondaries_with_other_schedules_go_on_and_their_queue_flows_back(self):
        out = self.fuzz("--jobs", "4", code=0, engine="afl", environment=self.environment)
        with open(self.seen) as f:
            roles = [line.split() for line in f][1:]  # the first was the canary's
        self.assertEqual([r[0] for r in roles].count("-M"), 1)
        secondaries = sorted(r for r in roles if r[0] == "-S")
        self.assertEqual(len(secondaries), 3)
        self.assertEqual(len({r[2] for r in secondaries}), 3, "different schedules")
        self.assertEqual({r[-2] for r in roles}, {"1"}, "it goes on from its queues")
        self.assertIn(hashlib.sha1(b"fa1 new").hexdigest(), self.corpus())
        self.assertRegex(out, r"fuzz_text +280 executions, 280/s, 560 plans")
        self.assertRegex(out, r"corpus +fuzz_text 2; 1 new ones")

    def test_a_mutator_library_that_is_not_loaded(self):
        out = self.fuzz(code=1, engine="afl", environment=dict(self.environment, LOADS=""))
        self.assertIn("AFL++ has not loaded the mutator library", out)


class Crashes(unittest.TestCase):
    """Crashes that no property names say line, kernel and device, and how to replay them."""

    def test_each_kind(self):
        for kind, said in (("address", "a report of the sanitizer"), ("undefined", "a report of the sanitizer"),
                           ("signal", "SIGSEGV"), ("assert", "SIGABRT")):
            with tempfile.TemporaryDirectory() as folder:  # each its own: the input found need not be the same
                done = subprocess.run([os.path.join(BIN, "fuzz_canary"), "-seed=1", f"-artifact_prefix={folder}/",
                                       "-max_total_time=30"], env=dict(os.environ, ATTNFUZZ_CANARY=kind),
                                      capture_output=True, text=True, errors="replace")
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(done.stderr.count("crash target="), 1)
                line = re.search(r"^crash target=fuzz_canary: (.*)\n  line:   (fa1 .* dev=.*)\n"
                                 r"  replay: attnfuzz run '(.*)'$", done.stderr, re.M)
                self.assertIsNotNone(line, done.stderr[:3000])
                self.assertEqual((line.group(1), line.group(2)), (said, line.group(3)))
                file, = glob.glob(os.path.join(folder, "crash-*"))
                shown = subprocess.run([os.path.join(BIN, "fuzz_canary-replay"), "--lines", file], capture_output=True,
                                       text=True)
                self.assertEqual(shown.stdout, line.group(2) + "\n")


class Corpus(Build):
    def test_it_is_merged_and_made_minimal(self):
        self.target("fuzz_canary")  # to which zero bytes are all the same
        folder = os.path.join(self.work, "corpus/fuzz_text")
        os.makedirs(folder)
        for i in range(60):
            with open(os.path.join(folder, str(i)), "wb") as f:
                f.write(bytes(i))
        queue = os.path.join(self.work, "afl/fuzz_text/main/queue")
        os.makedirs(queue)
        with open(os.path.join(queue, "id:000002,src:000000"), "wb") as f:
            f.write(bytes(range(100, 130)))
        done = subprocess.run(self.command(script="corpus.py"), capture_output=True, text=True, timeout=100, cwd=SOURCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"fuzz_text: 61 inputs \(1 from AFL\+\+\) to \d+\n")
        kept = self.corpus()
        self.assertTrue(1 < len(kept) < 30, kept)
        self.assertEqual(glob.glob(os.path.join(self.work, "corpus/.merge*")), [])
        # What was made smaller stays so: a queue flows back once.
        with open(os.path.join(queue, "id:000003,src:000000"), "wb") as f:
            f.write(bytes(61))
        done = subprocess.run(self.command(script="corpus.py"), capture_output=True, text=True, timeout=100, cwd=SOURCE)
        self.assertRegex(done.stdout, rf"fuzz_text: {len(kept) + 1} inputs \(1 from AFL\+\+\) to \d+\n")
        fewer = self.corpus()
        done = subprocess.run(self.command(script="corpus.py"), capture_output=True, text=True, timeout=100, cwd=SOURCE)
        self.assertRegex(done.stdout, rf"fuzz_text: {len(fewer)} inputs to {len(fewer)}\n")


if __name__ == "__main__":
    unittest.main()
