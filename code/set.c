/* set.c: the set of kernels that a file makes while it is read, and the first thing that is wrong with it. Under all
 * that reads; it knows no format.
 *
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/internal.h"

/* ---- Errors ---------------------------------------------------------------------------------------------- */

bool code_wrong(struct attn_code *code, const struct code_span *span, uint64_t at, const char *format, ...)
{
    struct attn_code_error *e = code->error;
    va_list list;
    size_t used = 0;
    e->system = false;
    e->at = span->base + (at < span->size ? at : span->size);
    if (span->bundle >= 0)
        used += (size_t)snprintf(e->text, sizeof e->text, "bundle %" PRId32 ": ", span->bundle);
    if (span->entry)
        used += (size_t)snprintf(e->text + used, sizeof e->text - used, "%s: ", span->entry);
    va_start(list, format);
    vsnprintf(e->text + used, sizeof e->text - used, format, list);
    va_end(list);
    for (char *byte = e->text; *byte; byte++) /* parts of it may be the file's */
        if (!isprint((unsigned char)*byte))
            *byte = '?';
    return false;
}

bool code_out_of_memory(struct attn_code *code, const struct code_span *span)
{
    code_wrong(code, span, 0, "out of memory");
    code->error->system = true;
    return false;
}

/* ---- The set --------------------------------------------------------------------------------------------- */

struct code_chunk {
    struct code_chunk *next;
    size_t used, size;
    char bytes[];
};

/* A terminated copy that lives as long as the set. */
static const char *keep(struct attn_code *code, const char *text, size_t len)
{
    enum { CHUNK = 1 << 18 };
    struct code_chunk *chunk = code->names;
    if (!chunk || chunk->size - chunk->used < len + 1) {
        size_t size = len + 1 > CHUNK ? len + 1 : CHUNK;
        chunk = malloc(sizeof *chunk + size);
        if (!chunk)
            return NULL;
        *chunk = (struct code_chunk){ code->names, 0, size };
        code->names = chunk;
    }
    char *at = chunk->bytes + chunk->used;
    memcpy(at, text, len);
    at[len] = 0;
    chunk->used += len + 1;
    return at;
}

const char *code_target(struct attn_code *code, const struct code_span *span, const char *text, size_t len)
{
    for (size_t i = 0; i < code->n_targets; i++)
        if (strlen(code->target[i]) == len && memcmp(code->target[i], text, len) == 0)
            return code->target[i];
    bool good = len > 0 && len < CODE_TARGET_MAX;
    for (size_t i = 0; i < len && good; i++)
        good = isalnum((unsigned char)text[i]) || strchr("-+:_.", text[i]);
    if (!good) {
        code_wrong(code, span, 0, "a target ID of %zu bytes that is none", len);
        return NULL;
    }
    if (code->n_targets == CODE_TARGETS_MAX) {
        code_wrong(code, span, 0, "more than %d targets", CODE_TARGETS_MAX);
        return NULL;
    }
    char *copy = strndup(text, len);
    if (!copy) {
        code_out_of_memory(code, span);
        return NULL;
    }
    return code->target[code->n_targets++] = copy;
}

bool code_add_kernel(struct attn_code *code, const struct code_span *span, const struct attn_code_kernel *kernel,
                     const char *name, size_t len)
{
    if (code->n_kernels >= code->limits.kernels)
        return code_wrong(code, span, 0, "more kernels than the limit of %" PRIu64, code->limits.kernels);
    if (len >= code->limits.unpacked_bytes - code->name_bytes)
        return code_wrong(code, span, 0, "the names of its kernels have more bytes than the limit of %" PRIu64,
                          code->limits.unpacked_bytes);
    if (code->n_kernels == code->cap_kernels) {
        size_t cap = code->cap_kernels ? 2 * code->cap_kernels : 64;
        struct attn_code_kernel *more = realloc(code->kernel, cap * sizeof *more);
        if (!more)
            return code_out_of_memory(code, span);
        code->kernel = more;
        code->cap_kernels = cap;
    }
    struct attn_code_kernel *to = &code->kernel[code->n_kernels];
    *to = *kernel;
    to->name = keep(code, name, len);
    if (!to->name)
        return code_out_of_memory(code, span);
    code->name_bytes += len + 1;
    code->n_kernels++;
    return true;
}

void attn_code_close(struct attn_code *code)
{
    if (!code)
        return;
    for (struct code_chunk *chunk = code->names, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    for (size_t i = 0; i < code->n_targets; i++)
        free(code->target[i]);
    free(code->kernel);
    free(code);
}
