/* imitation_compute.c: a backend that looks like ggml's from outside and computes by itself; a shared library without a
 * runtime (imitation-cpu.so), and with IMITATION_RUNTIME one for HIP whose kernels are functions of the host, for the
 * stand-in of the real HIP runtime (standin_hip.c). Where the environment asks for it (IMITATION_FAULT) with a fault:
 *   lost       the last key is not attended to
 *   scale      with softcap the scale is forgotten
 *   unwritten  the last element of dst is not written, with two sequences
 *   behind     one float behind dst is written, with an odd n_q
 *   source     the mask is written to
 *   past       the key after K's last is read
 *   crash      a null pointer is read with n_q of 3
 *   assert     an assertion fails with ALiBi
 *   thread     the same, but with more than one thread only
 *   hang       it does not come back with more than one thread and three rows of Q
 *   state      a call with sinks leaves them to the next one
 *   coin       of calls with n_kv of 5 each second adds something small
 *   replay     a node computed three times and more has the result it had the second time
 *   tail       the last row of the last head does not attend to the last twelfth of the keys, where they are of blocks
 *   nibble     with IMITATION_FORK, and its types (imitation_ggml.c): the last number of a block is read as the one
 * before stub       with the runtime: the launch's error is not looked at, and nothing runs for head size 128
 *
 * SPDX-License-Identifier: MIT */
#define IMITATION_WITHOUT_HIP
#include "tests/support/imitation_ggml.c"

#include <math.h>
#include <unistd.h>

static bool fault(const char *name)
{
    const char *wanted = getenv("IMITATION_FAULT");
    return wanted && !strcmp(wanted, name);
}

/* ---- Attention ------------------------------------------------------------------------------------------- */

#ifdef IMITATION_FORK

static bool is_fork(const struct ggml_tensor *t) { return (int)t->type == TQ4_X || (int)t->type == VQ2_X; }

/* Number i of a row of blocks: read by itself, as kernels do. */
static float number(const struct ggml_tensor *t, const char *row, int64_t i)
{
    const int bits = (int)t->type == TQ4_X ? 4 : 2, block = types[t->type].block;
    const char *at = row + i / block * (int64_t)types[t->type].bytes;
    int64_t in = i % block;
    float scale;
    memcpy(&scale, at, sizeof scale);
    if (fault("nibble") && in == block - 1)
        in--;
    const int byte = (uint8_t)at[4 + in * bits / 8];
    return (float)((byte >> in * bits % 8 & ((1 << bits) - 1)) - (1 << (bits - 1))) * scale;
}

#else
static bool is_fork(const struct ggml_tensor *t) { return (void)t, false; }
static float number(const struct ggml_tensor *t, const char *row, int64_t i) { return (void)t, (void)row, (float)i; }
#endif

static float value(const struct ggml_tensor *t, int64_t i0, int64_t i1, int64_t i2, int64_t i3)
{
    if (is_fork(t))
        return number(t, (const char *)t->data + (size_t)i1 * t->nb[1] + (size_t)i2 * t->nb[2] + (size_t)i3 * t->nb[3],
                      i0);
    const char *at = (const char *)t->data + (size_t)i0 * t->nb[0] + (size_t)i1 * t->nb[1] + (size_t)i2 * t->nb[2] +
                     (size_t)i3 * t->nb[3];
    float single;
    _Float16 half;
    memcpy(&half, at, sizeof half);
    if (t->type == GGML_TYPE_F16)
        return (float)half;
    memcpy(&single, at, sizeof single);
    return single;
}

static float parameter(const struct ggml_tensor *t, int i)
{
    float f;
    memcpy(&f, &t->op_params[i], sizeof f);
    return f;
}

static float slope(const struct ggml_tensor *t, int64_t h)
{
    const float max_bias = parameter(t, 1);
    const int64_t n = t->src[0]->ne[2];
    int log2n = 0;
    while (2 << log2n <= n)
        log2n++;
    if (max_bias <= 0)
        return 1;
    return h < 1 << log2n ? powf(powf(2, -max_bias / (float)(1 << log2n)), (float)(h + 1))
                          : powf(powf(2, -max_bias / 2 / (float)(1 << log2n)), (float)(2 * (h - (1 << log2n)) + 1));
}

struct call {
    const struct ggml_tensor *node;
    const struct ggml_tensor *sinks; /* NULL: none */
    float add;                       /* to every result */
};

static void row(const struct call *c, int64_t iq, int64_t h, int64_t s)
{
    const struct ggml_tensor *t = c->node, *q = t->src[0], *k = t->src[1], *v = t->src[2], *mask = t->src[3];
    const int64_t hk = h / (q->ne[2] / k->ne[2]), hv = h / (q->ne[2] / v->ne[2]), sk = s / (q->ne[3] / k->ne[3]),
                  sv = s / (q->ne[3] / v->ne[3]);
    const float softcap = parameter(t, 2), scale = softcap > 0 && fault("scale") ? 1 : parameter(t, 0);
    const bool tail = fault("tail") && is_fork(k) && iq == q->ne[1] - 1 && h == q->ne[2] - 1;
    const int64_t n_kv = k->ne[1] - (fault("lost") && k->ne[1] > 1) + fault("past") - (tail ? k->ne[1] / 12 : 0);
    float *out = (float *)((char *)t->data + (size_t)h * t->nb[1] + (size_t)iq * t->nb[2] + (size_t)s * t->nb[3]);
    double most = c->sinks ? (double)value(c->sinks, h, 0, 0, 0) : -INFINITY, sum = c->sinks ? 1 : 0;
    double acc[1024] = { 0 };
    for (int64_t i = 0; i < n_kv; i++) {
        const double bias = mask && i < k->ne[1] ? (double)value(mask, i, iq, h % mask->ne[2], s % mask->ne[3]) : 0;
        double score = 0;
        if (bias == -INFINITY) /* what nobody attends to may hold anything */
            continue;
        for (int64_t d = 0; d < k->ne[0]; d++)
            score += (double)value(q, d, iq, h, s) * (double)value(k, d, i, hk, sk);
        score *= (double)scale;
        if (softcap > 0)
            score = (double)softcap * tanh(score / (double)softcap);
        score += (double)slope(t, h) * bias;
        if (i == k->ne[1])
            continue;
        const double now = fmax(most, score), before = most == -INFINITY ? 0 : exp(most - now);
        const double weight = exp(score - now);
        for (int64_t d = 0; d < v->ne[0]; d++)
            acc[d] = acc[d] * before + weight * (double)value(v, d, i, hv, sv);
        sum = sum * before + weight;
        most = now;
    }
    const bool last = iq == q->ne[1] - 1 && h == q->ne[2] - 1 && s == q->ne[3] - 1;
    const int64_t n = v->ne[0] - (fault("unwritten") && last && q->ne[3] == 2);
    for (int64_t d = 0; d < n; d++)
        out[d] = (float)(sum > 0 ? acc[d] / sum : 0) + c->add;
    if (fault("behind") && last && q->ne[1] % 2 && q->ne[1] > 1)
        out[n] = 1;
}

/* The kernel: arguments as HIP's hipLaunchKernel has them. */
static void flash_attn(void **arguments)
{
    const struct call *c = arguments[0];
    const struct ggml_tensor *q = c->node->src[0];
    for (int64_t s = 0; s < q->ne[3]; s++)
        for (int64_t h = 0; h < q->ne[2]; h++)
            for (int64_t iq = 0; iq < q->ne[1]; iq++)
                row(c, iq, h, s);
}

/* ---- The runtime ----------------------------------------------------------------------------------------- */

#ifdef IMITATION_RUNTIME
enum { TO_DEVICE = 1, TO_HOST = 2 };
int hipGetDeviceCount(int *n);
int hipMalloc(void **at, size_t bytes);
int hipFree(void *at);
int hipMemcpy(void *to, const void *from, size_t bytes, int kind);
int hipLaunchKernel(const void *function, struct dim3 grid, struct dim3 block, void **arguments, size_t lds,
                    void *stream);
static void *get_memory(size_t bytes)
{
    void *at = NULL;
    return hipMalloc(&at, bytes) == 0 ? at : NULL;
}
static void drop_memory(void *at) { hipFree(at); }
static void copy(void *to, const void *from, size_t bytes, int kind) { hipMemcpy(to, from, bytes, kind); }
static void launch(void **arguments)
{
    const struct dim3 grid = { fault("stub") && ((const struct call *)arguments[0])->node->ne[0] == 128 ? 0 : 1, 1, 1 };
    hipLaunchKernel((const void *)(uintptr_t)flash_attn, grid, (struct dim3){ 64, 1, 1 }, arguments, 0, NULL);
}
#else
enum { TO_DEVICE, TO_HOST };
int hipGetDeviceCount(int *n);
static void *get_memory(size_t bytes) { return aligned_alloc(4096, (bytes + 4095) / 4096 * 4096); }
static void drop_memory(void *at) { free(at); }
static void copy(void *to, const void *from, size_t bytes, int kind) { (void)kind, memcpy(to, from, bytes); }
static void launch(void **arguments) { flash_attn(arguments); }
#endif

/* ---- ggml-backend.h -------------------------------------------------------------------------------------- */

struct backend {
    int threads, calls;
    struct ggml_tensor sinks; /* fault "state": of the call before */
    float left[64];
    bool has_left;
    struct ggml_tensor before; /* fault "replay" */
    int same;
    float *result;
};
struct ggml_backend_buffer {
    char *at;
    size_t bytes;
    bool own;
};

PUBLIC(void *, backend_init, (void))
{
    static int reg;
    return &reg;
}
PUBLIC(size_t, backend_reg_dev_count, (void *reg))
{
    int n = 1;
#ifdef IMITATION_RUNTIME
    n = hipGetDeviceCount(&n) == 0 ? n : 0;
#endif
    return (void)reg, (size_t)n;
}
PUBLIC(void *, backend_reg_dev_get, (void *reg, size_t index)) { return (void)index, reg; }
PUBLIC(const char *, backend_dev_name, (void *device)) { return (void)device, "Imitation"; }
PUBLIC(struct backend *, backend_dev_init, (void *device, const char *params))
{
    struct backend *b = calloc(1, sizeof *b);
    if (b)
        b->threads = 4;
    return (void)device, (void)params, b;
}
PUBLIC(void, backend_free, (struct backend * backend))
{
    free(backend->result);
    free(backend);
}
static void set_n_threads(struct backend *backend, int n) { backend->threads = n; }
PUBLIC(void *, backend_reg_get_proc_address, (void *reg, const char *name))
{
    (void)reg;
#ifdef IMITATION_RUNTIME
    return (void)name, (void)set_n_threads, NULL;
#else
    return strcmp(name, "ggml_backend_set_n_threads") ? NULL : (void *)(uintptr_t)set_n_threads;
#endif
}
PUBLIC(void, backend_dev_memory, (void *device, size_t *unused, size_t *total))
{
    (void)device;
    *unused = *total = (size_t)1 << 33;
}
PUBLIC(void *, backend_dev_buffer_type, (void *device)) { return device; }
#ifndef IMITATION_RUNTIME
PUBLIC(bool, backend_buft_is_host, (void *type)) { return (void)type, true; }
PUBLIC(struct ggml_backend_buffer *, backend_dev_buffer_from_host_ptr,
       (void *device, void *at, size_t bytes, size_t most))
{
    struct ggml_backend_buffer *buffer = malloc(sizeof *buffer);
    if (buffer)
        *buffer = (struct ggml_backend_buffer){ at, bytes, false };
    return (void)device, (void)most, buffer;
}
#endif
PUBLIC(struct ggml_backend_buffer *, backend_buft_alloc_buffer, (void *type, size_t bytes))
{
    struct ggml_backend_buffer *buffer = malloc(sizeof *buffer);
    void *at = get_memory(bytes);
    if (buffer && at)
        *buffer = (struct ggml_backend_buffer){ at, bytes, true };
    return (void)type, at ? buffer : NULL;
}
PUBLIC(size_t, backend_buft_get_alloc_size, (void *type, const struct ggml_tensor *t))
{
    return (void)type, t->nb[3] * (size_t)t->ne[3];
}
PUBLIC(void, backend_buffer_free, (struct ggml_backend_buffer * buffer))
{
    if (buffer->own)
        drop_memory(buffer->at);
    free(buffer);
}
PUBLIC(void *, backend_buffer_get_base, (struct ggml_backend_buffer * buffer)) { return buffer->at; }
PUBLIC(void, backend_buffer_set_usage, (struct ggml_backend_buffer * buffer, int usage)) { (void)buffer, (void)usage; }
PUBLIC(void, backend_tensor_alloc, (struct ggml_backend_buffer * buffer, struct ggml_tensor *t, void *at))
{
    if (t->data || (char *)at < buffer->at || (char *)at + t->nb[0] > buffer->at + buffer->bytes)
        fail("imitation_compute.c:2: a tensor outside its buffer, or placed twice");
    t->data = at;
}
PUBLIC(void, backend_view_init, (struct ggml_tensor * t)) { t->data = (char *)t->view_src->data + t->view_offs; }
PUBLIC(void, backend_tensor_set, (struct ggml_tensor * t, const void *from, size_t offset, size_t bytes))
{
    copy((char *)t->data + offset, from, bytes, TO_DEVICE);
}
PUBLIC(void, backend_tensor_get, (const struct ggml_tensor *t, void *to, size_t offset, size_t bytes))
{
    copy(to, (const char *)t->data + offset, bytes, TO_HOST);
}

static bool has_values(const struct ggml_tensor *t)
{
    return t->type == GGML_TYPE_F16 || t->type == GGML_TYPE_F32 || is_fork(t);
}

PUBLIC(bool, backend_dev_supports_op, (void *device, const struct ggml_tensor *t))
{
    (void)device;
    return has_values(t->src[1]) && has_values(t->src[2]) && t->src[2]->ne[0] <= 1024;
}

/* What a fault does before a call is computed. */
static void begin(struct backend *b, struct ggml_tensor *t, struct call *c)
{
    const struct ggml_tensor *q = t->src[0], *sinks = t->src[4];
    if (fault("crash") && q->ne[1] == 3)
        c->add = *(volatile float *)(uintptr_t)q->ne[3]; /* an address that is none */
    if ((fault("assert") || (fault("thread") && b->threads > 1)) && parameter(t, 1) > 0)
        fail("/somewhere/ops.cpp:99: GGML_ASSERT(max_bias == 0) failed");
    while (fault("hang") && b->threads > 1 && q->ne[1] == 3)
        sleep(1);
    if (fault("source") && t->src[3])
        memset(t->src[3]->data, 0x11, 2);
    if (fault("coin") && t->src[1]->ne[1] == 5 && b->calls++ % 2)
        c->add = 1e-4F;
    if (!fault("state"))
        return;
    if (!sinks && b->has_left && q->ne[2] <= 64)
        c->sinks = &b->sinks;
    b->has_left = sinks && q->ne[2] <= 64;
    for (int64_t h = 0; b->has_left && h < q->ne[2]; h++)
        b->left[h] = value(sinks, h, 0, 0, 0);
    if (b->has_left)
        b->sinks = (struct ggml_tensor){ .type = GGML_TYPE_F32, .nb = { 4 }, .data = b->left };
}

/* The node computed again: its result stays that of the second time. */
static void replay(struct backend *b, const struct ggml_tensor *t)
{
    const size_t bytes = t->nb[3] * (size_t)t->ne[3];
    b->same = memcmp(&b->before, t, sizeof *t) ? 1 : b->same + 1;
    b->before = *t;
    if (b->same == 2) {
        free(b->result);
        b->result = malloc(bytes);
        if (b->result)
            copy(b->result, t->data, bytes, TO_HOST);
    } else if (b->same > 2 && b->result) {
        copy(t->data, b->result, bytes, TO_DEVICE);
    }
}

PUBLIC(int, backend_graph_compute, (struct backend * backend, struct ggml_cgraph *graph))
{
    struct ggml_tensor *t = graph->node;
    struct call call = { t, t->src[4], 0 };
    void *arguments[] = { &call };
    for (int i = 0; i < 5; i++)
        if (t->src[i] && !t->src[i]->data)
            fail("imitation_compute.c:3: a source without a place");
    begin(backend, t, &call);
    launch(arguments);
    if (fault("replay"))
        replay(backend, t);
    return 0;
}
