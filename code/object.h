/* object.h: what the AMD GPU code inside a library is: which kernels it has for which architecture, and what each
 * of them needs. Read from the file alone, no GPU and no HIP runtime.
 *
 * A file is one of
 *   - an ELF library, program or object with embedded HIP fat binaries (section .hip_fatbin: one or more offload
 *     bundles one after another, with zeros between them),
 *   - an offload bundle by itself (*.hipfb, the output of clang --cuda-device-only without --no-gpu-bundle-output),
 *   - a bare AMD GPU code object (an ELF for EM_AMDGPU), linked or not.
 * A bundle is plain ("__CLANG_OFFLOAD_BUNDLE__") or compressed ("CCOB", versions 1 to 3, zlib or zstd).
 *
 * Sources: Clang documentation, "Clang Offload Bundler", sections "Bundled Code Object Layout" and "Compression and
 * Decompression"; LLVM, clang/lib/Driver/OffloadBundler.cpp (RawCompressedBundleHeader: fields of the three versions);
 * LLVM documentation, "User Guide for AMDGPU Backend", sections "Target ID", "Code Object Metadata" (V3 and later),
 * "Generic Processors" and "Kernel Descriptor".
 *
 * Files are hostile input: whatever the bytes are, reading ends in a set of kernels or in one error that names the
 * place. Time and memory are bounded by the limits, not by what the file claims.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_CODE_OBJECT_H
#define ATTN_CODE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the instructions of a kernel amount to.
 *
 * TRAP is what a kernel is whose source says "no device code for this architecture" (ggml's NO_DEVICE_CODE prints and
 * traps). Of code compiled without optimisation, where an s_endpgm that is never reached stays behind, or with a
 * constant that has its bits, a stub looks REAL; a kernel that can end never looks a stub. */
enum attn_code_body {
    ATTN_CODE_BODY_UNKNOWN, /* the object has no code for the symbol, or is for a processor without a known s_endpgm */
    ATTN_CODE_BODY_REAL,    /* code that can end normally */
    ATTN_CODE_BODY_EMPTY,   /* ends at once: s_endpgm comes first, but for waits and nops */
    ATTN_CODE_BODY_TRAP     /* no s_endpgm anywhere: a launch ends by a trap or by a call that does not return */
};
const char *attn_code_body_name(int body); /* "real"; "unknown" outside the enum */

/* One kernel for one architecture. Numbers are -1 where the metadata does not have them. */
struct attn_code_kernel {
    const char *target;    /* target ID of its object: "gfx906", "gfx90a:sramecc+:xnack-", "gfx11-generic" */
    const char *name;      /* mangled, as __hipRegisterFunction has it (the metadata's .name) */
    int64_t code_bytes;    /* size of its symbol; -1: the object has no such symbol */
    int32_t body;          /* enum attn_code_body */
    int64_t lds_bytes;     /* static LDS (.group_segment_fixed_size) */
    int64_t scratch_bytes; /* of a work item (.private_segment_fixed_size) */
    int64_t kernarg_bytes; /* .kernarg_segment_size */
    int32_t max_threads;   /* of a workgroup (.max_flat_workgroup_size) */
    int32_t wave_size;     /* .wavefront_size */
    int32_t vgprs, agprs;  /* registers a lane. vgprs is what .vgpr_count says: on gfx90a and later with AGPRs it
                              counts those too */
    int32_t sgprs;         /* of a wave */
    int32_t vgpr_spills, sgpr_spills;
    int32_t bundle; /* number of the bundle it came from, from 0; -1: a bare object */
};

/* What reading may cost. */
struct attn_code_limits {
    uint64_t bundle_bytes;   /* of one compressed bundle, unpacked: only one is in memory at a time */
    uint64_t unpacked_bytes; /* of all compressed bundles of a file, and of the names kept */
    uint64_t bundles;        /* of a file; below 2^31 */
    uint64_t kernels;        /* of a file, all architectures together */
    uint64_t objects;        /* msgpack objects in the metadata of one code object */
};
/* 2 GiB and 16 GiB unpacked, 2^16 bundles, 2^21 kernels, 2^22 msgpack objects: ten times the largest library seen. */
extern const struct attn_code_limits attn_code_limits_default;

/* The first thing that is wrong with a file. */
struct attn_code_error {
    bool system;    /* opening or reading failed; else the content is wrong */
    uint64_t at;    /* byte of the file it is about; inside a compressed bundle: of the bundle */
    char text[256]; /* "bundle 3, gfx906: the metadata ends in mid-value": printable, without the file's name */
};

struct attn_code; /* opaque */

/* Reads a file; limits NULL: the default ones. NULL with *error when it cannot be read or is broken, or there is no GPU
 * code in it. */
struct attn_code *attn_code_open(const char *path, const struct attn_code_limits *limits,
                                 struct attn_code_error *error);
/* The same from size bytes in memory; nothing of them is kept. */
struct attn_code *attn_code_read(const void *bytes, size_t size, const struct attn_code_limits *limits,
                                 struct attn_code_error *error);
/* The same, and `visit` is called with the bytes of each code object in the file, unpacked, once it was read without an
 * error: target as attn_code_target has it. They are gone when it returns. */
typedef void attn_code_visitor(void *context, const char *target, const void *bytes, size_t size);
struct attn_code *attn_code_open_each(const char *path, const struct attn_code_limits *limits, attn_code_visitor *visit,
                                      void *context, struct attn_code_error *error);
struct attn_code *attn_code_read_each(const void *bytes, size_t size, const struct attn_code_limits *limits,
                                      attn_code_visitor *visit, void *context, struct attn_code_error *error);
void attn_code_close(struct attn_code *code); /* NULL: nothing happens */

/* All kernels, ordered by name, then target; valid until closed. A pair (name, target) that comes twice (an inline
 * template instantiated in two files) stands there twice. */
size_t attn_code_count(const struct attn_code *code);
const struct attn_code_kernel *attn_code_kernel(const struct attn_code *code, size_t index); /* NULL past the last */

/* Target IDs of all code objects in the file, each once, in order. NULL past the last. A target may be here without a
 * kernel. */
const char *attn_code_target(const struct attn_code *code, size_t index);

/* Does code for that target ID run on that device? A device is a processor with the features it has on or off
 * ("gfx90a:sramecc+:xnack-"; what it leaves out is anything). The target's processor is the device's, or a generic one
 * of its family; each feature the target names is as the device says. */
bool attn_code_runs_on(const char *target, const char *device);

/* Is there any code object for the device? */
bool attn_code_has_device(const struct attn_code *code, const char *device);
/* The kernel of that name that a runtime would load on the device: the most specific target that runs on it (features
 * named before not named, before generic). NULL when there is no code: launching it there is an error. */
const struct attn_code_kernel *attn_code_find(const struct attn_code *code, const char *name, const char *device);

#ifdef __cplusplus
}
#endif
#endif
