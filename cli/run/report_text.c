/* report_text.c: what attnfuzz run says at the end, and the file of failing lines. In the order of the input.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/run/report.h"
#include "cli/run/tasks.h"

enum { FAILURES_SHOWN = 20 };

/* How to see it again: on the backend it was found with, and on the host where that is another one. */
static void put_replay(FILE *out, const struct run_job *job, int64_t t, const char *line, int host)
{
    char command[RUN_COMMAND_MAX];
    if (!job->options->backend.device)
        return;
    fprintf(out, "  device: %s '%s'\n", run_replay(job, t, 1, false, command, sizeof command), line);
    if (run_host_text(host))
        fprintf(out, "  host:   %s\n", run_host_text(host));
}

static void put_failure(FILE *out, const struct run_job *job, int64_t t)
{
    const struct run_result *r = &job->result[t];
    const bool device = job->options->backend.device; /* which has a command of its own */
    char place[RUN_PLACE_MAX], text[RUN_WHY_MAX], buffer[ATTN_CASE_LINE_MAX], command[RUN_COMMAND_MAX];
    const char *line;
    run_task_place(job, t, place, sizeof place);
    const char *why = run_death(job, r, text, sizeof text);
    if (why) {
        struct attn_case c;
        run_death_case(job, t, &c);
        line = run_task_line(job, t, &c, buffer);
        fprintf(out, "FAILED %s: %s\n  line:   %s\n  replay: %s '%s'\n", place, why, line,
                run_replay(job, t, 1, device, command, sizeof command), line);
        put_replay(out, job, t, line, RUN_HOST_NOT);
    }
    for (int i = 0; i < 2 && !why; i++)
        if (i ? r->run_failed : r->plan_failed) {
            fprintf(out, "FAILED %s: ", place);
            line = run_task_line(job, t, &run_finding(job, t, i)->at, buffer);
            attn_finding_print_as(out, run_finding(job, t, i), line,
                                  run_replay(job, t, i, device, command, sizeof command));
            if (i)
                put_replay(out, job, t, line, r->host);
            if (r->shrunk[i]) {
                attn_case_print(&job->findings[t].at[i].at, buffer, sizeof buffer);
                fprintf(out, "  from:   %s\n", buffer);
            }
        }
}

/* Results that are neither failed nor good, each with its line. */
static void put_doubts(FILE *out, const struct run_job *job)
{
    int64_t shown = 0;
    for (int64_t t = 0; t < job->n_tasks; t++) {
        char place[RUN_PLACE_MAX], text[RUN_WHY_MAX], buffer[ATTN_CASE_LINE_MAX];
        struct attn_case c;
        const char *why = run_doubt_text(&job->result[t], text, sizeof text);
        if (!why || shown++ >= FAILURES_SHOWN)
            continue;
        run_task_place(job, t, place, sizeof place);
        run_task_case(job, t, &c);
        fprintf(out, "%s: %s\n  line:   %s\n", place, why, run_task_line(job, t, &c, buffer));
    }
    if (shown > FAILURES_SHOWN)
        fprintf(out, "and %" PRId64 " more blind, suspect or unsupported; --json FILE has all\n",
                shown - FAILURES_SHOWN);
}

static void put_kernels(FILE *out, const struct run_job *job, const struct run_total *total)
{
    bool beside = job->options->beside;
    fprintf(out, "%-8s %9s %9s %9s %9s %9s %9s %14s %9s %15s%s\n", "kernel", "able", "chosen", "ran", "failed", "blind",
            "suspect", "components", "unjudged", "worst of limit", beside ? "   with host  bits equal   apart" : "");
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        const struct run_kernel_total *sum = &total->kernel[k];
        fprintf(out,
                "%-8s %9" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64 " %14" PRId64
                " %8.3f%% %15.3g",
                attn_kernel(k)->name, sum->able, sum->chosen, sum->ran, sum->failed, sum->blind, sum->suspect,
                sum->components, 100 * run_share(sum->unjudged, sum->components), sum->worst);
        if (beside)
            fprintf(out, " %11" PRId64 " %10.3f%% %7.3g", sum->compared,
                    100 * run_share(sum->equal, sum->compared_components), sum->apart);
        fputc('\n', out);
    }
}

void run_report_text(FILE *out, const struct run_job *job, const struct run_total *total)
{
    const char *reason[RUN_REASONS_MAX];
    int64_t n[RUN_REASONS_MAX];
    int64_t shown = 0, more = 0, too_large = 0;
    for (int64_t t = 0; t < job->n_tasks; t++)
        if (run_failed(&job->result[t])) {
            if (shown++ < FAILURES_SHOWN)
                put_failure(out, job, t);
            else
                more++;
        }
    if (more)
        fprintf(out, "and %" PRId64 " more failures; --json FILE has all\n", more);
    put_doubts(out, job);
    put_kernels(out, job, total);
    fputs("devices ", out);
    for (int row = 0; row < attn_device_count(); row++)
        if (total->device[row] || !job->options->backend.device)
            fprintf(out, " %s %" PRId64, attn_device(row)->name, total->device[row]);
    fputc('\n', out);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        too_large += total->kernel[k].not_compared;
    if (too_large)
        fprintf(out, "not compared with the host executor %" PRId64 ": more multiply-adds than its limit\n", too_large);
    if (total->left_out)
        fprintf(out, "%" PRId64 " components are of rows that the reference was not computed for\n", total->left_out);
    if (total->sampled)
        fprintf(out,
                "sampled %" PRId64 ": too much work to be run whole; run and judged in %" PRId64 " of %" PRId64
                " rows (%.3g%%)\n",
                total->sampled, total->sampled_rows, total->sampled_of,
                100 * run_share(total->sampled_rows, total->sampled_of));
    if (total->unsupported)
        fprintf(out, "unsupported %" PRId64 ": the backend cannot execute an instruction; no verdict on the kernel\n",
                total->unsupported);
    if (total->constant_v)
        fprintf(out, "again with a constant V %" PRId64 "\n", total->constant_v);
    if (job->resumed)
        fprintf(out, "from the journal %" PRId64 "\n", job->resumed);
    int reasons = run_skip_reasons(job, reason, n);
    for (int i = 0; i < reasons; i++)
        fprintf(out, "skipped %" PRId64 ": %s\n", n[i], reason[i]);
    if (job->left) {
        char why[RUN_WHY_MAX];
        run_left_text(job, why, sizeof why);
        fprintf(out, "left to do %" PRId64 " of %" PRId64 ": %s (%s)\n", job->left, job->n_tasks,
                job->options->resume ? "the same command goes on from the journal"
                                     : "with --resume FILE a run can go on from there",
                why);
    }
    fprintf(out,
            "%" PRId64 " problems: %" PRId64 " ran, %" PRId64 " skipped (planned only), %" PRId64 " failed, %" PRId64
            " blind, %" PRId64 " suspect; %" PRId64 " need naive; unjudged %.3f%% of components; %" PRId64
            " plans; %.1f s\n",
            total->problems, total->ran, total->skipped, total->failed, total->blind, total->suspect,
            total->needs_naive, 100 * run_share(total->unjudged, total->components), total->plans, job->seconds);
}

/* ---- Failing lines --------------------------------------------------------------------------------------- */

static void put_comment(FILE *out, const char *word, const char *text)
{
    fprintf(out, "# %s", word);
    for (; *text; text++)
        fputc(*text == '\n' ? ' ' : *text, out);
    fputc('\n', out);
}

void run_report_failure_lines(FILE *out, const struct run_job *job, int64_t t)
{
    const struct run_result *r = &job->result[t];
    char place[RUN_PLACE_MAX], text[RUN_WHY_MAX], line[ATTN_CASE_LINE_MAX];
    struct attn_case c;
    if (!run_failed(r))
        return;
    const char *why = run_death(job, r, text, sizeof text);
    run_task_place(job, t, place, sizeof place);
    if (why) {
        run_death_case(job, t, &c);
        put_comment(out, "found at ", place);
        put_comment(out, "backend ", job->options->backend.name);
        put_comment(out, "death: ", why);
        fprintf(out, "%s\n", run_task_line(job, t, &c, line));
    }
    for (int i = 0; i < 2 && !why; i++)
        if (i ? r->run_failed : r->plan_failed) {
            const struct attn_finding *f = run_finding(job, t, i);
            const struct attn_kernel *kernel = attn_kernel(f->kernel);
            put_comment(out, "found at ", place);
            put_comment(out, "backend ", job->options->backend.name);
            fprintf(out, "# P%d %s%s%s: ", f->property, attn_property_name(f->property), kernel ? " kernel=" : "",
                    kernel ? kernel->name : "");
            cli_put_clean(out, f->text, strlen(f->text));
            fputc('\n', out);
            if (i && run_host_text(r->host))
                put_comment(out, "host: ", run_host_text(r->host));
            if (r->shrunk[i]) {
                attn_case_print(&job->findings[t].at[i].at, line, sizeof line);
                put_comment(out, "from: ", line);
            }
            fprintf(out, "%s\n", run_task_line(job, t, &f->at, line));
        }
}
