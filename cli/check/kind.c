/* kind.c: names of the kinds of findings.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/kind.h"

const char *check_kind_name(int kind)
{
    static const char *const names[] = {
#define X(NAME, name, text) #name,
        CHECK_KINDS(X)
#undef X
    };
    return kind >= 0 && kind < CHECK_KIND_COUNT ? names[kind] : "unknown";
}

const char *check_kind_meaning(int kind)
{
    static const char *const texts[] = {
#define X(NAME, name, text) text,
        CHECK_KINDS(X)
#undef X
    };
    return kind >= 0 && kind < CHECK_KIND_COUNT ? texts[kind] : "unknown";
}
