/* stretch.c: see stretch.h.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/stretch.h"

#include <stdlib.h>

#include "planner/arith.h"

enum {
    PAGE = 4096,
    MARGIN = 256,          /* of gap bytes at least that belong to a stretch */
    GROUP = 256,           /* that a thin stretch begins and ends with */
    NEAR = 4 * PAGE,       /* runs this close together are one */
    WHOLE = 1 << 20,       /* a buffer up to this size is one stretch, whatever its gaps */
    PIECES_MOST = 1 << 16, /* a tensor of more runs is one from its first byte to its last */
};

/* A tensor as runs of bytes side by side, and the strides at which they repeat. */
struct runs {
    int64_t bytes; /* of one */
    int64_t count; /* ne[0] * ne[1] * ne[2] */
    int64_t ne[3], nb[3];
};

/* What a stretch takes along beside its elements. */
struct fit {
    int64_t margin, near, unit;
};

static struct runs runs_of(const struct attn_tensor *t, struct fit fit)
{
    struct runs r = { attn_tensor_row_bytes(t), 1, { 1, 1, 1 }, { 0 } };
    int order[3], dims = 0;
    attn_tensor_order(t, order);
    for (int i = 0; i < 3; i++) {
        const int d = order[i];
        if (t->ne[d] == 1 || t->nb[d] == 0)
            continue;
        if (dims == 0 && t->nb[d] - r.bytes <= fit.near) {
            r.bytes += (t->ne[d] - 1) * t->nb[d];
            continue;
        }
        r.ne[dims] = t->ne[d];
        r.nb[dims++] = t->nb[d];
        r.count = attn_mul_sat(r.count, t->ne[d]);
    }
    if (r.count > PIECES_MOST)
        r = (struct runs){ attn_tensor_span(t), 1, { 1, 1, 1 }, { 0 } };
    return r;
}

/* The runs with what belongs to them; returns the end of the list. */
static struct attn_stretch *put_runs(const struct runs *r, int64_t offset, int64_t size, struct fit fit,
                                     struct attn_stretch *out)
{
    for (int64_t i = 0; i < r->ne[2]; i++)
        for (int64_t j = 0; j < r->ne[1]; j++)
            for (int64_t k = 0; k < r->ne[0]; k++) {
                const int64_t first = offset + i * r->nb[2] + j * r->nb[1] + k * r->nb[0];
                out->start = attn_max(first - fit.margin, 0) / fit.unit * fit.unit;
                out->end = attn_min(attn_round_up(first + r->bytes + fit.margin, fit.unit), size);
                out++;
            }
    return out;
}

static int by_start(const void *a, const void *b)
{
    const int64_t x = ((const struct attn_stretch *)a)->start, y = ((const struct attn_stretch *)b)->start;
    return (x > y) - (x < y);
}

/* Stretches that lie close to each other become one; returns how many are left. */
static int32_t join(struct attn_stretch *s, int32_t n, struct fit fit)
{
    int32_t last = 0;
    for (int32_t i = 1; i < n; i++)
        if (s[i].start - s[last].end <= fit.near)
            s[last].end = attn_max(s[last].end, s[i].end);
        else
            s[++last] = s[i];
    return last + 1;
}

int32_t attn_stretches_find(const struct attn_tensor *tensor, int n_tensors, int64_t size, bool thin,
                            struct attn_stretch **stretch)
{
    const struct fit fit = thin ? (struct fit){ 0, 0, GROUP } : (struct fit){ MARGIN, NEAR, PAGE };
    int64_t most = 1;
    if (size <= WHOLE)
        n_tensors = 0;
    for (int i = 0; i < n_tensors; i++)
        most += runs_of(&tensor[i], fit).count;
    *stretch = most > PIECES_MOST * ATTN_OPERAND_COUNT ? NULL : malloc((size_t)most * sizeof **stretch);
    if (!*stretch)
        return -1;
    struct attn_stretch *end = *stretch;
    for (int i = 0; i < n_tensors; i++) {
        const struct runs runs = runs_of(&tensor[i], fit);
        end = put_runs(&runs, tensor[i].offset, size, fit, end);
    }
    int32_t n = (int32_t)(end - *stretch);
    if (n > 1) {
        qsort(*stretch, (size_t)n, sizeof **stretch, by_start);
        n = join(*stretch, n, fit);
    }
    if (n == 0 || (n == 1 && (*stretch)[0].start <= NEAR && size - (*stretch)[0].end <= NEAR)) {
        (*stretch)[0] = (struct attn_stretch){ 0, size };
        n = 1;
    }
    return n;
}

int64_t attn_stretches_bytes(const struct attn_stretch *stretch, int32_t n, int64_t size)
{
    int64_t total = 0, counted = 0;
    for (int32_t i = 0; i < n; i++) {
        const int64_t end = attn_min(attn_round_up(stretch[i].end, PAGE), size);
        total += end - attn_max(stretch[i].start / PAGE * PAGE, counted);
        counted = end;
    }
    return total;
}
