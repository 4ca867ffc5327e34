/* own.c: our own planner as a subject: every legal problem is legal for it, and what it launches is what it planned.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subjects/attn_subject.h"

#define X(...) +1
_Static_assert(0 ATTN_DEVICES(X) <= ATTN_SUBJECT_DEVICES_MAX, "a device for each row of the table");
#undef X

struct own {
    struct attn_subject base;
    struct attn_subject_launch launch[ATTN_STEP_COUNT];
    struct attn_plan plan; /* of the last dispatch */
};

static void own_close(struct attn_subject *s) { free(s); }

static bool own_legal(const struct attn_subject *s, const struct attn_problem *p, const char **why)
{
    (void)s;
    (void)p;
    *why = "";
    return true;
}

static void own_supports(struct attn_subject *s, int device, const struct attn_problem *p,
                         struct attn_subject_answer *answer)
{
    bool yes = attn_supports(&s->device[device], p);
    attn_subject_answer_set(answer, yes ? ATTN_SUBJECT_YES : ATTN_SUBJECT_NO,
                            yes ? ATTN_SUBJECT_NO_REASON : ATTN_SUBJECT_NO_KERNEL);
}

static void own_dispatch(struct attn_subject *s, int device, const struct attn_problem *p,
                         struct attn_subject_answer *answer)
{
    struct own *own = (struct own *)s;
    int kernel = attn_plan(&s->device[device], p, &own->plan, NULL);
    attn_subject_answer_set(answer, ATTN_SUBJECT_YES, ATTN_SUBJECT_NO_REASON);
    answer->launch = own->launch;
    if (kernel < 0) {
        attn_subject_answer_set(answer, ATTN_SUBJECT_NO, ATTN_SUBJECT_NO_KERNEL);
        snprintf(answer->message, sizeof answer->message, "no kernel is able");
        return;
    }
    for (int step = 0; step < ATTN_STEP_COUNT; step++) {
        if (!(own->plan.steps >> step & 1))
            continue;
        const struct attn_launch *from = &own->plan.launch[step];
        struct attn_subject_launch *to = &own->launch[answer->n_launches++];
        to->kernel = step == ATTN_STEP_MAIN ? attn_kernel(kernel)->name : attn_step_name(step);
        to->id = to->kernel;
        memcpy(to->grid, from->grid, sizeof to->grid);
        memcpy(to->block, from->block, sizeof to->block);
        to->lds_dynamic_bytes = from->lds_dynamic_bytes + from->lds_static_bytes;
    }
}

/* A plan is checked as a whole; its launches are those of the last dispatch. */
static int own_unfit(struct attn_subject *s, int device, const struct attn_subject_launch *launch, char *text,
                     size_t cap)
{
    struct own *own = (struct own *)s;
    int beyond = attn_unfit_device(&s->device[device], launch, launch->lds_dynamic_bytes, text, cap);
    if (beyond)
        return beyond;
    const char *wrong = attn_plan_check(&own->plan);
    if (wrong) {
        snprintf(text, cap, "%s", wrong);
        return ATTN_UNFIT_GRID;
    }
    return ATTN_UNFIT_NOT;
}

static bool own_is_attention(struct attn_subject *s, const char *kernel)
{
    (void)s;
    return attn_kernel_find(kernel) >= 0;
}

static bool own_has_code(const struct attn_subject *s, int device)
{
    (void)s;
    (void)device;
    return true;
}

enum attn_subject_open attn_subject_open_own(const struct attn_subject_options *options, struct attn_subject **subject,
                                             char *error, size_t cap)
{
    static const struct attn_subject_ops ops = { own_close, own_legal,        own_supports, own_dispatch,
                                                 own_unfit, own_is_attention, own_has_code, NULL };
    (void)options;
    struct own *own = calloc(1, sizeof *own);
    if (!own) {
        snprintf(error, cap, "memory has run out");
        return ATTN_SUBJECT_LACKS;
    }
    own->base.ops = &ops;
    snprintf(own->base.name, sizeof own->base.name, "attnfuzz's own planner");
    for (int i = 0; i < attn_device_count(); i++)
        own->base.device[own->base.n_devices++] = *attn_device(i);
    *subject = &own->base;
    return ATTN_SUBJECT_OPENED;
}
