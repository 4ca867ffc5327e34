#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check --execute on a library that was built for AMD GPUs from this project's own kernels and looks like
ggml's HIP backend (support/imitation_amd.hip): nothing is found in it as it is, and each fault planted in its kernels
(faults/library) is found within 200,000 calls, with kernel, device, launch, instruction and source line, and is not
found where nothing is executed. What is planted in its graphs is found with --graphs in 5,000, and not without.

A test run plants the fault whose turn it is; `./dev test --long` all of them."""
import glob
import json
import os
import re
import resource
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import imitation_amd  # noqa: E402
import planted  # noqa: E402
import share  # noqa: E402

ATTNFUZZ = os.environ["ATTNFUZZ"]
CALLS = "200000"  # within which a fault has to be found, in this many CPU seconds; half of it without the sanitizers
FEW = "5000"  # of those that are made again and again
CPU_SECONDS = 60
LONG = bool(os.environ.get("ATTN_LONG"))
FAULTS = sorted(os.path.basename(path)[:-len(".patch")] for path in glob.glob(imitation_amd.FAULTS + "/*.patch"))


def check(library, *arguments):
    done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=" + library, "--json", "-", *arguments],
                          capture_output=True, text=True, timeout=600)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise AssertionError(done.stdout + done.stderr)


def cpu_seconds():
    """Of all that was waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def computed(program, library, device):
    """What a program says that computes on a device, and its exit code."""
    done = subprocess.run([ATTNFUZZ, "null-hip", "--execute", "--device", ",".join(imitation_amd.TARGETS), "--out",
                           os.devnull, "--", program, library, str(imitation_amd.TARGETS.index(device))],
                          capture_output=True, text=True, timeout=600)
    return done.stdout + done.stderr, done.returncode


class Library(unittest.TestCase):
    library = None

    @classmethod
    def setUpClass(cls):
        cls.library = imitation_amd.Library()

    def test_nothing_is_found_in_our_kernels(self):
        report = self.none(self.library.good(), "--execute", "--calls", "1000000" if LONG else "50000")
        self.assertEqual(sorted(report["devices"]), sorted(imitation_amd.TARGETS))
        self.assertEqual(report["unsupported_launches"], 0)
        self.assertGreater(report["executed"], 10)
        report = self.none(self.library.good(), "--execute", "--graphs", "--calls", "200000" if LONG else "3000")
        self.assertGreater(report["replays"], 10)

    def test_each_fault_is_found_where_kernels_run(self):
        self.assertGreaterEqual(len(FAULTS), 5)
        for fault in share.of(FAULTS, len(FAULTS)):
            with self.subTest(fault=fault):
                self.fault(fault)

    def fault(self, name):
        head = planted.header(os.path.join(imitation_amd.FAULTS, name + ".patch"))
        shows, options = head["shows"], head.get("options", "").split()
        library = self.library.faulty(name)
        calls = FEW if options else CALLS
        self.none(library, "--calls", calls, *options)
        if options:
            self.none(library, "--calls", calls, "--execute")
        # What rare calls alone show is asked about by its line.
        asked = [head["line"]] if "line" in head else ["--calls", calls]
        begun = cpu_seconds()
        code, report = check(library, "--execute", *options, *asked)
        spent = cpu_seconds() - begun
        self.assertEqual(code, 1)
        found = [f for f in report["findings"] if f["id"].startswith(shows + " ")]
        self.assertTrue(found, [f["id"] for f in report["findings"]])
        print("%s: %d executed in %.1f CPU seconds, %s" % (name, report["executed"], spent, [f["id"] for f in found]),
              flush=True)
        self.assertLessEqual(spent, CPU_SECONDS)
        for f in report["findings"]:
            self.assertIn(f["kind"], ("replay",) if options else ("stopped", "wrong", "loose"))
        self.assertEqual(set().union(*(f["devices"] for f in found)), set(imitation_amd.TARGETS))
        if options:  # what is wrong shows where a call is made again, and there alone
            self.assertIn(" replayed", found[0]["message"])
            self.none(library, "--execute", found[0]["line"])
        else:
            self.names(found[0])
            self.snippet(found[0], library)
        if name == "combine":  # all that may be what is wrong
            self.assertIn("flash_attn_tile + flash_attn_combine: ", found[0]["message"])
        # Its line shows it again, and shows nothing in the library without the fault.
        code, report = check(library, "--execute", *options, found[0]["line"])
        self.assertEqual(code, 1)
        self.assertIn(found[0]["group"], [f["group"] for f in report["findings"]])
        self.none(self.library.good(), "--execute", *options, found[0]["line"])

    def none(self, library, *arguments):
        code, report = check(library, *arguments)
        self.assertEqual(([f["id"] for f in report["findings"]], code), ([], 0), arguments)
        return report

    def snippet(self, f, library):
        """The finding's program shows it: with the library without the fault it computes what it must."""
        for faulty, one in ((True, library), (False, self.library.good())):
            said, code = computed(self.library.program(f["snippet"], one), one, f["device"])
            self.assertIn("supported: yes", said)
            self.assertEqual(code, int(faulty), said)
            if not faulty:
                self.assertIn("result: right", said)
            elif f["kind"] == "stopped":  # an access outside, where this machine runs it; else the result is looked at
                self.assertRegex(said, "computed: .*error|result: ")
            else:
                self.assertIn("result: wrong", said)

    def names(self, f):
        self.assertIn(f["device"], imitation_amd.TARGETS)
        self.assertIn("flash_attn_tile", f["message"])
        self.assertIn("flash_attn_tile", f["launch"]["kernel"])
        self.assertEqual(f["launch"]["block"], [128, 1, 1])
        if f["kind"] != "stopped":
            return
        self.assertRegex(f["message"], r"workgroup \d+,\d+,\d+, wave \d+, lane \d+, at 0x[0-9a-f]+, \w+ ")
        self.assertEqual(f["launch_number"], 1)
        file, line = re.fullmatch(r"(kernels/[\w./]+):(\d+)", f["source"]).groups()
        with open(os.path.join(imitation_amd.SOURCE, file)) as text:
            self.assertRegex(text.read().splitlines()[int(line) - 1], r"\w")


if __name__ == "__main__":
    unittest.main()
