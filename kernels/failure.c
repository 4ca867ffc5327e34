/* failure.c: the names of what can go wrong in a run. See attn_backend.h.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/attn_backend.h"

const char *attn_failure_name(int code)
{
    static const char *const names[ATTN_FAILURE_COUNT] = {
#define X(NAME, name, text) #name,
        ATTN_FAILURES(X)
#undef X
    };
    return code >= 0 && code < ATTN_FAILURE_COUNT ? names[code] : "unknown";
}

const char *attn_failure_meaning(int code)
{
    static const char *const meanings[ATTN_FAILURE_COUNT] = {
#define X(NAME, name, text) text,
        ATTN_FAILURES(X)
#undef X
    };
    return code >= 0 && code < ATTN_FAILURE_COUNT ? meanings[code] : "no failure of that number";
}
