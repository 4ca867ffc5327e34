/* execute.c: see execute.h.
 *
 * Two kinds of data take turns. Uniform numbers with masks that exclude are what ggml's own test draws (ggml,
 * tests/test-backend-ops.cpp, init_tensor_uniform): a result that is off there is *wrong*. Off is what that test calls
 * off (its normalised mean square error above 5e-4), what is not finite where the reference is, and a row further off
 * than additions in f16 can explain. With any other data of this project's it is *loose*.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/execute.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/check/cause.h"
#include "cli/check/foreign.h"
#include "cli/check/word.h"
#include "fuzz/properties/properties.h"
#include "isa/isa.h"
#include "kernels/attn_backend.h"
#include "planner/hash.h"
#include "reference/attn_reference.h"

#define BYTES_MOST (INT64_C(32) << 20)
#define NMSE_MOST 5e-4
#define V_MOST 1.1 /* of uniform data, what quantisation adds to it included */

/* ---- Data ------------------------------------------------------------------------------------------------ */

/* Is the problem drawn with what ggml's test draws? Else with another profile. By the problem, so that it replays. */
static bool draw(const struct attn_problem *p, struct attn_case *c)
{
    /* No row without a key: ggml defines nothing there. */
    const bool below = attn_n_q(p) > attn_n_kv(p);
    const uint8_t masks[] = { below ? ATTN_MASK_NONE : ATTN_MASK_CAUSAL, ATTN_MASK_NONE };
    *c = (struct attn_case){ .problem = *p };
    attn_run_default(&c->run);
    const uint64_t drawn = attn_mix(attn_case_hash(c));
    c->run.seed = drawn >> 48;
    c->run.dead = drawn % 4 == 0; /* NaN in cells that nobody attends to: no test of ggml's has them */
    /* ggml's test scales scores by 1 / sqrt(D), and takes the softcaps and biases of models. */
    const bool usual = p->scale > 0 && p->scale <= 1 && p->max_bias <= 16 && p->softcap <= 100;
    const bool ordinary = usual && drawn % 4 != 0 && check_foreign_writable(p);
    c->run.data = ordinary ? ATTN_DATA_UNIFORM : (uint8_t)(drawn / 4 % ATTN_DATA_COUNT);
    c->run.mask = ordinary ? masks[drawn / 4 % 2] : (uint8_t)(drawn / 64 % ATTN_MASK_CONTENT_COUNT);
    return ordinary;
}

bool check_execute_image(const struct attn_problem *p, struct attn_image *image)
{
    struct attn_case c;
    if (!attn_image_create(p, BYTES_MOST, image))
        return false;
    draw(p, &c);
    attn_data_fill(&c, image);
    return true;
}

/* ---- The verdict on numbers ------------------------------------------------------------------------------ */

#define DEVIATIONS 6 /* of independent roundings, that together they may be off by */

/* The standard deviation of a score: ggml computes with Q in K's type, and in blocks of 8 bits where K is of blocks
 * (ggml, vec_dot_type of src/ggml-cpu/ggml-cpu.c; quantize_q8_1 in src/ggml-cuda/fattn-vec.cuh): D roundings of so
 * large a step each, independent and uniform, times K. K is uniform, of mean square most^2 / 3. Where a block's numbers
 * count from its least one, that one is multiplied by the sum of Q before it was rounded (vec_dot_q4_0_q8_1 of
 * src/ggml-cuda/vecdotq.cuh), so the roundings are multiplied by what is up to 2 * most: of twice that root. */
static double score_deviation(const struct attn_problem *p, double most)
{
    const uint8_t k = p->t[ATTN_K].type;
    const bool blocks = attn_tensor_info(&p->t[ATTN_K])->block_elems > 1;
    const double step = blocks ? 1.0 / 127 : k == ATTN_BF16 ? 0x1p-8 : k == ATTN_F16 ? 0x1p-11 : 0;
    return sqrt((double)attn_d_k(p) / 12) * step * 2 * most / sqrt(3) * (double)fabsf(p->scale);
}

/* What a row may be off by. Its sums are rounded to f16 after each of n_kv additions, by up to u = 2^-11 of at most
 * `most`, the largest V: each is uniform, of standard deviation u most / sqrt(3), and independent, as data is (Higham
 * and Mary, "A New Approach to Probabilistic Rounding Error Analysis", 2019); n_kv u most is the most that it can be.
 * Weights of f16 and all else: 16 roundings more. Scores that are off by t move the mean by no more than
 * N exp(2 N) sigma (reference/bound.c, 1.), with N their root mean square and sigma at most `most`. */
static double row_limit(const struct attn_problem *p, double most)
{
    const double n = (double)attn_n_kv(p), additions = fmin(n, DEVIATIONS * sqrt(n / 3));
    const double scores = DEVIATIONS * score_deviation(p, most);
    return (additions + 16) * 0x1p-11 * most + scores * exp(2 * scores) * most + 1e-5;
}

/* The least that our own bound knows: Q, K, V and weights rounded to f16, or to the 8 bits that ggml has with blocks.
 */
static struct attn_arithmetic least(const struct attn_problem *p)
{
    const uint8_t k = p->t[ATTN_K].type, v = p->t[ATTN_V].type;
    const bool blocks = attn_tensor_info(&p->t[ATTN_K])->block_elems > 1;
    return (struct attn_arithmetic){ .q_type = blocks ? ATTN_Q8_0 : ATTN_F16,
                                     .k_type = blocks ? k : ATTN_F16,
                                     .v_type = attn_tensor_info(&p->t[ATTN_V])->block_elems > 1 ? v : ATTN_F16,
                                     .p_type = ATTN_F16,
                                     .flush = true };
}

/* A component, and what it is. */
struct off_at {
    int64_t d, h, iq, s;
    double got, want;
};

struct off {
    double square, whole;         /* sums of squares: of differences, of the reference */
    double worst;                 /* difference / row limit; without a limit the difference */
    bool limited;                 /* there is one */
    int64_t beyond;               /* components beyond our own bound */
    int64_t broken;               /* components that are not finite, of rows with a key */
    int64_t keyless;              /* components of rows without one that are not zero */
    struct off_at at, keyless_at; /* the worst, of rows with a key; the first of the others */
};

static void add(struct off *off, double got, double want, double limit, const int64_t at[4])
{
    const bool broken = !isfinite(got) && isfinite(want);
    const double apart = broken ? INFINITY : fabs(got - want);
    off->broken += broken;
    off->square += broken ? 0 : apart * apart;
    off->whole += want * want;
    const double worst = broken ? HUGE_VAL : apart / limit;
    if (worst > off->worst) {
        off->worst = worst;
        off->at = (struct off_at){ at[0], at[1], at[2], at[3], got, want };
    }
}

/* The same of a component of the reference; on other data than ggml's test draws it is held against our bound, too. */
static void add_judged(struct off *off, const struct attn_reference *r, const struct attn_arithmetic *arithmetic,
                       double got, double limit, const int64_t at[4])
{
    const double want = attn_reference_value(r, at[0], at[1], at[2], at[3]);
    add(off, got, want, limit, at);
    if (!off->limited && off->beyond == 0)
        off->beyond = fabs(got - want) > attn_reference_limit(r, arithmetic, at[0], at[1], at[2], at[3]);
}

static void compare(const struct attn_problem *p, const void *const base[ATTN_OPERAND_COUNT],
                    const struct attn_reference *r, const float *dst, bool ordinary, struct off *off)
{
    const struct attn_tensor *t = &p->t[ATTN_DST];
    const struct attn_arithmetic arithmetic = least(p);
    /* How coarse the blocks of another's type are nobody says. */
    const double read = p->t[ATTN_V].type >= ATTN_TYPE_FOREIGN && ordinary ? check_cause_largest_v(p, base) : 0;
    const double limit = ordinary ? row_limit(p, fmax(V_MOST, read)) : 1;
    *off = (struct off){ .limited = ordinary };
    for (int64_t s = 0; s < t->ne[3]; s++)
        for (int64_t iq = 0; iq < t->ne[2]; iq++)
            for (int64_t h = 0; h < t->ne[1]; h++) {
                const bool has_key = check_cause_row_has_key(p, base, h, iq, s);
                for (int64_t d = 0; d < t->ne[0]; d++, dst++)
                    if (has_key)
                        add_judged(off, r, &arithmetic, (double)*dst, limit, (int64_t[]){ d, h, iq, s });
                    else if (!(*dst == 0) && off->keyless++ == 0)
                        off->keyless_at = (struct off_at){ d, h, iq, s, (double)*dst, 0 };
            }
}

double check_execute_limit(const struct attn_problem *p)
{
    struct attn_case c;
    struct attn_image image;
    double most = V_MOST;
    if (!draw(p, &c))
        return (double)INFINITY;
    if (p->t[ATTN_V].type >= ATTN_TYPE_FOREIGN && check_execute_image(p, &image)) {
        const void *base[ATTN_OPERAND_COUNT];
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            base[o] = attn_image_at(&image, p, o);
        most = fmax(most, check_cause_largest_v(p, base));
        attn_image_free(&image);
    }
    return row_limit(p, most);
}

/* How a result is off, and with what that is explained: a word of the finding's key. */
#define OFFS(X)                                                                                       \
    X(NOT, not_off)                                                                                   \
    X(NOT_FINITE, not_finite)                                                                         \
    X(NMSE, nmse)                                                                                     \
    X(ROW, row)                                                                                       \
    X(BEYOND_F16, beyond_f16)   /* not finite, and the data has numbers that f16 has not */           \
    X(DEAD_CELLS, dead_cells)   /* not finite, and it is without the NaN in cells that all exclude */ \
    X(KEYLESS_ROW, keyless_row) /* in rows without a key alone */
enum off_how {
#define X(NAME, name) OFF_##NAME,
    OFFS(X)
#undef X
};
static const char *const off_name[] = {
#define X(NAME, name) #name,
    OFFS(X)
#undef X
};

static enum off_how how_off(const struct off *off)
{
    const bool nmse = off->square > NMSE_MOST * off->whole + 1e-20;
    return off->broken                             ? OFF_NOT_FINITE
           : nmse && (off->limited || off->beyond) ? OFF_NMSE
           : off->limited && off->worst > 1        ? OFF_ROW
           : off->keyless                          ? OFF_KEYLESS_ROW
                                                   : OFF_NOT;
}

/* ---- One call -------------------------------------------------------------------------------------------- */

static void say_stopped(struct check *check, struct check_verdict *v, const struct attn_subject_ran *ran)
{
    char kernel[96];
    if (ran->stopped == 0) {
        check->unsupported++;
        snprintf(check->unsupported_text, sizeof check->unsupported_text, "%s", ran->text);
        return;
    }
    check_kernel_name(ran->launch.kernel, kernel, sizeof kernel);
    v->kind = CHECK_STOPPED;
    v->bad = ran->launch;
    v->number = ran->number;
    memcpy(v->source, ran->source, sizeof v->source);
    v->said = attn_hash_text(attn_hash_text(ATTN_HASH_START, kernel), isa_stop_name(ran->stop));
    snprintf(v->detail, sizeof v->detail, "%s %s", isa_stop_name(ran->stop), kernel);
    snprintf(v->message, sizeof v->message, "%s: %s", kernel, ran->text);
}

/* The attention launch's, of a subject that has launches. */
static void kernel_of(const struct check_verdict *v, char kernel[96])
{
    if (v->main)
        check_kernel_name(v->main->kernel, kernel, 96);
    else
        snprintf(kernel, 96, "flash_attn_ext");
}

/* The kernels of a call, in their order: any of them may be what is wrong. */
static void all_kernels(const struct check_verdict *v, char *text, size_t cap)
{
    char name[96];
    size_t used = 0;
    kernel_of(v, name);
    snprintf(text, cap, "%s", name);
    for (size_t i = 0; i < v->n_launches && used < cap; i++) {
        check_kernel_name(v->all[i].kernel, name, sizeof name);
        used += (size_t)snprintf(text + used, cap - used, "%s%s", used ? " + " : "", name);
    }
}

static void say_off(struct check_verdict *v, bool ordinary, const struct off *off, enum off_how why, const char *data)
{
    const char *how = off_name[why];
    char kernel[96], kernels[240];
    kernel_of(v, kernel);
    v->kind = ordinary && why != OFF_KEYLESS_ROW ? CHECK_WRONG : CHECK_LOOSE;
    if (v->main)
        v->bad = *v->main;
    all_kernels(v, kernels, sizeof kernels);
    v->said = attn_hash_text(attn_hash_text(ATTN_HASH_START, kernel), how);
    v->explained = why == OFF_BEYOND_F16 || why == OFF_DEAD_CELLS || why == OFF_KEYLESS_ROW;
    snprintf(v->detail, sizeof v->detail, "%s %s", how, kernel);
    const struct off_at *at = why == OFF_KEYLESS_ROW ? &off->keyless_at : &off->at;
    snprintf(v->message, sizeof v->message,
             "%s: NMSE %.3g, %" PRId64 " components not finite; d=%" PRId64 " head=%" PRId64 " row=%" PRId64
             " seq=%" PRId64 " is %.6g, must be %.6g; %s data",
             kernels, off->whole > 0 ? off->square / off->whole : off->square, off->broken + off->keyless, at->d, at->h,
             at->iq, at->s, at->got, at->want, data);
}

struct attn_subject_data check_execute_data(const struct attn_problem *p, const struct attn_image *image)
{
    struct attn_subject_data data = { .dst = attn_image_at(image, p, ATTN_DST) };
    for (int o = 0; o < ATTN_DST; o++)
        if (p->t[o].present) {
            const struct attn_buffer *buffer = &image->buffer[image->buffer_of[o]];
            data.buffer[o] = buffer->bytes;
            data.bytes[o] = buffer->size;
            data.offset[o] = p->t[o].offset;
        }
    return data;
}

static const char *const profile[] = {
#define X(NAME, name, text) #name,
    ATTN_DATA_PROFILES(X)
#undef X
};

/* Computes and compares; OFF_NOT also where nothing is known, and where it stopped, which it says. */
static enum off_how judge(struct check *check, int device, const struct attn_case *c, bool ordinary,
                          const struct attn_image *image, struct check_verdict *v, struct attn_subject_answer *answer,
                          struct off *off)
{
    const struct attn_problem *p = &c->problem;
    const void *base[ATTN_OPERAND_COUNT] = { NULL };
    const struct attn_subject_data data = check_execute_data(p, image);
    struct attn_subject_ran ran;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(image, p, o);
    attn_subject_compute(check->subject, device, p, &data, answer, &ran);
    check->executed++;
    check->executed_launches += ran.whole + ran.stopped + ran.unsupported;
    check->unsupported_launches += ran.unsupported;
    if (ran.stopped || ran.unsupported) {
        say_stopped(check, v, &ran);
        return OFF_NOT;
    }
    if (answer->status != ATTN_SUBJECT_YES && check->subject->alone)
        check_take_answer(v, answer);
    if (!check_foreign_readable(p)) {
        check->blind++;
        return OFF_NOT;
    }
    struct attn_reference *r = answer->status == ATTN_SUBJECT_YES ? attn_reference_compute(p, base) : NULL;
    if (!r)
        return OFF_NOT;
    v->bits = check_execute_bits(p, data.dst);
    compare(p, base, r, data.dst, ordinary, off);
    enum off_how how = how_off(off);
    if (how == OFF_NOT_FINITE && check_cause_beyond_f16(p, base))
        how = OFF_BEYOND_F16;
    attn_reference_free(r);
    return how;
}

/* Is it only for the NaN in cells that nobody attends to that a result is not finite? */
static bool only_dead_cells(struct check *check, int device, const struct attn_case *c, bool ordinary,
                            struct attn_image *image)
{
    struct attn_case without = *c;
    struct check_verdict v = { .kind = -1 };
    struct attn_subject_answer answer;
    struct off off;
    without.run.dead = false;
    attn_data_fill(&without, image);
    const enum off_how how = judge(check, device, &without, ordinary, image, &v, &answer, &off);
    return v.kind < 0 && how != OFF_NOT_FINITE && how != OFF_BEYOND_F16;
}

void check_execute(struct check *check, int device, const struct attn_problem *p, struct check_verdict *v)
{
    struct attn_subject_answer answer;
    check_execute_round(check, device, p, 0, v, &answer);
}

void check_execute_round(struct check *check, int device, const struct attn_problem *p, int round,
                         struct check_verdict *v, struct attn_subject_answer *answer)
{
    struct attn_case c;
    struct attn_image image;
    attn_subject_answer_set(answer, ATTN_SUBJECT_TOO_BIG, ATTN_SUBJECT_NO_REASON);
    if (p->further.present) { /* what it may hold its library alone knows */
        check->blind++;
        return;
    }
    if (attn_problem_work(p) > check->execute_work || !attn_image_create(p, BYTES_MOST, &image)) {
        v->too_big = check->subject->alone; /* nothing else is known of it */
        v->beyond = !v->too_big;
        return;
    }
    const bool ordinary = draw(p, &c);
    struct off off;
    c.run.seed += (uint64_t)round;
    attn_data_fill(&c, &image);
    enum off_how how = judge(check, device, &c, ordinary, &image, v, answer, &off);
    if ((how == OFF_NOT_FINITE || how == OFF_BEYOND_F16) && c.run.dead &&
        only_dead_cells(check, device, &c, ordinary, &image))
        how = OFF_DEAD_CELLS;
    if (how != OFF_NOT)
        say_off(v, ordinary, &off, how, profile[c.run.data]);
    attn_image_free(&image);
}

uint64_t check_execute_bits(const struct attn_problem *p, const float *dst)
{
    return attn_hash(ATTN_HASH_START, dst, (size_t)attn_tensor_span(&p->t[ATTN_DST])) | 1;
}

bool check_execute_raw(struct check *check, int device, const struct attn_problem *p, float *dst)
{
    struct attn_case c;
    struct attn_image image;
    struct attn_subject_answer answer;
    struct attn_subject_ran ran;
    if (attn_problem_work(p) > check->execute_work || !attn_image_create(p, BYTES_MOST, &image))
        return false;
    draw(p, &c);
    attn_data_fill(&c, &image);
    const struct attn_subject_data data = check_execute_data(p, &image);
    attn_subject_compute(check->subject, device, p, &data, &answer, &ran);
    const bool good = answer.status == ATTN_SUBJECT_YES && !ran.stopped && !ran.unsupported;
    if (good)
        memcpy(dst, data.dst, (size_t)attn_tensor_span(&p->t[ATTN_DST]));
    attn_image_free(&image);
    return good;
}
