/* bytes.c: sessions out of any bytes. See session.h.
 *
 * The header's first bytes switch features on as wholes (swarm testing); the rest of the header draws the server, each
 * byte by itself, so that a changed byte changes one thing. After it come the events, 4 bytes each: what, how, how
 * much.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "fuzz/session/bytes.h"
#include "planner/arith.h"

static const int32_t head_kv_counts[] = { 1, 2, 3, 4, 5, 6, 7, 8, 16, 12 };
static const int32_t ratios[] = { 1, 2, 4, 3, 8, 5, 6, 7, 16, 12, 32 };
static const int32_t pads[] = { 32, 256, 2, 8, 64, 128 };
static const int32_t few[] = { 4, 8, 16, 2, 1, 12, 3, 32 };

#define PICK(array, byte) ((array)[(byte) % (sizeof(array) / sizeof(array)[0])])

static int32_t least(int32_t a, int32_t b) { return (int32_t)attn_min(a, b); }
static int32_t most(int32_t a, int32_t b) { return (int32_t)attn_max(a, b); }

struct input {
    uint8_t header[ATTN_SESSION_HEADER];
    uint32_t features;
    const struct attn_session_limits *limits;
};

static bool has(const struct input *in, int feature) { return in->features >> feature & 1; }

static int deal_of(const struct input *in) { return in->header[AT_DEAL] % ATTN_SESSION_DEAL_COUNT; }

enum attn_session_kind attn_session_bytes_kind(const uint8_t *bytes, size_t size)
{
    enum { LONG = 31 }; /* one in so many of those that are run: they cost as much more */
    const uint8_t byte = size > AT_RUN ? bytes[AT_RUN] : 0;
    return !(byte & 1) ? ATTN_SESSION_PLANNED : byte / 2 % 32 == LONG ? ATTN_SESSION_RUN_LONG : ATTN_SESSION_RUN;
}

/* ---- Layers ---------------------------------------------------------------------------------------------- */

static void choose_size(const struct input *in, uint8_t byte, struct attn_session_layer *l)
{
    if (has(in, HAS_ANY_SIZE)) {
        l->d_k = 1 + (in->header[AT_D_K] + 3 * byte) % 320;
        l->d_v = 1 + (in->header[AT_D_V] + 5 * byte) % 320;
        return;
    }
    /* The head sizes that most models have are drawn more often (64, 128, 256, MLA's). */
#define SIZE(d_k, d_v) ATTN_HEAD_SIZE_##d_k##_##d_v
    static const uint8_t order[] = { SIZE(64, 64),   SIZE(128, 128), SIZE(256, 256), SIZE(40, 40),   SIZE(72, 72),
                                     SIZE(80, 80),   SIZE(96, 96),   SIZE(112, 112), SIZE(192, 128), SIZE(192, 192),
                                     SIZE(320, 256), SIZE(512, 512), SIZE(576, 512), SIZE(256, 256), SIZE(128, 128),
                                     SIZE(256, 256), SIZE(64, 64),   SIZE(128, 128), SIZE(256, 256), SIZE(576, 512) };
#undef SIZE
    enum { WHOLE = 256 / sizeof order * sizeof order }; /* of a byte's values: each size as often as it is there */
    const uint8_t other = in->header[AT_D_K];
    const bool table = byte < WHOLE || byte % 2 == 0;
    const struct attn_head_size *size = attn_head_size(byte < WHOLE ? PICK(order, byte) : other % ATTN_HEAD_SIZE_COUNT);
    const int32_t padded = 8 * (1 + other % (attn_head_size(ATTN_HEAD_SIZE_COUNT - 1)->d_v / 8));
    /* The few values that are left: any size of the table, or one that runs on the next larger instance. */
    l->d_k = table ? size->d_k : padded;
    l->d_v = table ? size->d_v : padded;
}

/* A type whose blocks the head size is a multiple of; the first types are the plain ones. */
static uint8_t choose_type(uint8_t byte, int32_t d)
{
    int type = byte % ATTN_TYPE_COUNT;
    while (d % attn_type_info(type)->block_elems)
        type = (type + 1) % ATTN_TYPE_COUNT;
    return (uint8_t)type;
}

static void choose_layer(const struct input *in, const char *name, uint8_t size, struct attn_session_layer *l)
{
    const uint8_t *h = in->header;
    memset(l, 0, sizeof *l);
    memcpy(l->name, name, strlen(name));
    choose_size(in, size, l);
    l->type_k = has(in, HAS_TYPES) ? choose_type(h[AT_TYPE_K], l->d_k) : ATTN_F16;
    l->type_v = has(in, HAS_MIXED) ? choose_type(h[AT_TYPE_V], l->d_v) : choose_type(l->type_k, l->d_v);
    if (has(in, HAS_VIEW) && l->d_v <= l->d_k) {
        l->type_v = l->type_k;
        l->view = l->d_v % attn_type_info(l->type_v)->block_elems == 0;
        l->type_v = l->view ? l->type_v : choose_type(l->type_k, l->d_v);
    }
    const bool dealt = has(in, HAS_SPLIT) && deal_of(in) != ATTN_SESSION_DEAL_DOWN; /* shows in several alone */
    l->n_head_kv = has(in, HAS_KV_HEADS) || dealt ? PICK(head_kv_counts, h[AT_KV_HEADS]) : in->limits->prompt ? 2 : 1;
    int32_t ratio = has(in, HAS_GQA) ? PICK(ratios, h[AT_RATIO]) : 1;
    l->n_head_kv = most(1, least(l->n_head_kv, (int32_t)(in->limits->elements / l->d_k)));
    l->n_head_kv = least(l->n_head_kv, in->limits->heads);
    l->n_head = l->n_head_kv * most(1, least(ratio, in->limits->heads / l->n_head_kv));
    l->scale = has(in, HAS_SCALE) ? 1.0f : (float)(1.0 / sqrt((double)l->d_k));
    l->softcap = has(in, HAS_SOFTCAP) ? (h[AT_NUMBERS] & 1 ? 50.0f : 15.0f) : 0.0f;
    l->max_bias = has(in, HAS_ALIBI) ? (h[AT_NUMBERS] & 2 ? 8.0f : 4.0f) : 0.0f;
    l->sinks = has(in, HAS_SINKS);
}

static void choose_layers(const struct input *in, struct attn_session *s)
{
    const uint8_t *h = in->header;
    choose_layer(in, "full", h[AT_SIZE], &s->layer[s->n_layers++]);
    if (has(in, HAS_WINDOW)) {
        struct attn_session_layer *l = &s->layer[s->n_layers++];
        choose_layer(in, "window", h[AT_SIZE_2], l);
        l->window = 1 + (int32_t)((int64_t)s->cells * (h[AT_WINDOW] + 1) / 512);
        s->swa_full = has(in, HAS_SWA_FULL);
        s->narrow = has(in, HAS_NARROW);
    }
    if (has(in, HAS_DRAFTER)) {
        struct attn_session_layer *l = &s->layer[s->n_layers++];
        choose_layer(in, "mtp", h[AT_DRAFT_SIZE], l);
        l->draft = 1;
    }
    if (has(in, HAS_CROSS)) {
        struct attn_session_layer *l = &s->layer[s->n_layers++];
        choose_layer(in, "cross", h[AT_SIZE], l);
        l->max_bias = 0;
        l->cross = 1 + h[AT_WINDOW] * (in->limits->work < INT64_MAX ? 1 : 6);
    }
}

/* A drafter's layer for each of the target's, the last first, as long as there is room: it reads that one's cache. */
static void choose_readers(const struct input *in, struct attn_session *s)
{
    int target = 0;
    while (target < s->n_layers && !s->layer[target].draft && !s->layer[target].cross)
        target++;
    for (int i = target - 1; i >= 0 && s->n_layers < ATTN_SESSION_LAYERS_MAX; i--) {
        struct attn_session_layer *l = &s->layer[s->n_layers++];
        const int32_t ratio = s->layer[i].n_head / s->layer[i].n_head_kv;
        *l = s->layer[i];
        memcpy(l->name, i ? "reader2" : "reader1", sizeof "reader1");
        l->draft = 1;
        l->reads = (uint8_t)(i + 1);
        l->n_head = l->n_head_kv * least(PICK(ratios, in->header[AT_DRAFT_SIZE]), ratio);
    }
}

/* ---- The server ------------------------------------------------------------------------------------------ */

static void choose_server(const struct input *in, struct attn_session *s)
{
    const uint8_t *h = in->header;
    s->device = h[AT_DEVICE] % attn_device_count();
    for (int i = 0; i < attn_weakening_count() && has(in, HAS_WEAKENED); i++) {
        struct attn_device device;
        int w = (h[AT_WEAKENING] + i) % attn_weakening_count();
        if (attn_device_weaken(attn_device(s->device), w, &device, NULL)) {
            s->weakening = w;
            break;
        }
    }
    s->slots = has(in, HAS_SLOTS) ? 2 + h[AT_SLOTS] % (ATTN_SESSION_SLOTS_MAX - 1) : 1;
    s->unified = !has(in, HAS_STREAMS);
    /* From 48 cells up, in steps that are not only round. */
    int32_t cells = 48 << h[AT_CELLS] % 10;
    s->cells = least(in->limits->cells, cells + (h[AT_CELLS] / 11 % 4) * (cells / 4 + 1));
    if (in->limits->prompt)
        s->cells = least(in->limits->cells, (in->limits->prompt << h[AT_CELLS] % 4) * 3 / 2 + h[AT_CELLS]);
    s->ubatch = has(in, HAS_UBATCH) && !in->limits->prompt ? PICK(few, h[AT_UBATCH]) : in->limits->ubatch;
    s->pad = has(in, HAS_PAD) ? PICK(pads, h[AT_PAD]) : 1;
    if (has(in, HAS_MASK)) {
        s->mask = h[AT_MASK] & 1 ? ATTN_SESSION_MASK_PADDED : ATTN_SESSION_MASK_KEPT;
        s->mask_pad = s->mask == ATTN_SESSION_MASK_PADDED ? PICK(pads, h[AT_MASK] / 2) : 1;
    }
    s->rows = has(in, HAS_ROWS) ? PICK(few, h[AT_ROWS]) : 1;
    s->split = has(in, HAS_SPLIT) ? 2 + h[AT_SPLIT] % (ATTN_SESSION_SPLIT_MAX - 1) : 1;
    for (int i = 0; i < s->split && s->split > 1 && has(in, HAS_UNEVEN); i++)
        s->weight[i] = 1 + (h[AT_SPLIT] >> i % 4 * 2 & 3) * (i + 1);
    if (s->split > 1) {
        s->deal = deal_of(in);
        s->grain = h[AT_DEAL] / 8 % 4 == 3 ? 2 + h[AT_SPLIT] / 8 % 3 : 1;
        s->turn = h[AT_DEAL] / 32 % s->split;
    }
    s->shared = has(in, HAS_SHARED);
    s->base = has(in, HAS_BASE) ? h[AT_BASE] % 65 : 0;
    s->seed = h[AT_SEED] | (uint64_t)h[AT_SEED + 1] << 8;
    s->schedule = has(in, HAS_SCHEDULE) ? 1 + (uint64_t)h[AT_SCHEDULE] : 0;
}

/* Multiply-adds of a step of the layer when all cells are in use. */
static int64_t step_work(const struct attn_session *s, const struct attn_session_layer *l)
{
    const int64_t keys = l->cross ? attn_round_up(l->cross, ATTN_SESSION_CROSS_PAD) : s->cells;
    return s->ubatch * keys * l->n_head * (l->d_k + l->d_v);
}

static struct attn_session_layer *dearest(struct attn_session *s)
{
    struct attn_session_layer *dear = &s->layer[0];
    for (int i = 1; i < s->n_layers; i++)
        if (step_work(s, &s->layer[i]) > step_work(s, dear))
            dear = &s->layer[i];
    return dear;
}

/* Fewer query heads, then fewer KV heads; false when there is one. */
static bool fewer_heads(struct attn_session_layer *l)
{
    int32_t ratio = l->n_head / l->n_head_kv;
    if (l->n_head == 1)
        return false;
    if (ratio > 1 && (ratio > 2 || l->n_head_kv == 1))
        ratio = (ratio + 1) / 2;
    else
        l->n_head_kv = (l->n_head_kv + 1) / 2;
    l->n_head = l->n_head_kv * ratio;
    return true;
}

/* Brings the session within the limit on work. A context of some hundred cells is the last to go: splits of the keys,
 * and keys of plans that change as it grows, are not seen in shorter ones. */
static void fit(struct attn_session *s, const struct attn_session_limits *limits)
{
    enum { LONG = 192, SHORT = 16 };
    while (limits->work < INT64_MAX && step_work(s, dearest(s)) > limits->work) {
        if (s->cells > LONG)
            s->cells = most(LONG, s->cells / 2);
        else if (s->ubatch > 6)
            s->ubatch /= 2;
        else if (fewer_heads(dearest(s)))
            continue;
        else if (s->ubatch > 1)
            s->ubatch /= 2;
        else if (s->cells > SHORT)
            s->cells = most(SHORT, s->cells / 2);
        else
            return;
    }
}

/* ---- Events ---------------------------------------------------------------------------------------------- */

/* How often each event is drawn, of 16; the rare ones share the last. */
static const uint8_t often[16] = { ATTN_SESSION_PREFILL,  ATTN_SESSION_PREFILL,    ATTN_SESSION_DECODE,
                                   ATTN_SESSION_DECODE,   ATTN_SESSION_DRAFT,      ATTN_SESSION_DRAFT,
                                   ATTN_SESSION_TOGETHER, ATTN_SESSION_DRAFTS,     ATTN_SESSION_REUSE,
                                   ATTN_SESSION_REUSE,    ATTN_SESSION_CHECKPOINT, ATTN_SESSION_RESTORE,
                                   ATTN_SESSION_COPY,     ATTN_SESSION_SHIFT,      ATTN_SESSION_CLEAR,
                                   ATTN_SESSION_DEFRAG };

/* Where in (0, most] a byte falls: small numbers mostly, all of it at times. */
static int32_t amount(uint8_t byte, int32_t top)
{
    int64_t x = byte & 63;
    int32_t n = byte < 64 ? 1 + (int32_t)x : byte < 128 ? (int32_t)(top * x / 256) : (int32_t)(top * (x + 1) / 64);
    return most(1, least(n, top));
}

static void add_event(struct attn_session *s, const struct attn_session_event *e)
{
    if (s->n_events < ATTN_SESSION_EVENTS_MAX)
        s->event[s->n_events++] = *e;
}

int32_t attn_session_mixed_steps(const struct attn_session *s, const struct attn_session_event *e)
{
    const int32_t others = (s->slots - 1) * (e->drafted + 1), room = most(1, s->ubatch - others);
    return (1 + e->tokens / room) * (1 + others / s->ubatch + (e->drafted ? e->drafted + 1 : 0));
}

static int32_t steps_of(const struct attn_session *s, const struct attn_session_event *e)
{
    switch (e->op) {
    case ATTN_SESSION_PREFILL: return 1 + e->tokens / s->ubatch;
    case ATTN_SESSION_REUSE: return 1 + (e->prompt ? e->prompt : s->cells / 2) / s->ubatch;
    case ATTN_SESSION_DECODE:
    case ATTN_SESSION_TOGETHER: return e->tokens;
    case ATTN_SESSION_DRAFT:
    case ATTN_SESSION_DRAFTS: return e->drafted + 2 + (e->drafted + 1) / s->ubatch;
    case ATTN_SESSION_MIXED: return attn_session_mixed_steps(s, e);
    default: return 0;
    }
}

enum { CHAIN = 16, TREE = 48 }; /* the longest draft */

/* `b`: what, slot and how, how much, how much more. */
static void decode_event(const struct input *in, const uint8_t *b, int32_t budget, int *slot, struct attn_session *s)
{
    static const int32_t shares[] = { 1000, 995, 900, 500, 250, 0, 980, 700 };
    struct attn_session_event e = { .op = often[b[0] & 15] };
    const int32_t prompt = least(amount(b[2], s->cells), most(1, budget) * s->ubatch);
    const bool whole = b[1] & 0x40;
    int to = s->slots > 1 ? b[1] % s->slots : 0;
    if (to != *slot && e.op != ATTN_SESSION_COPY) {
        add_event(s, &(struct attn_session_event){ .op = ATTN_SESSION_SLOT, .slot = to });
        *slot = to;
    }
    switch (e.op) {
    case ATTN_SESSION_PREFILL:
        e.tokens = prompt;
        if (has(in, HAS_BESIDE) && s->slots > 1 && (b[1] & 0x80)) {
            e.op = ATTN_SESSION_MIXED;
            e.drafted = b[3] & 1 ? 1 + b[3] / 2 % CHAIN : 0;
            e.accepted = b[1] / 8 % (e.drafted + 1);
            e.branches = e.drafted && has(in, HAS_TREES) && (b[3] & 0x80) ? 2 + b[3] / 32 % 4 : 0;
            e.tokens = least(prompt, budget * s->ubatch / (2 * (e.drafted + 1)) + 1);
        }
        break;
    case ATTN_SESSION_DECODE:
    case ATTN_SESSION_TOGETHER: e.tokens = least(amount(b[2], s->cells), budget); break;
    case ATTN_SESSION_DRAFT:
    case ATTN_SESSION_DRAFTS:
        e.branches = has(in, HAS_TREES) && (b[1] & 0x80) ? 2 + b[1] / 8 % 8 : 0;
        e.drafted = 1 + b[2] % (e.branches ? TREE : CHAIN);
        e.accepted = b[3] % (e.drafted + 1);
        break;
    case ATTN_SESSION_REUSE:
        e.prompt = whole ? 0 : prompt;
        e.share = PICK(shares, b[3]);
        break;
    case ATTN_SESSION_COPY:
        if (s->slots == 1)
            return;
        e.slot = to;
        break;
    case ATTN_SESSION_SHIFT: e.keep = amount(b[2], s->cells / 2 + 1) - 1; break;
    default: break;
    }
    add_event(s, &e);
}

void attn_session_decode(const uint8_t *bytes, size_t size, const struct attn_session_limits *limits,
                         struct attn_session *s)
{
    struct input in = { .limits = limits };
    memcpy(in.header, bytes, size < sizeof in.header ? size : sizeof in.header);
    in.features =
        in.header[0] | (uint32_t)in.header[1] << 8 | (uint32_t)in.header[2] << 16 | (uint32_t)in.header[AT_MORE] << 24;
    attn_session_default(s);
    choose_server(&in, s);
    choose_layers(&in, s);
    fit(s, limits);
    for (int i = 0; i < s->n_layers; i++)
        if (s->layer[i].window > s->cells)
            s->layer[i].window = s->cells;
    if (has(&in, HAS_READER))
        choose_readers(&in, s);
    int slot = 0;
    int32_t steps = limits->steps;
    if (limits->prompt)
        add_event(s, &(struct attn_session_event){ .op = ATTN_SESSION_PREFILL,
                                                   .tokens = s->cells - s->cells / 4 + in.header[AT_CELLS] % 16 });
    for (size_t at = sizeof in.header;
         at + ATTN_SESSION_EVENT_BYTES <= size && at < ATTN_SESSION_BYTES_MAX && steps > 0;
         at += ATTN_SESSION_EVENT_BYTES) {
        int before = s->n_events;
        decode_event(&in, bytes + at, steps, &slot, s);
        for (int i = before; i < s->n_events; i++)
            steps -= steps_of(s, &s->event[i]);
    }
    if (s->n_events == 0)
        add_event(s, &(struct attn_session_event){ .op = ATTN_SESSION_PREFILL, .tokens = 1 });
}
