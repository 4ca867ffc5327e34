#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Session scripts on the command line: played among problem lines, expanded by plan and explain, bad ones refused with
their place."""

import json
import os
import sys
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from command import Case, attnfuzz, lines_of_json  # noqa: E402

LINE = "fa1 q=f32[64,3,2,1] k=f16[64,20,1,1] v=f16[64,20,1,1] mask=f16[20,3,1,1]\n"
SCRIPT = """# a comment
session {
  layer full heads=2/1 d=64; layer mtp heads=2/1 d=64 draft;  # }
  device gfx942; slots 2; cells 64;

  prefill 20; draft 3 accept 1; slot 1; prefill 4; decode 2;
}
"""


class Session(Case):
    def write_text(self, name, text):
        return self.write(name, text.encode())

    def test_played_among_lines(self):
        text = LINE + SCRIPT + LINE + "session { layer a heads=1/1 d=40; prefill 3; } # end\n"
        path = self.write_text("mixed.txt", text)
        out, xml, page = self.path("run.json"), self.path("run.xml"), self.path("run.html")
        self.good("run", "--json", out, "--junit", xml, "--html", page, path)
        with open(out) as f:
            r = json.load(f)
        self.assertEqual((r["problems"], r["ran"], r["failed"], r["skipped"]), (4, 4, 0, 0))
        self.assertGreater(r["by_kernel"]["naive"]["components"], 2000)
        names = [case.get("name") for case in ElementTree.parse(xml).iter("testcase")]
        self.assertEqual([n.rsplit(":", 1)[1].split()[0] for n in names], ["1", "3", "9", "10"])
        self.assertIn("on gfx942", names[1])

    def run_json(self, *arguments):
        return json.loads(self.good("run", "--json", "-", *arguments).out)

    def test_the_list_is_the_script_on_one_line(self):
        path = self.write_text("s.txt", SCRIPT)
        listed = self.good("run", "--list", path).out
        self.assertEqual(listed, "session { layer full heads=2/1 d=64; layer mtp heads=2/1 d=64 draft; device gfx942; "
                                 "slots 2; cells 64; prefill 20; draft 3 accept 1; slot 1; prefill 4; decode 2; }\n")
        self.assertEqual(self.good("run", "--list", listed.strip()).out, listed)

    def test_the_reports_session_is_run_at_its_size(self):
        """Its caches are those of 32,768 cells; steps drawn by its seed are run in some rows, others under another."""
        with open(os.path.join(ROOT, "corpus", "sessions", "seed-gemma4-31b.txt")) as f:
            text = f.read()
        components = set()
        for seed in (0, 1):
            path = self.write_text("seed.txt", text.replace("split 2;", f"split 2; seed {seed};"))
            result = self.good("run", "--json", "-", path)
            r = json.loads(result.out)
            self.assertEqual((r["ran"], r["skipped"], r["failed"], r["sampled"]), (1, 0, 0, 1))
            self.assertGreater(r["sampled_rows"], 2)
            self.assertGreater(r["by_kernel"]["naive"]["components"], 500)
            self.assertLess(result.peak_bytes, 1 << 30)
            components.add((r["sampled_rows"], r["components"], r["by_kernel"]["naive"]["worst"]))
        self.assertEqual(len(components), 2)

    def test_devices_kernels_and_shards(self):
        path = self.write_text("s.txt", SCRIPT)
        own = self.run_json(path)
        self.assertEqual({d for d, n in own["by_device"].items() if n}, {"gfx942"})
        self.assertGreater(len([k for k, total in own["by_kernel"].items() if total["ran"]]), 1)
        other = self.run_json("--device", "gfx1100,sm_90", "--kernel", "naive", "--schedule", "3", path)
        self.assertEqual((other["problems"], other["ran"], other["failed"]), (1, 1, 0))
        self.assertEqual({d: n for d, n in other["by_device"].items() if n}, {"gfx1100": 1, "sm_90": 1})
        self.assertEqual([k for k, total in other["by_kernel"].items() if total["ran"]], ["naive"])
        # Two devices, each of which judges every step as the one does.
        self.assertEqual(other["by_kernel"]["naive"]["components"], 2 * own["by_kernel"]["naive"]["components"])
        two = self.write_text("two.txt", LINE + SCRIPT)
        parts = [self.run_json("--shard", shard, two) for shard in ("1/2", "2/2")]
        self.assertEqual([part["problems"] for part in parts], [1, 1])
        self.assertEqual([part["by_kernel"]["naive"]["components"] for part in parts],
                         [64 * 3 * 2, own["by_kernel"]["naive"]["components"]])

    def planned(self, text):
        return [line["line"].split(" | ")[0] for line in lines_of_json(self.good("plan", "--json", text).out)]

    def test_every_statement_makes_a_difference(self):
        """Each of these, put before or in place of what the plain script has, changes the problems."""
        plain = "session { layer a heads=4/2 d=64; cells 64; %s prefill 20; decode 1; }"
        base = self.planned(plain % "")
        self.assertEqual([line.split()[1].split(":")[0] for line in base], ["q=f32[64,20,4,1]", "q=f32[64,1,4,1]"])
        said = {
            "heads=2/2": (plain % "").replace("heads=4/2", "heads=2/2"),
            "d=128": (plain % "").replace("d=64", "d=128"),
            "type=q8_0": (plain % "").replace("d=64", "d=64 type=q8_0"),
            "softcap=": (plain % "").replace("d=64", "d=64 softcap=30"),
            "max_bias=": (plain % "").replace("d=64", "d=64 max_bias=8"),
            "sinks": (plain % "").replace("d=64", "d=64 sinks"),
            "ubatch": plain % "ubatch 8;", "split": plain % "split 2;", "pad": plain % "pad 32;",
            "mask": plain % "mask padded=64;", "accept": (plain % "").replace("decode 1", "draft 3 accept 2"),
            "together": (plain % "slots 2;").replace("decode 1", "slot 1; prefill 3; together 2"),
        }
        seen = {tuple(base): "the plain script"}
        for name, text in said.items():
            problems = tuple(self.planned(text))
            self.assertNotIn(problems, seen, f"{name} is as {seen.get(problems)}")
            seen[problems] = name
        eight = self.planned(said["ubatch"])
        self.assertEqual([line.split()[1].split(",")[1] for line in eight], ["8", "8", "4", "1"])
        self.assertTrue(all("k=q8_0[" in line for line in self.planned(said["type=q8_0"])))
        self.assertEqual({line.split()[1].split(",")[2] for line in self.planned(said["split"])}, {"2"})

    def test_expanded(self):
        path = self.write_text("s.txt", SCRIPT)
        lines = [json.loads(line) for line in self.good("plan", "--json", path).out.splitlines()]
        # prefill, which is the drafter's first problem too; 3 drafts; verify 4; 4 tokens of slot 1, then 2: each
        # problem once
        self.assertEqual([line["line"].split()[1].split(",")[1] for line in lines],
                         ["20", "1", "1", "1", "4", "4", "1", "1"])
        self.assertEqual(len({line["line"] for line in lines}), len(lines))
        self.assertEqual({line["on"] for line in lines}, {"gfx942"})
        again = self.good("plan", "--json", *[line["line"].replace("'", "") for line in lines]).out
        self.assertEqual([json.loads(line)["key"] for line in again.splitlines()], [line["key"] for line in lines])
        self.assertIn("naive: able", self.good("explain", path).out)

    def test_refused(self):
        for text, place in (
            ("session {\n layer a heads=2/1 d=64;\n prefil 3;\n}\n", "3:2"),
            ("session {\n layer a heads=2/1 d=64;\n prefill 3;\n", "1:1"),
            ("session { layer a heads=2/1 d=64; prefill 3; } fa1\n", "1:48"),
            (LINE + "session {\n}\n", "2:1"),
            ("session { " + "prefill 3; " * 7000 + "}\n", "1:65537"),
            ("session {\n" + "# comment\n" * 7000 + "}\n", None),
        ):
            for verb in ("run", "plan", "explain"):
                result = attnfuzz(verb, self.write_text("bad.txt", text))
                self.assertEqual(result.code, 2, (verb, text[:80], result.err))
                if place:
                    self.assertIn("bad.txt:" + place, result.err)
                self.assertLess(result.peak_bytes, 512 << 20)


if __name__ == "__main__":
    unittest.main()
