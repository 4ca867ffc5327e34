/* open.c: opening and closing the ggml subject: the library beside the null runtime, its devices, its GPU code.
 *
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subjects/ggml/subject.h"

#define ARENA_MOST (INT64_C(8) << 30) /* bytes of device memory that a device's tensors get, but no more than half */
#define ARENA_LEAST (INT64_C(64) << 20)

static void ggml_close(struct attn_subject *base)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    if (s->abi.log_set)
        s->abi.log_set(NULL, NULL);
    if (s->trapping) {
        /* The library stays loaded: its static objects and registered kernels do not all survive a second life. */
        for (int i = 0; i < base->n_devices; i++)
            if (s->device[i].arena && s->device[i].threads == 0 && ATTN_TRAP(&s->trap) == 0) {
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
    const struct {
        const char *name;
        void *to;
    } functions[] = {
        { "null_hip_launches", &null->launches },
        { "null_hip_reset", &null->reset },
        { "null_hip_lost", &null->lost },
        { "null_hip_refused", &null->refused },
        { "null_hip_devices", &null->devices },
        { "null_hip_device", &null->device },
        { "null_hip_move_data", &null->move_data },
        { "null_hip_hold_launches", &null->hold_launches },
        { "null_hip_say_errors", &null->say_errors },
        { "null_hip_left", &null->left },
        { "hipGetLastError", &null->last_error },
        { "null_hip_execute", &null->execute },
        { "null_hip_ran", &null->ran },
        { "null_hip_roles", &null->roles },
        { "null_hip_captured", &null->captured },
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *at = dlsym(library, functions[i].name);
        if (!at) {
            snprintf(error, cap, "it is bound to a HIP runtime that is not the null runtime (no %s)",
                     functions[i].name);
            return false;
        }
        memcpy(functions[i].to, &at, sizeof at);
    }
    return true;
}

/* The planner's description of the device that the null runtime calls so ("gfx942", "gfx942~lds/2"). */
static bool describe(const char *name, struct attn_device *device)
{
    int row, weakening;
    if (!attn_device_named(name, strlen(name), &row, &weakening))
        return false;
    *device = *attn_device(row);
    if (weakening >= 0)
        attn_device_weaken(attn_device(row), weakening, device, NULL);
    return true;
}

static enum attn_subject_open open_devices(struct ggml_subject *s, char *error, size_t cap)
{
    const struct ggml_abi *abi = &s->abi;
    struct ggml_backend_reg *reg = abi->backend_cuda_reg ? abi->backend_cuda_reg()
                                   : abi->backend_init   ? abi->backend_init()
                                                         : abi->backend_cpu_reg();
    if (s->base.alone)
        return ggml_alone_open(s, reg, error, cap);
    size_t n = reg ? s->abi.backend_reg_dev_count(reg) : 0;
    if (n == 0) {
        snprintf(error, cap, "the backend sees no device of the null runtime");
        return ATTN_SUBJECT_LACKS;
    }
    for (size_t i = 0; i < n && i < ATTN_SUBJECT_DEVICES_MAX; i++) {
        struct ggml_device *device = &s->device[i];
        const char *name = s->null.device((int)i);
        if (!name || !describe(name, &s->base.device[i])) {
            snprintf(error, cap, "the backend's device %zu is no device of the null runtime", i);
            return ATTN_SUBJECT_LACKS;
        }
        device->device = s->abi.backend_reg_dev_get(reg, i);
        device->backend = s->abi.backend_dev_init(device->device, NULL);
        device->type = s->abi.backend_dev_buffer_type(device->device);
        size_t unused = 0, total = 0;
        s->abi.backend_dev_memory(device->device, &unused, &total);
        int64_t most = (int64_t)(unused / 2) < ARENA_MOST ? (int64_t)(unused / 2) : ARENA_MOST;
        device->bytes = most / GGML_PLACE_ALIGNMENT * GGML_PLACE_ALIGNMENT;
        for (; device->bytes >= ARENA_LEAST; device->bytes /= 2) {
            device->arena = s->abi.backend_buft_alloc_buffer(device->type, (size_t)device->bytes);
            if (device->arena)
                break;
        }
        if (!device->backend || !device->arena) {
            snprintf(error, cap, "the backend gives no %s on device %zu (%s)", device->arena ? "stream" : "memory", i,
                     name);
            return ATTN_SUBJECT_LACKS;
        }
        device->base = s->abi.backend_buffer_get_base(device->arena);
        s->abi.backend_buffer_set_usage(device->arena, GGML_USAGE_COMPUTE); /* nothing is cleared */
        device->has_code = s->code && attn_code_has_device(s->code, s->base.device[i].name);
        s->base.n_devices = (int)i + 1;
    }
    return ATTN_SUBJECT_OPENED;
}

static enum attn_subject_open open_backend(struct ggml_subject *s, const volatile sig_atomic_t *hurry, char *error,
                                           size_t cap)
{
    if (!attn_trap_install(&s->trap, ATTN_SUBJECT_SECONDS)) {
        snprintf(error, cap, "another subject is open, or memory has run out");
        return ATTN_SUBJECT_LACKS;
    }
    s->trapping = true;
    s->trap.hurry = hurry;
    s->abi.set_abort_callback(attn_trap_abort);
    int what = ATTN_TRAP(&s->trap);
    if (what) {
        struct attn_subject_answer answer;
        ggml_trapped(s, NULL, what, false, &answer);
        snprintf(error, cap, "it %s while it was opened: %s", attn_subject_status_name(answer.status), answer.message);
        return ATTN_SUBJECT_BAD_FILE;
    }
    enum attn_subject_open result = ATTN_SUBJECT_BAD_FILE;
    if (ggml_abi_probe(&s->abi, error, cap))
        result = open_devices(s, error, cap);
    if (result == ATTN_SUBJECT_OPENED) {
        size_t bytes = s->abi.tensor_overhead() * GGML_NODE_TENSORS;
        s->tensor_memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
        s->tensors = s->tensor_memory ? s->abi.init((struct ggml_abi_init){ bytes, s->tensor_memory, true }) : NULL;
        s->graphs = s->abi.init((struct ggml_abi_init){ s->abi.graph_overhead_custom(32, false), NULL, true });
        s->graph = s->graphs ? s->abi.new_graph_custom(s->graphs, 32, false) : NULL;
        if (!s->tensors || !s->graph) {
            snprintf(error, cap, "memory has run out");
            result = ATTN_SUBJECT_LACKS;
        }
    }
    attn_trap_disarm(&s->trap);
    if (result == ATTN_SUBJECT_OPENED) {
        ggml_types_read(&s->abi, &s->trap, &s->types);
        s->base.types = s->types.list;
        s->base.says_prec = ggml_abi_says_prec(&s->abi);
        s->base.says_n_kv_max = s->abi.flash_attn_ext_set_n_kv_max != NULL;
        s->base.says_further = s->abi.sources_at != 0;
    }
    return result;
}

/* Sets the environment variable GGML_CUDA_DISABLE_GRAPHS: a graph that is replayed launches nothing that could be seen.
 * A process opens one such subject at a time. */
enum attn_subject_open attn_subject_open_ggml(const struct attn_subject_options *options, struct attn_subject **subject,
                                              char *error, size_t cap)
{
    static const struct attn_subject_ops ops = { ggml_close, ggml_legal,        ggml_supports, ggml_dispatch,
                                                 ggml_unfit, ggml_is_attention, ggml_has_code, ggml_compute,
                                                 ggml_keep,  ggml_forget };
    static const struct attn_subject_ops alone = { ggml_close, ggml_legal,        ggml_supports, ggml_alone_dispatch,
                                                   ggml_unfit, ggml_is_attention, ggml_has_code, ggml_alone_compute,
                                                   ggml_keep,  ggml_forget };
    char path[PATH_MAX];
    struct ggml_subject *s = calloc(1, sizeof *s);
    if (!s) {
        snprintf(error, cap, "memory has run out");
        return ATTN_SUBJECT_LACKS;
    }
    s->base.ops = &ops;
    s->prec_f32 = !options->prec_default;
    if (!options->graphs)
        setenv("GGML_CUDA_DISABLE_GRAPHS", "1", 1);
    setenv("OMP_WAIT_POLICY", "passive", 0); /* threads of a call are not to spin beside those of others */
    enum attn_subject_open result = ggml_libraries_open(
        &s->libraries, options->argument, options->real_runtime ? NULL : options->null_runtime, path, error, cap);
    s->base.alone = !s->libraries.hip || options->real_runtime;
    if (s->base.alone)
        s->base.ops = &alone;
    if (result == ATTN_SUBJECT_OPENED && !ggml_abi_load(&s->abi, s->libraries.backend, error, cap))
        result = ATTN_SUBJECT_BAD_FILE;
    if (result == ATTN_SUBJECT_OPENED && !s->base.alone && !find_null(&s->null, s->libraries.backend, error, cap))
        result = ATTN_SUBJECT_LACKS;
    struct attn_code_error code_error;
    if (result == ATTN_SUBJECT_OPENED && !options->no_code && !s->base.alone &&
        !(s->code = attn_code_open(path, NULL, &code_error))) {
        snprintf(error, cap, "its GPU code cannot be read: %s", code_error.text);
        result = ATTN_SUBJECT_BAD_FILE;
    }
    if (result == ATTN_SUBJECT_OPENED) {
        s->abi.log_set(on_log, s);
        if (!s->base.alone) {
            s->null.move_data(false);
            s->null.say_errors(false);
            s->null.hold_launches(false); /* that is done here (ggml_unfit), with what it finds said as data */
        }
        result = open_backend(s, options->hurry, error, cap);
    }
    if (result != ATTN_SUBJECT_OPENED) {
        ggml_close(&s->base);
        return result;
    }
    const char *version = s->abi.version ? s->abi.version() : "of a version that it does not say";
    snprintf(s->base.name, sizeof s->base.name, "ggml %.60s, %.80s", version, strrchr(path, '/') + 1);
    *subject = &s->base;
    return ATTN_SUBJECT_OPENED;
}
