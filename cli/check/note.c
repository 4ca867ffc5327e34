/* note.c: calls that broke something, those of one sign counted together.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/note.h"

#include <string.h>

#include "cli/check/problem.h"
#include "cli/check/word.h"
#include "planner/hash.h"

/* How aligned a tensor's strides are, in classes that kernels may look at. */
static int alignment(const struct attn_tensor *t)
{
    int64_t bits = 64;
    for (int d = 1; d < 4; d++)
        bits |= t->nb[d];
    return __builtin_ctzll((unsigned long long)bits);
}

/* What a router may look at, coarsely: problems with the same of it are one sign. */
static uint64_t hash_shape(const struct attn_problem *p)
{
    const struct attn_tensor *q = &p->t[ATTN_Q], *k = &p->t[ATTN_K], *v = &p->t[ATTN_V], *mask = &p->t[ATTN_MASK];
    int64_t ratio = attn_n_head(p) / attn_n_head_kv(p), n_kv = attn_n_kv(p), n_q = attn_n_q(p);
    uint64_t h = (uint64_t)check_head_size(p);
    h = attn_hash_u64(h, (uint64_t)k->type << 8 | v->type);
    if (p->prec == ATTN_PREC_DEFAULT || p->n_kv_max || p->further.present) /* the other prec is what callers set */
        h = attn_hash_u64(h, 1);
    h = attn_hash_u64(h, (uint64_t)mask->present << 4 | (uint64_t)p->t[ATTN_SINKS].present << 3 |
                             (uint64_t)(p->softcap > 0) << 2 | (uint64_t)(p->max_bias > 0) << 1);
    if (mask->present)
        h = attn_hash_u64(h, (uint64_t)(mask->ne[2] > 1) << 3 | (uint64_t)(mask->ne[3] > 1) << 2 |
                                 (uint64_t)(mask->ne[0] % 8 == 0) << 1 | (uint64_t)(mask->ne[1] > n_q));
    h = attn_hash_u64(h, (uint64_t)(ratio == 1 ? 0 : 1 + __builtin_ctzll((unsigned long long)(ratio | 64))));
    h = attn_hash_u64(h, (uint64_t)__builtin_ctzll((unsigned long long)(n_kv | 256)));
    h = attn_hash_u64(h, (uint64_t)(n_q == 1   ? 0
                                    : n_q == 2 ? 1
                                    : n_q <= 8 ? 2
                                               : 3)
                                 << 1 |
                             (uint64_t)(attn_n_seq(p) > 1));
    h = attn_hash_u64(h, (uint64_t)(alignment(q) < 4) << 2 | (uint64_t)(alignment(k) < 4) << 1 |
                             (uint64_t)(alignment(v) < 4));
    return h;
}

/* Is it the better example of the sign (check_nearer)? *reach becomes its reach. Most are not, which is seen soon. */
static bool better(const struct attn_problem *p, const struct check_sign *sign, int32_t *reach)
{
    const bool simpler = check_simpler(p, &sign->problem);
    if (!simpler && sign->reach == CHECK_REACH_MODEL)
        return false;
    *reach = check_reach(p);
    return *reach < sign->reach || (*reach == sign->reach && simpler);
}

void check_note(struct check *check, int device, uint32_t devices, const struct attn_problem *p,
                const struct check_verdict *v)
{
    uint64_t h = attn_hash_u64((uint64_t)v->kind + 1, (uint64_t)v->unfit);
    if (v->kind == CHECK_HOLE) {
        h = attn_hash_u64(h, devices);
        h = attn_hash_u64(h, hash_shape(p));
    } else if (v->kind == CHECK_UNFIT && v->unfit == ATTN_UNFIT_NO_DEVICE) {
        h = attn_hash_u64(h, devices);
    } else if (v->explained) { /* the cause is known: nothing hides behind it */
        h = attn_hash_u64(attn_hash_u64(h, v->said), (uint64_t)check_head_size(p));
    } else {
        char kernel[96] = "";
        if (v->kind == CHECK_UNFIT)
            check_kernel_name(v->bad.kernel, kernel, sizeof kernel);
        h = attn_hash_text(attn_hash_u64(h, devices), kernel);
        if (v->kind == CHECK_IMPURE)
            h = attn_hash_u64(h,
                              v->impure.answers << 2 | (uint64_t)v->impure.refused << 1 | (uint64_t)v->impure.strides);
        else if (v->kind != CHECK_UNFIT)
            h = attn_hash_u64(attn_hash_u64(attn_hash_text(h, v->why.file), (uint64_t)v->why.line), v->said);
        h = attn_hash_u64(h, (uint64_t)check_head_size(p));
        /* One cause must not hide another: what instances of a kernel are made for is told apart. */
        if (attn_problem_is_foreign(p))
            h = attn_hash_u64(h, (uint64_t)p->t[ATTN_K].type << 8 | p->t[ATTN_V].type);
        h = attn_hash_u64(h, (uint64_t)p->t[ATTN_MASK].present << 3 | (uint64_t)p->t[ATTN_SINKS].present << 2 |
                                 (uint64_t)(p->softcap > 0) << 1 | (uint64_t)(p->max_bias > 0));
    }
    h = attn_hash_u64(h, 0x5161) | 1;
    for (size_t at = h >> 24 & (CHECK_SIGNS - 1), tries = 0; tries < 256; at = (at + 1) & (CHECK_SIGNS - 1), tries++) {
        struct check_sign *sign = &check->sign[at];
        if (!sign->hash) {
            *sign =
                (struct check_sign){ .hash = h, .kind = v->kind, .device = device, .before = v->before, .problem = *p };
            sign->reach = check_reach(p);
            check->n_signs++;
        }
        if (sign->hash == h) {
            sign->calls += (uint64_t)__builtin_popcount(devices);
            int32_t reach;
            if (better(p, sign, &reach)) {
                sign->problem = *p;
                sign->reach = reach;
                sign->device = device;
                sign->before = v->before;
            }
            return;
        }
    }
    check->lost_signs++;
}
