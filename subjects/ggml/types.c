/* types.c: see types.h.
 *
 * Sources: ggml, include/ggml.h: ggml_get_type_traits and struct ggml_type_traits (since late 2024), before that
 * ggml_internal_get_type_traits, which returns such a structure, with more behind these members; include/ggml-cpu.h:
 * ggml_get_type_traits_cpu, whose structure begins with from_float.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/ggml/types.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    NUMBERS = 512, /* of types that are looked at: forks number theirs up to about 400 */
    BLOCK_ELEMENTS_MOST = 1024,
    BLOCK_BYTES_MOST = 1 << 13,
};

static bool is_word(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++) {
        const char c = name[n];
        if (n == ATTN_FOREIGN_NAME_MAX ||
            !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return n > 0;
}

static bool is_taken(const struct ggml_types *types, const char *name)
{
    for (int t = 0; t < ATTN_TYPE_COUNT; t++)
        if (!strcmp(attn_type_info(t)->name, name))
            return true;
    for (int i = 0; i < types->list.n; i++)
        if (!strcmp(types->name[i], name))
            return true;
    return false;
}

/* One call of the library's, under the trap: it may read past a table, or give up. */
struct looking {
    const struct ggml_abi *abi;
    int number;
    struct ggml_abi_traits traits;
    char name[ATTN_FOREIGN_NAME_MAX + 1];
    int64_t elements;
    size_t bytes;
    bool good;
};

static void look(void *context)
{
    struct looking *l = context;
    const char *name = l->abi->type_name(l->number);
    l->good = false;
    if (!name || !is_word(name) || !strcmp(name, "NONE")) /* what it says of a number past the last */
        return;
    memcpy(l->name, name, strlen(name) + 1);
    l->elements = l->abi->blck_size(l->number);
    l->bytes = l->abi->type_size(l->number);
    l->good = l->elements >= 1 && l->elements <= BLOCK_ELEMENTS_MOST && l->bytes >= 1 && l->bytes <= BLOCK_BYTES_MOST;
}

/* What its traits say, where they are laid out as they are known here. */
static void look_at_traits(void *context)
{
    struct looking *l = context;
    const struct ggml_abi_traits *traits = NULL;
    struct ggml_abi_traits_by_value value;
    memset(&l->traits, 0, sizeof l->traits);
    if (l->abi->get_type_traits) {
        traits = l->abi->get_type_traits(l->number);
    } else if (l->abi->internal_get_type_traits) {
        value = l->abi->internal_get_type_traits(l->number);
        traits = &value.known;
    }
    if (!traits || !traits->name || strcmp(traits->name, l->name) || traits->elements != l->elements ||
        traits->bytes != l->bytes)
        return;
    l->traits = *traits;
    if (!l->traits.from_float && l->abi->get_type_traits_cpu)
        l->traits.from_float = l->abi->get_type_traits_cpu(l->number)->from_float;
}

/* A block, written and read, as far as there are functions for it. */
static void try_block(void *context)
{
    struct looking *l = context;
    float values[BLOCK_ELEMENTS_MOST], back[BLOCK_ELEMENTS_MOST];
    _Alignas(64) uint8_t block[BLOCK_BYTES_MOST];
    memset(block, 0, sizeof block);
    for (int64_t i = 0; i < l->elements; i++)
        values[i] = back[i] = (float)((i * 37 + 11) % 64) / 64 - 0.5f;
    if (l->traits.from_float)
        l->traits.from_float(values, block, l->elements);
    if (l->traits.to_float)
        l->traits.to_float(block, back, l->elements);
    l->good = true;
    for (int64_t i = 0; i < l->elements; i++)
        l->good = l->good && isfinite(back[i]);
}

static bool came_back(struct attn_trap *trap, void (*call)(void *), struct looking *l)
{
    bool unwound;
    return attn_trap_run(trap, call, l, &unwound) == 0;
}

static void add(struct ggml_types *types, const struct looking *l)
{
    const int at = types->list.n;
    struct attn_foreign_type *t = &types->type[at];
    memcpy(types->name[at], l->name, sizeof types->name[at]);
    snprintf(types->number[at], sizeof types->number[at], "(enum ggml_type)%d", l->number);
    *t = (struct attn_foreign_type){
        .info = { types->name[at], types->number[at], l->number, (int32_t)l->elements, (int32_t)l->bytes, 1 },
        .number = (uint8_t)(ATTN_TYPE_FOREIGN + at),
        .to_float = l->traits.to_float,
        .from_float = l->traits.from_float,
        .kv = l->traits.quantised || l->traits.to_float,
    };
    types->list.type = types->type;
    types->list.n++;
}

void ggml_types_read(const struct ggml_abi *abi, struct attn_trap *trap, struct ggml_types *types)
{
    memset(types, 0, sizeof *types);
    for (int number = 0; number < NUMBERS && types->list.n < ATTN_FOREIGN_MAX; number++) {
        struct looking l = { .abi = abi, .number = number };
        if (!came_back(trap, look, &l))
            return; /* past the library's table, which does not look where it ends */
        if (!l.good || is_taken(types, l.name))
            continue;
        if (!came_back(trap, look_at_traits, &l))
            memset(&l.traits, 0, sizeof l.traits);
        /* Reading alone, then both: a type may need tables to be written that nobody has made. */
        const struct ggml_abi_traits said = l.traits;
        l.traits.from_float = NULL;
        if (!came_back(trap, try_block, &l) || !l.good)
            l.traits.to_float = NULL;
        l.traits.from_float = said.from_float;
        if (!came_back(trap, try_block, &l) || !l.good)
            l.traits.from_float = NULL;
        add(types, &l);
    }
}
