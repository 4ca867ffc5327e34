/* data_rows.c: the values of rows of Q, K and V. See filler.h.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "fuzz/case/filler.h"

enum { MANY_KEYS = 4096 };

static bool share_bytes(const struct attn_tensor *a, const struct attn_tensor *b)
{
    return a->buffer != 0 && a->buffer == b->buffer && a->offset < b->offset + attn_tensor_span(b) &&
           b->offset < a->offset + attn_tensor_span(a);
}

/* Which element of K's rows V's begin at, where V is a view of K; else -1. */
static int64_t view_of(const struct attn_problem *p)
{
    const struct attn_tensor *k = &p->t[ATTN_K], *v = &p->t[ATTN_V];
    const int64_t from = v->offset - k->offset;
    if (v->buffer == 0 || v->buffer != k->buffer || v->type != k->type || from < 0 ||
        from > attn_tensor_row_bytes(k) - attn_tensor_row_bytes(v))
        return -1;
    for (int d = 1; d < 4; d++)
        if (v->ne[d] > 1 && v->nb[d] != k->nb[d])
            return -1;
    return from / attn_tensor_info(k)->block_bytes * attn_tensor_info(k)->block_elems;
}

static bool is_wide(const struct attn_tensor *t) { return t->type == ATTN_F32 || t->type == ATTN_BF16; }

/* Q is scaled so that scores have the size that the profile wants, whatever scale and D_K are. */
void data_choose_magnitudes(struct filler *f)
{
    const struct attn_problem *p = f->p;
    double scale = fabs((double)p->scale), d = (double)attn_d_k(p);
    double spread = scale * sqrt(d) / 3; /* standard deviation of a score for Q, K uniform in (-1, 1) */
    double mean = scale * d * 0.5625;    /* of a score for Q, K uniform in (0.5, 1) */
    double q = 1, k = 1, v = 1, sink = 2, want = 0;
    /* Scores far apart leave few keys all of the weight beside a sink, or none; those of one K are all the same, and
     * what rounding does to large ones could be anything; far past its cap a score is no more than its sign, and that
     * of one near zero is rounding's. */
    const struct attn_tensor *keys = &p->t[ATTN_K];
    const bool one = keys->ne[1] > 1 && keys->nb[1] == 0;
    const bool few = one || (p->t[ATTN_SINKS].present && keys->ne[1] <= 4);
    const double capped = p->softcap > 0 ? 2 * (double)p->softcap : 100;
    const double most = few && capped > 3 ? 3 : capped < 100 ? capped : 100; /* spread */

    switch (f->c->run.data) {
    case ATTN_DATA_RISING:
        want = 8 / (9 * spread);
        sink = 4;
        break;
    case ATTN_DATA_LARGE:
        k = is_wide(&p->t[ATTN_K]) ? 1e5 : 1;
        v = is_wide(&p->t[ATTN_V]) ? 1e6 : 60000;
        want = (few && capped > 10 ? 10 : most) / (spread * k);
        sink = 100;
        break;
    case ATTN_DATA_NEGATIVE:
        want = (one ? 30 : 300) / mean;
        sink = -300;
        break;
    case ATTN_DATA_PEAK:
        want = 15 / mean;
        sink = 10;
        break;
    default:
        if (spread > most)
            want = most / spread;
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
    f->view = view_of(p);
    if (data_is_planned(f->c->run.data))
        data_plan(f, mean);
}

static void fill_with_zeros(float *row, int64_t n, uint64_t state, float magnitude)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = attn_random(&state);
        row[i] = (bits & 3) == 0 ? 0.0f : (bits & 3) == 1 ? -0.0f : data_signed_unit(bits) * magnitude;
    }
}

/* Of V of both signs of so many keys next to nothing is left: a little of one sign stays. Where scores are in the
 * hundreds, matrix cores may be off by more than a little: half. */
static void add_mean(const struct filler *f, int64_t n, int64_t n_kv)
{
    const float mean = (f->c->run.data == ATTN_DATA_NEGATIVE ? 0.5f : 0.0625f) * f->v;
    for (int64_t i = 0; n_kv >= MANY_KEYS && i < n; i++)
        f->row[i] += mean;
}

void data_make_row(const struct filler *f, int operand, int64_t i1, int64_t i2, int64_t i3)
{
    const struct attn_run *run = &f->c->run;
    int64_t n = f->p->t[operand].ne[0], n_kv = attn_n_kv(f->p);
    uint64_t state = data_place(run->seed, operand, i1, i2, i3);
    float magnitude = operand == ATTN_Q ? f->q : operand == ATTN_K ? f->k : f->v;

    if (run->data == ATTN_DATA_ZEROS) {
        fill_with_zeros(f->row, n, state, magnitude);
    } else if (data_is_planned(run->data) && operand != ATTN_Q) {
        data_make_planned_row(f, operand, i1, i2, i3);
    } else if (operand == ATTN_Q) {
        if (run->data == ATTN_DATA_NEGATIVE || run->data == ATTN_DATA_PEAK ||
            (data_is_planned(run->data) && run->data != ATTN_DATA_CANCEL))
            data_fill_positive(f->row, n, state, magnitude);
        else
            data_fill_uniform(f->row, n, state, magnitude);
    } else if (operand == ATTN_K) {
        if (run->data == ATTN_DATA_RISING) {
            data_fill_uniform(f->row, n, state, magnitude * (1.0f + 8.0f * (float)i1 / (float)n_kv));
        } else if (run->data == ATTN_DATA_NEGATIVE) {
            data_fill_positive(f->row, n, state, -magnitude * f->k_sign);
        } else if (run->data == ATTN_DATA_PEAK) {
            bool peak = i1 == (int64_t)(data_place(run->seed, 100, i2, i3, 0) % (uint64_t)n_kv);
            if (peak)
                data_fill_positive(f->row, n, state, magnitude * f->k_sign);
            else
                data_fill_uniform(f->row, n, state, magnitude * 0.125f);
        } else {
            data_fill_uniform(f->row, n, state, magnitude);
        }
    } else {
        if (run->data == ATTN_DATA_CONSTANT_V)
            state = data_place(run->seed, operand, 0, i2, i3);
        data_fill_uniform(f->row, n, state, magnitude);
        add_mean(f, n, n_kv);
    }
}
