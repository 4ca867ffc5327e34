/* speed.h: how fast everything that searches and judges is, beside a calibration loop and a reference run.
 *
 * Rates are of CPU time. Each is also given as a ratio to the calibration loop's rate in the same run, which a slow or
 * busy machine slows as much; and that ratio beside what it was in the reference run (speed_reference.h).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_SPEED_H
#define ATTNFUZZ_SPEED_H

#include "fuzz/case/attn_case.h"

enum speed_form { SPEED_TEXT, SPEED_JSON, SPEED_MARKDOWN, SPEED_REFERENCE };

struct speed_options {
    const struct attn_case *c; /* a line that is measured */
    const struct attn_device *device;
    const struct attn_image *image; /* filled */
    double seconds;                 /* of CPU time for each measurement */
    int form;                       /* enum speed_form */
};

/* Measures and prints all of it. Returns an exit code. */
int speed_measure(const struct speed_options *options);

#endif
