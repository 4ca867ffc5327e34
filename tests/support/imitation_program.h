/* imitation_program.h: what ggml's public headers declare of what a program uses that computes one node, as those that
 * attnfuzz check writes do; beside imitation_ggml.h. Stands for ggml.h, ggml-alloc.h and ggml-backend.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef IMITATION_PROGRAM_H
#define IMITATION_PROGRAM_H

#include "tests/support/imitation_ggml.h"

typedef uint16_t ggml_fp16_t;
typedef struct ggml_device *ggml_backend_dev_t;
typedef struct ggml_backend *ggml_backend_t;
typedef struct ggml_backend_buffer *ggml_backend_buffer_t;
enum ggml_prec { GGML_PREC_DEFAULT, GGML_PREC_F32 = 10 };
enum ggml_status { GGML_STATUS_FAILED = -1, GGML_STATUS_SUCCESS };
enum ggml_backend_dev_type {
    GGML_BACKEND_DEVICE_TYPE_CPU,
    GGML_BACKEND_DEVICE_TYPE_GPU,
    GGML_BACKEND_DEVICE_TYPE_IGPU,
    GGML_BACKEND_DEVICE_TYPE_ACCEL
};
struct ggml_type_traits {
    const char *type_name;
    void (*to_float)(const void *from, float *to, int64_t n);
};

size_t ggml_nbytes(const struct ggml_tensor *t);
int64_t ggml_nelements(const struct ggml_tensor *t);
float ggml_fp16_to_fp32(ggml_fp16_t value);
bool ggml_is_quantized(enum ggml_type type);
const struct ggml_type_traits *ggml_get_type_traits(enum ggml_type type);
size_t ggml_quantize_chunk(enum ggml_type type, const float *from, void *to, int64_t start, int64_t rows,
                           int64_t row_elements, const float *matrix);
void ggml_flash_attn_ext_set_prec(struct ggml_tensor *node, enum ggml_prec prec);
struct ggml_cgraph *ggml_new_graph(struct ggml_context *ctx);
void ggml_build_forward_expand(struct ggml_cgraph *graph, struct ggml_tensor *node);
void *ggml_backend_load(const char *path);
void ggml_backend_load_all(void);
size_t ggml_backend_dev_count(void);
ggml_backend_dev_t ggml_backend_dev_get(size_t index);
enum ggml_backend_dev_type ggml_backend_dev_type(ggml_backend_dev_t device);
const char *ggml_backend_dev_description(ggml_backend_dev_t device);
bool ggml_backend_dev_supports_op(ggml_backend_dev_t device, const struct ggml_tensor *node);
ggml_backend_t ggml_backend_dev_init(ggml_backend_dev_t device, const char *params);
ggml_backend_buffer_t ggml_backend_alloc_ctx_tensors(struct ggml_context *ctx, ggml_backend_t backend);
void ggml_backend_tensor_set(struct ggml_tensor *t, const void *data, size_t offset, size_t bytes);
void ggml_backend_tensor_get(const struct ggml_tensor *t, void *data, size_t offset, size_t bytes);
enum ggml_status ggml_backend_graph_compute(ggml_backend_t backend, struct ggml_cgraph *graph);
const char *ggml_status_to_string(enum ggml_status status);

#endif
