# SPDX-License-Identifier: MIT
"""Faults planted one at a time (tests/faults/*.patch, reverts of correct lines) are found by fuzzing from an empty
corpus, within the time each patch states, and the line printed fails with the fault and holds without it. So does the
line that the target has shrunk it to, which fails in the same way and is smaller; attnfuzz shrink makes the like of
it."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import planted  # noqa: E402
import share  # noqa: E402

SOURCE = planted.SOURCE
BUILD = os.environ.get("ATTN_BUILD", os.path.join(SOURCE, "build", "asan"))
BIN = os.environ.get("ATTN_BIN", os.path.join(BUILD, "bin"))
# A test run plants an eighth of the faults, those whose turn it is; `./dev test --long` plants all.
TURNS = 8
# What such a fault does depends on what its process was asked before: another verb need not see it on the same line.
OF_A_PROCESS = {"b65_first_device_for_all"}
# Multiply-adds: fuzz_kernel runs no line whole that has more (fuzz/targets/execution.h), and larger samples are slow.
WORK = 24 * 60000


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **options)


def cached(name):
    with open(BUILD + "/CMakeCache.txt") as f:
        return re.search(r"^%s:\w+=(.*)$" % name, f.read(), re.M).group(1)


def build(patch, head, work):
    """The target and the command with the fault. Kernels are compiled a second time for speed alone: not here."""
    os.makedirs(work, exist_ok=True)
    planted.patched_copy(patch, work + "/tree")
    made = planted.Build(BUILD, [head["target"], "attnfuzz"])
    objects = made.compile_again(head["rebuild"].split(), work + "/tree", work, leave_out="_plain|^subjects/null/")
    for name in (head["target"], "attnfuzz"):
        made.link_again(name, objects, work + "/" + name)


def same_failure(a, b):
    """Property, kernel, rule and failure of two findings, as they are printed."""
    return [re.findall(r"^P\d+ \w+|(?: (?:kernel|rule|failure)=\S+)", x.split(": ")[0]) for x in (a, b)]


def fails_with_the_fault_alone(work, line):
    """Whether the line fails with the fault and holds without it."""
    codes = [run([folder + "/attnfuzz", "run", "--shrink", "0", line]).returncode for folder in (work, BIN)]
    return codes == [1, 0]


def verb_shrinks(name, work, line, what, more):
    """attnfuzz shrink on the line: None and what it says, or what is wrong with it."""
    if os.path.basename(work) in OF_A_PROCESS:
        return None, {"line": line, "kernel": ""}
    command = run([work + "/attnfuzz", "shrink", "--json", *more, line])
    if command.returncode != 0:
        said = command.stdout + command.stderr
        return "%s: attnfuzz shrink ended with %d: %s" % (name, command.returncode, said), None
    verb = json.loads(command.stdout)
    if "P%d" % verb["property"] != what.split()[0]:
        return "%s: attnfuzz shrink changed what fails: %s" % (name, command.stdout), None
    if run([BIN + "/attnfuzz", "shrink", line]).returncode != 2:
        return "%s: attnfuzz shrink finds something to fail that holds: %s" % (name, line), None
    return None, verb


def shrunk_session(name, work, finding, line, report):
    events, fewer, what, small = report.groups()
    a, b = same_failure(finding, what)
    if a != b or int(fewer) > int(events) or len(small) > len(line):
        return "%s: shrunk to another failure or a larger session: %s: %s" % (name, b, small)
    if not fails_with_the_fault_alone(work, small):
        return "%s: the shrunk session does not fail, or fails without the fault too: %s" % (name, small)
    wrong, verb = verb_shrinks(name, work, line, what, ["--tries", "60"])
    if not wrong and len(verb["line"]) > len(line):
        wrong = "%s: attnfuzz shrink made it longer: %s" % (name, verb["line"])
    print("  shrunk from %s events to %s:\n    %s" % (events, fewer, small), flush=True)
    return wrong


def shrunk(name, work, finding, line, stderr):
    """None, or what is wrong with the line that the target shrank its finding to."""
    ending = r":\n(P\d+ .*)\n  line:   (.*)$"
    session = re.search(r"^shrunk in \d+ steps \(\d+ tries.*?from (\d+) events to (\d+)" + ending, stderr, re.M)
    if session:
        return shrunk_session(name, work, finding, line, session)
    report = re.search(r"^shrunk in (\d+) steps \((\d+) tries.*?"
                       r"from (\d+) features and extents of (\d+) to (\d+) and (\d+)" + ending, stderr, re.M)
    if not report:
        return "%s: the target did not shrink its finding\n%s" % (name, stderr[-2000:])
    steps, tries, features, extents, fewer, less, what, small = report.groups()
    a, b = same_failure(finding, what)
    if a != b:
        return "%s: shrunk to another failure: %s, was %s" % (name, b, a)
    if int(fewer) > int(features) or (int(fewer) == int(features) and int(less) > int(extents)):
        return "%s: shrunk to a larger line: %s" % (name, small)
    if not fails_with_the_fault_alone(work, small):
        return "%s: the shrunk line does not fail, or fails without the fault too: %s" % (name, small)
    wrong, verb = verb_shrinks(name, work, line, what, ["--property", what[1:].split()[0], "--max-work", str(WORK)])
    if not wrong and verb["kernel"] and "kernel=" + verb["kernel"] not in what:
        wrong = "%s: attnfuzz shrink changed the kernel that fails: %s" % (name, verb["kernel"])
    print("  shrunk in %s steps, %s tries: features %s to %s, extents %s to %s, %d to %d characters\n    %s"
          % (steps, tries, features, fewer, extents, less, len(line), len(small), small), flush=True)
    explained(work, small)
    return wrong


def explained(work, line):
    """What the command that has the fault says of the line, and how to ask it again."""
    faulty = os.path.join(work, "attnfuzz")
    said = run([faulty, "explain", line]).stdout
    if said:
        print("\n  $ %s explain '%s'\n    %s" % (os.path.relpath(faulty, SOURCE), line,
                                               said.rstrip().replace("\n", "\n    ")), flush=True)


def check_script(path, faulty):
    """A session that shows the fault, though its first request does not: history is what it takes."""
    done = run([faulty, "run", path])
    first = re.search(r"^FAILED .*?: P\d+ .*?step \d+ \(event \d+, request (\d+) of slot (\d+)", done.stdout, re.M)
    if done.returncode != 1 or not first:
        return "does not fail: %s%s" % (done.stdout[-500:], done.stderr[-500:])
    if first.group(1, 2) == ("1", "0"):
        return "fails in its first request already: %s" % first.group(0)
    if run([BIN + "/attnfuzz", "run", path]).returncode != 0:
        return "fails without the fault too"
    return None


def check(patch):
    head = planted.header(patch)
    name = os.path.basename(patch)[: -len(".patch")]
    work = os.path.join(BUILD, "faults", name)
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work + "/found")
    build(patch, head, work)
    began = time.monotonic()
    fuzz = run([work + "/" + head["target"], "-seed=1", "-max_len=" + head.get("max_len", "96"), "-rss_limit_mb=0",
                "-artifact_prefix=" + work + "/found/", "-max_total_time=" + head["seconds"]], cwd=work)
    took = time.monotonic() - began
    found = re.search(r"^(P\d+) .*", fuzz.stderr, re.M)
    line = re.search(r"^  line:   (.*)$", fuzz.stderr, re.M)
    inputs = glob.glob(work + "/found/crash-*")
    if not found or not line or not inputs or took > float(head["seconds"]):
        return "%s: not found in %s s (%.1f s)\n%s" % (name, head["seconds"], took, fuzz.stderr[-2000:])
    if found.group(1) not in head["property"].split():
        return "%s: found by another property: %s" % (name, found.group(0))
    if not fails_with_the_fault_alone(work, line.group(1)):
        return "%s: the line printed does not fail, or fails without the fault too: %s" % (name, line.group(1))
    if run([BIN + "/" + head["target"], inputs[0]]).returncode != 0:
        return "%s: the input fails without the fault too: %s" % (name, inputs[0])
    if "explain" in head and head["explain"] not in run([work + "/attnfuzz", "explain", line.group(1)]).stdout:
        return "%s: explain does not name %s" % (name, head["explain"])
    if "lines" in head and not fails_with_the_fault_alone(work, os.path.join(SOURCE, head["lines"])):
        return "%s: %s does not fail, or fails without the fault too" % (name, head["lines"])
    if "script" in head:
        wrong = check_script(os.path.join(SOURCE, head["script"]), work + "/attnfuzz")
        if wrong:
            return "%s: %s: %s" % (name, head["script"], wrong)
    print("%s (%s): %.1f s, %s" % (name, head["class"], took, found.group(0)[:150]), flush=True)
    return shrunk(name, work, found.group(0), line.group(1), fuzz.stderr)


def unfit(patches):
    """The patches that no longer fit the tree, all of them, also those that are not planted now."""
    tree = os.path.join(BUILD, "faults", "tree")
    planted.copy(tree)
    wrong = []
    for patch in patches:
        done = run(["patch", "-p1", "-s", "--fuzz=0", "--dry-run", "-i", patch], cwd=tree)
        absent = [f for f in planted.header(patch)["rebuild"].split() if not os.path.exists(os.path.join(SOURCE, f))]
        if done.returncode or absent:
            wrong.append("%s does not fit the tree: %s%s" % (patch, " ".join(absent), done.stdout + done.stderr))
    return wrong


def main(names):
    """Those faults; without names, those whose turn it is."""
    if not os.path.exists(BIN + "/fuzz_kernel") or cached("ATTN_ENGINE") != "libfuzzer":
        print("skipped: this configuration has no libFuzzer targets")
        return 77
    patches = sorted(glob.glob(SOURCE + "/tests/faults/*.patch"))
    wrong = unfit(patches)
    if names:
        patches = [p for p in patches if any(name in p for name in names)]
    else:
        often = [p for p in patches if "nightly" not in planted.header(p)]
        patches = share.of(often, TURNS)
        print("%d of %d faults, whose turn it is; ./dev test --long plants all" % (len(patches), len(often)),
              flush=True)
    for patch in patches:
        began = time.monotonic()
        try:
            wrong.append(check(patch))
        except planted.Failed as failed:
            wrong.append("%s: %s" % (patch, failed))
        print("  %.1f s" % (time.monotonic() - began), flush=True)
    wrong = [w for w in wrong if w]
    print("\n".join(wrong))
    return 1 if wrong or not patches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
