/* subject.h: what the parts of the ggml subject share.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_GGML_SUBJECT_H
#define ATTN_GGML_SUBJECT_H

#include "subjects/attn_subject.h"
#include "code/object.h"
#include "planner/arith.h"
#include "subjects/ggml/libraries.h"
#include "subjects/ggml/node.h"
#include "subjects/ggml/types.h"
#include "subjects/null/null_hip.h"
#include "subjects/trap.h"

enum {
    GGML_LAUNCHES_MAX = 64,     /* of one dispatch; more are counted as too big a call */
    GGML_FITS = 1 << 14,        /* slots of the table of kernels looked up; a power of two */
    GGML_NAMES = 1 << 12,       /* names of kernels that are remembered; a power of two */
    GGML_PLACE_ALIGNMENT = 256, /* of each tensor's place: buffers start there (attn_problem.h) */
    GGML_PLACE_GAP = 1 << 16,   /* behind each: what reads past a tensor is not in the next one */
};
/* From one tensor's place to the next one's. */
static inline int64_t ggml_place_bytes(int64_t bytes)
{
    return attn_round_up(bytes, GGML_PLACE_ALIGNMENT) + GGML_PLACE_GAP;
}

struct null_hip {
    const struct null_hip_launch *(*launches)(size_t *);
    void (*reset)(void);
    uint64_t (*lost)(void);
    uint64_t (*refused)(const char **);
    int (*devices)(void);
    const char *(*device)(int);
    void (*move_data)(bool);
    void (*hold_launches)(bool);
    void (*say_errors)(bool);
    void (*left)(void); /* NULL: not on the null runtime */
    void (*execute)(int);
    void (*ran)(struct null_hip_ran *);
    bool (*roles)(void *, const unsigned char *);
    void (*captured)(struct null_hip_captured *);
    int (*last_error)(void); /* hipGetLastError: reads and clears it */
};

struct ggml_device {
    struct ggml_backend_device *device;
    struct ggml_backend *backend; /* NULL: not made yet, or lost with a trapped call */
    struct ggml_backend_buffer_type *type;
    struct ggml_backend_buffer *arena;
    char *base;
    int64_t bytes;
    bool has_code;
    bool dry;      /* its backend has captured launches while nothing ran: they have no arguments to run with */
    uint8_t *role; /* of the arena's bytes, where calls compute; NULL: not made yet */
    char *memory;  /* alone: the arena's, where it is ours */
    int threads;   /* alone: with so many threads, in a process of its own each time; 0: in this one */
};

/* A kernel's code for a device, and what of it launches are held against, in one place: half a line of cache. */
struct fit {
    const void *id;                      /* of the kernel; NULL: free */
    const struct attn_code_kernel *code; /* NULL: none */
    int32_t device;
    int32_t max_threads, lds_bytes; /* as the code has them; 0: it does not say */
    uint8_t wave_size, body;        /* likewise */
};

/* What a kernel's name says; a name stays where it is, and is read once. */
struct said {
    const char *kernel; /* NULL: free */
    bool attention;
};

struct ggml_subject {
    struct attn_subject base;
    struct ggml_abi abi;
    struct ggml_types types;
    struct ggml_libraries libraries;
    struct null_hip null;
    struct attn_trap trap;
    bool trapping;
    char log[256]; /* errors logged during the call */
    bool prec_f32;
    struct attn_code *code; /* NULL: not looked at */
    struct ggml_device device[ATTN_SUBJECT_DEVICES_MAX];
    struct ggml_context *tensors; /* of the node */
    struct ggml_context *graphs;
    struct ggml_cgraph *graph;
    void *tensor_memory;
    struct ggml_node node;
    struct attn_problem built; /* what node is of */
    int placed_on;             /* number of the device that it has its place on */
    bool is_built, is_placed, keep;
    bool (*place)(struct ggml_subject *, struct ggml_device *); /* alone: gives tensors their places; NULL: in a row */
    void (*set_threads)(struct ggml_backend *, int);            /* alone; NULL: it has none to set */
    struct attn_subject_launch launch[GGML_LAUNCHES_MAX];
    struct fit fit[GGML_FITS];
    size_t n_fits;
    struct said said[GGML_NAMES];
};

/* Operations (attn_subject.h). */
bool ggml_legal(const struct attn_subject *base, const struct attn_problem *p, const char **why);
void ggml_supports(struct attn_subject *base, int number, const struct attn_problem *p,
                   struct attn_subject_answer *answer);
void ggml_dispatch(struct attn_subject *base, int number, const struct attn_problem *p,
                   struct attn_subject_answer *answer);
void ggml_compute(struct attn_subject *base, int number, const struct attn_problem *p,
                  const struct attn_subject_data *data, struct attn_subject_answer *answer,
                  struct attn_subject_ran *ran);
int ggml_unfit(struct attn_subject *base, int number, const struct attn_subject_launch *launch, char *text, size_t cap);
bool ggml_is_attention(struct attn_subject *base, const char *kernel);
bool ggml_has_code(const struct attn_subject *base, int device);

/* The same of a backend that computes by itself (alone.c): its devices, and a call. */
enum attn_subject_open ggml_alone_open(struct ggml_subject *s, struct ggml_backend_reg *reg, char *error, size_t cap);
void ggml_alone_dispatch(struct attn_subject *base, int number, const struct attn_problem *p,
                         struct attn_subject_answer *answer);
void ggml_alone_compute(struct attn_subject *base, int number, const struct attn_problem *p,
                        const struct attn_subject_data *data, struct attn_subject_answer *answer,
                        struct attn_subject_ran *ran);
void ggml_keep(struct attn_subject *base, bool on);
void ggml_forget(struct attn_subject *base, int number);

/* The node of a problem, if it is not there already, without a place. May abort. */
void ggml_build(struct ggml_subject *s, const struct attn_problem *p);
/* The two halves of a dispatch: the node is built and has its place; its graph is computed. The answer's status is not
 * YES any more where that fails. They may abort. */
void ggml_compute_begin(struct ggml_subject *s, struct ggml_device *device, const struct attn_problem *p,
                        struct attn_subject_answer *answer);
void ggml_compute_graph(struct ggml_subject *s, struct ggml_device *device, struct attn_subject_answer *answer);

/* attn_trap_run on the subject's trap; after a jump the null runtime can be called again. */
int ggml_call(struct ggml_subject *s, void (*call)(void *), void *context, bool *unwound);

/* A launch, as the null runtime recorded it. */
void ggml_launch_set(struct attn_subject_launch *to, const struct null_hip_launch *from);
/* What the null runtime has captured since its last reset, into the answer. */
void ggml_read_captured(const struct ggml_subject *s, struct attn_subject_answer *answer);
/* The device's backend is freed and made anew for the next call. */
void ggml_free_backend(struct ggml_subject *s, struct ggml_device *device);
/* What a trapped call left behind is put in order, and said in the answer. device: whose backend was called; NULL:
 * none. */
void ggml_trapped(struct ggml_subject *s, struct ggml_device *device, int what, bool unwound,
                  struct attn_subject_answer *answer);

#endif
