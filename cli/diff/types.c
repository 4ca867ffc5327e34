/* types.c: see types.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/diff/types.h"

#include <stdlib.h>
#include <string.h>

#define FURTHER "src5="

/* "src5=f32:7 src5=i32:16 ": what further sources are drawn of, and in which forms. */
static void put_further(FILE *out, const struct attn_foreign_draw *draw)
{
    for (int i = 0; i < draw->n_further; i++) {
        const struct attn_further_draw *f = &draw->further[i];
        const struct attn_type_info *info = f->foreign ? &f->foreign->info : attn_type_info(f->type);
        fprintf(out, FURTHER "%s:%d ", info->name, f->forms);
    }
}

static bool is_drawn(const struct attn_foreign_draw *draw, const struct attn_foreign_type *type)
{
    for (int i = 0; i < draw->n_types; i++)
        if (draw->type[i] == type)
            return true;
    return false;
}

void diff_types_put(FILE *out, const struct check *check)
{
    const struct attn_foreign_types *types = &check->subject->types;
    fprintf(out, "%s%s", check->draw.prec ? "prec " : "", check->draw.n_kv_max ? "n_kv_max " : "");
    for (int i = 0; i < types->n; i++) {
        const struct attn_type_info *info = &types->type[i].info;
        fprintf(out, "%s:%d:%d:%d:%d ", info->name, info->ggml, info->block_elems, info->block_bytes,
                is_drawn(&check->draw, &types->type[i]));
    }
    put_further(out, &check->draw);
    putc('\n', out);
}

static void add(struct diff_types *types, const char *name, const struct attn_type_info *info, bool drawn)
{
    const int at = types->list.n;
    if (at == ATTN_FOREIGN_MAX)
        return;
    snprintf(types->name[at], sizeof types->name[at], "%s", name);
    types->type[at] = (struct attn_foreign_type){ .info = *info, .number = (uint8_t)(ATTN_TYPE_FOREIGN + at) };
    types->type[at].info.name = types->name[at];
    types->type[at].info.ggml_name = NULL;
    types->drawn[at] = drawn;
    types->list.type = types->type;
    types->list.n++;
}

static void add_further(struct diff_types *types, const char *name, int forms)
{
    if (types->n_further == ATTN_FURTHER_TYPES_MAX)
        return;
    struct diff_further *f = &types->further[types->n_further++];
    snprintf(f->name, sizeof f->name, "%s", name);
    f->forms = (uint8_t)(forms & ((1 << ATTN_FURTHER_FORM_COUNT) - 1));
}

bool diff_types_get(char *line, struct diff_types *types)
{
    char *rest = line, *word;
    memset(types, 0, sizeof *types);
    while ((word = strsep(&rest, " "))) {
        int value[4], n = 0;
        char *name = strsep(&word, ":"), *field;
        types->says_prec |= !strcmp(name, "prec");
        types->says_n_kv_max |= !strcmp(name, "n_kv_max");
        while (word && n < 4 && (field = strsep(&word, ":")))
            value[n++] = (int)strtol(field, NULL, 10);
        if (!strncmp(name, FURTHER, strlen(FURTHER)) && n == 1)
            add_further(types, name + strlen(FURTHER), value[0]);
        if (n == 0 || !strncmp(name, FURTHER, strlen(FURTHER)))
            continue;
        if (n < 4 || value[1] < 1 || value[2] < 1)
            return false;
        add(types, name, &(struct attn_type_info){ NULL, NULL, value[0], value[1], value[2], 1 }, value[3] != 0);
    }
    return true;
}

static int find(const struct diff_types *types, const char *name)
{
    int at = types->list.n - 1;
    while (at >= 0 && strcmp(types->name[at], name))
        at--;
    return at;
}

/* The type of that name, ours or one of theirs. */
static bool find_any(const struct diff_types *types, const char *name, struct attn_further_draw *f)
{
    for (int t = 0; t < ATTN_TYPE_COUNT; t++)
        if (!strcmp(attn_type_info(t)->name, name))
            return f->type = (uint8_t)t, true;
    const int at = find(types, name);
    if (at < 0)
        return false;
    f->type = types->type[at].number;
    f->foreign = &types->type[at];
    return true;
}

static uint8_t forms_of(const struct diff_types *types, const char *name)
{
    for (int i = 0; i < types->n_further; i++)
        if (!strcmp(types->further[i].name, name))
            return types->further[i].forms;
    return 0;
}

/* What both take: of a source that one of them has no place for nothing is to be compared. */
static void join_further(const struct diff_types *a, const struct diff_types *b, const struct diff_types *both,
                         struct attn_foreign_draw *draw)
{
    for (int i = 0; i < a->n_further; i++) {
        struct attn_further_draw f = { .forms = a->further[i].forms & forms_of(b, a->further[i].name) };
        if (f.forms && find_any(both, a->further[i].name, &f))
            draw->further[draw->n_further++] = f;
    }
}

void diff_types_join(const struct diff_types *a, const struct diff_types *b, struct diff_types *both,
                     struct attn_foreign_draw *draw)
{
    *both = *a;
    both->list.type = both->type;
    for (int i = 0; i < a->list.n; i++)
        both->type[i].info.name = both->name[i];
    for (int i = 0; i < b->list.n; i++) {
        const int at = find(both, b->name[i]);
        if (at < 0)
            add(both, b->name[i], &b->type[i].info, b->drawn[i]);
        else
            both->drawn[at] |= b->drawn[i];
    }
    *draw = (struct attn_foreign_draw){ .prec = a->says_prec && b->says_prec,
                                        .n_kv_max = a->says_n_kv_max && b->says_n_kv_max };
    for (int i = 0; i < both->list.n; i++)
        if (both->drawn[i])
            draw->type[draw->n_types++] = &both->type[i];
    join_further(a, b, both, draw);
}

bool diff_types_known(const struct diff_types *types, const struct attn_problem *p)
{
    for (int o = ATTN_K; o <= ATTN_V; o++)
        if (p->t[o].type >= ATTN_TYPE_FOREIGN && find(types, p->t[o].foreign->info.name) < 0)
            return false;
    return true;
}
