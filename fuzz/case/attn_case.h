/* attn_case.h: a case is a problem and how it is run: one line of the corpus. Left of '|' the problem, right of
 * it the run. A line with its run part reproduces a failure bit for bit on the host backend.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_CASE_H
#define ATTN_CASE_H

#include "kernels/attn_backend.h"
#include "planner/attn_planner.h"

/* What Q, K, V hold. X(NAME, name, meaning) */
#define ATTN_DATA_PROFILES(X)                                                          \
    X(UNIFORM, uniform, "independent, uniform in (-1, 1)")                             \
    X(RISING, rising, "keys grow along n_kv: the running maximum keeps moving")        \
    X(LARGE, large, "magnitudes up to f16's limits in V, scores up to some hundreds")  \
    X(NEGATIVE, negative, "every score strongly negative")                             \
    X(CONSTANT_V, constant_v, "V constant along n_kv")                                 \
    X(ZEROS, zeros, "signed zeros among the values")                                   \
    X(PEAK, peak, "one key holds nearly all the weight")                               \
    X(WITNESS, witness, "keys of their own weight and V, one in 32 and some anywhere") \
    X(DEEP, deep, "scores near -30,000 or past -65,504, of which one stands out")      \
    X(STAIRS, stairs, "the maximum rises once in 32 keys")                             \
    X(CANCEL, cancel, "V of alternating sign, so that sums cancel")

/* What the mask holds; used when the problem has one. Each is cut to the problem's shape. */
#define ATTN_MASK_CONTENTS(X)                                             \
    X(CAUSAL, causal, "query i sees keys up to n_kv - n_q + i")           \
    X(NONE, none, "all zero")                                             \
    X(WINDOW, window, "causal with a sliding window")                     \
    X(RANDOM, random, "each key excluded with probability 1/2")           \
    X(TILES, tiles, "whole runs of 32 to 256 keys excluded")              \
    X(ROWS, rows, "some rows exclude everything")                         \
    X(PREFIX, prefix, "each sequence has its own live length, 0 allowed") \
    X(BIAS, bias, "finite biases down to -1000 and some exclusions")      \
    X(ALL, all, "everything excluded")                                    \
    X(FINITE, finite, "-65504 where causal excludes, in some rows at every key, in some at the only one")

/* Twins of a case: other problems that must have the same result, or one that follows from it (P8).
 * X(NAME, name, what the twin is) */
#define ATTN_TWINS(X)                                                            \
    X(KEYS, keys, "the keys in another order, and the mask with them")           \
    X(HALVES, halves, "the keys before and after a cut, run each alone, merged") \
    X(HEADS, heads, "some of the heads alone, as after a tensor split")          \
    X(PADDED, padded, "more keys, which the mask excludes")                      \
    X(LAYOUT, layout, "the same values at other places in memory")               \
    X(SEQUENCE, sequence, "one sequence alone")                                  \
    X(CONSTANT, constant, "a constant V, which must come back")                  \
    X(ROWS, rows, "the query rows in another order, or some of them alone")      \
    X(PLANES, planes, "planes of K, V and mask for each head, nothing shared")   \
    X(WAVE, wave, "a device of the other wave size")

enum attn_data_profile {
#define X(NAME, name, text) ATTN_DATA_##NAME,
    ATTN_DATA_PROFILES(X)
#undef X
        ATTN_DATA_COUNT
};
enum attn_mask_content {
#define X(NAME, name, text) ATTN_MASK_##NAME,
    ATTN_MASK_CONTENTS(X)
#undef X
        ATTN_MASK_CONTENT_COUNT
};
enum attn_twin_kind {
#define X(NAME, name, text) ATTN_TWIN_##NAME,
    ATTN_TWINS(X)
#undef X
        ATTN_TWIN_COUNT
};
/* "padded"; "unknown" outside the enum. */
const char *attn_twin_name(int kind);

struct attn_run {
    int32_t device;    /* index into the device table; -1: not said (text leaves it out) */
    int32_t weakening; /* index of attn_device_weaken; -1: none (text: dev=gfx942~lds/2) */
    int32_t kernel;    /* kernel to force, enum attn_kernel_id; -1: the planner's choice and all able ones */
    int32_t data;      /* enum attn_data_profile */
    int32_t mask;      /* enum attn_mask_content */
    int32_t dead;      /* 1: dead cells of K and V hold NaN and Inf; 0: they hold ordinary values */
    uint64_t seed;     /* of the data */
    uint64_t schedule; /* of the executor; 0: in order */
    uint64_t again;    /* a second schedule, under which it must give the same bits (P10); 0: none is said */
    int32_t twin;      /* enum attn_twin_kind that it is held against (P8); -1: none is said */
};

struct attn_case {
    struct attn_problem problem;
    struct attn_run run;
};

/* Run part with every default: what an empty right side means (device -1, uniform, causal, dead cells poisoned,
 * seeds 0). */
void attn_run_default(struct attn_run *run);

/* Equality of all that a line says (see attn_problem_equal), and a hash over just that. */
bool attn_case_equal(const struct attn_case *a, const struct attn_case *b);
uint64_t attn_case_hash(const struct attn_case *c);

/* What stands between the words of a line. */
static inline bool attn_is_blank(char c) { return c == ' ' || c == '\t'; }

/* Reads one line: problem, then optionally '|' and `dev=NAME[~WEAKENING] kernel=NAME data=NAME mask=NAME dead=0|1
 * seed=N schedule=N again=N twin=NAME`, each key at most once. Columns in *error count from 1 over the whole line. */
bool attn_case_parse(const char *line, size_t len, struct attn_case *out, struct attn_text_error *error);
/* The same where types of these names may stand, too (attn_problem_parse_types). */
bool attn_case_parse_types(const char *line, size_t len, const struct attn_foreign_types *types, struct attn_case *out,
                           struct attn_text_error *error);
/* The canonical line; defaults left out. Returns the length the whole line has. ATTN_CASE_LINE_MAX is enough. */
size_t attn_case_print(const struct attn_case *c, char *line, size_t cap);
enum { ATTN_CASE_LINE_MAX = ATTN_LINE_MAX + 256 };

/* Fills the image of a case's problem: Q, K, V, mask and sinks as its run part says, dead cells poisoned if it says
 * so. The same case gives the same bytes everywhere. All live values are finite. */
void attn_data_fill(const struct attn_case *c, struct attn_image *image);
/* The same of what a sample touches alone. Cells that its rows exclude hold ordinary values: whether they are dead is
 * for all rows to say. */
void attn_data_fill_sample(const struct attn_case *c, const struct attn_sample *sample, struct attn_image *image);

/* Keys of which each has a weight and a V of its own (data profile witness), so that a result without it is
 * another: at most cap of them, drawn by the data's seed where there are more. Returns how many. Masks and
 * biases take the weight from some in some rows: one that has less than *least there is no witness of that row. */
int attn_data_witnesses(const struct attn_case *c, int64_t *keys, int cap, double *least);

#endif
