/* failure.cc: what went wrong, in words, and the way out of the running launch.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/executor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__thread struct simt_hot simt_hot;

/* Fills in who and where, and begins the text. Returns its length. */
static size_t begin(struct attn_failure *failure, int code, int64_t offset, int bytes, uint32_t other)
{
    const struct simt_executor *ex = simt_hot.executor;
    memset(failure, 0, sizeof *failure);
    failure->code = code;
    failure->step = ex->launch->step;
    failure->block[0] = ex->block.x;
    failure->block[1] = ex->block.y;
    failure->block[2] = ex->block.z;
    failure->thread = simt_hot.fiber->thread;
    failure->other = other;
    failure->operand = -1;
    failure->offset = offset;
    failure->bytes = bytes;
    const int n =
        snprintf(failure->text, sizeof failure->text, "%s: %s, block %u,%u,%u thread %u ", attn_failure_name(code),
                 failure->step >= 0 && failure->step < ATTN_STEP_COUNT ? attn_step_name(failure->step) : "launch",
                 ex->block.x, ex->block.y, ex->block.z, failure->thread);
    return n < 0                                           ? 0
           : static_cast<size_t>(n) < sizeof failure->text ? static_cast<size_t>(n)
                                                           : sizeof failure->text - 1;
}

/* Leaves the launch: the thread is never resumed, nor is any other of its block. */
[[noreturn]] static void leave_launch(void)
{
    struct simt_executor *ex = simt_hot.executor;
    ex->failed = true;
    simt_context_switch(&simt_hot.fiber->context, &ex->home, true);
    __builtin_unreachable();
}

void simt_fail(int code, int64_t offset, int bytes, uint32_t other, const char *format, ...)
{
    struct attn_failure *failure = simt_hot.executor->failure;
    const size_t n = begin(failure, code, offset, bytes, other);
    va_list values;
    va_start(values, format);
    vsnprintf(failure->text + n, sizeof failure->text - n, format, values);
    va_end(values);
    leave_launch();
}

void simt_fail_global(int code, size_t at, int bytes, uint32_t other, bool write)
{
    struct attn_failure *failure = simt_hot.executor->failure;
    const size_t n = begin(failure, code, 0, bytes, other);
    char place[128];
    simt_memory_describe(simt_hot.executor->memory, at, failure, place, sizeof place);
    snprintf(failure->text + n, sizeof failure->text - n, "%s %d bytes at %s: %s", write ? "writes" : "reads", bytes,
             place, attn_failure_meaning(code));
    leave_launch();
}
