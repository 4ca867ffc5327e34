#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plant.py BUILD PATCH OUT: the command, and attn_hip.so where BUILD has it, with a known fault (tests/faults/*.patch).

BUILD is a finished build folder. Only the files that the patch names in its `rebuild:` line are compiled again, from a
patched copy of the sources, with BUILD's own commands; everything else is linked as it is. OUT gets attnfuzz and
attn_hip.so; BUILD is not changed."""

import glob
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import planted  # noqa: E402


def main(build, patch, out):
    build, out = os.path.abspath(build), os.path.abspath(out)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    tree = os.path.join(out, "tree")
    planted.patched_copy(patch, tree)
    gpu = os.path.exists(os.path.join(build, "bin", "attn_hip.so"))
    made = planted.Build(build, ["attnfuzz"] + (["attn_hip"] if gpu else []))
    objects = made.compile_again(planted.header(patch)["rebuild"].split(), tree, out)
    for name in ["attnfuzz"] + (["attn_hip.so"] if gpu else []):
        made.link_again(name, objects, os.path.join(out, name))
    shutil.rmtree(tree)
    for path in glob.glob(os.path.join(out, "*.o")) + glob.glob(os.path.join(out, "*.o.d")):
        os.remove(path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except planted.Failed as failed:
        sys.exit("plant.py: %s" % failed)
