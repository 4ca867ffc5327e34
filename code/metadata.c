/* metadata.c: the metadata of a code object: a msgpack map, in an NT_AMDGPU_METADATA note.
 *
 * LLVM, "User Guide for AMDGPU Backend", "Code Object V3 Metadata" (and V4: amdhsa.target): the map has
 * "amdhsa.kernels", an array of maps; keys are strings that begin with a dot. Unknown keys are passed over: each
 * version adds some.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "code/internal.h"

/* ---- Before unpacking ------------------------------------------------------------------------------------ */

/* The unpacker makes room for as many elements as an array says it has. So first, without memory: does the value end
 * within its bytes, and how many objects is it? msgpack specification, "Formats". */
struct head {
    uint64_t payload, children;
    size_t bytes;
}; /* bytes: of the head after the tag */

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

/* False: cut off, or the tag that means nothing (0xc1). */
static bool read_head(const uint8_t *p, size_t size, struct head *h)
{
    static const uint8_t fixed[8] = { 4, 8, 1, 2, 4, 8, 1, 2 }; /* 0xca: floats, unsigned, the first signed ones */
    uint8_t tag = p[0];
    uint64_t n = 0;
    *h = (struct head){ 0 };
    if (tag < 0x80 || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3)
        return true;
    if (tag < 0x90) {
        h->children = 2 * (uint64_t)(tag & 15);
        return true;
    }
    if (tag < 0xa0) {
        h->children = tag & 15;
        return true;
    }
    if (tag < 0xc0) {
        h->payload = tag & 31;
        return true;
    }
    if (tag == 0xc1)
        return false;
    if (tag >= 0xca && tag <= 0xd1) {
        h->payload = fixed[tag - 0xca];
        return true;
    }
    if (tag == 0xd2 || tag == 0xd3) {
        h->payload = tag == 0xd2 ? 4 : 8;
        return true;
    }
    if (tag >= 0xd4 && tag <= 0xd8) {
        h->payload = 1 + (UINT64_C(1) << (tag - 0xd4));
        return true;
    } /* fixext */
    /* A length follows, of 1, 2 or 4 bytes: bin, ext, str; of 2 or 4: array, map. */
    if (tag <= 0xc6)
        h->bytes = (size_t)1 << (tag - 0xc4);
    else if (tag <= 0xc9)
        h->bytes = (size_t)1 << (tag - 0xc7);
    else if (tag <= 0xdb)
        h->bytes = (size_t)1 << (tag - 0xd9);
    else
        h->bytes = (tag & 1) ? 4 : 2;
    if (size - 1 < h->bytes)
        return false;
    n = big_endian(p + 1, h->bytes);
    if (tag == 0xdc || tag == 0xdd)
        h->children = n;
    else if (tag == 0xde || tag == 0xdf)
        h->children = 2 * n;
    else
        h->payload = n + (tag >= 0xc7 && tag <= 0xc9); /* ext has a type besides */
    return true;
}

static bool scan(struct attn_code *code, const struct code_span *note)
{
    uint64_t pending = 1, objects = 0;
    size_t at = 0;
    while (pending > 0) {
        struct head h;
        if (at == note->size)
            return code_wrong(code, note, at, "the metadata ends in mid-value");
        if (!read_head(note->bytes + at, note->size - at, &h))
            return code_wrong(code, note, at, "the metadata is no msgpack");
        if (++objects > code->limits.objects)
            return code_wrong(code, note, at, "the metadata has more than the limit of %" PRIu64 " values",
                              code->limits.objects);
        size_t left = note->size - at - 1 - h.bytes;
        pending--;
        if (h.payload > left || h.children > left - h.payload || pending + h.children > left - h.payload)
            return code_wrong(code, note, at, "the metadata ends in mid-value");
        pending += h.children;
        at += 1 + h.bytes + (size_t)h.payload;
    }
    return true;
}

/* ---- Unpacked -------------------------------------------------------------------------------------------- */

static bool is(const msgpack_object *key, const char *name)
{
    return key->type == MSGPACK_OBJECT_STR && key->via.str.size == strlen(name) &&
           memcmp(key->via.str.ptr, name, key->via.str.size) == 0;
}

/* The value under a key; NULL when there is none. The last of several counts, as for LLVM's reader. */
static const msgpack_object *value_of(const msgpack_object *map, const char *key)
{
    const msgpack_object *value = NULL;
    for (uint32_t i = 0; i < map->via.map.size; i++)
        if (is(&map->via.map.ptr[i].key, key))
            value = &map->via.map.ptr[i].val;
    return value;
}

enum field_size { FIELD_32, FIELD_64 };

static const struct field {
    const char *key;
    size_t offset;
    enum field_size size;
} fields[] = {
#define FIELD(member, key, size) { key, offsetof(struct attn_code_kernel, member), size }
    FIELD(lds_bytes, ".group_segment_fixed_size", FIELD_64),
    FIELD(scratch_bytes, ".private_segment_fixed_size", FIELD_64),
    FIELD(kernarg_bytes, ".kernarg_segment_size", FIELD_64),
    FIELD(max_threads, ".max_flat_workgroup_size", FIELD_32),
    FIELD(wave_size, ".wavefront_size", FIELD_32),
    FIELD(vgprs, ".vgpr_count", FIELD_32),
    FIELD(agprs, ".agpr_count", FIELD_32),
    FIELD(sgprs, ".sgpr_count", FIELD_32),
    FIELD(vgpr_spills, ".vgpr_spill_count", FIELD_32),
    FIELD(sgpr_spills, ".sgpr_spill_count", FIELD_32),
#undef FIELD
};

/* What struct code_metadata keeps. */
struct unpacked {
    msgpack_unpacked value;
    const msgpack_object *kernel;
};

bool code_metadata_kernel(struct attn_code *code, const struct code_span *note, const struct code_metadata *metadata,
                          uint32_t index, struct code_metadata_kernel *k)
{
    const msgpack_object *map = &((const struct unpacked *)metadata->unpacked)->kernel[index];
    memset(k, 0, sizeof *k);
    if (map->type != MSGPACK_OBJECT_MAP)
        return code_wrong(code, note, 0, "kernel %u of the metadata is no map", index);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const msgpack_object *value = value_of(map, fields[i].key);
        uint64_t most = fields[i].size == FIELD_32 ? INT32_MAX : INT64_MAX;
        char *to = (char *)&k->values + fields[i].offset;
        int64_t number = -1;
        if (value && (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER || value->via.u64 > most))
            return code_wrong(code, note, 0, "%s of kernel %u of the metadata is no number it could be", fields[i].key,
                              index);
        if (value)
            number = (int64_t)value->via.u64;
        if (fields[i].size == FIELD_32)
            memcpy(to, &(int32_t){ (int32_t)number }, sizeof(int32_t));
        else
            memcpy(to, &number, sizeof number);
    }
    const msgpack_object *name = value_of(map, ".name"), *symbol = value_of(map, ".symbol");
    if (!name || name->type != MSGPACK_OBJECT_STR || name->via.str.size == 0 || name->via.str.size > CODE_NAME_MAX ||
        memchr(name->via.str.ptr, 0, name->via.str.size))
        return code_wrong(code, note, 0, "kernel %u of the metadata has no name, or one that is no name", index);
    k->name = name->via.str.ptr;
    k->name_len = name->via.str.size;
    if (symbol && symbol->type == MSGPACK_OBJECT_STR && symbol->via.str.size <= CODE_NAME_MAX &&
        !memchr(symbol->via.str.ptr, 0, symbol->via.str.size)) {
        k->symbol = symbol->via.str.ptr;
        k->symbol_len = symbol->via.str.size;
    }
    return true;
}

static bool read_target(struct attn_code *code, const struct code_span *note, const msgpack_object *root,
                        char target[CODE_TARGET_MAX])
{
    static const char triple[] = "amdgcn-amd-amdhsa--";
    const size_t skip = sizeof triple - 1;
    const msgpack_object *value = value_of(root, "amdhsa.target");
    target[0] = 0;
    if (!value)
        return true;
    if (value->type != MSGPACK_OBJECT_STR || value->via.str.size <= skip ||
        memcmp(value->via.str.ptr, triple, skip) != 0 || value->via.str.size - skip >= CODE_TARGET_MAX)
        return code_wrong(code, note, 0, "amdhsa.target of the metadata is no target ID");
    memcpy(target, value->via.str.ptr + skip, value->via.str.size - skip);
    target[value->via.str.size - skip] = 0;
    return true;
}

static bool read_root(struct attn_code *code, const struct code_span *note, struct code_metadata *metadata)
{
    struct unpacked *unpacked = metadata->unpacked;
    const msgpack_object *root = &unpacked->value.data;
    if (root->type != MSGPACK_OBJECT_MAP)
        return code_wrong(code, note, 0, "the metadata is no map");
    if (!read_target(code, note, root, metadata->target))
        return false;
    const msgpack_object *kernels = value_of(root, "amdhsa.kernels");
    if (kernels && kernels->type != MSGPACK_OBJECT_ARRAY)
        return code_wrong(code, note, 0, "amdhsa.kernels of the metadata is no array");
    metadata->n_kernels = kernels ? kernels->via.array.size : 0;
    unpacked->kernel = kernels ? kernels->via.array.ptr : NULL;
    return true;
}

bool code_metadata_open(struct attn_code *code, const struct code_span *note, struct code_metadata *metadata)
{
    memset(metadata, 0, sizeof *metadata);
    if (!scan(code, note))
        return false;
    struct unpacked *unpacked = malloc(sizeof *unpacked);
    if (!unpacked)
        return code_out_of_memory(code, note);
    metadata->unpacked = unpacked;
    msgpack_unpacked_init(&unpacked->value);
    size_t at = 0;
    msgpack_unpack_return status = msgpack_unpack_next(&unpacked->value, (const char *)note->bytes, note->size, &at);
    bool good = status == MSGPACK_UNPACK_SUCCESS;
    if (!good)
        code_wrong(code, note, at, "%s",
                   status == MSGPACK_UNPACK_NOMEM_ERROR ? "no memory for the metadata, or it is nested too deeply"
                                                        : "the metadata is no msgpack, or nested too deeply");
    good = good && read_root(code, note, metadata);
    if (!good)
        code_metadata_close(metadata);
    return good;
}

void code_metadata_close(struct code_metadata *metadata)
{
    if (!metadata->unpacked)
        return;
    msgpack_unpacked_destroy(&((struct unpacked *)metadata->unpacked)->value);
    free(metadata->unpacked);
    metadata->unpacked = NULL;
}
