# SPDX-License-Identifier: MIT
"""Faults planted one at a time (tests/faults/*.patch, reverts of correct lines) are found by fuzzing from an empty
corpus, within the time each patch states, and the line printed fails with the fault and holds without it. So does the line
that the target has shrunk it to, which fails in the same way and is smaller; attnfuzz shrink makes the like of it."""
import glob, json, os, re, shlex, shutil, subprocess, sys, time

SOURCE, BUILD, BIN = (os.environ[k] for k in ("ATTN_SOURCE", "ATTN_BUILD", "ATTN_BIN"))
NIGHTLY = os.environ.get("ATTNFUZZ_NIGHTLY") or sys.argv[1:]
CXX = os.environ.get("CXX", "clang++-22")


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **options)


def must(command, **options):
    done = run(command, **options)
    if done.returncode != 0:
        sys.exit("failed: %s\n%s%s" % (shlex.join(command), done.stdout, done.stderr))


def header(patch):
    return dict(re.findall(r"^# (\w+): (.*)$", open(patch).read(), re.M))


def cached(name):
    return re.search(r"^%s:\w+=(.*)$" % name, open(BUILD + "/CMakeCache.txt").read(), re.M).group(1)


def elsewhere(word, tree):
    """A word of a compiler's command as it is for the patched copy of the source: what the build made stays where it is."""
    return word if BUILD in word else re.sub(re.escape(SOURCE) + "(?=/|$)", lambda _: tree, word)


def build(patch, head, work):
    """The target and the command with the fault: its own objects come before the libraries that hold the same."""
    tree = work + "/tree"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    for room in ("planner", "reference", "code", "kernels", "subjects", "fuzz", "cli"):
        shutil.copytree(os.path.join(SOURCE, room), os.path.join(tree, room))
    must(["patch", "-p1", "-s", "--fuzz=0", "-i", patch], cwd=tree)
    objects, current = [], set()
    for entry in json.load(open(BUILD + "/compile_commands.json")):
        current.add(os.path.join(BUILD, re.search(r" -o (\S+)", entry["command"]).group(1)))
        name = os.path.relpath(entry["file"], SOURCE)
        # Kernels are compiled a second time for speed, the planner's sources for the null runtime.
        if name not in head["rebuild"].split() or "_plain" in entry["command"] or " -o subjects/" in entry["command"]:
            continue
        command = [elsewhere(w, tree) for w in shlex.split(entry["command"])]
        objects.append("%s/%d.o" % (work, len(objects)))
        command[command.index("-o") + 1] = objects[-1]
        must(command, cwd=work)
    if not objects:
        sys.exit("nothing to rebuild for " + patch)
    libraries = [BUILD + "/lib/libattn_%s.a" % n for n in ("subjects", "fuzz", "kernels_host", "reference", "planner", "code")]
    for name, engine in ((head["target"], "fuzzer"), ("attnfuzz", "fuzzer-no-link")):
        # A build folder keeps objects of files that are no more.
        own = [o for o in glob.glob("%s/*/CMakeFiles/%s.dir/**/*.o" % (BUILD, name), recursive=True) if o in current]
        flags = "-fsanitize=" + ",".join(x for x in (engine, cached("ATTN_SANITIZE")) if x)
        must([CXX, flags, *own, *objects, *libraries, "-lelf", "-lmsgpackc", "-lzstd", "-lz", "-lm", "-lpthread", "-ldl", "-o", "%s/%s" % (work, name)])


def same_failure(a, b):
    """Property, kernel, rule and failure of two findings, as they are printed."""
    return [re.findall(r"^P\d+ \w+|(?: (?:kernel|rule|failure)=\S+)", x.split(": ")[0]) for x in (a, b)]


def shrunk(name, work, finding, line, stderr):
    """None, or what is wrong with the line that the target shrank its finding to."""
    session = re.search(r"^shrunk in \d+ steps \(\d+ tries.*?from (\d+) events to (\d+):\n(P\d+ .*)\n  line:   (.*)$", stderr, re.M)
    if session:
        events, fewer, what, small = session.groups()
        a, b = same_failure(finding, what)
        if a != b or int(fewer) > int(events) or len(small) > len(line):
            return "%s: shrunk to another failure or a larger session: %s: %s" % (name, b, small)
        if run([work + "/attnfuzz", "run", small]).returncode != 1 or run([BIN + "/attnfuzz", "run", small]).returncode != 0:
            return "%s: the shrunk session does not fail, or fails without the fault too: %s" % (name, small)
        command = run([work + "/attnfuzz", "shrink", "--tries", "60", "--json", line])
        verb = json.loads(command.stdout or "{}")
        if command.returncode != 0 or "P%d" % verb["property"] != what.split()[0] or len(verb["line"]) > len(line):
            return "%s: attnfuzz shrink ended with %d: %s" % (name, command.returncode, command.stdout + command.stderr)
        if run([BIN + "/attnfuzz", "shrink", line]).returncode != 2:
            return "%s: attnfuzz shrink finds a session to fail that holds: %s" % (name, line)
        print("  shrunk from %s events to %s:\n    %s" % (events, fewer, small), flush=True)
        return None
    report = re.search(r"^shrunk in (\d+) steps \((\d+) tries.*?from (\d+) features and extents of (\d+) to (\d+) and (\d+):\n"
                       r"(P\d+ .*)\n  line:   (.*)$", stderr, re.M)
    if not report:
        return "%s: the target did not shrink its finding\n%s" % (name, stderr[-2000:])
    steps, tries, features, extents, fewer, less, what, small = report.groups()
    a, b = same_failure(finding, what)
    if a != b:
        return "%s: shrunk to another failure: %s, was %s" % (name, b, a)
    if int(fewer) > int(features) or (int(fewer) == int(features) and int(less) > int(extents)):
        return "%s: shrunk to a larger line: %s" % (name, small)
    if run([work + "/attnfuzz", "run", small]).returncode != 1 or run([BIN + "/attnfuzz", "run", small]).returncode != 0:
        return "%s: the shrunk line does not fail, or fails without the fault too: %s" % (name, small)
    command = run([work + "/attnfuzz", "shrink", "--json", "--property", what[1:].split()[0], line])
    if command.returncode != 0:
        return "%s: attnfuzz shrink ended with %d: %s" % (name, command.returncode, command.stderr)
    verb = json.loads(command.stdout)
    if "P%d" % verb["property"] != what.split()[0] or (verb["kernel"] and "kernel=" + verb["kernel"] not in what):
        return "%s: attnfuzz shrink changed what fails: %s" % (name, command.stdout)
    if run([BIN + "/attnfuzz", "shrink", line]).returncode != 2:
        return "%s: attnfuzz shrink finds a line to fail that holds: %s" % (name, line)
    print("  shrunk in %s steps, %s tries: features %s to %s, extents %s to %s, %d to %d characters\n    %s"
          % (steps, tries, features, fewer, extents, less, len(line), len(small), small), flush=True)
    return None


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
    head = header(patch)
    name = os.path.basename(patch)[: -len(".patch")]
    if "nightly" in head and not NIGHTLY:
        print("%s: not run (ATTNFUZZ_NIGHTLY is not set): %s" % (name, head["nightly"]), flush=True)
        return None
    work = os.path.join(BUILD, "faults", name)
    build(patch, head, work)
    os.makedirs(work + "/found")
    began = time.monotonic()
    fuzz = run([work + "/" + head["target"], "-seed=1", "-max_len=" + head.get("max_len", "96"), "-rss_limit_mb=0", "-artifact_prefix=" + work + "/found/",
                "-max_total_time=" + head["seconds"]], cwd=work)
    took = time.monotonic() - began
    found = re.search(r"^(P\d+) .*", fuzz.stderr, re.M)
    line = re.search(r"^  line:   (.*)$", fuzz.stderr, re.M)
    inputs = glob.glob(work + "/found/crash-*")
    if not found or not line or not inputs or took > float(head["seconds"]):
        return "%s: not found in %s s (%.1f s)\n%s" % (name, head["seconds"], took, fuzz.stderr[-2000:])
    if found.group(1) not in head["property"].split():
        return "%s: found by another property: %s" % (name, found.group(0))
    if run([work + "/attnfuzz", "run", line.group(1)]).returncode != 1:
        return "%s: the line printed does not fail: %s" % (name, line.group(1))
    if run([BIN + "/attnfuzz", "run", line.group(1)]).returncode != 0 or run([BIN + "/" + head["target"], inputs[0]]).returncode != 0:
        return "%s: fails without the fault too: %s" % (name, line.group(1))
    if "explain" in head and head["explain"] not in run([work + "/attnfuzz", "explain", line.group(1)]).stdout:
        return "%s: explain does not name %s" % (name, head["explain"])
    if "script" in head:
        wrong = check_script(os.path.join(SOURCE, head["script"]), work + "/attnfuzz")
        if wrong:
            return "%s: %s: %s" % (name, head["script"], wrong)
    print("%s (%s): %.1f s, %s" % (name, head["class"], took, found.group(0)[:150]), flush=True)
    return shrunk(name, work, found.group(0), line.group(1), fuzz.stderr)


if __name__ == "__main__":
    if not os.path.exists(BIN + "/fuzz_kernel") or cached("ATTN_ENGINE") != "libfuzzer":
        print("skipped: this configuration has no libFuzzer targets")
        sys.exit(77)
    only = sys.argv[1:]
    wrong = [check(p) for p in sorted(glob.glob(SOURCE + "/tests/faults/*.patch")) if not only or any(o in p for o in only)]
    wrong = [w for w in wrong if w]
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)
