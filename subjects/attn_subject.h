/* attn_subject.h: a planner under test, ours or another's, behind one small interface: which calls are legal for it,
 * whether it says that it supports one, and what it launches when it is told to run it.
 *
 * A subject has devices of its own, all of them described by the planner's type. It is used by one thread at a time.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SUBJECT_H
#define ATTN_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    ATTN_SUBJECT_NO,      /* supports: refused. dispatch: it said that it failed; message says how */
    ATTN_SUBJECT_ABORTED, /* it wanted to end the process; message is its own */
    ATTN_SUBJECT_CRASHED, /* a signal: message names it */
    ATTN_SUBJECT_HUNG,    /* it did not come back within ATTN_SUBJECT_SECONDS */
    ATTN_SUBJECT_TOO_BIG, /* the call does not fit what the subject was given; nothing is known of it */
    ATTN_SUBJECT_STATUS_COUNT
};
enum { ATTN_SUBJECT_SECONDS = 2 };                /* a call takes microseconds */
const char *attn_subject_status_name(int status); /* "aborted"; "unknown" outside the enum */

enum { ATTN_SUBJECT_MESSAGE_MAX = 640 };

/* What came of one question. */
struct attn_subject_answer {
    int32_t status;                           /* enum attn_subject_status */
    size_t n_launches;                        /* dispatch: launches made, also when it did not end well */
    const struct attn_subject_launch *launch; /* valid until the next call on the subject */
    char message[ATTN_SUBJECT_MESSAGE_MAX];   /* printable; "" where there is nothing to say */
};

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

struct attn_subject;
struct attn_subject_ops {
    void (*close)(struct attn_subject *);
    bool (*legal)(const struct attn_subject *, const struct attn_problem *, const char **why);
    void (*supports)(struct attn_subject *, int device, const struct attn_problem *, struct attn_subject_answer *);
    void (*dispatch)(struct attn_subject *, int device, const struct attn_problem *, struct attn_subject_answer *);
    int (*unfit)(struct attn_subject *, int device, const struct attn_subject_launch *, char *text, size_t cap);
    bool (*is_attention)(const struct attn_subject *, const char *kernel);
    bool (*has_code)(const struct attn_subject *, int device);
};

enum { ATTN_SUBJECT_DEVICES_MAX = 16 };

struct attn_subject {
    const struct attn_subject_ops *ops;
    char name[160]; /* what it is, with its version */
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
/* Can the launch run on the device? ATTN_UNFIT_NOT, or why not with a sentence in text[0..cap). */
static inline int attn_subject_unfit(struct attn_subject *s, int device, const struct attn_subject_launch *launch,
                                     char *text, size_t cap)
{
    return s->ops->unfit(s, device, launch, text, cap);
}
/* Does a kernel of that name compute attention (as opposed to helping: conversions, scans, merging)? */
static inline bool attn_subject_is_attention(const struct attn_subject *s, const char *kernel)
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

/* Our own planner, with every row of the device table. NULL when memory runs out. */
struct attn_subject *attn_subject_own(void);

/* A ggml HIP backend on the null runtime. */
struct attn_ggml_options {
    const char *library;      /* path of libggml-hip.so */
    const char *null_runtime; /* folder of the null runtime's libraries */
    bool prec_default;        /* nodes keep ggml's default precision instead of GGML_PREC_F32, which llama.cpp sets */
    bool no_code;             /* the library's code objects are not read: launches are held against the device alone */
};
enum attn_ggml_open {
    ATTN_GGML_OPENED,
    ATTN_GGML_BAD_FILE, /* missing, truncated, not a ggml backend, not a version whose interface is known */
    ATTN_GGML_LACKS     /* the machine lacks something that the library needs */
};
/* Opens it; *subject when the result is ATTN_GGML_OPENED, else one line in error[0..cap). Sets the environment variable
 * GGML_CUDA_DISABLE_GRAPHS: a graph that is replayed launches nothing that could be seen. A process opens one such
 * subject at a time. */
enum attn_ggml_open attn_subject_ggml(const struct attn_ggml_options *options, struct attn_subject **subject,
                                      char *error, size_t cap);

#endif
