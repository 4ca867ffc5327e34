/* help.c: what a terminal shows: --help, and attnfuzz help VERB with everything.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/page/page.h"

enum { COLUMNS = 80, NAME_MOST = 20 }; /* an option with a longer name has its text below it */

/* Puts text in lines of at most COLUMNS, the first of which has `at` columns already; the others begin at `indent`.
 * A line break in the text stays one. */
static void fill(const char *text, int at, int indent)
{
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (at > indent && at + 1 + (int)n > COLUMNS) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)n, text);
        at += (int)n;
        text += n;
        if (*text == '\n') {
            printf("\n%*s", text[1] && text[1] != '\n' ? indent : 0, "");
            at = indent;
        }
        text += *text != 0;
    }
    putchar('\n');
}

static void put_usage(const struct cli_manual *m)
{
    const char *head = "usage:", *line = m->usage;
    for (size_t n; *line; line += n + (line[n] == '\n'), head = "      ") {
        n = strcspn(line, "\n");
        printf("%s attnfuzz %s %.*s\n", head, m->name, (int)n, line);
    }
}

static void put_options(const struct cli_manual *m)
{
    int width = 0;
    for (const struct cli_option *o = m->options; o->name; o++) {
        int n = o->text ? (int)(strlen(o->name) + (o->value ? strlen(o->value) + 1 : 0)) : 0;
        width = n > width && n <= NAME_MOST ? n : width;
    }
    const int column = 2 + 2 + width + 2;
    for (const struct cli_option *o = m->options; o->name; o++) {
        if (o->group)
            printf("\n%s:\n", o->group);
        if (!o->text)
            continue;
        int n = printf("  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
        if (n + 2 > column)
            n = printf("\n") - 1;
        printf("%*s", column - n, "");
        fill(o->text, column, column);
    }
    printf("  --help%*sthis text\n", column - 8, "");
}

static void put_examples(const struct cli_manual *m)
{
    for (int i = 0; i < CLI_EXAMPLES && m->examples[i].command; i++) {
        printf("%s", i ? "" : "\nexamples:\n");
        printf("  attnfuzz %s\n      ", m->examples[i].command);
        fill(m->examples[i].text, 6, 6);
    }
}

void page_help(const struct page_command *command, const struct cli_manual *m, int whole)
{
    put_usage(m);
    putchar('\n');
    fill(m->brief, 0, 0);
    if (whole && m->text) {
        putchar('\n');
        fill(m->text, 0, 0);
    }
    if (m->table) {
        printf("\n%s:\n", m->heading);
        m->table();
    }
    put_options(m);
    put_examples(m);
    printf("\nexit codes:\n  ");
    fill(m->codes ? m->codes : command->codes, 2, 2);
    if (!whole && m->text)
        printf("\nattnfuzz help %s says more.\n", m->name);
}

void page_overview(const struct page_command *command)
{
    printf("usage: attnfuzz VERB [options] [FILE|DIR|LINE...]\n\n%s\n\nverbs:\n", command->summary);
    for (size_t i = 0; i < command->n_verbs; i++)
        printf("  %-8s  %s\n", command->verb[i]->name, command->verb[i]->summary);
    putchar('\n');
    fill(command->text, 0, 0);
    printf("\noptions:\n"
           "  --help     this text; attnfuzz VERB --help: that verb's; attnfuzz help VERB:\n"
           "             everything about it\n"
           "  --version  the version\n\nexit codes:\n  ");
    fill(command->codes, 2, 2);
}
