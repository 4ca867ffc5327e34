/* report_junit.c: the results of a run as JUnit XML, one test case for each problem on each device.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/run/report.h"
#include "cli/run/tasks.h"

static void put_message(FILE *out, const char *element, const char *message)
{
    fprintf(out, "<%s message=\"", element);
    cli_xml_text(out, message);
    fputs("\"/>", out);
}

static void put_command(FILE *out, const struct run_job *job, int64_t t, int which, const struct attn_case *c)
{
    char line[ATTN_CASE_LINE_MAX], command[RUN_COMMAND_MAX];
    fprintf(out, "\">%s '", run_replay(job, t, which, false, command, sizeof command));
    cli_xml_text(out, run_task_line(job, t, c, line));
    fputs("'</failure>", out);
}

static void put_finding(FILE *out, const struct run_job *job, int64_t t, int which)
{
    const struct attn_finding *f = run_finding(job, t, which);
    fprintf(out, "<failure type=\"P%d %s\" message=\"", f->property, attn_property_name(f->property));
    cli_xml_text(out, f->text);
    put_command(out, job, t, which, &f->at);
}

static void put_death(FILE *out, const struct run_job *job, int64_t t, const char *why)
{
    struct attn_case c;
    run_death_case(job, t, &c);
    fputs("<failure message=\"", out);
    cli_xml_text(out, why);
    put_command(out, job, t, 1, &c);
}

static void put_case(FILE *out, const struct run_job *job, int64_t t)
{
    const struct run_task *task = &job->task[t];
    const struct run_result *r = &job->result[t];
    char text[RUN_PLACE_MAX], device[40], why[RUN_WHY_MAX];
    int row = task->row < 0 ? r->device - 1 : task->row;
    if (row < 0)
        snprintf(device, sizeof device, "%s", job->options->backend.name);
    else
        cli_device_name(row, task->weakening, device, sizeof device);
    fputs("  <testcase classname=\"", out);
    run_task_source(job, t, text, sizeof text);
    cli_xml_text(out, text);
    fputs("\" name=\"", out);
    run_task_place(job, t, text, sizeof text);
    cli_xml_text(out, text);
    fprintf(out, " on %s\" time=\"%.3f\"", device, (double)r->ns / 1e9);
    const char *doubt = run_doubt_text(r, why, sizeof why);
    if (!run_failed(r) && run_ran(r) && !doubt && !run_is_sampled(r)) {
        fputs("/>\n", out);
        return;
    }
    fputs(">", out);
    if (run_is_sampled(r))
        fprintf(out, "<properties><property name=\"sampled\" value=\"%" PRId64 " of %" PRId64 " rows\"/></properties>",
                r->outcome.rows, r->outcome.all_rows);
    if (doubt)
        put_message(out, "skipped", doubt);
    const char *death = run_death(job, r, why, sizeof why);
    if (r->end == RUN_PENDING) {
        char left[RUN_WHY_MAX + 16] = "left to do: ";
        run_left_text(job, left + strlen(left), RUN_WHY_MAX);
        put_message(out, "skipped", left);
    }
    if (r->end != RUN_PENDING && !run_failed(r) && !run_ran(r))
        put_message(out, "skipped", *r->skipped ? r->skipped : "no reason given");
    else if (death)
        put_death(out, job, t, death);
    for (int i = 0; i < 2 && !death; i++)
        if (i ? r->run_failed : r->plan_failed)
            put_finding(out, job, t, i);
    fputs("</testcase>\n", out);
}

void run_report_junit(FILE *out, const struct run_job *job, const struct run_total *total)
{
    int64_t bad = 0, skipped = 0;
    for (int64_t t = 0; t < job->n_tasks; t++) {
        bad += run_failed(&job->result[t]);
        int kernel;
        skipped += !run_failed(&job->result[t]) &&
                   (!run_ran(&job->result[t]) || run_doubt(&job->result[t], &kernel) != RUN_NO_DOUBT);
    }
    (void)total;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"attnfuzz run\" tests=\"%" PRId64
            "\" failures=\"%" PRId64 "\" skipped=\"%" PRId64 "\" time=\"%.3f\">\n",
            job->n_tasks, bad, skipped, job->seconds);
    for (int64_t t = 0; t < job->n_tasks; t++)
        put_case(out, job, t);
    fputs("</testsuite>\n", out);
}
