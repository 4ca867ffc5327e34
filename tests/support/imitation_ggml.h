/* imitation_ggml.h: what ggml's public headers declare of what a subject and attnfuzz_line.h use, by the same names and
 * with a tensor laid out otherwise than the real one: nobody may rely on more than names.
 *
 * SPDX-License-Identifier: MIT */
#ifndef IMITATION_GGML_H
#define IMITATION_GGML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/tables.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ggml_type {
#define X(NAME, name, elems, bytes, align, ggml) GGML_TYPE_##NAME = ggml,
    ATTN_TYPES(X)
#undef X
        GGML_TYPE_COUNT = 64
};

struct ggml_backend_buffer;
struct ggml_backend;
struct ggml_cgraph;

struct ggml_tensor {
    enum ggml_type type;
    int op;
    int64_t ne[4];
    size_t nb[4];
    int32_t op_params[16];
    struct ggml_tensor *src[10];
    struct ggml_tensor *view_src;
    size_t view_offs;
    struct ggml_backend_buffer *buffer;
    void *data;
};

/* Where kernels are launched: NULL, or the stream that is captured (imitation_graphs.c). */
extern void *imitation_stream;
/* What runs a node where nothing is replayed. */
int imitation_compute_directly(struct ggml_backend *backend, struct ggml_cgraph *graph);

/* Of the library with kernels (imitation_amd.hip). */
struct ggml_backend {
    int device;
    void *workspace;
    size_t workspace_bytes;
    void *kept; /* imitation_graphs.c */
};
struct ggml_cgraph {
    struct ggml_tensor *node;
};

struct ggml_context;
struct ggml_init_params {
    size_t mem_size;
    void *mem_buffer;
    bool no_alloc;
};

const char *ggml_type_name(enum ggml_type type);
int64_t ggml_blck_size(enum ggml_type type);
struct ggml_context *ggml_init(struct ggml_init_params params);
void ggml_free(struct ggml_context *ctx);
struct ggml_tensor *ggml_new_tensor_1d(struct ggml_context *ctx, enum ggml_type type, int64_t n);
struct ggml_tensor *ggml_new_tensor_4d(struct ggml_context *ctx, enum ggml_type type, int64_t a, int64_t b, int64_t c,
                                       int64_t d);
struct ggml_tensor *ggml_view_4d(struct ggml_context *ctx, struct ggml_tensor *of, int64_t a, int64_t b, int64_t c,
                                 int64_t d, size_t nb1, size_t nb2, size_t nb3, size_t offset);
struct ggml_tensor *ggml_flash_attn_ext(struct ggml_context *ctx, struct ggml_tensor *q, struct ggml_tensor *k,
                                        struct ggml_tensor *v, struct ggml_tensor *mask, float scale, float max_bias,
                                        float softcap);
void ggml_flash_attn_ext_add_sinks(struct ggml_tensor *node, struct ggml_tensor *sinks);

#ifdef __cplusplus
}
#endif
#endif
