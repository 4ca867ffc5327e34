/* alone.c: a backend that computes by itself: ggml's for the CPU, one on a GPU of this machine. There are no launches
 * to look at; what its results are is all there is.
 *
 * Where tensors are host memory, that is ours: each ends where its page does, as near as its alignment lets it, and
 * what lies behind may not be touched. Before and behind dst lies a pattern that has to stay, and the sources have to
 * stay as they were.
 *
 * A backend of threads is asked twice: with one thread, in this process, and with several, as ggml itself runs it, each
 * call in a process of its own (a fault in a thread of the library's is not to be left by a jump).
 *
 * Source: ggml, include/ggml-backend.h (ggml_backend_dev_buffer_from_host_ptr, ggml_backend_set_n_threads_t),
 * include/ggml-cpu.h.
 *
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "isa/isa.h"
#include "planner/arith.h"
#include "subjects/ggml/subject.h"

enum { SECONDS = 60, THREADS = 4, GUARD = 256, PATTERN = 0xff };
#define SLOT (INT64_C(64) << 20) /* bytes that a tensor may have */
#define PAGE INT64_C(4096)
#define KERNEL "flash_attn_ext" /* what has no launches is called */

/* ---- Places ---------------------------------------------------------------------------------------------- */

static char *slot_end(const struct ggml_device *device, int o) { return device->base + o * (SLOT + PAGE) + SLOT; }

/* A tensor's alignment: GPUs' kernels want that of buffers, the CPU's TENSOR_ALIGNMENT is 32 or 64. */
static int64_t alignment(const struct ggml_device *device) { return device->memory ? 64 : GGML_PLACE_ALIGNMENT; }

static char *place_of(const struct ggml_subject *s, const struct ggml_device *device, int o,
                      const struct ggml_tensor *tensor)
{
    const size_t bytes = s->abi.backend_buft_get_alloc_size(device->type, tensor);
    return bytes > SLOT / 2 ? NULL : slot_end(device, o) - attn_round_up((int64_t)bytes, alignment(device));
}

static bool give_places(struct ggml_subject *s, struct ggml_device *device)
{
    s->is_placed = true;
    for (int o = 0; o < ATTN_DST; o++) {
        char *at = s->node.base[o] ? place_of(s, device, o, s->node.base[o]) : NULL;
        if (at)
            s->abi.backend_tensor_alloc(device->arena, s->node.base[o], at);
        else if (s->node.base[o])
            return false;
    }
    for (int o = 0; o < ATTN_DST; o++)
        if (s->node.view[o])
            s->abi.backend_view_init(s->node.tensor[o]);
    char *dst = place_of(s, device, ATTN_DST, s->node.node);
    if (dst)
        s->abi.backend_tensor_alloc(device->arena, s->node.node, dst);
    return dst != NULL;
}

/* ---- A call ---------------------------------------------------------------------------------------------- */

struct computing {
    struct ggml_subject *s;
    struct ggml_device *device;
    const struct attn_problem *p;
    const struct attn_subject_data *data;
    struct attn_subject_answer *answer;
    struct attn_subject_ran *ran;
};

/* What of a base the caller's buffer has, from its first byte; *bytes of it. */
static const uint8_t *source_of(const struct computing *c, int o, size_t *bytes)
{
    const int64_t from = c->s->node.view[o] ? 0 : c->data->offset[o];
    *bytes = (size_t)attn_min(c->s->node.bytes[o], c->data->bytes[o] - from);
    return c->data->buffer[o] + from;
}

static void fill(const struct computing *c)
{
    struct ggml_subject *s = c->s;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const struct ggml_tensor *tensor = o == ATTN_DST ? s->node.node : s->node.base[o];
        if (tensor && c->device->memory) {
            char *at = place_of(s, c->device, o, tensor) - GUARD;
            memset(at, PATTERN, (size_t)(slot_end(c->device, o) - at));
        }
        size_t bytes;
        const uint8_t *from = tensor && o != ATTN_DST ? source_of(c, o, &bytes) : NULL;
        if (from)
            s->abi.backend_tensor_set(s->node.base[o], from, 0, bytes);
    }
    /* A result that is not written is one that is none. */
    if (!c->device->memory) {
        memset(c->data->dst, PATTERN, (size_t)attn_tensor_span(&c->p->t[ATTN_DST]));
        s->abi.backend_tensor_set(s->node.node, c->data->dst, 0, (size_t)attn_tensor_span(&c->p->t[ATTN_DST]));
    }
}

static void stop(const struct computing *c, int code, const char *what, const char *where, int64_t at)
{
    c->ran->stopped = 1;
    c->ran->stop = code;
    c->ran->launch.kernel = KERNEL;
    snprintf(c->ran->text, sizeof c->ran->text, "%s %s, byte %lld", what, where, (long long)at);
}

/* Is everything that is not dst as it was? */
static void look(const struct computing *c)
{
    const int64_t span = attn_tensor_span(&c->p->t[ATTN_DST]);
    const uint8_t *dst = (const uint8_t *)place_of(c->s, c->device, ATTN_DST, c->s->node.node);
    const uint8_t *end = (const uint8_t *)slot_end(c->device, ATTN_DST);
    for (const uint8_t *at = dst - GUARD; at < end; at = at == dst - 1 ? dst + span : at + 1)
        if (*at != PATTERN) {
            stop(c, ISA_STOP_GLOBAL_BOUNDS, "it writes outside of", "dst", at - dst);
            return;
        }
    for (int o = 0; o < ATTN_DST; o++) {
        size_t bytes;
        if (!c->s->node.base[o])
            continue;
        const uint8_t *was = source_of(c, o, &bytes);
        const uint8_t *is = (const uint8_t *)place_of(c->s, c->device, o, c->s->node.base[o]);
        for (size_t i = 0; memcmp(is, was, bytes) && i < bytes; i++)
            if (is[i] != was[i]) {
                stop(c, ISA_STOP_GLOBAL_READONLY, "it writes to", attn_operand_name(o), (int64_t)i);
                return;
            }
    }
}

static int compute_in_child(void *context)
{
    const struct computing *c = context;
    c->s->set_threads(c->device->backend, c->device->threads);
    return c->s->abi.backend_graph_compute(c->device->backend, c->s->graph);
}

/* In this process it may jump; in another one what happened there is said here. */
static void compute_graph(const struct computing *c)
{
    int status;
    if (c->device->threads == 0) {
        ggml_compute_graph(c->s, c->device, c->answer);
        return;
    }
    c->s->abi.graph_clear(c->s->graph);
    c->s->abi.build_forward_expand(c->s->graph, c->s->node.node);
    const int what = attn_trap_fork(&c->s->trap, compute_in_child, (void *)(uintptr_t)c, SECONDS, &status);
    if (what == ATTN_TRAP_LACKS) {
        attn_subject_answer_set(c->answer, ATTN_SUBJECT_TOO_BIG, ATTN_SUBJECT_MEMORY);
        snprintf(c->answer->message, sizeof c->answer->message, "the machine gives no process to compute it in");
    } else if (what) {
        ggml_trapped(c->s, NULL, what, true, c->answer);
    } else if (status != GGML_STATUS_OK) {
        attn_subject_answer_set(c->answer, ATTN_SUBJECT_NO, ATTN_SUBJECT_RETURNED);
        c->answer->why.number = status;
        snprintf(c->answer->message, sizeof c->answer->message, "ggml_backend_graph_compute returns %d", status);
    }
}

static void compute(void *context)
{
    const struct computing *c = context;
    ggml_compute_begin(c->s, c->device, c->p, c->answer);
    if (c->answer->status != ATTN_SUBJECT_YES)
        return;
    fill(c);
    compute_graph(c);
    if (c->answer->status != ATTN_SUBJECT_YES)
        return;
    c->s->abi.backend_tensor_get(c->s->node.node, c->data->dst, 0, (size_t)attn_tensor_span(&c->p->t[ATTN_DST]));
    c->ran->whole = 1;
    if (c->device->memory)
        look(c);
}

void ggml_alone_compute(struct attn_subject *base, int number, const struct attn_problem *p,
                        const struct attn_subject_data *data, struct attn_subject_answer *answer,
                        struct attn_subject_ran *ran)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    struct computing computing = { s, &s->device[number], p, data, answer, ran };
    bool unwound;
    attn_subject_answer_set(answer, ATTN_SUBJECT_YES, ATTN_SUBJECT_NO_REASON);
    memset(ran, 0, sizeof *ran);
    s->log[0] = 0;
    const int seconds = s->trap.seconds;
    s->trap.seconds = 2 * SECONDS; /* a child has its own limit */
    const int what = ggml_call(s, compute, &computing, &unwound);
    s->trap.seconds = seconds;
    if (what)
        ggml_trapped(s, computing.device, what, unwound, answer);
    if (answer->status == ATTN_SUBJECT_ABORTED && answer->why.reason == ATTN_SUBJECT_MEMORY)
        answer->status = ATTN_SUBJECT_TOO_BIG;
}

void ggml_alone_dispatch(struct attn_subject *base, int number, const struct attn_problem *p,
                         struct attn_subject_answer *answer)
{
    (void)base, (void)number, (void)p;
    attn_subject_answer_set(answer, ATTN_SUBJECT_YES, ATTN_SUBJECT_NO_REASON);
}

/* ---- Devices --------------------------------------------------------------------------------------------- */

/* Host memory of ours, with pages between slots that nobody may touch. */
static bool own_memory(struct ggml_subject *s, struct ggml_device *device)
{
    const struct ggml_abi *abi = &s->abi;
    if (!abi->backend_dev_buffer_from_host_ptr || !abi->backend_buft_is_host ||
        !abi->backend_buft_is_host(device->type))
        return false;
    /* Shared: what a child computes is to be seen. */
    char *memory =
        mmap(NULL, (size_t)device->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        mprotect(memory + o * (SLOT + PAGE) + SLOT, (size_t)PAGE, PROT_NONE);
    device->arena = abi->backend_dev_buffer_from_host_ptr(device->device, memory, (size_t)device->bytes, (size_t)SLOT);
    if (!device->arena) {
        munmap(memory, (size_t)device->bytes);
        return false;
    }
    device->memory = memory;
    return true;
}

static void name_device(struct ggml_subject *s, int number)
{
    const struct ggml_device *device = &s->device[number];
    const char *said = s->abi.backend_dev_name ? s->abi.backend_dev_name(device->device) : NULL;
    char *name = s->base.device[number].name;
    const size_t cap = sizeof s->base.device[number].name;
    snprintf(name, cap, "%s", said && *said ? said : "device");
    for (char *c = name; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == ',')
            *c = '_';
    if (device->threads)
        snprintf(name + strnlen(name, cap - 4), 4, "x%d", device->threads);
}

static bool open_device(struct ggml_subject *s, struct ggml_backend_reg *reg, size_t i, char *error, size_t cap)
{
    const int number = s->base.n_devices;
    struct ggml_device *device = &s->device[number];
    device->device = s->abi.backend_reg_dev_get(reg, i);
    device->backend = s->abi.backend_dev_init(device->device, NULL);
    device->type = s->abi.backend_dev_buffer_type(device->device);
    device->bytes = ATTN_OPERAND_COUNT * (SLOT + PAGE);
    if (!own_memory(s, device))
        device->arena = s->abi.backend_buft_alloc_buffer(device->type, (size_t)device->bytes);
    if (!device->backend || !device->arena) {
        snprintf(error, cap, "the backend gives no %s on device %zu", device->backend ? "memory" : "stream", i);
        return false;
    }
    device->base = device->memory ? device->memory : s->abi.backend_buffer_get_base(device->arena);
    s->abi.backend_buffer_set_usage(device->arena, GGML_USAGE_COMPUTE);
    device->has_code = true;
    name_device(s, number);
    s->base.n_devices++;
    return true;
}

/* The same device with threads. */
static void open_threads(struct ggml_subject *s)
{
    const int number = s->base.n_devices;
    if (!s->set_threads || number == 0 || number == ATTN_SUBJECT_DEVICES_MAX || !s->device[number - 1].memory)
        return;
    struct ggml_device *device = &s->device[number];
    *device = s->device[number - 1];
    device->threads = THREADS;
    device->backend = NULL;
    name_device(s, number);
    s->base.n_devices++;
}

enum attn_subject_open ggml_alone_open(struct ggml_subject *s, struct ggml_backend_reg *reg, char *error, size_t cap)
{
    const struct ggml_abi *abi = &s->abi;
    s->place = give_places;
    if (!abi->backend_tensor_set || !abi->backend_tensor_get) {
        snprintf(error, cap, "it has no ggml_backend_tensor_set and _get");
        return ATTN_SUBJECT_BAD_FILE;
    }
    const size_t n = reg ? abi->backend_reg_dev_count(reg) : 0;
    void *at = abi->backend_reg_get_proc_address && n
                   ? abi->backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads")
                   : NULL;
    memcpy(&s->set_threads, &at, sizeof at);
    if (n == 0) {
        snprintf(error, cap, "the backend sees no device on this machine");
        return ATTN_SUBJECT_LACKS;
    }
    for (size_t i = 0; i < n && s->base.n_devices < ATTN_SUBJECT_DEVICES_MAX; i++) {
        if (!open_device(s, reg, i, error, cap))
            return ATTN_SUBJECT_LACKS;
        open_threads(s);
    }
    return ATTN_SUBJECT_OPENED;
}
