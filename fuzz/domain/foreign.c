/* foreign.c: see foreign.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/domain/foreign.h"

#include "planner/arith.h"
#include "planner/random.h"

enum { TYPES_EVERY = 4, PREC_EVERY = 8, KEYS_EVERY = 16, FURTHER_EVERY = 32 }; /* of so many problems one has it */

static int64_t common_multiple(int64_t a, int64_t b)
{
    int64_t n = a;
    while (n % b)
        n += a;
    return n;
}

static void own_memory(struct attn_tensor *t)
{
    t->buffer = 0;
    t->offset = 0;
    attn_tensor_contiguous(t);
}

static void set_head_sizes(struct attn_problem *p, int64_t d_k, int64_t d_v)
{
    if (d_k != attn_d_k(p)) {
        p->t[ATTN_Q].ne[0] = p->t[ATTN_K].ne[0] = d_k;
        own_memory(&p->t[ATTN_Q]);
        own_memory(&p->t[ATTN_K]);
    }
    if (d_v != attn_d_v(p)) {
        p->t[ATTN_V].ne[0] = p->t[ATTN_DST].ne[0] = d_v;
        own_memory(&p->t[ATTN_V]);
        own_memory(&p->t[ATTN_DST]);
    }
}

bool attn_foreign_retype(struct attn_problem *p, const struct attn_foreign_type *type, unsigned which)
{
    const struct attn_problem before = *p;
    const struct attn_tensor as = { .type = type->number, .foreign = type };
    const int64_t block_k = which & 1 ? type->info.block_elems : attn_tensor_info(&p->t[ATTN_K])->block_elems;
    const int64_t block_v = which & 2 ? type->info.block_elems : attn_tensor_info(&p->t[ATTN_V])->block_elems;
    const bool alike = attn_d_k(p) == attn_d_v(p);
    const int64_t both = common_multiple(block_k, block_v);
    set_head_sizes(p, attn_round_up(attn_d_k(p), alike ? both : block_k),
                   attn_round_up(attn_d_v(p), alike ? both : block_v));
    for (int o = ATTN_K; o <= ATTN_V; o++) {
        struct attn_tensor *t = &p->t[o];
        if (!(which >> (o - ATTN_K) & 1))
            continue;
        const bool shared = t->buffer != 0;
        if (!attn_tensor_recount(t, &as) || shared)
            own_memory(t);
        if (shared)
            for (int other = 0; other < ATTN_OPERAND_COUNT; other++)
                if (p->t[other].present && p->t[other].buffer == before.t[o].buffer)
                    p->t[other].buffer = 0;
    }
    if (attn_problem_check(p, NULL) == ATTN_E_OK)
        return true;
    *p = before;
    return false;
}

bool attn_foreign_further(struct attn_problem *p, const struct attn_further_draw *type, enum attn_further_form form)
{
    const int64_t extents[][4] = {
#define X(NAME, ne0, ne1, ne2, ne3) { ne0, ne1, ne2, ne3 },
        ATTN_FURTHER_FORMS(X)
#undef X
    };
    const struct attn_tensor before = p->further;
    const int64_t *ne = extents[form];
    p->further = (struct attn_tensor){
        .ne = { ne[0], ne[1], ne[2], ne[3] }, .type = type->type, .present = 1, .foreign = type->foreign
    };
    attn_tensor_contiguous(&p->further);
    if (attn_problem_check(p, NULL) == ATTN_E_OK)
        return true;
    p->further = before;
    return false;
}

static void draw_further(const struct attn_foreign_draw *draw, uint64_t *state, struct attn_problem *p)
{
    const struct attn_further_draw *type = &draw->further[attn_random_below(state, (uint64_t)draw->n_further)];
    const int first = (int)attn_random_below(state, ATTN_FURTHER_FORM_COUNT);
    for (int i = 0; i < ATTN_FURTHER_FORM_COUNT; i++) {
        const int form = (first + i) % ATTN_FURTHER_FORM_COUNT;
        if (type->forms >> form & 1) {
            attn_foreign_further(p, type, (enum attn_further_form)form);
            return;
        }
    }
}

void attn_foreign_apply(const struct attn_foreign_draw *draw, uint64_t number, struct attn_problem *p)
{
    uint64_t state = attn_mix(number);
    const uint64_t n_types = (uint64_t)draw->n_types;
    if (n_types > 0 && attn_random_below(&state, TYPES_EVERY) == 0) {
        const struct attn_foreign_type *k = draw->type[attn_random_below(&state, n_types)];
        const struct attn_foreign_type *v = draw->type[attn_random_below(&state, n_types)];
        switch (attn_random_below(&state, 6)) {
        case 0: attn_foreign_retype(p, k, 1); break;
        case 1: attn_foreign_retype(p, v, 2); break;
        case 2:
            if (attn_foreign_retype(p, k, 1))
                attn_foreign_retype(p, v, 2);
            break;
        default: attn_foreign_retype(p, k, 3); break;
        }
    }
    if (draw->prec && attn_random_below(&state, PREC_EVERY) == 0)
        p->prec = (uint8_t)(ATTN_PREC_UNSAID + 1 + attn_random_below(&state, ATTN_PREC_COUNT - 1));
    if (draw->n_kv_max && p->t[ATTN_MASK].present && attn_random_below(&state, KEYS_EVERY) == 0) {
        const int64_t most = attn_min(attn_n_kv(p), INT32_MAX);
        p->n_kv_max = (int32_t)(1 + attn_random_below(&state, (uint64_t)most));
    }
    if (draw->n_further > 0 && attn_random_below(&state, FURTHER_EVERY) == 0)
        draw_further(draw, &state, p);
}
