/* mention.c: lines that are about attention and do not say what the call was: an abort of a backend, a refusal, a frame
 * of a stack. They are counted by what they are, so that one sees that they were not overlooked.
 *
 *   No CUDA FA kernel selected: K=f16 V=f16 D=256                       ggml-cuda/fattn.cu:579: fatal error
 *   Unsupported KV type combination for head_size 576.                  Head size 80 is not supported by RocmAttention
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "cli/import/format.h"

/* The first of the words that the text has, in small or large letters. */
static bool has_one(const char *text, size_t len, const char *const *words)
{
    for (; *words; words++) {
        size_t n = strlen(*words);
        for (size_t i = 0; i + n <= len; i++)
            if (!strncasecmp(text + i, *words, n))
                return true;
    }
    return false;
}

enum import_result import_mention(const char *text, size_t len, size_t *from, struct import_found *found)
{
    static const char *const attention[] = { "flash_attn",      "flash attention",  "flashattention",
                                             "fattn",           "FA kernel",        "head_size",
                                             "head size",       "head_dim",         "head dim",
                                             "paged_attention", "attention_kernel", "attention backend",
                                             "KV type",         "attention.cu",     NULL };
    static const char *const ends[] = { "unsupported", "not supported", "abort",  "fatal",      "assert",
                                        "no kernel",   "error",         "failed", "no cuda fa", NULL };
    *from = len;
    if (!has_one(text, len, attention))
        return IMPORT_OTHER;
    if (has_one(text, len, ends))
        return import_left(found,
                           "an abort, a refusal or an error about attention that does not say the call's extents");
    return import_left(found, "attention is named, without a call's extents");
}
