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

#include "fuzz/case/filler.h"
#include "reference/attn_reference.h"

/* ---- Dead cells ------------------------------------------------------------------------------------------ */

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
static bool is_place_dead(const struct filler *f, const struct attn_tensor *t, int64_t i1, int64_t i2, int64_t i3)
{
    for (int64_t a = i1; a < (t->nb[1] ? i1 + 1 : t->ne[1]); a++)
        for (int64_t b = i2; b < (t->nb[2] ? i2 + 1 : t->ne[2]); b++)
            for (int64_t c = i3; c < (t->nb[3] ? i3 + 1 : t->ne[3]); c++)
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
    static const uint16_t half[4] = { 0x7e00, ATTN_F16_INF, ATTN_F16_MINUS_INF, 0xffff };
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

/* Of a type that nobody can write: bits that read as numbers of an ordinary size, block by block, where anybody can
 * read it. */
static void draw_row(const struct attn_tensor *t, uint64_t state, char *out)
{
    enum { TRIES = 64, MOST_ELEMENTS = 1024 };
    const struct attn_type_info *info = attn_tensor_info(t);
    float x[MOST_ELEMENTS];
    for (int64_t i = 0; i < t->ne[0] / info->block_elems; i++, out += info->block_bytes) {
        bool good = false;
        for (int tries = 0; tries < TRIES && !good; tries++) {
            for (int b = 0; b < info->block_bytes; b++)
                out[b] = (char)(attn_random(&state) >> 56);
            good = true;
            if (!t->foreign->to_float || info->block_elems > MOST_ELEMENTS)
                break;
            t->foreign->to_float(out, x, info->block_elems);
            for (int e = 0; e < info->block_elems; e++)
                good = good && fabsf(x[e]) <= 64;
        }
        if (!good)
            memset(out, 0, (size_t)info->block_bytes);
    }
}

/* ---- Tensors --------------------------------------------------------------------------------------------- */

static void fill_box(const struct filler *f, int operand, bool dead, const struct attn_box *box)
{
    const struct attn_tensor *t = &f->p->t[operand];
    bool cells = operand == ATTN_K || operand == ATTN_V;
    for (int64_t i3 = box->first[3]; i3 < box->end[3]; i3++)
        for (int64_t i2 = box->first[2]; i2 < box->end[2]; i2++)
            for (int64_t i1 = box->first[1]; i1 < box->end[1]; i1++) {
                if (cells && f->live && is_place_dead(f, t, i1, i2, i3) != dead)
                    continue;
                char *out = data_at(f, operand, i1, i2, i3);
                const uint64_t place = data_place(f->c->run.seed, 110 + operand, i1, i2, i3);
                if (dead && t->type >= ATTN_TYPE_FOREIGN) {
                    memset(out, 0xff, (size_t)attn_tensor_row_bytes(t)); /* NaN, whatever float its scale is */
                } else if (dead) {
                    poison_row(t->type, t->ne[0], place, out);
                } else {
                    data_make_row(f, operand, i1, i2, i3);
                    if (!attn_tensor_encode(t, f->row, t->ne[0], out))
                        draw_row(t, place, out);
                }
            }
}

static void fill_rows(const struct filler *f, int operand, bool dead)
{
    struct attn_box box[ATTN_SAMPLE_BOXES_MAX];
    const int n = attn_sample_boxes(f->sample, f->p, operand, box);
    for (int i = 0; i < n; i++)
        fill_box(f, operand, dead, &box[i]);
}

void attn_data_fill(const struct attn_case *c, struct attn_image *image) { attn_data_fill_sample(c, NULL, image); }

void attn_data_fill_sample(const struct attn_case *c, const struct attn_sample *sample, struct attn_image *image)
{
    struct filler f = { .c = c, .p = &c->problem, .image = image, .sample = sample };
    int64_t widest = attn_d_k(f.p) > attn_d_v(f.p) ? attn_d_k(f.p) : attn_d_v(f.p);

    data_choose_magnitudes(&f);
    f.row = malloc((size_t)widest * sizeof *f.row);
    if (!f.row)
        abort();
    if (f.p->t[ATTN_SINKS].present)
        data_fill_sinks(&f);
    if (f.p->t[ATTN_MASK].present) {
        data_fill_mask(&f);
        if (c->run.dead && !sample)
            data_find_live(&f);
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
