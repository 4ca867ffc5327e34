/* flaky_backend.c: a device for tests of attnfuzz run: the host executor behind the interface of a GPU, which describes
 * itself, and which fails as GPUs do at problems with given numbers of keys. --backend test:WHAT[,WHAT...]:
 *   lost@N     the device is lost at problems with n_kv = N      kill@N    the process is killed
 *   hang@N     a launch that never ends                          fault@N   a segmentation fault
 *   wrong@N    dst's first element comes back a quarter larger   wobble@N  one bit of it differs from run to run
 *   poke@N     a bit of K's first element comes back other than it was uploaded: a write into an input
 *   spill@N    a byte of a buffer with gaps that belongs to no element comes back other than it was uploaded
 *   skip@N     dst's last element comes back with the image's pattern, as one that nothing wrote
 *   gone=PATH  once lost it makes PATH, and cannot be opened while PATH is there
 *   sulk=PATH  it cannot be opened while PATH is there
 *   slow=MS    every run takes MS milliseconds longer
 *   log=PATH   n_kv is appended to PATH, a line each time memory for a problem is taken
 * Two of them can be open at once (test:... has two devices), each in a process of its own.
 *
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/input/backend.h"

enum { WORDS_MAX = 16 };

struct flaky {
    struct attn_backend base; /* first: callers see this */
    struct attn_backend *host;
    char *text;
    const char *word[WORDS_MAX];
    int n_words;
    struct attn_problem last; /* that ran */
    int64_t n_kv;             /* its */
    uint32_t runs;
    bool lost; /* to this process: nothing runs any more */
};

static struct flaky *of(struct attn_backend *backend) { return (struct flaky *)backend; }

/* What stands after `name` and its separator; NULL when the word is not there. */
static const char *value_of(const struct flaky *f, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < f->n_words; i++)
        if (!strncmp(f->word[i], name, n))
            return f->word[i] + n;
    return NULL;
}

/* Does `name`@N ask for something at this problem? */
static bool at(const struct flaky *f, const char *name, int64_t n_kv)
{
    size_t n = strlen(name);
    for (int i = 0; i < f->n_words; i++)
        if (!strncmp(f->word[i], name, n) && f->word[i][n] == '@' && atoll(f->word[i] + n + 1) == n_kv)
            return true;
    return false;
}

static void wait_ms(int64_t ms)
{
    struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000) };
    nanosleep(&t, NULL);
}

static void append(const char *path, int64_t n_kv)
{
    char line[32];
    int n = snprintf(line, sizeof line, "%" PRId64 "\n", n_kv);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file < 0 || write(file, line, (size_t)n) != n)
        abort();
    close(file);
}

static bool describe(struct attn_backend *backend, struct attn_device *device)
{
    (void)backend;
    *device = *attn_device_find("sm_90");
    return true;
}

static struct attn_memory *alloc(struct attn_backend *backend, const struct attn_problem *p,
                                 const struct attn_image *image, int64_t workspace_bytes, struct attn_failure *failure)
{
    struct flaky *f = of(backend);
    const char *log = value_of(f, "log=");
    if (log)
        append(log, p->t[ATTN_K].ne[1]);
    return f->host->ops->alloc(f->host, p, image, workspace_bytes, failure);
}

static bool upload(struct attn_backend *backend, struct attn_memory *memory, const struct attn_image *image,
                   struct attn_failure *failure)
{
    return of(backend)->host->ops->upload(of(backend)->host, memory, image, failure);
}

static bool lose(struct flaky *f, struct attn_failure *failure)
{
    f->lost = true;
    const char *gone = value_of(f, "gone=");
    if (gone)
        append(gone, 0);
    memset(failure, 0, sizeof *failure);
    failure->code = ATTN_F_DEVICE_LOST;
    failure->operand = -1;
    snprintf(failure->text, sizeof failure->text, "the test's device is lost");
    return false;
}

static bool run(struct attn_backend *backend, struct attn_memory *memory, const struct attn_problem *p,
                const struct attn_plan *plan, struct attn_failure *failure)
{
    struct flaky *f = of(backend);
    const char *slow = value_of(f, "slow=");
    f->last = *p;
    f->n_kv = p->t[ATTN_K].ne[1];
    f->runs++;
    if (slow)
        wait_ms(atoll(slow));
    if (at(f, "kill", f->n_kv))
        raise(SIGKILL);
    if (at(f, "fault", f->n_kv)) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit of it */
        raise(SIGSEGV);
    }
    while (at(f, "hang", f->n_kv))
        wait_ms(1000);
    if (f->lost || at(f, "lost", f->n_kv))
        return lose(f, failure);
    return f->host->ops->run(f->host, memory, p, plan, failure);
}

/* The first byte of the image that belongs to no element; NULL: every byte does. */
static uint8_t *first_gap(struct attn_image *image)
{
    for (int i = 0; i < image->n_buffers; i++) {
        const struct attn_buffer *b = &image->buffer[i];
        const uint8_t *gap = memchr(b->role, ATTN_ROLE_GAP, (size_t)b->size);
        if (gap)
            return b->bytes + (gap - b->role);
    }
    return NULL;
}

static bool download(struct attn_backend *backend, struct attn_memory *memory, struct attn_image *image,
                     struct attn_failure *failure)
{
    struct flaky *f = of(backend);
    if (!f->host->ops->download(f->host, memory, image, failure))
        return false;
    const struct attn_tensor *t = &f->last.t[ATTN_DST];
    uint8_t *dst = attn_image_at(image, &f->last, ATTN_DST), *gap = first_gap(image), *last = dst;
    float value;
    for (int d = 0; d < 4; d++)
        last += (t->ne[d] - 1) * t->nb[d];
    memcpy(&value, dst, sizeof value);
    if (at(f, "wrong", f->n_kv))
        value *= 1.25f;
    memcpy(dst, &value, sizeof value);
    if (at(f, "wobble", f->n_kv))
        dst[0] ^= f->runs & 1;
    if (at(f, "poke", f->n_kv))
        *(uint8_t *)attn_image_at(image, &f->last, ATTN_K) ^= 1;
    if (at(f, "spill", f->n_kv) && gap)
        *gap ^= 1;
    if (at(f, "skip", f->n_kv))
        memset(last, 0xff, sizeof value);
    return true;
}

static void release(struct attn_backend *backend, struct attn_memory *memory)
{
    of(backend)->host->ops->free(of(backend)->host, memory);
}

static void close_flaky(struct attn_backend *backend)
{
    struct flaky *f = of(backend);
    f->host->ops->close(f->host);
    free(f->text);
    free(f);
}

static const struct attn_backend_ops ops = { .name = "test",
                                             .describe = describe,
                                             .alloc = alloc,
                                             .upload = upload,
                                             .run = run,
                                             .download = download,
                                             .free = release,
                                             .close = close_flaky };

struct attn_backend *attn_flaky_open(const char *what, char *error, size_t cap)
{
    static const struct attn_host_options options = { .schedule = 0, .checked = true, .budget = 0 };
    struct flaky *f = calloc(1, sizeof *f);
    if (!f || !(f->text = strdup(what)))
        abort();
    f->base.ops = &ops;
    char *rest = f->text;
    for (char *word; (word = strsep(&rest, ",")) && f->n_words < WORDS_MAX;)
        f->word[f->n_words++] = word;
    const char *gone = value_of(f, "gone="), *sulk = value_of(f, "sulk=");
    if ((gone && access(gone, F_OK) == 0) || (sulk && access(sulk, F_OK) == 0)) {
        snprintf(error, cap, "the test's device does not answer");
        free(f->text);
        free(f);
        return NULL;
    }
    f->host = attn_host_open(&options);
    if (!f->host)
        abort();
    return &f->base;
}
