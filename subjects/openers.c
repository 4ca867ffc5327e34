/* openers.c: the table of subjects. See attn_subject.h.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "subjects/attn_subject.h"

static const struct attn_subject_opener table[] = {
#define X(name, argument, help) { #name, argument, help, attn_subject_open_##name },
    ATTN_SUBJECTS(X)
#undef X
};

int attn_subject_opener_count(void) { return (int)(sizeof table / sizeof table[0]); }

const struct attn_subject_opener *attn_subject_opener(int index)
{
    return index >= 0 && index < attn_subject_opener_count() ? &table[index] : NULL;
}

const struct attn_subject_opener *attn_subject_opener_find(const char *text, const char **argument)
{
    size_t len = strcspn(text, "=");
    *argument = text[len] ? text + len + 1 : NULL;
    for (int i = 0; i < attn_subject_opener_count(); i++) {
        const struct attn_subject_opener *o = &table[i];
        if (strlen(o->name) != len || strncmp(o->name, text, len))
            continue;
        const bool may_lack = !o->argument || o->argument[0] == '[';
        return !*argument ? may_lack ? o : NULL : o->argument && **argument ? o : NULL;
    }
    return NULL;
}
