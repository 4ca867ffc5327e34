/* log.c: what a run did, line by line, for those who change objects and look what comes of it
 * (tests/isa/isa_mutants.py): nothing unless ATTN_AMD_LOG names a file, which is appended to.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/machine/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "planner/hash.h"

static FILE *open_log(void)
{
    const char *path = getenv("ATTN_AMD_LOG");
    return path ? fopen(path, "a") : NULL;
}

void machine_log_results(const struct attn_image *image)
{
    FILE *file = open_log();
    if (!file)
        return;
    uint64_t hash = ATTN_HASH_START;
    for (int i = 0; i < image->n_buffers; i++)
        for (int32_t s = 0; s < image->buffer[i].n_stretches; s++) {
            const struct attn_stretch at = image->buffer[i].stretch[s];
            hash = attn_hash(hash, image->buffer[i].bytes + at.start, (size_t)(at.end - at.start));
        }
    fprintf(file, "result %016" PRIx64 "\n", hash);
    fclose(file);
}

void machine_log_reached(const struct isa_object *object)
{
    FILE *file = open_log();
    if (!file)
        return;
    const char *first = isa_object_kernel_name(object, 0);
    for (uint64_t at = 0; first && (at = isa_object_reached(object, at)) != UINT64_MAX; at++)
        fprintf(file, "reached %s %" PRIu64 "\n", first, at);
    fclose(file);
}
