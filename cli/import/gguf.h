/* gguf.h: attnfuzz import --gguf: a model's attention as sessions and lines.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_IMPORT_GGUF_H
#define ATTNFUZZ_IMPORT_GGUF_H

#include <stdint.h>

struct import_gguf_options {
    const char *path;   /* "-": standard input */
    int type_k, type_v; /* of the cache */
    int32_t cells;      /* of a session's cache at most */
};

/* Prints what the file says; returns an exit code. */
int import_gguf(const struct import_gguf_options *options);

#endif
