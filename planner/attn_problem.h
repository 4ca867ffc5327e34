/* attn_problem.h: one FlashAttention call without its data, a problem: its tensors, what it computes, whether it is
 * legal, and its line of text. Part of attn_planner.h, which plans it.
 *
 * Every function here is pure: no allocation, no global state, no environment, no locale; all are safe to
 * call from any thread at once, and their time is bounded. Tensors are in ggml's order: ne[0] is the fastest
 * dimension, nb[i] are strides in bytes.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PROBLEM_H
#define ATTN_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/tables.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types of elements --------------------------------------------------------------------------- */

enum attn_type {
#define X(NAME, name, elems, bytes, align, ggml) ATTN_##NAME,
    ATTN_TYPES(X)
#undef X
        ATTN_TYPE_COUNT
};

struct attn_type_info {
    const char *name;
    const char *ggml_name; /* of its number in ggml: "GGML_TYPE_Q8_0" */
    int32_t ggml;          /* which is this */
    int32_t block_elems;   /* elements in a block, 1 for the plain types */
    int32_t block_bytes;
    int32_t align_bytes; /* what an address of a block is at least a multiple of */
};

/* The row of a type; NULL when type is none of enum attn_type. */
const struct attn_type_info *attn_type_info(int type);

/* Bytes of a row of so many elements, whole blocks of them; saturates. */
int64_t attn_row_bytes(int type, int64_t elements);

/* A type that the table lacks and a library knows: what it says of it. The planner plans no call with one; it is legal
 * for the subject that the library is, and everything else that looks at tensors goes by this description. */
struct attn_foreign_type {
    struct attn_type_info info;
    uint8_t number; /* of enum attn_type's kind: ATTN_TYPE_FOREIGN and on, unlike any other of its list */
    bool kv;        /* a cache may be of it; false: integers and the like */
    void (*to_float)(const void *row, float *values, int64_t n);   /* NULL: nobody can read it */
    void (*from_float)(const float *values, void *row, int64_t n); /* NULL: nobody can write it */
};
enum { ATTN_TYPE_FOREIGN = 128, ATTN_FOREIGN_MAX = 120, ATTN_FOREIGN_NAME_MAX = 23 };

struct attn_foreign_types {
    const struct attn_foreign_type *type;
    int n; /* at most ATTN_FOREIGN_MAX */
};

/* ---- Problem ------------------------------------------------------------------------------------- */

struct attn_tensor {
    int64_t ne[4];   /* extents in elements; ne[0] fastest */
    int64_t nb[4];   /* strides in bytes; nb[0] is the size of an element or block; 0 broadcasts dims 1..3 */
    int64_t offset;  /* bytes from the start of its buffer; buffers start on 256-byte boundaries */
    uint8_t type;    /* enum attn_type */
    uint8_t buffer;  /* 0: a buffer of its own; 1..26: the buffer named 'a'..'z', shared by equal letters */
    uint8_t present; /* 0: this optional tensor (mask, sinks) is absent and nothing else of it is read */
    const struct attn_foreign_type *foreign; /* which one its type is; read only where type >= ATTN_TYPE_FOREIGN */
};

enum attn_operand {
#define X(NAME, name, type) ATTN_##NAME,
    ATTN_OPERANDS(X)
#undef X
        ATTN_OPERAND_COUNT,
    ATTN_FURTHER = ATTN_OPERAND_COUNT /* what errors call attn_problem.further */
};

/* "mask", "src5" for ATTN_FURTHER; "unknown" outside the enum, as all functions that name something have it. */
const char *attn_operand_name(int operand);

/* One call, without its data.
 *   q f32 [D_K, n_q, n_head, n_seq]     k [D_K, n_kv, n_head_kv, n_seq]     v [D_V, n_kv, n_head_kv, n_seq]
 *   mask f16 [>= n_kv, >= n_q, divides n_head, divides n_seq]     sinks f32 [n_head]
 *   dst f32 [D_V, n_head, n_q, n_seq]
 * Query head h reads KV head h / (n_head / n_head_kv), mask head h % mask.ne[2], mask sequence s % mask.ne[3].
 * Semantics (the order is ggml's): s = scale * q.k; softcap c > 0: s = c * tanh(s / c); a mask value of -inf
 * excludes the key, else s += slope(head) * mask; softmax over n_kv with the head's sink as one more logit
 * of weight zero; times V. A row without any live key and without sink is zeros. */
struct attn_problem {
    struct attn_tensor t[ATTN_OPERAND_COUNT]; /* indexed by enum attn_operand */
    float scale;
    float softcap;      /* 0: none */
    float max_bias;     /* 0: slope 1; > 0: ALiBi */
    int64_t head_first; /* the place of head 0 among all heads of the layer (a tensor split), for ALiBi */
    int64_t head_total; /* heads of the layer; n_head when nothing is split */
    /* What else a node of ggml says. The planner looks at none of it. */
    int32_t n_kv_max; /* no row of the mask has more finite values than this; 0: nothing is said */
    uint8_t prec;     /* enum attn_prec: what its caller asked for */
    /* A source behind the sinks (ggml: src[5]), whose meaning is its library's own. The planner plans no call that has
     * one. */
    struct attn_tensor further;
};

enum attn_prec {
    ATTN_PREC_UNSAID,
#define X(NAME, name) ATTN_PREC_##NAME,
    ATTN_PRECS(X)
#undef X
        ATTN_PREC_COUNT
};

enum attn_error_code {
#define X(NAME, name, text) ATTN_E_##NAME,
    ATTN_ERRORS(X)
#undef X
        ATTN_ERROR_COUNT
};

struct attn_error {
    int32_t code;    /* enum attn_error_code */
    int32_t operand; /* enum attn_operand it is about, where it is about one */
    int32_t dim;     /* 0..3, where it is about one */
    int64_t a, b;    /* the offending values, as the error's text names them */
};

/* Is the problem legal? Returns the code (ATTN_E_OK when legal) and, where error is not NULL, the first broken
 * rule with its values. Reads any bits in *problem safely, but for a pointer to a foreign type. Every other function
 * that takes a problem requires a legal one, and those that plan one that is not foreign. Two tensors of one buffer
 * share bytes, as far as this check is concerned, when the ranges from their first to their last byte meet: inputs q, k
 * and v may then, if they have one type (views of one buffer, interleaved or equal); mask, sinks and dst may not. */
int attn_problem_check(const struct attn_problem *problem, struct attn_error *error);

/* Is it a call that only the library knows whose type or source it has? No kernel here is able: attn_plan says -1. */
bool attn_problem_is_foreign(const struct attn_problem *problem);

/* The name of an error ("mask_kv"). */
const char *attn_error_name(int code);

/* The sentence for an error, with its values, into text[cap] (always terminated when cap > 0). Returns the
 * length the whole text has, as snprintf does. */
size_t attn_error_text(const struct attn_error *error, char *text, size_t cap);

/* ---- Tensors -------------------------------------------------------------------------------------- */

/* A present, contiguous tensor at the start of a buffer of its own. */
void attn_tensor_set(struct attn_tensor *tensor, int type, int64_t ne0, int64_t ne1, int64_t ne2, int64_t ne3);

/* Strides of a contiguous tensor of the given extents and type. The products wrap; check afterwards. */
void attn_tensor_contiguous(struct attn_tensor *tensor);

/* The row of its type, or what its library says of that; NULL when it is none. */
const struct attn_type_info *attn_tensor_info(const struct attn_tensor *tensor);

/* Gives it the type of another tensor, and the strides of a contiguous one. */
void attn_tensor_retype(struct attn_tensor *tensor, const struct attn_tensor *as);

/* Gives it the type of another tensor, and the layout that it had, counted in elements. False where that does not work
 * out: some of its strides are as they were, then. The extents stay. */
bool attn_tensor_recount(struct attn_tensor *tensor, const struct attn_tensor *as);

/* Bytes of one of its rows; saturates. */
int64_t attn_tensor_row_bytes(const struct attn_tensor *tensor);

/* Do its elements lie as a contiguous tensor's? Strides of extent-1 dimensions are not looked at. */
bool attn_tensor_is_contiguous(const struct attn_tensor *tensor);

/* Are all its strides those that attn_tensor_contiguous gives, of extent-1 dimensions too, so that a line leaves them
 * out? A type that is none has the strides 0. */
bool attn_tensor_has_default_strides(const struct attn_tensor *tensor);

/* Bytes from a tensor's offset to the end of its last element; at least 1 for a legal tensor. */
int64_t attn_tensor_span(const struct attn_tensor *tensor);

/* The dimensions 1..3 by ascending stride, the lower one first where strides are equal. */
void attn_tensor_order(const struct attn_tensor *tensor, int order[3]);

/* Equality of all that a line says: two tensors are equal when both are absent, or when both are present and have equal
 * type, extents, strides, offset and buffer; floats are compared by their bits. Strides of extent-1 dimensions count,
 * though nothing looks at them, because a line can give them; nb[0] does not, because it cannot. Equal problems print
 * as the same line and have the same hash. */
bool attn_tensor_equal(const struct attn_tensor *a, const struct attn_tensor *b);
bool attn_problem_equal(const struct attn_problem *a, const struct attn_problem *b);

/* A hash over what attn_problem_equal compares; the same on every machine. */
uint64_t attn_problem_hash(const struct attn_problem *problem);

/* Multiply-adds of the problem: n_q * n_kv * n_head * n_seq * (D_K + D_V), INT64_MAX when larger. */
int64_t attn_problem_work(const struct attn_problem *problem);

static inline int64_t attn_n_q(const struct attn_problem *p) { return p->t[ATTN_Q].ne[1]; }
static inline int64_t attn_n_kv(const struct attn_problem *p) { return p->t[ATTN_K].ne[1]; }
static inline int64_t attn_n_head(const struct attn_problem *p) { return p->t[ATTN_Q].ne[2]; }
static inline int64_t attn_n_head_kv(const struct attn_problem *p) { return p->t[ATTN_K].ne[2]; }
static inline int64_t attn_n_seq(const struct attn_problem *p) { return p->t[ATTN_Q].ne[3]; }
static inline int64_t attn_d_k(const struct attn_problem *p) { return p->t[ATTN_Q].ne[0]; }
static inline int64_t attn_d_v(const struct attn_problem *p) { return p->t[ATTN_V].ne[0]; }

/* ALiBi slope of *global* head number head (head_first + h) as exp2(-attn_alibi_exponent): the exponent is
 * max_bias * (h + 1) / n for h < n, max_bias * (2 * (h - n) + 1) / (2 * n) else, with n the largest power of
 * two that is at most head_total. Source: ggml, ggml_soft_max_ext (m0, m1). */
double attn_alibi_exponent(const struct attn_problem *problem, int64_t head);

/* ---- Text ---------------------------------------------------------------------------------------- */

/* Where and why a text could not be read. */
struct attn_text_error {
    size_t column; /* of the offending character, from 1 */
    char message[128];
};

/* Reads the left part of a problem line, version fa1:
 *   fa1 q=TENSOR k=TENSOR v=TENSOR [mask=TENSOR] [sinks[=TENSOR]] [dst=TENSOR] [scale=F] [softcap=F]
 *       [max_bias=F] [heads=FIRST/TOTAL] [prec=default|f32] [n_kv_max=N] [src5=TENSOR]
 *   TENSOR: type[ne0,ne1,ne2,ne3]@buffer+offset:nb1,nb2,nb3
 * from text[0..len), up to a '|', a newline or the end; *used gets the number of bytes read (without those).
 * `@buffer` (a letter a-z), `+offset` and `:strides` may be left out: a buffer of its own, 0, contiguous.
 * `sinks` alone is f32[n_head,1,1,1]; dst left out is contiguous; scale left out is 1, softcap and max_bias
 * 0, heads 0/n_head. Keys come in any order, each at most once; unknown keys, missing q, k or v, and bad values
 * are errors. Returns true, or false with *error (column and message). Does not check legality. Needs no
 * memory besides its arguments, whatever the text. */
bool attn_problem_parse(const char *text, size_t len, struct attn_problem *problem, size_t *used,
                        struct attn_text_error *error);

/* The same where types of these names may stand, too; NULL: none. Of two of a name the table's is meant. Their
 * descriptions must outlive the problem. */
bool attn_problem_parse_types(const char *text, size_t len, const struct attn_foreign_types *types,
                              struct attn_problem *problem, size_t *used, struct attn_text_error *error);

/* The canonical left part of a problem's line, defaults left out; parsing it gives the same problem (fields
 * of absent tensors apart). Returns the length the whole text has; writes at most cap bytes with the
 * terminator. 1,536 bytes are always enough. */
size_t attn_problem_print(const struct attn_problem *problem, char *text, size_t cap);
enum { ATTN_LINE_MAX = 1536 };

/* A float as the shortest decimal text that reads back to the same bits ("nan" and "inf" as such), and back:
 * decimal or C99 hex; returns the number of bytes read, 0 when there is no number. Correctly rounded, no
 * locale. Out of range reads as inf; the caller judges. At most 20 bytes are written, with the terminator. */
size_t attn_float_print(float value, char *text, size_t cap);
size_t attn_float_parse(const char *text, size_t len, float *value);

#ifdef __cplusplus
}
#endif
#endif
