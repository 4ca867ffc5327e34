/* baseline.c: findings that are known and accepted.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/baseline.h"
#include "cli/check/finding.h"
#include "cli/input/lines.h"
#include "cli/input/message.h"

enum { ENTRIES_MAX = 4096 };

int check_baseline_read(const char *path, struct check_baseline *baseline)
{
    struct lines lines;
    char *argument = (char *)(uintptr_t)path;
    int code = CLI_GOOD;
    memset(baseline, 0, sizeof *baseline);
    if (!lines_open(&lines, 1, &argument, NULL, CHECK_KEY_MAX))
        return CLI_USAGE;
    for (enum lines_result r; code == CLI_GOOD && (r = lines_next(&lines)) != LINES_END;) {
        if (r == LINES_UNREADABLE || r == LINES_ENCODED) {
            cli_error("%s: %s", path, r == LINES_ENCODED ? encoding_name(lines.state.encoding) : strerror(errno));
            code = CLI_USAGE;
            break;
        }
        const char *text;
        size_t len;
        if (!lines_content(&lines, &text, &len))
            continue;
        void *entry = baseline->n < ENTRIES_MAX && r != LINES_TOO_LONG
                          ? realloc(baseline->entry, ((size_t)baseline->n + 1) * sizeof *baseline->entry)
                          : NULL;
        char *pattern = entry ? strndup(text, len) : NULL;
        if (entry)
            baseline->entry = entry;
        if (!pattern) {
            cli_error_at(path, lines.number, 0, "a pattern longer than %d characters, or more than %d of them",
                         CHECK_KEY_MAX, ENTRIES_MAX);
            code = CLI_USAGE;
            break;
        }
        baseline->entry[baseline->n].pattern = pattern;
        baseline->entry[baseline->n].line = lines.number;
        baseline->entry[baseline->n++].used = 0;
    }
    lines_close(&lines);
    return code;
}

int check_baseline_apply(struct check_baseline *baseline, struct check *check)
{
    int unknown = 0;
    for (int i = 0; i < check->n_findings; i++) {
        struct check_finding *f = &check->finding[i];
        for (int e = 0; e < baseline->n; e++)
            if (fnmatch(baseline->entry[e].pattern, f->key, FNM_NOESCAPE) == 0) {
                f->known = true;
                baseline->entry[e].used++;
            }
        unknown += !f->known;
    }
    check_sort(check);
    return unknown;
}

void check_baseline_free(struct check_baseline *baseline)
{
    for (int i = 0; i < baseline->n; i++)
        free(baseline->entry[i].pattern);
    free(baseline->entry);
    memset(baseline, 0, sizeof *baseline);
}
