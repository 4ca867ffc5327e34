# SPDX-License-Identifier: MIT
"""What the zoo has kept (tests/zoo/results.txt) beside the heads of the faults that it is about: a target finds a fault
by a property that the fault's head lists, or what it found has not been looked at; nothing is found where nothing is
planted; each way has its seeds once at most, and every row is of a fault that there is. What the pages say of it is
what is kept."""

import glob
import os
import sys
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
import planted  # noqa: E402

# Of a row, by its place: cli/zoo/record.c has the others.
FAULT, WAY, SEED, END, PROPERTY, CPU_MS, FIELDS = 0, 1, 2, 4, 5, 7, 13


def rows_of(text):
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


def wrong_rows(rows, listed):
    """What is wrong with rows, of which `listed` says for each fault the properties that may find it."""
    wrong, seen = [], set()
    for row in rows:
        name = " ".join(row[FAULT:SEED + 1])
        if len(row) != FIELDS:
            wrong.append("%s: %d fields" % (name, len(row)))
            continue
        if name in seen:
            wrong.append("%s: twice" % name)
        seen.add(name)
        if row[FAULT].startswith("none-"):
            if row[END] == "found":
                wrong.append("%s: found where nothing is planted: %s" % (name, row[PROPERTY]))
        elif row[FAULT] not in listed:
            wrong.append("%s: there is no such fault" % name)
        elif row[END] == "found" and row[WAY] != "grid" and row[PROPERTY] not in listed[row[FAULT]]:
            wrong.append("%s: found by %s, which its head does not list" % (name, row[PROPERTY]))
    return wrong


def counted(rows):
    """Of each way: how many faults were found in the median of their seeds, of so many, how many within 5 seconds."""
    took = {}
    for row in rows:
        if not row[FAULT].startswith("none-"):
            ms = int(row[CPU_MS]) if row[END] == "found" else None
            took.setdefault(row[WAY], {}).setdefault(row[FAULT], []).append(float("inf") if ms is None else ms)
    medians = {way: [sorted(of)[len(of) // 2] for of in faults.values()] for way, faults in took.items()}
    return {way: (sum(ms < float("inf") for ms in of), len(of), sum(ms <= 5000 for ms in of))
            for way, of in medians.items()}


def text_of(*path):
    with open(os.path.join(SOURCE, *path)) as f:
        return " ".join(f.read().split())


class Results(unittest.TestCase):
    def test_what_is_said(self):
        with open(os.path.join(SOURCE, "tests", "zoo", "results.txt")) as f:
            of = counted(rows_of(f.read()))
        all_of = len(glob.glob(os.path.join(SOURCE, "tests", "faults", "*.patch")))
        for way, numbers in of.items():
            self.assertIn("%s: %d of %d faults within 60 CPU seconds in the median, %d within 5" % (way, *numbers),
                          text_of("docs", "results.md"))
        found, tried, soon = of["target"]
        self.assertEqual(found, tried)
        self.assertIn("planted faults, %d of %d tried | all %d found within 60 CPU seconds in the median, %d within 5; "
                      "the cases of test-backend-ops find %d of %d |" % (tried, all_of, found, soon, *of["grid"][:2]),
                      text_of("README.md"))
        ran = text_of("docs", "ran.md")
        for said in ("Planted faults, %d of the %d in" % (tried, all_of), "%d within 5, none" % soon,
                     "mutator finds %d of %d" % of["raw"][:2], "same checks %d of %d" % of["uniform"][:2],
                     "one seed, %d of %d" % of["grid"][:2]):
            self.assertIn(said, ran)

    def test_what_is_counted(self):
        def row(fault, way, end, ms):
            return [fault, way, "1", "60", end, "P2", "fuzz_kernel", ms, "1", "1", "1", "abc", "fa1"]

        self.assertEqual(counted([row("x", "raw", "found", "900"), row("x", "raw", "missed", "60000"),
                                  row("x", "raw", "found", "5001"), row("y", "raw", "missed", "60000"),
                                  row("z", "raw", "found", "5000"), row("none-fuzz_plan", "raw", "missed", "60000"),
                                  row("x", "grid", "found", "9")]), {"raw": (2, 3, 1), "grid": (1, 1, 1)})

    def test_what_is_kept(self):
        with open(os.path.join(SOURCE, "tests", "zoo", "results.txt")) as f:
            rows = rows_of(f.read())
        heads = {os.path.basename(path)[:-len(".patch")]: planted.header(path)["property"].split()
                 for path in glob.glob(os.path.join(SOURCE, "tests", "faults", "*.patch"))}
        self.assertGreater(len(rows), 300)
        self.assertEqual(wrong_rows(rows, heads), [])

    def test_what_would_be_wrong(self):
        def row(fault, way, seed, end, by, *more):
            return "\t".join([fault, way, seed, "60", end, by, "fuzz_kernel", "9", "1", "1", "1", "abc", *more, "fa1"])

        good = [row("x", "target", "1", "found", "P2"), row("x", "grid", "1", "found", "NMSE"),
                row("x", "raw", "1", "missed", ""), row("none-fuzz_kernel", "target", "1", "missed", "")]
        self.assertEqual(wrong_rows(rows_of("# head\n" + "\n".join(good)), {"x": ["P2", "P9"]}), [])
        for one, said in ((row("x", "target", "2", "found", "P5"), "found by P5"),
                          (row("x", "uniform", "2", "found", "crash"), "found by crash"),
                          (row("x", "target", "1", "found", "P9"), "twice"),
                          (row("y", "target", "1", "found", "P2"), "no such fault"),
                          (row("x", "target", "2", "found", "P2", "more"), "14 fields"),
                          (row("none-fuzz_plan", "raw", "1", "found", "P3"), "nothing is planted")):
            wrong = wrong_rows(rows_of("\n".join(good + [one])), {"x": ["P2", "P9"]})
            self.assertEqual(len(wrong), 1, one)
            self.assertIn(said, wrong[0])


if __name__ == "__main__":
    unittest.main()
