/* image.c: fat binaries and modules: their kernels and variables, and, read when it is first asked for, what their
 * code says (code/object.h).
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/object.h"
#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/handle.h"
#include "subjects/null/image.h"
#include "subjects/null/intern.h"
#include "subjects/null/memory.h"

struct null_image {
    struct null_handle handle; /* NULL_MODULE */
    const void *bytes;
    size_t size; /* 0: not known */
    void *own;   /* memory of bytes that the image owns */
    struct attn_code *code;
    void (*end)(struct null_image *); /* NULL: nobody has to know */
    bool looked;
    struct null_kernel *kernels;
    struct null_symbol *symbols;
};

/* ---- Sizes ----------------------------------------------------------------------------------------------- */

static uint64_t number(const unsigned char *p, int bytes)
{
    uint64_t n = 0;
    for (int i = bytes - 1; i >= 0; i--)
        n = n << 8 | p[i];
    return n;
}

/* Clang documentation, "Clang Offload Bundler", "Bundled Code Object Layout": magic, number of entries, and for each:
 * offset, size, length of the identifier, identifier; 8 bytes a number, little endian. */
static size_t bundle_size(const unsigned char *p)
{
    enum { MAGIC = 24, ENTRIES_MAX = 4096, NAME_MAX_BYTES = 4096 };
    uint64_t n = number(p + MAGIC, 8), at = MAGIC + 8, end = at;
    if (n > ENTRIES_MAX)
        return 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t offset = number(p + at, 8), size = number(p + at + 8, 8), name = number(p + at + 16, 8);
        if (name > NAME_MAX_BYTES || offset > UINT32_MAX || size > UINT32_MAX)
            return 0;
        at += 24 + name;
        end = offset + size > end ? offset + size : end;
    }
    return (size_t)(end > at ? end : at);
}

/* The same, "Compression and Decompression": from version 2 on the size of the file stands after magic, version and
 * method: 4 bytes, from version 3 on 8. */
static size_t packed_size(const unsigned char *p)
{
    unsigned version = (unsigned)number(p + 4, 2);
    return version == 2 ? (size_t)number(p + 8, 4) : version == 3 ? (size_t)number(p + 8, 8) : 0;
}

/* ELF-64, "ELF Header": the section headers come last in what linkers and clang write; else the segments tell. */
static size_t elf_size(const unsigned char *p)
{
    uint64_t segments = number(p + 32, 8), sections = number(p + 40, 8);
    uint64_t end = sections + number(p + 58, 2) * number(p + 60, 2);
    if (segments > UINT32_MAX || sections > UINT32_MAX)
        return 0;
    for (uint64_t i = 0; segments && i < number(p + 56, 2); i++) {
        const unsigned char *header = p + segments + i * number(p + 54, 2);
        uint64_t last = number(header + 8, 8) + number(header + 32, 8); /* p_offset, p_filesz */
        end = last > end && last <= UINT32_MAX ? last : end;
    }
    return (size_t)end;
}

size_t null_image_size(const void *bytes)
{
    const unsigned char *p = bytes;
    if (!memcmp(p, "__CLANG_OFFLOAD_BUNDLE__", 24))
        return bundle_size(p);
    if (!memcmp(p, "CCOB", 4))
        return packed_size(p);
    if (!memcmp(p, "\177ELF\2\1", 6))
        return elf_size(p);
    return 0;
}

/* ---- Images ---------------------------------------------------------------------------------------------- */

struct null_image *null_image_new(const void *bytes, size_t size)
{
    struct null_image *image = null_handle_new(NULL_MODULE, sizeof *image);
    if (image) {
        image->bytes = bytes;
        image->size = size;
    }
    return image;
}

void null_image_free(struct null_image *image)
{
    for (struct null_kernel *k = image->kernels, *next; k; k = next) {
        next = k->next;
        null_map_remove(&null_runtime.functions, k->function);
        free(k);
    }
    for (struct null_symbol *s = image->symbols, *next; s; s = next) {
        next = s->next;
        null_map_remove(&null_runtime.symbols, s->host);
        for (int i = 0; i < NULL_DEVICES_MAX; i++)
            if (s->memory[i] && (i == 0 || s->memory[i] != s->memory[0])) /* a managed variable has one memory */
                null_memory_free(s->memory[i], "a variable of a kernel");
        free(s);
    }
    if (image->end)
        image->end(image);
    attn_code_close(image->code);
    free(image->own);
    null_handle_free(image);
}

struct null_kernel *null_image_kernel(struct null_image *image, const char *name, const void *function)
{
    struct null_kernel *kernel = calloc(1, sizeof *kernel);
    if (!kernel)
        return NULL;
    kernel->name = null_intern(name);
    kernel->image = image;
    kernel->function = function ? function : kernel; /* a hipFunction_t is the kernel itself */
    if (!kernel->name || !null_map_put(&null_runtime.functions, kernel->function, kernel)) {
        free(kernel);
        return NULL;
    }
    kernel->next = image->kernels;
    return image->kernels = kernel;
}

struct null_symbol *null_image_symbol(struct null_image *image, const char *name, const void *host, size_t bytes)
{
    struct null_symbol *symbol = calloc(1, sizeof *symbol);
    if (!symbol)
        return NULL;
    *symbol = (struct null_symbol){ .name = null_intern(name), .host = host, .image = image, .bytes = bytes };
    if (!symbol->name || !null_map_put(&null_runtime.symbols, host, symbol)) {
        free(symbol);
        return NULL;
    }
    symbol->next = image->symbols;
    return image->symbols = symbol;
}

/* ---- Code ------------------------------------------------------------------------------------------------ */

/* NULL when it cannot be read, which is said once. */
static struct attn_code *code_of(struct null_image *image)
{
    struct attn_code_error error = { .text = "its size is not known" };
    if (!image->looked && image->size)
        image->code = attn_code_read(image->bytes, image->size, NULL, &error);
    if (!image->looked && !image->code)
        fprintf(stderr, "null-hip: the code of a binary of %zu bytes cannot be read: %s\n", image->size, error.text);
    image->looked = true;
    return image->code;
}

const struct null_code *null_code_of(struct null_kernel *kernel, int device)
{
    if (!kernel->looked[device]) {
        struct attn_code *code = code_of(kernel->image);
        const struct attn_code_kernel *k =
            code ? attn_code_find(code, kernel->name, null_runtime.device[device].arch) : NULL;
        kernel->looked[device] = k ? 1 : 2;
        if (k)
            kernel->code[device] =
                (struct null_code){ k->lds_bytes, k->scratch_bytes, k->max_threads, k->vgprs, k->sgprs, k->wave_size };
    }
    return kernel->looked[device] == 1 ? &kernel->code[device] : NULL;
}

void null_image_at_end(struct null_image *image, void (*end)(struct null_image *)) { image->end = end; }

const void *null_image_bytes(const struct null_image *image, size_t *size)
{
    *size = image->size;
    return image->bytes;
}

const char *null_kernel_target(struct null_kernel *kernel, int device)
{
    struct attn_code *code = code_of(kernel->image);
    const struct attn_code_kernel *k =
        code ? attn_code_find(code, kernel->name, null_runtime.device[device].arch) : NULL;
    return k ? k->target : NULL;
}

const char *null_image_target(struct null_image *image, int device)
{
    struct attn_code *code = code_of(image);
    const char *target;
    for (size_t i = 0; code && (target = attn_code_target(code, i)); i++)
        if (attn_code_runs_on(target, null_runtime.device[device].arch))
            return target;
    return NULL;
}

/* ---- Modules --------------------------------------------------------------------------------------------- */

/* A module of bytes that become the image's own. Says what is wrong. */
static int load(const char *entry, void **module, void *own, size_t size)
{
    null_lock();
    struct null_image *image = null_image_new(own, size);
    int error = image ? hipSuccess : hipErrorOutOfMemory;
    if (image) {
        image->own = own;
        if (!code_of(image))
            error = null_wrong(hipErrorInvalidImage, entry, "no GPU code can be read from it");
        else if (!attn_code_has_device(image->code, null_runtime.device[null_current()].arch))
            error = null_wrong(hipErrorNoBinaryForGpu, entry, "it has no code for %s",
                               null_runtime.device[null_current()].arch);
        if (error)
            null_image_free(image);
    } else {
        free(own);
    }
    null_unlock();
    *module = error ? NULL : image;
    return null_result(error);
}

int hipModuleLoadData(void **module, const void *bytes)
{
    size_t size = module && bytes ? null_image_size(bytes) : 0;
    if (!size)
        return null_wrong(hipErrorInvalidImage, "hipModuleLoadData", "no offload bundle and no code object");
    void *own = malloc(size);
    if (!own)
        return null_result(hipErrorOutOfMemory);
    memcpy(own, bytes, size);
    return load("hipModuleLoadData", module, own, size);
}

/* The options are for the compiler of intermediate code, which AMD images do not have. */
int hipModuleLoadDataEx(void **module, const void *bytes, unsigned n, void *options, void **values)
{
    (void)n, (void)options, (void)values;
    return hipModuleLoadData(module, bytes);
}

int hipModuleLoadFatBinary(void **module, const void *bytes) { return hipModuleLoadData(module, bytes); }

int hipModuleLoad(void **module, const char *path)
{
    static const char entry[] = "hipModuleLoad";
    if (!module || !path)
        return null_result(hipErrorInvalidValue);
    FILE *file = fopen(path, "rb");
    long size = file && !fseek(file, 0, SEEK_END) ? ftell(file) : -1;
    void *own = size > 0 ? malloc((size_t)size) : NULL;
    bool read = own && !fseek(file, 0, SEEK_SET) && fread(own, 1, (size_t)size, file) == (size_t)size;
    int why = errno;
    if (file)
        fclose(file);
    if (read)
        return load(entry, module, own, (size_t)size);
    free(own);
    return null_wrong(hipErrorFileNotFound, entry, "%s cannot be read: %s", path, strerror(why));
}

int hipModuleUnload(void *module)
{
    null_lock();
    struct null_image *image = null_handle_get(module, NULL_MODULE);
    if (image)
        null_image_free(image);
    null_unlock();
    return null_result(image ? hipSuccess : hipErrorInvalidHandle);
}

int hipModuleGetFunction(void **function, void *module, const char *name)
{
    if (!function || !name)
        return null_result(hipErrorInvalidValue);
    *function = NULL;
    null_lock();
    struct null_image *image = null_handle_get(module, NULL_MODULE);
    struct null_kernel *kernel = image ? image->kernels : NULL;
    while (kernel && strcmp(kernel->name, name))
        kernel = kernel->next;
    int error = !image ? hipErrorInvalidHandle : hipSuccess;
    if (!error && !kernel && !attn_code_find(code_of(image), name, null_runtime.device[null_current()].arch))
        error = hipErrorNotFound;
    if (!error && !kernel) {
        kernel = null_image_kernel(image, name, NULL);
        error = kernel ? hipSuccess : hipErrorOutOfMemory;
    }
    if (!error) {
        kernel->module = true;
        *function = (void *)(uintptr_t)kernel->function;
    }
    null_unlock();
    return null_result(error);
}

int hipGetFuncBySymbol(void **function, const void *host)
{
    if (!function)
        return null_result(hipErrorInvalidValue);
    null_lock();
    bool known = null_map_get(&null_runtime.functions, host);
    null_unlock();
    *function = known ? (void *)(uintptr_t)host : NULL;
    return null_result(known ? hipSuccess : hipErrorInvalidDeviceFunction);
}

/* ---- Names ----------------------------------------------------------------------------------------------- */

/* NULL when the function is not known. */
const char *hipKernelNameRef(const void *function)
{
    null_lock();
    const struct null_kernel *kernel = null_map_get(&null_runtime.functions, function);
    const char *name = kernel ? kernel->name : NULL;
    null_unlock();
    return name;
}

const char *hipKernelNameRefByPtr(const void *host, void *stream)
{
    (void)stream;
    return hipKernelNameRef(host);
}
