/* occupancy.h: how many waves of a kernel an AMD GPU keeps at once, from what its metadata says it needs.
 *
 * A compute unit (from gfx10 on: a workgroup processor, the mode that code is compiled for unless told otherwise) has
 * four SIMDs that share LDS. How many workgroups stay there is the least of what registers, LDS, wave slots and
 * barriers allow.
 *
 * Source: LLVM, llvm/lib/Target/AMDGPU/Utils/AMDGPUBaseInfo.cpp, namespace IsaInfo (getTotalNumVGPRs,
 * getVGPRAllocGranule, getMaxWavesPerEU, getEUsPerCU, getMaxWorkGroupsPerCU, getLocalMemorySize) and
 * GCNSubtarget.cpp (getOccupancyWithNumSGPRs); processors' features: AMDGPU.td (FeatureGFX90AInsts,
 * Feature1_5xVGPRs). AMD's ISA documents say the same of register files and LDS ("RDNA 3 ISA", "Wave State").
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_OCCUPANCY_H
#define ATTN_OCCUPANCY_H

#include "code/object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What holds the number of waves down. */
enum attn_occupancy_limit {
    ATTN_LIMIT_SLOTS, /* wave slots of a SIMD: nothing is in the way */
    ATTN_LIMIT_VGPRS,
    ATTN_LIMIT_SGPRS,
    ATTN_LIMIT_LDS,
    ATTN_LIMIT_WORKGROUPS, /* workgroups of several waves that a unit keeps track of */
    ATTN_LIMIT_TOO_LARGE   /* not one workgroup fits */
};
const char *attn_occupancy_limit_name(int limit);

struct attn_occupancy {
    int32_t max_waves;  /* wave slots of a SIMD */
    int32_t vgpr_waves; /* waves of a SIMD that the vector registers allow; SGPRs, on gfx9 */
    int32_t sgpr_waves;
    int32_t lds_waves;  /* what LDS, slots and the number of workgroups allow */
    int32_t workgroups; /* of a unit (four SIMDs) */
    int32_t waves;      /* of the fullest SIMD, with whole workgroups spread over four. What LLVM calls occupancy is the
                           least of the three above, as if registers could be given to half a workgroup */
    int32_t limit;      /* enum attn_occupancy_limit */
};

/* For workgroups of `threads` that add lds_dynamic bytes to the kernel's static LDS. False for a target whose rules are
 * not known here, or metadata without the numbers. */
bool attn_occupancy_of(const struct attn_code_kernel *kernel, int64_t threads, int64_t lds_dynamic,
                       struct attn_occupancy *occupancy);

#ifdef __cplusplus
}
#endif
#endif
