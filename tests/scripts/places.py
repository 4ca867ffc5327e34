#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many places a new thing takes: in a copy of the tree, a KV type, a matrix core family, a device, a kernel, a
property, a fuzz target and a subject are added, each as CONTRIBUTING.md says, the copy is built and the new things are
used through the command and through the tests that read the tables. The files that each took are counted, and may not
be more than AIMS says.

What is added are copies of what is there under other names, so that they work. The matrix core family is one on the
instructions of another, 2 places: with instructions of its own it takes their fragments (kernels/mma/NAME.h) and their
emulation (kernels/host/matrix.h and matrix.cc) as well, which this does not count.

Exit code: 0 good, 1 not, 77 skipped."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import planted  # noqa: E402

BUILD = os.path.abspath(os.environ.get("ATTN_BUILD", "build/asan"))
WORK = os.path.join(BUILD, "places")
TREE, OUT = os.path.join(WORK, "tree"), os.path.join(WORK, "build")
# Places of each: files edited and files added.
AIMS = {"type": 3, "family": 2, "device": 1, "kernel": 3, "property": 2, "target": 2, "subject": 2}
# Tests that read the tables, and are built and run in the copy; not those that hold shares of random draws against a
# limit (fuzz_domain, fuzz_shrink), which any new row moves.
TESTS = r"planner_(?:api|text)_\w+|reference_formats|kernels_image|subjects_answer"


class Copy:
    """The copy, and which files each addition has touched."""

    def __init__(self):
        planted.copy(TREE)
        for name in ("tests", "scripts", "packaging", ".clusterfuzzlite", "CMakeLists.txt", "CMakePresets.json"):
            at, to = os.path.join(planted.SOURCE, name), os.path.join(TREE, name)
            if os.path.isdir(at):
                shutil.copytree(at, to)
            else:
                shutil.copy(at, to)
        self.places = {}

    def read(self, path):
        with open(os.path.join(TREE, path), encoding="utf-8") as f:
            return f.read()

    def write(self, thing, path, text):
        with open(os.path.join(TREE, path), "w", encoding="utf-8") as f:
            f.write(text)
        self.places.setdefault(thing, []).append(path)

    def edit(self, thing, path, *changes):
        """Each change: a text that is there once, and what it becomes."""
        text = self.read(path)
        for old, new in changes:
            if text.count(old) != 1:
                raise planted.Failed("%s: %r is there %d times" % (path, old[:60], text.count(old)))
            text = text.replace(old, new)
        self.write(thing, path, text)

    def row(self, thing, path, table, new):
        """A row more, the last of an X macro's."""
        rows = re.search(r"#define %s\(X\)(?:.*\\\n)+.*\n" % table, self.read(path)).group(0)
        self.edit(thing, path, (rows, rows[:-1].rstrip(" ") + " \\\n    " + new + "\n"))


def piece(text, begin, end="\n}"):
    """The part of a text from where `begin` first matches to the end of the line that `end` is in."""
    at = re.search(begin, text, re.M).start()
    return text[at:text.index("\n", text.index(end, at) + 1) + 1]


def add_type(copy):
    """dq8, which is q8_0 under another name."""
    copy.row("type", "planner/tables.h", "ATTN_TYPES", "X(DQ8, dq8, 32, 34, 2, 77)")
    renamed = lambda part: "\n" + part.replace("q8_0", "dq8").replace("Q8_0", "DQ8")  # noqa: E731
    path = "reference/formats.c"
    text = copy.read(path)
    block = piece(text, r"^struct block_q8_0 \{")
    functions = piece(text, r"^static void decode_q8_0\(") + piece(text, r"^static void encode_q8_0\(")
    last = piece(text, r"^static void encode_q8_0\(")
    text = text.replace(block, block + renamed(block)[1:], 1)
    copy.write("type", path, text.replace(last, last + renamed(functions), 1))
    path = "kernels/dequant.h"
    text = copy.read(path)
    loader = piece(text, r"^template <bool WIDE> struct attn_loader<ATTN_Q8_0, WIDE>", "\n};")
    copy.write("type", path, text.replace(loader, loader + renamed(loader), 1))


def add_family(copy):
    """dummy, whose instructions are those of RDNA4, and instances of its own."""
    rest = re.search(r"X\(WMMA_GFX12, wmma_gfx12, 32, WMMA_GFX12, (.*?\))", copy.read("planner/tables.h")).group(1)
    copy.row("family", "planner/tables.h", "ATTN_MATRICES", "X(DUMMY, dummy, 32, WMMA_GFX12, " + rest)
    text = copy.read("kernels/mma/mma_wmma12.hip")
    for old, new in (("ATTN_FOR_WMMA_GFX12", "ATTN_FOR_DUMMY"), ("ATTN_MATRIX_WMMA_GFX12", "ATTN_MATRIX_DUMMY"),
                     ("mma_wmma_gfx12", "mma_dummy")):
        text = text.replace(old, new)
    copy.write("family", "kernels/mma/mma_dummy.hip", text)


def add_device(copy):
    """gfx9999, which is gfx1200 with the family dummy."""
    row = re.search(r"^    X\(gfx1200,.*\n", copy.read("planner/tables.h"), re.M).group(0)
    new = row.replace("gfx1200", "gfx9999").replace("WMMA_GFX12", "DUMMY")
    copy.edit("device", "planner/tables.h", (row, row + new))


def add_kernel(copy):
    """dummy, which is naive for head size 24 alone."""
    copy.edit("kernel", "planner/tables.h", ("    X(naive)\n", "    X(dummy) X(naive)\n"))
    text = copy.read("planner/contracts/kernel_naive.c").replace("naive", "dummy")
    rule = piece(text, r"^static void rule_lds\(")
    text = text.replace(rule, rule + """
static void rule_dummy(const struct attn_device *d, const struct attn_key *k, int64_t *lhs, int64_t *rhs)
{
    (void)d;
    *lhs = k->d_k;
    *rhs = 24;
}
""", 1)
    row = re.search(r"^    \{ \"lds\".*\n", text, re.M).group(0)
    row_of_dummy = '    { "dummy", "the head size is 24", ATTN_REL_EQ, ATTN_UNIT_COUNT_OF, 1, rule_dummy },\n'
    copy.write("kernel", "planner/contracts/kernel_dummy.c", text.replace(row, row + row_of_dummy, 1))
    copy.write("kernel", "kernels/dummy.hip", copy.read("kernels/naive.hip").replace("naive", "dummy"))


def add_property(copy):
    """P77 dummy: no problem has seventy-seven sequences."""
    copy.row("property", "fuzz/properties/properties.h", "ATTN_PROPERTIES",
             'X(77, DUMMY, dummy, PLAN, "no problem has seventy-seven sequences")')
    path = "fuzz/properties/plan.c"
    text = copy.read(path)
    check = piece(text, r"^static bool check_total\(")
    new = """static bool check_dummy(struct attn_sweep *s, struct attn_finding *f)
{
    if (s->key.n_seq == 77)
        return attn_sweep_found(s, ATTN_P_DUMMY, s->probe, -1, -1, f, "it has");
    return true;
}

"""
    copy.write("property", path, text.replace(check, new + check, 1))


def add_target(copy):
    """fuzz_dummy, which is fuzz_plan under another name."""
    row = re.search(r"^fuzz_plan .*\n", copy.read("fuzz/targets/targets.txt"), re.M).group(0)
    copy.edit("target", "fuzz/targets/targets.txt", (row, row + row.replace("fuzz_plan", "fuzz_dummy")))
    text = copy.read("fuzz/targets/fuzz_plan.c").replace("fuzz_plan", "fuzz_dummy")
    copy.write("target", "fuzz/targets/fuzz_dummy.c", text)


def add_subject(copy):
    """dummy, which is the planner of this repository under another name."""
    copy.row("subject", "subjects/attn_subject.h", "ATTN_SUBJECTS", 'X(dummy, NULL, "nobody\'s planner")')
    text = copy.read("subjects/own.c").replace("attn_subject_open_own", "attn_subject_open_dummy")
    copy.write("subject", "subjects/dummy.c", text.replace("attnfuzz's own planner", "nobody's planner"))


def build():
    """Without optimisation and without sanitizers: what is asked is whether it compiles and works."""
    with open(os.path.join(BUILD, "CMakeCache.txt")) as f:
        cache = f.read()
    compilers = ["-DCMAKE_%s_COMPILER=%s" % (x, re.search(r"^CMAKE_%s_COMPILER:\w+=(.*)$" % x, cache, re.M).group(1))
                 for x in ("C", "CXX")]
    planted.must(["cmake", "-S", TREE, "-B", OUT, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O0",
                  "-DCMAKE_CXX_FLAGS=-O0", *compilers], TREE)
    there = planted.must(["ninja", "-C", OUT, "-t", "targets", "all"], TREE)
    tests = sorted(set(re.findall("^(?:bin/)?(%s):" % TESTS, there, re.M)))
    if len(tests) < 10:
        raise planted.Failed("only these tests are found: %s" % tests)
    planted.must(["ninja", "-C", OUT, "attnfuzz", "fuzz_dummy-replay", "attn_dictionary", *tests], TREE)
    return tests


class Uses:
    """The new things are used: what is not as it must be."""

    def __init__(self):
        self.wrong = []

    def run(self, command, code, *words):
        done = subprocess.run([os.path.join(OUT, "bin", command[0]), *command[1:]], cwd=TREE, capture_output=True,
                              text=True, errors="replace")
        said = done.stdout + done.stderr
        lacking = [w for w in words if w not in said]
        if done.returncode != code or lacking:
            self.wrong.append("%s: exit code %d, must be %d; lacks %s\n%s"
                              % (" ".join(command), done.returncode, code, lacking, said[-1500:]))

    def all(self, tests):
        line = "fa1 q=f32[%d,2,4,1] k=%s[%d,70,2,1] v=%s[%d,70,2,1] mask=f16[70,2,1,1]"
        of_type = line % (64, "dq8", 64, "dq8", 64)
        self.run(["attnfuzz", "plan", of_type], 0, "gfx9999")
        self.run(["attnfuzz", "run", "--schedules", of_type, line % (128, "f16", 128, "dq8", 128)], 0, "2 ran")
        self.run(["attnfuzz", "run", of_type + " | dev=gfx9999",
                  line % (128, "f16", 128, "f16", 128) + " | dev=gfx9999 kernel=mma"], 0, "2 ran")
        self.run(["attnfuzz", "run", line % (24, "f16", 24, "f16", 24) + " | kernel=dummy"], 0, "1 ran", "dummy")
        self.run(["attnfuzz", "explain", line % (64, "f16", 64, "f16", 64)], 0, "dummy.dummy")
        self.run(["attnfuzz", "run", "fa1 q=f32[64,1,1,77] k=f16[64,8,1,77] v=f16[64,8,1,77]"], 1, "P77 dummy")
        self.run(["attnfuzz", "run", "--generate", "300", "--generate-work", "100000"], 0, "gfx9999 ", "300 ran")
        self.run(["attnfuzz", "check", "--subject", "dummy", "--seconds", "1"], 0, "nobody's planner")
        self.run(["attn_dictionary"], 0, '"dq8', '"gfx9999"', '"dummy"')
        self.run(["fuzz_dummy-replay", os.path.join(TREE, "CMakeLists.txt")], 0)
        for name in tests:
            self.run([name], 0)
        print("%d programs of tests ran in the copy" % len(tests), flush=True)
        return self.wrong


def main():
    for tool in ("cmake", "ninja"):
        if not shutil.which(tool):
            print("skipped: %s is not on this machine" % tool)
            return 77
    copy = Copy()
    wrong = []
    for thing, add in (("type", add_type), ("family", add_family), ("device", add_device), ("kernel", add_kernel),
                       ("property", add_property), ("target", add_target), ("subject", add_subject)):
        add(copy)
        places = sorted(set(copy.places[thing]))
        print("%-9s %d places, at most %d: %s" % (thing, len(places), AIMS[thing], " ".join(places)), flush=True)
        if len(places) > AIMS[thing]:
            wrong.append("%s takes %d places, at most %d" % (thing, len(places), AIMS[thing]))
    wrong += Uses().all(build())
    print("\n".join(wrong) if wrong else "the copy builds, and what is new in it is used")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except planted.Failed as failed:
        print(failed)
        sys.exit(1)
