/* stats.c: counts of a target's process as JSON. See stats.h.
 *
 * SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "fuzz/targets/stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/targets/feedback.h"

/* The clock that costs nothing to read: some executions take a second, others a microsecond. */
static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void attn_stats_begin(struct attn_stats *s, const char *target)
{
    memset(s, 0, sizeof *s);
    s->target = target;
    s->path = getenv("ATTNFUZZ_STATS");
    s->started = s->written = now_ns();
    attn_fleet_init(&s->fleet);
}

void attn_stats_tick(struct attn_stats *s)
{
    s->executions++;
    if (!s->path)
        return;
    int64_t now = now_ns();
    if (now - s->written > 1000000000)
        attn_stats_write(s);
}

void attn_stats_sweep(struct attn_stats *s, const struct attn_sweep *sweep)
{
    s->plans += (uint64_t)sweep->plans;
    for (int m = sweep->first; m < sweep->last; m++) {
        const struct attn_trace *trace = &sweep->trace[m];
        if (trace->chosen >= 0)
            s->chosen[trace->chosen][m]++;
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
            const struct attn_verdict *v = &trace->verdict[k];
            if (!v->able && v->rule >= 0 && v->rule < ATTN_STATS_RULES_MAX)
                s->rules[k][v->rule]++;
        }
    }
}

void attn_stats_outcome(struct attn_stats *s, int member, const struct attn_outcome *o)
{
    int64_t components = 0, unjudged = 0;
    if (o->status == ATTN_OUTCOME_SKIPPED) {
        s->skipped++;
        return;
    }
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        if (!o->kernel[k].ran)
            continue;
        s->ran[k][member]++;
        components += o->kernel[k].judgement.components;
        unjudged += o->kernel[k].judgement.unjudged;
    }
    s->problems++;
    s->sampled += o->all_rows > 0;
    s->blind += attn_outcome_blind(o) >= 0;
    s->unjudged_problems += components > 0 && components == unjudged;
    s->components += (uint64_t)components;
    s->unjudged_components += (uint64_t)unjudged;
}

static void write_matrix(FILE *out, const struct attn_stats *s, const char *name,
                         uint64_t counts[ATTN_KERNEL_COUNT][ATTN_FLEET_MAX])
{
    fprintf(out, ",\n \"%s\":{", name);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        fprintf(out, "%s\n  \"%s\":{", k ? "," : "", attn_kernel(k)->name);
        for (int m = 0; m < s->fleet.n; m++) {
            const char *what = s->fleet.what[m];
            fprintf(out, "%s\"%s%s%s\":%" PRIu64, m ? "," : "", attn_device(s->fleet.row[m])->name, what ? "~" : "",
                    what ? what : "", counts[k][m]);
        }
        fprintf(out, "}");
    }
    fprintf(out, "}");
}

/* How often each class of each trait was run, and those that never were. */
static void write_routes(FILE *out)
{
    const char *comma = "";
    fprintf(out, ",\n \"checked\":%" PRIu64 ",\"unchecked\":%" PRIu64 ",\n \"traits\":{", attn_feedback_count(true),
            attn_feedback_count(false));
    for (int t = 0; t < ATTN_TRAIT_COUNT; t++) {
        fprintf(out, "%s\"%s\":[", t ? "," : "", attn_trait_info(t)->name);
        for (int class = 0; class < attn_trait_info(t)->classes; class++)
            fprintf(out, "%s%" PRIu64, class ? "," : "", attn_feedback_runs(t, class));
        fprintf(out, "]");
    }
    fprintf(out, "},\n \"unreached\":[");
    for (int t = 0; t < ATTN_TRAIT_COUNT; t++) {
        for (int class = 0; class < attn_trait_info(t)->classes; class++) {
            if (attn_feedback_runs(t, class) > 0)
                continue;
            fprintf(out, "%s\"%s.%d\"", comma, attn_trait_info(t)->name, class);
            comma = ",";
        }
    }
    fprintf(out, "]");
}

/* The process's number for %p: an engine may start one target's process after another. */
static bool own_path(const char *said, char *path, size_t cap)
{
    const char *at = strstr(said, "%p");
    int n = at ? snprintf(path, cap, "%.*s%ld%s", (int)(at - said), said, (long)getpid(), at + 2)
               : snprintf(path, cap, "%s", said);
    return n >= 0 && (size_t)n < cap;
}

void attn_stats_write(struct attn_stats *s)
{
    char file[4000], path[4096];
    s->written = now_ns();
    if (!s->path || !own_path(s->path, file, sizeof file))
        return;
    snprintf(path, sizeof path, "%s.%ld.part", file, (long)getpid());
    FILE *out = fopen(path, "w");
    if (!out)
        return;
    uint64_t naive = 0, all = 0;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        for (int m = 0; m < s->fleet.n; m++) {
            all += s->chosen[k][m];
            naive += k == ATTN_KERNEL_naive ? s->chosen[k][m] : 0;
        }
    double seconds = (double)(s->written - s->started) * 1e-9, cpu = (double)clock() / CLOCKS_PER_SEC;
    fprintf(out,
            "{\"target\":\"%s\",\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"executions\":%" PRIu64 ",\"plans\":%" PRIu64,
            s->target, seconds, cpu, s->executions, s->plans);
    fprintf(out, ",\n \"executions_per_second\":%.1f,\"plans_per_second\":%.0f", (double)s->executions / seconds,
            (double)s->plans / seconds);
    fprintf(out, ",\n \"naive_share\":%.6f", all ? (double)naive / (double)all : 0.0);
    fprintf(out,
            ",\n \"problems\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"sampled\":%" PRIu64 ",\"blind\":%" PRIu64
            ",\"unjudged_problems\":%" PRIu64,
            s->problems, s->skipped, s->sampled, s->blind, s->unjudged_problems);
    fprintf(out, ",\n \"components\":%" PRIu64 ",\"unjudged_components\":%" PRIu64, s->components,
            s->unjudged_components);
    fprintf(out,
            ",\n \"steps\":%" PRIu64 ",\"step_problems\":%" PRIu64 ",\"keys\":%" PRIu64 ",\"reused\":%" PRIu64
            ",\"refused\":%" PRIu64,
            s->steps, s->step_problems, s->keys, s->reused, s->refused);
    fprintf(out, ",\n \"read\":%" PRIu64 ",\"unread\":%" PRIu64, s->read, s->unread);
    write_matrix(out, s, "chosen", s->chosen);
    write_matrix(out, s, "ran", s->ran);
    fprintf(out, ",\n \"rules\":{");
    const char *comma = "";
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        for (int r = 0; r < attn_kernel(k)->n_rules && r < ATTN_STATS_RULES_MAX; r++, comma = ",")
            fprintf(out, "%s\"%s.%s\":%" PRIu64, comma, attn_kernel(k)->name, attn_kernel(k)->rules[r].name,
                    s->rules[k][r]);
    fprintf(out, "}");
    if (attn_feedback_watches())
        write_routes(out);
    fprintf(out, "}\n");
    if (fclose(out) == 0)
        rename(path, file);
    else
        remove(path);
}
