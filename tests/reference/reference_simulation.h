/* reference_simulation.h: what a kernel computes, in float: tiled online softmax with waves, splits and merges,
 * narrowed operands, several ways to order a dot product and to take an exponential. And the faults that the
 * component bound has to see.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_REFERENCE_SIMULATION_H
#define ATTN_TESTS_REFERENCE_SIMULATION_H

#include "tests/reference/reference_data.h"

/* ---- The kernel ---------------------------------------------------------------------------------------- */

#define FAULTS(X)                                                                        \
    X(NONE, "nothing wrong")                                                             \
    X(GAIN_1, "every output 1% too large")                                               \
    X(GAIN_5, "every output 5% too large")                                               \
    X(ZERO, "every output zero")                                                         \
    X(ZERO_ROW, "one row zero")                                                          \
    X(LAST_KEY, "the last key lost in one row")                                          \
    X(KV_HEAD, "wrong KV head in one row")                                               \
    X(SEQUENCE, "K and V of sequence 0 for all (ne3 ignored)")                           \
    X(V_ROW, "V read one row on")                                                        \
    X(CAUSAL_EDGE, "causal edge one key too far")                                        \
    X(MASK_SHIFT, "mask read one key on")                                                \
    X(MASK_ROW, "mask of query row 0 for all")                                           \
    X(RESCALE, "accumulator not rescaled")                                               \
    X(COMBINE, "partial results merged without their maxima")                            \
    X(SINK_TWICE, "sink added twice")                                                    \
    X(SINK_LOST, "sink ignored")                                                         \
    X(SOFTCAP, "softcap ignored")                                                        \
    X(SLOPE, "ALiBi slope of the local head")                                            \
    X(TAIL_MAX, "zero score of columns past n_kv in the maximum, small weights flushed") \
    X(BLOCK_0, "scale of the first block for the whole row")                             \
    X(NIBBLES, "halves of a block interleaved")                                          \
    X(SCORE_F16, "dot product accumulated in f16")                                       \
    X(OUT_F16, "unnormalised output accumulated in f16")

enum fault {
#define X(name, text) FAULT_##name,
    FAULTS(X)
#undef X
        FAULT_COUNT
};

/* How the simulated kernel works; arithmetic is what the bound is told. */
struct route {
    struct attn_arithmetic arithmetic;
    int waves, splits;
    int lanes;       /* a dot product is so many partial sums */
    int exponential; /* 0: expf; 1: logits in base 2, exp2f; 2: exponentials up to 2 ulp off */
    bool fused;      /* multiply-adds round once */
    bool backwards;  /* keys of a tile from last to first */
    bool low_lost;   /* of Q in 16 bits: the low parts, a fault */
};

struct partial {
    float m, l;
    float *o;
};

static inline float round_to(int type, bool flush, float x)
{
    if (type == ATTN_F16) {
        const float y = attn_f16_to_f32(attn_f32_to_f16(x));
        return flush && fabsf(y) < 0x1p-14f ? 0.0f : y;
    }
    return type == ATTN_BF16 ? attn_bf16_to_f32(attn_f32_to_bf16(x)) : x;
}

/* Rounds x times 2^shift, in parts, each the rest that those before have left. */
static inline float round_in_parts(int type, bool flush, int parts, int shift, float x)
{
    double sum = 0.0;
    float rest = ldexpf(x, shift);
    for (int i = 0; i < (parts > 1 ? parts : 1); i++) {
        const float part = round_to(type, flush, rest);
        sum += (double)part;
        rest -= part;
    }
    return (float)ldexp(sum, -shift);
}

/* A row of Q in blocks of 32 numbers of 16 bits, 256 high + low, with a step in float; as vec does it. */
static inline void round_in_bytes(float *q, int64_t n, bool low_lost)
{
    for (int64_t first = 0; first < n; first += 32) {
        const int64_t end = first + 32 < n ? first + 32 : n;
        float most = 0.0f;
        for (int64_t i = first; i < end; i++) {
            most = fmaxf(most, fabsf(q[i]));
        }
        const float inverse = most > 0x1p-110f ? 32639.0f / most : 0.0f, step = most * (1.0f / 32639.0f);
        for (int64_t i = first; i < end; i++) {
            const float y = q[i] * inverse;
            const int v = (int)(y + (y < 0.0f ? -0.5f : 0.5f)), high = (v + 128) >> 8, low = v - 256 * high;
            assert_true(high >= -128 && high <= 127 && low >= -128 && low <= 127);
            q[i] = (float)(256 * high + (low_lost ? 0 : low)) * step;
        }
    }
}

/* a + b * c as a matrix core may do it: truncated. */
static inline float truncated(float a, float b, float c)
{
    const double exact = (double)a + (double)b * (double)c;
    const float rounded = (float)exact;
    return fabs((double)rounded) > fabs(exact) ? nextafterf(rounded, 0.0f) : rounded;
}

/* Exponent that lifts the row's largest magnitude to 2^shift .. 2^(shift + 1), as far as the inverse is normal. */
static inline int lift_of(const float *row, int64_t n, int shift)
{
    float top = 0.0f;
    for (int64_t i = 0; i < n; i++) {
        top = fmaxf(top, fabsf(row[i]));
    }
    int exponent = -127;
    if (top > 0.0f) {
        exponent = ilogbf(top) < -127 ? -127 : ilogbf(top);
    }
    return shift - exponent < 126 ? shift - exponent : 126;
}

static inline float route_exp(const struct route *r, uint64_t *rng, float x)
{
    const float y = r->exponential == 1 ? exp2f(x) : expf(x);
    if (r->exponential == 2 && x != 0.0f) {
        return y * (1.0f + (float)(rng_below(rng, 5) - 2) * 0x1p-23f);
    }
    return y;
}

/* rest: Q's second part, where that comes first; else NULL. */
static inline float route_dot(const struct route *r, enum fault fault, int64_t n, const float *rest, const float *first,
                              const float *k)
{
    float sum[32] = { 0 };
    for (int part = rest ? 0 : 1; part < 2; part++) {
        const float *q = part == 0 ? rest : first;
        for (int64_t d = 0; d < n; d++) {
            float *at = &sum[d % r->lanes];
            *at = fault == FAULT_SCORE_F16 ? round_to(ATTN_F16, false, *at + q[d] * k[d])
                  : r->arithmetic.matrix   ? truncated(*at, q[d], k[d])
                  : r->fused               ? fmaf(q[d], k[d], *at)
                                           : *at + q[d] * k[d];
        }
    }
    for (int width = r->lanes / 2; width > 0; width /= 2) {
        for (int i = 0; i < width; i++) {
            sum[i] += sum[i + width];
        }
    }
    return sum[0];
}

/* Decodes a row as a faulty decoder would. */
static inline void faulty_decode(enum fault fault, int type, const char *src, int64_t n, float *row)
{
    attn_row_decode(type, src, n, row);
    const struct attn_type_info *info = attn_type_info(type);
    if (info->block_elems == 1) {
        return;
    }
    if (fault == FAULT_BLOCK_0) {
        char block[64];
        for (int64_t b = 1; b < n / info->block_elems; b++) {
            memcpy(block, src + b * info->block_bytes, (size_t)info->block_bytes);
            memcpy(block, src, 2); /* d */
            attn_row_decode(type, block, info->block_elems, row + b * info->block_elems);
        }
    }
    if (fault == FAULT_NIBBLES) {
        float swapped[32];
        for (int64_t b = 0; b < n; b += 32) {
            for (int j = 0; j < 16; j++) {
                swapped[2 * j] = row[b + j];
                swapped[2 * j + 1] = row[b + j + 16];
            }
            memcpy(row + b, swapped, sizeof swapped);
        }
    }
}

static inline void merge(const struct route *r, uint64_t *rng, enum fault fault, int64_t d_v, struct partial *into,
                         const struct partial *from)
{
    if (from->m == -INFINITY) {
        return;
    }
    const float m = fmaxf(into->m, from->m);
    float a = into->m == -INFINITY ? 0.0f : route_exp(r, rng, into->m - m), b = route_exp(r, rng, from->m - m);
    if (fault == FAULT_COMBINE) {
        a = into->m == -INFINITY ? 0.0f : 1.0f;
        b = 1.0f;
    }
    for (int64_t d = 0; d < d_v; d++) {
        into->o[d] = into->o[d] * a + from->o[d] * b;
    }
    into->l = into->l * a + from->l * b;
    into->m = m;
}

struct row_job {
    const struct data *data;
    const struct route *route;
    uint64_t *rng;
    enum fault fault;
    int64_t h, iq, s, kv_head, kv_seq;
    float slope, scale, log2e; /* log2e: 1 where logits are natural */
    float *q, *k, *v;
    float *q_rest; /* of Q in parts one after the other, the second; else NULL */
};

/* The logit of a key, -inf when excluded. */
static inline float route_score(struct row_job *job, int64_t key)
{
    const struct attn_problem *p = &job->data->problem;
    const struct attn_arithmetic *a = &job->route->arithmetic;
    const enum fault fault = job->fault;
    const int64_t n_kv = attn_n_kv(p), mask_key = fault == FAULT_MASK_SHIFT && key + 1 < n_kv ? key + 1 : key;
    float mask = mask_get(job->data, mask_key, fault == FAULT_MASK_ROW ? 0 : job->iq, job->h, job->s);
    if (fault == FAULT_CAUSAL_EDGE && mask == -INFINITY && key > 0 &&
        mask_get(job->data, key - 1, job->iq, job->h, job->s) != -INFINITY) {
        mask = 0.0f;
    }
    const bool first_row = job->h == 0 && job->iq == 0 && job->s == 0;
    if (mask == -INFINITY || (fault == FAULT_LAST_KEY && first_row && key == n_kv - 1)) {
        return -INFINITY;
    }
    const int type = p->t[ATTN_K].type;
    const char *row = row_of(job->data, ATTN_K, key, job->kv_head, job->kv_seq);
    faulty_decode(fault, type, row, attn_d_k(p), job->k);
    for (int64_t d = 0; d < attn_d_k(p); d++) {
        job->k[d] = round_to(a->k_type, a->flush, job->k[d]);
    }
    float s = route_dot(job->route, fault, attn_d_k(p), job->q_rest, job->q, job->k);
    if (p->softcap > 0.0f && fault != FAULT_SOFTCAP) {
        s = p->softcap * tanhf(s * job->scale / p->softcap) * job->log2e;
    } else {
        s *= job->scale * job->log2e;
    }
    return s + job->slope * (mask * job->log2e);
}

/* One tile of keys into a partial result. */
static inline void route_tile(struct row_job *job, int64_t first, int64_t last, struct partial *partial)
{
    const struct attn_problem *p = &job->data->problem;
    const struct attn_arithmetic *a = &job->route->arithmetic;
    float score[256], m = partial->m;
    for (int64_t key = first; key < last; key++) {
        score[key - first] = route_score(job, key);
        m = fmaxf(m, score[key - first]);
    }
    if (job->fault == FAULT_TAIL_MAX && last - first < a->kv_tile) {
        m = fmaxf(m, 0.0f);
    }
    if (m == -INFINITY) {
        return;
    }
    const float factor = partial->m == -INFINITY ? 0.0f : route_exp(job->route, job->rng, partial->m - m);
    partial->l *= factor;
    for (int64_t d = 0; d < attn_d_v(p) && job->fault != FAULT_RESCALE; d++) {
        partial->o[d] *= factor;
    }
    partial->m = m;
    for (int64_t i = 0; i < last - first; i++) {
        const int64_t at = job->route->backwards ? last - first - 1 - i : i, key = first + at;
        if (score[at] == -INFINITY) {
            continue;
        }
        float w = route_exp(job->route, job->rng, score[at] - m);
        if (job->fault == FAULT_TAIL_MAX && w < 0x1p-24f) {
            w = 0.0f;
        }
        partial->l += w;
        w = round_in_parts(a->p_type, a->flush, a->p_parts, a->p_shift, w);
        const int64_t v_key = job->fault == FAULT_V_ROW && key + 1 < attn_n_kv(p) ? key + 1 : key;
        faulty_decode(job->fault, p->t[ATTN_V].type, row_of(job->data, ATTN_V, v_key, job->kv_head, job->kv_seq),
                      attn_d_v(p), job->v);
        for (int64_t d = 0; d < attn_d_v(p); d++) {
            const float v = round_to(a->v_type, a->flush, job->v[d]);
            float *o = &partial->o[d];
            *o = job->fault == FAULT_OUT_F16 ? round_to(ATTN_F16, false, *o + w * v)
                 : a->matrix                 ? truncated(*o, w, v)
                 : job->route->fused         ? fmaf(w, v, *o)
                                             : *o + w * v;
        }
    }
}

static inline void route_row(struct row_job *job, float *out)
{
    const struct attn_problem *p = &job->data->problem;
    const struct route *r = job->route;
    const int64_t n_kv = attn_n_kv(p), d_v = attn_d_v(p), tile = r->arithmetic.kv_tile;
    const int64_t tiles = (n_kv + tile - 1) / tile, split_tiles = (tiles + r->splits - 1) / r->splits;
    struct partial all = { -INFINITY, 0.0f, calloc((size_t)d_v, 4) };
    for (int64_t split = 0; split < r->splits; split++) {
        struct partial part = { -INFINITY, 0.0f, calloc((size_t)d_v, 4) };
        for (int64_t wave = 0; wave < r->waves; wave++) {
            struct partial own = { -INFINITY, 0.0f, calloc((size_t)d_v, 4) };
            for (int64_t t = split * split_tiles + wave; t < (split + 1) * split_tiles && t < tiles; t += r->waves) {
                route_tile(job, t * tile, (t + 1) * tile < n_kv ? (t + 1) * tile : n_kv, &own);
            }
            merge(r, job->rng, job->fault, d_v, &part, &own);
            free(own.o);
        }
        merge(r, job->rng, job->fault, d_v, &all, &part);
        free(part.o);
    }
    if (p->t[ATTN_SINKS].present && job->fault != FAULT_SINK_LOST) {
        float sink;
        memcpy(&sink, job->data->base[ATTN_SINKS] + 4 * job->h, 4);
        struct partial one = { sink * job->log2e, job->fault == FAULT_SINK_TWICE ? 2.0f : 1.0f,
                               calloc((size_t)d_v, 4) };
        merge(r, job->rng, FAULT_NONE, d_v, &all, &one);
        free(one.o);
    }
    const float inverse = all.l > 0.0f ? 1.0f / all.l : 0.0f;
    for (int64_t d = 0; d < d_v; d++) {
        out[d] = all.o[d] * inverse;
    }
    free(all.o);
}

static inline float route_slope(const struct attn_problem *p, enum fault fault, int64_t h)
{
    if (p->max_bias <= 0.0f) {
        return 1.0f;
    }
    const int64_t head = fault == FAULT_SLOPE ? h : p->head_first + h;
    int64_t n = 1;
    while (n * 2 <= p->head_total) {
        n *= 2;
    }
    const float step = p->max_bias / (float)n;
    const float e = head < n ? step * (float)(head + 1) : 0.5f * step * (float)(2 * (head - n) + 1);
    return exp2f(-e);
}

/* Writes dst as the route, with the fault, computes it. */
static inline void simulate(struct data *d, const struct route *r, enum fault fault, uint64_t seed)
{
    const struct attn_problem *p = &d->problem;
    const int64_t d_k = attn_d_k(p), d_v = attn_d_v(p), n_head_kv = attn_n_head_kv(p);
    uint64_t rng = seed;
    const bool apart = r->arithmetic.q_rest_first;
    float *scratch = calloc((size_t)(3 * d_k + 2 * d_v), 4), *out = scratch + 2 * d_k + d_v;
    struct row_job job = { .data = d,
                           .route = r,
                           .rng = &rng,
                           .fault = fault,
                           .q = scratch,
                           .k = scratch + d_k,
                           .v = scratch + 2 * d_k,
                           .q_rest = apart ? scratch + 2 * d_k + 2 * d_v : NULL,
                           .scale = p->scale,
                           .log2e = r->exponential == 1 ? 1.44269504f : 1.0f };
    for (job.s = 0; job.s < attn_n_seq(p); job.s++) {
        for (job.iq = 0; job.iq < attn_n_q(p); job.iq++) {
            for (job.h = 0; job.h < attn_n_head(p); job.h++) {
                const bool first_row = job.h == 0 && job.iq == 0 && job.s == 0;
                job.kv_head = job.h / (attn_n_head(p) / n_head_kv);
                job.kv_seq = fault == FAULT_SEQUENCE ? 0 : job.s;
                if (fault == FAULT_KV_HEAD && first_row) {
                    job.kv_head = (job.kv_head + 1) % n_head_kv;
                }
                job.slope = route_slope(p, fault, job.h);
                memcpy(job.q, row_of(d, ATTN_Q, job.iq, job.h, job.s), (size_t)d_k * 4);
                const struct attn_arithmetic *a = &r->arithmetic;
                const int lift = a->q_shift ? lift_of(job.q, d_k, a->q_shift) : 0;
                const bool bytes = a->q_type == ATTN_Q8_0 && a->q_parts == 2;
                if (bytes) {
                    round_in_bytes(job.q, d_k, r->low_lost);
                }
                for (int64_t i = 0; i < d_k && !bytes; i++) {
                    const float x = job.q[i];
                    job.q[i] = round_in_parts(a->q_type, a->flush, apart ? 1 : a->q_parts, lift, x);
                    if (apart) {
                        job.q_rest[i] = round_in_parts(a->q_type, a->flush, 1, lift, x - job.q[i]);
                    }
                }
                route_row(&job, out);
                for (int64_t i = 0; i < d_v; i++) {
                    out[i] *= fault == FAULT_GAIN_1                  ? 1.01f
                              : fault == FAULT_GAIN_5                ? 1.05f
                              : fault == FAULT_ZERO                  ? 0.0f
                              : fault == FAULT_ZERO_ROW && first_row ? 0.0f
                                                                     : 1.0f;
                }
                memcpy(row_of(d, ATTN_DST, job.h, job.iq, job.s), out, (size_t)d_v * 4);
            }
        }
    }
    free(scratch);
}

/* A route over the problem at random, of the kinds that kernels have, all in float. */
static inline struct route random_route(uint64_t *rng, const struct attn_problem *p)
{
    static const int tiles[] = { 8, 32, 64, 128, 256 }, waves[] = { 1, 1, 2, 4 }, lanes[] = { 1, 4, 8, 32 };
    struct route r = { .waves = waves[rng_below(rng, 4)],
                       .splits = 1,
                       .lanes = lanes[rng_below(rng, 4)],
                       .exponential = (int)rng_below(rng, 3),
                       .fused = rng_below(rng, 2) != 0,
                       .backwards = rng_below(rng, 2) != 0 };
    if (rng_below(rng, 2)) {
        r.splits = 1 + (int)rng_below(rng, 40);
    }
    struct attn_arithmetic *a = &r.arithmetic;
    a->kv_tile = tiles[rng_below(rng, 5)];
    a->splits = r.splits;
    a->waves = r.waves;
    a->merges = r.waves + r.splits; /* one after the other, each time both sides move on to a new maximum */
    a->dot_chain = (int32_t)((attn_d_k(p) + r.lanes - 1) / r.lanes);
    a->dot_joins = 5;
    a->weights.joins = a->values.joins = r.waves;
    a->values.block = r.waves > 1 ? 0 : r.backwards ? a->kv_tile : 1;
    a->q_type = ATTN_F32;
    a->k_type = p->t[ATTN_K].type;
    a->v_type = p->t[ATTN_V].type;
    a->p_type = ATTN_F32;
    return r;
}

#endif
