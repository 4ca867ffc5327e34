/* occupancy.h: attnfuzz bench --occupancy.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_BENCH_OCCUPANCY_H
#define ATTNFUZZ_BENCH_OCCUPANCY_H

#include <stdbool.h>
#include <stdint.h>

/* X(NAME, column, value of kernel k whose occupancy is o, -1 where it is not known): what can be sorted by. */
#define BENCH_COLUMNS(X)                                        \
    X(BLOCK, block, k->max_threads)                             \
    X(WAVE, wave, k->wave_size)                                 \
    X(VGPRS, vgprs, k->vgprs)                                   \
    X(AGPRS, agprs, k->agprs < 0 ? 0 : k->agprs)                \
    X(SGPRS, sgprs, k->sgprs)                                   \
    X(LDS, lds, k->lds_bytes)                                   \
    X(SCRATCH, scratch, k->scratch_bytes)                       \
    X(VSPILL, vspill, k->vgpr_spills)                           \
    X(SSPILL, sspill, k->sgpr_spills)                           \
    X(SPILLS, spills, (int64_t)k->vgpr_spills + k->sgpr_spills) \
    X(CODE, code, k->code_bytes)                                \
    X(WAVES, waves, known ? o->waves : -1)                      \
    X(WGS, wgs, known ? o->workgroups : -1)

enum bench_column {
#define X(NAME, column, value) BENCH_COLUMN_##NAME,
    BENCH_COLUMNS(X)
#undef X
        BENCH_COLUMN_COUNT
};
const char *bench_column_name(int column);
/* -1: there is none of that name. */
int bench_column_find(const char *name);

struct bench_occupancy_options {
    bool json;
    const char *kernel, *target; /* patterns (fnmatch), of a kernel's plain or mangled name; NULL: all */
    int sort;                    /* enum bench_column, the largest first; -1: as they lie in the files */
    bool ascending;              /* the smallest first */
    int64_t most[BENCH_COLUMN_COUNT], least[BENCH_COLUMN_COUNT]; /* limits; -1: none */
};
/* Nothing asked: all kernels, no limits. */
void bench_occupancy_defaults(struct bench_occupancy_options *options);

/* Prints a line for each kernel in the GPU code of n files: registers, LDS, scratch, spills, and the occupancy for
 * workgroups as large as the kernel allows and no dynamic LDS. Returns an exit code: CLI_BROKEN when one is beyond a
 * limit. */
int bench_occupancy(const struct bench_occupancy_options *options, int n, char **files);

#endif
