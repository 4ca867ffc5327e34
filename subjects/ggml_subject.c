/* ggml_subject.c: a ggml HIP backend as a subject: loaded beside the null runtime, asked through ggml's public interface,
 * its aborts trapped, its launches read from the null runtime.
 *
 * Source of what ggml does: ggml, include/ggml.h, include/ggml-backend.h, src/ggml.c (ggml_flash_attn_ext, ggml_abort),
 * src/ggml-backend.cpp (ggml_backend_tensor_alloc).
 *
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attn_subject.h"
#include "code_object.h"
#include "ggml_libraries.h"
#include "ggml_node.h"
#include "null/null_hip.h"
#include "trap.h"

enum {
    LAUNCHES_MAX = 64,     /* of one dispatch; more are counted as too big a call */
    FITS = 1 << 14,        /* slots of the table of kernels looked up; a power of two */
    ALIGNMENT = 256,       /* of each tensor's place: buffers start there (attn_planner.h) */
};
#define ARENA_MOST (INT64_C(8) << 30) /* bytes of device memory that a device's tensors get, but no more than half */
#define ARENA_LEAST (INT64_C(64) << 20)

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
};

struct fit {
    const void *id;
    int device;
    const struct attn_code_kernel *kernel; /* NULL: no code */
};

struct ggml_subject {
    struct attn_subject base;
    struct ggml_abi abi;
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
    bool is_built, is_placed;
    struct attn_subject_launch launch[LAUNCHES_MAX];
    struct fit fit[FITS];
    size_t n_fits;
};

/* ---- Asking --------------------------------------------------------------------------------------------------- */

static void answer_with(struct attn_subject_answer *answer, int status)
{
    answer->status = status;
    answer->n_launches = 0;
    answer->launch = NULL;
    answer->message[0] = 0;
}

/* What a trapped call left behind is not used again: the node is rebuilt and, where it was not unwound, the backend made
 * anew. The old one is freed, so that its pool of device memory is; where the pool finds memory that the lost call still
 * holds, it aborts, and that memory alone is lost. */
static void free_backend(struct ggml_subject *s, struct ggml_device *device)
{
    struct ggml_backend *backend = device->backend;
    device->backend = NULL;
    if (backend && ATTN_TRAP(&s->trap) == 0) {
        s->abi.backend_free(backend);
        attn_trap_disarm(&s->trap);
    }
}

static void trapped(struct ggml_subject *s, struct ggml_device *device, int what, bool unwound,
                    struct attn_subject_answer *answer)
{
    s->is_built = false;
    switch (what) {
    case ATTN_TRAP_ABORT:
        answer->status = ATTN_SUBJECT_ABORTED;
        snprintf(answer->message, sizeof answer->message, "%.380s%s%s", s->trap.message, s->log[0] ? ": " : "", s->log);
        break;
    case ATTN_TRAP_SIGNAL:
        answer->status = ATTN_SUBJECT_CRASHED;
        snprintf(answer->message, sizeof answer->message, "%s", attn_trap_signal_name(s->trap.number));
        break;
    default:
        answer->status = ATTN_SUBJECT_HUNG;
        snprintf(answer->message, sizeof answer->message, "no answer within %d s", ATTN_SUBJECT_SECONDS);
    }
    if (!unwound && device)
        free_backend(s, device);
    s->null.last_error(); /* or the next call would be taken for the one that failed */
}

static void build(struct ggml_subject *s, const struct attn_problem *p)
{
    if (s->is_built && !s->is_placed && !memcmp(&s->built, p, sizeof *p))
        return;
    s->is_built = s->is_placed = false;
    s->abi.reset(s->tensors);
    ggml_node_build(&s->abi, s->tensors, p, s->prec_f32, &s->node);
    s->built = *p;
    s->is_built = true;
}

/* The bytes of every source's base, 256-aligned, one after another; INT64_MAX when more than the arena has. */
static int64_t source_bytes(const struct ggml_subject *s, int64_t most)
{
    int64_t total = 0;
    for (int o = 0; o < ATTN_DST; o++) {
        if (!s->node.base[o])
            continue;
        if (s->node.bytes[o] > most - total - ALIGNMENT)
            return INT64_MAX;
        total += (s->node.bytes[o] + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return total;
}

/* Gives every tensor its place; false when they do not fit. */
static bool place(struct ggml_subject *s, struct ggml_device *device)
{
    int64_t sources = source_bytes(s, device->bytes);
    if (sources == INT64_MAX)
        return false;
    s->is_placed = true;
    char *at = device->base;
    for (int o = 0; o < ATTN_DST; o++) {
        if (!s->node.base[o])
            continue;
        s->abi.backend_tensor_alloc(device->arena, s->node.base[o], at);
        at += (s->node.bytes[o] + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    for (int o = 0; o < ATTN_DST; o++)
        if (s->node.view[o])
            s->abi.backend_view_init(s->node.tensor[o]);
    size_t dst = s->abi.backend_buft_get_alloc_size(device->type, s->node.node);
    if (dst > (size_t)(device->bytes - sources))
        return false;
    s->abi.backend_tensor_alloc(device->arena, s->node.node, at);
    return true;
}

/* One call into the library. */
struct request {
    struct ggml_subject *s;
    struct ggml_device *device;
    const struct attn_problem *p;
    struct attn_subject_answer *answer;
};

static void ask(void *context)
{
    const struct request *r = context;
    build(r->s, r->p);
    r->answer->status = r->s->abi.backend_dev_supports_op(r->device->device, r->s->node.node) ? ATTN_SUBJECT_YES : ATTN_SUBJECT_NO;
}

static void ggml_supports(struct attn_subject *base, int number, const struct attn_problem *p,
                          struct attn_subject_answer *answer)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    struct request request = { s, &s->device[number], p, answer };
    bool unwound;
    answer_with(answer, ATTN_SUBJECT_NO);
    s->log[0] = 0;
    int what = attn_trap_run(&s->trap, ask, &request, &unwound);
    if (what)
        trapped(s, request.device, what, unwound, answer);
}

/* Reads what was launched since the last reset into the answer. */
static void read_launches(struct ggml_subject *s, struct attn_subject_answer *answer)
{
    size_t n;
    const struct null_hip_launch *from = s->null.launches(&n);
    const char *refused = NULL;
    if (n > LAUNCHES_MAX || s->null.lost() > 0) {
        if (answer->status == ATTN_SUBJECT_YES)
            answer->status = ATTN_SUBJECT_TOO_BIG;
        n = n > LAUNCHES_MAX ? LAUNCHES_MAX : n;
    }
    for (size_t i = 0; i < n; i++) {
        struct attn_subject_launch *to = &s->launch[i];
        to->kernel = from[i].kernel;
        to->id = from[i].function;
        memcpy(to->grid, from[i].grid, sizeof to->grid);
        memcpy(to->block, from[i].block, sizeof to->block);
        to->lds_dynamic_bytes = from[i].lds_dynamic;
    }
    answer->n_launches = n;
    answer->launch = s->launch;
    if (s->null.refused(&refused) > 0 && refused) {
        answer->status = ATTN_SUBJECT_TOO_BIG;
        snprintf(answer->message, sizeof answer->message, "the null runtime does not provide %.200s", refused);
    }
}

static void compute(void *context)
{
    const struct request *r = context;
    struct ggml_subject *s = r->s;
    build(s, r->p);
    if (!r->device->backend)
        r->device->backend = s->abi.backend_dev_init(r->device->device, NULL);
    if (!r->device->backend) {
        answer_with(r->answer, ATTN_SUBJECT_NO);
        snprintf(r->answer->message, sizeof r->answer->message, "ggml_backend_dev_init gives no backend");
        return;
    }
    if (!place(s, r->device)) {
        answer_with(r->answer, ATTN_SUBJECT_TOO_BIG);
        return;
    }
    s->abi.graph_clear(s->graph);
    s->abi.build_forward_expand(s->graph, s->node.node);
    int status = s->abi.backend_graph_compute(r->device->backend, s->graph);
    if (status != GGML_STATUS_OK) {
        r->answer->status = ATTN_SUBJECT_NO;
        snprintf(r->answer->message, sizeof r->answer->message, "ggml_backend_graph_compute returns %d", status);
    }
}

static void ggml_dispatch(struct attn_subject *base, int number, const struct attn_problem *p,
                          struct attn_subject_answer *answer)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    struct request request = { s, &s->device[number], p, answer };
    bool unwound;
    answer_with(answer, ATTN_SUBJECT_YES);
    s->null.reset();
    s->log[0] = 0;
    int what = attn_trap_run(&s->trap, compute, &request, &unwound);
    read_launches(s, answer);
    if (!what)
        return;
    trapped(s, request.device, what, unwound, answer);
    /* The devices' memory is only so large, and host memory stands for it: not the subject's fault. */
    if (answer->status == ATTN_SUBJECT_ABORTED && strstr(answer->message, "out of memory"))
        answer->status = ATTN_SUBJECT_TOO_BIG;
}

static bool ggml_legal(const struct attn_subject *base, const struct attn_problem *p, const char **why)
{
    return ggml_node_legal(&((const struct ggml_subject *)base)->abi, p, why);
}

/* ---- What runs where ------------------------------------------------------------------------------------------ */

static bool ggml_is_attention(const struct attn_subject *base, const char *kernel)
{
    /* ggml's names (ggml, src/ggml-cuda/fattn-*.cuh): flash_attn_tile, flash_attn_ext_vec, flash_attn_ext_f16;
     * helpers are flash_attn_mask_to_KV_max, flash_attn_combine_results, flash_attn_stream_k_fixup_*. */
    (void)base;
    return (strstr(kernel, "attn") || strstr(kernel, "attention")) && !strstr(kernel, "mask_to_KV_max") &&
           !strstr(kernel, "combine") && !strstr(kernel, "fixup");
}

static bool ggml_has_code(const struct attn_subject *base, int device)
{
    const struct ggml_subject *s = (const struct ggml_subject *)base;
    return !s->code || s->device[device].has_code;
}

/* The kernel's code for the device; remembered, since names are looked up by text. */
static const struct attn_code_kernel *code_of(struct ggml_subject *s, int device, const struct attn_subject_launch *launch)
{
    uint64_t hash = ((uint64_t)(uintptr_t)launch->id >> 3) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)device * 0x51ed27;
    for (size_t at = (hash >> 40) & (FITS - 1), tries = 0; tries < 64; at = (at + 1) & (FITS - 1), tries++) {
        struct fit *fit = &s->fit[at];
        if (fit->id == launch->id && fit->device == device)
            return fit->kernel;
        if (!fit->id && s->n_fits < FITS / 2) {
            s->n_fits++;
            fit->id = launch->id;
            fit->device = device;
            fit->kernel = attn_code_find(s->code, launch->kernel, s->base.device[device].name);
            return fit->kernel;
        }
    }
    return attn_code_find(s->code, launch->kernel, s->base.device[device].name);
}

static int ggml_unfit(struct attn_subject *base, int number, const struct attn_subject_launch *launch, char *text, size_t cap)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    const struct attn_device *d = &base->device[number];
    const struct attn_code_kernel *code = NULL;
    uint64_t threads = (uint64_t)launch->block[0] * launch->block[1] * launch->block[2];
    for (int i = 0; i < 3; i++)
        if (launch->grid[i] == 0 || launch->grid[i] > d->max_grid[i]) {
            snprintf(text, cap, "a grid of %" PRIu32 " x %" PRIu32 " x %" PRIu32 " workgroups, the device takes 1 to %"
                     PRIu32 " x %" PRIu32 " x %" PRIu32, launch->grid[0], launch->grid[1], launch->grid[2],
                     d->max_grid[0], d->max_grid[1], d->max_grid[2]);
            return ATTN_UNFIT_GRID;
        }
    if (threads == 0 || threads > (uint64_t)d->max_threads) {
        snprintf(text, cap, "%" PRIu64 " threads, the device takes 1 to %d", threads, d->max_threads);
        return ATTN_UNFIT_THREADS;
    }
    uint64_t lds = launch->lds_dynamic_bytes;
    if (s->code) {
        if (!s->device[number].has_code) {
            snprintf(text, cap, "the library has no code for %s", d->name);
            return ATTN_UNFIT_NO_DEVICE;
        }
        code = code_of(s, number, launch);
        if (!code) {
            snprintf(text, cap, "the library has code for %s, but not of this kernel", d->name);
            return ATTN_UNFIT_NO_CODE;
        }
        if (code->body == ATTN_CODE_BODY_EMPTY || code->body == ATTN_CODE_BODY_TRAP) {
            snprintf(text, cap, "the kernel's code for %s is a stub: it %s (%" PRId64 " bytes)", d->name,
                     code->body == ATTN_CODE_BODY_EMPTY ? "ends at once" : "never ends but by a trap", code->code_bytes);
            return ATTN_UNFIT_STUB;
        }
        if (code->max_threads > 0 && threads > (uint64_t)code->max_threads) {
            snprintf(text, cap, "%" PRIu64 " threads, the kernel was compiled for at most %d", threads, code->max_threads);
            return ATTN_UNFIT_THREADS;
        }
        if (code->wave_size > 0 && code->wave_size != d->wave_size) {
            snprintf(text, cap, "compiled for waves of %d, the device has %d", code->wave_size, d->wave_size);
            return ATTN_UNFIT_WAVE;
        }
        lds += code->lds_bytes > 0 ? (uint64_t)code->lds_bytes : 0;
    }
    if (lds > (uint64_t)d->lds_bytes) {
        snprintf(text, cap, "%" PRIu64 " bytes of LDS, the device has %d", lds, d->lds_bytes);
        return ATTN_UNFIT_LDS;
    }
    return ATTN_UNFIT_NOT;
}

/* ---- Opening -------------------------------------------------------------------------------------------------- */

static void ggml_close(struct attn_subject *base)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    if (s->abi.log_set)
        s->abi.log_set(NULL, NULL);
    if (s->trapping) {
        /* The library stays loaded: its static objects and registered kernels do not all survive a second life. */
        for (int i = 0; i < base->n_devices; i++)
            if (s->device[i].arena && ATTN_TRAP(&s->trap) == 0) {
                s->abi.backend_buffer_free(s->device[i].arena);
                attn_trap_disarm(&s->trap);
            }
        s->abi.set_abort_callback(NULL);
        attn_trap_remove(&s->trap);
    }
    if (s->tensors)
        s->abi.free(s->tensors);
    if (s->graphs)
        s->abi.free(s->graphs);
    attn_code_close(s->code);
    free(s->tensor_memory);
    ggml_libraries_close(&s->libraries);
    free(s);
}

/* ggml logs why before it aborts: "ROCm error: invalid launch configuration", then where. The first line is kept, and
 * said with the abort. */
static void on_log(int level, const char *text, void *user)
{
    struct ggml_subject *s = user;
    if (level != GGML_LEVEL_ERROR || s->log[0])
        return;
    size_t used = strcspn(text, "\n");
    if (used >= sizeof s->log)
        used = sizeof s->log - 1;
    for (size_t i = 0; i < used; i++)
        s->log[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : ' ';
    s->log[used] = 0;
}

static bool find_null(struct null_hip *null, void *library, char *error, size_t cap)
{
    const struct { const char *name; void *to; } functions[] = {
        { "null_hip_launches", &null->launches },   { "null_hip_reset", &null->reset },
        { "null_hip_lost", &null->lost },           { "null_hip_refused", &null->refused },
        { "null_hip_devices", &null->devices },     { "null_hip_device", &null->device },
        { "null_hip_move_data", &null->move_data }, { "null_hip_hold_launches", &null->hold_launches },
        { "null_hip_say_errors", &null->say_errors }, { "hipGetLastError", &null->last_error },
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *at = dlsym(library, functions[i].name);
        if (!at) {
            snprintf(error, cap, "it is bound to a HIP runtime that is not the null runtime (no %s)", functions[i].name);
            return false;
        }
        memcpy(functions[i].to, &at, sizeof at);
    }
    return true;
}

/* The planner's description of the device that the null runtime calls so ("gfx942", "gfx942~lds/2"). */
static bool describe(const char *name, struct attn_device *device)
{
    char row[sizeof device->name];
    size_t len = strcspn(name, "~");
    if (len >= sizeof row)
        return false;
    memcpy(row, name, len);
    row[len] = 0;
    const struct attn_device *found = attn_device_find(row);
    if (!found)
        return false;
    *device = *found;
    if (name[len] == '~')
        for (int w = 0; w < attn_weakening_count(); w++) {
            const char *what;
            struct attn_device weaker;
            if (attn_device_weaken(found, w, &weaker, &what) && !strcmp(what, name + len + 1)) {
                *device = weaker;
                memcpy(device->name, found->name, sizeof device->name);
                return true;
            }
        }
    return true;
}

static enum attn_ggml_open open_devices(struct ggml_subject *s, char *error, size_t cap)
{
    struct ggml_backend_reg *reg = s->abi.backend_cuda_reg ? s->abi.backend_cuda_reg() : s->abi.backend_init();
    size_t n = reg ? s->abi.backend_reg_dev_count(reg) : 0;
    if (n == 0) {
        snprintf(error, cap, "the backend sees no device of the null runtime");
        return ATTN_GGML_LACKS;
    }
    for (size_t i = 0; i < n && i < ATTN_SUBJECT_DEVICES_MAX; i++) {
        struct ggml_device *device = &s->device[i];
        const char *name = s->null.device((int)i);
        if (!name || !describe(name, &s->base.device[i])) {
            snprintf(error, cap, "the backend's device %zu is no device of the null runtime", i);
            return ATTN_GGML_LACKS;
        }
        device->device = s->abi.backend_reg_dev_get(reg, i);
        device->backend = s->abi.backend_dev_init(device->device, NULL);
        device->type = s->abi.backend_dev_buffer_type(device->device);
        size_t unused = 0, total = 0;
        s->abi.backend_dev_memory(device->device, &unused, &total);
        int64_t most = (int64_t)(unused / 2) < ARENA_MOST ? (int64_t)(unused / 2) : ARENA_MOST;
        for (device->bytes = most / ALIGNMENT * ALIGNMENT; device->bytes >= ARENA_LEAST; device->bytes /= 2) {
            device->arena = s->abi.backend_buft_alloc_buffer(device->type, (size_t)device->bytes);
            if (device->arena)
                break;
        }
        if (!device->backend || !device->arena) {
            snprintf(error, cap, "the backend gives no %s on device %zu (%s)", device->arena ? "stream" : "memory", i, name);
            return ATTN_GGML_LACKS;
        }
        device->base = s->abi.backend_buffer_get_base(device->arena);
        s->abi.backend_buffer_set_usage(device->arena, GGML_USAGE_COMPUTE); /* nothing is cleared */
        device->has_code = s->code && attn_code_has_device(s->code, s->base.device[i].name);
        s->base.n_devices = (int)i + 1;
    }
    return ATTN_GGML_OPENED;
}

static enum attn_ggml_open open_backend(struct ggml_subject *s, char *error, size_t cap)
{
    if (!attn_trap_install(&s->trap, ATTN_SUBJECT_SECONDS)) {
        snprintf(error, cap, "another subject is open, or memory has run out");
        return ATTN_GGML_LACKS;
    }
    s->trapping = true;
    s->abi.set_abort_callback(attn_trap_abort);
    int what = ATTN_TRAP(&s->trap);
    if (what) {
        struct attn_subject_answer answer;
        trapped(s, NULL, what, false, &answer);
        snprintf(error, cap, "it %s while it was opened: %s", attn_subject_status_name(answer.status), answer.message);
        return ATTN_GGML_BAD_FILE;
    }
    enum attn_ggml_open result = ATTN_GGML_BAD_FILE;
    if (ggml_abi_probe(&s->abi, error, cap))
        result = open_devices(s, error, cap);
    if (result == ATTN_GGML_OPENED) {
        size_t bytes = s->abi.tensor_overhead() * GGML_NODE_TENSORS;
        s->tensor_memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
        s->tensors = s->tensor_memory ? s->abi.init((struct ggml_abi_init){ bytes, s->tensor_memory, true }) : NULL;
        s->graphs = s->abi.init((struct ggml_abi_init){ s->abi.graph_overhead_custom(32, false), NULL, true });
        s->graph = s->graphs ? s->abi.new_graph_custom(s->graphs, 32, false) : NULL;
        if (!s->tensors || !s->graph) {
            snprintf(error, cap, "memory has run out");
            result = ATTN_GGML_LACKS;
        }
    }
    attn_trap_disarm(&s->trap);
    return result;
}

enum attn_ggml_open attn_subject_ggml(const struct attn_ggml_options *options, struct attn_subject **subject, char *error,
                                      size_t cap)
{
    static const struct attn_subject_ops ops = { ggml_close, ggml_legal,        ggml_supports, ggml_dispatch,
                                                 ggml_unfit, ggml_is_attention, ggml_has_code };
    struct ggml_subject *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(error, cap, "memory has run out");
        return ATTN_GGML_LACKS;
    }
    s->base.ops = &ops;
    s->prec_f32 = !options->prec_default;
    setenv("GGML_CUDA_DISABLE_GRAPHS", "1", 1);
    enum attn_ggml_open result = ggml_libraries_open(&s->libraries, options->library, options->null_runtime, error, cap);
    if (result == ATTN_GGML_OPENED && !ggml_abi_load(&s->abi, s->libraries.backend, error, cap))
        result = ATTN_GGML_BAD_FILE;
    if (result == ATTN_GGML_OPENED && !find_null(&s->null, s->libraries.backend, error, cap))
        result = ATTN_GGML_LACKS;
    struct attn_code_error code_error;
    if (result == ATTN_GGML_OPENED && !options->no_code &&
        !(s->code = attn_code_open(options->library, NULL, &code_error))) {
        snprintf(error, cap, "its GPU code cannot be read: %s", code_error.text);
        result = ATTN_GGML_BAD_FILE;
    }
    if (result == ATTN_GGML_OPENED) {
        s->abi.log_set(on_log, s);
        s->null.move_data(false);
        s->null.say_errors(false);
        s->null.hold_launches(false); /* that is done here (ggml_unfit), with what it finds said as data */
        result = open_backend(s, error, cap);
    }
    if (result != ATTN_GGML_OPENED) {
        ggml_close(&s->base);
        return result;
    }
    const char *version = s->abi.version ? s->abi.version() : "of a version that it does not say";
    const char *file = strrchr(options->library, '/');
    snprintf(s->base.name, sizeof s->base.name, "ggml %.60s, %.80s", version, file ? file + 1 : options->library);
    *subject = &s->base;
    return ATTN_GGML_OPENED;
}
