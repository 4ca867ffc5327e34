/* picture.h: what was planned in a run, as pictures for its page.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_PICTURE_H
#define ATTNFUZZ_RUN_PICTURE_H

#include <stdio.h>

#include "cli/run/job.h"

/* Which kernel is chosen for the head sizes, ratios and types of the run, those of failures first, on its devices; and
 * which rules kept kernels out of its problems. */
void run_report_pictures(FILE *out, const struct run_job *job);

#endif
