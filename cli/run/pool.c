/* pool.c: the parent of the worker processes.
 *
 * A task is run in a process of its own kind because kernels under test may crash, hang, lose their device or be
 * stopped by a sanitizer: the parent then knows which task it was, marks it failed and starts another worker. Workers
 * take tasks from a shared counter and write results to shared memory, one place a task, so the order of finishing
 * leaves no trace. The parent never opens a device: a GPU's runtime does not survive fork. Who ends a task, the worker
 * or the parent that finds it late, is decided by one atomic exchange on its `end`.
 *
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/input/clock.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "cli/run/pool.h"
#include "cli/run/report.h"
#include "cli/run/shrink.h"
#include "cli/run/worker.h"
#include "planner/hash.h"

enum {
    POLL_MS = 100,
    PLAIN_EVERY_S = 10,
    OPEN_S = 180,     /* for opening a device: a driver that hangs there is no device */
    KILLED_MS = 2000, /* for a killed process to go; one that a driver holds on to is left behind */
    BARREN_MAX = 3,   /* workers of one slot in a row that end before they have ended a task */
    DRAIN_S = 15,     /* for what is under way when options->seconds are over */
    ROUNDS_MAX = 4
};

#define SYNC_NS INT64_C(1000000000) /* the journal is brought to the disk this often */

struct slot {
    pid_t pid; /* 0: none */
    int barren;
    bool gone;   /* its device cannot be opened (again) */
    bool opened; /* it could be, once */
};

struct pool {
    struct run_job *job;
    struct run_journal *journal;
    FILE *failures;
    struct run_board *board;
    int64_t *order; /* tasks to run */
    int64_t n_order;
    bool *recorded; /* of each task: its result is in the journal and counted */
    int pipe[2];
    int n_slots;
    struct slot slot[RUN_JOBS_MAX];
    int64_t n_done, n_failed, n_at_begin;
    int64_t begin_ns, last_ns, synced_ns;
    int64_t over_ns; /* options->seconds are over: no task is begun any more; 0: there is no such time */
    bool broken;     /* the journal cannot be written, or processes not be had: stop */
};

static bool stopped(const struct pool *pool) { return pool->broken || cli_interrupted(); }

static void *share(size_t bytes)
{
    void *p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool run_pool_memory(struct run_job *job)
{
    job->result = share((size_t)job->n_tasks * sizeof *job->result);
    job->findings = share((size_t)job->n_tasks * sizeof *job->findings);
    if (job->result && job->findings)
        return true;
    return cli_out_of_memory();
}

/* ---- Results --------------------------------------------------------------------------------------------- */

static void record(struct pool *pool, int64_t t)
{
    struct run_job *job = pool->job;
    assert(t >= 0 && t < job->n_tasks); /* what a child says is not taken on trust: it may have run wild */
    assert(atomic_load(&job->result[t].end) >= RUN_PENDING && atomic_load(&job->result[t].end) <= RUN_CRASHED);
    if (pool->recorded[t] || atomic_load(&job->result[t].end) == RUN_PENDING)
        return;
    pool->recorded[t] = true;
    pool->n_done++;
    if (run_failed(&job->result[t]) && !pool->board->shrinking) {
        pool->n_failed++;
        if (pool->failures) {
            run_report_failure_lines(pool->failures, job, t);
            fflush(pool->failures);
        }
    }
    if (pool->journal && !run_journal_add(pool->journal, job, t))
        pool->broken = true;
}

static void sync_journal(struct pool *pool, bool now)
{
    if (!pool->journal || pool->broken || (!now && cli_now_ns() - pool->synced_ns < SYNC_NS))
        return;
    if (!run_journal_sync(pool->journal))
        pool->broken = true;
    pool->synced_ns = cli_now_ns();
}

/* The worker is gone or about to be: its task ends here, unless it has ended already. True when there was one. */
static bool end_task(struct pool *pool, int w, enum run_end end, int signal)
{
    struct run_worker *worker = &pool->board->worker[w];
    int64_t t = atomic_load(&worker->task);
    if (t < 0)
        return false;
    assert(t < pool->job->n_tasks);
    struct run_result *result = &pool->job->result[t];
    int32_t pending = RUN_PENDING;
    /* With its finding there, only what comes after it is lost. */
    int32_t to = atomic_load(&worker->stage) == RUN_AFTERWARDS ? RUN_ENDED : (int32_t)end;
    if (atomic_compare_exchange_strong(&result->end, &pending, to) && !pool->board->shrinking) {
        result->signal = signal;
        result->trying = atomic_load(&worker->kernel);
        result->ns = cli_now_ns() - atomic_load(&worker->began_ns);
    }
    record(pool, t);
    return true;
}

/* ---- Processes ------------------------------------------------------------------------------------------- */

static bool start(struct pool *pool, int w)
{
    struct run_worker *worker = &pool->board->worker[w];
    assert(w >= 0 && w < pool->n_slots && pool->slot[w].pid == 0 && !pool->slot[w].gone);
    atomic_store(&worker->task, -1);
    atomic_store(&worker->kernel, -1);
    atomic_store(&worker->ended, 0);
    sem_init(&worker->recorded, 1, 0);
    atomic_store(&worker->began_ns, cli_now_ns());
    atomic_store(&worker->stage, RUN_OPENING);
    fflush(NULL);
    const pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        cli_error("a worker process: %s", strerror(errno));
        pool->broken = true;
        return false;
    }
    if (pid == 0) {
        cli_interrupt_child(parent);
        close(pool->pipe[0]);
        run_journal_close(pool->journal); /* this process's end of it: the lock is the parent's */
        run_worker(pool->job, pool->board, pool->order, pool->n_order, w, pool->pipe[1]);
    }
    pool->slot[w].pid = pid;
    return true;
}

static bool tasks_left(const struct pool *pool) { return atomic_load(&pool->board->next) < pool->n_order; }

static void replace(struct pool *pool, int w)
{
    if (tasks_left(pool) && !pool->slot[w].gone)
        start(pool, w);
}

/* The slot's device cannot be opened. The first time is told at the end of the run, a later loss when it happens. */
static void lose_device(struct pool *pool, int w)
{
    char name[64];
    struct slot *slot = &pool->slot[w];
    const char *why = pool->board->worker[w].error;
    slot->gone = true;
    snprintf(pool->job->gone, sizeof pool->job->gone, "%s", *why ? why : "opening the device takes too long");
    if (!slot->opened)
        return;
    cli_backend_slot_name(&pool->job->options->backend, w % pool->job->options->backend.n, name, sizeof name);
    cli_error("%s cannot be opened again: %s", name, pool->job->gone);
}

/* What the end of a worker means. */
static void take_end(struct pool *pool, int w, int status)
{
    struct slot *slot = &pool->slot[w];
    int stage = atomic_load(&pool->board->worker[w].stage);
    assert(stage >= RUN_OPENING && stage <= RUN_AFTERWARDS);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    slot->pid = 0;
    if (code == RUN_EXIT_DONE)
        return;
    slot->opened |= stage != RUN_OPENING;
    bool had_task = end_task(pool, w, RUN_CRASHED, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    if (code == RUN_EXIT_NO_DEVICE) {
        lose_device(pool, w);
        return;
    }
    if (code == RUN_EXIT_MEMORY) {
        cli_error("a worker process: out of memory");
        pool->broken = true;
        return;
    }
    bool worked = had_task || atomic_load(&pool->board->worker[w].ended) > 0;
    slot->barren = worked ? 0 : slot->barren + 1;
    if (slot->barren == BARREN_MAX) {
        snprintf(pool->board->worker[w].error, sizeof pool->board->worker[w].error,
                 "%d processes died before they began", BARREN_MAX);
        lose_device(pool, w);
        return;
    }
    replace(pool, w);
}

static void reap(struct pool *pool)
{
    int status;
    for (int w = 0; w < pool->n_slots && !stopped(pool); w++)
        if (pool->slot[w].pid > 0 && waitpid(pool->slot[w].pid, &status, WNOHANG) == pool->slot[w].pid)
            take_end(pool, w, status);
}

/* Waits a little for killed workers, from slot `first` to `last`, to go. */
static void wait_for(struct pool *pool, int first, int last, int ms)
{
    const struct timespec tick = { .tv_sec = 0, .tv_nsec = 5000000 };
    for (int w = first; w <= last; w++) {
        pid_t pid = pool->slot[w].pid;
        if (pid <= 0)
            continue;
        pool->slot[w].pid = 0;
        while (waitpid(pid, NULL, WNOHANG) != pid && (ms -= 5) > 0)
            nanosleep(&tick, NULL);
        if (ms <= 0)
            cli_error("process %d does not end: its driver holds on to it", (int)pid);
    }
}

static void end_worker(struct pool *pool, int w)
{
    kill(pool->slot[w].pid, SIGKILL);
    wait_for(pool, w, w, KILLED_MS);
}

/* Ends all workers before their tasks are over. A finding that is there stands; what was not over is left to do. */
static void end_workers(struct pool *pool)
{
    bool was[RUN_JOBS_MAX];
    for (int w = 0; w < pool->n_slots; w++)
        if ((was[w] = pool->slot[w].pid > 0))
            kill(pool->slot[w].pid, SIGKILL);
    wait_for(pool, 0, pool->n_slots - 1, KILLED_MS / 2);
    for (int w = 0; w < pool->n_slots; w++)
        if (was[w] && !pool->board->shrinking && atomic_load(&pool->board->worker[w].stage) == RUN_AFTERWARDS)
            end_task(pool, w, RUN_ENDED, 0);
}

/* Ends workers whose task, or whose device's opening, takes too long, and replaces them. */
static void end_late(struct pool *pool)
{
    const int64_t second = INT64_C(1000000000), limit = pool->job->options->timeout_s * second;
    for (int w = 0; w < pool->n_slots && !stopped(pool); w++) {
        struct run_worker *worker = &pool->board->worker[w];
        if (pool->slot[w].pid <= 0)
            continue;
        if (atomic_load(&worker->stage) == RUN_OPENING) {
            if (cli_now_ns() - atomic_load(&worker->began_ns) < OPEN_S * second)
                continue;
            end_worker(pool, w);
            lose_device(pool, w);
            continue;
        }
        /* The task is read before its beginning: a later task's beginning can only make it look less late. */
        int64_t t = atomic_load(&worker->task);
        assert(t < pool->job->n_tasks);
        if (!limit || t < 0 || cli_now_ns() - atomic_load(&worker->began_ns) < limit ||
            atomic_load(&pool->job->result[t].end) != RUN_PENDING)
            continue;
        end_task(pool, w, RUN_TIMEOUT, SIGKILL);
        end_worker(pool, w);
        pool->slot[w].opened = true;
        replace(pool, w);
    }
}

static bool any_worker(const struct pool *pool)
{
    for (int w = 0; w < pool->n_slots; w++)
        if (pool->slot[w].pid > 0)
            return true;
    return false;
}

/* ---- Overseeing ------------------------------------------------------------------------------------------ */

static void progress(struct pool *pool, bool terminal)
{
    int64_t now = cli_now_ns(), n = pool->job->n_tasks;
    if (now - pool->last_ns < (terminal ? INT64_C(100000000) : PLAIN_EVERY_S * INT64_C(1000000000)))
        return;
    pool->last_ns = now;
    double seconds = (double)(now - pool->begin_ns) / 1e9;
    double rate = (double)(pool->n_done - pool->n_at_begin) / seconds;
    double left = pool->over_ns ? (double)(pool->over_ns - now) / 1e9
                  : rate > 0    ? (double)(n - pool->n_done) / rate
                                : 0;
    fprintf(stderr, "%s%" PRId64 " of %" PRId64 " run, %" PRId64 " failed, %.0f s, %.1f/s, about %.0f s left%s",
            terminal ? "\r" : "", pool->n_done, n, pool->n_failed, seconds, rate, left > 0 ? left : 0,
            terminal ? "\033[K" : "\n");
    fflush(stderr);
}

/* Takes what workers say off the pipe. */
static void listen(struct pool *pool)
{
    struct pollfd ready = { .fd = pool->pipe[0], .events = POLLIN };
    struct run_message ended[256];
    if (poll(&ready, 1, POLL_MS) <= 0 || !(ready.revents & POLLIN))
        return;
    /* Writes of so few bytes are atomic, so a read gives whole messages. */
    ssize_t n = read(pool->pipe[0], ended, sizeof ended);
    assert(n < 0 || n % (ssize_t)sizeof *ended == 0);
    for (ssize_t i = 0; i < n / (ssize_t)sizeof *ended; i++) {
        assert(ended[i].worker >= 0 && ended[i].worker < pool->n_slots);
        record(pool, ended[i].task);
        sem_post(&pool->board->worker[ended[i].worker].recorded);
    }
}

/* Tasks that have no result; where there is no time for all, in an order drawn by the seed. */
static int64_t put_in_order(struct pool *pool)
{
    const struct run_options *options = pool->job->options;
    uint64_t state = attn_mix((uint64_t)options->seed);
    pool->n_order = 0;
    for (int64_t t = 0; t < pool->job->n_tasks; t++) {
        if (atomic_load(&pool->job->result[t].end) != RUN_PENDING)
            continue;
        int64_t at = pool->n_order++;
        if (options->seconds > 0) {
            const int64_t other = (int64_t)attn_random_below(&state, (uint64_t)pool->n_order);
            pool->order[at] = pool->order[other];
            at = other;
        }
        pool->order[at] = t;
    }
    return pool->n_order;
}

/* Is there no time for another task? Workers are not told: they find none left. */
static bool over(struct pool *pool)
{
    if (!pool->over_ns || cli_now_ns() < pool->over_ns)
        return false;
    pool->job->over = true;
    atomic_store(&pool->board->next, pool->n_order);
    return cli_now_ns() - pool->over_ns > DRAIN_S * INT64_C(1000000000);
}

/* One pass over the tasks in order. */
static void run_round(struct pool *pool, bool terminal)
{
    atomic_store(&pool->board->next, 0);
    for (int w = 0; w < pool->n_slots && w < pool->n_order && !stopped(pool); w++)
        if (!pool->slot[w].gone)
            start(pool, w);
    while (any_worker(pool) && !stopped(pool) && !over(pool)) {
        listen(pool);
        reap(pool);
        end_late(pool);
        sync_journal(pool, false);
        progress(pool, terminal);
    }
    end_workers(pool);
    /* Results whose number did not come through the pipe: their worker died just then. */
    for (int64_t i = 0; i < pool->n_order; i++)
        record(pool, pool->order[i]);
    sync_journal(pool, true);
}

static bool any_device(const struct pool *pool)
{
    for (int w = 0; w < pool->n_slots; w++)
        if (!pool->slot[w].gone)
            return true;
    return false;
}

/* A round in which workers shrink what was found. One that dies over it leaves the finding as it was. */
static void shrink_round(struct pool *pool, bool terminal)
{
    struct run_job *job = pool->job;
    pool->n_order = run_shrink_pick(job, pool->order);
    if (!pool->n_order || !any_device(pool) || stopped(pool))
        return;
    for (int64_t i = 0; i < pool->n_order; i++) {
        pool->recorded[pool->order[i]] = false;
        atomic_store(&job->result[pool->order[i]].end, RUN_PENDING);
    }
    assert(pool->n_order <= pool->n_done);
    pool->n_done -= pool->n_order;
    pool->board->shrinking = true;
    run_round(pool, terminal);
    pool->board->shrinking = false;
    for (int64_t i = 0; i < pool->n_order; i++)
        atomic_store(&job->result[pool->order[i]].end, RUN_ENDED);
}

/* A task that a worker took and died with before it could say so has no result: it was never begun, and another round
 * runs it. */
static int oversee(struct pool *pool)
{
    bool terminal = isatty(STDERR_FILENO);
    pool->begin_ns = pool->last_ns = cli_now_ns();
    pool->n_at_begin = pool->n_done;
    if (pool->job->options->seconds > 0)
        pool->over_ns = pool->begin_ns + pool->job->options->seconds * INT64_C(1000000000);
    for (int round = 0; round < ROUNDS_MAX && put_in_order(pool) && any_device(pool) && !stopped(pool); round++) {
        run_round(pool, terminal);
        if (pool->job->over)
            break;
    }
    pool->job->left = put_in_order(pool);
    pool->over_ns = 0;
    shrink_round(pool, terminal);
    pool->job->stopped = cli_interrupted();
    if (terminal)
        fputs("\r\033[K", stderr);
    pool->job->seconds = (double)(cli_now_ns() - pool->begin_ns) / 1e9;
    bool never = true; /* opened */
    for (int w = 0; w < pool->n_slots; w++)
        never &= !pool->slot[w].opened;
    if (!pool->broken && pool->job->left && never && *pool->job->gone)
        cli_error("%s", pool->job->gone);
    if (pool->broken)
        return CLI_LACKS;
    return pool->job->left && !pool->job->stopped && !pool->job->over ? CLI_LACKS : CLI_GOOD;
}

/* How many workers: for the host one a processor, for devices one each. */
static int slots_wanted(const struct run_job *job)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const struct cli_backend *backend = &job->options->backend;
    int64_t jobs = job->options->jobs;
    if (!jobs)
        jobs = backend->device ? backend->n : processors > 0 ? processors : 1;
    if (jobs > job->n_tasks)
        jobs = job->n_tasks;
    return (int)(jobs < RUN_JOBS_MAX ? jobs : RUN_JOBS_MAX);
}

int run_pool(struct run_job *job, struct run_journal *journal, FILE *failures)
{
    struct pool *pool = calloc(1, sizeof *pool);
    int code = CLI_LACKS;
    if (pool) {
        pool->job = job;
        pool->board = share(sizeof *pool->board);
        pool->order = calloc((size_t)job->n_tasks + 1, sizeof *pool->order);
        pool->recorded = calloc((size_t)job->n_tasks + 1, sizeof *pool->recorded);
    }
    if (!pool || !pool->board || !pool->order || !pool->recorded) {
        cli_out_of_memory();
    } else if (pipe2(pool->pipe, O_CLOEXEC)) {
        cli_error("a pipe: %s", strerror(errno));
    } else {
        pool->failures = failures;
        for (int64_t t = 0; t < job->n_tasks; t++) /* those of the journal */
            record(pool, t);
        pool->journal = journal;
        pool->n_slots = slots_wanted(job);
        code = oversee(pool);
        close(pool->pipe[0]);
        close(pool->pipe[1]);
    }
    if (pool) {
        if (pool->board)
            munmap(pool->board, sizeof *pool->board);
        free(pool->order);
        free(pool->recorded);
        free(pool);
    }
    return code;
}
