#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check: our own planner as a subject, repeatability, and libraries that are none."""
import json
import os
import re
import struct
import subprocess
import tempfile
import unittest

ATTNFUZZ = os.environ["ATTNFUZZ"]


def run(*arguments, **options):
    return subprocess.run([ATTNFUZZ, "check", *arguments], capture_output=True, text=True, timeout=300, **options)


class Own(unittest.TestCase):
    def test_nothing_is_found_in_our_own_planner(self):
        done = run("--subject", "own", "--calls", "20000", "--json", "-")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["calls"], 20000)
        self.assertEqual(report["supported"], 20000)
        self.assertGreater(report["different"], 15000) # what was asked just now is not asked again
        self.assertEqual(report["findings"], [])

    def test_the_same_seed_gives_the_same_report(self):
        reports = []
        for seed in ("7", "7", "8"):
            report = json.loads(run("--subject", "own", "--calls", "30000", "--seed", seed, "--json", "-").stdout)
            for name in ("seconds", "calls_per_second", "calls_per_cpu_second", "different_per_cpu_second", "seed"):
                del report[name]
            reports.append(report)
        self.assertEqual(reports[0], reports[1])
        self.assertNotEqual(reports[0], reports[2])

    def test_lines_are_asked_about(self):
        line = "fa1 q=f32[128,1,8,1] k=f16[128,100,2,1] v=f16[128,100,2,1]"
        done = run("--subject", "own", "--device", "gfx906,gfx1100", "--json", "-", line)
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report["problems"], report["calls"]), (0, 1, 2))
        # The same twice, and once with another stride where there is one row: one call on each device.
        wide = line.replace("q=f32[128,1,8,1]", "q=f32[128,1,8,1]:4096,512,4096")
        two = ("--subject", "own", "--device", "gfx906,gfx1100")
        report = json.loads(run(*two, "--json", "-", line, line, wide).stdout)
        self.assertEqual((report["calls"], report["different"]), (6, 2))
        done = run("--subject", "own", "fa1 q=f32[128,1,8,1] k=f16[64,100,2,1] v=f16[128,100,2,1]")
        self.assertEqual(done.returncode, 2)
        self.assertIn("k.ne[0] is 64", done.stderr)


    def test_input_without_a_problem(self):
        """Nothing asked is nothing found, and no reason to pass."""
        with tempfile.TemporaryDirectory() as folder:
            for arguments in ([os.path.join(folder, "empty.txt")], [folder]):
                open(os.path.join(folder, "empty.txt"), "w").close()
                done = run("--subject", "own", *arguments)
                self.assertEqual(done.returncode, 2)
                self.assertIn("no problem line in the input", done.stderr)

    def test_a_session_is_the_problems_of_its_steps(self):
        """Given as a file of a corpus or as it is; as attnfuzz plan has them, each different one once."""
        script = ("session { layer full heads=4/2 d=64; layer mtp heads=4/2 d=64 draft; cells 64; pad 32; prefill 9; "
                  "draft 2 accept 1 times 3; decode 3; }")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "session.txt")
            with open(path, "w") as f:
                f.write(script.replace("; ", ";\n") + "\nfa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1]\n")
            plans = subprocess.run([ATTNFUZZ, "plan", "--json", "--device", "gfx906", path], capture_output=True,
                                   text=True, timeout=60).stdout.splitlines()
            self.assertGreater(len(plans), 2)
            for given, n in ((path, len(plans)), (script, len(plans) - 1)):
                done = run("--subject", "own", "--device", "gfx906", "--json", "-", given)
                report = json.loads(done.stdout)
                self.assertEqual((done.returncode, report["problems"], report["calls"]), (0, n, n), done.stderr)


class Usage(unittest.TestCase):
    def wrong(self, code, text, *arguments):
        done = run(*arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1 if code == 3 or "attnfuzz check --help" not in done.stderr else 2)

    def test_options(self):
        self.wrong(2, "--subject says what to check")
        self.wrong(2, "own[=PATH], ggml=PATH, plugin=PATH, ggml=debian or ggml=debian-cpu", "--subject", "llama")
        self.wrong(2, "there is no device 'gfx1'", "--subject", "own", "--device", "gfx1")
        self.wrong(2, "--calls 0: a number from 1", "--subject", "own", "--calls", "0")
        self.wrong(2, "No such file", "--subject", "own", "--calls", "10", "--baseline", "/nonexistent")


    def test_help_has_a_row_for_each_subject_that_there_is(self):
        said = run("--subject", "llama").stderr
        names = re.search(r"--subject is (.*), got 'llama'", said).group(1).replace(" or ", ", ").split(", ")
        self.assertIn("own[=PATH]", names)
        rows = run("--help").stdout.split("\nsubjects:\n")[1].split("\n\n")[0].splitlines()
        self.assertEqual([row.split()[0] for row in rows], names)
        for row in rows:
            self.assertRegex(row, r"^  \S+ +\S.*\w")


class Libraries(unittest.TestCase):
    """Every one of these is one line and exit code 2, and nothing of it is loaded."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def wrong(self, text, path):
        done = run("--subject", "ggml=" + path, "--calls", "10", "--null-runtime", self.folder.name)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def write(self, name, data):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def test_missing(self):
        self.wrong("No such file", os.path.join(self.folder.name, "libggml-hip.so"))

    def test_a_folder(self):
        self.wrong("a folder with no libggml-cpu library", self.folder.name)

    def test_text(self):
        self.wrong("no ELF library", self.write("text.so", b"not a library\n" * 100))
        self.wrong("no ELF library", self.write("empty.so", b""))

    def test_cut_off(self):
        with open(ATTNFUZZ, "rb") as file:
            whole = file.read(1 << 20)
        self.wrong("cut off", self.write("cut.so", whole))
        self.wrong("cut off", self.write("cut.so", whole[:64]))

    def test_no_hip_backend(self):
        self.wrong("it has no function ggml_", ATTNFUZZ)


if __name__ == "__main__":
    unittest.main()
