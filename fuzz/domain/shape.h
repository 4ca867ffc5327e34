/* shape.h: what the decoder's parts share: shape.c chooses extents and makes them smaller, layout.c lays tensors out,
 * case.c makes a case of both. See domain.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_DOMAIN_SHAPE_H
#define ATTN_DOMAIN_SHAPE_H

#include "fuzz/domain/domain.h"

struct domain_shape {
    int type_k, type_v;
    int64_t d_k, d_v, n_q, n_kv, ratio, kv_heads, seqs;
    int kv_level, q_level, ratio_level, heads_level, seqs_level; /* index into the tables of shape.c, -1: below them */
    int64_t kv_few;
    int kv_delta;
    bool huge_kv, huge_q, huge_heads, huge_seqs;
    bool same_q;     /* n_q == n_kv */
    bool plain_mask; /* a mask no larger than it must be */
    bool near;       /* nothing lies far away */
    int64_t sampled; /* multiply-adds of a column tile that can be run, if the problem is not run whole; 0: it is */
};

/* What tensors share a buffer, and how: values of the gene. */
enum domain_alias {
    ALIAS_V_FIRST_OF_K, /* V the first columns of K */
    ALIAS_V_LAST_OF_K,  /* V the last columns of K */
    ALIAS_ROWS_IN_TURN, /* a row of K, a row of V, and so on */
    ALIAS_V_AFTER_K,
    ALIAS_INTERLEAVED, /* Q, K and V: each token has all its heads of each */
    ALIAS_V_IS_K,
    ALIAS_DST_AFTER_Q, /* and sinks after the mask */
    ALIAS_ARENA        /* all one after the other */
};

static inline bool domain_on(const struct attn_genome *g, int feature) { return g->features >> feature & 1; }
#define GENE(g, name) ((g)->gene[ATTN_GENE_##name])

/* Is it a problem of many columns and several tiles, some of which are excluded for all columns? */
static inline bool domain_dead_tiles(const struct attn_genome *g)
{
    const uint32_t effort = GENE(g, effort);
    return (effort == ATTN_EFFORT_MOST || attn_effort_fills(effort)) && GENE(g, squeeze) % 4 == 0;
}

/* Of those with many columns of a large head, does it want warpgroups (kernels/mma/group.h)? */
static inline bool domain_wants_groups(const struct attn_genome *g) { return GENE(g, squeeze) / 24 == 3; }

/* Is it about many columns of a large head on a device that copies tiles ahead (kernels/mma/ahead.h)? Drawn like
 * others, size, columns and device came together once in a thousand problems. */
static inline bool domain_ahead(const struct attn_genome *g)
{
    const uint32_t effort = GENE(g, effort);
    if (attn_effort_fills(effort))
        return attn_genome_full_columns(g) && domain_wants_groups(g);
    return (effort == ATTN_EFFORT_MOST || effort == ATTN_EFFORT_COLUMNS) && GENE(g, squeeze) / 4 % 2 == 1;
}

/* And of a mask, for most: one whose keys lie in whole tiles, for a third of them. */
static inline bool domain_ahead_masked(const struct attn_genome *g)
{
    return domain_ahead(g) && GENE(g, squeeze) / 8 % 4 > 0;
}

/* Or, a quarter of those, on one whose warpgroups (kernels/mma/group.h) multiply large heads, too? On a device that
 * copies ahead they do so for problems larger than any that is drawn; so it is one weakened to have no such copies. */
static inline bool domain_groups(const struct attn_genome *g) { return domain_ahead(g) && domain_wants_groups(g); }

/* The row of the device table. */
int domain_device(const struct attn_genome *g);

/* ---- shape.c */

/* Types and extents of a genome, before anything gives way; s->sampled as given. */
void domain_choose_shape(const struct attn_genome *g, const struct attn_domain_limits *limits, int64_t sampled,
                         struct domain_shape *s);
/* Makes a dimension smaller: in an order that `squeeze` says the first two give way in turns, then the third, then the
 * last. False when all are as small as they get. */
bool domain_shrink(struct domain_shape *s, uint32_t squeeze, int round);
/* Makes n_kv smaller; false when it is 1. */
bool domain_shorten(struct domain_shape *s);
/* Is any extent huge? */
bool domain_is_huge(const struct domain_shape *s);
/* Extents from levels, those that are huge apart. */
void domain_settle(struct domain_shape *s);

/* ---- layout.c */

/* Strides, offsets and buffers of all tensors, whose extents and types are set. Returns the bytes of all, INT64_MAX
 * when too many. */
int64_t domain_lay_out(const struct attn_genome *g, const struct attn_domain_limits *limits,
                       const struct domain_shape *s, struct attn_problem *p);

#endif
