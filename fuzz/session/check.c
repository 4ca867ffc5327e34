/* check.c: what must hold of every step of a session: P1, P2, P9 and P7. See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/session/play.h"

/* ---- Does a kept plan serve a problem? ------------------------------------------------------------------- */

static int64_t align_of(const struct attn_tensor *t)
{
    uint64_t bits = (uint64_t)t->offset | 256;
    for (int d = 1; d < 4; d++)
        if (t->ne[d] > 1)
            bits |= (uint64_t)t->nb[d];
    return (int64_t)(bits & (~bits + 1));
}

/* Bytes of a dense f16 copy; what is broadcast is in it once. */
static int64_t copy_bytes(const struct attn_tensor *t)
{
    int64_t n = 2 * t->ne[0];
    for (int d = 1; d < 4; d++)
        n *= t->ne[d] > 1 && t->nb[d] == 0 ? 1 : t->ne[d];
    return n;
}

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static const char *serves_data(const struct attn_plan *plan, const struct attn_problem *p)
{
    const int64_t rows = attn_n_head(p) * attn_n_q(p) * attn_n_seq(p);
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (plan->convert_k < 0 && align_of(&p->t[ATTN_K]) % plan->load_k)
        return "K's rows are not aligned to the plan's loads";
    if (plan->convert_v < 0 && align_of(&p->t[ATTN_V]) % plan->load_v)
        return "V's rows are not aligned to the plan's loads";
    if (plan->convert_k >= 0 && plan->region_bytes[ATTN_REGION_K] < copy_bytes(&p->t[ATTN_K]))
        return "the copy of K is larger than the plan's workspace for it";
    if (plan->convert_v >= 0 && plan->region_bytes[ATTN_REGION_V] < copy_bytes(&p->t[ATTN_V]))
        return "the copy of V is larger than the plan's workspace for it";
    if (plan->splits > 1 && plan->region_bytes[ATTN_REGION_PARTIAL] < 4 * attn_d_v(p) * plan->splits * rows)
        return "the splits' results are larger than the plan's workspace for them";
    if (plan->splits > 1 && plan->region_bytes[ATTN_REGION_META] < 8 * plan->splits * rows)
        return "the splits' sums are larger than the plan's workspace for them";
    if (plan->scan && (!mask->present || plan->region_bytes[ATTN_REGION_SCAN] <
                                             mask->ne[2] * mask->ne[3] * ceil_div(attn_n_q(p), plan->scan_q) *
                                                 ceil_div(attn_n_kv(p), plan->kv_tile)))
        return "the mask's tiles are more than the plan's workspace for them";
    return NULL;
}

const char *attn_plan_serves(const struct attn_plan *plan, const struct attn_problem *p)
{
    const struct attn_head_size *size = attn_head_size(plan->head_size);
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    if (size && (size->d_k != attn_d_k(p) || size->d_v != attn_d_v(p)))
        return "the kernel's instance is for another head size";
    if ((plan->convert_k < 0 ? p->t[ATTN_K].type : plan->convert_k) != plan->arithmetic.k_type ||
        (plan->convert_v < 0 ? p->t[ATTN_V].type : plan->convert_v) != plan->arithmetic.v_type)
        return "K or V has another type";
    if (plan->key.type_k != p->t[ATTN_K].type || plan->key.type_v != p->t[ATTN_V].type)
        return "K or V has another type than the plan was made for";
    if (plan->key.n_head != attn_n_head(p) || plan->key.n_head_kv != attn_n_head_kv(p) ||
        plan->key.n_seq != attn_n_seq(p))
        return "it has other heads or sequences";
    if (attn_n_q(p) > plan->key.n_q || attn_n_kv(p) > plan->key.n_kv)
        return "it is larger than what the plan was made for";
    if ((plan->key.softcap != 0) != (p->softcap > 0) || (plan->key.alibi != 0) != (p->max_bias > 0) ||
        (plan->key.sinks != 0) != (p->t[ATTN_SINKS].present != 0))
        return "it has softcap, ALiBi or sinks and the plan has not, or the other way round";
    if ((mask->present ? mask->ne[2] : 0) != plan->key.mask_heads ||
        (mask->present ? mask->ne[3] : 0) != plan->key.mask_seqs)
        return "its mask has other heads or sequences";
    return serves_data(plan, p);
}

/* ---- Kept plans ------------------------------------------------------------------------------------------ */

struct kept {
    struct attn_key key;
    struct attn_plan plan;
};

struct plans {
    struct kept *kept;
    int32_t *slot; /* of a power of two, twice as many as kept at least; -1: empty */
    int64_t n, n_slots;
};

static uint64_t hash_key(const struct attn_key *key)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15), word;
    _Static_assert(sizeof *key % sizeof word == 0, "a key is hashed in words");
    for (size_t i = 0; i < sizeof *key; i += sizeof word) {
        memcpy(&word, (const char *)key + i, sizeof word);
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    return h;
}

/* The slot of a key, or the empty one where it belongs. */
static int64_t find_slot(const struct plans *plans, const struct attn_key *key, uint64_t hash)
{
    int64_t at = (int64_t)(hash & (uint64_t)(plans->n_slots - 1));
    while (plans->slot[at] >= 0 && memcmp(&plans->kept[plans->slot[at]].key, key, sizeof *key) != 0)
        at = (at + 1) & (plans->n_slots - 1);
    return at;
}

static bool grow(struct plans *plans)
{
    int64_t n_slots = plans->n_slots ? 2 * plans->n_slots : 64;
    int32_t *slot = malloc((size_t)n_slots * sizeof *slot);
    struct kept *kept = realloc(plans->kept, (size_t)n_slots / 2 * sizeof *kept);
    if (kept)
        plans->kept = kept;
    if (!slot || !kept) {
        free(slot);
        return false;
    }
    free(plans->slot);
    plans->slot = slot;
    plans->n_slots = n_slots;
    memset(slot, 0xff, (size_t)n_slots * sizeof *slot);
    for (int64_t i = 0; i < plans->n; i++)
        slot[find_slot(plans, &kept[i].key, hash_key(&kept[i].key))] = (int32_t)i;
    return true;
}

/* Planned only, a kept plan is held against a fresh one at every so many problems: it costs more than all else. */
enum { FRESH_EVERY = 8 };

/* ---- One session ----------------------------------------------------------------------------------------- */

struct check {
    const struct attn_session *s;
    const struct attn_session_options *o;
    struct attn_session_outcome *outcome;
    struct attn_session_finding *f;
    session_answer *answer; /* told each result; NULL: nobody */
    void *context;
    struct attn_device device; /* the backend's own, else the session's */
    bool data;                 /* the session has data, its problems are run */
    bool host;                 /* the backend runs plans of any device, in an order that a seed says */
    struct attn_case c;        /* of the problem at hand */
    struct plans plans;
    int64_t work; /* multiply-adds of the problems run so far */
    struct attn_sweep sweep;
    struct session_references references;
};

__attribute__((format(printf, 5, 6))) static bool found(struct check *k, const struct attn_session_at *at, int property,
                                                        int kernel, const char *format, ...)
{
    va_list args;
    k->f->at = *at;
    k->f->finding = (struct attn_finding){ .property = property, .kernel = kernel, .rule = -1, .at = k->c };
    k->f->finding.at.run.kernel = kernel;
    va_start(args, format);
    vsnprintf(k->f->finding.text, sizeof k->f->finding.text, format, args);
    va_end(args);
    return false;
}

/* A finding's text begins with where in the session it is. */
static void place(const struct attn_session *s, struct attn_session_finding *f)
{
    char text[sizeof f->finding.text];
    memcpy(text, f->finding.text, sizeof text);
    int n = snprintf(f->finding.text, sizeof text,
                     "step %" PRId64 " (event %d, request %d of slot %d, layer %s%s): ", f->at.step, f->at.event + 1,
                     f->at.request, f->at.slot, s->layer[f->at.layer].name, f->at.draft ? ", draft" : "");
    if (n > 0 && (size_t)n < sizeof text) {
        size_t room = sizeof text - (size_t)n - 1, length = strlen(text);
        length = length < room ? length : room;
        memcpy(f->finding.text + n, text, length);
        f->finding.text[(size_t)n + length] = 0;
    }
}

static void skip(struct check *k, const char *why)
{
    k->outcome->skipped++;
    if (!k->outcome->skipped_for)
        k->outcome->skipped_for = why;
}

/* A key that is new to this session: planned, and the plan properties checked on the fleet. */
static bool plan_new(struct check *k, const struct attn_session_at *at, const struct attn_key *key, uint64_t hash)
{
    struct attn_session_memo *memo = k->o->memo;
    struct kept *kept = &k->plans.kept[k->plans.n];
    bool known = memo && memo->hash[hash % ATTN_SESSION_MEMO] == (hash ^ (uint64_t)k->s->device << 56);
    k->outcome->plans++;
    kept->key = *key;
    int chosen = attn_plan(&k->device, &k->c.problem, &kept->plan, NULL);
    if (chosen < 0 || !known) {
        if (!attn_check_plan(k->o->fleet, &k->c, true, &k->sweep, &k->f->finding)) {
            k->f->at = *at;
            return false;
        }
        k->outcome->plans += k->sweep.plans;
        if (memo)
            memo->hash[hash % ATTN_SESSION_MEMO] = hash ^ (uint64_t)k->s->device << 56;
    }
    if (chosen < 0)
        return found(k, at, ATTN_P_TOTAL, -1, "no kernel is able on %s", k->device.name);
    k->plans.n++;
    return true;
}

/* The plan under the problem's key: kept, or made now. NULL with a finding, or when memory runs out. */
static const struct attn_plan *plan_of(struct check *k, const struct attn_session_at *at)
{
    struct attn_key key;
    if (2 * (k->plans.n + 1) > k->plans.n_slots && !grow(&k->plans))
        abort(); /* a few megabytes */
    attn_key_of(&k->c.problem, &key);
    uint64_t hash = hash_key(&key);
    int64_t slot = find_slot(&k->plans, &key, hash);
    if (k->plans.slot[slot] < 0) {
        int64_t n = k->plans.n;
        if (!plan_new(k, at, &key, hash))
            return NULL;
        k->plans.slot[slot] = (int32_t)n;
        k->outcome->keys++;
    } else {
        k->outcome->reused++;
    }
    const struct attn_plan *plan = &k->plans.kept[k->plans.slot[slot]].plan;
    if (!k->data ? k->outcome->planned % FRESH_EVERY == 0 : k->outcome->reused > 0) {
        struct attn_plan fresh;
        k->outcome->plans++;
        if (attn_plan(&k->device, &k->c.problem, &fresh, NULL) != plan->kernel ||
            memcmp(&fresh, plan, sizeof fresh) != 0) {
            found(k, at, ATTN_P_REUSABLE, plan->kernel,
                  "planned again, the problem gets another plan than the one kept under its key");
            return NULL;
        }
    }
    k->outcome->planned++;
    k->outcome->chosen[plan->kernel]++;
    const char *wrong = attn_plan_serves(plan, &k->c.problem);
    if (wrong) {
        char text[ATTN_LINE_MAX];
        attn_key_text(&plan->key, text, sizeof text);
        found(k, at, ATTN_P_REUSABLE, plan->kernel, "the plan kept under %s does not serve the problem: %s", text,
              wrong);
        return NULL;
    }
    return plan;
}

/* ---- Running --------------------------------------------------------------------------------------------- */

struct bench {
    const struct attn_player *player;
    const struct attn_session_at *at;
    struct attn_image image;
    struct attn_memory *memory;
};

static void add_judgement(struct attn_judgement *sum, const struct attn_judgement *one)
{
    if (sum->components == 0 || one->worst > sum->worst)
        sum->worst = one->worst;
    sum->components += one->components;
    sum->unjudged += one->unjudged;
    sum->failed += one->failed;
}

static bool run_plan(struct check *k, const struct bench *b, const struct attn_plan *plan, bool kept)
{
    struct attn_backend *backend = k->o->backend;
    struct attn_kernel_outcome *sum = &k->outcome->kernels.kernel[plan->kernel];
    struct attn_failure failure = { .code = ATTN_F_NONE };
    struct attn_judgement j;
    struct attn_image *image = (struct attn_image *)&b->image;
    const struct attn_buffer *dst = &image->buffer[image->buffer_of[ATTN_DST]];
    const char *how = kept ? "with the plan kept under its key" : "with a plan of its own";

    if (!backend->ops->upload(backend, b->memory, image, &failure) ||
        !backend->ops->run(backend, b->memory, &k->c.problem, plan, &failure) ||
        !backend->ops->download(backend, b->memory, image, &failure)) {
        found(k, b->at, attn_failure_property(failure.code), plan->kernel, "%s on %s, %s: %s",
              attn_kernel(plan->kernel)->name, k->device.name, how, failure.text);
        k->f->finding.failure = failure.code;
        return false;
    }
    bool good = session_judge(&k->references, &k->c.problem, &plan->arithmetic,
                              attn_image_at(image, &k->c.problem, ATTN_DST), &j);
    sum->ran = 1;
    add_judgement(&sum->judgement, &j);
    if (!good)
        return found(k, b->at, ATTN_P_SOUND, plan->kernel,
                     "%s on %s, %s: component d=%" PRId64 " head=%" PRId64 " row=%" PRId64 " seq=%" PRId64
                     " is %.9g, by the sequence's tokens it must be %.9g within %.3g; %" PRId64 " of %" PRId64
                     " components are beyond their limit",
                     attn_kernel(plan->kernel)->name, k->device.name, how, j.d, j.h, j.iq, j.s, j.got, j.want, j.limit,
                     j.failed, j.components);
    if (kept && k->answer)
        k->answer(k->context, b->player, b->at, &k->c.problem, &k->references, plan,
                  attn_image_at(image, &k->c.problem, ATTN_DST));
    memset(dst->bytes, 0xff, (size_t)dst->size);
    return true;
}

/* The kept plan, and every other able kernel, on the bytes that the cache has. */
static bool run_problem(struct check *k, const struct attn_player *player, const struct attn_session_at *at,
                        const struct attn_plan *kept)
{
    struct attn_plan plan[ATTN_KERNEL_COUNT];
    struct attn_failure failure = { 0 };
    struct bench b = { .player = player, .at = at };
    int64_t workspace = kept->workspace_bytes;
    bool able[ATTN_KERNEL_COUNT], held = true;

    if (attn_problem_work(&k->c.problem) > k->o->limits.work) {
        skip(k, "more multiply-adds than the limit");
        return true;
    }
    if (k->o->session_work && k->work > k->o->session_work - attn_problem_work(&k->c.problem)) {
        skip(k, "more multiply-adds than the limit in all");
        return true;
    }
    if (attn_image_bytes(&k->c.problem) > k->o->limits.bytes || workspace > k->o->limits.bytes) {
        skip(k, "more bytes than the limit");
        return true;
    }
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        able[i] = i == kept->kernel || (attn_plan_kernel(&k->device, &kept->key, i, &plan[i], NULL) &&
                                        plan[i].workspace_bytes <= k->o->limits.bytes);
        k->outcome->kernels.kernel[i].able |= able[i];
        able[i] = able[i] && (k->o->kernel < 0 || k->o->kernel == i);
        if (able[i] && i != kept->kernel && plan[i].workspace_bytes > workspace)
            workspace = plan[i].workspace_bytes;
    }
    if (!attn_image_create(&k->c.problem, k->o->limits.bytes, &b.image)) {
        skip(k, "out of memory");
        return true;
    }
    attn_player_fill(player, at, &k->c.problem, &b.image);
    bool ready = session_references(player, at, &k->c.problem, &k->references);
    b.memory = ready ? k->o->backend->ops->alloc(k->o->backend, &k->c.problem, &b.image, workspace, &failure) : NULL;
    if (b.memory) {
        k->outcome->ran++;
        k->work += attn_problem_work(&k->c.problem);
        for (int i = 0; i < ATTN_KERNEL_COUNT && held; i++)
            if (able[i])
                held = run_plan(k, &b, i == kept->kernel ? kept : &plan[i], i == kept->kernel);
        k->o->backend->ops->free(k->o->backend, b.memory);
    } else {
        skip(k, "out of memory");
    }
    session_references_free(&k->references);
    attn_image_free(&b.image);
    return held;
}

static bool visit(void *context, const struct attn_player *player, const struct attn_session_at *at,
                  const struct attn_problem *problem)
{
    struct check *k = context;
    struct attn_error error;
    k->c.problem = *problem;
    if (attn_problem_check(problem, &error) != ATTN_E_OK) {
        char text[256];
        attn_error_text(&error, text, sizeof text);
        return found(k, at, ATTN_P_NONE, -1, "the session made an illegal problem: %s", text);
    }
    const struct attn_plan *plan = plan_of(k, at);
    if (!plan)
        return false;
    if (!player->data) {
        if (k->o->backend)
            skip(k, "its caches have more bytes than the limit");
        return true;
    }
    if (k->host && k->s->schedule)
        attn_host_schedule(k->o->backend, k->s->schedule ^ (uint64_t)at->step);
    return run_problem(k, player, at, plan);
}

bool session_check(const struct attn_session *session, const struct attn_session_options *options,
                   session_answer *answer, void *context, struct attn_session_outcome *outcome,
                   struct attn_session_finding *f, struct attn_player **left)
{
    struct check *k = calloc(1, sizeof *k);
    struct attn_player *player = NULL;
    bool held = true;

    memset(outcome, 0, sizeof *outcome);
    memset(f, 0, sizeof *f);
    outcome->kernels.chosen = -1;
    if (!k)
        return true;
    *k = (struct check){ .s = session, .o = options, .outcome = outcome, .f = f, .answer = answer, .context = context };
    k->device = *attn_device(session->device);
    if (session->weakening >= 0)
        attn_device_weaken(attn_device(session->device), session->weakening, &k->device, NULL);
    k->host = options->backend && !options->backend->ops->describe(options->backend, &k->device);
    attn_run_default(&k->c.run);
    k->c.run.device = session->device;
    k->c.run.weakening = session->weakening;
    if (options->backend)
        player = attn_player_open(session, true, options->cache_bytes);
    k->data = player != NULL;
    if (!player)
        player = attn_player_open(session, false, 0);
    if (player) {
        held = attn_player_play(player, visit, k);
        if (!held)
            place(session, f);
        outcome->counts = *attn_player_counts(player);
    } else {
        outcome->skipped_for = "out of memory";
    }
    if (k->host && session->schedule)
        attn_host_schedule(options->backend, 0);
    if (left)
        *left = player;
    else
        attn_player_close(player);
    free(k->plans.kept);
    free(k->plans.slot);
    free(k);
    return held;
}

bool attn_session_run(const struct attn_session *session, const struct attn_session_options *options,
                      struct attn_session_outcome *outcome, struct attn_session_finding *finding)
{
    return session_check(session, options, NULL, NULL, outcome, finding, NULL);
}

void attn_session_finding_print(FILE *out, const struct attn_session *session, const struct attn_session_finding *f)
{
    char *script = malloc(ATTN_SESSION_TEXT_MAX), line[ATTN_CASE_LINE_MAX];
    if (!script)
        return;
    attn_session_print(session, script, ATTN_SESSION_TEXT_MAX);
    attn_finding_print_as(out, &f->finding, script);
    attn_case_print(&f->finding.at, line, sizeof line);
    fprintf(out, "  step:   %s\n", line);
    free(script);
}
