# SPDX-License-Identifier: MIT
"""Reads a source tree and a build of it: what files include, which symbols their objects define and use, how long their
functions are. What is right and wrong about it is said elsewhere (scripts/house.py)."""

import ast
import collections
import json
import os
import re
import shlex
import shutil
import subprocess

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CODE = (".c", ".h", ".cc", ".hip")
SCRIPTS = (".py", ".sh", ".cmake")

# ---- Files and includes --------------------------------------------------------------------------------------------


def files(root, folders):
    """Paths from the root, of code alone, in an order that is the same everywhere."""
    found = []
    for folder in folders:
        for at, below, names in os.walk(os.path.join(root, folder)):
            below.sort()
            found += [os.path.relpath(os.path.join(at, name), root) for name in names if name.endswith(CODE)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def without_comments(text):
    """The text with comments and the inside of strings blanked; line ends stay where they are."""
    def blank(match):
        word = match.group(0)
        if word.startswith("/"):
            return re.sub(r"[^\n]", " ", word)
        return word[0] + " " * (len(word) - 2) + word[-1]
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def includes(root, paths, more=()):
    """path -> the files of the tree that it includes. An include names its file by the path from the root; one that is
    beside the includer or in a folder of `more` is found too."""
    found = {}
    for path in paths:
        names = re.findall(r"^[ \t]*#[ \t]*include[ \t]*[\"<]([^\">\n]+)[\">]", read(root, path), re.M)
        found[path] = []
        for name in names:
            for folder in ("", os.path.dirname(path), *more):
                at = os.path.normpath(os.path.join(folder, name))
                if not at.startswith("..") and os.path.isfile(os.path.join(root, at)):
                    found[path].append(at)
                    break
    return found


# ---- Functions and lines -------------------------------------------------------------------------------------------


def functions(root, path):
    """(name, first line, number of lines) of each function: a brace alone on its line, under a line that ends a list of
    parameters, opens one (.clang-format has it so), and a brace at the same depth closes it."""
    if path.endswith(".py"):
        nodes = ast.walk(ast.parse(read(root, path)))
        return [(n.name, n.lineno, n.end_lineno - n.lineno + 1) for n in nodes if isinstance(n, ast.FunctionDef)]
    lines, found, i = without_comments(read(root, path)).split("\n"), [], 0
    while i < len(lines):
        opened = re.fullmatch(r"( *)\{\s*", lines[i])
        if opened and i and re.search(r"\)[\w\s:,(){}*&-]*$", lines[i - 1]):
            first = i - 1
            while first and lines[first - 1].strip() and not re.search(r"[;}{:]\s*$", lines[first - 1]) \
                    and not lines[first - 1].lstrip().startswith("#"):
                first -= 1
            last = i
            while last + 1 < len(lines) and not re.match(opened.group(1) + r"\}", lines[last]):
                last += 1
            names = re.findall(r"([\w~]+|operator\W+)\s*\(", " ".join(lines[first:i]))
            names = [n for n in names if not re.fullmatch(r"__\w+|[A-Z0-9_]+", n)] or ["?"]
            found.append((names[0], first + 1, last - first + 1))
            i = last
        i += 1
    return found


def lines_of_code(root, path):
    """Lines that are neither blank nor comment alone."""
    text = read(root, path)
    if path.endswith(CODE):
        text = without_comments(text)
    else:
        text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    return sum(1 for line in text.split("\n") if line.strip())


# ---- Objects and symbols -------------------------------------------------------------------------------------------


class Object:
    """One object of a build: its source (a path from the root; a generated one's from the build folder, whose folders
    are those of the tree), what it defines and what it uses."""

    def __init__(self, path, source, command):
        self.path, self.source, self.command = path, source, command
        self.defines, self.uses = set(), set()


def objects(root, build):
    """The objects that the build's compile_commands.json names; those of tests are left out."""
    root, build, found = os.path.realpath(root), os.path.realpath(build), []
    with open(os.path.join(build, "compile_commands.json")) as f:
        entries = json.load(f)
    for entry in entries:
        words = shlex.split(entry["command"])
        path = os.path.join(entry["directory"], words[words.index("-o") + 1])
        source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        base = build if source.startswith(build + os.sep) else root
        source = os.path.relpath(source, base)
        if not (source.startswith("tests/") or os.path.relpath(os.path.realpath(path), build).startswith("tests/")):
            found.append(Object(path, source, words))
    return found


def symbol_reader():
    for name in ["llvm-nm"] + ["llvm-nm-%d" % v for v in range(30, 17, -1)] + ["nm"]:
        if shutil.which(name):
            return name
    return None


SANITIZERS_OWN = ("___asan_", "__odr_asan", "__start_", "__stop_")


def read_symbols(found, reader):
    """Fills in what each object defines and uses. Inline functions and templates of headers, of which every object that
    uses them has a weak copy, are nobody's; so is what is static, and what a sanitizer puts into every object."""
    by_path = {o.path: o for o in found}
    paths = list(by_path)
    for begin in range(0, len(paths), 100):
        command = [reader, "-A", "-P", "-g", *paths[begin:begin + 100]]
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
            path, _, rest = line.partition(": ")
            words, o = rest.split(), by_path[path]
            name, kind = words[0], words[1]
            if name.startswith(SANITIZERS_OWN):
                continue
            if kind in "Uw" or (kind == "v" and len(words) == 2):
                o.uses.add(name)
            elif kind in "TDBRSCAi" or (kind in "WV" and o.source.endswith(".c")):
                o.defines.add(name)
    return found


def calls(found):
    """(source A, source B) -> the symbols that A uses and B defines. A symbol that several files define is an edge to
    each of them, but for a program's entry points: main, and what a fuzzing engine calls."""
    definers = collections.defaultdict(set)
    for o in found:
        for name in o.defines:
            if name != "main" and not name.startswith("LLVMFuzzer"):
                definers[name].add(o.source)
    edges = collections.defaultdict(set)
    for o in found:
        for name in o.uses:
            for definer in definers.get(name, ()):
                if definer != o.source:
                    edges[o.source, definer].add(name)
    return edges


def divided(root, found, including):
    """The objects, each of a unit (a .c file that includes .c files, which no object tells apart) replaced by one for
    each of its files: it defines the functions and tables that its text has at file level, and uses the names in its
    text that the object uses or that another part has at file level."""
    result, texts = [], {}
    for o in found:
        parts = [p for p in including.get(o.source, ()) if p.endswith(".c")]
        if not parts:
            result.append(o)
            continue
        owner, words = {}, {}
        for p in [o.source] + parts:
            if p not in texts:
                texts[p] = without_comments(read(root, p))
            words[p] = set(re.findall(r"\w+", texts[p]))
            for name in re.findall(r"^[A-Za-z_][\w \t*]*?[ \t*](\w+)(?=\([^;{]*\)\s*\{|(?:\[[^\]\n]*\])* =)", texts[p],
                                   re.M):
                owner[name] = p
        # Names of one unit are not those of another, unless they are the object's own.
        within = lambda name: name if name in o.defines else o.source + ":" + name  # noqa: E731
        for p in [o.source] + parts:
            part = Object(o.path, p, o.command)
            part.defines = {within(name) for name, at in owner.items() if at == p}
            part.uses = (o.uses & words[p]) | {within(n) for n in words[p] if owner.get(n, p) != p}
            result.append(part)
    return result


# ---- Circles -------------------------------------------------------------------------------------------------------


def circles(edges):
    """The circles of a graph of (from, to) pairs: of each strongly connected part a shortest circle and its members."""
    after = collections.defaultdict(list)
    for a, b in sorted(edges):
        if a != b:
            after[a].append(b)
    number, low, stack, on, parts = {}, {}, [], set(), []

    def visit(start):
        work = [(start, iter(after[start]))]
        number[start] = low[start] = len(number)
        stack.append(start)
        on.add(start)
        while work:
            node, rest = work[-1]
            for b in rest:
                if b not in number:
                    number[b] = low[b] = len(number)
                    stack.append(b)
                    on.add(b)
                    work.append((b, iter(after[b])))
                    break
                if b in on:
                    low[node] = min(low[node], number[b])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    part = []
                    while not part or part[-1] != node:
                        part.append(stack.pop())
                        on.discard(part[-1])
                    if len(part) > 1:
                        parts.append(sorted(part))

    for node in sorted(after):
        if node not in number:
            visit(node)
    return [(shortest(part, after), part) for part in sorted(parts)]


def shortest(part, after):
    """The shortest way from a member back to itself, of all members of a strongly connected part."""
    best, members = None, set(part)
    for start in part:
        came, queue = {start: None}, collections.deque([start])
        while queue:
            node = queue.popleft()
            if start in after[node]:
                way = [node]
                while came[way[-1]] is not None:
                    way.append(came[way[-1]])
                if best is None or len(way) < len(best):
                    best = way[::-1]
                break
            for b in after[node]:
                if b in members and b not in came:
                    came[b] = node
                    queue.append(b)
    return best
