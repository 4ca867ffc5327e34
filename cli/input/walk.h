/* walk.h: what plan and explain have in common: every case of the input on every device wanted for it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_WALK_H
#define ATTNFUZZ_WALK_H

#include "cli/input/device.h"
#include "cli/input/manual.h"
#include "fuzz/case/attn_case.h"

struct walk_step {
    const struct attn_case *c;
    const char *line;  /* the case's canonical line */
    const char *place; /* FILE:LINE */
    bool first;        /* first device of this case */
    bool weakened;     /* the device is a weakening of a row */
    struct attn_device device;
    char device_name[40]; /* with its weakening */
};

/* Options: devices wanted, JSON, and one that the verb knows. */
enum walk_option { WALK_DEVICE = 1, WALK_JSON, WALK_FLAG };

/* A verb that goes over cases and devices. */
struct walk_verb {
    const struct cli_manual *manual; /* its options: of these */
    /* One case on one device; false when no kernel is able there. */
    bool (*step)(const struct walk_step *, bool json, bool flag);
};

/* Reads the options, then calls its step for every case and device: the ones asked for with
 * --device, else the one the line names, else every row of the table. Returns an exit code. */
int walk(const struct walk_verb *verb, int argc, char **argv);

/* {"line":...,"at":...,"on":... */
void walk_put_json(const struct walk_step *at);
/* The line, before its first device, and the device where it is a weakened one. */
void walk_put_text(const struct walk_step *at);

#endif
