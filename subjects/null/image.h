/* image.h: fat binaries and modules: their kernels and variables.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_IMAGE_H
#define ATTN_NULL_IMAGE_H

#include <stdbool.h>

#include "subjects/null/runtime.h"

struct null_image; /* a fat binary or a module's code object */

/* What a kernel's code says of it on one device. */
struct null_code {
    int64_t lds, scratch;
    int32_t max_threads, vgprs, sgprs, wave_size;
};

struct null_kernel {
    const char *name;
    const void *function; /* what the program knows it by */
    struct null_image *image;
    bool module;                      /* reached through hipModuleGetFunction */
    uint8_t looked[NULL_DEVICES_MAX]; /* 0: not yet, 1: there is code, 2: there is none */
    struct null_code code[NULL_DEVICES_MAX];
    struct null_kernel *next; /* of the same image */
};

struct null_symbol {
    const char *name;
    const void *host; /* the program's variable of that name */
    struct null_image *image;
    size_t bytes;
    uint32_t written;               /* bit set of devices on which the program has set it, or has its address */
    void *memory[NULL_DEVICES_MAX]; /* NULL: not asked for yet */
    struct null_symbol *next;       /* of the same image */
};

/* The code of a kernel on a device: NULL when the image has none for it or cannot be read (said on stderr once).
 * Locked. */
const struct null_code *null_code_of(struct null_kernel *kernel, int device);

/* An image of bytes that stay where they are for as long as it lives. */
struct null_image *null_image_new(const void *bytes, size_t size);
/* Takes its kernels and variables out of the runtime. */
void null_image_free(struct null_image *image);
/* Adds a kernel or a variable under the address that the program knows it by. NULL when memory runs out. Locked. */
struct null_kernel *null_image_kernel(struct null_image *image, const char *name, const void *function);
struct null_symbol *null_image_symbol(struct null_image *image, const char *name, const void *host, size_t bytes);
/* Called with the image before it goes. */
void null_image_at_end(struct null_image *image, void (*end)(struct null_image *));
/* Its bytes. */
const void *null_image_bytes(const struct null_image *image, size_t *size);
/* The target ID of the code object that a kernel runs from on a device, of the one whose variables a device has (the
 * first kernel's); NULL when there is none. Locked. */
const char *null_kernel_target(struct null_kernel *kernel, int device);
const char *null_image_target(struct null_image *image, int device);
/* Size in bytes of the offload bundle or code object at an address; 0 when it is none, or one that does not say. */
size_t null_image_size(const void *bytes);

#endif
