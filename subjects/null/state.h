/* state.h: what the files of the null runtime share. A HIP runtime is one for a process: this is the one place of
 * the project with state that is global, because the interface it stands in for has it.
 *
 * Functions named null_* that say "locked" are called with the lock held; entry points take it for as long as they run,
 * except while they call a function of the program's.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_STATE_H
#define ATTN_NULL_STATE_H

#include <pthread.h>

#include "planner/attn_planner.h"
#include "subjects/null/hip_abi.h"
#include "subjects/null/null_hip.h"

/* ---- Map from addresses (map.c) ---------------------------------------------------------------------- */

struct null_map {
    struct null_slot {
        uintptr_t key;
        void *value;
    } *slots;
    size_t used, cap;
};
/* NULL when there is no such key. */
void *null_map_get(const struct null_map *map, const void *key);
/* False when memory runs out. value is not NULL, key not 0. */
bool null_map_put(struct null_map *map, const void *key, void *value);
void null_map_remove(struct null_map *map, const void *key);

/* ---- State ----------------------------------------------------------------------------------------------- */

enum { NULL_DEVICES_MAX = 16, NULL_DEVICE_BYTES_LOG2 = 36 /* 64 GiB a device */ };

struct null_device {
    struct attn_device row;
    char name[40];      /* "gfx942~lds/2" */
    char arch[48];      /* what the runtime reports: "gfx942:sramecc+:xnack-" */
    uint64_t allocated; /* bytes */
    uint32_t peers;     /* bit set of devices whose memory it may reach */
};

struct null_runtime {
    pthread_mutex_t lock;
    bool started;
    int n_devices;
    struct null_device device[NULL_DEVICES_MAX];
    struct null_map handles;   /* streams, events, graphs, ...: address -> struct null_handle */
    struct null_map functions; /* host function, hipFunction_t -> struct null_kernel */
    struct null_map symbols;   /* host variable -> struct null_symbol */
    bool still;                /* data is not moved */
    bool trusting;             /* launches are not held against the code objects */
    bool silent;               /* errors are not said on stderr */
    uint64_t refused, lost;
    const char *refused_name;
    size_t n_launches;
    struct null_hip_launch launches[NULL_HIP_LAUNCHES];
};

extern struct null_runtime null_runtime;

/* Takes the lock, after starting the runtime when this is the first call. */
void null_lock(void);
void null_unlock(void);

/* The device current in this thread. */
int null_current(void);
/* Is there a device of that number? */
bool null_is_device(int index);

/* ---- Errors (error.c) ---------------------------------------------------------------------------------- */

/* Remembers an error as this thread's last (success and hipErrorNotReady are not), and returns it. */
int null_result(int error);
/* The same with a line on stderr: "null-hip: hipMemcpy: <text>". For what a program does wrong. */
int null_wrong(int error, const char *entry, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* An entry point, or a use of it, that the null runtime does not provide: counted, and said on stderr once a name.
 * Returns hipErrorNotSupported. */
int null_refuse(const char *entry, const char *why);

/* ---- Handles --------------------------------------------------------------------------------------------- */

enum null_kind { NULL_STREAM = 1, NULL_EVENT, NULL_GRAPH, NULL_NODE, NULL_EXEC, NULL_MODULE };

/* The first member of everything a program has a handle of. */
struct null_handle {
    enum null_kind kind;
};

/* Zeroed memory of bytes with a handle in front, known by its address; NULL when memory runs out. Locked. */
void *null_handle_new(enum null_kind kind, size_t bytes);
/* The object when it is one of that kind, else NULL. Locked. */
void *null_handle_get(const void *handle, enum null_kind kind);
void null_handle_free(void *handle);

/* ---- Operations of streams and graphs (stream.c) -------------------------------------------------------- */

enum null_op_kind { NULL_OP_LAUNCH, NULL_OP_COPY, NULL_OP_FILL, NULL_OP_HOST, NULL_OP_NOTHING };

struct null_op {
    enum null_op_kind kind;
    union {
        struct null_hip_launch launch;
        struct {
            char *to;
            const char *from;
            size_t to_pitch, from_pitch, width, height;
        } copy; /* bytes, rows */
        struct {
            char *to;
            size_t pitch, width, height;
            uint32_t value, element_bytes;
        } fill; /* width in elements */
        struct {
            void (*function)(void *);
            void *data;
        } host;
    };
};

struct null_graph;

struct null_stream {
    struct null_handle handle;
    int device, priority;
    unsigned flags;
    struct null_graph *capture; /* the graph it captures into; NULL: none */
    bool origin;                /* the capture was begun in this stream; else it joined by an event */
    bool joined;                /* a stream of the capture waits for all it has captured */
};

/* *stream gets the object of a hipStream_t, NULL for the null stream (also hipStreamLegacy, hipStreamPerThread).
 * False when the handle is none. Locked. */
bool null_stream_get(void *handle, struct null_stream **stream);

/* Runs an operation, or puts it into the graph that the stream captures into. Returns a HIP error. Locked; the lock is
 * released while a host function runs. */
int null_submit(struct null_stream *stream, const struct null_op *op);
/* Runs an operation now; flags are added to a launch's. Locked, as above. */
int null_run(const struct null_op *op, uint32_t flags, const void *stream);

/* ---- Graphs (graph.c) ------------------------------------------------------------------------------------ */

/* Appends an operation as a node. NULL when memory runs out. Locked. */
struct null_node *null_graph_add(struct null_graph *graph, int type, const struct null_op *op);
struct null_graph *null_graph_new(void);
void null_graph_free(struct null_graph *graph);

/* ---- Kernels (kernel.c, null_code.c) --------------------------------------------------------------------- */

struct null_image; /* a fat binary or a module's code object */

/* What a kernel's code says of it on one device. */
struct null_code {
    int64_t lds, scratch;
    int32_t max_threads, vgprs, sgprs, wave_size;
};

struct null_kernel {
    const char *name;
    const void *function; /* what the program knows it by */
    struct null_image *image;
    bool module;                      /* reached through hipModuleGetFunction */
    uint8_t looked[NULL_DEVICES_MAX]; /* 0: not yet, 1: there is code, 2: there is none */
    struct null_code code[NULL_DEVICES_MAX];
    struct null_kernel *next; /* of the same image */
};

struct null_symbol {
    const char *name;
    const void *host; /* the program's variable of that name */
    struct null_image *image;
    size_t bytes;
    uint32_t written;               /* bit set of devices on which the program has set it, or has its address */
    void *memory[NULL_DEVICES_MAX]; /* NULL: not asked for yet */
    struct null_symbol *next;       /* of the same image */
};

/* The same text for the same name, kept until the process ends; NULL when memory runs out. Locked. */
const char *null_intern(const char *name);
/* The code of a kernel on a device: NULL when the image has none for it or cannot be read (said on stderr once).
 * Locked. */
const struct null_code *null_code_of(struct null_kernel *kernel, int device);

/* Fills *launch for a registered function on the current device, held against the device and the code. A HIP error,
 * said on stderr and recorded with its flag, when it cannot be. */
int null_launch_make(struct null_hip_launch *launch, const char *entry, const void *function, struct hip_dim3 grid,
                     struct hip_dim3 block, size_t lds, uint32_t flags);

/* An image of bytes that stay where they are for as long as it lives. */
struct null_image *null_image_new(const void *bytes, size_t size);
/* Takes its kernels and variables out of the runtime. */
void null_image_free(struct null_image *image);
/* Adds a kernel or a variable under the address that the program knows it by. NULL when memory runs out. Locked. */
struct null_kernel *null_image_kernel(struct null_image *image, const char *name, const void *function);
struct null_symbol *null_image_symbol(struct null_image *image, const char *name, const void *host, size_t bytes);
/* Size in bytes of the offload bundle or code object at an address; 0 when it is none, or one that does not say. */
size_t null_image_size(const void *bytes);
/* Blocks of a kernel that a multiprocessor (a workgroup processor on wave32 devices) has room for; 0: it cannot run.
 * block: threads; lds: bytes of dynamic LDS. */
int null_occupancy(const struct attn_device *device, const struct null_code *code, uint32_t block, uint64_t lds);
/* Threads and LDS bytes of such a multiprocessor. */
int null_multiprocessor_threads(const struct attn_device *device);
int64_t null_multiprocessor_lds(const struct attn_device *device);

/* ---- Records (record.c) ---------------------------------------------------------------------------------- */

/* Opens the log, when the environment names one. Locked. */
void null_record_start(void);

/* Locked. */
void null_record(const struct null_hip_launch *launch);
/* A line about a refused entry point in the log. Locked. */
void null_record_refusal(const char *entry);

/* ---- Memory (memory.c) ----------------------------------------------------------------------------------- */

/* Device memory for a symbol; NULL when there is none. Locked. */
void *null_memory_new(size_t bytes, int kind, int device, unsigned flags);
/* False, with a message, when something wrote before or after it. Locked. */
bool null_memory_free(void *memory, const char *entry);

#endif
