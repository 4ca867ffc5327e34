/* fuzz_object.c: the reader of GPU code in libraries takes any bytes: it ends in a set of kernels that is in order, or
 * in an error that says what and where.
 *
 * The first byte of an input says what the rest is: a file as it stands, or changes to a small one that is valid, four
 * bytes each (where, where, how, value): so a change of one field deep inside is one step away, and inside a compressed
 * bundle too, where the change is made before it is compressed.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "code/object.h"
#include "code/sample.h"
#include "fuzz/targets/target.h"

ATTN_TARGET("fuzz_object")

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_object: %s\n", what);
    abort();
}

/* ---- Inputs ---------------------------------------------------------------------------------------------- */

static void sample_object(struct code_sample *s, const char *target)
{
    static const uint32_t real[] = { 0x7e000280, 0xbf8c0070, 0xdc700000, 0x00000100, 0xbf810000 };
    static const uint32_t trap[] = { 0xbf800000, 0xbf920002 };
    const struct code_sample_kernel kernels[] = {
        { "_Z4realPf", 1024, 256, 64, 32, 0, real, sizeof real / 4 },
        { "_Z4trapPf", 0, 1024, 64, 4, 16, trap, sizeof trap / 4 },
        { "_Z5noonePf", 0, 64, 64, 1, 0, NULL, 0 },
    };
    code_sample_object(s, target, kernels, sizeof kernels / sizeof kernels[0]);
}

enum edit { SET, FLIP, ALL_ONES, HIGH_BIT, GROW, CUT, COPY, EDITS };

static void change(struct code_sample *s, const uint8_t *edits, size_t size)
{
    for (; size >= 4 && s->size > 0; edits += 4, size -= 4) {
        size_t at = (size_t)(edits[0] | edits[1] << 8) % s->size, n = s->size - at < 8 ? s->size - at : 8;
        size_t from = edits[3] % s->size, left = s->size - from, some = (edits[3] & 7) + 1u;
        switch (edits[2] % EDITS) {
        case SET: s->bytes[at] = edits[3]; break;
        case FLIP: s->bytes[at] ^= (uint8_t)(1 << (edits[3] & 7)); break;
        case ALL_ONES: memset(s->bytes + at, 0xff, n < some ? n : some); break;
        case HIGH_BIT:
            memset(s->bytes + at, 0, n);
            s->bytes[at + n - 1] = 0x80;
            break;
        case GROW: code_sample_add(s, (const uint8_t[1]){ edits[3] }, 1); break;
        case CUT: s->size = at; break;
        default: memmove(s->bytes + at, s->bytes + from, n < left ? n : left); break;
        }
    }
}

/* A file of the kind that the first byte says, with the changes of the rest. */
static void build(struct code_sample *file, const uint8_t *data, size_t size)
{
    struct code_sample object = { 0 }, bundle = { 0 }, packed = { 0 };
    int kind = data[0] % 10;
    const uint8_t *edits = data + 1;
    size_t n = size - 1;
    if (kind == 0) {
        code_sample_add(file, edits, n);
        return;
    }
    sample_object(&object, "gfx90a:sramecc+:xnack-");
    if (kind == 1) {
        change(&object, edits, n);
        code_sample_add(file, object.bytes, object.size);
    } else {
        struct code_sample_entry entries[] = { { "host-x86_64-unknown-linux-gnu-", NULL },
                                               { "hipv4-amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-", &object } };
        code_sample_bundle(&bundle, entries, 2);
        bool inside = data[0] >= 128 && kind > 3;
        if (inside)
            change(&bundle, edits, n);
        if (kind == 2) {
            code_sample_add(file, bundle.bytes, bundle.size);
        } else if (kind == 3) {
            code_sample_add(&packed, bundle.bytes, bundle.size);
            code_sample_pad(&packed, 4096);
            code_sample_pack(&packed, &bundle, 3, CODE_SAMPLE_ZSTD);
            code_sample_host(file, &packed);
        } else {
            code_sample_pack(file, &bundle, 1 + (kind - 4) / 2, kind % 2 ? CODE_SAMPLE_ZSTD : CODE_SAMPLE_ZLIB);
        }
        if (!inside)
            change(file, edits, n);
    }
    free(object.bytes);
    free(bundle.bytes);
    free(packed.bytes);
}

/* ---- What must hold -------------------------------------------------------------------------------------- */

static void check_set(const struct attn_code *code)
{
    const struct attn_code_kernel *before = NULL;
    size_t n = attn_code_count(code);
    demand(attn_code_target(code, 0) != NULL, "a file without targets was read");
    demand(attn_code_kernel(code, n) == NULL, "there is a kernel past the last");
    for (size_t i = 0; i < n; i++) {
        const struct attn_code_kernel *k = attn_code_kernel(code, i);
        demand(k->name[0] != 0 && k->target[0] != 0, "a kernel without name or target");
        demand(!before || strcmp(before->name, k->name) <= 0, "kernels are not in order");
        const struct attn_code_kernel *found = attn_code_find(code, k->name, k->target);
        demand(found && strcmp(found->name, k->name) == 0, "a kernel of the set is not found in it");
        demand(attn_code_has_device(code, k->target), "a target of the set does not run on itself");
        before = k;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct attn_code_limits limits = {
        .bundle_bytes = 1 << 20, .unpacked_bytes = 1 << 22, .bundles = 64, .kernels = 1024, .objects = 4096
    };
    struct code_sample file = { 0 };
    struct attn_code_error error;
    static const uint8_t nothing[1];
    attn_crash_begin(data, size);
    attn_stats_tick(&stats);
    build(&file, size ? data : nothing, size ? size : 1);
    /* Exactly as large as the file, so that a sanitizer sees a read past its end. */
    uint8_t *exact = malloc(file.size ? file.size : 1);
    if (!exact)
        abort();
    if (file.size)
        memcpy(exact, file.bytes, file.size);
    struct attn_code *code = attn_code_read(exact, file.size, &limits, &error);
    free(exact);
    if (code) {
        stats.read++;
        check_set(code);
    } else {
        stats.unread++;
        demand(error.text[0] != 0 && memchr(error.text, 0, sizeof error.text), "an error without text");
        for (const char *at = error.text; *at; at++)
            demand((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f, "an error's text is not printable");
        uint64_t most =
            file.size > limits.bundle_bytes ? file.size : limits.bundle_bytes; /* or in an unpacked bundle */
        demand(error.at <= most, "an error's place lies outside the file");
    }
    attn_code_close(code);
    free(file.bytes);
    return 0;
}
