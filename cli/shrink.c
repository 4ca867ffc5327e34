/* shrink.c: attnfuzz shrink: the smallest line that still fails as a given one does.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/input/corpus.h"
#include "cli/input/device.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "fuzz/session/session.h"
#include "fuzz/shrink/shrink.h"
#include "cli/verbs.h"

enum shrink_option { DEVICE = 1, PROPERTY, TRIES_MAX, WORK_MAX, JSON };

static const struct cli_option rows[] = {
    { "device", DEVICE, "DEVICE", "run on this device; NAME~WEAKENING for a weakened one, several with commas, or all",
      "options" },
    { "property", PROPERTY, "N", "only what breaks property N (1 for P1)", NULL },
    { "tries", TRIES_MAX, "N", "candidates tried for one line at most (default 4000; for a session 600)", NULL },
    { "max-work", WORK_MAX, "N", "run problems of at most N multiply-adds (default 20000000)", NULL },
    { "json", JSON, NULL, "one JSON object a line", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static const struct cli_manual manual = {
    .name = "shrink",
    .summary = "the smallest line that still fails as a given one does",
    .usage = "[options] FILE|DIR|LINE|-...",
    .brief =
        "Finds what each problem line fails on, and prints the smallest line that fails in the same way: the same "
        "property, on the same kernel, for the same rule or failure. Before the line stands, as a comment, what it "
        "fails on and how it was come by.",
    .text = "The plan properties are asked on every device, then the run properties on the host executor. A line that "
            "names a device is run on that one; else on the rows of the device table, until one fails. A session is "
            "played on its own device, and made smaller event by event.\n\n"
            "A signal that ends it has the smallest line until then printed.",
    .options = rows,
    .examples = { { "shrink build/fuzz/findings/DATE/failures.txt", "what fuzzing found, each as small as it gets" },
                  { "shrink --property 2 --device gfx1100 'fa1 ...'", "only a wrong result, only there" } },
    .codes =
        "0  every line fails and was shrunk\n1  a failure does not hold still: found once, it was not found again\n"
        "2  wrong usage, unreadable input, or a line that does not fail\n3  something is missing here\n"
        "130, 143, 129  ended by Ctrl-C, SIGTERM, SIGHUP",
};

/* What the process that shrinks has come to, for the one that waits for it: seen when a signal ends it, or a line. */
struct progress {
    _Atomic int stage;         /* enum stage */
    _Atomic uint32_t versions; /* of what follows: odd while one is written */
    char place[4096];
    int64_t steps;
    struct attn_finding finding;
    char line[ATTN_SESSION_TEXT_MAX]; /* or script */
};
enum stage { NOTHING, LOOKING, SHRINKING, PRINTING };

struct shrinker {
    struct cli_devices devices; /* n 0: not said */
    int64_t property;           /* 0: any */
    bool json;
    struct attn_fleet *fleet;
    struct attn_sweep *sweep;
    struct attn_backend *backend;
    struct attn_shrink_how how;
    struct progress *progress;
};

static void set_stage(struct shrinker *s, enum stage stage) { atomic_store(&s->progress->stage, (int)stage); }

static void begin_line(struct shrinker *s, const char *place)
{
    snprintf(s->progress->place, sizeof s->progress->place, "%s", place);
    s->progress->steps = -1; /* the first is the line itself */
    set_stage(s, LOOKING);
}

static void end_line(struct shrinker *s)
{
    fflush(stdout);
    set_stage(s, NOTHING);
}

static void keep_smaller(struct progress *p, const struct attn_finding *finding)
{
    p->finding = *finding;
    p->steps++;
    atomic_fetch_add(&p->versions, 1);
    atomic_store(&p->stage, SHRINKING);
}

static void smaller_line(void *context, const struct attn_finding *finding)
{
    struct progress *p = context;
    atomic_fetch_add(&p->versions, 1);
    attn_case_print(&finding->at, p->line, sizeof p->line);
    keep_smaller(p, finding);
}

static void smaller_session(void *context, const struct attn_session *session, const struct attn_finding *finding)
{
    struct progress *p = context;
    atomic_fetch_add(&p->versions, 1);
    attn_session_print(session, p->line, sizeof p->line);
    keep_smaller(p, finding);
}

/* ---- What fails ------------------------------------------------------------------------------------------ */

static bool wanted(const struct shrinker *s, const struct attn_finding *finding)
{
    return s->property == 0 || finding->property == s->property;
}

static bool plan_fails(struct shrinker *s, const struct attn_case *c, const struct cli_devices *devices,
                       struct attn_finding *finding)
{
    struct attn_case on = *c;
    /* On the devices wanted, each by itself; on all of them at once for P6, which compares. */
    for (int i = 0; i < devices->n; i++) {
        on.run.device = devices->at[i].row;
        on.run.weakening = devices->at[i].weakening;
        if (!attn_check_plan(s->fleet, &on, false, s->sweep, finding) && wanted(s, finding))
            return true;
    }
    return !attn_check_plan(s->fleet, c, true, s->sweep, finding) && wanted(s, finding);
}

static bool run_fails(struct shrinker *s, const struct attn_case *c, const struct cli_devices *devices,
                      struct attn_finding *finding, const char **skipped)
{
    struct attn_run_limits limits = s->how.limits;
    limits.schedules = ATTN_RUN_ALL_SCHEDULES;
    limits.twins = ATTN_RUN_ALL_TWINS;
    for (int i = 0; i < devices->n; i++) {
        struct attn_outcome outcome;
        struct attn_case on = *c;
        on.run.device = devices->at[i].row;
        on.run.weakening = devices->at[i].weakening;
        int status = attn_check_run(s->backend, &on, &limits, &outcome, finding);
        if (status == ATTN_OUTCOME_FAILED && wanted(s, finding))
            return true;
        if (status == ATTN_OUTCOME_SKIPPED)
            *skipped = outcome.skipped;
    }
    return false;
}

static bool line_fails(struct shrinker *s, const struct attn_case *c, struct attn_finding *finding,
                       const char **skipped)
{
    struct cli_devices devices;
    cli_devices_wanted(&s->devices, c->run.device, c->run.weakening, &devices);
    bool plan = s->property == 0 || attn_property_is_plan((int)s->property);
    bool run = s->property == 0 || !attn_property_is_plan((int)s->property);
    return (plan && plan_fails(s, c, &devices, finding)) || (run && run_fails(s, c, &devices, finding, skipped));
}

/* ---- Output ---------------------------------------------------------------------------------------------- */

static void name_rule(const struct attn_finding *f, char *text, size_t cap)
{
    const struct attn_kernel *kernel = attn_kernel(f->kernel);
    text[0] = 0;
    if (kernel && f->rule >= 0 && f->rule < kernel->n_rules)
        snprintf(text, cap, "%s.%s", kernel->name, kernel->rules[f->rule].name);
}

/* The beginning of an object: what failed, and its line or script before and after. */
static void json_finding(const char *place, const char *before, const char *after, const struct attn_finding *f)
{
    char rule[128];
    name_rule(f, rule, sizeof rule);
    printf("{\"at\":");
    cli_json_string(stdout, place);
    printf(",\"property\":%d", f->property);
    cli_json_text(stdout, "kernel", attn_kernel(f->kernel) ? attn_kernel(f->kernel)->name : "");
    cli_json_text(stdout, "rule", rule);
    cli_json_text(stdout, "failure", f->failure == ATTN_F_NONE ? "" : attn_failure_name(f->failure));
    cli_json_text(stdout, "text", f->text);
    cli_json_text(stdout, "before", before);
    cli_json_text(stdout, "line", after);
}

static void print_json(const char *place, const char *before, const char *after, const struct attn_finding *f,
                       const struct attn_shrink_report *r)
{
    json_finding(place, before, after, f);
    printf(",\"steps\":%" PRId64 ",\"tries\":%" PRId64 ",\"minimal\":%s,\"features\":[%" PRIu32 ",%" PRIu32
           "],\"extents\":[%" PRIu64 ",%" PRIu64 "]}\n",
           r->steps, r->tries, r->minimal ? "true" : "false", r->before.features, r->after.features, r->before.extents,
           r->after.extents);
}

static void print_text(const char *place, const char *after, const struct attn_finding *f,
                       const struct attn_shrink_report *r)
{
    char rule[128];
    name_rule(f, rule, sizeof rule);
    printf("# %s: P%d %s", place, f->property, attn_property_name(f->property));
    if (attn_kernel(f->kernel))
        printf(" kernel=%s", attn_kernel(f->kernel)->name);
    if (rule[0])
        printf(" rule=%s", rule);
    if (f->failure != ATTN_F_NONE)
        printf(" failure=%s", attn_failure_name(f->failure));
    printf(": ");
    cli_put_clean(stdout, f->text, strlen(f->text));
    printf("\n# %" PRId64 " steps, %" PRId64 " tries%s; features %" PRIu32 " to %" PRIu32 ", extents %" PRIu64
           " to %" PRIu64 "\n%s\n",
           r->steps, r->tries, r->minimal ? "" : " (as many as allowed, it may get smaller still)", r->before.features,
           r->after.features, r->before.extents, r->after.extents, after);
}

/* ---- Lines ----------------------------------------------------------------------------------------------- */

static int shrink_line(struct shrinker *s, const struct attn_case *c, const char *place)
{
    struct attn_finding finding;
    struct attn_shrink_report report;
    const char *skipped = NULL;
    char before[ATTN_CASE_LINE_MAX], after[ATTN_CASE_LINE_MAX];
    if (!line_fails(s, c, &finding, &skipped)) {
        if (skipped)
            cli_error("%s does not fail, nothing to shrink (not run to the end: %s)", place, skipped);
        else
            cli_error("%s does not fail, nothing to shrink", place);
        return CLI_USAGE;
    }
    attn_case_print(&finding.at, before, sizeof before);
    if (!attn_shrink_finding(&s->how, &finding, &report)) {
        cli_error("%s fails on P%d %s, and did not when it was tried again: %s", place, finding.property,
                  attn_property_name(finding.property), before);
        return CLI_BROKEN;
    }
    attn_case_print(&finding.at, after, sizeof after);
    set_stage(s, PRINTING);
    if (s->json)
        print_json(place, before, after, &finding, &report);
    else
        print_text(place, after, &finding, &report);
    return CLI_GOOD;
}

/* ---- Sessions -------------------------------------------------------------------------------------------- */

/* The first part of both forms of output is a line's; what follows counts events. */
static void print_session(const struct shrinker *s, const char *place, const char *before, const char *after,
                          const struct attn_finding *f, const struct attn_session_shrink_report *r)
{
    char rule[128];
    name_rule(f, rule, sizeof rule);
    if (!s->json) {
        printf("# %s: ", place);
        printf("P%d %s%s%s%s%s: ", f->property, attn_property_name(f->property),
               attn_kernel(f->kernel) ? " kernel=" : "", attn_kernel(f->kernel) ? attn_kernel(f->kernel)->name : "",
               rule[0] ? " rule=" : "", rule);
        cli_put_clean(stdout, f->text, strlen(f->text));
        printf("\n# %" PRId64 " steps, %" PRId64 " tries%s; events %d to %d\n%s\n", r->steps, r->tries,
               r->minimal ? "" : " (as many as allowed, it may get smaller still)", r->events_before, r->events, after);
        return;
    }
    json_finding(place, before, after, f);
    printf(",\"steps\":%" PRId64 ",\"tries\":%" PRId64 ",\"minimal\":%s,\"events\":[%d,%d]}\n", r->steps, r->tries,
           r->minimal ? "true" : "false", r->events_before, r->events);
}

enum { TRIES = 600 }; /* of one session at most, when nothing is said */

static int shrink_session(struct shrinker *s, const struct attn_session *session, const char *place)
{
    struct attn_session_options options = { .fleet = s->fleet,
                                            .backend = s->backend,
                                            .kernel = -1,
                                            .limits = s->how.limits,
                                            .smaller = smaller_session,
                                            .context = s->progress };
    struct attn_session *small = malloc(sizeof *small);
    char *before = malloc(ATTN_SESSION_TEXT_MAX), *after = malloc(ATTN_SESSION_TEXT_MAX);
    struct attn_session_finding finding;
    struct attn_session_outcome outcome;
    struct attn_session_shrink_report report;
    int code = CLI_LACKS;
    options.limits.schedules = 1;
    attn_session_limit_work(&options);
    if (!small || !before || !after) {
        cli_out_of_memory();
    } else if (attn_session_play(session, &options, &outcome, &finding) || !wanted(s, &finding.finding)) {
        cli_error("%s does not fail, nothing to shrink", place);
        code = CLI_USAGE;
    } else {
        *small = *session;
        attn_session_print(small, before, ATTN_SESSION_TEXT_MAX);
        smaller_session(s->progress, small, &finding.finding);
        attn_session_shrink(small, &options, s->how.max_tries ? s->how.max_tries : TRIES, 0, &finding, &report);
        attn_session_print(small, after, ATTN_SESSION_TEXT_MAX);
        set_stage(s, PRINTING);
        print_session(s, place, before, after, &finding.finding, &report);
        code = CLI_GOOD;
    }
    free(small);
    free(before);
    free(after);
    return code;
}

static int shrink_all(struct shrinker *s, int n, char **arguments)
{
    struct corpus corpus;
    struct attn_case c;
    char place[4096];
    int code = CLI_GOOD;
    bool any = false;
    if (!corpus_open(&corpus, n, arguments))
        return CLI_USAGE;
    const struct attn_session *session;
    while (corpus_next_item(&corpus, &c, &session)) {
        any = true;
        corpus_place(&corpus, place, sizeof place);
        begin_line(s, place);
        int one = session ? shrink_session(s, session, place) : shrink_line(s, &c, place);
        end_line(s);
        code = one > code ? one : code;
    }
    if (!any && !corpus.errors)
        code = corpus_none(NULL);
    return corpus_close(&corpus, code);
}

static bool is_property(int64_t number)
{
    switch (number) {
#define X(row_number, NAME, name, kind, text) case ATTN_P_##NAME:
        ATTN_PROPERTIES(X)
#undef X
        return true;
    default: return false;
    }
}

static bool read_options(struct shrinker *s, int argc, char **argv)
{
    for (int o; (o = cli_option_next(&manual, argc, argv)) != -1;) {
        switch (o) {
        case DEVICE:
            if (!cli_devices_add(&s->devices, optarg))
                return false;
            break;
        case PROPERTY:
            if (!cli_number(optarg, 1, 99, &s->property) || !is_property(s->property)) {
                cli_error("--property %s: no such property", optarg);
                return false;
            }
            break;
        case TRIES_MAX:
            if (!cli_option_number(&manual, o, optarg, 1, INT64_MAX, &s->how.max_tries))
                return false;
            break;
        case WORK_MAX:
            if (!cli_option_number(&manual, o, optarg, 1, INT64_MAX, &s->how.limits.work))
                return false;
            break;
        case JSON: s->json = true; break;
        default: return false;
        }
    }
    return true;
}

/* ---- Two processes --------------------------------------------------------------------------------------- */

/* One run of a line may take minutes, crash or never end: it is another process that runs them, which can be ended. */
static int shrink_as_child(struct shrinker *s, int argc, char **argv)
{
    static const struct attn_host_options host = { .checked = true };
    int code = CLI_LACKS;
    s->fleet = malloc(sizeof *s->fleet);
    s->sweep = malloc(sizeof *s->sweep);
    s->backend = attn_host_open(&host);
    if (s->fleet && s->sweep && s->backend) {
        attn_fleet_init(s->fleet);
        s->how.fleet = s->fleet;
        s->how.backend = s->backend;
        s->how.smaller = smaller_line;
        s->how.context = s->progress;
        code = shrink_all(s, argc, argv);
    } else {
        cli_out_of_memory();
    }
    if (s->backend)
        s->backend->ops->close(s->backend);
    free(s->sweep);
    free(s->fleet);
    return cli_finish(code);
}

static void wait_a_moment(void)
{
    const struct timespec tick = { .tv_sec = 0, .tv_nsec = 10000000 };
    nanosleep(&tick, NULL);
}

/* The child was ended, or has ended over a line: what it had come to. */
static void print_progress(const struct shrinker *s, const char *why)
{
    const struct progress *p = s->progress;
    const int stage = atomic_load(&p->stage);
    char rule[128];
    if (stage == LOOKING)
        cli_error("%s before %s was seen to fail", why, p->place);
    if (stage != SHRINKING)
        return;
    if (atomic_load(&p->versions) % 2) { /* it was ended within a write: the line may be half of it */
        cli_error("%s while %s was made smaller", why, p->place);
        return;
    }
    if (s->json) {
        json_finding(p->place, p->line, p->line, &p->finding);
        printf(",\"steps\":%" PRId64 ",\"minimal\":false}\n", p->steps);
        return;
    }
    name_rule(&p->finding, rule, sizeof rule);
    printf("# %s: P%d %s%s%s%s%s: ", p->place, p->finding.property, attn_property_name(p->finding.property),
           attn_kernel(p->finding.kernel) ? " kernel=" : "",
           attn_kernel(p->finding.kernel) ? attn_kernel(p->finding.kernel)->name : "", rule[0] ? " rule=" : "", rule);
    cli_put_clean(stdout, p->finding.text, strlen(p->finding.text));
    printf("\n# %s: the smallest after %" PRId64 " steps, it may get smaller still\n%s\n", why, p->steps, p->line);
}

/* Waits for the child; ends it when a signal has come, though not while it prints a line that it is done with. */
static int oversee(const struct shrinker *s, pid_t child)
{
    enum { PRINT_MS = 500 };
    char why[64];
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (cli_interrupted() && (atomic_load(&s->progress->stage) != PRINTING || cli_interrupt_age_ms() > PRINT_MS)) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            snprintf(why, sizeof why, "interrupted by %s", cli_interrupt_name(cli_interrupted()));
            print_progress(s, why);
            return cli_interrupt_code(CLI_GOOD);
        }
        wait_a_moment();
    }
    if (WIFEXITED(status) && atomic_load(&s->progress->stage) == NOTHING)
        return cli_interrupt_code(WEXITSTATUS(status));
    if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "the process died of signal %d", WTERMSIG(status));
    else
        snprintf(why, sizeof why, "the process ended with status %d", WEXITSTATUS(status));
    print_progress(s, why);
    return CLI_BROKEN;
}

static int run(int argc, char **argv)
{
    struct shrinker s = { .how = { .limits = { .work = ATTN_RUN_WORK_LIMIT, .bytes = ATTN_RUN_BYTES_LIMIT } } };
    const pid_t parent = getpid();
    if (!read_options(&s, argc, argv))
        return CLI_USAGE;
    s.progress = mmap(NULL, sizeof *s.progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s.progress == MAP_FAILED) {
        cli_out_of_memory();
        return CLI_LACKS;
    }
    cli_interrupt_catch();
    cli_interrupt_keep();
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        cli_interrupt_child(parent);
        int code = shrink_as_child(&s, argc - optind, argv + optind);
        fflush(stderr);
        _exit(code);
    }
    int code = CLI_LACKS;
    if (child < 0)
        cli_error("a process: %s", strerror(errno));
    else
        code = oversee(&s, child);
    munmap(s.progress, sizeof *s.progress);
    return code;
}

const struct cli_verb cli_shrink = { .manual = &manual, .run = run };
