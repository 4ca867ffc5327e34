/* play.c: sessions of a server that runs a model.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "fuzz/model/model.h"

/* Which session each of the target's kinds is in: the first that has a place for it (one place is the drafter's, where
 * there is one) and no other window, as a model's layers share one sliding-window cache. Returns how many there are. */
static int share_out(const struct attn_model *model, int session[ATTN_MODEL_KINDS_MAX], int *drafter)
{
    int taken[ATTN_MODEL_KINDS_MAX] = { 0 }, n = 0;
    int32_t window[ATTN_MODEL_KINDS_MAX] = { 0 };
    *drafter = -1;
    for (int i = model->n_kinds - 1; i >= 0; i--)
        if (model->kind[i].layer.draft)
            *drafter = i;
    for (int i = 0; i < model->n_kinds; i++) {
        int32_t own = model->kind[i].layer.window;
        int at = 0;
        session[i] = -1;
        if (model->kind[i].layer.draft)
            continue;
        while (taken[at] == (model->reads ? ATTN_SESSION_LAYERS_MAX / 2 : ATTN_SESSION_LAYERS_MAX - (*drafter >= 0)) ||
               (own && window[at] && window[at] != own))
            at++;
        session[i] = at;
        taken[at]++;
        window[at] = own ? own : window[at];
        n = at + 1 > n ? at + 1 : n;
    }
    return n;
}

int attn_model_sessions(const struct attn_model *model)
{
    int session[ATTN_MODEL_KINDS_MAX], drafter;
    return share_out(model, session, &drafter);
}

static struct attn_session_event *add(struct attn_session *s, int op)
{
    struct attn_session_event *e = &s->event[s->n_events++];
    *e = (struct attn_session_event){ .op = op };
    return e;
}

void attn_model_session(const struct attn_model *model, int index, int32_t cells, struct attn_session *s)
{
    int session[ATTN_MODEL_KINDS_MAX], drafter;
    share_out(model, session, &drafter);
    attn_session_default(s);
    s->cells = model->context > 0 && model->context < cells ? model->context : cells;
    s->pad = 256; /* llama_kv_cache::get_n_kv */
    for (int i = 0; i < model->n_kinds; i++)
        if (session[i] == index)
            s->layer[s->n_layers++] = model->kind[i].layer;
    if (drafter >= 0)
        s->layer[s->n_layers++] = model->kind[drafter].layer;
    const int n_target = s->n_layers;
    for (int i = 0; i < n_target && model->reads; i++) {
        struct attn_session_layer *l = &s->layer[s->n_layers++];
        *l = s->layer[i];
        l->draft = 1;
        l->reads = (uint8_t)(i + 1);
        snprintf(l->name, sizeof l->name, i ? "mtp%d" : "mtp", i + 1);
    }
    const int32_t quarter = s->cells / 4;
    add(s, ATTN_SESSION_PREFILL)->tokens = quarter > 16 ? quarter - 7 : 1;
    add(s, ATTN_SESSION_DECODE)->tokens = s->cells > 8 ? 3 : 1;
    if (quarter <= 16)
        return;
    if (drafter >= 0 || model->reads) {
        struct attn_session_event *draft = add(s, ATTN_SESSION_DRAFT);
        draft->drafted = 4;
        draft->accepted = draft->times = 2;
    }
    struct attn_session_event *reuse = add(s, ATTN_SESSION_REUSE);
    reuse->share = 500;
    reuse->prompt = 3 * quarter;
    add(s, ATTN_SESSION_DECODE)->tokens = 2;
}
