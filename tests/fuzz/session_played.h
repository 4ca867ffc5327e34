/* session_played.h: a session played, and the problems that came of it. After cmocka.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef SESSION_PLAYED_H
#define SESSION_PLAYED_H

#include "fuzz/session/play.h"
#include "tests/fuzz/session_support.h"

static struct attn_session session;

/* Problems as they came. */
struct seen {
    int64_t n;
    struct attn_problem problem[4096];
    struct attn_session_at at[4096];
    int32_t row_slot[16][16]; /* of the rows of the first ones */
};
static struct seen seen;

static bool keep(void *context, const struct attn_player *player, const struct attn_session_at *at,
                 const struct attn_problem *p)
{
    struct attn_error error;
    (void)context;
    assert_int_equal(attn_problem_check(p, &error), ATTN_E_OK);
    assert_true(seen.n < 4096);
    for (int32_t r = 0; seen.n < 16 && r < 16 && r < player->u.n; r++)
        seen.row_slot[seen.n][r] = player->u.slot[r];
    seen.problem[seen.n] = *p;
    seen.at[seen.n++] = *at;
    return true;
}

static inline struct attn_player *play(const char *script)
{
    read_script(script, &session);
    struct attn_player *p = attn_player_open(&session, false, 0);
    assert_non_null(p);
    seen.n = 0;
    assert_true(attn_player_play(p, keep, NULL));
    return p;
}

static inline void assert_tensor(const struct attn_tensor *t, const int64_t ne[4], const int64_t nb[4], int64_t offset)
{
    for (int d = 0; d < 4; d++) {
        assert_int_equal(t->ne[d], ne[d]);
        assert_int_equal(t->nb[d], nb[d]);
    }
    assert_int_equal(t->offset, offset);
}

#endif
