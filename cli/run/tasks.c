/* tasks.c: the problems of a run, read, decoded from fuzzing inputs or generated, and the tasks they make.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/input/corpus.h"
#include "fuzz/domain/domain.h"
#include "fuzz/domain/mutate.h"
#include "cli/input/message.h"
#include "cli/run/tasks.h"
#include "kernels/beside.h"
#include "fuzz/case/folder.h"
#include "planner/hash.h"
#include "fuzz/session/session.h"

/* ---- Generated problems ---------------------------------------------------------------------------------- */

/* Every sixteenth or so is as large as allowed, the others a sixteenth of that: cost goes into both. What fills a
 * device is run in some rows on the CPU, however large it is, and whole on a GPU, if it is allowed. */
static void case_of_genome(const struct run_options *options, const struct attn_genome *genome, struct attn_case *c)
{
    const bool full = attn_effort_fills(genome->gene[ATTN_GENE_effort]), gpu = options->backend.device,
               machine = options->backend.machine;
    int64_t work = options->generate_work;
    if (genome->gene[ATTN_GENE_effort] != ATTN_EFFORT_MOST && !(full && gpu))
        work /= 16;
    /* What is always enough for the domain to make a case (domain.h), and about the shape of real calls above that. */
    struct attn_domain_limits limits = { .work = work < 4096 ? 4096 : work,
                                         .bytes = 4 * work < 65536 ? 65536 : 4 * work,
                                         .components = work / 16 < 1024 ? 1024 : work / 16,
                                         .reach = options->backend.device ? 0 : ATTN_REACH_MOST };
    if (limits.bytes > options->limits.bytes)
        limits.bytes = options->limits.bytes;
    attn_genome_case_sampled(genome, &limits, full && !gpu && !machine ? ATTN_SAMPLED_TILE * limits.work : 0, c);
}

/* Number `number` of a seed: the same whatever the shard, the workers and how many there are. Half of them are any
 * problems at all, which small kernels see most of; the odd ones have a known head size and more than a few keys. */
enum { DRAWS_MAX = 256 };

static void generate(const struct run_options *options, int64_t number, struct attn_case *c)
{
    const uint32_t wanted = 1u << ATTN_FEATURE_LONG_KV, unwanted = 1u << ATTN_FEATURE_ANY_SIZE;
    struct attn_genome genome;
    for (uint64_t draw = 0; draw < DRAWS_MAX; draw++) {
        uint64_t seed[3] = { (uint64_t)options->seed, (uint64_t)number, draw };
        uint64_t h = attn_hash(ATTN_HASH_START, seed, sizeof seed);
        attn_genome_random(&genome, h ^ h >> 29);
        if (!(number & 1) || ((genome.features & wanted) && !(genome.features & unwanted)))
            break;
    }
    case_of_genome(options, &genome, c);
}

void run_problem_case(const struct run_job *job, int64_t problem, struct attn_case *c)
{
    const struct run_problem *p = &job->problem[problem];
    if (p->at >= 0)
        *c = job->given[p->at];
    else
        generate(job->options, p->line, c);
}

/* ---- Names ----------------------------------------------------------------------------------------------- */

void run_task_case(const struct run_job *job, int64_t t, struct attn_case *c)
{
    const struct run_options *options = job->options;
    const struct run_task *task = &job->task[t];
    run_problem_case(job, task->problem, c);
    c->run.device = task->row;
    c->run.weakening = task->weakening;
    if (task->row < 0 && job->result)
        c->run.device = job->result[t].device - 1;
    if (options->kernel >= 0)
        c->run.kernel = options->kernel;
    if (options->schedule >= 0 && c->run.schedule == 0)
        c->run.schedule = (uint64_t)options->schedule;
}

bool run_task_is_session(const struct run_job *job, int64_t t)
{
    return job->problem[job->task[t].problem].session >= 0;
}

const char *run_task_line(const struct run_job *job, int64_t t, const struct attn_case *c, char *text)
{
    int32_t session = job->problem[job->task[t].problem].session;
    if (session >= 0)
        return job->session[session];
    attn_case_print(c, text, ATTN_CASE_LINE_MAX);
    return text;
}

void run_task_source(const struct run_job *job, int64_t t, char *text, size_t cap)
{
    const struct run_problem *problem = &job->problem[job->task[t].problem];
    int inputs = job->lines->n_sources;
    if (problem->source == RUN_GENERATED)
        snprintf(text, cap, "generated/%" PRId64, job->options->seed);
    else if (problem->source >= inputs)
        snprintf(text, cap, "%s", job->input[problem->source - inputs]);
    else
        snprintf(text, cap, "%s", lines_name(job->lines, problem->source));
}

void run_task_place(const struct run_job *job, int64_t t, char *text, size_t cap)
{
    run_task_source(job, t, text, cap);
    size_t used = strlen(text);
    snprintf(text + used, cap - used, ":%" PRId64, job->problem[job->task[t].problem].line);
}

/* ---- Devices --------------------------------------------------------------------------------------------- */

/* Row of the device table with that wave size that number `pick` falls on. */
static int row_of_wave(int wave_size, uint64_t pick)
{
    uint64_t n = 0;
    for (int row = 0; row < attn_device_count(); row++)
        n += attn_device(row)->wave_size == wave_size;
    pick %= n;
    for (int row = 0;; row++)
        if (attn_device(row)->wave_size == wave_size && pick-- == 0)
            return row;
}

static void devices_of(const struct run_options *options, const struct attn_case *c, struct cli_devices *devices)
{
    if (options->mode == RUN_DEVICES_GIVEN) {
        *devices = options->devices;
        return;
    }
    devices->n = 1;
    devices->at[0].row = (int16_t)c->run.device;
    devices->at[0].weakening = (int16_t)c->run.weakening;
    if (options->backend.device) {
        devices->at[0].row = -1;
        return;
    }
    if (c->run.device >= 0)
        return;
    /* Of the canonical line, not of the case: the same line gets the same device in every corpus and every version,
     * whatever fields a case may get. */
    char line[ATTN_CASE_LINE_MAX];
    attn_case_print(c, line, sizeof line);
    uint64_t h = attn_hash_text(ATTN_HASH_START, line);
    h ^= h >> 32;
    int first = h & 1 ? 64 : 32;
    devices->at[0].row = (int16_t)row_of_wave(first, h >> 1);
    devices->at[0].weakening = -1;
    if (options->mode == RUN_DEVICES_WAVES) {
        devices->n = 2;
        devices->at[1].row = (int16_t)row_of_wave(96 - first, h >> 1);
        devices->at[1].weakening = -1;
    }
}

/* ---- Loading --------------------------------------------------------------------------------------------- */

static bool grow(void **array, int64_t n, size_t size)
{
    if (n & (n - 1)) /* doubles at every power of two */
        return true;
    void *grown = realloc(*array, (size_t)(n ? 2 * n : 1) * size);
    if (grown)
        *array = grown;
    return grown != NULL;
}

/* Is the next problem one of this shard? Counts it. */
static bool mine(struct run_job *job) { return job->n_read++ % job->options->shards == job->options->shard - 1; }

static bool add_problem(struct run_job *job, const struct attn_case *c, int32_t source, int64_t line)
{
    if (job->n_problems == INT32_MAX || !grow((void **)&job->problem, job->n_problems, sizeof *job->problem))
        return cli_out_of_memory();
    int32_t at = -1;
    if (c) {
        if (!grow((void **)&job->given, job->n_given, sizeof *job->given))
            return cli_out_of_memory();
        at = (int32_t)job->n_given;
        job->given[job->n_given++] = *c;
    }
    job->problem[job->n_problems++] = (struct run_problem){ .line = line, .source = source, .at = at, .session = -1 };
    return true;
}

/* A session is kept as its script on one line; its case is nothing but the device it names. */
static bool add_session(struct run_job *job, const struct attn_session *session, int32_t source, int64_t line)
{
    struct attn_case c = { .run.device = session->device };
    attn_run_default(&c.run);
    c.run.device = session->device;
    c.run.weakening = session->weakening;
    size_t cap = attn_session_print(session, NULL, 0) + 1;
    char *script = malloc(cap);
    if (!script || !grow((void **)&job->session, job->n_sessions, sizeof *job->session)) {
        free(script);
        return cli_out_of_memory();
    }
    attn_session_print(session, script, cap);
    job->session[job->n_sessions] = script;
    if (!add_problem(job, &c, source, line)) {
        free(script);
        return false;
    }
    job->problem[job->n_problems - 1].session = (int32_t)job->n_sessions++;
    return true;
}

static bool load_lines(struct run_job *job, struct corpus *corpus)
{
    struct attn_case c;
    const struct attn_session *session;
    while (corpus->lines.n_sources && corpus_next_item(corpus, &c, &session)) {
        if (!mine(job))
            continue;
        if (session ? !add_session(job, session, corpus->lines.current, corpus->number)
                    : !add_problem(job, &c, corpus->lines.current, corpus->number))
            return false;
    }
    return true;
}

struct inputs {
    struct run_job *job;
    struct corpus *corpus;
};

static bool pass_over(struct inputs *in, const char *path, const char *what, bool unreadable)
{
    cli_error("%s: %s: passed over", path, what);
    in->corpus->lines.unreadable += unreadable;
    return true;
}

/* A fuzzing input is any bytes; those past the longest genome are not looked at. */
static bool take_input(void *context, const char *path, enum attn_folder_entry entry, const char *what)
{
    struct inputs *in = context;
    struct run_job *job = in->job;
    uint8_t bytes[ATTN_GENOME_BYTES_MAX];
    struct attn_genome genome;
    struct attn_case c;
    if (entry != ATTN_FOLDER_FILE)
        return pass_over(in, path, what, entry == ATTN_FOLDER_UNREADABLE);
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    bool good = file && !ferror(file);
    int error = errno;
    if (file)
        fclose(file);
    if (!good)
        return pass_over(in, path, strerror(error), true);
    char *name = grow((void **)&job->input, job->n_inputs, sizeof *job->input) ? strdup(path) : NULL;
    if (!name)
        return cli_out_of_memory();
    job->input[job->n_inputs++] = name;
    attn_genome_decode(bytes, n, &genome);
    case_of_genome(job->options, &genome, &c);
    return !mine(job) || add_problem(job, &c, job->lines->n_sources + job->n_inputs - 1, 1);
}

static bool load_inputs(struct run_job *job, struct corpus *corpus)
{
    struct inputs in = { .job = job, .corpus = corpus };
    const char *what;
    if (attn_folder_walk(job->options->inputs, NULL, take_input, &in, &what))
        return true;
    if (what)
        cli_error("%s: %s", job->options->inputs, what);
    return false;
}

static bool add_tasks(struct run_job *job, int64_t problem)
{
    struct cli_devices devices;
    struct attn_case c;
    run_problem_case(job, problem, &c);
    devices_of(job->options, &c, &devices);
    for (int i = 0; i < devices.n; i++) {
        if (!grow((void **)&job->task, job->n_tasks, sizeof *job->task))
            return cli_out_of_memory();
        job->task[job->n_tasks++] = (struct run_task){
            .problem = (int32_t)problem, .row = devices.at[i].row, .weakening = devices.at[i].weakening, .plan = i == 0
        };
    }
    return true;
}

bool run_tasks_load(struct run_job *job, struct corpus *corpus)
{
    const struct run_options *options = job->options;
    if (!load_lines(job, corpus) || (options->inputs && !load_inputs(job, corpus)))
        return false;
    for (int64_t i = 0; i < options->generate; i++)
        if (mine(job) && !add_problem(job, NULL, RUN_GENERATED, i))
            return false;
    for (int64_t p = 0; p < job->n_problems; p++)
        if (!add_tasks(job, p))
            return false;
    return true;
}

void run_tasks_free(struct run_job *job)
{
    for (int i = 0; i < job->n_inputs; i++)
        free(job->input[i]);
    for (int64_t i = 0; i < job->n_sessions; i++)
        free(job->session[i]);
    free(job->session);
    free(job->input);
    free(job->given);
    free(job->problem);
    free(job->task);
}

/* ---- What a journal is bound to -------------------------------------------------------------------------- */

static uint64_t hash_of_file(uint64_t h, const char *path)
{
    char chunk[65536];
    FILE *file = fopen(path, "rb");
    for (size_t n; file && (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        h = attn_hash(h, chunk, n);
    if (file)
        fclose(file);
    return h;
}

/* Results of one build of the program, or of the object with a GPU's kernels beside it, are no results of another. */
static uint64_t hash_of_program(uint64_t h, const char *object)
{
    char path[4096];
    h = hash_of_file(h, "/proc/self/exe");
    return object && attn_beside(object, path, sizeof path) ? hash_of_file(h, path) : h;
}

uint64_t run_tasks_hash(const struct run_job *job)
{
    const struct run_options *o = job->options;
    int64_t numbers[] = { o->mode,         o->kernel,           o->shard,        o->shards,
                          o->schedule,     o->generate,         o->seed,         o->generate_work,
                          o->constant_v,   o->beside,           o->shrink,       o->limits.work,
                          o->limits.bytes, o->limits.schedules, o->limits.twins, o->limits.beside_work,
                          o->perturb,      job->n_tasks };
    uint64_t h = hash_of_program(ATTN_HASH_START, o->backend.device    ? "attn_hip.so"
                                                  : o->backend.machine ? "attn_amd.so"
                                                                       : NULL);
    h = attn_hash(h, o->backend.name, strlen(o->backend.name));
    h = attn_hash(h, numbers, sizeof numbers);
    for (int64_t t = 0; t < job->n_tasks; t++) {
        int64_t where[] = { job->task[t].row, job->task[t].weakening, job->task[t].problem,
                            job->problem[job->task[t].problem].line };
        h = attn_hash(h, where, sizeof where);
    }
    for (int64_t i = 0; i < job->n_given; i++)
        h = attn_hash_u64(h, attn_case_hash(&job->given[i]));
    for (int64_t i = 0; i < job->n_sessions; i++)
        h = attn_hash(h, job->session[i], strlen(job->session[i]));
    return h;
}
