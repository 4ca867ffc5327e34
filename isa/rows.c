/* rows.c: the table of instructions, made of the classes' parts.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "isa/parse.h"

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

static size_t slot_of(const char *name)
{
    uint32_t hash = 2166136261; /* FNV-1a */
    for (; *name; name++) {
        hash = (hash ^ (uint8_t)*name) * 16777619;
    }
    return (hash ^ hash >> 13) % ISA_INDEX_ROWS;
}

bool isa_row_index_make(struct isa_row_index *index)
{
    memset(index, 0, sizeof *index);
    const size_t count = isa_row_count();
    if (count > ISA_INDEX_ROWS / 2) {
        return false;
    }
    for (const struct isa_row_set *const *set = sets; *set; set++) {
        for (size_t i = 0; i < (*set)->count; i++) {
            size_t slot = slot_of((*set)->row[i].name);
            while (index->row[slot]) {
                slot = (slot + 1) % ISA_INDEX_ROWS;
            }
            index->row[slot] = &(*set)->row[i];
        }
    }
    return true;
}

const struct isa_row *isa_row_index_find(const struct isa_row_index *index, const char *name)
{
    size_t slot = slot_of(name);
    while (index->row[slot] && strcmp(index->row[slot]->name, name) != 0) {
        slot = (slot + 1) % ISA_INDEX_ROWS;
    }
    return index->row[slot];
}
