/* report.h: the results of a run, written: report_text.c, report_json.c, report_junit.c, report_html.c.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_RUN_REPORT_H
#define ATTNFUZZ_RUN_REPORT_H

#include <stdio.h>

#include "cli/run/total.h"

void run_report_text(FILE *out, const struct run_job *job, const struct run_total *total);
void run_report_json(FILE *out, const struct run_job *job, const struct run_total *total);
void run_report_junit(FILE *out, const struct run_job *job, const struct run_total *total);
void run_report_html(FILE *out, const struct run_job *job, const struct run_total *total);
/* The failing lines of a task, if it has any: comments that say what is wrong, then the line. */
void run_report_failure_lines(FILE *out, const struct run_job *job, int64_t task);

#endif
