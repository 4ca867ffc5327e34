/* foreign.c: see foreign.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/foreign.h"

#include <stdio.h>
#include <string.h>

#include "cli/check/problem.h"

/* Plain calls with K and V of f16, as check_plain_call has them: of 64 of a head size the first 32. */
enum { PLAIN = CHECK_PLAIN_CALLS / 2 };

static bool plain_call(int i, const struct attn_foreign_type *type, unsigned which, struct attn_problem *p)
{
    if (!check_plain_call(i / 32 * 64 + i % 32, p))
        return false;
    const int64_t d_k = attn_d_k(p), d_v = attn_d_v(p);
    return attn_foreign_retype(p, type, which) && attn_d_k(p) == d_k && attn_d_v(p) == d_v;
}

static bool is_supported(struct check *check, const struct attn_problem *p)
{
    struct attn_subject_answer answer;
    const char *why;
    if (!attn_subject_legal(check->subject, p, &why))
        return false;
    for (int device = 0; device < check->subject->n_devices; device++) {
        if (!(check->devices >> device & 1))
            continue;
        attn_subject_supports(check->subject, device, p, &answer);
        if (answer.status == ATTN_SUBJECT_YES)
            return true;
    }
    return false;
}

static bool is_taken(struct check *check, const struct attn_foreign_type *type)
{
    static const unsigned both_k_v[] = { 3, 1, 2 };
    struct attn_problem p;
    for (int w = 0; w < 3; w++)
        for (int i = 0; i < PLAIN; i++)
            if (plain_call(i, type, both_k_v[w], &p) && is_supported(check, &p))
                return true;
    return false;
}

/* In which of its forms a further source of the type is supported in a plain call. */
static uint8_t forms_taken(struct check *check, const struct attn_further_draw *type)
{
    struct attn_problem p;
    uint8_t forms = 0;
    for (int form = 0; form < ATTN_FURTHER_FORM_COUNT; form++)
        for (int i = 0; i < CHECK_PLAIN_CALLS && !(forms >> form & 1); i++)
            if (check_plain_call(i, &p) && attn_foreign_further(&p, type, (enum attn_further_form)form) &&
                is_supported(check, &p))
                forms |= (uint8_t)(1u << form);
    return forms;
}

/* Of numbers, and of what is no cache's: integers, which may be indices. */
static void choose_further(struct check *check)
{
    const struct attn_foreign_types *types = &check->subject->types;
    struct attn_foreign_draw *draw = &check->draw;
    struct attn_further_draw tried[2 + ATTN_FOREIGN_MAX] = { { .type = ATTN_F32 }, { .type = ATTN_F16 } };
    int n = 2;
    for (int i = 0; i < types->n; i++)
        if (!types->type[i].kv)
            tried[n++] = (struct attn_further_draw){ .type = types->type[i].number, .foreign = &types->type[i] };
    for (int i = 0; i < n && draw->n_further < ATTN_FURTHER_TYPES_MAX; i++) {
        tried[i].forms = forms_taken(check, &tried[i]);
        if (tried[i].forms)
            draw->further[draw->n_further++] = tried[i];
    }
}

void check_foreign_choose(struct check *check)
{
    const struct attn_foreign_types *types = &check->subject->types;
    struct attn_foreign_draw *draw = &check->draw;
    *draw = (struct attn_foreign_draw){ .prec = check->subject->says_prec, .n_kv_max = check->subject->says_n_kv_max };
    for (int i = 0; i < types->n; i++)
        if (types->type[i].kv && is_taken(check, &types->type[i]))
            draw->type[draw->n_types++] = &types->type[i];
    if (check->subject->says_further)
        choose_further(check);
}

/* Of the 32 of a head size these: decode with heads that share K, and a prompt over an odd number of keys. */
static const int asked[] = { 16 + 1, 16 + 8 + 4 + 2 };
enum { ASKED = 2 };

bool check_foreign_call(const struct check *check, int i, struct attn_problem *p, bool *legal)
{
    const int head = i / ASKED % ATTN_HEAD_SIZE_COUNT, type = i / ASKED / ATTN_HEAD_SIZE_COUNT;
    const char *why;
    if (type >= check->draw.n_types)
        return false;
    *legal = plain_call(head * 32 + asked[i % ASKED], check->draw.type[type], 3, p) &&
             attn_subject_legal(check->subject, p, &why);
    return true;
}

bool check_foreign_readable(const struct attn_problem *p)
{
    for (int o = ATTN_K; o <= ATTN_V; o++)
        if (p->t[o].type >= ATTN_TYPE_FOREIGN && !p->t[o].foreign->to_float)
            return false;
    return !p->further.present;
}

bool check_foreign_writable(const struct attn_problem *p)
{
    for (int o = ATTN_K; o <= ATTN_V; o++)
        if (p->t[o].type >= ATTN_TYPE_FOREIGN && !p->t[o].foreign->from_float)
            return false;
    return true;
}

static bool is_drawn(const struct check *check, const struct attn_foreign_type *type)
{
    for (int i = 0; i < check->draw.n_types; i++)
        if (check->draw.type[i] == type)
            return true;
    return false;
}

bool check_foreign_text(const struct check *check, char *text, size_t cap)
{
    const struct attn_foreign_types *types = &check->subject->types;
    size_t used = 0;
    int n = 0;
    text[0] = 0;
    for (int drawn = 1; drawn >= 0; drawn--) {
        const int before = n;
        for (int i = 0; i < types->n && used < cap; i++) {
            const struct attn_foreign_type *t = &types->type[i];
            if (!t->kv || is_drawn(check, t) != drawn)
                continue;
            const char *gap = n > before ? ", " : drawn ? "" : n ? "; in no plain call: " : "in no plain call: ";
            used += (size_t)snprintf(text + used, cap - used, "%s%s%s", gap, t->info.name,
                                     drawn && !t->to_float ? " (not to be read)" : "");
            n++;
        }
    }
    return n > 0;
}
