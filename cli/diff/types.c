/* types.c: see types.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/diff/types.h"

#include <stdlib.h>
#include <string.h>

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
        if (n == 0)
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
}

bool diff_types_known(const struct diff_types *types, const struct attn_problem *p)
{
    for (int o = ATTN_K; o <= ATTN_V; o++)
        if (p->t[o].type >= ATTN_TYPE_FOREIGN && find(types, p->t[o].foreign->info.name) < 0)
            return false;
    return true;
}
