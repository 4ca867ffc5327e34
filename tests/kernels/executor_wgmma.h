/* executor_wgmma.h: small kernels that multiply in warpgroups, rightly and in the ways that hardware leaves undefined.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_EXECUTOR_WGMMA_H
#define ATTN_TESTS_EXECUTOR_WGMMA_H

#include "kernels/args.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WGMMA_LDS_BYTES = 32768 };

struct wgmma_case {
    const char *name;
    attn_entry entry;
    uint32_t threads;
    const char *says; /* what the failure's text must contain; NULL: there must be none */
};

/* Case number index; NULL past the last. */
const struct wgmma_case *wgmma_case(int index);

#ifdef __cplusplus
}
#endif
#endif
