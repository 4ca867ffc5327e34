#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz map: the picture is what the planner answers, cell by cell, as SVG and as text; what is planted in a subject
stands out where it is, and nowhere else."""

import html.parser
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import ATTNFUZZ, SMALL, Case, lines_of_json, main  # noqa: E402

LIBRARY = os.path.join(os.environ["ATTN_BUILD"], "lib", "imitation-hip.so")
N_Q, N_KV = (1, 2, 8, 33, 512), (32, 100, 256, 4096)
AXES = ("--n-q", ",".join(map(str, N_Q)), "--n-kv", ",".join(map(str, N_KV)))
SVG = "{http://www.w3.org/2000/svg}"


class Panel:
    """A panel of an SVG: what each cell is, and what is said of its change."""

    def __init__(self, group, n_q, n_kv):
        self.devices = group.get("data-devices").split(", ")
        self.what = group.get("data-what")
        self.label = group.get("aria-label")
        self.cell, self.change = {}, {}
        cells = next(g for g in group.iter(SVG + "g") if g.get("class") == "mp-cells")
        for box in cells.iter(SVG + "rect"):
            if box.get("data-is") is None:
                continue
            x, y, w, h = (int(box.get(name)) for name in ("x", "y", "width", "height"))
            for q in range(x, x + w):
                for kv in range(y, y + h):
                    at = n_q[q], n_kv[len(n_kv) - 1 - kv]
                    assert at not in self.cell, "a cell is drawn twice"
                    self.cell[at] = box.get("data-is")
                    self.change[at] = box.get("data-change")
        assert len(self.cell) == len(n_q) * len(n_kv), "a cell is not drawn"


def read_svg(path):
    root = ElementTree.parse(path).getroot()
    assert not [e for e in root.iter() if e.tag == SVG + "script" or "href" in "".join(e.attrib)], "it stands alone"
    n_q, n_kv = ([int(n) for n in root.get(name).split()] for name in ("data-n-q", "data-n-kv"))
    panels = [Panel(g, n_q, n_kv) for g in root.iter(SVG + "g") if g.get("class") == "mp-panel"]
    return {(device, panel.what): panel for panel in panels for device in panel.devices}


def read_text(text):
    """Of a picture of one panel: the letter of each cell."""
    cells = {}
    rows = [m.group(2) for m in re.finditer(r"^ *(\d+k?) (\S+)$", text, re.M)]
    for kv, row in zip(reversed(N_KV), rows):
        cells.update({(q, kv): letter for q, letter in zip(N_Q, row)})
    return cells


def line(head, gqa, type_k, n_q, n_kv):
    d_k, d_v = head if isinstance(head, tuple) else (head, head)
    return (f"fa1 q=f32[{d_k},{n_q},{8 * gqa},1] k={type_k}[{d_k},{n_kv},8,1] v={type_k}[{d_v},{n_kv},8,1] "
            f"mask=f16[{n_kv},{n_q},1,1]")


class Own(Case):
    def kernels(self, devices, head, gqa, type_k):
        """What attnfuzz plan chooses in each cell, by device."""
        cells = [(q, kv) for kv in N_KV for q in N_Q]
        text = "\n".join(line(head, gqa, type_k, q, kv) for q, kv in cells)
        plans = lines_of_json(self.good("plan", "--json", "--device", ",".join(devices), "-", stdin=text).out)
        chosen = {}
        for i, plan in enumerate(plans):
            chosen[plan["device"], cells[i // len(devices)]] = plan["kernel"]
        self.assertEqual(len(chosen), len(cells) * len(devices))
        return chosen

    def test_each_cell_is_what_plan_says(self):
        devices, path = ("gfx906", "gfx1100", "sm_90"), self.path("map.svg")
        self.good("map", "--device", ",".join(devices), "--head", "128,576/512,65", "--gqa", "1,6", "--type",
                  "f16,bf16", "--svg", path, *AXES)
        panels = read_svg(path)
        self.assertEqual(len(panels), 3 * 3 * 2 * 2)
        for head in (128, (576, 512), 65):
            for gqa in (1, 6):
                for type_k in ("f16", "bf16"):
                    chosen = self.kernels(devices, head, gqa, type_k)
                    size = "%d/%d" % head if isinstance(head, tuple) else head
                    for device in devices:
                        panel = panels[device, f"D {size}, GQA {gqa}, {type_k}"]
                        self.assertEqual(panel.cell, {at: chosen[device, at] for at in panel.cell})
        self.assertGreaterEqual(len({k for p in panels.values() for k in p.cell.values()}), 4, "all kernels are met")

    def test_devices_share_a_panel_where_they_are_the_same_there(self):
        path, devices = self.path("map.svg"), ("gfx942", "gfx950", "gfx908", "gfx90a")
        self.good("map", "--device", ",".join(devices), "--head", "128,64,576/512", "--gqa", "8,1", "--svg", path)
        panels = read_svg(path)
        for what in {what for _, what in panels}:
            for a in devices:
                for b in devices:
                    one, other = panels[a, what], panels[b, what]
                    if "cliff" not in one.label + other.label:  # which these cells do not say
                        self.assertEqual(one.cell == other.cell, one is other, (what, a, b))

    def test_the_text_has_the_same_cells(self):
        for head, device in ((128, "gfx906"), (64, "gfx1100")):
            out = self.good("map", "--device", device, "--head", str(head), "--gqa", "1", *AXES).out
            letters = dict(re.findall(r"^  ([a-z]) +\d+  (\S+)$", out, re.M))
            chosen = self.kernels((device,), head, 1, "f16")
            self.assertEqual({at: letters[c] for at, c in read_text(out).items()},
                             {at: chosen[device, at] for at in read_text(out)})
            self.assertEqual(len(read_text(out)), len(N_Q) * len(N_KV))

    def test_a_cliff_is_a_capital_and_its_neighbour_costs_less_than_a_third(self):
        def cost(head):
            verdicts = lines_of_json(self.good("explain", "--json", "--device", "gfx1100",
                                               line(head, 1, "f16", 512, 4096)).out)[0]
            return min(k["cost_ns"] for k in verdicts["kernels"] if k["able"])

        out = self.good("map", "--device", "gfx1100", "--head", "65", "--gqa", "1", *AXES).out
        cells = read_text(out)
        self.assertEqual(cells[512, 4096], "N")
        self.assertEqual(cells[1, 32], "n")
        self.assertLess(cost(72), cost(65) / 3)
        self.assertIn("cliff", out)

    def test_what_has_no_block_is_not_asked(self):
        out = self.good("map", "--device", "gfx906", "--head", "65", "--gqa", "1", "--type", "q8_0", *AXES).out
        self.assertEqual(set(read_text(out).values()), {"."})

    def test_weakened_devices_have_panels(self):
        out = self.good("map", "--device", "gfx942~matrix,gfx942", "--head", "128", "--gqa", "8", *AXES).out
        self.assertIn("gfx942~matrix", out)

    def test_a_terminal_has_colours_and_the_same_letters(self):
        arguments = [ATTNFUZZ, "map", "--device", "gfx906", "--head", "128", "--gqa", "1", *AXES]
        plain = subprocess.run(arguments, capture_output=True, text=True).stdout
        ours, theirs = pty.openpty()
        child = subprocess.Popen(arguments, stdout=theirs, env={k: v for k, v in os.environ.items() if k != "NO_COLOR"})
        os.close(theirs)
        coloured = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            coloured += more
        os.close(ours)
        self.assertEqual(child.wait(), 0)
        coloured = coloured.decode().replace("\r\n", "\n")
        self.assertIn("\033[", coloured)
        self.assertEqual(re.sub(r"\033\[[0-9;]*m", "", coloured), plain)

    def test_svg_to_standard_output(self):
        result = self.good("map", "--device", "gfx906", "--head", "128", "--svg", "-", *AXES)
        ElementTree.fromstring(result.out)

    def test_the_same_build_is_the_same(self):
        out = self.good("map", "--diff", "own=" + ATTNFUZZ, "own", "--device", "gfx906", "--head", "128", "--gqa", "8",
                        *AXES).out
        self.assertEqual(set(read_text(out).values()), {"."})

    def test_lists(self):
        for arguments, text in ((("--head", "0"), "--head"), (("--head", "64/"), "--head"), (("--head", ""), "--head"),
                                (("--gqa", "1,x"), "--gqa"), (("--type", "f17"), "--type"),
                                (("--type", "f16/"), "--type"), (("--n-q", "4,2"), "--n-q"),
                                (("--n-kv", ",".join(map(str, range(1, 67)))), "--n-kv"),
                                (("--head", ",".join(["64"] * 300), "--gqa", "1,2"), "more than 512 panels"),
                                (("--head", ",".join(["64"] * 342)), "more than 1023 bytes"),
                                (("--n-q", "1" + "," * 1023 + "2"), "more than 1023 bytes"),
                                (("--device", "gfx906", "--subject", "own=" + ATTNFUZZ, "--mask", "0"), "--mask")):
            self.assertIn(text, self.ends(2, "map", *arguments).err)


# Another build of the command, as far as map asks it: each answer is of a kernel and a launch by the call's n_q.
ANSWERER = """#!%s
import re, sys, time
answered, slow = 0, %r
print("a planted planner\\ngfx906 gfx1100", flush=True)
for line in sys.stdin:
    n_q, n_kv = int(re.search(r"q=f32\\[\\d+,(\\d+)", line)[1]), int(re.search(r"k=f16\\[\\d+,(\\d+)", line)[1])
    if n_q == 33 and n_kv == 100:
        sys.exit(1)
    if slow:
        time.sleep(0.2)
    answer = "-1\\t%%x\\t%%s\\t\\n" %% (n_q == 2, "naive" if n_q == 8 and %r else "tile")
    print("= 2\\n" + 2 * answer, end="", flush=True)
    answered += 1
    if slow and answered == 3:
        open(slow, "w").close()
"""


class Planted(Case):
    def build(self, naive=False, slow=""):
        """slow: it takes its time, and makes a file of that name when it has answered three times."""
        path = self.write(f"build-{naive}-{bool(slow)}", ANSWERER % (sys.executable, slow, naive))
        os.chmod(path, 0o755)
        return "own=" + path

    def test_naive_for_a_known_head_size_breaks_p11(self):
        path = self.path("map.svg")
        out = self.ends(1, "map", "--subject", self.build(naive=True), "--head", "128", "--gqa", "1", "--device",
                        "gfx906", "--svg", path, *AXES).out
        cells = read_text(out)
        self.assertEqual({at for at, c in cells.items() if c == "!"}, {(8, kv) for kv in N_KV})
        self.assertIn("4  naive for a known head size", out)
        panel = read_svg(path)["gfx906", "D 128, GQA 1, f16"]
        self.assertEqual({at for at, k in panel.cell.items() if k == "naive"}, {(8, kv) for kv in N_KV})
        self.assertIn("4 cells naive for a known head size", panel.label)

    def test_a_process_that_ends_is_a_failure_there(self):
        out = self.ends(1, "map", "--subject", self.build(), "--head", "128", "--gqa", "1", *AXES).out
        self.assertEqual([at for at, c in read_text(out).items() if c == "F"], [(33, 100)])

    def test_diff_to_naive_is_worse_and_back_is_better(self):
        old, new = self.build(), self.build(naive=True)
        arguments = ("--head", "128", "--gqa", "1", "--device", "gfx1100", *AXES)
        cells = read_text(self.ends(1, "map", "--diff", old, new, *arguments).out)
        self.assertEqual({at: c for at, c in cells.items() if c != "."}, {(8, kv): "!" for kv in N_KV})
        cells = read_text(self.good("map", "--diff", new, old, *arguments).out)
        self.assertEqual({at: c for at, c in cells.items() if c != "."}, {(8, kv): "+" for kv in N_KV})

    def test_interrupted_it_draws_what_was_asked(self):
        for diff in (False, True):
            self.interrupt(diff)

    def interrupt(self, diff):
        path, answered = self.path("map.svg"), self.path("answered%d" % diff)
        subject = self.build(slow=answered)
        child = subprocess.Popen([ATTNFUZZ, "map", *(("--diff", subject, subject) if diff else ("--subject", subject)),
                                  "--head", "128", "--svg", path],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.kill)
        while child.poll() is None and not os.path.exists(answered):
            time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 143, err)
        self.assertIn("stopped by SIGTERM", out)
        panel = read_svg(path)["gfx906", "D 128, GQA 1, f16"]
        self.assertEqual({"not reached", "tile"}, set(panel.cell.values()))
        self.assertIn("cells that were not reached are -\n", out)
        missing = int(re.search(r"(?m)^  - +(\d+)  not reached: asking ended before$", out).group(1))
        self.assertNotIn("not asked", out)
        asked = int(re.search(r"upwards; (\d+) of them", out).group(1)) - missing
        self.assertTrue(asked > 0 and missing > 0, out)
        if diff:
            self.assertEqual(int(re.search(r"(?m)^  \. +(\d+)  the same$", out).group(1)), asked)
        with open(path, encoding="utf-8") as f:
            self.assertIn("not reached: asking ended before", f.read())

    def test_usage(self):
        self.assertIn("No such file", self.ends(2, "map", "--subject", "own=/nosuch/build").err)
        self.assertIn("has no device gfx942", self.ends(2, "map", "--subject", self.build(), "--device", "gfx942").err)


@unittest.skipUnless(os.path.exists(LIBRARY), "there is no imitation of a library in this build")
class Library(Case):
    def library(self, fault):
        path = self.path(f"imitation-fault-{fault}.so")
        shutil.copy(LIBRARY, path)
        return "ggml=" + path

    def map(self, code, *arguments):
        path = self.path("map.svg")
        out = self.ends(code, "map", "--no-code", "--gqa", "1", "--device", "gfx906", "--svg", path, *AXES,
                        *arguments).out
        return {what: panel for (_, what), panel in read_svg(path).items()}, out

    def test_holes_are_where_the_router_refuses(self):
        panels, out = self.map(1, "--subject", self.library("none"), "--head", "80,128")
        self.assertEqual(set(panels["D 80, GQA 1, f16"].cell.values()), {"hole"})
        self.assertEqual(set(panels["D 128, GQA 1, f16"].cell.values()), {"flash_attn_tile"})
        self.assertRegex(out, r"  H +20  hole")
        self.assertIn(line(80, 1, "f16", 1, 32), out)

    def test_launches_that_cannot_run_are_stubs(self):
        panels, _ = self.map(1, "--subject", self.library("threads"), "--head", "128", "--type", "f16,q8_0")
        self.assertEqual(set(panels["D 128, GQA 1, q8_0"].cell.values()), {"stub"})
        self.assertEqual(set(panels["D 128, GQA 1, f16"].cell.values()), {"flash_attn_tile"})
        panels, _ = self.map(1, "--subject", self.library("grid"), "--head", "128")
        self.assertEqual({at for at, k in panels["D 128, GQA 1, f16"].cell.items() if k == "stub"},
                         {(q, 100) for q in N_Q})

    def test_a_mask_wider_than_n_kv_aborts(self):
        """The fault that attnfuzz began with: seen where rows of the mask are padded, and where they have to be."""
        panels, _ = self.map(0, "--subject", self.library("abort"), "--head", "256")
        self.assertEqual(set(panels["D 256, GQA 1, f16"].cell.values()), {"flash_attn_tile"})
        panels, _ = self.map(1, "--subject", self.library("abort"), "--head", "256", "--mask", "256")
        self.assertEqual({at for at, k in panels["D 256, GQA 1, f16, mask to 256"].cell.items() if k == "fails"},
                         {(q, kv) for q in N_Q for kv in N_KV if kv % 256})

    def test_diff(self):
        old, new = self.library("none"), self.library("abort")
        panels, out = self.map(1, "--diff", old, new, "--head", "128,256", "--mask", "256")
        wrong = {at for at, c in panels["D 256, GQA 1, f16, mask to 256"].change.items() if c}
        self.assertEqual(wrong, {(q, kv) for q in N_Q for kv in N_KV if kv % 256})
        self.assertEqual({panels["D 256, GQA 1, f16, mask to 256"].change[at] for at in wrong}, {"worse"})
        self.assertFalse(any(panels["D 128, GQA 1, f16, mask to 256"].change.values()))
        panels, _ = self.map(0, "--diff", new, old, "--head", "256", "--mask", "256")
        self.assertEqual({c for c in panels["D 256, GQA 1, f16, mask to 256"].change.values() if c}, {"better"})

    def test_another_kernel(self):
        """Ours against a library's: every cell is of another kernel, none is worse."""
        panels, out = self.map(0, "--diff", self.library("none"), "own", "--head", "128")
        changed = panels["D 128, GQA 1, f16"].change
        self.assertEqual(set(changed.values()), {"another kernel"})


class Page(html.parser.HTMLParser):
    """A report: its figures' labels, and the numbers of its heat map by (group, row, device)."""

    VOID = {"meta", "br", "link", "input", "img"}

    def __init__(self, path):
        super().__init__()
        self.open, self.labels, self.heat = [], [], {}
        self.heading, self.group, self.row, self.columns, self.cells = "", "", "", [], []
        with open(path) as f:
            text = f.read()
        for elsewhere in ("<script", "src=", "href=", "@import"):
            assert elsewhere not in text, "the page needs nothing else"
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        if tag in self.VOID:
            return
        attributes = dict(attributes)
        self.open.append((tag, attributes))
        if tag == "svg" and attributes.get("role") == "img":
            self.labels.append(attributes["aria-label"])
        if tag == "tr":
            self.cells = []

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        assert self.open and self.open[-1][0] == tag, (tag, self.getpos())
        self.open.pop()
        if tag == "tr" and self.cells:
            for device, n in zip(self.columns, self.cells):
                self.heat[self.group, self.row, device] = n

    def handle_data(self, data):
        tag, attributes = self.open[-1] if self.open else ("", {})
        scope = attributes.get("scope")
        if tag == "th" and scope == "col":
            self.columns.append(data)
        elif tag == "th" and scope == "rowgroup":
            self.group = data
        elif tag == "th" and scope == "row":
            self.row = data
        elif tag == "td" and attributes.get("class", "").startswith("h"):
            self.cells.append(int(data))


class Pages(Case):
    def test_of_a_run(self):
        path = self.path("run.html")
        lines = [SMALL, SMALL.replace("64,", "128,", 3), SMALL.replace("[64,", "[65,", 3)]
        source = self.write("lines.txt", "\n".join(lines) + "\n")
        self.good("run", "--device", "gfx942,gfx1030", "--html", path, source)
        page = Page(path)
        self.assertTrue(any(label.startswith("D 64, GQA 2, f16, mask to 256 on ") for label in page.labels),
                        page.labels)
        self.assertTrue(any("65, GQA 2" in label and "100% naive" in label for label in page.labels), page.labels)
        expected = {}
        for verdict in lines_of_json(self.good("explain", "--json", "--device", "gfx942,gfx1030", source).out):
            for k in verdict["kernels"]:
                row = (k["rule"].split(".")[-1] if not k["able"] else "chosen"
                       if k["kernel"] == verdict["chosen"] else "able")
                at = k["kernel"], row, verdict["device"]
                expected[at] = expected.get(at, 0) + 1
        self.assertEqual({at: n for at, n in page.heat.items() if n}, expected)
        self.assertEqual({at[2] for at in page.heat}, {"gfx942", "gfx1030"})

    @unittest.skipUnless(os.path.exists(LIBRARY), "there is no imitation of a library in this build")
    def test_of_a_check(self):
        library, path, data = self.path("imitation-fault-abort.so"), self.path("page.html"), self.path("data.json")
        shutil.copy(LIBRARY, library)
        self.ends(1, "check", "--no-code", "--subject", "ggml=" + library, "--calls", "20000", "--device", "gfx906",
                  "--html", path, "--json", data)
        page = Page(path)
        label = next(label for label in page.labels if label.startswith("D 256, GQA 1, f16, mask to 256 on gfx906"))
        self.assertRegex(label, r"\b72 cells fails")  # 24 columns of the three rows below 256 keys
        with open(data) as f:
            report = lines_of_json(f.read().replace("\n", " "))[0]
        self.assertEqual(page.heat["broken or refused", "hole", "gfx906"], report["refused"])
        self.assertEqual(page.heat["attention kernels launched", "flash_attn_tile", "gfx906"] +
                         page.heat["broken or refused", "abort", "gfx906"], report["supported"] - report["too_big"])

    @unittest.skipUnless(os.path.exists(LIBRARY), "there is no imitation of a library in this build")
    def test_of_a_diff(self):
        sides, path = [], self.path("page.html")
        for fault in ("none", "abort"):
            sides += ["--subject", "ggml=" + self.path(f"imitation-fault-{fault}.so")]
            shutil.copy(LIBRARY, sides[-1][5:])
        self.ends(1, "diff", "--no-code", *sides, "--calls", "20000", "--html", path)
        labels = [label for label in Page(path).labels if "mask to 256" in label]
        self.assertTrue(labels and all("72 cells worse, 240 cells same" in label for label in labels), labels)

    def test_of_a_check_of_ours(self):
        path = self.path("page.html")
        result = self.good("check", "--subject", "own", "--calls", "3000", "--device", "gfx1100,gfx906", "--html",
                           path)
        page = Page(path)
        for device in ("gfx906", "gfx1100"):
            self.assertEqual(sum(n for (_, row, d), n in page.heat.items() if d == device and row == "chosen"), 1500,
                             result.out)


if __name__ == "__main__":
    main()
