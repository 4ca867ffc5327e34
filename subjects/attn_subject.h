/* attn_subject.h: a planner under test, ours or another's, behind one small interface: which calls are legal for it,
 * whether it says that it supports one, and what it launches when it is told to run it.
 *
 * A subject has devices of its own, all of them described by the planner's type. It is used by one thread at a time.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SUBJECT_H
#define ATTN_SUBJECT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa/count.h"
#include "planner/attn_planner.h"

/* One kernel launch that a subject made. */
struct attn_subject_launch {
    const char *kernel; /* its name as the runtime knows it, valid until the subject is closed */
    const void *id;     /* the same for every launch of the same kernel; not NULL */
    uint32_t grid[3];   /* workgroups */
    uint32_t block[3];  /* threads */
    uint32_t lds_dynamic_bytes;
};

enum attn_subject_status {
    ATTN_SUBJECT_YES,     /* supports: supported. dispatch: it came back without an error */
    ATTN_SUBJECT_NO,      /* supports: refused. dispatch: it said that it failed */
    ATTN_SUBJECT_ABORTED, /* it wanted to end the process */
    ATTN_SUBJECT_CRASHED, /* a signal */
    ATTN_SUBJECT_HUNG,    /* it did not come back within ATTN_SUBJECT_SECONDS; of one that computes, a minute */
    ATTN_SUBJECT_TOO_BIG, /* the call does not fit what the subject was given; nothing is known of it */
    ATTN_SUBJECT_STATUS_COUNT
};
enum { ATTN_SUBJECT_SECONDS = 2 };                /* a call takes microseconds */
const char *attn_subject_status_name(int status); /* "aborted"; "unknown" outside the enum */

/* Why a status is what it is. */
enum attn_subject_reason {
    ATTN_SUBJECT_NO_REASON,    /* nothing more is known */
    ATTN_SUBJECT_NO_KERNEL,    /* NO: it found no kernel */
    ATTN_SUBJECT_NO_BACKEND,   /* NO: what runs its calls could not be made */
    ATTN_SUBJECT_RETURNED,     /* NO: it returned the error `number` */
    ATTN_SUBJECT_ASSERTED,     /* ABORTED: an assertion of its own failed */
    ATTN_SUBJECT_GAVE_UP,      /* ABORTED: where it has no way on ("fatal error") */
    ATTN_SUBJECT_DEVICE_ERROR, /* ABORTED: by an error of the device's runtime */
    ATTN_SUBJECT_SIGNAL,       /* CRASHED: signal `number` */
    ATTN_SUBJECT_MEMORY,       /* TOO_BIG: it does not fit the device's memory */
    ATTN_SUBJECT_LAUNCHES,     /* TOO_BIG: more launches than are recorded */
    ATTN_SUBJECT_NOT_PROVIDED, /* TOO_BIG: it needs something that the null runtime does not provide */
    ATTN_SUBJECT_REASON_COUNT
};
const char *attn_subject_reason_name(int reason); /* "asserted"; "unknown" outside the enum */

enum { ATTN_SUBJECT_MESSAGE_MAX = 640, ATTN_SUBJECT_FILE_MAX = 64, ATTN_SUBJECT_SOURCE_MAX = 272 };

/* The same as data: whoever decides on an answer decides on this, never on the words of its message. */
struct attn_subject_why {
    int32_t reason;                   /* enum attn_subject_reason */
    int32_t number;                   /* of the error or the signal; else 0 */
    char file[ATTN_SUBJECT_FILE_MAX]; /* ABORTED: where in its source, without folders; "" where it did not say */
    int32_t line;
    int32_t words; /* where in message its own words begin, behind the place; 0: it has none or says none */
};

/* What was captured into graphs during a call, as far as it can be seen. */
struct attn_subject_captured {
    uint32_t begun, replays; /* captures, launches of their graphs */
    uint32_t forbidden;      /* calls that a capture forbids */
    const char *entry;       /* the first of them: a function of the runtime; NULL: none */
};

/* What came of one question. */
struct attn_subject_answer {
    int32_t status; /* enum attn_subject_status */
    struct attn_subject_why why;
    size_t n_launches;                        /* dispatch: launches made, also when it did not end well */
    struct attn_subject_captured captured;    /* dispatch and compute */
    const struct attn_subject_launch *launch; /* valid until the next call on the subject */
    char message[ATTN_SUBJECT_MESSAGE_MAX];   /* to be shown: printable; "" where there is nothing to say */
};
/* An answer of that status and reason, with nothing else in it. */
void attn_subject_answer_set(struct attn_subject_answer *answer, int status, int reason);
/* Is it the same reason, at the same place? */
bool attn_subject_why_equal(const struct attn_subject_why *a, const struct attn_subject_why *b);

/* Why a launch cannot run on its device. */
enum attn_unfit {
    ATTN_UNFIT_NOT,
    ATTN_UNFIT_NO_DEVICE, /* the subject has no code at all for the device */
    ATTN_UNFIT_NO_CODE,   /* it has, but not of this kernel */
    ATTN_UNFIT_STUB,      /* the kernel's code there ends at once or traps: no instance for the device */
    ATTN_UNFIT_THREADS,   /* more threads than the kernel or the device takes, or none */
    ATTN_UNFIT_LDS,       /* more LDS than the device has */
    ATTN_UNFIT_GRID,      /* the grid is empty or larger than the device takes */
    ATTN_UNFIT_WAVE,      /* compiled for another wave size than the device was said to have */
    ATTN_UNFIT_COUNT
};
const char *attn_unfit_name(int unfit); /* "no_code"; "unknown" outside the enum */

/* Is a launch beyond the device itself: its grid and threads, and LDS where lds_bytes, static and dynamic together, are
 * more than it has? ATTN_UNFIT_NOT, or why with a sentence in text[0..cap). */
int attn_unfit_device(const struct attn_device *device, const struct attn_subject_launch *launch, uint64_t lds_bytes,
                      char *text, size_t cap);

/* What a call computes with, and into. */
struct attn_subject_data {
    const uint8_t *
        buffer[ATTN_DST]; /* of each source (enum attn_operand below ATTN_DST), its buffer's first byte; NULL: absent */
    int64_t bytes[ATTN_DST];  /* of that buffer */
    int64_t offset[ATTN_DST]; /* of the operand in it */
    void *dst;                /* the span of dst, contiguous */
};
/* What the launches of a call that computed came to. */
struct attn_subject_ran {
    uint64_t whole, stopped, unsupported; /* launches: to their end; ended early; not to be executed */
    struct isa_counts counts;             /* what they did, together */
    /* The first that did not end well; stopped ones first. */
    int32_t stop; /* enum isa_stop_code (isa/isa.h); 0: none */
    struct attn_subject_launch launch;
    uint64_t number; /* which of the call's launches it is, from 1 */
    uint64_t at;     /* the instruction: bytes from the kernel's first */
    char instruction[96];
    char source[ATTN_SUBJECT_SOURCE_MAX]; /* where it comes from, "FILE:LINE"; "" where the code does not say */
    char text[384];
};

struct attn_subject;
struct attn_subject_ops {
    void (*close)(struct attn_subject *);
    bool (*legal)(const struct attn_subject *, const struct attn_problem *, const char **why);
    void (*supports)(struct attn_subject *, int device, const struct attn_problem *, struct attn_subject_answer *);
    void (*dispatch)(struct attn_subject *, int device, const struct attn_problem *, struct attn_subject_answer *);
    int (*unfit)(struct attn_subject *, int device, const struct attn_subject_launch *, char *text, size_t cap);
    bool (*is_attention)(struct attn_subject *, const char *kernel);
    bool (*has_code)(const struct attn_subject *, int device);
    /* NULL: nothing computes */
    void (*compute)(struct attn_subject *, int device, const struct attn_problem *, const struct attn_subject_data *,
                    struct attn_subject_answer *, struct attn_subject_ran *);
    void (*keep)(struct attn_subject *, bool on);      /* NULL: it keeps nothing */
    void (*forget)(struct attn_subject *, int device); /* NULL: it has no state */
};

enum { ATTN_SUBJECT_DEVICES_MAX = 16 };

struct attn_subject {
    const struct attn_subject_ops *ops;
    char name[160]; /* what it is, with its version */
    bool alone;     /* it computes by itself, on a device or runtime that nobody looks into: it has no launches */
    bool ours;      /* its kernels and rules are those of this build's planner */
    const char *last_resort; /* its kernel that runs what no other does, and is slow; NULL: none is known as such */
    struct attn_foreign_types types; /* that it knows and the planner's table lacks */
    bool says_prec, says_n_kv_max;   /* its callers can say these */
    bool says_further;               /* its calls can have a source behind the sinks */
    int n_devices;
    struct attn_device device[ATTN_SUBJECT_DEVICES_MAX];
};

/* Is a legal problem (attn_problem_check) one that the subject's own callers can make? *why (not NULL) gets a short
 * phrase where it is not. */
static inline bool attn_subject_legal(const struct attn_subject *s, const struct attn_problem *p, const char **why)
{
    return s->ops->legal(s, p, why);
}
/* Asks whether it supports a problem that is legal for it on device number `device`. */
static inline void attn_subject_supports(struct attn_subject *s, int device, const struct attn_problem *p,
                                         struct attn_subject_answer *answer)
{
    s->ops->supports(s, device, p, answer);
}
/* Tells it to run the problem. Nothing is computed. After any status the subject can be used again. */
static inline void attn_subject_dispatch(struct attn_subject *s, int device, const struct attn_problem *p,
                                         struct attn_subject_answer *answer)
{
    s->ops->dispatch(s, device, p, answer);
}
/* Does it compute at all? */
static inline bool attn_subject_computes(const struct attn_subject *s) { return s->ops->compute != NULL; }
/* Tells it to run the problem on that data. YES: data->dst has what it computed, unless *ran says that a launch did not
 * run to its end. The launches themselves are those of dispatch. */
static inline void attn_subject_compute(struct attn_subject *s, int device, const struct attn_problem *p,
                                        const struct attn_subject_data *data, struct attn_subject_answer *answer,
                                        struct attn_subject_ran *ran)
{
    s->ops->compute(s, device, p, data, answer, ran);
}
/* Whether a problem that is the one before it, on the same device, is the same node at the same place, as a server that
 * computes a graph again has it; off at first: each is made anew. */
static inline void attn_subject_keep(struct attn_subject *s, bool on)
{
    if (s->ops->keep)
        s->ops->keep(s, on);
}
/* What the device's calls may have left behind for later ones is made anew. */
static inline void attn_subject_forget(struct attn_subject *s, int device)
{
    if (s->ops->forget)
        s->ops->forget(s, device);
}
/* Can the launch run on the device? ATTN_UNFIT_NOT, or why not with a sentence in text[0..cap). */
static inline int attn_subject_unfit(struct attn_subject *s, int device, const struct attn_subject_launch *launch,
                                     char *text, size_t cap)
{
    return s->ops->unfit(s, device, launch, text, cap);
}
/* Does a kernel of that name, as a launch has it, compute attention (as opposed to helping: conversions, scans,
 * merging)? */
static inline bool attn_subject_is_attention(struct attn_subject *s, const char *kernel)
{
    return s->ops->is_attention(s, kernel);
}
/* Has the subject any GPU code for the device, as far as it is known? */
static inline bool attn_subject_has_code(const struct attn_subject *s, int device)
{
    return s->ops->has_code(s, device);
}
static inline void attn_subject_close(struct attn_subject *s)
{
    if (s)
        s->ops->close(s);
}

/* ---- Opening one ----------------------------------------------------------------------------------------- */

/* What may be said when a subject is opened; each takes what concerns it. */
struct attn_subject_options {
    const char *argument;     /* what it is opened with: a library's path. NULL for one that takes none */
    const char *null_runtime; /* folder of the null runtime's libraries; "": there is none */
    bool prec_default; /* ggml: nodes keep its default precision instead of GGML_PREC_F32, which llama.cpp sets */
    bool no_code;      /* GPU code is not read: launches are held against the device alone */
    bool real_runtime; /* ggml: a HIP backend runs on the machine's own HIP runtime and GPUs */
    bool graphs;       /* ggml: the backend may capture what it launches into graphs */
    const volatile sig_atomic_t *hurry; /* once it is not 0, a call that does not come back is left at once */
};

enum attn_subject_open {
    ATTN_SUBJECT_OPENED,
    ATTN_SUBJECT_BAD_FILE, /* missing, truncated, not such a library, not a version whose interface is known */
    ATTN_SUBJECT_LACKS     /* the machine lacks something that is needed */
};

/* One row a subject: X(name, argument, what it is). An argument in brackets may be left out. A subject is a file, which
 * has attn_subject_open_NAME, and a row.
 */
#define ATTN_SUBJECTS(X)                                                                                         \
    X(own, "[PATH]",                                                                                             \
      "attnfuzz's own planner; that of another build, its libattn_planner.so (diff, map: its attnfuzz)")         \
    X(ggml, "PATH", "a ggml backend: libggml-hip.so on the null HIP runtime, or libggml-cpu.so, which computes") \
    X(plugin, "PATH", "a planner of your own in a library that exports attn_plugin (subjects/attn_plugin.h)")

/* Opens it: *subject when the result is ATTN_SUBJECT_OPENED, else one line in error[0..cap). */
typedef enum attn_subject_open attn_subject_open_function(const struct attn_subject_options *options,
                                                          struct attn_subject **subject, char *error, size_t cap);
#define X(name, argument, help) attn_subject_open_function attn_subject_open_##name;
ATTN_SUBJECTS(X)
#undef X

struct attn_subject_opener {
    const char *name;     /* "ggml" */
    const char *argument; /* "PATH": said behind "name="; "[PATH]": or not; NULL: nothing is */
    const char *help;
    attn_subject_open_function *open;
};
int attn_subject_opener_count(void);
/* NULL past the last. */
const struct attn_subject_opener *attn_subject_opener(int index);
/* The row that "own" or "ggml=PATH" means, with *argument what is behind the '=' (NULL: nothing). NULL when there is no
 * such subject, or the argument is missing or one too many. */
const struct attn_subject_opener *attn_subject_opener_find(const char *text, const char **argument);

#endif
