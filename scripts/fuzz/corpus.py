#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./dev corpus: each target's corpus and AFL++'s queues, merged and made minimal: what libFuzzer's merge keeps, and
where AFL++ and its build are there what afl-cmin keeps besides, of what has the same coverage the smallest inputs. The
corpus is replaced when its new one is whole."""

import argparse
import fcntl
import os
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engines import Afl, LibFuzzer  # noqa: E402
from fuzz import FINDING, GOOD, LACKS, Run, complain, say  # noqa: E402
from processes import Interrupted  # noqa: E402

STEP_S = 5


class Merge:
    def __init__(self, run, target, folder):
        self.run, self.target, self.besides = run, target, 0
        self.corpus = run.places.corpus(target.name)
        self.kept, self.log = os.path.join(folder, "kept"), os.path.join(folder, "log")
        self.control, self.cmin = os.path.join(folder, "control"), os.path.join(folder, "cmin")
        os.mkdir(self.kept)

    def wait(self, child, words, done):
        """Says how far it is."""
        next_s = began = time.monotonic()
        while child.poll() is None:
            time.sleep(0.1)
            if time.monotonic() >= next_s + STEP_S:
                next_s = time.monotonic()
                say(f"  {self.target.name}: {words}, {done()}, {next_s - began:.0f} s")
        return child.returncode

    def text(self, path):
        try:
            with open(path, errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def libfuzzer(self, n):
        program = os.path.join(self.run.places.asan, self.target.name)
        with open(self.log, "wb") as log:
            child = self.run.processes.start(
                [program, "-merge=1", f"-max_len={self.target.max_len}", f"-timeout={self.target.timeout}",
                 "-rss_limit_mb=3072", f"-merge_control_file={self.control}", self.kept, self.corpus], stdout=log,
                stderr=log)
            return self.wait(child, "libFuzzer's merge",
                             lambda: f"{self.text(self.control).count('STARTED ')} of {n} inputs")

    def afl(self, n):
        """afl-showmap leaves a file in the folder that it is started in when it is ended: here, one that goes."""
        environment = {"AFL_SKIP_CPUFREQ": "1", "AFL_NO_AFFINITY": "1", "AFL_ALLOW_TMP": "1"}
        target = os.path.abspath(os.path.join(self.run.places.afl, self.target.name))
        with open(self.log, "wb") as log:
            child = self.run.processes.start(
                ["afl-cmin", "-m", "none", "-t", f"{self.target.timeout}000", "-i", os.path.abspath(self.corpus), "-o",
                 os.path.abspath(self.cmin), "--", target, "-"], environment, cwd=os.path.dirname(self.cmin),
                stdout=log, stderr=log)
            code = self.wait(child, "afl-cmin",
                             lambda: (re.findall(r"Processing \w+ [\d/]+", self.text(self.log)) or [f"{n} inputs"])[-1])
        for name in os.listdir(self.cmin) if code == 0 else []:
            if not os.path.exists(os.path.join(self.kept, name)):
                os.replace(os.path.join(self.cmin, name), os.path.join(self.kept, name))
                self.besides += 1
        return code

    def swap(self):
        """One after the other is renamed: a kill in between leaves the old one beside, which the next run takes."""
        old = self.corpus + ".old"
        shutil.rmtree(old, ignore_errors=True)
        os.rename(self.corpus, old)
        os.rename(self.kept, self.corpus)
        shutil.rmtree(old)


def recover(corpus):
    if os.path.isdir(corpus + ".old") and not os.path.isdir(corpus):
        os.rename(corpus + ".old", corpus)


def merge_one(run, target, with_afl):
    corpus = run.places.corpus(target.name)
    recover(corpus)
    os.makedirs(corpus, exist_ok=True)
    flowed = Afl(run.places, None, 0).flow_back(target)
    n = len(os.listdir(corpus))
    if n == 0:
        say(f"  {target.name}: nothing yet")
        return True
    with tempfile.TemporaryDirectory(dir=run.places.corpora, prefix=".merge-") as folder:
        merge = Merge(run, target, folder)
        code = merge.libfuzzer(n)
        if code == 0 and with_afl:
            code = merge.afl(n)
        if code:
            complain(f"{target.name}: the merge ended with exit code {code}; the corpus is as it was:")
            print("\n".join(merge.text(merge.log).splitlines()[-8:]), file=sys.stderr)
            return False
        merge.swap()
    say(f"  {target.name}: {n} inputs{f' ({flowed} from AFL++)' if flowed else ''} to {len(os.listdir(corpus))}"
        f"{f', {merge.besides} of them by afl-cmin' if with_afl else ''}")
    return True


def main():
    parser = argparse.ArgumentParser(prog="./dev corpus")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--build", default="build", help=argparse.SUPPRESS)
    parser.add_argument("--work", default=os.path.join("build", "fuzz"), help=argparse.SUPPRESS)
    parser.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.engine, options.seconds, options.target, options.fresh = LibFuzzer.name, 0, None, False
    options.baseline = None
    run = Run(options)
    try:
        code = run.build()
        if code != GOOD:
            return code
        if not run.lock():
            return LACKS
        os.makedirs(run.places.corpora, exist_ok=True)
        for name in os.listdir(run.places.corpora):
            if name.startswith(".merge-"):
                shutil.rmtree(os.path.join(run.places.corpora, name))
        good = True
        for target in run.targets:
            program = os.path.join(run.places.afl, target.name)
            good &= merge_one(run, target, shutil.which("afl-cmin") and os.access(program, os.X_OK))
        return GOOD if good else FINDING
    except Interrupted as interrupted:
        run.processes.hold()
        complain("interrupted: targets that are not named above have the corpus that they had")
        return 128 + interrupted.number
    finally:
        run.processes.close()


if __name__ == "__main__":
    sys.exit(main())
