/* metadata.c: the metadata of a code object, as far as a launch needs it: kernels and their arguments.
 *
 * LLVM, "User Guide for AMDGPU Backend", "Code Object V5 Metadata" (and V3, V4, V6): a msgpack map. It is read in one
 * pass over the bytes, without memory of its own but for one kernel's arguments: whatever a length claims, the bytes
 * have to be there.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/machine.h"

/* ---- msgpack --------------------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *bytes;
    size_t size, at;
    struct isa_error *error;
};

enum kind { KIND_NIL, KIND_BOOL, KIND_UINT, KIND_INT, KIND_BYTES, KIND_STR, KIND_ARRAY, KIND_MAP, KIND_OTHER };
struct value {
    enum kind kind;
    uint64_t number; /* of elements, of a map: pairs */
    const uint8_t *text;
};

static bool wrong(struct reader *r, const char *what)
{
    r->error->at = r->at;
    snprintf(r->error->text, sizeof r->error->text, "metadata, byte %zu: %s", r->at, what);
    return false;
}

static bool take(struct reader *r, size_t bytes, uint64_t *number)
{
    if (bytes > r->size - r->at)
        return wrong(r, "ends in mid-value");
    *number = 0;
    for (size_t i = 0; i < bytes; i++)
        *number = *number << 8 | r->bytes[r->at + i];
    r->at += bytes;
    return true;
}

static bool payload(struct reader *r, struct value *v, enum kind kind, uint64_t bytes)
{
    if (bytes > r->size - r->at)
        return wrong(r, "ends in mid-value");
    *v = (struct value){ kind, bytes, r->bytes + r->at };
    r->at += (size_t)bytes;
    return true;
}

static bool elements(struct reader *r, struct value *v, enum kind kind, uint64_t n)
{
    /* Each takes a byte at least. */
    if ((kind == KIND_MAP ? 2 * n : n) > r->size - r->at)
        return wrong(r, "ends in mid-value");
    *v = (struct value){ kind, n, NULL };
    return true;
}

static bool long_value(struct reader *r, uint8_t tag, struct value *v)
{
    uint64_t n;
    switch (tag) {
    case 0xc4:
    case 0xc5:
    case 0xc6: return take(r, (size_t)1 << (tag - 0xc4), &n) && payload(r, v, KIND_BYTES, n);
    case 0xc7:
    case 0xc8:
    case 0xc9: return take(r, (size_t)1 << (tag - 0xc7), &n) && payload(r, v, KIND_OTHER, n + 1);
    case 0xca: return payload(r, v, KIND_OTHER, 4);
    case 0xcb: return payload(r, v, KIND_OTHER, 8);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: *v = (struct value){ KIND_UINT, 0, NULL }; return take(r, (size_t)1 << (tag - 0xcc), &v->number);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: *v = (struct value){ KIND_INT, 0, NULL }; return take(r, (size_t)1 << (tag - 0xd0), &v->number);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: return payload(r, v, KIND_OTHER, 1 + (UINT64_C(1) << (tag - 0xd4)));
    case 0xd9:
    case 0xda:
    case 0xdb: return take(r, (size_t)1 << (tag - 0xd9), &n) && payload(r, v, KIND_STR, n);
    case 0xdc:
    case 0xdd: return take(r, tag == 0xdc ? 2 : 4, &n) && elements(r, v, KIND_ARRAY, n);
    case 0xde:
    case 0xdf: return take(r, tag == 0xde ? 2 : 4, &n) && elements(r, v, KIND_MAP, n);
    default: return wrong(r, "no msgpack");
    }
}

static bool next(struct reader *r, struct value *v)
{
    uint64_t tag;
    if (!take(r, 1, &tag))
        return false;
    if (tag < 0x80) {
        *v = (struct value){ KIND_UINT, tag, NULL };
        return true;
    }
    if (tag < 0x90)
        return elements(r, v, KIND_MAP, tag & 15);
    if (tag < 0xa0)
        return elements(r, v, KIND_ARRAY, tag & 15);
    if (tag < 0xc0)
        return payload(r, v, KIND_STR, tag & 31);
    if (tag >= 0xe0 || tag == 0xc0) {
        *v = (struct value){ tag == 0xc0 ? KIND_NIL : KIND_INT, tag, NULL };
        return true;
    }
    if (tag == 0xc2 || tag == 0xc3) {
        *v = (struct value){ KIND_BOOL, tag - 0xc2, NULL };
        return true;
    }
    return long_value(r, (uint8_t)tag, v);
}

/* What is left of a value whose head was read: without recursion. */
static bool pass_over(struct reader *r, const struct value *v)
{
    uint64_t left = v->kind == KIND_ARRAY ? v->number : v->kind == KIND_MAP ? 2 * v->number : 0;
    while (left > 0) {
        struct value inner;
        if (!next(r, &inner))
            return false;
        uint64_t more = inner.kind == KIND_ARRAY ? inner.number : inner.kind == KIND_MAP ? 2 * inner.number : 0;
        left = left - 1 + more;
        if (left > r->size - r->at)
            return wrong(r, "ends in mid-value");
    }
    return true;
}

static bool is(const struct value *v, const char *text)
{
    return v->kind == KIND_STR && v->number == strlen(text) && memcmp(v->text, text, v->number) == 0;
}

/* ---- Kernels --------------------------------------------------------------------------------------------- */

struct work {
    struct reader r;
    struct isa_argument *argument;
    isa_each_kernel *each;
    void *context;
    uint32_t kernels;
};

static int hidden_of(const struct value *v)
{
#define X(NAME, name) name,
    static const char *const names[] = { ISA_HIDDEN(X) };
#undef X
    if (v->number < 7 || memcmp(v->text, "hidden_", 7) != 0)
        return -1;
    for (int i = 0; i < ISA_HIDDEN_COUNT; i++)
        if (strlen(names[i]) == v->number - 7 && memcmp(names[i], v->text + 7, v->number - 7) == 0)
            return i;
    /* One that is not known is left zero, as the runtime leaves what it does not provide. */
    return ISA_HIDDEN_NONE;
}

static bool read_argument(struct work *work, struct isa_argument *a)
{
    struct reader *r = &work->r;
    struct value map, key, value;
    *a = (struct isa_argument){ .hidden = -1 };
    if (!next(r, &map))
        return false;
    if (map.kind != KIND_MAP)
        return wrong(r, "an argument is no map");
    for (uint64_t i = 0; i < map.number; i++) {
        if (!next(r, &key) || !pass_over(r, &key) || !next(r, &value) || !pass_over(r, &value))
            return false;
        bool offset = is(&key, ".offset"), size = is(&key, ".size");
        if ((offset || size) && (value.kind != KIND_UINT || value.number > 1 << 20))
            return wrong(r, "an argument's offset or size is no number that it could be");
        if (offset)
            a->offset = (uint32_t)value.number;
        if (size)
            a->size = (uint32_t)value.number;
        if (is(&key, ".value_kind") && value.kind == KIND_STR)
            a->hidden = hidden_of(&value);
    }
    return true;
}

static bool read_arguments(struct work *work, const struct value *array, struct isa_kernel_metadata *k)
{
    if (array->kind != KIND_ARRAY || array->number > ISA_ARGUMENTS_MAX)
        return wrong(&work->r, "a kernel's arguments are no array, or too many");
    for (k->n_arguments = 0; k->n_arguments < array->number; k->n_arguments++)
        if (!read_argument(work, &work->argument[k->n_arguments]))
            return false;
    return true;
}

static bool read_field(struct work *work, const struct value *key, const struct value *value,
                       struct isa_kernel_metadata *k)
{
    const struct {
        const char *key;
        uint32_t *to;
    } numbers[] = { { ".max_flat_workgroup_size", &k->max_threads }, { ".kernarg_segment_size", &k->kernarg_size },
                    { ".kernarg_segment_align", &k->kernarg_align }, { ".group_segment_fixed_size", &k->lds },
                    { ".private_segment_fixed_size", &k->scratch },  { ".wavefront_size", &k->wave_size } };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (!is(key, numbers[i].key))
            continue;
        if (value->kind != KIND_UINT || value->number > INT32_MAX)
            return wrong(&work->r, "a number of a kernel is none that it could be");
        *numbers[i].to = (uint32_t)value->number;
    }
    if (is(key, ".uses_dynamic_stack"))
        k->dynamic_stack = value->kind == KIND_BOOL && value->number == 1;
    bool symbol = is(key, ".symbol"), name = is(key, ".name");
    if ((symbol || name) && (value->kind != KIND_STR || value->number == 0 || value->number > 1 << 16))
        return wrong(&work->r, "a kernel's name is none");
    if (symbol) {
        k->symbol = (const char *)value->text;
        k->symbol_len = (uint32_t)value->number;
    }
    if (name) {
        k->name = (const char *)value->text;
        k->name_len = (uint32_t)value->number;
    }
    return true;
}

static bool read_kernel(struct work *work)
{
    struct reader *r = &work->r;
    struct isa_kernel_metadata k = { 0 };
    struct value map, key, value;
    if (!next(r, &map))
        return false;
    if (map.kind != KIND_MAP)
        return wrong(r, "a kernel is no map");
    for (uint64_t i = 0; i < map.number; i++) {
        if (!next(r, &key) || !pass_over(r, &key) || !next(r, &value))
            return false;
        if (is(&key, ".args") ? !read_arguments(work, &value, &k)
                              : !pass_over(r, &value) || !read_field(work, &key, &value, &k))
            return false;
    }
    if (!k.name && !k.symbol)
        return wrong(r, "a kernel has no name");
    if (++work->kernels > ISA_KERNELS_MAX)
        return wrong(r, "too many kernels");
    return work->each(work->context, &k, work->argument);
}

static bool read_target(struct reader *r, const struct value *v, char target[ISA_TARGET_MAX])
{
    static const char triple[] = "amdgcn-amd-amdhsa--";
    const size_t skip = sizeof triple - 1;
    if (v->kind != KIND_STR || v->number <= skip || v->number - skip >= ISA_TARGET_MAX ||
        memcmp(v->text, triple, skip) != 0)
        return wrong(r, "amdhsa.target is no target ID");
    memcpy(target, v->text + skip, v->number - skip);
    target[v->number - skip] = 0;
    return true;
}

static bool read_root(struct work *work, char target[ISA_TARGET_MAX])
{
    struct reader *r = &work->r;
    struct value map, key, value;
    if (!next(r, &map))
        return false;
    if (map.kind != KIND_MAP)
        return wrong(r, "it is no map");
    for (uint64_t i = 0; i < map.number; i++) {
        if (!next(r, &key) || !pass_over(r, &key) || !next(r, &value))
            return false;
        if (!is(&key, "amdhsa.kernels")) {
            if (!pass_over(r, &value) || (is(&key, "amdhsa.target") && !read_target(r, &value, target)))
                return false;
            continue;
        }
        if (value.kind != KIND_ARRAY)
            return wrong(r, "amdhsa.kernels is no array");
        for (uint64_t k = 0; k < value.number; k++)
            if (!read_kernel(work))
                return false;
    }
    return true;
}

bool isa_metadata_read(const uint8_t *bytes, size_t size, char target[ISA_TARGET_MAX], isa_each_kernel *each,
                       void *context, struct isa_error *error)
{
    struct work work = { .r = { bytes, size, 0, error }, .each = each, .context = context };
    work.argument = malloc(ISA_ARGUMENTS_MAX * sizeof *work.argument);
    if (!work.argument)
        return wrong(&work.r, "no memory");
    bool good = read_root(&work, target);
    free(work.argument);
    return good;
}
