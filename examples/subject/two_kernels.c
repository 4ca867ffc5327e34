/* two_kernels.c: a planner of one's own as a subject of attnfuzz: it has a kernel for few query rows and one for many.
 *
 *     attnfuzz check --subject plugin=libtwo_kernels.so
 *
 * finds what is wrong with it. Its vec kernel is for up to eight rows, its tile kernel was written for masks whose rows
 * are as wide as n_kv, and dispatch knows that, while supports does not: a call that is said to be supported, and
 * fails.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/attn_plugin.h"

static bool device(int index, struct attn_device *device)
{
    static const char *const names[] = { "gfx942", "gfx1100" };
    if (index >= 2)
        return false;
    *device = *attn_device_find(names[index]);
    return true;
}

/* Its callers make f16 calls of one head size. */
static bool legal(const struct attn_problem *p, const char **why)
{
    *why = "only f16 of head size 128";
    return p->t[ATTN_K].type == ATTN_F16 && p->t[ATTN_V].type == ATTN_F16 && attn_d_k(p) == 128 && attn_d_v(p) == 128 &&
           attn_n_head(p) <= 4096 && attn_n_seq(p) <= 4096 && attn_n_q(p) <= 1 << 20;
}

static bool supports(int index, const struct attn_problem *p)
{
    (void)index;
    (void)p;
    return true;
}

static int dispatch(int index, const struct attn_problem *p, struct attn_plugin_launch *launch, int most,
                    const char **why)
{
    const bool few = attn_n_q(p) <= 8;
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    (void)index;
    (void)most;
    if (!few && mask->present && mask->ne[0] != attn_n_kv(p)) {
        *why = "tile: the mask's rows are wider than n_kv";
        return -1;
    }
    const uint32_t rows = few ? 1 : 32;
    launch[0] = (struct attn_plugin_launch){ .kernel = few ? "vec" : "tile",
                                             .grid = { (uint32_t)((attn_n_q(p) + rows - 1) / rows),
                                                       (uint32_t)attn_n_head(p), (uint32_t)attn_n_seq(p) },
                                             .block = { 256, 1, 1 },
                                             .lds_bytes = few ? 4096 : 32768 };
    return 1;
}

const struct attn_plugin attn_plugin = { .version = ATTN_PLUGIN_VERSION,
                                         .problem_bytes = sizeof(struct attn_problem),
                                         .device_bytes = sizeof(struct attn_device),
                                         .name = "two kernels 1.0",
                                         .device = device,
                                         .legal = legal,
                                         .supports = supports,
                                         .dispatch = dispatch };
