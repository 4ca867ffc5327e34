# SPDX-License-Identifier: MIT
"""attnfuzz zoo on a folder of imitations: what it makes of what targets say and how they end, its tables, and that a
run that was interrupted or killed goes on. Woven builds are tests/scripts/zoo_weave.py's."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import ATTNFUZZ, Case, lines_of_json  # noqa: E402

# What a target does for a fault's number; the numbers are the rows below.
TARGET = r"""#!/bin/sh
echo "$0 $ATTN_PLANTED $*" >>"%(log)s"
count() { printf "\\00$1\\0\\0\\0\\0\\0\\0\\0\\00$2\\0\\0\\0\\0\\0\\0\\0" >"$ATTN_PLANTED_COUNTS"; }
burn() { while :; do :; done; }
case $ATTN_PLANTED in
1) count 3 2
   echo "P2 sound kernel=tile: wrong" >&2
   echo "  line:   fa1 found" >&2
   echo "shrunk in 2 steps:" >&2
   echo "  line:   fa1 small | dev=x" >&2
   exit 77;;
2) count 5 0; burn;;
3) count 1 1; echo "==7==ERROR: AddressSanitizer: heap-buffer-overflow" >&2; exit 1;;
4) count 1 1; echo "P9 contained: wrong" >&2; echo "  line:   fa1 both" >&2; exit 77;;
5) count 1 1; kill -SEGV $$;;
6) count 1 1; trap '' USR1; burn;;
*) count 0 0; burn;;
esac
"""
RUN = """#!/bin/sh
echo "$0 $ATTN_PLANTED $*" >>"%(log)s"
[ "$1 $2" = "run fa1 both" ] && exit 1
[ "$1 $2" = "run fa1 small | dev=x" ] && [ "$ATTN_PLANTED" = 1 ] && exit 1
exit 0
"""
ROWS = {1: "wrong", 2: "never", 3: "overrun", 4: "unsure", 5: "dies", 6: "endless"}


class Zoo(Case):
    def folder_of(self, numbers, control=False):
        """A build of imitations with these faults."""
        self.log = self.path("log")
        rows = ["%d\t%s\tfuzz_kernel\t96\tP2\tclass\twhat | it breaks\n" % (n, ROWS[n]) for n in numbers]
        rows += ["0\tnone-fuzz_kernel\tfuzz_kernel\t96\t-\tno fault\tnothing\n"] if control else []
        self.write("bin/zoo.txt", "# commit: abc\n" + "".join(rows))
        self.write("bin/grid.txt", "")
        for name in ("fuzz_kernel", "fuzz_kernel-raw", "fuzz_kernel-uniform", "zoo_grid", "attnfuzz"):
            path = self.write("bin/" + name, (RUN if name == "attnfuzz" else TARGET) % {"log": self.log})
            os.chmod(path, 0o755)
        return self.path("bin")

    def zoo(self, code, folder, *more):
        return self.ends(code, "zoo", "--build", folder, "--seconds", "1", "--seeds", "1", "--jobs", "2", *more)

    def runs(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log) as f:
            return [line.split()[0].rsplit("/", 1)[1] + " " + line.split()[1] for line in f]

    def test_what_is_found(self):
        result = self.zoo(1, self.folder_of([1, 2, 3, 5], control=True), "--json", "--ways", "target")
        of = {row["name"]: row["target"] for row in lines_of_json(result.out)}
        self.assertEqual({name: row["property"] for name, row in of.items() if row["found"]},
                         {"wrong": "P2", "overrun": "crash", "dies": "crash"})
        self.assertEqual(of["wrong"]["line"], "fa1 small | dev=x")
        self.assertEqual([of["wrong"][k] for k in ("reached", "triggered", "unconfirmed")], [1, 1, 0])
        self.assertEqual([of["never"][k] for k in ("reached", "triggered", "found")], [1, 0, 0])
        self.assertIsNone(of["never"]["cpu_s"][0])
        self.assertEqual(of["none-fuzz_kernel"]["found"], 0)
        self.assertIn("attnfuzz 1", self.runs())
        self.assertIn("attnfuzz 0", self.runs())

    def test_what_does_not_end_when_asked_hangs(self):
        result = self.zoo(0, self.folder_of([6]), "--ways", "target")
        self.assertIn("hang by fuzz_kernel; 1.0 CPU s", result.out)

    def test_every_fault_found_is_good(self):
        result = self.zoo(0, self.folder_of([1, 3]))
        self.assertIn("target: 2 of 2 faults within 1 CPU seconds in the median, 2 within 5", result.out)
        self.assertIn("grid: found 1 of 1", result.out)

    def test_a_line_that_fails_without_the_fault_is_no_proof(self):
        result = self.zoo(1, self.folder_of([4]), "--ways", "target")
        self.assertIn("NOT CONFIRMED", result.out)

    def test_a_false_alarm_is_one(self):
        folder = self.folder_of([1], control=True)
        path = os.path.join(folder, "fuzz_kernel")
        with open(path) as f:
            text = f.read().replace("*) count 0 0; burn", "*) count 0 0; echo 'P2 sound: wrong' >&2; exit 77")
        self.write("bin/fuzz_kernel", text)
        result = self.zoo(1, folder, "--ways", "target")
        self.assertIn("1 false alarms in 1 runs without a fault", result.out)

    def test_markdown(self):
        result = self.zoo(1, self.folder_of([1, 2]), "--markdown")
        rows = [line for line in result.out.splitlines() if line.startswith("| ")]
        self.assertTrue(rows[1].startswith("| wrong | what \\| it breaks | yes | yes | P2 fuzz_kernel | 0."), rows[1])
        self.assertIn("`fa1 small \\| dev=x`", rows[1])
        self.assertIn("| yes | no |  | > 1 | > 1 | > 1 | > 1 |", rows[2])

    def test_page(self):
        path = self.path("zoo.html")
        self.zoo(1, self.folder_of([1, 2], control=True), "--ways", "target,raw", "--html", path)
        with open(path) as f:
            page = f.read().replace("<wbr>", "")
        rows = {m[1]: m[2] for m in re.finditer(r'<tr><th scope="row">([^<]*)</th>(.*?)</tr>', page, re.S)}
        self.assertEqual(set(rows), {"wrong", "never", "none-fuzz_kernel"})
        self.assertRegex(rows["wrong"], r'<td class="s s[0-3]">[0-9.]+<br>1/1</td>')
        self.assertIn("fa1 small | dev=x", rows["wrong"])
        self.assertIn('<td class="s never">&gt; 1<br>0/1</td>', rows["never"])
        self.assertIn('<td class="s known">none<br>0/1</td>', rows["none-fuzz_kernel"])
        self.assertIn(">target<br>1 of 2</th>", page)
        self.assertTrue(page.endswith("</html>\n"))
        self.assertNotRegex(page, "<script|src=|href=")
        self.ends(2, "zoo", "--build", self.path("bin"), "--html", self.path("none/zoo.html"))

    def test_a_run_that_was_killed_goes_on(self):
        folder, kept = self.folder_of([1, 3, 2]), self.path("kept.txt")
        child = subprocess.Popen([ATTNFUZZ, "zoo", "--build", folder, "--seconds", "30", "--seeds", "1", "--jobs", "1",
                                  "--ways", "target", "--resume", kept], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while "fuzz_kernel 2" not in self.runs() and time.monotonic() < until:
            time.sleep(0.05)
        child.kill()
        child.wait()
        with open(kept, "a") as f:
            f.write("never\ttarget\t1\t30\tfou")  # what it was writing
        os.remove(self.log)
        result = self.ends(0, "zoo", "--build", folder, "--seconds", "30", "--seeds", "1", "--ways", "target",
                           "--resume", kept, "wrong", "overrun")
        self.assertEqual(self.runs(), [])
        self.assertIn("2 of 2 faults", result.out)
        with open(kept) as f:
            self.assertEqual(len(f.read().splitlines()), 3)  # its head, and two results
        self.ends(0, "zoo", "--build", folder, "--seconds", "30", "--seeds", "1", "--report", "--resume", kept, "wrong")
        with open(folder + "/zoo.txt") as f:
            rows = f.read().replace("abc", "def")
        self.write("bin/zoo.txt", rows)
        self.ends(0, "zoo", "--build", folder, "--seconds", "30", "--seeds", "1", "--ways", "target", "--fresh",
                  "--resume", kept, "wrong")
        self.assertIn("fuzz_kernel 1", self.runs())

    def test_an_interrupt_says_what_is_known(self):
        folder = self.folder_of([1, 2])
        child = subprocess.Popen([ATTNFUZZ, "zoo", "--build", folder, "--seconds", "100", "--seeds", "1", "--jobs", "1",
                                  "--ways", "target"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        until = time.monotonic() + 60
        while "fuzz_kernel 2" not in self.runs() and time.monotonic() < until:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130)
        self.assertIn("found 1 of 1: P2 by fuzz_kernel", out)

    def test_parts(self):
        folder, kept = self.folder_of([1, 3]), self.path("kept.txt")
        self.zoo(0, folder, "--ways", "target", "--shard", "1/2", "--resume", kept)
        self.assertEqual(sum("fuzz_kernel" in run for run in self.runs()), 1)
        self.zoo(0, folder, "--ways", "target", "--shard", "2/2", "--resume", kept)
        self.assertEqual(sum("fuzz_kernel" in run for run in self.runs()), 2)

    def test_what_changes_nothing_does_not_count(self):
        folder = self.folder_of([1, 2, 3])
        known = self.write("known", "# a comment\n\nnever the other branch is never taken\nwrong so it is said\n")
        result = self.zoo(0, folder, "--ways", "target", "--equivalent", known)
        self.assertIn("target: 2 of 2 faults within 1 CPU seconds in the median, 2 within 5; 1 more change nothing",
                      result.out)
        for text in ("never\n", "never \n"):
            self.ends(2, "zoo", "--build", folder, "--equivalent", self.write("known", text))

    def test_bad_input(self):
        folder = self.folder_of([1])
        for code, more in ((3, ["--build", self.path("nowhere")]), (2, []), (2, ["--build", folder, "--seconds", "0"]),
                           (2, ["--build", folder, "--ways", "luck"]), (2, ["--build", folder, "--shard", "3/2"]),
                           (2, ["--build", folder, "--report"]), (2, ["--build", folder, "nobody"]),
                           (2, ["--build", folder, "--resume", self.write("other", "nothing of the kind\n")]),
                           (2, ["--build", folder, "--resume", self.path("")])):
            self.assertTrue(self.ends(code, "zoo", *more).err, more)
        for row in ("1\tname\n", "x\tname\tt\t96\tP2\tc\tw\n", "1\ta b\tt\t96\tP2\tc\tw\n",
                    "1\tname\t../t\t96\tP2\tc\tw\n", "1\tname\tt u\t96\tP2\tc\tw\n", "1\tname\tt\t0\tP2\tc\tw\n", ""):
            self.write("bin/zoo.txt", row)
            self.ends(2, "zoo", "--build", folder)

    def test_a_program_that_is_missing(self):
        folder = self.folder_of([1])
        os.remove(os.path.join(folder, "fuzz_kernel"))
        self.zoo(3, folder, "--ways", "target")


if __name__ == "__main__":
    unittest.main()
