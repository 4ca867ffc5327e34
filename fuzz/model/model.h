/* model.h: a model's attention out of its GGUF file: which kinds of layers it has, and sessions of a server that runs
 * it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MODEL_H
#define ATTN_MODEL_H

#include "fuzz/model/gguf.h"
#include "fuzz/session/session.h"

enum { ATTN_MODEL_KINDS_MAX = 24, ATTN_MODEL_NOTES_MAX = 12, ATTN_MODEL_NOTE_BYTES = 192 };

/* Layers with the same attention. */
struct attn_model_kind {
    struct attn_session_layer layer;
    int32_t first, count; /* the first of them, from 0; how many */
};

struct attn_model {
    int32_t layers;    /* all, those that predict further tokens (MTP) included */
    int32_t attention; /* of them have attention */
    int32_t context;   /* tokens; 0: not said */
    bool reads;        /* its layers read the caches of a target's last layers of their kinds */
    int32_t n_kinds, n_notes;
    struct attn_model_kind kind[ATTN_MODEL_KINDS_MAX];
    char note[ATTN_MODEL_NOTES_MAX]
             [ATTN_MODEL_NOTE_BYTES]; /* what the file does not say and was taken; what was left out */
};

/* Works the layers out, as llama.cpp does (src/llama-hparams.cpp, src/models); K and V of those types. False with what
 * is wrong, one line of at most cap bytes. */
bool attn_model_of(const struct attn_gguf *gguf, int type_k, int type_v, struct attn_model *model, char *wrong,
                   size_t cap);

/* How many sessions it takes to have every kind in one, and each of them: prompts, single tokens, drafts where there is
 * a layer for them, a reused slot; a context of at most `cells` cells. */
int attn_model_sessions(const struct attn_model *model);
void attn_model_session(const struct attn_model *model, int index, int32_t cells, struct attn_session *session);

#endif
