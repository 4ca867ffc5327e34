#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plant.py BUILD PATCH OUT: the command, and attn_hip.so where BUILD has it, with a known fault (tests/faults/*.patch).

BUILD is a finished build folder. Only the files that the patch names in its `rebuild:` line are compiled again, from a
patched copy of the sources, with BUILD's own commands; everything else is linked as it is. OUT gets attnfuzz and
attn_hip.so; BUILD is not changed."""

import glob
import os
import re
import shlex
import shutil
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ("planner", "reference", "code", "kernels", "fuzz", "subjects", "cli")


def must(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", shell=isinstance(command, str))
    if done.returncode:
        sys.exit("plant.py: failed: %s\n%s%s" % (command, done.stdout, done.stderr))
    return done.stdout


def patched_tree(patch, tree):
    shutil.rmtree(tree, ignore_errors=True)
    for room in ROOMS:
        if os.path.isdir(os.path.join(SOURCE, room)):
            shutil.copytree(os.path.join(SOURCE, room), os.path.join(tree, room))
    must(["patch", "-p1", "-s", "--fuzz=0", "-i", os.path.abspath(patch)], tree)


def value_after(words, flag):
    return words[words.index(flag) + 1]


def compile_again(commands, rebuild, build, tree, out):
    """Compiles what the fault is in; old object -> new object, in the order of the commands."""
    objects = {}
    for line in commands:
        words = shlex.split(line)
        if "-c" not in words or "-o" not in words:
            continue
        source = os.path.relpath(os.path.join(build, value_after(words, "-c")), SOURCE)
        if source not in rebuild:
            continue
        old = value_after(words, "-o")
        objects[old] = os.path.join(out, "%d.o" % len(objects))
        words = [w if build in w else re.sub(re.escape(SOURCE) + "(?=/|$)", lambda _: tree, w) for w in words]
        words[words.index("-o") + 1] = objects[old]
        if "-MF" in words:
            words[words.index("-MF") + 1] = objects[old] + ".d"
        must(words, build)
    return objects


def link_again(commands, name, objects, build, target):
    """The link command of bin/NAME: objects in it are replaced, those in archives come before the archives."""
    line = [c for c in commands if re.search(r" -o bin/%s( |$)" % re.escape(name), c)][-1]
    linked = {old: new for old, new in objects.items() if old in line.split()}
    for old, new in linked.items():
        line = line.replace(" %s " % old, " %s " % shlex.quote(new))
    archived = [new for old, new in objects.items() if old not in linked and "/attn_hip" not in old]
    extra = "" if name.endswith(".so") else " " + " ".join(map(shlex.quote, archived))
    if not linked and not extra.strip():
        sys.exit("plant.py: nothing in %s comes from the patched files" % name)
    must(line.replace(" -o bin/" + name, "%s -o %s" % (extra, shlex.quote(target))), build)


def main(build, patch, out):
    build, out = os.path.abspath(build), os.path.abspath(out)
    with open(patch) as f:
        rebuild = re.search(r"^# rebuild: (.*)$", f.read(), re.M).group(1).split()
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    tree = os.path.join(out, "tree")
    patched_tree(patch, tree)
    gpu = os.path.exists(os.path.join(build, "bin", "attn_hip.so"))
    targets = ["attnfuzz"] + (["attn_hip"] if gpu else [])
    commands = must(["ninja", "-C", build, "-t", "commands"] + targets, build).splitlines()
    objects = compile_again(commands, rebuild, build, tree, out)
    if not objects:
        sys.exit("plant.py: no command compiles " + " ".join(rebuild))
    for name in ["attnfuzz"] + (["attn_hip.so"] if gpu else []):
        link_again(commands, name, objects, build, os.path.join(out, name))
    shutil.rmtree(tree)
    for path in glob.glob(os.path.join(out, "*.o")) + glob.glob(os.path.join(out, "*.o.d")):
        os.remove(path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
