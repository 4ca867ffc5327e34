/* session_held.h: what tests of whole sessions share: one, what it is run with, that it must hold. After cmocka.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef SESSION_HELD_H
#define SESSION_HELD_H

#include <stdio.h>

#include "fuzz/session/play.h"
#include "tests/fuzz/session_support.h"

static struct attn_session session;
static struct attn_fleet fleet;
static struct attn_session_memo memo;
static struct attn_backend *host;

static struct attn_session_options options_of(struct attn_backend *backend)
{
    return (struct attn_session_options){ .fleet = &fleet,
                                          .memo = &memo,
                                          .backend = backend,
                                          .kernel = -1,
                                          .cache_bytes = 1 << 24,
                                          .limits = { .work = 2000000, .bytes = 1 << 24 } };
}

static void must_hold(const struct attn_session_options *options, struct attn_session_outcome *outcome)
{
    struct attn_session_finding f;
    if (!attn_session_run(&session, options, outcome, &f)) {
        attn_session_finding_print(stderr, &session, &f);
        fail_msg("a session does not hold");
    }
}

#endif
