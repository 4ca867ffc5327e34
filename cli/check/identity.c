/* identity.c: see identity.h. An id is words: kind, cause, features, head size. Devices are no part of it: a baseline
 * has them beside it.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/field.h"
#include "cli/check/identity.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/check/problem.h"
#include "cli/check/word.h"

enum { WORD_MAX = 96, NOT_A_WORD = '_' };

/* ---- Causes ---------------------------------------------------------------------------------------------- */

/* The number of a line behind a file's name, or an address: other ones in another version. How many characters. */
static size_t number_at(const char *text, const char *begin)
{
    if (text[0] == ':' && text > begin && isalpha((unsigned char)text[-1])) {
        const size_t digits = strspn(text + 1, "0123456789");
        return digits && !isalnum((unsigned char)text[1 + digits]) ? 1 + digits : 0;
    }
    return text[0] == '0' && text[1] == 'x' ? 2 + strspn(text + 2, "0123456789abcdef") : 0;
}

/* What the subject said of it as one word: where in its source, and its own words with blanks as '_'. */
static void answer_word(const struct check_finding *f, bool numbers, char word[WORD_MAX])
{
    size_t n = 0;
    word[0] = 0;
    if (f->why.file[0] && numbers)
        n = (size_t)snprintf(word, WORD_MAX, "%s:%d:_", f->why.file, (int)f->why.line);
    else if (f->why.file[0])
        n = (size_t)snprintf(word, WORD_MAX, "%s:_", f->why.file);
    const char *said = f->message + f->why.words;
    for (const char *c = said; *c && n + 1 < WORD_MAX; c++) {
        const size_t skip = numbers ? 0 : number_at(c, said);
        if (skip)
            c += skip - 1;
        else
            word[n++] = strchr(" *?[\\", *c) ? NOT_A_WORD : *c;
    }
    if (n < WORD_MAX)
        word[n] = 0;
}

/* What made it; `numbers`: with the line in the subject's source. */
static void cause_word(const struct check_finding *f, int unfit, bool numbers, char *word, size_t cap)
{
    char text[WORD_MAX];
    if (f->kind == CHECK_UNFIT && unfit == ATTN_UNFIT_NO_DEVICE) {
        snprintf(word, cap, "%s -", attn_unfit_name(unfit));
    } else if (f->kind == CHECK_UNFIT) {
        check_kernel_name(f->launch.kernel, text, sizeof text);
        snprintf(word, cap, "%s %s", attn_unfit_name(unfit), text);
    } else if (check_kind_computed(f->kind)) {
        snprintf(word, cap, "%s", f->detail);
    } else if (f->kind == CHECK_IMPURE) {
        snprintf(word, cap, "%s %s", f->impure.strides ? "strides_of_extent_1" : "asked_again",
                 f->impure.refused ? "refused" : "kernel");
    } else if (f->kind == CHECK_SILENT) {
        snprintf(word, cap, "-");
    } else {
        answer_word(f, numbers, text);
        snprintf(word, cap, "%s", text);
    }
}

/* ---- Features -------------------------------------------------------------------------------------------- */

void check_needs(const struct attn_problem *p, bool extents, char *word, size_t cap)
{
    const struct {
        bool has;
        const char *name;
    } features[] = {
        { extents && attn_n_q(p) > 1, "n_q" },
        { extents && attn_n_kv(p) > 1, "n_kv" },
        { extents && attn_n_head(p) > attn_n_head_kv(p), "gqa" },
        { extents && attn_n_head_kv(p) > 1, "kv_heads" },
        { extents && attn_n_seq(p) > 1, "n_seq" },
        { p->t[ATTN_MASK].present, "mask" },
        { p->t[ATTN_SINKS].present, "sinks" },
        { p->softcap > 0, "softcap" },
        { p->max_bias > 0, "max_bias" },
        { p->t[ATTN_K].type != ATTN_F16, attn_tensor_info(&p->t[ATTN_K])->name },
        { p->t[ATTN_V].type != ATTN_F16 && p->t[ATTN_V].type != p->t[ATTN_K].type,
          attn_tensor_info(&p->t[ATTN_V])->name },
        { extents && p->t[ATTN_K].buffer != 0, "alias" },
        { p->prec != ATTN_PREC_UNSAID, p->prec == ATTN_PREC_F32 ? "prec_f32" : "prec_default" },
        { p->n_kv_max > 0, "n_kv_max" },
        { p->further.present, "src5" },
    };
    size_t used = 0;
    snprintf(word, cap, "plain");
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
        if (features[i].has && used < cap)
            used += (size_t)snprintf(word + used, cap - used, "%s%s", used ? "+" : "", features[i].name);
}

/* ---- Names ----------------------------------------------------------------------------------------------- */

void check_identity(const struct check *check, struct check_finding *f, int unfit, const struct attn_problem *needed)
{
    char head[32], devices[160], cause[160], stable[160], needs[WORD_MAX];
    const bool any = f->kind == CHECK_UNFIT && unfit == ATTN_UNFIT_NO_DEVICE; /* whatever the problem */
    /* What data a call is given is drawn by what it is: of what lies with the data features say nothing. */
    const bool plain = any || f->kind == CHECK_IMPURE || f->kind == CHECK_LOOSE;
    const char *kind = check_kind_name(f->kind);
    cause_word(f, unfit, true, cause, sizeof cause);
    cause_word(f, unfit, false, stable, sizeof stable);
    check_head_word(&f->problem, head, sizeof head);
    if (any)
        snprintf(head, sizeof head, "-");
    check_device_list(check, f->devices, devices, sizeof devices);
    check_needs(&f->problem, true, f->needs, sizeof f->needs);
    check_needs(needed, false, needs, sizeof needs);
    snprintf(f->group, sizeof f->group, "%s %s", kind, cause);
    snprintf(f->id, sizeof f->id, "%s %s %s %s", kind, stable, plain ? "-" : needs, head);
    /* As baselines of earlier versions have it. */
    if (f->kind == CHECK_SILENT || f->kind == CHECK_IMPURE)
        snprintf(f->key, sizeof f->key, "%s %s %s %s", kind, cause, head, devices);
    else
        snprintf(f->key, sizeof f->key, "%s %s %s %s %s", kind, cause, any ? "-" : f->needs, head, devices);
}

void check_identity_hole(const struct check *check, struct check_finding *f)
{
    char devices[160], head[32], types[64] = "*";
    check_device_list(check, f->devices, devices, sizeof devices);
    check_head_word(&f->problem, head, sizeof head);
    if (f->field == CHECK_FIELD_types)
        snprintf(types, sizeof types, "%s/%s", attn_tensor_info(&f->problem.t[ATTN_K])->name,
                 attn_tensor_info(&f->problem.t[ATTN_V])->name);
    snprintf(f->needs, sizeof f->needs, "%s", f->fields);
    snprintf(f->group, sizeof f->group, "hole %s", check_field_name(f->field));
    snprintf(f->id, sizeof f->id, "%s %s %s", f->group, head, types);
    snprintf(f->key, sizeof f->key, "%s %s %s %s", f->group, head, types, devices);
}

void check_identity_noted(const struct check *check, struct check_finding *f)
{
    char head[32], devices[160];
    check_head_word(&f->problem, head, sizeof head);
    check_device_list(check, f->devices, devices, sizeof devices);
    snprintf(f->group, sizeof f->group, "%s as_noted", check_kind_name(f->kind));
    snprintf(f->id, sizeof f->id, "%s %s", f->group, head);
    snprintf(f->key, sizeof f->key, "%s %s", f->id, devices);
}

void check_identity_number(struct check *check)
{
    struct check_finding *all = check->finding;
    for (int i = 0; i < check->n_findings; i++) {
        all[i].number = 1;
        for (int k = 0; k < check->n_findings; k++)
            all[i].number += !strcmp(all[k].id, all[i].id) && all[k].why.line < all[i].why.line;
    }
    for (int i = 0; i < check->n_findings; i++) {
        const size_t used = strlen(all[i].id);
        if (all[i].number > 1)
            snprintf(all[i].id + used, sizeof all[i].id - used, " no.%d", all[i].number);
    }
}
