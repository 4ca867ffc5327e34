#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz import --gguf: the attention of a model out of its metadata, as a session that can be played and as lines;
whatever a file holds, the answer is one or the other, or one line of error."""

import os
import random
import re
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import gguf_file  # noqa: E402
from command import Case, attnfuzz, lines_of_json  # noqa: E402
from gguf_file import ARRAY, F32, I32, STRING, U16, U32, U64  # noqa: E402

LLAMA = {"block_count": 4, "context_length": 131072, "embedding_length": 4096, "attention.head_count": 32,
         "attention.head_count_kv": 8}
# Gemma-4 31B: 60 layers, every sixth sees all; other heads and other head sizes in these
GEMMA = {"block_count": 60, "context_length": 262144, "embedding_length": 5376, "attention.head_count": 32,
         "attention.head_count_kv": [16, 16, 16, 16, 16, 4] * 10, "attention.key_length": 512,
         "attention.value_length": 512, "attention.key_length_swa": 256, "attention.value_length_swa": 256,
         "attention.sliding_window": 1024, "attention.sliding_window_pattern": [True] * 5 + [False]}
GEMMA["attention.sliding_window_pattern"] *= 10


class Gguf(Case):
    def model(self, architecture, keys, *options, tensors=(), **more):
        """Comments, session, lines of a model's file."""
        path = self.write("model.gguf", gguf_file.model(architecture, keys, tensors, **more))
        result = self.good("import", "--gguf", path, *options)
        self.assertEqual(result.err, "")
        lines = result.out.splitlines()
        sessions = [x for x in lines if x.startswith("session")]
        problems = [x for x in lines if x.startswith("fa1")]
        self.assertTrue(sessions and problems, result.out)
        self.assertEqual(len(problems), len(set(problems)))
        return "\n".join(x for x in lines if x.startswith("#")), sessions, problems

    def layers(self, architecture, keys, *options, **more):
        comments, sessions, _ = self.model(architecture, keys, *options, **more)
        return re.findall(r"layer ([^;]*);", "".join(sessions)), comments


class Models(Gguf):
    def test_the_session_and_the_lines_are_of_each_other_and_can_be_played(self):
        for architecture, keys in (("llama", LLAMA), ("gemma4", GEMMA),
                                   ("glm4moe", dict(LLAMA, nextn_predict_layers=1))):
            comments, [session], lines = self.model(architecture, keys)
            played = lines_of_json(self.good("plan", "--json", "--device", "gfx1100", session).out)
            strip = lambda line: line.split(" | ")[0]  # noqa: E731
            self.assertEqual(sorted({strip(p["line"]) for p in played}), sorted(map(strip, lines)))
            path = self.write("own.txt", "\n".join([comments, session, *lines]))
            self.assertEqual(self.good("plan", "--device", "gfx906", path).err, "")

    def test_a_plain_model(self):
        layers, comments = self.layers("llama", LLAMA)
        self.assertEqual(layers, ["full heads=32/8 d=128 scale=0.088388346"])
        self.assertIn("llama (Some Model), 4 of 4 layers have attention, context 131072\n", comments)
        _, _, lines = self.model("llama", LLAMA)
        self.assertIn("fa1 q=f32[128,512,32,1]:16384,512,8388608 k=f16[128,512,8,1]:2048,256,8388608 "
                      "v=f16[128,512,8,1]:2048,256,8388608 mask=f16[512,512,1,1] scale=0.088388346", lines)
        self.assertTrue(any(" q=f32[128,1,32,1]" in x and " k=f16[128,1024,8,1]" in x for x in lines), lines)

    def test_the_session_of_the_report(self):
        layers, comments = self.layers("gemma4", GEMMA)
        self.assertEqual(layers, ["sliding heads=32/16 d=256 window=1024", "full heads=32/4 d=512"])
        self.assertIn("#   sliding: 50 layers from layer 0 on, heads 32/16, head size 256, window 1024, scale 1\n"
                      "#   full: 10 layers from layer 5 on, heads 32/4, head size 512, scale 1", comments)
        self.assertIn("Note: the scale is not in the file: 1 as in llama.cpp's code for gemma4", comments)

    def test_head_counts_of_each_layer(self):
        keys = dict(LLAMA, **{"attention.head_count": [64, 0, 64, 32], "attention.head_count_kv": [8, 0, 8, 0],
                              "attention.key_length": 128, "attention.value_length": 128})
        layers, comments = self.layers("deci", keys)
        self.assertEqual(layers, ["full heads=64/8 d=128 scale=0.088388346"])
        self.assertIn("2 of 4 layers have attention", comments)
        keys["attention.head_count_kv"] = [8, 1, 16, 4]
        keys["attention.head_count"] = [64, 1, 64, 32]
        layers, _ = self.layers("deci", keys)
        self.assertEqual([x.split()[1] for x in layers], ["heads=64/8", "heads=1/1", "heads=64/16", "heads=32/4"])
        # more kinds than a session has layers: each is in one
        keys = dict(LLAMA, block_count=20, nextn_predict_layers=1)
        keys["attention.head_count"] = keys["attention.head_count_kv"] = [4 + i for i in range(19)] + [8]
        keys["attention.key_length"] = 64
        keys["attention.value_length"] = 64
        _, sessions, _ = self.model("openelm", keys)
        found = re.findall(r"layer \w+ heads=(\d+)", "".join(sessions))
        self.assertEqual(sorted(set(map(int, found))), list(range(4, 23)))
        self.assertTrue(all(x.count("draft;") == 1 for x in sessions))

    def test_windows(self):
        window = dict(LLAMA, **{"attention.sliding_window": 4096, "attention.head_count_kv": 4})
        kinds = lambda c: re.findall(r"#   (\w+): (\d+) layers? from layer (\d+)", c)  # noqa: E731
        for architecture, keys, want in (
                ("gemma3", dict(window, block_count=13), [("sliding", "11", "0"), ("full", "2", "5")]),
                ("gpt-oss", window, [("sliding", "2", "0"), ("full", "2", "1")]),
                ("cohere2", dict(window, **{"attention.sliding_window_pattern": 2}),
                 [("sliding", "2", "0"), ("full", "2", "1")]),
                ("smallthinker", window, [("full", "1", "0"), ("sliding", "3", "1")]),
                ("laguna", window, [("full", "1", "0"), ("sliding", "3", "1")]),
                ("other", dict(window, **{"attention.sliding_window_pattern": [1, 0, 1, 1]}),
                 [("sliding", "3", "0"), ("full", "1", "1")]),
                ("other", dict(window, **{"attention.sliding_window": [64, 32, 0, 32],
                                          "attention.sliding_window_pattern": [1, 1, 1, 1]}),
                 [("sliding", "1", "0"), ("sliding2", "2", "1"), ("full", "1", "2")]),
                ("qwen2", window, [("full", "4", "0")])):
            _, comments = self.layers(architecture, keys)
            self.assertEqual(kinds(comments), want, comments)
        self.assertIn("does not say in which layers: taken to be in none", comments)

    def test_softcap_alibi_scale_sinks(self):
        layers, _ = self.layers("gemma2", dict(LLAMA, attn_logit_softcapping=50.0))
        self.assertTrue(all("softcap=50" in x for x in layers) and len(layers) == 2, layers)
        self.assertEqual(self.layers("mpt", dict(LLAMA, **{"attention.max_alibi_bias": 8.0}))[0],
                         ["full heads=32/8 d=128 scale=0.088388346 max_bias=8"])
        layers, comments = self.layers("bloom", LLAMA)
        self.assertIn("max_bias=8", layers[0])
        self.assertIn("ALiBi is not in the file", comments)
        self.assertIn("scale=0.25", self.layers("granite", dict(LLAMA, **{"attention.scale": 0.25}))[0][0])
        keys = dict(LLAMA, **{"attention.sliding_window": 128})
        tensors = ["0.attn_sinks.weight", "2.attn_sinks", "x.attn_sinks", "4097.attn_sinks", "-1.attn_sinks",
                   "1.attn_sinksy"]
        layers, _ = self.layers("gpt-oss", keys, tensors=["blk." + x for x in tensors])
        self.assertEqual([("sinks" in x, "window=128" in x) for x in layers], [(True, True), (False, False)])
        self.assertTrue(all(" sinks" in x for x in self.model("gpt-oss", keys, tensors=[
            f"blk.{i}.attn_sinks.weight" for i in range(4)])[2]))

    def test_a_part_of_a_model(self):
        pairs = [("general.architecture", STRING, "llama"), ("split.count", U16, 3)]
        pairs += [("llama." + key, U32, value) for key, value in LLAMA.items()]
        path = self.write("m-00001-of-00003.gguf", gguf_file.Writer().file(pairs))
        self.assertIn("Note: a model in 3 files: sinks", self.good("import", "--gguf", path).out)

    def test_mtp_layers_are_a_drafter(self):
        comments, [session], lines = self.model("glm4moe", dict(LLAMA, nextn_predict_layers=1))
        shape = "heads=32/8 d=128 scale=0.088388346"
        self.assertIn(f"layer full {shape}; layer mtp {shape} draft;", session)
        self.assertIn("draft 4 accept 2", session)
        self.assertTrue(any(" q=f32[128,5,32,1]" in x for x in lines))

    def test_a_drafter_that_reads_the_targets_cache(self):
        keys = dict(GEMMA, nextn_predict_layers=60)
        layers, comments = self.layers("gemma4-assistant", keys)
        self.assertEqual(layers, ["sliding heads=32/16 d=256 window=1024", "full heads=32/4 d=512",
                                  "mtp heads=32/16 d=256 window=1024 draft reads=sliding",
                                  "mtp2 heads=32/4 d=512 draft reads=full"])
        self.assertIn("a drafter's, which read the cache of the target", comments)
        _, [session], _ = self.model("gemma4-assistant", keys)
        self.assertIn("draft 4 accept 2", session)
        self.good("plan", "--device", "gfx906", session)

    def test_v_as_a_view_of_k(self):
        keys = dict(LLAMA, **{"attention.head_count": 128, "attention.head_count_kv": 1, "attention.key_length": 576,
                              "attention.value_length": 512, "attention.key_length_mla": 192,
                              "attention.value_length_mla": 128})
        self.assertEqual(self.layers("deepseek2", keys)[0], ["full heads=128/1 d=576/512 scale=0.07216878 view"])
        # V is the latent, whatever the length of a value is said to be; without both lengths there is no latent
        latent = dict(keys, **{"attention.value_length": 74, "attention.kv_lora_rank": 512})
        self.assertEqual(self.layers("deepseek2", latent), self.layers("deepseek2", keys))
        keys["attention.value_length_mla"] = 0
        self.assertEqual(self.layers("deepseek2", keys)[0], ["full heads=128/1 d=576/512 scale=0.041666668"])

    def test_recurrent_layers(self):
        for keys, count in (({"full_attention_interval": 2}, 2),
                            ({"attention.recurrent_layers": [True, True, True, False]}, 1),
                            ({"block_count": 9}, 2)):
            self.assertIn(f"{count} of ", self.layers("qwen3next", dict(LLAMA, **keys))[1])

    def test_options(self):
        self.assertIn("type=q8_0/f16", self.layers("llama", LLAMA, "--type", "q8_0/f16")[0][0])
        _, [session], lines = self.model("llama", LLAMA, "--cells", "65536")
        self.assertIn("cells 65536", session)
        _, [session], _ = self.model("llama", dict(LLAMA, context_length=40))
        self.assertIn("cells 40;", session)
        path = self.write("m.gguf", gguf_file.model("llama", LLAMA))
        for arguments in (["--gguf", path, "x"], ["--gguf", path, "--unique"], ["--cells", "5", path],
                          ["--type", "f16", "-"], ["--gguf", path, "--cells", "0"], ["--gguf", path, "--type", "q9"],
                          ["--gguf", path, "--type", ""], ["--gguf", self.folder.name],
                          ["--gguf", self.path("none")], ["--gguf"]):
            self.ends(2, "import", *arguments)
        with open(path, "rb") as f:
            self.assertEqual(self.good("import", "--gguf", "-", stdin=f.read()).out,
                             self.good("import", "--gguf", path).out)

    def test_other_versions_and_byte_orders(self):
        want = self.model("gemma4", GEMMA)
        for order, version in (("<", 2), (">", 3)):
            self.assertEqual(self.model("gemma4", GEMMA, order=order, version=version), want)

    def test_the_beginning_of_a_file_is_enough(self):
        whole = gguf_file.model("llama", LLAMA, [f"blk.{i}.attn_q.weight" for i in range(4)])
        for cut in (1, 30, 100):
            result = self.good("import", "--gguf", self.write("cut.gguf", whole[:-cut]))
            self.assertIn("Note: the file ends inside the list of its tensors", result.out)


class Hostile(Gguf):
    def refused(self, content, *words):
        result = self.ends(2, "import", "--gguf", self.write("bad.gguf", content))
        self.assertEqual(result.out, "")
        self.assertRegex(result.err, r"\Aattnfuzz: [ -~]+\n\Z")
        self.assertLess(result.peak_bytes, 100_000_000)
        for word in words:
            self.assertIn(word, result.err)

    def test_each_error_has_its_name_and_place(self):
        w = gguf_file.Writer()
        arch = ("general.architecture", STRING, "llama")
        blocks = ("llama.block_count", U32, 4)
        good = gguf_file.model("llama", LLAMA)
        self.refused(b"", "at byte 0: no GGUF file")
        self.refused(b"GGML" + good[4:], "no GGUF file")
        self.refused(b"GGUF" + struct.pack("<I", 1) + good[8:], "at byte 4: GGUF version 1")
        self.refused(b"GGUF" + struct.pack("<I", 77) + good[8:], "version 77")
        self.refused(w.file([])[:16] + struct.pack("<Q", 2**63) + w.file([arch])[24:],
                     "the file ends inside its metadata")
        self.refused(w.file([]), "there is no general.architecture")
        self.refused(w.file([blocks, arch]), "at byte 24: general.architecture does not come before")
        self.refused(w.file([arch, arch]), "general.architecture is there twice")
        self.refused(w.file([("general.architecture", STRING, "")]), "empty")
        self.refused(w.file([("general.architecture", STRING, "x" * 5000)]), "of 5000 bytes")
        self.refused(w.file([("general.architecture", U32, 5)]), "there is no general.architecture")
        self.refused(w.file([arch]), "llama.block_count is 0")
        self.refused(w.file([arch, blocks]), "no llama.attention.head_count")
        self.refused(w.file([arch, blocks, blocks]), "block_count is there twice")
        self.refused(w.file([arch, ("llama.block_count", STRING, "4")]), "block_count is no number")
        self.refused(w.file([arch, ("llama.block_count", F32, 4.0)]), "block_count is no whole number")
        self.refused(w.file([arch, ("llama.block_count", I32, -1)]), "block_count is no whole number")
        self.refused(w.file([arch, ("llama.block_count", U64, 2**40)]), "block_count is no whole number")
        self.refused(w.file([arch, ("llama.block_count", U32, 1025)]), "not from 1 to 1024")
        for value in (float("nan"), float("inf"), -1.0):
            self.refused(w.file([arch, ("llama.attention.scale", F32, value)]), "scale is no number from 0")
        for values in ([], [1] * 1025):
            self.refused(w.file([arch, ("llama.attention.head_count", ARRAY, (U32, values))]), "more than 1024 values")
        self.refused(w.file([arch, ("llama.attention.head_count", ARRAY, (STRING, ["a"]))]), "is no number")
        self.refused(w.file([arch, ("llama.attention.scale", ARRAY, (F32, [1.0]))]), "more than the one")
        self.refused(w.file([arch, ("k" * 70000, U32, 4)]), "a key of 70000 bytes")
        head = w.file([arch])[:16] + struct.pack("<Q", 2) + w.file([arch])[24:] + w.string("x")
        self.refused(head + struct.pack("<I", 13), "the value of key number 2 has type 13")
        self.refused(head + struct.pack("<IQ", 8, 2**63), "a string of 9223372036854775808 bytes")
        self.refused(head + struct.pack("<IIQ", 9, 9, 1), "an array of 1 values of type 9")
        self.refused(head + struct.pack("<IIQ", 9, 99, 1), "type 99")
        self.refused(head + struct.pack("<IIQ", 9, 12, 2**62), "an array of 4611686018427387904 values")
        self.refused(head + struct.pack("<IIQ", 9, 12, 2**31) + bytes(100), "the file ends inside its metadata")

    def test_shapes_that_no_session_has(self):
        for keys, words in ((dict(LLAMA, **{"attention.head_count_kv": 5}), "no multiple of its KV heads"),
                            (dict(LLAMA, **{"attention.key_length": 4097}), "head size is from 1 to 2048"),
                            (dict(LLAMA, **{"attention.head_count": 2**31 - 1}), "KV heads"),
                            (dict(LLAMA, **{"attention.head_count": 0}), "no layer has attention"),
                            (dict(LLAMA, embedding_length=0), "head size is from 1 to 2048")):
            self.refused(gguf_file.model("llama", keys), words)
        self.assertIn("left out: ", self.model("llama", dict(LLAMA, **{"attention.head_count_kv": [8, 5, 8, 8]}))[0])

    def test_any_bytes_end_in_one_or_the_other(self):
        rng = random.Random(1)
        files = [gguf_file.model("gemma4", GEMMA, [f"blk.{i}.attn_sinks.weight" for i in range(60)])]
        files[0] = files[0][:files[0].index(b"tokenizer")]
        for _ in range(40):
            content = bytearray(files[0])
            for _ in range(rng.choice((1, 1, 4))):
                at = rng.randrange(len(content))
                content[at] = rng.choice((0, 1, 0x80, 0xff, rng.randrange(256)))
            result = attnfuzz("import", "--gguf", self.write("any.gguf", bytes(content[:rng.choice((None, at))])))
            self.assertIn(result.code, (0, 2), result.err)
            self.assertEqual(result.code == 2, result.err != "")
            self.assertRegex(result.out + result.err, r"\A[\n -~]*\Z")


if __name__ == "__main__":
    unittest.main()
