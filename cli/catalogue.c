/* catalogue.c: see catalogue.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/catalogue.h"
#include "cli/check/kind.h"
#include "fuzz/properties/properties.h"
#include "isa/isa.h"
#include "kernels/attn_backend.h"
#include "planner/attn_planner.h"

/* A cell of a table; a bar in it would end it. */
static void put(const char *text)
{
    for (; *text; text++) {
        if (strchr("|*_<>", *text))
            putchar('\\');
        putchar(*text);
    }
}

static void row(const char *name, const char *text)
{
    printf("| `%s` | ", name);
    put(text);
    puts(" |");
}

static const char *need_of(const struct attn_kernel *k, const char *rule)
{
    for (int i = 0; i < k->n_needs; i++)
        if (strcmp(k->needs[i].rule, rule) == 0)
            return k->needs[i].why;
    return NULL;
}

static void put_rules(void)
{
    puts("\n## Rules\n\n"
         "Each kernel's contract: it is able where all of its rules hold. They are asked in this order, and the first "
         "that fails is the reason in a trace. *Structural*: without it there is no instance to run.");
    for (int id = 0; id < ATTN_KERNEL_COUNT; id++) {
        const struct attn_kernel *k = attn_kernel(id);
        printf("\n### %s\n\n", k->name);
        put(k->purpose);
        puts(".\n\n| rule | holds where | |\n|---|---|---|");
        for (int i = 0; i < k->n_rules; i++) {
            const char *need = need_of(k, k->rules[i].name);
            printf("| `%s.%s` | ", k->name, k->rules[i].name);
            put(k->rules[i].meaning);
            printf(" | %s", k->rules[i].structural ? "structural" : "");
            if (need) {
                printf("%sneeded because ", k->rules[i].structural ? "; " : "");
                put(need);
            }
            puts(" |");
        }
    }
}

static void put_properties(void)
{
    puts("\n## Properties\n\n| | what must hold |\n|---|---|");
    for (int number = 1; number <= 99; number++) {
        if (strcmp(attn_property_name(number), "unknown") == 0)
            continue;
        printf("| P%d %s | ", number, attn_property_name(number));
        put(attn_property_meaning(number));
        puts(" |");
    }
}

void cli_catalogue(void)
{
    puts("<!-- Made by: attnfuzz help --catalogue. A test says when it is not current. -->\n\n"
         "# Every name that a report may print");
    put_properties();
    put_rules();
    puts("\n## Why a line is no legal problem\n\n`{t}` is the tensor, `{d}` the dimension, `{a}` and `{b}` the "
         "values.\n\n| error | meaning |\n|---|---|");
#define X(NAME, name, text) row(#name, text);
    ATTN_ERRORS(X)
    puts("\n## What goes wrong in a run\n\nOn the CPU executor, by machine code, or on a GPU.\n\n"
         "| failure | meaning |\n|---|---|");
    ATTN_FAILURES(X)
    puts("\n## Why a launch of machine code ends\n\n| stop | meaning |\n|---|---|");
    ISA_STOPS(X)
    puts("\n## What `check` finds in another's planner\n\n| kind | meaning |\n|---|---|");
    CHECK_KINDS(X)
#undef X
}
