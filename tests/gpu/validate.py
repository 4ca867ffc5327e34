#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every run and measurement on a GPU, in steps that can be chosen, are timed, and go on where they were cut off.

  corpus       the whole corpus: every able kernel, twice bitwise, guards, constant V, beside the host executor
  generated    the same with generated problems
  fault-NAME   the same with a fault planted in a kernel (tests/faults/NAME.patch): the run must fail, name the kernel,
               and print a line that fails on the host executor too, and only with the fault
  bench        copies, decode and prefill, by the GPU's clock
  rank         the planner's cost against the clock, on shapes drawn by a seed
  sdpa         PyTorch's scaled_dot_product_attention on the prefill's data, in the same run as bench

First, where the compilers are (clang, and nvcc or the AMD toolchain):   tests/gpu/validate.sh --prepare cuda|amd|plain
Then, where the GPU is:   tests/gpu/validate.sh --bin build/gpu/cuda --out FOLDER
To prove all of it without a GPU, in minutes:   tests/gpu/validate.sh --prepare plain &&
                                                tests/gpu/validate.sh --backend host --small --bin build/gpu/plain
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
# fault -> those of all kernels that may be named for it
FAULTS = {
    "b40_kv_head_by_padded_ratio": lambda kernels: {"naive"},
    "b54_sink_in_every_split": lambda kernels: kernels - {"naive"},  # which has no splits to combine
}
SMALL = "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1]"
STEPS = ["corpus", "generated"] + ["fault-" + name for name in FAULTS] + ["bench", "rank", "sdpa"]
GENERATE_SEED, RANK_SEED = 20261123, 3  # fixed before anything was measured
GOOD, FAILED, UNFINISHED, NOT_MADE = "good", "failed", "unfinished", "not made"
LIBRARIES_OF_EVERY_MACHINE = ("libc.", "libm.", "libdl.", "libpthread.", "librt.", "ld-linux", "linux-vdso",
                              "libstdc++", "libgcc_s")


# ---- Preparing ------------------------------------------------------------------------------------------------------


def must(command, **more):
    print("+ " + " ".join(command), flush=True)
    if subprocess.run(command, cwd=SOURCE, **more).returncode:
        sys.exit(3)


def libraries_beside(binary, folder):
    """The libraries that another machine may lack."""
    out = subprocess.run(["ldd", binary], capture_output=True, text=True).stdout
    for path in re.findall(r"=> (/\S+)", out):
        if not os.path.basename(path).startswith(LIBRARIES_OF_EVERY_MACHINE):
            os.makedirs(os.path.join(folder, "lib"), exist_ok=True)
            shutil.copy(path, os.path.join(folder, "lib"))


def prepare(preset):
    out, build = os.path.join(SOURCE, "build", "gpu", preset), os.path.join(SOURCE, "build", preset)
    clang = os.environ.get("ATTN_CLANG")  # its version, where it is not the preset's
    compilers = [f"-DCMAKE_C_COMPILER=clang-{clang}", f"-DCMAKE_CXX_COMPILER=clang++-{clang}"] if clang else []
    must(["cmake", "--preset", preset, *compilers], stdout=subprocess.DEVNULL)
    must(["ninja", "-C", build, "attnfuzz"] + ([] if preset == "plain" else ["attn_hip"]))
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(os.path.join(out, "good"))
    for name in ("attnfuzz", "attn_hip.so"):
        if os.path.exists(os.path.join(build, "bin", name)):
            shutil.copy(os.path.join(build, "bin", name), os.path.join(out, "good"))
    for fault in FAULTS:
        patch = os.path.join(SOURCE, "tests", "faults", fault + ".patch")
        must([sys.executable, os.path.join(HERE, "plant.py"), build, patch, os.path.join(out, fault)])
    for folder in ["good", *FAULTS]:
        binary = os.path.join(out, folder, "attnfuzz")
        must(["strip", binary])
        libraries_beside(binary, out)
    size = sum(os.path.getsize(os.path.join(at, f)) for at, _, files in os.walk(out) for f in files)
    print(f"{out}: {size / 1e6:.0f} MB")


# ---- Running --------------------------------------------------------------------------------------------------------


class Cut(Exception):
    """The time allowed is over."""


def ended(child):
    """What a command still says that is told to stop: it writes its reports, and is killed where that takes long."""
    os.killpg(child.pid, signal.SIGINT)
    try:
        return child.communicate(timeout=10)[0]
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return child.communicate()[0]


class Validation:
    def __init__(self, options):
        self.options, self.out = options, os.path.abspath(options.out)
        self.end = time.monotonic() + options.limit if options.limit else None
        os.makedirs(self.out, exist_ok=True)
        self.state_path = os.path.join(self.out, "state.json")
        # what steps of one state must have in common
        self.about = {"backend": options.backend, "small": options.small}
        self.state = {"about": self.about, "steps": {}}
        if os.path.exists(self.state_path):
            with open(self.state_path) as f:
                self.state = json.load(f)
            if self.state["about"] != self.about:
                sys.exit(f"validate: {self.out} holds a run with {self.state['about']}; choose another --out")

    def binary(self, variant):
        return os.path.join(os.path.abspath(self.options.bin), variant, "attnfuzz")

    def command(self, arguments, name, good=(0,)):
        """Runs one command within the time that is left; its output goes to OUT/NAME.log. Returns code and output."""
        left = self.end - time.monotonic() if self.end else None
        if left is not None and left < 5:
            raise Cut
        environment = dict(os.environ)
        libraries = os.path.join(os.path.abspath(self.options.bin), "lib")
        if os.path.isdir(libraries):
            environment["LD_LIBRARY_PATH"] = libraries + ":" + environment.get("LD_LIBRARY_PATH", "")
        child = subprocess.Popen(arguments, cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 errors="replace", env=environment, start_new_session=True)
        try:
            text, _ = child.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            text = ended(child)
            with open(os.path.join(self.out, name + ".log"), "a") as f:
                f.write(text + "\n[cut off]\n")
            raise Cut from None
        finally:
            if child.poll() is None:  # this call is stopped: so is what it started
                ended(child)
        with open(os.path.join(self.out, name + ".log"), "a") as f:
            f.write("$ %s\n%s[exit code %d]\n" % (" ".join(arguments), text, child.returncode))
        if child.returncode == 3 and 3 not in good:
            raise EnvironmentError(text.strip().splitlines()[-1] if text.strip() else "exit code 3")
        if child.returncode not in good:
            raise RuntimeError(f"exit code {child.returncode}: {text.strip()[-400:]}")
        return child.returncode, text

    def save(self):
        with open(self.state_path + ".new", "w") as f:
            json.dump(self.state, f, indent=1)
        os.replace(self.state_path + ".new", self.state_path)

    # ---- Steps: each returns what it has to say, or raises

    def run_options(self, name):
        o, at = self.options, lambda end: os.path.join(self.out, name + end)
        on = [] if self.device() else ["--schedules", "--constant-v"]
        on += ["--jobs", str(o.jobs)] if o.jobs else []
        return ["run", "--backend", o.backend, *on, "--timeout", str(o.timeout), "--json", at(".json"),
                "--failures", at(".failures.txt")]

    def device(self):
        return self.options.backend != "host"

    def report(self, name):
        with open(os.path.join(self.out, name + ".json")) as f:
            return json.load(f)

    def validate(self, name, what):
        at = lambda end: os.path.join(self.out, name + end)  # noqa: E731
        reports = ["--resume", at(".journal"), "--junit", at(".xml"), "--html", at(".html")]
        code, text = self.command([self.binary("good"), *self.run_options(name), *reports, *what], name, good=(0, 1, 3))
        if code == 3 and not re.search(r"^left to do ", text, re.M):
            raise EnvironmentError(text.strip().splitlines()[-1])
        r = self.report(name)
        kernels = ", ".join(f"{k} {v['ran']}" for k, v in r["by_kernel"].items())
        beside = sum(v.get("compared", 0) for v in r["by_kernel"].values())
        worst = max(v["worst"] or 0 for v in r["by_kernel"].values())
        said = (f"{r['problems']} problems, {r['ran']} ran, {r['failed']} failed, {r['blind']} blind, "
                f"{r['suspect']} suspect, {r['skipped']} skipped, {r['left']} left; runs by {kernels}; "
                f"{r['constant_v']} with constant V; {beside} beside the host executor; "
                f"worst error {worst:.3f} of its limit; "
                f"{100 * r['unjudged'] / max(1, r['components']):.2f}% of components unjudged")
        if r["left"]:
            raise Cut
        return (FAILED if r["failed"] or r["blind"] or r["suspect"] else GOOD), said

    def corpus(self):
        some = ["corpus/seeds/phi-3.txt", "corpus/naive.txt"]
        return self.validate("corpus", some if self.options.small else ["corpus"])

    def generated(self):
        n, work = (400, 1000000) if self.options.small else (self.options.generate, self.options.generate_work)
        what = ["--generate", str(n), "--seed", str(GENERATE_SEED), "--generate-work", str(work)]
        return self.validate("generated", what)

    def kernels(self, name):
        """Every kernel, as the command has them: explain judges each."""
        _, text = self.command([self.binary("good"), "explain", "--json", SMALL], name)
        return {kernel["kernel"] for kernel in json.loads(text.splitlines()[0])["kernels"]}

    def fault(self, name):
        step, bad = "fault-" + name, self.binary(name)
        if not os.path.exists(bad):
            raise EnvironmentError(f"{bad} is not there; --prepare makes it")
        self.command([bad, *self.run_options(step), "--generate", "600", "--seed", str(GENERATE_SEED)], step, good=(1,))
        failures = self.report(step)["failures"]
        named = {f["kernel"] for f in failures}
        possible = FAULTS[name](self.kernels(step))
        if not named <= possible:
            return FAILED, f"names {named}, must be one of {possible}"
        shrunk = [f for f in failures
                  if "from" in f and (not self.device() or "fails on the host executor too" in (f["host"] or ""))]
        if not shrunk:
            return FAILED, "no failure was made smaller that fails on the host executor too"
        line = shrunk[0]["line"]
        with_fault, _ = self.command([bad, "run", line], step, good=(0, 1))
        without, _ = self.command([self.binary("good"), "run", line], step, good=(0, 1))
        said = (f"{len(failures)} of 600 problems failed, named: {', '.join(sorted(named))}; "
                f"on the host executor the line fails with the fault: {'yes' if with_fault else 'no'}, "
                f"without: {'yes' if without else 'no'}; {line}")
        return (GOOD if with_fault == 1 and without == 0 else FAILED), said

    def bench_command(self, step, more):
        where = ["--backend", self.options.backend] if self.device() else []
        _, text = self.command([self.binary("good"), "bench", "--json", *where, *more], step)
        numbers = json.loads(text[text.index("{"):text.rindex("}") + 1])
        return {k: v for k, v in numbers.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}

    def bench(self):
        more = ["--save", os.path.join(self.out, "prefill")] if self.device() else ["--seconds", "1"]
        return self.judge(self.bench_command("bench", more), {r"^decode_vec_.*_(f16|q8_0)_of_copy$": 0.70})

    def rank(self):
        if not self.device():
            raise EnvironmentError("needs a GPU's clock")
        numbers = self.bench_command("rank", ["--rank", "200", "--seed", str(RANK_SEED)])
        return self.judge(numbers, {r"^rank_right$": 0.90})

    def judge(self, numbers, targets):
        missed = [f"{k} {v:.3g} < {low}" for k, v in numbers.items() for pattern, low in targets.items()
                  if re.match(pattern, k) and v < low]
        said = "; ".join(f"{k} {v:.4g}" for k, v in numbers.items())
        return (FAILED if missed else GOOD), ("below target: " + ", ".join(missed) + "; " if missed else "") + said

    def sdpa(self):
        folders = [os.path.join(self.out, name) for name in ("prefill", "prefill_causal")]
        if not self.device():
            raise EnvironmentError("needs a GPU")
        if not all(os.path.isdir(folder) for folder in folders):
            raise EnvironmentError("needs the data that the step bench keeps")
        code, text = self.command([sys.executable, os.path.join(HERE, "sdpa.py"), *folders], "sdpa", good=(0, 1, 3))
        if code == 3:
            raise EnvironmentError(text.strip())
        ratios = [float(x) for x in re.findall(r"ratio ([0-9.]+)", text)]
        low = bool(ratios) and ratios[0] < 0.35
        said = ("below target 0.35; " if low else "") + "; ".join(text.strip().splitlines())
        return (FAILED if code or not ratios or low else GOOD), said

    def step(self, name):
        before = self.state["steps"].get(name, {})
        begin = time.monotonic()
        print(f"== {name}", flush=True)
        try:
            status, said = self.fault(name[len("fault-"):]) if name.startswith("fault-") else getattr(self, name)()
        except Cut:
            status, said = UNFINISHED, "cut off; the same command goes on from here"
        except EnvironmentError as missing:
            status, said = NOT_MADE, str(missing)
        except (RuntimeError, ValueError, KeyError) as wrong:
            status, said = FAILED, str(wrong)
        seconds = time.monotonic() - begin + before.get("seconds", 0)
        self.state["steps"][name] = {"status": status, "seconds": round(seconds, 1), "said": said}
        self.save()
        print(f"   {status}, {seconds:.1f} s: {said}", flush=True)

    def table(self):
        lines = [f"{'step':<36} {'status':<11} {'seconds':>8}  what"]
        for name in STEPS:
            s = self.state["steps"].get(name, {"status": NOT_MADE, "seconds": 0, "said": "not asked for"})
            lines.append(f"{name:<36} {s['status']:<11} {s['seconds']:>8.1f}  {s['said']}")
        text = "\n".join(lines) + "\n"
        with open(os.path.join(self.out, "summary.txt"), "w") as f:
            f.write(text)
        print("\n" + text, end="")

    def run(self, names):
        for name in names:
            done = self.state["steps"].get(name, {}).get("status")
            if done in (GOOD, FAILED) and not self.options.again:
                print(f"== {name}: {done} before")
                continue
            if self.options.again:
                self.state["steps"].pop(name, None)
                for end in (".journal", ".log"):
                    if os.path.exists(os.path.join(self.out, name + end)):
                        os.remove(os.path.join(self.out, name + end))
            self.step(name)
        self.table()
        states = [self.state["steps"][name]["status"] for name in names]
        missing = [s for s in states if s == UNFINISHED or (s == NOT_MADE and self.device())]
        return 1 if FAILED in states else 3 if missing else 0


def main():
    parser = argparse.ArgumentParser(prog="tests/gpu/validate.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="*", metavar="STEP", help="steps to make (default: all)")
    parser.add_argument("--prepare", choices=("cuda", "amd", "plain"),
                        help="build what the steps need, in build/gpu/PRESET; nothing else")
    parser.add_argument("--bin",
                        help="what --prepare built (default: build/gpu/cuda, with --backend host build/gpu/plain)")
    parser.add_argument("--backend", default="hip", help="as for attnfuzz run (default: hip)")
    parser.add_argument("--small", action="store_true", help="few problems: to prove the steps, not the kernels")
    parser.add_argument("--out", help="folder for results and what is resumed (default: build/gpu/out-BACKEND)")
    parser.add_argument("--limit", type=float, help="seconds that this call may take in all")
    parser.add_argument("--jobs", type=int,
                        help="child processes at once (default: on a GPU, too, one a processor, 16 at most: the "
                             "reference takes longer than the kernels)")
    parser.add_argument("--timeout", type=int, default=120, help="seconds for one problem (default: 120)")
    parser.add_argument("--generate", type=int, default=20000, help="generated problems (default: 20000)")
    parser.add_argument("--generate-work", type=int, default=20000000,
                        help="multiply-adds of the largest (default: 20000000)")
    parser.add_argument("--again", action="store_true", help="make steps again that are done")
    options = parser.parse_args()
    if options.backend != "host":
        options.jobs = options.jobs or min(os.cpu_count() or 1, 16)
    unknown = [name for name in options.step if name not in STEPS]
    if unknown:
        parser.error(f"there is no step {unknown[0]}; there are {', '.join(STEPS)}")
    if options.prepare:
        return prepare(options.prepare) or 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    options.bin = options.bin or os.path.join(SOURCE, "build", "gpu", "plain" if options.backend == "host" else "cuda")
    options.out = options.out or os.path.join(SOURCE, "build", "gpu", "out-" + re.sub(r"\W", "-", options.backend))
    if not os.path.exists(os.path.join(options.bin, "good", "attnfuzz")):
        print(f"validate: {options.bin}/good/attnfuzz is not there; --prepare makes it", file=sys.stderr)
        return 3
    return Validation(options).run(options.step or STEPS)


if __name__ == "__main__":
    sys.exit(main())
