#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Faults planted in the reader of GGUF files are found by fuzz_gguf from an empty corpus; what is found holds without
them."""

import glob
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import planted  # noqa: E402

BUILD, BIN = (os.environ[k] for k in ("ATTN_BUILD", "ATTN_BIN"))
SECONDS = 600  # there for what hangs: each is found in seconds
# file, what stands there, what the fault makes of it, what the target or a sanitizer says then
FAULTS = (
    ("fuzz/model/gguf.c", "n == 0 || n > ATTN_GGUF_LAYERS_MAX ||", "n == 0 ||", ""),
    ("fuzz/model/gguf.c", "layer < ATTN_GGUF_LAYERS_MAX &&", "", "AddressSanitizer"),
    ("fuzz/model/gguf.c", "gguf->cut = r.ended;", "gguf->cut = r.next == r.end;", "in pieces it is read otherwise"),
    ("fuzz/model/play.c", "(own && window[at] && window[at] != own)", "false", "cannot be played"),
    ("fuzz/model/play.c", "ATTN_SESSION_LAYERS_MAX - (*drafter >= 0)", "ATTN_SESSION_LAYERS_MAX", ""),
)


def found(number, path, before, after, words):
    work = os.path.join(BUILD, "gguf", str(number))
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work + "/corpus")
    planted.copy(work + "/tree")
    with open(os.path.join(work, "tree", path), encoding="utf-8") as f:
        text = f.read()
    assert text.count(before) == 1, "%s no longer has %r" % (path, before)
    with open(os.path.join(work, "tree", path), "w", encoding="utf-8") as f:
        f.write(text.replace(before, after))
    build = planted.Build(BUILD, ["fuzz_gguf"])
    build.link_again("fuzz_gguf", build.compile_again([path], work + "/tree", work), work + "/fuzz_gguf")
    done = subprocess.run([work + "/fuzz_gguf", "-seed=1", "-max_len=512", "-max_total_time=%d" % SECONDS, "corpus"],
                          cwd=work, capture_output=True, text=True, errors="replace")
    inputs = glob.glob(work + "/crash-*")
    assert done.returncode and inputs and words in done.stderr, \
        "%s without %r is not found: %s" % (path, before, done.stderr[-1000:])
    good = subprocess.run([BIN + "/fuzz_gguf-replay", inputs[0]], capture_output=True, text=True, errors="replace")
    assert good.returncode == 0, "what was found fails without the fault too: %s" % good.stderr[-1000:]
    with open(inputs[0], "rb") as f:
        print("%s: %s -> %s: found by %s" % (path, before.strip(), after.strip(), f.read().hex()), flush=True)
    shutil.rmtree(work)


def main():
    if not os.path.exists(BIN + "/fuzz_gguf"):
        print("skipped: this configuration has no engine")
        return 77
    for number, fault in enumerate(FAULTS):
        found(number, *fault)
    return 0


sys.exit(main())
