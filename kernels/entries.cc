/* entries.cc: the kernel function of each launch. Compiled once for each build of the kernels, like them with
 * ATTN_ENTRY_SUFFIX where several lie side by side; simt.h's SIMT_ENTRY names them alike.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/args.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#ifdef ATTN_ENTRY_SUFFIX
#define ENTRY(kernel) JOIN(attn_entry_##kernel, ATTN_ENTRY_SUFFIX)
#else
#define ENTRY(kernel) attn_entry_##kernel
#endif

extern "C" {

#define X(name) attn_entry ENTRY(name)(const struct attn_plan *plan);
ATTN_KERNELS(X)
#undef X
attn_entry ENTRY(convert)(const struct attn_plan *plan);
attn_entry ENTRY(scan)(const struct attn_plan *plan);
attn_entry ENTRY(combine)(const struct attn_plan *plan);
attn_entry ENTRY(find)(const struct attn_plan *plan, int step);

static attn_entry main_entry(const struct attn_plan *plan)
{
    switch (plan->kernel) {
#define X(name) \
    case ATTN_KERNEL_##name: return ENTRY(name)(plan);
        ATTN_KERNELS(X)
#undef X
    default: return nullptr;
    }
}

attn_entry ENTRY(find)(const struct attn_plan *plan, int step)
{
    switch (step) {
    case ATTN_STEP_CONVERT_K:
    case ATTN_STEP_CONVERT_V: return ENTRY(convert)(plan);
    case ATTN_STEP_SCAN: return ENTRY(scan)(plan);
    case ATTN_STEP_COMBINE: return ENTRY(combine)(plan);
    case ATTN_STEP_MAIN: return main_entry(plan);
    default: return nullptr;
    }
}
}
