/* counted.h: bench --machine --subject: what another's kernels do for a problem.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_COUNTED_H
#define ATTNFUZZ_COUNTED_H

#include <stdbool.h>

#include "fuzz/case/attn_case.h"
#include "kernels/attn_backend.h"

/* Prints what all launches of the subject's call together do, as bench_machine does of ours. argv: the command's
 * arguments from the verb on (check_open). Returns an exit code. */
int bench_counted(const char *subject, char **argv, const struct attn_case *c, const struct attn_device *device,
                  const struct attn_image *image, bool json);

#endif
