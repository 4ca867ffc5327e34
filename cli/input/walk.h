/* walk.h: what plan and explain have in common: every case of the input on every device wanted for it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_WALK_H
#define ATTNFUZZ_WALK_H

#include "cli/input/device.h"
#include "fuzz/case/attn_case.h"

struct walk_step {
    const struct attn_case *c;
    const char *line;  /* the case's canonical line */
    const char *place; /* FILE:LINE */
    bool first;        /* first device of this case */
    struct attn_device device;
    char device_name[40]; /* with its weakening */
};

/* Calls step for every case and device: the ones asked for with --device, else the one the line names, else every
 * row of the table. `step` returns false when a property failed there. Returns an exit code. */
int walk_cases(int n, char **arguments, const struct cli_devices *asked, bool (*step)(const struct walk_step *, void *),
               void *context);

#endif
