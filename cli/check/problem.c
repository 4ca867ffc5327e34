/* problem.c: what is asked of a problem, whatever the subject.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/problem.h"

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
                    d == 1 ? t->ne[0] / attn_type_info(t->type)->block_elems * t->nb[0] : t->nb[d - 1] * t->ne[d - 1];
    }
}

bool check_tensor_is_plain(const struct attn_tensor *t)
{
    return attn_tensor_has_default_strides(t) && t->offset == 0 && t->buffer == 0;
}

static int oddities(const struct attn_problem *p)
{
    int n = (p->head_first != 0 || p->head_total != attn_n_head(p)) + p->t[ATTN_MASK].present +
            p->t[ATTN_SINKS].present + (p->softcap > 0) + (p->max_bias > 0) + (p->t[ATTN_K].type != ATTN_F16) +
            (p->t[ATTN_V].type != ATTN_F16);
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
    return true;
}
