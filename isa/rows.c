/* rows.c: the table of instructions, made of the classes' parts.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "isa/internal.h"

/* The parts; a class adds its own. */
#define SETS(X) \
    X(buffer)   \
    X(compare) X(control) X(ds) X(global) X(lane) X(matrix) X(packed) X(scalar) X(scalar_memory) X(scratch) X(vector)

static const struct isa_row_set *const sets[] = {
#define X(name) &isa_rows_##name,
    SETS(X)
#undef X
        NULL
};

const struct isa_row *isa_row_find(const char *name)
{
    for (const struct isa_row_set *const *set = sets; *set; set++) {
        for (size_t i = 0; i < (*set)->count; i++) {
            if (!strcmp((*set)->row[i].name, name)) {
                return &(*set)->row[i];
            }
        }
    }
    return NULL;
}

const struct isa_row *isa_row(size_t number)
{
    for (const struct isa_row_set *const *set = sets; *set; set++) {
        if (number < (*set)->count) {
            return &(*set)->row[number];
        }
        number -= (*set)->count;
    }
    return NULL;
}

size_t isa_row_count(void)
{
    size_t count = 0;
    for (const struct isa_row_set *const *set = sets; *set; set++) {
        count += (*set)->count;
    }
    return count;
}
