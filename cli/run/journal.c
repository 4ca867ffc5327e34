/* journal.c: the file that lets a run go on after its process was killed.
 *
 * A header, then records that are only ever appended, by the parent alone: one a task, with its result and what was
 * found (a second one when that was made smaller). A worker takes its next task only when the record is written, so
 * that a kill costs no more than what was being run; the disk has it within a second, against power loss. Each record
 * has a checksum of its own; what a kill or a full disk left half written is at the end, and is cut off before the next
 * record. The header carries a hash of the program, the options and every problem, so that results are never mixed.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/input/message.h"
#include "cli/run/journal.h"
#include "cli/run/tasks.h"
#include "planner/hash.h"

struct header {
    char magic[16];
    uint64_t hash;
    int64_t n_tasks;
    uint64_t sum; /* of what comes before it */
};
/* The last word is the version of the layout: of the header, of how records follow each other, of what they hold.
 * 1: version 0.1.0. */
static const char magic[16] = "attnfuzz run 3\n";
enum { MAGIC_WORDS = 13 /* what every version begins with */ };

struct record {
    int64_t task;
    uint64_t bytes; /* that follow: a result, and findings where there are any */
    uint64_t sum;   /* of task, bytes and what follows */
};

struct run_journal {
    int file;
    char *path;
};

static uint64_t sum_of(const struct record *r, const void *body)
{
    uint64_t h = attn_hash(ATTN_HASH_START, &r->task, sizeof r->task);
    h = attn_hash(h, &r->bytes, sizeof r->bytes);
    return attn_hash(h, body, (size_t)r->bytes);
}

static bool complain(const struct run_journal *j, const char *what)
{
    cli_error("%s: %s: %s", j->path, what, strerror(errno));
    return false;
}

/* ---- Reading --------------------------------------------------------------------------------------------- */

/* All n bytes; false at the end of the file or an error. */
static bool read_all(int file, void *to, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t one = read(file, (char *)to + got, n - got);
        if (one <= 0)
            return false;
        got += (size_t)one;
    }
    return true;
}

/* The next record into the job; false when there is no whole one. */
static bool take_record(struct run_journal *j, struct run_job *job)
{
    struct record r;
    struct {
        struct run_result result;
        struct run_findings findings;
    } body;
    memset(&body, 0, sizeof body);
    if (!read_all(j->file, &r, sizeof r) || (r.bytes != sizeof body.result && r.bytes != sizeof body) ||
        !read_all(j->file, &body, (size_t)r.bytes) || r.sum != sum_of(&r, &body) || r.task < 0 ||
        r.task >= job->n_tasks)
        return false;
    /* A second record of a task is about the same result, its findings shrunk. */
    job->resumed += atomic_load(&job->result[r.task].end) == RUN_PENDING;
    job->result[r.task] = body.result;
    if (r.bytes == sizeof body)
        job->findings[r.task] = body.findings;
    return true;
}

static void make_header(const struct run_job *job, struct header *h)
{
    memset(h, 0, sizeof *h);
    memcpy(h->magic, magic, sizeof magic);
    h->hash = run_tasks_hash(job);
    h->n_tasks = job->n_tasks;
    h->sum = attn_hash(ATTN_HASH_START, h, offsetof(struct header, sum));
}

/* Says what the file is instead; it is left as it was. */
static bool refuse(const struct run_journal *j, const char *begin, size_t n)
{
    if (n >= sizeof magic && !memcmp(begin, magic, MAGIC_WORDS) && memcmp(begin, magic, sizeof magic))
        cli_error("%s: a journal of attnfuzz run, of another version of it", j->path);
    else
        cli_error("%s: not a journal of attnfuzz run", j->path);
    return false;
}

/* Takes over what the file holds and cuts off what is not whole. */
static bool take_over(struct run_journal *j, struct run_job *job, off_t size)
{
    struct header wanted, found;
    make_header(job, &wanted);
    bool whole = size >= (off_t)sizeof found && read_all(j->file, &found, sizeof found);
    if (!whole && size > 0) { /* cut off within its header: nothing was run with it, if it is one */
        char begin[sizeof magic] = { 0 };
        size_t n = size < (off_t)sizeof begin ? (size_t)size : sizeof begin;
        if (lseek(j->file, 0, SEEK_SET) || !read_all(j->file, begin, n) || memcmp(begin, magic, n))
            return refuse(j, begin, n);
    }
    if (!whole) {
        if (ftruncate(j->file, 0) || lseek(j->file, 0, SEEK_SET) ||
            write(j->file, &wanted, sizeof wanted) != sizeof wanted || fsync(j->file))
            return complain(j, "writing");
        return true;
    }
    if (memcmp(found.magic, magic, sizeof magic) ||
        found.sum != attn_hash(ATTN_HASH_START, &found, offsetof(struct header, sum))) {
        return refuse(j, found.magic, sizeof found.magic);
    }
    if (found.hash != wanted.hash || found.n_tasks != wanted.n_tasks) {
        cli_error("%s: the journal of another run: program, options or problems differ", j->path);
        return false;
    }
    off_t good = lseek(j->file, 0, SEEK_CUR);
    while (take_record(j, job))
        good = lseek(j->file, 0, SEEK_CUR);
    if (good < size)
        cli_error("%s: its last %" PRId64 " bytes are no whole record; what they were about is run again", j->path,
                  (int64_t)(size - good));
    if (ftruncate(j->file, good) || lseek(j->file, good, SEEK_SET) != good)
        return complain(j, "cutting off");
    return true;
}

/* Waits a little: the children of a run that was killed may need a moment to end, and those not yet past fork hold it.
 */
static bool lock(int file)
{
    const struct timespec tick = { .tv_sec = 0, .tv_nsec = 20000000 };
    for (int tries = 0; tries < 100; tries++) {
        if (flock(file, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&tick, NULL);
    }
    return false;
}

struct run_journal *run_journal_open(const char *path, struct run_job *job)
{
    struct run_journal *j = calloc(1, sizeof *j);
    struct stat status;
    if (!j || !(j->path = strdup(path))) {
        cli_out_of_memory();
        free(j);
        return NULL;
    }
    bool good = false;
    j->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (j->file < 0)
        complain(j, "opening");
    else if (!lock(j->file))
        cli_error("%s: in use by another run", path);
    else if (fstat(j->file, &status) || !S_ISREG(status.st_mode))
        cli_error("%s: not a file", path);
    else
        good = take_over(j, job, status.st_size);
    if (good)
        return j;
    run_journal_close(j);
    return NULL;
}

/* ---- Writing --------------------------------------------------------------------------------------------- */

bool run_journal_add(struct run_journal *j, const struct run_job *job, int64_t task)
{
    const struct run_result *result = &job->result[task];
    bool found = result->plan_failed || result->run_failed;
    struct {
        struct record record;
        struct run_result result;
        struct run_findings findings;
    } r;
    memset(&r, 0, sizeof r);
    r.record.task = task;
    r.record.bytes = sizeof r.result + (found ? sizeof r.findings : 0);
    memcpy(&r.result, result, sizeof r.result);
    if (found)
        memcpy(&r.findings, &job->findings[task], sizeof r.findings);
    r.record.sum = sum_of(&r.record, &r.result);
    size_t size = sizeof r.record + (size_t)r.record.bytes;
    for (size_t at = 0; at < size;) {
        ssize_t n = write(j->file, (const char *)&r + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return complain(j, "writing");
        at += (size_t)n;
    }
    return true;
}

bool run_journal_sync(struct run_journal *j) { return fdatasync(j->file) == 0 || complain(j, "writing"); }

void run_journal_close(struct run_journal *j)
{
    if (!j)
        return;
    if (j->file >= 0)
        close(j->file);
    free(j->path);
    free(j);
}
