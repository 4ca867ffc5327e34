/* report.h: what differs, as text, JSON and a page.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_DIFF_REPORT_H
#define ATTNFUZZ_DIFF_REPORT_H

#include <stdio.h>

#include "cli/diff/change.h"

void diff_report_text(FILE *out, const struct diff *diff);
void diff_report_json(FILE *out, const struct diff *diff);
void diff_report_html(FILE *out, const struct diff *diff);

#endif
