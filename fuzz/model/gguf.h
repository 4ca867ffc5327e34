/* gguf.h: what a GGUF file says about a model's attention. The reader takes any bytes, from a stream: it allocates
 * nothing, holds one buffer and the values named here, takes time linear in the bytes of the metadata, and ends in
 * values that are in order or in an error that says what and where. The tensors' data are not read.
 *
 * Format: ggml, docs/gguf.md (versions 2 and 3, both byte orders).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_GGUF_H
#define ATTN_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ATTN_GGUF_LAYERS_MAX = 1024, ATTN_GGUF_NAME_MAX = 64 };

/* Keys behind the architecture's name and a dot (llama.cpp, src/llama-arch.cpp, LLM_KV_NAMES).
 * X(NAME, key, what it holds: WHOLE numbers, one or one for each layer; a REAL number) */
#define ATTN_GGUF_FIELDS(X)                                      \
    X(BLOCKS, "block_count", WHOLE)                              \
    X(CONTEXT, "context_length", WHOLE)                          \
    X(EMBEDDING, "embedding_length", WHOLE)                      \
    X(HEADS, "attention.head_count", WHOLE)                      \
    X(HEADS_KV, "attention.head_count_kv", WHOLE)                \
    X(KEY, "attention.key_length", WHOLE)                        \
    X(VALUE, "attention.value_length", WHOLE)                    \
    X(KEY_SWA, "attention.key_length_swa", WHOLE)                \
    X(VALUE_SWA, "attention.value_length_swa", WHOLE)            \
    X(KEY_MLA, "attention.key_length_mla", WHOLE)                \
    X(VALUE_MLA, "attention.value_length_mla", WHOLE)            \
    X(WINDOW, "attention.sliding_window", WHOLE)                 \
    X(WINDOW_PATTERN, "attention.sliding_window_pattern", WHOLE) \
    X(RECURRENT, "attention.recurrent_layers", WHOLE)            \
    X(FULL_INTERVAL, "full_attention_interval", WHOLE)           \
    X(NEXTN, "nextn_predict_layers", WHOLE)                      \
    X(CAUSAL, "attention.causal", WHOLE)                         \
    X(LATENT, "attention.kv_lora_rank", WHOLE)                   \
    X(SOFTCAP, "attn_logit_softcapping", REAL)                   \
    X(SCALE, "attention.scale", REAL)                            \
    X(MAX_BIAS, "attention.max_alibi_bias", REAL)

enum attn_gguf_field {
#define X(NAME, key, kind) ATTN_GGUF_##NAME,
    ATTN_GGUF_FIELDS(X)
#undef X
        ATTN_GGUF_FIELD_COUNT
};

struct attn_gguf_value {
    int32_t n;  /* 0: the file does not have it; 1: one number for all layers; more: as many layers as that */
    bool array; /* it is an array, of n numbers */
    float real;
    int32_t whole[ATTN_GGUF_LAYERS_MAX];
};

struct attn_gguf {
    char architecture[ATTN_GGUF_NAME_MAX]; /* printable */
    char name[ATTN_GGUF_NAME_MAX];         /* general.name, cut, printable; empty: none */
    struct attn_gguf_value value[ATTN_GGUF_FIELD_COUNT];
    uint64_t keys, tensors;
    int32_t parts; /* files that the model is split into; 0: not said */
    bool cut;      /* the file ends inside the list of its tensors: sinks may be missing */
    bool sinks[ATTN_GGUF_LAYERS_MAX];
};

struct attn_gguf_error {
    uint64_t at; /* bytes from the file's beginning */
    char text[160];
};

/* Reads up to n bytes into `to`; returns how many, fewer only at the end. */
typedef size_t attn_gguf_source(void *context, void *to, size_t n);

/* Reads a file's metadata and the names of its tensors. False with *error. */
bool attn_gguf_read(attn_gguf_source *source, void *context, struct attn_gguf *gguf, struct attn_gguf_error *error);

/* The key of a field, without the architecture. */
const char *attn_gguf_key(enum attn_gguf_field field);

#endif
