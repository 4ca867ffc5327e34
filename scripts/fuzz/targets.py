# SPDX-License-Identifier: MIT
"""The fuzz targets, a row each of fuzz/targets/targets.txt, and where what belongs to a run is."""

import os

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Target:
    def __init__(self, name, form, max_len, timeout, share, dictionary, needs, _libraries):
        self.name, self.form = name, form
        self.max_len, self.timeout, self.share = int(max_len), int(timeout), int(share)
        self.needs_amd = needs == "amd"
        self.dictionary = name + ".dict" if dictionary == "words" else None


CANARY = Target("fuzz_canary", "genome", "256", "10", "0", "-", "-", "-")


def read():
    with open(os.path.join(SOURCE, "fuzz", "targets", "targets.txt")) as f:
        return [Target(*line.split(None, 7)) for line in f if line[:1].isalpha()]


class Places:
    """Folders: of the binaries of each configuration, and of what fuzzing keeps."""

    def __init__(self, build, work):
        self.asan, self.plain, self.afl = (os.path.join(build, name, "bin") for name in ("asan", "plain", "afl"))
        self.mutators = os.path.join(build, "plain", "lib")
        self.amd_built = os.path.join(build, "asan", "gpu", "built")
        self.amd_object = os.path.abspath(os.path.join(build, "asan", "gpu", "bin", "attn_amd.so"))
        self.attnfuzz = os.path.join(self.plain, "attnfuzz")
        self.work = work
        self.corpora = os.path.join(work, "corpus")    # a folder a target, kept from run to run
        self.queues = os.path.join(work, "afl")        # AFL++'s own folders, which it goes on from
        self.findings = os.path.join(work, "findings")
        self.run = os.path.join(work, "run")           # logs, counts and new findings of the run under way

    def corpus(self, name):
        return os.path.join(self.corpora, name)

    def queue(self, name):
        return os.path.join(self.queues, name)
