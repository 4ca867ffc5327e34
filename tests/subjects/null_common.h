/* null_common.h: what the tests of the null HIP runtime share.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_COMMON_H
#define ATTN_NULL_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "planner/attn_planner.h"
#include "subjects/null/entries.h"
#include "subjects/null/null_hip.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define GOOD(call) assert_int_equal(call, hipSuccess)
#define FAILS(call, error)                          \
    do {                                            \
        assert_int_equal(call, error);              \
        assert_int_equal(hipGetLastError(), error); \
    } while (0)

/* As it is before the first call. hold: are launches held against code? */
static inline void reset_runtime(bool hold)
{
    null_hip_reset();
    null_hip_move_data(true);
    null_hip_hold_launches(hold);
    hipSetDevice(0);
    hipGetLastError();
}

static inline int device_named(const char *name)
{
    for (int i = 0; i < null_hip_devices(); i++)
        if (!strcmp(null_hip_device(i), name))
            return i;
    fail_msg("no device %s", name);
    return -1;
}

static inline struct hip_dim3 dim(uint32_t x, uint32_t y, uint32_t z) { return (struct hip_dim3){ x, y, z }; }

static inline int launch(const void *kernel, uint32_t grid, uint32_t block, size_t lds, void *stream)
{
    return hipLaunchKernel(kernel, dim(grid, 1, 1), dim(block, 1, 1), NULL, lds, stream);
}

static inline size_t launches(const struct null_hip_launch **l)
{
    size_t n;
    *l = null_hip_launches(&n);
    return n;
}

#endif
