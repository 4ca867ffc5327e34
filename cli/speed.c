/* speed.c: see speed.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench/machine.h"
#include "cli/check/baseline.h"
#include "cli/check/loop.h"
#include "cli/check/open.h"
#include "cli/input/clock.h"
#include "cli/input/message.h"
#include "cli/speed.h"
#include "cli/speed_reference.h"
#include "fuzz/domain/domain.h"
#include "fuzz/domain/mutate.h"
#include "fuzz/properties/properties.h"
#include "planner/random.h"
#include "reference/attn_reference.h"

struct speed {
    const struct speed_options *o;
    double calibration; /* steps a second of CPU time */
    int rows;
};

/* Repetitions of step() a second of CPU time; negative when it failed. */
static double rate(double seconds, bool (*step)(void *), void *context)
{
    int64_t n = 0, batch = 1;
    double begin = cli_cpu_now(), took;
    do {
        for (int64_t i = 0; i < batch; i++)
            if (!step(context))
                return -1;
        n += batch;
        took = cli_cpu_now() - begin;
        if (took < seconds / 16)
            batch *= 2;
    } while (took < seconds);
    return (double)n / took;
}

/* ---- Rows ------------------------------------------------------------------------------------------------ */

static double reference_of(const char *name)
{
    static const struct {
        const char *name;
        double ratio;
    } reference[] = {
#define X(name, ratio) { #name, ratio },
        SPEED_REFERENCES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof reference / sizeof reference[0]; i++)
        if (strcmp(reference[i].name, name) == 0)
            return reference[i].ratio;
    return 0;
}

static void put(struct speed *s, const char *name, const char *what, double value)
{
    const double ratio = value / s->calibration, then = reference_of(name);
    switch (s->o->form) {
    case SPEED_JSON:
        printf("%s\"%s\":{\"per_second\":%.6g,\"of_calibration\":%.6g,\"of_reference\":", s->rows ? "," : "", name,
               value, ratio);
        if (then > 0)
            printf("%.4g}", ratio / then);
        else
            fputs("null}", stdout);
        break;
    case SPEED_MARKDOWN:
        printf("| %s | %s | %.4g | %.4g |", name, what, value, ratio);
        if (then > 0)
            printf(" %.2f", ratio / then);
        puts(" |");
        break;
    case SPEED_REFERENCE: printf("    X(%s, %.6g) \\\n", name, ratio); break;
    default:
        printf("%-16s %12.5g %-42s", name, value, what);
        if (then > 0)
            printf("  %.2f of the reference run", ratio / then);
        putchar('\n');
    }
    s->rows++;
}

/* ---- What is measured ------------------------------------------------------------------------------------ */

/* Integer and floating point work that depends on itself, some KiB of memory: it is slowed by what slows the rest. */
static bool calibrate_once(void *context)
{
    enum { VALUES = 2048 };
    static float values[VALUES];
    uint64_t *state = context;
    for (int i = 0; i < VALUES; i++) {
        const uint64_t bits = attn_random(state);
        values[i] = values[i] * 0.75f + (float)(bits >> 40) * 0x1p-24f;
        values[bits % VALUES] += values[i];
    }
    return true;
}

static bool plan_once(void *context)
{
    const struct speed_options *o = context;
    struct attn_plan plan;
    return attn_plan(o->device, &o->c->problem, &plan, NULL) >= 0;
}

static bool refer_once(void *context)
{
    const struct speed_options *o = context;
    const void *base[ATTN_OPERAND_COUNT];
    for (int operand = 0; operand < ATTN_OPERAND_COUNT; operand++)
        base[operand] = operand == ATTN_DST ? NULL : attn_image_at(o->image, &o->c->problem, operand);
    struct attn_reference *r = attn_reference_compute(&o->c->problem, base);
    const bool good = r != NULL;
    attn_reference_free(r);
    return good;
}

struct execution {
    const struct speed_options *o;
    struct attn_backend *backend;
    struct attn_memory *memory;
    const struct attn_plan *plan;
    struct attn_failure failure;
};

static bool execute_once(void *context)
{
    struct execution *e = context;
    return e->backend->ops->upload(e->backend, e->memory, e->o->image, &e->failure) &&
           e->backend->ops->run(e->backend, e->memory, &e->o->c->problem, e->plan, &e->failure);
}

/* One kernel on the executor, plain or checked. */
static bool put_executor(struct speed *s, const struct attn_plan *plan, bool checked)
{
    const struct attn_host_options options = { .checked = checked };
    const struct attn_problem *problem = &s->o->c->problem;
    struct execution e = { .o = s->o, .plan = plan };
    char name[64];
    double runs = -1;
    snprintf(name, sizeof name, "%s_%s", attn_kernel(plan->kernel)->name, checked ? "checked" : "plain");
    e.backend = attn_host_open(&options);
    if (e.backend)
        e.memory = e.backend->ops->alloc(e.backend, problem, s->o->image, plan->workspace_bytes, &e.failure);
    if (e.memory)
        runs = rate(s->o->seconds, execute_once, &e);
    if (runs < 0)
        cli_error("%s: %s", name, e.backend ? e.failure.text : "out of memory");
    else
        put(s, name, checked ? "multiply-adds/s, executor, checked" : "multiply-adds/s, executor",
            runs * (double)attn_problem_work(problem));
    if (e.memory)
        e.backend->ops->free(e.backend, e.memory);
    if (e.backend)
        e.backend->ops->close(e.backend);
    return runs >= 0;
}

/* The machine code of the same plan, where it is there. */
static bool put_machine(struct speed *s, const struct attn_plan *plan)
{
    double plain, checked;
    char name[64];
    if (!bench_machine_rates(s->o->c, s->o->device, s->o->image, plan, s->o->seconds, &plain, &checked))
        return false;
    snprintf(name, sizeof name, "amd_%s_plain", attn_kernel(plan->kernel)->name);
    put(s, name, "wave instructions/s, machine", plain);
    snprintf(name, sizeof name, "amd_%s_checked", attn_kernel(plan->kernel)->name);
    put(s, name, "wave instructions/s, machine, checked", checked);
    return true;
}

struct judged {
    struct attn_backend *backend;
    uint64_t number;
    struct attn_finding finding;
};

/* A generated problem, run by every able kernel, checked and judged: what a fuzz target does with an input. */
static bool judge_once(void *context)
{
    enum { JUDGED = 64 }; /* the same ones, however long it is measured: they differ much in cost */
    const struct attn_domain_limits small = { .work = 250000, .bytes = 1 << 20, .components = 16384, .reach = 0 };
    const struct attn_run_limits limits = { .work = ATTN_RUN_WORK_LIMIT, .bytes = ATTN_RUN_BYTES_LIMIT };
    struct judged *j = context;
    struct attn_genome genome;
    struct attn_case c;
    struct attn_outcome outcome;
    attn_genome_random(&genome, attn_mix(1 + j->number++ % JUDGED));
    attn_genome_case(&genome, &small, &c);
    return attn_check_run(j->backend, &c, &limits, &outcome, &j->finding) != ATTN_OUTCOME_FAILED;
}

static bool put_judged(struct speed *s)
{
    const struct attn_host_options options = { .checked = true };
    struct judged j = { .backend = attn_host_open(&options) };
    if (!j.backend)
        return cli_out_of_memory();
    const double runs = rate(s->o->seconds, judge_once, &j);
    j.backend->ops->close(j.backend);
    if (runs < 0) {
        cli_error("a generated problem fails: %s", j.finding.text);
        return false;
    }
    put(s, "judged", "generated problems/s, run and judged", runs);
    return true;
}

/* attnfuzz check of our own planner, on all its devices. */
static bool put_check(struct speed *s)
{
    const struct check_subject_options subject = { .subject = "own" };
    struct check_baseline baseline = { .n = 0 };
    struct check *check = calloc(1, sizeof *check);
    bool good = check != NULL;
    if (good) {
        check->sign = calloc(CHECK_SIGNS, sizeof *check->sign);
        check->finding = calloc(CHECK_FINDINGS_MAX, sizeof *check->finding);
        check->seed = 1;
        check->seconds = s->o->seconds;
        check->baseline = &baseline;
        good = check->sign && check->finding && check_open(&subject, NULL, &check->subject) == CLI_GOOD;
    }
    if (good) {
        check->devices = (UINT32_C(1) << check->subject->n_devices) - 1;
        check_run(check, NULL, NULL, NULL);
        put(s, "check_own", "calls/s, generated and asked", check_rate(check, check->cpu_seconds));
        put(s, "check_distinct", "different ones of them/s", (double)check_distinct(check) / check->cpu_seconds);
        attn_subject_close(check->subject);
    }
    if (check) {
        free(check->sign);
        free(check->finding);
    }
    free(check);
    return good;
}

int speed_measure(const struct speed_options *o)
{
    struct speed s = { .o = o };
    struct attn_key key;
    uint64_t state = 1;
    char line[ATTN_CASE_LINE_MAX];
    attn_case_print(o->c, line, sizeof line);
    attn_key_of(&o->c->problem, &key);
    s.calibration = rate(o->seconds, calibrate_once, &state) * 2048;
    if (o->form == SPEED_JSON) {
        fputs("{\"line\":", stdout);
        cli_json_string(stdout, line);
        printf(",\"device\":\"%s\",\"multiply_adds\":%" PRId64
               ",\"reference_run\":\"%s\",\"calibration\":%.6g,\"rates\":{",
               o->device->name, attn_problem_work(&o->c->problem), SPEED_REFERENCE_RUN, s.calibration);
    } else if (o->form == SPEED_MARKDOWN) {
        puts("| | a second of a core | | of the calibration loop | of the reference run |\n|---|---|---|---|---|");
    } else if (o->form == SPEED_TEXT) {
        printf("%s on %s; the calibration loop makes %.4g M steps/s\nreference run: %s\n\n", line, o->device->name,
               s.calibration / 1e6, SPEED_REFERENCE_RUN);
    }
    put(&s, "plans", "plans/s", rate(o->seconds, plan_once, (void *)o));
    bool good = put_check(&s);
    put(&s, "reference", "multiply-adds/s, double precision",
        rate(o->seconds, refer_once, (void *)o) * (double)attn_problem_work(&o->c->problem));
    bool machine = true;
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
        struct attn_plan plan;
        if (!attn_plan_kernel(o->device, &key, kernel, &plan, NULL))
            continue;
        good &= put_executor(&s, &plan, false) && put_executor(&s, &plan, true);
        machine = machine && put_machine(&s, &plan);
    }
    good &= put_judged(&s);
    if (o->form == SPEED_JSON)
        puts("}}");
    else if (!machine && o->form == SPEED_TEXT)
        puts("\nno machine code of the kernels for this device: ./dev amd makes it");
    return good ? CLI_GOOD : CLI_BROKEN;
}
