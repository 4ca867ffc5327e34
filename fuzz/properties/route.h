/* route.h: what a plan and its run are, as a few small numbers. A *trait* is one question about them (which kernel, how
 * many splits, where n_kv ends in its last tile), its *class* the answer. Fuzz targets spread over traits and over
 * pairs of them (targets/feedback.h): code coverage does not see what decides a route, because one instruction serves
 * copies of four bytes and of sixteen.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ROUTE_H
#define ATTN_ROUTE_H

#include "fuzz/properties/properties.h"

/* X(name, classes, what is asked). Logarithms are of two, rounded up where they count. A row is this and a line of
 * route.c. */
#define ATTN_TRAITS(X)                                                                                   \
    X(kernel, ATTN_KERNEL_COUNT, "kernel")                                                               \
    X(cores, ATTN_MATRIX_COUNT, "matrix core family of the device")                                      \
    X(wave, 2, "wave size: 32, 64")                                                                      \
    X(weakened, 2, "a weakened device")                                                                  \
    X(instance, ATTN_HEAD_SIZE_COUNT + 1, "head sizes of the instance, by number; the last: any size")   \
    X(head_bits, 8, "logarithm of d_k: to 8, 16 and so on; more than 512")                               \
    X(padded, 2, "the head is smaller than its instance")                                                \
    X(columns, 8, "logarithm of the columns of a tile")                                                  \
    X(ragged, 6, "columns in use: one, fewer than a tile, one tile, whole tiles, one more, others more") \
    X(ratio, 5, "GQA ratio: 1, 2, a power of two, odd, others")                                          \
    X(rows, 6, "n_q: 1, to 4, to 8, to 16, to 64, more")                                                 \
    X(heads, 3, "KV heads: 1, 2, more")                                                                  \
    X(sequences, 3, "sequences: 1, 2, more")                                                             \
    X(splits, 9, "logarithm of the splits: 1, 2, to 4 and so on; more than 128")                         \
    X(last_split, 4, "keys of the last split: as many as others have, fewer, one, none")                 \
    X(tiles, 6, "KV tiles of a wave: 1, 2, 3, to 7, to 15, more")                                        \
    X(tail, 7, "keys of the last tile: all, one, all but one, a multiple of 8, of 2, others; n_kv is 1") \
    X(scan, 4, "workgroups of the scan: not scanned, to 4, to 16, more")                                 \
    X(regions, 16, "regions of the workspace, as bits: K, V, scan, partial")                             \
    X(load_k, 4, "bytes of a load of K: to 2, 4, 8, 16")                                                 \
    X(load_v, 4, "the same of V")                                                                        \
    X(stage_k, 4, "bytes of a copy of K into LDS: none, 4, 8, 16")                                       \
    X(stage_v, 4, "the same of V")                                                                       \
    X(type_k, ATTN_TYPE_COUNT, "type of K")                                                              \
    X(type_v, ATTN_TYPE_COUNT, "type of V")                                                              \
    X(content, ATTN_MASK_CONTENT_COUNT + 1, "content of the mask; the last: no mask")                    \
    X(planes, 4, "planes of the mask: one or no mask, a head each, a sequence each, both")               \
    X(wider, 3, "the mask: none or exact, wider by less than a tile, by more")                           \
    X(profile, ATTN_DATA_COUNT, "data")                                                                  \
    X(dead, 2, "dead cells hold NaN")                                                                    \
    X(terms, 16, "as bits: softcap, ALiBi, sinks, a head subset")                                        \
    X(layout_q, 4, "Q: dense, gaps, permuted, broadcast")                                                \
    X(layout_k, 4, "the same of K")                                                                      \
    X(layout_v, 4, "the same of V")                                                                      \
    X(layout_mask, 4, "the same of the mask")                                                            \
    X(layout_dst, 3, "the same of dst, which is never broadcast")                                        \
    X(far, 4, "bytes from the first to the last of the buffers: below 2^31, 2^32, 2^40, more")           \
    X(far_rows, 5, "tensors of 2^32 bytes and more: none, Q or dst, K or V, the mask, several of these") \
    X(shared, 2, "K and V in one buffer")                                                                \
    X(scheduled, 2, "another schedule than in order")                                                    \
    X(work, 8, "logarithm of the multiply-adds: to 8, 11, 14, 16, 18, 20, 20.5, more")                   \
    X(near, 8, "worst error over its limit: none, to 1/64, 1/32, 1/16, 1/8, 1/4, 1/2, more")

enum attn_trait {
#define X(name, classes, text) ATTN_TRAIT_##name,
    ATTN_TRAITS(X)
#undef X
        ATTN_TRAIT_COUNT
};

struct attn_trait_info {
    const char *name, *text;
    int32_t classes;
};
/* Trait number `trait`; NULL when there is none of that number. */
const struct attn_trait_info *attn_trait_info(int trait);

struct attn_route {
    uint8_t class[ATTN_TRAIT_COUNT];
};

/* The route of a legal case by a plan of it; `near` is that of a run without error. */
void attn_route_of(const struct attn_case *c, const struct attn_plan *plan, struct attn_route *route);
/* What a run's result adds to it. */
void attn_route_ran(struct attn_route *route, const struct attn_judgement *judgement);

#endif
