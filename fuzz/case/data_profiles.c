/* data_profiles.c: data profiles in which a key's place decides what it holds. See filler.h.
 *
 * Scores are made of positive numbers: Q's are, and K's elements are of one sign times a size that is the key's, so
 * that a score is mean * q * (K's size), whatever D_K and scale are. Logarithms are bounded by numbers of bits: the
 * bytes are the same on every machine.
 *
 * WITNESS. One key in each run of WITNESS_RUN (or some power of two as many, so that no component has more than
 * WITNESSES_EACH of them), and DATA_WITNESS_SINGLES anywhere, the first and the last among them, have nearly all the
 * weight, some of it the singles', whose V is as much smaller as their weight is larger. V of each is zero but for one
 * component in V_SHARE, with sizes of their own, so that a component of the result is a sum of few: losing, doubling or
 * misplacing one moves its components by about 1 / WITNESSES_EACH or more, where the bound of a component is relative
 * to sum p |V| of that component. (With still fewer, the roundings of a component's terms could not be taken to average
 * out: reference/chance.c.) The other keys' V is like any; their weight altogether is below e^-12.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "fuzz/case/filler.h"

enum {
    WITNESS_RUN = 32,
    WITNESSES_EACH = 224, /* component */
    V_SHARE = 12,
    STAIR = 32,       /* keys of a step */
    DEEP_LEVELS = 24, /* of scores, one as far below the other as the next */
    STATE_SINGLE = 120,
    STATE_RUN = DATA_STATE_RUN,
    STATE_SIZE,
    STATE_ELEMENT,
    STATE_LEVEL,
    STATE_PATTERN,
    STATE_STAIR
};

static const double LN2 = 0.6931471805599453;
static const double LARGEST_Q = 30000, LARGEST_K = 1000; /* elements within f16 */

/* At least ln(n), by less than ln(2). */
static double log_above(int64_t n)
{
    int bits = 0;
    for (; n > 0; n >>= 1)
        bits++;
    return LN2 * bits;
}

bool data_is_planned(int profile)
{
    return profile == ATTN_DATA_WITNESS || profile == ATTN_DATA_DEEP || profile == ATTN_DATA_STAIRS ||
           profile == ATTN_DATA_CANCEL;
}

/* Sets q and k so that keys of size `k` have scores of `want`; where Q would be too large K is larger instead. Returns
 * the score that is reached. */
static double reach(struct filler *f, double mean, double want)
{
    double q = mean > 0 ? want / mean : 1, k = 1;
    if (q > LARGEST_Q) {
        k = q / LARGEST_Q < LARGEST_K ? q / LARGEST_Q : LARGEST_K;
        q = LARGEST_Q;
    }
    f->q = (float)q;
    f->k = (float)k;
    return mean * q * k;
}

/* ---- Witnesses ------------------------------------------------------------------------------------------- */

enum { DRAWN = DATA_WITNESS_SINGLES - 2 }; /* the first and the last key are two more */

int64_t data_witness_single(uint64_t seed, int64_t n_kv, int64_t i)
{
    const int64_t part = n_kv / DRAWN;
    return part > 0 ? i * part + (int64_t)(data_place(seed, STATE_SINGLE, i, 0, 0) % (uint64_t)part) : i;
}

/* Number of the single witness that the key is; -1: none. */
static int single_of(uint64_t seed, int64_t n_kv, int64_t key)
{
    const int64_t part = n_kv / DRAWN;
    if (key == 0 || key == n_kv - 1)
        return key != 0;
    if (part == 0)
        return 2;
    const int64_t i = key / part;
    return i < DRAWN && key == data_witness_single(seed, n_kv, i) ? (int)(2 + i) : -1;
}

/* Components of a witness's V that are not zero. */
static int64_t v_parts(int64_t d_v) { return (d_v + V_SHARE - 1) / V_SHARE; }

int64_t data_witness_run(const struct attn_problem *p)
{
    const int64_t d_v = attn_d_v(p), share = d_v / v_parts(d_v);
    int64_t keys = WITNESS_RUN;
    while (attn_n_kv(p) / keys / share > WITNESSES_EACH)
        keys *= 2;
    return keys;
}

int64_t data_witness_of_run(uint64_t seed, int64_t n_kv, int64_t keys, int64_t run)
{
    const int64_t begin = run * keys, n = n_kv - begin < keys ? n_kv - begin : keys;
    return begin + (int64_t)(data_place(seed, STATE_RUN, run, 0, 0) % (uint64_t)n);
}

static void plan_witness(struct filler *f, double mean)
{
    const struct attn_problem *p = f->p;
    const struct attn_tensor *k = &p->t[ATTN_K];
    const double d = (double)attn_d_k(p), softcap = (double)p->softcap;
    const double spread = 0.8 / sqrt(d);                               /* five deviations of a mean of d products */
    const double least = 0.5625 - (spread < 0.3125 ? spread : 0.3125); /* of one */
    f->run = data_witness_run(p);
    const int64_t runs = attn_n_kv(p) / f->run + 1;
    double far = (log_above(attn_n_kv(p)) + 12) * 0.5625 / least;

    f->flat = (softcap > 0 && softcap < 1.5 * far) || (k->ne[1] > 1 && k->nb[1] == 0);
    if (softcap > 0)
        far *= 2;
    /* A seventh of the weight: beside a key with much of it nothing averages out. */
    const float among = (float)runs / DATA_WITNESS_SINGLES / 7;
    f->single = among > 1 ? (float)log_above((int64_t)among) : 0;
    f->far = (float)far;
    f->flat |= reach(f, mean, far) < 0.99 * far;
    /* Of the first head, whose distances count most. */
    f->biased = p->max_bias > 0 && p->t[ATTN_MASK].present &&
                exp2(-attn_alibi_exponent(p, p->head_first)) * (double)attn_n_kv(p) > 4;
    f->single_v = f->flat || among < 1 ? 1 : 1 / among;
    f->level = f->k / f->far;
}

static float witness_score(const struct filler *f, int64_t key)
{
    const uint64_t seed = f->c->run.seed;
    const int64_t n_kv = attn_n_kv(f->p);
    const float part = data_unit(data_place(seed, STATE_SIZE, key, 0, 0));
    if (single_of(seed, n_kv, key) >= 0)
        return f->single - 0.1f - 0.6f * part;
    if (data_witness_of_run(seed, n_kv, f->run, key / f->run) == key)
        return -0.1f - 0.6f * part;
    return -f->far;
}

/* In a V of its own. */
static void make_pattern(const struct filler *f, int64_t n, const int64_t at[3], float size)
{
    uint64_t state = data_place(f->c->run.seed, STATE_ELEMENT, at[0], at[1], at[2]);
    const int64_t parts = v_parts(n);
    for (int64_t i = 0; i < n; i++)
        f->row[i] = 0;
    for (int64_t i = 0; i < parts; i++) {
        const int64_t begin = n * i / parts, among = n * (i + 1) / parts - begin;
        const uint64_t bits = attn_random(&state);
        f->row[begin + (int64_t)(bits % (uint64_t)among)] = size * (0.75f + 0.25f * data_unit(bits));
    }
}

/* In a V that is K's row, of one element: it has the key's score in it, too. Weight times V of a single witness is that
 * of many others there, so it has components of its own, an eighth of them: nothing else could be seen beside it. */
static void make_pattern_of_view(const struct filler *f, int64_t n, const int64_t at[3], float size, bool single)
{
    const uint64_t bits = data_place(f->c->run.seed, STATE_ELEMENT, at[0], at[1], at[2]);
    const int64_t n_v = f->p->t[ATTN_V].ne[0], own = n_v / 8;
    const int64_t first = single ? 0 : own, among = single && own > 0 ? own : n_v - first;
    for (int64_t i = 0; i < n; i++)
        f->row[i] = 0;
    f->row[f->view + first + (int64_t)(bits % (uint64_t)among)] = size * (0.75f + 0.25f * data_unit(bits));
}

static void make_witness_row(const struct filler *f, int operand, uint64_t state, const int64_t at[3])
{
    const int64_t n = f->p->t[operand].ne[0];
    const float score = witness_score(f, at[0]);
    const bool witness = score > -f->far, single = score > 0;
    if (f->view >= 0) { /* K's row: V's is written before it, and overwritten */
        float one = (score > 1 ? score : 1.0f) * f->level * 0.5625f * (float)f->p->t[ATTN_K].ne[0];
        one = one < (float)LARGEST_Q ? one : (float)LARGEST_Q;
        if (witness && operand == ATTN_K)
            make_pattern_of_view(f, n, at, one * f->k_sign, single);
        else
            data_fill_positive(f->row, n, state, f->flat ? 0 : -f->far * f->level * f->k_sign);
    } else if (operand == ATTN_K) {
        data_fill_positive(f->row, n, state, score * f->level * f->k_sign);
    } else if (witness) {
        make_pattern(f, n, at, single ? f->v * f->single_v : f->v);
    } else {
        data_fill_uniform(f->row, n, state, !f->flat ? f->v : f->biased ? f->v / 8 : 0);
    }
}

/* ---- Deep scores ----------------------------------------------------------------------------------------- */

/* How deep the best key's score is: beside -30,000 and the edge of f16, of the score or of the product of Q and K. */
static void plan_deep(struct filler *f, double mean)
{
    static const float depths[8] = { 29900, 31000, 33000, 60000, 65400, 65600, 70000, 100000 };
    const uint64_t bits = data_place(f->c->run.seed, STATE_LEVEL, 0, 0, 0);
    const double scale = fabs((double)f->p->scale), depth = (double)depths[bits & 7];
    const bool product = (bits >> 3 & 3) == 0 && scale < 1;
    reach(f, mean, 2 * (product ? depth * scale : depth)); /* of the worst key; the best one's is about half of that */
    f->level = f->k;
    f->sink = (float)-(mean * (double)f->q * (double)f->k / 2);
    /* A sink as near to a score as their rounding takes part of the weight that nobody can know. */
    f->sink_apart = 0.3f;
    if (f->p->softcap > 0 && f->sink < -f->p->softcap) {
        f->sink = -f->p->softcap;
        f->sink_apart = 0;
    }
}

/* Of a key, from 0 for the best that may be; among n_kv keys there is one of 1 at least. In any run of keys the best
 * level stands once: the level is the number of zero bits that a count from a drawn one on ends with, and between two
 * of the same there is always a higher one. */
static int deep_level(const struct filler *f, int64_t key)
{
    uint64_t n = (uint64_t)key + 1 + (data_place(f->c->run.seed, STATE_LEVEL, 1, 0, 0) & 0xffff);
    int level = 0;
    for (int64_t keys = attn_n_kv(f->p); keys > 0 && level < DEEP_LEVELS; keys >>= 1)
        level++;
    for (; level > 0 && (n & 1) == 0; n >>= 1)
        level--;
    return level;
}

static void make_deep_row(const struct filler *f, int operand, const int64_t at[3])
{
    const uint64_t seed = f->c->run.seed;
    const int64_t n = f->p->t[operand].ne[0];
    const struct attn_tensor *k = &f->p->t[ATTN_K];
    const int level = k->ne[1] > 1 && k->nb[1] == 0 ? 0 : deep_level(f, at[0]); /* of one K all keys are the best */
    const float size = 0.5f + 0.5f * (float)level / (float)DEEP_LEVELS;
    /* Keys of a level have the same V: where a mask leaves two of the best, the result is still theirs. */
    if (operand == ATTN_K || f->view >= 0)
        data_fill_positive(f->row, n, data_place(seed, STATE_PATTERN, ATTN_K, at[1], at[2]),
                           -size * f->level * f->k_sign);
    else
        data_fill_uniform(f->row, n, data_place(seed, STATE_PATTERN, ATTN_V + level, at[1], at[2]), f->v);
}

/* ---- Stairs ---------------------------------------------------------------------------------------------- */

static void plan_stairs(struct filler *f, double mean)
{
    const double steps = (double)(attn_n_kv(f->p) / STAIR + 1), rise = steps < 200 ? 0.7 * steps : 140;
    /* Where V is K's row it is as large as the score: of one sign, as scores about zero would cancel in all components
     * of it alike. */
    f->base = f->view >= 0 ? 4 : 0;
    reach(f, mean, rise + (double)f->base);
    f->far = (float)(rise / steps);
    f->level = f->k / (float)(rise + (double)f->base);
    f->sink = 4;
}

static float stair_score(const struct filler *f, int64_t key)
{
    const int64_t step = key / STAIR;
    const uint64_t bits = data_place(f->c->run.seed, STATE_STAIR, step, 0, 0);
    const bool edge = (int64_t)(bits % STAIR) == key % STAIR;
    return f->base + f->far * (float)(step + 1) - (edge ? 0 : 1 + 3 * data_unit(data_place(bits, 0, key, 0, 0)));
}

static void make_stairs_row(const struct filler *f, int operand, uint64_t state, const int64_t at[3])
{
    const int64_t n = f->p->t[operand].ne[0];
    if (operand == ATTN_K)
        data_fill_positive(f->row, n, data_place(f->c->run.seed, STATE_PATTERN, ATTN_K, at[1], at[2]),
                           stair_score(f, at[0]) * f->level * f->k_sign);
    else
        data_fill_uniform(f->row, n, state, f->v);
}

/* ---- Cancelling V ---------------------------------------------------------------------------------------- */

/* Two keys of a pair have opposite V; what is added to both is nothing in some components, little in others. */
static void make_cancelling_row(const struct filler *f, int operand, uint64_t state, const int64_t at[3])
{
    static const float left[4] = { 0, 1.0f / 64, 0.125f, 0.5f };
    const int64_t n = f->p->t[operand].ne[0];
    if (operand == ATTN_K || f->view >= 0) {
        data_fill_uniform(f->row, n, state, f->k);
        return;
    }
    uint64_t pair = data_place(f->c->run.seed, STATE_PATTERN, at[0] / 2, at[1], at[2]);
    for (int64_t i = 0; i < n; i++) {
        const float size = 0.5f + 0.5f * data_unit(attn_random(&pair));
        const uint64_t kind = i == 0 ? 3 : data_place(f->c->run.seed, STATE_PATTERN, i, 0, -1) & 3;
        f->row[i] = f->v * ((at[0] & 1 ? -size : size) + left[kind]);
    }
}

/* ---- All ------------------------------------------------------------------------------------------------- */

void data_plan(struct filler *f, double mean)
{
    switch (f->c->run.data) {
    case ATTN_DATA_WITNESS: plan_witness(f, mean); break;
    case ATTN_DATA_DEEP: plan_deep(f, mean); break;
    case ATTN_DATA_STAIRS: plan_stairs(f, mean); break;
    default: f->q *= 0.125f; break; /* CANCEL: weights of a pair are nearly the same */
    }
}

void data_make_planned_row(const struct filler *f, int operand, int64_t i1, int64_t i2, int64_t i3)
{
    const int64_t at[3] = { i1, i2, i3 };
    const uint64_t state = data_place(f->c->run.seed, operand, i1, i2, i3);
    switch (f->c->run.data) {
    case ATTN_DATA_WITNESS: make_witness_row(f, operand, state, at); break;
    case ATTN_DATA_DEEP: make_deep_row(f, operand, at); break;
    case ATTN_DATA_STAIRS: make_stairs_row(f, operand, state, at); break;
    default: make_cancelling_row(f, operand, state, at); break;
    }
}
