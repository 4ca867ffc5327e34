/* tight.c: attnfuzz tight: which rules of our contracts refuse too much (P4). Problems that fail one rule alone are
 * searched for, on devices of the table, weakenings of them, and such as a caller might describe, and are run by the
 * kernel that the rule keeps out, on the executor, each in a process of its own.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/input/message.h"
#include "cli/verbs.h"
#include "fuzz/domain/domain.h"
#include "fuzz/domain/mutate.h"
#include "fuzz/properties/tight.h"
#include "planner/random.h"

enum tight_option { GENERATE = 1, SEED, EACH, MAX_WORK, JSON };

static const struct cli_option options[] = {
    { "generate", GENERATE, "N", "problems to search among (default 20000)", "options" },
    { "seed", SEED, "SEED", "of these (default 1)", NULL },
    { "each", EACH, "N", "right results that make a rule over-strict (default 12)", NULL },
    { "max-work", MAX_WORK, "N", "multiply-adds of a problem that is run (default 200000)", NULL },
    { "json", JSON, NULL, "one JSON object a rule", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static const struct cli_manual manual = {
    .name = "tight",
    .summary = "rules of the contracts that refuse too much (P4)",
    .usage = "[options]",
    .brief = "Finds rules of the kernels' contracts that refuse too much (P4): problems that fail one rule alone are "
             "generated and run by that kernel all the same, on the executor with the device's limits.",
    .text =
        "A rule under which the kernel is right every time is over-strict: a finding to act on, no proof. One that a "
        "result is wrong without is needed, and so is one without which the launch does not fit the device. "
        "Structural rules (without an instance there is nothing to run) and those of which the contract says why "
        "running cannot show their need are listed apart.",
    .options = options,
    .examples = { { "tight", "every rule of every kernel" },
                  { "tight --generate 100000 --each 40 --json", "a longer search, for a program to read" } },
    .codes = "0  no rule is over-strict\n1  one is\n2  wrong usage\n3  something is missing here",
};

enum {
    RULES_MAX = 64,
    LINES = 3, /* kept for the report */
    EACH_MAX = 1000,
    DEVICES = 6,   /* of the table that a problem is asked about, */
    DESCRIBED = 2, /* and that a caller might describe */
    SECONDS = 60   /* of one run: past that it hangs */
};

enum result { RIGHT, WRONG, UNDECIDED };

struct rule {
    int64_t alone; /* times that the rule alone kept the kernel from a problem */
    int64_t right, undecided;
    bool needed;
    char why[320];                        /* needed: what went wrong */
    char line[LINES][ATTN_CASE_LINE_MAX]; /* right ones, or the first that went wrong */
    char device[LINES][sizeof(((struct attn_device *)0)->name) + 96];
    uint64_t seen[EACH_MAX]; /* hashes of the keys that were right */
    bool found;              /* genome: fails the rule alone; more are made of it */
    struct attn_genome genome;
};

struct search {
    struct attn_fleet fleet;
    struct rule rule[ATTN_KERNEL_COUNT][RULES_MAX];
    struct attn_run_limits limits;
    int64_t generate, seed, each;
    uint64_t state;
    bool json;
};

/* ---- One run --------------------------------------------------------------------------------------------- */

struct answer {
    int32_t result;
    char why[320];
};

static void run_case(const struct search *s, const struct attn_case *c, const struct attn_forced *forced,
                     struct answer *answer)
{
    static const struct attn_host_options host = { .checked = true };
    struct attn_run_limits limits = s->limits;
    struct attn_outcome outcome;
    struct attn_finding finding;
    struct attn_backend *backend = attn_host_open(&host);
    limits.forced = forced;
    answer->result = UNDECIDED;
    if (!backend)
        return;
    const int status = attn_check_run(backend, c, &limits, &outcome, &finding);
    backend->ops->close(backend);
    if (status == ATTN_OUTCOME_FAILED) {
        answer->result = WRONG;
        snprintf(answer->why, sizeof answer->why, "P%d %s: %.250s", finding.property,
                 attn_property_name(finding.property), finding.text);
    } else if (status == ATTN_OUTCOME_HELD && !outcome.kernel[forced->kernel].blind) {
        answer->result = RIGHT;
    }
}

/* In a child process: a kernel that runs against its contract may do anything. */
static void run_apart(const struct search *s, const struct attn_case *c, const struct attn_forced *forced,
                      struct answer *answer)
{
    int ends[2], status = 0;
    memset(answer, 0, sizeof *answer);
    answer->result = UNDECIDED;
    if (pipe(ends))
        return;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        alarm(SECONDS);
        run_case(s, c, forced, answer);
        _exit(write(ends[1], answer, sizeof *answer) == (ssize_t)sizeof *answer ? 0 : 1);
    }
    close(ends[1]);
    const bool told = child > 0 && read(ends[0], answer, sizeof *answer) == (ssize_t)sizeof *answer;
    close(ends[0]);
    if (child > 0)
        waitpid(child, &status, 0);
    if (child > 0 && !told) {
        memset(answer, 0, sizeof *answer);
        answer->result = WRONG;
        snprintf(answer->why, sizeof answer->why, "the run died or hung");
    }
}

/* ---- Search ---------------------------------------------------------------------------------------------- */

static bool decided(const struct search *s, const struct rule *r) { return r->needed || r->right >= s->each; }

static void keep(struct rule *r, int at, const struct attn_case *c, const struct attn_device *d)
{
    attn_case_print(c, r->line[at], sizeof r->line[at]);
    snprintf(r->device[at], sizeof r->device[at], "%s: wave %d, %d threads, %d bytes of LDS, %d of it static", d->name,
             d->wave_size, d->max_threads, d->lds_bytes, d->lds_static_bytes);
}

static void try_rule(struct search *s, struct rule *r, const struct attn_case *c, const struct attn_key *key,
                     const struct attn_forced *forced)
{
    struct answer answer = { .result = WRONG };
    struct attn_plan plan;
    const char *wrong;
    const uint64_t hash = attn_key_hash(key);
    for (int64_t i = 0; i < r->right; i++)
        if (r->seen[i] == hash)
            return;
    if (attn_tight_plan(forced, key, &plan, &wrong))
        run_apart(s, c, forced, &answer);
    else
        snprintf(answer.why, sizeof answer.why, "%s", wrong);
    if (answer.result == UNDECIDED) {
        r->undecided++;
        return;
    }
    if (answer.result == WRONG) {
        r->needed = true;
        memcpy(r->why, answer.why, sizeof r->why);
        keep(r, 0, c, &forced->device);
        return;
    }
    if (r->right < LINES)
        keep(r, (int)r->right, c, &forced->device);
    r->seen[r->right++] = hash;
}

/* A device of the table or a weakening; sometimes one with less, such as a caller might describe. The case names the
 * one that it is made of. */
static struct attn_device draw_device(struct search *s, bool described, struct attn_case *c)
{
    const int m = (int)attn_random_below(&s->state, s->fleet.n);
    struct attn_device d = s->fleet.device[m];
    c->run.device = s->fleet.row[m];
    c->run.weakening = s->fleet.weakening[m];
    if (!described)
        return d;
    if (attn_random_below(&s->state, 2))
        d.max_threads = 256;
    else
        d.lds_bytes = d.lds_static_bytes = 1024 * (16 + (int32_t)attn_random_below(&s->state, 32));
    return d;
}

static void try_case(struct search *s, const struct attn_genome *genome)
{
    struct attn_domain_limits limits = { .work = s->limits.work,
                                         .bytes = 8 * s->limits.work + 65536,
                                         .components = s->limits.work / 16 + 1024 };
    struct attn_case c;
    struct attn_key key;
    attn_genome_case(genome, &limits, &c);
    attn_key_of(&c.problem, &key);
    for (int i = 0; i < DEVICES + DESCRIBED; i++) {
        const struct attn_device d = draw_device(s, i >= DEVICES, &c);
        for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
            const int rule = attn_tight_alone(&d, &key, kernel);
            if (rule < 0)
                continue;
            struct rule *r = &s->rule[kernel][rule];
            r->alone++;
            r->found = true;
            r->genome = *genome;
            if (decided(s, r))
                continue;
            const struct attn_forced forced = { kernel, rule, d };
            c.run.kernel = kernel;
            try_rule(s, r, &c, &key, &forced);
            c.run.kernel = -1;
        }
    }
}

/* A rule that is met and not yet decided, drawn; NULL: there is none. */
static const struct rule *open_rule(struct search *s)
{
    const struct rule *drawn = NULL;
    int64_t n = 0;
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++)
        for (int i = 0; i < attn_kernel(kernel)->n_rules && i < RULES_MAX; i++) {
            const struct rule *r = &s->rule[kernel][i];
            if (r->found && !decided(s, r) && attn_random_below(&s->state, ++n) == 0)
                drawn = r;
        }
    return drawn;
}

static void search_all(struct search *s)
{
    for (int64_t i = 0; i < s->generate; i++) {
        const struct rule *r = i % 2 ? open_rule(s) : NULL;
        struct attn_genome genome;
        if (r) {
            genome = r->genome;
            attn_genome_mutate(&genome, attn_random(&s->state));
        } else {
            attn_genome_random(&genome, attn_random(&s->state));
        }
        try_case(s, &genome);
    }
}

/* ---- Report ---------------------------------------------------------------------------------------------- */

/* What is known of a rule, one word; more of it in *text. */
static const char *verdict(const struct search *s, int kernel, int rule, char *text, size_t cap)
{
    const struct rule *r = &s->rule[kernel][rule];
    const char *need = attn_tight_need(kernel, rule);
    snprintf(text, cap, "%" PRId64 " problems failed it alone", r->alone);
    if (attn_kernel(kernel)->rules[rule].structural) {
        snprintf(text, cap, "no instance");
        return "structural";
    }
    if (need) {
        snprintf(text, cap, "%s", need);
        return "stated";
    }
    if (r->needed) {
        snprintf(text, cap, "%s", r->why);
        return "needed";
    }
    if (r->right >= s->each) {
        snprintf(text, cap, "right in all of %" PRId64 " problems that fail it alone", r->right);
        return "over-strict";
    }
    if (r->alone == 0) {
        snprintf(text, cap, "no problem failed it alone");
        return "unmet";
    }
    snprintf(text, cap,
             "right in %" PRId64 " problems, %" PRId64 " make a finding; %" PRId64 " could not be run or judged",
             r->right, s->each, r->undecided);
    return "open";
}

static int lines_of(const struct rule *r) { return r->needed ? 1 : r->right < LINES ? (int)r->right : LINES; }

static void report_json(int kernel, int rule, const struct rule *r, const char *word, const char *text)
{
    printf("{\"kernel\":\"%s\",\"rule\":\"%s\",\"verdict\":\"%s\",\"alone\":%" PRId64 ",\"right\":%" PRId64
           ",\"text\":",
           attn_kernel(kernel)->name, attn_kernel(kernel)->rules[rule].name, word, r->alone, r->right);
    cli_json_string(stdout, text);
    fputs(",\"lines\":[", stdout);
    for (int i = 0; i < lines_of(r); i++) {
        fputs(i ? "," : "", stdout);
        cli_json_string(stdout, r->line[i]);
    }
    fputs("]}\n", stdout);
}

static bool report(const struct search *s)
{
    bool strict = false;
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++)
        for (int i = 0; i < attn_kernel(kernel)->n_rules && i < RULES_MAX; i++) {
            const struct rule *r = &s->rule[kernel][i];
            char text[400], name[80];
            const char *word = verdict(s, kernel, i, text, sizeof text);
            const bool finding = strcmp(word, "over-strict") == 0;
            strict |= finding;
            if (s->json) {
                report_json(kernel, i, r, word, text);
                continue;
            }
            snprintf(name, sizeof name, "%s.%s", attn_kernel(kernel)->name, attn_kernel(kernel)->rules[i].name);
            printf("%s%-20s %-11s %s\n", finding ? "P4 tight " : "", name, word, text);
            for (int l = 0; l < lines_of(r); l++)
                printf("    on %s\n    line:   %s\n", r->device[l], r->line[l]);
        }
    return strict;
}

/* ---- The verb -------------------------------------------------------------------------------------------- */

static bool read_options(struct search *s, int argc, char **argv)
{
    bool good = true;
    for (int o; good && (o = cli_option_next(&manual, argc, argv)) != -1;) {
        switch (o) {
        case GENERATE: good = cli_option_number(&manual, o, optarg, 1, INT64_C(1) << 40, &s->generate); break;
        case SEED: good = cli_option_number(&manual, o, optarg, 0, INT64_MAX, &s->seed); break;
        case EACH: good = cli_option_number(&manual, o, optarg, 1, EACH_MAX, &s->each); break;
        case MAX_WORK: good = cli_option_number(&manual, o, optarg, 4096, ATTN_RUN_WORK_LIMIT, &s->limits.work); break;
        case JSON: s->json = true; break;
        default: return false;
        }
    }
    if (good && optind < argc) {
        cli_error("tight takes no input: %s", argv[optind]);
        return false;
    }
    return good;
}

static int run(int argc, char **argv)
{
    struct search *s = calloc(1, sizeof *s);
    int code = CLI_USAGE;
    if (!s)
        return cli_out_of_memory() ? CLI_GOOD : CLI_LACKS;
    s->generate = 20000;
    s->seed = 1;
    s->each = 12;
    s->limits = (struct attn_run_limits){ .work = 200000, .bytes = ATTN_RUN_BYTES_LIMIT };
    if (read_options(s, argc, argv)) {
        attn_fleet_init(&s->fleet);
        s->state = (uint64_t)s->seed;
        search_all(s);
        code = cli_finish(report(s) ? CLI_BROKEN : CLI_GOOD);
    }
    free(s);
    return code;
}

const struct cli_verb cli_tight = { .manual = &manual, .run = run };
