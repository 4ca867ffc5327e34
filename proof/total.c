/* total.c: what the planner's choice is made of, with any configuration and any cost of a kernel whose rules hold
 * (proof/abstract/forced/; that these are fit to run is proof/plan.c).
 *
 * SPDX-License-Identifier: MIT */
#include "proof/proof.h"

#if !defined(PROOF_KERNEL)
#define PROOF_KERNEL 0
#endif

/* P1: of a known head size a kernel other than naive is able, and naive always. It is proved by tile and naive alone;
 * where that fails, a call is looked for that vec does not take either; whether mma does is seen when it is replayed.
 */
void proof_total(void)
{
    const struct attn_device device = proof_device();
    const struct attn_key key = proof_key();
    bool other = false;
#if defined(PROOF_ALL)
    const int first = ATTN_KERNEL_tile;
#elif defined(PROOF_FIND)
    const int first = ATTN_KERNEL_vec;
#else
    const int first = 0;
#endif
    for (int id = first; id < ATTN_KERNEL_COUNT; id++) {
        const bool able = attn_plan_kernel(&device, &key, id, NULL, NULL);
        proof_assert(able || id != ATTN_KERNEL_naive, "naive is able");
        other |= able && id != ATTN_KERNEL_naive;
    }
    proof_assert(other || !attn_head_size_known(key.d_k, key.d_v), "a kernel other than naive is able");
}

/* P3: what the trace says of a kernel is so. */
static void verdict_is_so(const struct attn_device *device, const struct attn_key *key, int id,
                          const struct attn_verdict *verdict)
{
    enum { MOST = 8 };
    struct attn_rule_result all[MOST];
    const struct attn_kernel *kernel = attn_kernel(id);
    const int n = attn_explain(device, key, id, all, MOST);
    proof_assert(n == kernel->n_rules && n <= MOST, "explain has every rule");
    proof_assert(verdict->able ? verdict->rule == -1 : verdict->rule >= 0 && verdict->rule < n,
                 "a kernel is able or has one cause");
    for (int i = 0; i < MOST && i < n; i++) {
        const struct attn_rule *rule = &kernel->rules[i];
        proof_assert(all[i].holds == attn_relation_holds(rule->relation, all[i].lhs, all[i].rhs),
                     "explain's operands decide its rule");
        if (verdict->able || i < verdict->rule)
            proof_assert(all[i].holds, "the rules before the cause hold");
        if (!verdict->able && i == verdict->rule) {
            proof_assert(!attn_relation_holds(rule->relation, verdict->lhs, verdict->rhs),
                         "the cause fails on its operands");
            proof_assert(all[i].lhs == verdict->lhs && all[i].rhs == verdict->rhs, "trace and explain have one cause");
        }
    }
}

void proof_explained(void)
{
    const struct attn_device device = proof_device();
    const struct attn_key key = proof_key();
    struct attn_plan plan;
    struct attn_verdict verdict;
    const bool able = attn_plan_kernel(&device, &key, PROOF_KERNEL, &plan, &verdict);
    proof_assert(able == verdict.able, "the verdict is what is returned");
    proof_assert(!able || plan.kernel == PROOF_KERNEL, "the plan is the kernel's");
    verdict_is_so(&device, &key, PROOF_KERNEL, &verdict);
}

#if defined(PROOF_ALL)
/* In the place of attn_plan_kernel: any verdicts and any plans, the same for the same device and key. */
static struct attn_verdict any_verdict[ATTN_KERNEL_COUNT];
static const struct attn_device *asked_device;
static struct attn_key asked_key;
static bool asked;

bool attn_plan_kernel_is(const struct attn_device *device, const struct attn_key *key, int id, struct attn_plan *plan,
                         struct attn_verdict *verdict)
{
    proof_assert(id >= 0 && id < ATTN_KERNEL_COUNT, "a kernel of the list is asked");
    proof_assert(!asked || (asked_device == device && attn_key_equal(&asked_key, key)), "all about one call");
    asked = true;
    asked_device = device;
    asked_key = *key;
    if (plan && any_verdict[id].able) {
        struct attn_plan any;
        *plan = any;
        plan->kernel = id;
        plan->cost = any_verdict[id].cost;
    }
    if (verdict)
        *verdict = any_verdict[id];
    return any_verdict[id].able;
}
#endif

/* supports says what plan does; the trace, the plan and what is returned name one kernel, the first of the cheapest. */
void proof_chosen(void)
{
    const struct attn_device device = proof_device();
    const struct attn_problem problem = proof_problem();
    struct attn_plan plan;
    struct attn_trace trace;
#if defined(PROOF_ALL)
    __CPROVER_havoc_object(any_verdict);
#endif
    const int chosen = attn_plan(&device, &problem, &plan, &trace);
    proof_assert(attn_supports(&device, &problem) == (chosen >= 0), "supports says what plan does");
    proof_assert(chosen == trace.chosen, "the trace has the kernel that is returned");
    for (int id = 0; id < ATTN_KERNEL_COUNT; id++)
        if (trace.verdict[id].able) {
            proof_assert(chosen >= 0 && chosen < ATTN_KERNEL_COUNT, "where one is able, one is chosen");
            proof_assert(trace.verdict[id].cost > plan.cost || (trace.verdict[id].cost == plan.cost && id >= chosen),
                         "no able kernel is cheaper, nor one before it as cheap");
        }
    if (chosen < 0)
        return;
    proof_assert(chosen < ATTN_KERNEL_COUNT && plan.kernel == chosen, "the plan is the chosen kernel's");
    proof_assert(trace.verdict[chosen].able && plan.cost == trace.verdict[chosen].cost, "and has its cost");
}

/* P6: a device that covers another one, and K and V that are better aligned, take no able kernel away. */
void proof_monotone(void)
{
    const struct attn_device less = proof_device();
    const struct attn_key key = proof_key();
    struct attn_key aligned = key;
#if defined(PROOF_ALL)
    const struct attn_device more = proof_device();
    aligned.align_k += (uint8_t)proof_choice(5);
    aligned.align_v += (uint8_t)proof_choice(5);
    proof_assume(aligned.align_k <= 4 && aligned.align_v <= 4);
#else
    const int row = proof_choice(attn_device_count()), weakening = proof_choice(attn_weakening_count() + 1) - 1;
    const struct attn_device more = proof_device_of(row, weakening);
    if (proof_choice(2))
        aligned.align_k = aligned.align_v = 4;
#endif
    proof_assume(attn_device_covers(&more, &less));
    if (attn_plan_kernel(&less, &key, PROOF_KERNEL, NULL, NULL))
        proof_assert(attn_plan_kernel(&more, &aligned, PROOF_KERNEL, NULL, NULL),
                     "a kernel stays able where device and alignment are no worse");
}
