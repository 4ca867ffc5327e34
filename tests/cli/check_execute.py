#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check --execute on a library that was built for AMD GPUs from this project's own kernels and looks like
ggml's HIP backend (support/imitation_amd.hip): nothing is found in it as it is, and each fault planted in its kernels
(faults/library) is found within 30 seconds, with kernel, device, launch, instruction and source line, and is not found
where nothing is executed.

A test run plants the fault whose turn it is; `./dev test --long` all of them."""
import glob
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import imitation_amd  # noqa: E402
import planted  # noqa: E402
import share  # noqa: E402

ATTNFUZZ = os.environ["ATTNFUZZ"]
SECONDS = "30"  # within which a fault has to be found
LONG = bool(os.environ.get("ATTN_LONG"))
FAULTS = sorted(os.path.basename(path)[:-len(".patch")] for path in glob.glob(imitation_amd.FAULTS + "/*.patch"))


def check(library, *arguments):
    done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=" + library, "--json", "-", *arguments],
                          capture_output=True, text=True, timeout=600)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise AssertionError(done.stdout + done.stderr)


class Library(unittest.TestCase):
    library = None

    @classmethod
    def setUpClass(cls):
        cls.library = imitation_amd.Library()

    def test_nothing_is_found_in_our_kernels(self):
        code, report = check(self.library.good(), "--execute", "--seconds", "60" if LONG else "8")
        self.assertEqual(([f["id"] for f in report["findings"]], code), ([], 0))
        self.assertEqual(sorted(report["devices"]), sorted(imitation_amd.TARGETS))
        self.assertEqual(report["unsupported_launches"], 0)
        self.assertGreater(report["executed"], 100)

    def test_each_fault_is_found_where_kernels_run(self):
        self.assertGreaterEqual(len(FAULTS), 5)
        for fault in share.of(FAULTS, len(FAULTS)):
            with self.subTest(fault=fault):
                self.fault(fault)

    def fault(self, name):
        shows = planted.header(os.path.join(imitation_amd.FAULTS, name + ".patch"))["shows"]
        library = self.library.faulty(name)
        code, report = check(library, "--calls", "200000")
        self.assertEqual(([f["id"] for f in report["findings"]], code), ([], 0), "without --execute")
        code, report = check(library, "--execute", "--seconds", SECONDS)
        self.assertEqual(code, 1)
        found = [f for f in report["findings"] if f["id"].startswith(shows)]
        self.assertTrue(found, [f["id"] for f in report["findings"]])
        print("%s: %d executed, %s" % (name, report["executed"], [f["id"] for f in found]), flush=True)
        for f in report["findings"]:
            self.assertIn(f["kind"], ("stopped", "wrong", "loose"))
        self.assertEqual(set().union(*(f["devices"] for f in found)), set(imitation_amd.TARGETS))
        self.names(found[0])
        # Its line shows it again, and shows nothing in the library without the fault.
        code, report = check(library, "--execute", found[0]["line"])
        self.assertEqual(({f["group"] for f in report["findings"]}, code), ({found[0]["group"]}, 1))
        code, report = check(self.library.good(), "--execute", found[0]["line"])
        self.assertEqual(([f["id"] for f in report["findings"]], code), ([], 0))

    def names(self, f):
        self.assertIn(f["device"], imitation_amd.TARGETS)
        self.assertIn("flash_attn_tile", f["message"])
        if f["kind"] == "stopped":
            self.assertRegex(f["message"], r"workgroup \d+,\d+,\d+, wave \d+, lane \d+, at 0x[0-9a-f]+, \w+ ")


if __name__ == "__main__":
    unittest.main()
