# SPDX-License-Identifier: MIT
"""attnfuzz shrink on lines that hold, on lines that are none, and with wrong options: exit 2 and one line that says
why. (What it makes of lines that fail is tested where faults are planted: fuzz_faults.py.)"""
import os, subprocess, sys

HOLDS = "fa1 q=f32[64,3,2,1] k=f16[64,40,1,1] v=f16[64,40,1,1] mask=f16[40,3,1,1] scale=0.125 | dev=gfx942"
LARGE = "fa1 q=f32[128,4096,32,1] k=f16[128,2097152,8,1] v=f16[128,2097152,8,1] | dev=gfx942"

CASES = [
    ([HOLDS], 2, "argument 1:1 does not fail, nothing to shrink"),
    ([HOLDS.split(" |")[0]], 2, "does not fail"),
    ([LARGE], 2, "not run to the end: more multiply-adds than the limit"),
    (["--property", "1", LARGE], 2, "argument 1:1 does not fail, nothing to shrink\n"),
    (["--property", "2", HOLDS], 2, "does not fail"),
    (["--device", "gfx1100,gfx906~lds/2", HOLDS], 2, "does not fail"),
    (["--device", "gfx1", HOLDS], 2, "there is no device 'gfx1'"),
    (["--property", "4", HOLDS], 2, "--property 4: no such property"),
    (["--tries", "0", HOLDS], 2, "--tries 0"),
    (["--max-work", "x", HOLDS], 2, "--max-work x"),
    (["--sooner", HOLDS], 2, "attnfuzz shrink --help"),
    (["fa1 q=f32[64,1,1,1] k=f16[32,1,1,1] v=f16[32,1,1,1]"], 2, "d_k"),
    (["fa1 q=f32[64"], 2, "argument 1:1:"),
    (["/nonexistent.txt"], 2, "/nonexistent.txt"),
    ([], 2, "attnfuzz"),
    (["--help"], 0, ""),
]

wrong = 0
for arguments, code, text in CASES:
    done = subprocess.run([os.environ["ATTNFUZZ"], "shrink", *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != code or text not in done.stderr or (code and done.stdout):
        print("shrink %s: exit %d, want %d\n%s%s" % (arguments, done.returncode, code, done.stdout, done.stderr))
        wrong += 1
sys.exit(1 if wrong else 0)
