/* fuzz_gguf.c: the reader of GGUF files takes any bytes: it ends in values that are in order, and in sessions that can
 * be played and printed, or in an error that says what and where; in how many pieces the bytes come does not matter.
 *
 * The first byte of an input says what the rest is: a file as it stands, or keys, tensors and changes of bytes, four
 * bytes each (what, which type or how, two of value), which make a file: so that every key of a model is one step away.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "fuzz/model/model.h"
#include "fuzz/targets/target.h"

ATTN_TARGET("fuzz_gguf")

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_gguf: %s\n", what);
    abort();
}

/* ---- Inputs ---------------------------------------------------------------------------------------------- */

enum { FILE_MAX = 1 << 16 };
enum kind { AS_IT_STANDS, KEYS, CHANGED, OTHER_ORDER, KINDS };

struct file {
    size_t size, taken;
    bool big;     /* byte order */
    size_t piece; /* longest that one call of the source gives; 0: all that is asked for */
    uint8_t bytes[FILE_MAX];
};

static void put(struct file *f, const void *bytes, size_t n)
{
    size_t room = FILE_MAX - f->size;
    n = n < room ? n : room;
    memcpy(f->bytes + f->size, bytes, n);
    f->size += n;
}

static void put_number(struct file *f, uint64_t value, int bytes)
{
    uint8_t raw[8];
    for (int i = 0; i < bytes; i++)
        raw[f->big ? bytes - 1 - i : i] = (uint8_t)(value >> (8 * i));
    put(f, raw, (size_t)bytes);
}

static void put_string(struct file *f, const char *text)
{
    put_number(f, strlen(text), 8);
    put(f, text, strlen(text));
}

/* A value: small ones mostly, and what is at the ends of types. */
static uint64_t value_of(uint8_t low, uint8_t high)
{
    static const uint64_t ends[] = {
        0, UINT64_MAX, INT64_MAX, UINT32_MAX, INT32_MAX, 0x7f800000, 0x7fc00000, 0x3f800000
    };
    return high < 0x80 ? low | (uint64_t)high << 8 : ends[low % 8];
}

static void put_value(struct file *f, int type, uint8_t low, uint8_t high)
{
    static const int bytes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
    char text[16];
    uint64_t value = value_of(low, high);
    if (type == 8) {
        snprintf(text, sizeof text, "%u", (unsigned)low);
        put_string(f, text);
    } else if (type == 6 && high < 0x80) {
        float real = (float)value / 256;
        uint32_t bits;
        memcpy(&bits, &real, sizeof bits);
        put_number(f, bits, 4);
    } else if (type < 13) {
        put_number(f, value, bytes[type]);
    }
}

/* A key of a model and its value: one number, or an array of as many as models have layers, or so. */
static void put_key(struct file *f, int field, const uint8_t *group)
{
    static const uint32_t lengths[] = { 0, 1, 2, 5, 60, 1024, 1025, 7 };
    char key[ATTN_GGUF_NAME_MAX];
    int proper = field < ATTN_GGUF_SOFTCAP ? 4 : 6, type = group[1] & 64 ? group[1] % 14 : proper;
    bool array = group[1] >= 128;
    snprintf(key, sizeof key, "m.%s", attn_gguf_key((enum attn_gguf_field)field));
    put_string(f, key);
    if (!array) {
        put_number(f, (uint64_t)type, 4);
        put_value(f, type, group[2], group[3]);
        return;
    }
    uint32_t n = lengths[group[3] >> 4 & 7];
    put_number(f, 9, 4);
    put_number(f, (uint64_t)type, 4);
    put_number(f, n, 8);
    for (uint32_t i = 0; i < n; i++) { /* every third another, or each another */
        uint32_t step = group[3] & 7, value = group[3] & 8 ? group[2] + i * step : i % 3 ? group[2] : group[2] >> step;
        put_value(f, type, (uint8_t)value, 0);
    }
}

static void put_tensor(struct file *f, const uint8_t *group)
{
    char name[48];
    snprintf(name, sizeof name, "blk.%d.attn_sinks%s", group[2] | group[3] << 8, group[1] & 1 ? ".weight" : "");
    put_string(f, name);
    put_number(f, group[1] >> 4, 4);
    for (int i = 0; i < group[1] >> 4; i++)
        put_number(f, 32, 8);
    put_number(f, 0, 4);
    put_number(f, 0, 8);
}

enum what { TENSOR = ATTN_GGUF_FIELD_COUNT, TOKENS, CHANGE, WHATS };

static int what_of(const uint8_t *group) { return group[0] % WHATS; }

/* What every model has, where the input does not say it. */
static const struct {
    int field;
    uint8_t value;
} usual[] = { { ATTN_GGUF_BLOCKS, 5 }, { ATTN_GGUF_HEADS, 4 }, { ATTN_GGUF_EMBEDDING, 128 } };

enum { USUAL = sizeof usual / sizeof usual[0] };

static bool says(const uint8_t *groups, size_t n, int what)
{
    while (n--)
        if (what_of(groups + 4 * n) == what)
            return true;
    return false;
}

/* Keys first, then tensors, then the changes. */
static void build(struct file *f, const uint8_t *groups, size_t n, bool bare, bool changed)
{
    uint64_t keys = 1, tensors = 0;
    for (size_t i = 0; i < USUAL && !bare; i++)
        keys += !says(groups, n, usual[i].field);
    for (size_t i = 0; i < n; i++) {
        tensors += what_of(groups + 4 * i) == TENSOR;
        keys += what_of(groups + 4 * i) < TENSOR || what_of(groups + 4 * i) == TOKENS;
    }
    put(f, "GGUF", 4);
    put_number(f, 3, 4);
    put_number(f, tensors, 8);
    put_number(f, keys, 8);
    put_string(f, "general.architecture");
    put_number(f, 8, 4);
    put_string(f, "m");
    for (size_t i = 0; i < USUAL && !bare; i++)
        if (!says(groups, n, usual[i].field))
            put_key(f, usual[i].field, (const uint8_t[4]){ 0, 0, usual[i].value, 0 });
    for (size_t i = 0; i < n; i++) {
        const uint8_t *group = groups + 4 * i;
        if (what_of(group) < TENSOR) {
            put_key(f, what_of(group), group);
        } else if (what_of(group) == TOKENS) {
            put_string(f, group[1] & 1 ? "tokenizer.ggml.tokens" : "general.name");
            put_number(f, group[1] & 1 ? 9 : 8, 4);
            if (group[1] & 1) {
                put_number(f, 8, 4);
                put_number(f, group[2], 8);
            }
            for (int k = 0; k < (group[1] & 1 ? group[2] : 1); k++)
                put_string(f, "a token");
        }
    }
    for (size_t i = 0; i < n; i++)
        if (what_of(groups + 4 * i) == TENSOR)
            put_tensor(f, groups + 4 * i);
    for (size_t i = 0; changed && i < n; i++) {
        const uint8_t *group = groups + 4 * i;
        size_t at = (size_t)(group[2] | group[3] << 8) % f->size;
        if (what_of(group) == CHANGE && group[1] < 240)
            f->bytes[at] ^= group[1];
        else if (what_of(group) == CHANGE)
            f->size = at + 1;
    }
}

static size_t source(void *context, void *to, size_t n)
{
    struct file *f = context;
    size_t left = f->size - f->taken;
    n = n < left ? n : left;
    n = f->piece && n > f->piece ? f->piece : n;
    memcpy(to, f->bytes + f->taken, n);
    f->taken += n;
    return n;
}

/* ---- What must hold -------------------------------------------------------------------------------------- */

static bool printable(const char *text, size_t cap)
{
    if (!memchr(text, 0, cap))
        return false;
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    return true;
}

static void check_values(const struct attn_gguf *g)
{
    demand(g->architecture[0] && printable(g->architecture, sizeof g->architecture), "the architecture is no word");
    demand(printable(g->name, sizeof g->name), "the name is not printable");
    for (int i = 0; i < ATTN_GGUF_FIELD_COUNT; i++) {
        const struct attn_gguf_value *v = &g->value[i];
        demand(v->n >= 0 && v->n <= ATTN_GGUF_LAYERS_MAX && (v->array || v->n <= 1), "a key has so many values");
        demand(v->real >= 0 && isfinite(v->real), "a number is none");
        for (int k = 0; k < ATTN_GGUF_LAYERS_MAX; k++)
            demand(v->whole[k] >= 0 && (k < v->n || v->whole[k] == 0), "a whole number is none");
    }
}

static bool legal(void *context, const struct attn_player *player, const struct attn_session_at *at,
                  const struct attn_problem *problem)
{
    struct attn_error error;
    (void)context;
    (void)player;
    (void)at;
    demand(attn_problem_check(problem, &error) == ATTN_E_OK, "a step of the model's session is not legal");
    return true;
}

static void check_session(const struct attn_session *session)
{
    static struct attn_session again;
    static char script[ATTN_SESSION_TEXT_MAX];
    struct attn_session_error error;
    size_t used, length;
    demand(!attn_session_check(session), "a model's session cannot be played");
    length = attn_session_print(session, script, sizeof script);
    demand(length < sizeof script && attn_session_parse(script, length, &again, &used, &error),
           "a model's session cannot be read again");
    demand(memcmp(session, &again, sizeof again) == 0, "read again it is another session");
    struct attn_player *player = attn_player_open(session, false, 0);
    demand(player != NULL, "there is no memory for a session that is planned only");
    attn_player_play(player, legal, NULL);
    attn_player_close(player);
}

static void check_model(const struct attn_gguf *gguf)
{
    static struct attn_model model;
    static struct attn_session session;
    char wrong[128];
    int32_t layers = 0, kinds = 0;
    memset(wrong, 0, sizeof wrong);
    if (!attn_model_of(gguf, ATTN_F16, ATTN_Q8_0, &model, wrong, sizeof wrong)) {
        demand(wrong[0] && printable(wrong, sizeof wrong), "a model is refused without a word");
        return;
    }
    stats.read++;
    demand(model.n_notes <= ATTN_MODEL_NOTES_MAX && model.n_kinds <= ATTN_MODEL_KINDS_MAX, "there are too many kinds");
    for (int i = 0; i < model.n_notes; i++)
        demand(printable(model.note[i], sizeof model.note[i]), "a note is not printable");
    for (int i = 0; i < model.n_kinds; i++) {
        layers += model.kind[i].count;
        kinds += !model.kind[i].layer.draft;
    }
    demand(layers <= model.attention && model.attention <= model.layers, "a layer is in two kinds");
    int n = attn_model_sessions(&model);
    demand(n >= 1 && n <= ATTN_MODEL_KINDS_MAX, "a model without a session");
    for (int i = 0; i < n; i++) {
        attn_model_session(&model, i, 1024, &session);
        for (int k = 0; k < session.n_layers; k++)
            kinds -= !session.layer[k].draft;
        check_session(&session);
    }
    demand(kinds == 0, "a kind of layer is in no session, or in two");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct attn_gguf gguf, again;
    static struct file file;
    struct attn_gguf_error error, other;
    attn_crash_begin(data, size);
    attn_stats_tick(&stats);
    if (size == 0)
        return 0;
    enum kind kind = data[0] % KINDS;
    file.size = file.taken = 0;
    file.big = kind == OTHER_ORDER;
    file.piece = 0;
    if (kind == AS_IT_STANDS)
        put(&file, data + 1, size - 1);
    else
        build(&file, data + 1, (size - 1) / 4, data[0] >= 192, kind == CHANGED);
    bool good = attn_gguf_read(source, &file, &gguf, &error);
    file.taken = 0;
    file.piece = data[0] / KINDS + 1;
    demand(attn_gguf_read(source, &file, &again, &other) == good, "in pieces it is read otherwise");
    if (good) {
        demand(memcmp(&gguf, &again, sizeof gguf) == 0, "in pieces the values are others");
        check_values(&gguf);
        check_model(&gguf);
        return 0;
    }
    stats.unread++;
    demand(error.text[0] && printable(error.text, sizeof error.text), "an error without a text");
    demand(error.at <= file.size, "an error's place lies outside the file");
    demand(error.at == other.at && !strcmp(error.text, other.text), "in pieces the error is another");
    return 0;
}
