#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The workflows in .github are such as GitHub takes (its schema, by check-jsonschema, which carries it) and have none
of the holes that zizmor knows: code from a name, rights that are not needed, actions that are not pinned. Both tools
come from PyPI into the build folder. First both are shown to find what is planted in a copy. Every command of ./dev in
them has options that there are.

Exit code 77: skipped, where PyPI cannot be reached."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(os.environ.get("ATTN_BUILD", "build/asan"))
SOURCE = os.path.abspath(os.environ.get("ATTN_SOURCE", "."))
TOOLS = os.path.join(BUILD, "workflow-tools")
PACKAGES = ["check-jsonschema==0.39.0", "zizmor==1.32.0"]
WORKFLOWS = sorted(glob.glob(os.path.join(SOURCE, ".github", "workflows", "*.yml")))


def tool(name, *words):
    return subprocess.run([os.path.join(TOOLS, "bin", name), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)


def schema(*files):
    return tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)


def holes(*files):
    return tool("zizmor", "--offline", "--no-progress", *files)


def install():
    """None, or why it cannot be."""
    if all(os.path.exists(os.path.join(TOOLS, "bin", name)) for name in ("check-jsonschema", "zizmor")):
        return None
    shutil.rmtree(TOOLS, ignore_errors=True)
    for words in ([sys.executable, "-m", "venv", TOOLS],
                  [os.path.join(TOOLS, "bin", "pip"), "install", "-q", "--disable-pip-version-check", *PACKAGES]):
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            shutil.rmtree(TOOLS, ignore_errors=True)
            return (done.stdout.strip().splitlines() or ["?"])[-1]
    return None


class Workflows(unittest.TestCase):
    def planted(self, old, new):
        """A workflow with something wrong in it."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        with open(os.path.join(SOURCE, ".github", "workflows", "nightly.yml")) as file:
            text = file.read()
        self.assertIn(old, text)
        path = os.path.join(folder, "nightly.yml")
        with open(path, "w") as file:
            file.write(text.replace(old, new, 1))
        return path

    def test_the_schema_takes_them(self):
        self.assertGreater(len(WORKFLOWS), 3)
        done = schema(*WORKFLOWS)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_key_that_is_none_is_found(self):
        self.assertNotEqual(schema(self.planted("timeout-minutes:", "timeout-minute:")).returncode, 0)

    def test_there_are_no_holes(self):
        done = holes(*WORKFLOWS)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_planted_holes_are_found(self):
        for old, new, name in (('"$GENERATE"', "${{ github.event.inputs.generate }}", "template-injection"),
                               ("actions/checkout@11d5960a326750d5838078e36cf38b85af677262", "actions/checkout@v4",
                                "unpinned-uses"),
                               ("persist-credentials: false", "fetch-depth: 1", "artipacked")):
            done = holes(self.planted(old, new))
            self.assertNotEqual(done.returncode, 0, name)
            self.assertIn(name, done.stdout)

    def test_the_options_of_dev_exist(self):
        with open(os.path.join(SOURCE, "dev")) as file:
            dev = file.read()
        found = 0
        for workflow in WORKFLOWS:
            with open(workflow) as file:
                commands = re.findall(r"\./dev (\w+)((?: --?[\w-]+(?: \w+)?)*)", file.read())
            for verb, options in commands:
                found += 1
                self.assertRegex(dev, r"(?m)^  \./dev %s\b" % verb)
                for option in re.findall(r"--[\w-]+", options):
                    self.assertIn("      " + option, dev)
        self.assertGreater(found, 3)


if __name__ == "__main__":
    missing = install()
    if missing:
        print("skipped: the tools cannot be had from PyPI:", missing)
        sys.exit(77)
    unittest.main()
