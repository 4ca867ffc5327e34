#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every command in README and docs/ is run: those of attnfuzz as they stand, in a folder that has the files they name
(other people's libraries are the imitation, a corpus is a few lines), with limits where they would take minutes. Those
of ./dev and cmake have only options and presets that exist; what runs them stands in ELSEWHERE. A command of no kind
that is known here fails: documentation is not to have one that nobody has run."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import gguf_file  # noqa: E402
from command import ATTNFUZZ, SMALL, SOURCE  # noqa: E402

BUILD = os.path.abspath(os.environ.get("ATTN_BUILD", "build/asan"))
LIBRARY = os.path.join(BUILD, "lib", "imitation-hip.so")
PAGES = ["README.md"] + sorted(glob.glob("docs/*.md", root_dir=SOURCE))
# How a command line begins; anything else in an indented block is output, a line, or a form.
COMMAND = re.compile(r"^    ((?:\./dev|cmake|cd|cpack|apt-get|man|pkg-config|sudo|dpkg|ctest|ninja|for|tests/\S+|"
                     r"(?:build/\w+/)?(?:build/bin/|bin/)?attnfuzz) .*)$")
# Of attnfuzz: what is added so that it ends soon, and the exit codes that are good where it is not 0.
SHORT = {"check": "--calls 400 --no-code", "diff": "--calls 200 --no-code",
         "tight": "--generate 300", "run": "--seconds 2", "bench": ""}
GOOD = {"check": (0, 1), "diff": (0, 1), "tight": (0, 1), "map": (0, 1)}
# Commands that are run by something else than this: pattern, what.
ELSEWHERE = [
    (r"zoo --build|tests/zoo/", "cli_zoo, zoo_weave"),
    (r"--backend amd:|bench --machine", "cli_machine: needs the machine code"),
    (r"--backend hip|build/cuda|--gpu (cuda|amd)|preset (cuda|amd)|tests/gpu/nightly", "needs a GPU; gpu_scripts"),
    # The imitation has no GPU code to read or run.
    (r"map --diff ggml=|bench --occupancy|ggml=\S+ .*--execute", "cli_map, check_debian, check_execute"),
    (r"ggml=debian", "check_debian: downloads Debian's library"),
    (r"null-hip --execute", "null_execute"),
    (r"attnfuzz shrink", "cli_shrink: needs a line that fails"),
    (r"^for f in planner", "planner_needs_only_c11"),
    (r"pkg-config|cmake --install|cpack|^apt-get|^sudo|^dpkg|^man ", "installed"),
    (r"^ninja|^ctest", "what runs this test"),
]


def commands():
    for page in PAGES:
        with open(os.path.join(SOURCE, page)) as file:
            lines = file.read().splitlines()
        for number, line in enumerate(lines):
            found = COMMAND.match(line)
            if not found:
                continue
            text = found.group(1)
            note = re.search(r"\s+# ", text)
            if note and text.count("'", 0, note.start()) % 2 == 0:
                text = text[:note.start()]
            for more in lines[number + 1:]:  # a quoted session over more lines
                if text.count("'") % 2 == 0:
                    break
                text += "\n" + more.strip()
            text = text.strip()
            form = re.search(r"(?:^|\s)[\[|]|\b(?:FILE|LINE|SUBJECT|COMMAND)\b", text.replace(" | ", " "))
            if text and not form:
                yield "%s:%d" % (page, number + 1), text


class Documented(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for at in ("PATH", "OLD", "NEW", "old", "new", "build/bin", "."):
            os.makedirs(os.path.join(cls.folder, at), exist_ok=True)
            shutil.copy(LIBRARY, os.path.join(cls.folder, at, "libggml-hip.so"))
        os.symlink(os.path.join(BUILD, "lib", "attnfuzz-null"), os.path.join(cls.folder, "attnfuzz-null"))
        for at in ("corpus/regress", "corpus/seeds", "corpus/sessions", "subjects/ggml"):
            os.makedirs(os.path.join(cls.folder, at))
        for file in ("corpus/sessions/seed-gemma4-31b.txt", "subjects/ggml/baseline.txt"):
            shutil.copy(os.path.join(SOURCE, file), os.path.join(cls.folder, file))
        for file in ("corpus/seeds/few.txt", "corpus/regress/few.txt", "server.log"):
            with open(os.path.join(cls.folder, file), "w") as out:
                out.write(SMALL + "\n")
        for program in ("program", "any-hip-program"):
            os.symlink(shutil.which("true"), os.path.join(cls.folder, program))
        with open(os.path.join(cls.folder, "model.gguf"), "wb") as out:
            out.write(gguf_file.model("llama", {
                "block_count": 2, "embedding_length": 256, "attention.head_count": 4, "attention.head_count_kv": 2,
                "context_length": 512}))

    def run_here(self, place, text):
        for old, new in (("fa1 ... | ", SMALL + " | "), ("fa1 ...", SMALL),
                         ("ggml=PATH ", "ggml=PATH/libggml-hip.so ")):
            text = text.replace(old, new)
        verbs = []

        def command(found):
            verbs.append(found.group(2))
            return "%s%s %s %s " % (found.group(1), ATTNFUZZ, found.group(2), SHORT.get(found.group(2), ""))
        text = re.sub(r"(^|\| )(?:build/bin/)?attnfuzz (\S+) ?", command, text)
        done = subprocess.run(["bash", "-c", "set -o pipefail; " + text], cwd=self.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        self.assertIn(done.returncode, GOOD.get(verbs[-1], (0,)), "%s: %s\n%s%s" % (place, text, done.stdout[-2000:],
                                                                                   done.stderr[-2000:]))

    def test_each_link_leads_somewhere(self):
        for page in PAGES + ["CONTRIBUTING.md"]:
            with open(os.path.join(SOURCE, page)) as file:
                text = file.read()
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                there = os.path.exists(os.path.join(SOURCE, os.path.dirname(page), link))
                self.assertTrue(there, "%s: %s" % (page, link))

    def test_the_first_page_is_short(self):
        with open(os.path.join(SOURCE, "README.md")) as file:
            self.assertLessEqual(len(file.read().splitlines()), 150)

    def test_each_command(self):
        with open(os.path.join(SOURCE, "dev")) as file:
            dev = file.read()
        with open(os.path.join(SOURCE, "CMakePresets.json")) as file:
            presets = {p["name"] for p in json.load(file)["configurePresets"]}
        count = 0
        for place, text in dict((text, (place, text)) for place, text in commands()).values():
            count += 1
            with self.subTest(place=place, text=text):
                for preset in re.findall(r"--preset (\w+)", text):
                    self.assertIn(preset, presets)
                if any(re.search(pattern, text) for pattern, _ in ELSEWHERE):
                    continue
                if text.startswith("./dev"):
                    words = text.split()
                    self.assertRegex(dev, r"(?m)^  \./dev %s\b" % words[1])
                    for option in words[2:]:
                        if option.startswith("--"):
                            self.assertIn("      " + option.split("=")[0], dev)
                elif re.match(r"(build/bin/)?attnfuzz ", text):
                    self.run_here(place, text)
                else:
                    self.fail("%s: a command of no kind that is run: %s" % (place, text))
        self.assertGreater(count, 40)


if __name__ == "__main__":
    if not os.path.exists(LIBRARY):
        print("skipped: no imitation library in", BUILD)
        sys.exit(77)
    unittest.main()
