/* attn_planner.h: the route planner for attention on AMD HIP (and HIP on NVIDIA).
 *
 * Given a device and one FlashAttention call (a problem, attn_problem.h: shapes, strides, types; no data) the planner
 * chooses the kernel that runs it, with everything a launch needs, and can say of every other kernel which
 * rule of its contract kept it out. The guarantee: for every legal problem on every valid device a kernel
 * is able. For the known head sizes it is one other than `naive`.
 *
 * Every function here is as those of attn_problem.h: pure, safe to call from any thread at once, of bounded time.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PLANNER_H
#define ATTN_PLANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/attn_problem.h"
#include "planner/tables.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Known head sizes ---------------------------------------------------------------------------- */

enum {
#define X(dk, dv) ATTN_HEAD_SIZE_##dk##_##dv,
    ATTN_HEAD_SIZES(X)
#undef X
        ATTN_HEAD_SIZE_COUNT
};

struct attn_head_size {
    int32_t d_k, d_v;
};

/* Head sizes number index of the table, 0 <= index < ATTN_HEAD_SIZE_COUNT; NULL outside. */
const struct attn_head_size *attn_head_size(int index);
/* Their index, -1 when the pair is not in the table. */
int attn_head_size_find(int64_t d_k, int64_t d_v);
/* Is a pair a known one? Those of the table are, and every multiple of 8 from 8 to 576, of K and V alike. */
bool attn_head_size_known(int64_t d_k, int64_t d_v);
/* The index of the instance that a known pair runs on, of those that are bits of `instances`: its own; where they have
 * none for it, the smallest that is no smaller, with zeros behind each row. -1 when there is none. */
int attn_head_size_instance(int64_t d_k, int64_t d_v, int64_t instances);
/* A pair of head sizes as a rule's operand: the index of one of the table, else a negative number that holds the pair
 * (each clipped to 2^31 - 1), so that a text can name it. _pair is the way back. */
int64_t attn_head_size_operand(int64_t d_k, int64_t d_v);
struct attn_head_size attn_head_size_pair(int64_t operand);

/* ---- Device -------------------------------------------------------------------------------------- */

enum attn_matrix {
#define X(NAME, name, wave, base, madds, ...) ATTN_MATRIX_##NAME,
    ATTN_MATRICES(X)
#undef X
        ATTN_MATRIX_COUNT
};

/* "mfma" */
const char *attn_matrix_name(int family);

/* The family whose instructions a family has besides its own; itself where there is none. */
static inline int attn_matrix_base(int family)
{
    switch (family) {
#define X(NAME, name, wave, base, madds, ...) \
    case ATTN_MATRIX_##NAME: return ATTN_MATRIX_##base;
        ATTN_MATRICES(X)
#undef X
    default: return family;
    }
}

/* Do matrix cores of one family run what those of another run? */
static inline bool attn_matrix_runs(int family, int other)
{
    return family == other || attn_matrix_base(family) == other;
}

/* What a GPU can do. All limits are per workgroup (block) or per launch. */
struct attn_device {
    char name[16];            /* "gfx942"; terminated */
    int32_t wave_size;        /* lanes of a wave (warp): 32 or 64 */
    int32_t n_cu;             /* compute units (SMs) */
    int32_t lds_bytes;        /* LDS (shared memory) a workgroup can have, static and dynamic together */
    int32_t lds_static_bytes; /* of which at most so much static */
    int32_t max_threads;      /* threads of a workgroup */
    uint32_t max_grid[3];     /* workgroups of a launch in x, y, z */
    int32_t matrix;           /* enum attn_matrix */
    uint8_t dot_f16;          /* packed f16 dot product with f32 accumulation */
    uint8_t matrix_flush;     /* the matrix cores flush f16 and bf16 subnormals */
    uint8_t async_copy;       /* copies of 4, 8 and 16 bytes from memory to LDS that need no registers */
};

/* The device table: row index, NULL outside 0 <= index < attn_device_count(). */
int attn_device_count(void);
const struct attn_device *attn_device(int index);
/* The row of that name; NULL when there is none. */
const struct attn_device *attn_device_find(const char *name);

/* NULL when the description is one the planner can plan for, else what is wrong with it. The least a device
 * must have: wave 32 or 64, 1 compute unit, 256 threads, 20 KiB of LDS (static too), a grid of 1024 x 1 x 1. */
const char *attn_device_check(const struct attn_device *device);

/* Weakening number index of a device: a copy with one capability removed or one limit halved; *what (if not
 * NULL) gets its name, e.g. "lds/2". Returns false past the last, or where the device lacks what would be
 * taken (then try the next index), so loop over 0 <= index < attn_weakening_count(). */
int attn_weakening_count(void);
bool attn_device_weaken(const struct attn_device *device, int index, struct attn_device *out, const char **what);

/* The row, and the weakening of it (-1: none), that text[0..len) names: "gfx942", "gfx942~lds/2". False when there is
 * none, with *row -1 when already the row is not there. */
bool attn_device_named(const char *text, size_t len, int *row, int *weakening);

/* Is `a` at least as capable as `b` in every field that contracts read? (P6) */
bool attn_device_covers(const struct attn_device *a, const struct attn_device *b);

/* ---- Plan key ------------------------------------------------------------------------------------ */

/* Everything the planner looks at: a plan is a function of (device, key) alone, so a plan kept under its key
 * serves every problem with that key. n_kv and n_q are bucket ceilings. */
struct attn_key {
    int64_t n_q;  /* the bucket's ceiling: exact up to 8, then four buckets an octave */
    int64_t n_kv; /* the bucket's ceiling: multiples of 32 up to 256, then four buckets an octave */
    int64_t d_k, d_v;
    int64_t n_head, n_head_kv, n_seq;
    int64_t mask_heads, mask_seqs; /* extents of the mask, 0 without one */
    int64_t k_copy[3], v_copy[3];  /* extents 1..3 that a dense copy of K, V has: n_kv ceiling, heads,
                                      sequences, or 1 where broadcast */
    uint8_t type_k, type_v;
    uint8_t align_k, align_v; /* log2 of the bytes every row start is a multiple of: 0..4 */
    uint8_t softcap, alibi, sinks;
    uint8_t reserved;
};

bool attn_key_equal(const struct attn_key *a, const struct attn_key *b);
/* The same on every machine. */
uint64_t attn_key_hash(const struct attn_key *key);

/* The key of a legal problem. Strides of extent-1 dimensions do not enter it. */
void attn_key_of(const struct attn_problem *problem, struct attn_key *key);

/* The key as one token (letters, digits and . _ - / only), at most 159 characters; returns its length. */
size_t attn_key_text(const struct attn_key *key, char *text, size_t cap);

/* Ceilings of the buckets that n_q and n_kv fall in (INT64_MAX when the ceiling would pass it). */
int64_t attn_bucket_n_q(int64_t n_q);
int64_t attn_bucket_n_kv(int64_t n_kv);

/* ---- Kernels and their contracts ------------------------------------------------------------------ */

enum attn_kernel_id {
#define X(name) ATTN_KERNEL_##name,
    ATTN_KERNELS(X)
#undef X
        ATTN_KERNEL_COUNT
};

enum attn_relation {
#define X(NAME, name, fails, holds) ATTN_REL_##NAME,
    ATTN_RELATIONS(X)
#undef X
        ATTN_REL_COUNT
};

enum attn_unit {
#define X(NAME, name, after) ATTN_UNIT_##NAME,
    ATTN_UNITS(X)
#undef X
        ATTN_UNIT_COUNT
};

/* A named condition of a contract. */
struct attn_rule {
    const char *name;    /* unique within its kernel, e.g. "lds" */
    const char *meaning; /* a phrase: "LDS of the smallest configuration fits the device" */
    uint8_t relation;    /* enum attn_relation */
    uint8_t unit;        /* enum attn_unit of both operands */
    uint8_t structural;  /* no instance exists, as opposed to: this call or device is outside its reach */
    void (*operands)(const struct attn_device *, const struct attn_key *, int64_t *lhs, int64_t *rhs);
};

/* Why a rule is needed, where running problems that fail it alone cannot show it (P4). */
struct attn_rule_need {
    const char *rule; /* its name */
    const char *why;  /* a sentence's end */
};

/* A step of a kernel's cost: of two problems, one step apart in one extent, the one with no more work to do may cost
 * more than three times as much (P11), because a region ends between them. */
struct attn_cost_step {
    const char *name;   /* unique within its kernel, e.g. "head_size" */
    const char *why;    /* a sentence's end: what makes the problems on this side dear */
    uint32_t times_max; /* how many times the neighbour's cost they may cost, 0: any number */
    bool (*dear)(const struct attn_device *, const struct attn_key *); /* does a problem lie on the dear side? */
};

struct attn_plan;

/* A kernel as the planner sees it; one constant object in each planner/contracts/kernel_<name>.c. */
struct attn_kernel {
    const char *name;
    const char *purpose;
    const struct attn_rule *rules; /* in the order they are tried */
    int n_rules;
    const struct attn_rule_need *needs; /* NULL: running shows of every rule that is not structural what it is for */
    int n_needs;
    const struct attn_cost_step *steps; /* NULL: its cost has none */
    int n_steps;
    /* Fills configuration, launches and workspace of a plan whose contract holds. */
    void (*configure)(const struct attn_device *, const struct attn_key *, struct attn_plan *);
    /* Estimated time in units of 1/16 ns on the device, saturating; what makes a kernel fast lives here. */
    uint64_t (*cost)(const struct attn_device *, const struct attn_key *, const struct attn_plan *);
};

#define X(name) extern const struct attn_kernel attn_kernel_##name;
ATTN_KERNELS(X)
#undef X

/* Kernel number id; NULL outside 0 <= id < ATTN_KERNEL_COUNT. */
const struct attn_kernel *attn_kernel(int id);
/* Its id; -1 when no kernel has that name. */
int attn_kernel_find(const char *name);

/* Does the relation hold between the operands? Evaluates recorded operands again (P3). */
bool attn_relation_holds(int relation, int64_t lhs, int64_t rhs);

/* ---- Trace --------------------------------------------------------------------------------------- */

/* What became of one kernel: able at a cost, or out for the first rule that failed, with its operands. */
struct attn_verdict {
    uint8_t able;
    int16_t rule;     /* index into the kernel's rules; -1 when able */
    int64_t lhs, rhs; /* operands of that rule */
    uint64_t cost;    /* when able */
};

/* First-failure verdicts of every kernel, in list order, and the kernel chosen. */
struct attn_trace {
    struct attn_verdict verdict[ATTN_KERNEL_COUNT];
    int32_t chosen; /* enum attn_kernel_id; -1: none, a broken guarantee */
};

/* One rule evaluated, in the mode that evaluates all of them. */
struct attn_rule_result {
    uint8_t holds;
    int64_t lhs, rhs;
};

/* ---- Plan ---------------------------------------------------------------------------------------- */

enum attn_step {
#define X(NAME, name) ATTN_STEP_##NAME,
    ATTN_STEPS(X)
#undef X
        ATTN_STEP_COUNT
};

enum attn_region {
#define X(NAME, name) ATTN_REGION_##NAME,
    ATTN_REGIONS(X)
#undef X
        ATTN_REGION_COUNT
};

/* "convert_k"; "partial" */
const char *attn_step_name(int step);
const char *attn_region_name(int region);

struct attn_launch {
    uint32_t grid[3];           /* workgroups */
    uint32_t block[3];          /* threads */
    uint32_t lds_static_bytes;  /* what the kernel instance declares */
    uint32_t lds_dynamic_bytes; /* what the launch adds */
};

/* How one of a row's sums over keys is added up, as far as a wave does it (struct attn_arithmetic has waves and
 * splits).
 */
struct attn_chain {
    int32_t lanes; /* accumulators that the keys of a tile are dealt out to, as many to each; 0 is 1 */
    int32_t joins; /* additions, at most, between a wave's accumulator and the result of a workgroup */
    int32_t block; /* what one accumulator has at any time are all keys of a split before a multiple of `block` keys,
                      and some of the block after that; 0: it is not said which */
};

/* How the route's arithmetic differs from f32 throughout, and in what order it adds: what the error bound has to know.
 */
struct attn_arithmetic {
    uint8_t q_type, k_type, v_type; /* what Q, K, V are rounded to where they are used; K, V: their own type
                                       when not rounded */
    uint8_t p_type;                 /* what softmax weights are rounded to; ATTN_F32: not at all */
    uint8_t flush;                  /* f16 and bf16 subnormals may be flushed */
    uint8_t matrix;                 /* both products are summed by matrix cores, which may truncate */
    uint8_t q_parts, p_parts;       /* Q, weights: the sum of so many numbers of q_type, p_type; 0 is 1. Q as q8_0 in
                                       two parts: blocks of 32 numbers of 16 bits with a scale of f32 */
    uint8_t q_shift;                /* Q's rows are multiplied by a power of two before they are rounded, so that
                                       their largest element is at least 2^q_shift; 0: they are not */
    uint8_t q_rest_first;           /* all products of Q's second part are added up before those of its first: partial
                                       sums are small until then, so these roundings hardly count */
    uint8_t p_shift;                /* weights are multiplied by 2^p_shift before they are rounded */
    uint8_t mask_asked;             /* a tile's mask that is all zeros for a wave's columns, and lies well, is not
                                       added, and scores become weights by other roundings then: the bits of a row
                                       depend on the rows beside it and on where tensors lie */
    int32_t kv_tile;                /* keys between two rescales; 0 is 1 */
    int32_t splits;                 /* parts of n_kv, whole tiles each; a combine adds theirs up one after the other;
                                       0 is 1 */
    int32_t waves;                  /* that take a split's tiles by turns; 0 is 1 */
    int32_t merges;                 /* factors that a wave's result is multiplied by before the split's is there */
    int32_t dot_chain;              /* of a dot product of D_K: additions one after the other, of matrix cores
                                       instructions, at most; 0: as many as there are products */
    int32_t dot_joins;              /* further additions, and factors, up to its score */
    int32_t depth;                  /* products that an instruction of the matrix cores adds up */
    struct attn_chain weights;      /* the sum of softmax weights */
    struct attn_chain values;       /* the sum of weights times V */
};

struct attn_plan {
    int32_t kernel;      /* enum attn_kernel_id */
    int32_t head_size;   /* index of the instance's head sizes, which a padded problem's are below; -1: any */
    int32_t columns;     /* query columns of a tile: a column is a (query row, query head) pair of one KV
                            head, number iq * gqa + head; any GQA ratio packs without padding */
    int32_t columns_q;   /* of which rows and heads when the ratio divides: columns = columns_q * */
    int32_t columns_gqa; /* columns_gqa; informative */
    int32_t kv_tile;     /* keys of a tile */
    int32_t waves;       /* waves of a workgroup of the main launch */
    int32_t wave_size;
    int32_t splits;               /* parts that n_kv is cut into; 1: no combine */
    int32_t load_k, load_v;       /* bytes of one load of a K, V row: 16, or down to the type's alignment */
    int32_t stage_k, stage_v;     /* bytes of one copy of K, V rows into LDS: 16, 8 or 4; 0: they are not staged */
    int32_t scan;                 /* 1: fully masked KV tiles are found beforehand */
    int32_t scan_q;               /* query rows of a scan block */
    int32_t convert_k, convert_v; /* type converted to before the main launch, -1: read as it is */
    uint32_t steps;               /* bit set of enum attn_step: the launches it has */
    struct attn_launch launch[ATTN_STEP_COUNT];
    int64_t region_offset[ATTN_REGION_COUNT]; /* bytes into the workspace; multiples of 256 */
    int64_t region_bytes[ATTN_REGION_COUNT];  /* 0: not used */
    int64_t workspace_bytes;
    struct attn_arithmetic arithmetic;
    struct attn_device device; /* the device, with the limits the plan was checked against */
    struct attn_key key;
    uint64_t cost;
};

/* Plans a legal problem on a valid device: the cheapest able kernel, ties to list order. Returns the kernel's
 * id, or -1 if no kernel is able (never, by the guarantee; callers should still look). plan and trace may
 * each be NULL; with a trace every kernel of the list is accounted for. */
int attn_plan(const struct attn_device *device, const struct attn_problem *problem, struct attn_plan *plan,
              struct attn_trace *trace);

/* The same from a key. attn_plan is attn_key_of and this. */
int attn_plan_key(const struct attn_device *device, const struct attn_key *key, struct attn_plan *plan,
                  struct attn_trace *trace);

/* Plans one given kernel. Returns true when it is able and fills *plan; else false. *verdict as in a trace.
 * plan and verdict may be NULL. A number that is no kernel's is not able, without a rule (-1). */
bool attn_plan_kernel(const struct attn_device *device, const struct attn_key *key, int kernel, struct attn_plan *plan,
                      struct attn_verdict *verdict);

/* Is a kernel able? True exactly when attn_plan returns one: it is the same code. */
bool attn_supports(const struct attn_device *device, const struct attn_problem *problem);

/* Evaluates every rule of a kernel's contract, also after one failed. Writes at most cap results and returns
 * how many rules there are; 0 for a number that is no kernel's. */
int attn_explain(const struct attn_device *device, const struct attn_key *key, int kernel,
                 struct attn_rule_result *results, int cap);

/* Are two plans the same, field by field? Of their devices the names are compared. */
bool attn_plan_equal(const struct attn_plan *a, const struct attn_plan *b);

/* NULL when the plan's launches are within its device's limits and its workspace regions are in order and do
 * not overlap, else what is wrong. */
const char *attn_plan_check(const struct attn_plan *plan);

/* ---- Text ---------------------------------------------------------------------------------------- */

/* Text and JSON of results; one line each without a newline, except attn_trace_text and attn_plan_text, which
 * are a few lines. All return the length the whole text has, and terminate when cap > 0.
 * JSON of a plan has at least kernel, device, grid, block, lds_static_bytes, lds_dynamic_bytes (of the main
 * launch), workspace_bytes, splits, columns, key. */
size_t attn_plan_text(const struct attn_plan *plan, char *text, size_t cap);
size_t attn_plan_json(const struct attn_plan *plan, char *text, size_t cap);
size_t attn_trace_text(const struct attn_device *device, const struct attn_trace *trace, char *text, size_t cap);
size_t attn_trace_json(const struct attn_device *device, const struct attn_trace *trace, char *text, size_t cap);
/* One rule with its operands: "vec.head_size: 80/80 is none of 64, 128, 256, 512". */
size_t attn_rule_text(int kernel, int rule, bool holds, int64_t lhs, int64_t rhs, char *text, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
