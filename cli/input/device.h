/* device.h: the devices that --device names: rows of the table, and weakenings of one.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_DEVICE_H
#define ATTNFUZZ_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fuzz/properties/properties.h"
#include "planner/attn_planner.h"

struct cli_devices {
    int n;
    struct {
        int16_t row, weakening;
    } at[ATTN_FLEET_MAX];
};

/* Adds what a --device argument names: NAME, NAME~WEAKENING, several with commas between, or "all" (every row of the
 * table). False, with a message, when there is no such device. */
bool cli_devices_add(struct cli_devices *devices, const char *text);
/* The devices that a line is for: the ones asked for; where none is, the one that it names (row -1: none); else every
 * row of the table. */
void cli_devices_wanted(const struct cli_devices *asked, int row, int weakening, struct cli_devices *devices);
/* Every row of the table. */
void cli_devices_all(struct cli_devices *devices);
/* The row with that name, -1: none. */
int cli_device_row(const char *name);
/* The device of a row and weakening (-1: none), and its name as in a line's dev=. */
void cli_device_get(int row, int weakening, struct attn_device *device);
void cli_device_name(int row, int weakening, char *text, size_t cap);

#endif
