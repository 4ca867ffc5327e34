/* vec_wave64.hip: the instances of the vec kernel (vec.h) for waves of 64 lanes.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/vec/vec.h"

extern "C" attn_entry SIMT_ENTRY(vec_wave64)(const struct attn_plan *plan);

extern "C" attn_entry SIMT_ENTRY(vec_wave64)(const struct attn_plan *plan) { return vec_instance<64>(plan); }
