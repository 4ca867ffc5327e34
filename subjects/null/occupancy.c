/* occupancy.c: see occupancy.h. What registers, wave slots and barriers allow is code/occupancy.h's; LDS is the
 * device's.
 *
 * A multiprocessor is a compute unit, or from gfx10 on a workgroup processor: two compute units with the LDS of both
 * (HIP, hipDeviceProp_t, multiProcessorCount: "half of CUs").
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/null/occupancy.h"
#include "code/occupancy.h"
#include "planner/attn_planner.h"

/* Without LDS. A device whose rules are not known there is taken for one with waves of its size. */
static struct attn_occupancy occupancy_of(const struct attn_device *device, const struct null_code *code,
                                          uint32_t block)
{
    struct attn_code_kernel kernel = { .target = device->name,
                                       .vgprs = code && code->vgprs > 0 ? code->vgprs : 0,
                                       .sgprs = code && code->sgprs > 0 ? code->sgprs : 0,
                                       .wave_size = device->wave_size };
    struct attn_occupancy occupancy;
    if (!attn_occupancy_of(&kernel, block, 0, &occupancy)) {
        kernel.target = device->wave_size == 64 ? "gfx906" : "gfx1100";
        attn_occupancy_of(&kernel, block, 0, &occupancy);
    }
    return occupancy;
}

static bool is_pair(const struct attn_device *device) { return device->wave_size == 32; }

int null_multiprocessors(const struct attn_device *device)
{
    return is_pair(device) ? (device->n_cu + 1) / 2 : device->n_cu;
}

int null_multiprocessor_threads(const struct attn_device *device)
{
    enum { SIMDS = 4 };
    return SIMDS * occupancy_of(device, NULL, 1).max_waves * device->wave_size;
}

int64_t null_multiprocessor_lds(const struct attn_device *device)
{
    return (is_pair(device) ? 2 : 1) * (int64_t)device->lds_bytes;
}

int null_occupancy(const struct attn_device *device, const struct null_code *code, uint32_t block, uint64_t lds)
{
    uint64_t whole = lds + (code && code->lds > 0 ? (uint64_t)code->lds : 0);
    if (!block || block > (uint32_t)device->max_threads || whole > (uint64_t)device->lds_bytes ||
        (code && code->max_threads > 0 && block > (uint32_t)code->max_threads))
        return 0;
    int blocks = occupancy_of(device, code, block).workgroups;
    int64_t room = whole ? null_multiprocessor_lds(device) / (int64_t)whole : blocks;
    return room < blocks ? (int)room : blocks;
}
