/* operation.h: what streams do and graphs keep.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_OPERATION_H
#define ATTN_NULL_OPERATION_H

#include <stddef.h>
#include <stdint.h>

#include "subjects/null/null_hip.h"

struct null_arguments; /* execute.h */

enum null_op_kind { NULL_OP_LAUNCH, NULL_OP_COPY, NULL_OP_FILL, NULL_OP_HOST, NULL_OP_NOTHING };

struct null_op {
    enum null_op_kind kind;
    union {
        struct {
            struct null_hip_launch launch;
            struct null_arguments *arguments; /* NULL: nothing runs */
        };
        struct {
            char *to;
            const char *from;
            size_t to_pitch, from_pitch, width, height;
        } copy; /* bytes, rows */
        struct {
            char *to;
            size_t pitch, width, height;
            uint32_t value, element_bytes;
        } fill; /* width in elements */
        struct {
            void (*function)(void *);
            void *data;
        } host;
    };
};

/* Another owner of what an operation holds, one fewer. Locked. */
void null_op_keep(const struct null_op *op);
void null_op_drop(const struct null_op *op);
/* Runs it now; flags are added to a launch's. A HIP error. Locked; the lock is released while a host function runs. */
int null_run(const struct null_op *op, uint32_t flags, const void *stream);

#endif
