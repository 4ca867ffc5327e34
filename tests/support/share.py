#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is too long for every test run is shared out: each run takes its turn's share, drawn by the hash of the commit
that is tested, so that a commit's run can be repeated and the runs of many commits reach all of it. `./dev test --long`
sets ATTN_LONG and everything is run.

  share.py TURNS [ITEM...]   the items whose turn it is, one a line; without items the turn's number
"""

import os
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(*path):
    try:
        with open(os.path.join(*path), encoding="utf-8") as f:
            return f.read()
    except OSError:
        return ""


def commit():
    """The hash of the commit that is checked out, read as git keeps it but without git, which a bare machine lacks;
    where a workflow brought the tree without its history, the hash that it says. Otherwise none."""
    folder = os.path.join(SOURCE, ".git")
    if os.path.isfile(folder):  # a work tree of another's
        folder = os.path.join(SOURCE, read(folder).partition("gitdir:")[2].strip())
    common = os.path.join(folder, read(folder, "commondir").strip())
    head = read(folder, "HEAD").strip()
    if head.startswith("ref: "):
        name = head[len("ref: "):]
        packed = [line.split()[0] for line in read(common, "packed-refs").splitlines() if line.endswith(" " + name)]
        head = read(common, name).strip() or "".join(packed[:1])
    return head or os.environ.get("GITHUB_SHA", "")


def turn(turns):
    """Which of the turns it is, from 0."""
    return int(commit() or "0", 16) % turns


def of(items, turns):
    """Every TURNS-th of the items, in their order; all of them in a long run."""
    if os.environ.get("ATTN_LONG"):
        return list(items)
    return [item for i, item in enumerate(items) if i % turns == turn(turns)]


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(turn(int(sys.argv[1])))
    else:
        print("\n".join(of(sys.argv[2:], int(sys.argv[1]))))
