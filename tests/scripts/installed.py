#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `cmake --install` puts into a folder is whole: the command runs from there, finds its null runtime and its
manual pages; programs outside of the tree find the libraries by CMake and by pkg-config, are built and run. With dpkg
the package of `cpack` has the same files, and installs into and leaves a folder of its own.

Needs the build without sanitizers beside the one that is tested, which ./dev makes. Exit code 77: skipped."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import main  # noqa: E402

BUILD = os.path.abspath(os.environ.get("ATTN_BUILD", "build/asan"))
SOURCE = os.path.abspath(os.environ.get("ATTN_SOURCE", "."))
PLAIN = os.path.join(os.path.dirname(BUILD), "plain")
LINE = "fa1 q=f32[128,1,32,1] k=f16[128,4096,8,1] v=f16[128,4096,8,1]"


def run(*words, ends=0, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != ends:
        raise AssertionError("%s: exit code %d\n%s" % (" ".join(words), done.returncode, done.stdout))
    return done.stdout


def files(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder)
                  for at, _, names in os.walk(folder) for name in names)


def not_built():
    """Of what `cmake --install` copies out of the build without sanitizers: what is not there."""
    missing = set()
    for script in glob.glob(os.path.join(PLAIN, "**", "cmake_install.cmake"), recursive=True):
        with open(script) as f:
            for words in re.findall(r"file\(INSTALL [^)]*\)", f.read()):
                paths = re.findall('"(%s/[^"$]+)"' % re.escape(PLAIN), words)
                missing.update(path for path in paths if " OPTIONAL " not in words and not os.path.exists(path))
    return sorted(missing)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.work)
        run("cmake", "--install", PLAIN, "--prefix", os.path.join(cls.work, "first"))
        # Moved afterwards: nothing in it may know where it was put.
        cls.prefix = os.path.join(cls.work, "moved")
        os.rename(os.path.join(cls.work, "first"), cls.prefix)
        cls.command = os.path.join(cls.prefix, "bin", "attnfuzz")

    def build(self, example, *words):
        to = os.path.join(self.work, example)
        run("cmake", "-S", os.path.join(SOURCE, "examples", example), "-B", to, "-DCMAKE_PREFIX_PATH=" + self.prefix,
            "-DCMAKE_C_COMPILER=" + os.environ.get("CC", "cc"), "-DCMAKE_BUILD_TYPE=Release", *words)
        run("cmake", "--build", to)
        return to

    def test_the_command_runs_from_there(self):
        self.assertIn("gfx1100", run(self.command, "plan", "--device", "gfx1100", LINE))
        run(self.command, "run", "--device", "gfx1100", "fa1 q=f32[64,2,4,1] k=f16[64,33,2,1] v=f16[64,33,2,1]")
        self.assertIn("0 launches", run(self.command, "null-hip", "--", "true"))

    def test_every_verb_has_its_manual_page_and_completion_is_there(self):
        listed = run(self.command, "--help").split("verbs:\n")[1].split("\n\n")[0]
        verbs = [line.split()[0] for line in listed.splitlines()]
        pages = os.listdir(os.path.join(self.prefix, "share", "man", "man1"))
        self.assertEqual(sorted(pages), sorted(["attnfuzz.1"] + ["attnfuzz-%s.1" % verb for verb in verbs]))
        script = os.path.join(self.prefix, "share", "bash-completion", "completions", "attnfuzz")
        run("bash", "-n", script)

    def test_nothing_that_is_installed_names_a_folder_of_the_build(self):
        for file in files(self.prefix):
            if file.endswith((".cmake", ".pc", ".1", "attnfuzz")) and not file.startswith("bin/"):
                with open(os.path.join(self.prefix, file)) as f:
                    text = f.read()
                self.assertNotIn(SOURCE, text, file)
                self.assertNotIn(self.work, text, file)

    def test_a_program_finds_the_planner_by_cmake(self):
        program = os.path.join(self.build("planner"), "route")
        self.assertIn("chosen", run(program, "gfx1100", LINE))
        self.assertIn("no device", run(program, "gfx999", LINE, ends=2))
        self.assertIn("column", run(program, "gfx1100", "fa1 q=", ends=2))

    def test_a_planner_outside_of_the_tree_is_a_subject(self):
        library = os.path.join(self.build("subject"), "libtwo_kernels.so")
        said = run(self.command, "check", "--subject", "plugin=" + library, "--calls", "4000", ends=1)
        self.assertIn("two kernels 1.0", said)
        self.assertIn("the mask's rows are wider than n_kv", said)
        # It is the one thing that is wrong with it.
        self.assertIn("in 1 group", said)

    @unittest.skipUnless(shutil.which("pkg-config"), "no pkg-config")
    def test_a_program_finds_the_planner_by_pkg_config(self):
        where = dict(os.environ, PKG_CONFIG_PATH=os.path.join(self.prefix, "lib", "pkgconfig"))
        flags = run("pkg-config", "--cflags", "--libs", "attnfuzz-planner", env=where).split()
        program = os.path.join(self.work, "route-pc")
        run(os.environ.get("CC", "cc"), "-std=c11", "-o", program,
            os.path.join(SOURCE, "examples", "planner", "route.c"), *flags)
        self.assertIn("chosen", run(program, "gfx1100", LINE))
        self.assertIn("-lattn_planner", run("pkg-config", "--libs", "attnfuzz-reference", env=where))

    @unittest.skipUnless(shutil.which("dpkg-shlibdeps") and shutil.which("dpkg-deb"), "no dpkg-dev")
    def test_the_package_has_the_same_files_and_leaves_nothing(self):
        to = os.path.join(self.work, "package")
        run("cpack", "--config", os.path.join(PLAIN, "CPackConfig.cmake"), "-B", to, cwd=self.work)
        package, = (os.path.join(to, name) for name in os.listdir(to) if name.endswith(".deb"))
        unpacked = os.path.join(self.work, "unpacked")
        run("dpkg-deb", "-x", package, unpacked)
        self.assertEqual(files(os.path.join(unpacked, "usr")), files(self.prefix))
        depends = run("dpkg-deb", "-f", package, "Depends")
        self.assertIn("libelf1", depends)
        if os.geteuid() != 0:
            return
        root = os.path.join(self.work, "root")
        admin = os.path.join(root, "var", "lib", "dpkg")
        for folder in ("info", "updates", "triggers"):
            os.makedirs(os.path.join(admin, folder))
        for file in ("status", "available"):
            open(os.path.join(admin, file), "w").close()
        dpkg = ("dpkg", "--root=" + root, "--force-depends", "--force-not-root", "--log=/dev/null")
        run(*dpkg, "--install", package)
        self.assertIn("gfx1100", run(os.path.join(root, "usr", "bin", "attnfuzz"), "plan", "--device", "gfx1100", LINE))
        run(*dpkg, "--purge", "attnfuzz")
        self.assertEqual(files(os.path.join(root, "usr")), [])


if __name__ == "__main__":
    if not os.path.exists(os.path.join(PLAIN, "CPackConfig.cmake")):
        print("skipped: there is no build without sanitizers in", PLAIN)
        sys.exit(77)
    if not_built():
        print("skipped: the build without sanitizers is configured, and not all of it is built:", *not_built())
        sys.exit(77)
    main()
