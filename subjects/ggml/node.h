/* node.h: one problem as ggml's callers build it: a FLASH_ATTN_EXT node with its sources.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_GGML_NODE_H
#define ATTN_GGML_NODE_H

#include "subjects/ggml/abi.h"

/* What ggml's callers can build, beyond what attn_problem_check demands:
 *   - ggml_flash_attn_ext asserts that the mask is contiguous, and makes dst itself, contiguous, in memory of its own;
 *   - no tensor operation makes a stride of zero for a dimension larger than one;
 *   - ALiBi's slopes are those of the node's own heads: a head subset cannot be said.
 * Sinks, prec, n_kv_max and types: as far as this version has them. Tensors of more than a TiB are no device's. *why: a
 * short phrase where it is not legal. */
#define GGML_NODE_BYTES_MAX (INT64_C(1) << 40)
bool ggml_node_legal(const struct ggml_abi *abi, const struct attn_problem *p, const char **why);

/* A tensor of the node, and the tensor that holds its bytes: itself, or a one-dimensional one that it is a view of, as
 * a cache is in a server. Q, K and V of one buffer and type are views of one. */
enum { GGML_NODE_FURTHER = ATTN_DST, GGML_NODE_SOURCES }; /* src[5]: attn_problem.further */
struct ggml_node {
    struct ggml_tensor *node;
    struct ggml_tensor *tensor[ATTN_DST];        /* Q, K, V, mask, sinks; NULL: absent */
    struct ggml_tensor *base[GGML_NODE_SOURCES]; /* NULL: absent, or the base of an earlier one */
    bool view[ATTN_DST];
    int64_t bytes[GGML_NODE_SOURCES]; /* of the base */
};

/* Which source's base holds operand o (o itself, or an earlier one of the same buffer and type). */
int ggml_node_base_of(const struct attn_problem *p, int o);
/* Is it a tensor of its own, not a view? */
bool ggml_node_is_plain(const struct attn_problem *p, int o);
/* Bytes of the base of operand o, which is its own base: up to the last byte of every view of it. */
int64_t ggml_node_base_bytes(const struct attn_problem *p, int o);

enum { GGML_NODE_TENSORS = 16 }; /* more than a node takes */

/* Builds it in a context that does not allocate, with room for GGML_NODE_TENSORS tensors. May abort. */
void ggml_node_build(const struct ggml_abi *abi, struct ggml_context *ctx, const struct attn_problem *p, bool prec_f32,
                     struct ggml_node *node);

#endif
