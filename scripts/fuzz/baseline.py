# SPDX-License-Identifier: MIT
"""What a finding is called, the same in every run: property, kernel, rule and failure, or the target and how it
crashed; and a file of those that are known: one a line, or a pattern (fnmatch) of them, '#' begins a comment."""

import fnmatch
import json
import re

PROPERTY = re.compile(r"P\d+ \w+(?: (?:kernel|rule|failure)=[\w.]+)*")


def identity(target, what):
    """Of what a target says (findings.of_text): no numbers in it that are others in another run."""
    named = PROPERTY.match(what)
    if named:
        return named.group(0)
    text = re.sub(r"^==\d+==\s*", "", what)
    text = re.sub(r"^crash target=\w+", "crash", text)
    text = re.sub(r"0x[0-9a-f]+|\d+(?:\.\d+)?", "N", text)
    return f"{target}: {' '.join(text.split())}"


def of_replay(path):
    """Of the failures and doubts of an `attnfuzz run --json`: ids, each once, in order."""
    with open(path) as f:
        report = json.load(f)
    found = []
    for f in report["failures"]:
        name = f"P{f['property']} {f['name']}" if f["property"] else "corpus: crash"
        found.append(name + (f" kernel={f['kernel']}" if f["kernel"] else "")
                     + (f" rule={f['kernel']}.{f['rule']}" if f["rule"] else "")
                     + (f" failure={f['failure']}" if f["failure"] else ""))
    found += [f"corpus: {d['verdict']} kernel={d['kernel']}" for d in report["doubts"]]
    return list(dict.fromkeys(found))


class Baseline:
    """With no file nothing is known."""

    def __init__(self, path=None):
        self.rows = []  # number of the line, pattern, was it met
        if path:
            with open(path) as f:
                for number, line in enumerate(f, 1):
                    pattern = line.split("#")[0].strip()
                    if pattern:
                        self.rows.append([number, pattern, False])

    def knows(self, name):
        known = False
        for row in self.rows:
            if row[1] == name or fnmatch.fnmatchcase(name, row[1]):
                row[2] = known = True
        return known

    def not_met(self):
        return [(number, pattern) for number, pattern, met in self.rows if not met]
