#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""prove.py BUILD [NAME...]: proves what proof/statements.txt states of the planner, or the statements of these names,
with CBMC. `./dev prove` is this.

Each statement is a proof of its own, with a time limit. Those that are marked open are not proved so far: they are
tried only when they are named. One that fails is asked again for a legal call on a device of the
table, which is replayed with a compiler and printed as a line; `attnfuzz explain` takes it. What was proved is kept in
BUILD/prove with a hash of all that it rests on, and is not proved again until that changes. Seconds are of CPU.

  --source TREE   the planner of another tree
  --tools FOLDER  where CBMC is, or is to be (default BUILD/prove/tools)
  --jobs N        proofs at once
  --fresh         prove again what was proved
  --no-line       looks for no line of what is refuted, which takes longest
  --list          prints the names of what would be proved

Exit code: 0 all that was asked for is proved, 1 something is refuted or not finished, 2 wrong usage, 3 CBMC cannot be
had here, 130 interrupted."""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKS = ("--bounds-check --pointer-check --pointer-overflow-check --signed-overflow-check --undefined-shift-check "
          "--div-by-zero-check").split()
MEMORY_BYTES = 6 << 30  # of one process
HANGS = 20  # times its CPU seconds that a busy machine may take
# Where a counterexample is looked for: rows of the device table, one of which a solver can follow far better than any
# of them; -1: any, weakened or not. And the largest extent.
FIND = [(0, 1024), (3, 1024), (6, 1024), (8, 1024), (10, 1024), (11, 1024), (0, 1 << 30), (3, 1 << 30), (-1, 1 << 20)]
PROVED, REFUTED, OPEN = "proved", "REFUTED", "not finished"


class Unable(Exception):
    """Why a step of a proof could not be done."""


class Statement:
    def __init__(self, row, case=None, cases=0):
        self.case, self.cases = case, cases
        self.name, self.function, self.file, linked, how, seconds, self.text = (f.strip() for f in row.split("|"))
        self.linked, self.how, self.seconds = linked.split(), how.split(), int(seconds)
        self.kernel = next((h[len("kernel="):] for h in self.how if h.startswith("kernel=")), None)
        self.bytes = next((h[len("text="):] for h in self.how if h.startswith("text=")), None)
        self.unwind = next((h[len("unwind="):] for h in self.how if h.startswith("unwind=")), "20")
        self.open = "open" in self.how
        self.of = self.name  # which its row says
        if case:
            self.name += "." + case.replace("_", "x")
        self.calls = [h.replace(">", ":") for h in self.how if ">" in h]

    def defines(self, mode):
        defines = ["-DPROOF_" + mode, "-DPROOF_RUN=" + self.function]
        if self.kernel:
            defines.append("-DPROOF_KERNEL=ATTN_KERNEL_" + self.kernel)
        if self.bytes:
            defines.append("-DPROOF_TEXT=" + self.bytes)
        if "same" in self.how:
            defines.append("-DPROOF_SAME")
        if self.case and mode == "ALL":
            defines.append("-DPROOF_CASE=" + ("-1" if self.case == "none" else "ATTN_HEAD_SIZE_" + self.case))
            defines.append("-DPROOF_CASES=%d" % self.cases)
        return defines

    def has_a_line(self):
        return "planner" in self.linked


def statements(tree):
    with open(os.path.join(tree, "planner/contracts/shapes.h")) as f:
        sizes = re.search(r"define ATTN_MMA_HEAD_SIZES\(X\)((?:.*\\\n)*.*)", f.read()).group(1)
    classes = ["none"] + ["%s_%s" % size for size in re.findall(r"X\((\d+), (\d+)\)", sizes)]
    with open(os.path.join(HERE, "statements.txt")) as f:
        for row in f:
            if row.strip() and not row.startswith("#"):
                for case in classes if "heads" in Statement(row).how else [None]:
                    yield Statement(row, case, len(classes))


def sources(tree):
    contracts = os.listdir(os.path.join(tree, "planner/contracts"))
    return ["planner/planner.c"] + sorted("planner/contracts/" + n for n in contracts if n.endswith(".c"))


def hash_of(tree, tools, statement):
    whole = hashlib.sha256(repr(vars(statement)).encode())
    whole.update(open(os.path.join(tools, "complete"), "rb").read())
    for top in (os.path.join(tree, "planner"), HERE):
        for at, below, names in os.walk(top):
            below.sort()
            for name in sorted(names):
                if name.endswith((".c", ".h", ".py")):
                    whole.update(name.encode())
                    with open(os.path.join(at, name), "rb") as f:
                        whole.update(f.read())
    return whole.hexdigest()


class Prover:
    def __init__(self, tree, work, tools, lines=True):
        self.tree, self.work, self.tools, self.lines, self.cpu = tree, work, tools, lines, 0.0

    def command(self, name, *words):
        libraries = os.path.join(self.tools, "usr/lib/x86_64-linux-gnu")
        program = os.path.join(self.tools, "usr/bin", name)
        return [os.path.join(libraries, "ld-linux-x86-64.so.2"), "--library-path",
                libraries + ":" + os.path.join(self.tools, "usr/lib"), program, *words]

    def started(self, command, folder, seconds, **more):
        """Exit code and output of a command, None where it has not ended in so many seconds. What it takes of the CPU,
        with all that it starts, is added up: on a busy machine that alone says what a proof takes."""
        child = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 errors="replace", start_new_session=True, **more)
        late = threading.Timer(seconds, os.killpg, (child.pid, signal.SIGKILL))
        late.start()
        try:
            said = child.stdout.read()
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            ended = late.is_alive()
            late.cancel()
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
        self.cpu += used.ru_utime + used.ru_stime
        return child.returncode if ended else None, said

    def must(self, command, folder):
        code, said = self.started(command, folder, HANGS * 60)
        if code != 0:
            raise Unable(said.strip()[-2000:] or "%s failed" % command[0])
        return said

    def solver(self):
        """CBMC starts a solver by name alone."""
        path = os.path.join(self.work, "cadical")
        with open(path + ".new", "w") as f:
            f.write("#!/bin/sh\nexec %s \"$@\"\n" % " ".join("'%s'" % w for w in self.command("cadical")))
        os.chmod(path + ".new", 0o755)
        os.replace(path + ".new", path)
        return path

    def program(self, statement, mode, row=None, extents=None):
        """The statement as CBMC reads it: everything compiled, linked, calls replaced."""
        folder = os.path.join(self.work, statement.name, mode.lower())
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        linked = [p for p in statement.linked if p != "planner" and (mode == "ALL" or p == "forced")]
        defines = statement.defines(mode)
        if mode == "FIND":
            defines[0] = "-DPROOF_FIND=%d" % extents
            defines.append("-DPROOF_ROW=%d" % row)
        include = ["-I" + os.path.join(HERE, "abstract", p) for p in linked]
        include += ["-I" + self.tree, "-I" + os.path.dirname(HERE)]
        files = [os.path.join(self.tree, p) for p in (sources(self.tree) if "planner" in statement.linked else [])]
        files += [os.path.join(HERE, statement.file), os.path.join(HERE, "libc.c")]
        objects = []
        for i, path in enumerate(files):
            objects.append(os.path.join(folder, "%d.o" % i))
            self.must(self.command("goto-cc", "-c", *include, *defines, path, "-o", objects[-1]), folder)
        program = os.path.join(folder, "program")
        self.must(self.command("goto-cc", *objects, "--function", statement.function, "-o", program), folder)
        for calls in statement.calls if mode == "ALL" else []:
            self.must(self.command("goto-instrument", "--replace-calls", calls, program, program), folder)
        return program

    def solve(self, statement, program, seconds, more=()):
        """CBMC's exit code and what it said; None and why where it did not end in time and memory."""
        words = [program, *CHECKS, *more, "--drop-unused-functions", "--object-bits", "12", "--unwind",
                 statement.unwind, "--unwinding-assertions", "--stop-on-fail", "--external-sat-solver", self.solver()]
        if "conversions" in statement.how:
            words.append("--conversion-check")
        if "--trace" not in more:  # a trace has to have what is asked of it
            words.append("--slice-formula")

        def limits():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

        code, said = self.started(self.command("cbmc", *words), os.path.dirname(program), HANGS * seconds,
                                  preexec_fn=limits)
        if code in (0, 10):
            return code, said
        if code is None:
            return None, "not within %d s" % (HANGS * seconds)
        if code == -9 or "SAT checker: ERROR" in said or "Solver error" in said or "std::bad_alloc" in said:
            return None, "not within %d CPU seconds and %d GiB" % (seconds, MEMORY_BYTES >> 30)
        return None, "CBMC ended with %d: %s" % (code, said.strip()[-300:])

    # ---- Counterexamples -------------------------------------------------------------------------------------------

    def replayer(self, statement):
        """The statement as a program that takes a line."""
        program = os.path.join(self.work, statement.name, "replay")
        compiler = os.environ.get("CC") or next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), "cc")
        self.must([compiler, "-std=c11", "-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-I" + self.tree,
                   "-I" + os.path.dirname(HERE), *statement.defines("REPLAY"), os.path.join(HERE, "replay.c"),
                   os.path.join(HERE, statement.file), *(os.path.join(self.tree, p) for p in sources(self.tree)),
                   "-o", program], self.work)
        return program

    def line(self, statement, seconds):
        """The line of a call that fails the statement, and what is wrong with it; None and why there is none."""
        replay = self.replayer(statement)
        why = "no legal call on a device of the table was found"
        for row, extents in FIND:
            program = self.program(statement, "FIND", row, extents)
            code, said = self.solve(statement, program, seconds, ["--trace", "--json-ui"])
            if code is None:
                why = "none was found " + said
            if code != 10:
                continue
            words = [str(n) for n in found(said)]
            line = self.must([replay, "-", *words], self.work).strip()
            done = subprocess.run([replay, line], capture_output=True, text=True, errors="replace")
            reason = (done.stdout + done.stderr).strip().splitlines()[:1]
            if done.returncode not in (0, 2):
                return line, reason[0] if reason else "it ends with %d" % done.returncode
            why = "the call that was found does not fail where it is run: " + line
        return None, why

    def prove(self, statement):
        """What came of it: state, what to say of it, a line."""
        program = self.program(statement, "ALL")
        code, said = self.solve(statement, program, statement.seconds)
        if code is None:
            return OPEN, said, None
        if code == 0:
            return PROVED, "", None
        violated = re.search(r"Violated property:\n *(.*?)\n *(.*?)\n", said)
        what = "%s (%s)" % (violated.group(2).strip(), place(violated.group(1), self.tree)) if violated else "it fails"
        if not statement.has_a_line() or not self.lines:
            return REFUTED, what, None
        line, why = self.line(statement, statement.seconds)
        return REFUTED, what + "; " + why, line


def short(path, tree):
    for top in (tree, os.path.dirname(HERE)):
        if path.startswith(top + "/"):
            return os.path.relpath(path, top)
    return path


def place(text, tree):
    return re.sub(r"^file (\S+) function (\S+) line (\d+).*", lambda m: "%s:%s" % (
        short(m.group(1), tree), m.group(3)), text.strip())


def found(said):
    """The numbers that replay.c takes, out of a trace in JSON: the last values of proof_found and what is beside it."""
    values = {}
    for part in json.loads(said):
        for step in part.get("trace", []) if isinstance(part, dict) else []:
            name = str(step.get("lhs", ""))
            if step.get("stepType") == "assignment" and name.startswith("proof_found"):
                keep(values, name, step["value"])
    get = lambda name: values.get(name, 0)
    numbers = [get("proof_found_row"), get("proof_found_weakening")]
    for o in range(6):
        tensor = "proof_found.t[%d]." % o
        numbers += [get(tensor + f) for f in ("present", "type", "buffer", "offset")]
        numbers += [get(tensor + "ne[%d]" % d) for d in range(4)] + [get(tensor + "nb[%d]" % d) for d in range(4)]
    return numbers


def keep(values, name, value):
    name = re.sub(r"\[(\d+)[a-z]*\]", r"[\1]", name)
    if "members" in value:
        for member in value["members"]:
            keep(values, "%s.%s" % (name, member["name"]), member["value"])
    elif "elements" in value:
        for element in value["elements"]:
            keep(values, "%s[%d]" % (name, element["index"]), element["value"])
    elif "binary" in value:
        bits, number = value["binary"], int(value["binary"], 2)
        signed = value.get("type", "").startswith(("signed", "int")) or "int64" in value.get("type", "")
        values[name] = number - (1 << len(bits)) if signed and bits[0] == "1" else number


# ---- All of them ---------------------------------------------------------------------------------------------------


class Kept:
    """What was proved, on disk as soon as it is."""

    def __init__(self, path, fresh):
        self.path, self.rows = path, {}
        if os.path.exists(path) and not fresh:
            with open(path) as f:
                self.rows = json.load(f)

    def proved(self, name, whole):
        row = self.rows.get(name)
        return row["seconds"] if row and row["hash"] == whole else None

    def add(self, name, whole, seconds):
        self.rows[name] = {"hash": whole, "seconds": round(seconds, 1)}
        with open(self.path + ".new", "w") as f:
            json.dump(self.rows, f, indent=1)
        os.replace(self.path + ".new", self.path)


def say(name, state, seconds, text):
    print("%-16s %-12s %6.1f s  %s" % (name, state, seconds, text), flush=True)


def span(seconds, jobs):
    """How long jobs that start one after the other take, so many at once."""
    free = [0.0] * jobs
    for each in seconds:
        free[free.index(min(free))] += each
    return max(free)


def main():
    parser = argparse.ArgumentParser(usage="./dev prove [options] [NAME...]", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--source", default=os.path.dirname(HERE))
    parser.add_argument("--tools")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--no-line", action="store_true")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_intermixed_args()
    known = list(statements(asked.source))
    strange = [n for n in asked.names if not any(n in (s.name, s.of) for s in known)]
    if strange:
        print("prove: there is no statement '%s' (there are: %s)" % (
            strange[0], " ".join(dict.fromkeys(s.of for s in known))), file=sys.stderr)
        return 2
    wanted = [s for s in known if (s.name in asked.names or s.of in asked.names if asked.names else not s.open)]
    if asked.list:
        print("\n".join(s.name for s in wanted))
        return 0
    work = os.path.join(os.path.abspath(asked.build), "prove")
    os.makedirs(work, exist_ok=True)
    had = subprocess.run(["sh", os.path.join(HERE, "cbmc.sh"), asked.tools or os.path.join(work, "tools")],
                         stdout=subprocess.PIPE, text=True)
    if had.returncode:
        return 3
    tree, tools = os.path.abspath(asked.source), had.stdout.strip()
    kept = Kept(os.path.join(work, "proved.json"), asked.fresh)
    wrong, taken = [], {}

    def one(statement):
        whole = hash_of(tree, tools, statement)
        before = kept.proved(statement.name, whole)
        if before is not None:
            return statement, PROVED, before, statement.text + " (before)", None
        prover = Prover(tree, work, tools, not asked.no_line)
        try:
            state, why, line = prover.prove(statement)
        except Unable as e:
            state, why, line = OPEN, str(e), None
        if state == PROVED:
            kept.add(statement.name, whole, prover.cpu)
        return statement, state, prover.cpu, statement.text if state == PROVED else why, line

    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(one, s) for s in wanted]):
            statement, state, seconds, text, line = done.result()
            say(statement.name, state, seconds, text)
            taken[statement.name] = seconds
            if line:
                print("  line: " + line, flush=True)
            if state != PROVED:
                wrong.append(statement.name)
    print("prove: %s" % ("%d proved" % len(wanted) if not wrong else
                         "%d of %d not proved: %s" % (len(wrong), len(wanted), " ".join(sorted(wrong)))))
    in_order = [taken[s.name] for s in wanted]
    print("prove: %.0f s of CPU; %.0f s by %d at once, where they have a core each" % (
        sum(in_order), span(in_order, asked.jobs), asked.jobs))
    if not asked.names:
        print("prove: not proved so far, and not tried: %s" % " ".join(dict.fromkeys(
            s.of for s in known if s.open)))
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
