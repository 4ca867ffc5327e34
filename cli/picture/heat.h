/* heat.h: how often each kernel, and each rule of its contract, had its say on each device.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PICTURE_HEAT_H
#define ATTNFUZZ_PICTURE_HEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/attn_planner.h"

enum { HEAT_ROWS_MAX = 192, HEAT_DEVICES_MAX = 32, HEAT_NAME_MAX = 64 };

struct heat {
    int n_rows;
    struct heat_row {
        char group[HEAT_NAME_MAX], name[HEAT_NAME_MAX];
        const char *meaning; /* NULL: none */
        int64_t n[HEAT_DEVICES_MAX];
    } row[HEAT_ROWS_MAX];
    int n_devices;
    char device[HEAT_DEVICES_MAX][40];
    int64_t total[HEAT_DEVICES_MAX]; /* problems that were counted */
};

/* A row for each kernel of ours (chosen; able, and not chosen) and for each rule of its contract. */
void heat_open_own(struct heat *heat);
/* Counts a problem in those rows: of each kernel the rule that keeps it out, the first one that fails. */
void heat_count_own(struct heat *heat, int device, const struct attn_device *as, const struct attn_problem *problem);
/* The row of that group and name, made where it is not there; -1: no room. */
int heat_row(struct heat *heat, const char *group, const char *name);

#endif
