/* judge.c: what a step must give, from the logical history: the tokens of each sequence, in the order of their
 * positions, and how often each was shifted. Nothing here looks at a cache. See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/play.h"
#include "reference/attn_reference.h"

struct session_run session_run_at(const struct attn_player *p, int layer, int32_t stream, int32_t from)
{
    const int32_t per = session_rows(p, layer), *slot = p->u.slot + stream * per;
    const int32_t *node = p->u.node + stream * per;
    struct session_run run = { stream, from, 0, from < per ? slot[from] : -1 };
    while (from + run.n < per && slot[from + run.n] == run.slot && (run.n == 0 || node[from] < 0))
        run.n++;
    return run;
}

/* A problem of its own for a run: the sequence's keys in order, dense, then as many excluded ones as the step's problem
 * has cells beyond them, so that the bound counts as many tiles. */
struct logical {
    struct attn_problem problem;
    int32_t first, keys; /* positions first <= p < first + keys are attended to by some row */
    char *base[ATTN_OPERAND_COUNT];
    int64_t row[ATTN_SAMPLE_ROWS_MAX]; /* of its dst, that are asked for, by their numbers (struct attn_sample), */
    int n_rows;                        /* so many; */
    bool whole;                        /* or all */
};

/* Takes the rows of the sample that are in the run. */
static void take_rows(const struct attn_problem *step, const struct attn_sample *sample, const struct session_run *run,
                      struct logical *l)
{
    l->whole = sample == NULL;
    for (int i = 0; sample && i < sample->n_rows; i++) {
        const struct attn_sample_row at = attn_sample_row_at(step, sample->row[i]);
        if (at.seq == run->stream && at.iq >= run->row && at.iq < run->row + run->n)
            l->row[l->n_rows++] = (at.iq - run->row) * attn_n_head(step) + at.head;
    }
}

/* Is a row of dst asked for, of any head where that is -1? */
static bool is_asked(const struct logical *l, int64_t row, int64_t head)
{
    const int64_t heads = attn_n_head(&l->problem);
    for (int i = 0; !l->whole && i < l->n_rows; i++)
        if (l->row[i] / heads == row && (head < 0 || l->row[i] % heads == head))
            return true;
    return l->whole;
}

/* Is one that reads the KV head? */
static bool is_read(const struct logical *l, int64_t kv_head)
{
    const int64_t heads = attn_n_head(&l->problem), ratio = heads / attn_n_head_kv(&l->problem);
    for (int i = 0; !l->whole && i < l->n_rows; i++)
        if (l->row[i] % heads / ratio == kv_head)
            return true;
    return l->whole;
}

static void shape(const struct attn_player *p, const struct attn_session_at *at, const struct attn_problem *step,
                  const struct session_run *run, struct logical *l)
{
    const struct attn_session_layer *layer = &p->s.layer[at->layer];
    const int32_t per = session_rows(p, at->layer);
    const int32_t first_row = p->u.pos[run->stream * per + run->row], last_row = first_row + run->n - 1;
    struct attn_tensor *t = l->problem.t;

    l->first = layer->window && first_row >= layer->window ? first_row - layer->window + 1 : 0;
    /* A drafter that reads the target's cache sees what was evaluated before it. */
    l->keys = (layer->reads ? p->u.end[run->slot] : last_row + 1) - l->first;
    if (layer->cross) {
        l->first = 0;
        l->keys = (int32_t)attn_n_kv(step);
    }
    int64_t n_kv = l->keys > attn_n_kv(step) ? l->keys : attn_n_kv(step);
    l->problem = *step;
    attn_tensor_set(&t[ATTN_Q], ATTN_F32, attn_d_k(step), run->n, attn_n_head(step), 1);
    attn_tensor_set(&t[ATTN_K], layer->type_k, attn_d_k(step), n_kv, attn_n_head_kv(step), 1);
    attn_tensor_set(&t[ATTN_V], layer->type_v, attn_d_v(step), n_kv, attn_n_head_kv(step), 1);
    if (!layer->cross)
        attn_tensor_set(&t[ATTN_MASK], ATTN_F16, n_kv, run->n, 1, 1);
    t[ATTN_DST].ne[2] = run->n; /* strides stay: rows are read where the step has them */
    t[ATTN_DST].ne[3] = 1;
}

static bool allocate(struct logical *l)
{
    for (int o = 0; o < ATTN_DST; o++)
        if (l->problem.t[o].present && !(l->base[o] = malloc((size_t)attn_tensor_span(&l->problem.t[o]))))
            return false;
    return true;
}

static void free_logical(struct logical *l)
{
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        free(l->base[o]);
}

static char *at_row(const struct logical *l, int operand, int64_t i1, int64_t i2)
{
    const struct attn_tensor *t = &l->problem.t[operand];
    return l->base[operand] + i1 * t->nb[1] + i2 * t->nb[2];
}

static void fill_keys(const struct attn_player *p, const struct attn_session_at *at, const struct session_run *run,
                      struct logical *l)
{
    const struct session_share *heads = &p->share[at->layer][at->share];
    const struct attn_session_layer *layer = &p->s.layer[at->layer];
    const int of = session_kv_layer(p, at->layer);
    const enum session_who who = session_who_has(&p->s.layer[of]);
    const int32_t node = p->u.node[run->stream * session_rows(p, at->layer) + run->row];
    for (int32_t i = 0; i < l->keys; i++) {
        const int32_t pos = l->first + i;
        const bool in_tree = node >= 0 && pos >= p->tree[run->slot].root;
        const struct session_key key = {
            layer->cross ? 0 : session_token_of(p, run->slot, node, pos),
            pos,
            layer->cross || in_tree ? 0 : *session_age_of(p, run->slot, who, pos),
        };
        for (int32_t h = 0; h < heads->n_head_kv; h++) {
            if (!is_read(l, h))
                continue;
            if (layer->cross) {
                session_cross_k(p, of, heads->first_kv + h, i, p->row);
                attn_row_encode(layer->type_k, p->row, layer->d_k, at_row(l, ATTN_K, i, h));
            } else {
                session_key_bytes(p, of, heads->first_kv + h, &key, (uint8_t *)at_row(l, ATTN_K, i, h));
            }
            /* Of a V that is a view of K the blocks are K's own. */
            if (layer->view) {
                memcpy(at_row(l, ATTN_V, i, h), at_row(l, ATTN_K, i, h), (size_t)l->problem.t[ATTN_V].nb[1]);
                continue;
            }
            if (layer->cross)
                session_cross_v(p, of, heads->first_kv + h, i, p->row);
            else
                session_row_v(p, of, heads->first_kv + h, key.token, p->row);
            attn_row_encode(layer->type_v, p->row, layer->d_v, at_row(l, ATTN_V, i, h));
        }
    }
}

static void fill_rows(const struct attn_player *p, const struct attn_session_at *at, const struct session_run *run,
                      struct logical *l)
{
    const struct session_share *heads = &p->share[at->layer][at->share];
    const struct attn_session_layer *layer = &p->s.layer[at->layer];
    const int32_t per = session_rows(p, at->layer);
    for (int32_t r = 0; r < run->n; r++) {
        if (!is_asked(l, r, -1))
            continue;
        const int32_t pos = p->u.pos[run->stream * per + run->row + r];
        const int32_t node = p->u.node[run->stream * per + run->row + r];
        const uint32_t token =
            layer->reads ? p->u.token[run->stream * per + run->row + r] : session_token_of(p, run->slot, node, pos);
        for (int32_t h = 0; h < heads->n_head; h++) {
            if (!is_asked(l, r, h))
                continue;
            session_row_q(p, at->layer, heads->first + h, token, pos, p->row);
            memcpy(at_row(l, ATTN_Q, r, h), p->row, (size_t)layer->d_k * sizeof(float));
        }
        char *mask = layer->cross ? NULL : at_row(l, ATTN_MASK, r, 0);
        for (int64_t i = 0; mask && i < attn_n_kv(&l->problem); i++) {
            int64_t away = pos - (l->first + i);
            bool seen = i < l->keys && away >= 0 && (layer->window == 0 || away < layer->window);
            uint16_t bits = !seen ? 0xfc00 : layer->max_bias > 0 ? attn_f32_to_f16(-(float)away) : 0;
            memcpy(mask + 2 * i, &bits, sizeof bits);
        }
    }
    for (int32_t h = 0; h < heads->n_head && layer->sinks; h++) {
        float sink = session_sink(p, at->layer, heads->first + h);
        memcpy(l->base[ATTN_SINKS] + h * (int64_t)sizeof sink, &sink, sizeof sink);
    }
}

/* NULL when memory runs out. */
static struct attn_reference *make_reference(const struct attn_player *p, const struct attn_session_at *at,
                                             const struct session_run *run, struct logical *l)
{
    struct attn_reference *reference = NULL;
    if (allocate(l)) {
        const void *base[ATTN_OPERAND_COUNT];
        fill_keys(p, at, run, l);
        fill_rows(p, at, run, l);
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            base[o] = l->base[o];
        reference = l->whole ? attn_reference_compute(&l->problem, base)
                             : attn_reference_compute_rows(&l->problem, base, l->row, l->n_rows, NULL);
        if (reference)
            attn_reference_shuffle(reference); /* a cache's cells are in no order */
    }
    free_logical(l);
    return reference;
}

static void add(struct attn_judgement *all, const struct attn_judgement *one, const struct session_run *run)
{
    bool worse = all->components == 0 || one->worst > all->worst;
    int64_t components = all->components + one->components, failed = all->failed + one->failed;
    int64_t unjudged = all->unjudged + one->unjudged, suspect = all->suspect + one->suspect;
    int64_t rows = all->rows + one->rows, blind = all->blind + one->blind;
    double unlikely = fmax(all->unlikely, one->unlikely);
    if (worse) {
        *all = *one;
        all->iq += run->row;
        all->s = run->stream;
    }
    all->components = components;
    all->failed = failed;
    all->unjudged = unjudged;
    all->suspect = suspect;
    all->unlikely = unlikely;
    all->rows = rows;
    all->blind = blind;
}

bool session_references(const struct attn_player *p, const struct attn_session_at *at,
                        const struct attn_problem *problem, const struct attn_sample *sample,
                        struct session_references *all)
{
    all->n = 0;
    for (int32_t s = 0; s < p->u.n / session_rows(p, at->layer); s++) {
        struct session_run run = session_run_at(p, at->layer, s, 0);
        for (; run.n > 0; run = session_run_at(p, at->layer, s, run.row + run.n)) {
            struct logical l = { .keys = 0 };
            shape(p, at, problem, &run, &l);
            take_rows(problem, sample, &run, &l);
            if (!l.whole && l.n_rows == 0)
                continue;
            all->run[all->n] = run;
            all->reference[all->n] = make_reference(p, at, &run, &l);
            if (!all->reference[all->n])
                return false;
            all->n++;
        }
    }
    return true;
}

void session_references_free(struct session_references *all)
{
    while (all->n > 0)
        attn_reference_free(all->reference[--all->n]);
}

static bool judge_step(const void *what, const struct attn_problem *problem, const struct attn_arithmetic *arithmetic,
                       const void *dst, struct attn_judgement *judgement)
{
    const struct session_references *all = what;
    const struct attn_tensor *d = &problem->t[ATTN_DST];
    memset(judgement, 0, sizeof *judgement);
    for (int i = 0; i < all->n; i++) {
        struct attn_judgement one;
        const struct session_run *run = &all->run[i];
        attn_judge(all->reference[i], arithmetic, (const char *)dst + run->stream * d->nb[3] + run->row * d->nb[2],
                   &one);
        add(judgement, &one, run);
    }
    return judgement->failed == 0;
}

static double limit_of_step(const void *what, const struct attn_arithmetic *arithmetic, int64_t d, int64_t h,
                            int64_t iq, int64_t s)
{
    const struct session_references *all = what;
    for (int i = 0; i < all->n; i++) {
        const struct session_run *run = &all->run[i];
        if (run->stream == s && run->row <= iq && iq < run->row + run->n)
            return attn_reference_limit(all->reference[i], arithmetic, d, h, iq - run->row, 0);
    }
    return INFINITY;
}

struct attn_expected session_expected(const struct session_references *all)
{
    return (struct attn_expected){ all, judge_step, limit_of_step, "by the sequence's tokens it " };
}
