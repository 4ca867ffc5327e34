#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""house.py sees what it is there for: in a copy of the tree, with what is changed compiled again as the build did it,
an include that runs upward, a call that does, a circle of each kind and a line that is too long are each reported, by
the names of their files, and nothing else is."""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import house  # noqa: E402
import planted  # noqa: E402
import tree  # noqa: E402

BUILD = os.path.abspath(os.environ.get("ATTN_BUILD", "build/asan"))


def append(root, path, text):
    with open(os.path.join(root, path), "a") as f:
        f.write(text)


def compiled(root, whole, sources):
    """The build's objects, those of the sources made of the copy; one of each."""
    found, again = [], set(sources)
    for o in whole:
        if o.source not in again:
            found.append(o)
            continue
        again.remove(o.source)
        words = [planted.elsewhere(w, BUILD, root) for w in o.command]
        new = tree.Object(os.path.join(root, "%d.o" % len(found)), o.source, words)
        words[words.index("-o") + 1] = new.path
        subprocess.run(words, cwd=root, check=True)
        found += tree.read_symbols([new], tree.symbol_reader())
    return found


def neighbours(whole, ending):
    """Two files of one room of which the first calls the second, and no more than that."""
    edges = tree.calls(whole)
    for a, b in sorted(edges):
        if a.endswith(ending) and b.endswith(ending) and house.room_of(a) == house.room_of(b) and (b, a) not in edges:
            return a, b
    sys.exit("no two neighbours")


def including(root):
    """Two headers of which the first includes the second."""
    paths = [p for p in tree.files(root, house.FOLDERS) if p.endswith(".h")]
    return next((a, b) for a, all_b in sorted(tree.includes(root, paths).items()) for b in all_b if b != a)


def main():
    whole = house.symbols_of(tree.SOURCE, BUILD)
    before = set(house.judge(tree.SOURCE, whole)[0])
    a, b = neighbours(whole, ".c")
    header, included = including(tree.SOURCE)
    top = next(p for p in tree.files(tree.SOURCE, ("cli",)) if p.endswith(".h"))
    low = next(o.source for o in whole if o.source.startswith("reference/"))
    # Of a file that calls no other: a call back would be a circle too.
    known = {name for o in whole for name in o.defines}
    above, verb = sorted((o.source, name) for o in whole if o.source.startswith("cli/")
                         and not (o.uses - o.defines) & known for name in o.defines)[0]
    call = "void house_%s(void);\nvoid house_planted_%s(void);\nvoid house_planted_%s(void) { house_%s(); }\n"
    kinds = [
        ("an include that runs upward", {"planner/check.c": '#include "%s"\n' % top}, (),
         ["upward: planner/check.c includes " + top]),
        ("a circle of includes", {included: '#include "%s"\n' % header}, (), ["circle", header, included, "includes"]),
        ("a call that runs upward", {low: "void %s(void);\nvoid house_planted(void);\n"
                                          "void house_planted(void) { %s(); }\n" % (verb, verb)}, (low,),
         ["upward: %s uses %s" % (low, above), verb]),
        ("a circle of calls", {b: call % ("back", "b", "b", "back"),
                               a: "void house_back(void);\nvoid house_back(void) {}\n"}, (a, b),
         ["circle", a, b, "uses", "house_back"]),
        ("a line that is too long", {"planner/check.c": "/* %s */\n" % ("x" * 120)}, (),
         ["planner/check.c:", "columns"]),
    ]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(os.path.realpath(folder), "tree")
        for what, changes, sources, words in kinds:
            planted.copy(root)
            for path, text in changes.items():
                append(root, path, text)
            wrong = [w for w in house.judge(root, compiled(root, whole, sources))[0] if w not in before]
            if len(wrong) == 1 and all(word in wrong[0] for word in words):
                print("ok: %s: %s" % (what, wrong[0].replace("\n", " ")[:200]))
            else:
                failed += 1
                print("FAILED: %s: %d things are reported, to be one with %s\n%s"
                      % (what, len(wrong), words, "\n".join(wrong)))
        shutil.rmtree(root)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
