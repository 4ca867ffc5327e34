/* runner.c: the properties of runs: P9 contained, P2 sound, P10 schedule-free; P8 is metamorphic.c's. See runner.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/properties/trial.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "planner/random.h"

/* ---- Findings -------------------------------------------------------------------------------------------- */

bool trial_found(const struct trial *t, int property, struct attn_finding *f, const char *format, ...)
{
    va_list args;
    memset(f, 0, sizeof *f);
    f->property = property;
    f->kernel = t->plan->kernel;
    f->rule = -1;
    f->failure = t->failure.code;
    f->at = *t->r->c;
    f->at.run.kernel = t->plan->kernel;
    f->at.run.schedule = t->schedule;
    f->at.run.again = 0;
    f->at.run.twin = -1;
    int n =
        snprintf(f->text, sizeof f->text, "%s on %s%s", attn_kernel(t->plan->kernel)->name, t->r->device->name, t->how);
    va_start(args, format);
    if (n >= 0 && (size_t)n < sizeof f->text)
        vsnprintf(f->text + n, sizeof f->text - (size_t)n, format, args);
    va_end(args);
    return false;
}

/* ---- Running --------------------------------------------------------------------------------------------- */

static bool run_once(struct trial *t, uint64_t schedule)
{
    struct attn_runner *r = t->r;
    const struct attn_backend_ops *ops = r->backend->ops;
    memset(&t->failure, 0, sizeof t->failure);
    t->schedule = schedule;
    if (r->host)
        attn_host_schedule(r->backend, schedule);
    if (r->sample)
        attn_host_sample(r->backend, r->sample);
    const bool ran = ops->upload(r->backend, r->memory, &r->before, &t->failure) &&
                     ops->run(r->backend, r->memory, &r->c->problem, t->plan, &t->failure) &&
                     ops->download(r->backend, r->memory, &r->after, &t->failure);
    if (r->sample)
        attn_host_sample(r->backend, NULL);
    return ran;
}

static bool failed_run(const struct trial *t, struct attn_finding *f)
{
    return trial_found(t, attn_failure_property(t->failure.code), f, ": %s", t->failure.text);
}

const void *attn_runner_dst(const struct attn_runner *r) { return attn_image_at(&r->after, &r->c->problem, ATTN_DST); }

/* ---- P9 contained ---------------------------------------------------------------------------------------- */

/* The first byte of a stretch that is no element of dst and changed, -1: none. Most bytes are the same. */
static int64_t change_within(const struct attn_buffer *x, const struct attn_buffer *y, struct attn_stretch s)
{
    enum { STRIDE = 256 };
    for (int64_t from = s.start; from < s.end; from += STRIDE) {
        int64_t n = s.end - from < STRIDE ? s.end - from : STRIDE;
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

/* The same of a buffer. */
static int64_t first_change(const struct attn_buffer *x, const struct attn_buffer *y)
{
    int64_t at = -1;
    for (int32_t i = 0; i < x->n_stretches && at < 0; i++)
        at = change_within(x, y, x->stretch[i]);
    return at;
}

/* Calls for each component of dst; `at` is how far it is from the first, bytes. */
#define EACH_COMPONENT(dst, d, h, iq, s, at)                                                                        \
    for (int64_t s = 0; s < (dst)->ne[3]; s++)                                                                      \
        for (int64_t iq = 0; iq < (dst)->ne[2]; iq++)                                                               \
            for (int64_t h = 0; h < (dst)->ne[1]; h++)                                                              \
                for (int64_t d = 0, at = h * (dst)->nb[1] + iq * (dst)->nb[2] + s * (dst)->nb[3]; d < (dst)->ne[0]; \
                     d++, at += (dst)->nb[0])

/* The host executor knows what was written. Elsewhere an element that still has the image's pattern was not: that NaN
 * is no result of any arithmetic on finite inputs. */
static bool check_written(struct trial *t, struct attn_finding *f)
{
    const struct attn_tensor *dst = &t->r->c->problem.t[ATTN_DST];
    const char *result = attn_runner_dst(t->r);
    if (t->r->host)
        return true;
    EACH_COMPONENT(dst, d, h, iq, s, at)
    {
        uint32_t bits;
        memcpy(&bits, result + at, sizeof bits);
        if (bits == UINT32_MAX)
            return trial_found(t, ATTN_P_CONTAINED, f,
                               " left component d=%" PRId64 " head=%" PRId64 " row=%" PRId64 " seq=%" PRId64
                               " of dst unwritten",
                               d, h, iq, s);
    }
    return true;
}

static bool check_contained(struct trial *t, struct attn_finding *f)
{
    const struct attn_image *before = &t->r->before, *after = &t->r->after;
    for (int i = 0; i < before->n_buffers; i++) {
        const struct attn_buffer *x = &before->buffer[i], *y = &after->buffer[i];
        int64_t at = first_change(x, y);
        if (at >= 0)
            return trial_found(t, ATTN_P_CONTAINED, f,
                               " changed byte %" PRId64 " of buffer %d, which belongs to %s (from %02x to %02x)", at, i,
                               x->role[at] == ATTN_ROLE_GAP ? "no element" : "an input", x->bytes[at], y->bytes[at]);
    }
    return check_written(t, f);
}

/* ---- P2 sound -------------------------------------------------------------------------------------------- */

static bool judge(const struct trial *t, const void *dst, struct attn_judgement *j)
{
    const struct attn_expected *e = &t->r->expected;
    return e->judge(e->what, &t->r->c->problem, &t->plan->arithmetic, dst, j);
}

static bool check_sound(struct trial *t, struct attn_finding *f)
{
    struct attn_judgement *j = &t->outcome->judgement;
    bool held = judge(t, attn_runner_dst(t->r), j);
    t->outcome->blind = held && attn_judgement_blind(j);
    if (held)
        return true;
    return trial_found(t, ATTN_P_SOUND, f,
                       ": component d=%" PRId64 " head=%" PRId64 " row=%" PRId64 " seq=%" PRId64
                       " is %.9g, %smust be %.9g within %.3g; %" PRId64 " of %" PRId64
                       " components are beyond their limit",
                       j->d, j->h, j->iq, j->s, j->got, t->r->expected.by, j->want, j->limit, j->failed, j->components);
}

/* ---- P10 schedule-free ----------------------------------------------------------------------------------- */

/* The stretches of a buffer one after the other. */
static int64_t pack(const struct attn_buffer *buffer, uint8_t *out)
{
    int64_t n = 0;
    for (int32_t i = 0; i < buffer->n_stretches; i++) {
        const struct attn_stretch s = buffer->stretch[i];
        if (out)
            memcpy(out + n, buffer->bytes + s.start, (size_t)(s.end - s.start));
        n += s.end - s.start;
    }
    return n;
}

/* The first byte of the buffer that is not as it was packed; -1: none. */
static int64_t first_unlike(const uint8_t *packed, const struct attn_buffer *buffer)
{
    for (int32_t i = 0; i < buffer->n_stretches; i++) {
        const struct attn_stretch s = buffer->stretch[i];
        if (memcmp(packed, buffer->bytes + s.start, (size_t)(s.end - s.start)) != 0)
            for (int64_t at = s.start;; at++, packed++)
                if (*packed != buffer->bytes[at])
                    return at;
        packed += s.end - s.start;
    }
    return -1;
}

static bool same_again(struct trial *t, uint64_t another, struct attn_finding *f)
{
    struct attn_runner *r = t->r;
    const uint64_t schedule = r->c->run.schedule;
    const struct attn_buffer *dst = &r->after.buffer[r->after.buffer_of[ATTN_DST]];
    if (!run_once(t, another)) {
        t->outcome->ran = 0;
        return failed_run(t, f);
    }
    t->schedule = schedule;
    const int64_t at = first_unlike(r->first_dst, dst);
    if (at < 0)
        return true;
    if (!r->host)
        return trial_found(t, ATTN_P_SCHEDULE_FREE, f,
                           ": byte %" PRId64 " of dst's buffer differs between two runs of the same plan", at);
    trial_found(t, ATTN_P_SCHEDULE_FREE, f,
                ": byte %" PRId64 " of dst's buffer differs between schedules %" PRIu64 " (%s) and %" PRIu64 " (%s)",
                at, schedule, attn_schedule_name(attn_schedule_kind(schedule)), another,
                attn_schedule_name(attn_schedule_kind(another)));
    f->at.run.again = another;
    return false;
}

/* Only the host has schedules to choose; what runs twice elsewhere must give the same bits all the same. The second one
 * is of another kind than the first, drawn by the case; so the same line is run under the same two. */
static bool check_schedule_free(struct trial *t, struct attn_finding *f)
{
    struct attn_runner *r = t->r;
    const struct attn_run *run = &r->c->run;
    const struct attn_buffer *dst = &r->after.buffer[r->after.buffer_of[ATTN_DST]];
    if (!r->first_dst)
        return true;
    pack(dst, r->first_dst);
    if (run->again != 0 || !r->host)
        return same_again(t, run->again, f);
    const uint64_t drawn = attn_mix(attn_case_hash(r->c));
    for (int i = 0; i < r->limits->schedules && i < ATTN_RUN_ALL_SCHEDULES; i++) {
        const int other = (int)((drawn + (uint64_t)i) % ATTN_RUN_ALL_SCHEDULES);
        const int kind = (attn_schedule_kind(run->schedule) + 1 + other) % ATTN_SCHEDULE_KINDS;
        if (!same_again(t, attn_schedule_of(kind, drawn), f))
            return false;
    }
    return true;
}

/* ---- Beside the host executor ---------------------------------------------------------------------------- */

/* The largest difference between two results, in units of both limits together, and how many have the same bits. */
static void compare(const struct trial *t, const char *x, const char *y)
{
    const struct attn_expected *e = &t->r->expected;
    const struct attn_tensor *dst = &t->r->c->problem.t[ATTN_DST];
    struct attn_kernel_outcome *o = t->outcome;
    EACH_COMPONENT(dst, d, h, iq, s, at)
    {
        float one, other;
        memcpy(&one, x + at, sizeof one);
        memcpy(&other, y + at, sizeof other);
        if (memcmp(x + at, y + at, sizeof one) == 0) {
            o->equal++;
            continue;
        }
        double limit = e->limit(e->what, &t->plan->arithmetic, d, h, iq, s);
        double off = fabs((double)one - (double)other);
        double apart = off == 0 ? 0 : off / (2 * limit);
        if (!(apart <= o->apart))
            o->apart = apart;
    }
}

/* The same plan on the host executor, which sees every access: P2 when its result is wrong or too far away. */
static bool check_beside(struct trial *t, struct attn_finding *f)
{
    struct attn_runner *r = t->r;
    struct attn_backend *host = r->limits->beside;
    const struct attn_problem *p = &r->c->problem;
    struct attn_judgement j;
    if (!host)
        return true;
    t->outcome->compared = ATTN_COMPARED_TOO_LARGE;
    if (attn_problem_work(p) > r->limits->beside_work)
        return true;
    if (!r->other.n_buffers && !attn_image_mirror(&r->before, &r->other))
        return true; /* no room for its result: not compared, as with a case beyond the limit */
    attn_host_schedule(host, r->c->run.schedule);
    struct attn_memory *memory = host->ops->alloc(host, p, &r->before, t->plan->workspace_bytes, &t->failure);
    bool ran = memory && host->ops->upload(host, memory, &r->before, &t->failure) &&
               host->ops->run(host, memory, p, t->plan, &t->failure) &&
               host->ops->download(host, memory, &r->other, &t->failure);
    if (memory)
        host->ops->free(host, memory);
    if (!ran)
        return trial_found(t, attn_failure_property(t->failure.code), f,
                           " ran, but its plan fails on the host executor: %s", t->failure.text);
    const char *here = attn_image_at(&r->other, p, ATTN_DST), *there = attn_runner_dst(r);
    if (!judge(t, here, &j))
        return trial_found(t, ATTN_P_SOUND, f,
                           " is within its bound, the same plan on the host executor is not: component d=%" PRId64
                           " head=%" PRId64 " row=%" PRId64 " seq=%" PRId64 " is %.9g, %smust be %.9g within %.3g",
                           j.d, j.h, j.iq, j.s, j.got, r->expected.by, j.want, j.limit);
    t->outcome->judgement.suspect += j.suspect;
    t->outcome->judgement.unlikely = fmax(t->outcome->judgement.unlikely, j.unlikely);
    t->outcome->compared = ATTN_COMPARED_DONE;
    compare(t, there, here);
    return t->outcome->apart <= 1 ||
           trial_found(t, ATTN_P_SOUND, f, " is %.3g times both limits away from the host executor's result",
                       t->outcome->apart);
}

/* ---- All ------------------------------------------------------------------------------------------------- */

static bool check_metamorphic(struct trial *t, struct attn_finding *f)
{
    return !t->r->metamorphic || t->r->metamorphic(t, f);
}

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

/* With all checks. */
static bool try_checked(struct trial *t, struct attn_finding *f)
{
    if (!run_once(t, t->r->c->run.schedule))
        return failed_run(t, f);
    t->outcome->ran = 1;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (!checks[i](t, f))
            return false;
    return check_beside(t, f);
}

/* Without those that the executor makes while a kernel runs. */
static bool try_unchecked(struct trial *t, struct attn_finding *f)
{
    attn_host_checked(t->r->backend, false);
    bool ran = run_once(t, t->r->c->run.schedule);
    attn_host_checked(t->r->backend, true);
    if (!ran)
        return failed_run(t, f);
    t->outcome->ran = 1;
    return check_contained(t, f) && check_sound(t, f);
}

bool attn_runner_try(struct attn_runner *r, const struct attn_plan *plan, const char *how,
                     struct attn_kernel_outcome *outcome, struct attn_finding *f)
{
    struct trial t = { .r = r, .plan = plan, .how = how, .outcome = outcome };
    /* Addresses of a sample are far apart, and what a wrong one meets without checks is the end of the process. */
    const bool unchecked =
        r->host && r->how == ATTN_RUN_UNCHECKED && !r->limits->schedules && !r->limits->twins && !r->sample;
    *outcome = (struct attn_kernel_outcome){ .able = outcome->able };
    if (r->limits->trying)
        r->limits->trying(r->limits->context, plan->kernel);
    t.how = unchecked ? ", in a run without checks (with them it holds)" : how;
    if (unchecked && !try_unchecked(&t, f)) {
        struct attn_finding other;
        *outcome = (struct attn_kernel_outcome){ .able = outcome->able };
        t.how = how;
        if (!try_checked(&t, &other))
            *f = other;
        return false;
    }
    if (!unchecked && !try_checked(&t, f)) {
        if (t.failure.code != ATTN_F_UNSUPPORTED)
            return false;
        *outcome = (struct attn_kernel_outcome){ .able = outcome->able };
        snprintf(outcome->unsupported, sizeof outcome->unsupported, "%s", t.failure.text);
        f->property = ATTN_P_NONE;
        return true;
    }
    if (r->limits->watch && r->limits->watch->ran)
        r->limits->watch->ran(r->limits->watch->context, r->c, plan, unchecked ? ATTN_RUN_UNCHECKED : ATTN_RUN_CHECKED,
                              &outcome->judgement);
    return true;
}

bool attn_run_device(struct attn_backend *backend, int row, int weakening, struct attn_device *device)
{
    struct attn_device whole;
    const bool own = backend && backend->ops->describe(backend, &whole);
    if (!own) {
        if (row < 0 || !attn_device(row))
            return false;
        whole = *attn_device(row);
    }
    if (weakening >= 0 && attn_device_weaken(&whole, weakening, device, NULL))
        return true;
    *device = whole;
    return own || weakening < 0;
}

static const char no_memory[] = "out of memory";

const char *attn_runner_fits(const struct attn_runner *r)
{
    const bool sparse = r->backend->ops->sparse;
    const int64_t reach = attn_image_reach(&r->c->problem);
    if (reach > (sparse ? ATTN_REACH_MOST : r->limits->bytes))
        return sparse ? "buffers that reach past 2^42 bytes" : "more bytes than the limit, with its gaps";
    const int64_t bytes = attn_image_bytes_sample(&r->c->problem, r->sample);
    return bytes > r->limits->bytes ? "more bytes than the limit" : NULL;
}

const char *attn_runner_image(struct attn_runner *r)
{
    if (attn_image_create_sample(&r->c->problem, r->sample, r->limits->bytes, &r->before))
        return NULL;
    memset(&r->before, 0, sizeof r->before);
    return no_memory;
}

const char *attn_runner_open(struct attn_runner *r, int64_t workspace_bytes)
{
    struct attn_failure failure = { 0 };
    r->host = r->backend->ops->executor;
    r->memory = r->backend->ops->alloc(r->backend, &r->c->problem, &r->before, workspace_bytes, &failure);
    if (!r->memory || !attn_image_mirror(&r->before, &r->after))
        return no_memory;
    const bool again = r->limits->schedules > 0 || (r->host && r->c->run.again != 0);
    if (again)
        r->first_dst = malloc((size_t)pack(&r->before.buffer[r->before.buffer_of[ATTN_DST]], NULL));
    return again && !r->first_dst ? no_memory : NULL;
}

void attn_runner_close(struct attn_runner *r)
{
    if (r->memory)
        r->backend->ops->free(r->backend, r->memory);
    free(r->first_dst);
    attn_image_mirror_free(&r->after);
    attn_image_mirror_free(&r->other);
    attn_image_free(&r->before);
}
