# SPDX-License-Identifier: MIT
"""What a GPU does to memory is noticed, in a line and in a step of a session alike: a bit of an input that changed, a
byte between elements that changed, an element of dst that nothing wrote are P9; a bit of dst that differs from run to
run is P10; a wrong value is P2. The device is the host executor behind the interface of a GPU
(support/flaky_backend.c), so that no shadow of the executor sees the fault: only who compares the bytes does."""
import json, os, subprocess, tempfile, unittest

SOURCE = os.environ.get("ATTN_SOURCE", os.getcwd())
FLAKY = os.path.join(os.environ.get("ATTN_BIN", "build/asan/bin"), "attnfuzz-flaky")

# K's rows are 640 bytes apart: there are gaps. In the session a layer has two streams, and cells begin late.
LINE = "fa1 q=f32[64,3,2,1] k=f16[64,37,2,1]@a:640,128,23680 v=f16[64,37,2,1] mask=f16[37,3,1,1] scale=0.125\n"
SESSION = "session { layer f heads=2/1 d=64; slots 2; cells 64; cache streams; base 3; prefill 30; decode 10; }\n"

# What the device does at problems with 37 keys, and what must be said of it.
FAULTS = {
    "poke": (9, "which belongs to an input"),
    "spill": (9, "which belongs to no element"),
    "skip": (9, "of dst unwritten"),
    "wobble": (10, "differs between two runs of the same plan"),
    "wrong": (2, "components are beyond their limit"),
}


def run(what, text):
    """Exit code, what is said, and the property and the text of the first failure."""
    with tempfile.TemporaryDirectory() as work:
        path, report = os.path.join(work, "lines.txt"), os.path.join(work, "report.json")
        with open(path, "w") as f:
            f.write(text)
        command = [FLAKY, "run", "--backend", "test:" + what, "--jobs", "1", "--shrink", "0", "--json", report, path]
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True)
        with open(report) as f:
            failures = json.load(f)["failures"]
    return done.returncode, done.stdout + done.stderr, failures


class Contained(unittest.TestCase):
    def check(self, text):
        code, out, failures = run("slow=0", text)
        self.assertEqual((code, failures), (0, []), out)
        for fault, (number, said) in FAULTS.items():
            with self.subTest(fault=fault):
                code, out, failures = run(fault + "@37", text)
                self.assertEqual((code, len(failures)), (1, 1), out)
                self.assertEqual(failures[0]["property"], number, out)
                self.assertIn(said, failures[0]["text"])
                # At numbers of keys that nothing has, the same device is good.
                code, out, failures = run(fault + "@3000", text)
                self.assertEqual((code, failures), (0, []), out)

    def test_line(self):
        self.check(LINE)

    def test_session(self):
        self.check(SESSION)


if __name__ == "__main__":
    unittest.main()
