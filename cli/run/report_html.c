/* report_html.c: the results of a run as one page that needs nothing else: no script, no font, no link.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "cli/input/message.h"
#include "cli/run/picture.h"
#include "cli/run/report.h"
#include "cli/run/tasks.h"

enum { FAILURES_SHOWN = 500 };

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>attnfuzz run</title>\n<style>\n"
    ":root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #c62828; }\n"
    "@media (prefers-color-scheme: dark) { :root { --good: #56d27b; --bad: #ff6257; } }\n"
    "body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }\n"
    "h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }\n"
    ".wide { overflow-x: auto; }\n"
    "table { border-collapse: collapse; } th, td { padding: .25rem .8rem .25rem 0; text-align: right; "
    "border-bottom: 1px solid var(--line); white-space: nowrap; }\n"
    "th:first-child, td:first-child { text-align: left; }\n"
    "td, .n { font-variant-numeric: tabular-nums; }\n"
    ".good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }\n"
    "article { border-left: 3px solid var(--bad); padding-left: .8rem; margin: 1.2rem 0; }\n"
    "pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8881; padding: .5rem; margin: .3rem 0; "
    "font-size: .8rem; }\n"
    ".bar { display: inline-block; height: .6rem; background: #4078c0; }\n"
    "</style></head><body>\n";

static void put_count(FILE *out, int64_t n) { fprintf(out, "<td>%" PRId64 "</td>", n); }

static void put_kernels(FILE *out, const struct run_job *job, const struct run_total *total)
{
    bool beside = job->options->beside;
    fputs("<h2>Kernels</h2>\n<div class=\"wide\"><table>"
          "<tr><th>kernel</th><th>able</th><th>chosen</th><th>ran</th><th>unsupported</th><th>failed</th>"
          "<th>blind</th><th>suspect</th>"
          "<th>components</th><th>unjudged</th><th>worst error / limit</th>",
          out);
    if (beside)
        fputs("<th>beside host</th><th>same bits</th><th>apart / both limits</th>", out);
    fputs("</tr>\n", out);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        const struct run_kernel_total *sum = &total->kernel[k];
        fprintf(out, "<tr><td>%s</td>", attn_kernel(k)->name);
        put_count(out, sum->able);
        put_count(out, sum->chosen);
        put_count(out, sum->ran);
        fprintf(out, "<td%s>%" PRId64 "</td>", sum->unsupported ? " class=\"bad\"" : "", sum->unsupported);
        fprintf(out, "<td%s>%" PRId64 "</td>", sum->failed ? " class=\"bad\"" : "", sum->failed);
        fprintf(out, "<td%s>%" PRId64 "</td><td%s>%" PRId64 "</td>", sum->blind ? " class=\"bad\"" : "", sum->blind,
                sum->suspect ? " class=\"bad\"" : "", sum->suspect);
        put_count(out, sum->components);
        fprintf(out, "<td>%.3f%%</td><td%s>%.3g</td>", 100 * run_share(sum->unjudged, sum->components),
                sum->worst > 1 ? " class=\"bad\"" : "", sum->worst);
        if (beside)
            fprintf(out, "<td>%" PRId64 "</td><td>%.2f%%</td><td>%.3g</td>", sum->compared,
                    100 * run_share(sum->equal, sum->compared_components), sum->apart);
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

static void put_devices(FILE *out, const struct run_job *job, const struct run_total *total)
{
    int64_t most = 1;
    for (int row = 0; row < attn_device_count(); row++)
        if (total->device[row] > most)
            most = total->device[row];
    fputs("<h2>Devices</h2>\n<table>\n", out);
    for (int row = 0; row < attn_device_count(); row++)
        if (total->device[row] || !job->options->backend.device)
            fprintf(out,
                    "<tr><td>%s</td><td>%" PRId64 "</td><td style=\"text-align:left\"><span class=\"bar\" "
                    "style=\"width:%.1frem\"></span></td></tr>\n",
                    attn_device(row)->name, total->device[row], 20.0 * (double)total->device[row] / (double)most);
    fputs("</table>\n", out);
}

static void put_skipped(FILE *out, const struct run_job *job)
{
    const char *reason[RUN_REASONS_MAX];
    int64_t n[RUN_REASONS_MAX];
    int reasons = run_skip_reasons(job, reason, n);
    if (!reasons && !job->left)
        return;
    fputs("<h2>Not run</h2>\n<table>\n", out);
    if (job->left) {
        char why[RUN_WHY_MAX];
        run_left_text(job, why, sizeof why);
        fprintf(out, "<tr><td%s>left: ", job->over ? "" : " class=\"bad\"");
        cli_xml_text(out, why);
        fprintf(out, "</td><td>%" PRId64 "</td></tr>\n", job->left);
    }
    for (int i = 0; i < reasons; i++) {
        fputs("<tr><td>", out);
        cli_xml_text(out, reason[i]);
        fprintf(out, "</td><td>%" PRId64 "</td></tr>\n", n[i]);
    }
    fputs("</table>\n", out);
}

static void put_line(FILE *out, const char *command, const struct run_job *job, int64_t t, const struct attn_case *c)
{
    char line[ATTN_CASE_LINE_MAX];
    fprintf(out, "<pre>%s '", command);
    cli_xml_text(out, run_task_line(job, t, c, line));
    fputs("'</pre>\n", out);
}

static void put_failure(FILE *out, const struct run_job *job, int64_t t)
{
    const struct run_result *r = &job->result[t];
    char text[RUN_PLACE_MAX], why[RUN_WHY_MAX], command[RUN_COMMAND_MAX];
    const char *death = run_death(job, r, why, sizeof why);
    run_task_place(job, t, text, sizeof text);
    for (int i = 0; i < 2; i++) {
        const struct attn_finding *f = run_finding(job, t, i);
        struct attn_case c;
        if (death ? i == 1 : i ? !r->run_failed : !r->plan_failed)
            continue;
        fputs("<article><div><b>", out);
        if (death) {
            cli_xml_text(out, death);
            run_death_case(job, t, &c);
        } else {
            const struct attn_kernel *kernel = attn_kernel(f->kernel);
            fprintf(out, "P%d %s%s%s</b>: ", f->property, attn_property_name(f->property), kernel ? ", kernel " : "",
                    kernel ? kernel->name : "");
            cli_xml_text(out, f->text);
            fputs("<b>", out);
            c = f->at;
        }
        fputs("</b></div><div>", out);
        cli_xml_text(out, text);
        if (i && run_host_text(r->host))
            fprintf(out, "; %s", run_host_text(r->host));
        fputs("</div>\n", out);
        put_line(out, run_replay(job, t, i, false, command, sizeof command), job, t, &c);
        if (job->options->backend.device && (i || death)) /* plans are the same everywhere */
            put_line(out, run_replay(job, t, i, true, command, sizeof command), job, t, &c);
        if (!death && r->shrunk[i])
            put_line(out, "found as", job, t, &job->findings[t].at[i].at);
        fputs("</article>\n", out);
    }
}

/* Results that are neither failed nor good. */
static void put_doubts(FILE *out, const struct run_job *job)
{
    int64_t n = 0;
    for (int64_t t = 0; t < job->n_tasks; t++) {
        char place[RUN_PLACE_MAX], text[RUN_WHY_MAX];
        struct attn_case c;
        const char *why = run_doubt_text(&job->result[t], text, sizeof text);
        if (!why || n++ >= FAILURES_SHOWN)
            continue;
        if (n == 1)
            fputs("<h2>Neither failed nor good</h2>\n", out);
        fputs("<article><div><b>", out);
        cli_xml_text(out, why);
        fputs("</b></div><div>", out);
        run_task_place(job, t, place, sizeof place);
        cli_xml_text(out, place);
        fputs("</div>\n", out);
        run_task_case(job, t, &c);
        put_line(out, "attnfuzz run", job, t, &c);
        fputs("</article>\n", out);
    }
    if (n > FAILURES_SHOWN)
        fprintf(out, "<p>and %" PRId64 " more; the JSON report has all</p>\n", n - FAILURES_SHOWN);
}

static const char *verdict(const struct run_job *job, const struct run_total *total)
{
    return job->stopped || (job->left && !job->over)              ? "not finished"
           : total->blind || total->suspect || total->unsupported ? "none failed, not all could be judged"
                                                                  : "all good";
}

void run_report_html(FILE *out, const struct run_job *job, const struct run_total *total)
{
    int64_t shown = 0, failed = 0;
    fputs(head, out);
    fprintf(out, "<h1>attnfuzz run on %s: <span class=\"%s\">", job->options->backend.name,
            total->failed || job->stopped || (job->left && !job->over) || total->blind || total->suspect ||
                    total->unsupported
                ? "bad"
                : "good");
    if (total->failed)
        fprintf(out, "%" PRId64 " of %" PRId64 " problems failed", total->failed, total->problems);
    else
        fputs(verdict(job, total), out);
    fprintf(out,
            "</span></h1>\n<p class=\"n\">%" PRId64 " problems: %" PRId64 " ran, %" PRId64 " planned only, %" PRId64
            " blind, %" PRId64 " suspect; %" PRId64
            " components judged, %.3f%% of them with a limit that zero would pass; %" PRId64 " plans checked; %.1f s",
            total->problems, total->ran, total->skipped, total->blind, total->suspect, total->components,
            100 * run_share(total->unjudged, total->components), total->plans, job->seconds);
    if (total->left_out)
        fprintf(out, "; %" PRId64 " components are of rows that the reference was not computed for", total->left_out);
    if (total->sampled)
        fprintf(out,
                "; %" PRId64 " sampled, being too much work to be run whole: run and judged in %" PRId64 " of %" PRId64
                " rows",
                total->sampled, total->sampled_rows, total->sampled_of);
    if (total->constant_v)
        fprintf(out, "; %" PRId64 " again with a constant V", total->constant_v);
    if (job->resumed)
        fprintf(out, "; %" PRId64 " results from the journal", job->resumed);
    fputs("</p>\n", out);
    put_kernels(out, job, total);
    put_devices(out, job, total);
    put_skipped(out, job);
    put_doubts(out, job);
    fputs("<h2>Failures</h2>\n", out);
    for (int64_t t = 0; t < job->n_tasks; t++)
        if (run_failed(&job->result[t]) && failed++ < FAILURES_SHOWN) {
            put_failure(out, job, t);
            shown++;
        }
    if (!failed)
        fputs("<p>None.</p>\n", out);
    if (failed > shown)
        fprintf(out, "<p>and %" PRId64 " more; the JSON report has all</p>\n", failed - shown);
    run_report_pictures(out, job);
    fputs("</body></html>\n", out);
}
