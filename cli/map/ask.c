/* ask.c: see ask.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/map/ask.h"

#include <stdio.h>
#include <string.h>

#include "cli/check/kind.h"
#include "cli/input/clock.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"

enum { RESTARTS_MAX = 1000 };

/* ---- Start ----------------------------------------------------------------------------------------------- */

static int prepare(const struct map_options *o, int number, struct diff_side *side)
{
    const struct check_subject_options options = { .subject = o->subject[number],
                                                   .null_runtime = o->null_runtime,
                                                   .prec_default = o->prec_default,
                                                   .no_code = o->no_code };
    const int code = diff_side_prepare(side, &options, false);
    return code != CLI_GOOD ? code : diff_side_start(side);
}

static int number_of(const struct diff_side *side, const char *device)
{
    for (int i = 0; i < side->n_devices; i++)
        if (!strcmp(side->device[i], device))
            return i;
    return -1;
}

static bool is_wanted(const struct cli_devices *wanted, const char *device)
{
    for (int i = 0; i < wanted->n; i++)
        if (!strcmp(attn_device(wanted->at[i].row)->name, device))
            return true;
    return wanted->n == 0;
}

static int choose_devices(const struct map_options *o, struct diff_side side[2], struct picture *p)
{
    for (int i = 0; i < o->devices.n; i++) {
        const char *name = attn_device(o->devices.at[i].row)->name;
        for (int s = 0; s < o->n_subjects; s++)
            if (number_of(&side[s], name) < 0 || o->devices.at[i].weakening >= 0) {
                cli_error("%s has no device %s%s", side[s].subject, name,
                          o->devices.at[i].weakening >= 0 ? " that is weakened" : "");
                return CLI_USAGE;
            }
    }
    for (int i = 0; i < side[0].n_devices; i++)
        if (is_wanted(&o->devices, side[0].device[i]) &&
            (o->n_subjects == 1 || number_of(&side[1], side[0].device[i]) >= 0))
            snprintf(p->device[p->n_devices++], sizeof p->device[0], "%s", side[0].device[i]);
    if (p->n_devices > 0)
        return CLI_GOOD;
    cli_error("there is no device that both have code for");
    return CLI_USAGE;
}

bool map_describe(const struct map_options *o, struct diff_side side[2], struct picture *p)
{
    p->diff = o->n_subjects == 2;
    snprintf(p->subject, sizeof p->subject, "%s", side[o->n_subjects - 1].name);
    if (p->diff)
        snprintf(p->old, sizeof p->old, "%s", side[0].name);
    return choose_devices(o, side, p) == CLI_GOOD;
}

int map_start(const struct map_options *o, struct diff_side side[2], struct picture *p)
{
    for (int s = 0; s < o->n_subjects; s++) {
        const int code = prepare(o, s, &side[s]);
        if (code != CLI_GOOD)
            return code;
    }
    return map_describe(o, side, p) ? CLI_GOOD : CLI_USAGE;
}

/* ---- Ask ------------------------------------------------------------------------------------------------- */

/* What is compared of an answer. */
struct said {
    int state, kernel, mark;
    uint64_t launch;
};

static struct said read_answer(struct picture *p, int what, const struct diff_answer *a)
{
    struct said said = { .state = PICTURE_FAILS, .kernel = picture_name(p, a->kernel), .launch = a->launch };
    if (a->kind == -1) {
        said.state = PICTURE_RUNS;
        said.kernel = picture_name(p, *a->kernel ? a->kernel : PICTURE_COMPUTES);
    }
    if (a->kind == -2)
        said.state = PICTURE_LARGE;
    else if (a->kind == CHECK_HOLE)
        said.state = PICTURE_HOLE;
    else if (a->kind == CHECK_UNFIT)
        said.state = PICTURE_STUB;
    picture_last_resort(p, said.kernel, a->last_resort);
    if (picture_is_naive(p, what, said.kernel))
        said.mark = PICTURE_NAIVE;
    return said;
}

static struct said say(struct picture *p, int what, const struct diff_side *side, const struct diff_reply *reply,
                       const char *device)
{
    if (reply->said == 1)
        return read_answer(p, what, &reply->answer[number_of(side, device)]);
    return (struct said){ .state = reply->said < 0 ? PICTURE_FAILS : PICTURE_BLANK, .kernel = PICTURE_NO_KERNEL };
}

/* As attnfuzz diff has it: a refusal is seen and can be helped, and our own last resort is as bad; what was said to be
 * supported and does not run is worse. */
static int how_bad(const struct said *a)
{
    return a->state == PICTURE_STUB || a->state == PICTURE_FAILS ? 2 : a->state == PICTURE_HOLE || a->mark;
}

static bool is_unknown(const struct said *a) { return a->state == PICTURE_BLANK || a->state == PICTURE_LARGE; }

static int change_of(const struct said *old, const struct said *new)
{
    if (is_unknown(old) || is_unknown(new))
        return PICTURE_SAME;
    if (how_bad(old) != how_bad(new))
        return how_bad(new) > how_bad(old) ? PICTURE_WORSE : PICTURE_BETTER;
    if (old->state != new->state || old->kernel != new->kernel)
        return PICTURE_KERNEL;
    return old->launch != new->launch ? PICTURE_LAUNCH : PICTURE_SAME;
}

static void ask_cell(const struct map_options *o, struct diff_side side[2], struct picture *p, int what, int q, int kv)
{
    struct diff_reply reply[2];
    struct attn_problem problem;
    if (!picture_problem(p, what, q, kv, &problem))
        return;
    for (int s = 0; s < o->n_subjects; s++)
        diff_side_ask(&side[s], &problem, &reply[s]);
    if (cli_interrupted()) /* which may be all that ended it */
        return;
    for (int d = 0; d < p->n_devices; d++) {
        struct picture_cell *c = picture_cell(p, d, what, q, kv);
        struct said said[2];
        for (int s = 0; s < o->n_subjects; s++)
            said[s] = say(p, what, &side[s], &reply[s], p->device[d]);
        const struct said *new = &said[o->n_subjects - 1];
        c->state = (uint8_t)new->state;
        c->kernel = (uint8_t)new->kernel;
        c->mark = (uint8_t)new->mark;
        if (!p->diff)
            continue;
        c->old_state = (uint8_t)said[0].state;
        c->old_kernel = (uint8_t)said[0].kernel;
        c->change = (uint8_t)change_of(&said[0], &said[1]);
    }
}

bool map_ask(const struct map_options *o, struct diff_side side[2], struct picture *p)
{
    const double begun = cli_now();
    for (int kv = 0; kv < p->n_kv; kv++)
        for (int what = 0; what < p->n_whats; what++)
            for (int q = 0; q < p->n_q; q++) {
                if (cli_interrupted() || (o->seconds > 0 && cli_now() - begun > o->seconds))
                    return true;
                ask_cell(o, side, p, what, q, kv);
                for (int s = 0; s < o->n_subjects; s++)
                    if (side[s].restarts > RESTARTS_MAX) {
                        cli_error("%s: its process ended %d times", side[s].subject, RESTARTS_MAX);
                        return false;
                    }
            }
    return true;
}
