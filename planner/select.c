/* select.c: selection. The list is walked once, the same way for a plan, a trace and `supports`. Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

static const struct attn_kernel *const kernel_list[ATTN_KERNEL_COUNT] = {
#define X(name) &attn_kernel_##name,
    ATTN_KERNELS(X)
#undef X
};

const struct attn_kernel *attn_kernel(int id) { return id >= 0 && id < ATTN_KERNEL_COUNT ? kernel_list[id] : NULL; }

int attn_kernel_find(const char *name)
{
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++)
        if (strcmp(kernel_list[i]->name, name) == 0)
            return i;
    return -1;
}

bool attn_relation_holds(int relation, int64_t lhs, int64_t rhs)
{
    switch (relation) {
    case ATTN_REL_EQ: return lhs == rhs;
    case ATTN_REL_LE: return lhs <= rhs;
    case ATTN_REL_GE: return lhs >= rhs;
    case ATTN_REL_MEMBER: return lhs >= 0 && lhs <= 62 && (rhs >> lhs & 1);
    default: return false;
    }
}

static bool rule_holds(const struct attn_rule *rule, const struct attn_device *device, const struct attn_key *key,
                       int64_t *lhs, int64_t *rhs)
{
    rule->operands(device, key, lhs, rhs);
    return attn_relation_holds(rule->relation, *lhs, *rhs);
}

bool attn_plan_kernel(const struct attn_device *device, const struct attn_key *key, int id, struct attn_plan *plan,
                      struct attn_verdict *verdict)
{
    const struct attn_kernel *kernel = attn_kernel(id);
    struct attn_verdict v = { .rule = -1 };
    if (!kernel) {
        if (verdict)
            *verdict = v;
        return false;
    }
    for (int i = 0; i < kernel->n_rules; i++) {
        if (!rule_holds(&kernel->rules[i], device, key, &v.lhs, &v.rhs)) {
            v.rule = (int16_t)i;
            if (verdict)
                *verdict = v;
            return false;
        }
    }
    struct attn_plan local;
    attn_plan_configure(device, key, id, plan ? plan : &local);
    v.able = 1;
    v.lhs = v.rhs = 0;
    v.cost = plan ? plan->cost : local.cost;
    if (verdict)
        *verdict = v;
    return true;
}

int attn_plan_key(const struct attn_device *device, const struct attn_key *key, struct attn_plan *plan,
                  struct attn_trace *trace)
{
    struct attn_plan candidate;
    int chosen = -1;
    uint64_t least = 0;
    for (int id = 0; id < ATTN_KERNEL_COUNT; id++) {
        struct attn_verdict verdict;
        if (attn_plan_kernel(device, key, id, &candidate, &verdict) && (chosen < 0 || verdict.cost < least)) {
            chosen = id;
            least = verdict.cost;
            if (plan)
                *plan = candidate;
        }
        if (trace)
            trace->verdict[id] = verdict;
    }
    if (trace)
        trace->chosen = chosen;
    return chosen;
}

int attn_plan(const struct attn_device *device, const struct attn_problem *problem, struct attn_plan *plan,
              struct attn_trace *trace)
{
    struct attn_key key;
    if (attn_problem_is_foreign(problem)) { /* no kernel here knows what that is */
        if (trace) {
            for (int id = 0; id < ATTN_KERNEL_COUNT; id++)
                trace->verdict[id] = (struct attn_verdict){ .rule = -1 };
            trace->chosen = -1;
        }
        return -1;
    }
    attn_key_of(problem, &key);
    return attn_plan_key(device, &key, plan, trace);
}

bool attn_supports(const struct attn_device *device, const struct attn_problem *problem)
{
    return attn_plan(device, problem, NULL, NULL) >= 0;
}

int attn_explain(const struct attn_device *device, const struct attn_key *key, int id, struct attn_rule_result *results,
                 int cap)
{
    const struct attn_kernel *kernel = attn_kernel(id);
    if (!kernel)
        return 0;
    for (int i = 0; i < kernel->n_rules && i < cap; i++)
        results[i].holds = rule_holds(&kernel->rules[i], device, key, &results[i].lhs, &results[i].rhs);
    return kernel->n_rules;
}

static bool same_chain(const struct attn_chain *a, const struct attn_chain *b)
{
    return a->lanes == b->lanes && a->joins == b->joins && a->block == b->block;
}

static bool same_arithmetic(const struct attn_arithmetic *a, const struct attn_arithmetic *b)
{
    return a->q_type == b->q_type && a->k_type == b->k_type && a->v_type == b->v_type && a->p_type == b->p_type &&
           a->flush == b->flush && a->matrix == b->matrix && a->q_parts == b->q_parts && a->p_parts == b->p_parts &&
           a->q_shift == b->q_shift && a->q_rest_first == b->q_rest_first && a->p_shift == b->p_shift &&
           a->mask_asked == b->mask_asked && a->kv_tile == b->kv_tile && a->merges == b->merges &&
           a->splits == b->splits && a->waves == b->waves && a->dot_chain == b->dot_chain &&
           a->dot_joins == b->dot_joins && a->depth == b->depth && same_chain(&a->weights, &b->weights) &&
           same_chain(&a->values, &b->values);
}

bool attn_plan_equal(const struct attn_plan *a, const struct attn_plan *b)
{
    for (int i = 0; i < ATTN_STEP_COUNT; i++) {
        const struct attn_launch *x = &a->launch[i], *y = &b->launch[i];
        if (memcmp(x->grid, y->grid, sizeof x->grid) != 0 || memcmp(x->block, y->block, sizeof x->block) != 0 ||
            x->lds_static_bytes != y->lds_static_bytes || x->lds_dynamic_bytes != y->lds_dynamic_bytes)
            return false;
    }
    return a->kernel == b->kernel && a->head_size == b->head_size && a->columns == b->columns &&
           a->columns_q == b->columns_q && a->columns_gqa == b->columns_gqa && a->kv_tile == b->kv_tile &&
           a->waves == b->waves && a->wave_size == b->wave_size && a->splits == b->splits && a->load_k == b->load_k &&
           a->load_v == b->load_v && a->stage_k == b->stage_k && a->stage_v == b->stage_v && a->scan == b->scan &&
           a->scan_q == b->scan_q && a->convert_k == b->convert_k && a->convert_v == b->convert_v &&
           a->steps == b->steps && memcmp(a->region_offset, b->region_offset, sizeof a->region_offset) == 0 &&
           memcmp(a->region_bytes, b->region_bytes, sizeof a->region_bytes) == 0 &&
           a->workspace_bytes == b->workspace_bytes && same_arithmetic(&a->arithmetic, &b->arithmetic) &&
           strcmp(a->device.name, b->device.name) == 0 && attn_key_equal(&a->key, &b->key) && a->cost == b->cost;
}

const char *attn_plan_check(const struct attn_plan *p)
{
    const struct attn_device *d = &p->device;
    if (p->kernel < 0 || p->kernel >= ATTN_KERNEL_COUNT)
        return "no such kernel";
    if (!(p->steps & 1u << ATTN_STEP_MAIN) || p->steps >> ATTN_STEP_COUNT)
        return "the main launch is missing or a step is unknown";
    if (p->splits < 1 || (p->splits > 1) != !!(p->steps & 1u << ATTN_STEP_COMBINE))
        return "splits and the combine launch do not go together";
    for (int s = 0; s < ATTN_STEP_COUNT; s++) {
        const struct attn_launch *l = &p->launch[s];
        if (!(p->steps & 1u << s))
            continue;
        uint64_t threads = 1;
        for (int i = 0; i < 3; i++) {
            if (l->grid[i] < 1 || l->grid[i] > d->max_grid[i])
                return "a grid is empty or beyond the device's";
            if (l->block[i] < 1 || l->block[i] > 1024)
                return "a workgroup is empty or beyond 1024 threads in a dimension";
            threads *= l->block[i];
        }
        if (threads > (uint64_t)d->max_threads)
            return "more threads than the device allows a workgroup";
        if (l->lds_static_bytes > (uint32_t)d->lds_static_bytes ||
            (uint64_t)l->lds_static_bytes + l->lds_dynamic_bytes > (uint64_t)d->lds_bytes)
            return "more LDS than the device has for a workgroup";
    }
    for (int a = 0; a < ATTN_REGION_COUNT; a++) {
        int64_t begin = p->region_offset[a], bytes = p->region_bytes[a];
        if (bytes == 0)
            continue;
        if (bytes < 0 || begin < 0 || begin % 256 != 0 || begin > p->workspace_bytes ||
            bytes > p->workspace_bytes - begin)
            return "a workspace region is out of place";
        for (int b = 0; b < a; b++)
            if (p->region_bytes[b] > 0 && begin < p->region_offset[b] + p->region_bytes[b] &&
                p->region_offset[b] < begin + bytes)
                return "two workspace regions overlap";
    }
    return NULL;
}
