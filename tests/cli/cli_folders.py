#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Folders as they are on people's disks: links in circles end, a FIFO, a socket and what cannot be read are named and
passed over, by the verbs that read lines, by run --inputs and by the replay drivers of the fuzz targets."""

import os
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import SMALL, Case  # noqa: E402

REPLAY = os.path.join(os.environ.get("ATTN_BIN", "build/bin"), "fuzz_text-replay")
OTHERS = {"fifo": "a FIFO", "socket": "a socket", "loop": "a link to a folder", "up": "a link to a folder"}


class Folders(Case):
    LINES = SMALL + "\n"

    def make(self, end):
        """A folder with one good file, one in a folder of its own, and everything that is no file."""
        path = self.path("d")
        self.write("d/a" + end, self.LINES)
        self.write("d/deep/b" + end, self.LINES)
        os.mkfifo(f"{path}/fifo{end}")
        with socket.socket(socket.AF_UNIX) as s:
            here = os.getcwd()
            os.chdir(path)  # a socket's name may not be long
            s.bind("socket" + end)
            os.chdir(here)
        os.symlink(path, path + "/loop")
        os.symlink("..", path + "/deep/up")
        return path

    def named(self, err, end):
        for name, kind in OTHERS.items():
            name = name + ("" if "link" in kind else end)
            self.assertRegex(err, rf"/{name}: {kind}: passed over")

    def unreadable(self, end):
        os.symlink("nowhere", self.path("d/gone" + end))
        os.symlink("round" + end, self.path("d/round" + end))
        if os.getuid():
            os.chmod(self.write("d/shut" + end, self.LINES), 0)

    def both(self, end, run, good):
        """run() on the folder, which is good; then with what cannot be read beside: named, the rest is run, exit 2."""
        path = self.make(end)
        begin = time.monotonic()
        code, out, err = run(path)
        self.assertEqual(code, 0, err[-2000:])
        self.assertLess(time.monotonic() - begin, 60)
        self.assertLess(err.count("\n"), 40)
        self.named(err, end)
        good(out, err)
        self.unreadable(end)
        code, out, err = run(path)
        self.assertEqual(code, 2, err[-2000:])
        self.assertRegex(err, rf"/gone{end}: No such file")
        self.assertRegex(err, rf"/round{end}: Too many levels")
        good(out, err)

    def attnfuzz(self, *arguments):
        # Not self.ends: what is waited for must not hang the test.
        done = subprocess.run([os.environ.get("ATTNFUZZ", "build/bin/attnfuzz"), *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=120, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_lines(self):
        self.both(".txt", lambda path: self.attnfuzz("run", path),
                  lambda out, _: self.assertRegex(out, r"(?m)^.*\b2 (problems|lines)"))

    def test_import(self):
        self.both(".txt", lambda path: self.attnfuzz("import", path),
                  lambda out, _: self.assertEqual(out.count("\nfa1 "), 2))

    def test_inputs_of_a_run(self):
        self.both("", lambda path: self.attnfuzz("run", "--list", "--inputs", path),
                  lambda out, _: self.assertEqual(out.count("\n"), 2))

    def test_a_folder_that_is_not_there(self):
        for arguments in (("run", "--inputs", self.path("no")), ("run", self.path("no"))):
            code, _, err = self.attnfuzz(*arguments)
            self.assertEqual(code, 2)
            self.assertIn("No such file", err)

    def test_a_baseline_is_no_folder(self):
        folder, file = self.path("baseline"), self.write("baseline.txt", "# none\n")
        os.mkdir(folder)
        for lines in (False, True):
            if lines:
                self.write("baseline/a.txt", "# none\n")
            said = self.ends(2, "check", "--subject", "own", "--calls", "20", "--baseline", folder).err
            self.assertEqual(said, f"attnfuzz: {folder}: Is a directory\n")
        self.good("check", "--subject", "own", "--calls", "20", "--baseline", file)
        self.good("check", "--subject", "own", "--calls", "20", "--baseline", "-")

    def test_replay(self):
        def run(path):
            done = subprocess.run([REPLAY, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
            return done.returncode, "", done.stderr.decode()
        self.both("", run, lambda _, err: self.assertIn("\n2 inputs ran\n", err))


if __name__ == "__main__":
    unittest.main()
