/* snippet_compute.c: see snippet_compute.h. What is printed uses ggml's public headers alone.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/snippet_compute.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/check/execute.h"
#include "subjects/ggml/node.h"

/* What is written out; more bytes make no program that anybody reads. */
enum { BYTES_MOST = 1 << 15, WORDS_A_LINE = 5 };

/* ---- The program's functions ----------------------------------------------------------------------------- */

static const char rows[] = "/* A source of the node, and the bytes that it begins with, here. */\n"
                           "struct source {\n"
                           "    const struct ggml_tensor *tensor;\n"
                           "    const char *bytes;\n"
                           "};\n\n"
                           "static const char *row_at(struct source s, int64_t i1, int64_t i2, int64_t i3)\n"
                           "{\n"
                           "    const size_t *nb = s.tensor->nb;\n"
                           "    return s.bytes + (size_t)i1 * nb[1] + (size_t)i2 * nb[2] + (size_t)i3 * nb[3];\n"
                           "}\n\n"
                           "static void row_values(struct source s, int64_t i1, int64_t i2, int64_t i3, float *out)\n"
                           "{\n"
                           "    const char *at = row_at(s, i1, i2, i3);\n"
                           "    if (s.tensor->type == GGML_TYPE_F32)\n"
                           "        memcpy(out, at, (size_t)s.tensor->ne[0] * sizeof *out);\n"
                           "    else\n"
                           "        ggml_get_type_traits(s.tensor->type)->to_float(at, out, s.tensor->ne[0]);\n"
                           "}\n\n";

static const char attention[] =
    "/* ALiBi, as ggml has it. */\n"
    "static double slope(int64_t head, int64_t n_head, double max_bias)\n"
    "{\n"
    "    int64_t n = 1;\n"
    "    while (2 * n <= n_head)\n"
    "        n *= 2;\n"
    "    if (max_bias <= 0)\n"
    "        return 1;\n"
    "    return head < n ? exp2(-max_bias / (double)n * (double)(head + 1))\n"
    "                    : exp2(-max_bias / 2 / (double)n * (double)(2 * (head - n) + 1));\n"
    "}\n\n"
    "/* One row of the result, in double precision. Returns the largest value of V that has a part in it. */\n"
    "static double attention(const struct source s[5], const float parameters[3], int64_t head, int64_t iq,\n"
    "                        int64_t seq, double *out)\n"
    "{\n"
    "    const struct ggml_tensor *q = s[0].tensor, *k = s[1].tensor, *v = s[2].tensor, *mask = s[3].tensor;\n"
    "    const int64_t d_k = k->ne[0], d_v = v->ne[0], n_kv = k->ne[1], kv_head = head / (q->ne[2] / k->ne[2]);\n"
    "    const double scale = parameters[0], softcap = parameters[2];\n"
    "    float *own = malloc((size_t)d_k * sizeof *own);\n"
    "    float *other = malloc((size_t)(d_k > d_v ? d_k : d_v) * sizeof *other);\n"
    "    double *score = malloc((size_t)n_kv * sizeof *score);\n"
    "    double top = s[4].tensor ? ((const float *)s[4].bytes)[head] : -INFINITY, sum = 0, largest = 0;\n"
    "    if (!own || !other || !score)\n        exit(3);\n"
    "    row_values(s[0], iq, head, seq, own);\n"
    "    for (int64_t key = 0; key < n_kv; key++) {\n"
    "        double bias = 0, dot = 0;\n"
    "        if (mask)\n"
    "            bias = (double)ggml_fp16_to_fp32(\n"
    "                ((const ggml_fp16_t *)row_at(s[3], iq, head % mask->ne[2], seq % mask->ne[3]))[key]);\n"
    "        score[key] = -INFINITY;\n"
    "        if (bias == -INFINITY)\n            continue;\n"
    "        row_values(s[1], key, kv_head, seq, other);\n"
    "        for (int64_t d = 0; d < d_k; d++)\n"
    "            dot += (double)own[d] * (double)other[d];\n"
    "        dot *= scale;\n"
    "        if (softcap > 0)\n            dot = softcap * tanh(dot / softcap);\n"
    "        score[key] = dot + slope(head, q->ne[2], (double)parameters[1]) * bias;\n"
    "        top = fmax(top, score[key]);\n"
    "    }\n"
    "    if (s[4].tensor)\n"
    "        sum = exp((double)((const float *)s[4].bytes)[head] - top);\n"
    "    for (int64_t d = 0; d < d_v; d++)\n"
    "        out[d] = 0;\n"
    "    for (int64_t key = 0; key < n_kv; key++) {\n"
    "        const double weight = score[key] == -INFINITY ? 0 : exp(score[key] - top);\n"
    "        if (weight == 0)\n            continue;\n"
    "        sum += weight;\n"
    "        row_values(s[2], key, kv_head, seq, other);\n"
    "        for (int64_t d = 0; d < d_v; d++) {\n"
    "            out[d] += weight * (double)other[d];\n"
    "            largest = fmax(largest, fabs((double)other[d]));\n"
    "        }\n"
    "    }\n"
    "    for (int64_t d = 0; d < d_v; d++)\n"
    "        out[d] = sum > 0 ? out[d] / sum : 0;\n"
    "    free(own);\n    free(other);\n    free(score);\n"
    "    return largest;\n"
    "}\n\n";

static const char comparison[] =
    "/* Is dst not what it must be? It is said how. most: what arithmetic in f16 can come to in a component. */\n"
    "static int compare(const struct source s[5], const float parameters[3], const struct ggml_tensor *dst,\n"
    "                   double most)\n"
    "{\n"
    "    float *const got = malloc(ggml_nbytes(dst)), *at = got;\n"
    "    double *want = malloc((size_t)dst->ne[0] * sizeof *want);\n"
    "    double square = 0, whole = 0, worst = 0, worst_got = 0, worst_want = 0;\n"
    "    long long where[4] = { 0, 0, 0, 0 }, broken = 0;\n"
    "    int far = 0;\n"
    "    if (!got || !want)\n        exit(3);\n"
    "    ggml_backend_tensor_get(dst, got, 0, ggml_nbytes(dst));\n"
    "    for (int64_t seq = 0; seq < dst->ne[3]; seq++)\n"
    "        for (int64_t iq = 0; iq < dst->ne[2]; iq++)\n"
    "            for (int64_t head = 0; head < dst->ne[1]; head++) {\n"
    "                const double largest = attention(s, parameters, head, iq, seq, want);\n"
    "                for (int64_t d = 0; d < dst->ne[0]; d++, at++) {\n"
    "                    const int lost = !isfinite(*at) && isfinite(want[d]);\n"
    "                    const double apart = lost ? INFINITY : fabs((double)*at - want[d]);\n"
    "                    broken += lost;\n"
    "                    square += lost ? 0 : apart * apart;\n"
    "                    whole += want[d] * want[d];\n"
    "                    far |= apart > (largest > 0 ? most : 1e-5);\n"
    "                    if (apart > worst) {\n"
    "                        worst = apart;\n"
    "                        worst_got = (double)*at;\n"
    "                        worst_want = want[d];\n"
    "                        where[0] = d, where[1] = head, where[2] = iq, where[3] = seq;\n"
    "                    }\n"
    "                }\n"
    "            }\n"
    "    printf(\"NMSE %g (ggml's test allows 5e-4), %lld components not finite\\n\",\n"
    "           whole > 0 ? square / whole : square, broken);\n"
    "    printf(\"worst: d=%lld head=%lld row=%lld seq=%lld is %g, must be %g\\n\",\n"
    "           where[0], where[1], where[2], where[3], worst_got, worst_want);\n"
    "    free(got);\n    free(want);\n"
    "    return broken || far || square > 5e-4 * whole + 1e-20;\n"
    "}\n\n";

static const char drawing[] =
    "/* Uniform numbers from -1 to 1 for all of a buffer. The finding's own bytes are too many to be written here. */\n"
    "static const char *draw(struct ggml_tensor *base)\n"
    "{\n"
    "    static uint64_t state = 1;\n"
    "    const int64_t n = ggml_nelements(base);\n"
    "    float *values = malloc((size_t)n * sizeof *values);\n"
    "    char *bytes = calloc(1, ggml_nbytes(base));\n"
    "    if (!values || !bytes)\n        exit(3);\n"
    "    for (int64_t i = 0; i < n; i++) {\n"
    "        uint64_t x = state += 0x9e3779b97f4a7c15; /* splitmix64 */\n"
    "        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;\n"
    "        x = (x ^ x >> 27) * 0x94d049bb133111eb;\n"
    "        values[i] = (float)((x ^ x >> 31) >> 40) / (1 << 23) - 1;\n"
    "    }\n"
    "    if (base->type == GGML_TYPE_F32)\n"
    "        memcpy(bytes, values, ggml_nbytes(base));\n"
    "    else\n"
    "        ggml_quantize_chunk(base->type, values, bytes, 0, 1, n, NULL);\n"
    "    free(values);\n"
    "    return bytes;\n"
    "}\n\n";

static const char drawing_mask[] =
    "/* Each row of Q attends to the keys up to its own. What lies past the last key is no key's, and large. */\n"
    "static const char *draw_mask(const struct ggml_tensor *base, const struct ggml_tensor *mask, size_t offset,\n"
    "                             int64_t n_kv, int64_t before)\n"
    "{\n"
    "    char *bytes = calloc(1, ggml_nbytes(base));\n"
    "    if (!bytes)\n        exit(3);\n"
    "    for (int64_t i = 0; i < ggml_nelements(mask); i++)\n"
    "        if (i % mask->ne[0] >= n_kv)\n"
    "            ((uint16_t *)(bytes + offset))[i] = 0x7bff; /* 65504 */\n"
    "        else if (i % mask->ne[0] > i / mask->ne[0] % mask->ne[1] + before)\n"
    "            ((uint16_t *)(bytes + offset))[i] = 0xfc00; /* -inf */\n"
    "    return bytes;\n"
    "}\n\n";

/* ---- Data ------------------------------------------------------------------------------------------------ */

/* The operands that have a base of their own, in their order: those whose tensors have memory. */
static bool is_base(const struct attn_problem *p, int o) { return p->t[o].present && ggml_node_base_of(p, o) == o; }

static int64_t base_bytes(const struct attn_problem *p, int o)
{
    return ggml_node_is_plain(p, o) ? attn_tensor_span(&p->t[o]) : ggml_node_base_bytes(p, o);
}

/* The name of a base in the program. */
static const char *base_suffix(const struct attn_problem *p, int o)
{
    return ggml_node_is_plain(p, o) ? "" : "_buffer";
}

static void put_bytes(FILE *out, const struct attn_problem *p, int o, const struct attn_subject_data *data)
{
    const int64_t from = ggml_node_is_plain(p, o) ? data->offset[o] : 0, size = base_bytes(p, o);
    const int64_t there = data->bytes[o] - from;
    fprintf(out, "static const uint64_t %s_bytes[] = {", attn_operand_name(o));
    for (int64_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        const int64_t n = size - at < 8 ? size - at : 8, have = there - at < n ? there - at : n;
        if (have > 0)
            memcpy(&word, data->buffer[o] + from + at, (size_t)have);
        fprintf(out, "%s0x%" PRIx64 ",", at / 8 % WORDS_A_LINE == 0 ? "\n    " : " ", word);
    }
    fputs("\n};\n", out);
}

bool check_snippet_functions(FILE *out, const struct attn_problem *p)
{
    struct attn_image image;
    int64_t bytes = 0;
    for (int o = 0; o < ATTN_DST; o++)
        if (is_base(p, o))
            bytes = bytes > BYTES_MOST ? bytes : bytes + base_bytes(p, o);
    const bool whole = bytes <= BYTES_MOST && check_execute_image(p, &image);
    fputs(rows, out);
    fputs(attention, out);
    fputs(comparison, out);
    if (!whole) {
        fputs(drawing, out);
        if (p->t[ATTN_MASK].present)
            fputs(drawing_mask, out);
        return false;
    }
    const struct attn_subject_data data = check_execute_data(p, &image);
    fputs("/* The tensors' bytes, eight in a number. */\n", out);
    for (int o = 0; o < ATTN_DST; o++)
        if (is_base(p, o))
            put_bytes(out, p, o, &data);
    putc('\n', out);
    attn_image_free(&image);
    return true;
}

void check_snippet_fill(FILE *out, const struct attn_problem *p, bool drawn)
{
    for (int o = 0; o < ATTN_DST; o++) {
        const char *name = attn_operand_name(o), *suffix = base_suffix(p, o);
        if (!is_base(p, o))
            continue;
        fprintf(out, "    const char *%s_data = ", name);
        if (!drawn)
            fprintf(out, "(const char *)%s_bytes;\n", name);
        else if (o == ATTN_MASK)
            fprintf(out, "draw_mask(%s%s, %s, %" PRId64 ", %" PRId64 ", %" PRId64 ");\n", name, suffix, name,
                    p->t[o].offset, attn_n_kv(p),
                    attn_n_q(p) > attn_n_kv(p) ? attn_n_kv(p) : attn_n_kv(p) - attn_n_q(p));
        else
            fprintf(out, "draw(%s%s);\n", name, suffix);
        fprintf(out, "    ggml_backend_tensor_set(%s%s, %s_data, 0, ggml_nbytes(%s%s));\n", name, suffix, name, name,
                suffix);
    }
}

void check_snippet_compare(FILE *out, const struct attn_problem *p)
{
    fputs("    if (status != GGML_STATUS_SUCCESS)\n        return 1;\n"
          "    const struct source sources[5] = {",
          out);
    for (int o = 0; o < ATTN_DST; o++) {
        const int base = ggml_node_base_of(p, o);
        if (!p->t[o].present)
            fprintf(out, "%s{ NULL, NULL }", o ? ", " : " ");
        else
            fprintf(out, "%s{ %s, %s_data + %" PRId64 " }", o ? ", " : " ", attn_operand_name(o),
                    attn_operand_name(base), ggml_node_is_plain(p, o) ? 0 : p->t[o].offset);
    }
    char limit[40] = "INFINITY";
    const double most = check_execute_limit(p);
    if (isfinite(most))
        snprintf(limit, sizeof limit, "%.17g", most);
    fprintf(out,
            " };\n    const float parameters[3] = { %af, %af, %af };\n"
            "    int wrong = compare(sources, parameters, node, %s);\n"
            "    printf(\"result: %%s\\n\", wrong ? \"wrong\" : \"right\");\n"
            "    return wrong;\n}\n",
            (double)p->scale, (double)p->max_bias, (double)p->softcap, limit);
}
