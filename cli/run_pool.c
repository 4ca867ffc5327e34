/* run_pool.c: worker processes that run the tasks.
 *
 * A task is run in a process of its own kind because kernels under test may crash, hang or be stopped by a sanitizer:
 * the parent then knows which task it was, marks it failed and starts another worker. Workers take tasks from a shared
 * counter and write results to shared memory, one place a task, so the order of finishing leaves no trace.
 *
 * SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 256, POLL_MS = 100, PLAIN_EVERY_S = 10 };

struct worker {
    _Atomic int64_t task;       /* at work on it; -1: on none */
    _Atomic int64_t started_ns; /* when it took it */
    pid_t pid;                  /* 0: none */
};

struct board {
    _Atomic int64_t next; /* task to hand out */
    struct worker worker[JOBS_MAX];
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void *share(size_t bytes)
{
    void *p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* ---- Worker --------------------------------------------------------------------------------------------------- */

struct tools {
    struct attn_fleet fleet;
    struct attn_sweep sweep;
    struct attn_backend *backend;
};

/* Is naive alone able on some device of the table? */
static bool needs_naive(const struct attn_sweep *sweep)
{
    for (int m = sweep->first; m < sweep->last; m++)
        if (sweep->fleet->weakening[m] < 0 && sweep->able[m] == 1u << ATTN_KERNEL_naive)
            return true;
    return false;
}

static void run_one(const struct run_job *job, struct tools *tools, int64_t t)
{
    const struct run_task *task = &job->task[t];
    struct run_result *result = &job->result[t];
    struct attn_finding finding;
    struct attn_case c;
    run_task_case(job, task, &c);
    if (task->plan) {
        if (!attn_check_plan(&tools->fleet, &c, true, &tools->sweep, &finding)) {
            result->plan_failed = true;
            job->findings[t].at[0] = finding;
        } else {
            result->needs_naive = needs_naive(&tools->sweep);
        }
        result->plans = tools->sweep.plans;
    }
    if (attn_check_run(tools->backend, &c, &job->options->limits, &result->outcome, &finding) == ATTN_OUTCOME_FAILED) {
        result->run_failed = true;
        job->findings[t].at[1] = finding;
    }
}

static void work(const struct run_job *job, struct board *board, int w, int done)
{
    const struct attn_host_options options = { .schedule = 0, .checked = true, .budget = 0 };
    struct worker *self = &board->worker[w];
    struct tools *tools = calloc(1, sizeof *tools);
    if (!tools || !(tools->backend = attn_host_open(&options))) {
        cli_error("out of memory");
        _exit(1);
    }
    attn_fleet_init(&tools->fleet);
    for (;;) {
        int64_t t = atomic_fetch_add(&board->next, 1);
        if (t >= job->n_tasks)
            break;
        atomic_store(&self->started_ns, now_ns());
        atomic_store(&self->task, t);
        run_one(job, tools, t);
        atomic_store(&job->result[t].end, RUN_ENDED);
        atomic_store(&self->task, -1);
        if (write(done, "", 1) < 0)
            break; /* nobody is listening any more */
    }
    tools->backend->ops->close(tools->backend);
    free(tools);
    fflush(stderr);
    _exit(0);
}

/* ---- Parent --------------------------------------------------------------------------------------------------- */

struct pool {
    struct run_job *job;
    struct board *board;
    int pipe[2];
    int n_workers;
    int64_t n_done;
};

static bool start(struct pool *pool, int w)
{
    struct worker *worker = &pool->board->worker[w];
    atomic_store(&worker->task, -1);
    fflush(stdout);
    fflush(stderr);
    pid_t pid = fork();
    if (pid < 0) {
        cli_error("a worker process: %s", strerror(errno));
        return false;
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pool->pipe[0]);
        work(pool->job, pool->board, w, pool->pipe[1]);
    }
    worker->pid = pid;
    return true;
}

static bool tasks_left(const struct pool *pool) { return atomic_load(&pool->board->next) < pool->job->n_tasks; }

/* The worker is gone: what it was at work on has failed. */
static void mark(struct pool *pool, int w, enum run_end end, int signal)
{
    int64_t t = atomic_load(&pool->board->worker[w].task);
    if (t < 0 || atomic_load(&pool->job->result[t].end) != RUN_PENDING)
        return;
    pool->job->result[t].signal = signal;
    atomic_store(&pool->job->result[t].end, end);
    pool->n_done++;
}

/* Replaces workers that died. False when one cannot be started. */
static bool reap(struct pool *pool)
{
    for (int w = 0; w < pool->n_workers; w++) {
        struct worker *worker = &pool->board->worker[w];
        int status;
        if (worker->pid <= 0 || waitpid(worker->pid, &status, WNOHANG) != worker->pid)
            continue;
        worker->pid = 0;
        bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (clean)
            continue;
        bool at_work = atomic_load(&worker->task) >= 0;
        mark(pool, w, RUN_CRASHED, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        if (!at_work)
            return false; /* it could not even begin, and said why */
        if (tasks_left(pool) && !start(pool, w))
            return false;
    }
    return true;
}

/* Kills workers whose task takes too long, and replaces them. */
static bool kill_late(struct pool *pool)
{
    int64_t limit = pool->job->options->timeout_s * INT64_C(1000000000);
    for (int w = 0; limit && w < pool->n_workers; w++) {
        struct worker *worker = &pool->board->worker[w];
        if (worker->pid <= 0 || atomic_load(&worker->task) < 0 || now_ns() - atomic_load(&worker->started_ns) < limit)
            continue;
        /* Stopped, it cannot finish this task and take the next while it is judged. */
        kill(worker->pid, SIGSTOP);
        waitpid(worker->pid, NULL, WUNTRACED);
        int64_t t = atomic_load(&worker->task);
        bool late = t >= 0 && atomic_load(&pool->job->result[t].end) == RUN_PENDING &&
                    now_ns() - atomic_load(&worker->started_ns) >= limit;
        if (!late) {
            kill(worker->pid, SIGCONT);
            continue;
        }
        kill(worker->pid, SIGKILL);
        waitpid(worker->pid, NULL, 0);
        worker->pid = 0;
        mark(pool, w, RUN_TIMEOUT, SIGKILL);
        if (tasks_left(pool) && !start(pool, w))
            return false;
    }
    return true;
}

static bool any_worker(const struct pool *pool)
{
    for (int w = 0; w < pool->n_workers; w++)
        if (pool->board->worker[w].pid > 0)
            return true;
    return false;
}

static void progress(const struct pool *pool, int64_t begin_ns, bool terminal, int64_t *last_ns)
{
    int64_t now = now_ns(), n = pool->job->n_tasks;
    if (now - *last_ns < (terminal ? INT64_C(100000000) : PLAIN_EVERY_S * INT64_C(1000000000)))
        return;
    *last_ns = now;
    double seconds = (double)(now - begin_ns) / 1e9;
    double left = pool->n_done ? seconds / (double)pool->n_done * (double)(n - pool->n_done) : 0;
    fprintf(stderr, "%s%" PRId64 " of %" PRId64 " run, %.0f s, about %.0f s left%s", terminal ? "\r" : "",
            pool->n_done, n, seconds, left, terminal ? "\033[K" : "\n");
    fflush(stderr);
}

static bool oversee(struct pool *pool)
{
    bool terminal = isatty(STDERR_FILENO);
    int64_t begin = now_ns(), last = begin;
    for (int w = 0; w < pool->n_workers; w++)
        if (!start(pool, w))
            return false;
    while (any_worker(pool)) {
        struct pollfd ready = { .fd = pool->pipe[0], .events = POLLIN };
        char bytes[512];
        if (poll(&ready, 1, POLL_MS) > 0 && ready.revents & POLLIN) {
            ssize_t n = read(pool->pipe[0], bytes, sizeof bytes);
            pool->n_done += n > 0 ? n : 0;
        }
        if (!reap(pool) || !kill_late(pool))
            return false;
        progress(pool, begin, terminal, &last);
    }
    if (terminal)
        fputs("\r\033[K", stderr);
    pool->job->seconds = (double)(now_ns() - begin) / 1e9;
    return true;
}

static void stop_all(struct pool *pool)
{
    for (int w = 0; w < pool->n_workers; w++)
        if (pool->board->worker[w].pid > 0) {
            kill(pool->board->worker[w].pid, SIGKILL);
            waitpid(pool->board->worker[w].pid, NULL, 0);
        }
}

bool run_pool(struct run_job *job)
{
    struct pool pool = { .job = job, .board = share(sizeof *pool.board) };
    job->result = share((size_t)job->n_tasks * sizeof *job->result);
    job->findings = share((size_t)job->n_tasks * sizeof *job->findings);
    if (!pool.board || !job->result || !job->findings) {
        cli_error("out of memory");
        return false;
    }
    if (pipe(pool.pipe)) {
        cli_error("a pipe: %s", strerror(errno));
        return false;
    }
    int64_t wanted = job->options->jobs < job->n_tasks ? job->options->jobs : job->n_tasks;
    pool.n_workers = (int)(wanted < JOBS_MAX ? wanted : JOBS_MAX);
    bool good = oversee(&pool);
    if (!good)
        stop_all(&pool);
    for (int64_t t = 0; good && t < job->n_tasks; t++)
        if (atomic_load(&job->result[t].end) == RUN_PENDING)
            atomic_store(&job->result[t].end, RUN_CRASHED);
    close(pool.pipe[0]);
    close(pool.pipe[1]);
    munmap(pool.board, sizeof *pool.board);
    return good;
}
