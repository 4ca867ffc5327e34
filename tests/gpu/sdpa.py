#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PyTorch's scaled_dot_product_attention on the data that `attnfuzz bench --backend hip --save DIR` kept: values and
times.

usage: sdpa.py DIR...

Prints, for each folder, PyTorch's time (median of events), attnfuzz's from problem.json, their ratio (1.0 is parity,
more is faster than PyTorch), and how far both results are from one in f32 on some rows. Exit code 1 when attnfuzz's
result is further from it than ten times PyTorch's is; 3 without PyTorch or a GPU.
"""
import json
import pathlib
import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("sdpa.py: PyTorch is not installed", file=sys.stderr)
    sys.exit(3)

WARM, REPEATS, ROWS = 3, 11, 64


def load(folder, name, dtype, shape):
    raw = bytearray((folder / name).read_bytes())
    return torch.frombuffer(raw, dtype=dtype).reshape(shape).cuda()


def median_ms(call):
    for _ in range(WARM):
        call()
    times = []
    for _ in range(REPEATS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return sorted(times)[REPEATS // 2]


def exact_rows(q, k, v, scale, causal, rows):
    """The chosen query rows in double: [seq, head, row, d]."""
    ratio = q.shape[1] // k.shape[1]
    out = []
    for head in range(q.shape[1]):
        s = torch.einsum("sqd,skd->sqk", q[:, head, rows].double(), k[:, head // ratio].double()) * scale
        if causal:
            key = torch.arange(k.shape[2], device=s.device)
            last = rows + (k.shape[2] - q.shape[2])
            s = s.masked_fill(key[None, :] > last[:, None], float("-inf"))
        out.append(torch.softmax(s, -1) @ v[:, head // ratio].double())
    return torch.stack(out, 1)


def compare(folder):
    p = json.loads((folder / "problem.json").read_text())
    seq, heads, heads_kv, d = p["n_seq"], p["n_head"], p["n_head_kv"], p["d"]
    q = load(folder, "q.f32", torch.float32, (seq, heads, p["n_q"], d))
    k = load(folder, "k.f16", torch.float16, (seq, heads_kv, p["n_kv"], d))
    v = load(folder, "v.f16", torch.float16, (seq, heads_kv, p["n_kv"], d))
    dst = load(folder, "dst.f32", torch.float32, (seq, p["n_q"], heads, d)).permute(0, 2, 1, 3)
    half = q.half()

    def call():
        return F.scaled_dot_product_attention(half, k, v, is_causal=p["causal"], scale=p["scale"], enable_gqa=True)

    ms = median_ms(call)
    rows = torch.linspace(0, p["n_q"] - 1, ROWS, device=q.device).long()
    exact = exact_rows(q, k, v, p["scale"], p["causal"], rows)
    ours = (dst[:, :, rows].double() - exact).abs().max().item()
    theirs = (call()[:, :, rows].double() - exact).abs().max().item()
    flops = 4.0 * seq * heads * p["n_q"] * p["n_kv"] * d * (0.5 if p["causal"] else 1.0)
    print(f"{folder.name}: PyTorch {torch.__version__} {ms:.3f} ms ({flops / ms / 1e9:.0f} TFLOP/s), "
          f"attnfuzz {p['kernel']} {p['milliseconds']:.3f} ms ({flops / p['milliseconds'] / 1e9:.0f} TFLOP/s), "
          f"ratio {ms / p['milliseconds']:.3f}; "
          f"largest error on {ROWS} rows: attnfuzz {ours:.3g}, PyTorch {theirs:.3g}")
    return ours <= 10 * theirs


def main():
    if len(sys.argv) < 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    if not torch.cuda.is_available():
        print("sdpa.py: PyTorch finds no GPU", file=sys.stderr)
        return 3
    return 0 if all([compare(pathlib.Path(folder)) for folder in sys.argv[1:]]) else 1


if __name__ == "__main__":
    sys.exit(main())
