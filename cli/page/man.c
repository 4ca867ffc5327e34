/* man.c: manual pages in mdoc(7).
 *
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/page/page.h"

/* Text of a page. A backslash is written out; a line that would begin as a request does not. */
static void put(const char *text, size_t n, bool *fresh)
{
    for (size_t i = 0; i < n; i++) {
        if (*fresh && (text[i] == '.' || text[i] == '\''))
            fputs("\\&", stdout);
        *fresh = text[i] == '\n';
        if (text[i] == '\\')
            fputs("\\e", stdout);
        else if (text[i] == '-')
            fputs("\\-", stdout);
        else
            putchar(text[i]);
    }
}

/* In lines of at most 80 bytes, which is style. */
static void put_line(const char *text, size_t n)
{
    enum { LINE = 72 };
    bool fresh = true;
    for (size_t k; n; text += k, n -= k) {
        for (k = n; k > LINE;) { /* the last blank that fits, else the first */
            size_t blank = k;
            do
                blank--;
            while (blank && text[blank] != ' ');
            if (!blank)
                break;
            k = blank;
        }
        put(text, k, &fresh);
        putchar('\n');
        fresh = true;
        k += k < n && text[k] == ' ';
    }
}

/* Sentences each on a line, as mdoc has it; empty lines part paragraphs. */
static void put_text(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        for (size_t i = 0; i < n;) {
            size_t k = i;
            while (k < n && !(strchr(".?!", text[k]) && text[k + 1] == ' ' && isupper((unsigned char)text[k + 2])))
                k++;
            k += k < n;
            put_line(text + i, k - i);
            i = k + (k < n); /* the blank behind it */
        }
        text += n;
        if (*text == '\n' && text[1] == '\n') {
            puts(".Pp");
            text++;
        } else if (*text == '\n' && text[1]) {
            puts(".br");
        }
        text += *text == '\n';
    }
}

/* A word of a macro's line: quoted, so that it is text whatever it is. */
static void put_quoted(const char *text)
{
    bool fresh = false;
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            fputs("\\(dq", stdout);
        else
            put(text, 1, &fresh);
    }
    putchar('"');
}

static void put_head(const struct page_command *command, const char *name, const char *summary)
{
    char title[64];
    snprintf(title, sizeof title, "%s%s%s", command->name, name ? "-" : "", name ? name : "");
    for (char *c = title; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    printf(".\\\" SPDX-License-Identifier: MIT\n.Dd %s\n.Dt %s 1\n.Os\n.Sh NAME\n.Nm %s%s%s\n.Nd ", command->date,
           title, command->name, name ? "-" : "", name ? name : "");
    bool fresh = false;
    put(summary, strlen(summary), &fresh);
    putchar('\n');
}

static void put_options(const struct cli_manual *m)
{
    bool listed = false;
    puts(".Sh OPTIONS");
    for (const struct cli_option *o = m->options; o->name; o++) {
        if (o->group) {
            if (listed)
                puts(".El");
            if (strcmp(o->group, "options") != 0) { /* they are no part of them then */
                printf(".Ss ");
                put_quoted(o->group);
                putchar('\n');
            }
            puts(".Bl -tag -width Ds");
            listed = true;
        }
        if (!o->text)
            continue;
        printf(".It Fl \\-%s", o->name);
        if (o->value) {
            printf(" Ar ");
            put_quoted(o->value);
        }
        putchar('\n');
        put_text(o->text);
    }
    if (listed)
        puts(".El");
}

static void put_see_also(const struct page_command *command, const struct cli_manual *m)
{
    puts(".Sh SEE ALSO");
    if (m)
        printf(".Xr %s 1%s", command->name, command->n_verbs > 1 ? " ,\n" : "\n");
    const char *comma = "";
    /* In the order of the alphabet, as is the custom. */
    bool done[64] = { false };
    for (size_t n = 0; n < command->n_verbs; n++) {
        size_t next = command->n_verbs;
        for (size_t i = 0; i < command->n_verbs; i++)
            if (!done[i] && command->verb[i] != m &&
                (next == command->n_verbs || strcmp(command->verb[i]->name, command->verb[next]->name) < 0))
                next = i;
        if (next == command->n_verbs)
            break;
        done[next] = true;
        printf("%s.Xr %s\\-%s 1", comma, command->name, command->verb[next]->name);
        comma = " ,\n";
    }
    putchar('\n');
}

static void put_codes(const char *codes)
{
    puts(".Sh EXIT STATUS");
    put_text(codes);
}

void page_man(const struct page_command *command, const struct cli_manual *m)
{
    if (!m) {
        put_head(command, NULL, command->summary);
        printf(".Sh SYNOPSIS\n.Nm\n.Ar verb\n.Op Ar options\n.Op Ar FILE | DIR | LINE ...\n.Sh DESCRIPTION\n");
        put_text(command->text);
        puts(".Pp\nThe verbs, each with a page of its own:\n.Bl -tag -width null-hip");
        for (size_t i = 0; i < command->n_verbs; i++) {
            printf(".It Cm %s\n", command->verb[i]->name);
            put_text(command->verb[i]->summary);
        }
        puts(".El");
        put_codes(command->codes);
        put_see_also(command, NULL);
        return;
    }
    put_head(command, m->name, m->summary);
    puts(".Sh SYNOPSIS");
    for (const char *line = m->usage; *line;) {
        size_t n = strcspn(line, "\n");
        bool fresh = false;
        printf(".Nm %s %s\n", command->name, m->name);
        put(line, n, &fresh);
        putchar('\n');
        line += n;
        line += *line == '\n';
        if (*line)
            puts(".Pp");
    }
    puts(".Sh DESCRIPTION");
    put_text(m->brief);
    if (m->text) {
        puts(".Pp");
        put_text(m->text);
    }
    put_options(m);
    if (m->table) {
        printf(".Sh ");
        for (const char *c = m->heading; *c; c++)
            putchar(toupper((unsigned char)*c));
        puts("\n.Bd -literal");
        fflush(stdout);
        m->table();
        puts(".Ed");
    }
    put_codes(m->codes ? m->codes : command->codes);
    puts(".Sh EXAMPLES");
    for (int i = 0; i < CLI_EXAMPLES && m->examples[i].command; i++) {
        bool fresh = false;
        if (i)
            puts(".Pp");
        put_text(m->examples[i].text);
        printf(".Bd -literal -offset indent\n%s ", command->name);
        put(m->examples[i].command, strlen(m->examples[i].command), &fresh);
        puts("\n.Ed");
    }
    put_see_also(command, m);
}
