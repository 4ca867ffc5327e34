/* report_json.c: the results of a run as one JSON object.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>

#include "cli/input/message.h"
#include "cli/run/report.h"
#include "cli/run/tasks.h"

/* What is not finite is null: JSON has no word for it. */
static void put_double(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.6g", value);
    else
        fputs("null", out);
}

static void put_place(FILE *out, const struct run_job *job, int64_t t)
{
    char place[RUN_PLACE_MAX];
    run_task_place(job, t, place, sizeof place);
    cli_json_string(out, place);
}

static void put_line(FILE *out, const char *key, const struct run_job *job, int64_t t, const struct attn_case *c)
{
    char line[ATTN_CASE_LINE_MAX];
    cli_json_text(out, key, run_task_line(job, t, c, line));
}

/* One finding, or with finding NULL a death. */
static void put_failure(FILE *out, const struct run_job *job, int64_t t, int which, const char *why)
{
    const struct run_result *r = &job->result[t];
    const struct attn_finding *f = why ? NULL : run_finding(job, t, which);
    const struct attn_kernel *kernel = attn_kernel(f ? f->kernel : r->trying);
    bool ruled = f && kernel && f->rule >= 0 && f->rule < kernel->n_rules;
    struct attn_case c;
    char line[ATTN_CASE_LINE_MAX], command[RUN_COMMAND_MAX];
    if (f)
        c = f->at;
    else
        run_death_case(job, t, &c);
    fputs("{\"at\":", out);
    put_place(out, job, t);
    fprintf(out, ",\"property\":%d", f ? f->property : 0);
    cli_json_text(out, "name", f ? attn_property_name(f->property) : "none");
    cli_json_text(out, "kernel", kernel ? kernel->name : NULL);
    cli_json_text(out, "rule", ruled ? kernel->rules[f->rule].name : NULL);
    cli_json_text(out, "failure", f && f->failure != ATTN_F_NONE ? attn_failure_name(f->failure) : NULL);
    cli_json_text(out, "text", f ? f->text : why);
    put_line(out, "line", job, t, &c);
    if (which && f)
        cli_json_text(out, "host", run_host_text(r->host));
    if (f && r->shrunk[which])
        put_line(out, "from", job, t, &job->findings[t].at[which].at);
    fprintf(out, ",\"replay\":\"%s '%s'\"}", run_replay(job, t, which, false, command, sizeof command),
            run_task_line(job, t, &c, line)); /* a canonical line needs no escapes */
}

static void put_failures(FILE *out, const struct run_job *job)
{
    const char *comma = "";
    fputs(",\"failures\":[", out);
    for (int64_t t = 0; t < job->n_tasks; t++) {
        const struct run_result *r = &job->result[t];
        char text[RUN_WHY_MAX];
        const char *why = run_death(job, r, text, sizeof text);
        for (int i = 0; i < 2; i++)
            if (why ? i == 0 : i ? r->run_failed : r->plan_failed) {
                fprintf(out, "%s\n  ", comma);
                put_failure(out, job, t, i, why);
                comma = ",";
            }
    }
    fputs("]", out);
}

/* Results that are neither failed nor good. */
static void put_doubts(FILE *out, const struct run_job *job)
{
    const char *comma = "";
    fputs(",\"doubts\":[", out);
    for (int64_t t = 0; t < job->n_tasks; t++) {
        char text[RUN_WHY_MAX];
        struct attn_case c;
        int kernel;
        const char *why = run_doubt_text(&job->result[t], text, sizeof text);
        if (!why)
            continue;
        run_task_case(job, t, &c);
        fprintf(out, "%s\n  {\"at\":", comma);
        put_place(out, job, t);
        cli_json_text(out, "verdict", run_doubt_name(run_doubt(&job->result[t], &kernel)));
        cli_json_text(out, "kernel", attn_kernel(kernel)->name);
        cli_json_text(out, "text", why);
        put_line(out, "line", job, t, &c);
        fputs("}", out);
        comma = ",";
    }
    fputs("]", out);
}

/* The lines for which naive alone is able somewhere. */
static void put_needs_naive(FILE *out, const struct run_job *job)
{
    const char *comma = "";
    fputs(",\"needs_naive\":[", out);
    for (int64_t t = 0; t < job->n_tasks; t++) {
        if (!job->result[t].needs_naive)
            continue;
        fputs(comma, out);
        put_place(out, job, t);
        comma = ",";
    }
    fputs("]", out);
}

static void put_kernel(FILE *out, const struct run_job *job, const struct run_kernel_total *sum)
{
    fprintf(out,
            "{\"able\":%" PRId64 ",\"chosen\":%" PRId64 ",\"ran\":%" PRId64 ",\"missed\":%" PRId64
            ",\"unsupported\":%" PRId64 ",\"failed\":%" PRId64 ",\"blind\":%" PRId64 ",\"suspect\":%" PRId64
            ",\"components\":%" PRId64 ",\"unjudged\":%" PRId64 ",\"left_out\":%" PRId64 ",\"worst\":",
            sum->able, sum->chosen, sum->ran, sum->missed, sum->unsupported, sum->failed, sum->blind, sum->suspect,
            sum->components, sum->unjudged, sum->left_out);
    put_double(out, sum->worst);
    fputs(",\"worst_at\":", out);
    if (sum->worst_task >= 0)
        put_place(out, job, sum->worst_task);
    else
        fputs("null", out);
    if (job->options->beside) {
        fprintf(out,
                ",\"compared\":%" PRId64 ",\"not_compared\":%" PRId64 ",\"compared_components\":%" PRId64
                ",\"bits_equal\":%" PRId64 ",\"apart\":",
                sum->compared, sum->not_compared, sum->compared_components, sum->equal);
        put_double(out, sum->apart);
    }
    fputc('}', out);
}

void run_report_json(FILE *out, const struct run_job *job, const struct run_total *total)
{
    const char *reason[RUN_REASONS_MAX];
    int64_t n[RUN_REASONS_MAX];
    fprintf(out,
            "{\"backend\":\"%s\",\"problems\":%" PRId64 ",\"ran\":%" PRId64 ",\"failed\":%" PRId64 ",\"blind\":%" PRId64
            ",\"suspect\":%" PRId64 ",\"unsupported\":%" PRId64 ",\"sampled\":%" PRId64 ",\"sampled_rows\":%" PRId64
            ",\"sampled_of\":%" PRId64 ",\"skipped\":%" PRId64 ",\"left\":%" PRId64 ",\"components\":%" PRId64
            ",\"unjudged\":%" PRId64 ",\"stopped\":%d,\"plans\":%" PRId64 ",\"constant_v\":%" PRId64
            ",\"resumed\":%" PRId64 ",\"seconds\":%.3f,\"by_kernel\":{",
            job->options->backend.name, total->problems, total->ran, total->failed, total->blind, total->suspect,
            total->unsupported, total->sampled, total->sampled_rows, total->sampled_of, total->skipped, job->left,
            total->components, total->unjudged, job->stopped, total->plans, total->constant_v, job->resumed,
            job->seconds);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        fprintf(out, "%s\"%s\":", k ? "," : "", attn_kernel(k)->name);
        put_kernel(out, job, &total->kernel[k]);
    }
    fputs("},\"by_device\":{", out);
    for (int row = 0; row < attn_device_count(); row++)
        fprintf(out, "%s\"%s\":%" PRId64, row ? "," : "", attn_device(row)->name, total->device[row]);
    fputs("},\"skipped_for\":{", out);
    int reasons = run_skip_reasons(job, reason, n);
    for (int i = 0; i < reasons; i++) {
        fputs(i ? "," : "", out);
        cli_json_string(out, reason[i]);
        fprintf(out, ":%" PRId64, n[i]);
    }
    fputs("}", out);
    put_needs_naive(out, job);
    put_doubts(out, job);
    put_failures(out, job);
    fputs("}\n", out);
}
