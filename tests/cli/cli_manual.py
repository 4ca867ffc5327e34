#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is printed from the verbs' manuals: manual pages that mandoc takes, docs/verbs.md as it is, completion for bash
that completes, and older names of options."""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import SMALL, SOURCE, Case, main, verbs  # noqa: E402

OLDER = {("run", "--work 5"): "--max-work 5", ("run", "--schedules"): "--all-schedules",
         ("run", "--twins"): "--all-twins"}


class Pages(Case):
    def lint(self, page):
        return subprocess.run(["mandoc", "-Tlint", "-W", "style"], input=page, capture_output=True, text=True).stdout

    @unittest.skipUnless(shutil.which("mandoc"), "no mandoc")
    def test_mandoc_finds_nothing_in_any_page(self):
        for verb in [None, *verbs()]:
            page = self.good("help", "--man", *([verb] if verb else [])).out
            # Names of other pages are looked for among those installed: nothing to do with the page.
            said = [w for w in self.lint(page).splitlines() if "referenced manual not found" not in w]
            self.assertEqual(said, [], verb)

    @unittest.skipUnless(shutil.which("mandoc"), "no mandoc")
    def test_a_page_shows_every_option_and_example_of_the_help(self):
        for verb in verbs():
            page = self.good("help", "--man", verb).out
            shown = subprocess.run(["mandoc", "-Tutf8", "-Owidth=1000"], input=page, capture_output=True,
                                   text=True).stdout
            shown = "".join(c for i, c in enumerate(shown) if c != "\b" and shown[i + 1:i + 2] != "\b")
            for word in self.good(verb, "--help").out.split():
                if word.startswith("--") and word[2:3].isalpha() and word != "--help":
                    self.assertIn(word.rstrip(",.;)"), shown, verb)

    def test_what_docs_have_of_it_is_current(self):
        for page, option in ("verbs.md", "--markdown"), ("catalogue.md", "--catalogue"):
            with open(os.path.join(SOURCE, "docs", page)) as file:
                self.assertEqual(file.read(), self.good("help", option).out,
                                 f"attnfuzz help {option} > docs/{page}")

    def test_help_of_a_verb_has_all_that_the_short_one_has(self):
        for verb in verbs():
            short, whole = self.good(verb, "--help").out, self.good("help", verb).out
            self.assertLessEqual(max(map(len, whole.splitlines())), 112)
            for line in short.splitlines():
                if not line.endswith("says more."):
                    self.assertIn(line, whole)

    def test_mistakes(self):
        for words, said in (("nosuch",), "no verb 'nosuch'"), (("run", "plan"), "one verb"), (("--nosuch",), "--man"):
            self.assertIn(said, self.ends(2, "help", *words).err)


class Completion(Case):
    def complete(self, *words):
        script = self.write("completion", self.good("help", "--bash").out)
        program = (f"source {script}; COMP_WORDS=({' '.join(repr(w) for w in words)}); "
                   "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _attnfuzz; printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_verbs_options_devices_and_files(self):
        self.assertEqual(self.complete("attnfuzz", "exp"), ["explain"])
        self.assertEqual(set(self.complete("attnfuzz", "")), {*verbs(), "help", "--help", "--version"})
        self.assertEqual(self.complete("attnfuzz", "run", "--all-t"), ["--all-twins"])
        self.assertEqual(self.complete("attnfuzz", "plan", "--device", "gfx12"), ["gfx1200", "gfx1201"])
        self.assertEqual(self.complete("attnfuzz", "run", "--kernel", "ti"), ["tile"])
        file = self.write("lines.txt", SMALL)
        self.assertEqual(self.complete("attnfuzz", "run", file[:-2]), [file])


class OlderNames(Case):
    def test_they_are_taken_and_not_listed(self):
        for (verb, old), new in OLDER.items():
            listed = self.good("help", verb).out
            self.assertNotIn(old.split()[0] + " ", listed)
            self.assertIn(new.split()[0], listed)
            ran = [self.good(verb, *words.split(), "--list", SMALL).out for words in (old, new)]
            self.assertEqual(*ran)


if __name__ == "__main__":
    main()
