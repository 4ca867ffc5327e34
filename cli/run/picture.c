/* picture.c: see picture.h. Plans are made anew: results do not hold them.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/run/picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/picture/own.h"
#include "cli/picture/page.h"
#include "cli/run/tasks.h"
#include "cli/run/total.h"

enum {
    WHATS = 5,         /* panels a device */
    TASKS_MOST = 50000 /* that are counted; of more every so many */
};

/* ---- What the run is about ------------------------------------------------------------------------------- */

struct kind {
    struct picture_what what;
    int64_t tasks, failed;
};

struct about {
    struct kind *kind;
    int n_kinds, room;
    struct heat heat;
    bool on[RUN_DEVICE_ROWS]; /* rows of the device table with tasks */
    int64_t counted, tasks;
};

static void note_kind(struct about *about, const struct attn_problem *p, bool failed)
{
    struct picture_what what;
    picture_what_of(p, &what);
    int at = 0;
    while (at < about->n_kinds && !picture_what_equal(&about->kind[at].what, &what))
        at++;
    if (at == about->room)
        return;
    if (at == about->n_kinds) {
        about->kind[at] = (struct kind){ .what = what };
        about->n_kinds++;
    }
    about->kind[at].tasks++;
    about->kind[at].failed += failed;
}

static int compare_kinds(const void *a, const void *b)
{
    const struct kind *x = a, *y = b;
    if (x->failed != y->failed)
        return x->failed < y->failed ? 1 : -1;
    if (x->tasks != y->tasks)
        return x->tasks < y->tasks ? 1 : -1;
    if (x->what.d_k != y->what.d_k)
        return x->what.d_k < y->what.d_k ? -1 : 1;
    return x->what.ratio < y->what.ratio ? -1 : x->what.ratio > y->what.ratio;
}

static void look_at_tasks(const struct run_job *job, struct about *about)
{
    const int64_t each = job->n_tasks / TASKS_MOST + 1;
    for (int64_t t = 0; t < job->n_tasks; t++) {
        const struct run_result *r = &job->result[t];
        const bool failed = run_failed(r);
        struct attn_case c;
        about->tasks += r->end != RUN_PENDING;
        if (r->end == RUN_PENDING || (t % each && !failed))
            continue;
        run_task_case(job, t, &c);
        const int row = c.run.device;
        if (row < 0 || row >= attn_device_count() || attn_problem_check(&c.problem, NULL) != ATTN_E_OK)
            continue;
        struct attn_device device;
        cli_device_get(row, c.run.weakening, &device);
        about->on[row] = true;
        about->counted++;
        note_kind(about, &c.problem, failed);
        heat_count_own(&about->heat, row, &device, &c.problem);
    }
}

/* ---- The page -------------------------------------------------------------------------------------------- */

static void put_picture(FILE *out, const struct about *about)
{
    struct picture *p = calloc(1, sizeof *p);
    int row_of[PICTURE_DEVICES_MAX];
    if (!p)
        return;
    snprintf(p->title, sizeof p->title, "Which kernel is chosen");
    snprintf(p->subject, sizeof p->subject, "attnfuzz's own planner");
    p->kv_heads = 8;
    picture_axes(p);
    for (int i = 0; i < about->n_kinds && p->n_whats < WHATS; i++)
        p->what[p->n_whats++] = about->kind[i].what;
    for (int row = 0; row < attn_device_count() && p->n_devices < PICTURE_DEVICES_MAX; row++)
        if (about->on[row]) {
            row_of[p->n_devices] = row;
            snprintf(p->device[p->n_devices++], sizeof p->device[0], "%s", attn_device(row)->name);
        }
    if (p->n_devices && p->n_whats && picture_open(p)) {
        for (int i = 0; i < p->n_devices; i++)
            if (!picture_ask_own(p, i, attn_device(row_of[i]), true))
                break;
        picture_letters(p);
        page_picture(out, p,
                     "Of the head sizes, GQA ratios, types and features that the run met most often, those of failures "
                     "first: n_q to the right, n_kv upwards, 8 KV heads. Devices that are the same share a panel.");
    }
    picture_close(p);
    free(p);
}

static void put_heat(FILE *out, struct about *about)
{
    char text[320];
    snprintf(text, sizeof text,
             "Of %" PRId64 " of %" PRId64 " tasks: how often each kernel was chosen, was able and dearer, or was kept "
             "out by a rule, the first one that failed. A dashed 0: nothing in this run got there.",
             about->counted, about->tasks);
    about->heat.n_devices = attn_device_count();
    for (int row = 0; row < attn_device_count(); row++)
        snprintf(about->heat.device[row], sizeof about->heat.device[0], "%s", attn_device(row)->name);
    page_heat(out, &about->heat, "Kernels, devices and rules", text);
}

void run_report_pictures(FILE *out, const struct run_job *job)
{
    struct about *about = job->stopped ? NULL : calloc(1, sizeof *about);
    if (!about)
        return;
    about->room = 4096;
    about->kind = calloc((size_t)about->room, sizeof *about->kind);
    if (about->kind) {
        heat_open_own(&about->heat);
        look_at_tasks(job, about);
        qsort(about->kind, (size_t)about->n_kinds, sizeof *about->kind, compare_kinds);
        put_picture(out, about);
        put_heat(out, about);
    }
    free(about->kind);
    free(about);
}
