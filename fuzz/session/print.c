/* print.c: printer of session scripts. See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "fuzz/session/words.h"

struct printer {
    char *text;
    size_t cap, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct printer *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool room = p->len < p->cap;
    int n = vsnprintf(room ? p->text + p->len : NULL, room ? p->cap - p->len : 0, format, args);
    va_end(args);
    p->len += n > 0 ? (size_t)n : 0;
}

static void put_float(struct printer *p, const char *key, float value, float fallback)
{
    char text[24];
    if (value < fallback || value > fallback) {
        attn_float_print(value, text, sizeof text);
        put(p, " %s=%s", key, text);
    }
}

static void put_layer(struct printer *p, const struct attn_session *s, const struct attn_session_layer *l)
{
    put(p, " layer %s heads=%d/%d d=%d", l->name, l->n_head, l->n_head_kv, l->d_k);
    if (l->d_v != l->d_k)
        put(p, "/%d", l->d_v);
    if (l->type_k != ATTN_F16 || l->type_v != ATTN_F16) {
        put(p, " type=%s", attn_type_info(l->type_k)->name);
        if (l->type_v != l->type_k)
            put(p, "/%s", attn_type_info(l->type_v)->name);
    }
    if (l->window)
        put(p, " window=%d", l->window);
    if (l->cross)
        put(p, " cross=%d", l->cross);
    put_float(p, "scale", l->scale, 1.0f);
    put_float(p, "softcap", l->softcap, 0.0f);
    put_float(p, "max_bias", l->max_bias, 0.0f);
    put(p, "%s%s%s", l->sinks ? " sinks" : "", l->view ? " view" : "", l->draft ? " draft" : "");
    if (l->reads)
        put(p, " reads=%s", s->layer[l->reads - 1].name);
    put(p, ";");
}

static void put_settings(struct printer *p, const struct attn_session *s)
{
    struct attn_session given = *s, defaults;
    attn_session_default(&defaults);
    const char *what = NULL;
    struct attn_device device;
    if (s->weakening >= 0)
        attn_device_weaken(attn_device(s->device), s->weakening, &device, &what);
    if (s->device != defaults.device || what)
        put(p, " device %s%s%s;", attn_device(s->device)->name, what ? "~" : "", what ? what : "");
    for (int i = 0; i < N_NUMBERS; i++)
        if (*field(&given, i) != *field(&defaults, i))
            put(p, " %s %d;", numbers[i].name, *field(&given, i));
    for (int i = 0; i < N_CHOICES; i++)
        if (*choice(&given, i) != *choice(&defaults, i))
            put(p, " %s %s;", choices[i].name, *choice(&given, i) ? choices[i].one : choices[i].zero);
    if (s->mask == ATTN_SESSION_MASK_PADDED)
        put(p, " mask padded=%d;", s->mask_pad);
    else if (s->mask != defaults.mask)
        put(p, " mask %s;", mask_names[s->mask]);
    if (s->deal != defaults.deal)
        put(p, " deal %s;", deal_names[s->deal]);
    int weights = 0;
    for (int i = 0; i < ATTN_SESSION_SPLIT_MAX; i++)
        weights = s->weight[i] ? i + 1 : weights;
    for (int i = 0; i < weights; i++)
        put(p, "%s%d%s", i ? "/" : " weights ", s->weight[i], i + 1 < weights ? "" : ";");
    if (s->seed)
        put(p, " seed %" PRIu64 ";", s->seed);
    if (s->schedule)
        put(p, " schedule %" PRIu64 ";", s->schedule);
}

static void put_accepted(struct printer *p, const struct attn_session_event *e)
{
    put(p, " %d accept %d", e->drafted, e->accepted);
    if (e->branches > 1)
        put(p, " branches %d", e->branches);
}

static void put_event(struct printer *p, const struct attn_session_event *e)
{
    put(p, " %s", op_names[e->op]);
    switch (e->op) {
    case ATTN_SESSION_SLOT:
    case ATTN_SESSION_COPY: put(p, " %d", e->slot); break;
    case ATTN_SESSION_PREFILL:
    case ATTN_SESSION_DECODE:
    case ATTN_SESSION_TOGETHER: put(p, " %d", e->tokens); break;
    case ATTN_SESSION_DRAFT:
    case ATTN_SESSION_DRAFTS:
        put_accepted(p, e);
        if (e->times > 1)
            put(p, " times %d", e->times);
        break;
    case ATTN_SESSION_MIXED:
        put(p, " %d", e->tokens);
        if (e->drafted) {
            put(p, " draft");
            put_accepted(p, e);
        }
        break;
    case ATTN_SESSION_SHIFT: put(p, " keep=%d", e->keep); break;
    case ATTN_SESSION_REUSE:
        if (e->share == 0 || e->share == 1000)
            put(p, " lcp=%d", e->share / 1000);
        else
            put(p, " lcp=0.%03d", e->share);
        if (e->prompt)
            put(p, " prompt=%d", e->prompt);
        break;
    default: break;
    }
    put(p, ";");
}

size_t attn_session_print(const struct attn_session *session, char *text, size_t cap)
{
    struct printer p = { text, cap, 0 };
    put(&p, "session {");
    for (int i = 0; i < session->n_layers; i++)
        put_layer(&p, session, &session->layer[i]);
    put_settings(&p, session);
    for (int i = 0; i < session->n_events; i++)
        put_event(&p, &session->event[i]);
    put(&p, " }");
    return p.len;
}
