/* internal.h: what the parts of the code-object reader share. Each knows those after it: object.c (files, fat
 * binaries), bundle.c (offload bundles), elf.c (one code object), metadata.c (its metadata), set.c (the kernels,
 * errors); lookup.c asks what was read.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_CODE_INTERNAL_H
#define ATTN_CODE_INTERNAL_H

#include "code/object.h"

enum {
    CODE_TARGET_MAX = 64,   /* bytes of a target ID, with its end */
    CODE_TARGETS_MAX = 256, /* different ones in a file */
    CODE_NAME_MAX = 1 << 16 /* bytes of a kernel's name */
};

struct code_chunk;

struct attn_code {
    struct attn_code_kernel *kernel;
    size_t n_kernels, cap_kernels;
    char *target[CODE_TARGETS_MAX];
    size_t n_targets;
    struct code_chunk *names; /* memory of the kernels' names */
    uint64_t name_bytes;
    uint64_t unpacked_bytes;
    uint64_t bundles;
    struct attn_code_limits limits;
    struct attn_code_error *error;
    attn_code_visitor *visit; /* NULL: nobody wants the objects' bytes */
    void *visit_context;
};

/* Bytes that are being read, and where they are for a message. */
struct code_span {
    const uint8_t *bytes;
    size_t size;
    uint64_t base;     /* place of bytes[0] in the file, or in the unpacked bundle */
    int32_t bundle;    /* -1: none */
    const char *entry; /* target of the bundle's entry, NULL: none */
};

/* ---- The set (set.c) ------------------------------------------------------------------------------------- */

/* Records what is wrong at span->base + at (at the span's end when that is beyond it), and returns false. */
bool code_wrong(struct attn_code *code, const struct code_span *span, uint64_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool code_out_of_memory(struct attn_code *code, const struct code_span *span);

/* The file's copy of a target ID; NULL, with the error, when it is none or there are too many. */
const char *code_target(struct attn_code *code, const struct code_span *span, const char *text, size_t len);
/* Adds a kernel; its name is copied, its target must be one of code_target's. */
bool code_add_kernel(struct attn_code *code, const struct code_span *span, const struct attn_code_kernel *kernel,
                     const char *name, size_t len);

/* ---- Formats --------------------------------------------------------------------------------------------- */

/* Is it an ELF for EM_AMDGPU? */
bool code_is_object(const struct code_span *span);
/* Reads one code object. */
bool code_read_object(struct attn_code *code, const struct code_span *span);

bool code_is_bundle(const struct code_span *span);
/* Reads the bundle that span begins with; *used gets its length. */
bool code_read_bundle(struct attn_code *code, const struct code_span *span, size_t *used);

/* The msgpack of an NT_AMDGPU_METADATA note: its target (0 bytes long where it has none) and its kernels, one by one.
 */
struct code_metadata {
    char target[CODE_TARGET_MAX];
    uint32_t n_kernels;
    void *unpacked; /* metadata.c's */
};
struct code_metadata_kernel {
    struct attn_code_kernel values; /* numbers */
    const char *name, *symbol;      /* not terminated; valid until code_metadata_close */
    size_t name_len, symbol_len;
};
/* False with the error, and nothing to close. */
bool code_metadata_open(struct attn_code *code, const struct code_span *note, struct code_metadata *metadata);
bool code_metadata_kernel(struct attn_code *code, const struct code_span *note, const struct code_metadata *metadata,
                          uint32_t index, struct code_metadata_kernel *kernel);
void code_metadata_close(struct code_metadata *metadata);

static inline uint16_t code_u16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t code_u32(const uint8_t *p) { return (uint32_t)code_u16(p) | (uint32_t)code_u16(p + 2) << 16; }
static inline uint64_t code_u64(const uint8_t *p) { return (uint64_t)code_u32(p) | (uint64_t)code_u32(p + 4) << 32; }

#endif
