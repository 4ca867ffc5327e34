/* session_support.h: what tests of sessions share. After cmocka.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef SESSION_SUPPORT_H
#define SESSION_SUPPORT_H

#include <string.h>

#include "fuzz/session/session.h"

static inline void read_script(const char *script, struct attn_session *session)
{
    struct attn_session_error e;
    size_t used;
    if (!attn_session_parse(script, strlen(script), session, &used, &e))
        fail_msg("%s\n%lld:%zu: %s", script, (long long)e.line, e.column, e.message);
}

#endif
