#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The house: includes and calls run downward between rooms, no files go round in a circle, no line is too long.

  house.py [BUILD]          the test: reads every #include, and what every object in the build folder defines and uses
  house.py --lines [TREE]   a table: lines by room, the longest functions and files; of another tree too

Exit code: 0 good, 1 something is wrong (each named with its file), 77 nothing to read symbols with.
"""

import collections
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import tree  # noqa: E402

# ---- The order -----------------------------------------------------------------------------------------------------
# A room, and the rooms it may use: itself and these, no other. A path belongs to the room with the longest name that it
# begins with. A room that is not there yet may stand here.

FUZZ = ("fuzz/case", "fuzz/domain", "fuzz/restated", "fuzz/properties", "fuzz/shrink", "fuzz/session", "fuzz/model",
        "fuzz/targets")
LIBRARIES = ("planner", "code", "reference", "kernels", "isa", "kernels/machine", "subjects")
PARTS = ("cli/run", "cli/check", "cli/bench", "cli/import", "cli/zoo", "cli/page")

MAY_USE = {
    "planner": (),
    "code": ("planner",),
    "proof": ("planner",),
    "reference": ("planner",),
    "kernels": ("planner", "isa"),  # the fragments' layouts
    "isa": ("planner", "code"),
    "kernels/machine": ("planner", "kernels", "code", "isa"),
    "subjects": ("planner", "code", "isa"),
    **{room: ("planner", "reference", "kernels") + FUZZ[:i] for i, room in enumerate(FUZZ)},
    # What all of the command needs, what verbs are made of, and the verbs.
    "cli/input": LIBRARIES + FUZZ,
    # What reports draw.
    "cli/picture": LIBRARIES + FUZZ + ("cli/input",),
    **{room: LIBRARIES + FUZZ + ("cli/input", "cli/picture") for room in PARTS},
    # Asks two subjects as check asks one; map asks as diff does.
    "cli/diff": LIBRARIES + FUZZ + ("cli/input", "cli/check"),
    "cli/map": LIBRARIES + FUZZ + ("cli/input", "cli/picture", "cli/check", "cli/diff"),
    "cli": LIBRARIES + FUZZ + ("cli/input", "cli/picture") + PARTS + ("cli/diff", "cli/map"),
    # For others' programs: by itself.
    "include": (),
}
MAY_USE["fuzz/targets"] += ("code", "isa", "kernels/machine")

FOLDERS = ("planner", "code", "proof", "reference", "kernels", "isa", "subjects", "fuzz", "cli", "include")
COLUMNS = 120
LONG_FUNCTION, LONG_FILE = 80, 500


def room_of(path):
    rooms = [room for room in MAY_USE if path.startswith(room + "/")]
    return max(rooms, key=len) if rooms else None


# ---- Checks: each returns what is wrong, a line each ---------------------------------------------------------------


def homeless(paths):
    return ["%s is in no room" % p for p in paths if room_of(p) is None]


def upward(edges, how):
    wrong = []
    for (a, b), names in sorted(edges.items()):
        own, other = room_of(a), room_of(b)
        if own != other and other not in MAY_USE.get(own, ()):
            wrong.append("upward: %s %s %s (%s may not use %s)%s"
                         % (a, how, b, own, other or "what is in no room", some(names)))
    return wrong


def some(names):
    names = sorted(names)
    return ": " + ", ".join(names[:3]) + (" and %d more" % (len(names) - 3) if len(names) > 3 else "") if names else ""


def round_trips(edges, how):
    wrong = []
    for way, part in tree.circles(edges):
        steps = ["%s %s %s%s" % (a, how, b, some(edges[a, b])) for a, b in zip(way, way[1:] + way[:1])]
        wrong.append("circle of %d files (%s):\n    %s" % (len(part), " ".join(part), "\n    ".join(steps)))
    return wrong


def too_wide(root):
    """Lines of code, strings too; a line of prose or of data is none."""
    wrong = []
    for path in written(root):
        for i, line in enumerate(tree.read(root, path).split("\n"), 1):
            if len(line) > COLUMNS:
                wrong.append("%s:%d: %d columns, at most %d" % (path, i, len(line), COLUMNS))
    return wrong


def written(root):
    """All files of code, scripts and build files included."""
    found = tree.files(root, FOLDERS)
    for folder in FOLDERS + ("tests", "scripts", ".ci", ".clusterfuzzlite", "."):
        for at, below, names in os.walk(os.path.join(root, folder)):
            below[:] = [] if folder == "." else [b for b in below if b != "__pycache__"]
            found += [os.path.relpath(os.path.join(at, n), root) for n in names
                      if n.endswith(tree.CODE + tree.SCRIPTS) or n in ("CMakeLists.txt", "dev", "run")]
    return sorted(set(found))


def judge(root, found):
    paths = tree.files(root, FOLDERS)
    including = tree.includes(root, paths, more=("include", "subjects/null"))
    # A unit includes its parts (tree.divided): that is no use of them.
    include_edges = {(a, b): set() for a, all_b in including.items() for b in all_b if not b.endswith(".c")}
    call_edges = tree.calls(tree.divided(root, found, including))
    wrong = homeless(paths)
    wrong += upward(include_edges, "includes") + upward(call_edges, "uses")
    wrong += round_trips(include_edges, "includes") + round_trips(call_edges, "uses")
    wrong += too_wide(root)
    return wrong, len(paths), len(include_edges), len(call_edges)


def symbols_of(root, build):
    """The build's objects with their symbols. Each must be there: what is not read is not judged."""
    if not os.path.exists(os.path.join(build, "compile_commands.json")):
        sys.exit("house.py: no compile_commands.json in %s" % build)
    reader = tree.symbol_reader()
    if not reader:
        print("skipped: neither llvm-nm nor nm is on this machine")
        sys.exit(77)
    found = tree.objects(root, build)
    absent = [o.path for o in found if not os.path.exists(o.path)]
    if absent:
        sys.exit("house.py: %d of %d objects are not built, %s first" % (len(absent), len(found), absent[0]))
    return tree.read_symbols(found, reader)


# ---- The table -----------------------------------------------------------------------------------------------------


def table(root):
    rows, long_functions, long_files = collections.OrderedDict(), [], []
    for path in written(root):
        folder = os.path.dirname(path).split("/")
        room = "/".join(folder[:2]) if folder[0] in ("fuzz", "cli", "tests") else folder[0]
        text = tree.read(root, path)
        row = rows.setdefault(room or ".", [0, 0, 0, 0, ""])
        row[0] += 1
        row[1] += text.count("\n")
        row[2] += tree.lines_of_code(root, path)
        if path.endswith(tree.CODE + (".py",)):
            for name, line, count in tree.functions(root, path):
                if count > row[3]:
                    row[3], row[4] = count, name
                if count > LONG_FUNCTION:
                    long_functions.append((count, "%s:%d %s" % (path, line, name)))
        if text.count("\n") > LONG_FILE:
            long_files.append((text.count("\n"), path))
    print("%-20s %6s %7s %7s  %s" % ("room", "files", "lines", "code", "longest function"))
    for room, (count, lines, code, longest, name) in sorted(rows.items()):
        print("%-20s %6d %7d %7d  %s" % (room, count, lines, code, "%d %s" % (longest, name) if longest else ""))
    sums = [sum(r[i] for r in rows.values()) for i in range(3)]
    print("%-20s %6d %7d %7d" % ("all", *sums))
    print("\n%d lines over %d columns" % (len(too_wide(root)), COLUMNS))
    for what, limit, found in (("functions", LONG_FUNCTION, long_functions), ("files", LONG_FILE, long_files)):
        print("\n%d %s over %d lines" % (len(found), what, limit))
        for count, name in sorted(found, reverse=True):
            print("  %5d  %s" % (count, name))


def main(arguments):
    build = os.environ.get("ATTN_BUILD", os.path.join(tree.SOURCE, "build", "asan"))
    if arguments[:1] == ["--lines"]:
        table(os.path.abspath(arguments[1]) if arguments[1:] else tree.SOURCE)
        return 0
    if arguments[:1] and arguments[0].startswith("-"):
        sys.exit(__doc__)
    found = symbols_of(tree.SOURCE, os.path.abspath(arguments[0] if arguments else build))
    wrong, n, included, called = judge(tree.SOURCE, found)
    print("%d files, %d includes, %d objects, %d pairs of files with calls: %d things wrong"
          % (n, included, len(found), called, len(wrong)))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
