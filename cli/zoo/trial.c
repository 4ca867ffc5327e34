/* trial.c: carries trials out, some at a time. A trial runs its fault's targets one after another until one finds
 * something; then what was found is run by attnfuzz with the fault and without it, where it is a line.
 *
 * SPDX-License-Identifier: MIT */
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/input/message.h"
#include "cli/zoo/child.h"
#include "cli/zoo/zoo.h"

enum { LOOK_MS = 50, SHRINK_S = 90, CONFIRM_S = 120 };
/* A process whose time is over is asked to end, which an engine does between two executions; one that has not after a
 * quarter of that time and HANG_MS more hangs in one. The clock on the wall tells nothing of that on a busy machine: it
 * is for a process that uses no CPU at all, which is given up after so many times the CPU seconds that it may take. */
enum { HANG_MS = 2000, STUCK_TIMES = 400 };

enum stage { IDLE, FUZZ, WITH, WITHOUT };

struct slot {
    enum stage stage;
    struct zoo_trial *trial;
    const struct zoo_fault *fault;
    struct zoo_child child;
    char folder[64];
    int target;
    int64_t spent_ms;  /* by the targets before */
    int64_t since;     /* of this stage, or of the finding: ns */
    bool found, asked; /* to end */
    struct zoo_result result;
};

struct runner {
    struct zoo *zoo;
    const struct zoo_how *how;
    struct slot *slot;
    int next;
    int code;
    int64_t written;
};

/* Nanoseconds that only ever go on. */
static int64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

/* ---- What a process says --------------------------------------------------------------------------------- */

/* A property's name, or how else a process tells that something is wrong. */
static bool names_failure(const char *text, char *property, size_t cap)
{
    size_t digits = text[0] == 'P' ? strspn(text + 1, "0123456789") : 0;
    if (digits > 0 && digits < 4 && text[1 + digits] == ' ') {
        snprintf(property, cap, "%.*s", (int)(1 + digits), text);
        return true;
    }
    if (!strncmp(text, "NMSE ", 5)) {
        snprintf(property, cap, "NMSE");
        return true;
    }
    bool sanitizer = strstr(text, "==ERROR: ") || strstr(text, "== ERROR: ") || strstr(text, "runtime error: ") ||
                     strstr(text, ": Assertion `") || !strncmp(text, "crash target=", 13);
    if (sanitizer)
        snprintf(property, cap, "crash");
    return sanitizer;
}

static void on_line(void *context, const char *text)
{
    static const char line[] = "  line:   ";
    struct slot *s = context;
    if (!s->found && names_failure(text, s->result.property, sizeof s->result.property)) {
        zoo_child_clock(&s->child);
        s->found = true;
        s->since = now_ns();
        s->result.cpu_ms = s->spent_ms + s->child.cpu_ms;
    }
    if (s->found && !strncmp(text, line, sizeof line - 1) && !strchr(text, '\t')) {
        free(s->result.line);
        s->result.line = strdup(text + sizeof line - 1);
    }
}

static void ignore_line(void *context, const char *text)
{
    (void)context;
    (void)text;
}

/* ---- Stages ---------------------------------------------------------------------------------------------- */

static bool start(struct runner *r, struct slot *s, char *const arguments[], int number, enum stage stage)
{
    s->stage = stage;
    s->since = now_ns();
    s->asked = false;
    if (zoo_child_start(&s->child, arguments, s->folder, number))
        return true;
    cli_error("zoo: %s cannot be started", arguments[0]);
    r->code = CLI_LACKS;
    s->stage = IDLE;
    return false;
}

static bool start_grid(struct runner *r, struct slot *s, char *seed)
{
    char program[4096], list[4096];
    snprintf(program, sizeof program, "%s/zoo_grid", r->zoo->folder);
    snprintf(list, sizeof list, "%s/grid.txt", r->zoo->folder);
    return start(r, s, (char *[]){ program, seed, list, NULL }, s->fault->number, FUZZ);
}

static bool start_target(struct runner *r, struct slot *s)
{
    const struct zoo_fault *f = s->fault;
    const char *way = zoo_way_name(s->trial->way), *target = f->target[s->target];
    char program[4096], seed[32], max_len[64], dictionary[4096];
    bool itself = s->trial->way == ZOO_TARGET;
    snprintf(s->result.target, sizeof s->result.target, "%s", target);
    snprintf(seed, sizeof seed, "%" PRId64, s->trial->seed);
    if (s->trial->way == ZOO_GRID)
        return start_grid(r, s, seed);
    snprintf(program, sizeof program, "%s/%s%s%s", r->zoo->folder, target, itself ? "" : "-", itself ? "" : way);
    if (s->trial->way == ZOO_UNIFORM)
        return start(r, s, (char *[]){ program, seed, f->max_len[s->target], NULL }, f->number, FUZZ);
    snprintf(seed, sizeof seed, "-seed=%" PRId64, s->trial->seed);
    snprintf(max_len, sizeof max_len, "-max_len=%s", f->max_len[s->target]);
    snprintf(dictionary, sizeof dictionary, "-dict=%s/%s.dict", r->zoo->folder, target);
    bool words = access(dictionary + strlen("-dict="), R_OK) == 0;
    return start(r, s,
                 (char *[]){ program, seed, max_len, "-timeout=100000", "-rss_limit_mb=0", "-verbosity=0",
                             words ? dictionary : NULL, NULL },
                 f->number, FUZZ);
}

static bool start_confirming(struct runner *r, struct slot *s, enum stage stage)
{
    char program[4096];
    snprintf(program, sizeof program, "%s/attnfuzz", r->zoo->folder);
    return start(r, s, (char *[]){ program, "run", s->result.line, NULL }, stage == WITH ? s->fault->number : 0, stage);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static void print_progress(const struct runner *r, const struct slot *s)
{
    const struct zoo_result *t = &s->result;
    fprintf(stderr, "%d/%d %s %s seed %" PRId64 ": ", r->zoo->n_done, r->zoo->n_trials, s->fault->name,
            zoo_way_name(s->trial->way), s->trial->seed);
    if (t->end == ZOO_END_found)
        fprintf(stderr, "%s by %s after %.1f CPU s%s\n", t->property, t->target, (double)t->cpu_ms / 1000,
                t->confirmed == 0 ? ", NOT CONFIRMED" : "");
    else
        fprintf(stderr, "%s after %.1f CPU s%s\n", t->end == ZOO_END_missed ? "not found" : "could not be run",
                (double)t->cpu_ms / 1000, t->reached ? "" : ", not reached");
}

static void finish(struct runner *r, struct slot *s, enum zoo_end end)
{
    struct zoo_trial *t = s->trial;
    s->result.end = end;
    snprintf(s->result.commit, sizeof s->result.commit, "%s", r->zoo->commit);
    t->result = s->result;
    memset(&s->result, 0, sizeof s->result);
    s->stage = IDLE;
    nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    t->done = end != ZOO_END_failed;
    r->zoo->n_done += t->done;
    s->result = t->result; /* for the line below alone */
    print_progress(r, s);
    memset(&s->result, 0, sizeof s->result);
    if (end == ZOO_END_failed)
        r->code = CLI_LACKS;
    else if (r->how->path && !zoo_add_record(r->zoo, t, r->how->path))
        r->code = CLI_LACKS;
}

/* The process of a target has ended, or was ended. */
static void after_target(struct runner *r, struct slot *s)
{
    struct zoo_child *c = &s->child;
    uint64_t reached, triggered;
    bool counted = zoo_child_counts(s->folder, &reached, &triggered);
    s->result.reached += reached;
    s->result.triggered += triggered;
    bool killed = s->asked || (WIFSIGNALED(c->status) && WTERMSIG(c->status) == SIGKILL);
    bool wrong_use =
        WIFEXITED(c->status) && (WEXITSTATUS(c->status) == 126 || WEXITSTATUS(c->status) == CLI_USAGE || !counted);
    if (!s->found && wrong_use) {
        finish(r, s, ZOO_END_failed);
        return;
    }
    if (!s->found && !killed) { /* it has ended by itself, and said nothing that is known */
        s->found = true;
        s->result.cpu_ms = s->spent_ms + c->cpu_ms;
        snprintf(s->result.property, sizeof s->result.property, "crash");
    }
    if (s->found) {
        bool line = s->result.line && s->trial->way == ZOO_TARGET && s->fault->number > 0;
        s->result.confirmed = -1;
        if (!line || !start_confirming(r, s, WITH))
            finish(r, s, ZOO_END_found);
        return;
    }
    s->spent_ms += c->cpu_ms;
    s->result.cpu_ms = s->spent_ms;
    if (++s->target < s->fault->n_targets && s->trial->way != ZOO_GRID) {
        if (!start_target(r, s))
            finish(r, s, ZOO_END_failed);
        return;
    }
    s->result.target[0] = 0;
    s->result.confirmed = -1;
    finish(r, s, ZOO_END_missed);
}

static void after_confirming(struct runner *r, struct slot *s)
{
    int code = WIFEXITED(s->child.status) ? WEXITSTATUS(s->child.status) : 128;
    if (s->stage == WITH) {
        s->result.confirmed = code == CLI_BROKEN || code >= 128 || code == 1;
        if (!start_confirming(r, s, WITHOUT))
            finish(r, s, ZOO_END_found);
        return;
    }
    s->result.confirmed = s->result.confirmed == 1 && code == CLI_GOOD;
    finish(r, s, ZOO_END_found);
}

/* A target that has found nothing: is its time over? It is asked to end first. */
static bool is_over(struct slot *s, double waited)
{
    struct zoo_child *c = &s->child;
    const int64_t limit_ms = s->trial->seconds * 1000;
    if (c->cpu_ms > limit_ms && !s->asked) {
        s->asked = true;
        kill(c->pid, SIGUSR1);
    }
    if (c->cpu_ms > limit_ms + limit_ms / 4 + HANG_MS) {
        s->found = true;
        s->result.cpu_ms = s->spent_ms + limit_ms;
        snprintf(s->result.property, sizeof s->result.property, "hang");
        return true;
    }
    return waited > (double)s->trial->seconds * STUCK_TIMES;
}

/* Looks after a slot's process: reads, and ends it where its time is over. */
static void tend(struct runner *r, struct slot *s)
{
    struct zoo_child *c = &s->child;
    bool open = zoo_child_read(c, s->stage == FUZZ ? on_line : ignore_line, s);
    double waited = (double)(now_ns() - s->since) / 1e9;
    zoo_child_clock(c);
    bool late = s->stage != FUZZ ? waited > CONFIRM_S : s->found ? waited > SHRINK_S : open && is_over(s, waited);
    if (open && !late)
        return;
    zoo_child_end(c, open);
    if (s->stage == FUZZ)
        after_target(r, s);
    else
        after_confirming(r, s);
}

/* ---- All ------------------------------------------------------------------------------------------------- */

static struct zoo_trial *next_trial(struct runner *r)
{
    while (r->next < r->zoo->n_trials) {
        int at = r->next++;
        if (!r->zoo->trial[at].done && at % r->how->shards == r->how->shard)
            return &r->zoo->trial[at];
    }
    return NULL;
}

static bool begin(struct runner *r, struct slot *s)
{
    struct zoo_trial *t = next_trial(r);
    const char *temporary = getenv("TMPDIR");
    if (!t)
        return false;
    memset(s, 0, sizeof *s);
    s->trial = t;
    s->fault = &r->zoo->fault[t->fault];
    snprintf(s->folder, sizeof s->folder, "%.40s/zoo-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(s->folder)) {
        cli_error("zoo: no folder can be made in %s", temporary ? temporary : "/tmp");
        r->code = CLI_LACKS;
        return false;
    }
    return start_target(r, s);
}

int zoo_run(struct zoo *zoo, const struct zoo_how *how)
{
    struct runner r = { .zoo = zoo, .how = how };
    struct pollfd *watched = calloc((size_t)how->jobs, sizeof *watched);
    r.slot = calloc((size_t)how->jobs, sizeof *r.slot);
    int busy = r.slot && watched ? 1 : 0;
    if (!busy && !cli_out_of_memory())
        r.code = CLI_LACKS;
    while (busy) {
        busy = 0;
        for (int i = 0; i < how->jobs; i++) {
            struct slot *s = &r.slot[i];
            if (s->stage == IDLE && (*how->stop || r.code || !begin(&r, s)))
                continue;
            watched[busy++] = (struct pollfd){ .fd = s->child.from, .events = POLLIN };
        }
        if (busy)
            poll(watched, (nfds_t)busy, LOOK_MS);
        for (int i = 0; i < how->jobs && !*how->stop; i++)
            if (r.slot[i].stage != IDLE)
                tend(&r, &r.slot[i]);
        for (int i = 0; i < how->jobs && (*how->stop || r.code); i++)
            if (r.slot[i].stage != IDLE) { /* what was not over is not known */
                zoo_child_end(&r.slot[i].child, true);
                nftw(r.slot[i].folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
                free(r.slot[i].result.line);
                r.slot[i].stage = IDLE;
            }
    }
    free(watched);
    free(r.slot);
    return r.code;
}
