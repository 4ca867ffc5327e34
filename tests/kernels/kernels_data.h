/* kernels_data.h: the data of a kernel_case.
 *
 * SPDX-License-Identifier: MIT */
#ifndef KERNELS_DATA_H
#define KERNELS_DATA_H

#include "planner/random.h"
#include "tests/kernels/kernel_drive.h"
#include "tests/kernels/kernels_case.h"

/* Uniform in (-1, 1). */
static inline float kernel_uniform(uint64_t *state)
{
    return (float)((double)(attn_random(state) >> 11) * 0x1p-52 - 1.0);
}

static inline char *kernel_at(const struct attn_image *image, const struct attn_problem *p, int o, int64_t i1,
                              int64_t i2, int64_t i3)
{
    const struct attn_tensor *t = &p->t[o];
    return (char *)attn_image_at(image, p, o) + i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3];
}

static inline float kernel_mask_value(const struct kernel_case *c, int64_t key, int64_t iq, uint64_t *state)
{
    float bias = kernel_uniform(state);
    switch (c->mask) {
    case KERNEL_MASK_CAUSAL: return key <= c->n_kv - c->n_q + iq ? 0.0f : -INFINITY;
    case KERNEL_MASK_RANDOM: return bias < 0 ? -INFINITY : 2 * bias - 1;
    case KERNEL_MASK_LATE: return key < c->n_kv * 2 / 3 ? -INFINITY : 0.0f;
    case KERNEL_MASK_ROWS: return iq % 2 ? -INFINITY : 0.0f;
    case KERNEL_MASK_NEGATIVE: return -1000.0f + 2 * bias;
    case KERNEL_MASK_ALL: return -INFINITY;
    default: return 0.0f;
    }
}

static inline bool kernel_cell_lives(const struct kernel_case *c, const struct attn_problem *p,
                                     const struct attn_image *image, int64_t key, int64_t s)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (!mask->present)
        return true;
    for (int64_t h = 0; h < mask->ne[2]; h++)
        for (int64_t iq = 0; iq < c->n_q; iq++) {
            uint16_t bits;
            memcpy(&bits, kernel_at(image, p, ATTN_MASK, iq, h, s % mask->ne[3]) + 2 * key, 2);
            if (bits != 0xFC00)
                return true;
        }
    return false;
}

/* Fills an image; cells of K and V that nothing attends to keep the NaN that images are made with, and so do mask
 * elements outside n_q x n_kv. */
static inline void kernel_fill(const struct kernel_case *c, const struct attn_problem *p, struct attn_image *image)
{
    uint64_t state = c->seed * 77 + 1;
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (mask->present)
        for (int64_t s = 0; s < mask->ne[3]; s++)
            for (int64_t h = 0; h < mask->ne[2]; h++)
                for (int64_t iq = 0; iq < c->n_q; iq++)
                    for (int64_t key = 0; key < c->n_kv; key++) {
                        uint16_t bits = attn_f32_to_f16(kernel_mask_value(c, key, iq, &state));
                        memcpy(kernel_at(image, p, ATTN_MASK, iq, h, s) + 2 * key, &bits, 2);
                    }
    if (p->t[ATTN_SINKS].present)
        for (int64_t h = 0; h < c->n_head; h++) {
            float sink = 2 * kernel_uniform(&state);
            memcpy((char *)attn_image_at(image, p, ATTN_SINKS) + 4 * h, &sink, 4);
        }

    float *row = malloc((size_t)(c->d_k > c->d_v ? c->d_k : c->d_v) * sizeof *row);
    assert_non_null(row);
    for (int64_t s = 0; s < c->n_seq; s++)
        for (int64_t h = 0; h < c->n_head; h++)
            for (int64_t iq = 0; iq < c->n_q; iq++) {
                for (int64_t d = 0; d < c->d_k; d++) {
                    row[d] = kernel_uniform(&state);
                    if (c->data == KERNEL_DATA_RISING || c->data == KERNEL_DATA_NEGATIVE)
                        row[d] = 0.75f + 0.25f * row[d];
                    if (c->data == KERNEL_DATA_WIDE)
                        row[d] *= 0x1p-20f;
                }
                memcpy(kernel_at(image, p, ATTN_Q, iq, h, s), row, (size_t)c->d_k * 4);
            }
    for (int o = ATTN_K; o <= ATTN_V; o++) {
        const struct attn_tensor *t = &p->t[o];
        bool narrow = t->type != ATTN_F32 && t->type != ATTN_BF16;
        if (o == ATTN_V && c->layout == KERNEL_V_OF_K)
            continue;
        for (int64_t s = 0; s < c->n_seq; s++)
            for (int64_t key = 0; key < c->n_kv; key++) {
                bool lives = kernel_cell_lives(c, p, image, key, s);
                for (int64_t h = 0; h < c->n_head_kv; h++) {
                    for (int64_t d = 0; d < t->ne[0]; d++) {
                        float x = kernel_uniform(&state);
                        if (o == ATTN_K && c->data == KERNEL_DATA_RISING)
                            x = (0.6f + 0.4f * x) * (0.2f + 1.5f * (float)key / (float)c->n_kv);
                        if (o == ATTN_K && c->data == KERNEL_DATA_NEGATIVE)
                            x = -8.0f + x;
                        if (c->data == KERNEL_DATA_WIDE)
                            x *= narrow ? 16384.0f : 0x1p20f;
                        row[d] = x;
                    }
                    if (lives)
                        attn_row_encode(t->type, row, t->ne[0], kernel_at(image, p, o, key, h, s));
                }
            }
    }
    free(row);
}

#endif
