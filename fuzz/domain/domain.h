/* domain.h: from bytes to cases, and back.
 *
 * A case is decoded in two steps. Bytes become a genome: a set of features and a number for each gene; that step is
 * total (any bytes, any length) and has an inverse. A genome then becomes a legal case, within limits that the caller
 * gives. Features are switched on and off as wholes (swarm testing), by the leading bytes of an input, so that rare
 * ones meet often enough; genes of a feature that is off take no bytes. The empty input is the simplest case: one
 * query row, one key, one head, f16, contiguous, no mask.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_DOMAIN_H
#define ATTN_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz/case/attn_case.h"

/* X(NAME, what it switches on) in the order of their bits. */
#define ATTN_FEATURES(X)                                                    \
    X(LONG_KV, "n_kv near the edges of tiles and buckets, up to very long") \
    X(MANY_Q, "more than one query row")                                    \
    X(GQA, "several query heads a KV head")                                 \
    X(KV_HEADS, "several KV heads")                                         \
    X(SEQS, "several sequences")                                            \
    X(MASK, "a mask")                                                       \
    X(MASK_WIDE, "a mask wider than n_kv, taller than n_q")                 \
    X(MASK_MULTI, "a mask for each head or sequence")                       \
    X(TYPES, "K and V of a type other than f16")                            \
    X(MIXED, "V of a type of its own")                                      \
    X(PERMUTED, "dimensions of Q, K, V in any order in memory")             \
    X(PADDED, "gaps between rows and planes of Q, K, V")                    \
    X(OFFSET, "tensors begin anywhere in their buffers")                    \
    X(BROADCAST, "strides of zero")                                         \
    X(ALIAS, "tensors share a buffer")                                      \
    X(OUTPUT, "dst permuted and padded")                                    \
    X(MASK_LAYOUT, "the mask permuted, padded, broadcast")                  \
    X(JUNK, "strides of extent-1 dimensions hold anything")                 \
    X(SINKS, "sinks")                                                       \
    X(SOFTCAP, "softcap")                                                   \
    X(ALIBI, "max_bias")                                                    \
    X(SUBSET, "a head subset")                                              \
    X(SCALE, "a scale other than 1 / sqrt(D_K)")                            \
    X(ANY_SIZE, "head sizes that are not known ones")                       \
    X(WEAKENED, "a weakened device")                                        \
    X(DATA, "a data profile other than uniform")                            \
    X(SCHEDULE, "a schedule other than in order")                           \
    X(HUGE, "extents up to 2^62, where the limits allow")                   \
    X(FAR, "a stride or an offset past 2^31, 2^32 or 2^40 bytes, where the limits allow")

enum attn_feature {
#define X(NAME, text) ATTN_FEATURE_##NAME,
    ATTN_FEATURES(X)
#undef X
        ATTN_FEATURE_COUNT
};

enum { ATTN_ALWAYS = ATTN_FEATURE_COUNT }; /* of a gene that every case has */

/* X(name, bytes, range, feature): the value is below range (0: anything its bytes hold). Rows of a table are drawn by
 * how many it has: a new type, profile or mask content is drawn without more, and what inputs decode to changes with
 * it. Early genes are the ones that short inputs reach. */
#define ATTN_GENES(X)                                 \
    X(head_size, 1, 0, ALWAYS)                        \
    X(device, 1, 0, ALWAYS)                           \
    X(kv_edge, 1, 32, LONG_KV)                        \
    X(kv_delta, 1, 16, LONG_KV)                       \
    X(q_edge, 1, 32, MANY_Q)                          \
    X(ratio, 1, 20, GQA)                              \
    X(kv_heads, 1, 10, KV_HEADS)                      \
    X(seqs, 1, 6, SEQS)                               \
    X(mask_content, 1, ATTN_MASK_CONTENT_COUNT, MASK) \
    X(mask_extra_kv, 1, 12, MASK_WIDE)                \
    X(mask_extra_q, 1, 6, MASK_WIDE)                  \
    X(type_k, 1, ATTN_TYPE_COUNT, TYPES)              \
    X(type_v, 1, ATTN_TYPE_COUNT, MIXED)              \
    X(kv_few, 1, 40, ALWAYS)                          \
    X(squeeze, 1, 96, ALWAYS)                         \
    X(profile, 1, ATTN_DATA_COUNT, DATA)              \
    X(live, 1, 4, DATA)                               \
    X(mask_heads, 1, 5, MASK_MULTI)                   \
    X(mask_seqs, 1, 3, MASK_MULTI)                    \
    X(order_q, 1, 6, PERMUTED)                        \
    X(order_k, 1, 6, PERMUTED)                        \
    X(order_v, 1, 7, PERMUTED)                        \
    X(pad_q, 1, 0, PADDED)                            \
    X(pad_k, 1, 0, PADDED)                            \
    X(pad_v, 1, 0, PADDED)                            \
    X(tight, 1, 16, PADDED)                           \
    X(offset_q, 1, 16, OFFSET)                        \
    X(offset_k, 1, 16, OFFSET)                        \
    X(offset_v, 1, 16, OFFSET)                        \
    X(offset_mask, 1, 16, OFFSET)                     \
    X(offset_sinks, 1, 16, OFFSET)                    \
    X(offset_dst, 1, 16, OFFSET)                      \
    X(zero_q, 1, 8, BROADCAST)                        \
    X(zero_k, 1, 8, BROADCAST)                        \
    X(zero_v, 1, 8, BROADCAST)                        \
    X(alias, 1, 8, ALIAS)                             \
    X(alias_gap, 1, 16, ALIAS)                        \
    X(order_dst, 1, 6, OUTPUT)                        \
    X(pad_dst, 1, 0, OUTPUT)                          \
    X(order_mask, 1, 6, MASK_LAYOUT)                  \
    X(pad_mask, 1, 0, MASK_LAYOUT)                    \
    X(zero_mask, 1, 8, MASK_LAYOUT)                   \
    X(junk, 2, 0, JUNK)                               \
    X(softcap, 1, 7, SOFTCAP)                         \
    X(max_bias, 1, 6, ALIBI)                          \
    X(head_first, 1, 0, SUBSET)                       \
    X(head_rest, 1, 0, SUBSET)                        \
    X(scale, 1, 12, SCALE)                            \
    X(d_k, 2, 640, ANY_SIZE)                          \
    X(d_v, 2, 640, ANY_SIZE)                          \
    X(weakening, 1, 0, WEAKENED)                      \
    X(seed, 2, 0, ALWAYS)                             \
    X(schedule, 2, 0, SCHEDULE)                       \
    X(huge_which, 1, 0, HUGE)                         \
    X(huge_kv, 1, 62, HUGE)                           \
    X(huge_q, 1, 62, HUGE)                            \
    X(huge_heads, 1, 62, HUGE)                        \
    X(huge_seqs, 1, 62, HUGE)                         \
    X(huge_low, 2, 0, HUGE)                           \
    X(far_what, 1, 0, FAR)                            \
    X(far_how, 1, 0, FAR)                             \
    X(effort, 1, 24, ALWAYS)

enum attn_gene {
#define X(name, bytes, range, feature) ATTN_GENE_##name,
    ATTN_GENES(X)
#undef X
        ATTN_GENE_COUNT
};

/* Canonical: features has no bits past the last, genes are below their range and 0 where their feature is off. */
struct attn_genome {
    uint32_t features;
    uint32_t gene[ATTN_GENE_COUNT];
};

struct attn_gene_info {
    const char *name;
    uint8_t bytes;   /* in an input */
    uint32_t range;  /* values are below it; never 0 */
    uint8_t feature; /* enum attn_feature or ATTN_ALWAYS */
};
extern const struct attn_gene_info attn_genes[ATTN_GENE_COUNT];
/* NULL outside enum attn_gene. */
static inline const struct attn_gene_info *attn_gene_info(int gene)
{
    return gene >= 0 && gene < ATTN_GENE_COUNT ? &attn_genes[gene] : NULL;
}
const char *attn_feature_name(int feature);

enum { ATTN_GENOME_BYTES_MAX = 96 };

/* Any bytes to a canonical genome. Bytes that are missing are zero, more than are needed are not looked at. */
void attn_genome_decode(const uint8_t *bytes, size_t size, struct attn_genome *genome);
/* A canonical genome to the shortest bytes that decode to it; returns how many (at most ATTN_GENOME_BYTES_MAX). */
size_t attn_genome_encode(const struct attn_genome *genome, uint8_t bytes[ATTN_GENOME_BYTES_MAX]);
/* Makes a genome canonical. */
void attn_genome_settle(struct attn_genome *genome);

/* How large a case may become. */
struct attn_domain_limits {
    int64_t work;       /* multiply-adds, as attn_problem_work */
    int64_t bytes;      /* of all its buffers, what lies far from any row left out (attn_image_bytes) */
    int64_t components; /* of dst */
    int64_t reach;      /* bytes from the first to the last of its buffers; below `bytes`: as that */
};
/* For planning alone: no limit but that of the problem's own arithmetic. */
#define ATTN_DOMAIN_UNLIMITED { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX }

/* The gene `effort` is for who sets the limits: these values ask for larger ones. Some launches (the scan of the mask,
 * most conversions) are planned only for problems that are too dear to be the rule; and matrix cores take many columns
 * of one KV head together, which within small limits are left to few problems: COLUMNS gives them what keys, heads and
 * sequences would have; SPLITS the same to keys, thousands of them for one row or few, which are cut into more parts
 * than a workgroup of combine has threads. SCAN asks for a mask that heads share, rows enough and several tiles. FULL
 * asks for so many sequences that the device has workgroups enough, so that n_kv is not split, or once, and each wave
 * has several tiles; it is too much work to be run but in some rows. A quarter of MOST and of FULL has many columns,
 * and a mask that excludes whole tiles between others. */
enum {
    ATTN_EFFORT_FULL = 18, /* and the one after it */
    ATTN_EFFORT_SCAN = 20,
    ATTN_EFFORT_SPLITS = 21,
    ATTN_EFFORT_COLUMNS = 22,
    ATTN_EFFORT_MOST = 23
};
static inline bool attn_effort_fills(uint32_t effort)
{
    return effort == ATTN_EFFORT_FULL || effort == ATTN_EFFORT_FULL + 1;
}

/* Is its problem one that warpgroups are to multiply in several tiles of keys? With columns enough, and large heads,
 * that is more work than the effort MOST has elsewhere. */
bool attn_genome_groups(const struct attn_genome *genome);

/* Does its problem, one that fills a device, have many columns? A workgroup has three tiles of keys or more then, one
 * after the other, where less work is split down to two; and a column tile is more work. A quarter of those that
 * fill one. */
bool attn_genome_full_columns(const struct attn_genome *genome);

/* A canonical genome to a legal case within the limits (work of at least 4096, bytes of at least 65536 and components
 * of at least 1024 are always enough). Extents are brought within the limits one after another, in an order that is a
 * gene. */
void attn_genome_case(const struct attn_genome *genome, const struct attn_domain_limits *limits, struct attn_case *c);
enum { ATTN_SAMPLED_TILE = 8 }; /* times the limits' work: the tile_work that leaves the domain its usual lengths */
/* The same for a caller that runs problems past the limits in some rows alone (attn_check_run): huge numbers of rows,
 * heads and sequences are among them, as far as limits->reach goes, with so few keys that a column tile has no more
 * than tile_work multiply-adds. */
void attn_genome_case_sampled(const struct attn_genome *genome, const struct attn_domain_limits *limits,
                              int64_t tile_work, struct attn_case *c);

#endif
