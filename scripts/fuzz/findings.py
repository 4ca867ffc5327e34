# SPDX-License-Identifier: MIT
"""Findings are kept: what a run has found, also one that was killed, is moved to findings/DATE/TARGET, with a line each
in findings/DATE/findings.txt: target, what it is, the line or script that fails, the file; tabs between them."""

import os
import re
import subprocess
import tempfile
import time

from baseline import identity

HEAD = re.compile(r"^(P\d+ [a-z].*|crash target=.*|the canary is found|fuzz_\w+: .*|the domain made .*|"
                  r"==\d+== ?ERROR: (?:libFuzzer: timeout|libFuzzer: out-of-memory|LeakSanitizer).*)$", re.M)
LINE = re.compile(r"^  (?:line|input|text): +(.*)$", re.M)
SESSION = re.compile(r"^(session \{.*\})$", re.M)
# Where a crash was: of AddressSanitizer and the like, and of an assertion (glibc).
SUMMARY = re.compile(r"^SUMMARY: \w+: ([\w-]+)(?: \S+)?(?: in (\w+))?", re.M)
ASSERTION = re.compile(r": (\w+): Assertion `(.*)' failed\.$", re.M)
WRITTEN = re.compile(r"Test unit written to (\S+)")
NAMING_S = 60  # for asking about findings of which no text says what they are, together
LINE_S = 0.5   # for what an input is


class Finding:
    def __init__(self, target, what, line, path=""):
        self.target, self.what, self.line, self.path = target, what, line, path
        self.name = identity(target, what)


def of_text(text):
    """What a target's output says is wrong, in its smallest form, and the line; None: nothing."""
    heads = list(HEAD.finditer(text))
    if not heads:
        return None
    last = heads[-1] if heads[-1].group(1)[0] == "P" else heads[0]
    after = text[last.start():]
    line = LINE.search(after) or SESSION.search(after)
    what = " ".join(last.group(1).split())
    if what.startswith("crash "):
        what += where(text)
    return what, line.group(1) if line else ""


def where(text):
    """Where it crashed, by names: " (in function: assertion)"."""
    failed, summary = ASSERTION.search(text), SUMMARY.search(text)
    if failed:
        return f" (in {failed.group(1)}: assertion {failed.group(2)})"
    if summary and summary.group(1) != "libFuzzer":
        return f" ({summary.group(1)}{' in ' + summary.group(2) if summary.group(2) else ''})"
    return ""


def clean(text):
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def said_by(command, seconds, hurry):
    """What a program says until it ends; None when it takes longer, or there is no time any more."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                 start_new_session=True, env=dict(os.environ, ASAN_OPTIONS="symbolize=0"))
        try:
            until = time.monotonic() + seconds
            while child.poll() is None and time.monotonic() < until and not hurry():
                time.sleep(0.02)
            if child.poll() is None:
                return None
        finally:
            child.kill()
            child.wait()
        out.seek(0)
        return out.read().decode(errors="replace")


def name_of(target, path, places, until, hurry):
    """Asks the replay program: what it says when it runs the input, where there is time, else what the input is."""
    for folder in (places.asan, places.afl):
        program = os.path.join(folder, target + "-replay")
        if os.access(program, os.X_OK):
            break
    else:
        return None
    if not hurry() and time.monotonic() < until:
        text = said_by([program, path], until - time.monotonic(), hurry)
        if text and of_text(text):
            return of_text(text)
    text = said_by([program, "--lines", path], LINE_S, lambda: False)
    return ("", text.strip()) if text and "\n" not in text.strip() else None


class Kept:
    def __init__(self, places):
        self.places = places

    # ---- What is there -------------------------------------------------------------------------------------

    def _lines(self, date):
        try:
            with open(os.path.join(self.places.findings, date, "findings.txt"), errors="replace") as f:
                return [line.rstrip("\n").split("\t") for line in f if line.count("\t") == 3]
        except OSError:
            return []

    def dates(self):
        try:
            return sorted(os.listdir(self.places.findings), reverse=True)
        except OSError:
            return []

    def earlier(self):
        """All, newest first; files that nobody came to name too."""
        found = []
        for date in self.dates():
            folder = os.path.join(self.places.findings, date)
            lines = self._lines(date)
            named = {line[3] for line in lines}
            found += [(date, Finding(target, what, line, path)) for target, what, line, path in lines]
            for target in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                inside = os.path.join(folder, target)
                for name in sorted(os.listdir(inside)) if os.path.isdir(inside) else []:
                    if os.path.join(target, name) not in named:
                        found.append((date, Finding(target, "not named", "", os.path.join(target, name))))
        return found

    # ---- What a run has left -------------------------------------------------------------------------------

    def gather(self, engines, targets, hurry, exclude=()):
        """Moves what the run's folder and AFL++'s have to findings/DATE; hurry() says that there is no time to run
        anything. Returns date and findings."""
        logs = {}
        try:
            names = sorted(os.listdir(self.places.run))
        except OSError:
            names = []
        for name in names:
            if not name.endswith(".log") or name.split(".")[0] in exclude:
                continue
            with open(os.path.join(self.places.run, name), errors="replace") as f:
                logs[name] = f.read()
        said = {}  # by artifact
        for text in logs.values():
            for path in WRITTEN.findall(text):
                said[os.path.abspath(path)] = text
        # An engine that was ended right after it had written the file has not said so: the text is of that file.
        told = {id(text) for text in said.values()}
        silent = {name: text for name, text in logs.items() if id(text) not in told and of_text(text)}
        date = time.strftime("%Y-%m-%dT%H-%M-%S")
        found, until = [], time.monotonic() + NAMING_S
        for engine in engines:
            for target in targets:
                for path in engine.artifacts(target):
                    text = said.get(os.path.abspath(path))
                    own = [name for name in silent if name.split(".")[0] == target.name]
                    if not text and own and engine.name == "libfuzzer":
                        text = silent.pop(own[0])
                    found.append(self._keep(date, target.name, path, text, until, hurry))
        for name, text in silent.items():  # it was ended while it made its finding smaller: there is no file
            found.append(self._add(date, Finding(name.split(".")[0], *of_text(text))))
        return date, found

    def _keep(self, date, target, path, text, until, hurry):
        folder = os.path.join(self.places.findings, date, target)
        os.makedirs(folder, exist_ok=True)
        name = os.path.basename(path)
        if "/crashes" in path or "/hangs" in path:  # the same names in every queue
            name = "-".join(path.split(os.sep)[-3:])
        name = re.sub(r"[^\w.,:+-]", "_", name)
        kept = os.path.join(folder, name)
        os.replace(path, kept)
        named = text and of_text(text) or name_of(target, kept, self.places, until, hurry)
        kind = re.search(r"crash|timeout|oom|leak|hang", name)
        what, line = named or ("", "")
        what = what or f"{kind.group(0) if kind else 'crash'}, not named: no text says what it is"
        return self._add(date, Finding(target, what, line, os.path.join(target, name)))

    def _add(self, date, finding):
        folder = os.path.join(self.places.findings, date)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "findings.txt")
        before = ""
        if os.path.exists(path):
            with open(path, errors="replace") as f:
                before = f.read()
        with open(path + ".part", "w") as f:
            f.write(before + "\t".join(map(clean, (finding.target, finding.what, finding.line, finding.path))) + "\n")
        os.replace(path + ".part", path)
        return finding
