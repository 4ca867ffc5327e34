/* finding.c: from calls that broke something to findings: each kind of trouble once, with the smallest problem that
 * shows it. See check.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/check/check.h"
#include "fuzz/shrink/shrink.h"

enum {
    SHRINK_TRIES = 600,
    SHRINK_TRIES_HANG = 8, /* each takes seconds */
};

const char *check_kind_name(int kind)
{
    static const char *const names[] = {
#define X(NAME, name, text) #name,
        CHECK_KINDS(X)
#undef X
    };
    return kind >= 0 && kind < CHECK_KIND_COUNT ? names[kind] : "unknown";
}

const char *check_kind_meaning(int kind)
{
    static const char *const texts[] = {
#define X(NAME, name, text) text,
        CHECK_KINDS(X)
#undef X
    };
    return kind >= 0 && kind < CHECK_KIND_COUNT ? texts[kind] : "unknown";
}

/* ---- Words ----------------------------------------------------------------------------------------------- */

/* Itanium C++ ABI, section 5.1 "External Names": <source-name> is a decimal length and so many characters; the
 * function's own is the last one before template arguments (I) or parameters. */
void check_kernel_name(const char *mangled, char *name, size_t cap)
{
    const char *at = mangled;
    if (at[0] != '_' || at[1] != 'Z') {
        snprintf(name, cap, "%s", mangled);
        return;
    }
    at += 2;
    while (*at == 'N' || *at == 'L' || *at == 'K')
        at++;
    const char *best = NULL;
    size_t best_len = 0;
    while (*at >= '0' && *at <= '9') {
        size_t len = 0;
        for (; *at >= '0' && *at <= '9' && len < 4096; at++)
            len = len * 10 + (size_t)(*at - '0');
        if (strnlen(at, len) < len)
            break;
        best = at;
        best_len = len;
        at += len;
        while (*at == 'L')
            at++;
    }
    if (best)
        snprintf(name, cap, "%.*s", (int)best_len, best);
    else
        snprintf(name, cap, "%s", mangled);
}

void check_device_list(const struct check *check, uint32_t devices, char *text, size_t cap)
{
    size_t used = 0;
    text[0] = 0;
    if (devices == check->devices && (devices & (devices - 1))) {
        snprintf(text, cap, "all");
        return;
    }
    for (int i = 0; i < check->subject->n_devices; i++)
        if (devices >> i & 1 && used < cap)
            used += (size_t)snprintf(text + used, cap - used, "%s%s", used ? "," : "", check->subject->device[i].name);
}

/* An abort's message as one word: the file without its folder, blanks as '_'. */
static void message_word(const char *message, char *word, size_t cap)
{
    const char *colon = strchr(message, ':');
    const char *start = message;
    for (const char *c = message; colon && c < colon; c++)
        if (*c == '/')
            start = c + 1;
    size_t n = 0;
    for (; start[n] && n + 1 < cap; n++)
        word[n] = start[n] == ' ' || start[n] == '*' || start[n] == '?' || start[n] == '[' || start[n] == '\\'
                      ? '_'
                      : start[n];
    word[n] = 0;
}

static void head_word(const struct attn_problem *p, char *word, size_t cap)
{
    if (check_head_size(p) == ATTN_HEAD_SIZE_COUNT)
        snprintf(word, cap, "other");
    else
        snprintf(word, cap, "%d/%d", (int)attn_d_k(p), (int)attn_d_v(p));
}

/* What the smallest problem has that a plain call has not: "gqa+mask"; "plain" when nothing. */
static void feature_word(const struct attn_problem *p, char *word, size_t cap)
{
    const struct {
        bool has;
        const char *name;
    } features[] = {
        { attn_n_q(p) > 1, "n_q" },
        { attn_n_kv(p) > 1, "n_kv" },
        { attn_n_head(p) > attn_n_head_kv(p), "gqa" },
        { attn_n_head_kv(p) > 1, "kv_heads" },
        { attn_n_seq(p) > 1, "n_seq" },
        { p->t[ATTN_MASK].present, "mask" },
        { p->t[ATTN_SINKS].present, "sinks" },
        { p->softcap > 0, "softcap" },
        { p->max_bias > 0, "max_bias" },
        { p->t[ATTN_K].type != ATTN_F16, attn_type_info(p->t[ATTN_K].type)->name },
        { p->t[ATTN_V].type != ATTN_F16 && p->t[ATTN_V].type != p->t[ATTN_K].type,
          attn_type_info(p->t[ATTN_V].type)->name },
        { p->t[ATTN_K].buffer != 0, "alias" },
    };
    size_t used = 0;
    snprintf(word, cap, "plain");
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
        if (features[i].has && used < cap)
            used += (size_t)snprintf(word + used, cap - used, "%s%s", used ? "+" : "", features[i].name);
}

/* Names the finding: kind, what it is about, and the particulars head size and devices. */
static void name_finding(const struct check *check, struct check_finding *f, int unfit)
{
    char head[32], devices[160], word[192] = "-", features[96];
    feature_word(&f->problem, features, sizeof features);
    head_word(&f->problem, head, sizeof head);
    check_device_list(check, f->devices, devices, sizeof devices);
    if (f->kind == CHECK_UNFIT) {
        char kernel[80];
        check_kernel_name(f->launch.kernel, kernel, sizeof kernel);
        if (unfit == ATTN_UNFIT_NO_DEVICE)
            snprintf(word, sizeof word, "%s - -", attn_unfit_name(unfit));
        else
            snprintf(word, sizeof word, "%s %s %s", attn_unfit_name(unfit), kernel, features);
        if (unfit == ATTN_UNFIT_NO_DEVICE)
            snprintf(head, sizeof head, "-");
    } else if (f->kind != CHECK_SILENT && f->kind != CHECK_IMPURE) {
        char message[96];
        message_word(f->message, message, sizeof message);
        snprintf(word, sizeof word, "%s %s", message, features);
    } else if (f->kind == CHECK_IMPURE) {
        snprintf(word, sizeof word, "%s %s",
                 strstr(f->message, "usual strides") ? "strides_of_extent_1" : "asked_again",
                 strstr(f->message, "refused") ? "refused" : "kernel");
    }
    snprintf(f->group, sizeof f->group, "%s %s", check_kind_name(f->kind), word);
    snprintf(f->key, sizeof f->key, "%s %s %s %s", check_kind_name(f->kind), word, head, devices);
}

/* ---- Noting ---------------------------------------------------------------------------------------------- */

static uint64_t add(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t add_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

/* How aligned a tensor's strides are, in classes that kernels may look at. */
static int alignment(const struct attn_tensor *t)
{
    int64_t bits = 64;
    for (int d = 1; d < 4; d++)
        bits |= t->nb[d];
    return __builtin_ctzll((unsigned long long)bits);
}

/* What a router may look at, coarsely: problems with the same of it are one sign. */
static uint64_t hash_shape(const struct attn_problem *p)
{
    const struct attn_tensor *q = &p->t[ATTN_Q], *k = &p->t[ATTN_K], *v = &p->t[ATTN_V], *mask = &p->t[ATTN_MASK];
    int64_t ratio = attn_n_head(p) / attn_n_head_kv(p), n_kv = attn_n_kv(p), n_q = attn_n_q(p);
    uint64_t h = (uint64_t)check_head_size(p);
    h = add(h, (uint64_t)k->type << 8 | v->type);
    h = add(h, (uint64_t)mask->present << 4 | (uint64_t)p->t[ATTN_SINKS].present << 3 |
                   (uint64_t)(p->softcap > 0) << 2 | (uint64_t)(p->max_bias > 0) << 1);
    if (mask->present)
        h = add(h, (uint64_t)(mask->ne[2] > 1) << 3 | (uint64_t)(mask->ne[3] > 1) << 2 |
                       (uint64_t)(mask->ne[0] % 8 == 0) << 1 | (uint64_t)(mask->ne[1] > n_q));
    h = add(h, (uint64_t)(ratio == 1 ? 0 : 1 + __builtin_ctzll((unsigned long long)(ratio | 64))));
    h = add(h, (uint64_t)__builtin_ctzll((unsigned long long)(n_kv | 256)));
    h = add(h, (uint64_t)(n_q == 1 ? 0 : n_q == 2 ? 1 : n_q <= 8 ? 2 : 3) << 1 | (uint64_t)(attn_n_seq(p) > 1));
    h = add(h, (uint64_t)(alignment(q) < 4) << 2 | (uint64_t)(alignment(k) < 4) << 1 | (uint64_t)(alignment(v) < 4));
    return h;
}

void check_note(struct check *check, int device, uint32_t devices, const struct attn_problem *p,
                const struct check_verdict *v)
{
    uint64_t h = add((uint64_t)v->kind + 1, (uint64_t)v->unfit);
    if (v->kind == CHECK_HOLE) {
        h = add(h, devices);
        h = add(h, hash_shape(p));
    } else if (v->kind == CHECK_UNFIT && v->unfit == ATTN_UNFIT_NO_DEVICE) {
        h = add(h, devices);
    } else {
        char kernel[96] = "";
        if (v->kind == CHECK_UNFIT)
            check_kernel_name(v->bad.kernel, kernel, sizeof kernel);
        h = add_text(add(h, devices), kernel);
        h = v->kind == CHECK_UNFIT ? h : add_text(h, v->message);
        h = add(h, (uint64_t)check_head_size(p));
        /* One cause must not hide another: what instances of a kernel are made for is told apart. */
        h = add(h, (uint64_t)p->t[ATTN_MASK].present << 3 | (uint64_t)p->t[ATTN_SINKS].present << 2 |
                       (uint64_t)(p->softcap > 0) << 1 | (uint64_t)(p->max_bias > 0));
    }
    h = add(h, 0x5161) | 1;
    for (size_t at = h >> 24 & (CHECK_SIGNS - 1), tries = 0; tries < 256; at = (at + 1) & (CHECK_SIGNS - 1), tries++) {
        struct check_sign *sign = &check->sign[at];
        if (!sign->hash) {
            *sign = (struct check_sign){ .hash = h, .kind = v->kind, .device = device, .problem = *p };
            check->n_signs++;
        }
        if (sign->hash == h) {
            sign->calls += (uint64_t)__builtin_popcount(devices);
            if (check_simpler(p, &sign->problem)) {
                sign->problem = *p;
                sign->device = device;
            }
            return;
        }
    }
    check->lost_signs++;
}

static int oddities(const struct attn_problem *p)
{
    int n = (p->head_first != 0 || p->head_total != attn_n_head(p)) + p->t[ATTN_MASK].present +
            p->t[ATTN_SINKS].present + (p->softcap > 0) + (p->max_bias > 0) + (p->t[ATTN_K].type != ATTN_F16) +
            (p->t[ATTN_V].type != ATTN_F16);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        struct attn_tensor same = p->t[o];
        if (!same.present)
            continue;
        attn_tensor_contiguous(&same);
        n += memcmp(same.nb, p->t[o].nb, sizeof same.nb) || same.offset || same.buffer;
    }
    return n;
}

bool check_simpler(const struct attn_problem *a, const struct attn_problem *b)
{
    int64_t work_a = attn_problem_work(a), work_b = attn_problem_work(b);
    int odd_a = oddities(a), odd_b = oddities(b);
    return odd_a != odd_b ? odd_a < odd_b : work_a < work_b;
}

/* ---- Shrinking ------------------------------------------------------------------------------------------- */

struct same {
    struct check *check;
    int device, kind, unfit, head;
    bool pure;
    char message[ATTN_SUBJECT_MESSAGE_MAX];
    char kernel[96];
};

static bool fails(const struct check_verdict *v, const struct same *same)
{
    char kernel[96];
    if (v->kind != same->kind)
        return false;
    if (v->kind == CHECK_UNFIT) {
        check_kernel_name(v->bad.kernel, kernel, sizeof kernel);
        return v->unfit == same->unfit && (v->unfit == ATTN_UNFIT_NO_DEVICE || !strcmp(kernel, same->kernel));
    }
    if (v->kind == CHECK_IMPURE)
        return !strstr(v->message, "usual strides") == !strstr(same->message, "usual strides");
    return !strcmp(v->message, same->message);
}

static bool fails_the_same(const struct attn_case *c, void *context)
{
    struct same *same = context;
    struct check_verdict v;
    const char *why;
    bool any_head = same->kind == CHECK_UNFIT && same->unfit == ATTN_UNFIT_NO_DEVICE;
    if ((!any_head && check_head_size(&c->problem) != same->head) ||
        !attn_subject_legal(same->check->subject, &c->problem, &why))
        return false;
    same->check->shrink_calls++;
    check_call(same->check, same->device, &c->problem, same->pure, &v);
    return fails(&v, same);
}

static void shrink(struct check *check, const struct check_sign *sign, struct check_finding *f)
{
    struct same same = {
        .check = check, .device = sign->device, .kind = sign->kind, .pure = sign->kind == CHECK_IMPURE
    };
    struct check_verdict v;
    struct attn_case c = { .problem = sign->problem };
    attn_run_default(&c.run);
    same.head = check_head_size(&c.problem);
    check_call(check, sign->device, &c.problem, same.pure, &v);
    memcpy(same.message, v.message, sizeof same.message);
    same.unfit = v.unfit;
    if (v.kind == CHECK_UNFIT)
        check_kernel_name(v.bad.kernel, same.kernel, sizeof same.kernel);
    if (v.kind == sign->kind)
        attn_shrink(&c, fails_the_same, &same, v.kind == CHECK_HANG ? SHRINK_TRIES_HANG : SHRINK_TRIES, NULL);
    f->problem = c.problem;
    for (int device = 0; device < check->subject->n_devices; device++) {
        if (!(check->devices >> device & 1))
            continue;
        check_call(check, device, &c.problem, same.pure, &v);
        check->shrink_calls++;
        if (!fails(&v, &same))
            continue;
        f->devices |= 1u << device;
        if (device == sign->device) {
            memcpy(f->message, v.message, sizeof f->message);
            if (v.kind == CHECK_UNFIT)
                f->launch = v.bad;
        }
    }
    if (f->devices == 0) { /* it did not show again: said as it is, on the problem as it was */
        f->kind = CHECK_IMPURE;
        f->devices = 1u << sign->device;
        snprintf(f->message, sizeof f->message, "asked again: no %s any more (%.400s)", check_kind_name(sign->kind),
                 same.message);
    }
    name_finding(check, f, same.unfit);
}

static int by_key(const void *a, const void *b)
{
    const struct check_finding *x = a, *y = b;
    if (x->known != y->known)
        return x->known - y->known;
    if (x->kind != y->kind)
        return x->kind - y->kind;
    int group = strcmp(x->group, y->group);
    return group ? group : strcmp(x->key, y->key);
}

void check_sort(struct check *check)
{
    qsort(check->finding, (size_t)check->n_findings, sizeof *check->finding, by_key);
}

void check_settle(struct check *check)
{
    for (size_t i = 0; i < CHECK_SIGNS; i++) {
        const struct check_sign *sign = &check->sign[i];
        if (!sign->hash)
            continue;
        struct check_finding f;
        memset(&f, 0, sizeof f);
        f.kind = sign->kind;
        f.device = sign->device;
        if (f.kind == CHECK_HOLE)
            check_hole(check, sign, &f);
        else
            shrink(check, sign, &f);
        int at = 0;
        while (at < check->n_findings && strcmp(check->finding[at].key, f.key))
            at++;
        if (at == CHECK_FINDINGS_MAX) {
            check->lost_findings++;
            continue;
        }
        if (at == check->n_findings) {
            check->finding[check->n_findings++] = f;
        } else if (check_simpler(&f.problem, &check->finding[at].problem)) {
            f.calls = check->finding[at].calls;
            check->finding[at] = f;
        }
        check->finding[at].calls += sign->calls;
    }
    check_sort(check);
}
