# SPDX-License-Identifier: MIT
"""The engines: how a process of each is started, and what it says of itself."""

import glob
import hashlib
import json
import os
import re
import shutil
import time

from targets import SOURCE

# AFL++, docs/fuzzing_in_depth.md, "Using multiple cores": secondaries with other schedules see other inputs first.
SCHEDULES = ("explore", "fast", "coe", "lin", "quad", "exploit", "rare", "seek")


def counts(path):
    """What a target's process wrote of itself (fuzz/targets/stats.h); {}: nothing yet."""
    try:
        with open(path) as f:
            return json.load(f)
    except (OSError, ValueError):
        return {}


class Engine:
    def __init__(self, places, processes, seconds):
        self.places, self.processes, self.seconds = places, processes, seconds
        self.fuzzers = []

    def start(self, target, number, seconds=None, environment=None):
        os.makedirs(self.places.run, exist_ok=True)
        os.makedirs(self.places.corpus(target.name), exist_ok=True)
        fuzzer = Fuzzer(self, target, number)
        command, more = self.command(fuzzer, seconds or self.seconds)
        with open(fuzzer.log, "wb") as log:
            fuzzer.child = self.processes.start(command, dict(more, **(environment or {})), stdout=log, stderr=log)
        self.fuzzers.append(fuzzer)
        return fuzzer


class Fuzzer:
    """One process of an engine."""

    def __init__(self, engine, target, number):
        self.engine, self.target, self.number = engine, target, number
        self.base = os.path.join(engine.places.run, f"{target.name}.{number}")
        self.log = self.base + ".log"
        self.began = self.moved = time.monotonic()
        self.seen, self.child, self.trouble, self.ended = 0, None, None, None

    def stats(self):
        """Of each process that it has had: AFL++ starts a target anew now and then."""
        return [s for s in (counts(path) for path in sorted(glob.glob(glob.escape(self.base) + ".*stats"))) if s]

    def running(self):
        if self.child.poll() is None:
            return True
        self.ended = self.ended or time.monotonic()
        return False

    def executions(self):
        n = sum(s["executions"] for s in self.stats())
        if n > self.seen:
            self.seen, self.moved = n, time.monotonic()
        return n

    def text(self):
        try:
            with open(self.log, errors="replace") as f:
                return f.read()
        except OSError:
            return ""


class LibFuzzer(Engine):
    name = "libfuzzer"
    after_s = 40  # beyond its time: an execution that it is at, or a finding that is made smaller

    def command(self, fuzzer, seconds):
        target, places = fuzzer.target, self.places
        words = [f"-dict={os.path.join(places.asan, target.dictionary)}"] if target.dictionary else []
        # The mutators make inputs as long as they may be; the engine's own guess of what is long enough is too short.
        command = [os.path.join(places.asan, target.name), f"-max_len={target.max_len}", f"-max_total_time={seconds}",
                   f"-timeout={target.timeout}", *words, "-rss_limit_mb=3072", "-reload=1", "-print_final_stats=1",
                   f"-artifact_prefix={places.run}/{target.name}-", places.corpus(target.name)]
        return command, {"ATTNFUZZ_STATS": fuzzer.base + ".stats"}

    def check(self, fuzzer):
        return None

    def artifacts(self, target):
        return sorted(path for kind in ("crash", "timeout", "oom", "leak")
                      for path in glob.glob(f"{glob.escape(self.places.run)}/{target.name}-{kind}-*"))

    def flow_back(self, target):
        return 0  # it works on the corpus itself


class Afl(Engine):
    name = "afl"
    after_s = 1  # its time begins when all of the corpus was run

    def mutator(self, target):
        """Forms of input without a mutator of ours are left to AFL++'s own."""
        if not os.path.exists(os.path.join(SOURCE, "fuzz", "targets", f"entry_{target.form}.c")):
            return None
        return os.path.join(self.places.mutators, f"attn_afl_{target.form}.so")

    def command(self, fuzzer, seconds):
        target, places = fuzzer.target, self.places
        corpus, main = places.corpus(target.name), fuzzer.number == 1
        if not os.listdir(corpus):
            with open(os.path.join(corpus, "start"), "wb") as f:
                f.write(b"\0")
        role = ["-M", "main"] if main else ["-S", f"s{fuzzer.number}", "-p", SCHEDULES[fuzzer.number % len(SCHEDULES)]]
        # What it goes on from is its own; what the other engine has found since comes as another fuzzer's queue.
        foreign = ["-F", corpus] if main else []
        words = ["-x", os.path.join(places.afl, target.dictionary)] if target.dictionary else []
        environment = {"ATTNFUZZ_STATS": fuzzer.base + ".%p.stats", "AFL_NO_UI": "1", "AFL_SKIP_CPUFREQ": "1",
                       "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1", "AFL_NO_AFFINITY": "1", "AFL_AUTORESUME": "1",
                       "AFL_CAL_FAST": "1"}
        if self.mutator(target):
            environment["AFL_CUSTOM_MUTATOR_LIBRARY"] = self.mutator(target)
        os.makedirs(places.queues, exist_ok=True)
        command = ["afl-fuzz", "-V", str(seconds), "-m", "none", "-t", f"{target.timeout}000", "-G",
                   str(target.max_len), *words, "-i", corpus, "-o", places.queue(target.name), *role, *foreign, "--",
                   os.path.join(places.afl, target.name)]
        return command, environment

    def check(self, fuzzer):
        """It goes on without what it was asked to work with. What it says comes in blocks: all is there at its end."""
        text = "" if fuzzer.running() else fuzzer.text()
        if self.mutator(fuzzer.target) and "Have a nice day" in text and "Custom mutator '" not in text:
            return "AFL++ has not loaded the mutator library"
        return None

    def artifacts(self, target):
        queue = glob.escape(self.places.queue(target.name))
        return sorted(path for kind in ("crashes", "hangs") for path in glob.glob(f"{queue}/*/{kind}*/id*"))

    def flow_back(self, target):
        """Its queues into the corpus, under the names that libFuzzer gives. How many were new. What was taken once is
        not taken again: the corpus may have been made smaller since."""
        corpus, new = self.places.corpus(target.name), 0
        flowed = os.path.join(self.places.queue(target.name), ".flowed")
        try:
            with open(flowed) as f:
                taken = set(f.read().split())
        except OSError:
            taken = set()
        for path in glob.glob(f"{glob.escape(self.places.queue(target.name))}/*/queue/id*"):
            if re.search(r",sync:|,orig:[0-9a-f]{40}$", path):
                continue  # from another queue, which has it; or from the corpus
            try:
                with open(path, "rb") as f:
                    name = hashlib.sha1(f.read()).hexdigest()
                if name in taken:
                    continue
                taken.add(name)
                if not os.path.exists(os.path.join(corpus, name)):
                    shutil.copyfile(path, os.path.join(corpus, "." + name))
                    os.replace(os.path.join(corpus, "." + name), os.path.join(corpus, name))
                    new += 1
                with open(flowed, "a") as f:
                    f.write(name + "\n")
            except OSError:
                continue
        return new


ENGINES = {engine.name: engine for engine in (LibFuzzer, Afl)}
