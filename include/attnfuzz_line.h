/* attnfuzz_line.h: one line of text that says exactly what a FlashAttention call of ggml was, for the place where a
 * program is about to give up on it. `attnfuzz plan`, `explain`, `run` and `check` read the line.
 *
 *     #include "ggml.h"
 *     #include "attnfuzz_line.h"
 *     ...
 *     char line[ATTNFUZZ_LINE_MAX];
 *     attnfuzz_line_of_node(dst, line, sizeof line);                  // a GGML_OP_FLASH_ATTN_EXT node
 *     GGML_ABORT("no FlashAttention kernel for: %s", line);
 *
 * One header, C99 and C++, nothing but ggml.h before it and libc. It allocates nothing, takes no lock and reads the
 * tensors' descriptions, never their data. Format: attnfuzz, planner/attn_problem.h (attn_problem_parse).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_LINE_H
#define ATTNFUZZ_LINE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ATTNFUZZ_LINE_MAX = 1536 }; /* always enough */

struct attnfuzz_line_text {
    char *text;
    size_t cap, len; /* len: of the whole text, as snprintf counts */
};

static inline void attnfuzz_line_add(struct attnfuzz_line_text *out, const char *part)
{
    for (; *part; part++, out->len++)
        if (out->len + 1 < out->cap)
            out->text[out->len] = *part;
    if (out->cap > 0)
        out->text[out->len < out->cap ? out->len : out->cap - 1] = 0;
}

static inline void attnfuzz_line_add_number(struct attnfuzz_line_text *out, const char *before, int64_t number)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRId64, number);
    attnfuzz_line_add(out, before);
    attnfuzz_line_add(out, digits);
}

/* Nine digits bring every float back (C99, 5.2.4.2.2); whatever the locale has for a point, the line has '.'. */
static inline void attnfuzz_line_add_float(struct attnfuzz_line_text *out, const char *before, float value)
{
    char digits[64], clean[64];
    size_t n = 0;
    snprintf(digits, sizeof digits, "%.9g", (double)value);
    for (const char *c = digits; *c; c++) {
        if ((*c >= '0' && *c <= '9') || *c == '-' || *c == '+' || (*c >= 'a' && *c <= 'z'))
            clean[n++] = *c;
        else if (n == 0 || clean[n - 1] != '.')
            clean[n++] = '.';
    }
    clean[n] = 0;
    attnfuzz_line_add(out, before);
    attnfuzz_line_add(out, clean);
}

/* The tensor that a view is one of, as ggml keeps it (always the first one, never a view). */
static inline const struct ggml_tensor *attnfuzz_line_base(const struct ggml_tensor *t)
{
    return t->view_src ? t->view_src : t;
}

/* Where a tensor begins, in bytes of a space that views of one tensor share. */
static inline uintptr_t attnfuzz_line_place(const struct ggml_tensor *t)
{
    return t->data ? (uintptr_t)t->data : t->view_src ? (uintptr_t)t->view_offs : 0;
}

/* " k=f16[128,256,8,1]@a+64:256,65536,524288". Sources q, k, v, mask, sinks, src5 are numbers 0 to 5. */
static inline void attnfuzz_line_add_tensor(struct attnfuzz_line_text *out, const struct ggml_tensor *const source[6],
                                            int which)
{
    static const char *const names[6] = { " q=", " k=", " v=", " mask=", " sinks=", " src5=" };
    static const char *const letters[6] = { "@a", "@b", "@c", "@d", "@e", "@f" };
    const struct ggml_tensor *t = source[which];
    uintptr_t lowest = attnfuzz_line_place(t);
    int first = which, shared = 0;
    for (int other = 5; other >= 0; other--)
        if (source[other] && attnfuzz_line_base(source[other]) == attnfuzz_line_base(t) && other != which) {
            shared = 1;
            if (other < first)
                first = other;
            if (attnfuzz_line_place(source[other]) < lowest)
                lowest = attnfuzz_line_place(source[other]);
        }
    int64_t offset =
        (int64_t)(attnfuzz_line_place(t) - lowest / 256 * 256); /* buffers of a line begin at multiples of 256 */
    attnfuzz_line_add(out, names[which]);
    attnfuzz_line_add(out, ggml_type_name(t->type));
    for (int d = 0; d < 4; d++)
        attnfuzz_line_add_number(out, d ? "," : "[", t->ne[d]);
    attnfuzz_line_add(out, "]");
    if (shared)
        attnfuzz_line_add(out, letters[first]);
    if (offset)
        attnfuzz_line_add_number(out, "+", offset);
    size_t row = (size_t)(t->ne[0] / ggml_blck_size(t->type)) * t->nb[0]; /* nb[0] is a block */
    if (t->nb[1] != row || t->nb[2] != row * (size_t)t->ne[1] || t->nb[3] != row * (size_t)t->ne[1] * (size_t)t->ne[2])
        for (int d = 1; d < 4; d++)
            attnfuzz_line_add_number(out, d == 1 ? ":" : ",", (int64_t)t->nb[d]);
}

/* The line of a call, into text[0..cap). mask and sinks may be NULL. Returns the length that the whole line has. */
static inline size_t attnfuzz_line(const struct ggml_tensor *q, const struct ggml_tensor *k,
                                   const struct ggml_tensor *v, const struct ggml_tensor *mask,
                                   const struct ggml_tensor *sinks, float scale, float max_bias, float softcap,
                                   char *text, size_t cap)
{
    const struct ggml_tensor *source[6];
    struct attnfuzz_line_text out = { NULL, 0, 0 };
    out.text = text;
    out.cap = cap;
    source[0] = q, source[1] = k, source[2] = v, source[3] = mask, source[4] = sinks, source[5] = NULL;
    attnfuzz_line_add(&out, "fa1");
    for (int i = 0; i < 5; i++)
        if (source[i])
            attnfuzz_line_add_tensor(&out, source, i);
    if (!(scale == 1.0f))
        attnfuzz_line_add_float(&out, " scale=", scale);
    if (!(softcap == 0.0f))
        attnfuzz_line_add_float(&out, " softcap=", softcap);
    if (!(max_bias == 0.0f))
        attnfuzz_line_add_float(&out, " max_bias=", max_bias);
    return out.len;
}

/* The same of a GGML_OP_FLASH_ATTN_EXT node: sources Q, K, V, mask, sinks, and one more where a fork has it; parameters
 * scale, max_bias, softcap, prec, n_kv_max (ggml.c, ggml_flash_attn_ext and the functions that set the last two). A
 * prec that is not the default is the one that a line without any means. */
static inline size_t attnfuzz_line_of_node(const struct ggml_tensor *node, char *text, size_t cap)
{
    float parameters[3];
    struct attnfuzz_line_text out = { NULL, 0, 0 };
    const struct ggml_tensor *source[6];
    out.text = text;
    out.cap = cap;
    memcpy(parameters, node->op_params, sizeof parameters);
    out.len = attnfuzz_line(node->src[0], node->src[1], node->src[2], node->src[3], node->src[4], parameters[0],
                            parameters[1], parameters[2], text, cap);
    if (node->op_params[3] == 0)
        attnfuzz_line_add(&out, " prec=default");
    if (node->op_params[4] > 0)
        attnfuzz_line_add_number(&out, " n_kv_max=", node->op_params[4]);
    for (int i = 0; i < 6; i++)
        source[i] = node->src[i];
    if (source[5])
        attnfuzz_line_add_tensor(&out, source, 5);
    return out.len;
}

#endif
