/* markdown.c: all verbs as a page of docs/.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/page/page.h"

/* Markdown would take these for marks; a line's end stays one. */
static void put(const char *text)
{
    const char *const begin = text;
    for (; *text; text++) {
        if (*text == '\n' && text[1] != '\n' && text > begin && text[-1] != '\n')
            putchar('\\');
        if (strchr("*_<>|[]`\\", *text))
            putchar('\\');
        putchar(*text);
    }
}

/* As they stand, in their lines. */
static void put_codes(const char *codes)
{
    for (size_t n; *codes; codes += n + (codes[n] == '\n')) {
        n = strcspn(codes, "\n");
        printf("    %.*s\n", (int)n, codes);
    }
}

static void put_verb(const struct page_command *command, const struct cli_manual *m)
{
    printf("\n## %s\n\n", m->name);
    for (const char *line = m->usage; *line;) {
        size_t n = strcspn(line, "\n");
        printf("    %s %s %.*s\n", command->name, m->name, (int)n, line);
        line += n + (line[n] == '\n');
    }
    putchar('\n');
    put(m->brief);
    putchar('\n');
    if (m->text) {
        putchar('\n');
        put(m->text);
        putchar('\n');
    }
    for (const struct cli_option *o = m->options; o->name; o++) {
        if (o->group)
            printf("\n| %s | |\n|---|---|\n", o->group);
        if (!o->text)
            continue;
        printf("| `--%s%s%s` | ", o->name, o->value ? " " : "", o->value ? o->value : "");
        for (const char *c = o->text; *c; c++) {
            const char one[2] = { *c == '\n' ? ' ' : *c, 0 };
            put(one);
        }
        puts(" |");
    }
    if (m->table) {
        printf("\n%s:\n\n```\n", m->heading);
        fflush(stdout);
        m->table();
        puts("```");
    }
    if (m->codes) {
        puts("\nExit codes:\n");
        put_codes(m->codes);
    }
    putchar('\n');
    for (int i = 0; i < CLI_EXAMPLES && m->examples[i].command; i++)
        printf("%s    # %s\n    %s %s\n", i ? "\n" : "", m->examples[i].text, command->name, m->examples[i].command);
}

void page_markdown(const struct page_command *command)
{
    puts(
        "<!-- Made by: attnfuzz help --markdown. A test says when it is not current. -->\n\n# Every verb and option\n");
    put(command->text);
    printf("\n\nExit codes, of all verbs where nothing else is said:\n\n");
    put_codes(command->codes);
    for (size_t i = 0; i < command->n_verbs; i++)
        put_verb(command, command->verb[i]);
}
