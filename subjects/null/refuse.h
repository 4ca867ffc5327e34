/* refuse.h: what stands behind an entry point that the null runtime does not provide. Each is weak, so that a provided
 * one of the same name takes its place, and takes no arguments, whatever its callers pass: in the C calling convention
 * of x86-64 (System V ABI, "Function Calling Sequence") the caller cleans up.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_REFUSE_H
#define ATTN_NULL_REFUSE_H

#include <stdlib.h>

int null_hip_refuse(const char *name); /* counts it, says it, returns hipErrorNotSupported */

#define REFUSE_WITH(name, status) \
    __attribute__((weak)) int name(void) { return null_hip_refuse(#name) ? (status) : 0; }

#define REFUSE_HIP(name) REFUSE_WITH(name, 801)   /* hipErrorNotSupported */
#define REFUSE_RTC(name) REFUSE_WITH(name, 11)    /* HIPRTC_ERROR_INTERNAL_ERROR (hiprtc.h) */
#define REFUSE_HIPBLAS(name) REFUSE_WITH(name, 7) /* HIPBLAS_STATUS_NOT_SUPPORTED */
#define REFUSE_ROCBLAS(name) REFUSE_WITH(name, 2) /* rocblas_status_not_implemented */

/* One that cannot return an error: to go on would be a quiet success. */
#define REFUSE_END(name)                  \
    __attribute__((weak)) void name(void) \
    {                                     \
        null_hip_refuse(#name);           \
        abort();                          \
    }

#endif
