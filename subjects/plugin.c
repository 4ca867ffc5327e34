/* plugin.c: a planner in a library of its own as a subject: attn_plugin.h.
 *
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "subjects/attn_plugin.h"
#include "subjects/attn_subject.h"
#include "subjects/trap.h"

struct plugin {
    struct attn_subject base;
    const struct attn_plugin *is;
    void *loaded;
    struct attn_trap trap;
    bool trapping;
    bool legal_broke; /* legal did once not come back: it is asked again before supports, which says so */
    struct attn_plugin_launch from[ATTN_PLUGIN_LAUNCHES_MAX];
    struct attn_subject_launch launch[ATTN_PLUGIN_LAUNCHES_MAX];
};

/* One question to the library, for the trap. */
struct request {
    struct plugin *plugin;
    int device;
    const struct attn_problem *problem;
    const char *why;
    const char *kernel;
    bool yes;
    int launches;
};

static void plugin_close(struct attn_subject *s)
{
    struct plugin *p = (struct plugin *)s;
    if (p->trapping)
        attn_trap_remove(&p->trap);
    if (p->loaded)
        dlclose(p->loaded);
    free(p);
}

/* Runs call(request), which asks the library's function of that name, and says in the answer when it did not come back.
 */
static bool came_back(struct request *r, const char *name, void (*call)(void *), struct attn_subject_answer *answer)
{
    struct attn_trap *trap = &r->plugin->trap;
    bool unwound;
    const int what = attn_trap_run(trap, call, r, &unwound);
    attn_subject_answer_set(answer, ATTN_SUBJECT_YES, ATTN_SUBJECT_NO_REASON);
    if (what == ATTN_TRAP_NOTHING)
        return true;
    answer->status = what == ATTN_TRAP_TIME    ? ATTN_SUBJECT_HUNG
                     : trap->number == SIGABRT ? ATTN_SUBJECT_ABORTED
                                               : ATTN_SUBJECT_CRASHED;
    if (what == ATTN_TRAP_SIGNAL) {
        answer->why = (struct attn_subject_why){ .reason = ATTN_SUBJECT_SIGNAL, .number = (int32_t)trap->number };
        snprintf(answer->message, sizeof answer->message, "%s(): %s", name, attn_trap_signal_name(trap->number));
    } else {
        snprintf(answer->message, sizeof answer->message, "%s(): no answer within %d s", name, trap->limit);
    }
    return false;
}

static void ask_legal(void *context)
{
    struct request *r = context;
    r->yes = r->plugin->is->legal(r->problem, &r->why);
}

static bool plugin_legal(const struct attn_subject *s, const struct attn_problem *problem, const char **why)
{
    struct plugin *p = (struct plugin *)s; /* the trap's state is written */
    struct request r = { .plugin = p, .problem = problem, .why = "" };
    struct attn_subject_answer answer;
    *why = "";
    if (!p->is->legal)
        return true;
    if (!came_back(&r, "legal", ask_legal, &answer)) {
        p->legal_broke = true;
        return true; /* for supports to say */
    }
    *why = r.why ? r.why : "";
    return r.yes;
}

static void ask_supports(void *context)
{
    struct request *r = context;
    r->yes = r->plugin->is->supports(r->device, r->problem);
}

static void plugin_supports(struct attn_subject *s, int device, const struct attn_problem *problem,
                            struct attn_subject_answer *answer)
{
    struct request r = { .plugin = (struct plugin *)s, .device = device, .problem = problem };
    if (r.plugin->legal_broke && !came_back(&r, "legal", ask_legal, answer))
        return;
    r.yes = false;
    if (came_back(&r, "supports", ask_supports, answer) && !r.yes)
        attn_subject_answer_set(answer, ATTN_SUBJECT_NO, ATTN_SUBJECT_NO_KERNEL);
}

static void ask_dispatch(void *context)
{
    struct request *r = context;
    r->launches = r->plugin->is->dispatch(r->device, r->problem, r->plugin->from, ATTN_PLUGIN_LAUNCHES_MAX, &r->why);
}

static void ask_is_attention(void *context)
{
    struct request *r = context;
    r->yes = r->plugin->is->is_attention(r->kernel);
}

static void put_clean(char *to, size_t cap, const char *from)
{
    size_t n = 0;
    for (; from[n] && n + 1 < cap; n++)
        to[n] = from[n] >= 0x20 && from[n] < 0x7f ? from[n] : '?';
    to[n] = 0;
}

static void plugin_dispatch(struct attn_subject *s, int device, const struct attn_problem *problem,
                            struct attn_subject_answer *answer)
{
    struct plugin *p = (struct plugin *)s;
    struct request r = { .plugin = p, .device = device, .problem = problem };
    if (!came_back(&r, "dispatch", ask_dispatch, answer))
        return;
    if (r.launches < 0) {
        attn_subject_answer_set(answer, ATTN_SUBJECT_NO, ATTN_SUBJECT_NO_KERNEL);
        put_clean(answer->message, sizeof answer->message, r.why ? r.why : "no kernel is able");
        return;
    }
    if (r.launches > ATTN_PLUGIN_LAUNCHES_MAX) {
        attn_subject_answer_set(answer, ATTN_SUBJECT_TOO_BIG, ATTN_SUBJECT_LAUNCHES);
        return;
    }
    for (int i = 0; p->is->is_attention && i < r.launches; i++) {
        r.kernel = p->from[i].kernel ? p->from[i].kernel : "?";
        if (!came_back(&r, "is_attention", ask_is_attention, answer))
            return;
    }
    answer->launch = p->launch;
    for (int i = 0; i < r.launches; i++) {
        const struct attn_plugin_launch *from = &p->from[i];
        struct attn_subject_launch *to = &p->launch[answer->n_launches++];
        to->kernel = from->kernel ? from->kernel : "?";
        to->id = to->kernel;
        memcpy(to->grid, from->grid, sizeof to->grid);
        memcpy(to->block, from->block, sizeof to->block);
        to->lds_dynamic_bytes = from->lds_bytes;
    }
}

static int plugin_unfit(struct attn_subject *s, int device, const struct attn_subject_launch *launch, char *text,
                        size_t cap)
{
    return attn_unfit_device(&s->device[device], launch, launch->lds_dynamic_bytes, text, cap);
}

static bool plugin_is_attention(struct attn_subject *s, const char *kernel)
{
    struct request r = { .plugin = (struct plugin *)s, .kernel = kernel };
    struct attn_subject_answer answer;
    if (!r.plugin->is->is_attention)
        return true;
    return !came_back(&r, "is_attention", ask_is_attention, &answer) || r.yes; /* dispatch says what did not */
}

static bool plugin_has_code(const struct attn_subject *s, int device)
{
    (void)s;
    (void)device;
    return true;
}

/* The library's symbol, where it is one of this version. */
static const struct attn_plugin *load(const char *path, void **loaded, char *error, size_t cap)
{
    char whole[PATH_MAX]; /* a name alone would be looked for elsewhere */
    *loaded = realpath(path, whole) ? dlopen(whole, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!*loaded) {
        snprintf(error, cap, "cannot be loaded: %s", access(path, R_OK) ? strerror(errno) : dlerror());
        return NULL;
    }
    const struct attn_plugin *is = dlsym(*loaded, "attn_plugin");
    if (!is)
        snprintf(error, cap, "no plug-in: it has no symbol attn_plugin");
    else if (is->version != ATTN_PLUGIN_VERSION)
        snprintf(error, cap, "a plug-in of version %u, this command reads %d", (unsigned)is->version,
                 ATTN_PLUGIN_VERSION);
    else if (is->problem_bytes != sizeof(struct attn_problem) || is->device_bytes != sizeof(struct attn_device))
        snprintf(error, cap, "a plug-in compiled with another version of attn_planner.h");
    else if (!is->device || !is->supports || !is->dispatch)
        snprintf(error, cap, "a plug-in without device, supports or dispatch");
    else
        return is;
    return NULL;
}

static void ask_device(void *context)
{
    struct request *r = context;
    r->yes = r->plugin->is->device(r->device, &r->plugin->base.device[r->device]);
}

/* Asks for the devices; false, with an error, when there is none or asking does not come back. */
static bool open_devices(struct plugin *p, char *error, size_t cap)
{
    struct request r = { .plugin = p };
    struct attn_subject_answer answer;
    for (; r.device < ATTN_SUBJECT_DEVICES_MAX; r.device++) {
        if (!came_back(&r, "device", ask_device, &answer)) {
            snprintf(error, cap, "a plug-in that cannot be asked: %.200s", answer.message);
            return false;
        }
        if (!r.yes)
            break;
    }
    p->base.n_devices = r.device;
    if (r.device == 0)
        snprintf(error, cap, "a plug-in without a device");
    return r.device > 0;
}

enum attn_subject_open attn_subject_open_plugin(const struct attn_subject_options *options,
                                                struct attn_subject **subject, char *error, size_t cap)
{
    static const struct attn_subject_ops ops = { .close = plugin_close,
                                                 .legal = plugin_legal,
                                                 .supports = plugin_supports,
                                                 .dispatch = plugin_dispatch,
                                                 .unfit = plugin_unfit,
                                                 .is_attention = plugin_is_attention,
                                                 .has_code = plugin_has_code };
    struct plugin *p = calloc(1, sizeof *p);
    if (!p) {
        snprintf(error, cap, "memory has run out");
        return ATTN_SUBJECT_LACKS;
    }
    p->base.ops = &ops;
    p->is = load(options->argument, &p->loaded, error, cap);
    if (!p->is) {
        plugin_close(&p->base);
        return ATTN_SUBJECT_BAD_FILE;
    }
    put_clean(p->base.name, sizeof p->base.name, p->is->name ? p->is->name : options->argument);
    if (!attn_trap_install(&p->trap, ATTN_SUBJECT_SECONDS)) {
        snprintf(error, cap, "signals cannot be handled");
        plugin_close(&p->base);
        return ATTN_SUBJECT_LACKS;
    }
    p->trapping = true;
    p->trap.hurry = options->hurry;
    if (!open_devices(p, error, cap)) {
        plugin_close(&p->base);
        return ATTN_SUBJECT_BAD_FILE;
    }
    *subject = &p->base;
    return ATTN_SUBJECT_OPENED;
}
