/* backend.h: the executor that a target runs kernels on, from its start to the end of the process. Included by such
 * targets alone, each of which is one program.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TARGET_BACKEND_H
#define ATTN_TARGET_BACKEND_H

#include <stdlib.h>

#include "kernels/attn_backend.h"

static struct attn_backend *backend;

/* Accesses and wave operations that a launch may take before it counts as a runaway. */
#define BACKEND_STEPS UINT64_C(200000000)

static void close_backend_at_exit(void) { backend->ops->close(backend); }

static inline void open_backend(void)
{
    const struct attn_host_options options = { .schedule = 0, .checked = true, .budget = BACKEND_STEPS };
    backend = attn_host_open(&options);
    if (!backend)
        abort();
    atexit(close_backend_at_exit);
}

#endif
