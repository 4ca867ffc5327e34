/* group.c: findings that are shown together.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/field.h"
#include "cli/check/group.h"

#include <stdio.h>
#include <string.h>

#include "cli/check/problem.h"
#include "cli/check/word.h"

bool check_group_same(const struct check_finding *a, const struct check_finding *b)
{
    return a->known == b->known && (a->reach == CHECK_REACH_FAR) == (b->reach == CHECK_REACH_FAR) &&
           !strcmp(a->group, b->group);
}

int check_group_count(const struct check *check)
{
    int n = 0;
    for (int i = 0; i < check->n_findings; i++)
        n += i == 0 || !check_group_same(&check->finding[i], &check->finding[i - 1]);
    return n;
}

/* Adds a word to a list of words unless it is there. */
static void add_word(char *list, size_t cap, const char *word)
{
    size_t len = strlen(word), used = strlen(list);
    for (const char *at = list; (at = strstr(at, word)); at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == 0 || at[len] == ' '))
            return;
    if (used + len + 8 < cap)
        snprintf(list + used, cap - used, "%s%s", used ? " " : "", word);
    else if (used < 3 || strcmp(list + used - 3, "..."))
        snprintf(list + used, cap - used, " ...");
}

/* The union of fields: "n_kv+gqa" and "gqa, mask" are "n_kv gqa mask". */
static void add_needs(struct check_group *group, const char *needs)
{
    char words[sizeof((struct check_finding *)0)->needs], *rest = words, *word;
    snprintf(words, sizeof words, "%s", needs);
    while ((word = strsep(&rest, "+, ")))
        if (*word)
            add_word(group->needs, sizeof group->needs, word);
}

static void add_member(struct check_group *group, const struct check_finding *f)
{
    char word[64];
    if (!group->first)
        group->first = group->stands = f;
    if (f->reach < group->stands->reach ||
        (f->reach == group->stands->reach && check_simpler(&f->problem, &group->stands->problem)))
        group->stands = f;
    add_needs(group, f->needs);
    group->members++;
    group->calls += f->calls;
    group->devices |= f->devices;
    check_head_word(&f->problem, word, sizeof word);
    add_word(group->heads, sizeof group->heads, word);
    if (f->kind == CHECK_HOLE && f->field == CHECK_FIELD_types) {
        snprintf(word, sizeof word, "%s/%s", attn_tensor_info(&f->problem.t[ATTN_K])->name,
                 attn_tensor_info(&f->problem.t[ATTN_V])->name);
        add_word(group->types, sizeof group->types, word);
    }
}

/* Findings are sorted, so a group is a run of them. */
bool check_group_get(const struct check *check, int number, struct check_group *group)
{
    int at = -1;
    memset(group, 0, sizeof *group);
    for (int i = 0; i < check->n_findings && at <= number; i++) {
        at += i == 0 || !check_group_same(&check->finding[i], &check->finding[i - 1]);
        if (at == number)
            add_member(group, &check->finding[i]);
    }
    return group->first != NULL;
}

bool check_group_far(const struct check *check, int number)
{
    struct check_group group;
    return check_group_get(check, number, &group) && group.stands->reach == CHECK_REACH_FAR;
}
