/* metamorphic.c: P8: a case's result is held against those of its twins (twin.h), made by the same kernel.
 *
 * It finds what the kernel and the reference have in common, which P2 cannot, and, where a twin is the same sums in the
 * same order, what the error bound lets through. Elsewhere two results may be apart by both limits together, each being
 * within its own of one true value; and the two references by less (SHARP).
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/properties/trial.h"
#include "fuzz/properties/twin.h"

/* A reference's own error is below 2^-28 of each term, where the limit has no less than 2^-24 of it
 * (reference/bound.c). */
#define SHARP (1.0 / 16)

/* One problem of a twin, on the backend. */
struct part {
    struct attn_twin twin;
    struct attn_device device;
    struct attn_runner runner;
    struct attn_reference *reference; /* NULL: not computed yet */
    struct attn_plan plan;            /* of the kernel at hand */
    bool exact;                       /* of this plan: the same bits are expected, and nothing else is looked at */
    double *limit;                    /* of a row's components */
};

/* What is kept from plan to plan of a case: the last twin. */
struct attn_twins {
    struct attn_run_limits limits;
    int kind;
    const char *unfit; /* why there is no such twin; NULL: there is */
    int n;
    struct part part[ATTN_TWIN_PARTS];
};

/* ---- Making a twin --------------------------------------------------------------------------------------- */

static void free_part(struct part *part)
{
    attn_runner_close(&part->runner);
    memset(&part->twin.image, 0, sizeof part->twin.image); /* it was the runner's */
    attn_twin_free(&part->twin);
    attn_reference_free(part->reference);
    free(part->limit);
    memset(part, 0, sizeof *part);
}

static void forget(struct attn_twins *twins)
{
    for (int i = 0; i < twins->n; i++)
        free_part(&twins->part[i]);
    twins->n = 0;
}

void attn_twins_free(struct attn_twins *twins)
{
    if (twins)
        forget(twins);
    free(twins);
}

static bool judge(const void *what, const struct attn_problem *problem, const struct attn_arithmetic *arithmetic,
                  const void *dst, struct attn_judgement *judgement)
{
    const struct part *part = what;
    (void)problem;
    memset(judgement, 0, sizeof *judgement);
    return part->exact || attn_judge(part->reference, arithmetic, dst, judgement);
}

/* Bytes of the largest workspace that a plan of the twin needs. */
static int64_t largest_workspace(const struct part *part, int64_t max_bytes)
{
    struct attn_plan plan;
    struct attn_key key;
    int64_t largest = 0;
    attn_key_of(&part->twin.c.problem, &key);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        const bool wanted = part->twin.c.run.kernel < 0 || part->twin.c.run.kernel == k;
        if (wanted && attn_plan_kernel(&part->device, &key, k, &plan, NULL) && plan.workspace_bytes <= max_bytes &&
            plan.workspace_bytes > largest)
            largest = plan.workspace_bytes;
    }
    return largest;
}

/* NULL, or why there is none; then nothing is left of it. */
static const char *make_part(struct attn_twins *twins, const struct attn_runner *r, int i)
{
    struct part *part = &twins->part[i];
    memset(part, 0, sizeof *part);
    const char *why = attn_twin_make(r->c, &r->before, twins->kind, i, twins->limits.bytes, &part->twin);
    if (why)
        return why;
    part->runner = (struct attn_runner){ .backend = r->backend,
                                         .c = &part->twin.c,
                                         .device = &part->device,
                                         .limits = &twins->limits,
                                         .expected = { part, judge, NULL, "" },
                                         .before = part->twin.image };
    part->device = *r->device;
    const struct attn_run *run = &part->twin.c.run;
    if (twins->kind == ATTN_TWIN_WAVE && !(r->host && attn_run_device(r->backend, run->device, -1, &part->device)))
        why = "no device of the other wave size";
    part->limit = malloc((size_t)attn_d_v(&part->twin.c.problem) * sizeof *part->limit);
    if (!why && !part->limit)
        why = "out of memory";
    if (!why)
        why = attn_runner_open(&part->runner, largest_workspace(part, twins->limits.bytes));
    if (why)
        free_part(part);
    return why;
}

/* The twin of that kind, as it was left or made now; NULL when the case has none. */
static struct attn_twins *twin_of(struct attn_runner *r, int kind)
{
    struct attn_twins *twins = r->twins;
    if (!twins)
        r->twins = twins = calloc(1, sizeof *twins);
    if (!twins)
        return NULL;
    if (twins->limits.bytes == 0 || twins->kind != kind) {
        forget(twins);
        twins->kind = kind;
        twins->limits = *r->limits;
        twins->limits.schedules = 0;
        twins->limits.twins = 0;
        twins->limits.beside = NULL;
        twins->limits.trying = NULL;
        twins->limits.watch = NULL;
        twins->unfit = NULL;
        for (int i = 0; i < attn_twin_parts(kind) && !twins->unfit; i++) {
            twins->unfit = make_part(twins, r, i);
            twins->n += !twins->unfit;
        }
    }
    return twins->unfit ? NULL : twins;
}

/* ---- Running it ------------------------------------------------------------------------------------------ */

/* Do two plans cut their problems in the same way and reckon alike? Then rows that are the same have the same bits. */
static bool same_plans(const struct attn_plan *a, const struct attn_plan *b)
{
    struct attn_plan as_b = *a;
    as_b.wave_size = b->wave_size;
    as_b.head_size = b->head_size;
    as_b.columns = b->columns;
    as_b.kv_tile = b->kv_tile;
    as_b.waves = b->waves;
    as_b.splits = b->splits;
    as_b.convert_k = b->convert_k;
    as_b.convert_v = b->convert_v;
    as_b.scan = b->scan;
    as_b.scan_q = b->scan_q;
    as_b.arithmetic = b->arithmetic;
    return attn_plan_equal(a, &as_b) && (a->stage_k > 0) == (b->stage_k > 0);
}

static bool plan_part(const struct trial *t, int kind, struct part *part)
{
    struct attn_key key;
    attn_key_of(&part->twin.c.problem, &key);
    if (!attn_plan_kernel(&part->device, &key, t->plan->kernel, &part->plan, NULL) ||
        part->plan.workspace_bytes > t->r->limits->bytes)
        return false;
    /* Where a tile of the mask was found open for a block of rows, the mask is not added, which the compiler may round
     * in another way: the rows and heads that share a block must be the same ones; and where the kernel asks by itself,
     * it may where the problem lies and not where the twin does. Padding moves where splits and waves share the keys
     * out. */
    const bool blocks =
        !t->plan->arithmetic.mask_asked && (kind == ATTN_TWIN_LAYOUT || kind == ATTN_TWIN_SEQUENCE || !t->plan->scan);
    const struct attn_arithmetic *a = &part->plan.arithmetic;
    const bool keys = kind != ATTN_TWIN_PADDED || (a->splits <= 1 && a->waves <= 1);
    part->exact = part->twin.exact && same_plans(t->plan, &part->plan) && blocks && keys;
    return true;
}

/* What the kernel's results and the reference's values are held against, when they need not have the same bits. */
static bool refer(const struct trial *t, struct part *part)
{
    const struct attn_problem *p = &part->twin.c.problem;
    const void *base[ATTN_OPERAND_COUNT];
    if (part->exact || part->reference)
        return true;
    const int64_t work = t->r->limits->reference_work;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(&part->runner.before, p, o);
    part->reference =
        attn_reference_compute_some(p, base, work > 0 ? work : ATTN_RUN_REFERENCE_WORK, t->r->c->run.seed, NULL);
    return part->reference != NULL;
}

static bool found(struct trial *t, int kind, struct attn_finding *f)
{
    f->at = *t->r->c;
    f->at.run.kernel = t->plan->kernel;
    f->at.run.twin = kind;
    f->at.run.again = 0;
    return false;
}

/* ---- Comparing ------------------------------------------------------------------------------------------- */

/* Component 0 of a row of a result. */
static const char *row_at(const void *dst, const struct attn_problem *p, int64_t h, int64_t iq, int64_t s)
{
    const struct attn_tensor *t = &p->t[ATTN_DST];
    return (const char *)dst + (h ? h * t->nb[1] : 0) + (iq ? iq * t->nb[2] : 0) + (s ? s * t->nb[3] : 0);
}

static double value_at(const char *row, int64_t d)
{
    float value;
    memcpy(&value, row + 4 * d, sizeof value);
    return (double)value;
}

/* A row of a twin, which is row (h, iq, s) of the case. */
struct pair {
    struct trial *t;
    int kind;
    struct attn_finding *f;
    int64_t h, iq, s;
};

static bool differ(const struct pair *at, const char *who, int64_t d, double got, double want, double limit)
{
    trial_found(at->t, ATTN_P_METAMORPHIC, at->f,
                ", twin %s: component d=%" PRId64 " head=%" PRId64 " row=%" PRId64 " seq=%" PRId64
                " %sis %.9g, by the twin it must be %.9g within %.3g",
                attn_twin_name(at->kind), d, at->h, at->iq, at->s, who, got, want, limit);
    return found(at->t, at->kind, at->f);
}

static const char by_reference[] = "of the reference ";

static bool same_row(const struct pair *at, const char *x, const char *y)
{
    const int64_t d_v = attn_d_v(&at->t->r->c->problem);
    for (int64_t d = 0; d < d_v; d++)
        if (!(value_at(x, d) == value_at(y, d))) /* a zero's sign says nothing */
            return differ(at, "", d, value_at(x, d), value_at(y, d), 0);
    return true;
}

/* Both limits of the row: those of the case's plan in own[], those of the twin's in part->limit. False when the row is
 * not judged. */
static bool both_limits(const struct pair *at, struct part *part, int64_t h, int64_t iq, int64_t s, double *own)
{
    const struct trial *t = at->t;
    return attn_reference_row_limits(part->reference, &part->plan.arithmetic, h, iq, s, part->limit) &&
           attn_reference_row_limits(t->r->reference, &t->plan->arithmetic, at->h, at->iq, at->s, own);
}

static bool close_row(const struct pair *at, struct part *part, int64_t h, int64_t iq, int64_t s, const char *x,
                      const char *y, double *own)
{
    const struct attn_reference *a = at->t->r->reference, *b = part->reference;
    const int64_t d_v = attn_d_v(&at->t->r->c->problem);
    if (!both_limits(at, part, h, iq, s, own))
        return true;
    for (int64_t d = 0; d < d_v; d++) {
        const double limit = own[d] + part->limit[d], got = value_at(x, d), want = value_at(y, d);
        if (got != want && !(fabs(got - want) <= limit))
            return differ(at, "", d, got, want, limit);
        const double r = attn_reference_value(a, d, at->h, at->iq, at->s), q = attn_reference_value(b, d, h, iq, s);
        if (r != q && !(fabs(r - q) <= limit * SHARP))
            return differ(at, by_reference, d, r, q, limit * SHARP);
    }
    return true;
}

/* V is constant: that is what comes out, or zero where the row has no key. */
static bool constant_row(const struct pair *at, struct part *part, const char *y)
{
    const struct attn_problem *p = &part->twin.c.problem;
    const int64_t d_v = attn_d_v(p), kv_head = at->h / (attn_n_head(p) / attn_n_head_kv(p));
    const bool live = attn_twin_row_live(p, &part->runner.before, at->h, at->iq, at->s);
    const struct attn_tensor *v = &p->t[ATTN_V];
    bool good = true;
    float *want = malloc((size_t)d_v * sizeof *want);
    if (!want ||
        !attn_reference_row_limits(part->reference, &part->plan.arithmetic, at->h, at->iq, at->s, part->limit)) {
        free(want);
        return true;
    }
    attn_row_decode(v->type,
                    (const char *)attn_image_at(&part->runner.before, p, ATTN_V) + (kv_head ? kv_head * v->nb[2] : 0) +
                        (at->s ? at->s * v->nb[3] : 0),
                    d_v, want);
    for (int64_t d = 0; d < d_v && good; d++) {
        const double c = live ? (double)want[d] : 0, limit = live ? part->limit[d] : 0, got = value_at(y, d);
        const double r = attn_reference_value(part->reference, d, at->h, at->iq, at->s);
        if (got != c && !(fabs(got - c) <= limit))
            good = differ(at, "", d, got, c, limit);
        else if (r != c && !(fabs(r - c) <= limit * SHARP))
            good = differ(at, by_reference, d, r, c, limit * SHARP);
    }
    free(want);
    return good;
}

static bool compare_rows(struct trial *t, int kind, struct part *part, double *own, struct attn_finding *f)
{
    const struct attn_problem *p = &part->twin.c.problem;
    const void *x = attn_runner_dst(t->r), *y = attn_runner_dst(&part->runner);
    for (int64_t s = 0; s < attn_n_seq(p); s++)
        for (int64_t iq = 0; iq < attn_n_q(p); iq++)
            for (int64_t h = 0; h < attn_n_head(p); h++) {
                const struct pair at = { t, kind, f, part->twin.head + h, part->twin.row[iq], part->twin.seq + s };
                const char *one = row_at(x, &t->r->c->problem, at.h, at.iq, at.s), *other = row_at(y, p, h, iq, s);
                const bool good = part->exact                  ? same_row(&at, one, other)
                                  : kind == ATTN_TWIN_CONSTANT ? constant_row(&at, part, other)
                                                               : close_row(&at, part, h, iq, s, one, other, own);
                if (!good)
                    return false;
            }
    return true;
}

/* ---- Halves ---------------------------------------------------------------------------------------------- */

/* A row of the whole is a mean of the halves' rows, with one weight for all components: that of the first half's keys,
 * from 0 to 1. Each component tells what the weight can be. `low` and `high` are what is left of it. */
static bool weigh(double whole, double first, double second, double limit, double *low, double *high)
{
    const double off = whole - second, apart = first - second;
    if (apart == 0)
        return fabs(off) <= limit;
    const double a = (off - limit) / apart, b = (off + limit) / apart;
    *low = fmax(*low, fmin(a, b));
    *high = fmin(*high, fmax(a, b));
    return *low <= *high + 1e-12; /* the rounding of the quotients */
}

/* live: which half has a key, or a sink; the weight of one without is 0. */
static bool merged_row(const struct pair *at, struct attn_twins *twins, double *own, const bool live[2])
{
    struct part *first = &twins->part[0], *second = &twins->part[1];
    const int64_t d_v = attn_d_v(&at->t->r->c->problem), h = at->h, iq = at->iq, s = at->s;
    const char *x = row_at(attn_runner_dst(at->t->r), &at->t->r->c->problem, h, iq, s);
    const char *y = row_at(attn_runner_dst(&first->runner), &first->twin.c.problem, h, iq, s);
    const char *z = row_at(attn_runner_dst(&second->runner), &second->twin.c.problem, h, iq, s);
    double low = live[1] ? 0 : 1, high = live[0] ? 1 : 0, ref_low = low, ref_high = high;
    if (!live[0] && !live[1])
        low = high = ref_low = ref_high = 0; /* the halves' zeros */
    if (!both_limits(at, first, h, iq, s, own) || !both_limits(at, second, h, iq, s, own))
        return true;
    for (int64_t d = 0; d < d_v; d++) {
        const double limit = own[d] + fmax(first->limit[d], second->limit[d]);
        const double r = attn_reference_value(at->t->r->reference, d, h, iq, s);
        if (!isfinite(limit))
            continue;
        if (!weigh(value_at(x, d), value_at(y, d), value_at(z, d), limit, &low, &high))
            return differ(at, "is no mean of the halves' values: it ", d, value_at(x, d), value_at(y, d), limit);
        if (!weigh(r, attn_reference_value(first->reference, d, h, iq, s),
                   attn_reference_value(second->reference, d, h, iq, s), limit * SHARP, &ref_low, &ref_high))
            return differ(at, by_reference, d, r, attn_reference_value(first->reference, d, h, iq, s), limit * SHARP);
    }
    return true;
}

static bool compare_halves(struct trial *t, struct attn_twins *twins, double *own, struct attn_finding *f)
{
    const struct attn_problem *p = &t->r->c->problem;
    const bool sinks = p->t[ATTN_SINKS].present != 0;
    for (int64_t s = 0; s < attn_n_seq(p); s++)
        for (int64_t iq = 0; iq < attn_n_q(p); iq++)
            for (int64_t h = 0; h < attn_n_head(p); h++) {
                const struct pair at = { t, ATTN_TWIN_HALVES, f, h, iq, s };
                bool live[ATTN_TWIN_PARTS];
                for (int i = 0; i < ATTN_TWIN_PARTS; i++)
                    live[i] =
                        attn_twin_row_live(&twins->part[i].twin.c.problem, &twins->part[i].runner.before, h, iq, s) ||
                        (i == 0 && sinks);
                if (!merged_row(&at, twins, own, live))
                    return false;
            }
    return true;
}

/* ---- All ------------------------------------------------------------------------------------------------- */

static bool check_twin(struct trial *t, int kind, struct attn_finding *f)
{
    struct attn_twins *twins = twin_of(t->r, kind);
    if (!twins)
        return true;
    for (int i = 0; i < twins->n; i++)
        if (!plan_part(t, kind, &twins->part[i]))
            return true;
    char how[64];
    snprintf(how, sizeof how, ", twin %s", attn_twin_name(kind));
    for (int i = 0; i < twins->n; i++) {
        struct attn_kernel_outcome outcome = { .able = 1 };
        struct part *part = &twins->part[i];
        if (!refer(t, part))
            return true; /* no memory for it */
        if (!attn_runner_try(&part->runner, &part->plan, how, &outcome, f))
            return found(t, kind, f);
    }
    t->outcome->twins |= (uint16_t)(1u << kind);
    t->outcome->same_twins |= (uint16_t)(twins->part[0].exact << kind);
    double *own = malloc((size_t)attn_d_v(&t->r->c->problem) * sizeof *own);
    if (!own)
        return true;
    const bool good =
        kind == ATTN_TWIN_HALVES ? compare_halves(t, twins, own, f) : compare_rows(t, kind, &twins->part[0], own, f);
    free(own);
    return good;
}

bool attn_twins_agree(struct trial *t, struct attn_finding *f)
{
    const int named = t->r->c->run.twin;
    const uint32_t kinds = named >= 0 ? UINT32_C(1) << named : t->r->limits->twins;
    for (int kind = 0; kind < ATTN_TWIN_COUNT; kind++)
        if (kinds >> kind & 1 && !check_twin(t, kind, f))
            return false;
    return true;
}

uint32_t attn_run_one_twin(const struct attn_case *c)
{
    return UINT32_C(1) << attn_twin_draw(&c->problem, attn_case_hash(c));
}
