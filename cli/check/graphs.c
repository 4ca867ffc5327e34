/* graphs.c: see graphs.h. ggml's HIP backend captures a graph of nodes when it is computed again unchanged, and replays
 * it from then on (ggml, src/ggml-cuda/ggml-cuda.cu, ggml_backend_cuda_graph_compute).
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/graphs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/check/execute.h"
#include "cli/check/problem.h"
#include "cli/check/word.h"
#include "planner/hash.h"

enum { ROUNDS = 4 }; /* computed as it is, looked at, captured, replayed */

/* What another node differs in that takes the place of a replayed one: in an argument, in a length. */
enum other { SCALE, KEYS, OTHERS };

static void say(struct check_verdict *v, int kind, const char *how, const char *what)
{
    char detail[sizeof v->detail];
    snprintf(detail, sizeof detail, "%s %s", how, what);
    v->kind = kind;
    v->said = attn_hash_text(ATTN_HASH_START, detail);
    memcpy(v->detail, detail, sizeof detail);
}

/* What a capture made of a call: false when something is wrong with it. round: of how many. */
static bool look(struct check *check, struct check_verdict *v, const struct attn_subject_answer *answer, int round)
{
    const struct attn_subject_captured *captured = &answer->captured;
    check->replays += captured->replays;
    if (captured->forbidden) {
        say(v, CHECK_CAPTURE, "forbidden", captured->entry);
        snprintf(v->message, sizeof v->message,
                 "computed for time %d: while the stream captures, %s, which that forbids%s%.400s", round + 1,
                 captured->entry, answer->message[0] ? ": " : "", answer->message);
        return false;
    }
    if (answer->status == ATTN_SUBJECT_YES || answer->status == ATTN_SUBJECT_TOO_BIG || round == 0)
        return answer->status == ATTN_SUBJECT_YES;
    check_take_words(v, answer);
    const char *how = attn_subject_status_name(answer->status);
    say(v, captured->begun ? CHECK_CAPTURE : CHECK_REPLAY, how, answer->why.file[0] ? answer->why.file : "-");
    snprintf(v->message, sizeof v->message, "computed for time %d: %.500s", round + 1, answer->message);
    return false;
}

/* The launches of each time are those of the first. */
static void dispatch(struct check *check, int device, const struct attn_problem *p, struct check_verdict *v)
{
    struct attn_subject_answer answer;
    uint64_t first = 0;
    for (int round = 0; round < ROUNDS; round++) {
        attn_subject_dispatch(check->subject, device, p, &answer);
        if (!look(check, v, &answer, round))
            return;
        const uint64_t launched = check_launches(check, &answer);
        first = round == 0 ? launched : first;
        if (launched == first)
            continue;
        char kernel[96] = "-";
        if (answer.n_launches)
            check_kernel_name(answer.launch[0].kernel, kernel, sizeof kernel);
        say(v, CHECK_REPLAY, "launches", kernel);
        snprintf(v->message, sizeof v->message,
                 "computed for time %d, %s: %zu launches, the first of %s; the first time %zu, other ones", round + 1,
                 answer.captured.replays ? "replayed" : "not replayed", answer.n_launches, kernel, v->n_launches);
        return;
    }
}

/* Is it as wrong where everything is made anew? Then the values are the cause. */
static bool wrong_anyway(struct check *check, int device, const struct attn_problem *p, int round,
                         const struct check_verdict *first)
{
    struct check_verdict v = *first;
    struct attn_subject_answer answer;
    attn_subject_keep(check->subject, false);
    attn_subject_forget(check->subject, device);
    check_execute_round(check, device, p, round, &v, &answer);
    return v.kind >= 0;
}

/* Each time with other values, and each time they have to be right. Returns whether all were, and what was captured is
 * still there. */
static bool compute(struct check *check, int device, const struct attn_problem *p, struct check_verdict *v)
{
    for (int round = 0; round < ROUNDS && !v->too_big; round++) {
        struct check_verdict now = *v;
        struct attn_subject_answer answer;
        check_execute_round(check, device, p, round, &now, &answer);
        if (!look(check, v, &answer, round) || (round == 0 && now.kind >= 0))
            return false; /* wrong the first time: a finding of its own */
        if (now.kind < 0)
            continue;
        if (wrong_anyway(check, device, p, round, v))
            return false;
        char detail[sizeof now.detail];
        memcpy(detail, now.detail, sizeof detail);
        say(v, CHECK_REPLAY, check_kind_name(now.kind), detail);
        snprintf(v->message, sizeof v->message, "computed for time %d, %s, with other values: %.500s", round + 1,
                 answer.captured.replays ? "replayed" : "not replayed", now.message);
        return false;
    }
    return !v->too_big;
}

/* Another node at the same place; false: there is none. */
static bool other_of(struct check *check, int device, const struct attn_problem *p, enum other which,
                     struct attn_problem *other)
{
    struct attn_subject_answer answer;
    struct attn_tensor *mask = &other->t[ATTN_MASK];
    const char *why;
    *other = *p;
    if (which == SCALE) {
        other->scale = p->scale / 2;
    } else {
        for (int o = ATTN_K; o <= ATTN_V; o++)
            other->t[o].ne[1]--; /* of the same cache: strides stay */
        if (mask->present && mask->ne[0] == attn_n_kv(p)) {
            mask->ne[0]--;
            attn_tensor_contiguous(mask);
        }
    }
    if (attn_problem_equal(other, p) || attn_problem_check(other, NULL) != ATTN_E_OK ||
        !attn_subject_legal(check->subject, other, &why))
        return false;
    attn_subject_supports(check->subject, device, other, &answer);
    return answer.status == ATTN_SUBJECT_YES;
}

/* A node that is another one is none to be replayed: after the replays of a call another takes its place. Returns as
 * compute does. */
static bool compute_another(struct check *check, int device, const struct attn_problem *p, enum other which,
                            struct check_verdict *v)
{
    struct attn_problem other;
    struct attn_subject_answer answer;
    struct check_verdict now = *v;
    for (int round = 0; round < ROUNDS && which > 0; round++) {
        check_execute_round(check, device, p, round, &now, &answer); /* held before */
        if (answer.status != ATTN_SUBJECT_YES || now.kind >= 0)
            return false;
    }
    if (!other_of(check, device, p, which, &other))
        return true;
    check_execute_round(check, device, &other, 0, &now, &answer);
    if (!look(check, v, &answer, 0))
        return false;
    if (now.kind < 0)
        return true;
    if (wrong_anyway(check, device, &other, 0, v))
        return false;
    char detail[sizeof now.detail];
    memcpy(detail, now.detail, sizeof detail);
    say(v, CHECK_REPLAY, which == SCALE ? "scale" : "n_kv", detail);
    snprintf(v->message, sizeof v->message, "after it was replayed, another call at its place, %s, %s: %.500s",
             which == SCALE ? "with half the scale" : "with a key less",
             answer.captured.replays ? "replayed" : "not replayed", now.message);
    return false;
}

void check_graphs(struct check *check, int device, const struct attn_problem *p, bool execute, struct check_verdict *v)
{
    attn_subject_forget(check->subject, device); /* the first time is the first time */
    attn_subject_keep(check->subject, true);
    check->repeated++;
    if (!check->subject->alone)
        dispatch(check, device, p, v);
    bool kept = execute && v->kind < 0 && compute(check, device, p, v);
    for (int which = 0; which < OTHERS && kept; which++)
        kept = compute_another(check, device, p, (enum other)which, v);
    attn_subject_keep(check->subject, false);
    v->main = NULL; /* its text was of the first call */
}
