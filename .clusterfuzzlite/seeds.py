#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seed corpus of a fuzz target: seeds.py INPUT CORPUS-FOLDER ZIP, INPUT as fuzz/targets/targets.txt says.

  text     problem lines and session scripts: those of the corpus, lines spread evenly over all files
  session  a header and events (fuzz/session/session.h)
  genome   switches of features followed by genes (fuzz/domain/domain.h): the empty input, each feature alone, and every
           feature at once, with three fillings of the genes
  bytes    a first byte that says what the rest is: one of each kind, as it is and with one change
  keys     a first byte that says how, then keys of a model's file, four bytes each (fuzz/targets/fuzz_gguf.c): each
           alone, as a number and as an array, some models, and a file as it stands
  code     a processor, what the rest is, how it is launched, then instructions, changes or a file (fuzz_code.c)
"""
import pathlib
import sys
import zipfile

LINES = 256
FEATURE_BITS = 32
GENE_BYTES = 92


def lines(corpus):
    found = []
    for path in sorted(corpus.rglob("*")):
        if path.is_file() and path.parent.name in ("seeds", "regress"):
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.startswith("fa1 "):
                    found.append(line.encode() + b"\n")
    step = max(1, -(-len(found) // LINES))
    return found[::step]


def scripts(corpus):
    for path in sorted((corpus / "sessions").glob("*.txt")):
        text, script = path.read_text(encoding="utf-8"), ""
        for line in text.splitlines(keepends=True):
            if script or line.startswith("session "):
                script += line
            if script and "}" in line.split("#")[0]:
                yield script.encode()
                script = ""


def sessions():
    """Each feature alone and all at once, planned and run, with a few fillings of server and events."""
    for mask in [0] + [1 << bit for bit in range(24)] + [0xFFFFFF, 0x555555, 0xAAAAAA]:
        for run in (0, 1):
            for fill in (3, 7, 151):
                server = bytes((fill * i + mask) % 256 for i in range(28))
                events = bytes((fill * i + i // 4 + run) % 256 for i in range(4 * 16))
                yield mask.to_bytes(3, "little") + bytes([run]) + server + events


def genomes():
    yield b"\0"
    masks = [1 << bit for bit in range(FEATURE_BITS)] + [(1 << FEATURE_BITS) - 1, 0x55555555, 0xAAAAAAAA]
    for mask in masks:
        head = mask.to_bytes(4, "little")
        yield head + bytes(GENE_BYTES)
        yield head + bytes((7 * i + 3) % 256 for i in range(GENE_BYTES))
        yield head + bytes((151 * i + mask) % 256 for i in range(GENE_BYTES))


def code():
    for processor in range(10):
        for how in (0, 1, 0x73):
            yield bytes([processor, 0, how]) + bytes(8)
        # v_mov_b32 v1, s1; ds_write, global and scalar loads as gfx9 and gfx11 have them; changes; a file
        for word in (0x7e020201, 0xd81a0000, 0xdc508000, 0xc0060002, 0xf4000040, 0xd8340000, 0xdc520000):
            yield bytes([processor, 0, 1]) + word.to_bytes(4, "little") + bytes([1, 2, 0, 0])
        for at in (18, 40, 64, 0x140, 0x160, 0x400, 0x430, 0x480, 0x540, 0x640):
            yield bytes([processor, 2, 1]) + at.to_bytes(2, "little") + bytes([at % 3, 255])
        yield bytes([processor, 3, 0]) + b"\x7fELF\2\1\1" + bytes(9) + b"\3\0\xe0\0"


def bytes_of_each_kind():
    for kind in range(10):
        for inside in (0, 130):  # 130: a multiple of ten above 127, changes come before compression
            yield bytes([kind + inside])
            yield bytes([kind + inside, 0, 1, 1, 3])


def keys():
    number, array, layers = 0, 128, 3 << 4  # 3: an array of five
    for how in range(4):
        for what in range(24):
            yield bytes([how, what, number, 64, 0])
            yield bytes([how, what, array, 5, layers])
    window = bytes([11, number, 64, 0, 12, array, 1, layers, 7, number, 32, 0])
    drafter, view = bytes([15, number, 1, 0]), bytes([5, number, 64, 2, 6, number, 0, 2, 9, number, 192, 0,
                                                         10, number, 128, 0])
    for parts in (window, drafter, view, window + drafter, window + view + drafter + bytes([21, 16, 1, 0])):
        yield b"\1" + parts
    text = lambda t: len(t).to_bytes(8, "little") + t  # noqa: E731
    yield b"\0GGUF" + (3).to_bytes(4, "little") + bytes(8) + (1).to_bytes(8, "little") + \
        text(b"general.architecture") + (8).to_bytes(4, "little") + text(b"llama")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.splitlines()[0])
    form, corpus, out = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    makers = {
        "text": lambda: lines(corpus) + list(scripts(corpus)),
        "session": sessions,
        "genome": genomes,
        "bytes": bytes_of_each_kind,
        "code": code,
        "keys": keys,
    }
    if form not in makers:
        sys.exit(f"seeds.py: no input is called {form}: {', '.join(makers)}")
    seeds = list(makers[form]())
    if not seeds:
        sys.exit(f"seeds.py: no problem lines in {corpus}")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, seed in enumerate(dict.fromkeys(seeds)):
            # A fixed time: the same seeds give the same archive.
            archive.writestr(zipfile.ZipInfo(f"{number:04}", (1980, 1, 1, 0, 0, 0)), seed)


main()
