# SPDX-License-Identifier: MIT
"""Plants faults: a patched copy of the sources, of which only what the fault is in is compiled again, with the commands
of a finished build, and linked with the rest of that build as it is. The build is not changed."""

import os
import re
import shlex
import shutil
import subprocess

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ("planner", "reference", "code", "kernels", "isa", "subjects", "fuzz", "cli", "include")


class Failed(Exception):
    """What a command that must succeed said."""


def must(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace",
                          shell=isinstance(command, str))
    if done.returncode:
        raise Failed("failed: %s\n%s%s" % (command, done.stdout, done.stderr))
    return done.stdout


def header(patch):
    """The lines `# name: value` that a patch begins with."""
    with open(patch) as f:
        return dict(re.findall(r"^# (\w+): (.*)$", f.read(), re.M))


def copy(tree):
    """The rooms of the source in a folder that is made anew."""
    shutil.rmtree(tree, ignore_errors=True)
    for room in ROOMS:
        if os.path.isdir(os.path.join(SOURCE, room)):
            shutil.copytree(os.path.join(SOURCE, room), os.path.join(tree, room))


def patched_copy(patch, tree):
    copy(tree)
    must(["patch", "-p1", "-s", "--fuzz=0", "-i", os.path.abspath(patch)], tree)


def value_after(words, flag):
    return words[words.index(flag) + 1]


def elsewhere(word, build, tree):
    """A word of a command as it is for a copy of the source: what the build made stays where it is."""
    return word if build in word else re.sub(re.escape(SOURCE) + "(?=/|$)", lambda _: tree, word)


class Build:
    """A finished build folder and the commands that made some of its targets."""

    def __init__(self, folder, targets):
        self.folder = os.path.abspath(folder)
        self.commands = must(["ninja", "-C", self.folder, "-t", "commands", *targets], self.folder).splitlines()

    def compile_again(self, sources, tree, out, leave_out=None):
        """Compiles those sources, as the copy `tree` has them, into the folder `out`: old object -> new object, in the
        order of the commands. Objects whose names match the expression `leave_out` are left as they are."""
        objects = {}
        for line in self.commands:
            words = shlex.split(line)
            if "-c" not in words or "-o" not in words:
                continue
            source = os.path.relpath(os.path.join(self.folder, value_after(words, "-c")), SOURCE)
            old = value_after(words, "-o")
            if source not in sources or (leave_out and re.search(leave_out, old)):
                continue
            objects[old] = os.path.join(out, "%d.o" % len(objects))
            words = [elsewhere(w, self.folder, tree) for w in words]
            words[words.index("-o") + 1] = objects[old]
            if "-MF" in words:
                words[words.index("-MF") + 1] = objects[old] + ".d"
            must(words, self.folder)
        if not objects:
            raise Failed("no command compiles " + " ".join(sources))
        return objects

    def members(self, line):
        """The objects in the archives that a link command names."""
        found = set()
        for command in self.commands:
            archive = re.search(r" qc (\S+\.a) (.*?)(?: && |$)", command)
            if archive and archive.group(1) in line.split():
                found.update(archive.group(2).split())
        return found

    def link_again(self, name, objects, target):
        """Links bin/NAME as TARGET: its own objects are replaced, those in its archives come before the archives."""
        line = [c for c in self.commands if re.search(r" -o bin/%s( |$)" % re.escape(name), c)][-1]
        own = {old for old in objects if old in line.split()}
        archived = [shlex.quote(objects[old]) for old in objects if old not in own and old in self.members(line)]
        if not own and not archived:
            raise Failed("nothing in %s comes from the patched files" % name)
        for old in own:
            line = line.replace(" %s " % old, " %s " % shlex.quote(objects[old]))
        must(line.replace(" -o bin/" + name, " %s -o %s" % (" ".join(archived), shlex.quote(target))), self.folder)
