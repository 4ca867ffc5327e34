#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz import: test-backend-ops cases and route-debug lines become the problems they stand for."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import ATTNFUZZ, SOURCE, Case, attnfuzz  # noqa: E402

GEN = os.path.join(SOURCE, "corpus", "gen")
SEEDS = os.path.join(SOURCE, "corpus", "seeds")


def case(**changes):
    """A case string with every key of the newest form; None leaves a key out."""
    keys = dict(hsk=128, hsv=128, nh=4, nr23="[1,1]", kv=512, nb=3, mask=1, sinks=0, max_bias="0.000000",
                logit_softcap="0.000000", prec="f32", type_K="f16", type_V="f16", permute="[0,1,2,3]", kv_view=0,
                v_is_view_of_k=0)
    keys.update(changes)
    return "FLASH_ATTN_EXT(" + ",".join(f"{k}={v}" for k, v in keys.items() if v is not None) + ")"


class Import(Case):
    def lines(self, text, *options):
        out = self.good("import", *options, "-", stdin=text + "\n").out
        return [line for line in out.splitlines() if not line.startswith("#")]

    def becomes(self, text, want):
        self.assertEqual(self.lines(text), [want])


class Cases(Import):
    # Strides worked out by hand from what test_flash_attn_ext builds.
    def test_plain(self):
        self.becomes(case(), "fa1 q=f32[128,3,4,1] k=f16[128,512,4,1] v=f16[128,512,4,1] mask=f16[512,3,1,1] "
                             "scale=0.088388346")

    def test_gqa_and_sequences(self):
        self.becomes(case(nr23="[4,3]", hsk=64, hsv=64), "fa1 q=f32[64,3,16,3] k=f16[64,512,4,3] v=f16[64,512,4,3] "
                                                         "mask=f16[512,3,1,3] scale=0.125")

    def test_no_mask_sinks_softcap_and_alibi(self):
        self.becomes(case(mask=0, sinks=1, logit_softcap="10.000000", hsk=64, hsv=64),
                     "fa1 q=f32[64,3,4,1] k=f16[64,512,4,1] v=f16[64,512,4,1] sinks scale=0.125 softcap=10")
        self.becomes(case(max_bias="8.000000", hsk=64, hsv=64),
                     "fa1 q=f32[64,3,4,1] k=f16[64,512,4,1] v=f16[64,512,4,1] mask=f16[512,3,1,1] scale=0.125 "
                     "max_bias=8")

    def test_views_of_a_buffer_twice_as_long(self):
        # rows of 64 f16 are 128 bytes; 2 * 512 rows a head
        self.becomes(case(kv_view=1, hsk=64, hsv=64),
                     "fa1 q=f32[64,3,4,1] k=f16[64,512,4,1]:128,131072,524288 v=f16[64,512,4,1]:128,131072,524288 "
                     "mask=f16[512,3,1,1] scale=0.125")

    def test_permuted(self):
        # allocated [64, 4, 512, 1]: a key's heads lie side by side
        self.becomes(case(permute="[0,2,1,3]", hsk=64, hsv=64),
                     "fa1 q=f32[64,3,4,1]:1024,256,3072 k=f16[64,512,4,1]:512,128,262144 "
                     "v=f16[64,512,4,1]:512,128,262144 "
                     "mask=f16[512,3,1,1] scale=0.125")

    def test_a_permuted_view_doubles_the_heads(self):
        # allocated [64, 2 * 4, 512, 1]
        self.becomes(case(permute="[0,2,1,3]", kv_view=1, hsk=64, hsv=64),
                     "fa1 q=f32[64,3,4,1]:1024,256,3072 k=f16[64,512,4,1]:1024,128,524288 "
                     "v=f16[64,512,4,1]:1024,128,524288 mask=f16[512,3,1,1] scale=0.125")

    def test_v_as_a_view_of_k(self):
        self.becomes(case(hsk=576, hsv=512, nh=1, nr23="[16,1]", kv=113, nb=1, kv_view=1, v_is_view_of_k=1),
                     "fa1 q=f32[576,1,16,1] k=f16[576,113,1,1]@a:1152,260352,260352 "
                     "v=f16[512,113,1,1]@a:1152,260352,260352 "
                     "mask=f16[113,1,1,1] scale=0.041666668")

    def test_quantised_rows_are_padded_to_blocks_but_not_the_scale(self):
        # 72 becomes 96 = 3 blocks of 34 and of 18 bytes; 1.0f / sqrtf(72), rounded twice
        self.becomes(case(hsk=72, hsv=72, type_K="q8_0", type_V="q4_0", kv=32),
                     "fa1 q=f32[96,3,4,1] k=q8_0[96,32,4,1] v=q4_0[96,32,4,1] mask=f16[32,3,1,1] scale=0.11785114")

    def test_hints_that_are_no_part_of_the_problem(self):
        plain = self.lines(case())
        self.assertEqual(self.lines(case(prec="def")), [line + " prec=default" for line in plain])
        self.assertEqual(self.lines(case(prec="f32")), plain)
        self.assertEqual(self.lines(case(n_kv_max=512)), [line + " n_kv_max=512" for line in plain])
        self.assertEqual(self.lines(case(n_kv_max=0, q_range=20)), plain)

    def test_older_forms(self):
        # ggml 2024-05: rows of the mask padded to 32
        self.becomes("FLASH_ATTN_EXT(hs=128,nh=32,kv=512,nb=1,mask=1,max_bias=0.000000)",
                     "fa1 q=f32[128,1,32,1] k=f16[128,512,32,1] v=f16[128,512,32,1] mask=f16[512,32,1,1] "
                     "scale=0.088388346")
        # 2025-03: GQA, padded to 64
        self.becomes("FLASH_ATTN_EXT(hs=64,nh=4,nr=4,kv=512,nb=3,mask=1,max_bias=0.000000,"
                     "logit_softcap=0.000000,prec=f32,"
                     "type_KV=q8_0,permute=[0,1,2,3])",
                     "fa1 q=f32[64,3,16,1] k=q8_0[64,512,4,1] v=q8_0[64,512,4,1] mask=f16[512,64,1,1] scale=0.125")
        # 2026-05: views, V of 576/512 within K
        self.becomes("FLASH_ATTN_EXT(hsk=576,hsv=512,nh=1,nr23=[4,1],kv=113,nb=2,mask=1,sinks=0,max_bias=0.000000,"
                     "logit_softcap=0.000000,prec=f32,type_K=f16,type_V=f16,permute=[0,1,2,3])",
                     "fa1 q=f32[576,2,4,1] k=f16[576,113,1,1]@a:1152,260352,260352 "
                     "v=f16[512,113,1,1]@a:1152,260352,260352 "
                     "mask=f16[113,2,1,1] scale=0.041666668")

    def test_types_of_blocks(self):
        # rows of two blocks of 18 bytes; 2 * 113 rows a head
        self.becomes(case(kv_view=1, hsk=64, hsv=64, kv=113, type_K="iq4_nl", type_V="iq4_nl"),
                     "fa1 q=f32[64,3,4,1] k=iq4_nl[64,113,4,1]:36,8136,32544 v=iq4_nl[64,113,4,1]:36,8136,32544 "
                     "mask=f16[113,3,1,1] scale=0.125")

    def test_a_case_may_stand_in_a_log(self):
        self.assertEqual(len(self.lines(f"  \033[32m{case()}\033[0m: OK\r\n[1/2] {case(nb=7)}: FAIL")), 2)

    def test_types_that_do_not_exist_here_are_counted_by_type(self):
        text = "\n".join([case(type_K="q2_0", type_V="q2_0")] * 3 + [case(type_K="q1_0")] + [case()])
        out = self.good("import", "-", stdin=text + "\n").out
        self.assertIn("5 cases read: 1 lines here, 4 have a type that does not exist here", out)
        self.assertIn("q2_0 3, q1_0 1", out)

    def test_bad_cases_are_refused_with_their_place(self):
        for text, column in ((case(nb="x"), case(nb="x").index("nb=x") + 4),
                             (case(nb=0), 16), (case(permute="[0,0,1,2]"), case().index("[0,1,2,3]") + 1),
                             (case()[:-1], len(case())), (case(nh=2**31), case().index("nh=4") + 4),
                             (case(kv=None), 16), (case(hsk=64, v_is_view_of_k=1), 16),
                             (case(hsk="99999999999999999999"), 20),
                             (case(max_bias="nanx"), case().index("0.000000") + 1)):
            result = self.ends(2, "import", "-", stdin=text + "\n")
            self.assertIn(f"-:1:{column}: ", result.err, text)

    def test_unknown_lines_are_counted_and_shown(self):
        result = self.good("import", "-", stdin=f"Testing 1 devices\n\n{case()}\nsomething else\n")
        self.assertIn("-:1: not understood: Testing 1 devices", result.err)
        self.assertIn("-:4: not understood: something else", result.err)
        self.assertIn("2 lines not understood", result.err)
        self.ends(2, "import", "--strict", "-", stdin=f"{case()}\nsomething else\n")
        self.ends(2, "import", "-", stdin="nothing here\n")

    def test_unique_and_vary(self):
        text = "\n".join([case(), case(prec="def"), case(nb=9)])
        self.assertEqual(len(self.lines(text)), 3)
        self.assertEqual(len(self.lines(text, "--unique")), 3)
        self.assertEqual(len(self.lines(text.replace("def", "f32"), "--unique")), 2)
        varied = self.lines(text, "--unique", "--vary")
        self.assertEqual([v.split(" | ")[0] for v in varied], self.lines(text, "--unique"))
        self.assertEqual(varied, self.lines(text, "--unique", "--vary"))
        self.assertTrue(all("seed=" in v for v in varied))


class Routes(Import):
    LINE = ("CUDA_FA_ROUTE_PLAN device=0 Q=[256,11,32,1] Kraw=f16 Vraw=f16 Kshape=[256,512,16,1] Vshape=[256,512,16,1] "
            "Keff=f16 Veff=f16 turbo_kv=0 prefer_native_vec=0 decode=0 dk=0 dv=0 unsafe_vec_after_turbo_v_decode=0 "
            "allow_vec=1 kernel=TILE need_f16_K=0 need_f16_V=0 Knb=[2,8192,512,4194304] Vnb=[2,8192,512,4194304] "
            "Keff_nb=[2,8192,512,4194304] Veff_nb=[2,8192,512,4194304]")

    def test_a_route_line(self):
        self.becomes(self.LINE, "fa1 q=f32[256,11,32,1]:32768,1024,360448 k=f16[256,512,16,1]:8192,512,4194304 "
                                "v=f16[256,512,16,1]:8192,512,4194304 mask=f16[512,11,1,1] scale=0.0625")

    def test_a_mask_that_is_logged(self):
        line, = self.lines(self.LINE + " mask=[1024,11,1,1] mask_nb=[2,4096,45056,45056]")
        self.assertIn(" mask=f16[1024,11,1,1]:", line)

    def test_what_is_missing_or_wrong(self):
        for gone in ("Q", "Kraw", "Vraw", "Kshape", "Vshape"):
            text = re.sub(rf" {gone}=\S+", "", self.LINE)
            self.assertIn("missing", self.ends(2, "import", "-", stdin=text + "\n").err)
        bad = self.LINE.replace("Kshape=[256,512,16,1]", "Kshape=[256,512,16]")
        self.assertIn("four numbers", self.ends(2, "import", "-", stdin=bad + "\n").err)
        bad = self.LINE.replace("Kshape=[256,512,16,1]", "Kshape=[256,512,15,1]")
        self.assertIn("not legal", self.ends(2, "import", "-", stdin=bad + "\n").err)
        turbo = self.LINE.replace("Kraw=f16", "Kraw=turbo3_0")
        self.assertIn("turbo3_0 1", self.good("import", "-", stdin=turbo + "\n").out)

    def test_an_abort_message_is_shown(self):
        text = "No CUDA FA kernel selected: K=f16 V=f16 D=256"
        self.assertIn(text, attnfuzz("import", "-", stdin=text + "\n").err)


class Regenerated(Case):
    def test_test_backend_ops_is_what_its_generator_gives(self):
        cases = subprocess.run([sys.executable, os.path.join(GEN, "test_backend_ops.py"), "--perf", "--one-prec"],
                               check=True, stdout=subprocess.PIPE).stdout
        self.assertEqual(cases.count(b"FLASH_ATTN_EXT("), 5190)
        made = subprocess.run([ATTNFUZZ, "import", "--unique", "--vary", "-"], input=cases, check=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout
        with open(os.path.join(SEEDS, "test-backend-ops.txt"), "rb") as f:
            self.assertTrue(made == f.read(), "corpus/seeds/test-backend-ops.txt is not what corpus/gen makes")

    def test_the_model_files_are_what_their_generator_gives(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, os.path.join(GEN, "models.py"), folder], check=True)
            made = sorted(os.listdir(folder))
            self.assertGreaterEqual(len(made), 13)
            self.assertEqual(set(os.listdir(SEEDS)) - set(made), {"test-backend-ops.txt"})
            for name in made:
                with open(os.path.join(folder, name), "rb") as a, open(os.path.join(SEEDS, name), "rb") as b:
                    self.assertTrue(a.read() == b.read(), f"corpus/seeds/{name} is not what corpus/gen makes")


if __name__ == "__main__":
    unittest.main()
