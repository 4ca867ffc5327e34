/* run_report.c: what attnfuzz run says at the end: text, JSON, JUnit. All of it in the order of the corpus.
 *
 * SPDX-License-Identifier: MIT */
#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { FAILURES_SHOWN = 20, PLACE_MAX = 4160 };

/* ---- Totals ------------------------------------------------------------------------------------------------ */

static bool failed(const struct run_result *r) { return r->end != RUN_ENDED || r->plan_failed || r->run_failed; }

static bool ran(const struct run_result *r)
{
    return r->end != RUN_ENDED || r->outcome.status != ATTN_OUTCOME_SKIPPED;
}

static void add_kernels(const struct run_job *job, int64_t t, struct run_total *total)
{
    const struct run_result *r = &job->result[t];
    const struct attn_outcome *outcome = &r->outcome;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        const struct attn_kernel_outcome *one = &outcome->kernel[k];
        struct run_kernel_total *sum = &total->kernel[k];
        sum->able += one->able;
        sum->chosen += outcome->chosen == k;
        sum->missed += one->able && !one->ran && ran(r);
        if (!one->ran)
            continue;
        sum->ran++;
        sum->components += one->judgement.components;
        sum->unjudged += one->judgement.unjudged;
        sum->failed += one->judgement.failed > 0;
        if (one->judgement.worst > sum->worst) {
            sum->worst = one->judgement.worst;
            sum->worst_task = t;
        }
        total->components += one->judgement.components;
        total->unjudged += one->judgement.unjudged;
    }
}

void run_add_up(const struct run_job *job, struct run_total *total)
{
    memset(total, 0, sizeof *total);
    total->problems = job->n_problems;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        total->kernel[k].worst_task = -1;
    for (int64_t t = 0; t < job->n_tasks;) {
        bool any_failed = false, any_ran = false;
        int32_t problem = job->task[t].problem;
        for (; t < job->n_tasks && job->task[t].problem == problem; t++) {
            const struct run_result *r = &job->result[t];
            any_failed |= failed(r);
            any_ran |= ran(r);
            total->plans += r->plans;
            total->needs_naive += r->needs_naive;
            if (r->end == RUN_ENDED) {
                add_kernels(job, t, total);
                total->device[job->task[t].row] += ran(r);
            }
        }
        total->failed += any_failed;
        total->ran += any_ran;
        total->skipped += !any_ran;
    }
}

/* Problems skipped for each reason, in the order the reasons first appear; returns how many reasons there are. */
enum { REASONS_MAX = 16 };

static int skip_reasons(const struct run_job *job, const char *reason[REASONS_MAX], int64_t n[REASONS_MAX])
{
    int reasons = 0;
    for (int64_t t = 0; t < job->n_tasks; t++) {
        const struct run_result *r = &job->result[t];
        if (ran(r))
            continue;
        const char *why = r->outcome.skipped ? r->outcome.skipped : "no reason given";
        int i = 0;
        while (i < reasons && strcmp(reason[i], why))
            i++;
        if (i == REASONS_MAX)
            i--;
        if (i == reasons) {
            reason[reasons] = why;
            n[reasons++] = 0;
        }
        n[i]++;
    }
    return reasons;
}

static double share(int64_t part, int64_t whole) { return whole ? (double)part / (double)whole : 0; }

/* Why a task has failed though no property says so; NULL when one does. */
static const char *death(const struct run_result *r, char *text, size_t cap, int64_t timeout_s)
{
    if (r->end == RUN_TIMEOUT)
        snprintf(text, cap, "no result within %" PRId64 " s", timeout_s);
    else if (r->end == RUN_CRASHED && r->signal)
        snprintf(text, cap, "the worker died of signal %d", r->signal);
    else if (r->end == RUN_CRASHED)
        snprintf(text, cap, "the worker ended before it had a result");
    else
        return NULL;
    return text;
}

/* ---- Text -------------------------------------------------------------------------------------------------- */

static void put_failure(FILE *out, const struct run_job *job, int64_t t)
{
    const struct run_result *r = &job->result[t];
    char place[PLACE_MAX], text[128], line[ATTN_CASE_LINE_MAX];
    run_task_place(job, &job->task[t], place, sizeof place);
    const char *why = death(r, text, sizeof text, job->options->timeout_s);
    if (why) {
        struct attn_case c;
        run_task_case(job, &job->task[t], &c);
        attn_case_print(&c, line, sizeof line);
        fprintf(out, "FAILED %s: %s\n  line:   %s\n  replay: attnfuzz run '%s'\n", place, why, line, line);
    }
    for (int i = 0; i < 2 && !why; i++)
        if (i ? r->run_failed : r->plan_failed) {
            fprintf(out, "FAILED %s: ", place);
            attn_finding_print(out, &job->findings[t].at[i]);
        }
}

static void put_kernels(FILE *out, const struct run_total *total)
{
    fprintf(out, "%-8s %9s %9s %9s %14s %9s %15s\n", "kernel", "able", "chosen", "ran", "components", "unjudged",
            "worst of limit");
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        const struct run_kernel_total *sum = &total->kernel[k];
        fprintf(out, "%-8s %9" PRId64 " %9" PRId64 " %9" PRId64 " %14" PRId64 " %8.3f%% %15.3g\n",
                attn_kernel(k)->name, sum->able, sum->chosen, sum->ran, sum->components,
                100 * share(sum->unjudged, sum->components), sum->worst);
    }
}

void run_report_text(FILE *out, const struct run_job *job, const struct run_total *total)
{
    const char *reason[REASONS_MAX];
    int64_t n[REASONS_MAX];
    int64_t shown = 0, more = 0;
    for (int64_t t = 0; t < job->n_tasks; t++)
        if (failed(&job->result[t])) {
            if (shown++ < FAILURES_SHOWN)
                put_failure(out, job, t);
            else
                more++;
        }
    if (more)
        fprintf(out, "and %" PRId64 " more failures; --json FILE has all\n", more);
    put_kernels(out, total);
    fputs("devices ", out);
    for (int row = 0; row < attn_device_count(); row++)
        fprintf(out, " %s %" PRId64, attn_device(row)->name, total->device[row]);
    fputc('\n', out);
    int reasons = skip_reasons(job, reason, n);
    for (int i = 0; i < reasons; i++)
        fprintf(out, "skipped %" PRId64 ": %s\n", n[i], reason[i]);
    fprintf(out,
            "%" PRId64 " problems: %" PRId64 " ran, %" PRId64 " skipped (planned only), %" PRId64 " failed; %" PRId64
            " need naive; unjudged %.3f%% of components; %" PRId64 " plans; %.1f s\n",
            total->problems, total->ran, total->skipped, total->failed, total->needs_naive,
            100 * share(total->unjudged, total->components), total->plans, job->seconds);
}

/* What is not finite is null: JSON has no word for it. */
static void json_double(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.6g", value);
    else
        fputs("null", out);
}

/* ---- JSON -------------------------------------------------------------------------------------------------- */

static void json_place(FILE *out, const struct run_job *job, int64_t t)
{
    char place[PLACE_MAX];
    run_task_place(job, &job->task[t], place, sizeof place);
    cli_json_string(out, place);
}

static void json_failure(FILE *out, const struct run_job *job, int64_t t, const struct attn_finding *finding,
                         const char *why)
{
    char line[ATTN_CASE_LINE_MAX];
    struct attn_case c;
    run_task_case(job, &job->task[t], &c);
    attn_case_print(finding ? &finding->at : &c, line, sizeof line);
    int kernel = finding ? finding->kernel : -1;
    fputs("{\"at\":", out);
    json_place(out, job, t);
    fprintf(out, ",\"property\":%d,\"name\":", finding ? finding->property : 0);
    cli_json_string(out, finding ? attn_property_name(finding->property) : "none");
    fputs(",\"kernel\":", out);
    if (attn_kernel(kernel))
        cli_json_string(out, attn_kernel(kernel)->name);
    else
        fputs("null", out);
    fputs(",\"rule\":", out);
    if (attn_kernel(kernel) && finding->rule >= 0 && finding->rule < attn_kernel(kernel)->n_rules)
        cli_json_string(out, attn_kernel(kernel)->rules[finding->rule].name);
    else
        fputs("null", out);
    fputs(",\"failure\":", out);
    if (finding && finding->failure != ATTN_F_NONE)
        cli_json_string(out, attn_failure_name(finding->failure));
    else
        fputs("null", out);
    fputs(",\"text\":", out);
    cli_json_string(out, finding ? finding->text : why);
    fputs(",\"line\":", out);
    cli_json_string(out, line);
    fputs(",\"replay\":\"attnfuzz run '", out); /* a canonical line needs no escapes */
    fprintf(out, "%s'\"}", line);
}

static void json_failures(FILE *out, const struct run_job *job)
{
    const char *comma = "";
    fputs(",\"failures\":[", out);
    for (int64_t t = 0; t < job->n_tasks; t++) {
        const struct run_result *r = &job->result[t];
        char text[128];
        const char *why = death(r, text, sizeof text, job->options->timeout_s);
        if (why) {
            fprintf(out, "%s\n  ", comma);
            json_failure(out, job, t, NULL, why);
            comma = ",";
        }
        for (int i = 0; i < 2 && !why; i++)
            if (i ? r->run_failed : r->plan_failed) {
                fprintf(out, "%s\n  ", comma);
                json_failure(out, job, t, &job->findings[t].at[i], NULL);
                comma = ",";
            }
    }
    fputs("]", out);
}

/* The lines for which naive alone is able somewhere. */
static void json_needs_naive(FILE *out, const struct run_job *job)
{
    const char *comma = "";
    fputs(",\"needs_naive\":[", out);
    for (int64_t t = 0; t < job->n_tasks; t++) {
        if (!job->result[t].needs_naive)
            continue;
        fputs(comma, out);
        json_place(out, job, t);
        comma = ",";
    }
    fputs("]", out);
}

void run_report_json(FILE *out, const struct run_job *job, const struct run_total *total)
{
    const char *reason[REASONS_MAX];
    int64_t n[REASONS_MAX];
    fprintf(out,
            "{\"backend\":\"host\",\"problems\":%" PRId64 ",\"ran\":%" PRId64 ",\"failed\":%" PRId64
            ",\"skipped\":%" PRId64 ",\"components\":%" PRId64 ",\"unjudged\":%" PRId64 ",\"plans\":%" PRId64
            ",\"seconds\":%.3f,\"by_kernel\":{",
            total->problems, total->ran, total->failed, total->skipped, total->components, total->unjudged,
            total->plans, job->seconds);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        const struct run_kernel_total *sum = &total->kernel[k];
        fprintf(out,
                "%s\"%s\":{\"able\":%" PRId64 ",\"chosen\":%" PRId64 ",\"ran\":%" PRId64 ",\"missed\":%" PRId64
                ",\"failed\":%" PRId64 ",\"components\":%" PRId64 ",\"unjudged\":%" PRId64 ",\"worst\":",
                k ? "," : "", attn_kernel(k)->name, sum->able, sum->chosen, sum->ran, sum->missed, sum->failed,
                sum->components, sum->unjudged);
        json_double(out, sum->worst);
        fputs(",\"worst_at\":", out);
        if (sum->worst_task >= 0)
            json_place(out, job, sum->worst_task);
        else
            fputs("null", out);
        fputc('}', out);
    }
    fputs("},\"by_device\":{", out);
    for (int row = 0; row < attn_device_count(); row++)
        fprintf(out, "%s\"%s\":%" PRId64, row ? "," : "", attn_device(row)->name, total->device[row]);
    fputs("},\"skipped_for\":{", out);
    int reasons = skip_reasons(job, reason, n);
    for (int i = 0; i < reasons; i++) {
        fputs(i ? "," : "", out);
        cli_json_string(out, reason[i]);
        fprintf(out, ":%" PRId64, n[i]);
    }
    fputs("}", out);
    json_needs_naive(out, job);
    json_failures(out, job);
    fputs("}\n", out);
}

/* ---- JUnit ------------------------------------------------------------------------------------------------- */

void run_report_junit(FILE *out, const struct run_job *job, const struct run_total *total)
{
    int64_t bad = 0, skipped = 0;
    for (int64_t t = 0; t < job->n_tasks; t++) {
        bad += failed(&job->result[t]);
        skipped += !failed(&job->result[t]) && !ran(&job->result[t]);
    }
    (void)total;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"attnfuzz run\" tests=\"%" PRId64
            "\" failures=\"%" PRId64 "\" skipped=\"%" PRId64 "\" time=\"%.3f\">\n",
            job->n_tasks, bad, skipped, job->seconds);
    for (int64_t t = 0; t < job->n_tasks; t++) {
        const struct run_task *task = &job->task[t];
        const struct run_result *r = &job->result[t];
        char place[PLACE_MAX], device[40], text[128];
        run_task_place(job, task, place, sizeof place);
        cli_device_name(task->row, task->weakening, device, sizeof device);
        fputs("  <testcase classname=\"", out);
        cli_xml_text(out, lines_name(job->lines, job->problem[task->problem].source));
        fputs("\" name=\"", out);
        cli_xml_text(out, place);
        fprintf(out, " on %s\"", device);
        if (!failed(r) && ran(r)) {
            fputs("/>\n", out);
            continue;
        }
        fputs(">", out);
        const char *why = death(r, text, sizeof text, job->options->timeout_s);
        if (!failed(r)) {
            fputs("<skipped message=\"", out);
            cli_xml_text(out, r->outcome.skipped ? r->outcome.skipped : "no reason given");
            fputs("\"/>", out);
        } else if (why) {
            fputs("<failure message=\"", out);
            cli_xml_text(out, why);
            fputs("\"/>", out);
        }
        for (int i = 0; i < 2 && failed(r) && !why; i++)
            if (i ? r->run_failed : r->plan_failed) {
                const struct attn_finding *f = &job->findings[t].at[i];
                char line[ATTN_CASE_LINE_MAX];
                attn_case_print(&f->at, line, sizeof line);
                fprintf(out, "<failure type=\"P%d %s\" message=\"", f->property, attn_property_name(f->property));
                cli_xml_text(out, f->text);
                fputs("\">attnfuzz run '", out);
                cli_xml_text(out, line);
                fputs("'</failure>", out);
            }
        fputs("</testcase>\n", out);
    }
    fputs("</testsuite>\n", out);
}
