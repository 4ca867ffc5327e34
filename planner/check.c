/* check.c: is a problem legal? Every rule of the definition in attn_problem.h, each with its own error and
 * the values that broke it. This is the one place that reads untrusted extents and strides, so all its
 * arithmetic is checked; everything else relies on what it lets through. Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

static int fail(struct attn_error *error, int code, int operand, int dim, int64_t a, int64_t b)
{
    if (error) {
        error->code = code;
        error->operand = operand;
        error->dim = dim;
        error->a = a;
        error->b = b;
    }
    return code;
}

static bool is_finite(float f) { return (attn_float_bits(f) >> 23 & 0xff) != 0xff; }

/* The tensor that an error calls so. */
static const struct attn_tensor *operand_of(const struct attn_problem *p, int operand)
{
    return operand == ATTN_FURTHER ? &p->further : &p->t[operand];
}

static bool type_allowed(int operand, const struct attn_tensor *t)
{
    if (operand == ATTN_K || operand == ATTN_V || operand == ATTN_FURTHER)
        return attn_tensor_info(t) != NULL;
    return t->type == operand_types[operand];
}

/* Bytes of one dense row; the extent is known to be a multiple of the block. */
static bool row_bytes(const struct attn_tensor *t, int64_t *bytes)
{
    const struct attn_type_info *type = attn_tensor_info(t);
    return attn_mul(attn_div(t->ne[0], type->block_elems), type->block_bytes, bytes);
}

/* What a tensor is by itself: presence, type, buffer, extents, whole blocks. */
static int check_form(const struct attn_problem *p, int o, struct attn_error *error)
{
    const struct attn_tensor *t = operand_of(p, o);
    if (!t->present)
        return o == ATTN_MASK || o == ATTN_SINKS || o == ATTN_FURTHER ? ATTN_E_OK
                                                                      : fail(error, ATTN_E_ABSENT, o, 0, 0, 0);
    if (!type_allowed(o, t))
        return fail(error, ATTN_E_TYPE, o, 0, t->type, 0);
    if (t->buffer > 26)
        return fail(error, ATTN_E_BUFFER, o, 0, t->buffer, 0);
    for (int d = 0; d < 4; d++)
        if (t->ne[d] < 1)
            return fail(error, ATTN_E_EXTENT, o, d, t->ne[d], 0);
    const int64_t block = attn_tensor_info(t)->block_elems;
    if (t->ne[0] % block != 0)
        return fail(error, ATTN_E_BLOCK, o, 0, t->ne[0], block);
    return ATTN_E_OK;
}

/* How the tensors' extents fit together. */
static int check_shape(const struct attn_problem *p, struct attn_error *error)
{
    const int64_t *q = p->t[ATTN_Q].ne, *k = p->t[ATTN_K].ne, *v = p->t[ATTN_V].ne;
    if (k[0] != q[0])
        return fail(error, ATTN_E_D_K, ATTN_K, 0, k[0], q[0]);
    if (v[1] != k[1])
        return fail(error, ATTN_E_N_KV, ATTN_V, 1, v[1], k[1]);
    if (v[2] != k[2])
        return fail(error, ATTN_E_N_HEAD_KV, ATTN_V, 2, v[2], k[2]);
    if (k[3] != q[3])
        return fail(error, ATTN_E_N_SEQ, ATTN_K, 3, k[3], q[3]);
    if (v[3] != q[3])
        return fail(error, ATTN_E_N_SEQ, ATTN_V, 3, v[3], q[3]);
    if (q[2] % k[2] != 0)
        return fail(error, ATTN_E_GQA, ATTN_Q, 2, q[2], k[2]);

    if (p->t[ATTN_MASK].present) {
        const int64_t *m = p->t[ATTN_MASK].ne;
        if (m[0] < k[1])
            return fail(error, ATTN_E_MASK_KV, ATTN_MASK, 0, m[0], k[1]);
        if (m[1] < q[1])
            return fail(error, ATTN_E_MASK_Q, ATTN_MASK, 1, m[1], q[1]);
        if (q[2] % m[2] != 0)
            return fail(error, ATTN_E_MASK_HEADS, ATTN_MASK, 2, m[2], q[2]);
        if (q[3] % m[3] != 0)
            return fail(error, ATTN_E_MASK_SEQ, ATTN_MASK, 3, m[3], q[3]);
    }
    if (p->t[ATTN_SINKS].present) {
        const int64_t *s = p->t[ATTN_SINKS].ne, want[4] = { q[2], 1, 1, 1 };
        for (int d = 0; d < 4; d++)
            if (s[d] != want[d])
                return fail(error, ATTN_E_SINKS_SHAPE, ATTN_SINKS, d, s[d], want[d]);
    }
    const int64_t *dst = p->t[ATTN_DST].ne, want[4] = { v[0], q[2], q[1], q[3] };
    for (int d = 0; d < 4; d++)
        if (dst[d] != want[d])
            return fail(error, ATTN_E_DST_SHAPE, ATTN_DST, d, dst[d], want[d]);
    return ATTN_E_OK;
}

/* Where a tensor's elements lie: dense rows, whole blocks, no overlap, all within 63 bits. *end gets the byte
 * after its last one, from the start of its buffer. */
static int check_layout(const struct attn_problem *p, int o, int64_t *end, struct attn_error *error)
{
    const struct attn_tensor *t = operand_of(p, o);
    const int64_t block = attn_tensor_info(t)->block_bytes;

    if (t->nb[0] != block)
        return fail(error, ATTN_E_ROW_DENSE, o, 0, t->nb[0], block);
    if (t->offset < 0 || t->offset % block != 0)
        return fail(error, ATTN_E_OFFSET, o, 0, t->offset, block);

    for (int d = 1; d < 4; d++) {
        if (t->ne[d] == 1)
            continue;
        if (t->nb[d] < 0 || t->nb[d] % block != 0)
            return fail(error, ATTN_E_STRIDE, o, d, t->nb[d], block);
        if (t->nb[d] == 0 && (o == ATTN_DST || o == ATTN_SINKS))
            return fail(error, ATTN_E_BROADCAST, o, d, 0, 0);
    }

    int order[3];
    int64_t span, reach;
    attn_tensor_order(t, order);
    if (!row_bytes(t, &span))
        return fail(error, ATTN_E_OVERFLOW, o, 0, t->ne[0], block);
    for (int i = 0; i < 3; i++) {
        int d = order[i];
        if (t->ne[d] == 1 || t->nb[d] == 0)
            continue;
        if (t->nb[d] < span)
            return fail(error, ATTN_E_OVERLAP, o, d, t->nb[d], span);
        if (!attn_mul(t->ne[d] - 1, t->nb[d], &reach) || !attn_add(span, reach, &span))
            return fail(error, ATTN_E_OVERFLOW, o, d, t->ne[d], t->nb[d]);
    }
    if (!attn_add(t->offset, span, end))
        return fail(error, ATTN_E_OVERFLOW, o, 0, t->offset, span);
    return ATTN_E_OK;
}

/* May tensors a < b of one buffer, whose byte ranges meet, do so? Views of one tensor may (V of K, or Q, K, V
 * of one projection): of equal type, and since offsets and strides are whole blocks, in phase. */
static int check_alias(const struct attn_problem *p, int a, int b, int64_t from, int64_t to, struct attn_error *error)
{
    if (b == ATTN_DST)
        return fail(error, ATTN_E_ALIAS_DST, a, 0, from, to);
    if (b > ATTN_V || p->t[a].type != p->t[b].type)
        return fail(error, ATTN_E_ALIAS_INPUT, b, 0, from, to);
    return ATTN_E_OK;
}

int attn_problem_check(const struct attn_problem *p, struct attn_error *error)
{
    int code;
    int64_t end[ATTN_FURTHER + 1] = { 0 };

    for (int o = 0; o <= ATTN_FURTHER; o++)
        if ((code = check_form(p, o, error)) != ATTN_E_OK)
            return code;
    if ((code = check_shape(p, error)) != ATTN_E_OK)
        return code;
    for (int o = 0; o <= ATTN_FURTHER; o++)
        if (operand_of(p, o)->present && (code = check_layout(p, o, &end[o], error)) != ATTN_E_OK)
            return code;

    for (int b = 1; b < ATTN_OPERAND_COUNT; b++) {
        for (int a = 0; a < b; a++) {
            if (!p->t[a].present || !p->t[b].present || p->t[a].buffer == 0 || p->t[a].buffer != p->t[b].buffer)
                continue;
            int64_t from = attn_max(p->t[a].offset, p->t[b].offset), to = attn_min(end[a], end[b]);
            if (from < to && (code = check_alias(p, a, b, from, to, error)) != ATTN_E_OK)
                return code;
        }
    }

    if (!is_finite(p->scale))
        return fail(error, ATTN_E_SCALE, ATTN_Q, 0, 0, 0);
    if (!is_finite(p->softcap) || p->softcap < 0)
        return fail(error, ATTN_E_SOFTCAP, ATTN_Q, 0, 0, 0);
    if (!is_finite(p->max_bias) || p->max_bias < 0)
        return fail(error, ATTN_E_MAX_BIAS, ATTN_Q, 0, 0, 0);
    if (p->max_bias > 0 && !p->t[ATTN_MASK].present)
        return fail(error, ATTN_E_MAX_BIAS_MASK, ATTN_MASK, 0, 0, 0);
    if (p->head_first < 0 || p->head_first > p->head_total || attn_n_head(p) > p->head_total - p->head_first)
        return fail(error, ATTN_E_HEADS, ATTN_Q, 2, p->head_first, p->head_total);
    if (p->n_kv_max < 0)
        return fail(error, ATTN_E_N_KV_MAX, ATTN_MASK, 0, p->n_kv_max, 0);
    if (p->prec >= ATTN_PREC_COUNT)
        return fail(error, ATTN_E_PREC, ATTN_Q, 0, p->prec, 0);
    return fail(error, ATTN_E_OK, 0, 0, 0, 0);
}

int64_t attn_problem_work(const struct attn_problem *p)
{
    int64_t work = attn_add_sat(attn_d_k(p), attn_d_v(p));
    work = attn_mul_sat(work, attn_n_q(p));
    work = attn_mul_sat(work, attn_n_kv(p));
    work = attn_mul_sat(work, attn_n_head(p));
    return attn_mul_sat(work, attn_n_seq(p));
}

double attn_alibi_exponent(const struct attn_problem *p, int64_t head)
{
    int64_t n = 1;
    while (n <= p->head_total / 2)
        n *= 2;
    double step = (double)p->max_bias / (double)n;
    return head < n ? step * ((double)head + 1) : step * ((double)(head - n) + 0.5);
}
