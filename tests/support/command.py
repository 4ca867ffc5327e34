# SPDX-License-Identifier: MIT
"""Runs the attnfuzz command for the tests: output, exit code, time and peak memory."""

import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ATTNFUZZ = os.environ.get("ATTNFUZZ", "build/bin/attnfuzz")
SOURCE = os.environ.get("ATTN_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

SMALL = "fa1 q=f32[64,2,4,1] k=f16[64,33,2,1] v=f16[64,33,2,1] mask=f16[64,2,1,1] scale=0.125"
# D = 256, f16: the seed's shape, with its mask wider than n_kv
SEED = ("fa1 q=f32[256,11,32,1] k=f16[256,271,16,1]:8192,512,2220032 v=f16[256,271,16,1]:8192,512,2220032 "
        "mask=f16[512,11,1,1] scale=0.0625")
# far beyond the work limit
LARGE = "fa1 q=f32[128,512,32,1] k=f16[128,2097152,8,1] v=f16[128,2097152,8,1]"  # not even a row of it is run
SAMPLED = "fa1 q=f32[64,96,4,2] k=f16[64,4096,2,2] v=f16[64,4096,2,2] mask=f16[4096,96,1,1]"


class Result:
    def __init__(self, code, out, err, seconds, peak_bytes):
        self.code, self.out, self.err, self.seconds, self.peak_bytes = code, out, err, seconds, peak_bytes


def attnfuzz(*arguments, stdin=b"", limit_s=300):
    """One run of the command; output as text (bytes that are no UTF-8 are kept as surrogates)."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        begin = time.monotonic()
        child = subprocess.Popen([ATTNFUZZ, *arguments], stdin=given, stdout=out, stderr=err, cwd=SOURCE)
        late = threading.Timer(limit_s, child.kill)
        late.start()
        _, status, usage = os.wait4(child.pid, 0)
        late.cancel()
        seconds = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return Result(child.returncode, out.read().decode(errors="surrogateescape"),
                      err.read().decode(errors="surrogateescape"), seconds, usage.ru_maxrss * 1024)


def lines_of_json(text):
    return [json.loads(line) for line in text.splitlines()]


@functools.lru_cache(None)
def devices():
    """The rows of the device table and their wave sizes, as the command has them."""
    return {plan["device"]: plan["wave_size"] for plan in lines_of_json(attnfuzz("plan", "--json", SMALL).out)}


@functools.lru_cache(None)
def kernels():
    """The kernels, from first choice to last resort."""
    verdicts = lines_of_json(attnfuzz("explain", "--json", "--device", next(iter(devices())), SMALL).out)[0]
    return [kernel["kernel"] for kernel in verdicts["kernels"]]


@functools.lru_cache(None)
def verbs():
    """The verbs that the overall help lists."""
    listed = attnfuzz("--help").out.split("\nverbs:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines()]


def main():
    """unittest.main() whose exit code says what was skipped: 1 something failed, 77 nothing did but something was
    skipped (each reason is printed), 0 all of it passed."""
    result = unittest.main(exit=False).result
    for reason in sorted({reason for _, reason in result.skipped}):
        print("skipped:", reason, flush=True)
    sys.exit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        return path

    def good(self, *arguments, **more):
        return self.ends(0, *arguments, **more)

    def ends(self, code, *arguments, **more):
        result = attnfuzz(*arguments, **more)
        self.assertEqual(result.code, code,
                         f"attnfuzz {' '.join(arguments)[:500]}\n{result.out[-2000:]}\n{result.err[-2000:]}")
        return result
