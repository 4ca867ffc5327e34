#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each failure that the machine names is committed by a small kernel, and a kernel that nearly does ends well: on every
AMD row of the device table, under several schedules. failures/failures.c has the kernels; a failure of the list in
isa/isa.h that none of them commits is a fault of this test, unless it says why there is none."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import command  # noqa: E402

COMPILER = os.environ.get("CC", "clang")
LAUNCH = os.path.join(os.environ.get("ATTN_BIN", "build/bin"), "isa_launch")
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "failures", "failures.c")
TARGETS = [device for device in command.devices() if device.startswith("gfx")]
SCHEDULES = (0, 1, 2, 3)

# Failure, kernel, n that commits it, kernel and n that just does not, workgroups, work items.
CASES = [
    ("global_bounds", "bounds_write", 1, "bounds_write", 0, 1, 64),
    ("global_bounds", "bounds_read", 1, "bounds_read", 0, 1, 64),
    ("global_bounds", "bounds_before", 1, "bounds_before", 0, 1, 64),
    ("global_readonly", "readonly", 1, "readonly", 0, 1, 64),
    ("global_unwritten", "unwritten_global", 1, "unwritten_global", 0, 1, 64),
    ("global_race", "race_groups", 1, "race_groups", 0, 2, 32),
    ("global_race", "race_reader", 1, "race_reader", 0, 2, 32),
    ("alignment", "misaligned_atomic", 2, "misaligned_atomic", 4, 1, 32),
    ("lds_bounds", "lds_bounds", 1, "lds_bounds", 0, 1, 64),
    ("lds_unwritten", "lds_unwritten", 1, "lds_unwritten", 0, 1, 64),
    ("lds_race", "lds_race", 1, "lds_race", 0, 1, 128),
    ("scratch_bounds", "scratch_bounds", 1 << 20, "scratch_bounds", 15, 1, 64),
    ("register_unwritten", "register_unwritten", 1, "register_unwritten", 0, 1, 64),
    ("register_bounds", "register_bounds", 1, "register_in_bounds", 1, 1, 64),
    ("hazard", "hazard_load", 1, "hazard_load", 0, 1, 64),
    ("hazard", "hazard_overwrite", 1, "hazard_overwrite", 0, 1, 64),
    ("hazard", "hazard_lds", 1, "hazard_lds", 0, 1, 64),
    ("hazard", "hazard_scalar", 1, "hazard_scalar", 0, 1, 64),
    ("matrix", "matrix_repeated", 1, "matrix_repeated", 0, 1, 32),
    ("barrier", "barrier_missed", 1, "barrier_missed", 0, 1, 128),
    ("runaway", "runaway", 100000, "runaway", 0, 1, 64),
    ("trap", "trap", 1, "trap", 0, 1, 64),
    ("code_bounds", "code_bounds", 1, "code_bounds", 0, 1, 64),
    ("code_bounds", "padding", 1, "padding", 0, 1, 64),
    ("unsupported", "unsupported", 1, "unsupported", 0, 1, 64),
]
ONLY = {"matrix": "gfx11"}  # of targets whose names begin so
# What is not a kernel's doing: it is asked of the launch, or of loading.
LAUNCHES = [("launch", "launch", 0, 1, 128), ("none", "launch", 0, 1, 64)]
WITHOUT = {"none": "is none", "memory": "is the machine's own, when it gets none"}


def compile_all(folder):
    objects = {}
    for target in TARGETS:
        objects[target] = "%s/%s.o" % (folder, target)
        done = subprocess.run([COMPILER, "-target", "amdgcn-amd-amdhsa", "-mcpu=" + target, "-nogpulib", "-O2",
                               "-Wno-everything", "-o", objects[target], SOURCE], capture_output=True, text=True)
        if done.returncode != 0:
            if "lld" in done.stderr and "executable" in done.stderr:
                print("skipped: no lld to link AMD code objects with")
                sys.exit(77)
            sys.exit(done.stderr[:2000])
    return objects


def asked(objects):
    """Lines for the launcher, with what each must end in."""
    lines = []
    for target, path in objects.items():
        for failure, bad, bad_n, good, good_n, groups, items in CASES:
            if not target.startswith(ONLY.get(failure, "")):
                continue
            for schedule in SCHEDULES if "race" in failure or failure == "barrier" else SCHEDULES[:1]:
                lines.append(("%s %s %s %d %d %d %d" % (target, path, bad, bad_n, groups, items, schedule), failure))
                lines.append(("%s %s %s %d %d %d %d" % (target, path, good, good_n, groups, items, schedule), "none"))
        for failure, name, n, groups, items in LAUNCHES:
            lines.append(("%s %s %s %d %d %d 0" % (target, path, name, n, groups, items), failure))
        size = os.path.getsize(path)
        lines.append(("%s %s first %d" % (target, path, size // 2), "object"))
        lines.append(("%s %s first %d" % (target, path, size), "none"))
    return lines


def uncommitted():
    """Names of isa/isa.h's list that no case is for."""
    text = open(os.path.join(command.SOURCE, "isa", "isa.h")).read()
    names = re.findall(r"^ *X\([A-Z_]+, ([a-z_]+), \"", text, re.M)
    committed = {case[0] for case in CASES + LAUNCHES} | {"object"} | set(WITHOUT)
    return ["no kernel commits %s" % name for name in names if name not in committed] if names else ["no list read"]


def main(folder):
    lines = asked(compile_all(folder))
    done = subprocess.run([LAUNCH], input="".join(line + "\n" for line, _ in lines), capture_output=True, text=True)
    if "no disassembler" in done.stdout or "libLLVM" in done.stdout:
        print("skipped: %s" % done.stdout.splitlines()[0])
        return 77
    answers = done.stdout.splitlines()
    wrong = uncommitted()
    if done.returncode != 0 or len(answers) != len(lines):
        wrong.append("the launcher ended with %d after %d of %d lines: %s"
                     % (done.returncode, len(answers), len(lines), done.stderr[-1000:]))
    for (line, failure), answer in zip(lines, answers):
        if answer.split("\t")[0] != failure:
            wrong.append("%s: %s, must be %s" % (line.replace(folder + "/", ""), answer, failure))
    for text in wrong[:40]:
        print(text)
    print("%d launches on %d targets, %d not as they must be" % (len(lines), len(TARGETS), len(wrong)))
    return 1 if wrong else 0


with tempfile.TemporaryDirectory() as work:
    sys.exit(main(work))
