#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./dev on a machine that lacks things, which is played: the package manager and the build system are scripts here that
say which packages are installed and write down how they were called. Each command is to work with the packages that it
installs, and tests are built only where their tools are: `build` on a bare machine once failed for lack of cmocka."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import SOURCE, main  # noqa: E402

PROGRAMS = {
    "dpkg-query": 'for p; do :; done; case " $LACKING " in *" $p "*) exit 1 ;; *) printf installed ;; esac',
    "apt-get": 'echo "apt-get $*" >>"$CALLS"',
    "apt-cache": "echo '  Candidate: 22'",
    "cmake": 'echo "cmake $*" >>"$CALLS"',
    "cpack": 'echo "cpack $*" >>"$CALLS"; mkdir -p package; : >package/attnfuzz_1_amd64.deb',
    "ctest": "exit 0",
    "clang-22": "exit 0",
}


class Dev(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.work)
        for folder in ("bin", "tests/faults", "fuzz/targets", "build/plain"):
            os.makedirs(os.path.join(self.work, folder))
        for file in ("dev", "fuzz/targets/targets.txt", "tests/faults/b01_exact_mask.patch"):
            shutil.copy(os.path.join(SOURCE, file), os.path.join(self.work, file))
        for name, text in PROGRAMS.items():
            path = os.path.join(self.work, "bin", name)
            with open(path, "w") as out:
                out.write("#!/bin/sh\n%s\n" % text)
            os.chmod(path, 0o755)

    def dev(self, *words, lacking="", install="no", ends=0):
        calls = os.path.join(self.work, "calls")
        open(calls, "w").close()
        done = subprocess.run(["./dev", *words], cwd=self.work, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              env={"PATH": self.work + "/bin:/usr/bin:/bin", "LACKING": lacking, "CALLS": calls,
                                   "ATTN_INSTALL": install})
        self.assertEqual(done.returncode, ends, done.stdout)
        with open(calls) as file:
            return done.stdout, file.read()

    def test_tests_are_built_where_their_tools_are(self):
        for words, lacking, expected in ((["build"], "", "ON"), (["build"], "libcmocka-dev python3", "OFF"),
                                         (["build"], "python3", "OFF"), (["test"], "", "ON")):
            _, calls = self.dev(*words, lacking=lacking)
            self.assertRegex(calls, "--preset asan .*-DATTN_TESTS=" + expected)
            self.assertNotRegex(calls, "--preset plain .*ATTN_TESTS")

    def test_what_is_missing_is_said(self):
        for words, lacking in ((["plant", "b01"], "patch"), (["package"], "file"), (["test"], "file"),
                               (["test"], "libcmocka-dev"), (["build"], "libelf-dev")):
            said, calls = self.dev(*words, lacking=lacking, ends=3)
            self.assertIn("--no-install-recommends %s\n" % lacking, said)
            self.assertEqual(calls, "")

    def test_a_package_is_made_and_named(self):
        said, calls = self.dev("package")
        self.assertIn("build/plain/package/attnfuzz_1_amd64.deb", said)
        self.assertNotIn("asan", calls)

    def test_wrong_usage(self):
        for words, about in ((["plant"], "name of a fault"), (["plant", "b99"], "'b99'"), (["build", "b01"], "'b01'"),
                             (["build", "--long"], "--long"), (["biuld"], "biuld"), (["plant", "--ful"], "--ful")):
            said, calls = self.dev(*words, ends=2)
            self.assertIn(about, said)
            self.assertEqual(calls, "")


if __name__ == "__main__":
    main()
