/* attn_backend.h: where plans run. One interface, one implementation a backend: `host` (the SIMT executor, which
 * checks every access) and `hip` (an AMD GPU, or an NVIDIA one). Same plan, same kernel source.
 *
 * The order of use: image (host copy of all bytes of a problem) -> open -> alloc -> upload -> run (any number of
 * plans of that problem) -> download -> free -> close.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_BACKEND_H
#define ATTN_BACKEND_H

#include "kernels/sample.h"
#include "planner/attn_planner.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Image: the bytes of a problem's buffers in host memory ---------------------------------------------- */

enum attn_role { ATTN_ROLE_GAP = 0, ATTN_ROLE_INPUT = 1, ATTN_ROLE_DST = 2 };

/* A run of a buffer's bytes, start to before end: elements, with some of the gap bytes around them. */
struct attn_stretch {
    int64_t start, end;
};

/* Where rows lie far apart the buffer is sparse: of its address space only the stretches are there. Bytes outside of
 * them belong to no element, and nobody reads, writes or copies them. */
struct attn_buffer {
    uint8_t *bytes;               /* size bytes */
    uint8_t *role;                /* enum attn_role of each byte: which belong to elements, which are gaps */
    int64_t size;                 /* bytes: the end of the last element of the tensors in it */
    struct attn_stretch *stretch; /* ascending, apart from each other; in most buffers one, from 0 to size */
    int32_t n_stretches;
    bool sparse;
};

struct attn_image {
    int n_buffers;
    struct attn_buffer buffer[ATTN_OPERAND_COUNT];
    int buffer_of[ATTN_OPERAND_COUNT]; /* index into buffer[]; -1 for an absent operand */
};

/* As far as the buffers of a problem may reach in all, bytes. A process has 2^47 addresses, of which AddressSanitizer
 * takes an eighth; an image takes two for each byte, the two copies of it that a run needs one each, and the executor's
 * memory six (kernels/host/memory.cc). */
#define ATTN_REACH_MOST (INT64_C(1) << 42)

/* Bytes of the stretches of a problem's buffers in all: what they need of memory. */
int64_t attn_image_bytes(const struct attn_problem *problem);
/* The same of what the sample has of them. */
int64_t attn_image_bytes_sample(const struct attn_problem *problem, const struct attn_sample *sample);
/* Bytes from the first to the last of each buffer, in all: what they need of address space; INT64_MAX when more than
 * that. */
int64_t attn_image_reach(const struct attn_problem *problem);

/* The buffers of a problem, without bytes and stretches: which operand lies in which, numbered in the order of the
 * operands, and how large each is. */
void attn_image_layout(const struct attn_problem *problem, struct attn_image *image);

/* Lays the tensors of a legal problem out: every byte of a stretch is a NaN pattern (0xFF), roles are marked. Returns
 * false when attn_image_bytes exceeds max_bytes, attn_image_reach ATTN_REACH_MOST, or memory runs out; nothing is kept
 * then. */
bool attn_image_create(const struct attn_problem *problem, int64_t max_bytes, struct attn_image *image);
/* The same, in which only what the sample touches has a role: the rest is no element. NULL: all is. */
bool attn_image_create_sample(const struct attn_problem *problem, const struct attn_sample *sample, int64_t max_bytes,
                              struct attn_image *image);
void attn_image_free(struct attn_image *image);

/* Another image with bytes of its own, of no value yet; roles and stretches are those of the first one, which has to
 * live as long. False when memory runs out; nothing is kept then. */
bool attn_image_mirror(const struct attn_image *image, struct attn_image *mirror);
void attn_image_mirror_free(struct attn_image *mirror);

/* First byte of an operand's first element; NULL for an absent one. */
void *attn_image_at(const struct attn_image *image, const struct attn_problem *problem, int operand);

/* ---- Failures ------------------------------------------------------------------------------------------- */

/* X(NAME, name, meaning) */
#define ATTN_FAILURES(X)                                                                                         \
    X(NONE, none, "ran to the end")                                                                              \
    X(LDS_UNWRITTEN, lds_unwritten, "read LDS that no thread of the block wrote")                                \
    X(LDS_RACE, lds_race, "two threads touch one LDS byte, one writes, and no barrier or wave order is between") \
    X(LDS_BOUNDS, lds_bounds, "LDS access outside what the kernel declared")                                     \
    X(LDS_SIZE, lds_size, "LDS the kernel declares differs from the plan's launch")                              \
    X(GLOBAL_BOUNDS, global_bounds, "global access to a byte that belongs to no element")                        \
    X(GLOBAL_READONLY, global_readonly, "write to an input")                                                     \
    X(GLOBAL_RACE, global_race, "two blocks touch one global byte and one writes")                               \
    X(GLOBAL_UNWRITTEN, global_unwritten, "read of dst or workspace that nothing wrote")                         \
    X(DST_UNWRITTEN, dst_unwritten, "a dst element was not written")                                             \
    X(ALIGNMENT, alignment, "a vector access at an address that is no multiple of its size")                     \
    X(BARRIER, barrier, "a barrier that not all threads of the block reach")                                     \
    X(WAVE, wave, "a wave operation that not all lanes of the wave reach together")                              \
    X(WAVE_SIZE, wave_size, "a kernel built for another wave size than the device's")                            \
    X(MATRIX, matrix, "a matrix instruction that the device lacks, or operands not laid out as it wants them")   \
    X(LIMIT_THREADS, limit_threads, "more threads than the device allows a block")                               \
    X(LIMIT_LDS, limit_lds, "more LDS than the device has for a block")                                          \
    X(LIMIT_GRID, limit_grid, "a grid beyond the device's")                                                      \
    X(NO_INSTANCE, no_instance, "the plan names a kernel instance that was not built")                           \
    X(RUNAWAY, runaway, "a thread made more wave operations, barriers and accesses than the budget allows")      \
    X(SCRATCH_BOUNDS, scratch_bounds, "scratch access outside of the lane's own")                                \
    X(REGISTER, register, "read of a register that nothing wrote, or one beyond those the kernel was given")     \
    X(HAZARD, hazard, "a register used before the wait that covers it")                                          \
    X(TRAP, trap, "the kernel ended by a trap")                                                                  \
    X(CODE, code, "the code object is broken, or the kernel ran out of its code")                                \
    X(UNSUPPORTED, unsupported, "an instruction that the machine does not execute: no verdict on the kernel")    \
    X(RUNTIME, runtime, "the runtime of the backend reported an error")                                          \
    X(DEVICE_LOST, device_lost, "after an error the device runs nothing more for this process")

enum attn_failure_code {
#define X(NAME, name, text) ATTN_F_##NAME,
    ATTN_FAILURES(X)
#undef X
        ATTN_FAILURE_COUNT
};

struct attn_failure {
    int32_t code;      /* enum attn_failure_code */
    int32_t step;      /* enum attn_step of the launch */
    uint32_t block[3]; /* blockIdx */
    uint32_t thread;   /* linear thread index in the block; other: the second thread of a race */
    uint32_t other;
    int32_t operand; /* enum attn_operand of a global access; ATTN_OPERAND_COUNT + enum attn_region for the
                        workspace; -1: neither (LDS, launch) */
    int64_t offset;  /* bytes from the operand's first element, the region's or the LDS's start */
    int32_t bytes;   /* size of the access */
    char text[256];  /* one sentence with all of that */
};

const char *attn_failure_name(int code);
const char *attn_failure_meaning(int code);

/* ---- Backend -------------------------------------------------------------------------------------------- */

struct attn_backend;
struct attn_memory; /* device memory of one problem: its buffers and a workspace */

struct attn_backend_ops {
    const char *name;
    /* The device plans are to be made for: true and *device; false when it runs plans of any device (host). */
    bool (*describe)(struct attn_backend *, struct attn_device *device);
    /* Memory for an image's buffers and a workspace of so many bytes; NULL with *failure when there is none. */
    struct attn_memory *(*alloc)(struct attn_backend *, const struct attn_problem *, const struct attn_image *,
                                 int64_t workspace_bytes, struct attn_failure *);
    /* Copies all stretches of the image in; dst and workspace count as unwritten again. */
    bool (*upload)(struct attn_backend *, struct attn_memory *, const struct attn_image *, struct attn_failure *);
    /* Runs all launches of a plan of that problem, waits, and checks what the backend can check (host: all of
     * the failures above; dst must be written whole. hip: the launch's LDS and threads against the instance's, and
     * every status of the runtime). After ATTN_F_DEVICE_LOST only free and close are of use: what it was opened for
     * needs a new process. */
    bool (*run)(struct attn_backend *, struct attn_memory *, const struct attn_problem *, const struct attn_plan *,
                struct attn_failure *);
    /* Copies the stretches back; gap bytes too, so that a caller can see that they are as they were. hip: also fails
     * when a guard around a buffer or a region of the workspace changed, or an element of dst is as it was uploaded
     * where that was the image's NaN pattern. */
    bool (*download)(struct attn_backend *, struct attn_memory *, struct attn_image *, struct attn_failure *);
    void (*free)(struct attn_backend *, struct attn_memory *);
    void (*close)(struct attn_backend *);
    /* It is the host executor: it sees every access itself, and runs in the order that attn_host_schedule says. */
    bool executor;
    /* What it allocates is address space, of which only the stretches of an image become memory. */
    bool sparse;
};

struct attn_backend {
    const struct attn_backend_ops *ops;
};

/* Orders in which the host executor runs the threads and blocks of a launch: X(NAME, name, how many of 8 seeds, what
 * runs when). A wave goes on until it waits at a barrier, where nothing else is said. */
#define ATTN_SCHEDULES(X)                                                                                           \
    X(FORWARD, forward, 1, "lanes, waves and blocks in ascending order")                                            \
    X(REVERSE, reverse, 1, "in descending order")                                                                   \
    X(STARVED, starved, 2,                                                                                          \
      "one wave of each block, drawn from the seed, runs only when all others wait at a barrier; those take turns " \
      "at every wave operation; one block runs last")                                                               \
    X(RANDOM, random, 4, "lanes, waves, turns at wave operations and blocks are drawn from the seed")

enum attn_schedule_kind {
#define X(NAME, name, share, text) ATTN_SCHEDULE_##NAME,
    ATTN_SCHEDULES(X)
#undef X
        ATTN_SCHEDULE_KINDS
};

/* The kind of a seed, by its remainder of 8; 0 is forward. */
int attn_schedule_kind(uint64_t schedule);
/* A seed of that kind, never 0, that varies with `seed`. */
uint64_t attn_schedule_of(int kind, uint64_t seed);
/* "starved" */
const char *attn_schedule_name(int kind);

struct attn_host_options {
    uint64_t schedule; /* seed of the order in which threads and blocks run: see ATTN_SCHEDULES; 0: in order */
    bool checked;      /* false: the same kernels without access checks (for measuring, not for judging) */
    uint64_t budget;   /* accesses and wave operations of one launch before ATTN_F_RUNAWAY; 0: no limit */
};

/* Opens the host executor; NULL when memory runs out. A backend is for one thread at a time; several can be
 * open at once. */
struct attn_backend *attn_host_open(const struct attn_host_options *options);
/* Changes the schedule seed of an open host backend. */
void attn_host_schedule(struct attn_backend *backend, uint64_t schedule);
/* Changes its budget (struct attn_host_options). */
void attn_host_budget(struct attn_backend *backend, uint64_t budget);
/* From now on plans are run in those blocks, and of their work that part, which these rows of dst need: `run` looks for
 * these rows whole. NULL: all. It must stay where it is. */
void attn_host_sample(struct attn_backend *backend, const struct attn_sample *sample);
/* Switches the checks of an open host backend that was opened with them off, and on again. */
void attn_host_checked(struct attn_backend *backend, bool checked);
/* For a handler of SIGSEGV and SIGBUS that does not block them: when this thread runs a kernel without checks, its
 * launch ends with ATTN_F_GLOBAL_BOUNDS, and this does not return. */
void attn_host_fault(void);

/* Opens GPU number `index`, from 0, in the order of its runtime. NULL, with one line in error[cap] that says what is
 * missing: the backend (this build has none), the runtime's library, a driver, a GPU, one of that number, or a row
 * of the device table for it. `describe` then gives that row with the GPU's own number of compute units.
 * The backend is the shared object attn_hip.so in the folder of the running program, so that a program needs no GPU
 * library to start; see kernels/hip/. GPU runtimes do not survive fork: open it in the process that uses it. */
struct attn_backend *attn_hip_open(int index, char *error, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
