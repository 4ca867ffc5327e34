/* executor.h: the SIMT executor: runs one kernel launch at a time on the CPU and checks it.
 *
 * Its files, each of which calls only those above it:
 *   fiber.cc       stacks and the context switch
 *   memory.cc      global memory: tensors and workspace with their shadow
 *   failure.cc     what went wrong, in words; the state of the running launch
 *   lds.cc         LDS and its shadow
 *   global.cc      accesses to global memory
 *   access.cc      the memory access callbacks
 *   copies.cc      copies to LDS that take their time
 *   rendezvous.cc  where threads wait for each other, and which runs next
 *   matrix.cc      matrix instructions of a wave; matrix_s8.cc of bytes; wgmma.cc those of four waves together
 *   collective.cc  barriers and wave operations (the functions kernels call through simt.h)
 *   items.cc       which items of a launch are run, where not all are
 *   executor.cc    launches and their blocks
 *   host.cc        the backend `host` of attn_backend.h
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HOST_EXECUTOR_H
#define ATTN_HOST_EXECUTOR_H

#include "kernels/args.h"
#include "kernels/attn_backend.h"
#include "kernels/host/fiber.h"
#include "kernels/host/items.h"
#include "kernels/host/launch.h"
#include "kernels/simt/simt.h"

#define SIMT_HOT_FUNCTION __attribute__((no_sanitize("address", "undefined")))

enum {
    SIMT_MAX_THREADS = 1024,
    SIMT_MAX_WAVES = SIMT_MAX_THREADS / 32,
    SIMT_STACK_BYTES = 64 * 1024,
    SIMT_COPIES_MAX = 256,       /* copies to LDS that one thread can have under way */
    SIMT_LDS_CAPACITY = 1 << 20, /* bytes of LDS the executor can give a block */
    SIMT_LDS_GUARD = 1 << 16,    /* bytes before and after it that count as LDS out of bounds */
};

/* ---- Global memory --------------------------------------------------------------------------------------- */

/* What a byte of global memory is. SIMT_WRITABLE is a bit of dst and workspace. */
enum simt_class : uint8_t { SIMT_GAP = 0, SIMT_INPUT = 1, SIMT_DST = 2, SIMT_WORKSPACE = 6, SIMT_WRITABLE = 2 };

/* One reserved region of address space with its shadow, which is sparse where buffers are. Bytes of dst and workspace
 * have a tag that says who touched them last: (block serial number << 1) | wrote. Serial numbers rise over all
 * launches, so "written before this launch" and "not written since this run began" are comparisons and nothing is ever
 * cleared. */
struct simt_region {
    uint8_t *bytes; /* capacity bytes */
    uint8_t *kind;  /* enum simt_class of each */
    uint32_t *tag;  /* of each byte; looked at for writable ones only */
    size_t capacity;
    size_t used;                  /* bytes that have been laid out so far: past it all is untouched */
    struct attn_stretch *stretch; /* of these what is there; all else is SIMT_GAP, and has never been touched */
    int32_t n_stretches, most_stretches;
    bool sparse;
    uint32_t serial;     /* of the last block that ran */
    uint32_t run_serial; /* tags below belong to earlier runs: unwritten */
};

/* A named part of the region, for messages. */
struct simt_place {
    int32_t operand; /* as in attn_failure.operand */
    size_t start;    /* offset of its first byte in the region */
    size_t bytes;    /* up to the end of its last element */
};

enum { SIMT_MAX_PLACES = ATTN_OPERAND_COUNT + ATTN_REGION_COUNT };

/* Device memory of one problem. */
struct attn_memory {
    struct simt_region region;
    struct attn_problem problem;
    size_t buffer_start[ATTN_OPERAND_COUNT];
    int64_t buffer_bytes[ATTN_OPERAND_COUNT];
    int buffer_of[ATTN_OPERAND_COUNT];
    int n_buffers;
    size_t workspace_start;
    int64_t workspace_bytes; /* of the largest plan, without what lies between its regions */
    int64_t workspace_guard; /* bytes before, between and after regions at least */
    struct simt_place place[SIMT_MAX_PLACES];
    int n_places;
    struct simt_range *marked; /* bytes of the region that are the running plan's workspace */
    int64_t n_marked, most_marked;
    bool passing;             /* its region is unmapped when it is freed */
    struct attn_memory *next; /* in the backend's list of live or of spare ones */
};

/* ---- Launches -------------------------------------------------------------------------------------------- */

struct simt_executor;
struct simt_wave;

/* A thread of a block. */
struct simt_fiber {
    struct simt_context context;
    struct simt_wave *wave;
    struct dim3 index; /* threadIdx */
    uint32_t thread;   /* linear */
    uint32_t lane;
};

/* Threads that run together. `key` names the operation its lanes wait at, 0 while none has arrived. */
struct simt_wave {
    uint32_t first, lanes;  /* threads first .. first + lanes - 1 */
    uint32_t arrived;       /* lanes waiting at `key` */
    uint32_t stride, start; /* lanes run in the order (turn * stride + start) mod lanes */
    uint64_t key;
    uint32_t sync; /* LDS clock at its last wave operation or barrier */
    uint32_t number;
    uint32_t parity; /* which half of the exchange buffers the next operation uses */
    uint32_t resume; /* thread to go on with when the wave gets its turn */
    bool waiting;    /* whole wave at a barrier, or finished */
    uint64_t ballot, ballot_next;
    uint64_t group; /* of the wgmma products since the last barrier, a hash */
};

/* What the access callbacks look at; one per OS thread, filled by the executor while a launch runs. As it is without
 * one:
 */
struct simt_hot {
    uintptr_t lds = 0;    /* first byte */
    size_t lds_span = 0;  /* bytes from there that count as LDS; 0: no launch is being checked */
    size_t lds_bytes = 0; /* of which the launch has */
    uintptr_t global = 0;
    size_t global_span = 0;
    uintptr_t stack = 0; /* of the running thread */
    size_t stack_bytes = ~static_cast<size_t>(0);
    uint64_t budget = ~static_cast<uint64_t>(0); /* accesses and operations left */
    /* LDS shadow: for each 4-byte granule the last write and the reads since (lds.cc) */
    uint32_t *lds_write = nullptr, *lds_read = nullptr;
    uint32_t tag = 0, many = 0; /* the running thread's tag, and that of "several lanes of its wave" */
    uint32_t block_start = 0;   /* tags below: unwritten in this block */
    uint32_t block_sync = 0;    /* tags below: before the last barrier */
    /* global shadow */
    const uint8_t *kind = nullptr;
    uint32_t *global_tag = nullptr;
    uint32_t mine = 0;                  /* serial << 1 of the running block */
    uint32_t launch = 0;                /* serial << 1 of the launch */
    uint32_t run = 0;                   /* serial << 1 of the run */
    struct simt_fiber *fiber = nullptr; /* running */
    struct simt_executor *executor = nullptr;
    /* where AddressSanitizer's shadow is; scale 0: not known, or no launch */
    uintptr_t asan_offset = 0;
    size_t asan_scale = 0;
};

extern __thread struct simt_hot simt_hot __attribute__((tls_model("initial-exec")));

/* The registers that a lane hands in to a matrix instruction: on its stack. */
struct simt_operands {
    const uint32_t *a, *b;
    uint32_t *out; /* of a load */
    float *acc;
    uint64_t rows, columns; /* descriptors of wgmma's operands in LDS */
};

/* A thread's copies to LDS that are under way, in a ring, and the group that new ones belong to. */
struct simt_copies {
    uint32_t first, count, group;
    struct simt_host_copy_of ring[SIMT_COPIES_MAX];
};

/* What is done when all have arrived: `wave` the work of a wave's operation, `barrier` checks of a block's at one. */
struct simt_operations {
    void (*wave)(struct simt_executor *executor, struct simt_wave *wave);
    void (*barrier)(struct simt_executor *executor);
};

struct simt_executor {
    struct attn_host_options options;
    const struct simt_operations *operations;
    /* the launch */
    const struct simt_launch *launch;
    struct attn_memory *memory;
    struct attn_failure *failure;
    bool failed;
    bool lds_declared;
    struct dim3 block, block_dim, grid_dim;
    uint32_t threads, waves;
    uint32_t waves_waiting; /* of the block at a barrier or finished */
    uint64_t block_key;     /* the barrier they wait at */
    int block_or, block_or_next;
    bool grouped;         /* a wgmma product was made since the last barrier */
    int order;            /* enum attn_schedule_kind of the launch */
    uint64_t random;      /* state of the generator that the schedule is drawn from */
    uint32_t starved;     /* wave of the block that runs last; order STARVED */
    uint32_t clock;       /* LDS time: operations done, see lds.cc */
    uint32_t clock_limit; /* when it restarts */
    bool started;         /* fibers stand where a block begins */
    uint32_t fibers;      /* that have stacks */
    uint32_t prepared_threads, prepared_wave_size;
    struct dim3 prepared_dim;
    struct simt_context home;
    struct simt_fiber fiber[SIMT_MAX_THREADS];
    struct simt_wave wave[SIMT_MAX_WAVES];
    /* exchange buffers of wave operations */
    uint64_t bits[2][SIMT_MAX_THREADS];
    alignas(64) float in[SIMT_MAX_WAVES][16][64];
    simt_f32x4 out[SIMT_MAX_THREADS][4];
    struct simt_operands operands[SIMT_MAX_THREADS];
    struct simt_copies copies[SIMT_MAX_THREADS];
    uint32_t
        published[SIMT_MAX_THREADS]; /* LDS clock when the thread last passed its writes on to the asynchronous proxy */
    /* LDS and its shadow (lds.cc) */
    uint8_t *lds;
    uint32_t *lds_write, *lds_read;           /* of granules */
    uint32_t *lds_byte_write, *lds_byte_read; /* of the bytes of split granules */
    uint32_t *split;                          /* granules split in this block */
    uint32_t splits;
    size_t lds_high;                 /* granules ever used */
    uintptr_t image_low, image_high; /* the program's own constant data may be read */
};

/* The executor whose launch is running on this thread is simt_hot.executor. */
struct simt_executor *simt_executor_create(const struct attn_host_options *options);
void simt_executor_destroy(struct simt_executor *executor);

/* Runs one launch over the memory (NULL: none); true when all went well, else *failure says what did not. */
bool simt_executor_launch(struct simt_executor *executor, struct attn_memory *memory, const struct simt_launch *launch,
                          struct attn_failure *failure);

/* ---- Between the parts ----------------------------------------------------------------------------------- */

/* Ends the launch with a failure of the running thread; does not return. operand -1: LDS or none. */
[[noreturn]] void simt_fail(int code, int64_t offset, int bytes, uint32_t other, const char *format, ...)
    __attribute__((format(printf, 5, 6), cold));
/* The same for a global access at region offset `at`; finds the tensor or workspace region. */
[[noreturn]] void simt_fail_global(int code, size_t at, int bytes, uint32_t other, bool write) __attribute__((cold));

/* The running thread waits at `key`; returns when all who must have arrived. */
void simt_arrive(uint64_t key);
/* Places 0 .. n - 1 in the order of the launch's schedule: turn i is at simt_in_turn(order, i). */
struct simt_turns {
    uint64_t n, start, stride;
    uint64_t last; /* this one is taken out, and comes last; n: none is */
};
struct simt_turns simt_turns_of_blocks(struct simt_executor *executor, uint64_t blocks);
uint64_t simt_in_turn(const struct simt_turns *turns, uint64_t turn);
/* All waves of a block are about to begin; which of them runs first. */
struct simt_wave *simt_first_wave(struct simt_executor *executor);
/* The running thread is `to` now, as far as the access callbacks are concerned. */
void simt_become(struct simt_fiber *to);
/* Key of an operation. */
static inline uint64_t simt_key(int op, int param, int n, int line)
{
    return static_cast<uint64_t>(op) | static_cast<uint64_t>(param) << 8 | static_cast<uint64_t>(n) << 24 |
           static_cast<uint64_t>(line) << 32;
}
enum { SIMT_KEY_EXIT = 255 };
/* Does the work of a wave operation that all lanes have arrived at. */
void simt_collective(struct simt_executor *executor, struct simt_wave *wave);
/* The same for matrix instruction `what`: enum simt_matrix, from SIMT_MATRIX_COUNT on matrix loads. */
void simt_matrix(struct simt_executor *executor, struct simt_wave *wave, int what);
/* The same for wgmma with 8 * eighths columns; and at a barrier: were the products of each warpgroup's waves the same?
 */
void simt_wgmma(struct simt_executor *executor, struct simt_wave *wave, int what, int eighths);
void simt_wgmma_agree(struct simt_executor *executor);
void simt_matrix_s8(struct simt_executor *executor, struct simt_wave *wave);

/* LDS shadow: a new block begins; a rendezvous happened and `clock` moves on. */
bool simt_lds_create(struct simt_executor *executor);
void simt_lds_destroy(struct simt_executor *executor);
void simt_lds_block(struct simt_executor *executor);
uint32_t simt_lds_tick(struct simt_executor *executor);
/* The tag of the last write to a byte of LDS. */
uint32_t simt_lds_written(const struct simt_executor *executor, size_t at);
static inline uint32_t simt_lds_tag(uint32_t clock, uint32_t id) { return clock << 12 | id; }

/* Global memory. */
bool simt_memory_create(struct attn_memory *memory, const struct attn_problem *problem, const struct attn_image *image,
                        int64_t workspace_bytes);
void simt_memory_unmap(struct attn_memory *memory);
/* Memory for such an image is not kept for the next problem: sparse, or too large to hold on to. */
bool simt_memory_passing(const struct attn_image *image, int64_t workspace_bytes);
void simt_memory_upload(struct attn_memory *memory, const struct attn_image *image);
void simt_memory_download(const struct attn_memory *memory, struct attn_image *image);
/* A plan begins: dst and workspace count as unwritten. Of the plan's regions these bytes are elements; NULL: all. False
 * when memory runs out. */
bool simt_memory_begin(struct attn_memory *memory, const struct attn_plan *plan,
                       const struct simt_items written[ATTN_REGION_COUNT]);
/* Address of an operand's first element, NULL for an absent one. */
void *simt_memory_at(const struct attn_memory *memory, int operand);
/* Are all elements of dst written since simt_memory_begin? Else where the first is that is not. */
bool simt_memory_dst_written(const struct attn_memory *memory, size_t *at);
/* The same of a sample's rows alone. */
bool simt_memory_rows_written(const struct attn_memory *memory, const struct attn_sample *sample, size_t *at);
/* Fills operand and offset of a failure from a region offset, and describes the place. */
void simt_memory_describe(const struct attn_memory *memory, size_t at, struct attn_failure *failure, char *text,
                          size_t cap);

#endif
