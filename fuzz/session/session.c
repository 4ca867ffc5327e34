/* session.c: defaults of a session, whether it can be played, how large those of a target are. See session.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/session/session.h"

#include <string.h>

void attn_session_default(struct attn_session *s)
{
    memset(s, 0, sizeof *s);
    s->weakening = -1;
    s->split = s->grain = s->slots = s->unified = s->pad = s->rows = 1;
    s->mask_pad = 1;
    s->cells = 256;
    s->ubatch = ATTN_SESSION_UBATCH;
    for (int i = 0; i < attn_device_count(); i++)
        if (strcmp(attn_device(i)->name, "gfx906") == 0)
            s->device = i;
}

static bool within(int64_t value, int64_t low, int64_t high) { return value >= low && value <= high; }

static const char *check_layer(const struct attn_session_layer *l)
{
    if (!within(l->n_head, 1, ATTN_SESSION_HEADS_MAX) || !within(l->n_head_kv, 1, l->n_head) ||
        l->n_head % l->n_head_kv)
        return "a layer's query heads are no multiple of its KV heads";
    if (!within(l->d_k, 1, ATTN_SESSION_HEAD_SIZE_MAX) || !within(l->d_v, 1, ATTN_SESSION_HEAD_SIZE_MAX))
        return "a layer's head size is from 1 to 2048";
    if (l->type_k >= ATTN_TYPE_COUNT || l->type_v >= ATTN_TYPE_COUNT)
        return "a layer's type does not exist";
    if (l->d_k % attn_type_info(l->type_k)->block_elems || l->d_v % attn_type_info(l->type_v)->block_elems)
        return "a layer's head size is no multiple of its type's block";
    if (l->view && (l->type_v != l->type_k || l->d_v > l->d_k))
        return "a layer's V is a view of K only in K's type and within K's row";
    if (!within(l->cross, 0, ATTN_SESSION_CELLS_MAX) ||
        (l->cross && (l->draft || l->reads || l->window || l->max_bias > 0)))
        return "a layer with keys from the beginning is the target's and has no window and no ALiBi";
    if (!within(l->window, 0, ATTN_SESSION_CELLS_MAX))
        return "a layer's window is from 0 to 65536";
    if (!(l->scale >= 0 && l->scale <= 1e30f && l->softcap >= 0 && l->softcap <= 1e30f && l->max_bias >= 0 &&
          l->max_bias <= 1e30f))
        return "a layer's scale, softcap and max_bias are from 0 to 1e30";
    if (memchr(l->name, 0, sizeof l->name) == NULL || !l->name[0])
        return "a layer has a name of 1 to 15 characters";
    return NULL;
}

/* A drafter's layer that has no cache of its own sees what a layer of the target has in its. */
static const char *check_reader(const struct attn_session *s, int i)
{
    const struct attn_session_layer *l = &s->layer[i];
    if (l->reads == 0)
        return NULL;
    if (!l->draft || l->reads > i || s->layer[l->reads - 1].draft || s->layer[l->reads - 1].cross)
        return "a layer that reads another's cache is the drafter's, and the other, of the target, comes before it";
    const struct attn_session_layer *read = &s->layer[l->reads - 1];
    if (read->d_k != l->d_k || read->d_v != l->d_v || read->n_head_kv != l->n_head_kv || read->type_k != l->type_k ||
        read->type_v != l->type_v || read->view != l->view || read->window != l->window)
        return "a layer that reads another's cache has its KV heads, head size, types and window";
    for (int k = 0; k < l->reads - 1; k++)
        if (strcmp(s->layer[k].name, read->name) == 0)
            return "a layer whose cache another reads has a name of its own";
    return NULL;
}

const char *attn_session_check(const struct attn_session *s)
{
    struct attn_device device;
    int target = 0;
    int32_t window = 0;
    if (!attn_device(s->device) ||
        (s->weakening >= 0 && !attn_device_weaken(attn_device(s->device), s->weakening, &device, NULL)))
        return "the device does not exist";
    if (!within(s->split, 1, ATTN_SESSION_SPLIT_MAX) || !within(s->slots, 1, ATTN_SESSION_SLOTS_MAX) ||
        !within(s->cells, 1, ATTN_SESSION_CELLS_MAX) || !within(s->ubatch, 1, ATTN_SESSION_UBATCH_MAX) ||
        !within(s->pad, 1, 1024) || !within(s->rows, 1, 256) || !within(s->base, 0, 1024) ||
        !within(s->mask_pad, 1, 1024) || !within(s->mask, 0, ATTN_SESSION_MASK_COUNT - 1) ||
        !within(s->deal, 0, ATTN_SESSION_DEAL_COUNT - 1) || !within(s->grain, 1, ATTN_SESSION_HEADS_MAX) ||
        !within(s->turn, 0, ATTN_SESSION_SPLIT_MAX - 1))
        return "a number of the server is out of its range";
    int32_t weighed = 0;
    for (int i = 0; i < ATTN_SESSION_SPLIT_MAX; i++)
        weighed = s->weight[i] ? i + 1 : weighed;
    if (weighed > s->split)
        return "there are more weights than devices that heads are split over";
    if (!within(s->n_layers, 1, ATTN_SESSION_LAYERS_MAX))
        return "a session needs 1 to 4 layers";
    if (!within(s->n_events, 0, ATTN_SESSION_EVENTS_MAX))
        return "a session has at most " ATTN_SESSION_DIGITS(ATTN_SESSION_EVENTS_MAX) " events";
    for (int i = 0; i < s->n_layers; i++) {
        const struct attn_session_layer *l = &s->layer[i];
        const char *wrong = check_layer(l);
        if (wrong || (wrong = check_reader(s, i)))
            return wrong;
        target += !l->draft && !l->cross;
        if (l->window && !l->draft) {
            if (window && window != l->window)
                return "layers of one model have one window (there is one sliding-window cache)";
            window = l->window;
        }
    }
    if (target == 0)
        return "a session needs a layer that is not the drafter's and whose keys are the cache's";
    for (int i = 0; i < s->n_events; i++) {
        const struct attn_session_event *e = &s->event[i];
        if (!within(e->op, 0, ATTN_SESSION_OP_COUNT - 1))
            return "an event does not exist";
        if ((e->op == ATTN_SESSION_SLOT || e->op == ATTN_SESSION_COPY) && !within(e->slot, 0, s->slots - 1))
            return "an event names a slot that is not there";
        if ((e->op == ATTN_SESSION_DRAFT || e->op == ATTN_SESSION_DRAFTS || e->op == ATTN_SESSION_MIXED) &&
            (!within(e->drafted, e->op != ATTN_SESSION_MIXED, ATTN_SESSION_DRAFT_MAX) ||
             !within(e->accepted, 0, e->drafted)))
            return "a draft has 1 to 64 tokens, of which at most all are accepted";
#define X(NAME, field, least, most)                                     \
    if (e->op == ATTN_SESSION_##NAME && !within(e->field, least, most)) \
        return "an event's number is out of its range";
        ATTN_SESSION_FIELDS(X)
#undef X
    }
    return NULL;
}

/* Planned only, a session costs microseconds a step; run, what its problems cost. */
void attn_session_limits_for(enum attn_session_kind kind, struct attn_session_limits *limits)
{
    static const struct attn_session_limits of[] = {
        [ATTN_SESSION_PLANNED] = { .cells = 32768,
                                   .ubatch = 512,
                                   .steps = 600,
                                   .heads = 128,
                                   .elements = 65536,
                                   .work = INT64_MAX },
        [ATTN_SESSION_RUN] = { .cells = 384, .ubatch = 48, .steps = 64, .heads = 12, .elements = 1152, .work = 600000 },
        [ATTN_SESSION_RUN_LONG] = { .cells = 12288,
                                    .ubatch = 512,
                                    .steps = 40,
                                    .heads = 8,
                                    .elements = 256,
                                    .work = INT64_MAX,
                                    .prompt = 900 },
    };
    *limits = of[kind];
}
