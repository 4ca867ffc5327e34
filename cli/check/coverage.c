/* coverage.c: see coverage.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "cli/check/group.h"
#include "cli/check/word.h"
#include "cli/input/clock.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "cli/picture/page.h"

enum {
    WHATS = 8,  /* panels a device */
    SECONDS = 5 /* that the picture's calls may take: one that hangs takes two of them */
};

_Static_assert(HEAT_DEVICES_MAX >= ATTN_SUBJECT_DEVICES_MAX && PICTURE_DEVICES_MAX >= ATTN_SUBJECT_DEVICES_MAX,
               "room for each device of a subject");

/* ---- Counting -------------------------------------------------------------------------------------------- */

bool check_coverage_open(struct check *check)
{
    check->coverage = calloc(1, sizeof *check->coverage);
    return check->coverage || cli_out_of_memory();
}

void check_coverage_note(struct check *check, int device, const struct attn_problem *p, const char *kernel,
                         const struct check_verdict *v)
{
    struct heat *h = check->coverage;
    if (!h)
        return;
    const bool own = check->subject->ours;
    if (own && h->n_rows == 0)
        heat_open_own(h);
    if (own)
        heat_count_own(h, device, &check->subject->device[device], p);
    else
        h->total[device]++;
    if (own && (v->kind < 0 || v->kind == CHECK_HOLE))
        return; /* the rules say it all */
    const char *name = own ? NULL : kernel ? kernel : v->kind < 0 ? PICTURE_COMPUTES : NULL;
    const int launched = name ? heat_row(h, "attention kernels launched", name) : -1;
    const int broken = v->kind < 0 ? -1 : heat_row(h, "broken or refused", check_kind_name(v->kind));
    if (launched >= 0)
        h->row[launched].n[device]++;
    if (broken >= 0) {
        h->row[broken].n[device]++;
        h->row[broken].meaning = check_kind_meaning(v->kind);
    }
}

/* ---- The picture ----------------------------------------------------------------------------------------- */

/* Of the groups of findings, in their order, those that are no holes first; usual ones where nothing was found. */
static void choose_whats(struct picture *p, const struct check *check)
{
    for (int holes = 0; holes < 2; holes++)
        for (int i = 0; i < check_group_count(check); i++) {
            struct check_group group;
            struct picture_what what;
            if (!check_group_get(check, i, &group) || (group.stands->kind == CHECK_HOLE) != (holes == 1))
                continue;
            picture_what_of(&group.stands->problem, &what);
            picture_what_add(p, &what, WHATS);
        }
    static const int usual[] = { ATTN_HEAD_SIZE_64_64, ATTN_HEAD_SIZE_128_128, ATTN_HEAD_SIZE_256_256 };
    for (int i = 0; p->n_whats == 0 || (check->n_findings == 0 && i < 6); i++) {
        const struct attn_head_size *head = attn_head_size(usual[i / 2]);
        picture_what_add(p,
                         &(struct picture_what){ .d_k = head->d_k,
                                                 .d_v = head->d_v,
                                                 .ratio = i % 2 ? 8 : 1,
                                                 .mask_pad = 1,
                                                 .type_k = ATTN_F16,
                                                 .type_v = ATTN_F16 },
                         WHATS);
    }
}

static void ask(struct picture *p, struct check *check, int device, int at, int what, int q, int kv)
{
    struct picture_cell *c = picture_cell(p, at, what, q, kv);
    struct attn_problem problem;
    struct check_verdict v;
    char kernel[PICTURE_NAME_MAX] = "";
    const char *why;
    if (!picture_problem(p, what, q, kv, &problem))
        return;
    if (!attn_subject_legal(check->subject, &problem, &why)) {
        c->state = PICTURE_BLANK;
        return;
    }
    check_call(check, device, &problem, false, false, &v);
    if (v.main)
        check_kernel_name(v.main->kernel, kernel, sizeof kernel);
    c->kernel = (uint8_t)picture_name(p, *kernel || v.kind >= 0 || v.too_big ? kernel : PICTURE_COMPUTES);
    c->state = v.too_big               ? PICTURE_LARGE
               : v.kind < 0            ? PICTURE_RUNS
               : v.kind == CHECK_HOLE  ? PICTURE_HOLE
               : v.kind == CHECK_UNFIT ? PICTURE_STUB
                                       : PICTURE_FAILS;
    const char *last = check->subject->last_resort;
    picture_last_resort(p, c->kernel, last && *kernel && !strcmp(kernel, last));
    if (c->state == PICTURE_RUNS && picture_is_naive(p, what, c->kernel))
        c->mark |= PICTURE_NAIVE;
}

/* Row by row over all panels, so that what there is no time for is missing in all of them alike. */
static void ask_all(struct picture *p, struct check *check, const int device[PICTURE_DEVICES_MAX])
{
    const double until = cli_now() + SECONDS;
    for (int kv = 0; kv < p->n_kv; kv++)
        for (int what = 0; what < p->n_whats; what++)
            for (int q = 0; q < p->n_q; q++)
                for (int at = 0; at < p->n_devices && cli_now() < until && !cli_interrupted(); at++)
                    ask(p, check, device[at], at, what, q, kv);
}

static void put_picture(FILE *out, const struct check *check)
{
    struct picture *p = calloc(1, sizeof *p);
    struct check *asked = calloc(1, sizeof *asked); /* calls are made without counting */
    int device[PICTURE_DEVICES_MAX];
    if (p && asked) {
        *asked = *check;
        asked->coverage = NULL;
        snprintf(p->title, sizeof p->title, "Which kernel is chosen");
        snprintf(p->subject, sizeof p->subject, "%s", check->subject->name);
        p->kv_heads = 8;
        picture_axes(p);
        choose_whats(p, check);
        for (int i = 0; i < check->subject->n_devices; i++)
            if (check->devices >> i & 1) {
                device[p->n_devices] = i;
                snprintf(p->device[p->n_devices++], sizeof p->device[0], "%s", check->subject->device[i].name);
            }
        if (picture_open(p)) {
            ask_all(p, asked, device);
            picture_letters(p);
            page_picture(out, p,
                         "Of the head sizes, GQA ratios, types and other features of the findings, those that are no "
                         "holes first, and plain otherwise: n_q to the right, n_kv upwards, 8 KV heads. Devices that "
                         "are the same share a panel.");
        }
        picture_close(p);
    }
    free(asked);
    free(p);
}

/* By group, then those that were met most. */
static int compare_rows(const void *a, const void *b)
{
    const struct heat_row *x = a, *y = b;
    const int order = strcmp(x->group, y->group);
    int64_t more = 0;
    for (int i = 0; i < HEAT_DEVICES_MAX; i++)
        more += y->n[i] - x->n[i];
    return order ? order : more > 0 ? 1 : more < 0 ? -1 : strcmp(x->name, y->name);
}

void check_report_pictures(FILE *out, const struct check *check)
{
    struct heat *h = check->coverage;
    if (!check->stopped)
        put_picture(out, check);
    if (!h)
        return;
    h->n_devices = check->subject->n_devices;
    for (int i = 0; i < h->n_devices; i++)
        snprintf(h->device[i], sizeof h->device[0], "%s", check->subject->device[i].name);
    if (h->n_rows && !check->subject->ours)
        qsort(h->row, (size_t)h->n_rows, sizeof h->row[0], compare_rows);
    page_heat(out, h, "Kernels, devices and rules",
              "How many of the calls launched each kernel or broke something on each device; of our own planner also "
              "which rule kept a kernel out, the first one that failed. A dashed 0: no call got there.");
}
