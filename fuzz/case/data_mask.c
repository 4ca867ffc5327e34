/* data_mask.c: what mask and sinks hold, and which keys a mask leaves live. See filler.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz/case/filler.h"
#include "reference/attn_reference.h"

static const float F16_LOWEST_VALUE = -65504;

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
        return ATTN_F16_MINUS_INF;
    switch (bits >> 4 & 3) {
    case 0: return attn_f32_to_f16(-1000.0f * data_unit(bits));
    case 1: return attn_f32_to_f16(-8.0f * data_unit(bits));
    case 2: return attn_f32_to_f16(2.0f * data_signed_unit(bits));
    default: return 0;
    }
}

/* The lowest finite f16 where a causal mask has -inf: a row that sees nothing else is live all the same. One of many
 * keys in such a row has a little more, and with it the weight: of scores as large the last bits are all that
 * tells keys apart. */
static void make_finite_row(const struct filler *f, uint16_t *row, int64_t iq, uint64_t state)
{
    const struct attn_problem *p = f->p;
    const int64_t n_kv = attn_n_kv(p), last = n_kv - attn_n_q(p) + iq;
    uint64_t kind = attn_random(&state) & 7;
    const int64_t only = (int64_t)(attn_random(&state) % (uint64_t)n_kv);
    if (kind != 1 && last < 0)
        kind = 0;
    for (int64_t j = 0; j < n_kv; j++) {
        bool low = j > last;
        if (kind == 0) /* all of them */
            low = true;
        else if (kind == 2) /* any */
            low = attn_random(&state) >> 63;
        row[j] = kind == 1 && j != only ? ATTN_F16_MINUS_INF
                 : low || kind == 1     ? ATTN_F16_LOWEST
                                        : live_value(p, iq, j);
        if (kind == 0 && j == only && n_kv > 4)
            row[j] = ATTN_F16_LOWEST - 8; /* 256 more */
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
    uint64_t state = data_place(seed, ATTN_MASK, iq, mh, ms);

    switch (f->c->run.mask) {
    case ATTN_MASK_NONE: last = n_kv - 1; break;
    case ATTN_MASK_ALL: last = -1; break;
    case ATTN_MASK_WINDOW: {
        static const int64_t windows[4] = { 1, 33, 100, 512 };
        int64_t window = windows[data_place(seed, 101, ms, 0, 0) & 3];
        first = last - window + 1;
        break;
    }
    case ATTN_MASK_ROWS:
        if (state & 1)
            last = -1;
        break;
    case ATTN_MASK_PREFIX: last = (int64_t)(data_place(seed, 102, ms, 0, 0) % (uint64_t)(n_kv + 1)) - 1; break;
    case ATTN_MASK_RANDOM:
        for (int64_t j = 0; j < n_kv; j++)
            row[j] = attn_random(&state) >> 63 ? ATTN_F16_MINUS_INF : live_value(p, iq, j);
        return;
    case ATTN_MASK_BIAS: {
        /* Some rows see nothing but strongly negative biases. */
        bool low = (state & 7) == 0;
        for (int64_t j = 0; j < n_kv; j++) {
            uint64_t bits = attn_random(&state);
            row[j] = low && (bits & 15) ? attn_f32_to_f16(-900.0f - 100.0f * data_unit(bits)) : bias_value(bits);
        }
        return;
    }
    case ATTN_MASK_FINITE: make_finite_row(f, row, iq, state); return;
    case ATTN_MASK_TILES: {
        static const int64_t runs[4] = { 32, 64, 128, 256 };
        int64_t run = runs[data_place(seed, 103, mh, ms, 0) & 3];
        for (int64_t j = 0; j < n_kv; j++)
            row[j] = data_place(seed, 104, j / run, mh, ms) & 1 ? ATTN_F16_MINUS_INF : live_value(p, iq, j);
        return;
    }
    default: break;
    }
    for (int64_t j = 0; j < n_kv; j++)
        row[j] = j >= first && j <= last ? live_value(p, iq, j) : ATTN_F16_MINUS_INF;
}

/* Where n_kv_max is said, no row has more finite values: the last ones stay. */
static void keep_promise(const struct attn_problem *p, uint16_t *row)
{
    int64_t left = p->n_kv_max;
    for (int64_t j = attn_n_kv(p) - 1; j >= 0 && p->n_kv_max > 0; j--)
        if (row[j] != ATTN_F16_MINUS_INF && left-- <= 0)
            row[j] = ATTN_F16_MINUS_INF;
}

static void fill_box(const struct filler *f, const struct attn_box *box, uint16_t *row)
{
    const struct attn_tensor *t = &f->p->t[ATTN_MASK];
    const int64_t n_kv = attn_n_kv(f->p), n_q = attn_n_q(f->p);
    for (int64_t ms = box->first[3]; ms < box->end[3]; ms++)
        for (int64_t mh = box->first[2]; mh < box->end[2]; mh++)
            for (int64_t iq = box->first[1]; iq < box->end[1]; iq++) {
                int64_t from = 0;
                if (iq < n_q) {
                    make_mask_row(f, row, iq, mh, ms);
                    keep_promise(f->p, row);
                    from = n_kv;
                }
                /* Beyond the problem the mask holds what would do most harm to one who used it. */
                for (int64_t j = from; j < t->ne[0]; j++)
                    row[j] =
                        data_place(f->c->run.seed, 105, j, iq, mh) & 1 ? ATTN_F16_MINUS_INF : attn_f32_to_f16(500.0f);
                memcpy(data_at(f, ATTN_MASK, iq, mh, ms), row, (size_t)t->ne[0] * sizeof *row);
            }
}

void data_fill_mask(const struct filler *f)
{
    struct attn_box box[ATTN_SAMPLE_BOXES_MAX];
    const int n = attn_sample_boxes(f->sample, f->p, ATTN_MASK, box);
    uint16_t *row = malloc((size_t)f->p->t[ATTN_MASK].ne[0] * sizeof *row);
    if (!row)
        abort();
    for (int i = 0; i < n; i++)
        fill_box(f, &box[i], row);
    free(row);
}

void data_fill_sinks(const struct filler *f)
{
    char *out = attn_image_at(f->image, f->p, ATTN_SINKS);
    struct attn_box box[ATTN_SAMPLE_BOXES_MAX];
    const int n = attn_sample_boxes(f->sample, f->p, ATTN_SINKS, box);
    for (int i = 0; i < n; i++)
        for (int64_t h = box[i].first[0]; h < box[i].end[0]; h++) {
            float noise = data_signed_unit(data_place(f->c->run.seed, ATTN_SINKS, h, 0, 0));
            /* Below means below the worst key too, and below what a mask's biases or ALiBi make of it: a row's best
             * live key may be any. */
            const float apart = f->sink_apart > 0 ? (noise > 0.5f ? -f->sink_apart : 2) : 0;
            float value = f->sink < 0 ? f->sink * (1 + apart) + 4 * noise : f->sink * noise;
            const bool finite = f->c->run.mask == ATTN_MASK_FINITE && f->p->t[ATTN_MASK].present;
            /* Beside rows whose keys are all at the mask's lowest a sink counts that is as low. Where ALiBi makes less
             * of that, a deep score could come to lie as near to its sink as their rounding: one that is below is below
             * all of them. */
            if (finite && f->sink_apart > 0 && f->p->max_bias > 0)
                value += apart > 0 ? F16_LOWEST_VALUE : 0;
            else if (finite && (h & 1))
                value += F16_LOWEST_VALUE + (noise > 0 ? 64 : -64);
            memcpy(out + 4 * h, &value, sizeof value);
        }
}

/* Which keys does a mask head of a mask sequence let any row see? Read back from memory. */
void data_find_live(struct filler *f)
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
                const char *row = data_at(f, ATTN_MASK, iq, mh, ms);
                for (int64_t j = 0; j < n_kv; j++) {
                    uint16_t value;
                    memcpy(&value, row + 2 * j, sizeof value);
                    live[j] |= value != ATTN_F16_MINUS_INF;
                }
                if (t->ne[1] > 1 && t->nb[1] == 0)
                    break;
            }
        }
}
