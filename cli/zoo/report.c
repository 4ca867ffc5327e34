/* report.c: what the trials say of each fault: text, JSON, or the table of docs/results.md.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/zoo/zoo.h"

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void zoo_read_cell(const struct zoo *zoo, int fault, int way, struct zoo_cell *c)
{
    memset(c, 0, sizeof *c);
    for (int i = 0; i < zoo->n_trials; i++) {
        const struct zoo_trial *t = &zoo->trial[i];
        if (t->fault != fault || t->way != way || !t->done || c->done == ZOO_SEEDS_MAX)
            continue;
        bool found = t->result.end == ZOO_END_found;
        c->reached += t->result.reached > 0;
        c->triggered += t->result.triggered > 0;
        c->found += found;
        c->unconfirmed += found && t->result.confirmed == 0;
        c->cpu_ms[c->done++] = found ? t->result.cpu_ms : ZOO_NEVER;
    }
    qsort(c->cpu_ms, (size_t)c->done, sizeof c->cpu_ms[0], compare);
    if (c->done == 0)
        return;
    int64_t median = c->cpu_ms[c->done / 2];
    for (int i = 0; i < zoo->n_trials && !c->result; i++) {
        const struct zoo_trial *t = &zoo->trial[i];
        if (t->fault == fault && t->way == way && t->done &&
            (t->result.end == ZOO_END_found ? t->result.cpu_ms : ZOO_NEVER) == median)
            c->result = &t->result;
    }
}

int64_t zoo_median(const struct zoo_cell *c) { return c->done ? c->cpu_ms[c->done / 2] : ZOO_NEVER; }

void zoo_print_seconds(const struct zoo *zoo, const struct zoo_cell *c, char *text, size_t cap)
{
    int64_t ms = zoo_median(c);
    if (c->done == 0)
        snprintf(text, cap, "%s", "");
    else if (ms == ZOO_NEVER)
        snprintf(text, cap, "> %" PRId64, zoo->seconds);
    else
        snprintf(text, cap, "%.1f", (double)ms / 1000);
}

static const char *yes(int n, int of) { return of == 0 ? "" : n == 0 ? "no" : n == of ? "yes" : "some"; }

/* ---- Forms ----------------------------------------------------------------------------------------------- */

static void print_json(const struct zoo *zoo, const struct zoo_fault *f, const struct zoo_cell cell[ZOO_WAY_COUNT])
{
    printf("{\"number\":%d", f->number);
    cli_json_text(stdout, "name", f->name);
    cli_json_text(stdout, "class", f->class);
    cli_json_text(stdout, "what", f->what);
    cli_json_text(stdout, "equivalent", f->equivalent);
    printf(",\"limit_s\":%" PRId64, zoo->seconds);
    for (int way = 0; way < ZOO_WAY_COUNT; way++) {
        const struct zoo_cell *c = &cell[way];
        const struct zoo_result *r = c->result;
        if (!r)
            continue;
        printf(",\"%s\":{\"trials\":%d,\"found\":%d,\"unconfirmed\":%d,\"reached\":%d,\"triggered\":%d,\"cpu_s\":[",
               zoo_way_name(way), c->done, c->found, c->unconfirmed, c->reached, c->triggered);
        for (int i = 0; i < c->done; i++)
            if (c->cpu_ms[i] == ZOO_NEVER)
                printf("%snull", i ? "," : "");
            else
                printf("%s%.3f", i ? "," : "", (double)c->cpu_ms[i] / 1000);
        putchar(']');
        cli_json_text(stdout, "property", r->property);
        cli_json_text(stdout, "target", r->target);
        cli_json_text(stdout, "commit", r->commit);
        cli_json_text(stdout, "line", r->line);
        putchar('}');
    }
    puts("}");
}

static void print_text(const struct zoo *zoo, const struct zoo_fault *f, const struct zoo_cell cell[ZOO_WAY_COUNT])
{
    char seconds[32];
    const struct zoo_cell *own = &cell[ZOO_TARGET];
    printf("%s: %s\n", f->name, f->what);
    if (own->result) {
        zoo_print_seconds(zoo, own, seconds, sizeof seconds);
        printf("  reached %s, triggered %s, found %d of %d", yes(own->reached, own->done),
               yes(own->triggered, own->done), own->found, own->done);
        if (own->result->end == ZOO_END_found)
            printf(": %s by %s", own->result->property, own->result->target);
        if (f->equivalent)
            printf("; changes nothing: %s", f->equivalent);
        printf("; %s CPU s in the median%s\n", seconds, own->unconfirmed ? "; a line NOT CONFIRMED" : "");
        if (own->result->line)
            printf("  line:   %s\n", own->result->line);
    }
    for (int way = 1; way < ZOO_WAY_COUNT; way++) {
        if (!cell[way].result)
            continue;
        zoo_print_seconds(zoo, &cell[way], seconds, sizeof seconds);
        printf("  %s: found %d of %d, %s CPU s\n", zoo_way_name(way), cell[way].found, cell[way].done, seconds);
    }
}

/* What a cell of a table cannot hold. */
static void print_cell(const char *text)
{
    for (; *text; text++)
        printf(*text == '|' ? "\\|" : "%c", *text);
}

static void print_markdown(const struct zoo *zoo, const struct zoo_fault *f, const struct zoo_cell cell[ZOO_WAY_COUNT])
{
    const struct zoo_cell *own = &cell[ZOO_TARGET];
    const struct zoo_result *r = own->result;
    char seconds[32];
    printf("| %s | ", f->name);
    print_cell(f->what);
    printf(" | %s | %s | ", yes(own->reached, own->done), yes(own->triggered, own->done));
    if (r && r->end == ZOO_END_found)
        printf("%s %s", r->property, r->target);
    for (int way = 0; way < ZOO_WAY_COUNT; way++) {
        zoo_print_seconds(zoo, &cell[way], seconds, sizeof seconds);
        printf(" | %s", seconds);
    }
    printf(" | ");
    if (r && r->line && r->end == ZOO_END_found) {
        putchar('`');
        print_cell(r->line);
        putchar('`');
    }
    puts(" |");
}

static void print_head(const struct zoo *zoo, int format)
{
    if (format != ZOO_MARKDOWN)
        return;
    printf("CPU seconds until it is found, from an empty corpus, the median of %" PRId64 " seeds, at most %" PRId64
           ":\n\n| fault | what it breaks | reached | triggered | found by |",
           zoo->seeds, zoo->seconds);
    for (int way = 0; way < ZOO_WAY_COUNT; way++)
        printf(" %s |", zoo_way_name(way));
    printf(" shrunk line |\n|---|---|---|---|---|");
    for (int way = 0; way < ZOO_WAY_COUNT; way++)
        printf("---|");
    puts("---|");
}

/* ---- All ------------------------------------------------------------------------------------------------- */

/* What all faults come to, in one way. */
struct sum {
    int faults, found, soon, alarms, controls, equivalent;
};

static void print_sums(const struct sum sum[ZOO_WAY_COUNT], int format, const struct zoo *zoo)
{
    enum { SOON_S = 5 };
    if (format == ZOO_JSON)
        return;
    if (format == ZOO_MARKDOWN)
        putchar('\n');
    for (int way = 0; way < ZOO_WAY_COUNT; way++) {
        const struct sum *s = &sum[way];
        if (s->faults + s->controls == 0)
            continue;
        printf("%s%s: %d of %d faults within %" PRId64 " CPU seconds in the median, %d within %d",
               format == ZOO_MARKDOWN ? "- " : "", zoo_way_name(way), s->found, s->faults, zoo->seconds, s->soon,
               SOON_S);
        if (s->equivalent)
            printf("; %d more change nothing that can be told", s->equivalent);
        if (s->controls)
            printf("; %d false alarms in %d runs without a fault", s->alarms, s->controls);
        puts("");
    }
}

int zoo_report(const struct zoo *zoo, int format)
{
    struct sum sum[ZOO_WAY_COUNT];
    int wrong = 0;
    memset(sum, 0, sizeof sum);
    print_head(zoo, format);
    for (int f = 0; f < zoo->n_faults; f++) {
        struct zoo_cell cell[ZOO_WAY_COUNT];
        int done = 0;
        bool control = zoo->fault[f].number == 0, same = false;
        for (int way = 0; way < ZOO_WAY_COUNT; way++) {
            struct zoo_cell *c = &cell[way];
            zoo_read_cell(zoo, f, way, c);
            done += c->done;
            sum[way].controls += control ? c->done : 0;
            sum[way].alarms += control ? c->found : 0;
            /* Of what is said to change nothing only what was found counts: the reason is wrong then. */
            same = zoo->fault[f].equivalent && zoo_median(c) == ZOO_NEVER;
            sum[way].equivalent += same && c->done;
            if (same)
                continue;
            sum[way].faults += !control && c->done;
            sum[way].found += !control && c->done && zoo_median(c) != ZOO_NEVER;
            sum[way].soon += !control && c->done && zoo_median(c) <= 5000;
        }
        const struct zoo_cell *own = &cell[ZOO_TARGET];
        same = zoo->fault[f].equivalent && own->found == 0;
        wrong += control ? own->found > 0 : own->done && !same && (zoo_median(own) == ZOO_NEVER || own->unconfirmed);
        if (!done)
            continue;
        if (format == ZOO_JSON)
            print_json(zoo, &zoo->fault[f], cell);
        else if (format == ZOO_MARKDOWN)
            print_markdown(zoo, &zoo->fault[f], cell);
        else
            print_text(zoo, &zoo->fault[f], cell);
    }
    print_sums(sum, format, zoo);
    return wrong;
}
