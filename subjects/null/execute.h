/* execute.h: launches that run: on the machine of isa/, one for each device, when the program was started so
 * (NULL_EXECUTE_VARIABLE, null_hip_execute). Everything here is locked.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_EXECUTE_H
#define ATTN_NULL_EXECUTE_H

#include "subjects/null/image.h"
#include "subjects/null/operation.h"

/* The bytes of a kernel's arguments, laid out as its code wants them; of a launch that waits in a graph, too. */
struct null_arguments {
    int owners;
    uint32_t bytes;
    struct isa_kernel *kernel;
    unsigned char value[];
};

/* Are launches run? */
bool null_executing(void);
/* The arguments of a launch: pointers to the values, one for each argument, or (extra) the bytes as a whole; with one
 * owner. A HIP error, said on stderr: the code cannot be loaded, or takes other arguments. */
int null_arguments_new(const char *entry, struct null_kernel *kernel, int device, void **values, void **extra,
                       struct null_arguments **arguments);
void null_arguments_keep(struct null_arguments *arguments); /* one owner more; NULL: nothing happens */
void null_arguments_drop(struct null_arguments *arguments); /* NULL: nothing happens */
/* Runs it. A HIP error, said on stderr with what the machine stopped at. */
int null_execute(const struct null_hip_launch *launch, const struct null_arguments *arguments);
/* Where a variable of the image lies on a device; NULL: its code has none of that name and size. */
void *null_execute_global(struct null_image *image, int device, const char *name, size_t bytes);

#endif
