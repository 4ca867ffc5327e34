/* order.c: see order.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/order.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/execute.h"
#include "cli/check/note.h"
#include "planner/hash.h"
#include "planner/random.h"

enum {
    CALLS = 256,   /* remembered */
    EVERY = 4,     /* of so many calls computed an earlier one is computed again */
    LOOK_BACK = 8, /* calls before one that are tried for being the cause */
    SEARCHES = 64, /* of causes; beyond that nothing new is noted */
    PAIRS = 64,
};

struct computed {
    struct attn_problem problem;
    uint64_t bits;
    int32_t device;
};
struct check_order {
    uint64_t state, n; /* random numbers; calls that were computed */
    struct computed call[CALLS];
    struct attn_problem before[PAIRS];
    int32_t n_before;
    int searches;
};

struct check_order *check_order_new(uint64_t seed)
{
    struct check_order *order = calloc(1, sizeof *order);
    if (order)
        order->state = attn_mix(seed ^ 0x0de2);
    return order;
}

void check_order_free(struct check_order *order) { free(order); }

const struct attn_problem *check_order_before(const struct check *check, int32_t before)
{
    return before > 0 ? &check->order->before[before - 1] : NULL;
}

/* ---- Two orders ------------------------------------------------------------------------------------------ */

struct result {
    float *value;
    int64_t n;
};

static bool compute(struct check *check, int device, const struct attn_problem *p, struct result *result)
{
    result->n = attn_tensor_span(&p->t[ATTN_DST]) / (int64_t)sizeof(float);
    result->value = malloc((size_t)result->n * sizeof(float));
    if (result->value && check_execute_raw(check, device, p, result->value))
        return true;
    free(result->value);
    result->value = NULL;
    return false;
}

static bool same(const struct result *a, const struct result *b)
{
    return a->n == b->n && !memcmp(a->value, b->value, (size_t)a->n * sizeof(float));
}

static void say(const struct result *alone, const struct result *after, const struct attn_problem *before,
                struct check_verdict *v)
{
    int64_t first = 0, n = 0;
    for (int64_t i = alone->n - 1; i >= 0; i--)
        if (memcmp(&alone->value[i], &after->value[i], sizeof(float))) {
            first = i;
            n++;
        }
    v->kind = CHECK_STATE;
    snprintf(v->detail, sizeof v->detail, "%s", before ? "after_another" : "asked_again");
    v->said = attn_hash_text(ATTN_HASH_START, v->detail);
    snprintf(v->message, sizeof v->message,
             "%" PRId64 " of %" PRId64 " components differ, number %" PRId64 " is %.9g alone and %.9g %s", n, alone->n,
             first, (double)alone->value[first], (double)after->value[first],
             before ? "after another call" : "the second time");
}

void check_order_call(struct check *check, int device, const struct attn_problem *p, const struct attn_problem *before,
                      struct check_verdict *v)
{
    struct attn_subject *s = check->subject;
    struct result alone, other = { NULL, 0 }, after = { NULL, 0 };
    struct attn_subject_answer answer;
    check_call(check, device, p, false, false, v);
    if (!check_can_execute(check, v))
        return;
    attn_subject_forget(s, device);
    if (!compute(check, device, p, &alone))
        return;
    if (before) {
        attn_subject_forget(s, device);
        attn_subject_supports(s, device, before, &answer);
        if (answer.status == ATTN_SUBJECT_YES)
            compute(check, device, before, &other);
    }
    if ((!before || answer.status == ATTN_SUBJECT_YES) && compute(check, device, p, &after) && !same(&alone, &after))
        say(&alone, &after, before, v);
    free(alone.value);
    free(other.value);
    free(after.value);
    v->main = NULL; /* its text was of an earlier call */
}

/* ---- Finding them ---------------------------------------------------------------------------------------- */

/* Which call before makes it compute other bits: the calls remembered before it and the last ones are tried. */
static bool search(struct check *check, const struct computed *call, uint64_t number, struct check_verdict *v)
{
    struct check_order *order = check->order;
    check_order_call(check, call->device, &call->problem, NULL, v);
    v->before = 0;
    for (int i = 1; v->kind < 0 && i <= 2 * LOOK_BACK; i++) {
        const uint64_t from = i <= LOOK_BACK ? order->n : number + 1;
        const uint64_t back = (uint64_t)(i <= LOOK_BACK ? i : i - LOOK_BACK + 1);
        if (back > from || order->n - (from - back) > CALLS || order->n_before == PAIRS)
            continue;
        const struct computed *other = &order->call[(from - back) % CALLS];
        if (other->device != call->device)
            continue;
        check_order_call(check, call->device, &call->problem, &other->problem, v);
        if (v->kind == CHECK_STATE) {
            order->before[order->n_before++] = other->problem;
            v->before = order->n_before;
        }
    }
    return v->kind == CHECK_STATE;
}

/* Does the call compute the same bits now, on a backend made anew or on that of the calls before? */
static bool repeats(struct check *check, const struct computed *call, bool anew)
{
    struct result result;
    if (anew)
        attn_subject_forget(check->subject, call->device);
    if (!compute(check, call->device, &call->problem, &result))
        return true; /* what that is, is a finding of its own */
    const uint64_t bits = check_execute_bits(&call->problem, result.value);
    free(result.value);
    return bits == call->bits || check->order->searches++ >= SEARCHES;
}

void check_order_next(struct check *check, int device, const struct attn_problem *p, struct check_verdict *v)
{
    struct check_order *order = check->order;
    struct check_verdict found;
    const uint64_t last = order->n++;
    order->call[last % CALLS] = (struct computed){ *p, v->bits, device };
    if (v->kind >= 0) {
        const struct computed this = order->call[last % CALLS];
        if (order->searches < SEARCHES && !repeats(check, &this, true) && search(check, &this, last, &found))
            *v = found;
        return;
    }
    if (order->n % EVERY)
        return;
    const uint64_t number = last - attn_random(&order->state) % (order->n < CALLS ? order->n : CALLS);
    const struct computed call = order->call[number % CALLS];
    check->again++;
    if (repeats(check, &call, false))
        return;
    if (!search(check, &call, number, &found)) {
        found.kind = CHECK_STATE; /* what it depends on lies further back: it will be said not to show again */
        found.before = 0;
        found.said = 0;
    }
    check_note(check, call.device, 1u << call.device, &call.problem, &found);
}
