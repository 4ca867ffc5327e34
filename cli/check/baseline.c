/* baseline.c: findings that are known and accepted.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/check/baseline.h"
#include "cli/check/finding.h"
#include "cli/input/lines.h"
#include "cli/input/message.h"

enum { ENTRIES_MAX = 4096, BASELINE_LINE_MAX = CHECK_KEY_MAX + 256 };

/* The devices of a line, which ends before them then; NULL: it names none. */
static const char *cut_devices(char *line)
{
    char *at = strstr(line, " @ ");
    if (!at)
        return NULL;
    *at = 0;
    return at + 3;
}

int check_baseline_read(const char *path, struct check_baseline *baseline)
{
    struct lines lines;
    char *argument = (char *)(uintptr_t)path;
    int code = CLI_GOOD;
    struct stat status;
    memset(baseline, 0, sizeof *baseline);
    if (strcmp(path, "-") && stat(path, &status) == 0 &&
        S_ISDIR(status.st_mode)) { /* of which all lines would be taken */
        cli_error("%s: %s", path, strerror(EISDIR));
        return CLI_USAGE;
    }
    if (!lines_open(&lines, 1, &argument, NULL, BASELINE_LINE_MAX))
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
            cli_error_at(path, lines.number, 0, "a line longer than %d characters, or more than %d of them",
                         (int)BASELINE_LINE_MAX, ENTRIES_MAX);
            code = CLI_USAGE;
            break;
        }
        baseline->entry[baseline->n++] =
            (struct check_baseline_entry){ pattern, cut_devices(pattern), lines.number, 0 };
    }
    lines_close(&lines);
    return code;
}

/* Those of the subject's devices that a list names. */
static uint32_t devices_in(const struct check *check, const char *list)
{
    uint32_t devices = 0;
    for (int i = 0; i < check->subject->n_devices; i++) {
        const char *name = check->subject->device[i].name;
        const size_t len = strlen(name);
        for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
            if (strcspn(at, ", ") == len && !strncmp(at, name, len))
                devices |= 1u << i;
    }
    return devices;
}

void check_baseline_apply(struct check_baseline *baseline, struct check *check)
{
    for (int i = 0; i < check->n_findings; i++) {
        struct check_finding *f = &check->finding[i];
        f->fresh = f->devices;
        for (int e = 0; e < baseline->n; e++) {
            struct check_baseline_entry *entry = &baseline->entry[e];
            if (fnmatch(entry->pattern, f->id, FNM_NOESCAPE) && fnmatch(entry->pattern, f->key, FNM_NOESCAPE))
                continue;
            f->fresh &= entry->devices ? ~devices_in(check, entry->devices) : 0;
            entry->used++;
        }
        f->known = !f->fresh;
    }
    check_sort(check);
}

static int by_id(const void *a, const void *b)
{
    const struct check_finding *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

void check_baseline_write(FILE *out, const struct check *check)
{
    const struct check_finding **sorted = calloc((size_t)check->n_findings + 1, sizeof *sorted);
    if (!sorted)
        return;
    for (int i = 0; i < check->n_findings; i++)
        sorted[i] = &check->finding[i];
    qsort(sorted, (size_t)check->n_findings, sizeof *sorted, by_id);
    fprintf(out, "# Findings of attnfuzz check in %s: one a line, with the devices on which it is known.\n",
            check->subject->name);
    for (int i = 0; i < check->n_findings; i++) {
        fprintf(out, "%s @ ", sorted[i]->id);
        for (int d = 0, any = 0; d < check->subject->n_devices; d++)
            if (sorted[i]->devices >> d & 1)
                fprintf(out, "%s%s", any++ ? "," : "", check->subject->device[d].name);
        putc('\n', out);
    }
    free(sorted);
}

void check_baseline_free(struct check_baseline *baseline)
{
    for (int i = 0; i < baseline->n; i++)
        free(baseline->entry[i].pattern);
    free(baseline->entry);
    memset(baseline, 0, sizeof *baseline);
}
