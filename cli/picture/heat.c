/* heat.c: see heat.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/picture/heat.h"

#include <stdio.h>
#include <string.h>

enum { ROW_CHOSEN, ROW_ABLE, ROWS_BEFORE_RULES };

int heat_row(struct heat *h, const char *group, const char *name)
{
    for (int i = 0; i < h->n_rows; i++)
        if (!strcmp(h->row[i].name, name) && !strcmp(h->row[i].group, group))
            return i;
    if (h->n_rows == HEAT_ROWS_MAX)
        return -1;
    struct heat_row *row = &h->row[h->n_rows];
    snprintf(row->group, sizeof row->group, "%s", group);
    snprintf(row->name, sizeof row->name, "%s", name);
    return h->n_rows++;
}

static void add_row(struct heat *h, const char *group, const char *name, const char *meaning)
{
    const int row = heat_row(h, group, name);
    if (row >= 0)
        h->row[row].meaning = meaning;
}

void heat_open_own(struct heat *h)
{
    for (int id = 0; id < ATTN_KERNEL_COUNT; id++) {
        const struct attn_kernel *kernel = attn_kernel(id);
        add_row(h, kernel->name, "chosen", "it is the cheapest");
        add_row(h, kernel->name, "able", "it could run, and another is cheaper");
        for (int i = 0; i < kernel->n_rules; i++)
            add_row(h, kernel->name, kernel->rules[i].name, kernel->rules[i].meaning);
    }
}

void heat_count_own(struct heat *h, int device, const struct attn_device *as, const struct attn_problem *problem)
{
    struct attn_trace trace;
    const int chosen = attn_plan(as, problem, NULL, &trace);
    h->total[device]++;
    for (int id = 0, first = 0; id < ATTN_KERNEL_COUNT; first += ROWS_BEFORE_RULES + attn_kernel(id++)->n_rules) {
        const struct attn_verdict *v = &trace.verdict[id];
        const int row = first + (!v->able ? ROWS_BEFORE_RULES + v->rule : id == chosen ? ROW_CHOSEN : ROW_ABLE);
        if (row < h->n_rows)
            h->row[row].n[device]++;
    }
}
