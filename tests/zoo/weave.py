#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""weave.py FOLDER [--mutants N [--seed S [PATH...]] | --mutants-of LIST [PATH...] | --mutants-again LIST SEED | --list
| NAME...]: a copy of the tree in FOLDER that holds many faults at once, of which a program built there has the one that
ATTN_PLANTED names when it starts, and none without.

Without --mutants the faults are those of tests/faults (all, or those whose names contain a NAME), reverts of correct
lines: of each changed part of a patch the smallest expression or the statements around it become
ATTN_PLANT_VALUE(number, right, wrong) or if (ATTN_PLANT(number)) wrong else right (planted.h). FOLDER/zoo.txt says
which number is what; with --list nothing else is made. A fault that says `build: own` in its head (a table, a constant
expression) is not woven.

With --mutants N of the changes that mutants.py knows are drawn by the seed, and woven likewise; with --mutants-of
those that a list names, in files whose path begins with one of those given; --mutants-again brings a list up to date.

What the copy is built with is in zoo.cmake. weave.py FOLDER --compiled PROGRAM..., after that, takes out of zoo.txt
what none of the programs has.
"""

import glob
import os
import re
import shutil
import struct
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(SOURCE, "tests", "support")]
import planted  # noqa: E402
import share  # noqa: E402
import tokens  # noqa: E402


class Unwoven(Exception):
    """Why something cannot be woven."""


class Edit:
    """One change of a file: text[begin:end] becomes `new` where `number` is selected."""

    def __init__(self, number, begin, end, new):
        self.number, self.begin, self.end, self.new = number, begin, end, new


# ---- From a patch to edits -------------------------------------------------------------------------------------------


def hunks(patch):
    """(file, first line from 1, [(' ' or '-' or '+', text)]) of every hunk."""
    with open(patch) as f:
        lines = f.read().splitlines(keepends=True)
    name, at, found = None, 0, []
    while at < len(lines):
        if lines[at].startswith("+++ b/"):
            name = lines[at][6:].split()[0]
        head = re.match(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@", lines[at])
        at += 1
        if not head:
            continue
        old, new = (int(head.group(i) or 1) for i in (2, 3))
        part = []
        while (old > 0 or new > 0) and at < len(lines):
            tag = lines[at][0] if lines[at].strip("\n") else " "
            part.append((tag, lines[at][1:] if lines[at].strip("\n") else "\n"))
            old -= tag in " -"
            new -= tag in " +"
            at += 1
        found.append((name, int(head.group(1)), part))
    return found


def fit(text, line, part):
    """The line, from 0, where a hunk's old lines stand that is nearest to the one it names; None: nowhere."""
    lines, old = text.splitlines(keepends=True), [content for tag, content in part if tag != "+"]
    places = [i for i in range(len(lines) - len(old) + 1) if lines[i:i + len(old)] == old]
    return min(places, key=lambda i: abs(i - line), default=None)


def unpaired(words):
    """How many brackets among the words close what is opened before them, and open what is closed after them."""
    closed = opened = 0
    for word in words:
        if word in tokens.OPEN:
            opened += 1
        elif word in tokens.CLOSE and opened:
            opened -= 1
        else:
            closed += word in tokens.CLOSE
    return closed, opened


def narrowed(number, text, begin, end, new):
    """The edits that a changed run of lines comes down to, token by token, brackets in pairs: `(a & 7) * 8` into
    `(a & 3) * 8 + (b & 4) * 8` is more than the 7."""
    old = text[begin:end]
    if not old or not new:
        return [Edit(number, begin, end, new)]
    words_old, words_new = ([m.group() for m in tokens.TOKEN.finditer(t)] for t in (old, new))
    same_old, same_new = ([" " if w.isspace() else w for w in words] for words in (words_old, words_new))
    first = 0
    while first < min(len(words_old), len(words_new)) and same_old[first] == same_new[first]:
        first += 1
    last = 0
    while last < min(len(words_old), len(words_new)) - first and same_old[-1 - last] == same_new[-1 - last]:
        last += 1
    while True:
        closed, opened = (max(pair) for pair in zip(*(
            unpaired(words[first:len(words) - last]) for words in (words_old, words_new))))
        if (closed and first) or (opened and last):
            first, last = first - bool(closed and first), last - bool(opened and last)
        else:
            break
    lead, tail = len("".join(words_old[:first])), len("".join(words_old[len(words_old) - last:]))
    return [Edit(number, begin + lead, end - tail, new[len("".join(words_new[:first])):len(new) - len(
        "".join(words_new[len(words_new) - last:]))])]


def edits_of_patch(number, patch, read):
    """{file: [Edit]} of a patch on the files that `read` gives the text of."""
    found = {}
    for name, line, part in hunks(patch):
        text = read(name)
        starts = [0] + [m.end() for m in re.finditer("\n", text)]
        at, run_begin, new = fit(text, line - 1, part), None, ""
        if at is None:
            raise Unwoven("a part of %s does not fit %s" % (os.path.basename(patch), name))
        for tag, content in part + [(" ", None)]:
            if tag == " " and run_begin is not None:
                found.setdefault(name, []).extend(narrowed(number, text, run_begin, starts[at], new))
                run_begin, new = None, ""
            if content is None:
                break
            if tag in "+-" and run_begin is None:
                run_begin = starts[at]
            new += content if tag == "+" else ""
            at += tag in " -"
    return found


# ---- From edits to woven text ----------------------------------------------------------------------------------------


class Node:
    """A region of the file with what stands there for each of some numbers, and the regions inside it."""

    def __init__(self, region):
        self.begin, self.end, self.statement = region.begin, region.end, region.statement
        self.variants, self.children = [], []


def region_of(text, found, edit):
    if edit.begin == edit.end or not edit.new:  # lines that come or go
        before = [t for t in found if t.end <= edit.begin][-1:]
        body = text[edit.begin:edit.end].strip() or edit.new.strip()
        if body and body[-1] in ";}" and (not before or before[0].text in ";{}" or before[0].kind == "directive"):
            return tokens.Region(edit.begin, edit.end, True)
    region = tokens.grow(text, found, edit.begin, edit.end)
    if not region:
        raise Unwoven("no expression or statement around %r" % text[edit.begin:edit.end][:80])
    return region


def overlap(a, b):
    return a.begin < b.end and b.begin < a.end


def settle(text, found, edits):
    """[(region, [edits of one number])] of which any two are apart, the same, or one inside the other."""
    parts = [[region_of(text, found, e), [e]] for e in edits]
    changed = True
    while changed:
        changed = False
        for i, (a, of_a) in enumerate(parts):
            for b, of_b in parts[i + 1:]:
                same = of_a[0].number == of_b[0].number
                inside = (a.begin <= b.begin and b.end <= a.end) or (b.begin <= a.begin and a.end <= b.end)
                if not overlap(a, b) or (inside and not same):
                    continue
                hull = tokens.grow(text, found, min(a.begin, b.begin), max(a.end, b.end))
                if not hull:
                    raise Unwoven("parts of %d and %d overlap" % (of_a[0].number, of_b[0].number))
                parts[i][0] = hull
                other = next(p for p in parts if p[1] is of_b)
                other[0] = hull
                if same:
                    parts[i][1] = of_a + of_b
                    parts.remove(other)
                changed = True
                break
            if changed:
                break
    return parts


def nodes(text, found, edits):
    """The outermost nodes of the file's edits."""
    parts = sorted(settle(text, found, edits), key=lambda p: (p[0].begin, -p[0].end))
    roots, stack = [], []
    for region, of in parts:
        while stack and not (stack[-1].begin <= region.begin and region.end <= stack[-1].end):
            stack.pop()
        if stack and (stack[-1].begin, stack[-1].end) == (region.begin, region.end) and region.begin < region.end:
            node = stack[-1]
        else:
            node = Node(region)
            (stack[-1].children if stack else roots).append(node)
            stack.append(node)
        wrong, at = "", region.begin
        for e in sorted(of, key=lambda e: e.begin):
            wrong += text[at:e.begin] + e.new
            at = e.end
        node.variants.append((of[0].number, wrong + text[at:region.end]))
    return roots


def expect_whole(found, inside):
    """What stands for a value in some nodes is one expression between the tokens beside it, as it is in brackets."""
    for node in inside:
        expect_whole(found, node.children)
        before = [t.text for t in found if t.end <= node.begin][-1:]
        after = [t.text for t in found if t.begin >= node.end][:1]
        loose = [",", ";"]
        loose += ["?"] if after == ["?"] or {"&&", "||"} & {*before, *after} else []
        loose += ["||"] if "&&" in before + after else []
        for _, wrong in node.variants if not node.statement else []:
            words = tokens.tokens(wrong)
            free = [t.text for t in words if t.outer is None]
            choices = "".join(t for t in free if t in ("?", ":"))
            while "?:" in choices:
                choices = choices.replace("?:", "")
            if any(unpaired([t.text for t in words])) or {*free} & {*loose} or choices:
                raise Unwoven("in brackets it would be something else: %r" % wrong[:80])


def emit(text, begin, end, inside):
    out, at = "", begin
    for node in sorted(inside, key=lambda n: n.begin):
        out += text[at:node.begin] + woven(text, node)
        at = node.end
    return out + text[at:end]


def woven(text, node):
    right = emit(text, node.begin, node.end, node.children)
    for number, wrong in node.variants:
        if not node.statement:
            right = "ATTN_PLANT_VALUE(%d, (%s), (%s))" % (number, right, wrong)
        elif not right.strip():
            right = "if (ATTN_PLANT(%d)) {\n%s}\n" % (number, wrong)
        elif not wrong.strip():
            right = "if (!ATTN_PLANT(%d)) {\n%s}\n" % (number, right)
        else:
            right = "if (ATTN_PLANT(%d)) {\n%s\n} else {\n%s\n}" % (number, wrong, right)
    return right


def weave_text(text, edits):
    """A file's text with all of the edits in it."""
    found = tokens.tokens(text)
    body = emit(text, 0, len(text), nodes(text, found, edits))
    return '#include "planted.h"\n' + body


# ---- The copy --------------------------------------------------------------------------------------------------------


class Tree:
    """The sources, read once."""

    def __init__(self, root):
        self.root, self.kept = root, {}

    def read(self, name):
        if name not in self.kept:
            with open(os.path.join(self.root, name)) as f:
                self.kept[name] = f.read()
        return self.kept[name]


def copy_tree(folder):
    shutil.rmtree(folder, ignore_errors=True)
    planted.copy(folder)
    for name in ("CMakeLists.txt", "packaging", "scripts"):
        path = os.path.join(SOURCE, name)
        (shutil.copytree if os.path.isdir(path) else shutil.copy)(path, os.path.join(folder, name))
    os.makedirs(os.path.join(folder, "tests", "zoo"))
    for name in os.listdir(HERE):
        if name.endswith((".c", ".h", ".cmake")):
            to = folder if name.startswith("planted.") else os.path.join(folder, "tests", "zoo")
            shutil.copy(os.path.join(HERE, name), to)
    with open(os.path.join(folder, "CMakeLists.txt"), "a") as f:
        f.write("include(tests/zoo/zoo.cmake)\n")


def hurry(folder, flag):
    """Has the copy's unchecked kernels, which are nearly half of what there is to compile, compiled with `flag`."""
    path = os.path.join(folder, "kernels", "CMakeLists.txt")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("set(plain_options ", "set(plain_options %s " % flag))


def write_woven(folder, edits):
    """Weaves {file: [Edit]} into the copy."""
    tree = Tree(SOURCE)
    for name, of in edits.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(weave_text(tree.read(name), of))


def faults(names):
    """(number, patch, head) of the faults that are woven, numbered in the order of their names, all of them counted."""
    patches = sorted(glob.glob(os.path.join(SOURCE, "tests", "faults", "*.patch")))
    numbered = [(i + 1, p, planted.header(p)) for i, p in enumerate(patches)]
    return [f for f in numbered if f[2].get("build") != "own" and (not names or any(n in f[1] for n in names))]


def all_edits(chosen):
    """{file: [Edit]} of faults, and what cannot be woven."""
    tree, edits, wrong = Tree(SOURCE), {}, []
    for number, patch, _ in chosen:
        try:
            mine = edits_of_patch(number, patch, tree.read)
            for name, of in mine.items():
                found = tokens.tokens(tree.read(name))
                expect_whole(found, nodes(tree.read(name), found, of))
            for name, of in mine.items():
                edits.setdefault(name, []).extend(of)
        except Unwoven as why:
            wrong.append("%s: %s" % (os.path.basename(patch), why))
    return edits, wrong


def manifest(folder, rows):
    """zoo.txt: what attnfuzz zoo reads. Of a row: number, name, targets, max_len, property, class, what. Beside the
    rows one for each of their targets with the number 0: nothing is planted, whatever it finds is a false alarm."""
    targets = {}
    for row in rows:
        targets.update((target, row[3]) for target in row[2].split())
    rows = rows + [(0, "none-" + target, target, max_len, "-", "no fault", "nothing")
                   for target, max_len in sorted(targets.items())]
    with open(os.path.join(folder, "zoo.txt"), "w") as f:
        f.write("# commit: %s\n" % (share.commit() or "unknown"))
        f.write("# number\tname\ttargets\tmax_len\tproperties\tclass\twhat\n")
        for row in rows:
            f.write("\t".join(str(x) for x in row) + "\n")


def keep_compiled(folder, binaries):
    """Takes rows out of FOLDER/zoo.txt whose number is in none of the binaries: what the host's build does not compile
    (each use leaves its number in a section, planted.h)."""
    numbers = {0}
    for name in binaries:
        with tempfile.NamedTemporaryFile() as section:
            planted.must([os.environ.get("OBJCOPY", "llvm-objcopy-22"), "--dump-section=.attn_planted=" + section.name,
                          name, "/dev/null"], folder)
            with open(section.name, "rb") as f:  # which is another file now
                content = f.read()
        numbers.update(struct.unpack("<%dI" % (len(content) // 4), content))
    path = os.path.join(folder, "zoo.txt")
    with open(path) as f:
        lines = f.readlines()
    kept = [line for line in lines if line.startswith("#") or int(line.split("\t")[0]) in numbers]
    with open(path, "w") as f:
        f.writelines(kept)
    print("%d of the list are not compiled, and taken out of it" % (len(lines) - len(kept)))
    return 0


def main(arguments):
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    folder, names = os.path.abspath(arguments[0]), arguments[1:]
    if names[:1] == ["--compiled"]:
        return keep_compiled(folder, [os.path.abspath(name) for name in names[1:]])
    if names[:1] in (["--mutants"], ["--mutants-of"], ["--mutants-again"]):
        import mutants
        weave_them = {"--mutants": mutants.weave_command, "--mutants-of": mutants.weave_listed,
                      "--mutants-again": mutants.weave_again}[names[0]]
        return weave_them(folder, names[1:])
    listed = names[:1] == ["--list"]
    chosen = faults(names[listed:])
    edits, wrong = all_edits(chosen)
    if wrong or not chosen:
        print("\n".join(wrong) or "no fault has such a name", file=sys.stderr)
        return 1
    if listed:
        os.makedirs(folder, exist_ok=True)
    else:
        copy_tree(folder)
        write_woven(folder, edits)
        hurry(folder, "-O1")
    manifest(folder, [(number, os.path.basename(patch)[:-len(".patch")], head["target"], head.get("max_len", "96"),
                       head["property"], head["class"], head["what"]) for number, patch, head in chosen])
    print("%d faults %s %d files of %s" % (len(chosen), "listed, of" if listed else "woven into", len(edits), folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
