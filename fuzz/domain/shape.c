/* shape.c: types and extents of a genome, and how they become smaller. See shape.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/domain/shape.h"

#include "planner/arith.h"
#include "planner/contracts/shapes.h"

/* n_kv: edges of tiles (32, 64 keys) and of the planner's buckets, then lengths of real caches. */
static const int32_t kv_edges[] = { 32,   64,   96,   128,   160,   192,   224,    256,    288,    320,    384,
                                    448,  512,  576,  640,   768,   896,   1024,   1280,   1536,   2048,   3072,
                                    4096, 6144, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576 };
static const int8_t kv_deltas[] = { 0, 1, -1, 2, -2, 3, -3, 5, 7, -8, 15, 16, 17, -15, -16, -17 };
/* n_q: decode, MTP drafts, edges of column tiles, ubatches. */
static const int32_t q_edges[] = { 2,  3,  4,  5,  6,  7,  8,  9,   10,  11,  12,  13,  15,  16,  17,   23,
                                   31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 256, 512, 513, 2048, 8192 };
enum { Q_17 = 14 }; /* level of more columns than a group of waves has */
static const int32_t ratios[] = { 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 24, 32, 40, 64, 71, 128 };
static const int32_t kv_heads[] = { 2, 3, 4, 5, 6, 8, 10, 16, 32, 40 };
static const int32_t seqs[] = { 2, 3, 4, 5, 8, 16 };

/* The dimensions that limits act on. */
enum { DIM_KV, DIM_Q, DIM_HEADS, DIM_SEQS, DIM_COUNT };

static void choose_types(const struct attn_genome *g, int *type_k, int *type_v)
{
    *type_k = domain_on(g, ATTN_FEATURE_TYPES) ? (int)GENE(g, type_k) : ATTN_F16;
    *type_v = domain_on(g, ATTN_FEATURE_MIXED) ? (int)GENE(g, type_v) : *type_k;
    if (GENE(g, effort) == ATTN_EFFORT_SCAN && GENE(g, squeeze) / 4 % 3 == 1)
        *type_v = ATTN_F16; /* a K that is converted, beside a V that is not */
    if (domain_on(g, ATTN_FEATURE_ALIAS)) {
        uint32_t alias = GENE(g, alias);
        if (alias == ALIAS_INTERLEAVED)
            *type_k = ATTN_F32;
        if (alias != ALIAS_V_AFTER_K && alias != ALIAS_DST_AFTER_Q && alias != ALIAS_ARENA)
            *type_v = *type_k;
    }
}

/* A head size that is no whole number of blocks takes the type's plain cousin instead. */
static int type_for(int type, int64_t d)
{
    enum { PLAIN_TYPES = 3 }; /* the first rows of the table */
    return d % attn_type_info(type)->block_elems == 0 ? type : type % PLAIN_TYPES;
}

/* One of those that mma copies tiles ahead for, or that warpgroups multiply as well. */
static const struct attn_head_size *large_head_size(const struct attn_genome *g, int number)
{
    const struct attn_head_size *large[ATTN_HEAD_SIZE_COUNT];
    int n = 0;
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++)
        if (attn_head_size(i)->d_k > ATTN_MMA_WHOLE_MOST &&
            (!domain_groups(g) || attn_head_size(i)->d_k <= ATTN_MMA_GROUP_MOST))
            large[n++] = attn_head_size(i);
    return large[number % n];
}

static void choose_head_sizes(const struct attn_genome *g, int type_k, int type_v, struct domain_shape *s)
{
    /* The last 36 values are, with a bit of another gene, the multiples of 8 up to 576: mostly sizes that run padded.
     */
    const int number = (int)GENE(g, head_size), pair = number - (256 - 576 / 16);
    if (domain_ahead(g) || pair < 0) {
        const struct attn_head_size *own =
            domain_ahead(g) ? large_head_size(g, number) : attn_head_size(number % ATTN_HEAD_SIZE_COUNT);
        s->d_k = own->d_k;
        s->d_v = own->d_v;
    } else {
        const int32_t block_k = attn_type_info(type_k)->block_elems, block_v = attn_type_info(type_v)->block_elems;
        const int32_t size = 16 * pair + 8 * (1 + (int)(GENE(g, kv_few) & 1));
        s->d_k = s->d_v = attn_round_up(size, block_k > block_v ? block_k : block_v);
    }
    if (domain_on(g, ATTN_FEATURE_ANY_SIZE)) {
        s->d_k = 1 + GENE(g, d_k);
        s->d_v = GENE(g, d_v) == 0 ? s->d_k : 1 + GENE(g, d_v);
        s->d_k = attn_round_up(s->d_k, attn_type_info(type_k)->block_elems);
        s->d_v = attn_round_up(s->d_v, attn_type_info(type_v)->block_elems);
    }
}

void domain_settle(struct domain_shape *s)
{
    if (!s->huge_kv) {
        s->n_kv = s->kv_level < 0 ? s->kv_few : kv_edges[s->kv_level] + s->kv_delta;
        if (s->n_kv < 1)
            s->n_kv = 1;
    }
    if (!s->huge_q)
        s->n_q = s->q_level < 0 ? 1 : q_edges[s->q_level];
    s->ratio = s->ratio_level < 0 ? 1 : ratios[s->ratio_level];
    if (!s->huge_heads)
        s->kv_heads = s->heads_level < 0 ? 1 : kv_heads[s->heads_level];
    if (!s->huge_seqs)
        s->seqs = s->seqs_level < 0 ? 1 : seqs[s->seqs_level];
    if (s->same_q)
        s->n_q = s->n_kv;
}

static int64_t huge_value(uint32_t exponent, uint32_t low)
{
    int64_t base = (int64_t)1 << exponent;
    int64_t value = low & 1 ? base + (low >> 1) : base - (low >> 9);
    return value < 1 ? 1 : value;
}

static bool device_fits(const struct attn_genome *g, int row)
{
    const struct attn_device *d = attn_device(row);
    return !domain_ahead(g) || (d->async_copy && (!domain_groups(g) || d->matrix == ATTN_MATRIX_WGMMA_SM90));
}

int domain_device(const struct attn_genome *g)
{
    int fit = 0, row = -1;
    for (int i = 0; i < attn_device_count(); i++)
        fit += device_fits(g, i);
    for (int left = (int)(GENE(g, device) % (uint32_t)fit); left >= 0; left--)
        while (!device_fits(g, ++row))
            ;
    return row;
}

bool attn_genome_groups(const struct attn_genome *g) { return GENE(g, effort) == ATTN_EFFORT_MOST && domain_groups(g); }

bool attn_genome_full_columns(const struct attn_genome *g)
{
    return attn_effort_fills(GENE(g, effort)) && GENE(g, squeeze) / 48 && GENE(g, squeeze) / 4 % 2 == 1;
}

/* As many sequences as give every compute unit workgroups enough, for the effort FULL: kernels ask for four at most
 * before they leave n_kv whole. Only where such a problem is within the limits, or run in some rows alone. */
static void fill_device(const struct attn_genome *g, const struct attn_domain_limits *limits, struct domain_shape *s)
{
    const int64_t units = attn_device(domain_device(g))->n_cu;
    const int64_t all = units * (2 + GENE(g, kv_few) % 4);
    domain_settle(s);
    const int64_t sequences = attn_ceil_div(all, s->kv_heads);
    const int64_t rows = sequences * s->kv_heads * s->ratio * s->n_q;
    s->huge_seqs = s->sampled || attn_mul_sat(rows * s->n_kv, s->d_k + s->d_v) <= limits->work;
    if (s->huge_seqs)
        s->seqs = sequences;
}

/* 17 columns of one head, and keys of that level, or fewer where the work would be more, whatever kv_delta is: the
 * columns do not give way. */
static void choose_many_columns(struct domain_shape *s, int kv_level, int64_t work)
{
    s->q_level = Q_17;
    s->ratio_level = s->heads_level = s->seqs_level = -1;
    s->kv_level = kv_level;
    while (s->kv_level > 0 && (kv_edges[s->kv_level] + 17) * q_edges[Q_17] * (s->d_k + s->d_v) > work)
        s->kv_level--;
}

static void choose_extents(const struct attn_genome *g, const struct attn_domain_limits *limits, struct domain_shape *s)
{
    s->kv_few = 1 + GENE(g, kv_few);
    s->kv_level = domain_on(g, ATTN_FEATURE_LONG_KV) ? (int)GENE(g, kv_edge) : -1;
    s->kv_delta = domain_ahead_masked(g) && GENE(g, squeeze) / 32 % 2 ? 0 : kv_deltas[GENE(g, kv_delta)];
    s->q_level = domain_on(g, ATTN_FEATURE_MANY_Q) ? (int)GENE(g, q_edge) : -1;
    s->ratio_level = domain_on(g, ATTN_FEATURE_GQA) ? (int)GENE(g, ratio) : -1;
    s->heads_level = domain_on(g, ATTN_FEATURE_KV_HEADS) ? (int)GENE(g, kv_heads) : -1;
    s->seqs_level = domain_on(g, ATTN_FEATURE_SEQS) ? (int)GENE(g, seqs) : -1;
    /* A larger budget goes to what needs one: many rows against several KV tiles. */
    if (GENE(g, effort) == ATTN_EFFORT_MOST || GENE(g, effort) == ATTN_EFFORT_SCAN) {
        enum { Q_16 = 13, KV_96 = 2 }; /* levels */
        if (s->q_level < Q_16)
            s->q_level = Q_16 + (s->q_level + 1) % 6;
        if (s->kv_level < KV_96)
            s->kv_level = KV_96 + s->kv_level + 1;
    }
    if (GENE(g, effort) == ATTN_EFFORT_SCAN) {
        enum { KV_160 = 4 }; /* two splits */
        s->ratio_level = -1;
        if (s->kv_level < KV_160 && GENE(g, squeeze) / 2 % 2 == 0)
            s->kv_level = KV_160 + s->kv_level % 2;
        if (s->heads_level < 0 && s->seqs_level < 0)
            s->heads_level = 0;
    }
    if (GENE(g, effort) == ATTN_EFFORT_MOST && domain_dead_tiles(g)) {
        enum { KV_224 = 5 };
        choose_many_columns(s, KV_224 + s->kv_level % 8, limits->work);
    } else if (attn_genome_groups(g)) {
        enum { KV_128 = 3 }; /* two tiles of keys, or three */
        choose_many_columns(s, KV_128 + s->kv_level % 2, limits->work);
    } else if (GENE(g, effort) == ATTN_EFFORT_MOST && domain_ahead_masked(g)) {
        enum { KV_64 = 1 }; /* a large head leaves room for no more */
        choose_many_columns(s, KV_64 + s->kv_level % 2, INT64_MAX);
    }
    if (GENE(g, effort) == ATTN_EFFORT_COLUMNS) {
        if (s->q_level < Q_17)
            s->q_level = Q_17 + (s->q_level + 1) % 8;
        s->kv_level = s->heads_level = s->seqs_level = -1;
    }

    if (GENE(g, effort) == ATTN_EFFORT_SPLITS) {
        enum { KV_8192 = 24, Q_4 = 2 };
        if (s->kv_level < KV_8192)
            s->kv_level = KV_8192 + (s->kv_level + 1) % 4;
        if (s->q_level > Q_4)
            s->q_level %= Q_4 + 1;
        s->ratio_level = s->heads_level = s->seqs_level = -1;
    }
    if (attn_effort_fills(GENE(g, effort))) { /* few columns, for which a tile may have the more keys */
        enum { KV_160 = 4, KV_1024 = 18, FEW = 4 };
        if (s->kv_level < KV_160 || s->kv_level >= KV_1024)
            s->kv_level = KV_160 + (int)GENE(g, squeeze) % (KV_1024 - KV_160);
        if (s->ratio_level >= 0)
            s->ratio_level %= FEW;
        s->q_level = s->ratio_level >= 0 ? -1 : s->q_level % FEW;
        if (attn_genome_full_columns(g)) {
            enum { KV_224 = 5 };
            s->q_level = Q_17;
            s->ratio_level = -1;
            s->kv_level = KV_160 + (s->kv_level & 1) * (KV_224 - KV_160);
        } else if (domain_dead_tiles(g)) { /* too few rows of a head to be scanned for */
            s->ratio_level = 2;
            s->q_level = 3;
        }
        fill_device(g, limits, s);
    }

    /* Both top bits: huge extents stay rarer than other features when inputs are random. */
    uint32_t which = GENE(g, huge_which), low = GENE(g, huge_low);
    if (domain_on(g, ATTN_FEATURE_HUGE) && which >= 0xc0 && !attn_effort_fills(GENE(g, effort)) &&
        (s->sampled || limits->work >= (int64_t)1 << 40)) {
        if ((s->huge_kv = which & 1 && !s->sampled))
            s->n_kv = huge_value(GENE(g, huge_kv), low);
        if ((s->huge_q = which >> 1 & 1))
            s->n_q = huge_value(GENE(g, huge_q), low >> 3);
        if ((s->huge_heads = which >> 2 & 1))
            s->kv_heads = huge_value(GENE(g, huge_heads), low >> 5);
        if ((s->huge_seqs = which >> 3 & 1))
            s->seqs = huge_value(GENE(g, huge_seqs), low >> 7);
    }
    s->same_q = domain_on(g, ATTN_FEATURE_ALIAS) && GENE(g, alias) == ALIAS_INTERLEAVED;
    if (s->same_q) { /* n_q has no length of its own to give way with */
        s->huge_q = false;
        s->q_level = -1;
    }
    domain_settle(s);
}

/* Makes one dimension smaller; false when it is as small as it gets. */
static bool shrink_huge(bool *huge, int64_t *value)
{
    if (!*huge)
        return false;
    *value /= 2;
    if (*value < 1 << 20) {
        *value = 1;
        *huge = false;
    }
    return true;
}

static bool shrink(struct domain_shape *s, int dim)
{
    switch (dim) {
    case DIM_KV:
        if (shrink_huge(&s->huge_kv, &s->n_kv))
            return true;
        if (s->kv_level >= 0) {
            s->kv_level--;
            return true;
        }
        if (s->kv_few == 1)
            return false;
        s->kv_few = s->kv_few > 8 ? s->kv_few - 5 : s->kv_few - 1;
        return true;
    case DIM_Q:
        if (shrink_huge(&s->huge_q, &s->n_q))
            return true;
        if (s->q_level < 0)
            return false;
        s->q_level--;
        return true;
    case DIM_HEADS:
        if (shrink_huge(&s->huge_heads, &s->kv_heads))
            return true;
        if (s->ratio_level < 0 && s->heads_level < 0)
            return false;
        if (s->ratio_level / 2 > s->heads_level || s->heads_level < 0)
            s->ratio_level--;
        else
            s->heads_level--;
        return true;
    default:
        if (shrink_huge(&s->huge_seqs, &s->seqs))
            return true;
        if (s->seqs_level < 0)
            return false;
        s->seqs_level--;
        return true;
    }
}

bool domain_shrink(struct domain_shape *s, uint32_t squeeze, int round)
{
    int order[DIM_COUNT], left[DIM_COUNT] = { DIM_KV, DIM_Q, DIM_HEADS, DIM_SEQS };
    for (int i = 0, n = DIM_COUNT; i < DIM_COUNT; i++, n--) {
        int pick = (int)(squeeze % (uint32_t)n);
        squeeze /= (uint32_t)n;
        order[i] = left[pick];
        for (int j = pick; j + 1 < n; j++)
            left[j] = left[j + 1];
    }
    int first = round & 1;
    return shrink(s, order[first]) || shrink(s, order[!first]) || shrink(s, order[2]) || shrink(s, order[3]);
}

bool domain_shorten(struct domain_shape *s) { return shrink(s, DIM_KV); }

bool domain_is_huge(const struct domain_shape *s) { return s->huge_kv || s->huge_q || s->huge_heads || s->huge_seqs; }

void domain_choose_shape(const struct attn_genome *g, const struct attn_domain_limits *limits, int64_t sampled,
                         struct domain_shape *s)
{
    *s = (struct domain_shape){ .sampled = sampled };
    choose_types(g, &s->type_k, &s->type_v);
    choose_head_sizes(g, s->type_k, s->type_v, s);
    if (GENE(g, effort) == ATTN_EFFORT_SCAN && GENE(g, squeeze) % 2 == 1) { /* small heads, and more tiles */
        const int32_t block_k = attn_type_info(s->type_k)->block_elems,
                      block_v = attn_type_info(s->type_v)->block_elems;
        s->d_k = s->d_v = attn_max(8, attn_max(block_k, block_v));
    }
    if (attn_effort_fills(GENE(g, effort))) { /* what every kernel has instances for */
        const uint32_t which = GENE(g, head_size) % 4;
        s->d_k = s->d_v = domain_dead_tiles(g) ? 64 * (1 + which) : 64 << which;
    }
    s->type_k = type_for(s->type_k, s->d_k);
    s->type_v = type_for(s->type_v, s->d_v);
    choose_extents(g, limits, s);
}
