/* register.c: what a program registers when it is loaded.
 *
 * The entry points are what clang's code calls (LLVM, clang/lib/CodeGen/CGCUDANV.cpp): a constructor of each
 * translation unit registers its fat binary, kernels and variables.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subjects/null/entries.h"
#include "subjects/null/image.h"
#include "subjects/null/memory.h"

/* A constructor has nobody to tell: the program could only go on wrongly. */
static void die(const char *entry, const char *why)
{
    fprintf(stderr, "null-hip: %s: %s\n", entry, why);
    abort();
}

void **__hipRegisterFatBinary(const void *data)
{
    const struct hip_fat_wrapper *wrapper = data;
    if (!wrapper || wrapper->magic != HIP_FAT_MAGIC || !wrapper->binary)
        die("__hipRegisterFatBinary", "what the program registers is no HIP fat binary");
    null_lock();
    struct null_image *image = null_image_new(wrapper->binary, null_image_size(wrapper->binary));
    null_unlock();
    if (!image)
        die("__hipRegisterFatBinary", "out of memory");
    return (void **)image;
}

void __hipRegisterFunction(void **image, const void *host, char *device_function, const char *name,
                           unsigned thread_limit, void *thread, void *block, void *block_size, void *grid_size,
                           int *wave_size)
{
    (void)device_function, (void)thread_limit, (void)thread, (void)block, (void)block_size, (void)grid_size,
        (void)wave_size;
    null_lock();
    if (!null_image_kernel((struct null_image *)image, name, host))
        die("__hipRegisterFunction", "out of memory");
    null_unlock();
}

void __hipRegisterVar(void **image, void *host, char *host_name, char *name, int external, size_t bytes, int constant,
                      int global)
{
    (void)host_name, (void)external, (void)constant, (void)global;
    null_lock();
    if (!null_image_symbol((struct null_image *)image, name, host, bytes))
        die("__hipRegisterVar", "out of memory");
    null_unlock();
}

/* A managed variable is a pointer in the program, which gets memory with the initial value. */
void __hipRegisterManagedVar(void **image, void **pointer, void *initial, const char *name, size_t bytes,
                             unsigned align)
{
    (void)align; /* all memory is aligned to 256 */
    null_lock();
    struct null_symbol *s = null_image_symbol((struct null_image *)image, name, pointer, bytes);
    *pointer = s ? null_memory_new(bytes, HIP_MEMORY_MANAGED, 0, 0) : NULL;
    if (!*pointer)
        die("__hipRegisterManagedVar", "out of memory");
    memcpy(*pointer, initial, bytes);
    for (int i = 0; i < NULL_DEVICES_MAX; i++) /* one memory for all devices, released once (null_image_free) */
        s->memory[i] = *pointer;
    s->written = ~0u;
    null_unlock();
}

void __hipUnregisterFatBinary(void **image)
{
    null_lock();
    null_image_free((struct null_image *)image);
    null_unlock();
}
