/* imitation_ggml.c: a HIP backend that looks like ggml's from outside, with a small router and, where the environment
 * asks for it (IMITATION_FAULT), planted faults. Built as a shared library that needs libamdhip64.so.6, for the tests
 * of attnfuzz check; included with IMITATION_WITHOUT_HIP it is only what builds nodes, and with IMITATION_COMPUTES what
 * runs them is imitation_amd.hip.
 *
 * The router: head sizes 64, 128 and 256 with K and V of one type, f16 or q8_0, and no mask of several heads. Faults:
 *   abort    with D=256, f16 and a mask that is not exactly as wide as K is long it says yes and aborts: the fault that
 *            attnfuzz began with
 *   crash    a division by zero with n_q of 3
 *   hang     it does not come back with ten KV heads
 *   silent   with sinks it launches nothing
 *   failed   with softcap it returns an error
 *   grid     a grid of no workgroups with n_kv of 100
 *   threads  2048 threads with q8_0
 *   stride   it looks at strides of dimensions of extent 1
 *   fickle   every other answer on D=128 with ALiBi is no
 *   capture  beside imitation_graphs.c: the conversion is not launched in the stream that captures
 *   ask      asking about D=64 with three sequences aborts
 *   second   as abort, with more than one query row, from another line
 *   many     with 3,000 heads of sequences and more it aborts
 *   gone     the process ends with D=256, one query row, one key and a softcap
 *   moved    no fault: the lines in its messages are others, as in another version of it
 *
 * With IMITATION_FORK it is a fork with two types of its own, tq4_x, which it reads and writes, and vq2_x, which it
 * writes alone; it has n_kv_max, and prec by its newer function only; a further source it takes but of f16. Its faults:
 *   tq4      with tq4_x and a mask wider than K is long it aborts
 *   vq2      with a V of vq2_x and n_kv of 100 a grid of no workgroups
 *   keys     with n_kv_max of no more than 4 it returns an error
 *   prec     with the default precision it launches nothing
 *   source   with a further source it aborts
 *   index    with one of integers for each score, and several query rows, a grid of no workgroups
 * With IMITATION_OLD it is a version from before all that: without prec, sinks and traits; asked about a type past its
 * table's last it reads what is behind.
 *
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include "tests/support/imitation_ggml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEVICES_MAX = 16, TENSORS_MAX = 64 };

/* ---- HIP, as far as it is used (HIP, hip_runtime_api.h; the fat binary's wrapper: LLVM, CGCUDANV.cpp) ---- */

struct dim3 {
    uint32_t x, y, z;
};
#ifndef IMITATION_WITHOUT_HIP
int hipGetDeviceCount(int *n);
int hipSetDevice(int device);
int hipMalloc(void **at, size_t bytes);
int hipFree(void *at);
int hipLaunchKernel(const void *function, struct dim3 grid, struct dim3 block, void **arguments, size_t lds,
                    void *stream);
void **__hipRegisterFatBinary(const void *wrapper);
void __hipRegisterFunction(void **image, const void *host, char *device_function, const char *name,
                           unsigned thread_limit, void *thread, void *block, void *block_size, void *grid_size,
                           int *wave_size);

void *imitation_stream; /* in which kernels are launched; imitation_graphs.c has another than the null one */

#ifndef IMITATION_COMPUTES
static const char bundle[32] = "__CLANG_OFFLOAD_BUNDLE__"; /* and the number of entries: 0 */
static const struct {
    uint32_t magic, version;
    const void *binary;
    void *unused;
} wrapper = { 0x48495046, 1, bundle, NULL };
static const char attention, convert; /* their addresses stand for kernels */

__attribute__((constructor)) static void register_kernels(void)
{
    void **image = __hipRegisterFatBinary(&wrapper);
    char names[2][32] = { "_Z15flash_attn_tilePKfS0_", "_Z10convert_kvPKv" };
    __hipRegisterFunction(image, &attention, names[0], names[0], 0, NULL, NULL, NULL, NULL, NULL);
    __hipRegisterFunction(image, &convert, names[1], names[1], 0, NULL, NULL, NULL, NULL, NULL);
}
#endif
#endif

/* ---- ggml.h ---------------------------------------------------------------------------------------------- */

struct ggml_context {
    int n;
    struct ggml_tensor tensor[TENSORS_MAX];
};
typedef void abort_callback(const char *message);

static abort_callback *on_abort;

static void fail(const char *message)
{
    if (on_abort)
        on_abort(message);
    abort();
}

enum { I32 = 26, TQ4_X = 42, VQ2_X = 43, TYPES = 64 };
static const struct {
    const char *name;
    int block;
    size_t bytes;
} types[TYPES] = {
#define X(NAME, name, elems, bytes, align, ggml) [ggml] = { #name, elems, bytes },
    ATTN_TYPES(X)
#undef X
#ifdef IMITATION_FORK
        [TQ4_X] = { "tq4_x", 128, 68 },
    [VQ2_X] = { "vq2_x", 64, 20 },
    [I32] = { "i32", 1, 4 },
#endif
};

#ifdef IMITATION_FORK

/* A scale, then numbers of `bits` bits around the middle. */
static void write_blocks(const float *x, void *to, int64_t n, int block, int bits)
{
    uint8_t *out = to;
    const int middle = 1 << (bits - 1), each = 8 / bits;
    for (; n > 0; n -= block, x += block, out += 4 + block / each) {
        float most = 0;
        for (int i = 0; i < block; i++)
            most = x[i] > most ? x[i] : -x[i] > most ? -x[i] : most;
        const float scale = most / (float)(middle - 1);
        memcpy(out, &scale, sizeof scale);
        memset(out + 4, 0, (size_t)(block / each));
        for (int i = 0; i < block; i++) {
            int q = scale > 0 ? (int)(x[i] / scale + (float)middle + 0.5f) : middle;
            q = q < 0 ? 0 : q >= 2 * middle ? 2 * middle - 1 : q;
            out[4 + i / each] |= (uint8_t)(q << i % each * bits);
        }
    }
}
static void tq4_from_float(const float *x, void *to, int64_t n) { write_blocks(x, to, n, 128, 4); }
static void vq2_from_float(const float *x, void *to, int64_t n) { write_blocks(x, to, n, 64, 2); }
static void tq4_to_float(const void *from, float *x, int64_t n)
{
    const uint8_t *in = from;
    for (; n > 0; n -= 128, x += 128, in += 68) {
        float scale;
        memcpy(&scale, in, sizeof scale);
        for (int i = 0; i < 128; i++)
            x[i] = (float)((in[4 + i / 2] >> i % 2 * 4 & 15) - 8) * scale;
    }
}

#endif

/* Declared here, since no header of ours does; the names are ggml's. */
#define PUBLIC(type, name, parameters) \
    type ggml_##name parameters;       \
    type ggml_##name parameters

PUBLIC(const char *, version, (void)) { return "0.0.0-imitation"; }
PUBLIC(abort_callback *, set_abort_callback, (abort_callback * callback))
{
    abort_callback *before = on_abort;
    on_abort = callback;
    return before;
}
PUBLIC(void, log_set, (void *callback, void *user)) { (void)callback, (void)user; }
const char *ggml_type_name(enum ggml_type type)
{
#ifdef IMITATION_OLD
    if ((unsigned)type >= TYPES)
        return (const char *)(uintptr_t)(16 + type); /* what happens to be there */
#endif
    return (unsigned)type < TYPES ? types[type].name : "NONE";
}
PUBLIC(size_t, type_size, (enum ggml_type type)) { return types[type].bytes; }
#ifdef IMITATION_FORK
struct ggml_type_traits {
    const char *type_name;
    int64_t blck_size, blck_size_interleave;
    size_t type_size;
    bool is_quantized;
    void (*to_float)(const void *, float *, int64_t);
    void (*from_float_ref)(const float *, void *, int64_t);
};
PUBLIC(const struct ggml_type_traits *, get_type_traits, (enum ggml_type type))
{
    static const struct ggml_type_traits tq4 = { "tq4_x", 128, 0, 68, true, tq4_to_float, tq4_from_float };
    static const struct ggml_type_traits vq2 = { "vq2_x", 64, 0, 20, true, NULL, vq2_from_float };
    static const struct ggml_type_traits none = { .type_name = "" };
    return (int)type == TQ4_X ? &tq4 : (int)type == VQ2_X ? &vq2 : &none;
}
#endif
int64_t ggml_blck_size(enum ggml_type type) { return types[type].block; }
PUBLIC(size_t, tensor_overhead, (void)) { return sizeof(struct ggml_tensor) + 32; }
PUBLIC(size_t, graph_overhead_custom, (size_t size, bool grads)) { return (void)grads, size * 64; }
PUBLIC(struct ggml_context *, init, (struct ggml_init_params params))
{
    return (void)params, calloc(1, sizeof(struct ggml_context));
}
PUBLIC(void, free, (struct ggml_context * ctx)) { free(ctx); }
PUBLIC(void, reset, (struct ggml_context * ctx)) { ctx->n = 0; }
/* Of a context, in the order that they were made; NULL past the last (imitation_program.c). */
PUBLIC(struct ggml_tensor *, tensor_number, (struct ggml_context * ctx, int index))
{
    return index < ctx->n ? &ctx->tensor[index] : NULL;
}

PUBLIC(struct ggml_tensor *, new_tensor_4d,
       (struct ggml_context * ctx, enum ggml_type type, int64_t a, int64_t b, int64_t c, int64_t d))
{
    if (ctx->n == TENSORS_MAX)
        fail("imitation_ggml.c:1: no room in the context");
    struct ggml_tensor *t = &ctx->tensor[ctx->n++];
    *t = (struct ggml_tensor){ .type = type, .ne = { a, b, c, d } };
    t->nb[0] = types[type].bytes;
    t->nb[1] = (size_t)(a / types[type].block) * t->nb[0];
    t->nb[2] = t->nb[1] * (size_t)b;
    t->nb[3] = t->nb[2] * (size_t)c;
    return t;
}
PUBLIC(struct ggml_tensor *, new_tensor_1d, (struct ggml_context * ctx, enum ggml_type type, int64_t n))
{
    return ggml_new_tensor_4d(ctx, type, n, 1, 1, 1);
}
PUBLIC(struct ggml_tensor *, view_4d,
       (struct ggml_context * ctx, struct ggml_tensor *of, int64_t a, int64_t b, int64_t c, int64_t d, size_t nb1,
        size_t nb2, size_t nb3, size_t offset))
{
    struct ggml_tensor *t = ggml_new_tensor_4d(ctx, of->type, a, b, c, d);
    t->nb[1] = nb1;
    t->nb[2] = nb2;
    t->nb[3] = nb3;
    t->view_src = of;
    t->view_offs = offset;
    return t;
}
PUBLIC(struct ggml_tensor *, flash_attn_ext,
       (struct ggml_context * ctx, struct ggml_tensor *q, struct ggml_tensor *k, struct ggml_tensor *v,
        struct ggml_tensor *mask, float scale, float max_bias, float softcap))
{
    const float parameters[] = { scale, max_bias, softcap };
    struct ggml_tensor *t = ggml_new_tensor_4d(ctx, GGML_TYPE_F32, v->ne[0], q->ne[2], q->ne[1], q->ne[3]);
    memcpy(t->op_params, parameters, sizeof parameters);
    t->op = 1;
    t->src[0] = q;
    t->src[1] = k;
    t->src[2] = v;
    t->src[3] = mask;
    return t;
}
#if defined(IMITATION_FORK)
PUBLIC(bool, prec_set_acc, (struct ggml_tensor * t, int prec))
{
    t->op_params[3] = prec;
    return true;
}
PUBLIC(void, flash_attn_ext_set_n_kv_max, (struct ggml_tensor * t, int32_t n)) { t->op_params[4] = n; }
#elif !defined(IMITATION_OLD)
PUBLIC(void, flash_attn_ext_set_prec, (struct ggml_tensor * t, int prec)) { t->op_params[3] = prec; }
#endif
#ifndef IMITATION_OLD
PUBLIC(void, flash_attn_ext_add_sinks, (struct ggml_tensor * t, struct ggml_tensor *sinks)) { t->src[4] = sinks; }
#endif
PUBLIC(struct ggml_cgraph *, new_graph_custom, (struct ggml_context * ctx, size_t size, bool grads))
{
    (void)size, (void)grads;
    static struct ggml_cgraph graph;
    return (void)ctx, &graph;
}
PUBLIC(void, graph_clear, (struct ggml_cgraph * graph)) { graph->node = NULL; }
PUBLIC(void, build_forward_expand, (struct ggml_cgraph * graph, struct ggml_tensor *node)) { graph->node = node; }

#ifndef IMITATION_WITHOUT_HIP

/* ---- ggml-backend.h -------------------------------------------------------------------------------------- */

struct device {
    int number;
};
struct ggml_backend_buffer {
    char *at;
    size_t bytes;
};

PUBLIC(void *, backend_cuda_reg, (void))
{
    static struct device devices[DEVICES_MAX];
    for (int i = 0; i < DEVICES_MAX; i++)
        devices[i].number = i;
    return devices;
}
PUBLIC(size_t, backend_reg_dev_count, (void *reg))
{
    int n = 0;
    return (void)reg, hipGetDeviceCount(&n) == 0 ? (size_t)n : 0;
}
PUBLIC(struct device *, backend_reg_dev_get, (struct device * reg, size_t index)) { return &reg[index]; }
PUBLIC(struct ggml_backend *, backend_dev_init, (struct device * device, const char *params))
{
    struct ggml_backend *backend = calloc(1, sizeof *backend);
    if (backend)
        backend->device = device->number;
    return (void)params, backend;
}
PUBLIC(void, backend_free, (struct ggml_backend * backend))
{
    hipFree(backend->workspace);
    free(backend);
}
PUBLIC(void, backend_dev_memory, (struct device * device, size_t *unused, size_t *total))
{
    (void)device;
    *unused = *total = (size_t)1 << 33;
}
PUBLIC(struct device *, backend_dev_buffer_type, (struct device * device)) { return device; }
PUBLIC(struct ggml_backend_buffer *, backend_buft_alloc_buffer, (struct device * type, size_t bytes))
{
    struct ggml_backend_buffer *buffer = malloc(sizeof *buffer);
    void *at = NULL;
    if (buffer && (hipSetDevice(type->number) != 0 || hipMalloc(&at, bytes) != 0)) {
        free(buffer);
        return NULL;
    }
    if (buffer)
        *buffer = (struct ggml_backend_buffer){ at, bytes };
    return buffer;
}
PUBLIC(size_t, backend_buft_get_alloc_size, (struct device * type, const struct ggml_tensor *t))
{
    return (void)type, t->nb[3] * (size_t)t->ne[3];
}
PUBLIC(void, backend_buffer_free, (struct ggml_backend_buffer * buffer))
{
    hipFree(buffer->at);
    free(buffer);
}
PUBLIC(void *, backend_buffer_get_base, (struct ggml_backend_buffer * buffer)) { return buffer->at; }
PUBLIC(void, backend_buffer_set_usage, (struct ggml_backend_buffer * buffer, int usage)) { (void)buffer, (void)usage; }
PUBLIC(void, backend_tensor_alloc, (struct ggml_backend_buffer * buffer, struct ggml_tensor *t, void *at))
{
    if (t->data || (char *)at < buffer->at || (char *)at + t->nb[0] > buffer->at + buffer->bytes)
        fail("imitation_ggml.c:2: a tensor outside its buffer, or placed twice");
    t->data = at;
}
PUBLIC(void, backend_view_init, (struct ggml_tensor * t)) { t->data = (char *)t->view_src->data + t->view_offs; }

#if !defined(IMITATION_COMPUTES) || defined(IMITATION_CAPTURES)

static bool fault(const char *name)
{
    const char *wanted = getenv("IMITATION_FAULT"); /* names, with commas; no name is a part of another */
    /* Or by the library's own name, where two of them are asked at once: imitation-fault-NAME.so. */
    Dl_info self;
    if (dladdr((void *)(uintptr_t)fault, &self) && strstr(self.dli_fname, "imitation-fault-"))
        return strstr(strstr(self.dli_fname, "imitation-fault-"), name) != NULL;
    return wanted && strstr(wanted, name);
}

#endif
#ifndef IMITATION_COMPUTES

PUBLIC(bool, backend_dev_supports_op, (struct device * device, const struct ggml_tensor *t))
{
    const struct ggml_tensor *q = t->src[0], *k = t->src[1], *v = t->src[2], *mask = t->src[3];
    static unsigned asked;
    float max_bias;
    (void)device;
    memcpy(&max_bias, &t->op_params[1], sizeof max_bias);
    if (q->ne[0] != v->ne[0] || (q->ne[0] != 64 && q->ne[0] != 128 && q->ne[0] != 256))
        return false;
    if (k->type != v->type ||
        (k->type != GGML_TYPE_F16 && k->type != GGML_TYPE_Q8_0 && (int)k->type != TQ4_X && (int)k->type != VQ2_X))
        return false;
    if (mask && mask->ne[2] != 1)
        return false;
    if (t->src[5] && t->src[5]->type == GGML_TYPE_F16)
        return false;
    if (fault("stride") && k->nb[3] % 16)
        return false;
    if (fault("fickle") && q->ne[0] == 128 && max_bias > 0 && asked++ & 1)
        return false;
    if (fault("ask") && q->ne[0] == 64 && q->ne[3] == 3)
        fail(fault("moved") ? "/elsewhere/router.cpp:1077: GGML_ASSERT(n_seq != 3) failed"
                            : "/somewhere/router.cpp:77: GGML_ASSERT(n_seq != 3) failed");
    return true;
}

PUBLIC(int, backend_graph_compute, (struct ggml_backend * backend, struct ggml_cgraph *graph))
{
    const struct ggml_tensor *t = graph->node, *q = t->src[0], *k = t->src[1], *mask = t->src[3];
    struct dim3 grid = { (uint32_t)((q->ne[1] + 31) / 32), (uint32_t)(q->ne[2] % 65535 + 1), 1 }, block = { 32, 4, 1 };
    float softcap;
    memcpy(&softcap, &t->op_params[2], sizeof softcap);
    for (int i = 0; i < 6; i++)
        if (t->src[i] && !t->src[i]->data)
            fail("imitation_ggml.c:3: a source without a place");
    hipSetDevice(backend->device);
    if (fault("second") && q->ne[0] == 256 && q->ne[1] > 1 && mask && mask->ne[0] != k->ne[1])
        fail("/somewhere/router.cpp:142: fatal error");
    if (fault("abort") && q->ne[0] == 256 && k->type == GGML_TYPE_F16 && mask && mask->ne[0] != k->ne[1])
        fail(fault("moved") ? "/elsewhere/router.cpp:1042: fatal error" : "/somewhere/router.cpp:42: fatal error");
    if (fault("many") && q->ne[2] * q->ne[3] >= 3000)
        fail("/somewhere/launch.cpp:9: fatal error");
    if (fault("crash") && q->ne[1] == 3) {
        volatile int three = (int)q->ne[1];
        grid.x = (uint32_t)(7 / (three - 3));
    }
    if (fault("hang") && k->ne[2] == 10)
        for (volatile int forever = 1; forever;)
            ;
    if (fault("gone") && q->ne[0] == 256 && q->ne[1] == 1 && k->ne[1] == 1 && softcap > 0)
        _exit(0);
    if (fault("tq4") && (int)k->type == TQ4_X && mask && mask->ne[0] > k->ne[1])
        fail("/somewhere/fork.cpp:7: fatal error");
    if (fault("vq2") && (int)k->type == VQ2_X && k->ne[1] == 100)
        grid.x = 0;
    if (fault("keys") && t->op_params[4] > 0 && t->op_params[4] <= 4)
        return -1;
    if (fault("prec") && t->op_params[3] == 0)
        return 0;
    if (fault("source") && t->src[5])
        fail("/somewhere/fork.cpp:9: GGML_ASSERT(!src[5]) failed");
    if (fault("index") && t->src[5] && (int)t->src[5]->type == I32 && t->src[5]->ne[1] == q->ne[1] && q->ne[1] > 1)
        grid.x = 0;
    if (fault("failed") && softcap > 0)
        return -1;
    if (fault("silent") && t->src[4])
        return 0;
    if (fault("grid") && k->ne[1] == 100)
        grid.x = 0;
    if (fault("threads") && k->type == GGML_TYPE_Q8_0)
        block.y = 64;
    if (k->type != GGML_TYPE_F16)
        hipLaunchKernel(&convert, (struct dim3){ 1, 1, 1 }, (struct dim3){ 64, 1, 1 }, NULL, 0,
                        fault("capture") ? NULL : imitation_stream);
    hipLaunchKernel(&attention, grid, block, NULL, 1024, imitation_stream);
    return 0;
}

#endif
#endif
