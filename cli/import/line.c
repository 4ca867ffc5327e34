/* line.c: problem lines of ours in other people's logs, as include/attnfuzz_line.h prints them:
 *
 *   fattn.cu:579: no FlashAttention kernel for: fa1 q=f32[...] ...
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/import/format.h"
#include "cli/input/corpus.h"
#include "fuzz/case/attn_case.h"

enum import_result import_line(const char *text, size_t len, size_t *from, struct import_found *found)
{
    static const char mark[] = "fa1 q=";
    const char *start = import_mark(text + *from, len - *from, mark);
    *from = len;
    if (!start)
        return IMPORT_OTHER;
    size_t n = (size_t)(text + len - start);
    while (n && strchr("\"'`,;.) \t\r", start[n - 1])) /* what a message ends with; no line of ours does */
        n--;
    struct attn_case c;
    struct attn_text_error error;
    if (!attn_case_parse_types(start, n, found->types, &c, &error)) {
        const char *words = found->types ? NULL : corpus_type_words(start, n, &error);
        snprintf(found->why, sizeof found->why, "%s%s%s%s", error.message, words ? " (" : "", words ? words : "",
                 words ? ")" : "");
        found->column = (size_t)(start - text) + error.column;
        return IMPORT_BAD;
    }
    found->problem = c.problem;
    if (memchr(start, '|', n))
        import_drop(found, "the part behind |", sizeof "the part behind |" - 1, false);
    return IMPORT_FOUND;
}
