/* run.c: the properties of runs: P9 contained, P2 sound, P10 schedule-free. See properties.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/properties/properties.h"

/* One case on one device: what all kernels' trials share. */
struct bench {
    struct attn_backend *backend;
    const struct attn_case *c;
    bool host; /* schedules mean something */
    struct attn_device device;
    struct attn_key key;
    struct attn_image before; /* as it was filled */
    struct attn_image after;  /* as a run left it; shares roles with before */
    uint8_t *first_dst;       /* of the first schedule, the bytes of the buffer that dst is in */
    struct attn_memory *memory;
    struct attn_reference *reference;
    struct attn_image other; /* as the backend beside left it; shares roles with before; made when first needed */
};

/* One kernel's run. */
struct trial {
    struct bench *b;
    int kernel;
    const struct attn_run_limits *limits;
    struct attn_plan plan;
    bool ran; /* to the end */
    struct attn_failure failure;
    struct attn_judgement judgement;
    uint64_t schedule; /* of this run */
    int compared;      /* with the backend beside: enum attn_compared */
    double apart;
    int64_t equal;
};

/* ---- Findings -------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static bool found(const struct trial *t, int property, struct attn_finding *f,
                                                        const char *format, ...)
{
    va_list args;
    memset(f, 0, sizeof *f);
    f->property = property;
    f->kernel = t->kernel;
    f->rule = -1;
    f->failure = t->ran ? ATTN_F_NONE : t->failure.code;
    f->at = *t->b->c;
    f->at.run.kernel = t->kernel;
    f->at.run.schedule = t->schedule;
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    return false;
}

int attn_failure_property(int failure)
{
    switch (failure) {
    case ATTN_F_LDS_RACE:
    case ATTN_F_GLOBAL_RACE: return ATTN_P_SCHEDULE_FREE;
    case ATTN_F_LDS_UNWRITTEN:
    case ATTN_F_LDS_BOUNDS:
    case ATTN_F_GLOBAL_BOUNDS:
    case ATTN_F_GLOBAL_READONLY:
    case ATTN_F_GLOBAL_UNWRITTEN:
    case ATTN_F_DST_UNWRITTEN: return ATTN_P_CONTAINED;
    default: return ATTN_P_SOUND;
    }
}

static bool failed_run(const struct trial *t, struct attn_finding *f)
{
    return found(t, attn_failure_property(t->failure.code), f, "%s on %s: %s", attn_kernel(t->kernel)->name,
                 t->b->device.name, t->failure.text);
}

/* ---- Running --------------------------------------------------------------------------------------------- */

static bool run_once(struct trial *t, uint64_t schedule)
{
    struct bench *b = t->b;
    memset(&t->failure, 0, sizeof t->failure);
    t->schedule = schedule;
    if (b->host)
        attn_host_schedule(b->backend, schedule);
    t->ran = b->backend->ops->upload(b->backend, b->memory, &b->before, &t->failure) &&
             b->backend->ops->run(b->backend, b->memory, &b->c->problem, &t->plan, &t->failure) &&
             b->backend->ops->download(b->backend, b->memory, &b->after, &t->failure);
    return t->ran;
}

/* ---- P9 contained ---------------------------------------------------------------------------------------- */

/* The first byte of a buffer that is no element of dst and changed, -1: none. Most bytes are the same. */
static int64_t first_change(const struct attn_buffer *x, const struct attn_buffer *y)
{
    enum { STRIDE = 256 };
    for (int64_t from = 0; from < x->size; from += STRIDE) {
        int64_t n = x->size - from < STRIDE ? x->size - from : STRIDE;
        if (memcmp(x->bytes + from, y->bytes + from, (size_t)n) == 0)
            continue;
        uint8_t changed = 0;
        for (int64_t at = from; at < from + n; at++)
            changed |= (uint8_t)((x->bytes[at] ^ y->bytes[at]) & -(x->role[at] != ATTN_ROLE_DST));
        for (int64_t at = from; changed; at++)
            if (x->bytes[at] != y->bytes[at] && x->role[at] != ATTN_ROLE_DST)
                return at;
    }
    return -1;
}

static bool check_contained(struct trial *t, struct attn_finding *f)
{
    const struct attn_image *before = &t->b->before, *after = &t->b->after;
    for (int i = 0; i < before->n_buffers; i++) {
        const struct attn_buffer *x = &before->buffer[i], *y = &after->buffer[i];
        int64_t at = first_change(x, y);
        if (at >= 0)
            return found(t, ATTN_P_CONTAINED, f,
                         "%s on %s changed byte %" PRId64 " of buffer %d, which belongs to %s (from %02x to %02x)",
                         attn_kernel(t->kernel)->name, t->b->device.name, at, i,
                         x->role[at] == ATTN_ROLE_GAP ? "no element" : "an input", x->bytes[at], y->bytes[at]);
    }
    return true;
}

/* ---- P2 sound -------------------------------------------------------------------------------------------- */

static bool check_sound(struct trial *t, struct attn_finding *f)
{
    struct attn_judgement *j = &t->judgement;
    const void *dst = attn_image_at(&t->b->after, &t->b->c->problem, ATTN_DST);
    if (attn_judge(t->b->reference, &t->plan.arithmetic, dst, j))
        return true;
    return found(t, ATTN_P_SOUND, f,
                 "%s on %s: component d=%" PRId64 " head=%" PRId64 " row=%" PRId64 " seq=%" PRId64
                 " is %.9g, must be %.9g within %.3g; %" PRId64 " of %" PRId64 " components are beyond their limit",
                 attn_kernel(t->kernel)->name, t->b->device.name, j->d, j->h, j->iq, j->s, j->got, j->want, j->limit,
                 j->failed, j->components);
}

/* ---- P10 schedule-free ----------------------------------------------------------------------------------- */

/* Only the host has schedules to choose; what runs twice elsewhere must give the same bits all the same. */
static bool check_schedule_free(struct trial *t, struct attn_finding *f)
{
    struct bench *b = t->b;
    if (!t->limits->schedules)
        return true;
    int i = b->after.buffer_of[ATTN_DST];
    memcpy(b->first_dst, b->after.buffer[i].bytes, (size_t)b->after.buffer[i].size);
    if (!run_once(t, b->c->run.schedule ^ UINT64_C(0x9e3779b97f4a7c15)))
        return failed_run(t, f);
    for (int64_t at = 0; at < b->after.buffer[i].size; at++)
        if (b->first_dst[at] != b->after.buffer[i].bytes[at]) {
            t->schedule = b->c->run.schedule;
            if (!b->host)
                return found(t, ATTN_P_SCHEDULE_FREE, f,
                             "%s on %s: byte %" PRId64 " of dst's buffer differs between two runs of the same plan",
                             attn_kernel(t->kernel)->name, b->device.name, at);
            return found(t, ATTN_P_SCHEDULE_FREE, f,
                         "%s on %s: byte %" PRId64 " of dst's buffer differs between schedules %" PRIu64
                         " and %" PRIu64,
                         attn_kernel(t->kernel)->name, b->device.name, at, b->c->run.schedule,
                         b->c->run.schedule ^ UINT64_C(0x9e3779b97f4a7c15));
        }
    return true;
}

/* ---- Beside the host executor ---------------------------------------------------------------------------- */

static bool copy_image(const struct attn_image *from, struct attn_image *to)
{
    *to = *from;
    for (int i = 0; i < to->n_buffers; i++)
        to->buffer[i].bytes = NULL;
    for (int i = 0; i < to->n_buffers; i++) {
        to->buffer[i].bytes = malloc((size_t)to->buffer[i].size);
        if (!to->buffer[i].bytes)
            return false;
    }
    return true;
}

static void free_copy(struct attn_image *copy)
{
    for (int i = 0; i < copy->n_buffers; i++)
        free(copy->buffer[i].bytes);
    copy->n_buffers = 0;
}

/* The largest difference between two results, in units of both limits together, and how many have the same bits. */
static void compare(const struct bench *b, struct trial *t, const char *x, const char *y)
{
    const struct attn_tensor *dst = &b->c->problem.t[ATTN_DST];
    for (int64_t s = 0; s < dst->ne[3]; s++)
        for (int64_t iq = 0; iq < dst->ne[2]; iq++)
            for (int64_t h = 0; h < dst->ne[1]; h++)
                for (int64_t d = 0; d < dst->ne[0]; d++) {
                    int64_t at = d * dst->nb[0] + h * dst->nb[1] + iq * dst->nb[2] + s * dst->nb[3];
                    float one, other;
                    memcpy(&one, x + at, sizeof one);
                    memcpy(&other, y + at, sizeof other);
                    if (memcmp(x + at, y + at, sizeof one) == 0) {
                        t->equal++;
                        continue;
                    }
                    double limit = attn_reference_limit(b->reference, &t->plan.arithmetic, d, h, iq, s);
                    double off = fabs((double)one - (double)other);
                    double apart = off == 0 ? 0 : off / (2 * limit);
                    if (!(apart <= t->apart))
                        t->apart = apart;
                }
}

/* The same plan on the host executor, which sees every access: P2 when its result is wrong or too far away. */
static bool check_beside(struct trial *t, struct attn_finding *f)
{
    struct bench *b = t->b;
    struct attn_backend *host = t->limits->beside;
    const struct attn_problem *p = &b->c->problem;
    struct attn_failure failure = { 0 };
    struct attn_judgement j;
    if (!host)
        return true;
    t->compared = ATTN_COMPARED_TOO_LARGE;
    if (attn_problem_work(p) > t->limits->beside_work)
        return true;
    if (!b->other.n_buffers && !copy_image(&b->before, &b->other)) {
        free_copy(&b->other);
        return true; /* no room for its result: not compared, as with a case beyond the limit */
    }
    attn_host_schedule(host, b->c->run.schedule);
    struct attn_memory *memory = host->ops->alloc(host, p, &b->before, t->plan.workspace_bytes, &failure);
    bool ran = memory && host->ops->upload(host, memory, &b->before, &failure) &&
               host->ops->run(host, memory, p, &t->plan, &failure) &&
               host->ops->download(host, memory, &b->other, &failure);
    if (memory)
        host->ops->free(host, memory);
    if (!ran) {
        found(t, attn_failure_property(failure.code), f, "%s ran on %s, but its plan fails on the host executor: %s",
              attn_kernel(t->kernel)->name, b->device.name, failure.text);
        f->failure = failure.code;
        return false;
    }
    const char *here = attn_image_at(&b->other, p, ATTN_DST), *there = attn_image_at(&b->after, p, ATTN_DST);
    if (!attn_judge(b->reference, &t->plan.arithmetic, here, &j))
        return found(t, ATTN_P_SOUND, f,
                     "%s on %s is within its bound, the same plan on the host executor is not: component d=%" PRId64
                     " head=%" PRId64 " row=%" PRId64 " seq=%" PRId64 " is %.9g, must be %.9g within %.3g",
                     attn_kernel(t->kernel)->name, b->device.name, j.d, j.h, j.iq, j.s, j.got, j.want, j.limit);
    t->compared = ATTN_COMPARED_DONE;
    compare(b, t, there, here);
    return t->apart <= 1 ||
           found(t, ATTN_P_SOUND, f, "%s on %s is %.3g times both limits away from the host executor's result",
                 attn_kernel(t->kernel)->name, b->device.name, t->apart);
}

/* ---- All ------------------------------------------------------------------------------------------------- */

/* One row a property, in the order they are checked. */
static bool (*const checks[])(struct trial *, struct attn_finding *) = {
#define PLAN(name)
#define SESSION(name)
#define RUN(name) check_##name,
#define X(number, NAME, name, kind, text) kind(name)
    ATTN_PROPERTIES(X)
#undef X
#undef RUN
#undef SESSION
#undef PLAN
};

static bool try_kernel(struct trial *t, struct attn_finding *f)
{
    if (t->limits->trying)
        t->limits->trying(t->limits->context, t->kernel);
    if (!run_once(t, t->b->c->run.schedule))
        return failed_run(t, f);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (!checks[i](t, f))
            return false;
    return check_beside(t, f);
}

static void close_bench(struct bench *b)
{
    if (b->memory)
        b->backend->ops->free(b->backend, b->memory);
    attn_reference_free(b->reference);
    free(b->first_dst);
    free_copy(&b->after);
    free_copy(&b->other);
    attn_image_free(&b->before);
}

/* Image, data, reference and device memory; NULL when all is there, else why not. */
static const char *open_bench(struct bench *b, int64_t workspace_bytes, const struct attn_run_limits *limits)
{
    const int64_t reference_work = limits->reference_work > 0 ? limits->reference_work : ATTN_RUN_REFERENCE_WORK;
    const struct attn_problem *p = &b->c->problem;
    const void *base[ATTN_OPERAND_COUNT];
    struct attn_failure failure = { 0 };

    if (!attn_image_create(p, limits->bytes, &b->before)) {
        memset(&b->before, 0, sizeof b->before);
        return "out of memory";
    }
    attn_data_fill(b->c, &b->before);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(&b->before, p, o);
    b->reference = attn_reference_compute_some(p, base, reference_work, b->c->run.seed);
    b->memory = b->backend->ops->alloc(b->backend, p, &b->before, workspace_bytes, &failure);
    b->first_dst = malloc((size_t)b->before.buffer[b->before.buffer_of[ATTN_DST]].size);
    if (!b->reference || !b->memory || !b->first_dst || !copy_image(&b->before, &b->after))
        return "out of memory";
    return NULL;
}

static int skip(struct attn_outcome *outcome, const char *why)
{
    outcome->skipped = why;
    return outcome->status = ATTN_OUTCOME_SKIPPED;
}

static bool choose_device(const struct attn_backend *backend, const struct attn_case *c, struct attn_device *device)
{
    if (backend->ops->describe((struct attn_backend *)backend, device))
        return true;
    if (c->run.device < 0 || !attn_device(c->run.device))
        return false;
    if (c->run.weakening >= 0)
        return attn_device_weaken(attn_device(c->run.device), c->run.weakening, device, NULL);
    *device = *attn_device(c->run.device);
    return true;
}

int attn_check_run(struct attn_backend *backend, const struct attn_case *c, const struct attn_run_limits *limits,
                   struct attn_outcome *outcome, struct attn_finding *f)
{
    struct bench b = { .backend = backend, .c = c, .host = strcmp(backend->ops->name, "host") == 0 };
    struct trial trial[ATTN_KERNEL_COUNT];
    struct attn_plan chosen;
    int64_t workspace = 0;
    int n = 0, able = 0;

    memset(outcome, 0, sizeof *outcome);
    outcome->status = ATTN_OUTCOME_HELD;
    f->property = ATTN_P_NONE;
    if (!choose_device(backend, c, &b.device))
        return skip(outcome, "no device is named");
    attn_key_of(&c->problem, &b.key);
    outcome->chosen = attn_plan_key(&b.device, &b.key, &chosen, NULL);
    if (outcome->chosen >= 0) {
        outcome->splits = chosen.splits;
        outcome->kv_tile = chosen.kv_tile;
    }
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        if (c->run.kernel >= 0 && c->run.kernel != k)
            continue;
        memset(&trial[n], 0, sizeof trial[n]);
        if (!attn_plan_kernel(&b.device, &b.key, k, &trial[n].plan, NULL))
            continue;
        outcome->kernel[k].able = 1;
        able++;
        if (trial[n].plan.workspace_bytes > limits->bytes)
            continue;
        if (trial[n].plan.workspace_bytes > workspace)
            workspace = trial[n].plan.workspace_bytes;
        trial[n].b = &b;
        trial[n].kernel = k;
        trial[n++].limits = limits;
    }
    if (able == 0)
        return skip(outcome, c->run.kernel >= 0 ? "the kernel named is not able" : "no kernel is able");
    if (attn_problem_work(&c->problem) > limits->work)
        return skip(outcome, "more multiply-adds than the limit");
    if (attn_image_bytes(&c->problem) > limits->bytes)
        return skip(outcome, "more bytes than the limit");
    if (n == 0)
        return skip(outcome, "a larger workspace than the limit");

    const char *why = open_bench(&b, workspace, limits);
    for (int i = 0; i < n && !why && outcome->status == ATTN_OUTCOME_HELD; i++) {
        if (!try_kernel(&trial[i], f))
            outcome->status = ATTN_OUTCOME_FAILED;
        outcome->kernel[trial[i].kernel].ran = trial[i].ran;
        outcome->kernel[trial[i].kernel].judgement = trial[i].judgement;
        outcome->kernel[trial[i].kernel].compared = (uint8_t)trial[i].compared;
        outcome->kernel[trial[i].kernel].apart = trial[i].apart;
        outcome->kernel[trial[i].kernel].equal = trial[i].equal;
    }
    close_bench(&b);
    return why ? skip(outcome, why) : outcome->status;
}
