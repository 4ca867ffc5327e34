/* bundle.c: offload bundles, plain and compressed. See object.h for the sources.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "code/internal.h"

static const char plain_magic[] = "__CLANG_OFFLOAD_BUNDLE__";
static const char packed_magic[] = "CCOB";
enum { PLAIN_MAGIC = sizeof plain_magic - 1, PACKED_MAGIC = sizeof packed_magic - 1, ID_MAX = 256 };

static bool begins(const struct code_span *span, const char *magic, size_t len)
{
    return span->size >= len && memcmp(span->bytes, magic, len) == 0;
}

bool code_is_bundle(const struct code_span *span)
{
    return begins(span, plain_magic, PLAIN_MAGIC) || begins(span, packed_magic, PACKED_MAGIC);
}

/* ---- Plain ----------------------------------------------------------------------------------------------- */

/* The target in an entry's ID, "hipv4-amdgcn-amd-amdhsa--gfx90a:xnack-" or, older, "hip-amdgcn-amd-amdhsa-gfx906". NULL
 * for what is no AMD GPU code (the host's entry, SPIR-V). */
static const char *target_of(const char *id)
{
    static const char triple[] = "-amdgcn-amd-amdhsa-";
    const char *at = strstr(id, triple);
    if (!at)
        return NULL;
    at += sizeof triple - 1;
    return at + (*at == '-');
}

static bool read_entry(struct attn_code *code, const struct code_span *span, const char *id, uint64_t offset,
                       uint64_t size)
{
    const char *text = target_of(id);
    if (!text || size == 0)
        return true;
    const char *target = code_target(code, span, text, strlen(text));
    if (!target)
        return false;
    struct code_span object = { span->bytes + offset, (size_t)size, span->base + offset, span->bundle, target };
    if (!code_is_object(&object))
        return code_wrong(code, &object, 0, "the entry is no AMD GPU code object (%s)",
                          size >= 4 && memcmp(object.bytes, "BC\xc0\xde", 4) == 0 ? "LLVM bitcode, not yet linked"
                                                                                  : "other bytes");
    return code_read_object(code, &object);
}

static bool read_plain(struct attn_code *code, const struct code_span *span, size_t *used)
{
    size_t at = PLAIN_MAGIC + 8;
    if (span->size < at)
        return code_wrong(code, span, span->size, "the bundle ends in its header");
    uint64_t entries = code_u64(span->bytes + PLAIN_MAGIC), end = at;
    if (entries > (span->size - at) / 24)
        return code_wrong(code, span, PLAIN_MAGIC, "%" PRIu64 " entries are more than the bundle has room for",
                          entries);
    for (uint64_t i = 0; i < entries; i++) {
        char id[ID_MAX];
        if (span->size - at < 24)
            return code_wrong(code, span, at, "the bundle ends in entry %" PRIu64, i);
        uint64_t offset = code_u64(span->bytes + at), size = code_u64(span->bytes + at + 8);
        uint64_t len = code_u64(span->bytes + at + 16);
        at += 24;
        if (len >= ID_MAX || len > span->size - at)
            return code_wrong(code, span, at - 8, "the ID of entry %" PRIu64 " has %" PRIu64 " bytes", i, len);
        memcpy(id, span->bytes + at, (size_t)len);
        id[len] = 0;
        at += (size_t)len;
        if (size > 0 && (offset > span->size || size > span->size - offset))
            return code_wrong(code, span, at,
                              "entry %" PRIu64 " (%" PRIu64 " bytes at %" PRIu64 ") is not inside the bundle", i, size,
                              offset);
        if (size > 0 && offset + size > end)
            end = offset + size;
        if (!read_entry(code, span, id, offset, size))
            return false;
    }
    *used = (size_t)(end > at ? end : at);
    return true;
}

/* ---- Compressed ------------------------------------------------------------------------------------------ */

struct packed {
    const uint8_t *bytes; /* after the header */
    size_t size;
    uint64_t unpacked; /* as the header says */
    uint8_t *out;
    size_t len, cap;
    size_t taken; /* of bytes */
};

/* Room for more output, by doubling, and never more than what the header says, so that a lie costs no memory. */
static bool grow(struct packed *p)
{
    size_t want = p->cap ? p->cap * 2 : 1 << 16;
    if (want > p->unpacked)
        want = (size_t)p->unpacked;
    if (want <= p->cap)
        return false;
    uint8_t *more = realloc(p->out, want);
    if (!more)
        return false;
    p->out = more;
    p->cap = want;
    return true;
}

/* Both return NULL when the stream ended in good order. */
static const char *unpack_zlib(struct packed *p)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)p->bytes };
    const char *wrong = NULL;
    size_t fed = 0;
    if (inflateInit(&z) != Z_OK)
        return "zlib cannot be set up";
    for (int status = Z_OK; status != Z_STREAM_END && !wrong;) {
        if (z.avail_in == 0) {
            z.avail_in = p->size - fed > 1u << 30 ? 1u << 30 : (uInt)(p->size - fed);
            fed += z.avail_in;
        }
        uint8_t nothing; /* a stream may still have its trailer to give when all output is there */
        bool full = p->len == p->cap && !grow(p);
        uInt room = full ? 1 : p->cap - p->len > 1u << 30 ? 1u << 30 : (uInt)(p->cap - p->len);
        z.next_out = full ? &nothing : p->out + p->len;
        z.avail_out = room;
        status = inflate(&z, Z_NO_FLUSH);
        if (full && z.avail_out == 0)
            wrong = "unpacks to more than its header says";
        else if (status == Z_BUF_ERROR || (status == Z_OK && z.avail_in == 0 && fed == p->size && z.avail_out == room))
            wrong = "the zlib stream is cut off";
        else if (status != Z_OK && status != Z_STREAM_END)
            wrong = "the zlib stream is broken";
        else if (!full)
            p->len += room - z.avail_out;
    }
    p->taken = fed - z.avail_in;
    inflateEnd(&z);
    return wrong;
}

static const char *unpack_zstd(struct packed *p)
{
    ZSTD_inBuffer in = { p->bytes, p->size, 0 };
    ZSTD_DStream *z = ZSTD_createDStream();
    const char *wrong = z ? NULL : "zstd cannot be set up";
    for (size_t left = 1; left != 0 && !wrong;) {
        uint8_t nothing;
        bool full = p->len == p->cap && !grow(p);
        ZSTD_outBuffer out = { full ? &nothing : p->out + p->len, full ? 1 : p->cap - p->len, 0 };
        size_t before = in.pos;
        left = ZSTD_decompressStream(z, &out, &in);
        if (ZSTD_isError(left))
            wrong = "the zstd stream is broken";
        else if (full && out.pos > 0)
            wrong = "unpacks to more than its header says";
        else if (left != 0 && in.pos == before && out.pos == 0)
            wrong = "the zstd stream is cut off";
        else if (!full)
            p->len += out.pos;
    }
    p->taken = in.pos;
    ZSTD_freeDStream(z);
    return wrong;
}

/* The header of each version: magic, u16 version, u16 method (0 zlib, 1 zstd: llvm::compression::Format), then
 *   1: u32 unpacked, u64 hash     2: u32 file, u32 unpacked, u64 hash     3: u64 file, u64 unpacked, u64 hash
 * The hash (MD5, cut) is not checked: zlib and zstd have checksums of their own. */
static bool read_packed(struct attn_code *code, const struct code_span *span, size_t *used)
{
    static const uint8_t header_bytes[4] = { 0, 20, 24, 32 };
    struct packed p = { 0 };
    size_t file = 0, header;
    if (span->size < 8)
        return code_wrong(code, span, span->size, "the compressed bundle ends in its header");
    uint16_t version = code_u16(span->bytes + 4), method = code_u16(span->bytes + 6);
    if (version < 1 || version > 3)
        return code_wrong(code, span, 4, "compressed bundle version %u, versions 1 to 3 are known", version);
    if (method > 1)
        return code_wrong(code, span, 6, "compression method %u, 0 (zlib) and 1 (zstd) are known", method);
    header = header_bytes[version];
    if (span->size < header)
        return code_wrong(code, span, span->size, "the compressed bundle ends in its header");
    const uint8_t *fields = span->bytes + 8;
    uint64_t total = version == 1 ? span->size : version == 2 ? code_u32(fields) : code_u64(fields);
    p.unpacked = version == 1 ? code_u32(fields) : version == 2 ? code_u32(fields + 4) : code_u64(fields + 8);
    if (total < header || total > span->size)
        return code_wrong(code, span, 8, "the compressed bundle says it has %" PRIu64 " bytes, there are %zu", total,
                          span->size);
    if (p.unpacked > code->limits.bundle_bytes)
        return code_wrong(code, span, 8, "the bundle unpacks to %" PRIu64 " bytes, more than the limit of %" PRIu64,
                          p.unpacked, code->limits.bundle_bytes);
    if (p.unpacked > code->limits.unpacked_bytes - code->unpacked_bytes)
        return code_wrong(code, span, 8, "the file's bundles unpack to more than the limit of %" PRIu64 " bytes",
                          code->limits.unpacked_bytes);
    file = (size_t)total;
    p.bytes = span->bytes + header;
    p.size = file - header;
    const char *wrong = method == 0 ? unpack_zlib(&p) : unpack_zstd(&p);
    if (!wrong && p.len != p.unpacked)
        wrong = "unpacks to less than its header says";
    bool good = false;
    if (wrong) {
        code_wrong(code, span, header + p.taken, "%s", wrong);
    } else {
        struct code_span plain = { p.out, p.len, 0, span->bundle, NULL };
        size_t length;
        code->unpacked_bytes += p.len;
        good = begins(&plain, plain_magic, PLAIN_MAGIC)
                   ? read_plain(code, &plain, &length)
                   : code_wrong(code, &plain, 0, "what it unpacks to is no bundle");
    }
    free(p.out);
    *used = version == 1 ? header + p.taken : file;
    return good;
}

bool code_read_bundle(struct attn_code *code, const struct code_span *span, size_t *used)
{
    if (code->bundles == code->limits.bundles)
        return code_wrong(code, span, 0, "more bundles than the limit of %" PRIu64, code->limits.bundles);
    struct code_span own = *span;
    own.bundle = (int32_t)code->bundles++;
    return begins(span, plain_magic, PLAIN_MAGIC) ? read_plain(code, &own, used) : read_packed(code, &own, used);
}
