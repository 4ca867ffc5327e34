# SPDX-License-Identifier: MIT
"""Woven builds (tests/zoo): a program with faults woven into it is the good one where none is selected, and has the one
that is. A small program holds every kind of place that faults and mutants take; then planner and naive as they are:
all faults weave, plans over the corpus are the same to the byte, and each fault of these files is reached when it is
selected."""

import glob
import os
import re
import struct
import subprocess
import sys
import tempfile

SOURCE, BUILD, BIN, CC = (os.environ[k] for k in ("ATTN_SOURCE", "ATTN_BUILD", "ATTN_BIN", "CC"))
sys.path[:0] = [os.path.join(SOURCE, "tests", folder) for folder in ("support", "zoo")]
import mutants  # noqa: E402
import planted  # noqa: E402
import weave  # noqa: E402

PROGRAM = """#include <stdio.h>
#include <stdint.h>
static const int table[3] = { 1, 2, 3 };
static int sum(const int *x, int n)
{
    int all = 0;
    for (int i = 0; i < n; i++) {
        if (x[i] == 2 && n > 1)
            continue;
        all += x[i] * (n > 2 ? 10 : 1);
    }
    return all;
}
int main(void)
{
    int n = 3, left = sum(table, n);
    if (left < 0)
        return 1;
    n -= 1;
    struct { int nb1, nb2, nb3; } view = { 0, 0, 0 };
    view.nb1 = n > 1 ? 1 : 0;
    view.nb2 = n > 2 ? 1 : 0;
    left += view.nb1 + view.nb2;
    printf("%d %d\\n", left, sum(table, n));
    return 0;
}
"""
WRONG = []


def expect(good, what):
    if not good:
        WRONG.append(what)
        print("WRONG: " + what, flush=True)


def run(command, number=0, counts=None, **more):
    environment = dict(os.environ, ATTN_PLANTED=str(number))
    if counts:
        environment["ATTN_PLANTED_COUNTS"] = counts
    return subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", **more)


def reached(counts):
    with open(counts, "rb") as f:
        return struct.unpack("QQ", f.read(16))


def small_program(folder):
    """Every mutant of the program that compiles is itself when selected and nobody otherwise."""
    zoo = os.path.join(SOURCE, "tests", "zoo")
    found = mutants.of_file("planner/small.c", PROGRAM)
    expect(len(found) > 15, "%d mutants of the small program" % len(found))
    expect({"comparison", "constant", "guard", "stride"} == {m.kind for m in found}, "kinds of the small program")
    expect(not any("table[3]" in m.line for m in found if m.kind == "comparison"), "a table is no place")
    compiled = []
    for number, m in enumerate(found, 1):
        path, alone = os.path.join(folder, "woven.c"), os.path.join(folder, "alone.c")
        with open(path, "w") as f:
            f.write(weave.weave_text(PROGRAM, [weave.Edit(number, m.begin, m.end, m.new)]))
        with open(alone, "w") as f:
            f.write(PROGRAM[:m.begin] + m.new + PROGRAM[m.end:])
        made = [run([CC, "-w", "-fsanitize=undefined,bounds", "-fno-sanitize-recover=all", "-I", zoo, "-o",
                     folder + "/" + name, *files]) for name, files in
                (("woven", [path, zoo + "/planted.c"]), ("alone", [alone]))]
        if made[0].returncode:
            expect(m.kind in ("constant", "stride"), "woven, it does not compile: %s\n%s" % (m.what(), made[0].stderr))
            continue
        compiled.append(m)
        counts = os.path.join(folder, "counts")
        good = run([folder + "/woven"])
        expect((good.returncode, good.stdout) == (0, "41 1\n"), "%s: not selected, and it says %r" % (m.what(), good))
        wrong, same = run([folder + "/woven"], number, counts), run([folder + "/alone"])
        expect(wrong.stdout == same.stdout and wrong.returncode == same.returncode,
               "%s: selected, it says %r, planted alone %r" % (m.what(), wrong.stdout, same.stdout))
        times, different = reached(counts)
        expect((times > 0 and different > 0) or wrong.stdout == good.stdout, "%s: counts" % m.what())
        os.remove(counts)
    expect(len(compiled) > 12 and "stride" in {m.kind for m in compiled}, "%d mutants compile" % len(compiled))
    # Of a list those of some files, by their names.
    _, by_kind = mutants.everything()
    real = [m for of in by_kind.values() for m in of][::97]
    path = os.path.join(folder, "list.txt")
    with open(path, "w") as f:
        rows = ("%d\t%s\t%s\n" % (7 * i + 1, m.name, m.what()) for i, m in enumerate(real))
        f.write("# number\tname\n" + "".join(rows) + "0\tnone-fuzz_plan\tnothing\n")
    for begins in ([], ["planner/text/", "kernels/tile.h"]):
        want = [(7 * i + 1, m.name) for i, m in enumerate(real) if not begins or m.path.startswith(tuple(begins))]
        expect(want and [(n, m.name) for n, m in mutants.listed(path, begins)] == want, "a list's, of %s" % begins)
    # All at once, one inside the other.
    with open(os.path.join(folder, "woven.c"), "w") as f:
        f.write(weave.weave_text(PROGRAM, [weave.Edit(i, m.begin, m.end, m.new) for i, m in enumerate(compiled, 1)]))
    done = run([CC, "-w", "-I", zoo, "-o", folder + "/woven", folder + "/woven.c", zoo + "/planted.c"])
    expect(done.returncode == 0 and run([folder + "/woven"]).stdout == "41 1\n", "all at once\n" + done.stderr)


# Of a patch of one line what stood there and what does: woven, it is neither more nor less.
CHANGES = [
    ("b + ((a ^ b) & 7) * 8", "b + ((a ^ b) & 3) * 8 + (a & 4) * 8"),
    ("a * (b + 1) + most(a, b)", "a * (b - 1) + most(a, b)"),
    ("a > 2 ? b : a", "a > 2 ? b : a + b"),
    ("a && most(a, b)", "a && (most(a, b) & 4 || b)"),
    ("most(a, b) * 2", "most(a, b + (a & 3)) * 2"),
    ("(a + b) * 3", "(a + (b - 1) * 3) * 2"),
]
# No expression in brackets says these.
UNSAID = [("a && b && (a & 4)", "a && b || (a & 4)"), ("one(a)", "one(a, b)"),
          ("b > a ? 1 : 2", "b > a ? 3 : 0 ? 1 : 2")]


def list_brought_up_to_date(folder):
    """A mutant whose line is another now leaves the list, one of the same file comes at its end, and is woven alone."""
    path = os.path.join(folder, "list.txt")
    with open(os.path.join(SOURCE, "tests", "zoo", "mutants.txt")) as f:
        every = f.read().splitlines()
    rows = [row for row in every if row.endswith("`") and "\tplanner/select.c:" in row][:3]
    rows[1] = rows[1].replace("\tm", "\tgone", 1)
    with open(path, "w") as f:
        f.write("\n".join(every[:2] + rows + every[-1:]) + "\n")
    refused = run([sys.executable, weave.__file__, folder + "/of", "--mutants-of", path])
    expect(refused.returncode == 1, "a line is gone")
    done = run([sys.executable, weave.__file__, folder + "/again", "--mutants-again", path, "1"])
    expect(done.returncode == 0, "a list is not brought up to date: " + done.stdout + done.stderr)
    with open(path) as f:
        now = f.read().splitlines()
    expect(now[:4] == every[:2] + [rows[0], rows[2]] and now[5:] == every[-1:], "what stands stays: %s" % now)
    number = max(int(row.split("\t")[0]) for row in rows) + 1
    expect(now[4].startswith("%d\tm" % number) and "\tplanner/select.c:" in now[4], "one more: " + now[4])
    with open(folder + "/again/zoo.txt") as f:
        woven = [row for row in f.read().splitlines() if not row.startswith(("#", "0\t"))]
    expect(woven == now[4:5], "woven is %s" % woven)


def changed_lines(folder):
    def text(side):
        body = "".join("static int f%d(int a, int b)\n{\n    return %s;\n}\n" % (i, pair[side])
                       for i, pair in enumerate(CHANGES, 1))
        call = "    for (int i = 0; i < 64; i++)\n        printf(\"%%d \", f%d(i / 8, i %% 8));\n    puts(\"\");\n"
        calls = "".join(call % i for i in range(1, len(CHANGES) + 1))
        return ("#include <stdio.h>\nstatic int most(int a, int b) { return a > b ? a : b; }\n%s"
                "int main(void)\n{\n%s}\n" % (body, calls))

    def edits(of, number, old, new):
        begin = of.index("return %s;" % old)
        return weave.narrowed(number, of, begin, begin + len("return %s;" % old), "return %s;" % new)

    good, said = text(0), []
    of_all = [e for i, (old, new) in enumerate(CHANGES, 1) for e in edits(good, i, old, new)]
    for name, source in (("woven", weave.weave_text(good, of_all)), ("right", good), ("wrong", text(1))):
        with open(os.path.join(folder, name + ".c"), "w") as f:
            f.write(source)
        planted.must([CC, "-w", "-I", os.path.join(SOURCE, "tests", "zoo"), "-o", folder + "/" + name,
                      folder + "/" + name + ".c", os.path.join(SOURCE, "tests", "zoo", "planted.c")], folder)
        said.append([run([folder + "/" + name], number).stdout.splitlines() for number in (
            range(len(CHANGES) + 1) if name == "woven" else [0])])
    woven, right, wrong = said[0], said[1][0], said[2][0]
    expect(woven[0] == right, "with no change selected the lines differ")
    for i, (old, new) in enumerate(CHANGES):
        expect(right[i] != wrong[i] and woven[i + 1] == right[:i] + wrong[i:i + 1] + right[i + 1:],
               "woven, %s is something else than %s" % (old, new))
        found = weave.tokens.tokens(good)
        weave.expect_whole(found, weave.nodes(good, found, edits(good, i + 1, old, new)))
    for old, new in UNSAID:
        source = "static int f(int a, int b)\n{\n    return %s;\n}\n" % old
        found = weave.tokens.tokens(source)
        try:
            weave.expect_whole(found, weave.nodes(source, found, edits(source, 1, old, new)))
            expect(False, "%s is taken for %s" % (new, old))
        except weave.Unwoven:
            pass


def plans(program, number, counts=None):
    done = run([program, "plan", "--json", os.path.join(SOURCE, "corpus", "seeds", "qwen3.txt"),
                os.path.join(SOURCE, "corpus", "padded.txt")], number, counts)
    return done.returncode, done.stdout


def planner_and_naive(folder):
    chosen = weave.faults([])
    edits, wrong = weave.all_edits(chosen)
    expect(not wrong, "faults that do not weave: " + "; ".join(wrong))
    own = [p for p in glob.glob(SOURCE + "/tests/faults/*.patch") if planted.header(p).get("build") == "own"]
    expect(len(own) <= 4, "%d faults have builds of their own" % len(own))
    tree = os.path.join(folder, "tree")
    weave.copy_tree(tree)
    files = {name: of for name, of in edits.items() if name.startswith("planner/") or name == "kernels/naive.hip"}
    weave.write_woven(tree, files)
    made = planted.Build(BUILD, ["attnfuzz"])
    made.commands = [re.sub(r" -W(?:all|extra|shadow|error|conversion)| -pedantic-errors", "", c) + (
        " -w" if " -c " in c else "") for c in made.commands]
    sources = ["planner/planner.c", "kernels/naive.hip"] + sorted(
        os.path.relpath(p, SOURCE) for p in glob.glob(SOURCE + "/planner/contracts/kernel_*.c"))
    objects = made.compile_again(sources, tree, folder, leave_out="_plain|^subjects/null/")
    selection = os.path.join(folder, "planted.o")
    planted.must([CC, "-fPIC", "-O2", "-c", "-I", tree, "-o", selection, tree + "/planted.c"], folder)
    # The selection goes with the objects that ask for it.
    first = next(iter(objects))
    planted.must(["ld", "-r", "-o", objects[first] + ".with", objects[first], selection], folder)
    os.replace(objects[first] + ".with", objects[first])
    program = os.path.join(folder, "attnfuzz")
    made.link_again("attnfuzz", objects, program)

    expect(plans(program, 0) == plans(BIN + "/attnfuzz", 0), "with no fault selected the plans differ")
    of_these = {e.number for of in files.values() for e in of}
    outside = {e.number for name, of in edits.items() if name not in files for e in of}
    line = "fa1 q=f32[96,3,6,2] k=q8_0[96,70,2,2] v=q8_0[96,70,2,2] mask=f16[70,3,1,1]"
    expect(run([program, "run", line + " | dev=gfx1030"]).returncode == 0, "with no fault selected a line fails")
    for number, patch, _ in chosen:
        if number not in of_these - outside:
            continue
        counts = os.path.join(folder, "counts")
        if os.path.exists(counts):
            os.remove(counts)
        plans(program, number, counts)
        for more in (line, line + " | dev=gfx1030 kernel=naive"):
            run([program, "run", more], number, counts)
        expect(reached(counts)[0] > 0, "%s is not reached where it is selected" % os.path.basename(patch))
    print("%d faults weave, %d of them asked for here" % (len(chosen), len(of_these - outside)), flush=True)


def main():
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        small_program(folder)
        list_brought_up_to_date(folder)
        changed_lines(folder)
        planner_and_naive(folder)
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
