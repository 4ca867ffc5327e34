/* history.h: what sessions a target has played, by traits of server and events, one by one and in pairs, as feedback.h
 * has it of routes: counters that an engine takes for coverage, and which of several inputs is worth most.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HISTORY_H
#define ATTN_HISTORY_H

#include "fuzz/session/session.h"

/* X(name, what it is of the session `s` and, where there is one, of its last layer `l`). Layers differ in few things;
 * the last one is the drafter's, or has a window. Numbers count by their logarithm. */
#define ATTN_HISTORY_TRAITS(X)                                        \
    X(cores, attn_device(s->device)->matrix)                          \
    X(wave, attn_device(s->device)->wave_size == 64)                  \
    X(weakened, s->weakening >= 0)                                    \
    X(layers, s->n_layers)                                            \
    X(size, l->d_k / 64)                                              \
    X(view, l->view)                                                  \
    X(draft, l->draft)                                                \
    X(window, history_bits(l->window))                                \
    X(type_k, l->type_k)                                              \
    X(type_v, l->type_v)                                              \
    X(heads, history_bits(l->n_head_kv))                              \
    X(ratio, l->n_head / l->n_head_kv)                                \
    X(terms, l->sinks + 2 * (l->softcap > 0) + 4 * (l->max_bias > 0)) \
    X(slots, s->slots)                                                \
    X(unified, s->unified)                                            \
    X(cells, history_bits(s->cells))                                  \
    X(ubatch, history_bits(s->ubatch))                                \
    X(pad, s->pad)                                                    \
    X(mask, s->mask)                                                  \
    X(rows, s->rows > 1)                                              \
    X(shared, s->shared)                                              \
    X(swa_full, s->swa_full)                                          \
    X(narrow, s->narrow)                                              \
    X(base, s->base > 0)                                              \
    X(split, s->split)                                                \
    X(deal, s->deal)                                                  \
    X(grain, s->grain > 1)                                            \
    X(turn, s->turn > 0)                                              \
    X(scheduled, s->schedule != 0)                                    \
    X(events, history_bits(s->n_events))

/* Shows the engine a session that was played, and counts it. */
void attn_history_ran(const struct attn_session *session, enum attn_session_kind kind);

/* How much there is to learn from playing it, divided by what it costs. */
double attn_history_worth(const struct attn_session *session, enum attn_session_kind kind);

/* Does this process play sessions? */
bool attn_history_watches(void);

#endif
