/* properties.c: names of the properties, findings as text, the fleet. See properties.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/properties/properties.h"

#include <string.h>

const char *attn_property_name(int number)
{
    switch (number) {
#define X(number, NAME, name, kind, text) \
    case number: return #name;
        ATTN_PROPERTIES(X)
#undef X
    default: return "unknown";
    }
}

const char *attn_property_meaning(int number)
{
    switch (number) {
#define X(number, NAME, name, kind, text) \
    case number: return text;
        ATTN_PROPERTIES(X)
#undef X
    default: return "unknown";
    }
}

int attn_failure_property(int failure)
{
    switch (failure) {
    case ATTN_F_LDS_RACE:
    case ATTN_F_GLOBAL_RACE: return ATTN_P_SCHEDULE_FREE;
    case ATTN_F_LDS_UNWRITTEN:
    case ATTN_F_LDS_BOUNDS:
    case ATTN_F_SCRATCH_BOUNDS:
    case ATTN_F_GLOBAL_BOUNDS:
    case ATTN_F_GLOBAL_READONLY:
    case ATTN_F_GLOBAL_UNWRITTEN:
    case ATTN_F_DST_UNWRITTEN: return ATTN_P_CONTAINED;
    default: return ATTN_P_SOUND;
    }
}

void attn_finding_print(FILE *out, const struct attn_finding *f)
{
    char line[ATTN_CASE_LINE_MAX];
    attn_case_print(&f->at, line, sizeof line);
    attn_finding_print_as(out, f, line, "attnfuzz run");
}

void attn_finding_print_as(FILE *out, const struct attn_finding *f, const char *line, const char *command)
{
    fprintf(out, "P%d %s", f->property, attn_property_name(f->property));
    if (attn_kernel(f->kernel)) {
        fprintf(out, " kernel=%s", attn_kernel(f->kernel)->name);
        if (f->rule >= 0 && f->rule < attn_kernel(f->kernel)->n_rules)
            fprintf(out, " rule=%s.%s", attn_kernel(f->kernel)->name, attn_kernel(f->kernel)->rules[f->rule].name);
    }
    if (f->failure != ATTN_F_NONE)
        fprintf(out, " failure=%s", attn_failure_name(f->failure));
    fprintf(out, ": %s\n  line:   %s\n  replay: %s '%s'\n", f->text, line, command, line);
}

void attn_fleet_init(struct attn_fleet *fleet)
{
    memset(fleet, 0, sizeof *fleet);
    for (int row = 0; row < attn_device_count(); row++) {
        for (int w = -1; w < attn_weakening_count(); w++) {
            int m = fleet->n;
            if (m == ATTN_FLEET_MAX)
                return;
            if (w < 0)
                fleet->device[m] = *attn_device(row);
            else if (!attn_device_weaken(attn_device(row), w, &fleet->device[m], &fleet->what[m]))
                continue;
            fleet->row[m] = (int16_t)row;
            fleet->weakening[m] = (int16_t)w;
            fleet->n++;
        }
    }
    for (int a = 0; a < fleet->n; a++) {
        for (int b = 0; b < fleet->n; b++) {
            if (a == b || !attn_device_covers(&fleet->device[a], &fleet->device[b]))
                continue;
            fleet->pair[fleet->n_pairs].covers = (uint8_t)a;
            fleet->pair[fleet->n_pairs++].covered = (uint8_t)b;
        }
    }
}

int attn_fleet_find(const struct attn_fleet *fleet, int row, int weakening)
{
    for (int m = 0; m < fleet->n; m++)
        if (fleet->row[m] == row && fleet->weakening[m] == weakening)
            return m;
    return -1;
}
