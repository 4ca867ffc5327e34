#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The machine's own proof: generated programs (integers of all widths, f16, f32, f64, conversions, selects, loops,
calls, shuffles, ballots, LDS) compiled by clang for an AMD target and for the CPU give the same bits.

  isa_programs.py                             the test: one pair of target and level, by turns; all in a long run
  isa_programs.py --count N --seed S [--target T]... [--level 1]... [--rounds R] [--keep FOLDER]
                                              as many as one likes

Left out is what LLVM 22 compiles wrongly for AMD GPUs from -O1 on (each met here: IR and -O0 are right, and the machine
code read by hand does what the machine did):
  - a switch whose default is reached from two sides, and a pair with its halves exchanged as one of its values: the
    value is computed where fewer lanes are on than take it;
  - (a & 0xffffff) * (b & 0xffffff) + c of 64 bits: the factors are not masked (v_mad_u64_u32);
  - a saturating sum of 64 bits, one of whose high halves is a sum itself: that one's carry is taken for the sum's;
  - (a & b) | (~a & c) of 64 bits, where a was 32 bits wide: the high half is 0.

No ROCm is needed: the programs use the compiler's own functions. Exit code: 0 the same, 1 not (each program is named,
and the folder with its source), 77 the compiler has no AMD target."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import share  # noqa: E402

CXX = os.environ.get("CXX", "clang++-22")
RUNNER = os.path.join(os.environ.get("ATTN_BIN", "build/asan/bin"), "isa_compare")
TARGETS = ("gfx906", "gfx908", "gfx90a", "gfx942", "gfx950", "gfx1030", "gfx1100", "gfx1151", "gfx1200", "gfx1201")
LEVELS = ("-O0", "-O1", "-O3")
CI_PROGRAMS, IN_ONE = 25, 25  # of a target and level, known to be compiled rightly for all; of one compilation
CI_TURNS = 30                  # of the pairs of target and level one comes in a run

INTS = ("i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64")
FLOATS = ("f16", "f32", "f64")
PAIRS = ("h2", "s2", "f2")
TYPES = INTS + FLOATS + PAIRS
BITS = {"i8": 8, "u8": 8, "i16": 16, "u16": 16, "i32": 32, "u32": 32, "i64": 64, "u64": 64}
ELEMENT = {"h2": "f16", "s2": "u16", "f2": "f32"}


class Program:
    """One program's text."""

    def __init__(self, name, rng):
        self.name, self.rng = name, rng
        self.lines, self.shared, self.functions = [], [], []
        self.variables = {}  # name: type
        self.scope = {}      # of a block: plain names, loops' counters, arrays' elements
        self.long_divisions = 2

    # ---- Expressions: each of these returns text of its type ----

    def pick(self, *choices):
        return self.rng.choice(choices)

    def leaf(self, kind):
        names = ["V(%s)" % n for n, k in self.variables.items() if k == kind]
        names += [n for n, k in self.scope.items() if k == kind]
        if names and self.rng.random() < 0.8:
            return self.rng.choice(names)
        return self.constant(kind)

    def constant(self, kind):
        r = self.rng
        if kind in INTS:
            bits = BITS[kind]
            value = r.choice((r.getrandbits(bits), r.randrange(65), 1 << r.randrange(bits), (1 << bits) - 1,
                              (1 << bits) - r.randrange(1, 17)))
            return "(%s)%dull" % (kind, value)
        if kind in FLOATS:
            return "(%s)%s" % (kind, r.choice(("0.5", "1.0", "-1.0", "2.0", "-4.0", "0.15915494309189535", "0.0",
                                               "-0.0", "3.140625", "1e-3", "1000.0", "6e-6", "0.1")))
        part = ELEMENT[kind]
        return "(%s){%s, %s}" % (kind, self.constant(part), self.constant(part))

    def condition(self, depth):
        kind = self.rng.choice(INTS + FLOATS)
        text = "%s %s %s" % (self.value(kind, depth - 1), self.pick("<", ">", "<=", ">=", "==", "!="),
                             self.value(kind, depth - 1))
        if kind in FLOATS and self.rng.random() < 0.2:
            text = "!(%s)" % text
        if self.rng.random() < 0.2:
            text = "(%s) %s (%s)" % (text, self.pick("&&", "||"), self.condition(depth - 1))
        return text

    def value(self, kind, depth):
        if depth <= 0:
            return self.leaf(kind)
        if self.rng.random() < 0.12:
            return "choose<%s>(%s, %s, %s)" % (kind, self.condition(depth - 1), self.value(kind, depth - 1),
                                               self.value(kind, depth - 1))
        if self.functions and self.rng.random() < 0.06:
            fitting = [f for f in self.functions if f[1] == kind]
            if fitting:
                name, _, arguments = self.rng.choice(fitting)
                return "%s(%s)" % (name, ", ".join(self.value(a, depth - 1) for a in arguments))
        if kind in INTS:
            return self.integer(kind, depth)
        return self.float(kind, depth) if kind in FLOATS else self.pair(kind, depth)

    def integer(self, kind, depth):
        a, b = self.value(kind, depth - 1), self.value(kind, depth - 1)
        n = self.value("u32", depth - 1)
        long = BITS[kind] == 64
        form = self.rng.randrange(24)
        if form < 6:
            return "(%s)(%s %s %s)" % (kind, a, self.pick("+", "-", "*", "&", "|", "^"), b)
        if form < 9:
            return "%s<%s>(%s, %s)" % (self.pick("shl", "shr", "turn"), kind, a, n)
        if form == 9:
            if long and not self.long_divisions:
                return "(%s)(%s + %s)" % (kind, a, b)
            self.long_divisions -= long
            return "%s<%s>(%s, %s)" % (self.pick("quotient", "rest"), kind, a, b)
        if form == 10:
            return "%s<%s>(%s, %s)" % (self.pick("least", "most", "mulhi"), kind, a, b)
        if form == 11:
            return "%s<%s>(%s)" % (self.pick("leading", "leading32", "trailing"), kind, a)
        if form == 12:
            return "(%s)%s(%s)" % (kind, self.pick("-", "~"), a)
        if form == 13:
            return "(%s)__builtin_elementwise_%s((%s)%s)" % (kind, self.pick("popcount", "bitreverse"), kind, a)
        if form == 14 and not long:
            return "(%s)__builtin_elementwise_%s_sat((%s)%s, (%s)%s)" % (kind, self.pick("add", "sub"), kind, a, kind,
                                                                         b)
        if form == 15:
            return "field<%s>(%s, %s, %s)" % (kind, a, n, self.value("u32", 0))
        if form == 16:
            return "(%s)(%s * %s + %s)" % (kind, a, b, self.value(kind, depth - 1))
        if form == 17 and not long:
            return "(%s)((%s & 0xffffff) * (%s & 0xffffff))" % (kind, a, b)
        if form == 18 and not long:
            return "(%s)((%s & %s) | (~%s & %s))" % (kind, a, b, a, self.value(kind, depth - 1))
        if form < 22:
            other = self.rng.choice(INTS)
            return "(%s)%s" % (kind, self.value(other, depth - 1))
        if form == 22:
            other = self.rng.choice(FLOATS)
            if other == "f16":
                return "whole_f16<%s>(%s)" % (kind, self.value(other, depth - 1))
            return "whole<%s>(%s)" % (kind, self.value(other, depth - 1))
        return "(%s)(%s).%s" % (kind, self.value("s2", depth - 1), self.pick("x", "y"))

    def float(self, kind, depth):
        a, b = self.value(kind, depth - 1), self.value(kind, depth - 1)
        form = self.rng.randrange(18)
        if form < 6:
            return "(%s)(%s %s %s)" % (kind, a, self.pick("+", "-", "*"), b)
        if form == 6:
            return "(%s)(%s / %s)" % (kind, a, b) if kind != "f16" else "(f16)(%s * %s)" % (a, b)
        if form == 7:
            return "root(%s)" % a if kind != "f16" else "(f16)(%s - %s)" % (a, b)
        if form == 8:
            c = self.value(kind, depth - 1)
            return "fused(%s, %s, %s)" % (a, b, c) if kind != "f16" else "(f16)((f16)(%s * %s) + %s)" % (a, b, c)
        if form == 9:
            return "(%s)-(%s)" % (kind, a)
        if form == 10:
            name = self.pick("abs", "floor", "ceil", "trunc", "roundeven")
            return "__builtin_elementwise_%s((%s)%s)" % (name, kind, a)
        if form == 11:
            return "signed_as<%s>(%s, %s)" % (kind, a, b)
        if form == 12:
            return "%s<%s>(%s, %s)" % (self.pick("least", "most"), kind, a, b)
        if form == 13:
            return "most<%s>(least<%s>(%s, (%s)4.0), (%s)-1.0)" % (kind, kind, a, kind, kind)
        if form < 16:
            return "(%s)%s" % (kind, self.value(self.rng.choice(INTS), depth - 1))
        if form == 16:
            return "(%s)%s" % (kind, self.value(self.rng.choice(FLOATS), depth - 1))
        pair = "h2" if kind == "f16" else "f2"
        return "(%s)(%s).%s" % (kind, self.value(pair, depth - 1), self.pick("x", "y"))

    def pair(self, kind, depth):
        a, b = self.value(kind, depth - 1), self.value(kind, depth - 1)
        part = ELEMENT[kind]
        form = self.rng.randrange(8)
        if form < 3:
            operator = self.pick("+", "-", "*") if kind != "s2" else self.pick("+", "-", "*", "&", "|", "^")
            return "(%s)(%s %s %s)" % (kind, a, operator, b)
        if form == 3 and kind == "s2":
            return "(s2)(%s %s (%s & (s2)15))" % (a, self.pick("<<", ">>"), b)
        if form == 4 and kind != "f2":
            return "%s<%s>(%s, %s)" % (self.pick("least", "most"), kind, a, b)
        if form == 5:  # not {y, x}
            return "(%s){(%s).x, (%s).y}" % (kind, a, b)
        return "(%s){%s, %s}" % (kind, self.value(part, depth - 1), self.value(part, depth - 1))

    # ---- Statements ----

    def assign(self, depth=3):
        name, kind = self.rng.choice(sorted(self.variables.items()))
        return "V(%s) = %s;" % (name, self.value(kind, depth))

    def block(self, depth):
        """Statements of one thread."""
        out = []
        for _ in range(self.rng.randrange(1, 4)):
            out += self.statement(depth)
        return ["    " + line for line in out]

    def statement(self, depth):
        form = self.rng.randrange(12) if depth else 0
        if form < 6:
            return [self.assign()]
        if form < 8:
            lines = ["if (%s) {" % self.condition(2)] + self.block(depth - 1)
            if self.rng.random() < 0.6:
                lines += ["} else {"] + self.block(depth - 1)
            return lines + ["}"]
        if form < 10:
            return self.loop(depth)
        if form == 10:
            return self.local_array(depth)
        lines = ["switch (%s & 3) {" % self.value("u32", 1)]
        for case in range(4):
            lines += ["case %d: {" % case] + self.block(depth - 1) + ["}"]
            lines += ["    break;"] if case == 3 or self.rng.random() < 0.8 else []
        return lines + ["}"]

    def loop(self, depth):
        counter = "k%d" % self.rng.randrange(1 << 30)
        count = self.pick("%d" % self.rng.randrange(1, 6), "(%s & 7)" % self.value("u32", 1))
        head = "for (u32 %s = 0; %s < %s; %s++) {" % (counter, counter, "%s_n" % counter, counter)
        self.scope[counter] = "u32"
        lines = ["{", "const u32 %s_n = %s;" % (counter, count), head] + self.block(depth - 1)
        if self.rng.random() < 0.4:
            lines.append("    if (%s) %s;" % (self.condition(1), self.pick("break", "continue")))
        lines += ["    %s" % self.assign(2), "}", "}"]
        del self.scope[counter]
        return lines

    def local_array(self, depth):
        kind = self.rng.choice(INTS + FLOATS)
        name = "a%d" % self.rng.randrange(1 << 30)
        lines = ["%s %s[8];" % (kind, name)]
        lines += ["for (u32 i = 0; i < 8; i++) %s[i] = %s;" % (name, self.value(kind, 1))]
        lines += ["%s[%s & 7] = %s;" % (name, self.value("u32", 1), self.value(kind, 2))]
        element = "%s[%s & 7]" % (name, self.value("u32", 1))
        self.scope[element] = kind
        lines += [self.assign(), self.assign()]
        del self.scope[element]
        return ["{"] + ["    " + line for line in lines] + ["}"]

    def crossing(self):
        """What all threads do together, between the EACH blocks."""
        form = self.rng.randrange(11)
        kind = self.rng.choice(INTS + FLOATS + PAIRS)
        names = [n for n, k in self.variables.items() if k == kind]
        if not names:
            return []
        to, source = self.rng.choice(names), self.rng.choice(names)
        if form < 2:
            return ["SHUFFLE(%s, %s, %s, (int)(%s & 63))" % (kind, to, source, self.value("u32", 1))]
        if form == 2:
            return ["SWIZZLE(%s, %s, %s, %d)" % (kind, to, source, self.rng.randrange(1, 32))]
        if form == 3:
            return ["FROM_LANE(%s, %s, %s, %d)" % (kind, to, source, self.rng.randrange(32))]
        if form == 4:
            return ["FROM_FIRST(%s, %s, %s)" % (kind, to, source)]
        if form == 5:
            return ["BALLOT(%s, %s)" % (self.one("u64"), self.condition(2))]
        if form == 6:
            control = self.pick(self.rng.randrange(256), 0x100 + self.rng.randrange(1, 16),
                                0x110 + self.rng.randrange(1, 16), 0x120 + self.rng.randrange(1, 16), 0x140, 0x141)
            rows, banks = self.pick(15, 15, self.rng.randrange(16)), self.pick(15, 15, self.rng.randrange(16))
            return ["DPP(%s, %s, %s, %d, %d, %d, %d)" % (self.one("u32"), self.one("u32"), self.one("u32"), control,
                                                       rows, banks, self.rng.randrange(2))]
        if form == 7:
            return self.atomics()
        return self.exchange(kind, to)

    def one(self, kind):
        return self.rng.choice([n for n, k in self.variables.items() if k == kind])

    def exchange(self, kind, to):
        place = "lds%d" % len(self.shared)
        self.shared.append("SHARED(%s, %s);" % (kind, place))
        factor, shift = self.rng.randrange(1, 128, 2), self.rng.randrange(128)
        return ["EACH {", "    %s[t] = %s;" % (place, self.value(kind, 2)), "}", "BARRIER", "EACH {",
                "    V(%s) = %s[(t * %d + %d) %% THREADS];" % (to, place, factor, shift), "}", "BARRIER"]

    def atomics(self):
        kind, place = self.pick("u32", "i32", "u64"), "lds%d" % len(self.shared)
        self.shared.append("SHARED(%s, %s);" % (kind, place))
        operation = self.pick("add", "or", "xor", "and", "max", "min")
        return ["EACH {", "    %s[t] = (%s)t;" % (place, kind), "}", "BARRIER", "EACH {",
                "    ATOMIC(%s, %s[%s %% THREADS], %s);" % (operation, place, self.value("u32", 1),
                                                            self.value(kind, 2)),
                "    ATOMIC(%s, COMMON(%d), (u64)%s);" % (self.pick("add", "xor"), 0, self.value("u64", 1)), "}",
                "BARRIER", "EACH {", "    V(%s) = (%s)%s[(t * 3 + 1) %% THREADS];" % (self.one(kind), kind, place), "}",
                "BARRIER"]

    def function(self, number):
        kind = self.rng.choice(TYPES)
        arguments = [self.rng.choice(TYPES) for _ in range(self.rng.randrange(1, 5))]
        self.scope = {"x%d" % i: a for i, a in enumerate(arguments)}
        name = "%s_f%d" % (self.name, number)
        text = "FN %s %s(%s) { return %s; }" % (
            kind, name, ", ".join("%s x%d" % (a, i) for i, a in enumerate(arguments)), self.value(kind, 3))
        self.scope = {}
        self.functions.append((name, kind, arguments))
        return text

    def text(self):
        functions = [self.function(i) for i in range(self.rng.randrange(3))]
        kinds = ["u32", "u32", "u64", "i32"] + [self.rng.choice(TYPES) for _ in range(8)]
        self.variables = {"v%d" % i: k for i, k in enumerate(kinds)}
        # Every other program begins with the same values in all threads: scalar instructions.
        place = "in[%d]" if int(self.name[1:]) % 2 else "IN(%d)"
        body = ["EACH {"]
        for i, kind in enumerate(kinds):
            body.append("    V(v%d) = of<%s>(%s);" % (i, kind, place % i))
        narrow = self.pick("u8", "i8", "u16", "i16", "u32")
        body += ["    V(v0) += (u32)((const %s *)in)[V(v1) %% (THREADS * INPUTS)];" % narrow, "}"]
        for _ in range(self.rng.randrange(3, 7)):
            body += ["EACH {"] + self.block(2) + self.block(2) + ["}"]
            if self.rng.random() < 0.7:
                body += self.crossing()
        body.append("EACH {")
        for i, kind in enumerate(kinds):
            body.append("    OUT(%d) = seen<%s>(V(v%d));" % (i, kind, i))
        narrow = self.pick("u8", "u16", "i32")
        body += ["    ((%s *)&OUT(%d))[1] = (%s)V(v0);" % (narrow, len(kinds), narrow), "}"]
        declared = ["VAR(%s, %s);" % (k, n) for n, k in self.variables.items()]
        lines = ["BEGIN"] + self.shared + declared + body
        lines = functions + ["PROGRAM(%s)" % self.name, "{"] + ["    " + line for line in lines] + ["}"]
        return "\n".join(lines) + "\n"


def generate(path, seed, count):
    with open(path, "w", encoding="utf-8") as f:
        f.write('#include "tests/isa/program.h"\n\n')
        for i in range(count):
            f.write(Program("p%d" % i, random.Random("%d/%d" % (seed, i))).text() + "\n")


def compiled(words, what):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s: %s\n%s" % (what, " ".join(words), done.stderr[:4000]))


COMMON = ["-std=c++17", "-I", share.SOURCE, "-ffp-contract=off", "-fwrapv", "-fno-strict-aliasing", "-w"]


def for_gpu(source, target, level, out):
    wave = 64 if target.startswith("gfx9") else 32
    return [CXX, "-x", "hip", "--offload-arch=" + target, "--cuda-device-only", "--no-gpu-bundle-output", "-nogpuinc",
            "-nogpulib", "-DWAVE=%d" % wave, level, "-c", "-o", out, source] + COMMON


def for_cpu(source, out):
    return [CXX, "-x", "c++", "-DON_CPU", "-O1", "-shared", "-fPIC", "-Xclang", "-ffloat16-excess-precision=none",
            "-o", out, source] + COMMON


def has_target(folder):
    path = os.path.join(folder, "probe.hip")
    with open(path, "w", encoding="utf-8") as f:
        f.write('extern "C" __attribute__((global)) void p() {}\n')
    return subprocess.run(for_gpu(path, TARGETS[0], "-O1", path + ".o"), capture_output=True).returncode == 0


def compare(folder, seed, count, pairs, rounds):
    """The pairs (target, level) of which something differs."""
    bad = []
    source, library = os.path.join(folder, "p.hip"), os.path.join(folder, "p.so")
    generate(source, seed, count)
    compiled(for_cpu(source, library), "for the CPU")
    for target, level in pairs:
        binary = os.path.join(folder, "%s%s.o" % (target, level))
        compiled(for_gpu(source, target, level, binary), target)
        done = subprocess.run([RUNNER, library, target, binary, str(count), str(seed), str(rounds)],
                              capture_output=True, text=True)
        if done.returncode:
            bad.append((target, level))
            print("%s %s seed %d:\n%s%s" % (target, level, seed, done.stdout[-3000:], done.stderr[-3000:]), flush=True)
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=CI_PROGRAMS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", action="append")
    parser.add_argument("--level", action="append", type=lambda n: "-O" + n.lstrip("-O"))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep")
    given = parser.parse_args()
    pairs = [(t, l) for t in given.target or TARGETS for l in given.level or LEVELS]
    if len(sys.argv) == 1:
        pairs, given.rounds = share.of(pairs, CI_TURNS), 1
    folder = given.keep or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    if not has_target(folder):
        print("%s has no AMD target" % CXX)
        sys.exit(77)
    bad, done = [], 0
    while done < given.count:
        n = min(IN_ONE, given.count - done)
        at = os.path.join(folder, "seed%d" % (given.seed + done))
        os.makedirs(at, exist_ok=True)
        wrong = compare(at, given.seed + done, n, pairs, given.rounds)
        bad += wrong
        if not wrong and not given.keep:
            shutil.rmtree(at)
        done += n
    print("%d programs for %s: %s" % (done, ", ".join("%s %s" % p for p in pairs),
                                      "%d differ, see %s" % (len(bad), folder) if bad else "the same bits"))
    if not bad and not given.keep:
        shutil.rmtree(folder)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
