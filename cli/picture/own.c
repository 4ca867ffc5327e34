/* own.c: see own.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/picture/own.h"

#include "cli/input/interrupt.h"
#include "fuzz/properties/sweep.h"

enum { TIMES = 3 }; /* P11: what no contract names is within this */

/* Is a neighbour with no less to do so much cheaper? */
static int cliff_of(const struct attn_device *device, const struct attn_key *key, uint64_t cost)
{
    struct attn_neighbour neighbour[ATTN_NEIGHBOURS_MAX];
    const int n = attn_neighbours(key, neighbour);
    int mark = 0;
    for (int i = 0; i < n; i++) {
        struct attn_plan plan;
        if (attn_plan_key(device, &neighbour[i].key, &plan, NULL) < 0 || plan.cost >= cost / TIMES)
            continue;
        const uint32_t limit = attn_price_limit(device, key, &neighbour[i].key);
        if (limit != 0 && plan.cost < cost / limit)
            return PICTURE_STEEP;
        mark = PICTURE_CLIFF;
    }
    return mark;
}

static void ask(struct picture *p, const struct attn_device *device, int what, int q, int kv, struct picture_cell *c)
{
    struct attn_problem problem;
    struct attn_plan plan;
    struct attn_key key;
    if (!picture_problem(p, what, q, kv, &problem))
        return;
    attn_key_of(&problem, &key);
    const int kernel = attn_plan_key(device, &key, &plan, NULL);
    c->state = kernel < 0 ? PICTURE_HOLE : PICTURE_RUNS;
    if (kernel < 0)
        return;
    c->kernel = (uint8_t)picture_name(p, attn_kernel(kernel)->name);
    picture_last_resort(p, c->kernel, kernel == ATTN_KERNEL_naive);
    if (picture_is_naive(p, what, c->kernel))
        c->mark |= PICTURE_NAIVE;
    c->mark |= (uint8_t)cliff_of(device, &key, plan.cost);
}

bool picture_ask_own(struct picture *p, int device, const struct attn_device *as, bool heed)
{
    p->priced = true;
    for (int what = 0; what < p->n_whats; what++)
        for (int kv = 0; kv < p->n_kv; kv++) {
            for (int q = 0; q < p->n_q; q++)
                ask(p, as, what, q, kv, picture_cell(p, device, what, q, kv));
            if (heed && cli_interrupted())
                return false;
        }
    return true;
}
