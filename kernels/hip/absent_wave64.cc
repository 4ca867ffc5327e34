/* absent_wave64.cc: on NVIDIA no instance is for waves of 64 lanes.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/args.h"

extern "C" attn_entry attn_entry_vec_wave64(const struct attn_plan *plan);

extern "C" attn_entry attn_entry_vec_wave64(const struct attn_plan *) { return nullptr; }
