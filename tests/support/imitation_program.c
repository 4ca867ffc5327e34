/* imitation_program.c: what a program that computes one node uses beside what a subject does (imitation_ggml.c), in the
 * library with kernels. Types that have numbers of 16 bits are converted, others are not.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/support/imitation_program.h"

#include <stdlib.h>
#include <string.h>

/* imitation_ggml.c, HIP */
struct ggml_device *ggml_backend_cuda_reg(void);
size_t ggml_backend_reg_dev_count(void *reg);
struct ggml_device *ggml_backend_reg_dev_get(struct ggml_device *reg, size_t index);
struct ggml_tensor *ggml_tensor_number(struct ggml_context *ctx, int index);
int hipSetDevice(int device);
int hipMalloc(void **at, size_t bytes);
int hipMemcpy(void *to, const void *from, size_t bytes, int kind);
enum { TO_DEVICE = 1, TO_HOST = 2 }; /* hipMemcpyKind */

int64_t ggml_nelements(const struct ggml_tensor *t) { return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]; }

size_t ggml_nbytes(const struct ggml_tensor *t)
{
    size_t bytes = (size_t)(t->ne[0] / ggml_blck_size(t->type)) * t->nb[0];
    for (int d = 1; d < 4; d++)
        bytes += (size_t)(t->ne[d] - 1) * t->nb[d];
    return bytes;
}

/* ---- Numbers --------------------------------------------------------------------------------------------- */

float ggml_fp16_to_fp32(ggml_fp16_t value)
{
    _Float16 half;
    memcpy(&half, &value, sizeof half);
    return (float)half;
}

static void from_f16(const void *from, float *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = ggml_fp16_to_fp32(((const ggml_fp16_t *)from)[i]);
}

static void from_bf16(const void *from, float *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)((const uint16_t *)from)[i] << 16;
        memcpy(&to[i], &bits, sizeof bits);
    }
}

bool ggml_is_quantized(enum ggml_type type) { return ggml_blck_size(type) > 1; }

const struct ggml_type_traits *ggml_get_type_traits(enum ggml_type type)
{
    static const struct ggml_type_traits f16 = { "f16", from_f16 }, bf16 = { "bf16", from_bf16 }, other = { "", NULL };
    return type == GGML_TYPE_F16 ? &f16 : type == GGML_TYPE_BF16 ? &bf16 : &other;
}

size_t ggml_quantize_chunk(enum ggml_type type, const float *from, void *to, int64_t start, int64_t rows,
                           int64_t row_elements, const float *matrix)
{
    (void)start, (void)matrix;
    if (type != GGML_TYPE_F16)
        abort();
    for (int64_t i = 0; i < rows * row_elements; i++) {
        const _Float16 half = (_Float16)from[i];
        memcpy((char *)to + 2 * i, &half, sizeof half);
    }
    return (size_t)(rows * row_elements) * 2;
}

/* ---- Graph and backend ----------------------------------------------------------------------------------- */

struct ggml_cgraph *ggml_new_graph(struct ggml_context *ctx)
{
    static struct ggml_cgraph graph;
    return (void)ctx, &graph;
}

void *ggml_backend_load(const char *path) { return (void *)(uintptr_t)path; }
void ggml_backend_load_all(void) {}
size_t ggml_backend_dev_count(void) { return ggml_backend_reg_dev_count(ggml_backend_cuda_reg()); }
ggml_backend_dev_t ggml_backend_dev_get(size_t index)
{
    return ggml_backend_reg_dev_get(ggml_backend_cuda_reg(), index);
}
enum ggml_backend_dev_type ggml_backend_dev_type(ggml_backend_dev_t device)
{
    return (void)device, GGML_BACKEND_DEVICE_TYPE_GPU;
}
const char *ggml_backend_dev_description(ggml_backend_dev_t device) { return (void)device, "an imitation"; }

ggml_backend_buffer_t ggml_backend_alloc_ctx_tensors(struct ggml_context *ctx, ggml_backend_t backend)
{
    static char buffer; /* nobody looks into it */
    struct ggml_tensor *t;
    for (int i = 0; (t = ggml_tensor_number(ctx, i)); i++)
        if (t->view_src)
            t->data = (char *)t->view_src->data + t->view_offs;
        else if (hipSetDevice(backend->device) != 0 || hipMalloc(&t->data, ggml_nbytes(t)) != 0)
            return NULL;
    return (ggml_backend_buffer_t)&buffer;
}

void ggml_backend_tensor_set(struct ggml_tensor *t, const void *data, size_t offset, size_t bytes)
{
    if (hipMemcpy((char *)t->data + offset, data, bytes, TO_DEVICE) != 0)
        abort();
}

void ggml_backend_tensor_get(const struct ggml_tensor *t, void *data, size_t offset, size_t bytes)
{
    if (hipMemcpy(data, (const char *)t->data + offset, bytes, TO_HOST) != 0)
        abort();
}

const char *ggml_status_to_string(enum ggml_status status)
{
    return status == GGML_STATUS_SUCCESS ? "GGML status: success" : "GGML status: error (operation failed)";
}
