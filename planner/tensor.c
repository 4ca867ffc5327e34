/* tensor.c: where tensors' elements lie, and equality and hash of problems. Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

int64_t attn_row_bytes(int type, int64_t elements)
{
    const struct attn_type_info *info = &type_table[type];
    return attn_mul_sat(attn_div(elements, info->block_elems), info->block_bytes);
}

const struct attn_type_info *attn_tensor_info(const struct attn_tensor *t)
{
    if (t->type >= ATTN_TYPE_FOREIGN)
        return t->foreign ? &t->foreign->info : NULL;
    return attn_type_info(t->type);
}

int64_t attn_tensor_row_bytes(const struct attn_tensor *t)
{
    const struct attn_type_info *info = attn_tensor_info(t);
    return attn_mul_sat(t->ne[0] / info->block_elems, info->block_bytes);
}

void attn_tensor_retype(struct attn_tensor *t, const struct attn_tensor *as)
{
    t->type = as->type;
    t->foreign = as->foreign;
    attn_tensor_contiguous(t);
}

bool attn_tensor_recount(struct attn_tensor *t, const struct attn_tensor *as)
{
    const struct attn_type_info *from = attn_tensor_info(t), *to = attn_tensor_info(as);
    bool fits = true;
    for (int d = 1; d < 4; d++) {
        int64_t blocks = t->nb[d] / from->block_bytes;
        fits = fits && t->nb[d] % from->block_bytes == 0 && blocks < INT64_MAX / 4096 / to->block_bytes &&
               blocks * from->block_elems % to->block_elems == 0;
        if (fits)
            t->nb[d] = blocks * from->block_elems / to->block_elems * to->block_bytes;
    }
    int64_t blocks = t->offset / from->block_bytes;
    bool moves = t->offset % from->block_bytes == 0 && blocks < INT64_MAX / 4096 / to->block_bytes &&
                 blocks * from->block_elems % to->block_elems == 0;
    t->offset = moves ? blocks * from->block_elems / to->block_elems * to->block_bytes : 0;
    t->type = as->type;
    t->foreign = as->foreign;
    t->nb[0] = to->block_bytes;
    return fits;
}

bool attn_problem_is_foreign(const struct attn_problem *p)
{
    return p->t[ATTN_K].type >= ATTN_TYPE_FOREIGN || p->t[ATTN_V].type >= ATTN_TYPE_FOREIGN || p->further.present;
}

void attn_tensor_set(struct attn_tensor *t, int type, int64_t ne0, int64_t ne1, int64_t ne2, int64_t ne3)
{
    memset(t, 0, sizeof *t);
    t->ne[0] = ne0;
    t->ne[1] = ne1;
    t->ne[2] = ne2;
    t->ne[3] = ne3;
    t->type = (uint8_t)type;
    t->present = 1;
    attn_tensor_contiguous(t);
}

void attn_tensor_contiguous(struct attn_tensor *t)
{
    const struct attn_type_info *type = attn_tensor_info(t);
    if (!type)
        return;
    /* What passes 63 bits stays a stride that blocks divide: it is the extents that are too large. */
    const int64_t most = INT64_MAX - INT64_MAX % type->block_bytes;
    int64_t bytes = attn_min(attn_mul_sat(t->ne[0] / type->block_elems, type->block_bytes), most);
    t->nb[0] = type->block_bytes;
    for (int d = 1; d < 4; d++) {
        t->nb[d] = bytes;
        bytes = attn_min(attn_mul_sat(bytes, t->ne[d]), most);
    }
}

/* The tensor, contiguous; a type that is none has the strides 0. */
static struct attn_tensor with_default_strides(const struct attn_tensor *t)
{
    struct attn_tensor same = *t;
    memset(same.nb, 0, sizeof same.nb);
    attn_tensor_contiguous(&same);
    return same;
}

bool attn_tensor_is_contiguous(const struct attn_tensor *t)
{
    struct attn_tensor same = with_default_strides(t);
    for (int d = 1; d < 4; d++)
        if (t->ne[d] != 1 && t->nb[d] != same.nb[d])
            return false;
    return true;
}

bool attn_tensor_has_default_strides(const struct attn_tensor *t)
{
    struct attn_tensor same = with_default_strides(t);
    return t->nb[1] == same.nb[1] && t->nb[2] == same.nb[2] && t->nb[3] == same.nb[3];
}

int64_t attn_tensor_span(const struct attn_tensor *t)
{
    int64_t span = attn_tensor_row_bytes(t);
    for (int d = 1; d < 4; d++)
        if (t->ne[d] > 1)
            span += (t->ne[d] - 1) * t->nb[d];
    return span;
}

void attn_tensor_order(const struct attn_tensor *t, int order[3])
{
    for (int i = 0; i < 3; i++) {
        int at = i;
        for (; at > 0 && t->nb[order[at - 1]] > t->nb[i + 1]; at--)
            order[at] = order[at - 1];
        order[at] = i + 1;
    }
}

bool attn_tensor_equal(const struct attn_tensor *a, const struct attn_tensor *b)
{
    if (!a->present || !b->present)
        return !a->present && !b->present;
    for (int d = 0; d < 4; d++)
        if (a->ne[d] != b->ne[d] || (d > 0 && a->nb[d] != b->nb[d]))
            return false;
    return a->type == b->type && a->offset == b->offset && a->buffer == b->buffer;
}

bool attn_problem_equal(const struct attn_problem *a, const struct attn_problem *b)
{
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (!attn_tensor_equal(&a->t[o], &b->t[o]))
            return false;
    return attn_float_bits(a->scale) == attn_float_bits(b->scale) &&
           attn_float_bits(a->softcap) == attn_float_bits(b->softcap) &&
           attn_float_bits(a->max_bias) == attn_float_bits(b->max_bias) && a->head_first == b->head_first &&
           a->head_total == b->head_total && a->n_kv_max == b->n_kv_max && a->prec == b->prec &&
           attn_tensor_equal(&a->further, &b->further);
}

static uint64_t hash_tensor(uint64_t h, const struct attn_tensor *t)
{
    h = attn_hash_u64(h, t->present != 0);
    if (!t->present)
        return h;
    for (int d = 0; d < 4; d++)
        h = attn_hash_u64(h, (uint64_t)t->ne[d]);
    for (int d = 1; d < 4; d++)
        h = attn_hash_u64(h, (uint64_t)t->nb[d]);
    h = attn_hash_u64(h, (uint64_t)t->offset);
    return attn_hash_u64(h, (uint64_t)t->type << 8 | t->buffer);
}

uint64_t attn_problem_hash(const struct attn_problem *p)
{
    uint64_t h = ATTN_HASH_START;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        h = hash_tensor(h, &p->t[o]);
    h = attn_hash_u64(h, attn_float_bits(p->scale));
    h = attn_hash_u64(h, attn_float_bits(p->softcap));
    h = attn_hash_u64(h, attn_float_bits(p->max_bias));
    h = attn_hash_u64(h, (uint64_t)p->head_first);
    h = attn_hash_u64(h, (uint64_t)p->head_total);
    if (p->n_kv_max || p->prec) /* else the hash is what it was before there were these */
        h = attn_hash_u64(h, (uint64_t)(uint32_t)p->n_kv_max << 8 | p->prec);
    return p->further.present ? hash_tensor(h, &p->further) : h;
}
