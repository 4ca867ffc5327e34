/* occupancy.c: how many waves of a kernel a GPU keeps at once. See occupancy.h for the source.
 *
 * SPDX-License-Identifier: MIT */
#include "code/occupancy.h"

#include <string.h>

enum { SIMDS = 4, KIB = 1024 };

/* Processors by the start of their name, longer ones first. Registers and granule are a lane's, in waves of 32 for
 * gfx10 and later and of 64 before; LDS is that of four SIMDs. */
static const struct rules {
    const char *processor;
    int32_t wave, vgprs, granule, max_waves, workgroups, lds_bytes, lds_granule;
    uint8_t unified; /* AGPRs are part of the same file, and of .vgpr_count */
} table[] = {
    { "gfx9-4", 64, 512, 8, 8, 16, 64 * KIB, 512, 1 },      { "gfx950", 64, 512, 8, 8, 16, 160 * KIB, 1280, 1 },
    { "gfx94", 64, 512, 8, 8, 16, 64 * KIB, 512, 1 },       { "gfx90a", 64, 512, 8, 8, 16, 64 * KIB, 512, 1 },
    { "gfx90", 64, 256, 4, 10, 16, 64 * KIB, 512, 0 }, /* gfx908's AGPRs are a file of their own, of equal size */
    { "gfx9-", 64, 256, 4, 10, 16, 64 * KIB, 512, 0 },      { "gfx103", 32, 1024, 16, 16, 32, 128 * KIB, 512, 0 },
    { "gfx10-3", 32, 1024, 16, 16, 32, 128 * KIB, 512, 0 }, { "gfx101", 32, 1024, 8, 20, 32, 128 * KIB, 512, 0 },
    { "gfx10-1", 32, 1024, 8, 20, 32, 128 * KIB, 512, 0 },  { "gfx1100", 32, 1536, 24, 16, 32, 128 * KIB, 512, 0 },
    { "gfx1101", 32, 1536, 24, 16, 32, 128 * KIB, 512, 0 }, { "gfx1151", 32, 1536, 24, 16, 32, 128 * KIB, 512, 0 },
    { "gfx11", 32, 1024, 16, 16, 32, 128 * KIB, 512, 0 },   { "gfx120", 32, 1536, 24, 16, 32, 128 * KIB, 512, 0 },
};

const char *attn_occupancy_limit_name(int limit)
{
    static const char *const names[] = { "slots", "VGPRs", "SGPRs", "LDS", "workgroups", "too large" };
    return limit >= 0 && limit < (int)(sizeof names / sizeof names[0]) ? names[limit] : "unknown";
}

static const struct rules *rules_of(const char *target)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strncmp(target, table[i].processor, strlen(table[i].processor)) == 0)
            return &table[i];
    return NULL;
}

/* Waves of a SIMD that n registers a lane leave room for. */
static int32_t vgpr_waves(const struct rules *r, int64_t n, int32_t wave)
{
    /* In the other wave size a register has twice or half the lanes. */
    int64_t total = (int64_t)r->vgprs * r->wave / wave, granule = (int64_t)r->granule * r->wave / wave;
    n = (n < 1 ? 1 : n) + granule - 1;
    n -= n % granule;
    return n > total ? 0 : total / n > r->max_waves ? r->max_waves : (int32_t)(total / n);
}

static int32_t sgpr_waves(const struct rules *r, int64_t n)
{
    if (r->wave == 32) /* every wave has all of them */
        return r->max_waves;
    int32_t waves = n <= 80 ? 10 : n <= 88 ? 9 : n <= 100 ? 8 : 7;
    return waves > r->max_waves ? r->max_waves : waves;
}

static int32_t least(int64_t a, int32_t b, int limit, int32_t *which)
{
    if (a < b) {
        *which = limit;
        return (int32_t)a;
    }
    return b;
}

bool attn_occupancy_of(const struct attn_code_kernel *k, int64_t threads, int64_t lds_dynamic, struct attn_occupancy *o)
{
    const struct rules *r = rules_of(k->target);
    memset(o, 0, sizeof *o);
    if (!r || k->vgprs < 0 || k->sgprs < 0 || k->lds_bytes < 0 || threads < 1 || threads > 1024 || lds_dynamic < 0 ||
        lds_dynamic > INT32_MAX || k->lds_bytes > INT32_MAX || (k->wave_size != 32 && k->wave_size != 64))
        return false;
    int64_t registers = r->unified || k->agprs < k->vgprs ? k->vgprs : k->agprs;
    int64_t waves = (threads + k->wave_size - 1) / k->wave_size; /* of a workgroup */
    int64_t lds = (k->lds_bytes + lds_dynamic + r->lds_granule - 1) / r->lds_granule * r->lds_granule;
    o->max_waves = r->max_waves;
    o->vgpr_waves = vgpr_waves(r, registers, k->wave_size);
    o->sgpr_waves = sgpr_waves(r, k->sgprs);
    o->limit = ATTN_LIMIT_SLOTS;
    int32_t groups = (int32_t)(SIMDS * r->max_waves / waves);
    if (waves > 1)
        groups = least(r->workgroups, groups, ATTN_LIMIT_WORKGROUPS, &o->limit);
    if (lds > 0)
        groups = least(r->lds_bytes / lds, groups, ATTN_LIMIT_LDS, &o->limit);
    o->lds_waves = (int32_t)((groups * waves + SIMDS - 1) / SIMDS);
    groups = least(SIMDS * o->vgpr_waves / waves, groups, ATTN_LIMIT_VGPRS, &o->limit);
    groups = least(SIMDS * o->sgpr_waves / waves, groups, ATTN_LIMIT_SGPRS, &o->limit);
    o->workgroups = groups;
    o->waves = (int32_t)((groups * waves + SIMDS - 1) / SIMDS);
    if (groups == 0)
        o->limit = ATTN_LIMIT_TOO_LARGE;
    return true;
}
