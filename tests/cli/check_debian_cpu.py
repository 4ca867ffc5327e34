#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check on the ggml CPU backend that Debian ships, where it can be had: the one for this processor and the one
for any, in which all that is found is in subjects/ggml/baseline-cpu.txt."""
import json
import os
import re
import subprocess
import sys

ATTNFUZZ, SOURCE, BUILD = os.environ["ATTNFUZZ"], os.environ["ATTN_SOURCE"], os.environ["ATTN_BUILD"]
CACHE = os.environ.get("ATTN_GGML_DEBIAN", os.path.join(BUILD, "ggml-debian"))
BASELINE = os.path.join(SOURCE, "subjects/ggml/baseline-cpu.txt")
CALLS = os.environ.get("ATTN_CHECK_CALLS", "400")

failures = []


def fail(text):
    failures.append(text)
    print("FAILED:", text)


fetched = subprocess.run(["sh", os.path.join(SOURCE, "subjects/ggml/debian.sh"), CACHE], capture_output=True, text=True)
if fetched.returncode == 77:
    print("skipped:", fetched.stderr.strip())
    sys.exit(77)
if fetched.returncode != 0:
    sys.exit(fetched.stderr)

version, library = re.search(r"^# ggml (\S+), (\S+)", open(BASELINE).read(), re.M).groups()
done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=debian-cpu", "--cache", CACHE, "--calls", CALLS,
                       "--baseline", BASELINE, "--json", "-"], capture_output=True, text=True, timeout=1800)
if done.returncode not in (0, 1):
    sys.exit(f"attnfuzz check: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr}")
report = json.loads(done.stdout)
print(f"{report['subject']}: {report['calls']} calls, {report['executed']} computed, {report['too_big']} too big; "
      f"{len(report['findings'])} findings")
for finding in report["findings"]:
    print(" ", finding["id"], "" if finding["known"] else "  (not known)", "\n   ", finding["line"], "\n   ",
          finding["message"])
if report["calls"] < int(CALLS) or report["executed"] < int(CALLS) * 3 / 4:
    fail(f"{report['calls']} calls, {report['executed']} of them computed")
if report["devices"] != ["CPU", "CPUx4"]:
    fail(f"devices {report['devices']}")
if "ggml " + version + "," not in report["subject"]:
    print(f"the baseline is of ggml {version}: what is new in this one is listed above and is not judged here")
else:
    # How far numbers are off is another matter in the code for another processor.
    numbers = () if library in report["subject"] else ("wrong", "loose")
    if numbers:
        print(f"the baseline is of {library}: what numbers are off by is listed above and is not judged here")
    if any(not f["known"] and f["kind"] not in numbers for f in report["findings"]):
        fail("findings that the baseline does not have")
sys.exit(1 if failures else 0)
