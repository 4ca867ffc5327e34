# SPDX-License-Identifier: MIT
"""C and C++ as tokens, as much of it as it takes to say where an expression or a statement ends."""

import re

TOKEN = re.compile(r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<directive>(?<![^\n])[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
  | (?P<string>(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<number>\.?\d(?:[\w.']|(?<=[eEpP])[+-])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<mark><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|::|.)
""", re.X | re.S)

OPEN, CLOSE = dict(zip("([{", ")]}")), dict(zip(")]}", "([{"))
ASSIGN = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
LEFT = ASSIGN | {"(", "[", "{", "}", ",", ";", "return", "&&", "||", "?", ":", "else", "do"}
RIGHT = {")", "]", "}", ",", ";", "&&", "||", "?", ":"}


class Token:
    __slots__ = ("kind", "text", "begin", "end", "match", "outer")

    def __init__(self, kind, text, begin):
        self.kind, self.text, self.begin, self.end = kind, text, begin, begin + len(text)
        self.match = self.outer = None  # indices: of the other bracket, of the bracket that it is in


def tokens(text):
    """The tokens of a file without space and comments, brackets matched."""
    found, stack = [], []
    for m in TOKEN.finditer(text):
        if m.lastgroup == "space":
            continue
        token = Token(m.lastgroup, m.group(), m.start())
        if token.kind == "mark" and token.text in CLOSE and stack:
            at = stack.pop()
            token.match, found[at].match = at, len(found)
        token.outer = stack[-1] if stack else None
        if token.kind == "mark" and token.text in OPEN:
            stack.append(len(found))
        found.append(token)
    return found


def template_begin(found, at):
    """The index of the < that a > before a ( closes where that looks like template arguments, else None."""
    for i in range(at - 1, max(-1, at - 30), -1):
        if found[i].text == "<":
            return i
        if found[i].kind not in ("word", "number") and found[i].text not in (",", "::", ".", "+", "*"):
            return None
    return None


class Region:
    """A part of a file that can be replaced as a whole: an expression, or statements."""

    def __init__(self, begin, end, statement):
        self.begin, self.end, self.statement = begin, end, statement


def grow(text, found, begin, end):
    """The smallest expression or the statements that hold text[begin:end]; None where there is no such thing."""
    inside = [i for i, t in enumerate(found) if t.begin < end and t.end > begin]
    if begin == end:  # between two tokens: both, but for what delimits
        before = [i for i, t in enumerate(found) if t.end <= begin][-1:]
        after = [i for i, t in enumerate(found) if t.begin >= end][:1]
        inside = [i for i in before if found[i].text not in LEFT] + [i for i in after if found[i].text not in RIGHT]
    if not inside or any(found[i].kind == "directive" for i in inside):
        return None
    first, last = inside[0], inside[-1]
    # To where nothing inside is closed or opened outside; several arguments are no expression, their call is.
    while True:
        low = min([found[i].match for i in range(first, last + 1) if found[i].match is not None] + [first])
        high = max([found[i].match for i in range(first, last + 1) if found[i].match is not None] + [last])
        outer = found[first].outer
        if (low, high) != (first, last):
            first, last = low, high
        elif outer is not None and found[outer].text == "(" and any(
                found[i].text == "," and found[i].outer == outer for i in range(first, last + 1)):
            first, last = outer, found[outer].match
        else:
            break
    whole = any(found[i].text == ";" and found[i].outer == found[first].outer for i in range(first, last + 1))
    while first > 0:
        before = found[first - 1]
        if before.kind == "directive" or (before.kind == "mark" and before.text in LEFT | {"}"} and not (
                before.match is not None and before.text in (")", "]"))) or before.text in ("return", "else", "do"):
            break
        if before.text in (")", "]") and before.match is not None:
            first = before.match
        elif before.text == ">" and first < len(found) and found[first].text == "(":
            at = template_begin(found, first - 1)
            first = first - 1 if at is None else at
        else:
            first -= 1
    while last + 1 < len(found) and found[last].text not in (";",):
        after = found[last + 1]
        # What is assigned to is no value: all of the statement goes.
        whole = whole or (after.kind == "mark" and after.text in ASSIGN)
        if after.kind == "directive" or (after.kind == "mark" and after.text in ({";", "}"} if whole else RIGHT)):
            break
        last = after.match if after.text in OPEN and after.match is not None else last + 1
        if found[last].text == "}" and whole:
            break
    before = found[first - 1].text if first > 0 else ";"
    outer = found[first].outer
    in_block = outer is None or found[outer].text == "{"
    after = found[last + 1].text if last + 1 < len(found) else ";"
    if in_block and before in (";", "{", "}", "else", "do") and (after == ";" or found[last].text in (";", "}")):
        if found[last].text not in (";", "}"):
            last += 1
        return Region(found[first].begin, found[last].end, True)
    if whole:
        return None
    return Region(found[first].begin, found[last].end, False)
