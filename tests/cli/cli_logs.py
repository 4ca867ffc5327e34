#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz import reads what people paste: logs of servers and test programs with times, colours and wrapped lines, in
the forms that several forks of ggml print calls in; what it leaves out is counted by reason, what it takes as given or
drops is said. The logs are rebuilt after public ones, with other names and numbers."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import SMALL, SOURCE, Case  # noqa: E402

CASE = ("hsk=128,hsv=128,nh=4,nr23=[4,1],kv=512,nb=3,mask=1,sinks=0,max_bias=0.000000,logit_softcap=0.000000,prec=f32,"
        "type_K=f16,type_V=q8_0,permute=[0,2,1,3],kv_view=0,v_is_view_of_k=0")
LINE = ("fa1 q=f32[128,3,16,1]:8192,512,24576 k=f16[128,512,4,1]:1024,256,524288 "
        "v=q8_0[128,512,4,1]:544,136,278528 mask=f16[512,3,1,1] scale=0.088388346")


def log(name):
    with open(os.path.join(SOURCE, "tests", "cli", "logs", name + ".txt"), encoding="ascii") as f:
        return f.read()


SERVER, BACKEND_OPS, DIFFUSION = log("server"), log("backend-ops"), log("diffusion")
# views as build_attn_mha makes them
VIEW = ("fa1 q=f32[512,2048,64,1]:131072,2048,268435456 k=f16[512,2304,1,1] v=f16[512,2304,1,1] "
        "mask=f16[2304,2048,1,1]")


class Logs(Case):
    def imported(self, text, *options):
        """Lines, comments, messages of one import that is good."""
        result = self.good("import", *options, "-", stdin=text)
        lines = result.out.splitlines()
        return [x for x in lines if not x.startswith("#")], "\n".join(x for x in lines if x.startswith("#")), result.err

    def becomes(self, text, *want):
        self.assertEqual(self.imported(text)[0], list(want), text)


class ThreeLogs(Logs):
    def test_a_server_that_aborts(self):
        lines, comments, err = self.imported(SERVER)
        self.assertEqual(lines, [VIEW + " scale=0.044194173", VIEW.replace("2304", "9984") + " scale=0.044194173"])
        self.assertIn("taken as given: K and V are f16 2, Q, K and V are views as llama.cpp has them 2, "
                      "the scale is", comments.replace("\n#  ", ""))
        self.assertIn("# Lines left out: nothing about attention that is understood 4, "
                      "an abort, a refusal or an error about attention that does not say the call's extents 2, "
                      "attention is named, without a call's extents 1", err.replace("\n#  ", ""))
        self.assertIn("-:6: left out, an abort, a refusal or an error about attention that does not say the call's "
                      "extents: No CUDA FA kernel selected: K=f16 V=f16 D=256", err)
        self.ends(2, "import", "--strict", "-", stdin=SERVER)

    def test_test_backend_ops_as_it_is_pasted(self):
        lines, comments, err = self.imported(BACKEND_OPS)
        small = ("fa1 q=f32[64,{0},4,1] k=f16[64,113,4,1]:128,28928,115712 v=f16[64,113,4,1]:128,28928,115712 "
                 "mask=f16[113,{0},1,1] scale=0.125 max_bias=8")
        self.assertEqual(lines, ["fa1 q=f32[512,1,32,1] k=q4_0[512,256,4,1]:288,147456,589824 "
                                 "v=q4_0[512,256,4,1]:288,147456,589824 mask=f16[256,1,1,1] scale=0.044194173",
                                 small.format(7), small.format(9), small.format(11)])
        self.assertIn("turbo3 1", comments)
        self.assertIn("Parameters that are not known here, and dropped: n_tail 1", comments)
        self.assertIn("-:4: n_tail is not known here and is dropped", err)
        self.assertIn("say nothing of the problem, and dropped: prec 4", err)

    def test_a_diffusion_model(self):
        lines, comments, err = self.imported(DIFFUSION)
        self.assertEqual(lines, [f"fa1 q=f32[64,576,20,1] k=f16[64,{n},20,1] v=f16[64,{n},20,1] scale=0.125"
                                 for n in (576, 77)])
        for said in ("there is no mask 2", "K and V have as many heads as Q 2", "dropped: C 2"):
            self.assertIn(said, comments)
        self.assertIn("attention is named, without a call's extents 1", err)


class Forms(Logs):
    def test_csv_and_sql_of_test_backend_ops(self):
        head = '"backend_name","op_name","op_params","test_mode","supported","error_message","backend_reg_name"\n'
        self.becomes(head + f'"ROCm0","FLASH_ATTN_EXT","{CASE}","support","yes","","ROCm"\n', LINE)
        self.becomes("CREATE TABLE IF NOT EXISTS test_backend_ops (\n  op_params TEXT\n);\n\nINSERT INTO test_backend"
                     "_ops "
                     "(test_time, op_name, op_params, test_mode) VALUES ('2026-09-24T10:56:13Z', 'FLASH_ATTN_EXT', "
                     f"'{CASE}', 'perf', '1');\n", LINE)
        self.becomes(f"FLASH_ATTN_EXT,{CASE},support,1\n", LINE)
        self.becomes(f"| FLASH_ATTN_EXT | {CASE} | FAIL |\n", LINE)

    def test_a_wrapped_case_is_one_wherever_it_was_cut(self):
        text = f"FLASH_ATTN_EXT({CASE}): OK"
        cuts = [text[:cut] + "\n" + text[cut:] + "\n" for cut in range(text.index("(") + 1, text.index(")") + 1)]
        self.becomes("".join(cuts), *[LINE] * len(cuts))
        for separator in (", ", ",\n", ",\n\n", ",\n  ", ",\n2026-09-24T10:56:13Z ", ",\n> ", "\n  ", ",\r\n", "\t"):
            wrapped = text.replace(",hsv", separator + "hsv").replace(",kv=", separator + "kv=").replace(
                ",type_K", separator + "type_K")
            if separator != ",\n\n":
                self.becomes(wrapped + "\n", LINE)
        self.becomes(text.replace(",", " ") + "\n", LINE)
        self.becomes(text.replace("=", " = ") + "\n", LINE)

    def test_a_case_without_its_end_does_not_swallow_the_next(self):
        text = f"FLASH_ATTN_EXT({CASE[:60]}\nFLASH_ATTN_EXT({CASE}): OK\nFLASH_ATTN_EXT({CASE[:90]}\nAborted\n"
        result = self.ends(2, "import", "-", stdin=text)
        self.assertEqual([x for x in result.out.splitlines() if x.startswith("fa1")], [LINE])
        self.assertRegex(result.err, r"-:1:76: the case has no closing parenthesis\n-:3:\d*:? ?the case has no closing")

    def test_a_model_is_not_taken_for_text(self):
        result = self.ends(2, "import", "-", stdin=b"GGUF\3\0\0\0" + bytes(100) + f"FLASH_ATTN_EXT({CASE})".encode())
        self.assertIn("-:1: a model's file: attnfuzz import --gguf reads it", result.err)

    def test_two_cases_in_one_line(self):
        self.becomes(f"FLASH_ATTN_EXT({CASE}): OK FLASH_ATTN_EXT({CASE}): FAIL\n", LINE, LINE)

    def test_colour_codes_and_what_web_pages_make_of_text(self):
        for text in ("\x1b[1;32mFLASH_ATTN_EXT\x1b[m\x1b[K({})", "\\x1b[32mFLASH_ATTN_EXT(\\x1b[0m{})",
                     "^[[32mFLASH_ATTN_EXT(^[[0m{})", "\x1b]0;title\x07FLASH_ATTN_EXT({})",
                     "\x1b]8;;x\x1b\\FLASH_ATTN_EXT({})", "\u00a0FLASH_ATTN_EXT(\u200b{})"):
            self.becomes(text.format(CASE.replace("nh=4", "nh=\x1b[1m4\x1b[0m")) + "\n", LINE)
        self.becomes("Q = 512 \u00d7 2048 \u00d7 64 \u00d7 1. K = 512\u00d72304\u00d71\u00d71\n",
                     VIEW + " scale=0.044194173")

    def test_utf_8_with_a_mark_and_utf_16(self):
        want, _, _ = self.imported(BACKEND_OPS + "\n# \U0001f600 ok\n")
        for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
            for text in (BACKEND_OPS, BACKEND_OPS.replace("\n", "\r\n"), BACKEND_OPS * 200):
                path = self.write("log.txt", text.encode(name))
                lines = [x for x in self.good("import", path).out.splitlines() if x.startswith("fa1")]
                self.assertEqual(lines, want * text.count("Testing 2 devices"), name)
        big = self.write("log.txt", ("# \U0001f600 \u00fc\n" + BACKEND_OPS).encode("utf-16-be") + b"\xd8")
        self.assertEqual(self.good("import", big).out.count("\nfa1"), len(want))

    def test_shapes_in_one_line(self):
        scale = " scale=0.044194173"
        for text in ("Q = 512 x 2048 x 64 x 1. K = 512 x 2304 x 1 x 1 V = 512 x 2304 x 1 x 1",
                     "flash_attn: q[512,2048,64,1] k[512,2304,1,1] mask=[2304,2048]",
                     "Flash attn padded: Q shape [512, 2048, 64, 1], K shape [512, 2304, 1, 1]",
                     "flash_attn: q=f32[512,2048,64,1] k=f16[512,2304,1,1] v=f16(512,2304,1,1)",
                     "fa: Q=512x2048x64x1 K=512x2304x1x1",
                     "node_24 = (f32) FLASH_ATTN_EXT(Qcur-0 (view) (permuted){512, 2048, 64, 1}, cache_k_l0 (view){"
                     "512, 2304, 1, 1}}) = {512, 64, 2048, 1}"):
            self.becomes(text + "\n", VIEW + scale)
        self.becomes("x: Q = 512 x 2048 x 64 x 1. K = 512 x 2304 x 1 x 1 mask = nullptr\n",
                     VIEW.split(" mask")[0] + scale)

    def test_shapes_that_were_wrapped(self):
        text = "ggml_x: Q = 128 x 2 x 32 x 1. K = 128 x 256 x 8 x 1 V = 128 x 256 x 8 x 1 mask = 256 x 2 x 1 x 1"
        [want], _, _ = self.imported(text + "\n")
        for at, c in enumerate(text):
            if c == " " and (text[at - 1] == "x" or text[at + 1] == "x") and "=" in text[:at]:
                for indent in ("", "    "):
                    self.becomes(f"{text[:at]}\n{indent}{text[at + 1:]}\n2026-01-01 next\n", want)
        text = "fa: Q ne=[128, 2, 32, 1] K ne=[128, 256, 8, 1]"
        for at in (text.index(" 2,"), text.index(" 256,"), text.index(" 8,")):
            self.becomes(text[:at] + "\n" + text[at + 1:] + "\n", want)
        # what only looks like it: the next line is another
        self.becomes(f"K size = 512 x 2304\n3 x\n{text}\n", want)

    STRIDES = ("fa1 q=f32[128,2,32,1]:16384,512,32768 k=q8_0[128,256,8,1]:1088,136,278528 "
               "v=f16[128,256,8,1]:2048,256,524288 "
               "mask=f16[256,2,1,1] scale=0.088388346")

    def tensors(self, form):
        rows = dict(Q=("128,2,32,1", "4,16384,512,32768", "f32", 0), K=("128,256,8,1", "34,1088,136,278528", "q8_0", 8),
                    V=("128,256,8,1", "2,2048,256,524288", "f16", 1))
        return [form(name, *row) for name, row in rows.items()]

    def test_shapes_strides_and_types_of_several_forks(self):
        # a line each (a SYCL fork), with others' lines between
        lines = self.tensors(lambda name, ne, nb, _, n: f"ggml_sycl MKL path: {name} ne=[{ne}] nb=[{nb}] type={n}\n")
        self.becomes("".join(lines), self.STRIDES)
        self.becomes("".join(lines) * 3 + "done\n" + "".join(lines), *[self.STRIDES] * 4)
        self.becomes("".join(self.tensors(lambda name, ne, *_: f"[VERIFY] {name} tensor: [{ne}]\n")) +
                     "".join(self.tensors(lambda name, _, nb, kind, __: f"FA {name} strides [{nb}] type={kind}\n")),
                     self.STRIDES)
        others = "srv  update_slots: all slots are idle\n"
        self.becomes(others.join(lines) + others * 9, self.STRIDES)
        # extents, strides and types under one name each
        named = self.tensors(lambda name, ne, nb, kind, _: f"{name}shape=[{ne}] {name}nb=[{nb}] type_{name}={kind}")
        self.becomes(" ".join(named) + "\n", self.STRIDES)
        # ggml-metal: the node, then a line each
        node = "".join(self.tensors(lambda name, ne, nb, kind, _: f"ggml_metal_x: src{'QKV'.index(name)} - {kind} "
                                                                  f"[{ne}] [{nb}], 0, {name}cur-0\n"))
        head = "ggml_metal_x: node[   12] - "
        self.becomes(f"{head}FLASH_ATTN_EXT\n{node}{head}MUL_MAT\n{node}", self.STRIDES)
        # ggml-sycl
        src = self.tensors(lambda name, ne, nb, kind, _: f"src{'QKV'.index(name)}='{name}cur-0 (view)':type={kind};"
                                                         f"ne=[{ne.replace(',', ', ')}];nb=[{nb}];strided")
        self.becomes("[SYCL][OP] call ggml_sycl_flash_attn_ext: dst='k':type=f32;ne=[128, 32, 2, 1];nb=[4, 512, 16384, "
                     f"32768] {' '.join(src)} src3=nullptr\n", self.STRIDES.replace("mask=f16[256,2,1,1] ", ""))
        # ggml-vulkan: addresses, types as numbers, no names
        each = lambda key, values: [f"{key}{i}={x}" for i, x in enumerate(values.split(","))]  # noqa: E731
        groups = self.tensors(lambda name, ne, nb, _, n: f"(0x55d0, name={name}cur-0, type={n}, "
                                                         f"{', '.join(each('ne', ne) + each('nb', nb))})")
        dst = "(0x55d1, name=x, type=0, ne0=128, ne1=32, ne2=2, ne3=1, nb0=4, nb1=512, nb2=16384, nb3=32768)"
        self.becomes(f"ggml_vk_flash_attn({', '.join(groups + [dst])})\n", self.STRIDES)
        # ggml-hexagon
        inside = self.tensors(lambda name, ne, nb, _, n: f"{name.lower()}[{','.join(each('n', ne) + each('nb', nb))},"
                                                         f"type={n},data=0x7f]")
        self.becomes(f"flash_attn: {' '.join(inside)} mask=0x0\n", self.STRIDES.replace("mask=f16[256,2,1,1] ", ""))

    def test_extents_by_name(self):
        want = "fa1 q=f32[128,3,32,2] k=q8_0[128,512,8,2] v=f16[64,512,8,2] scale=0.088388346"
        self.becomes("[MKL-FA] #1 D=128 DV=64 n_q=3 n_kv=512 n_qh=32 n_kvh=8 gqa=4 batch=2 K=q8_0 V=f16 chunk=512\n",
                     want)
        self.becomes("[17] head_size: 128, d_v: 64, seqlen_q: 3, seqlen_k: 512, num_heads: 32, num_heads_k: 8, "
                     "batch_size: 2, type_K: Q8_0, type_V: F16\n", want)
        # Words with a colon before the first of them, and a colon behind a value, take nothing away.
        for before in ("no kernel: ", "12:00:05 E fattn.cu:579: error: ", "shape: K: "):
            self.becomes(before + "L_q:2 L_k:77 n_head:8 d_head:128 type_K:q8_0: not supported\n",
                         "fa1 q=f32[128,2,8,1] k=q8_0[128,77,8,1] v=f16[128,77,8,1] scale=0.088388346")
        self.assertIn("turbo4 1", self.imported("D=128 n_q=3 n_kv=512 n_head=8 K=turbo4 V=f16\n")[1])
        # n_q and n_kv are heads in some programs: without the number of heads nothing is read out of them
        self.ends(2, "import", "-", stdin="[model] n_layers=28 head_dim=128 n_q=16 n_kv=8\n")
        self.assertIn("an extent is 0", self.ends(2, "import", "-", stdin="D=128 n_q=0 n_kv=5 n_head=8\n").err)

    def test_lines_of_ours_in_a_log(self):
        for before, after in (("", ""), ("/x/fattn.cu:579: no FlashAttention kernel for: ", ""),
                              ("2026-09-01 E ", "\x1b[0m"), ('{"msg":"', '"}')):
            if after != '"}':
                self.becomes(before + SMALL + after + "\n", SMALL.replace(" scale=0.125", " scale=0.125"))
        self.becomes(SMALL + " | dev=gfx906 seed=3\n", SMALL)
        self.assertIn("-:1:", self.ends(2, "import", "-", stdin="x: fa1 q=f32[64,2\n").err)

    def test_what_is_left_out_says_why(self):
        for text, why in (("q.shape=torch.Size([1, 32, 128]) k torch.Size([1, 8, 128])", "torch's order"),
                          ("ValueError: Head size 80 is not supported by RocmAttention.",
                           "does not say the call's extents"),
                          ("RuntimeError: Unsupported head size: 32", "does not say the call's extents"),
                          ("ggml_metal: error: unsupported op 'FLASH_ATTN_EXT'", "does not say the call's extents"),
                          ("test-backend-ops -o FLASH_ATTN_EXT -p 'hsk=576'", "without a call's extents"),
                          ("\"FLASH_ATTN_EXT\",\"hsk=576\"", "some of a case's parameters alone"),
                          ("Q ne=[128,1,32,1] type=f32 of flash_attn", "without a call's extents"),
                          ("flash_attn Q type=f16 Q = 128 x 1 x 8 x 1 K = 128 x 5 x 8 x 1", "Q is not f32"),
                          ("K = [64,2,1,1]", "nothing about attention"),
                          ("FLASH_ATTN_EXT hsk=576,hsv=512", "some of a case's parameters alone"),
                          ("y" * 70000, "more than 65536 bytes")):
            _, _, err = self.imported(f"FLASH_ATTN_EXT({CASE})\n{text}\n")
            self.assertRegex(err.replace("\n#  ", ""), rf"# Lines left out: .*{why}.* 1\n", text)
            self.assertIn("-:2: ", err)


if __name__ == "__main__":
    unittest.main()
