/* executor_kernels.h: small kernels that each commit one failure, or come near it, and what the executor must say.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_EXECUTOR_KERNELS_H
#define ATTN_TESTS_EXECUTOR_KERNELS_H

#include "kernels/args.h"
#include "kernels/attn_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

struct executor_case {
    const char *name;
    int expected; /* enum attn_failure_code */
    attn_entry entry;
    uint32_t blocks;
    uint32_t lds_bytes; /* static, as the launch says */
    /* in schedule 0: */
    const char *says;   /* what the text must contain; NULL: nothing in particular */
    int thread;         /* the thread it must name; -1: any */
    int operand;        /* what it must name; -1: none */
    int64_t offset;     /* and at which byte; -1: any */
    int after_previous; /* the workspace keeps what the case before it wrote */
};

/* Case number index of LDS, of global memory, of what threads do together; NULL past the last. */
const struct executor_case *executor_lds_case(int index);
const struct executor_case *executor_global_case(int index);
const struct executor_case *executor_rendezvous_case(int index);

/* All of them: LDS first. */
static inline const struct executor_case *executor_case(int index)
{
    const struct executor_case *(*const tables[])(int) = { executor_lds_case, executor_global_case,
                                                           executor_rendezvous_case };
    for (int t = 0; t < 3; t++)
        for (int i = 0; tables[t](i); i++)
            if (index-- == 0)
                return tables[t](i);
    return NULL;
}

/* Kernels that work out something: the driver compares dst with what is right. */
attn_entry executor_wave_entry(int wave_size);
attn_entry executor_sum_entry(int width);
attn_entry executor_f16_entry(void);
attn_entry executor_where_entry(void);
/* A kernel that is wrong in one kind of schedule (enum attn_schedule_kind) alone, or lacks a barrier: partial[64] is 1
 * when it is right. */
enum { EXECUTOR_BARRIER_MISSING = ATTN_SCHEDULE_KINDS, EXECUTOR_SYNC_FOR_BARRIER };
attn_entry executor_order_entry(int which, int wave_size);
/* partial[block], an integer: which block that one was, from 0; `begin` is launched before it. */
attn_entry executor_blocks_entry(bool begin);

#ifdef __cplusplus
}
#endif
#endif
