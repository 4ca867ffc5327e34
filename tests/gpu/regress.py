#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""regress.py --out FOLDER FAILURES...: failing lines (attnfuzz run --failures) as files for corpus/regress.

Each finding becomes a file of its own, named for what failed and a hash of its line: the comments that say what was
wrong, then the line. Of findings with the same property and kernel the shortest few are taken; lines that corpus/ has
already are left out. Someone reads them, and adds those that tell something new; --out corpus/regress adds them all."""

import argparse
import glob
import hashlib
import os
import re
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OF_A_KIND = 5


def findings(path):
    """(comments, line) of each finding; comments of a cut off last one are dropped."""
    comments = []
    with open(path, encoding="ascii", errors="replace") as f:
        for text in f:
            if not text.endswith("\n"):
                break
            text = text.rstrip("\n")
            if text.startswith("#"):
                comments.append(text)
            elif text.startswith("fa1 "):
                yield comments, text
                comments = []
            elif text:
                sys.exit(f"{path}: neither a comment nor a problem line: {text[:80]}")


def kind_of(comments):
    """What failed, as the first word or two of a file name."""
    for comment in comments:
        named = re.match(r"# (P\d+) \w+(?: kernel=(\w+))?:", comment)
        if named:
            return "-".join(x.lower() for x in named.groups() if x)
        died = re.match(r"# death: .*?(?:while it ran (\w+))?$", comment)
        if died:
            return "-".join(x for x in ("death", died.group(1)) if x)
    return "finding"


def known_lines():
    lines = set()
    for path in glob.glob(os.path.join(SOURCE, "corpus", "**", "*.txt"), recursive=True):
        with open(path, encoding="ascii", errors="replace") as f:
            lines.update(text.strip() for text in f if text.startswith("fa1 "))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="folder for the files")
    parser.add_argument("--all", action="store_true", help=f"not only the shortest {OF_A_KIND} of a kind")
    parser.add_argument("failures", nargs="+")
    options = parser.parse_args()
    known, kinds, total = known_lines(), {}, 0
    for path in options.failures:
        for comments, line in findings(path):
            total += 1
            if line not in known:
                known.add(line)
                kinds.setdefault(kind_of(comments), []).append((len(line), line, comments))
    written = 0
    for kind, found in sorted(kinds.items()):
        found.sort()
        for _, line, comments in found if options.all else found[:OF_A_KIND]:
            os.makedirs(options.out, exist_ok=True)
            name = f"{kind}-{hashlib.sha256(line.encode()).hexdigest()[:8]}.txt"
            with open(os.path.join(options.out, name), "w", encoding="ascii") as f:
                f.write("\n".join(comments + [line]) + "\n")
            written += 1
    print(f"{total} findings, {written} files for corpus/regress" + (f" in {options.out}" if written else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
