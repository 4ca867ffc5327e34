/* group.c: findings that are shown together.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/group.h"

#include <stdio.h>
#include <string.h>

#include "cli/check/hole.h"
#include "cli/check/problem.h"
#include "cli/check/word.h"

bool check_same_group(const struct check_finding *a, const struct check_finding *b)
{
    return a->known == b->known && !strcmp(a->group, b->group);
}

/* Findings are sorted, so a group is a run of them. */
const struct check_finding *check_group(const struct check *check, int number, int *n, uint64_t *calls, int *members)
{
    const struct check_finding *stands = NULL;
    int group = -1;
    *calls = 0;
    *members = 0;
    for (int i = 0; i < check->n_findings; i++) {
        const struct check_finding *f = &check->finding[i];
        if (i == 0 || !check_same_group(f, f - 1))
            group++;
        if (group != number)
            continue;
        if (!stands || check_simpler(&f->problem, &stands->problem))
            stands = f;
        *calls += f->calls;
        ++*members;
    }
    *n = group + 1;
    return stands;
}

/* Adds a word to a list unless it is there. */
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

/* The particulars of a group: its keys' third word and on, each once. */
void check_particulars(const struct check *check, int number, char *heads, char *types, size_t cap)
{
    int group = -1;
    heads[0] = types[0] = 0;
    for (int i = 0; i < check->n_findings; i++) {
        const struct check_finding *f = &check->finding[i];
        if (i == 0 || !check_same_group(f, f - 1))
            group++;
        if (group != number)
            continue;
        char word[64];
        check_head_word(&f->problem, word, sizeof word);
        add_word(heads, cap, word);
        if (f->kind == CHECK_HOLE && f->field == CHECK_FIELD_types) {
            snprintf(word, sizeof word, "%s/%s", attn_type_info(f->problem.t[ATTN_K].type)->name,
                     attn_type_info(f->problem.t[ATTN_V].type)->name);
            add_word(types, cap, word);
        }
    }
}

uint32_t check_group_devices(const struct check *check, const struct check_finding *of)
{
    uint32_t devices = 0;
    for (int i = 0; i < check->n_findings; i++)
        if (check_same_group(&check->finding[i], of))
            devices |= check->finding[i].devices;
    return devices;
}
