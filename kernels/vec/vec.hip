/* vec.hip: which instance of the vec kernel (vec.h) a plan runs. The instances are compiled apart, by wave size.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/args.h"
#include "kernels/simt/simt.h"

extern "C" attn_entry SIMT_ENTRY(vec_wave32)(const struct attn_plan *plan);
extern "C" attn_entry SIMT_ENTRY(vec_wave64)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(vec)(const struct attn_plan *plan)
{
    return plan->wave_size == 32 ? SIMT_ENTRY(vec_wave32)(plan) : SIMT_ENTRY(vec_wave64)(plan);
}
