# SPDX-License-Identifier: MIT
"""What proof/statements.txt states is proved of the planner, a share by turns (`./dev test --long`: all); and a planted
fault makes its statement fail, with a line that fails where it is replayed too and on which explain names the rule."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import planted  # noqa: E402
import share  # noqa: E402

SOURCE, BUILD = os.environ["ATTN_SOURCE"], os.environ["ATTN_BUILD"]
PROVE = [sys.executable, os.path.join(SOURCE, "proof", "prove.py")]
TOOLS = os.path.join(BUILD, "prove", "tools")
# A minute of a core: two to four statements, and one fault.
STATEMENT_TURNS, FAULT_TURNS = 24, 6

# What explain says in place of the trace breaks either, of which the solver takes one.
EXCHANGED = "(explain's operands decide its rule|trace and explain have one cause)"
# A fault of tests/faults, the statement that it breaks, what the replay says.
FAULTS = [
    ("b01_exact_mask", "total", "a kernel other than naive is able: no"),
    ("b04_alignment_of_what_is_converted", "total", "a kernel other than naive is able: no"),
    ("b05_head_256_needs_matrix_cores", "total", "a kernel other than naive is able: no"),
    ("x03_operands_exchanged", "explained_vec", EXCHANGED + ": no"),
    ("x03_rule_after_the_one", "explained_tile", "the rules before the cause hold: no"),
    ("x06_more_waves_with_matrix_cores", "monotone_vec",
     "a kernel stays able where device and alignment are no worse: no"),
]
# The same without a line: one is found too late.
REFUTED = [
    ("x03_operands_exchanged", "explained_mma.128x128", EXCHANGED),
    ("x06_newer_matrix_cores", "monotone_mma.128x128", "a kernel stays able where device and alignment are no worse"),
]


def prove(build, *words):
    return subprocess.run([*PROVE, build, "--jobs", "1", "--tools", TOOLS, *words], capture_output=True, text=True,
                          errors="replace")


def explains(name, head, tree, line):
    """Whether attnfuzz explain, built with the fault, names the rule on the line."""
    work = os.path.join(BUILD, "prove", name)
    made = planted.Build(BUILD, ["attnfuzz"])
    objects = made.compile_again(head["rebuild"].split(), tree, work, leave_out="_plain|^subjects/null/")
    made.link_again("attnfuzz", objects, work + "/attnfuzz")
    said = subprocess.run([work + "/attnfuzz", "explain", line], capture_output=True, text=True).stdout
    return re.search(r"\.%s: " % re.escape(head["explain"]), said) is not None


def planted_tree(name):
    """A build folder with the tree that has the fault, and the fault's patch."""
    patch = os.path.join(SOURCE, "tests", "faults", name + ".patch")
    folder = os.path.join(BUILD, "prove", name)
    os.makedirs(folder, exist_ok=True)
    planted.patched_copy(patch, folder + "/tree")
    return folder, patch


def refuted(name, statement, reason):
    """None, or what is wrong."""
    folder, _ = planted_tree(name)
    done = prove(folder, "--source", folder + "/tree", "--no-line", statement)
    print("with %s:\n%s" % (name, done.stdout), end="", flush=True)
    row = re.search(r"^%s +REFUTED .*" % re.escape(statement), done.stdout, re.M)
    if done.returncode != 1 or not row or not re.search(reason, row.group(0)):
        return "%s: exit code %d, %s is not refuted, or not for '%s'" % (name, done.returncode, statement, reason)
    return None


def fault(name, statement, reason):
    """None, or what is wrong."""
    folder, patch = planted_tree(name)
    done = prove(folder, "--source", folder + "/tree", statement)
    print("with %s:\n%s" % (name, done.stdout), end="", flush=True)
    line = re.search(r"^  line: (fa1 .* \| dev=\S+)$", done.stdout, re.M)
    print("with %s:\n%s" % (name, done.stdout), end="", flush=True)
    if done.returncode != 1 or "REFUTED" not in done.stdout or not line or not re.search(reason, done.stdout):
        return "%s: exit code %d, no line, or none that fails with '%s'" % (name, done.returncode, reason)
    head = planted.header(patch)
    if "explain" in head and not explains(name, head, folder + "/tree", line.group(1)):
        return "%s: explain does not name %s on %s" % (name, head["explain"], line.group(1))
    return None


def main():
    had = subprocess.run(["sh", os.path.join(SOURCE, "proof", "cbmc.sh"), TOOLS], capture_output=True, text=True)
    if had.returncode:
        print("skipped: %s" % had.stderr.strip())
        return 77
    names = prove(BUILD, "--list").stdout.split()
    done = prove(BUILD, *share.of(names, STATEMENT_TURNS))
    print(done.stdout + done.stderr, end="", flush=True)
    wrong = [] if done.returncode == 0 else ["not all is proved: exit code %d" % done.returncode]
    for row in share.of(FAULTS, FAULT_TURNS):
        why = fault(*row)
        if why:
            wrong.append(why)
    for row in REFUTED:
        why = refuted(*row)
        if why:
            wrong.append(why)
    strange = subprocess.run([*PROVE, BUILD, "nothing"], capture_output=True, text=True)
    if strange.returncode != 2:
        wrong.append("a name that there is not: exit code %d, not 2" % strange.returncode)
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
