/* tight.c: P4 tight: which rule keeps a kernel out alone, and the plan without it. See tight.h.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/properties/tight.h"
#include "planner/forced.h"

enum { RULES_MAX = 64 };

const char *attn_tight_need(int kernel, int rule)
{
    const struct attn_kernel *k = attn_kernel(kernel);
    for (int i = 0; i < k->n_needs; i++)
        if (strcmp(k->needs[i].rule, k->rules[rule].name) == 0)
            return k->needs[i].why;
    return NULL;
}

bool attn_tight_tries(int kernel, int rule)
{
    return !attn_kernel(kernel)->rules[rule].structural && !attn_tight_need(kernel, rule);
}

int attn_tight_alone(const struct attn_device *device, const struct attn_key *key, int kernel)
{
    struct attn_rule_result result[RULES_MAX];
    const int n = attn_explain(device, key, kernel, result, RULES_MAX);
    int alone = -1;
    for (int i = 0; i < n && i < RULES_MAX; i++) {
        if (result[i].holds)
            continue;
        if (alone >= 0)
            return -1;
        alone = i;
    }
    return alone >= 0 && attn_tight_tries(kernel, alone) ? alone : -1;
}

bool attn_tight_plan(const struct attn_forced *forced, const struct attn_key *key, struct attn_plan *plan,
                     const char **wrong)
{
    attn_plan_configure(&forced->device, key, forced->kernel, plan);
    const char *why = attn_plan_check(plan);
    if (wrong)
        *wrong = why;
    return !why;
}
