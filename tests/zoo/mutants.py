# SPDX-License-Identifier: MIT
"""Mutants of planner/ and kernels/: one comparison, constant, stride, barrier or guard changed. For weave.py.

    weave.py FOLDER --mutants N [--seed S [PATH...]]

draws N of them by the seed, the kinds by turns, of files whose path begins with one of those given, and weaves them
into one copy. What the compiler refuses (a constant
expression, an angle bracket that was taken for a comparison) is not drawn, nor is what the host's build does not
compile: GPU code, directives. The executor is left out (kernels/host, kernels/simt/host.h): it is the machine that
checks, and its tests hold it against faults of its own. So is what prints plans for people (planner/text/plan.c,
json.c): no fuzz target runs it.

A mutant's name is a hash of its file, its line's text and the change, so that it keeps its name while the line stands:
equivalent.txt says by name which ones change nothing that can be told, and why.

    weave.py FOLDER --mutants-of LIST [PATH...]

weaves those that a list names (mutants.txt, of a draw), of them those whose path begins so: what is too much for one
compiler run is built in parts, and what has a better check now alone.

    weave.py FOLDER --mutants-again LIST SEED

brings a list up to date: those whose lines are others now leave it, as many of the same files, drawn by the seed, are
added at its end, and these alone are woven."""

import glob
import hashlib
import json
import os
import random
import re
import shlex
import subprocess
import sys

import tokens
import weave

FOLDERS = ("planner", "planner/text", "planner/contracts", "kernels", "kernels/mma", "kernels/vec", "kernels/helpers")

COMPARED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
LOGIC = {"&&": "||", "||": "&&"}
STRIDES = {"nb1": "nb2", "nb2": "nb3", "nb3": "nb1", "row_bytes": "(row_bytes + 1)", "pitch": "(pitch + 8)",
           "stride": "(stride + 1)"}
UNFUZZED = {"planner/text/plan.c", "planner/text/json.c"}
# What is unrolled there grows with each place in it: the optimiser takes many minutes over one unit.
UNOPTIMISED = """
file(GLOB woven_vec vec/*.hip)
set_source_files_properties(${woven_vec} PROPERTIES COMPILE_OPTIONS -O0)
"""
BARRIERS = re.compile(r"__syncthreads|simt_wave_sync|simt_copy_wait(_all)?|publish|mma_group_arrive")

# Which targets look for a mutant, by the beginning of its path, and how long their inputs are.
TARGETS = (("planner/text/", ("fuzz_text",)), ("planner/contracts/", ("fuzz_api", "fuzz_plan", "fuzz_kernel")),
           ("planner/", ("fuzz_api", "fuzz_plan")), ("kernels/stretch.c", ("fuzz_api", "fuzz_kernel")),
           ("kernels/image.c", ("fuzz_api", "fuzz_kernel")),
           ("kernels/failure.c", ("fuzz_api",)), ("", ("fuzz_kernel", "fuzz_session")))
MAX_LEN = {"fuzz_text": 1024, "fuzz_api": 96, "fuzz_plan": 96, "fuzz_kernel": 96, "fuzz_session": 512}


class Mutant:
    def __init__(self, kind, path, text, begin, end, new):
        self.kind, self.path, self.begin, self.end, self.new = kind, path, begin, end, new
        self.old = text[begin:end]
        first = text.rfind("\n", 0, begin) + 1
        last = text.find("\n", end)
        self.line, self.at = text[first:last].strip(), text.count("\n", 0, begin) + 1
        key = "\0".join((path, self.line, str(begin - first - (len(text[first:last]) - len(text[first:last].lstrip()))),
                         self.old, new))
        self.name = "m" + hashlib.sha256(key.encode()).hexdigest()[:8]

    def what(self):
        change = "`%s` gone" % self.old if not self.new.strip() else "`%s` is `%s`" % (self.old, self.new)
        return re.sub(r"\s+", " ", "%s:%d: %s in `%s`" % (self.path, self.at, change, self.line))


def other_number(text, rank):
    """Another number in place of a literal; None for what is no number that can be one more or less."""
    m = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", text)
    if m:
        value = int(m.group(1), 0) if not re.fullmatch(r"0\d+", m.group(1)) else int(m.group(1), 8)
        return "%d%s" % (value - 1 if rank % 2 and value > 0 else value + 1, m.group(2))
    m = re.fullmatch(r"(\d+\.\d*)([fF]?)", text)
    if m:
        value = float(m.group(1))
        return "%r%s" % (value * 2 if value else 1.0, m.group(2))
    return None


def of_file(path, text):
    """All mutants of a file."""
    found, all_of = tokens.tokens(text), []

    def add(kind, begin, end, new):
        all_of.append(Mutant(kind, path, text, begin, end, new))

    for i, t in enumerate(found):
        spaced = text[t.begin - 1:t.begin] == " " and text[t.end:t.end + 1] in (" ", "\n")
        after = found[i + 1] if i + 1 < len(found) else None
        if t.kind == "mark" and t.text in COMPARED and spaced:
            add("comparison", t.begin, t.end, COMPARED[t.text])
        elif t.kind == "mark" and t.text in LOGIC and spaced:
            add("guard", t.begin, t.end, LOGIC[t.text])
        elif t.kind == "number" and t.outer is not None:
            new = other_number(t.text, len(all_of))
            if new:
                add("constant", t.begin, t.end, new)
        elif t.kind == "word" and t.text in STRIDES:
            add("stride", t.begin, t.end, STRIDES[t.text])
        elif t.kind == "word" and t.text == "if" and after and after.text == "(" and after.match:
            add("guard", after.end, found[after.match].begin, "false" if len(all_of) % 2 else "true")
        elif t.kind == "word" and BARRIERS.fullmatch(t.text):
            end = text.find(";", t.end)
            if re.fullmatch(r"(<[^;]*>)?\([^;]*\)", text[t.end:end]):
                begin = max(text.rfind(c, 0, t.begin) for c in ";{}\n") + 1
                if re.fullmatch(r"\s*(F::)?", text[begin:t.begin]):
                    begin += len(text[begin:t.begin]) - len(text[begin:t.begin].lstrip())
                    add("barrier", begin, end + 1, "")
    if path.endswith((".c", ".h")) and path.startswith("planner"):
        for m in all_of:
            m.new = {"true": "1", "false": "0"}.get(m.new, m.new)
    return [m for m in all_of if weave_fits(text, found, m)]


def weave_fits(text, found, m):
    """Whether it is in a region that can be replaced, within a function."""
    try:
        region = weave.region_of(text, found, weave.Edit(1, m.begin, m.end, m.new))
    except weave.Unwoven:
        return False
    return any(t.begin < region.begin and t.text == "{" and t.match and found[t.match].end >= region.end
               for t in found if t.begin < region.begin)


def everything(begins=()):
    tree, found = weave.Tree(weave.SOURCE), {}
    for folder in FOLDERS:
        for full in sorted(glob.glob(os.path.join(weave.SOURCE, folder, "*"))):
            path = os.path.relpath(full, weave.SOURCE)
            wanted = path.startswith(tuple(begins)) if begins else True
            if wanted and path.endswith((".c", ".h", ".hip")) and path not in UNFUZZED:
                for m in of_file(path, tree.read(path)):
                    found.setdefault(m.kind, {}).setdefault(m.name, m)
    return tree, {kind: [of[name] for name in sorted(of)] for kind, of in sorted(found.items())}


def order(by_kind, seed):
    """All of them in the order of the draw: the kinds by turns, each shuffled by the seed."""
    draw = random.Random(seed)
    for of in by_kind.values():
        draw.shuffle(of)
    drawn = []
    while any(by_kind.values()):
        drawn += [of.pop() for of in by_kind.values() if of]
    return drawn


# ---- What compiles -------------------------------------------------------------------------------------------------


def edits_of(mutants):
    edits = {}
    for number, m in mutants:
        edits.setdefault(m.path, []).append(weave.Edit(number, m.begin, m.end, m.new))
    return edits


def near(path, line):
    """The numbers of what is planted in that line, or else in the nearest one, of a statement's lines, that has any."""
    with open(path) as f:
        lines = f.read().split("\n")
    for at in [line - 1, line, line + 1, line + 2] + list(range(line - 2, max(-1, line - 12), -1)):
        numbers = re.findall(r"ATTN_PLANT(?:_VALUE)?\((\d+)", lines[at]) if at < len(lines) else []
        if numbers:
            return {int(n) for n in numbers}
    return set()


def refused(folder, units):
    """The numbers that the compiler refuses, read off the lines that its errors are about."""
    def check(unit):
        command = list(unit["arguments"]) if "arguments" in unit else shlex.split(unit["command"])
        at = command.index("-o")
        done = subprocess.run(command[:at] + command[at + 2:] + ["-fsyntax-only", "-ferror-limit=0", "-w"],
                              cwd=unit["directory"], capture_output=True, text=True, errors="replace")
        return done.stderr if done.returncode else ""

    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = "".join(pool.map(check, units))
    wrong = set()
    for kind in ("error", "note"):  # notes lead there where an error is somewhere else
        places = set(re.findall(r"^(%s/\S+?):(\d+):\d+: %s" % (re.escape(folder), kind), said, re.M))
        wrong = wrong or {n for path, line in places if not path.endswith("planted.h") for n in near(path, int(line))}
    if said and not wrong:
        sys.exit("mutants.py: the woven copy does not compile, and no mutant is to blame:\n" + said[-3000:])
    return wrong


def compile_commands(folder):
    """The units of the copy that its planner and kernels are in, from a configured build beside it."""
    build = os.path.join(os.path.dirname(folder), "syntax")
    subprocess.run(["cmake", "-S", folder, "-B", build, "-G", "Ninja", "-DCMAKE_C_COMPILER=" + os.environ.get(
        "CC", "clang-22"), "-DCMAKE_CXX_COMPILER=" + os.environ.get("CXX", "clang++-22"), "-DATTN_TESTS=OFF",
        "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(build, "compile_commands.json")) as f:
        units = json.load(f)
    part = re.compile(r"/(planner|kernels)/(?!host/|hip/)")
    return [u for u in units if part.search(u["file"][len(folder):]) and "attn_kernels_plain" not in u["command"]]


def weave_all(folder, mutants):
    weave.copy_tree(folder)
    weave.write_woven(folder, edits_of(mutants))
    if any(m.path.startswith("kernels/vec/") for _, m in mutants):
        with open(os.path.join(folder, "kernels", "CMakeLists.txt"), "a") as f:
            f.write(UNOPTIMISED)


def draw_compiled(folder, drawn, count):
    """The first `count` of the draw that compile. FOLDER is written for it."""
    kept, at = [], 0
    while len(kept) < count and at < len(drawn):
        more = drawn[at:at + count - len(kept) + 20]
        at += len(more)
        numbered = list(enumerate(kept + more, 1))
        while True:
            weave_all(folder, numbered)
            wrong = refused(folder, compile_commands(folder))
            if not wrong:
                break
            print("mutants: %d are refused by the compiler" % len(wrong), flush=True)
            numbered = [(n, m) for n, m in numbered if n not in wrong]
        kept = [m for _, m in numbered]
    return kept[:count]


def weave_mutants(folder, count, seed, begins):
    """The first `count` of the draw that compile, woven."""
    _, by_kind = everything(begins)
    print("mutants: " + ", ".join("%d %s" % (len(of), kind) for kind, of in by_kind.items()), flush=True)
    numbered = list(enumerate(draw_compiled(folder, order(by_kind, seed), count), 1))
    weave_all(folder, numbered)
    weave.hurry(folder, "-O0")  # mutants are looked for by targets alone, which run the checked kernels
    return numbered


def of_list(path):
    """The lines of a list by what they are: heads, rows (lists of fields), rows in which nothing is planted."""
    with open(path) as f:
        lines = f.read().splitlines()
    heads, nothing = ([x for x in lines if x.startswith(begin)] for begin in ("#", "0\t"))
    return heads, [x.split("\t") for x in lines if not x.startswith(("#", "0\t"))], nothing


def path_of(row):
    return row[-1].split(":")[0]


def standing():
    """All mutants by their names."""
    return {m.name: m for of in everything()[1].values() for m in of}


def listed(path, begins):
    """The mutants of a list by its numbers, those in files that begin so; their lines must stand."""
    asked = [row for row in of_list(path)[1] if not begins or path_of(row).startswith(tuple(begins))]
    by_name = standing()
    gone = [row[1] for row in asked if row[1] not in by_name]
    if gone:
        sys.exit("mutants.py: the lines of %s are others now; --mutants-again draws others" % " ".join(gone))
    return [(int(row[0]), by_name[row[1]]) for row in asked]


def rows(numbered):
    found = []
    for number, m in numbered:
        targets = next(t for begin, t in TARGETS if m.path.startswith(begin))
        found.append((number, m.name, " ".join(targets), " ".join(str(MAX_LEN[t]) for t in targets), "-", m.kind,
                      m.what().replace("\t", " ")))
    return found


def weave_listed(folder, arguments):
    """weave.py FOLDER --mutants-of LIST [PATH...]"""
    if not arguments:
        print("usage: weave.py FOLDER --mutants-of LIST [PATH...]", file=sys.stderr)
        return 2
    numbered = listed(arguments[0], arguments[1:])
    weave_all(folder, numbered)
    weave.hurry(folder, "-O0")
    weave.manifest(folder, rows(numbered))
    print("%d mutants woven into %s" % (len(numbered), folder))
    return 0


def weave_again(folder, arguments):
    """weave.py FOLDER --mutants-again LIST SEED"""
    if len(arguments) != 2:
        print("usage: weave.py FOLDER --mutants-again LIST SEED", file=sys.stderr)
        return 2
    heads, kept, nothing = of_list(arguments[0])
    by_name = standing()
    gone = [row for row in kept if row[1] not in by_name]
    next_number = max(int(row[0]) for row in kept) + 1
    kept = [row for row in kept if row[1] in by_name]
    names = {row[1] for row in kept}
    files = [path_of(row) for row in gone if os.path.exists(os.path.join(weave.SOURCE, path_of(row)))]
    if not files:
        print("mutants: all %d lines stand" % len(kept))
        return 0
    by_kind = everything(files)[1]
    drawn = draw_compiled(folder, [m for m in order(by_kind, int(arguments[1])) if m.name not in names], len(gone))
    numbered = [(next_number + i, m) for i, m in enumerate(drawn)]
    weave_all(folder, numbered)
    weave.hurry(folder, "-O0")
    weave.manifest(folder, rows(numbered))
    with open(arguments[0], "w") as f:
        for row in heads + ["\t".join(str(x) for x in row) for row in kept + rows(numbered)] + nothing:
            f.write(row + "\n")
    print("%d of %d mutants replaced: %s" % (len(numbered), len(kept) + len(gone), " ".join(row[1] for row in gone)))
    return 0


def weave_command(folder, arguments):
    """weave.py FOLDER --mutants N [--seed S [PATH...]]"""
    if len(arguments) in (0, 2) or (len(arguments) > 1 and arguments[1] != "--seed"):
        print("usage: weave.py FOLDER --mutants N [--seed S [PATH...]]", file=sys.stderr)
        return 2
    numbered = weave_mutants(folder, int(arguments[0]), int(arguments[2]) if len(arguments) > 1 else 1, arguments[3:])
    weave.manifest(folder, rows(numbered))
    print("%d mutants woven into %s" % (len(numbered), folder))
    return 0
