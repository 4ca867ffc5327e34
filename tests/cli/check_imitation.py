#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check on a library that imitates ggml's HIP backend (support/imitation_ggml.c): every planted fault is
found, shrunk to what it needs, and its line shows it again; what is found without one are the holes that its router
has."""
import json
import os
import re
import subprocess
import tempfile
import unittest

ATTNFUZZ = os.environ["ATTNFUZZ"]
LIBRARY = os.path.join(os.environ["ATTN_BUILD"], "lib", "imitation-hip.so")


def run(fault, *arguments, library=LIBRARY):
    environment = dict(os.environ, IMITATION_FAULT=fault)
    return subprocess.run([ATTNFUZZ, "check", "--no-code", "--subject", "ggml=" + library, *arguments],
                          capture_output=True, text=True, timeout=300, env=environment)


def report(fault, *arguments):
    done = run(fault, "--json", "-", *arguments)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        raise AssertionError(done.stdout + done.stderr)


class Faults(unittest.TestCase):
    # fault: the group it is found as, and what its smallest line is on a device
    expected = {
        "abort": ("abort router.cpp:42:_fatal_error",
                  "fa1 q=f32[256,1,1,1] k=f16[256,1,1,1] v=f16[256,1,1,1] mask=f16[2,1,1,1]"),
        "crash": ("crash SIGFPE", "fa1 q=f32[128,3,1,1] k=f16[128,1,1,1] v=f16[128,1,1,1]"),
        "silent": ("silent -", "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1] sinks"),
        "failed": ("failed ggml_backend_graph_compute_returns_-1",
                   "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1] softcap=1"),
        "grid": ("unfit grid flash_attn_tile", "fa1 q=f32[64,1,1,1] k=f16[64,100,1,1] v=f16[64,100,1,1]"),
        "threads": ("unfit threads flash_attn_tile",
                    "fa1 q=f32[64,1,1,1] k=q8_0[64,1,1,1] v=q8_0[64,1,1,1]"),
        "ask": ("ask router.cpp:77:_GGML_ASSERT(n_seq_!=_3)_failed",
                "fa1 q=f32[64,1,1,3] k=f16[64,1,1,3] v=f16[64,1,1,3]"),
        "fickle": ("impure asked_again refused",
                   "fa1 q=f32[128,1,1,1] k=f16[128,1,1,1] v=f16[128,1,1,1] mask=f16[1,1,1,1] max_bias=1"),
        "stride": ("impure strides_of_extent_1 refused", None),
    }

    def test_each_is_found_and_its_line_shows_it_again(self):
        for fault, (group, line) in self.expected.items():
            with self.subTest(fault=fault):
                code, found = report(fault, "--calls", "60000")
                self.assertEqual(code, 1)
                findings = [f for f in found["findings"] if f["group"] == group]
                self.assertTrue(findings, [f["group"] for f in found["findings"]])
                lines = [f["line"].split(" |")[0] for f in findings]
                if line:  # of any head size: which one the calls met first is theirs
                    self.assertIn(re.sub(r"\[\d+,", "[D,", line), [re.sub(r"\[\d+,", "[D,", a) for a in lines])
                if fault != "fickle":  # which is a coin by design
                    code, again = report(fault, findings[0]["line"])
                    self.assertEqual(code, 1)
                    self.assertIn(group, [f["group"] for f in again["findings"]])
                    code, without = report("none", findings[0]["line"])
                    self.assertNotIn(group, [f["group"] for f in without["findings"]])

    def test_a_hang_comes_back(self):
        code, found = report("hang", "fa1 q=f32[64,1,10,1] k=f16[64,1,10,1] v=f16[64,1,10,1]", "--device", "gfx906")
        self.assertEqual((code, [f["kind"] for f in found["findings"]]), (1, ["hang"]))


class Holes(unittest.TestCase):
    def test_the_routers_own_rules_are_what_matters(self):
        code, found = report("none", "--calls", "60000")
        self.assertEqual(code, 1)
        self.assertEqual({f["group"] for f in found["findings"]}, {"hole head_size", "hole types", "hole mask_heads"})
        for f in found["findings"]:
            if f["group"] == "hole mask_heads":
                self.assertRegex(f["line"], r"mask=f16\[\d+,1,2,1\]")
                self.assertRegex(f["supported"], r"mask=f16\[\d+,1,1,1\]")
        sizes = {f["id"].split()[2] for f in found["findings"] if f["group"] == "hole head_size"}
        self.assertEqual(sizes, {"other", "40/40", "72/72", "80/80", "96/96", "112/112", "192/128", "192/192",
                                 "320/256",
                                 "512/512", "576/512", "576/576"})

    def test_two_runs_are_the_same_run(self):
        reports = []
        for _ in range(2):
            found = report("abort", "--calls", "30000", "--seed", "5")[1]
            for name in ("seconds", "calls_per_second", "calls_per_cpu_second", "different_per_cpu_second"):
                del found[name]
            reports.append(found)
        self.assertEqual(reports[0], reports[1])


class Baseline(unittest.TestCase):
    def test_only_what_it_does_not_have_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "baseline.txt")
            with open(path, "w") as out:
                out.write("# by design\nhole head_size * * all\nhole types *\n\n  hole mask_heads *  \nabort never "
                          "met *\n")
            done = run("none", "--calls", "60000", "--baseline", path)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("0 not known", done.stdout)
            self.assertIn("baseline line 6 was not met: abort never met *", done.stdout)
            code, found = report("abort", "--calls", "60000", "--baseline", path)
            self.assertEqual(code, 1)
            self.assertEqual([f["kind"] for f in found["findings"] if not f["known"]], ["abort"])


    # As version 0.1.0 wrote the keys, holes apart.
    EARLIER = """\
abort router.cpp:42:_fatal_error mask 256/256 all
crash SIGFPE n_q 128/128 all
crash SIGFPE n_q 256/256 all
silent - 128/128 all
silent - 256/256 all
silent - 64/64 all
failed ggml_backend_graph_compute_returns_-1 softcap 128/128 all
failed ggml_backend_graph_compute_returns_-1 softcap 256/256 all
failed ggml_backend_graph_compute_returns_-1 softcap 64/64 all
unfit threads flash_attn_tile q8_0 128/128 all
unfit threads flash_attn_tile q8_0 256/256 all
unfit threads flash_attn_tile q8_0 64/64 all
ask router.cpp:77:_GGML_ASSERT(n_seq_!=_3)_failed n_seq 64/64 all
impure strides_of_extent_1 refused 128/128 all
impure strides_of_extent_1 refused 256/256 all
impure strides_of_extent_1 refused 64/64 all
hole *
"""

    def test_one_of_an_earlier_version_is_read(self):
        """Every kind of key is still named as it was, so that what was known is known."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "earlier.txt")
            with open(path, "w") as out:
                out.write(self.EARLIER)
            for fault in ("abort", "crash", "silent", "failed", "threads", "ask", "stride"):
                with self.subTest(fault=fault):
                    group, line = Faults.expected[fault]
                    code, found = report(fault, "--baseline", path, *([line] if line else ["--calls", "60000"]))
                    self.assertEqual([f["id"] for f in found["findings"] if not f["known"]], [])
                    self.assertIn(group, [f["group"] for f in found["findings"]])
                    self.assertEqual(code, 0)


class Reports(unittest.TestCase):
    def test_page_and_programs(self):
        with tempfile.TemporaryDirectory() as folder:
            page, programs = os.path.join(folder, "page.html"), os.path.join(folder, "programs")
            done = run("abort", "--calls", "60000", "--html", page, "--snippets", programs)
            self.assertEqual(done.returncode, 1, done.stderr)
            with open(page) as text:
                self.assertIn("router.cpp:42: fatal error", text.read())
            names = sorted(os.listdir(programs))
            self.assertEqual(names[0], "001-abort.c")
            with open(os.path.join(programs, names[0])) as text:
                program = text.read()
            self.assertIn("ggml_new_tensor_4d(ctx, GGML_TYPE_F16, 2, 1, 1, 1)", program)
            self.assertIn("expect: abort", program)


class Libraries(unittest.TestCase):
    def test_another_interface(self):
        """A library on HIP that is no ggml: refused by the name of the function that it lacks."""
        null = os.path.join(os.path.dirname(LIBRARY), "attnfuzz-null", "libhipblas.so.2")
        done = run("none", library=null)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("it has no function ggml_", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_no_null_runtime(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("none", "--null-runtime", folder)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("libamdhip64.so.6", done.stderr)


if __name__ == "__main__":
    unittest.main()
