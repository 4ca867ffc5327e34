/* kind.h: what a subject owes its callers, and so the kinds of findings.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_KIND_H
#define ATTNFUZZ_CHECK_KIND_H

#include <stdbool.h>

/* X(NAME, name, what was broken) */
#define CHECK_KINDS(X)                                                                            \
    X(ABORT, abort, "a legal call ends the process after it was said to be supported")            \
    X(CRASH, crash, "a legal call crashes the host code after it was said to be supported")       \
    X(HANG, hang, "a legal call does not come back after it was said to be supported")            \
    X(FAILED, failed, "a legal call that was said to be supported returns an error")              \
    X(ASK, ask, "asking whether a legal call is supported ends the process")                      \
    X(SILENT, silent, "a supported call launches no attention kernel")                            \
    X(UNFIT, unfit, "a launch cannot run on its device")                                          \
    X(STOPPED, stopped, "a kernel does what it must not while it runs")                           \
    X(WRONG, wrong, "a supported call computes something else than attention")                    \
    X(LOOSE, loose, "the same, on data that ggml's own test does not draw")                       \
    X(CAPTURE, capture, "under stream capture a call does what a capture forbids, or fails")      \
    X(REPLAY, replay, "computed again at the same place, a call does or computes something else") \
    X(STATE, state, "a call computes other bits after another call than alone")                   \
    X(IMPURE, impure, "the same call is answered in two ways")                                    \
    X(HOLE, hole, "a legal call is refused: it falls back to the CPU, or fails")

enum check_kind {
#define X(NAME, name, text) CHECK_##NAME,
    CHECK_KINDS(X)
#undef X
        CHECK_KIND_COUNT
};
/* Is it about what a call computed, with the how of it in its finding's detail? */
static inline bool check_kind_computed(int kind) { return kind >= CHECK_STOPPED && kind <= CHECK_STATE; }
const char *check_kind_name(int kind);
const char *check_kind_meaning(int kind);

#endif
