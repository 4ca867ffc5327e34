#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the model files of corpus/seeds: attention calls as a llama.cpp-like server makes them for known models.

    corpus/gen/models.py DIR       writes DIR/*.txt (corpus/seeds, or elsewhere to compare)

Layouts are llama.cpp's (src/llama-kv-cache.cpp get_k, get_v; src/llama-graph.cpp build_attn_mha):
  Q     a [D, n_head, n_q] tensor, permuted: nb1 = n_head * D * 4, nb2 = D * 4
  K, V  a cache of kv_size rows of n_head_kv heads, permuted: nb1 = a row, nb2 = a head's part of it
  mask  f16, n_kv wide, n_q or more rows; n_kv is the used part of the cache, padded to 256 or not
A decode call of a long context is far beyond the work limit: such lines are there to be planned. Each group also has
lines with few keys or with a GPU's share of the heads, which are run.
"""

import math
import os
import re
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK_LIMIT = 20_000_000


def blocks():
    """Elements and bytes of a block of each type, by name: rows of ATTN_TYPES."""
    with open(os.path.join(ROOT, "planner", "tables.h"), encoding="utf-8") as f:
        rows = re.search(r"^#define ATTN_TYPES\(X\)((?:.*\\\n)+.*)", f.read(), re.M).group(1)
    return {name: (int(elems), int(size)) for name, elems, size in re.findall(r"X\(\w+, (\w+), (\d+), (\d+),", rows)}


BLOCK = blocks()


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def number(x):
    """Shortest decimal text that reads back to the same f32."""
    x = f32(x)
    if x == int(x) and abs(x) < 1e6:
        return str(int(x))
    for digits in range(1, 10):
        text = f"{x:.{digits}g}"
        if f32(float(text)) == f32(x):
            return text
    raise ValueError(x)


def row_bytes(kind, n):
    elems, size = BLOCK[kind]
    assert n % elems == 0
    return n // elems * size


def tensor(kind, ne, nb=None, buffer="", offset=0):
    dense = [row_bytes(kind, ne[0])]
    dense += [dense[0] * ne[1], dense[0] * ne[1] * ne[2]]
    text = f"{kind}[{','.join(map(str, ne))}]"
    if buffer:
        text += f"@{buffer}"
    if offset:
        text += f"+{offset}"
    if nb and list(nb) != dense:
        text += ":" + ",".join(map(str, nb))
    return text


def work(n_q, n_kv, heads, n_seq, d_k, d_v):
    return n_q * n_kv * heads * n_seq * (d_k + d_v)


class File:
    def __init__(self, name, *about):
        self.name = name
        self.out = [f"# {line}".rstrip() for line in about]
        self.n = 0

    def group(self, *about):
        self.out.append("")
        self.out += [f"# {line}" for line in about]

    def call(self, heads, kv_heads, d, n_q, n_kv, *, d_v=None, kinds=("f16", "f16"), n_seq=1, kv_size=None, scale=None,
             softcap=0.0, max_bias=0.0, mask=True, mask_kv=None, mask_rows=None, window=False, sinks=False,
             first=0, total=None, cell=0, latent=False, data=None, mask_content=None, permuted=True):
        """One line. cell: row of the cache that the view begins at. latent: V is the first d_v elements of K's rows."""
        d_v = d_v or d
        k_kind, v_kind = kinds
        kv_size = max(kv_size or n_kv, n_kv + cell)
        k_row, v_row = row_bytes(k_kind, d) * kv_heads, row_bytes(v_kind, d_v) * kv_heads
        k_nb = [k_row, row_bytes(k_kind, d), k_row * kv_size]
        v_nb = k_nb if latent else [v_row, row_bytes(v_kind, d_v), v_row * kv_size]
        q_nb = [heads * d * 4, d * 4, heads * d * n_q * 4]
        if not permuted:
            q_nb = k_nb = v_nb = None
        words = ["fa1", "q=" + tensor("f32", [d, n_q, heads, n_seq], q_nb),
                 "k=" + tensor(k_kind, [d, n_kv, kv_heads, n_seq], k_nb, "a" if latent else "", cell * k_row),
                 "v=" + tensor(v_kind, [d_v, n_kv, kv_heads, n_seq], v_nb, "a" if latent else "",
                               cell * (k_row if latent else v_row))]
        if mask:
            words.append("mask=" + tensor("f16", [mask_kv or n_kv, mask_rows or n_q, 1, n_seq]))
        if sinks:
            words.append("sinks")
        scale = f32(scale or 1 / math.sqrt(d))
        if scale != 1:
            words.append("scale=" + number(scale))
        if softcap:
            words.append("softcap=" + number(softcap))
        if max_bias:
            words.append("max_bias=" + number(max_bias))
        if total and (first or total != heads):
            words.append(f"heads={first}/{total}")
        # The run part cycles through the data profiles: each is met in every group of some length.
        profiles = ["uniform", "rising", "peak", "uniform", "large", "negative", "zeros", "constant_v"]
        data = data or profiles[self.n % len(profiles)]
        run = []
        if data != "uniform":
            run.append("data=" + data)
        content = mask_content or ("window" if window else "causal")
        if mask and content != "causal":
            run.append("mask=" + content)
        self.n += 1
        run.append(f"seed={self.n}")
        self.out.append(" ".join(words) + " | " + " ".join(run))

    def write(self, folder):
        with open(os.path.join(folder, self.name), "w", encoding="ascii", newline="\n") as f:
            f.write("\n".join(self.out) + "\n")


def decode_and_prefill(f, heads, kv_heads, d, **more):
    """The calls of a small session: prefill in ubatches, decode, a few drafts; the same for a share of the heads."""
    total = more.pop("total", None)
    share = max(1, kv_heads // 4)
    ratio = heads // kv_heads
    for n_q, n_kv, kv_size in ((512, 512, 4096), (512, 2048, 4096), (37, 549, 4096), (1, 550, 4096), (1, 4096, 4096),
                               (4, 4101, 8192), (1, 32768, 32768)):
        f.call(heads, kv_heads, d, n_q, n_kv, kv_size=kv_size, **more)
    # n_kv padded to 256, with the mask as wide as the padded part
    for n_q, n_kv in ((1, 256), (2, 512), (512, 1024)):
        f.call(heads, kv_heads, d, n_q, n_kv, kv_size=4096, mask_rows=(n_q + 63) // 64 * 64, **more)
    # a share of the KV heads, as one of several GPUs has it
    for n_q, n_kv in ((1, 1), (1, 71), (3, 129), (16, 64), (33, 97), (1, 777), (7, 255)):
        at = share * ratio if kv_heads > share else 0
        f.call(share * ratio, share, d, n_q, n_kv, kv_size=1024, first=at, total=total or heads, **more)


# ---- The seed: Gemma-4 31B --------------------------------------------------------------------------------------------

def gemma4():
    f = File(
        "seed-gemma4-31b.txt",
        "Gemma-4 31B as the seed's report runs it: f16 K and V, ubatch 512, context 32768, one slot, 1 and 2 GPUs with",
        "the heads split between them (-sm tensor -ts 1,1), MTP drafts of up to 10 tokens (11 rows with the last one).",
        "",
        "google/gemma-4-31b-it, config.json (looked up in public copies of it, e.g. ollama's tests of its Gemma-4 parser):",
        "60 layers, 5 sliding-window layers to 1 full one; num_attention_heads 32; sliding: num_key_value_heads 16,",
        "head_dim 256, sliding_window 1024; full: num_global_key_value_heads 4, global_head_dim 512. No softcap on scores.",
        "The score scale is 1.0 (llama.cpp, gemma4: f_attention_scale). Not looked up: how many cells a server gives the",
        "sliding layers' cache; 1536 = window + ubatch is taken, and the whole context for --swa-full.")
    layers = {"sliding": (32, 16, 256), "full": (32, 4, 512)}
    for name, (heads, kv, d) in layers.items():
        window = name == "sliding"
        f.group(f"{name} layers (D = {d}), 1 GPU: prefill in ubatches of 512, context growing to 32768")
        for n_kv in (512, 1024, 1536, 2048, 4096, 8192, 16384, 32768):
            f.call(heads, kv, d, 512, n_kv, kv_size=32768, scale=1.0, window=window)
        f.call(heads, kv, d, 271, 1806, kv_size=32768, scale=1.0, window=window)

        f.group(f"{name} layers, 1 GPU and 2 GPUs: decode and drafts, every alignment of n_kv up to 32768")
        ends = [1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 96, 113, 127, 128, 129, 160, 191, 192, 193, 224,
                255, 256, 257, 271, 272, 288, 320, 383, 384, 385, 511, 512, 513, 600, 767, 768, 769, 1000, 1023, 1024,
                1025, 1279, 1280, 1535, 1536, 1537, 1793, 1806, 1807, 2047, 2048, 2049, 3000, 4095, 4096, 4097, 6001,
                8191, 8192, 8193, 12345, 16383, 16384, 16385, 20011, 24576, 32001, 32640, 32736, 32752, 32760, 32764,
                32766, 32767, 32768]
        for i, n_kv in enumerate(ends):
            n_q = 1 + i % 11
            gpus = 1 + i % 2
            rank = (i // 2) % 2 if gpus == 2 else 0
            share = dict(first=rank * heads // gpus, total=heads) if gpus == 2 and rank else \
                dict(total=heads) if gpus == 2 else {}
            f.call(heads // gpus, kv // gpus, d, n_q, n_kv, kv_size=32768, scale=1.0, window=window, **share)

        f.group(f"{name} layers, 2 GPUs: every draft length with a reused slot's mask, wider than n_kv and with more rows",
                "than the draft: the shape of the seed's abort (checkpoint restored, pos_min = 271, pos_max = 1806)")
        for n_q in range(1, 12):
            for n_kv, mask_kv in ((271, 512), (1806, 2048), (1807, 1808)):
                f.call(heads // 2, kv // 2, d, n_q, n_kv, kv_size=32768, scale=1.0, window=window, mask_kv=mask_kv,
                       mask_rows=max(n_q, 11), total=heads)

        f.group(f"{name} layers, a 16th of the heads (1 KV head of the sliding layers): the same, small enough to run")
        small_heads, small_kv = (heads // 16, max(1, kv // 16)) if window else (8, 1)
        for n_q in range(1, 12):
            for n_kv, mask_kv, cell in ((271, 512, 0), (300 + 7 * n_q, 512, 271), (64 * n_q, 64 * n_q, 5)):
                f.call(small_heads, small_kv, d, n_q, min(n_kv, 2000000 // (n_q * small_heads * d // 5)), kv_size=2048,
                       scale=1.0, window=window, mask_kv=mask_kv * 2, mask_rows=16, cell=cell, first=small_heads,
                       total=heads)
        f.group(f"{name} layers: prefill with few keys")
        for n_q, n_kv in ((16, 16), (32, 33), (64, 96), (40, 130), (77, 77)):
            f.call(small_heads, small_kv, d, n_q, n_kv, kv_size=2048, scale=1.0, window=window, total=heads)
    return f


# ---- Models ------------------------------------------------------------------------------------------------------------

def llama3():
    f = File("llama-3.txt", "Llama 3, 3.1 and 3.2: grouped query attention, ratios 3, 4 and 8, causal mask.", "",
             "config.json of meta-llama/Meta-Llama-3-8B (num_attention_heads 32, num_key_value_heads 8, hidden_size 4096),",
             "Meta-Llama-3-70B (64, 8, 8192), Llama-3.2-1B (32, 8, head_dim 64), Llama-3.2-3B (24, 8, head_dim 128).",
             "These numbers are widely published; the gated files themselves could not be read for this list.")
    for name, heads, kv, d in (("8B", 32, 8, 128), ("70B", 64, 8, 128), ("3.2 1B", 32, 8, 64), ("3.2 3B", 24, 8, 128)):
        for kinds in (("f16", "f16"), ("q8_0", "q8_0")):
            f.group(f"{name}: {heads} heads on {kv}, D = {d}, K and V {kinds[0]}")
            decode_and_prefill(f, heads, kv, d, kinds=kinds)
    f.group("8B: other and mixed cache types (-ctk, -ctv)")
    for kinds in (("q4_0", "q4_0"), ("q8_0", "q4_0"), ("q5_1", "q5_0"), ("f16", "q8_0"), ("bf16", "bf16"), ("q4_1", "f16")):
        f.call(32, 8, 128, 1, 513, kinds=kinds, kv_size=4096)
        f.call(8, 2, 128, 9, 130, kinds=kinds, kv_size=4096, total=32)
        f.call(8, 2, 128, 65, 65, kinds=kinds, kv_size=4096, total=32)
    f.group("8B: several sequences, each with its own part of the cache (split streams)")
    for n_seq, n_q, n_kv in ((2, 1, 256), (3, 2, 100), (4, 1, 513), (8, 1, 1024)):
        f.call(32, 8, 128, n_q, n_kv, n_seq=n_seq, kv_size=2048, mask_content="prefix")
        f.call(8, 2, 128, n_q, n_kv, n_seq=n_seq, kv_size=2048, mask_content="prefix", total=32)
    return f


def qwen3():
    f = File("qwen3.txt", "Qwen3: D = 128 for all, ratios 2, 4, 5, 8 and 16.", "",
             "config.json of Qwen/Qwen3-0.6B (num_attention_heads 16, num_key_value_heads 8), Qwen3-8B (32, 8), Qwen3-14B",
             "(40, 8), Qwen3-32B (64, 8), Qwen3-30B-A3B (32, 4), Qwen3-235B-A22B (64, 4); head_dim 128 in each. 14B and 235B",
             "were looked up in public code that quotes them, the others are as widely published.")
    for name, heads, kv in (("0.6B", 16, 8), ("8B", 32, 8), ("14B", 40, 8), ("32B", 64, 8), ("30B-A3B", 32, 4),
                            ("235B-A22B", 64, 4)):
        f.group(f"{name}: {heads} heads on {kv}")
        decode_and_prefill(f, heads, kv, 128)
    f.group("14B, ratio 5: drafts")
    for n_q in range(1, 12):
        f.call(5, 1, 128, n_q, 250 + n_q, kv_size=4096, first=5, total=40, kinds=("q8_0", "q8_0") if n_q % 2 else ("f16", "f16"))
    return f


def gemma2():
    f = File("gemma-2.txt", "Gemma 2: softcap 50 on the scores, every other layer with a window of 4096.", "",
             "config.json of google/gemma-2-2b (num_attention_heads 8, num_key_value_heads 4, head_dim 256), gemma-2-9b (16, 8,",
             "256; query_pre_attn_scalar 256) and gemma-2-27b (32, 16, 128; query_pre_attn_scalar 144); attn_logit_softcapping",
             "50, sliding_window 4096. Looked up in public derivatives of all three.")
    for name, heads, kv, d, scalar in (("2B", 8, 4, 256, 256), ("9B", 16, 8, 256, 256), ("27B", 32, 16, 128, 144)):
        for window in (False, True):
            f.group(f"{name}, {'sliding' if window else 'full'} layers: {heads} heads on {kv}, D = {d}")
            decode_and_prefill(f, heads, kv, d, softcap=50.0, scale=1 / math.sqrt(scalar), window=window)
    return f


def gemma3():
    f = File("gemma-3.txt", "Gemma 3: five sliding-window layers to a full one.", "",
             "config.json of google/gemma-3-1b-it (num_attention_heads 4, num_key_value_heads 1, head_dim 256, sliding_window",
             "512), 4b (8, 4, 256, 1024), 12b (16, 8, 256, 1024), 27b (32, 16, 128, 1024; query_pre_attn_scalar 168). 1B and",
             "27B were looked up in public copies; 4B and 12B are as widely published.")
    for name, heads, kv, d, scalar in (("1B", 4, 1, 256, 256), ("4B", 8, 4, 256, 256), ("12B", 16, 8, 256, 256),
                                       ("27B", 32, 16, 128, 168)):
        f.group(f"{name}: {heads} heads on {kv}, D = {d}, sliding layers")
        decode_and_prefill(f, heads, kv, d, scale=1 / math.sqrt(scalar), window=True)
    f.group("12B, full layers, q8_0")
    decode_and_prefill(f, 16, 8, 256, kinds=("q8_0", "q8_0"))
    return f


def phi3():
    f = File("phi-3.txt", "Phi-3: D = 96 without grouping (mini), ratio 4 (medium).", "",
             "config.json of microsoft/Phi-3-mini-4k-instruct (hidden_size 3072, num_attention_heads 32, num_key_value_heads 32,",
             "sliding_window 2047; looked up in public copies) and Phi-3-medium-4k-instruct (5120, 40, 10: D = 128; as widely",
             "published).")
    for kinds in (("f16", "f16"), ("q8_0", "q8_0"), ("q4_0", "q4_0"), ("bf16", "bf16")):
        f.group(f"mini: 32 heads, D = 96, K and V {kinds[0]}")
        decode_and_prefill(f, 32, 32, 96, kinds=kinds, window=kinds[0] == "f16")
    f.group("medium: 40 heads on 10, D = 128")
    decode_and_prefill(f, 40, 10, 128)
    return f


def alibi():
    f = File("falcon-mpt-alibi.txt", "Falcon, MPT and other ALiBi models: odd head counts, one KV head for all, head counts that are no power of two.",
             "",
             "config.json of tiiuae/falcon-7b (num_attention_heads 71, multi_query, hidden_size 4544: D = 64, alibi false; looked",
             "up), tiiuae/falcon-rw-1b (32 heads, D = 64, alibi true; as widely published), mosaicml/mpt-7b (d_model 4096, n_heads",
             "32, alibi_bias_max 8) and mpt-30b (7168, 64: D = 112) (looked up in public code that quotes them),",
             "baichuan-inc/Baichuan-13B-Base (40 heads, D = 128, ALiBi) and bigscience/bloom (112 heads, D = 128, ALiBi) (as",
             "widely published). llama.cpp gives ALiBi as max_bias = 8 and a mask of distances; slopes are of the *global* head,",
             "so a GPU's share of the heads says which they are.")
    f.group("Falcon-7B: 71 heads on 1, D = 64, no ALiBi")
    for n_q, n_kv in ((512, 2048), (1, 1), (1, 63), (1, 2048), (2, 500), (11, 130), (64, 33), (17, 100)):
        f.call(71, 1, 64, n_q, n_kv, kv_size=2048)
    f.call(71, 1, 64, 3, 257, kv_size=2048, kinds=("q8_0", "q8_0"))
    f.call(71, 1, 64, 5, 256, kv_size=2048, kinds=("q4_1", "q5_1"))
    f.group("Falcon-7B's heads with ALiBi: 71 is no power of two, slopes interleave after head 64")
    for n_q, n_kv in ((1, 300), (4, 200), (19, 90)):
        f.call(71, 1, 64, n_q, n_kv, kv_size=2048, max_bias=8.0, mask_content="bias")
    for name, heads, d in (("Falcon-RW-1B", 32, 64), ("MPT-7B", 32, 128), ("MPT-30B", 64, 112), ("Baichuan-13B", 40, 128),
                           ("BLOOM", 112, 128)):
        f.group(f"{name}: {heads} heads, D = {d}, ALiBi")
        for n_q, n_kv in ((512, 2048), (1, 2047), (2, 2048)):
            f.call(heads, heads, d, n_q, n_kv, kv_size=2048, max_bias=8.0, mask_content="bias")
        part = heads // 4
        for i, (n_q, n_kv) in enumerate(((1, 77), (1, 512), (3, 130), (12, 60), (33, 40))):
            f.call(part, part, d, n_q, n_kv, kv_size=2048, max_bias=8.0, first=part * (i % 4) or 0, total=heads,
                   mask_content="bias" if i % 2 else "causal")
        f.call(3, 3, d, 9, 200, kv_size=2048, max_bias=8.0, first=heads - 3, total=heads, mask_content="bias",
               kinds=("f16", "f16"))
    return f


def gpt_oss():
    f = File("gpt-oss.txt", "GPT-OSS 20B and 120B: 64 heads on 8, D = 64, a sink logit a head, every other layer with a window of 128.",
             "", "config.json of openai/gpt-oss-20b and gpt-oss-120b: num_attention_heads 64, num_key_value_heads 8, head_dim 64,",
             "sliding_window 128 (looked up in public copies). Sinks: one learned logit a head (llama.cpp:",
             "ggml_flash_attn_ext_add_sinks).")
    for window in (True, False):
        for kinds in (("f16", "f16"), ("q8_0", "q8_0")):
            f.group(f"{'sliding' if window else 'full'} layers, K and V {kinds[0]}")
            decode_and_prefill(f, 64, 8, 64, sinks=True, window=window, kinds=kinds)
    f.group("rows whose every key is masked keep only the sink")
    for content in ("rows", "all", "prefix", "tiles"):
        f.call(16, 2, 64, 5, 130, kv_size=512, sinks=True, total=64, mask_content=content)
        f.call(64, 8, 64, 1, 300, kv_size=512, sinks=True, mask_content=content, mask_kv=512)
    return f


def deepseek_v3():
    f = File("deepseek-v3-mla.txt", "DeepSeek-V3 with absorbed projections: one KV head of 576, V is the first 512 elements of K's rows.", "",
             "config.json of deepseek-ai/DeepSeek-V3: num_attention_heads 128, kv_lora_rank 512, qk_rope_head_dim 64,",
             "qk_nope_head_dim 128, v_head_dim 128; DeepSeek-V2-Lite: 16 heads, else the same (looked up in public copies). The",
             "scale is mscale^2 / sqrt(128 + 64) with mscale = 0.1 ln(40) + 1 (rope_scaling of V3: factor 40, mscale_all_dim 1;",
             "llama.cpp, deepseek2). V2-Lite's own factor was not looked up; 1 / sqrt(192) is used for it.")
    v3 = (0.1 * math.log(40) + 1) ** 2 / math.sqrt(192)
    for kinds in (("f16", "f16"), ("q8_0", "q8_0"), ("bf16", "bf16"), ("q4_0", "q4_0")):
        f.group(f"V3: 128 heads on 1, K and V {kinds[0]}")
        for n_q, n_kv in ((1, 113), (1, 4096), (2, 32768), (512, 4096), (1, 1), (3, 45)):
            f.call(128, 1, 576, n_q, n_kv, d_v=512, latent=True, kinds=kinds, kv_size=32768, scale=v3)
        for n_q, n_kv, cell in ((1, 143, 0), (1, 1100, 3), (4, 257, 64), (5, 200, 0), (16, 64, 1), (11, 100, 0)):
            f.call(16, 1, 576, n_q, n_kv, d_v=512, latent=True, kinds=kinds, kv_size=2048, cell=cell, scale=v3, total=128,
                   first=16)
    f.group("V2-Lite: 16 heads on 1; two and three sequences")
    for n_seq, n_q, n_kv in ((1, 1, 600), (2, 1, 300), (3, 2, 150), (2, 7, 40)):
        f.call(16, 1, 576, n_q, n_kv, d_v=512, latent=True, kv_size=1024, n_seq=n_seq, scale=1 / math.sqrt(192),
               mask_content="prefix")
    return f


def mla_320():
    f = File("mistral-small-4-mla.txt", "Mistral Small 4 with absorbed projections: one KV head of 320, V is the first 256 elements of K's rows.", "",
             "params.json: n_heads 32, kv_lora_rank 256, qk_rope_head_dim 64, qk_nope_head_dim 64, v_head_dim 128 (looked up in",
             "public code that quotes them; ggml's test-backend-ops calls the shape \"Mistral4 MLA\"). The scale is taken as",
             "1 / sqrt(64 + 64); what YaRN adds to it was not looked up.")
    for kinds in (("f16", "f16"), ("q8_0", "q8_0"), ("q5_0", "q5_0")):
        f.group(f"32 heads on 1, K and V {kinds[0]}")
        for n_q, n_kv, cell in ((512, 4096, 0), (1, 16384, 0), (1, 512, 0), (1, 1000, 7), (2, 500, 0), (5, 160, 32),
                                (11, 90, 0), (32, 33, 0), (1, 1, 0)):
            f.call(32, 1, 320, n_q, n_kv, d_v=256, latent=True, kinds=kinds, kv_size=16384, cell=cell, scale=1 / math.sqrt(128))
        for n_q, n_kv in ((3, 700), (40, 64)):
            f.call(8, 1, 320, n_q, n_kv, d_v=256, latent=True, kinds=kinds, kv_size=1024, scale=1 / math.sqrt(128), first=8,
                   total=32)
    return f


def mla_192():
    f = File("mla-192-128.txt", "Head size 192 for K and 128 for V: MiMo-V2-Flash, and DeepSeek-V3's prefill without absorbed projections.", "",
             "config.json of XiaomiMiMo/MiMo-V2-Flash: num_attention_heads 64, num_key_value_heads 4 in full layers, 8 in",
             "sliding ones, head_dim 192, v_head_dim 128, sliding_window 128, sinks in sliding layers",
             "(add_swa_attention_sink_bias), looked up in public copies. DeepSeek-V3: 128 heads, 128 + 64 and 128 (see",
             "deepseek-v3-mla.txt).")
    f.group("MiMo-V2-Flash, full layers: 64 heads on 4")
    decode_and_prefill(f, 64, 4, 192, d_v=128)
    f.group("MiMo-V2-Flash, sliding layers: 64 heads on 8, sinks")
    decode_and_prefill(f, 64, 8, 192, d_v=128, window=True, sinks=True)
    f.group("MiMo-V2-Flash, sliding layers, q8_0")
    decode_and_prefill(f, 64, 8, 192, d_v=128, window=True, sinks=True, kinds=("q8_0", "q8_0"))
    f.group("DeepSeek-V3, prefill: 128 heads, none shared")
    for n_q, n_kv in ((512, 512), (512, 4096), (20, 20)):
        f.call(128, 128, 192, n_q, n_kv, d_v=128, kv_size=4096)
    for n_q, n_kv in ((64, 64), (30, 200), (100, 37)):
        f.call(8, 8, 192, n_q, n_kv, d_v=128, kv_size=4096, first=64, total=128)
    return f


def vision():
    f = File("vision.txt", "Vision towers: no mask, as many queries as keys, head sizes 72 and 80.", "",
             "config.json of google/siglip-so400m-patch14-384: hidden_size 1152, num_attention_heads 16 (D = 72), 27 x 27 = 729",
             "patches; Gemma 3's tower is the same at 896 pixels: 64 x 64 = 4096 patches (vision_config looked up in public",
             "copies of Gemma 3). Qwen2-VL: embed_dim 1280, num_heads 16 (D = 80; looked up), as many patches as the image has,",
             "a multiple of 4. llama.cpp's clip.cpp casts K and V to f16; f32 is what it had before.")
    for name, d, patches in (("SigLIP so400m", 72, (729, 4096)), ("Qwen2-VL", 80, (1024, 2852))):
        f.group(f"{name}: 16 heads, D = {d}")
        for n in patches:
            f.call(16, 16, d, n, n, mask=False)
        for n in (4, 36, 64, 81, 85):
            f.call(16, 16, d, n, n, mask=False)
        for n in (100, 144, 196):
            f.call(2, 2, d, n, n, mask=False, total=16)
        for kind in ("f32", "bf16"):
            f.call(16, 16, d, 64, 64, mask=False, kinds=(kind, kind), permuted=False)
            f.call(3, 3, d, 121, 121, mask=False, kinds=(kind, kind), total=16)
        f.call(4, 4, d, 49, 49, mask=False, n_seq=3, total=16)
    return f


def whisper():
    f = File("whisper.txt", "Whisper: D = 64, no mask in the encoder and in cross attention, a causal one in the decoder.", "",
             "config.json of openai/whisper-tiny (d_model 384, 6 heads), base (512, 8), small (768, 12), medium (1024, 16),",
             "large-v3 (1280, 20): D = 64 in each; max_source_positions 1500, max_target_positions 448. Large was looked up in",
             "public copies, the others are as widely published. whisper.cpp -ac gives the encoder fewer positions.")
    for name, heads in (("tiny", 6), ("base", 8), ("small", 12), ("medium", 16), ("large-v3", 20)):
        f.group(f"{name}: {heads} heads")
        f.call(heads, heads, 64, 1500, 1500, mask=False)
        f.call(heads, heads, 64, 1500, 1536, mask=False, kv_size=1536)
        f.call(heads, heads, 64, 1, 1500, mask=False)
        f.call(heads, heads, 64, 4, 1500, mask=False)
        f.call(heads, heads, 64, 1, 448, kv_size=448)
        f.call(heads, heads, 64, 5, 33, kv_size=448)
        f.call(heads, heads, 64, 27, 27, kv_size=448)
        side = int(math.isqrt(WORK_LIMIT // (heads * 128)))
        f.call(heads, heads, 64, side, side, mask=False)
        f.call(heads, heads, 64, side // 2, 2 * side - 3, mask=False)
    return f


# ---- Not of a model: what long contexts and deep scores need ------------------------------------------------------------

def witness():
    f = File("witness.txt", "Long contexts whose every split and tile bears witness, scores at f16's edge, finite masks. No model's: lengths are",
             "those that servers are asked for, head counts as small as the work limit wants.", "",
             "data=witness: losing, doubling or misplacing any one of the witnesses is beyond the error bound (fuzz/case/",
             "data_profiles.c). Head sizes shrink where n_kv grows, so that a line stays within the work limit.")
    for n_kv, d in ((4096, 128), (16381, 64), (65536, 64)):
        f.group(f"{n_kv} keys, D = {d}")
        for kind in ("f16", "bf16", "q8_0"):
            f.call(1, 1, d, 1, n_kv, kinds=(kind, kind), data="witness", mask_content="none" if kind == "bf16" else None)
    f.group("longer")
    f.call(1, 1, 64, 1, 131072, data="witness")
    f.call(1, 1, 32, 1, 262143, kinds=("q8_0", "q8_0"), data="witness", mask=False)
    f.call(1, 1, 16, 1, 524288, kinds=("bf16", "bf16"), data="witness")
    f.call(1, 1, 8, 1, 1048576, kinds=("f16", "f16"), data="witness")
    f.group("several rows and heads; V a view of K; a window")
    f.call(8, 2, 128, 3, 1024, data="witness")
    f.call(4, 1, 256, 16, 777, data="witness", mask_content="window")
    f.call(4, 1, 576, 1, 2050, d_v=512, latent=True, data="witness", scale=0.0417)
    f.call(6, 2, 64, 7, 1000, data="witness", mask_content="tiles", sinks=True, n_seq=2)
    f.call(2, 1, 128, 1, 5000, data="witness", softcap=50.0, kinds=("q4_0", "q4_0"))
    f.group("a maximum that rises with every 32 keys; V that cancels")
    for data in ("stairs", "cancel"):
        f.call(1, 1, 128, 1, 32768, data=data)
        f.call(4, 2, 64, 5, 1031, data=data, kinds=("bf16", "bf16"))
        f.call(2, 2, 128, 1, 4096, data=data, kinds=("q8_0", "q8_0"), mask=False)
    for mask in (None, "finite"):
        f.group("scores from -30,000 to past -65,504" + (", beside masks of -65,504" if mask else ""))
        for i, (d, n_q, n_kv, kind) in enumerate(((128, 1, 4096, "f16"), (64, 4, 500, "f16"), (256, 2, 300, "bf16"),
                                                  (128, 33, 257, "q8_0"), (64, 1, 1000, "f32"), (80, 7, 130, "f16"))):
            f.call(4, 2, d, n_q, n_kv, data="deep", kinds=(kind, kind), mask_content=mask, sinks=i % 2 == 1)
    f.group("masks of -65,504 beside other data")
    for i, data in enumerate(("witness", "peak", "rising", "large", "negative", "stairs")):
        f.call(4, 2, 128, 6, 200 + i, data=data, mask_content="finite", sinks=i % 2 == 0)
    return f


FILES = (gemma4, llama3, qwen3, gemma2, gemma3, phi3, alibi, gpt_oss, deepseek_v3, mla_320, mla_192, vision, whisper,
         witness)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    for make in FILES:
        make().write(sys.argv[1])


if __name__ == "__main__":
    main()
