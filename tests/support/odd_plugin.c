/* odd_plugin.c: a planner as a plug-in, healthy or with one thing wrong, as ODD says when it is compiled:
 * check_plugin.py.
 *
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include "subjects/attn_plugin.h"

enum odd {
    NOTHING,
    VERSION,
    LAYOUT,
    DEVICES,
    CRASH,
    ABORT,
    HANG,
    MANY,
    NAME,
    LDS,
    NEVER,
    LEGAL,
    DEVICE,
    NAMED,
    KERNELS
};

static bool device(int index, struct attn_device *device)
{
    if (ODD == DEVICE)
        abort();
    if (ODD == DEVICES || index >= 1)
        return false;
    *device = (struct attn_device){ .name = "gfx1100",
                                    .wave_size = 32,
                                    .n_cu = 96,
                                    .lds_bytes = 65536,
                                    .lds_static_bytes = 65536,
                                    .max_threads = 1024,
                                    .max_grid = { INT32_MAX, INT32_MAX, INT32_MAX } };
    return true;
}

static bool legal(const struct attn_problem *p, const char **why)
{
    if (ODD == LEGAL && p->t[ATTN_MASK].present)
        *(volatile int *)(uintptr_t)(why == NULL) = 0;
    *why = "never";
    return ODD != NEVER;
}

static bool is_attention(const char *kernel)
{
    if (ODD == NAMED)
        abort();
    return kernel != NULL;
}

/* Of n_kv, a kernel for each power of two. */
static const char *kernel_of(const struct attn_problem *p)
{
    static const char *const name[] = { "ka", "kb", "kc", "kd", "ke", "kf", "kg", "kh", "ki", "kj", "kk", "kl" };
    int at = 0;
    while (at < 11 && p->t[ATTN_K].ne[1] >> (at + 1))
        at++;
    return name[at];
}

static bool supports(int index, const struct attn_problem *p)
{
    (void)index;
    if (ODD == CRASH && p->t[ATTN_MASK].present)
        *(volatile int *)(uintptr_t)index = 0;
    return true;
}

static int dispatch(int index, const struct attn_problem *p, struct attn_plugin_launch *launch, int most,
                    const char **why)
{
    (void)index;
    (void)why;
    if (ODD == ABORT && p->t[ATTN_SINKS].present)
        abort();
    while (ODD == HANG && p->softcap > 0)
        sleep(1); /* which costs the machine nothing */
    if (ODD == MANY)
        return most + 1;
    launch[0] = (struct attn_plugin_launch){ .kernel = ODD == NAME ? NULL : "attention",
                                             .grid = { 1, 1, 1 },
                                             .block = { 64, 1, 1 },
                                             .lds_bytes = ODD == LDS ? 65537 : 0 };
    if (ODD == KERNELS)
        launch[0].kernel = kernel_of(p);
    return 1;
}

const struct attn_plugin attn_plugin = { .version = ATTN_PLUGIN_VERSION + (ODD == VERSION),
                                         .problem_bytes = sizeof(struct attn_problem) + (ODD == LAYOUT),
                                         .device_bytes = sizeof(struct attn_device),
                                         .name = "odd",
                                         .device = device,
                                         .legal = legal,
                                         .supports = supports,
                                         .dispatch = dispatch,
                                         .is_attention = is_attention };
