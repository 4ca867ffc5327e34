#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is too long for every test run is shared out: each run takes its turn's share, drawn by the hash of the commit
that is tested, so that a commit's run can be repeated and the runs of many commits reach all of it. `./dev test --long`
sets ATTN_LONG and everything is run.

  share.py TURNS [ITEM...]   the items whose turn it is, one a line; without items the turn's number, from 0
"""

import os
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def turn(turns):
    """Which of the turns it is; 0 where there is no history."""
    done = subprocess.run(["git", "-C", SOURCE, "rev-parse", "HEAD"], capture_output=True, text=True)
    return int(done.stdout, 16) % turns if done.returncode == 0 else 0


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
