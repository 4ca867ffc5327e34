/* library.h: the planner as a library that is loaded: what libattn_planner.so of any build exports, for a program that
 * holds two builds against each other. One symbol: what the layout of the interface is, and its functions.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PLANNER_LIBRARY_H
#define ATTN_PLANNER_LIBRARY_H

#include <stddef.h>

#include "planner/attn_planner.h"

/* X(what, number): what both sides must agree on. Another number: another interface, and nothing else may be used. */
#define ATTN_PLANNER_LAYOUT(X)                                              \
    X("bytes of attn_problem", sizeof(struct attn_problem))                 \
    X("bytes of attn_tensor", sizeof(struct attn_tensor))                   \
    X("operands", ATTN_OPERAND_COUNT)                                       \
    X("bytes of attn_device", sizeof(struct attn_device))                   \
    X("bytes of attn_plan", sizeof(struct attn_plan))                       \
    X("place of steps in attn_plan", offsetof(struct attn_plan, steps))     \
    X("place of launches in attn_plan", offsetof(struct attn_plan, launch)) \
    X("bytes of attn_launch", sizeof(struct attn_launch))                   \
    X("steps of a plan", ATTN_STEP_COUNT)                                   \
    X("types", ATTN_TYPE_COUNT)

enum {
    ATTN_PLANNER_LIBRARY_VERSION = 1, /* of struct attn_planner_library */
#define X(what, number) +1
    ATTN_PLANNER_LAYOUT_NUMBERS = 0 ATTN_PLANNER_LAYOUT(X)
#undef X
};

struct attn_planner_library {
    uint32_t version;                             /* ATTN_PLANNER_LIBRARY_VERSION; what follows is of that version */
    uint32_t layout[ATTN_PLANNER_LAYOUT_NUMBERS]; /* the numbers of ATTN_PLANNER_LAYOUT */
    int (*device_count)(void);
    const struct attn_device *(*device)(int);
    int (*problem_check)(const struct attn_problem *, struct attn_error *);
    bool (*supports)(const struct attn_device *, const struct attn_problem *);
    int (*plan)(const struct attn_device *, const struct attn_problem *, struct attn_plan *, struct attn_trace *);
    const char *(*plan_check)(const struct attn_plan *);
    const char *(*kernel_name)(int); /* NULL past the last */
    const char *(*step_name)(int);
};

#define ATTN_PLANNER_LIBRARY_SYMBOL "attn_planner_library"

static inline const char *attn_planner_kernel_name(int id)
{
    const struct attn_kernel *kernel = attn_kernel(id);
    return kernel ? kernel->name : NULL;
}

/* Those of the build that this is compiled with. */
#define ATTN_PLANNER_NUMBER(what, number) (uint32_t)(number),
#define ATTN_PLANNER_LIBRARY_HERE                     \
    {                                                 \
        ATTN_PLANNER_LIBRARY_VERSION,                 \
        { ATTN_PLANNER_LAYOUT(ATTN_PLANNER_NUMBER) }, \
        attn_device_count,                            \
        attn_device,                                  \
        attn_problem_check,                           \
        attn_supports,                                \
        attn_plan,                                    \
        attn_plan_check,                              \
        attn_planner_kernel_name,                     \
        attn_step_name,                               \
    }

#endif
