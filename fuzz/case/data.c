/* data.c: the bytes of a case: mask, sinks, V, K, Q, dead cells. See attn_case.h.
 *
 * Every value is a function of (seed, operand, place), so it does not matter in which order places are filled, and a
 * place that several coordinates share (strides of zero) gets one value. Tensors that share bytes are written one
 * after the other, V, K, Q; what is in memory then is the truth, for the reference as for the kernels. Dead cells
 * are poisoned before anything live is written: a byte keeps its poison only where no live cell contains it.
 *
 * Only + - * / and sqrt are used on floating point, so the bytes are the same on every machine.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/case/attn_case.h"
#include "planner/random.h"
#include "reference/attn_reference.h"

enum { F16_INF = 0x7c00, F16_MINUS_INF = 0xfc00 };

/* ---- Random numbers -------------------------------------------------------------------------------------- */

/* A state of its own for each place. */
static uint64_t place(uint64_t seed, int what, int64_t a, int64_t b, int64_t c)
{
    uint64_t state = attn_mix(seed + ATTN_RANDOM_STEP * (uint64_t)(what + 1));
    state = attn_mix(state ^ (uint64_t)a * UINT64_C(0xd6e8feb86659fd93));
    state = attn_mix(state ^ (uint64_t)b * UINT64_C(0xa0761d6478bd642f));
    return attn_mix(state ^ (uint64_t)c * UINT64_C(0xe7037ed1a0b428db));
}

static float signed_unit(uint64_t bits) { return (float)(int32_t)(bits >> 40) * 0x1p-23f - 1.0f; }
static float unit(uint64_t bits) { return (float)(int32_t)(bits >> 40) * 0x1p-24f; }

/* ---- Magnitudes ------------------------------------------------------------------------------------------ */

struct filler {
    const struct attn_case *c;
    const struct attn_problem *p;
    const struct attn_image *image;
    float q, k, v, sink; /* magnitudes */
    float k_sign;        /* NEGATIVE: gives scores their sign whatever that of scale */
    float *row;          /* one row, before it is encoded */
    uint8_t *live;       /* of each (mask sequence, mask head, key): does a row see it; NULL without a mask */
};

static bool share_bytes(const struct attn_tensor *a, const struct attn_tensor *b)
{
    return a->buffer != 0 && a->buffer == b->buffer && a->offset < b->offset + attn_tensor_span(b) &&
           b->offset < a->offset + attn_tensor_span(a);
}

static bool is_wide(const struct attn_tensor *t) { return t->type == ATTN_F32 || t->type == ATTN_BF16; }

/* Q is scaled so that scores have the size that the profile wants, whatever scale and D_K are. */
static void choose_magnitudes(struct filler *f)
{
    const struct attn_problem *p = f->p;
    double scale = fabs((double)p->scale), d = (double)attn_d_k(p);
    double spread = scale * sqrt(d) / 3; /* standard deviation of a score for Q, K uniform in (-1, 1) */
    double mean = scale * d * 0.5625;    /* of a score for Q, K uniform in (0.5, 1) */
    double q = 1, k = 1, v = 1, sink = 2, want = 0;

    switch (f->c->run.data) {
    case ATTN_DATA_RISING:
        want = 8 / (9 * spread);
        sink = 4;
        break;
    case ATTN_DATA_LARGE:
        k = is_wide(&p->t[ATTN_K]) ? 1e5 : 1;
        v = is_wide(&p->t[ATTN_V]) ? 1e6 : 60000;
        want = 100 / (spread * k);
        sink = 100;
        break;
    case ATTN_DATA_NEGATIVE:
        want = 300 / mean;
        sink = -300;
        break;
    case ATTN_DATA_PEAK:
        want = 15 / mean;
        sink = 10;
        break;
    default:
        if (spread > 100)
            want = 100 / spread;
        break;
    }
    if (scale > 0 && want > 0)
        q = want < 30000 ? want : 30000;
    if (sink < 0) { /* a sink that counts lies where the scores are */
        sink = scale > 0 ? -mean * q * k : 0;
        if (p->softcap > 0 && sink < -(double)p->softcap)
            sink = -(double)p->softcap;
    }
    if (share_bytes(&p->t[ATTN_K], &p->t[ATTN_V]))
        v = k;
    f->q = (float)q;
    f->k = (float)k;
    f->v = (float)v;
    f->sink = (float)sink;
    f->k_sign = p->scale < 0 ? -1.0f : 1.0f;
}

/* ---- Rows of Q, K and V ---------------------------------------------------------------------------------- */

static void fill_uniform(float *row, int64_t n, uint64_t state, float magnitude)
{
    for (int64_t i = 0; i < n; i++)
        row[i] = signed_unit(attn_random(&state)) * magnitude;
}

static void fill_positive(float *row, int64_t n, uint64_t state, float magnitude)
{
    for (int64_t i = 0; i < n; i++)
        row[i] = (0.5f + 0.5f * unit(attn_random(&state))) * magnitude;
}

static void fill_with_zeros(float *row, int64_t n, uint64_t state, float magnitude)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = attn_random(&state);
        row[i] = (bits & 3) == 0 ? 0.0f : (bits & 3) == 1 ? -0.0f : signed_unit(bits) * magnitude;
    }
}

static void make_row(const struct filler *f, int operand, int64_t i1, int64_t i2, int64_t i3)
{
    const struct attn_run *run = &f->c->run;
    int64_t n = f->p->t[operand].ne[0], n_kv = attn_n_kv(f->p);
    uint64_t state = place(run->seed, operand, i1, i2, i3);
    float magnitude = operand == ATTN_Q ? f->q : operand == ATTN_K ? f->k : f->v;

    if (run->data == ATTN_DATA_ZEROS) {
        fill_with_zeros(f->row, n, state, magnitude);
    } else if (operand == ATTN_Q) {
        if (run->data == ATTN_DATA_NEGATIVE || run->data == ATTN_DATA_PEAK)
            fill_positive(f->row, n, state, magnitude);
        else
            fill_uniform(f->row, n, state, magnitude);
    } else if (operand == ATTN_K) {
        if (run->data == ATTN_DATA_RISING) {
            fill_uniform(f->row, n, state, magnitude * (1.0f + 8.0f * (float)i1 / (float)n_kv));
        } else if (run->data == ATTN_DATA_NEGATIVE) {
            fill_positive(f->row, n, state, -magnitude * f->k_sign);
        } else if (run->data == ATTN_DATA_PEAK) {
            bool peak = i1 == (int64_t)(place(run->seed, 100, i2, i3, 0) % (uint64_t)n_kv);
            if (peak)
                fill_positive(f->row, n, state, magnitude * f->k_sign);
            else
                fill_uniform(f->row, n, state, magnitude * 0.125f);
        } else {
            fill_uniform(f->row, n, state, magnitude);
        }
    } else {
        if (run->data == ATTN_DATA_CONSTANT_V)
            state = place(run->seed, operand, 0, i2, i3);
        fill_uniform(f->row, n, state, magnitude);
    }
}

/* ---- Mask ------------------------------------------------------------------------------------------------ */

static uint16_t live_value(const struct attn_problem *p, int64_t row, int64_t key)
{
    if (p->max_bias <= 0)
        return 0;
    /* What a server puts in the mask for ALiBi: minus the distance. */
    int64_t distance = attn_n_kv(p) - attn_n_q(p) + row - key;
    distance = distance < 0 ? -distance : distance;
    return attn_f32_to_f16(-(float)(distance < 2048 ? distance : 2048));
}

static uint16_t bias_value(uint64_t bits)
{
    if ((bits & 15) == 0)
        return F16_MINUS_INF;
    switch (bits >> 4 & 3) {
    case 0: return attn_f32_to_f16(-1000.0f * unit(bits));
    case 1: return attn_f32_to_f16(-8.0f * unit(bits));
    case 2: return attn_f32_to_f16(2.0f * signed_unit(bits));
    default: return 0;
    }
}

/* One row of the mask, n_kv values; the caller looks after what lies beyond. */
static void make_mask_row(const struct filler *f, uint16_t *row, int64_t iq, int64_t mh, int64_t ms)
{
    const struct attn_problem *p = f->p;
    const uint64_t seed = f->c->run.seed;
    const int64_t n_kv = attn_n_kv(p), n_q = attn_n_q(p);
    int64_t last = n_kv - n_q + iq; /* the causal one; may be below 0 */
    int64_t first = 0;
    uint64_t state = place(seed, ATTN_MASK, iq, mh, ms);

    switch (f->c->run.mask) {
    case ATTN_MASK_NONE: last = n_kv - 1; break;
    case ATTN_MASK_ALL: last = -1; break;
    case ATTN_MASK_WINDOW: {
        static const int64_t windows[4] = { 1, 33, 100, 512 };
        int64_t window = windows[place(seed, 101, ms, 0, 0) & 3];
        first = last - window + 1;
        break;
    }
    case ATTN_MASK_ROWS:
        if (state & 1)
            last = -1;
        break;
    case ATTN_MASK_PREFIX: last = (int64_t)(place(seed, 102, ms, 0, 0) % (uint64_t)(n_kv + 1)) - 1; break;
    case ATTN_MASK_RANDOM:
        for (int64_t j = 0; j < n_kv; j++)
            row[j] = attn_random(&state) >> 63 ? F16_MINUS_INF : live_value(p, iq, j);
        return;
    case ATTN_MASK_BIAS: {
        /* Some rows see nothing but strongly negative biases. */
        bool low = (state & 7) == 0;
        for (int64_t j = 0; j < n_kv; j++) {
            uint64_t bits = attn_random(&state);
            row[j] = low && (bits & 15) ? attn_f32_to_f16(-900.0f - 100.0f * unit(bits)) : bias_value(bits);
        }
        return;
    }
    case ATTN_MASK_TILES: {
        static const int64_t runs[4] = { 32, 64, 128, 256 };
        int64_t run = runs[place(seed, 103, mh, ms, 0) & 3];
        for (int64_t j = 0; j < n_kv; j++)
            row[j] = place(seed, 104, j / run, mh, ms) & 1 ? F16_MINUS_INF : live_value(p, iq, j);
        return;
    }
    default: break;
    }
    for (int64_t j = 0; j < n_kv; j++)
        row[j] = j >= first && j <= last ? live_value(p, iq, j) : F16_MINUS_INF;
}

/* Extents to walk so that each place in memory is met once. */
static void places(const struct attn_tensor *t, int64_t n[4])
{
    n[0] = 1;
    for (int d = 1; d < 4; d++)
        n[d] = t->ne[d] > 1 && t->nb[d] == 0 ? 1 : t->ne[d];
}

static char *at(const struct filler *f, int operand, int64_t i1, int64_t i2, int64_t i3)
{
    const struct attn_tensor *t = &f->p->t[operand];
    /* An extent of 1 has a stride that means nothing; its index is 0. */
    return (char *)attn_image_at(f->image, f->p, operand) + (i1 ? i1 * t->nb[1] : 0) + (i2 ? i2 * t->nb[2] : 0) +
           (i3 ? i3 * t->nb[3] : 0);
}

static void fill_mask(const struct filler *f)
{
    const struct attn_tensor *t = &f->p->t[ATTN_MASK];
    const int64_t n_kv = attn_n_kv(f->p), n_q = attn_n_q(f->p);
    int64_t n[4];
    uint16_t *row = malloc((size_t)t->ne[0] * sizeof *row);
    if (!row)
        abort();
    places(t, n);
    for (int64_t ms = 0; ms < n[3]; ms++)
        for (int64_t mh = 0; mh < n[2]; mh++)
            for (int64_t iq = 0; iq < n[1]; iq++) {
                int64_t from = 0;
                if (iq < n_q) {
                    make_mask_row(f, row, iq, mh, ms);
                    from = n_kv;
                }
                /* Beyond the problem the mask holds what would do most harm to one who used it. */
                for (int64_t j = from; j < t->ne[0]; j++)
                    row[j] = place(f->c->run.seed, 105, j, iq, mh) & 1 ? F16_MINUS_INF : attn_f32_to_f16(500.0f);
                memcpy(at(f, ATTN_MASK, iq, mh, ms), row, (size_t)t->ne[0] * sizeof *row);
            }
    free(row);
}

/* ---- Dead cells ------------------------------------------------------------------------------------------ */

/* Which keys does a mask head of a mask sequence let any row see? Read back from memory. */
static void find_live(struct filler *f)
{
    const struct attn_tensor *t = &f->p->t[ATTN_MASK];
    const int64_t n_kv = attn_n_kv(f->p), n_q = attn_n_q(f->p);
    f->live = calloc((size_t)(n_kv * t->ne[2] * t->ne[3]), 1);
    if (!f->live)
        abort();
    for (int64_t ms = 0; ms < t->ne[3]; ms++)
        for (int64_t mh = 0; mh < t->ne[2]; mh++) {
            uint8_t *live = f->live + (ms * t->ne[2] + mh) * n_kv;
            for (int64_t iq = 0; iq < n_q; iq++) {
                const char *row = at(f, ATTN_MASK, iq, mh, ms);
                for (int64_t j = 0; j < n_kv; j++) {
                    uint16_t value;
                    memcpy(&value, row + 2 * j, sizeof value);
                    live[j] |= value != F16_MINUS_INF;
                }
                if (t->ne[1] > 1 && t->nb[1] == 0)
                    break;
            }
        }
}

/* Is the cell (key, KV head, sequence) excluded for every row of every head that reads it? */
static bool is_dead(const struct filler *f, int64_t key, int64_t kv_head, int64_t seq)
{
    if (!f->live)
        return false;
    const struct attn_tensor *t = &f->p->t[ATTN_MASK];
    int64_t ratio = attn_n_head(f->p) / attn_n_head_kv(f->p);
    int64_t tried = ratio < t->ne[2] ? ratio : t->ne[2]; /* after that mask heads repeat */
    const uint8_t *live = f->live + seq % t->ne[3] * t->ne[2] * attn_n_kv(f->p);
    for (int64_t h = kv_head * ratio; h < kv_head * ratio + tried; h++)
        if (live[h % t->ne[2] * attn_n_kv(f->p) + key])
            return false;
    return true;
}

/* The same for a place in memory: every cell that lies there. */
static bool is_place_dead(const struct filler *f, const struct attn_tensor *t, const int64_t n[4], int64_t i1,
                          int64_t i2, int64_t i3)
{
    int64_t end[4] = { 1, n[1] == t->ne[1] ? i1 + 1 : t->ne[1], n[2] == t->ne[2] ? i2 + 1 : t->ne[2],
                       n[3] == t->ne[3] ? i3 + 1 : t->ne[3] };
    for (int64_t a = i1; a < end[1]; a++)
        for (int64_t b = i2; b < end[2]; b++)
            for (int64_t c = i3; c < end[3]; c++)
                if (!is_dead(f, a, b, c))
                    return false;
    return true;
}

/* As large as a block of any type, and as its elements. */
union any_block {
#define X(NAME, name, elems, bytes, align, ggml) char name[bytes];
    ATTN_TYPES(X)
#undef X
};
union any_elements {
#define X(NAME, name, elems, bytes, align, ggml) float name[elems];
    ATTN_TYPES(X)
#undef X
};

/* Is what follows the scale of a quantised type's blocks a minimum, with which all elements are NaN when it is? Numbers
 * never do. */
static bool has_minimum(int type)
{
    static const uint16_t not_a_number = 0x7e00;
    char block[sizeof(union any_block)] = { 0 };
    float x[sizeof(union any_elements) / sizeof(float)];
    const struct attn_type_info *info = attn_type_info(type);
    memcpy(block + 2, &not_a_number, 2);
    attn_row_decode(type, block, info->block_elems, x);
    for (int i = 0; i < info->block_elems; i++)
        if (!isnan(x[i]))
            return false;
    return true;
}

static void poison_row(int type, int64_t n, uint64_t state, char *out)
{
    static const uint32_t wide[4] = { 0x7fc00000u, 0x7f800000u, 0xff800000u, 0xffffffffu };
    static const uint16_t half[4] = { 0x7e00, F16_INF, F16_MINUS_INF, 0xffff };
    static const uint16_t brain[4] = { 0x7fc0, 0x7f80, 0xff80, 0xffff };
    const struct attn_type_info *info = attn_type_info(type);
    const bool minimum = info->block_elems > 1 && has_minimum(type);
    for (int64_t i = 0; i < n / info->block_elems; i++, out += info->block_bytes) {
        uint64_t bits = attn_random(&state);
        switch (type) {
        case ATTN_F32: memcpy(out, &wide[bits & 3], 4); break;
        case ATTN_F16: memcpy(out, &half[bits & 3], 2); break;
        case ATTN_BF16: memcpy(out, &brain[bits & 3], 2); break;
        default: /* quants, and a scale first; some have a minimum after it */
            memset(out, (int)(bits >> 8 & 0xff), (size_t)info->block_bytes);
            memcpy(out, &half[bits & 3], 2);
            if (minimum)
                memcpy(out + 2, &half[bits >> 2 & 3], 2);
            break;
        }
    }
}

/* ---- Tensors --------------------------------------------------------------------------------------------- */

static void fill_rows(const struct filler *f, int operand, bool dead)
{
    const struct attn_tensor *t = &f->p->t[operand];
    bool cells = operand == ATTN_K || operand == ATTN_V;
    int64_t n[4];
    places(t, n);
    for (int64_t i3 = 0; i3 < n[3]; i3++)
        for (int64_t i2 = 0; i2 < n[2]; i2++)
            for (int64_t i1 = 0; i1 < n[1]; i1++) {
                if (cells && f->live && is_place_dead(f, t, n, i1, i2, i3) != dead)
                    continue;
                char *out = at(f, operand, i1, i2, i3);
                if (dead) {
                    poison_row(t->type, t->ne[0], place(f->c->run.seed, 110 + operand, i1, i2, i3), out);
                } else {
                    make_row(f, operand, i1, i2, i3);
                    attn_row_encode(t->type, f->row, t->ne[0], out);
                }
            }
}

static void fill_sinks(const struct filler *f)
{
    char *out = attn_image_at(f->image, f->p, ATTN_SINKS);
    for (int64_t h = 0; h < attn_n_head(f->p); h++) {
        float noise = signed_unit(place(f->c->run.seed, ATTN_SINKS, h, 0, 0));
        float value = f->sink < 0 ? f->sink + 4 * noise : f->sink * noise;
        memcpy(out + 4 * h, &value, sizeof value);
    }
}

void attn_data_fill(const struct attn_case *c, struct attn_image *image)
{
    struct filler f = { .c = c, .p = &c->problem, .image = image };
    int64_t widest = attn_d_k(f.p) > attn_d_v(f.p) ? attn_d_k(f.p) : attn_d_v(f.p);

    choose_magnitudes(&f);
    f.row = malloc((size_t)widest * sizeof *f.row);
    if (!f.row)
        abort();
    if (f.p->t[ATTN_SINKS].present)
        fill_sinks(&f);
    if (f.p->t[ATTN_MASK].present) {
        fill_mask(&f);
        if (c->run.dead)
            find_live(&f);
    }
    if (f.live) {
        fill_rows(&f, ATTN_V, true);
        fill_rows(&f, ATTN_K, true);
    }
    fill_rows(&f, ATTN_V, false);
    fill_rows(&f, ATTN_K, false);
    fill_rows(&f, ATTN_Q, false);
    free(f.live);
    free(f.row);
}
