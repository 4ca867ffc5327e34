/* model.c: the kinds of layers that a model has. What the file says comes first; what it does not say is in llama.cpp's
 * code for its architecture, and the notes say that it was taken from there.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/model/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- What is in code and not in files -------------------------------------------------------------------- */

/* llama.cpp, src/models/NAME.cpp, load_arch_hparams. */
struct architecture {
    const char *name;
    int32_t period;      /* every so many layers one sees all; 0: the file says which do, or all do */
    bool first;          /* it is the first of them, not the last */
    int32_t window;      /* where the file has none */
    int32_t interval;    /* every so many layers one has attention, the others are recurrent; 0: all have */
    float scale;         /* 0: 1/sqrt(D_K) */
    float max_bias;      /* where the file has none */
    int32_t scale_heads; /* a model of so many layers scales by embedding and heads in place of D_K */
    bool drafter;        /* all its layers are those of a drafter, which reads the target's cache */
};

static const struct architecture architectures[] = {
    { .name = "gemma2", .period = 2, .window = 4096, .scale_heads = 46 },
    { .name = "gemma3", .period = 6, .scale_heads = 62 },
    { .name = "gemma3n", .period = 5, .scale = 1 },
    { .name = "gemma4", .scale = 1 },
    { .name = "gemma4-assistant", .scale = 1, .drafter = true },
    { .name = "gemma4_assistant", .scale = 1, .drafter = true },
    { .name = "gemma-embedding", .period = 6 },
    { .name = "cohere2", .period = 4 },
    { .name = "gpt-oss", .period = 2 },
    { .name = "gptoss", .period = 2 }, /* as ollama writes it */
    { .name = "llama4", .period = 4, .window = 8192 },
    { .name = "exaone4", .period = 4 },
    { .name = "exaone-moe", .period = 4 },
    { .name = "plamo3", .period = 8 },
    { .name = "laguna", .period = 4, .first = true },
    { .name = "olmo2", .period = 4 },
    { .name = "afmoe", .period = 4 },
    { .name = "smallthinker", .period = 4, .first = true },
    { .name = "modern-bert", .period = 3, .first = true },
    { .name = "qwen3next", .interval = 4 },
    { .name = "qwen35", .interval = 4 },
    { .name = "qwen35moe", .interval = 4 },
    { .name = "bloom", .max_bias = 8 },
    { .name = "refact", .max_bias = 8 },
    { .name = "jina-bert-v2", .max_bias = 8 },
};

static const struct architecture *architecture_of(const char *name)
{
    static const struct architecture other = { .name = "" };
    for (size_t i = 0; i < sizeof architectures / sizeof architectures[0]; i++)
        if (!strcmp(architectures[i].name, name))
            return &architectures[i];
    return &other;
}

/* ---- Values of a layer ----------------------------------------------------------------------------------- */

struct source {
    const struct attn_gguf *gguf;
    const struct architecture *arch;
    struct attn_model *model;
    char *wrong;
    size_t cap;
    int32_t drafting;                  /* layers from the last on that predict further tokens */
    struct attn_session_layer refused; /* the last that cannot be played; no heads: none yet */
};

__attribute__((format(printf, 2, 3))) static void note(struct source *s, const char *format, ...)
{
    va_list list;
    if (s->model->n_notes == ATTN_MODEL_NOTES_MAX)
        return;
    va_start(list, format);
    vsnprintf(s->model->note[s->model->n_notes++], ATTN_MODEL_NOTE_BYTES, format, list);
    va_end(list);
}

static bool has(const struct source *s, enum attn_gguf_field field) { return s->gguf->value[field].n > 0; }

/* A field's value for a layer; `otherwise` where the file does not have it. */
static int32_t of_layer(const struct source *s, enum attn_gguf_field field, int32_t layer, int32_t otherwise)
{
    const struct attn_gguf_value *v = &s->gguf->value[field];
    if (v->n == 0)
        return otherwise;
    return v->array ? layer < v->n ? v->whole[layer] : otherwise : v->whole[0];
}

static float real(const struct source *s, enum attn_gguf_field field, float otherwise)
{
    return has(s, field) ? s->gguf->value[field].real : otherwise;
}

static bool is_draft(const struct source *s, int32_t layer) { return layer >= s->model->layers - s->drafting; }

static bool is_recurrent(const struct source *s, int32_t layer)
{
    int32_t interval = of_layer(s, ATTN_GGUF_FULL_INTERVAL, 0, s->arch->interval);
    if (is_draft(s, layer))
        return false;
    if (has(s, ATTN_GGUF_RECURRENT))
        return of_layer(s, ATTN_GGUF_RECURRENT, layer, 0) != 0;
    return interval > 0 && (layer + 1) % interval != 0;
}

/* The window of a layer, 0: none (llama_hparams::set_swa_pattern). */
static int32_t window_of(const struct source *s, int32_t layer)
{
    const struct attn_gguf_value *pattern = &s->gguf->value[ATTN_GGUF_WINDOW_PATTERN];
    int32_t window = of_layer(s, ATTN_GGUF_WINDOW, layer, s->arch->window);
    if (pattern->array)
        return layer < pattern->n && pattern->whole[layer] ? window : 0;
    int32_t period = pattern->n ? pattern->whole[0] : s->arch->period;
    if ((!pattern->n && !s->arch->period) || is_draft(s, layer))
        return 0;
    bool sliding = period == 0 || (s->arch->first ? layer % period != 0 : layer % period < period - 1);
    return sliding ? window : 0;
}

static bool is_mla(const struct source *s)
{
    return of_layer(s, ATTN_GGUF_KEY_MLA, 0, 0) > 0 && of_layer(s, ATTN_GGUF_VALUE_MLA, 0, 0) > 0;
}

static float scale_of(const struct source *s, int32_t d_k)
{
    int32_t mla = is_mla(s) ? of_layer(s, ATTN_GGUF_KEY_MLA, 0, 0) : 0,
            embedding = of_layer(s, ATTN_GGUF_EMBEDDING, 0, 0);
    float scale = real(s, ATTN_GGUF_SCALE, 0);
    if (scale > 0)
        return scale;
    if (s->arch->scale > 0)
        return s->arch->scale;
    if (s->arch->scale_heads && s->arch->scale_heads == s->model->layers)
        d_k = embedding / of_layer(s, ATTN_GGUF_HEADS, 0, 1);
    return 1.0f / sqrtf((float)(mla > 0 ? mla : d_k > 0 ? d_k : 1));
}

/* ---- Kinds ----------------------------------------------------------------------------------------------- */

static bool same(const struct attn_session_layer *a, const struct attn_session_layer *b)
{
    return a->d_k == b->d_k && a->d_v == b->d_v && a->n_head == b->n_head && a->n_head_kv == b->n_head_kv &&
           a->view == b->view && a->draft == b->draft && a->sinks == b->sinks && a->window == b->window;
}

static void name_kind(struct attn_model *model, struct attn_session_layer *layer)
{
    const char *kind = layer->draft ? "mtp" : layer->window ? "sliding" : "full";
    int32_t number = 1;
    for (int i = 0; i < model->n_kinds; i++)
        number += model->kind[i].layer.draft == layer->draft && !model->kind[i].layer.window == !layer->window;
    snprintf(layer->name, sizeof layer->name, number > 1 ? "%s%" PRId32 : "%s", kind, number);
}

static void add(struct source *s, struct attn_session_layer *layer, int32_t at)
{
    struct attn_model *model = s->model;
    struct attn_session one;
    model->attention++;
    for (int i = 0; i < model->n_kinds; i++)
        if (same(&model->kind[i].layer, layer)) {
            model->kind[i].count++;
            return;
        }
    name_kind(model, layer);
    attn_session_default(&one);
    one.n_layers = 1;
    one.layer[0] = *layer;
    one.layer[0].draft = 0;
    const char *wrong = attn_session_check(&one);
    if (wrong) {
        bool again = same(&s->refused, layer);
        s->refused = *layer;
        model->attention--;
        if (again)
            return;
        note(s, "layer %" PRId32 " (heads %" PRId32 "/%" PRId32 ", head size %" PRId32 "/%" PRId32 ") is left out: %s",
             at, layer->n_head, layer->n_head_kv, layer->d_k, layer->d_v, wrong);
        return;
    }
    if (model->n_kinds == ATTN_MODEL_KINDS_MAX) {
        note(s, "layer %" PRId32 " is left out: there are more than %d kinds of layers", at, ATTN_MODEL_KINDS_MAX);
        return;
    }
    model->kind[model->n_kinds++] = (struct attn_model_kind){ .layer = *layer, .first = at, .count = 1 };
}

static void take_layer(struct source *s, int32_t i, int type_k, int type_v)
{
    const int32_t heads = of_layer(s, ATTN_GGUF_HEADS, i, 0), embedding = of_layer(s, ATTN_GGUF_EMBEDDING, i, 0);
    const int32_t heads_kv = of_layer(s, ATTN_GGUF_HEADS_KV, i, heads);
    const int32_t first = of_layer(s, ATTN_GGUF_HEADS, 0, 0);
    const int32_t otherwise = first > 0 ? embedding / first : 0;
    if (heads == 0 || heads_kv == 0 || is_recurrent(s, i))
        return;
    struct attn_session_layer layer = { .n_head = heads, .n_head_kv = heads_kv };
    layer.window = window_of(s, i);
    layer.d_k = of_layer(s, ATTN_GGUF_KEY, i, otherwise);
    layer.d_v = of_layer(s, ATTN_GGUF_VALUE, i, otherwise);
    if (layer.window) {
        layer.d_k = of_layer(s, ATTN_GGUF_KEY_SWA, i, layer.d_k);
        layer.d_v = of_layer(s, ATTN_GGUF_VALUE_SWA, i, layer.d_v);
    }
    layer.type_k = (uint8_t)type_k;
    layer.type_v = (uint8_t)type_v;
    if (is_mla(s)) { /* K is the latent with its rotary part, V the latent: one head (llama_hparams::is_mla) */
        layer.n_head_kv = 1;
        layer.view = 1;
        layer.d_v = of_layer(s, ATTN_GGUF_LATENT, i, layer.d_v);
        layer.type_v = layer.type_k;
    }
    layer.draft = is_draft(s, i);
    layer.sinks = i < ATTN_GGUF_LAYERS_MAX && s->gguf->sinks[i];
    layer.scale = scale_of(s, layer.d_k);
    layer.softcap = real(s, ATTN_GGUF_SOFTCAP, 0);
    layer.max_bias = real(s, ATTN_GGUF_MAX_BIAS, s->arch->max_bias);
    add(s, &layer, i);
}

static void add_notes(struct source *s)
{
    const struct attn_gguf *g = s->gguf;
    bool patterned = has(s, ATTN_GGUF_WINDOW_PATTERN);
    if (s->arch->period && !patterned)
        note(s, "which layers have a window is not in the file: as in llama.cpp's code for %s", s->arch->name);
    else if (has(s, ATTN_GGUF_WINDOW) && !patterned && g->value[ATTN_GGUF_WINDOW].whole[0])
        note(s, "the file has a window of %" PRId32 " and does not say in which layers: taken to be in none",
             g->value[ATTN_GGUF_WINDOW].whole[0]);
    if (s->arch->window && !has(s, ATTN_GGUF_WINDOW))
        note(s, "the window is not in the file: %" PRId32 " as in llama.cpp's code", s->arch->window);
    if (s->arch->interval && !has(s, ATTN_GGUF_FULL_INTERVAL) && !has(s, ATTN_GGUF_RECURRENT))
        note(s, "which layers have attention is not in the file: one in %" PRId32 " as in llama.cpp's code",
             s->arch->interval);
    if (s->arch->max_bias > 0 && !has(s, ATTN_GGUF_MAX_BIAS))
        note(s, "ALiBi is not in the file: as in llama.cpp's code for %s", s->arch->name);
    if (s->arch->scale > 0 && !has(s, ATTN_GGUF_SCALE))
        note(s, "the scale is not in the file: 1 as in llama.cpp's code for %s", s->arch->name);
    if (has(s, ATTN_GGUF_CAUSAL) && !g->value[ATTN_GGUF_CAUSAL].whole[0])
        note(s, "attention is not causal: a session is a causal model's, its shapes are the same");
    if (g->parts > 1)
        note(s, "a model in %" PRId32 " files: sinks, which are known by their tensors, may be in the others",
             g->parts);
    if (g->cut)
        note(s, "the file ends inside the list of its tensors: sinks, which are known by theirs, may be missing");
}

bool attn_model_of(const struct attn_gguf *gguf, int type_k, int type_v, struct attn_model *model, char *wrong,
                   size_t cap)
{
    struct source s = {
        .gguf = gguf, .arch = architecture_of(gguf->architecture), .model = model, .wrong = wrong, .cap = cap
    };
    memset(model, 0, sizeof *model);
    model->layers = of_layer(&s, ATTN_GGUF_BLOCKS, 0, 0);
    model->context = of_layer(&s, ATTN_GGUF_CONTEXT, 0, 0);
    if (model->layers < 1 || model->layers > ATTN_GGUF_LAYERS_MAX) {
        snprintf(wrong, cap, "%s.block_count is %" PRId32 ", not from 1 to %d: no language model, or none of its keys",
                 gguf->architecture, model->layers, ATTN_GGUF_LAYERS_MAX);
        return false;
    }
    if (!has(&s, ATTN_GGUF_HEADS)) {
        snprintf(wrong, cap, "there is no %s.attention.head_count: a model without attention", gguf->architecture);
        return false;
    }
    s.drafting = of_layer(&s, ATTN_GGUF_NEXTN, 0, 0);
    if (s.arch->drafter || s.drafting >= model->layers) {
        /* A drafter of its own: its layers are all there is, and are played as a model's. */
        model->reads = s.arch->drafter;
        note(&s, model->reads
                     ? "all its layers are a drafter's, which read the cache of the target's last layers: these "
                       "are taken to have its heads"
                     : "all its layers are a drafter's: they are played as a model's own");
        s.drafting = 0;
    }
    for (int32_t i = 0; i < model->layers; i++)
        take_layer(&s, i, type_k, type_v);
    add_notes(&s);
    bool target = false;
    for (int i = 0; i < model->n_kinds; i++)
        target |= !model->kind[i].layer.draft;
    if (!target)
        snprintf(wrong, cap, "no layer has attention that can be played%s%s", model->n_notes ? ": " : "",
                 model->n_notes ? model->note[0] : "");
    return target;
}
