/* vec_wave32.hip: the instances of the vec kernel (vec.h) for waves of 32 lanes.
 *
 * SPDX-License-Identifier: MIT */
#if !defined(__HIP__) /* AMD's devices copy nothing by themselves */
#define VEC_STAGES 1
#endif
#include "kernels/vec/vec.h"

extern "C" attn_entry SIMT_ENTRY(vec_wave32)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(vec_wave32)(const struct attn_plan *plan) { return vec_instance<32>(plan); }
