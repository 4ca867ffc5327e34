#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the FLASH_ATTN_EXT case strings of ggml's test-backend-ops, one a line, in its order.

The lists below restate what make_test_cases_eval() in tests/test-backend-ops.cpp of ggml loops over, and nothing else of
that file: repository ggml-org/ggml, version 0.21.0, commit d99724f2 of 2026-08-21. They are 5,158 cases, the number that
program itself counted on its CPU backend at that time. --perf adds the 32 of make_test_cases_perf().

    corpus/gen/test_backend_ops.py --perf --one-prec | attnfuzz import --unique --vary - > corpus/seeds/test-backend-ops.txt
"""

import argparse
import sys
from itertools import product

TYPES = ["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
IN_ORDER = (0, 1, 2, 3)
PERMUTED = (0, 2, 1, 3)


def case(hsk, hsv, nh, nr23, kv, nb, mask=1, sinks=0, max_bias=0.0, softcap=0.0, prec="f32", type_k="f16",
         type_v=None, permute=IN_ORDER, kv_view=1, v_is_view_of_k=0):
    """The string test-backend-ops prints for one case."""
    return (f"FLASH_ATTN_EXT(hsk={hsk},hsv={hsv},nh={nh},nr23=[{nr23[0]},{nr23[1]}],kv={kv},nb={nb},mask={mask},"
            f"sinks={sinks},max_bias={max_bias:.6f},logit_softcap={softcap:.6f},prec={prec},type_K={type_k},"
            f"type_V={type_v or type_k},permute=[{','.join(map(str, permute))}],kv_view={kv_view},"
            f"v_is_view_of_k={v_is_view_of_k})")


def prefill():
    for kv, hs, nb, kind in product((1024, 2048), (64, 128, 256), (32, 64), ("f16", "q8_0", "q4_0")):
        yield case(hs, hs, 8, (4, 1), kv, nb, type_k=kind)


# hsk, hsv, the KV head counts, and what each adds to the GQA ratios 1 and 4
HEADS = [(40, 40, (4,), ()), (64, 64, (4,), ()), (72, 72, (4,), ()), (80, 80, (4,), ()), (96, 96, (4,), ()),
         (128, 128, (4,), (12,)), (192, 128, (4,), (8, 16)), (192, 192, (4,), (8, 16)), (256, 256, (4,), ()),
         (320, 256, (1, 4), (32,)), (512, 512, (4,), ()), (576, 512, (1, 4), (20,))]


def matrix():
    for hsk, hsv, head_counts, more_ratios in HEADS:
        for mask, sinks, max_bias in product((1, 0), (1, 0), (0.0, 8.0)):
            if max_bias and not mask:
                continue
            for softcap in (0.0, 10.0) if hsk == 128 else (0.0,):
                for nh in head_counts:
                    # ratios 20 and 32 are only for one KV head
                    ratios = sorted({1, 4} | {r for r in more_ratios if r < 20 or nh == 1})
                    for nr3 in (1, 3) if hsk <= 64 else (1,):
                        yield from inner(hsk, hsv, nh, nr3, ratios, mask, sinks, max_bias, softcap)


def inner(hsk, hsv, nh, nr3, ratios, mask, sinks, max_bias, softcap):
    precisions = ("f32", "def") if hsk == 128 else ("f32",)
    kinds = TYPES if hsk in (64, 72) else ["f16"]
    for nr2 in ratios:
        for kv in (113, 512, 1024) if nr2 == 1 else (512,):
            for nb, prec, kind in product((1, 3, 32, 75), precisions, kinds):
                permuted_too = mask and not max_bias and not softcap and kv == 512
                for permute in (IN_ORDER, PERMUTED) if permuted_too else (IN_ORDER,):
                    yield case(hsk, hsv, nh, (nr2, nr3), kv, nb, mask, sinks, max_bias, softcap, prec, kind,
                               permute=permute, v_is_view_of_k=int(hsk == 576))


def mixed():
    yield case(64, 64, 4, (1, 1), 128, 2, type_k="q8_0", type_v="q4_0")
    yield case(64, 64, 4, (1, 1), 128, 2, type_k="q4_0", type_v="f16")
    yield case(72, 72, 4, (1, 1), 96, 2, type_k="q4_0", type_v="q8_0")
    yield case(64, 64, 4, (1, 1), 96, 2, type_k="f16", type_v="f32")
    yield case(128, 128, 4, (1, 1), 256, 1, mask=0, type_k="f16", type_v="q4_0")
    for tiny in ("q1_0", "q2_0"):
        yield case(128, 128, 4, (1, 1), 96, 2, type_k=tiny)
        yield case(128, 64, 4, (1, 1), 128, 2, type_k=tiny, type_v="q4_0")
        yield case(64, 128, 4, (1, 1), 128, 2, type_k="q4_0", type_v=tiny)
        yield case(128, 64, 4, (1, 1), 64, 2, type_k=tiny, type_v="f16")


def singled_out():
    yield case(256, 256, 2, (16, 1), 113, 1, type_k="q8_0")
    yield case(256, 256, 2, (16, 1), 1024, 1, type_k="q8_0")
    yield case(256, 256, 2, (16, 1), 1024, 1, type_k="q8_0", permute=PERMUTED)
    yield case(256, 256, 2, (16, 2), 1025, 1, sinks=1, max_bias=8.0, softcap=30.0, type_k="q8_0")
    yield case(256, 256, 2, (16, 1), 1025, 64, type_k="q8_0", permute=PERMUTED)
    yield case(256, 256, 2, (16, 1), 16384, 1, type_k="q8_0")

    for kv, nb in ((113, 1), (1024, 1), (1024, 64)):
        yield case(576, 512, 1, (20, 1), kv, nb, type_k="q8_0", v_is_view_of_k=1)
    yield case(320, 256, 1, (32, 1), 512, 1, v_is_view_of_k=1)
    yield case(192, 128, 4, (8, 1), 512, 1, v_is_view_of_k=1)
    yield case(128, 128, 8, (4, 1), 512, 8, v_is_view_of_k=1)
    yield case(64, 64, 4, (1, 1), 512, 1, type_k="q8_0", v_is_view_of_k=1)

    for kv in (4096, 16384):
        yield case(256, 256, 4, (6, 1), kv, 512)
        yield case(128, 128, 8, (4, 1), kv, 512)

    for ratio, kv, permute in ((1, 512, PERMUTED), (4, 512, PERMUTED), (1, 1024, PERMUTED), (1, 512, IN_ORDER)):
        yield case(64, 64, 4, (ratio, 1), kv, 75, type_k="q8_0", permute=permute, kv_view=0)


def perf():
    yield case(72, 72, 16, (1, 1), 5776, 5776, mask=0)
    for kind, nb in (("f16", 1), ("f16", 4), ("q4_0", 1), ("q4_0", 512), ("q8_0", 1), ("q8_0", 512)):
        yield case(64, 64, 8, (8, 1), 7680, nb, type_k=kind)
    for kv in (128, 512, 1024, 2048, 4096, 10000, 20000):
        yield case(256, 256, 2, (16, 1), kv, 1, type_k="q8_0")
    for kind, nb, kv in (("f16", 1, 10000), ("f16", 1, 20000), ("q8_0", 512, 10000), ("q8_0", 512, 20000),
                         ("f16", 512, 10000), ("f16", 512, 20000)):
        yield case(256, 256, 2, (16, 1), kv, nb, type_k=kind)
    for kv, hs, ratio in product((4096, 8192, 16384), (64, 128), (1, 4)):
        yield case(hs, hs, 8, (ratio, 1), kv, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--perf", action="store_true", help="the performance cases too")
    parser.add_argument("--one-prec", action="store_true", help="prec=f32 in all: no planner of ours looks at it")
    parser.add_argument("--count", action="store_true", help="print only how many there are, by type")
    args = parser.parse_args()
    cases = [c for group in (prefill, matrix, mixed, singled_out) for c in group()]
    if args.perf:
        cases += perf()
    if args.one_prec:
        cases = [c.replace("prec=def", "prec=f32") for c in cases]
    if not args.count:
        print(f"# FLASH_ATTN_EXT cases of ggml's test-backend-ops ({len(cases)}: ggml 0.21.0, commit d99724f2), by")
        print("# corpus/gen/test_backend_ops.py. Repeats differ in prec alone, which no planner looks at, or are there")
        print("# as performance cases too.")
        sys.stdout.writelines(c + "\n" for c in cases)
        return
    by_type = {}
    for c in cases:
        kinds = tuple(c.split(key)[1].split(",")[0] for key in ("type_K=", "type_V="))
        by_type[kinds] = by_type.get(kinds, 0) + 1
    print(len(cases), "cases")
    for (k, v), n in sorted(by_type.items(), key=lambda item: (-item[1], item[0])):
        print(f"{n:6} {k}" if k == v else f"{n:6} {k}/{v}")


if __name__ == "__main__":
    main()
