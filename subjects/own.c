/* own.c: our own planner as a subject, of this build or another one: every legal problem is legal for it, and what it
 * launches is what it planned.
 *
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "planner/library.h"
#include "subjects/attn_subject.h"

#define X(...) +1
_Static_assert(0 ATTN_DEVICES(X) <= ATTN_SUBJECT_DEVICES_MAX, "a device for each row of the table");
#undef X

struct own {
    struct attn_subject base;
    const struct attn_planner_library *planner;
    void *loaded; /* NULL: this build's */
    struct attn_subject_launch launch[ATTN_STEP_COUNT];
    struct attn_plan plan; /* of the last dispatch */
};

static const struct attn_planner_library here = ATTN_PLANNER_LIBRARY_HERE;

static const struct attn_planner_library *planner_of(const struct attn_subject *s)
{
    return ((const struct own *)s)->planner;
}

static void own_close(struct attn_subject *s)
{
    void *loaded = ((struct own *)s)->loaded;
    free(s);
    if (loaded)
        dlclose(loaded);
}

static bool own_legal(const struct attn_subject *s, const struct attn_problem *p, const char **why)
{
    if (attn_problem_is_foreign(p)) {
        *why = "a type or a source that the planner does not have";
        return false;
    }
    *why = "that build of the planner knows no such problem";
    return !((const struct own *)s)->loaded || planner_of(s)->problem_check(p, NULL) == ATTN_E_OK;
}

static void own_supports(struct attn_subject *s, int device, const struct attn_problem *p,
                         struct attn_subject_answer *answer)
{
    bool yes = planner_of(s)->supports(&s->device[device], p);
    attn_subject_answer_set(answer, yes ? ATTN_SUBJECT_YES : ATTN_SUBJECT_NO,
                            yes ? ATTN_SUBJECT_NO_REASON : ATTN_SUBJECT_NO_KERNEL);
}

static void own_dispatch(struct attn_subject *s, int device, const struct attn_problem *p,
                         struct attn_subject_answer *answer)
{
    struct own *own = (struct own *)s;
    int kernel = own->planner->plan(&s->device[device], p, &own->plan, NULL);
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
        to->kernel = step == ATTN_STEP_MAIN ? own->planner->kernel_name(kernel) : own->planner->step_name(step);
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
    const char *wrong = own->planner->plan_check(&own->plan);
    if (wrong) {
        snprintf(text, cap, "%s", wrong);
        return ATTN_UNFIT_GRID;
    }
    return ATTN_UNFIT_NOT;
}

static bool own_is_attention(struct attn_subject *s, const char *kernel)
{
    const char *name;
    for (int id = 0; (name = planner_of(s)->kernel_name(id)); id++)
        if (!strcmp(name, kernel))
            return true;
    return false;
}

static bool own_has_code(const struct attn_subject *s, int device)
{
    (void)s;
    (void)device;
    return true;
}

/* Another build's planner, when its interface is laid out as this one's. */
static const struct attn_planner_library *load(const char *path, void **loaded, char *error, size_t cap)
{
    static const char *const what[] = {
#define X(name, number) name,
        ATTN_PLANNER_LAYOUT(X)
#undef X
    };
    char whole[PATH_MAX]; /* a name alone would be looked for elsewhere */
    *loaded = realpath(path, whole) ? dlopen(whole, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!*loaded) {
        snprintf(error, cap, "cannot be loaded: %s", access(path, R_OK) ? strerror(errno) : dlerror());
        return NULL;
    }
    const struct attn_planner_library *there = dlsym(*loaded, ATTN_PLANNER_LIBRARY_SYMBOL);
    if (!there) {
        snprintf(error, cap, "no build of attnfuzz's planner: it has no %s", ATTN_PLANNER_LIBRARY_SYMBOL);
        return NULL;
    }
    if (there->version != here.version) {
        snprintf(error, cap, "version %u of the planner's library, this command reads %u", (unsigned)there->version,
                 (unsigned)here.version);
        return NULL;
    }
    for (int i = 0; i < ATTN_PLANNER_LAYOUT_NUMBERS; i++)
        if (there->layout[i] != here.layout[i]) {
            snprintf(error, cap, "a planner with another interface: %s are %u, here %u", what[i],
                     (unsigned)there->layout[i], (unsigned)here.layout[i]);
            return NULL;
        }
    if (there->device_count() > ATTN_SUBJECT_DEVICES_MAX) {
        snprintf(error, cap, "a planner of more than %d devices", ATTN_SUBJECT_DEVICES_MAX);
        return NULL;
    }
    return there;
}

enum attn_subject_open attn_subject_open_own(const struct attn_subject_options *options, struct attn_subject **subject,
                                             char *error, size_t cap)
{
    static const struct attn_subject_ops ops = { own_close,        own_legal,    own_supports, own_dispatch, own_unfit,
                                                 own_is_attention, own_has_code, NULL,         NULL,         NULL };
    struct own *own = calloc(1, sizeof *own);
    if (!own) {
        snprintf(error, cap, "memory has run out");
        return ATTN_SUBJECT_LACKS;
    }
    own->base.ops = &ops;
    own->base.ours = !options->argument;
    own->planner = options->argument ? load(options->argument, &own->loaded, error, cap) : &here;
    if (!own->planner) {
        own_close(&own->base);
        return ATTN_SUBJECT_BAD_FILE;
    }
    snprintf(own->base.name, sizeof own->base.name, "attnfuzz's own planner%s%s", options->argument ? ", " : "",
             options->argument ? options->argument : "");
    const char *kernel; /* the last of a planner's list is the one that runs every call */
    for (int id = 0; (kernel = own->planner->kernel_name(id)); id++)
        own->base.last_resort = kernel;
    for (int i = 0; i < own->planner->device_count(); i++)
        own->base.device[own->base.n_devices++] = *own->planner->device(i);
    *subject = &own->base;
    return ATTN_SUBJECT_OPENED;
}
