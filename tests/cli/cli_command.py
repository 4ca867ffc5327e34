#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The attnfuzz command: help, exit codes, input in all its forms, plan and explain."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import SEED, SMALL, Case, attnfuzz, devices, verbs  # noqa: E402

PLAN_KEYS = {"kernel", "device", "grid", "block", "lds_static_bytes", "lds_dynamic_bytes", "workspace_bytes", "splits",
             "columns", "key", "line"}


# Of each verb: arguments, the exit code that they end with, and what is said of them.
MISTAKES = {
    "plan": [((), 2, "no input"), (("/nosuch/file",), 2, "/nosuch/file: No such file"),
             (("--device", "gfx999", SMALL), 2, "there is no device 'gfx999'"),
             (("--device", "gfx942~nosuch", SMALL), 2, "no weakening 'nosuch'")],
    "explain": [((), 2, "no input"), (("/nosuch/file",), 2, "/nosuch/file: No such file"),
                (("--device", "gfx999", SMALL), 2, "there is no device 'gfx999'")],
    "run": [((), 2, "no input"), (("--kernel", "nosuch", SMALL), 2, "there is no kernel 'nosuch'"),
            (("--shard", "3/2", SMALL), 2, "--shard 3/2"), (("--shard", "0/2", SMALL), 2, "--shard 0/2"),
            (("--shard", "x", SMALL), 2, "--shard x"), (("--jobs", "0", SMALL), 2, "--jobs 0"),
            (("--timeout", "-1", SMALL), 2, "--timeout -1"), (("--max-work", "9x", SMALL), 2, "--max-work 9x"),
            (("--backend", "gpu", SMALL), 2, "--backend gpu"),
            (("--json", "/nosuch/folder/x.json", SMALL), 2, "/nosuch/folder/x.json"),
            (("--backend", "hip:0", SMALL), 3, "")],
    "shrink": [((), 2, "no input"), (("--tries", "0", SMALL), 2, "--tries 0"),
               (("--property", "99", SMALL), 2, "no such property"), ((SMALL,), 2, "does not fail")],
    "import": [((), 2, "no input"), (("/nosuch/file",), 2, "/nosuch/file: No such file")],
    "bench": [((SMALL, SMALL), 2, "one line at most"), (("--as", "x"), 2, "--as x: markdown or"),
              (("--seconds", "0"), 2, "--seconds 0"),
              (("--rank", "5"), 2, "need --backend hip"), (("--backend", "hip:all"), 2, "one GPU is measured"),
              (("--backend", "hip"), 3, "")],
    "check": [((), 2, "--subject says what to check"), (("--subject", "nosuch"), 2, "got 'nosuch'"),
              (("--subject", "own", "--calls", "0"), 2, "--calls"),
              (("--subject", "own", "--device", "gfx999"), 2, "there is no device 'gfx999'"),
              (("--subject", "ggml=/nosuch/file"), 2, "No such file")],
    "null-hip": [((), 2, "no command"), (("--device", "gfx999", "--", "true"), 2, "there is no device 'gfx999'"),
                 (("--", "/nosuch/program"), 3, "there is no program '/nosuch/program'")],
    "tight": [(("x",), 2, "tight takes no input: x"), (("--each", "0"), 2, "--each 0"),
              (("--generate", "-1"), 2, "--generate -1"), (("--max-work", "1"), 2, "--max-work 1")],
    "diff": [((), 2, "--subject is said twice"), (("--subject", "own"), 2, "--subject is said twice"),
             (("--subject", "own", "--subject", "own", "--calls", "0"), 2, "--calls 0: a number from 1"),
             (("--subject", "own", "--subject", "nosuch"), 2, "got 'nosuch'")],
    "map": [(("x",), 2, "map takes no input: x"), (("--diff", "own"), 2, "--diff takes two subjects: OLD NEW"),
            (("--diff", "own", "own", "own"), 2, "--diff takes two subjects"),
            (("--subject", "nosuch"), 2, "got 'nosuch'"), (("--head", "x"), 2, "--head is"),
            (("--device", "gfx999"), 2, "there is no device 'gfx999'"),
            (("--svg", "/nosuch/folder/x.svg"), 2, "/nosuch/folder/x.svg")],
    "zoo": [((), 2, "--build DIR is missing"), (("--build", "/nosuch"), 3, "/nosuch/zoo.txt"),
            (("--build", "/nosuch", "--ways", "luck"), 2, "no way 'luck'")],
}


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


class Help(Case):
    def test_overall_help_names_every_verb_and_the_exit_codes(self):
        text = self.good("--help").out
        self.assertEqual(set(verbs()), set(MISTAKES), "each verb, and no other, has its mistakes here")
        self.assertIn("exit codes", text)

    def test_each_verb_has_help_wherever_it_stands(self):
        for verb in verbs():
            text = self.good(verb, "--help").out
            self.assertTrue(text.startswith(f"usage: attnfuzz {verb}"), text)
            self.assertEqual(self.good(verb, "no such file", "--help").out, text)
            self.assertLessEqual(max(map(len, text.splitlines())), 112, verb)

    def test_every_option_that_help_lists_is_one(self):
        for verb in verbs():
            text = self.good(verb, "--help").out.split("\nexamples:")[0]
            options = {w.rstrip(",.;)") for w in text.split() if w.startswith("--") and w[2:3].isalpha()}
            self.assertGreater(len(options), 1, verb)
            for option in options:
                # The option that is none behind it ends the command before it works.
                said = attnfuzz(verb, option, "--nosuch", "--nosuch").err
                self.assertNotIn(f"unrecognized option '{option}'", said)

    def test_version(self):
        self.assertRegex(self.good("--version").out, r"^attnfuzz \d+\.\d+\.\d+\n$")


class Usage(Case):
    def mistake(self, code, *arguments):
        """Ends with that code, says why in one line and where help is in another at most, and prints nothing."""
        result = self.ends(code, *arguments)
        self.assertTrue(result.err, arguments)
        self.assertLessEqual(result.err.count("\n"), 2 if code == 2 else 1, result.err)
        self.assertEqual(result.out, "")
        return result.err

    def test_no_verb_and_one_that_is_none(self):
        self.assertIn("no verb", self.mistake(2))
        self.assertIn("there is no verb 'nosuchverb'", self.mistake(2, "nosuchverb"))

    def test_mistakes_of_each_verb(self):
        for verb in verbs():
            for arguments, code, text in MISTAKES[verb]:
                self.assertIn(text, self.mistake(code, verb, *arguments))

    def test_an_option_that_is_none(self):
        for verb in verbs():
            said = self.mistake(2, verb, "--nosuch")
            self.assertIn("--nosuch", said)
            self.assertIn(f"attnfuzz {verb} --help", said)

    def test_output_that_cannot_be_written_ends_with_2(self):
        import subprocess
        from command import ATTNFUZZ
        with open("/dev/full", "w") as full:
            done = subprocess.run([ATTNFUZZ, "plan", SMALL], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"standard output", done.stderr)


class Input(Case):
    def places(self, *arguments, **more):
        return [o["at"] for o in objects(self.good("plan", "--json", "--device", "gfx942", *arguments, **more).out)]

    def test_lines_come_from_arguments_files_and_standard_input(self):
        file = self.write("a.txt", f"# comment\n\n{SMALL}\n   # another\n  {SEED}  \n")
        self.assertEqual(self.places(SMALL, file, "-", stdin=SMALL + "\n"),
                         ["argument 1:1", f"{file}:3", f"{file}:5", "-:1"])

    def test_a_directory_is_every_txt_below_it_in_sorted_order(self):
        for name in ("b.txt", "a/z.txt", "a/b/c.txt", "a.txt", "B.txt"):
            self.write("d/" + name, SMALL + "\n")
        self.write("d/notes.md", "not a problem\n")
        self.write("d/.hidden.txt", "not a problem\n")
        os.symlink(self.path("d"), self.path("d/loop"))
        names = [p.split("/d/")[1] for p in self.places(self.path("d"))]
        self.assertEqual(names, ["B.txt:1", "a/b/c.txt:1", "a/z.txt:1", "a.txt:1", "b.txt:1"])

    def test_carriage_returns_are_no_part_of_a_line(self):
        file = self.write("crlf.txt", f"# c\r\n\r\n{SMALL}\r\n")
        self.assertEqual(self.places(file), [f"{file}:3"])

    def test_input_without_a_problem_is_no_good_run(self):
        empty = self.write("empty.txt", "# nothing\n")
        for verb in ("plan", "explain", "run"):
            self.assertIn("no problem line", self.ends(2, verb, empty).err)


class Plan(Case):
    def test_json_has_one_object_a_device_with_every_key(self):
        plans = objects(self.good("plan", "--json", SMALL).out)
        self.assertEqual([p["device"] for p in plans], list(devices()))
        for plan in plans:
            self.assertLessEqual(PLAN_KEYS, plan.keys())
            self.assertEqual(plan["line"], SMALL)
            self.assertEqual(len(plan["grid"]), 3)
            self.assertEqual(len(plan["block"]), 3)
            self.assertRegex(plan["key"], r"^[A-Za-z0-9._/-]{1,159}$")

    def test_the_seeds_call_has_a_kernel_other_than_naive_everywhere(self):
        for plan in objects(self.good("plan", "--json", SEED).out):
            self.assertNotIn(plan["kernel"], (None, "naive"))

    def test_devices_are_the_options_or_the_lines_or_all(self):
        on = lambda *a: [o["on"] for o in objects(self.good("plan", "--json", *a).out)]  # noqa: E731
        self.assertEqual(on(SMALL + " | dev=gfx1030"), ["gfx1030"])
        self.assertEqual(on(SMALL + " | dev=gfx942~lds/2"), ["gfx942~lds/2"])
        self.assertEqual(on("--device", "gfx906,sm_90", SMALL + " | dev=gfx1030"), ["gfx906", "sm_90"])
        self.assertEqual(on("--device", "all", "--device", "gfx906", SMALL), list(devices()))

    def test_a_forced_kernel_is_planned_or_said_to_be_unable(self):
        naive = objects(self.good("plan", "--json", "--device", "gfx942", SMALL + " | kernel=naive").out)
        self.assertEqual([p["kernel"] for p in naive], ["naive"])
        odd = SMALL.replace("[64,", "[65,") + " | kernel=tile"
        odd = odd.replace("mask=f16[65,", "mask=f16[64,")
        self.assertIsNone(objects(self.good("plan", "--json", "--device", "gfx942", odd).out)[0]["kernel"])

    def test_text_names_line_device_and_kernel(self):
        text = self.good("plan", "--device", "gfx942", SEED).out
        self.assertIn(SEED, text)
        self.assertIn("gfx942", text)
        kernel = objects(self.good("plan", "--json", "--device", "gfx942", SEED).out)[0]["kernel"]
        self.assertIn(kernel, text)


class Explain(Case):
    ODD = "fa1 q=f32[77,1,4,1] k=f16[77,33,2,1] v=f16[77,33,2,1]"

    def test_each_kernel_not_able_has_a_rule_with_its_values(self):
        verdicts = objects(self.good("explain", "--json", "--device", "gfx1100", self.ODD).out)[0]
        self.assertEqual(verdicts["chosen"], "naive")
        for kernel in verdicts["kernels"]:
            if kernel["able"]:
                self.assertGreater(kernel["cost_ns"], 0)
            else:
                self.assertTrue(kernel["rule"])
                self.assertIn(kernel["rule"], kernel["text"])
                self.assertIn("lhs", kernel)
                self.assertIn("rhs", kernel)
        self.assertGreaterEqual(sum(not k["able"] for k in verdicts["kernels"]), 2)
        text = self.good("explain", "--device", "gfx1100", self.ODD).out
        for kernel in verdicts["kernels"]:
            if not kernel["able"]:
                self.assertIn(kernel["text"], text)

    def test_all_rules_goes_on_after_the_first_that_failed(self):
        rules = objects(self.good("explain", "--json", "--all-rules", "--device", "gfx1100", self.ODD).out)[0]["rules"]
        for kernel in ("vec", "tile"):
            of_kernel = [r for r in rules if r["kernel"] == kernel]
            failed = [i for i, r in enumerate(of_kernel) if not r["holds"]]
            self.assertTrue(failed, kernel)
            self.assertGreater(len(of_kernel), 1)
        text = self.good("explain", "--all-rules", "--device", "gfx1100", self.ODD).out
        for rule in rules:
            self.assertIn(("holds " if rule["holds"] else "FAILS ") + rule["text"], text)


if __name__ == "__main__":
    unittest.main()
