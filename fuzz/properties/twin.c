/* twin.c: twins of a case. See twin.h.
 *
 * A kind of twin says which query rows, keys, heads and sequences of the case the twin has (choose_*); what its tensors
 * are follows from that (set_extents, lay_out), and so do their bytes (copy_*).
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/properties/twin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/arith.h"
#include "planner/random.h"
#include "reference/attn_reference.h"

enum { MINUS_INF = 0xfc00, LARGE = 0x5fd0 /* 500 */, PADDING = -1 };

struct maker {
    const struct attn_problem *p; /* of the case */
    const struct attn_image *image;
    struct attn_twin *twin;
    int kind, part;
    uint64_t random;
    int64_t n_q, n_kv, n_head, n_head_kv, n_seq; /* of the twin */
    int64_t kv_head;                             /* of the case, that KV head 0 of the twin is */
    int64_t *key;                                /* of the case, that each key of the twin is; PADDING: none */
};

/* ---- What of the case a twin has ------------------------------------------------------------------------- */

static int64_t below(struct maker *m, int64_t n) { return (int64_t)attn_random_below(&m->random, (uint64_t)n); }

static void shuffle(struct maker *m, int64_t *list, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = below(m, i + 1), other = list[j];
        list[j] = list[i];
        list[i] = other;
    }
}

/* NULL, or why a problem has no twin of that kind. */
static const char *unfit(const struct attn_problem *p, int kind)
{
    switch (kind) {
    case ATTN_TWIN_KEYS:
    case ATTN_TWIN_HALVES: return attn_n_kv(p) < 2 ? "one key" : NULL;
    case ATTN_TWIN_HEADS: return attn_n_head(p) < 2 ? "one head" : NULL;
    case ATTN_TWIN_SEQUENCE: return attn_n_seq(p) < 2 ? "one sequence" : NULL;
    case ATTN_TWIN_ROWS: return attn_n_q(p) < 2 ? "one query row" : NULL;
    case ATTN_TWIN_PLANES: return attn_n_head(p) < 2 && attn_n_seq(p) < 2 ? "one plane" : NULL;
    default: return NULL;
    }
}

int attn_twin_draw(const struct attn_problem *p, uint64_t seed)
{
    int kind = (int)(attn_mix(seed) % ATTN_TWIN_COUNT);
    while (unfit(p, kind)) /* ends: some have no conditions */
        kind = (kind + 1) % ATTN_TWIN_COUNT;
    return kind;
}

static void choose_halves(struct maker *m)
{
    const int64_t n = m->n_kv, cut = 1 + below(m, n - 1);
    m->n_kv = m->part == 0 ? cut : n - cut;
    for (int64_t j = 0; j < m->n_kv; j++)
        m->key[j] = m->part == 0 ? j : cut + j;
}

/* Whole KV heads with all that read them, or of one KV head some that read it. */
static void choose_heads(struct maker *m)
{
    const int64_t ratio = m->n_head / m->n_head_kv;
    if (m->n_head_kv > 1 && (ratio == 1 || below(m, 4) > 0)) {
        const int64_t n = 1 + below(m, m->n_head_kv - 1);
        m->kv_head = below(m, m->n_head_kv - n + 1);
        m->twin->head = m->kv_head * ratio;
        m->n_head_kv = n;
        m->n_head = n * ratio;
        return;
    }
    m->n_head = 1 + below(m, ratio - 1);
    m->kv_head = below(m, m->n_head_kv);
    m->twin->head = m->kv_head * ratio + below(m, ratio - m->n_head + 1);
    m->n_head_kv = 1;
}

enum { PADDED_MOST = 65 };

/* At the end, where sums stay what they are, or anywhere. */
static void choose_padded(struct maker *m)
{
    static const int64_t counts[] = { 1, 2, 31, 33, PADDED_MOST };
    const int64_t n = m->n_kv, more = counts[below(m, 5)], place = below(m, 2) ? n : below(m, n + 1);
    for (int64_t j = n - 1; j >= place; j--)
        m->key[j + more] = m->key[j];
    for (int64_t j = place; j < place + more; j++)
        m->key[j] = PADDING;
    m->n_kv += more;
    m->twin->exact = place == n && m->p->t[ATTN_MASK].present;
}

/* In another order, or some of them in any. */
static void choose_rows(struct maker *m)
{
    shuffle(m, m->twin->row, m->n_q);
    if (below(m, 2))
        m->n_q = 1 + below(m, m->n_q - 1);
}

static const char *choose_wave(struct maker *m)
{
    struct attn_run *run = &m->twin->c.run;
    int64_t others = 0;
    if (run->device < 0)
        return "no device of the table";
    const int wave = attn_device(run->device)->wave_size;
    for (int i = 0; i < attn_device_count(); i++)
        others += attn_device(i)->wave_size != wave;
    if (others == 0)
        return "no device of the other wave size";
    int64_t pick = below(m, others);
    for (int i = 0; i < attn_device_count(); i++)
        if (attn_device(i)->wave_size != wave && pick-- == 0)
            run->device = i;
    run->weakening = -1;
    return NULL;
}

static const char *choose(struct maker *m)
{
    static const bool exact[ATTN_TWIN_COUNT] = { [ATTN_TWIN_HEADS] = true,
                                                 [ATTN_TWIN_LAYOUT] = true,
                                                 [ATTN_TWIN_SEQUENCE] = true,
                                                 [ATTN_TWIN_ROWS] = true,
                                                 [ATTN_TWIN_PLANES] = true };
    const char *why = unfit(m->p, m->kind);
    if (why)
        return why;
    m->twin->exact = exact[m->kind];
    switch (m->kind) {
    case ATTN_TWIN_KEYS: shuffle(m, m->key, m->n_kv); break;
    case ATTN_TWIN_HALVES: choose_halves(m); break;
    case ATTN_TWIN_HEADS: choose_heads(m); break;
    case ATTN_TWIN_PADDED: choose_padded(m); break;
    case ATTN_TWIN_SEQUENCE:
        m->twin->seq = below(m, m->n_seq);
        m->n_seq = 1;
        break;
    case ATTN_TWIN_ROWS: choose_rows(m); break;
    case ATTN_TWIN_PLANES: m->n_head_kv = m->n_head; break;
    case ATTN_TWIN_WAVE: return choose_wave(m);
    default: break;
    }
    return NULL;
}

/* ---- Its tensors ----------------------------------------------------------------------------------------- */

static void set_mask(const struct maker *m, struct attn_tensor *mask)
{
    const struct attn_tensor *of_case = &m->p->t[ATTN_MASK];
    const bool planes = m->kind == ATTN_TWIN_PLANES;
    if (!of_case->present) {
        if (m->kind == ATTN_TWIN_PADDED)
            attn_tensor_set(mask, ATTN_F16, m->n_kv, m->n_q, 1, 1);
        return;
    }
    const int64_t *ne = of_case->ne;
    const int64_t heads = planes || (m->n_head != attn_n_head(m->p) && ne[2] > 1) ? m->n_head : ne[2];
    const int64_t seqs = planes || m->n_seq != attn_n_seq(m->p) ? m->n_seq : ne[3];
    attn_tensor_set(mask, ATTN_F16, m->n_kv + (ne[0] - attn_n_kv(m->p)), m->n_q + (ne[1] - attn_n_q(m->p)), heads,
                    seqs);
}

static void set_extents(const struct maker *m)
{
    const struct attn_problem *p = m->p;
    struct attn_problem *twin = &m->twin->c.problem;
    *twin = *p;
    memset(twin->t, 0, sizeof twin->t);
    attn_tensor_set(&twin->t[ATTN_Q], ATTN_F32, attn_d_k(p), m->n_q, m->n_head, m->n_seq);
    attn_tensor_set(&twin->t[ATTN_K], p->t[ATTN_K].type, attn_d_k(p), m->n_kv, m->n_head_kv, m->n_seq);
    attn_tensor_set(&twin->t[ATTN_V], p->t[ATTN_V].type, attn_d_v(p), m->n_kv, m->n_head_kv, m->n_seq);
    attn_tensor_set(&twin->t[ATTN_DST], ATTN_F32, attn_d_v(p), m->n_head, m->n_q, m->n_seq);
    set_mask(m, &twin->t[ATTN_MASK]);
    /* The sink counts once; with one the constant does not come back. */
    const bool no_sinks = m->kind == ATTN_TWIN_CONSTANT || (m->kind == ATTN_TWIN_HALVES && m->part > 0);
    if (p->t[ATTN_SINKS].present && !no_sinks)
        attn_tensor_set(&twin->t[ATTN_SINKS], ATTN_F32, m->n_head, 1, 1, 1);
    twin->head_first += m->twin->head;
}

/* The largest power of two up to 16 that the rows' starts are multiples of. */
static int64_t alignment_of(const struct attn_tensor *t)
{
    uint64_t bits = 16;
    if (t->present)
        bits |= (uint64_t)t->offset;
    for (int d = 1; d < 4 && t->present; d++)
        if (t->ne[d] > 1)
            bits |= (uint64_t)t->nb[d];
    return (int64_t)(bits & -bits);
}

static void lay_out(struct maker *m, int operand)
{
    static const int orders[6][3] = { { 1, 2, 3 }, { 2, 1, 3 }, { 1, 3, 2 }, { 3, 1, 2 }, { 2, 3, 1 }, { 3, 2, 1 } };
    struct attn_tensor *t = &m->twin->c.problem.t[operand];
    const int64_t align = alignment_of(&m->p->t[operand]);
    const bool other = m->kind == ATTN_TWIN_LAYOUT;
    const int *order = orders[other && operand != ATTN_SINKS ? below(m, 6) : 0];
    int64_t unit = attn_type_info(t->type)->block_bytes;
    /* A twin in another place has the alignment of the case or, as often, any. */
    if (!other || below(m, 2))
        while (unit % align != 0)
            unit *= 2;
    /* An odd number of units: aligned as far as the unit is. */
    t->offset = align < 16 || other ? unit * (1 + 2 * (other ? below(m, 8) : 0)) : 0;
    int64_t next = attn_row_bytes(t->type, t->ne[0]);
    for (int i = 0; i < 3 && operand != ATTN_SINKS; i++) {
        t->nb[order[i]] = attn_round_up(next, unit) + (other ? unit * below(m, 4) : 0);
        next = attn_mul_sat(t->nb[order[i]], t->ne[order[i]]);
        next = next > INT64_MAX / 4 ? INT64_MAX / 4 : next; /* too large for an image, and seen to be */
    }
}

/* ---- Their bytes ----------------------------------------------------------------------------------------- */

static char *at(const struct attn_image *image, const struct attn_problem *p, int operand, int64_t i1, int64_t i2,
                int64_t i3)
{
    const struct attn_tensor *t = &p->t[operand];
    /* An extent of 1 has a stride that means nothing; its index is 0. */
    return (char *)attn_image_at(image, p, operand) + (i1 ? i1 * t->nb[1] : 0) + (i2 ? i2 * t->nb[2] : 0) +
           (i3 ? i3 * t->nb[3] : 0);
}

static int64_t kv_head_of(const struct maker *m, int64_t head)
{
    const int64_t ratio = attn_n_head(m->p) / attn_n_head_kv(m->p);
    return m->kind == ATTN_TWIN_PLANES ? head / ratio : m->kv_head + head;
}

static void copy_q(const struct maker *m)
{
    const struct attn_problem *to = &m->twin->c.problem;
    for (int64_t s = 0; s < m->n_seq; s++)
        for (int64_t h = 0; h < m->n_head; h++)
            for (int64_t i = 0; i < m->n_q; i++)
                memcpy(at(&m->twin->image, to, ATTN_Q, i, h, s),
                       at(m->image, m->p, ATTN_Q, m->twin->row[i], m->twin->head + h, m->twin->seq + s),
                       (size_t)attn_d_k(m->p) * sizeof(float));
}

/* The first row of V without NaN and Inf, as dead cells have; the first one when there is none. */
static int64_t finite_key(const struct maker *m, float *row, int64_t kv_head, int64_t s)
{
    const int64_t d_v = attn_d_v(m->p);
    for (int64_t j = 0; j < m->n_kv; j++) {
        int64_t d = 0;
        attn_row_decode(m->p->t[ATTN_V].type, at(m->image, m->p, ATTN_V, j, kv_head, s), d_v, row);
        while (d < d_v && isfinite(row[d]))
            d++;
        if (d == d_v)
            return j;
    }
    return 0;
}

/* Rows of keys that only the twin has stay the NaN patterns of its image. */
static void copy_cells(const struct maker *m, int operand, float *row)
{
    const struct attn_problem *to = &m->twin->c.problem;
    const size_t bytes = (size_t)attn_row_bytes(to->t[operand].type, to->t[operand].ne[0]);
    for (int64_t s = 0; s < m->n_seq; s++)
        for (int64_t h = 0; h < m->n_head_kv; h++) {
            const int64_t kv_head = kv_head_of(m, h), seq = m->twin->seq + s;
            const bool constant = m->kind == ATTN_TWIN_CONSTANT && operand == ATTN_V;
            const int64_t one = constant ? finite_key(m, row, kv_head, seq) : 0;
            for (int64_t j = 0; j < m->n_kv; j++) {
                const int64_t key = constant ? one : m->key[j];
                if (key != PADDING)
                    memcpy(at(&m->twin->image, to, operand, j, h, s), at(m->image, m->p, operand, key, kv_head, seq),
                           bytes);
            }
        }
}

static void copy_mask_row(const struct maker *m, const char *from, char *to, int64_t width)
{
    static const uint16_t harmful[2] = { MINUS_INF, LARGE };
    for (int64_t j = 0; j < width; j++) {
        uint16_t value = 0;
        if (j >= m->n_kv || (m->key[j] == PADDING))
            value = j >= m->n_kv ? harmful[j & 1] : MINUS_INF;
        else if (from)
            memcpy(&value, from + 2 * m->key[j], sizeof value);
        memcpy(to + 2 * j, &value, sizeof value);
    }
}

/* What lies beyond the problem's keys and rows would do harm to one who used it. */
static void copy_mask(const struct maker *m)
{
    const struct attn_problem *to = &m->twin->c.problem;
    const int64_t *ne = to->t[ATTN_MASK].ne, *of_case = m->p->t[ATTN_MASK].ne;
    const bool present = m->p->t[ATTN_MASK].present;
    for (int64_t s = 0; s < ne[3]; s++)
        for (int64_t h = 0; h < ne[2]; h++)
            for (int64_t i = 0; i < ne[1]; i++) {
                const char *from = NULL;
                if (present && i < m->n_q)
                    from = at(m->image, m->p, ATTN_MASK, m->twin->row[i], (m->twin->head + h) % of_case[2],
                              (m->twin->seq + s) % of_case[3]);
                copy_mask_row(m, from, at(&m->twin->image, to, ATTN_MASK, i, h, s), ne[0]);
            }
}

static void copy_bytes(const struct maker *m, float *row)
{
    const struct attn_problem *to = &m->twin->c.problem;
    copy_q(m);
    copy_cells(m, ATTN_K, row);
    copy_cells(m, ATTN_V, row);
    if (to->t[ATTN_MASK].present)
        copy_mask(m);
    if (to->t[ATTN_SINKS].present)
        memcpy(attn_image_at(&m->twin->image, to, ATTN_SINKS),
               (const char *)attn_image_at(m->image, m->p, ATTN_SINKS) + 4 * m->twin->head, (size_t)m->n_head * 4);
}

/* ---- All ------------------------------------------------------------------------------------------------- */

int attn_twin_parts(int kind) { return kind == ATTN_TWIN_HALVES ? 2 : 1; }

static const char *make(struct maker *m, int64_t max_bytes)
{
    struct attn_problem *p = &m->twin->c.problem;
    const char *why = choose(m);
    if (why)
        return why;
    set_extents(m);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (p->t[o].present)
            lay_out(m, o);
    if (attn_problem_check(p, NULL) != ATTN_E_OK || !attn_image_create(p, max_bytes, &m->twin->image))
        return "more bytes than the limit";
    float *row = malloc((size_t)attn_d_v(p) * sizeof *row);
    if (!row) {
        attn_image_free(&m->twin->image);
        return "out of memory";
    }
    copy_bytes(m, row);
    free(row);
    return NULL;
}

const char *attn_twin_make(const struct attn_case *c, const struct attn_image *image, int kind, int part,
                           int64_t max_bytes, struct attn_twin *twin)
{
    const struct attn_problem *p = &c->problem;
    struct maker m = { .p = p,
                       .image = image,
                       .twin = twin,
                       .kind = kind,
                       .part = part,
                       .random = c->run.seed ^ attn_mix((uint64_t)kind + 1),
                       .n_q = attn_n_q(p),
                       .n_kv = attn_n_kv(p),
                       .n_head = attn_n_head(p),
                       .n_head_kv = attn_n_head_kv(p),
                       .n_seq = attn_n_seq(p) };
    *twin = (struct attn_twin){ .c = *c };
    twin->c.run.again = 0;
    twin->c.run.twin = -1;
    m.key = malloc((size_t)(m.n_kv + PADDED_MOST) * sizeof *m.key);
    twin->row = malloc((size_t)m.n_q * sizeof *twin->row);
    for (int64_t j = 0; m.key && j < m.n_kv; j++)
        m.key[j] = j;
    for (int64_t i = 0; twin->row && i < m.n_q; i++)
        twin->row[i] = i;
    const char *why = m.key && twin->row ? make(&m, max_bytes) : "out of memory";
    free(m.key);
    if (why) {
        free(twin->row);
        twin->row = NULL;
    }
    return why;
}

void attn_twin_free(struct attn_twin *twin)
{
    attn_image_free(&twin->image);
    free(twin->row);
    twin->row = NULL;
}

bool attn_twin_row_live(const struct attn_problem *p, const struct attn_image *image, int64_t h, int64_t iq, int64_t s)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (!mask->present)
        return true;
    const char *row = at(image, p, ATTN_MASK, iq, h % mask->ne[2], s % mask->ne[3]);
    for (int64_t j = 0; j < attn_n_kv(p); j++) {
        uint16_t value;
        memcpy(&value, row + 2 * j, sizeof value);
        if (value != MINUS_INF)
            return true;
    }
    return false;
}
