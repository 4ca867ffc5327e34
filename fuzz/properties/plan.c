/* plan.c: the properties of plans: P1 total, P3 explained, P5 pure, P6 monotone; P11 priced is in price.c. See
 * properties.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "fuzz/properties/regions.h"
#include "fuzz/properties/sweep.h"

/* ---- P1 total -------------------------------------------------------------------------------------------- */

static bool report_only_naive(const struct attn_sweep *s, int m, struct attn_finding *f)
{
    char causes[480] = "";
    size_t at = 0;
    int kernel = -1, rule = -1;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        const struct attn_verdict *v = &s->trace[m].verdict[k];
        char text[160];
        if (v->able || v->rule < 0 || v->rule >= attn_kernel(k)->n_rules)
            continue;
        attn_rule_text(k, v->rule, false, v->lhs, v->rhs, text, sizeof text);
        if (at < sizeof causes)
            at += (size_t)snprintf(causes + at, sizeof causes - at, "; %s", text);
        /* The finding is about the last kernel that a rule keeps out though an instance of it exists. */
        if (kernel < 0 || !attn_kernel(k)->rules[v->rule].structural) {
            kernel = k;
            rule = v->rule;
        }
    }
    return attn_sweep_found(s, ATTN_P_TOTAL, m, kernel, rule, f, "on %s %s for head size %" PRId64 "/%" PRId64 "%s",
                            attn_member_name(s->fleet, m).text, s->able[m] ? "only naive is able" : "no kernel is able",
                            s->key.d_k, s->key.d_v, causes);
}

static bool check_total(struct attn_sweep *s, struct attn_finding *f)
{
    const uint32_t naive = 1u << ATTN_KERNEL_naive;
    bool known = attn_head_size_known(s->key.d_k, s->key.d_v);
    for (int m = s->first; m < s->last; m++)
        if ((s->able[m] & (known ? ~naive : ~0u)) == 0)
            return report_only_naive(s, m, f);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        struct attn_plan plan;
        s->plans++;
        if (!attn_plan_kernel(&s->fleet->device[s->probe], &s->key, k, &plan, NULL))
            continue;
        const char *wrong = attn_plan_check(&plan);
        if (wrong)
            return attn_sweep_found(s, ATTN_P_TOTAL, s->probe, k, -1, f, "the plan of %s on %s: %s",
                                    attn_kernel(k)->name, attn_member_name(s->fleet, s->probe).text, wrong);
        struct attn_region_size size;
        if (!attn_regions_fit(&plan, &size))
            return attn_sweep_found(s, ATTN_P_TOTAL, s->probe, k, -1, f,
                                    "the plan of %s on %s: workspace %s has %" PRId64
                                    " bytes, its launches address %" PRId64,
                                    attn_kernel(k)->name, attn_member_name(s->fleet, s->probe).text,
                                    attn_region_name(size.region), size.has, size.needs);
    }
    return true;
}

/* ---- P3 explained ---------------------------------------------------------------------------------------- */

static bool has_number(const char *text, int64_t value)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRId64, value);
    return strstr(text, number) != NULL;
}

/* Does a rule's text name kernel and rule, and show the operands where they are plain numbers? */
static bool text_explains(int kernel, const struct attn_rule *rule, int index, const struct attn_verdict *v, char *text,
                          size_t cap)
{
    size_t length = attn_rule_text(kernel, index, false, v->lhs, v->rhs, text, cap);
    const char *name = attn_kernel(kernel)->name;
    if (length == 0 || length >= cap || strncmp(text, name, strlen(name)) != 0 || !strstr(text, rule->name))
        return false;
    bool plain = rule->relation != ATTN_REL_MEMBER && rule->unit != ATTN_UNIT_TYPE && rule->unit != ATTN_UNIT_HEAD_SIZE;
    return !plain || (has_number(text, v->lhs) && has_number(text, v->rhs));
}

/* One verdict by itself: able without a rule, or out for one that is false on its operands. */
static bool verdict_is_sound(const struct attn_verdict *v, const struct attn_kernel *kernel)
{
    if (v->able)
        return v->able == 1 && v->rule == -1;
    return v->rule >= 0 && v->rule < kernel->n_rules &&
           !attn_relation_holds(kernel->rules[v->rule].relation, v->lhs, v->rhs);
}

/* The dearer part, on the probe: text, and the mode that evaluates every rule, agree with the verdict. */
static bool check_explanation(const struct attn_sweep *s, int k, struct attn_finding *f)
{
    enum { RULES_MAX = 64 };
    const struct attn_kernel *kernel = attn_kernel(k);
    const struct attn_verdict *v = &s->trace[s->probe].verdict[k];
    struct attn_rule_result result[RULES_MAX];
    char text[256];
    int n = attn_explain(&s->fleet->device[s->probe], &s->key, k, result, RULES_MAX), first = -1;
    if (n != kernel->n_rules || n > RULES_MAX)
        return attn_sweep_found(s, ATTN_P_EXPLAINED, s->probe, k, -1, f, "explain says %s has %d rules, it has %d",
                                kernel->name, n, kernel->n_rules);
    for (int i = n - 1; i >= 0; i--) {
        if (result[i].holds != attn_relation_holds(kernel->rules[i].relation, result[i].lhs, result[i].rhs))
            return attn_sweep_found(s, ATTN_P_EXPLAINED, s->probe, k, i, f,
                                    "%s.%s is said to be %s on operands that say otherwise", kernel->name,
                                    kernel->rules[i].name, result[i].holds ? "true" : "false");
        if (!result[i].holds)
            first = i;
    }
    if (first != v->rule || (first >= 0 && (result[first].lhs != v->lhs || result[first].rhs != v->rhs)))
        return attn_sweep_found(s, ATTN_P_EXPLAINED, s->probe, k, v->rule, f,
                                "the first rule of %s that fails is number %d, the trace says %d", kernel->name, first,
                                v->rule);
    if (!v->able && !text_explains(k, &kernel->rules[v->rule], v->rule, v, text, sizeof text))
        return attn_sweep_found(s, ATTN_P_EXPLAINED, s->probe, k, v->rule, f,
                                "text of rule %s.%s does not name it and %" PRId64 ", %" PRId64 ": \"%s\"",
                                kernel->name, kernel->rules[v->rule].name, v->lhs, v->rhs, text);
    return true;
}

static bool check_explained(struct attn_sweep *s, struct attn_finding *f)
{
    for (int m = s->first; m < s->last; m++) {
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
            const struct attn_verdict *v = &s->trace[m].verdict[k];
            if (!verdict_is_sound(v, attn_kernel(k)))
                return attn_sweep_found(s, ATTN_P_EXPLAINED, m, k, v->rule, f,
                                        "%s on %s is %sable with rule %d on operands %" PRId64 ", %" PRId64,
                                        attn_kernel(k)->name, attn_member_name(s->fleet, m).text, v->able ? "" : "not ",
                                        v->rule, v->lhs, v->rhs);
        }
    }
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        if (!check_explanation(s, k, f))
            return false;
    s->plans++;
    if (attn_supports(&s->fleet->device[s->probe], &s->c->problem) != (s->trace[s->probe].chosen >= 0))
        return attn_sweep_found(s, ATTN_P_EXPLAINED, s->probe, -1, -1, f, "supports and plan disagree on %s",
                                attn_member_name(s->fleet, s->probe).text);
    return true;
}

/* ---- P5 pure --------------------------------------------------------------------------------------------- */

/* What must not matter: strides of extent-1 dimensions, contents of absent tensors, which buffer a tensor is in. */
static void change_irrelevant(struct attn_problem *p)
{
    int64_t junk = INT64_C(0x5a5a5a5a5a5a5a);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        struct attn_tensor *t = &p->t[o];
        if (!t->present) {
            memset(t, 0x5a, sizeof *t);
            t->present = 0;
            continue;
        }
        t->buffer = 0;
        for (int d = 1; d < 4; d++)
            if (t->ne[d] == 1)
                t->nb[d] = junk++;
    }
}

static bool check_pure(struct attn_sweep *s, struct attn_finding *f)
{
    const struct attn_device *device = &s->fleet->device[s->probe];
    struct attn_problem other = s->c->problem;
    struct attn_plan plan;

    memset(&plan, 0xa5, sizeof plan);
    s->plans += 2;
    if (attn_plan(device, &s->c->problem, &plan, NULL) != s->trace[s->probe].chosen ||
        !attn_plan_equal(&plan, &s->plan))
        return attn_sweep_found(s, ATTN_P_PURE, s->probe, s->trace[s->probe].chosen, -1, f,
                                "planned again on %s, the plan differs", attn_member_name(s->fleet, s->probe).text);
    change_irrelevant(&other);
    memset(&plan, 0x3c, sizeof plan);
    if (attn_plan(device, &other, &plan, NULL) != s->trace[s->probe].chosen || !attn_plan_equal(&plan, &s->plan))
        return attn_sweep_found(
            s, ATTN_P_PURE, s->probe, s->trace[s->probe].chosen, -1, f,
            "on %s the plan depends on strides of extent-1 dimensions, absent tensors or buffer names",
            attn_member_name(s->fleet, s->probe).text);
    return true;
}

/* ---- P6 monotone ----------------------------------------------------------------------------------------- */

static int first_bit(uint32_t bits)
{
    int i = 0;
    while (!(bits >> i & 1))
        i++;
    return i;
}

static uint32_t able_set(const struct attn_trace *trace)
{
    uint32_t set = 0;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        set |= (uint32_t)(trace->verdict[k].able != 0) << k;
    return set;
}

static bool check_monotone(struct attn_sweep *s, struct attn_finding *f)
{
    const struct attn_fleet *fleet = s->fleet;
    if (s->last - s->first == fleet->n) {
        for (int i = 0; i < fleet->n_pairs; i++) {
            int a = fleet->pair[i].covers, b = fleet->pair[i].covered;
            uint32_t lost = s->able[b] & ~s->able[a];
            if (lost)
                return attn_sweep_found(
                    s, ATTN_P_MONOTONE, a, first_bit(lost), s->trace[a].verdict[first_bit(lost)].rule, f,
                    "%s is able on %s and not on %s, which can do more", attn_kernel(first_bit(lost))->name,
                    attn_member_name(fleet, b).text, attn_member_name(fleet, a).text);
        }
    }
    if (s->key.align_k < 4 || s->key.align_v < 4) {
        struct attn_key key = s->key;
        struct attn_trace trace;
        key.align_k = key.align_v = 4;
        s->plans++;
        attn_plan_key(&fleet->device[s->probe], &key, NULL, &trace);
        uint32_t lost = s->able[s->probe] & ~able_set(&trace);
        if (lost)
            return attn_sweep_found(s, ATTN_P_MONOTONE, s->probe, first_bit(lost), trace.verdict[first_bit(lost)].rule,
                                    f, "%s is able on %s, and not when K and V are aligned to 16 bytes",
                                    attn_kernel(first_bit(lost))->name, attn_member_name(fleet, s->probe).text);
    }
    return true;
}

/* ---- P11 priced ------------------------------------------------------------------------------------------ */

static bool check_priced(struct attn_sweep *s, struct attn_finding *f) { return attn_sweep_priced(s, f); }

/* ---- All ------------------------------------------------------------------------------------------------- */

/* One row a property, in the order they are checked. */
static bool (*const checks[])(struct attn_sweep *, struct attn_finding *) = {
#define PLAN(name) check_##name,
#define RUN(name)
#define SESSION(name)
#define X(number, NAME, name, kind, text) kind(name)
    ATTN_PROPERTIES(X)
#undef X
#undef SESSION
#undef RUN
#undef PLAN
};

bool attn_check_plan(const struct attn_fleet *fleet, const struct attn_case *c, bool whole, struct attn_sweep *s,
                     struct attn_finding *f)
{
    int own = attn_fleet_find(fleet, c->run.device, c->run.weakening);
    s->fleet = fleet;
    s->c = c;
    s->first = whole || own < 0 ? 0 : own;
    s->last = whole || own < 0 ? fleet->n : own + 1;
    s->probe = own < 0 ? 0 : own;
    s->plans = 0;
    f->property = ATTN_P_NONE;
    attn_key_of(&c->problem, &s->key);
    for (int m = s->first; m < s->last; m++) {
        attn_plan_key(&fleet->device[m], &s->key, &s->plan, &s->trace[m]);
        s->able[m] = able_set(&s->trace[m]);
        s->plans++;
        if (s->trace[m].chosen >= 0 && s->plan.kernel != s->trace[m].chosen)
            return attn_sweep_found(s, ATTN_P_EXPLAINED, m, s->trace[m].chosen, -1, f,
                                    "kernel %d is chosen on %s, and the plan is of kernel %d", s->trace[m].chosen,
                                    attn_member_name(fleet, m).text, s->plan.kernel);
        const char *wrong = s->trace[m].chosen < 0 ? NULL : attn_plan_check(&s->plan);
        if (wrong)
            return attn_sweep_found(s, ATTN_P_TOTAL, m, s->trace[m].chosen, -1, f, "the plan of %s on %s: %s",
                                    attn_kernel(s->trace[m].chosen)->name, attn_member_name(fleet, m).text, wrong);
    }
    s->plans++;
    attn_plan_key(&fleet->device[s->probe], &s->key, &s->plan, NULL);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (!checks[i](s, f))
            return false;
    return true;
}
