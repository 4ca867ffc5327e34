/* tally.c: how often each of a few names came.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/import/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int64_t tally_count(struct tally *tally, const char *name)
{
    tally->total++;
    for (int i = 0; i < tally->n; i++)
        if (!strncmp(tally->at[i].name, name, TALLY_NAME_MAX - 1))
            return ++tally->at[i].n;
    if (tally->n == TALLY_NAMES_MAX)
        name = "others";
    else
        tally->n++;
    snprintf(tally->at[tally->n - 1].name, TALLY_NAME_MAX, "%s", name);
    return ++tally->at[tally->n - 1].n;
}

static int more_first(const void *a, const void *b)
{
    const __typeof__(((struct tally *)0)->at[0]) *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n ? 1 : -1) : strcmp(x->name, y->name);
}

void tally_put(FILE *out, const char *what, struct tally *tally)
{
    if (tally->n == 0)
        return;
    qsort(tally->at, (size_t)tally->n, sizeof tally->at[0], more_first);
    int column = fprintf(out, "# %s:", what);
    for (int i = 0; i < tally->n; i++) {
        if (column > 100)
            column = fprintf(out, "\n#  ") - 1;
        putc(' ', out);
        for (const char *s = tally->at[i].name; *s; s++) /* a type's name is other people's text */
            putc(*s >= ' ' && *s < 0x7f ? *s : '?', out);
        column += (int)strlen(tally->at[i].name) +
                  fprintf(out, " %" PRId64 "%s", tally->at[i].n, i + 1 < tally->n ? "," : "");
    }
    putc('\n', out);
}
