/* ask.h: fills a picture with what subjects answer, each in a process of its own.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_MAP_ASK_H
#define ATTNFUZZ_MAP_ASK_H

#include "cli/diff/answer.h"
#include "cli/input/device.h"
#include "cli/picture/picture.h"

struct map_options {
    int n_subjects;
    const char *subject[2]; /* as --subject has it */
    const char *null_runtime;
    bool prec_default, no_code;
    struct cli_devices devices; /* none: all that the subjects have */
    double seconds;             /* that asking may take; 0: any time */
};

/* Starts the subjects, and sets the picture's devices and names. CLI_GOOD, or an exit code after a message. */
int map_start(const struct map_options *options, struct diff_side side[2], struct picture *picture);
/* Of subjects that run: the same, but for the message. */
bool map_describe(const struct map_options *options, struct diff_side side[2], struct picture *picture);
/* Asks about every cell, until that is done, time is over or a signal comes. False, with a message, when a subject
 * cannot be asked any more. */
bool map_ask(const struct map_options *options, struct diff_side side[2], struct picture *picture);

#endif
