/* problem.c: what is asked of a problem, whatever the subject.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/problem.h"

#include <math.h>
#include <string.h>

int check_head_size(const struct attn_problem *p)
{
    int index = attn_head_size_find(attn_d_k(p), attn_d_v(p));
    return index < 0 ? ATTN_HEAD_SIZE_COUNT : index;
}

void check_plain_strides(struct attn_problem *p)
{
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        struct attn_tensor *t = &p->t[o];
        if (!t->present)
            continue;
        for (int d = 1; d < 4; d++)
            if (t->ne[d] == 1)
                t->nb[d] =
                    d == 1 ? t->ne[0] / attn_tensor_info(t)->block_elems * t->nb[0] : t->nb[d - 1] * t->ne[d - 1];
    }
}

void check_usual_layout(struct attn_problem *p)
{
    for (int o = ATTN_MASK; o <= ATTN_DST; o++)
        if (p->t[o].present && o != ATTN_SINKS) {
            attn_tensor_contiguous(&p->t[o]);
            p->t[o].buffer = 0;
            p->t[o].offset = 0;
        }
    for (int o = ATTN_Q; o <= ATTN_V; o++)
        for (int d = 1; d < 4; d++)
            if (p->t[o].nb[d] == 0 && p->t[o].ne[d] > 1) {
                attn_tensor_contiguous(&p->t[o]);
                p->t[o].buffer = 0;
                break;
            }
    p->head_first = 0;
    p->head_total = attn_n_head(p);
}

bool check_tensor_is_plain(const struct attn_tensor *t)
{
    return attn_tensor_has_default_strides(t) && t->offset == 0 && t->buffer == 0;
}

static int oddities(const struct attn_problem *p)
{
    int n = (p->head_first != 0 || p->head_total != attn_n_head(p)) + p->t[ATTN_MASK].present +
            p->t[ATTN_SINKS].present + (p->softcap > 0) + (p->max_bias > 0) + (p->t[ATTN_K].type != ATTN_F16) +
            (p->t[ATTN_V].type != ATTN_F16) + (p->prec != ATTN_PREC_UNSAID) + (p->n_kv_max > 0) + p->further.present;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        n += p->t[o].present && !check_tensor_is_plain(&p->t[o]);
    return n;
}

bool check_simpler(const struct attn_problem *a, const struct attn_problem *b)
{
    int64_t work_a = attn_problem_work(a), work_b = attn_problem_work(b);
    int odd_a = oddities(a), odd_b = oddities(b);
    return odd_a != odd_b ? odd_a < odd_b : work_a < work_b;
}

bool check_is_plain(const struct attn_problem *p)
{
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (p->t[o].present && !check_tensor_is_plain(&p->t[o]))
            return false;
    return p->prec == ATTN_PREC_UNSAID && p->n_kv_max == 0 && !p->further.present;
}

bool check_plain_call(int i, struct attn_problem *p)
{
    static const int64_t ratios[] = { 1, 4, 8, 32 }, n_kvs[] = { 256, 100 }, n_qs[] = { 1, 32 };
    static const uint8_t types[] = { ATTN_F16, ATTN_Q8_0 };
    const struct attn_head_size *head = attn_head_size(i / 64);
    const int64_t ratio = ratios[i & 3], n_kv = n_kvs[i >> 2 & 1], n_q = n_qs[i >> 3 & 1];
    const uint8_t type = types[i >> 5 & 1];
    const int64_t ne[ATTN_OPERAND_COUNT][4] = {
        [ATTN_Q] = { head->d_k, n_q, 2 * ratio, 1 },   [ATTN_K] = { head->d_k, n_kv, 2, 1 },
        [ATTN_V] = { head->d_v, n_kv, 2, 1 },          [ATTN_MASK] = { n_kv, n_q, 1, 1 },
        [ATTN_DST] = { head->d_v, 2 * ratio, n_q, 1 },
    };
    memset(p, 0, sizeof *p);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        if (o == ATTN_SINKS || (o == ATTN_MASK && !(i >> 4 & 1)))
            continue;
        attn_tensor_set(&p->t[o],
                        o == ATTN_K || o == ATTN_V ? type
                        : o == ATTN_MASK           ? ATTN_F16
                                                   : ATTN_F32,
                        ne[o][0], ne[o][1], ne[o][2], ne[o][3]);
    }
    p->scale = (float)(1.0 / sqrt((double)head->d_k));
    p->head_total = 2 * ratio;
    return attn_problem_check(p, NULL) == ATTN_E_OK;
}
