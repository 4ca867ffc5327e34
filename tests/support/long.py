#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""long.py BUILD FOLDER JOBS: `./dev test --long`, every test without its limits: what a test run shares out by turns
(share.py) is run whole, and every fault of tests/faults is planted, those for the night too.

What has passed is kept in FOLDER/state.json, with the tree it passed for: a run that was cut off goes on, and a
changed tree begins anew. FOLDER/NAME.log has what a fault's run said. Exit code: 0 all passed, 1 something failed,
130 interrupted."""

import concurrent.futures
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = "fuzz_faults"  # a fault is a part of its own here
OUTSIDE = {".git", "build", "__pycache__"}


def tree_hash():
    """Of everything in the tree that is not made in it."""
    whole = hashlib.sha256()
    for at, below, names in os.walk(SOURCE):
        below[:] = sorted(set(below) - OUTSIDE)
        for name in sorted(names):
            path = os.path.join(at, name)
            if os.path.isfile(path):
                whole.update(os.path.relpath(path, SOURCE).encode() + b"\0")
                with open(path, "rb") as f:
                    whole.update(hashlib.sha256(f.read()).digest())
    return whole.hexdigest()


class Parts:
    """The names of parts that have passed, and their seconds, on disk as soon as they have."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.path, self.lock = os.path.join(folder, "state.json"), threading.Lock()
        self.state = {"tree": tree_hash(), "passed": {}}
        if os.path.exists(self.path):
            with open(self.path) as f:
                before = json.load(f)
            if before["tree"] == self.state["tree"]:
                self.state = before

    def left(self, names):
        return [name for name in names if name not in self.state["passed"]]

    def passed(self, name, seconds):
        with self.lock:
            self.state["passed"][name] = round(seconds, 1)
            with open(self.path + ".new", "w") as f:
                json.dump(self.state, f, indent=1)
            os.replace(self.path + ".new", self.path)


def tests(build, jobs, parts):
    """The tests that are left, by ctest, which knows what may run beside what. Those that failed."""
    listed = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True,
                            check=True).stdout
    left = parts.left([t["name"] for t in json.loads(listed)["tests"] if t["name"] != SHARED])
    if not left:
        return set()
    failed = set(left)
    command = ["ctest", "--test-dir", build, "--output-on-failure", "-j", jobs, "-R", "^(%s)$" % "|".join(left)]
    with subprocess.Popen(command, cwd=SOURCE, stdout=subprocess.PIPE, text=True, errors="replace") as child:
        for line in child.stdout:
            print(line, end="", flush=True)
            done = re.match(r" *\d+/\d+ Test +#\d+: (\S+) \.+ *(?:Passed|\*\*\*Skipped) +([\d.]+) sec", line)
            if done:
                failed.discard(done.group(1))
                parts.passed(done.group(1), float(done.group(2)))
    return failed


def faults(build, folder, jobs, parts):
    """The faults that are left, as many at once as there are jobs. Those that failed."""
    build = os.path.abspath(build)
    environment = dict(os.environ, ATTN_SOURCE=SOURCE, ATTN_BUILD=build, ATTN_BIN=os.path.join(build, "bin"))
    script = os.path.join(SOURCE, "tests", "fuzz", SHARED + ".py")

    def plant(name):
        began = time.monotonic()
        with open(os.path.join(folder, name + ".log"), "w") as log:
            code = subprocess.run([sys.executable, script, name], env=environment, stdout=log,
                                  stderr=subprocess.STDOUT).returncode
        if code == 0:
            parts.passed(name, time.monotonic() - began)
        print("%s: %s, %.0f s" % (name, "found" if code == 0 else "FAILED, see %s/%s.log" % (folder, name),
                                  time.monotonic() - began), flush=True)
        return name if code else None

    patches = glob.glob(os.path.join(SOURCE, "tests", "faults", "*.patch"))
    left = parts.left(sorted(os.path.basename(p)[:-len(".patch")] for p in patches))
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        return {name for name in pool.map(plant, left) if name}


def main(build, folder, jobs):
    os.environ["ATTN_LONG"] = "1"
    parts = Parts(folder)
    if parts.state["passed"]:
        print("long: %d parts have passed before" % len(parts.state["passed"]), flush=True)
    failed = tests(build, jobs, parts) | faults(build, folder, jobs, parts)
    print("long: %d parts passed, %d failed%s" % (len(parts.state["passed"]), len(failed),
                                                  ": " + " ".join(sorted(failed)) if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
