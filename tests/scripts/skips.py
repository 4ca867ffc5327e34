#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a test skips is not hidden: command.py's main() ends with 77 and the reasons where something was skipped, with 1
where something failed too; and every test that skips with unittest's means ends by it."""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = """
import sys, unittest
sys.path.insert(0, %r)
from command import main
class One(unittest.TestCase):
    @unittest.skipIf(%r, "no reason")
    def test_skipped(self): pass
    def test_fails(self): self.assertFalse(%r)
class Two(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if %r: raise unittest.SkipTest("a whole class")
    def test_passes(self): pass
main()
"""


class Skips(unittest.TestCase):
    def test_exit_codes(self):
        for skips, fails, whole, code in ((False, False, False, 0), (True, False, False, 77), (False, False, True, 77),
                                          (False, True, False, 1), (True, True, False, 1), (False, True, True, 1)):
            with self.subTest(skips=skips, fails=fails, whole=whole), tempfile.NamedTemporaryFile("w") as program:
                program.write(PROGRAM % (os.path.join(TESTS, "support"), skips, fails, whole))
                program.flush()
                done = subprocess.run([sys.executable, program.name], capture_output=True, text=True)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual("skipped: no reason\n" in done.stdout, skips)
                self.assertEqual("skipped: a whole class\n" in done.stdout, whole)

    def test_who_skips_ends_by_it(self):
        files = [path for path in glob.glob(os.path.join(TESTS, "*", "*.py")) if path != os.path.abspath(__file__)]
        self.assertGreater(len(files), 20)
        for path in files:
            with open(path) as f:
                text = f.read()
            if re.search(r"unittest\.(skip|Skip)|\bskipTest\(", text):
                self.assertNotRegex(text, r"\bunittest\.main\(\)\n", path)


if __name__ == "__main__":
    unittest.main()
