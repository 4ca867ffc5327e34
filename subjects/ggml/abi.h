/* abi.h: the part of ggml's public interface that building and running one FLASH_ATTN_EXT node takes, looked up in a
 * loaded library by name. No ggml header is included: any version whose functions have these names and signatures will
 * do, and what a signature does not show (numbers of types, the order of the node's parameters and sources) is found
 * out by making a node and looking (ggml_abi_probe).
 *
 * Source of names and signatures: ggml, include/ggml.h and include/ggml-backend.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_GGML_ABI_H
#define ATTN_GGML_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/attn_planner.h"

struct ggml_tensor;
struct ggml_context;
struct ggml_cgraph;
struct ggml_backend;
struct ggml_backend_reg;
struct ggml_backend_device;
struct ggml_backend_buffer;
struct ggml_backend_buffer_type;

struct ggml_abi_init {
    size_t mem_size;
    void *mem_buffer;
    bool no_alloc;
};

/* What is read of struct ggml_type_traits; the last member is from_float or from_float_ref, whichever it has first. */
struct ggml_abi_traits {
    const char *name;
    int64_t elements, interleaved;
    size_t bytes;
    bool quantised;
    void (*to_float)(const void *, float *, int64_t);
    void (*from_float)(const float *, void *, int64_t);
};
/* As an older version returns it: room for all that its structure may have behind. */
struct ggml_abi_traits_by_value {
    struct ggml_abi_traits known;
    void *more[40];
};
struct ggml_abi_traits_cpu {
    void (*from_float)(const float *, void *, int64_t);
};

enum { GGML_STATUS_OK = 0, GGML_PREC_DEFAULT_VALUE = 0, GGML_USAGE_COMPUTE = 2, GGML_LEVEL_ERROR = 4 };

typedef void ggml_abort_callback_fn(const char *message);
typedef void ggml_log_callback_fn(int level, const char *text, void *user);

/* X(return type, name without ggml_, parameters) */
#define GGML_ABI_REQUIRED(X)                                                                                          \
    X(ggml_abort_callback_fn *, set_abort_callback, (ggml_abort_callback_fn *))                                       \
    X(void, log_set, (ggml_log_callback_fn *, void *))                                                                \
    X(struct ggml_context *, init, (struct ggml_abi_init))                                                            \
    X(void, free, (struct ggml_context *))                                                                            \
    X(void, reset, (struct ggml_context *))                                                                           \
    X(size_t, tensor_overhead, (void))                                                                                \
    X(size_t, graph_overhead_custom, (size_t, bool))                                                                  \
    X(const char *, type_name, (int))                                                                                 \
    X(size_t, type_size, (int))                                                                                       \
    X(int64_t, blck_size, (int))                                                                                      \
    X(struct ggml_tensor *, new_tensor_1d, (struct ggml_context *, int, int64_t))                                     \
    X(struct ggml_tensor *, new_tensor_4d, (struct ggml_context *, int, int64_t, int64_t, int64_t, int64_t))          \
    X(struct ggml_tensor *, view_4d,                                                                                  \
      (struct ggml_context *, struct ggml_tensor *, int64_t, int64_t, int64_t, int64_t, size_t, size_t, size_t,       \
       size_t))                                                                                                       \
    X(struct ggml_tensor *, flash_attn_ext,                                                                           \
      (struct ggml_context *, struct ggml_tensor *, struct ggml_tensor *, struct ggml_tensor *, struct ggml_tensor *, \
       float, float, float))                                                                                          \
    X(struct ggml_cgraph *, new_graph_custom, (struct ggml_context *, size_t, bool))                                  \
    X(void, graph_clear, (struct ggml_cgraph *))                                                                      \
    X(void, build_forward_expand, (struct ggml_cgraph *, struct ggml_tensor *))                                       \
    X(size_t, backend_reg_dev_count, (struct ggml_backend_reg *))                                                     \
    X(struct ggml_backend_device *, backend_reg_dev_get, (struct ggml_backend_reg *, size_t))                         \
    X(struct ggml_backend *, backend_dev_init, (struct ggml_backend_device *, const char *))                          \
    X(bool, backend_dev_supports_op, (struct ggml_backend_device *, const struct ggml_tensor *))                      \
    X(void, backend_dev_memory, (struct ggml_backend_device *, size_t *, size_t *))                                   \
    X(struct ggml_backend_buffer_type *, backend_dev_buffer_type, (struct ggml_backend_device *))                     \
    X(struct ggml_backend_buffer *, backend_buft_alloc_buffer, (struct ggml_backend_buffer_type *, size_t))           \
    X(size_t, backend_buft_get_alloc_size, (struct ggml_backend_buffer_type *, const struct ggml_tensor *))           \
    X(void, backend_buffer_free, (struct ggml_backend_buffer *))                                                      \
    X(void *, backend_buffer_get_base, (struct ggml_backend_buffer *))                                                \
    X(void, backend_buffer_set_usage, (struct ggml_backend_buffer *, int))                                            \
    X(void, backend_tensor_alloc, (struct ggml_backend_buffer *, struct ggml_tensor *, void *))                       \
    X(void, backend_view_init, (struct ggml_tensor *))                                                                \
    X(int, backend_graph_compute, (struct ggml_backend *, struct ggml_cgraph *))                                      \
    X(void, backend_free, (struct ggml_backend *))

/* Absent in some versions: NULL then. */
#define GGML_ABI_OPTIONAL(X)                                                           \
    X(const char *, version, (void))                                                   \
    X(struct ggml_backend_reg *, backend_cuda_reg, (void))                             \
    X(struct ggml_backend_reg *, backend_init, (void))                                 \
    X(struct ggml_backend_reg *, backend_cpu_reg, (void))                              \
    X(void *, backend_reg_get_proc_address, (struct ggml_backend_reg *, const char *)) \
    X(const char *, backend_dev_name, (struct ggml_backend_device *))                  \
    X(struct ggml_backend_buffer *, backend_dev_buffer_from_host_ptr,                  \
      (struct ggml_backend_device *, void *, size_t, size_t))                          \
    X(bool, backend_buft_is_host, (struct ggml_backend_buffer_type *))                 \
    X(void, backend_tensor_set, (struct ggml_tensor *, const void *, size_t, size_t))  \
    X(void, backend_tensor_get, (const struct ggml_tensor *, void *, size_t, size_t))  \
    X(void, flash_attn_ext_add_sinks, (struct ggml_tensor *, struct ggml_tensor *))    \
    X(void, flash_attn_ext_set_prec, (struct ggml_tensor *, int))                      \
    X(bool, prec_set_acc, (struct ggml_tensor *, int))                                 \
    X(void, flash_attn_ext_set_n_kv_max, (struct ggml_tensor *, int32_t))              \
    X(const struct ggml_abi_traits *, get_type_traits, (int))                          \
    X(struct ggml_abi_traits_by_value, internal_get_type_traits, (int))                \
    X(const struct ggml_abi_traits_cpu *, get_type_traits_cpu, (int))

struct ggml_abi {
#define X(type, name, parameters) type(*name) parameters;
    GGML_ABI_REQUIRED(X)
    GGML_ABI_OPTIONAL(X)
#undef X
    int type[ATTN_TYPE_COUNT]; /* ggml's number of each of our types, -1: it has no such type */
    int prec_f32;              /* GGML_PREC_F32 */
    size_t sources_at;         /* bytes from a node's first to its sources; 0: not known */
};

/* ggml's number of a tensor's type; -1: it has no such type. */
int ggml_abi_type(const struct ggml_abi *abi, const struct attn_tensor *tensor);
/* Can its callers say prec? */
static inline bool ggml_abi_says_prec(const struct ggml_abi *abi)
{
    return abi->prec_set_acc || abi->flash_attn_ext_set_prec;
}

/* Looks every function up in the library, or in what it depends on. False with one line in error[0..cap): which is
 * missing. */
bool ggml_abi_load(struct ggml_abi *abi, void *library, char *error, size_t cap);

/* Finds the types' numbers, and makes a small node to see that its parameters and sources lie as they should: scale,
 * max_bias, softcap as three floats one after another, Q, K, V, mask (and sinks) as pointers one after another. False
 * with one line in error[0..cap) when this ggml is another one. Needs no device. */
bool ggml_abi_probe(struct ggml_abi *abi, char *error, size_t cap);

#endif
