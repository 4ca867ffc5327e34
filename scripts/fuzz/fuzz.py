#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""./dev fuzz: builds, lists findings of earlier runs, looks whether fuzzing finds anything at all (the canary), replays
a share of the corpus, fuzzes every target, sums up. Ctrl-C, SIGTERM and SIGHUP end it within two seconds with what it
knows; what it found is kept, also when it is killed: see findings.py. Exit codes: those of ./dev."""

import os
import signal

for number in (signal.SIGINT, signal.SIGTERM):  # while nothing is known; processes.py does it from then on
    signal.signal(number, lambda number, _: os._exit(128 + number))

import argparse  # noqa: E402
import fcntl  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import summary  # noqa: E402
from baseline import Baseline, of_replay  # noqa: E402
from engines import ENGINES  # noqa: E402
from findings import Kept, of_text  # noqa: E402
from processes import Interrupted, Processes  # noqa: E402
from targets import CANARY, SOURCE, Places, read  # noqa: E402

SHARE_S = 35        # the corpus' share that is replayed by default
CANARY_S = 20       # it is found in one
STILL_LEAST_S = 20  # without a new execution, beyond what an input may take
EARLIER_SHOWN = 20

GOOD, FINDING, USAGE, LACKS = 0, 1, 2, 3


def say(text=""):
    print(text, flush=True)


def complain(text):
    print(f"./dev: {text}", file=sys.stderr, flush=True)


class Run:
    def __init__(self, options):
        self.o = options
        self.places = Places(options.build, options.work)
        self.kept = Kept(self.places)
        wanted = options.target or [t.name for t in read()]
        self.targets = [t for t in read() if t.name in wanted]
        self.processes = Processes()
        self.engine = ENGINES[options.engine](self.places, self.processes, options.seconds)
        self.failed, self.begun, self.line_open = [], None, False
        self.baseline = Baseline(options.baseline)

    # ---- Before --------------------------------------------------------------------------------------------

    def build(self):
        code = GOOD
        if not self.o.no_build:
            code = self.processes.run([os.path.join(SOURCE, "dev"), "fuzz-build", "--engine", self.o.engine, "--jobs",
                                       str(self.o.jobs)], 0.2)
        if os.path.exists(self.places.amd_built):
            os.environ["ATTN_AMD"] = self.places.amd_object
        elif any(t.needs_amd for t in self.targets) and code == GOOD and self.o.target:
            complain("a target that was named needs the kernels' machine code for AMD GPUs, which cannot be built here")
            return LACKS
        else:
            self.targets = [t for t in self.targets if not t.needs_amd]
        return code

    def lock(self):
        """Two runs would take each other's findings for what a killed one has left."""
        os.makedirs(self.places.work, exist_ok=True)
        self.locked = open(os.path.join(self.places.work, "lock"), "w")
        try:
            fcntl.flock(self.locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            complain(f"another ./dev fuzz is at work in {self.places.work}")
            return False
        return True

    def clear(self):
        """Takes what an earlier run has left that was killed."""
        engines = [make(self.places, None, 0) for make in ENGINES.values()]
        _, found = self.kept.gather(engines, read(), lambda: False, exclude=(CANARY.name,))
        for engine in engines:
            for target in read():
                engine.flow_back(target)
        shutil.rmtree(self.places.run, ignore_errors=True)
        os.makedirs(self.places.run)
        if self.o.fresh:
            for folder in (self.places.corpora, self.places.queues):
                shutil.rmtree(folder, ignore_errors=True)
        return found

    def list_earlier(self):
        earlier = self.kept.earlier()
        if not earlier:
            return
        say(f"./dev: {len(earlier)} findings of earlier runs ({self.places.findings}; remove what is done with):")
        for date, f in earlier[:EARLIER_SHOWN]:
            say(f"  {date} {f.target}: {f.what[:160]}{'  ' + os.path.join(date, f.path) if f.path else ''}")
        if len(earlier) > EARLIER_SHOWN:
            say(f"  and {len(earlier) - EARLIER_SHOWN} more")

    def canary(self):
        """Fails on purpose, in the same way as all others are run: who does not find it finds nothing."""
        os.makedirs(self.places.work, exist_ok=True)
        for folder in (self.places.corpus(CANARY.name), self.places.queue(CANARY.name)):
            shutil.rmtree(folder, ignore_errors=True)
        fuzzer = self.engine.start(CANARY, 1, CANARY_S, {"AFL_BENCH_UNTIL_CRASH": "1"})
        began = time.monotonic()
        while fuzzer.child.poll() is None and time.monotonic() - began < CANARY_S + 20:
            time.sleep(0.05)
        self.processes.end([fuzzer.child], 1)
        fuzzer.executions()
        artifacts, trouble = self.engine.artifacts(CANARY), self.engine.check(fuzzer)
        found = bool(artifacts) and not trouble
        if found and self.engine.name == "libfuzzer":
            found = (of_text(fuzzer.text()) or ("",))[0] == "the canary is found"
        tail = "".join(f"      {line}\n" for line in fuzzer.text().splitlines()[-8:])
        self.engine.fuzzers.remove(fuzzer)
        for path in artifacts:
            os.remove(path)
        for folder in (self.places.corpus(CANARY.name), self.places.queue(CANARY.name)):
            shutil.rmtree(folder, ignore_errors=True)
        if found:
            say(f"./dev: the canary is found after {time.monotonic() - began:.1f} s")
            return True
        say(f"./dev: the canary is not found within {CANARY_S} s: what this fuzzing does not find means nothing"
            f"{': ' + trouble if trouble else ''}\n{tail}", )
        return False

    def replay(self):
        if self.o.replay == "none":
            return
        share = [] if self.o.replay == "all" else ["--seconds", str(SHARE_S), "--seed", str(self.o.seed)]
        say("./dev: replaying the corpus" if not share else
            f"./dev: replaying a share of the corpus, drawn by --seed {self.o.seed} (--replay all: the whole)")
        report = os.path.join(self.places.work, "replay.json")
        code = self.processes.run([self.places.attnfuzz, "run", "--strict", "--jobs", str(self.o.jobs), *share,
                                   "--json", report, os.path.join(SOURCE, "corpus")], 1.2)
        if code == FINDING and self.o.baseline:
            names = of_replay(report)
            for name in names:
                say(f"  {'known' if self.baseline.knows(name) else 'new'}: {name}")
            if names and all(self.baseline.knows(name) for name in names):
                return
        if code != GOOD:
            self.failed.append(f"the replay of the corpus ended with exit code {code}")

    # ---- Fuzzing -------------------------------------------------------------------------------------------

    def fuzz(self):
        shares = sum(t.share for t in self.targets)
        self.begun = time.monotonic()
        for target in self.targets:
            n = max(1, self.o.jobs * target.share // shares)
            say(f"./dev: fuzzing for {self.o.seconds} s ({self.engine.name}): {target.name} x {n}")
            for number in range(1, n + 1):
                self.engine.start(target, number)
        step = 1 if sys.stdout.isatty() else 10
        next_s = min(step, 5)
        while any([f.running() for f in self.engine.fuzzers]):
            time.sleep(0.25)
            now = time.monotonic() - self.begun
            if now >= next_s:
                self.watch()
                self.progress(now)
                next_s = now + step
            if now > self.o.seconds + self.engine.after_s:
                self.processes.end([f.child for f in self.engine.fuzzers], 2)
        self.watch()

    def watch(self):
        """A process that does nothing is trouble, and is not waited for."""
        now = time.monotonic()
        for f in self.engine.fuzzers:
            if f.trouble or not f.running():
                continue
            f.executions()
            if now - f.moved > f.target.timeout + STILL_LEAST_S:
                f.trouble = f"no new execution for {now - f.moved:.0f} s"
                self.processes.end([f.child], 1)

    def progress(self, now):
        executions = {}
        for f in self.engine.fuzzers:
            executions[f.target.name] = executions.get(f.target.name, 0) + f.executions()
        found = sum(len(self.engine.artifacts(t)) for t in self.targets)
        text = f"{now:4.0f} s, executions" + "".join(f"   {name} {n}" for name, n in executions.items())
        text += f"   findings {found}"
        self.line_open = sys.stdout.isatty()
        print(f"\r\033[K{text}" if self.line_open else text, end="" if self.line_open else "\n", flush=True)

    # ---- After ---------------------------------------------------------------------------------------------

    def trouble_of(self, fuzzer, stopped):
        """Why this process says nothing of the target; None: it does."""
        code, seen = fuzzer.child.poll(), fuzzer.executions()
        fuzzer.trouble = fuzzer.trouble or self.engine.check(fuzzer)
        if fuzzer.trouble:
            return fuzzer.trouble
        if stopped:
            return None
        if not seen:
            return f"it has run nothing (exit code {code})"
        if code and self.engine.name == "afl" or code and not of_text(fuzzer.text()):
            return f"it ended with exit code {code}, and left no finding"
        still = fuzzer.ended - min(fuzzer.moved, fuzzer.ended)
        if not code and still > STILL_LEAST_S and still > self.o.seconds / 2:
            return f"no new execution in the last {still:.0f} s"
        return None

    def finish(self, stopped):
        """Everything that is known. Signals wait."""
        if self.line_open:
            print()
        fuzzers = self.engine.fuzzers
        self.processes.end([f.child for f in fuzzers if f.running()], 0.5 if stopped else 2)
        if self.begun is None:
            return
        for f in fuzzers:
            f.running()
        troubled = [(f, self.trouble_of(f, stopped)) for f in fuzzers]
        date, found = self.kept.gather([self.engine], self.targets, lambda: bool(self.processes.caught))
        with_finding = {f.target for f in found}
        flowed = {t.name: self.engine.flow_back(t) for t in self.targets}
        seconds = time.monotonic() - self.begun
        say()
        say(f"attnfuzz: {self.engine.name}, {min(seconds, self.o.seconds):.0f} s, {len(fuzzers)} processes")
        for target in self.targets:
            stats = [s for f in fuzzers if f.target is target for s in f.stats()]
            say(summary.of_target(target.name, stats))
        for text in summary.of_all([s for f in fuzzers for s in f.stats()]):
            say(text)
        sizes = {t.name: len(os.listdir(self.places.corpus(t.name))) for t in self.targets}
        say("  corpus            " + "".join(f" {name} {n}" for name, n in sizes.items())
            + (f"; {sum(flowed.values())} new ones from AFL++'s queues" if sum(flowed.values()) else ""))
        for f, trouble in troubled:
            if trouble and not (f.target.name in with_finding and f.trouble is None):
                self.failed.append(f"{f.target.name}, process {f.number}: {trouble}")
                say(f"  did nothing        {f.target.name}, process {f.number}: {trouble}; the end of its log:")
                for line in f.text().splitlines()[-5:]:
                    say(f"      {line}")
        self.tell(date, found)

    def tell(self, date, found):
        say(f"  failures           {len(found)}" + (f", kept in {os.path.join(self.places.findings, date)}"
                                                   if found else ""))
        known = [f for f in found if self.baseline.knows(f.name)]
        for f in found:
            say(f"    {f.target}: {f.what}")
            say(f"      id:     {f.name}{' (known: in the baseline)' if f in known else ''}")
            if f.line and not f.line.startswith("#"):
                say(f"      line:   {f.line}\n      replay: build/bin/attnfuzz run '{f.line}'")
            if f.path:
                say(f"      replay: build/bin/{f.target}-replay {os.path.join(self.places.findings, date, f.path)}")
        forms = {t.name: t.form for t in self.targets}
        for target in sorted({f.target for f in found if not f.line and forms.get(f.target) == "genome"}):
            say(f"    crash files without text are read by: build/bin/attnfuzz run --inputs "
                f"{os.path.join(self.places.findings, date, target)}")
        for number, pattern in self.baseline.not_met():
            say(f"  not met            line {number} of the baseline: {pattern}")
        if len(known) < len(found):
            self.failed.append("findings")

    def main(self):
        stopped = None
        try:
            code = self.build()
            if code != GOOD:
                return code
            if not self.lock():
                return LACKS
            left = self.clear()
            if left:
                say(f"./dev: an earlier run was killed; {len(left)} findings that it had were kept")
            self.list_earlier()
            if not self.canary():
                return FINDING
            self.replay()
            self.fuzz()
            self.processes.hold()
        except Interrupted as interrupted:
            self.processes.hold()
            stopped = interrupted
            say("\n./dev: interrupted; this is what is known")
        self.finish(stopped)
        if self.failed:
            complain("; ".join(self.failed) if stopped or "findings" not in self.failed else "there are findings")
        elif not stopped:
            say("./dev: all good")
        return 128 + stopped.number if stopped else FINDING if self.failed else GOOD


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./dev fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--engine", choices=sorted(ENGINES), default="libfuzzer")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--replay", choices=("share", "all", "none"), default="share")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1000000)
    parser.add_argument("--baseline")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--target", action="append", choices=[t.name for t in read()])
    parser.add_argument("--build", default="build", help=argparse.SUPPRESS)
    parser.add_argument("--work", default=os.path.join("build", "fuzz"), help=argparse.SUPPRESS)
    parser.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main():
    try:
        run = Run(parse(sys.argv[1:]))
    except (OSError, UnicodeDecodeError) as error:  # of the baseline
        complain(f"--baseline: {error}")
        return USAGE
    try:
        return run.main()
    finally:
        run.processes.close()


if __name__ == "__main__":
    sys.exit(main())
