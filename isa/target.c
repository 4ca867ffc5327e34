/* target.c: the processors that this machine knows, and what of them it depends on.
 *
 * Sources: LLVM documentation, "User Guide for AMDGPU Backend", sections "Processors" and "Initial Kernel Execution
 * State".
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "isa/internal.h"

/* X(name, generation, cdna, unified, architected_scratch, workgroup_in_ttmp, mfma_flushes, fp8_fnuz) */
#define TARGETS(X)                   \
    X(gfx906, 9, 0, 0, 0, 0, 0, 0)   \
    X(gfx908, 9, 1, 0, 0, 0, 0, 0)   \
    X(gfx90a, 9, 1, 1, 0, 0, 1, 0)   \
    X(gfx942, 9, 1, 1, 1, 0, 0, 1)   \
    X(gfx950, 9, 1, 1, 1, 0, 0, 0)   \
    X(gfx1030, 10, 0, 0, 0, 0, 0, 0) \
    X(gfx1100, 11, 0, 0, 1, 0, 0, 0) \
    X(gfx1151, 11, 0, 0, 1, 0, 0, 0) \
    X(gfx1200, 12, 0, 0, 1, 1, 0, 0) \
    X(gfx1201, 12, 0, 0, 1, 1, 0, 0)

enum { LDS_GRANULE_LOG2 = 9 };

static const struct isa_target targets[] = {
#define X(processor, version, has_matrix, one_file, architected, ttmp, flushes, fnuz) \
    { .name = #processor,                                                             \
      .generation = ISA_GFX##version,                                                 \
      .cdna = has_matrix,                                                             \
      .unified = one_file,                                                            \
      .architected_scratch = architected,                                             \
      .workgroup_in_ttmp = ttmp,                                                      \
      .mfma_flushes = flushes,                                                        \
      .fp8_fnuz = fnuz,                                                               \
      .lds_granule_log2 = LDS_GRANULE_LOG2 },
    TARGETS(X)
#undef X
};

const struct isa_target *isa_target_find(const char *name)
{
    const size_t length = strcspn(name, ":"); /* features follow */
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (strlen(targets[i].name) == length && !memcmp(targets[i].name, name, length)) {
            return &targets[i];
        }
    }
    return NULL;
}
