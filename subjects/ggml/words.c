/* words.c: see words.h.
 *
 * Sources: ggml, src/ggml.c (ggml_abort: "FILE:LINE: " before what was said), include/ggml.h (GGML_ASSERT says
 * "GGML_ASSERT(CONDITION) failed"; GGML_ABORT("fatal error") is what callers say that have no way on), and
 * src/ggml-cuda/ggml-cuda.cu (ggml_cuda_error logs "ROCm error: " with the runtime's hipGetErrorString, then aborts
 * with "ROCm error").
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/ggml/words.h"

#include <stdio.h>
#include <string.h>

/* Reads "/folder/fattn.cu:123: " into file and line; returns its length, 0 when there is none. */
static size_t read_place(const char *message, struct attn_subject_why *why)
{
    size_t path = strcspn(message, ":"), name = 0, at = path + 1;
    int32_t line = 0;
    if (!message[path])
        return 0;
    for (size_t i = 0; i < path; i++)
        if (message[i] == '/')
            name = i + 1;
    for (; message[at] >= '0' && message[at] <= '9' && line < 100000000; at++)
        line = 10 * line + (message[at] - '0');
    if (line == 0 || path == name || path - name >= sizeof why->file || strncmp(message + at, ": ", 2))
        return 0;
    memcpy(why->file, message + name, path - name);
    why->file[path - name] = 0;
    why->line = line;
    return at + 2;
}

void ggml_words_read(const char *message, const char *log, struct attn_subject_answer *answer)
{
    /* The first row whose words are in the message or the log. */
    static const struct {
        const char *words;
        int32_t reason;
    } known[] = {
        { "out of memory", ATTN_SUBJECT_MEMORY },
        { "GGML_ASSERT(", ATTN_SUBJECT_ASSERTED },
        { "fatal error", ATTN_SUBJECT_GAVE_UP },
        { "ROCm error", ATTN_SUBJECT_DEVICE_ERROR },
    };
    answer->status = ATTN_SUBJECT_ABORTED;
    answer->why = (struct attn_subject_why){ .reason = ATTN_SUBJECT_NO_REASON };
    answer->why.words = (int32_t)read_place(message, &answer->why);
    snprintf(answer->message, sizeof answer->message, "%.380s%s%s", message, log[0] ? ": " : "", log);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(message, known[i].words) || strstr(log, known[i].words)) {
            answer->why.reason = known[i].reason;
            return;
        }
}

bool ggml_words_attention(const char *kernel)
{
    /* ggml's names (ggml, src/ggml-cuda/fattn-*.cuh): flash_attn_tile, flash_attn_ext_vec, flash_attn_ext_f16;
     * helpers are flash_attn_mask_to_KV_max, flash_attn_combine_results, flash_attn_stream_k_fixup_*. */
    return (strstr(kernel, "attn") || strstr(kernel, "attention")) && !strstr(kernel, "mask_to_KV_max") &&
           !strstr(kernel, "combine") && !strstr(kernel, "fixup");
}
