/* key.c: the plan key, all that the planner looks at. Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

/* Rounds n > least up to one of four buckets an octave: for 2^e < n <= 2^(e+1) to a multiple of 2^(e-2). */
static int64_t bucket_octave(int64_t n)
{
    int e = 0;
    for (uint64_t m = (uint64_t)(n - 1); m >>= 1;)
        e++;
    uint64_t step = (uint64_t)1 << (e - 2);
    uint64_t up = ((uint64_t)n + step - 1) & ~(step - 1);
    return up > INT64_MAX ? INT64_MAX : (int64_t)up;
}

int64_t attn_bucket_n_q(int64_t n_q) { return n_q <= 8 ? n_q : bucket_octave(n_q); }

int64_t attn_bucket_n_kv(int64_t n_kv) { return n_kv <= 256 ? (n_kv + 31) / 32 * 32 : bucket_octave(n_kv); }

/* log2 of the largest power of two up to 16 that the starts of all rows are multiples of. */
static uint8_t row_alignment(const struct attn_tensor *t)
{
    uint64_t bits = (uint64_t)t->offset | 16;
    for (int d = 1; d < 4; d++)
        if (t->ne[d] > 1)
            bits |= (uint64_t)t->nb[d];
    uint8_t log2 = 0;
    while (!(bits >> log2 & 1))
        log2++;
    return log2;
}

/* Extents 1..3 of a dense copy: what is broadcast is copied once. */
static void copy_extents(const struct attn_tensor *t, int64_t n_kv_bucket, int64_t copy[3])
{
    for (int d = 1; d < 4; d++) {
        bool broadcast = t->ne[d] > 1 && t->nb[d] == 0;
        copy[d - 1] = broadcast ? 1 : d == 1 ? n_kv_bucket : t->ne[d];
    }
}

void attn_key_of(const struct attn_problem *p, struct attn_key *key)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    memset(key, 0, sizeof *key);
    key->n_q = attn_bucket_n_q(attn_n_q(p));
    key->n_kv = attn_bucket_n_kv(attn_n_kv(p));
    key->d_k = attn_d_k(p);
    key->d_v = attn_d_v(p);
    key->n_head = attn_n_head(p);
    key->n_head_kv = attn_n_head_kv(p);
    key->n_seq = attn_n_seq(p);
    if (mask->present) {
        key->mask_heads = mask->ne[2];
        key->mask_seqs = mask->ne[3];
    }
    copy_extents(&p->t[ATTN_K], key->n_kv, key->k_copy);
    copy_extents(&p->t[ATTN_V], key->n_kv, key->v_copy);
    key->type_k = p->t[ATTN_K].type;
    key->type_v = p->t[ATTN_V].type;
    key->align_k = row_alignment(&p->t[ATTN_K]);
    key->align_v = row_alignment(&p->t[ATTN_V]);
    key->softcap = p->softcap > 0;
    key->alibi = p->max_bias > 0;
    key->sinks = p->t[ATTN_SINKS].present != 0;
}

/* Keys are made whole from zeros and have no padding. */
_Static_assert(sizeof(struct attn_key) == 15 * 8 + 8, "a key is its fields");

bool attn_key_equal(const struct attn_key *a, const struct attn_key *b) { return memcmp(a, b, sizeof *a) == 0; }

uint64_t attn_key_hash(const struct attn_key *k)
{
    const int64_t numbers[] = { k->n_q,       k->n_kv,  k->d_k,        k->d_v,      k->n_head,
                                k->n_head_kv, k->n_seq, k->mask_heads, k->mask_seqs };
    uint64_t h = ATTN_HASH_START;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        h = attn_hash_u64(h, (uint64_t)numbers[i]);
    for (int i = 0; i < 3; i++)
        h = attn_hash_u64(attn_hash_u64(h, (uint64_t)k->k_copy[i]), (uint64_t)k->v_copy[i]);
    const uint8_t small[] = { k->type_k, k->type_v, k->align_k, k->align_v, k->softcap, k->alibi, k->sinks };
    return attn_hash(h, small, sizeof small);
}
