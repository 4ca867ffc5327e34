/* format.h: problems out of other people's text: one function a format, in a file each; import.c asks each in turn.
 * They look at one line, cleaned and joined (reader.h), from *from on, and set *from behind what they took.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_IMPORT_FORMAT_H
#define ATTNFUZZ_IMPORT_FORMAT_H

#include "cli/import/field.h"

typedef enum import_result import_format(const char *text, size_t len, size_t *from, struct import_found *found);

/* A problem line of ours that a program printed where it gave up (include/attnfuzz_line.h). */
import_format import_line;

/* A case of ggml's test-backend-ops: FLASH_ATTN_EXT(hsk=...,...), also its older forms and its csv and sql output. */
import_format import_ggml;
/* Does the line end inside a case's parentheses? Is this one of a case's keys? */
bool import_ggml_open(const char *text, size_t len);
bool import_ggml_key(const char *text, size_t len);

/* A route-debug line of the fork in the seed: CUDA_FA_ROUTE_PLAN device=0 Q=[...] Kraw=... */
import_format import_route;

/* Extents by their names: L_q:4096 L_k:77 n_head:8 d_head:64, or D=128 n_q=32 n_kv=512 n_qh=32 n_kvh=8. */
import_format import_extents;

/* A line about attention without the extents of a call: IMPORT_LEFT with why. */
import_format import_mention;

/* Shapes of Q, K, V and others, in one line or in several that follow each other:
 *   Q = 512 x 2048 x 64 x 1. K = 512 x 2304 x 1 x 1 V = ... mask = ...
 *   Q ne=[128,32,8,1] nb=[...] type=0      FLASH_ATTN_EXT(Qcur-0{128, 1, 32, 1}, cache_k_l0{...}}) = {128, 32, 1, 1} */
struct import_shapes {
    bool has_ne[ATTN_OPERAND_COUNT], has_nb[ATTN_OPERAND_COUNT], has_type[ATTN_OPERAND_COUNT];
    int64_t ne[ATTN_OPERAND_COUNT][4], nb[ATTN_OPERAND_COUNT][4];
    struct attn_tensor as[ATTN_OPERAND_COUNT]; /* its type; nothing else of it is read */
    char type_name[32];                        /* one that does not exist here; "": there is none such */
    bool no_mask;                              /* said to be none */
    bool torch;                                /* in torch's order, which does not say what an extent is of */
    bool any;                                  /* extents or strides of one */
};
/* Reads a line's; false when there is nothing. `attention`: it is known to be about attention, so that src0 to src2 are
 * Q, K and V. Types are also those of `types` (may be NULL). */
bool import_shapes_read(const char *text, size_t len, bool attention, const struct attn_foreign_types *types,
                        struct import_shapes *shapes);
/* Do Q, K and V have their extents? */
bool import_shapes_whole(const struct import_shapes *shapes);
/* Adds those of a following line; false when they belong to another call. */
bool import_shapes_join(struct import_shapes *shapes, const struct import_shapes *more);
/* What they come to. */
enum import_result import_shapes_finish(const struct import_shapes *shapes, struct import_found *found);

#endif
