/* picture.c: see picture.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/picture/picture.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input/message.h"

const char *picture_state_word(int state)
{
    static const char *const words[] = {
#define X(NAME, letter, word, text) word,
        PICTURE_STATES(X)
#undef X
    };
    return state >= 0 && state < PICTURE_STATE_COUNT ? words[state] : "unknown";
}

const char *picture_state_text(int state)
{
    static const char *const texts[] = {
#define X(NAME, letter, word, text) text,
        PICTURE_STATES(X)
#undef X
    };
    return state >= 0 && state < PICTURE_STATE_COUNT ? texts[state] : "unknown";
}

const char *picture_change_word(int change)
{
    static const char *const words[] = { "same", "launched otherwise", "another kernel", "better", "worse" };
    return change >= 0 && change < PICTURE_CHANGE_COUNT ? words[change] : "unknown";
}

/* ---- Problems -------------------------------------------------------------------------------------------- */

void picture_axes(struct picture *p)
{
    p->n_q = p->n_kv = 0;
    for (int64_t n = 1; n <= 4096; n *= 2) {
        p->q[p->n_q++] = n;
        if (n >= 2 && n < 4096)
            p->q[p->n_q++] = n + n / 2;
    }
    for (int64_t n = 32; n <= 131072; n *= 2)
        p->kv[p->n_kv++] = n;
}

bool picture_open(struct picture *p)
{
    p->cell = calloc((size_t)p->n_devices * (size_t)p->n_whats, (size_t)(p->n_q * p->n_kv) * sizeof *p->cell);
    const int side = p->n_q * p->n_kv;
    for (int i = 0; p->cell && i < p->n_whats * side; i++) {
        const int what = i / side, kv = i % side / p->n_q, q = i % p->n_q;
        struct attn_problem problem;
        const bool legal = picture_problem(p, what, q, kv, &problem);
        for (int d = 0; d < p->n_devices; d++)
            *picture_cell(p, d, what, q, kv) =
                (struct picture_cell){ .state = legal ? PICTURE_UNREACHED : PICTURE_BLANK,
                                       .kernel = PICTURE_NO_KERNEL,
                                       .old_kernel = PICTURE_NO_KERNEL };
    }
    return p->cell || cli_out_of_memory();
}

void picture_close(struct picture *p)
{
    free(p->cell);
    p->cell = NULL;
}

bool picture_what_equal(const struct picture_what *a, const struct picture_what *b)
{
    return a->d_k == b->d_k && a->d_v == b->d_v && a->ratio == b->ratio && a->mask_pad == b->mask_pad &&
           a->type_k == b->type_k && a->type_v == b->type_v && a->softcap == b->softcap && a->alibi == b->alibi &&
           a->sinks == b->sinks;
}

void picture_what_of(const struct attn_problem *p, struct picture_what *what)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    *what = (struct picture_what){
        .d_k = attn_d_k(p),
        .d_v = attn_d_v(p),
        .ratio = attn_n_head(p) / attn_n_head_kv(p),
        .mask_pad = !mask->present               ? 0
                    : mask->ne[0] > attn_n_kv(p) ? 256
                                                 : 1,
        .type_k = p->t[ATTN_K].type,
        .type_v = p->t[ATTN_V].type,
        .softcap = p->softcap > 0,
        .alibi = p->max_bias > 0,
        .sinks = p->t[ATTN_SINKS].present,
    };
}

void picture_what_add(struct picture *p, const struct picture_what *what, int most)
{
    if (!attn_type_info(what->type_k) || !attn_type_info(what->type_v))
        return;
    for (int i = 0; i < p->n_whats; i++)
        if (picture_what_equal(&p->what[i], what))
            return;
    if (p->n_whats < most)
        p->what[p->n_whats++] = *what;
}

bool picture_problem(const struct picture *picture, int what, int q, int kv, struct attn_problem *p)
{
    const struct picture_what *w = &picture->what[what];
    const int64_t n_q = picture->q[q], n_kv = picture->kv[kv], n_head = picture->kv_heads * w->ratio;
    memset(p, 0, sizeof *p);
    attn_tensor_set(&p->t[ATTN_Q], ATTN_F32, w->d_k, n_q, n_head, 1);
    attn_tensor_set(&p->t[ATTN_K], w->type_k, w->d_k, n_kv, picture->kv_heads, 1);
    attn_tensor_set(&p->t[ATTN_V], w->type_v, w->d_v, n_kv, picture->kv_heads, 1);
    attn_tensor_set(&p->t[ATTN_DST], ATTN_F32, w->d_v, n_head, n_q, 1);
    const int64_t pad = w->mask_pad;
    if (pad > 0)
        attn_tensor_set(&p->t[ATTN_MASK], ATTN_F16, (n_kv + pad - 1) / pad * pad, n_q, 1, 1);
    if (w->sinks)
        attn_tensor_set(&p->t[ATTN_SINKS], ATTN_F32, n_head, 1, 1, 1);
    p->softcap = w->softcap ? 30 : 0;
    p->max_bias = w->alibi ? 8 : 0;
    p->scale = (float)(1.0 / sqrt((double)w->d_k));
    p->head_total = n_head;
    return attn_problem_check(p, NULL) == ATTN_E_OK;
}

/* ---- Names ----------------------------------------------------------------------------------------------- */

int picture_name(struct picture *p, const char *name)
{
    for (int i = 0; i < p->n_names; i++)
        if (!strcmp(p->name[i], name))
            return i;
    if (!*name || p->n_names == PICTURE_NAMES_MAX)
        return PICTURE_NO_KERNEL;
    snprintf(p->name[p->n_names], PICTURE_NAME_MAX, "%s", name);
    return p->n_names++;
}

void picture_last_resort(struct picture *p, int kernel, bool is)
{
    if (is && kernel < p->n_names)
        p->last_resort[kernel] = true;
}

bool picture_is_naive(const struct picture *p, int what, int kernel)
{
    return kernel < p->n_names && p->last_resort[kernel] && attn_head_size_known(p->what[what].d_k, p->what[what].d_v);
}

/* Where the names begin to differ, at the beginning of a word. */
static size_t common_beginning(const struct picture *p)
{
    size_t n = 0, word = 0;
    if (p->n_names < 2)
        return 0;
    for (;; n++) {
        for (int i = 1; i < p->n_names; i++)
            if (!p->name[0][n] || p->name[i][n] != p->name[0][n])
                return word;
        if (p->name[0][n] == '_')
            word = n + 1;
    }
}

/* The first letter, of words from the last one back, then any, that is not used; 0: none. */
static char free_letter(const char *name, const bool used[256])
{
    for (size_t at = strlen(name); at-- > 0;)
        if ((at == 0 || name[at - 1] == '_') && isalpha((unsigned char)name[at]) &&
            !used[tolower((unsigned char)name[at])])
            return (char)tolower((unsigned char)name[at]);
    for (; *name; name++)
        if (isalpha((unsigned char)*name) && !used[tolower((unsigned char)*name)])
            return (char)tolower((unsigned char)*name);
    for (char any = 'a'; any <= 'z'; any++)
        if (!used[(unsigned char)any])
            return any;
    return 0;
}

void picture_letters(struct picture *p)
{
    bool used[256] = { false };
#define X(NAME, letter, word, text) used[tolower(letter)] = true;
    PICTURE_STATES(X)
#undef X
    const size_t from = common_beginning(p);
    for (int turn = 0; turn < p->n_names; turn++) {
        int least = -1; /* by name, so that what is asked first does not matter */
        for (int i = 0; i < p->n_names; i++)
            if (!p->letter[i] && (least < 0 || strcmp(p->name[i], p->name[least]) < 0))
                least = i;
        const char letter = free_letter(p->name[least] + from, used);
        used[(unsigned char)letter] = true;
        p->letter[least] = letter ? letter : '?';
        const int own = attn_kernel_find(p->name[least]), order = own >= 0 ? own : turn;
        p->order[least] = p->last_resort[least] ? PICTURE_NAIVE_ORDER : order + (order >= PICTURE_NAIVE_ORDER);
    }
}

int picture_look(const struct picture *p, int kernel, int looks)
{
    const int order = p->order[kernel], naive = PICTURE_NAIVE_ORDER;
    const int look = (order - (order > naive)) % (looks - 1);
    return order == naive ? naive : look + (look >= naive);
}

static char kernel_letter(const struct picture *p, int kernel) { return kernel < p->n_names ? p->letter[kernel] : '?'; }

char picture_cell_letter(const struct picture *p, const struct picture_cell *c)
{
    static const char letters[] = {
#define X(NAME, letter, word, text) letter,
        PICTURE_STATES(X)
#undef X
    };
    if (p->diff && c->state != PICTURE_UNREACHED && (c->change == PICTURE_SAME || c->change == PICTURE_LAUNCH))
        return c->change == PICTURE_SAME ? '.' : '~';
    if (p->diff && c->change == PICTURE_BETTER && c->state == PICTURE_RUNS)
        return '+';
    if (c->state != PICTURE_RUNS)
        return letters[c->state];
    if (c->mark & (PICTURE_NAIVE | PICTURE_STEEP))
        return '!';
    const char letter = kernel_letter(p, c->kernel);
    return c->mark & PICTURE_CLIFF ? (char)toupper((unsigned char)letter) : letter;
}

int picture_cell_look(const struct picture *p, const struct picture_cell *c)
{
    const int kernel = c->state == PICTURE_RUNS ? c->kernel : 0;
    const int look = (kernel * PICTURE_STATE_COUNT + c->state) * 16;
    if (!p->diff)
        return look + (c->mark & (PICTURE_NAIVE | PICTURE_STEEP));
    const bool moved = c->change >= PICTURE_KERNEL;
    return ((look + c->change) * 16 + (moved ? c->old_state : 0)) * 256 + (moved ? c->old_kernel : 0);
}

/* ---- Devices, words -------------------------------------------------------------------------------------- */

uint32_t picture_group(const struct picture *p, int device, int what)
{
    const size_t bytes = (size_t)(p->n_q * p->n_kv) * sizeof *p->cell;
    uint32_t group = 0;
    for (int i = 0; i < p->n_devices; i++)
        if (!memcmp(picture_panel(p, i, what), picture_panel(p, device, what), bytes)) {
            if (i < device)
                return 0;
            group |= 1u << i;
        }
    return group;
}

void picture_devices(const struct picture *p, uint32_t devices, char *text, size_t cap)
{
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < p->n_devices; i++)
        if (devices >> i & 1 && used < cap)
            used += (size_t)snprintf(text + used, cap - used, "%s%s", used ? ", " : "", p->device[i]);
}

void picture_devices_short(const struct picture *p, uint32_t group, char *text, size_t cap)
{
    if (p->n_devices > 2 && __builtin_popcount(group) == p->n_devices)
        snprintf(text, cap, "all %d devices", p->n_devices);
    else
        picture_devices(p, group, text, cap);
}

void picture_head_text(const struct picture_what *w, char *text, size_t cap)
{
    if (w->d_k == w->d_v)
        snprintf(text, cap, "%" PRId64, w->d_k);
    else
        snprintf(text, cap, "%" PRId64 "/%" PRId64, w->d_k, w->d_v);
}

void picture_type_text(const struct picture_what *w, char *text, size_t cap)
{
    const char *k = attn_type_info(w->type_k)->name, *v = attn_type_info(w->type_v)->name;
    snprintf(text, cap, "%s%s%s", k, w->type_k == w->type_v ? "" : "/", w->type_k == w->type_v ? "" : v);
}

static void add_word(char *text, size_t cap, const char *word)
{
    const size_t used = strlen(text);
    if (used < cap)
        snprintf(text + used, cap - used, ", %s", word);
}

void picture_what_text(const struct picture_what *w, char *text, size_t cap)
{
    char head[48], type[32];
    picture_head_text(w, head, sizeof head);
    picture_type_text(w, type, sizeof type);
    snprintf(text, cap, "D %s, GQA %" PRId64 ", %s", head, w->ratio, type);
    if (w->mask_pad == 0)
        add_word(text, cap, "no mask");
    if (w->mask_pad > 1)
        snprintf(head, sizeof head, "mask to %" PRId64, w->mask_pad);
    if (w->mask_pad > 1)
        add_word(text, cap, head);
    if (w->softcap)
        add_word(text, cap, "softcap");
    if (w->alibi)
        add_word(text, cap, "ALiBi");
    if (w->sinks)
        add_word(text, cap, "sinks");
}

void picture_number(int64_t n, char *text, size_t cap)
{
    if (n >= 1024 && n % 1024 == 0)
        snprintf(text, cap, "%" PRId64 "k", n / 1024);
    else
        snprintf(text, cap, "%" PRId64, n);
}

/* ---- Counts ---------------------------------------------------------------------------------------------- */

static void count_panel(const struct picture *p, int device, int what, struct picture_count *count)
{
    const struct picture_cell *c = picture_panel(p, device, what);
    for (int i = 0; i < p->n_q * p->n_kv; i++, c++) {
        count->cells++;
        count->state[c->state]++;
        count->change[c->change] += c->state != PICTURE_UNREACHED;
        if (c->state == PICTURE_RUNS && c->kernel < PICTURE_NAMES_MAX)
            count->kernel[c->kernel]++;
        count->naive += (c->mark & PICTURE_NAIVE) != 0;
        count->cliff += (c->mark & PICTURE_CLIFF) != 0;
        count->steep += (c->mark & PICTURE_STEEP) != 0;
    }
}

void picture_count(const struct picture *p, int device, int what, struct picture_count *count)
{
    memset(count, 0, sizeof *count);
    if (what >= 0) {
        count_panel(p, device, what, count);
        return;
    }
    for (int d = 0; d < p->n_devices; d++)
        for (int w = 0; w < p->n_whats; w++)
            count_panel(p, d, w, count);
}

bool picture_is_bad_cell(const struct picture_cell *c)
{
    return picture_is_trouble(c->state) || c->mark & (PICTURE_NAIVE | PICTURE_STEEP);
}

bool picture_find(const struct picture *p, bool (*is)(const struct picture_cell *, int), int argument,
                  struct picture_place *place)
{
    for (int sum = 0; sum < p->n_q + p->n_kv; sum++)
        for (int kv = 0; kv <= sum && kv < p->n_kv; kv++)
            for (int w = 0; w < p->n_whats && sum - kv < p->n_q; w++)
                for (int d = 0; d < p->n_devices; d++)
                    if (is(picture_cell(p, d, w, sum - kv, kv), argument)) {
                        *place = (struct picture_place){ d, w, sum - kv, kv };
                        return true;
                    }
    return false;
}

bool picture_is_bad(const struct picture_count *count, bool diff)
{
    if (diff)
        return count->change[PICTURE_WORSE] > 0;
    return count->state[PICTURE_HOLE] || count->state[PICTURE_STUB] || count->state[PICTURE_FAILS] || count->naive ||
           count->steep;
}
