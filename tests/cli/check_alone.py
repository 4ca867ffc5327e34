#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check on libraries that compute by themselves (support/imitation_compute.c): one without a runtime, with a
thread and with several, and one for HIP on what stands in for the real runtime. Every planted fault is found, shrunk,
and its line shows it again; without one there are only the holes that the library has."""
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

ATTNFUZZ = os.environ["ATTNFUZZ"]
LIB = os.path.join(os.environ["ATTN_BUILD"], "lib")
CPU, REAL = (os.path.join(LIB, name) for name in ("imitation-cpu.so", "imitation-real.so"))


def run(fault, *arguments, library=CPU):
    environment = dict(os.environ, IMITATION_FAULT=fault, LD_LIBRARY_PATH=os.path.join(LIB, "standin"))
    options = ["--runtime", "real"] if library == REAL else []
    return subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=" + library, *options, *arguments],
                          capture_output=True, text=True, timeout=300, env=environment)


def report(fault, *arguments, library=CPU):
    done = run(fault, "--json", "-", *arguments, library=library)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise AssertionError(done.stdout + done.stderr)


def line(d=64, n_q=1, heads=2, n_seq=1, n_kv=4, more=""):
    return (f"fa1 q=f32[{d},{n_q},{heads},{n_seq}] k=f16[{d},{n_kv},{heads},{n_seq}] v=f16[{d},{n_kv},{heads},{n_seq}] "
            f"{more}")


# fault: a line that it is in, how its group begins, what its smallest line has
FAULTS = {
    "lost": (line(n_kv=8), "(wrong|loose) nmse flash_attn_ext", "k=f16[64,2,"),
    "scale": (line(more="scale=0.125 softcap=2"), "(wrong|loose) nmse flash_attn_ext", "softcap="),
    "unwritten": (line(n_seq=2), "(wrong|loose) not_finite flash_attn_ext", "k=f16[64,1,"),
    "behind": (line(n_q=5, n_kv=9), "crash SIGSEGV", "q=f32[64,3,1,1]"),
    "source": (line(n_q=3, n_kv=16, more="mask=f16[16,3,1,1] scale=0.125"), "stopped global_readonly flash_attn_ext",
               "mask=f16[1,1,1,1]"),
    "past": (line(), "crash SIGSEGV", "k=f16[64,1,1,1]"),
    "crash": (line(n_q=3), "crash SIGSEGV", "q=f32[64,3,1,1] k=f16[64,1,1,1]"),
    "assert": (line(more="mask=f16[4,1,1,1] max_bias=8"), r"abort ops.cpp:99:_GGML_ASSERT\(max_bias_==_0\)_failed",
               "max_bias="),
}
WITH_THREADS = ("thread", FAULTS["assert"][0])


class Alone(unittest.TestCase):
    def test_each_fault_is_found_and_its_line_shows_it_again(self):
        for fault, (call, group, smallest) in FAULTS.items():
            with self.subTest(fault=fault):
                code, found = report(fault, call)
                self.assertEqual(code, 1)
                self.assertEqual(len(found["findings"]), 1, found["findings"])
                finding = found["findings"][0]
                self.assertRegex(finding["group"], "^" + group)
                self.assertIn(smallest, finding["line"])
                self.assertEqual(finding["devices"], ["Imitation", "Imitationx4"])
                self.assertEqual(report(fault, finding["line"])[1]["findings"][0]["id"], finding["id"])
                self.assertEqual(report("none", finding["line"], call)[1]["findings"], [])

    def test_only_with_threads(self):
        fault, call = WITH_THREADS
        found = report(fault, call)[1]["findings"]
        self.assertEqual([f["devices"] for f in found], [["Imitationx4"]])
        self.assertEqual(found[0]["kind"], "abort")

    def test_what_is_wrong_is_in_the_heat_map_and_its_program_has_the_precision_that_was_said(self):
        for options, said in (((), True), (("--prec-default",), False)):
            with tempfile.TemporaryDirectory() as folder:
                page, programs = os.path.join(folder, "page.html"), os.path.join(folder, "programs")
                done = run("lost", FAULTS["lost"][0], "--html", page, "--snippets", programs, *options)
                self.assertEqual(done.returncode, 1, done.stderr)
                with open(page) as f:
                    self.assertTrue(re.search(r'<th scope="row"[^>]*>(wrong|loose)<', f.read()), "no such row")
                with open(os.path.join(programs, os.listdir(programs)[0])) as f:
                    self.assertEqual("set_prec(node, GGML_PREC_F32)" in f.read(), said)

    def test_a_process_that_hangs_ends_with_the_command(self):
        child = subprocess.Popen([ATTNFUZZ, "check", "--subject", "ggml=" + CPU, line(n_q=3)], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=dict(os.environ, IMITATION_FAULT="hang"))
        computing, until = [], time.monotonic() + 60
        while not computing and child.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
            with open(f"/proc/{child.pid}/task/{child.pid}/children") as f:
                computing = f.read().split()
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 143, out + err)
        self.assertEqual(len(computing), 1)
        self.assertFalse(os.path.exists("/proc/" + computing[0]), "it goes on")

    def test_what_a_call_leaves_to_the_next_one(self):
        """Sinks that the backend keeps, and a call that is another one every other time (P5)."""
        calls = [line(n_kv=n, more=more) for n in range(3, 9) for more in ("", "sinks")]
        found = report("state", *calls)[1]["findings"]
        left = [f for f in found if f["kind"] == "state"]
        self.assertTrue(left, found)
        for f in left:
            self.assertIn(" sinks", f["after"])
            self.assertNotIn(" sinks", f["line"])
            self.assertEqual(f["devices"], ["Imitation"])  # the other one's calls are processes of their own
        found = report("coin", *[line(n_kv=n) for n in (5, 5, 5, 5)])[1]["findings"]
        self.assertEqual([f["group"] for f in found], ["state asked_again"])
        self.assertIn("k=f16[64,5,", found[0]["line"])
        self.assertNotIn("after", found[0])

    def test_generated_calls(self):
        code, found = report("none", "--calls", "240")
        self.assertEqual((code, {f["group"] for f in found["findings"]}), (1, {"hole types"}))
        self.assertGreater(found["executed"], 80)
        self.assertEqual(found["launches"], 0)
        code, found = report("lost", "--calls", "60")
        self.assertIn("wrong", [f["kind"] for f in found["findings"]])

    def test_a_folder_is_searched_for_the_one_that_suits(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("none", line(), library=folder)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
            self.assertIn("no libggml-cpu library for this processor", done.stderr)
            os.symlink(os.path.abspath(CPU), os.path.join(folder, "libggml-cpu-imitation.so"))
            code, found = report("none", line(), library=folder)
            self.assertEqual((code, found["findings"]), (0, []))
            self.assertIn("libggml-cpu-imitation.so", found["subject"])


class Real(unittest.TestCase):
    """A HIP library on a runtime that is not the null one."""

    def test_faults_are_found(self):
        for fault in ("lost", "scale", "unwritten", "assert"):
            with self.subTest(fault=fault):
                call, group, smallest = FAULTS[fault]
                code, found = report(fault, call, library=REAL)
                self.assertEqual((code, len(found["findings"])), (1, 1))
                self.assertRegex(found["findings"][0]["group"], "^" + group)
                self.assertIn(smallest, found["findings"][0]["line"])
                self.assertEqual(report("none", call, library=REAL)[1]["findings"], [])

    def test_a_launch_that_does_not_happen(self):
        """Nobody sees the launch; its result says it."""
        code, found = report("stub", line(d=128), line(d=64), library=REAL)
        self.assertEqual(code, 1)
        self.assertEqual(len(found["findings"]), 1)
        self.assertRegex(found["findings"][0]["group"], "(wrong|loose) not_finite flash_attn_ext")
        self.assertIn("q=f32[128,", found["findings"][0]["line"])

    def test_without_one(self):
        environment = dict(os.environ, LD_LIBRARY_PATH="")
        with tempfile.TemporaryDirectory() as folder:
            # The library remembers where its runtime was when it was linked: one that is not there.
            with open(REAL, "rb") as file:
                bytes_ = file.read().replace(b"libamdhip64.so.6", b"libamdhip64.so.5")
            path = os.path.join(folder, "libggml-hip.so")
            with open(path, "wb") as file:
                file.write(bytes_)
            done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=" + path, "--runtime", "real", line()],
                                  capture_output=True, text=True, env=environment)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (3, 1), done.stderr)
        self.assertIn("libamdhip64.so.5", done.stderr)

    def test_usage(self):
        done = run("none", "--runtime", "both", line())
        self.assertEqual(done.returncode, 2)
        self.assertIn("--runtime is null or real, got 'both'", done.stderr)


if __name__ == "__main__":
    unittest.main()
