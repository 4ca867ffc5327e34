# SPDX-License-Identifier: MIT
"""Builds the library that looks like ggml's HIP backend and computes with this project's kernels (imitation_amd.hip),
good or with a fault of tests/faults/library in them, for two AMD targets, as HIP's compiler driver does it."""

import glob
import hashlib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import planted  # noqa: E402

SOURCE, BUILD = planted.SOURCE, os.environ["ATTN_BUILD"]
FOLDER = os.path.join(BUILD, "imitation-amd")
NULL = os.path.join(BUILD, "lib", "attnfuzz-null")
FAULTS = os.path.join(SOURCE, "tests", "faults", "library")
TARGETS = ("gfx90a", "gfx1100")
# What is compiled: the kernels, and what launches them.
SOURCES = {"naive": "kernels/naive.hip", "combine": "kernels/helpers/combine.hip",
           "imitation_amd": "tests/support/imitation_amd.hip", "imitation_graphs": "tests/support/imitation_graphs.c",
           "imitation_program": "tests/support/imitation_program.c"}
NAMES = ["-D%s_kernel=flash_attn_%s" % (name, name) for name in ("tile", "naive", "combine")]


def toolchain():
    """The words of a command that compiles HIP sources, host and device; exits with 77 where there is none."""
    folder = os.path.join(BUILD, "gpu", "amd", "toolchain")
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["sh", os.path.join(SOURCE, "kernels/amd-toolchain.sh"), folder], capture_output=True,
                          text=True)
    if done.returncode == 77:
        print("skipped:", done.stderr.strip())
        sys.exit(77)
    if done.returncode:
        sys.exit(done.stderr)
    return [word for word in done.stdout.split("\n")
            if word and word not in ("--cuda-device-only", "--no-gpu-bundle-output")]


def content():
    """A hash of all that the kernels are made of."""
    whole = hashlib.sha256()
    paths = glob.glob(os.path.join(SOURCE, "tests/support/imitation_*"))
    for room in ("kernels", "planner"):
        for end in ("h", "hip"):
            paths += glob.glob(os.path.join(SOURCE, room, "**", "*." + end), recursive=True)
    for path in sorted(paths):
        with open(path, "rb") as f:
            whole.update(hashlib.sha256(f.read()).digest())
    return whole


class Library:
    """Each object is compiled once for what it is made of, and kept in the build folder."""

    def __init__(self):
        os.makedirs(FOLDER, exist_ok=True)
        self.words = toolchain()
        self.content = content()
        self.content.update("\0".join(self.words).encode())

    def compile(self, name, tree=None, patch=None):
        """tree: a folder with patched files, which come before those of the source."""
        content = self.content.copy()
        if patch:
            with open(patch, "rb") as f:
                content.update(f.read())
        target = os.path.join(FOLDER, "%s-%s.o" % (name, content.hexdigest()[:24]))
        if os.path.exists(target):
            return target
        source = SOURCES[name]
        folder = tree if tree and os.path.exists(os.path.join(tree, source)) else SOURCE
        includes = ["-I" + tree] if tree else []
        if source.endswith(".c"):
            planted.must([os.environ["CC"], "-std=c11", "-O1", "-fPIC", "-DIMITATION_COMPUTES", *includes,
                          "-I" + SOURCE, "-c", "-o", target + ".new", os.path.join(folder, source)], FOLDER)
            os.replace(target + ".new", target)
            return target
        planted.must([*self.words, *NAMES, "-Wall", "-Wextra", "-Werror", "-gline-tables-only", "-fPIC",
                      *["--offload-arch=" + t for t in TARGETS], "-cuid=" + name, *includes, "-I" + SOURCE,
                      "-ffile-prefix-map=%s/=" % SOURCE, *["-ffile-prefix-map=%s/=" % tree for _ in includes],
                      "-o", target + ".new", os.path.join(folder, source)], FOLDER)
        os.replace(target + ".new", target)
        return target

    def link(self, name, objects):
        target = os.path.join(FOLDER, name + ".so")
        planted.must([os.environ["CXX"], "-shared", *objects, "-L" + NULL, "-l:libamdhip64.so.6", "-o",
                      target + ".new"], FOLDER)
        os.replace(target + ".new", target)
        return target

    def good(self):
        return self.link("imitation-good", [self.compile(name) for name in SOURCES])

    def program(self, text, library):
        """A program against ggml's headers, for which imitation_program.h stands, linked with a library."""
        source = os.path.join(FOLDER, "program.c")
        with open(source, "w") as out:
            out.write(text)
        for name in ("ggml", "ggml-alloc", "ggml-backend"):
            with open(os.path.join(FOLDER, name + ".h"), "w") as out:
                out.write('#include "tests/support/imitation_program.h"\n')
        planted.must([os.environ["CC"], "-std=c11", "-O1", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-I" + FOLDER,
                      "-I" + SOURCE, source, library, "-lm", "-Wl,-rpath," + FOLDER + ",--allow-shlib-undefined", "-o",
                      os.path.join(FOLDER, "program")], FOLDER)
        return os.path.join(FOLDER, "program")

    def faulty(self, fault):
        """With the patch of that name. Compiled again is what its head says."""
        patch = os.path.join(FAULTS, fault + ".patch")
        tree = os.path.join(FOLDER, "tree-" + fault)
        shutil.rmtree(tree, ignore_errors=True)
        for room in ("kernels", "tests/support"):
            shutil.copytree(os.path.join(SOURCE, room), os.path.join(tree, room))
        planted.must(["patch", "-p1", "-s", "--fuzz=0", "-i", patch], tree)
        again = planted.header(patch)["object"]
        objects = [self.compile(name, *((tree, patch) if name == again else ())) for name in SOURCES]
        shutil.rmtree(tree)
        return self.link("imitation-" + fault, objects)
