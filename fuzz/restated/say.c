/* say.c: the table of what is judged, and how a difference is said. See restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "fuzz/restated/say.h"

const struct attn_restated attn_restated_planner = {
#define X(name, result, parameters) .name = attn_##name,
    ATTN_RESTATED(X)
#undef X
};

bool attn_differs(struct attn_restated_fault *fault, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return false;
}
