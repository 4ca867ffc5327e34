/* sample.h: small files with GPU code in them, made in memory: what tests and fuzzing of object.h begin with.
 *
 * Objects are as LLVM links them as far as the reader looks: an ELF for EM_AMDGPU with a metadata note, a function
 * symbol for each kernel, and its code.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_CODE_SAMPLE_H
#define ATTN_CODE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that grow; freed with free(bytes). Every function below adds to the end, and aborts when memory runs out. */
struct code_sample {
    uint8_t *bytes;
    size_t size, cap;
};
void code_sample_add(struct code_sample *s, const void *bytes, size_t size);
void code_sample_pad(struct code_sample *s, size_t alignment); /* zeros up to a multiple of it */

struct code_sample_kernel {
    const char *name;
    uint64_t lds_bytes, max_threads, wave_size, vgprs, scratch_bytes;
    const uint32_t *code; /* words of instructions; NULL: the kernel has a name and no symbol */
    size_t words;
};

/* A code object for a target ID ("gfx90a:xnack-"). */
void code_sample_object(struct code_sample *s, const char *target, const struct code_sample_kernel *kernels, size_t n);

struct code_sample_entry {
    const char *id;                    /* "hipv4-amdgcn-amd-amdhsa--gfx90a:xnack-", "host-x86_64-unknown-linux-gnu-" */
    const struct code_sample *content; /* NULL: empty */
};
/* A plain bundle; entries begin at multiples of 4096 of it. */
void code_sample_bundle(struct code_sample *s, const struct code_sample_entry *entries, size_t n);

enum code_sample_method { CODE_SAMPLE_ZLIB, CODE_SAMPLE_ZSTD };
/* A bundle compressed, in version 1, 2 or 3 of the format. */
void code_sample_pack(struct code_sample *s, const struct code_sample *bundle, int version,
                      enum code_sample_method method);

/* A library for the host with .hip_fatbin. */
void code_sample_host(struct code_sample *s, const struct code_sample *fatbin);

#ifdef __cplusplus
}
#endif
#endif
