/* subject.c: a ggml HIP backend as a subject: asked through ggml's public interface, its aborts trapped, its launches
 * read from the null runtime, and held against the code that the library has. Opening one: open.c.
 *
 * Source of what ggml does: ggml, include/ggml.h, include/ggml-backend.h, src/ggml.c (ggml_flash_attn_ext, ggml_abort),
 * src/ggml-backend.cpp (ggml_backend_tensor_alloc).
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "planner/arith.h"
#include "planner/hash.h"
#include "subjects/ggml/subject.h"
#include "subjects/ggml/words.h"

/* ---- Asking ---------------------------------------------------------------------------------------------- */

/* What a trapped call left behind is not used again: the node is rebuilt and, where it was not unwound, the backend
 * made anew. The old one is freed, so that its pool of device memory is; where the pool finds memory that the lost call
 * still holds, it aborts, and that memory alone is lost. */
void ggml_free_backend(struct ggml_subject *s, struct ggml_device *device)
{
    struct ggml_backend *backend = device->backend;
    device->backend = NULL;
    device->dry = false;
    if (!backend)
        return;
    if (ATTN_TRAP(&s->trap) == 0) {
        s->abi.backend_free(backend);
        attn_trap_disarm(&s->trap);
    } else if (s->null.left) {
        s->null.left();
    }
}

int ggml_call(struct ggml_subject *s, void (*call)(void *), void *context, bool *unwound)
{
    const int what = attn_trap_run(&s->trap, call, context, unwound);
    if (what && !*unwound && s->null.left) /* out of a launch that ran, say, with the runtime's lock held */
        s->null.left();
    return what;
}

void ggml_trapped(struct ggml_subject *s, struct ggml_device *device, int what, bool unwound,
                  struct attn_subject_answer *answer)
{
    s->is_built = false;
    switch (what) {
    case ATTN_TRAP_ABORT: ggml_words_read(s->trap.message, s->log, answer); break;
    case ATTN_TRAP_SIGNAL:
        answer->status = ATTN_SUBJECT_CRASHED;
        answer->why = (struct attn_subject_why){ .reason = ATTN_SUBJECT_SIGNAL, .number = (int32_t)s->trap.number };
        snprintf(answer->message, sizeof answer->message, "%s", attn_trap_signal_name(s->trap.number));
        break;
    default:
        answer->status = ATTN_SUBJECT_HUNG;
        answer->why = (struct attn_subject_why){ .reason = ATTN_SUBJECT_NO_REASON };
        snprintf(answer->message, sizeof answer->message, "no answer within %d s", s->trap.limit);
    }
    /* A stream that captures would go on to. */
    if (s->null.captured)
        ggml_read_captured(s, answer);
    if ((!unwound || answer->captured.begun) && device)
        ggml_free_backend(s, device);
    if (s->null.last_error)
        s->null.last_error(); /* or the next call would be taken for the one that failed */
}

void ggml_build(struct ggml_subject *s, const struct attn_problem *p)
{
    if (s->is_built && !s->is_placed && attn_problem_equal(&s->built, p))
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
    for (int o = 0; o < GGML_NODE_SOURCES; o++) {
        if (!s->node.base[o])
            continue;
        if (s->node.bytes[o] > most - total - GGML_PLACE_ALIGNMENT - GGML_PLACE_GAP)
            return INT64_MAX;
        total += ggml_place_bytes(s->node.bytes[o]);
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
    for (int o = 0; o < GGML_NODE_SOURCES; o++) {
        if (!s->node.base[o])
            continue;
        s->abi.backend_tensor_alloc(device->arena, s->node.base[o], at);
        at += ggml_place_bytes(s->node.bytes[o]);
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
    ggml_build(r->s, r->p);
    bool yes = r->s->abi.backend_dev_supports_op(r->device->device, r->s->node.node);
    r->answer->status = yes ? ATTN_SUBJECT_YES : ATTN_SUBJECT_NO;
}

void ggml_supports(struct attn_subject *base, int number, const struct attn_problem *p,
                   struct attn_subject_answer *answer)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    struct request request = { s, &s->device[number], p, answer };
    bool unwound;
    attn_subject_answer_set(answer, ATTN_SUBJECT_NO, ATTN_SUBJECT_NO_REASON);
    s->log[0] = 0;
    int what = ggml_call(s, ask, &request, &unwound);
    if (what)
        ggml_trapped(s, request.device, what, unwound, answer);
}

void ggml_read_captured(const struct ggml_subject *s, struct attn_subject_answer *answer)
{
    struct null_hip_captured from;
    s->null.captured(&from);
    answer->captured = (struct attn_subject_captured){ from.begun, from.replays, from.forbidden, from.entry };
}

void ggml_launch_set(struct attn_subject_launch *to, const struct null_hip_launch *from)
{
    to->kernel = from->kernel;
    to->id = from->function;
    memcpy(to->grid, from->grid, sizeof to->grid);
    memcpy(to->block, from->block, sizeof to->block);
    to->lds_dynamic_bytes = from->lds_dynamic;
}

/* Reads what was launched since the last reset into the answer. */
static void read_launches(struct ggml_subject *s, struct attn_subject_answer *answer)
{
    size_t n;
    const struct null_hip_launch *from = s->null.launches(&n);
    const char *refused = NULL;
    if (n > GGML_LAUNCHES_MAX || s->null.lost() > 0) {
        if (answer->status == ATTN_SUBJECT_YES) {
            answer->status = ATTN_SUBJECT_TOO_BIG;
            answer->why.reason = ATTN_SUBJECT_LAUNCHES;
        }
        n = n > GGML_LAUNCHES_MAX ? GGML_LAUNCHES_MAX : n;
    }
    for (size_t i = 0; i < n; i++)
        ggml_launch_set(&s->launch[i], &from[i]);
    answer->n_launches = n;
    answer->launch = s->launch;
    if (s->null.refused(&refused) > 0 && refused) {
        answer->status = ATTN_SUBJECT_TOO_BIG;
        answer->why = (struct attn_subject_why){ .reason = ATTN_SUBJECT_NOT_PROVIDED };
        snprintf(answer->message, sizeof answer->message, "the null runtime does not provide %.200s", refused);
    }
}

void ggml_compute_begin(struct ggml_subject *s, struct ggml_device *device, const struct attn_problem *p,
                        struct attn_subject_answer *answer)
{
    const int number = (int)(device - s->device);
    if (s->keep && device->backend && s->is_placed && s->placed_on == number && attn_problem_equal(&s->built, p))
        return;
    ggml_build(s, p);
    if (!device->backend)
        device->backend = s->abi.backend_dev_init(device->device, NULL);
    if (device->backend && s->set_threads)
        s->set_threads(device->backend, 1);
    s->placed_on = number;
    if (!device->backend) {
        attn_subject_answer_set(answer, ATTN_SUBJECT_NO, ATTN_SUBJECT_NO_BACKEND);
        snprintf(answer->message, sizeof answer->message, "ggml_backend_dev_init gives no backend");
    } else if (!(s->place ? s->place(s, device) : place(s, device))) {
        attn_subject_answer_set(answer, ATTN_SUBJECT_TOO_BIG, ATTN_SUBJECT_MEMORY);
    }
}

void ggml_keep(struct attn_subject *base, bool on) { ((struct ggml_subject *)base)->keep = on; }

void ggml_forget(struct attn_subject *base, int number)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    s->is_built = false;
    ggml_free_backend(s, &s->device[number]);
}

void ggml_compute_graph(struct ggml_subject *s, struct ggml_device *device, struct attn_subject_answer *answer)
{
    s->abi.graph_clear(s->graph);
    s->abi.build_forward_expand(s->graph, s->node.node);
    int status = s->abi.backend_graph_compute(device->backend, s->graph);
    if (status != GGML_STATUS_OK) {
        attn_subject_answer_set(answer, ATTN_SUBJECT_NO, ATTN_SUBJECT_RETURNED);
        answer->why.number = status;
        snprintf(answer->message, sizeof answer->message, "ggml_backend_graph_compute returns %d", status);
    }
}

static void compute(void *context)
{
    const struct request *r = context;
    ggml_compute_begin(r->s, r->device, r->p, r->answer);
    if (r->answer->status == ATTN_SUBJECT_YES)
        ggml_compute_graph(r->s, r->device, r->answer);
}

void ggml_dispatch(struct attn_subject *base, int number, const struct attn_problem *p,
                   struct attn_subject_answer *answer)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    struct request request = { s, &s->device[number], p, answer };
    bool unwound;
    attn_subject_answer_set(answer, ATTN_SUBJECT_YES, ATTN_SUBJECT_NO_REASON);
    s->null.reset();
    s->log[0] = 0;
    int what = ggml_call(s, compute, &request, &unwound);
    read_launches(s, answer);
    ggml_read_captured(s, answer);
    request.device->dry = request.device->dry || answer->captured.begun;
    if (what)
        ggml_trapped(s, request.device, what, unwound, answer);
    /* The devices' memory is only so large, and host memory stands for it: not the subject's fault. */
    if (answer->status == ATTN_SUBJECT_ABORTED && answer->why.reason == ATTN_SUBJECT_MEMORY)
        answer->status = ATTN_SUBJECT_TOO_BIG;
}

bool ggml_legal(const struct attn_subject *base, const struct attn_problem *p, const char **why)
{
    return ggml_node_legal(&((const struct ggml_subject *)base)->abi, p, why);
}

/* ---- What runs where ------------------------------------------------------------------------------------- */

bool ggml_is_attention(struct attn_subject *base, const char *kernel)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    struct said *said = &s->said[attn_mix((uint64_t)(uintptr_t)kernel) & (GGML_NAMES - 1)];
    if (said->kernel != kernel)
        *said = (struct said){ kernel, ggml_words_attention(kernel) };
    return said->attention;
}

bool ggml_has_code(const struct attn_subject *base, int device)
{
    const struct ggml_subject *s = (const struct ggml_subject *)base;
    return !s->code || s->device[device].has_code;
}

static void look_up(struct ggml_subject *s, int device, const struct attn_subject_launch *launch, struct fit *fit)
{
    const struct attn_code_kernel *code = attn_code_find(s->code, launch->kernel, s->base.device[device].name);
    *fit = (struct fit){ .id = launch->id, .code = code, .device = device };
    if (!code)
        return;
    fit->max_threads = code->max_threads > 0 ? code->max_threads : 0;
    fit->lds_bytes = (int32_t)attn_max(0, attn_min(code->lds_bytes, INT32_MAX));
    fit->wave_size = code->wave_size > 0 ? (uint8_t)code->wave_size : 0;
    fit->body = (uint8_t)code->body;
}

/* The kernel's code for the device; remembered, since names are looked up by text. `once` serves where there is no
 * room. */
static const struct fit *code_of(struct ggml_subject *s, int device, const struct attn_subject_launch *launch,
                                 struct fit *once)
{
    const uint64_t hash = attn_hash_u64((uint64_t)device, (uint64_t)(uintptr_t)launch->id);
    for (size_t at = hash & (GGML_FITS - 1), tries = 0; tries < 64; at = (at + 1) & (GGML_FITS - 1), tries++) {
        struct fit *fit = &s->fit[at];
        if (fit->id == launch->id && fit->device == device)
            return fit;
        if (!fit->id && s->n_fits < GGML_FITS / 2) {
            s->n_fits++;
            look_up(s, device, launch, fit);
            return fit;
        }
    }
    look_up(s, device, launch, once);
    return once;
}

int ggml_unfit(struct attn_subject *base, int number, const struct attn_subject_launch *launch, char *text, size_t cap)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    const struct attn_device *d = &base->device[number];
    struct fit once;
    uint64_t threads = (uint64_t)launch->block[0] * launch->block[1] * launch->block[2];
    int beyond = attn_unfit_device(d, launch, 0, text, cap);
    if (beyond)
        return beyond;
    uint64_t lds = launch->lds_dynamic_bytes;
    if (s->code) {
        if (!s->device[number].has_code) {
            snprintf(text, cap, "the library has no code for %s", d->name);
            return ATTN_UNFIT_NO_DEVICE;
        }
        const struct fit *fit = code_of(s, number, launch, &once);
        if (!fit->code) {
            snprintf(text, cap, "the library has code for %s, but not of this kernel", d->name);
            return ATTN_UNFIT_NO_CODE;
        }
        if (fit->body == ATTN_CODE_BODY_EMPTY || fit->body == ATTN_CODE_BODY_TRAP) {
            snprintf(text, cap, "the kernel's code for %s is a stub: it %s (%" PRId64 " bytes)", d->name,
                     fit->body == ATTN_CODE_BODY_EMPTY ? "ends at once" : "never ends but by a trap",
                     fit->code->code_bytes);
            return ATTN_UNFIT_STUB;
        }
        if (fit->max_threads && threads > (uint64_t)fit->max_threads) {
            snprintf(text, cap, "%" PRIu64 " threads, the kernel was compiled for at most %d", threads,
                     fit->max_threads);
            return ATTN_UNFIT_THREADS;
        }
        if (fit->wave_size && fit->wave_size != d->wave_size) {
            snprintf(text, cap, "compiled for waves of %d, the device has %d", fit->wave_size, d->wave_size);
            return ATTN_UNFIT_WAVE;
        }
        lds += (uint64_t)fit->lds_bytes;
    }
    return attn_unfit_device(d, launch, lds, text, cap);
}
