/* measure.h: what the measurements of a GPU are made of: a problem on it, its time, its result judged.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_BENCH_MEASURE_H
#define ATTNFUZZ_BENCH_MEASURE_H

#include "fuzz/case/attn_case.h"
#include "kernels/hip/attn_hip.h"

struct bench_gpu_options {
    const char *backend; /* as for run --backend: hip, hip:N */
    const char *save;    /* folder for the prefill's data and result; NULL: not wanted */
    int64_t rank;        /* shapes to rank; 0: none */
    int64_t seed;        /* that draws them */
    bool rates;          /* decode and prefill */
    bool json;
};

struct bench_gpu {
    struct bench_gpu_options options;
    struct attn_backend *backend;
    const struct attn_hip_ops *ops;
    struct attn_device device;
    double copy_rate; /* bytes read and written a second by a copy on the device */
};

/* One number: `name` of letters, digits and _. */
void bench_gpu_put(const struct bench_gpu *b, const char *name, const char *unit, double value);

/* ---- A problem on the GPU -------------------------------------------------------------------------------- */

enum { BENCH_MEMORIES_MAX = 16, BENCH_REPEATS_MAX = 64 };

struct bench_problem {
    struct attn_case c;
    struct attn_key key;
    struct attn_image image; /* roles are not there: nothing is looked for in gaps */
    struct attn_memory *memory[BENCH_MEMORIES_MAX];
    int n_memories;
};

/* A problem's line, its data and `memories` copies of them on the GPU, each with a workspace of so many bytes. Values
 * of Q, K and V are uniform in [-1, 1); those of K and V repeat after a few thousand rows, which no cache is large
 * enough to notice. A mask is causal. False with a message when there is no room. */
bool bench_problem_open(struct bench_gpu *b, const char *line, int64_t workspace_bytes, int memories,
                        struct bench_problem *p);
void bench_problem_close(struct bench_gpu *b, struct bench_problem *p);

/* Median milliseconds of `repeats` runs of a plan after two to warm up; *spread, if not NULL, gets the distance between
 * the medians of the runs' two halves. Negative, with a message, when it fails. */
double bench_milliseconds(struct bench_gpu *b, struct bench_problem *p, const struct attn_plan *plan, int repeats,
                          double *spread);
double bench_median(double values[], int n);

/* The plan's result against the reference of a few rows; downloads all buffers into the image. False with a message. */
bool bench_judge(struct bench_gpu *b, struct bench_problem *p, const struct attn_plan *plan);

#endif
