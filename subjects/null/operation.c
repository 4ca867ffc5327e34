/* operation.c: see operation.h. Nothing is ever in flight: an operation is done when the call that submits it returns.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "subjects/null/operation.h"
#include "subjects/null/execute.h"
#include "subjects/null/hip_abi.h"
#include "subjects/null/record.h"
#include "subjects/null/runtime.h"

static void fill(const struct null_op *op)
{
    for (size_t y = 0; y < op->fill.height; y++) {
        char *row = op->fill.to + y * op->fill.pitch;
        if (op->fill.element_bytes == 1)
            memset(row, (int)(op->fill.value & 0xff), op->fill.width);
        for (size_t x = 0; op->fill.element_bytes == 2 && x < op->fill.width; x++)
            memcpy(row + 2 * x, &(uint16_t){ (uint16_t)op->fill.value }, 2);
        for (size_t x = 0; op->fill.element_bytes == 4 && x < op->fill.width; x++)
            memcpy(row + 4 * x, &op->fill.value, 4);
    }
}

void null_op_keep(const struct null_op *op)
{
    if (op->kind == NULL_OP_LAUNCH)
        null_arguments_keep(op->arguments);
}

void null_op_drop(const struct null_op *op)
{
    if (op->kind == NULL_OP_LAUNCH)
        null_arguments_drop(op->arguments);
}

int null_run(const struct null_op *op, uint32_t flags, const void *stream)
{
    switch (op->kind) {
    case NULL_OP_LAUNCH: {
        struct null_hip_launch launch = op->launch;
        launch.flags |= flags;
        launch.stream = stream;
        null_record(&launch);
        return op->arguments ? null_execute(&launch, op->arguments) : hipSuccess;
    }
    case NULL_OP_COPY:
        for (size_t y = 0; !null_runtime.still && y < op->copy.height; y++) /* a program may copy onto itself */
            memmove(op->copy.to + y * op->copy.to_pitch, op->copy.from + y * op->copy.from_pitch, op->copy.width);
        break;
    case NULL_OP_FILL:
        if (!null_runtime.still)
            fill(op);
        break;
    case NULL_OP_HOST:
        null_unlock();
        op->host.function(op->host.data);
        null_lock();
        break;
    case NULL_OP_NOTHING: break;
    }
    return hipSuccess;
}
