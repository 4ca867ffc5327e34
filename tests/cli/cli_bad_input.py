#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bad input is normal input: exit 2 and the place, within a second and 100 MB, for every verb that reads a corpus."""

import os
import random
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import SEED, SMALL, SOURCE, Case, attnfuzz  # noqa: E402

SECONDS, BYTES = 1.0, 100_000_000
MANY = 20  # errors after which reading stops


class BadInput(Case):
    def refused(self, content, place, message=None):
        """Every corpus verb refuses the file, naming FILE:LINE:COLUMN, fast and small."""
        path = self.write("bad.txt", content)
        for verb in ("plan", "explain", "run"):
            # The machine may be busy with other tests: the fastest of three tries is the command's own time.
            tries = [attnfuzz(verb, path)]
            while tries[-1].seconds >= SECONDS and len(tries) < 3:
                tries.append(attnfuzz(verb, path))
            for result in tries:
                self.assertEqual(result.code, 2, result.err[-2000:])
                self.assertIn(f"{path}:{place}" + ("" if place.endswith(":") else ": "), result.err)
                if message:
                    self.assertRegex(result.err, message)
                self.assertLess(result.peak_bytes, BYTES)
                self.assertLessEqual(result.err.count("\n"), MANY + 3)
                self.assertNotIn("runtime error", result.err)
                self.assertNotIn("Sanitizer", result.err)
                self.assertIsNone(re.search(r"[^\n -~]", result.err), "only printable ASCII reaches the terminal")
            self.assertLess(min(r.seconds for r in tries), SECONDS)
            if verb == "run":
                self.assertEqual(result.out, "")
                self.assertIn("nothing was run", result.err)

    def test_a_file_cut_in_the_middle(self):
        with open(os.path.join(SOURCE, "corpus/seeds/seed-gemma4-31b.txt"), "rb") as f:
            whole = f.read()
        for cut in (len(whole) // 2, len(whole) // 3, whole.index(b"[") + 1):
            part = whole[:whole.rindex(b"[", 0, cut) + 2]
            line, column = part.count(b"\n") + 1, len(part) - part.rfind(b"\n")
            self.refused(part, f"{line}:{column}", "ends here without a newline, it may be cut off")

    def test_a_last_line_needs_no_newline(self):
        for verb in ("plan", "explain", "run"):
            self.good(verb, "-", stdin=SMALL)
            self.good(verb, self.write("one.txt", f"{SMALL}\n  {SEED}"))
        self.good("plan", "-", stdin="session { layer full heads=4/2 d=64; cells 64; prefill 9; }")

    def test_the_words_say_what_a_line_holds(self):
        self.refused("\ufeff" + SMALL + "\n", "1:1", "begins with a UTF-8 byte order mark")
        self.assertIn("byte order mark", self.ends(2, "plan", "\ufeff" + SMALL).err)
        for text in (SMALL + "\n", "\n\n# x\n" + SMALL):
            for name, words in (("utf-16", "little endian"), ("utf-16-le", "little endian"),
                                ("utf-16-be", "big endian")):
                self.refused(text.encode(name), "1:1", rf"the file is UTF-16 \({words}\): save it as UTF-8")
        self.refused(SMALL.replace(" k=", "\u00a0k=") + "\n", f"1:{SMALL.index(' k=') + 1}", "no-break space")
        self.refused(SMALL.replace(" k=", "\x1b[0m k=") + "\n", f"1:{SMALL.index(' k=') + 1}", "colour codes")
        self.refused(SMALL + " scale=\u201d1\u201d\n", "1:", "typographic quotation marks")

    def test_extents_past_63_bits_are_what_is_said(self):
        """Not strides that nobody wrote, which came of them."""
        for n in (2**63 - 1, 99999999999999999, 288230376151711744):
            for line in (f"fa1 q=f32[80,{n},8,1] k=f16[80,77,2,1] v=f16[80,77,2,1]",
                         f"fa1 q=f32[64,1,8,1] k=q8_0[64,{n},2,1] v=q5_0[64,{n},2,1]"):
                self.assertIn("not legal (overflow)", self.ends(2, "plan", line).err)

    def test_random_bytes(self):
        rng = random.Random(1)
        for size in (1, 17, 4096, 10_000_000):
            content = bytes(rng.randrange(1, 256) for _ in range(min(size, 65536)))
            content = (b"x" + content) * (size // len(content) + 1)
            path = self.write("random.txt", content + b"\n")
            result = attnfuzz("plan", path)
            self.assertEqual(result.code, 2)
            self.assertRegex(result.err.splitlines()[0], re.escape(path) + r":1:\d+: ")
            self.assertLess(result.peak_bytes, BYTES)
            self.assertIsNone(re.search(r"[^\n -~]", result.err))
        self.refused(b"x" + content + b"\n", "1:1" if len(content.split(b"\n")[0]) < 65536 else "1:65537")

    def test_a_line_of_10_mb(self):
        for start in (b"fa1 q=f32[64,", b"", b"# ", b"fa1 " * 100):
            self.refused(SMALL.encode() + b"\n" + start + b"1" * 10_000_000 + b"\n" + SMALL.encode() + b"\n", "2:65537",
                         "more than 65536 bytes")
        self.refused(b"\0" * 10_000_000, "1:65537")

    def test_extents_near_2_to_the_63(self):
        huge = 2**63 - 1
        for tensor in ("q=f32", "k=f16", "v=f16", "mask=f16"):
            start = SMALL.index(tensor)
            bracket = SMALL.index("[", start)
            extents = SMALL[bracket + 1:SMALL.index("]", bracket)].split(",")
            for dimension in range(4):
                for value in (huge, huge - 63, 2**62, 2**40):
                    changed = list(extents)
                    changed[dimension] = str(value)
                    line = SMALL[:bracket + 1] + ",".join(changed) + SMALL[SMALL.index("]", bracket):]
                    result = attnfuzz("plan", "--device", "gfx942", line)
                    # 2^40 heads, say, still fit in 63 bits of bytes: such a problem is legal and planned.
                    self.assertIn(result.code, (0, 2) if value == 2**40 else (2,), line)
                    if result.code:
                        self.assertRegex(result.err, r"^argument 1:1:\d+: not legal \(\w+\): ")
                        self.assertEqual(result.out, "")
        bare = SMALL[:SMALL.index(" mask")]
        self.refused(bare.replace("q=f32[64,2,", f"q=f32[64,{huge},") + "\n", f"1:{SMALL.index('q=') + 1}",
                     r"not legal \(\w+\)")
        self.refused(SMALL.replace("q=f32[64,2,", f"q=f32[64,{huge + 1},") + "\n", f"1:{SMALL.index('[64,2') + 5}")
        line = (SEED + "\n").replace("8192,512,2220032", f"8192,512,{huge - 1}", 1).replace("271,16,1]", "271,16,2]") \
            .replace("32,1]", "32,2]")
        self.refused(line, f"1:{SEED.index('k=') + 1}", r"not legal \(\w+\)")

    def test_an_error_of_legality_names_the_rule_the_values_and_the_operand(self):
        bad = SMALL.replace("v=f16[64,33", "v=f16[64,34")
        self.refused(f"# one\n{bad}\n", f"2:{SMALL.index('v=') + 1}", r"not legal \(n_kv\): .*34.*33")
        bad = SMALL.replace("mask=f16[64,", "mask=f16[32,")
        self.refused(f"{bad}\n", f"1:{SMALL.index('mask=') + 1}", r"not legal \(mask_kv\): .*32.*33")
        self.refused(SMALL + " max_bias=-1\n", f"1:{len(SMALL) + 2}", r"not legal \(max_bias\)")

    def test_nul_bytes_and_other_things_that_are_no_problem(self):
        self.refused(b"\0\n", "1:1")
        self.refused(SMALL.encode() + b"\0\n", f"1:{len(SMALL) + 1}")
        self.refused(SMALL + " nosuch=1\n", f"1:{len(SMALL) + 2}")
        self.refused("\n\n\033[31mfa1\n", "3:1")

    def test_reading_stops_after_many_errors(self):
        result = attnfuzz("plan", self.write("many.txt", "x\n" * 1_000_000))
        self.assertEqual(result.code, 2)
        self.assertEqual(result.err.count("\n"), MANY + 1)

    def test_good_lines_beside_a_bad_one_are_planned_but_not_run(self):
        path = self.write("mixed.txt", f"{SMALL}\nbad\n{SMALL}\n")
        planned = self.ends(2, "plan", "--json", "--device", "gfx942", path)
        self.assertEqual(planned.out.count("\n"), 2)
        self.assertEqual(self.ends(2, "run", path).out, "")

    def test_import_takes_random_bytes_and_long_lines_for_what_they_are(self):
        rng = random.Random(2)
        for content in (bytes(rng.randrange(256) for _ in range(100_000)), b"\0" * 1_000_000,
                        b"FLASH_ATTN_EXT(" * 1_000_000,
                        b"FLASH_ATTN_EXT(hsk=" + b"9" * 10_000_000, b"CUDA_FA_ROUTE_PLAN Q=[" + b"1," * 100_000):
            result = attnfuzz("import", self.write("log.txt", content))
            self.assertEqual(result.code, 2)
            self.assertLess(result.peak_bytes, BYTES)
            self.assertNotIn("Sanitizer", result.err)
            self.assertIsNone(re.search(r"[^\n -~]", result.err + result.out))


if __name__ == "__main__":
    unittest.main()
