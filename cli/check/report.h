/* report.h: what was found, as text (report_text.c), JSON (report_json.c) and HTML (report_html.c).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_REPORT_H
#define ATTNFUZZ_CHECK_REPORT_H

#include <stdio.h>

#include "cli/check/state.h"

void check_report_text(FILE *out, const struct check *check);
void check_report_json(FILE *out, const struct check *check);
void check_report_html(FILE *out, const struct check *check);

#endif
