/* plans.c: what makes two problems, keys or plans different, and what keeps a plan in order. See restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "fuzz/restated/say.h"
#include "planner/random.h"

/* Bytes of a struct that a field has. */
struct field {
    size_t at, size;
};

/* Another bit in one byte of the field. */
static void flip(void *object, struct field field, uint64_t *state)
{
    unsigned char *byte = (unsigned char *)object + field.at + attn_random_below(state, field.size);
    *byte ^= (unsigned char)(1u << attn_random_below(state, 8));
}

/* ---- Problems and keys ---------------------------------------------------------------------------------------- */

static struct field problem_field(const struct attn_problem *p, uint64_t *state, bool *counts)
{
#define F(name)                                             \
    {                                                       \
        offsetof(struct attn_problem, name), sizeof p->name \
    }
    static const struct field scalars[] = { F(scale), F(softcap), F(max_bias), F(head_first), F(head_total) };
#undef F
#define F(name)                                                 \
    {                                                           \
        offsetof(struct attn_tensor, name), sizeof p->t[0].name \
    }
    static const struct field parts[] = { F(ne), F(nb), F(offset), F(type), F(buffer) };
#undef F
    const uint64_t o = attn_random_below(state, ATTN_OPERAND_COUNT + 1);
    *counts = true;
    if (o == ATTN_OPERAND_COUNT)
        return scalars[attn_random_below(state, sizeof scalars / sizeof scalars[0])];
    struct field part = parts[attn_random_below(state, sizeof parts / sizeof parts[0])];
    if (part.at == offsetof(struct attn_tensor, nb)) { /* nb[0] no line says */
        const bool first = attn_random_below(state, 4) == 0;
        *counts = !first;
        part.size = first ? sizeof(int64_t) : 3 * sizeof(int64_t);
        part.at += first ? 0 : sizeof(int64_t);
    }
    *counts = *counts && p->t[o].present;
    part.at += offsetof(struct attn_problem, t) + o * sizeof p->t[0];
    return part;
}

static bool check_problems(const struct attn_restated *said, const struct attn_problem *p, uint64_t *state,
                           struct attn_restated_fault *fault)
{
    struct attn_problem other = *p;
    bool counts;
    const struct field field = problem_field(p, state, &counts);
    flip(&other, field, state);
    const bool same = said->problem_hash(p) == said->problem_hash(&other);
    if (said->problem_equal(p, &other) == counts || said->problem_equal(&other, p) == counts || same == counts ||
        !said->problem_equal(p, p))
        return attn_differs(fault, "problems that differ in byte %zu, which %s: equal and hash say otherwise", field.at,
                            counts ? "a line says" : "no line says");
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const struct attn_tensor *t = &p->t[o];
        const struct attn_type_info *type = attn_type_info(t->type);
        uint64_t bytes = (uint64_t)(t->ne[0] / type->block_elems) * (uint64_t)type->block_bytes;
        bool dense = t->present;
        for (int d = 1; d < 4 && dense; bytes *= (uint64_t)t->ne[d], d++)
            dense = t->ne[d] == 1 || (uint64_t)t->nb[d] == bytes;
        if (t->present && said->tensor_is_contiguous(t) != dense)
            return attn_differs(fault, "%s is %scontiguous", attn_operand_name(o), dense ? "" : "not ");
    }
    return true;
}

static bool check_keys(const struct attn_restated *said, const struct attn_problem *p, uint64_t *state,
                       struct attn_restated_fault *fault)
{
    struct attn_key key, other;
    const struct field all = { 0, offsetof(struct attn_key, reserved) };
    attn_key_of(p, &key);
    other = key;
    if (!said->key_equal(&key, &other) || said->key_hash(&key) != said->key_hash(&other))
        return attn_differs(fault, "a key is not equal to its copy");
    flip(&other, all, state);
    if (said->key_equal(&key, &other) || said->key_hash(&key) == said->key_hash(&other))
        return attn_differs(fault, "keys that differ are equal, or have one hash");
    return true;
}

/* ---- Plans ---------------------------------------------------------------------------------------------------- */

#define F(name) { offsetof(struct attn_plan, name), sizeof((struct attn_plan *)0)->name }
#define A(name) F(arithmetic.name)
static const struct field plan_fields[] = {
    F(kernel),          F(head_size), F(columns),   F(columns_q),    F(columns_gqa), F(kv_tile),       F(waves),
    F(wave_size),       F(splits),    F(load_k),    F(load_v),       F(stage_k),     F(stage_v),       F(scan),
    F(scan_q),          F(convert_k), F(convert_v), F(steps),        F(launch),      F(region_offset), F(region_bytes),
    F(workspace_bytes), A(q_type),    A(k_type),    A(v_type),       A(p_type),      A(flush),         A(matrix),
    A(q_parts),         A(p_parts),   A(q_shift),   A(q_rest_first), A(p_shift),     A(mask_asked),    A(kv_tile),
    A(splits),          A(waves),     A(merges),    A(dot_chain),    A(dot_joins),   A(depth),         A(weights),
    A(values),          F(key),       F(cost)
};
#undef A
#undef F

static bool check_equal_plans(const struct attn_restated *said, const struct attn_plan *plan, uint64_t *state,
                              struct attn_restated_fault *fault)
{
    struct attn_plan other = *plan;
    other.device.n_cu += 1; /* of devices the names count */
    if (!said->plan_equal(plan, &other) || !said->plan_equal(&other, plan))
        return attn_differs(fault, "a plan is not equal to its copy");
    const uint64_t i = attn_random_below(state, sizeof plan_fields / sizeof plan_fields[0] + 1);
    if (i == sizeof plan_fields / sizeof plan_fields[0])
        other.device.name[attn_random_below(state, 2)] ^= 1;
    else
        flip(&other, plan_fields[i], state);
    if (said->plan_equal(plan, &other) || said->plan_equal(&other, plan))
        return attn_differs(fault, "plans that differ in field %d are equal", (int)i);
    return true;
}

static bool launch_is_in_order(const struct attn_device *d, const struct attn_launch *l)
{
    uint64_t threads = 1;
    for (int i = 0; i < 3; i++) {
        if (l->grid[i] == 0 || l->block[i] == 0 || l->block[i] >= 1025 || d->max_grid[i] < l->grid[i])
            return false;
        threads *= l->block[i];
    }
    const uint64_t lds = (uint64_t)l->lds_static_bytes + l->lds_dynamic_bytes;
    return threads <= (uint64_t)d->max_threads && lds <= (uint64_t)d->lds_bytes &&
           l->lds_static_bytes <= (uint64_t)d->lds_static_bytes;
}

static bool region_is_in_order(const struct attn_plan *p, int a)
{
    const int64_t begin = p->region_offset[a], bytes = p->region_bytes[a];
    if (bytes == 0)
        return true;
    if (bytes < 0 || begin < 0 || begin % 256 || begin > p->workspace_bytes - bytes)
        return false;
    for (int b = 0; b < ATTN_REGION_COUNT; b++) {
        const int64_t other = p->region_offset[b], size = p->region_bytes[b];
        if (b != a && size > 0 && (begin < other ? other - begin < bytes : begin - other < size))
            return false;
    }
    return true;
}

static bool is_in_order(const struct attn_plan *p)
{
    const bool combines = p->steps >> ATTN_STEP_COMBINE & 1;
    if (p->kernel < 0 || p->kernel > ATTN_KERNEL_COUNT - 1 || p->splits < 1 || combines != (p->splits != 1) ||
        !(p->steps >> ATTN_STEP_MAIN & 1) || p->steps >= 1u << ATTN_STEP_COUNT)
        return false;
    for (int s = 0; s < ATTN_STEP_COUNT; s++)
        if ((p->steps >> s & 1) && !launch_is_in_order(&p->device, &p->launch[s]))
            return false;
    for (int a = 0; a < ATTN_REGION_COUNT; a++)
        if (!region_is_in_order(p, a))
            return false;
    return true;
}

static void change_launch(struct attn_plan *p, uint64_t *state)
{
    struct attn_launch *l = &p->launch[attn_random_below(state, ATTN_STEP_COUNT)];
    const uint64_t i = attn_random_below(state, 3);
    const uint32_t one = (uint32_t)attn_random_below(state, 2); /* at the limit, or past it */
    switch (attn_random_below(state, 7)) {
    case 0: l->grid[i] = one ? 0 : 1; break;
    case 1: p->device.max_grid[i] = l->grid[i] - one; break;
    case 2: l->block[i] = one ? 0 : 1; break;
    case 3:
        l->block[i] = 1024 + one;
        p->device.max_threads = INT32_MAX;
        break;
    case 4: p->device.max_threads = (int32_t)(l->block[0] * l->block[1] * l->block[2] - one); break;
    case 5: p->device.lds_static_bytes = (int32_t)(l->lds_static_bytes - one); break;
    default: p->device.lds_bytes = (int32_t)(l->lds_static_bytes + l->lds_dynamic_bytes - one);
    }
}

static void change_region(struct attn_plan *p, uint64_t *state)
{
    const uint64_t a = attn_random_below(state, ATTN_REGION_COUNT), b = attn_random_below(state, ATTN_REGION_COUNT);
    const int64_t some = (int64_t)attn_random_below(state, 3) - 1;
    switch (attn_random_below(state, 5)) {
    case 0: p->region_bytes[a] = some; break;
    case 1: p->region_offset[a] += some * (attn_random_below(state, 2) ? 256 : 1); break;
    case 2: p->workspace_bytes = p->region_offset[a] + p->region_bytes[a] + some; break;
    case 3: /* room for two, one behind the other or into it */
        p->workspace_bytes += 2048;
        p->region_bytes[a] = 512;
        p->region_bytes[b] = 512;
        p->region_offset[a] = (p->workspace_bytes - 1024) & ~INT64_C(255);
        p->region_offset[b] = p->region_offset[a] + 256 * (1 + (int64_t)attn_random_below(state, 2));
        break;
    default: p->region_offset[a] = some * 256;
    }
}

static bool check_order(const struct attn_restated *said, const struct attn_plan *plan, uint64_t *state,
                        struct attn_restated_fault *fault)
{
    struct attn_plan p = *plan;
    switch (attn_random_below(state, 5)) {
    case 0:
        p.kernel = attn_random_below(state, 2) ? -1 : ATTN_KERNEL_COUNT - (int32_t)attn_random_below(state, 2);
        break;
    case 1: p.steps ^= 1u << attn_random_below(state, ATTN_STEP_COUNT + 2); break;
    case 2: p.splits = (int32_t)attn_random_below(state, 4) - 1; break;
    case 3: change_launch(&p, state); break;
    default: change_region(&p, state);
    }
    const char *wrong = said->plan_check(&p);
    if ((wrong == NULL) != is_in_order(&p))
        return attn_differs(fault, "a plan of %s with a change is said to be in order or not: %s; it is the other way",
                            attn_kernel(plan->kernel)->name, wrong ? wrong : "in order");
    return true;
}

bool attn_restate_plan(const struct attn_restated *said, const struct attn_problem *legal, const struct attn_plan *plan,
                       uint64_t seed, struct attn_restated_fault *fault)
{
    return check_problems(said, legal, &seed, fault) && check_keys(said, legal, &seed, fault) &&
           check_equal_plans(said, plan, &seed, fault) && check_order(said, plan, &seed, fault);
}
