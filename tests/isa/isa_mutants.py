#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are objects that are wrong in one place found? One instruction or one modifier of the project's own AMD code objects
is changed at a time (opcode, register, number, offset, op_sel, neg, a barrier or a wait left out), where a few fixed
problems reach it, and `attnfuzz run --backend amd:TARGET` is asked about those problems.

Of the mutants that change what is computed, 95% must be found. A mutant with which every launch gives the very bits
that the object itself gives changes nothing that these problems compute; one that is not found and gives others is a
miss, and is listed.

  isa_mutants.py [--count N] [--seed S] [--targets A,B] [--kernels A,B] [--list]

Without arguments it is a test: a share of the mutants, by turns, which must not contradict that; with ATTN_LONG set,
240 of them, of which that is asked."""

import argparse
import collections
import json
import math
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import command  # noqa: E402
import share  # noqa: E402

BUILT = os.path.join(os.environ.get("ATTN_BUILD", "build"), "gpu", "bin", "attn_amd.so")
LIBRARY = os.environ.get("ATTN_AMD") or BUILT
COUNT, TURNS, ENOUGH = 240, 20, 0.95

# Two problems a kernel: several tiles of keys, a ragged end, grouped heads, a mask; the second also with large scores.
DATA = ("witness", "witness", "rising")
LINES = {
    "mma": ("fa1 q=f32[64,9,4,1] k=f16[64,90,2,1] v=f16[64,90,2,1] mask=f16[96,9,1,1] scale=0.125",
            "fa1 q=f32[128,17,2,1] k=bf16[128,70,1,1] v=bf16[128,70,1,1] scale=0.09"),
    "tile": ("fa1 q=f32[64,9,4,1] k=f16[64,90,2,1] v=f16[64,90,2,1] mask=f16[96,9,1,1] scale=0.125",
             "fa1 q=f32[96,5,2,1] k=q8_0[96,70,1,1] v=f16[96,70,1,1] scale=0.11 softcap=20"),
    "vec": ("fa1 q=f32[64,1,4,1] k=f16[64,90,2,1] v=f16[64,90,2,1] mask=f16[96,1,1,1] scale=0.125",
            "fa1 q=f32[128,2,4,1] k=q4_0[128,300,2,1] v=q8_0[128,300,2,1] scale=0.09"),
    "naive": ("fa1 q=f32[40,5,4,1] k=f16[40,60,2,1] v=f16[40,60,2,1] mask=f16[64,5,1,1] max_bias=8 scale=0.125",
              "fa1 q=f32[64,3,2,2] k=q5_1[64,33,1,2] v=bf16[64,33,1,2] scale=0.125 softcap=15"),
}

# ---- The library ---------------------------------------------------------------------------------------------------


class Function:
    """Its first byte's place in the library, its address in its object, which begins at `start` of the library."""

    def __init__(self, name, start, place, address, size, target):
        self.name, self.start, self.place, self.address = name, start, place, address
        self.size, self.target = size, target


class Library:
    """A copy of attn_amd.so whose code objects are changed in place, and the functions in those for a target."""

    def __init__(self, path, folder):
        self.path = os.path.join(folder, "attn_amd.so")
        shutil.copy(path, self.path)
        with open(path, "rb") as f:
            self.bytes = f.read()

    def objects(self, target):
        at = self.bytes.find(b"__CLANG_OFFLOAD_BUNDLE__")
        while at >= 0:
            (count,) = struct.unpack_from("<Q", self.bytes, at + 24)
            entry = at + 32
            for _ in range(count):
                offset, size, length = struct.unpack_from("<QQQ", self.bytes, entry)
                if self.bytes[entry + 24:entry + 24 + length].endswith(b"--" + target.encode()):
                    yield at + offset, size
                entry += 24 + length
            at = self.bytes.find(b"__CLANG_OFFLOAD_BUNDLE__", at + 24)

    def functions(self, target):
        for start, _ in self.objects(target):
            (sections_at,), (count,) = struct.unpack_from("<Q", self.bytes, start + 40), \
                struct.unpack_from("<H", self.bytes, start + 60)
            sections = [struct.unpack_from("<IIQQQQIIQQ", self.bytes, start + sections_at + 64 * i)
                        for i in range(count)]
            for section in sections:
                if section[1] != 2:  # SHT_SYMTAB
                    continue
                names = start + sections[section[6]][4]
                for k in range(section[5] // 24):
                    name, info, _, index, value, size = struct.unpack_from("<IBBHQQ", self.bytes,
                                                                           start + section[4] + 24 * k)
                    if info & 15 == 2 and index:  # STT_FUNC
                        text = self.bytes[names + name:self.bytes.index(b"\0", names + name)].decode()
                        place = start + sections[index][4] + value - sections[index][3]
                        yield Function(text, start, place, value, size, target)

    def write(self, changes):
        """{place: bytes}; everything else is as in the original."""
        with open(self.path, "r+b") as f:
            for place, new in changes.items():
                f.seek(place)
                f.write(new)

    def restore(self, changes):
        self.write({place: self.bytes[place:place + len(new)] for place, new in changes.items()})


# ---- Instructions --------------------------------------------------------------------------------------------------


def tool(name):
    for path in (name + "-22", name):
        if shutil.which(path):
            return path
    print("skipped: no %s on this machine" % name)
    sys.exit(77)


def assemble(target, texts):
    """The bytes of each text; None where there is no such instruction."""
    done = subprocess.run([tool("llvm-mc"), "-triple=amdgcn-amd-amdhsa", "-mcpu=" + target, "-show-encoding"],
                          input="\n".join(texts) + "\n", capture_output=True, text=True)
    wrong = {int(line) - 1 for line in re.findall(r"^<stdin>:(\d+):\d+: error", done.stderr, re.M)}
    encodings = [bytes(int(b, 16) for b in found.split(","))
                 for found in re.findall(r"encoding: \[([0-9a-fx,]+)\]", done.stdout)]
    if len(encodings) != len(texts) - len(wrong):
        return [None] * len(texts)
    left = iter(encodings)
    return [None if i in wrong else next(left) for i in range(len(texts))]


def instructions(library, function, folder):
    """(place in the library, bytes, text) of each."""
    path = os.path.join(folder, "code.bin")
    code = library.bytes[function.place:function.place + function.size]
    # llvm-mc disassembles bytes as they are; it says none of their addresses, which their sizes give.
    with open(path, "w") as f:
        f.write(" ".join("0x%02x" % b for b in code) + "\n")
    done = subprocess.run([tool("llvm-mc"), "-disassemble", "-triple=amdgcn-amd-amdhsa", "-mcpu=" + function.target,
                           "-show-encoding", path], capture_output=True, text=True)
    at, found = 0, []
    for line in done.stdout.splitlines():
        match = re.match(r"\s+(\S.*?)\s*(?:;|//) encoding: \[(.*?)\]", line)
        if match:
            encoded = bytes(int(b, 16) for b in match[2].split(","))
            at = code.index(encoded, at)
            found.append((function.place + at, encoded, match[1].strip()))
            at += len(encoded)
    return found


# ---- Mutations: text to texts --------------------------------------------------------------------------------------

SWAPS = [("add", "sub"), ("mul", "add"), ("max", "min"), ("and", "or"), ("or", "xor"), ("lt", "le"), ("gt", "ge"),
         ("eq", "ne"), ("eq", "lg"), ("lshlrev", "lshrrev"), ("lshl", "lshr"), ("scc0", "scc1"), ("vccz", "vccnz"),
         ("execz", "execnz"), ("exp", "log"), ("rcp", "rsq"), ("ubyte", "sbyte"), ("ushort", "sshort"), ("u8", "i8"),
         ("u16", "i16"), ("lt", "gt"), ("fmac", "mac"), ("ubyte0", "ubyte1"), ("ashr", "lshr"), ("andn2", "and"),
         ("fma", "mul"), ("bf16", "f16"), ("i32", "u32"), ("mixlo", "mixhi"), ("hi", "lo"), ("addc", "add"),
         ("f16", "u16"), ("cndmask", "and"), ("mov", "not"), ("rndne", "trunc"), ("num", "num")]


def swapped_opcodes(name):
    """Words of a mnemonic, each for another that there may be."""
    words = name.split("_")
    for i, word in enumerate(words):
        for a, b in SWAPS:
            for old, new in ((a, b), (b, a)):
                if word == old and old != new:
                    yield "_".join(words[:i] + [new] + words[i + 1:])


def opcode(text):
    name, _, rest = text.partition(" ")
    return [("%s %s" % (new, rest)).strip() for new in swapped_opcodes(name)]


def register(text):
    """A register's number, one (of a tuple, its size) up or down."""
    new = []
    for match in re.finditer(r"\b([vsa])(\d+)\b", text):
        for step in (1, -1):
            if int(match[2]) + step >= 0:
                new.append("%s%s%d%s" % (text[:match.start()], match[1], int(match[2]) + step, text[match.end():]))
    for match in re.finditer(r"\b([vsa])\[(\d+):(\d+)\]", text):
        first, last = int(match[2]), int(match[3])
        for step in (2, -2):
            if first + step >= 0:
                new.append("%s%s[%d:%d]%s" % (text[:match.start()], match[1], first + step, last + step,
                                              text[match.end():]))
    return new


def number(text):
    """A constant among the operands, one more or less."""
    new = []
    operands = text.split(" offset")[0]
    for match in re.finditer(r"(?<=[ ,])(-?\d+|0x[0-9a-f]+)(?=,|$)", operands):
        value = int(match[1], 0)
        for step in (1, -1):
            new.append(text[:match.start()] + str(value + step) + text[match.end():])
    return new


def offset(text):
    new = []
    for match in re.finditer(r"(offset[01]?:)(-?\d+)", text):
        for step in (1, 4, 16, -4):
            new.append("%s%s%d%s" % (text[:match.start()], match[1], int(match[2]) + step, text[match.end():]))
    return new


def op_sel(text):
    new = []
    for match in re.finditer(r"(op_sel(?:_hi)?:\[)([01,]+)\]", text):
        bits = match[2].split(",")
        for i, bit in enumerate(bits):
            flipped = bits[:i] + ["1" if bit == "0" else "0"] + bits[i + 1:]
            new.append(text[:match.start()] + match[1] + ",".join(flipped) + "]" + text[match.end():])
    if text.startswith(("v_pk_", "v_fma_mix")) and "op_sel" not in text:
        count = text.count(",")
        for i in range(count):
            bits = ["0"] * count
            bits[i] = "1"
            new.append("%s op_sel:[%s]" % (text, ",".join(bits)))
    return new


def neg(text):
    """A minus put before a source, or taken away; neg_lo of packed ones."""
    name, _, rest = text.partition(" ")
    operands = rest.split(", ")
    if name.startswith("v_pk_") and "f" in name.split("_")[-1] and "neg" not in text:
        count = text.count(",") - 0
        return ["%s neg_%s:[%s]" % (text, half, ",".join("1" if k == i else "0" for k in range(count)))
                for half in ("lo", "hi") for i in range(count)]
    if not name.startswith("v_") or not re.search(r"_(f32|f16|f64)", name):
        return []
    new = []
    for i in range(1, len(operands)):
        if re.match(r"[vs](\d+|\[)", operands[i]):
            new.append("%s %s" % (name, ", ".join(operands[:i] + ["-" + operands[i]] + operands[i + 1:])))
        elif re.match(r"-[vs]", operands[i]):
            new.append("%s %s" % (name, ", ".join(operands[:i] + [operands[i][1:]] + operands[i + 1:])))
    return new


def barrier(text):
    return ["s_nop 0"] if re.match(r"s_barrier(_signal|_wait)?\b", text) else []


def wait(text):
    return ["s_nop 0"] if re.match(r"s_wait(?!_alu|cnt_depctr)", text) else []


KINDS = {f.__name__: f for f in (opcode, register, number, offset, op_sel, neg, barrier, wait)}

# ---- Runs ----------------------------------------------------------------------------------------------------------


class Run:
    def __init__(self, library, target, kernel):
        log = library.path + ".log"
        open(log, "w").close()
        lines = ["%s | dev=%s kernel=%s data=%s seed=5" % (line, target, kernel, data)
                 for line, data in zip(LINES[kernel] + LINES[kernel][1:], DATA)]
        done = subprocess.run([command.ATTNFUZZ, "run", "--backend", "amd:" + target, "--jobs", "1", "--shrink", "0",
                               "--timeout", "20", "--json", library.path + ".json", *lines],
                              capture_output=True, text=True, cwd=command.SOURCE,
                              env=dict(os.environ, ATTN_AMD=library.path, ATTN_AMD_LOG=log))
        self.code, self.text = done.returncode, done.stdout + done.stderr
        self.lines = lines
        self.json = None
        if os.path.exists(library.path + ".json"):
            with open(library.path + ".json") as f:
                self.json = json.loads(f.read())
            os.remove(library.path + ".json")
        with open(log) as f:
            said = [line.split() for line in f]
        self.results = [line[1] for line in said if line[0] == "result"]
        self.reached = collections.defaultdict(set)  # addresses by the object's first kernel
        for line in said:
            if line[0] == "reached":
                self.reached[line[1]].add(int(line[2]))
        self.failed = self.json["failed"] if self.json else 0
        self.refused = self.json["unsupported"] if self.json else 0


class Subject:
    """A kernel on a target: the instructions that its problems reach."""

    def __init__(self, library, target, kernel, folder):
        self.library, self.target, self.kernel = library, target, kernel
        self.clean = Run(library, target, kernel)
        self.sites = []
        if self.clean.json is None or self.clean.failed or self.clean.refused:
            raise SystemExit("%s on %s, unchanged: %s" % (kernel, target, self.clean.text[-2000:]))
        (self.nop,) = assemble(target, ["s_nop 0"])
        functions = list(library.functions(target))
        starts = {function.name: function.start for function in functions}
        for name, addresses in self.clean.reached.items():
            for function in functions:
                if function.start != starts[name]:
                    continue
                ours = {a for a in addresses if function.address <= a < function.address + function.size}
                if ours:
                    self.sites += [site for site in instructions(library, function, folder)
                                   if site[0] - function.place + function.address in ours]


class Mutant:
    def __init__(self, subject, kind, place, old, text, new_text, new):
        self.subject, self.kind, self.place, self.old, self.new = subject, kind, place, old, new
        self.text, self.new_text = text, new_text

    def judge(self):
        change = {self.place: self.new}
        self.subject.library.write(change)
        run = Run(self.subject.library, self.subject.target, self.subject.kernel)
        self.subject.library.restore(change)
        self.verdict = ("died" if run.json is None else "found" if run.failed else "refused" if run.refused else
                        "same" if run.results == self.subject.clean.results else "missed")
        match = re.search(r"failure=(\w+)", run.text)
        self.how = match[1] if match else ""
        if self.verdict == "died":
            self.how = "exit code %d" % run.code
        return self.verdict

    def __str__(self):
        return "%s %s %s: %s -> %s" % (self.subject.target, self.subject.kernel, self.kind, self.text, self.new_text)


def draw(subjects, rng):
    """One mutant of a reached instruction; every kind, target and kernel as often."""
    while True:
        subject = rng.choice(subjects)
        kind = rng.choice(list(KINDS))
        sites = [(site, KINDS[kind](site[2])) for site in rng.sample(subject.sites, min(80, len(subject.sites)))]
        sites = [(site, rng.choice(texts)) for site, texts in sites if texts]
        if not sites:
            continue
        encoded = assemble(subject.target, [text for _, text in sites])
        for ((place, old, text), new_text), new in zip(sites, encoded):
            if new and len(new) <= len(old) and new != old:
                new += subject.nop * ((len(old) - len(new)) // 4)
                return Mutant(subject, kind, place, old, text, new_text, new)


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--targets")
    parser.add_argument("--kernels", default=",".join(LINES))
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def main(folder):
    args = options()
    if not os.path.exists(LIBRARY):
        print("skipped: there is no machine code: kernels_compile_for_amd builds it")
        return 77
    long = bool(os.environ.get("ATTN_LONG"))
    count = args.count or (COUNT if long else COUNT // TURNS)
    seed = args.seed if args.seed is not None else 1 if long else share.turn(1 << 20)
    library, rng = Library(LIBRARY, folder), random.Random(seed)
    targets = [t for t in command.devices() if t.startswith("gfx") and any(True for _ in library.objects(t))]
    if args.targets:
        targets = [t for t in targets if t in args.targets.split(",")]
    wanted = [(t, k) for t in targets for k in args.kernels.split(",")]
    if not long and not args.count:
        wanted = rng.sample(wanted, min(3, len(wanted)))
    subjects = [s for s in (Subject(library, t, k, folder) for t, k in wanted) if s.sites]
    if not subjects:
        print("none of %d kernels runs its problems" % len(wanted))
        return 1
    found = collections.defaultdict(collections.Counter)
    for _ in range(count):
        mutant = draw(subjects, rng)
        verdict = mutant.judge()
        found[mutant.kind][verdict] += 1
        if verdict in ("missed", "died") or args.list:
            print("%s %s (%s)" % (verdict, mutant, mutant.how), flush=True)
    return report(found, seed, len(subjects), long or bool(args.count))


def contradicts(missed, changed):
    """Would so many of a share be missed less than once in 10,000 times if 95% of all were found?"""
    tail = sum(math.comb(changed, k) * (1 - ENOUGH) ** k * ENOUGH ** (changed - k)
               for k in range(missed, changed + 1))
    return tail < 1e-4


def report(found, seed, n_subjects, whole):
    columns = ("found", "missed", "same", "refused", "died")
    print("%-10s %s" % ("kind", " ".join("%8s" % c for c in columns)))
    total = collections.Counter()
    for kind, counts in sorted(found.items()):
        print("%-10s %s" % (kind, " ".join("%8d" % counts[c] for c in columns)))
        total += counts
    changed = total["found"] + total["missed"] + total["died"]
    rate = total["found"] / changed if changed else 1.0
    print("seed %d, %d kernels on their targets, %d mutants: of %d that change what is computed %d are found, %.1f%%"
          % (seed, n_subjects, sum(total.values()), changed, total["found"], 100 * rate))
    if total["died"]:
        return 1
    return 1 if (rate < ENOUGH if whole else contradicts(total["missed"], changed)) else 0


with tempfile.TemporaryDirectory() as work:
    sys.exit(main(work))
