/* plan.c: results as text: errors, keys, rules, traces, plans. All of it is made from the data; nothing is
 * decided here, and any bits in the data give some text. Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

static const char *kernel_name(int kernel)
{
    const struct attn_kernel *k = attn_kernel(kernel);
    return k ? k->name : "none";
}

/* A device's name is a caller's: it need not be terminated. */
static size_t device_name_length(const struct attn_device *device)
{
    size_t n = 0;
    while (n < sizeof device->name && device->name[n])
        n++;
    return n;
}

static void text_device(struct text *t, const struct attn_device *device)
{
    for (size_t i = 0, n = device_name_length(device); i < n; i++)
        text_char(t, device->name[i]);
}

/* Cost is in units of 1/16 ns. */
static void text_cost(struct text *t, uint64_t cost)
{
    uint64_t ns = cost / 16;
    text_u64(t, ns / 1000);
    text_char(t, '.');
    text_char(t, (char)('0' + ns / 100 % 10));
    text_char(t, (char)('0' + ns / 10 % 10));
    text_char(t, (char)('0' + ns % 10));
    text_put(t, " us");
}

/* ---- Errors ------------------------------------------------------------------------------------------ */

size_t attn_error_text(const struct attn_error *error, char *out, size_t cap)
{
    static const char *const templates[ATTN_ERROR_COUNT] = {
#define X(NAME, name, text) text,
        ATTN_ERRORS(X)
#undef X
    };
    struct text t = { out, cap, 0 };
    if (error->code < 0 || error->code >= ATTN_ERROR_COUNT) {
        text_put(&t, "unknown error ");
        text_i64(&t, error->code);
        return text_end(&t);
    }
    for (const char *s = templates[error->code]; *s; s++) {
        if (s[0] != '{' || s[1] == '\0' || s[2] != '}') {
            text_char(&t, *s);
            continue;
        }
        bool known = error->operand >= 0 && error->operand <= ATTN_FURTHER;
        int64_t value = s[1] == 'a' ? error->a : s[1] == 'b' ? error->b : error->dim;
        if (s[1] == 't')
            text_put(&t, known ? attn_operand_name(error->operand) : "?");
        else if (error->code == ATTN_E_TYPE)
            text_type(&t, value);
        else
            text_i64(&t, value);
        s += 2;
    }
    return text_end(&t);
}

/* ---- Key --------------------------------------------------------------------------------------------- */

/* .kq8_0-4: type and log2 of the alignment; -b13 lists the dimensions that are broadcast. */
static void text_key_copy(struct text *t, char tensor, int type, int align, const int64_t copy[3],
                          const int64_t full[3])
{
    text_char(t, '.');
    text_char(t, tensor);
    if (type < ATTN_TYPE_COUNT)
        text_put(t, attn_type_info(type)->name);
    else
        text_i64(t, type);
    text_char(t, '-');
    text_i64(t, align);
    bool plain = true, broadcast = false;
    for (int i = 0; i < 3; i++) {
        plain &= copy[i] == full[i] || copy[i] == 1;
        broadcast |= copy[i] != full[i];
    }
    if (plain && broadcast)
        text_put(t, "-b");
    for (int i = 0; i < 3; i++) {
        if (!plain) { /* the key of no legal problem */
            text_char(t, i ? '/' : '-');
            text_i64(t, copy[i]);
        } else if (copy[i] != full[i]) {
            text_char(t, (char)('1' + i));
        }
    }
}

static void text_key(struct text *t, const struct attn_key *k)
{
    const int64_t full[3] = { k->n_kv, k->n_head_kv, k->n_seq };
    text_char(t, 'q');
    text_i64(t, k->n_q);
    text_put(t, ".kv");
    text_i64(t, k->n_kv);
    text_put(t, ".d");
    text_i64(t, k->d_k);
    text_char(t, '/');
    text_i64(t, k->d_v);
    text_put(t, ".h");
    text_i64(t, k->n_head);
    text_char(t, '/');
    text_i64(t, k->n_head_kv);
    text_put(t, ".s");
    text_i64(t, k->n_seq);
    if (k->mask_heads != 0 || k->mask_seqs != 0) {
        text_put(t, ".m");
        text_i64(t, k->mask_heads);
        text_char(t, '/');
        text_i64(t, k->mask_seqs);
    }
    text_key_copy(t, 'k', k->type_k, k->align_k, k->k_copy, full);
    text_key_copy(t, 'v', k->type_v, k->align_v, k->v_copy, full);
    if (k->softcap)
        text_put(t, ".softcap");
    if (k->alibi)
        text_put(t, ".alibi");
    if (k->sinks)
        text_put(t, ".sinks");
}

size_t attn_key_text(const struct attn_key *key, char *out, size_t cap)
{
    struct text t = { out, cap, 0 };
    text_key(&t, key);
    return text_end(&t);
}

/* ---- Rules ------------------------------------------------------------------------------------------- */

/* An operand clips its head sizes: the largest stands for itself and all above. */
static void text_head_extent(struct text *t, int32_t d)
{
    text_i64(t, d);
    if (d == INT32_MAX)
        text_char(t, '+');
}

static void text_head_size(struct text *t, struct attn_head_size s, bool both)
{
    text_head_extent(t, s.d_k);
    if (both || s.d_k != s.d_v) {
        text_char(t, '/');
        text_head_extent(t, s.d_v);
    }
}

static void text_operand(struct text *t, int unit, int64_t value)
{
    switch (unit) {
    case ATTN_UNIT_HEAD_SIZE: text_head_size(t, attn_head_size_pair(value), true); return;
    case ATTN_UNIT_TYPE: text_type(t, value); return;
    default: text_i64(t, value); return;
    }
}

/* The bits set in a member relation's right side, by name. */
static void text_members(struct text *t, int unit, int64_t set)
{
    bool any = false;
    for (int bit = 0; bit <= 62; bit++) {
        if (!(set >> bit & 1))
            continue;
        if (any)
            text_put(t, ", ");
        any = true;
        if (unit == ATTN_UNIT_HEAD_SIZE && attn_head_size(bit))
            text_head_size(t, *attn_head_size(bit), false);
        else if (unit == ATTN_UNIT_HEAD_SIZE)
            text_put(t, "?"); /* no head size has that number */
        else
            text_operand(t, unit, bit);
    }
    if (!any)
        text_put(t, "nothing");
}

static const struct attn_rule *find_rule(int kernel, int rule)
{
    const struct attn_kernel *k = attn_kernel(kernel);
    return k && rule >= 0 && rule < k->n_rules ? &k->rules[rule] : NULL;
}

static void text_rule(struct text *t, int kernel, int rule, bool holds, int64_t lhs, int64_t rhs)
{
    static const char *const relations[ATTN_REL_COUNT][2] = {
#define X(NAME, name, fails, holds) { fails, holds },
        ATTN_RELATIONS(X)
#undef X
    };
    static const char *const units[ATTN_UNIT_COUNT] = {
#define X(NAME, name, after) after,
        ATTN_UNITS(X)
#undef X
    };
    const struct attn_rule *r = find_rule(kernel, rule);
    text_put(t, kernel_name(kernel));
    text_char(t, '.');
    if (r == NULL || r->relation >= ATTN_REL_COUNT) {
        text_put(t, "rule ");
        text_i64(t, rule);
        return;
    }
    const char *unit = r->unit < ATTN_UNIT_COUNT ? units[r->unit] : "";
    text_put(t, r->name);
    text_put(t, ": ");
    text_operand(t, r->unit, lhs);
    text_put(t, unit);
    text_put(t, relations[r->relation][holds]);
    if (r->relation == ATTN_REL_MEMBER) {
        text_members(t, r->unit, rhs);
    } else {
        text_operand(t, r->unit, rhs);
        text_put(t, unit);
    }
}

size_t attn_rule_text(int kernel, int rule, bool holds, int64_t lhs, int64_t rhs, char *out, size_t cap)
{
    struct text t = { out, cap, 0 };
    text_rule(&t, kernel, rule, holds, lhs, rhs);
    return text_end(&t);
}

/* ---- Trace ------------------------------------------------------------------------------------------- */

size_t attn_trace_text(const struct attn_device *device, const struct attn_trace *trace, char *out, size_t cap)
{
    struct text t = { out, cap, 0 };
    text_device(&t, device);
    text_put(&t, ": ");
    text_put(&t, trace->chosen < 0 ? "no kernel is able" : kernel_name(trace->chosen));
    text_char(&t, '\n');
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        const struct attn_verdict *v = &trace->verdict[i];
        text_put(&t, "  ");
        if (v->able) {
            text_put(&t, kernel_name(i));
            text_put(&t, i == trace->chosen ? ": chosen, cost " : ": able, cost ");
            text_cost(&t, v->cost);
        } else {
            const struct attn_rule *r = find_rule(i, v->rule);
            text_rule(&t, i, v->rule, false, v->lhs, v->rhs);
            if (r) {
                text_put(&t, r->structural ? " (structural; needs: " : " (needs: ");
                text_put(&t, r->meaning);
                text_char(&t, ')');
            }
        }
        text_char(&t, '\n');
    }
    return text_end(&t);
}

/* ---- Plan -------------------------------------------------------------------------------------------- */

static bool has_step(const struct attn_plan *p, int step) { return p->steps >> step & 1; }

static void text_launch(struct text *t, const char *step, const struct attn_launch *l)
{
    text_put(t, "  launch ");
    text_put(t, step);
    text_put(t, ": grid ");
    text_u32s(t, l->grid, 3);
    text_put(t, ", block ");
    text_u32s(t, l->block, 3);
    text_put(t, ", LDS ");
    text_u64(t, l->lds_static_bytes);
    text_char(t, '+');
    text_u64(t, l->lds_dynamic_bytes);
    text_put(t, " bytes\n");
}

/* ", WORD: 12 UNIT" */
static void text_item(struct text *t, const char *before, int64_t value, const char *after)
{
    text_put(t, before);
    text_i64(t, value);
    text_put(t, after);
}

static void text_chain(struct text *t, const char *before, const struct attn_chain *c)
{
    text_item(t, before, c->lanes > 1 ? c->lanes : 1, " lanes");
    text_item(t, ", ", c->joins, " joins");
    if (c->block > 1)
        text_item(t, ", blocks of ", c->block, "");
    else
        text_put(t, c->block == 1 ? ", in order" : "");
}

/* The order of additions. */
static void text_sums(struct text *t, const struct attn_arithmetic *a)
{
    text_item(t, "  sums: scores ", a->dot_chain, a->matrix ? " instructions" : " additions");
    if (a->matrix)
        text_item(t, " of ", a->depth, a->q_rest_first ? ", q's second part first" : "");
    text_item(t, ", ", a->dot_joins, " joins; keys in ");
    text_item(t, "", a->splits > 1 ? a->splits : 1, " splits x ");
    text_item(t, "", a->waves > 1 ? a->waves : 1, " waves");
    text_chain(t, "; weights ", &a->weights);
    text_chain(t, "; values ", &a->values);
    text_char(t, '\n');
}

static void text_arithmetic(struct text *t, const struct attn_arithmetic *a)
{
    const struct {
        const char *name;
        uint8_t type;
    } rounded[] = { { " q ", a->q_type }, { ", k ", a->k_type }, { ", v ", a->v_type }, { ", weights ", a->p_type } };
    text_put(t, "  arithmetic:");
    for (size_t i = 0; i < sizeof rounded / sizeof rounded[0]; i++) {
        const uint8_t parts = i == 0 ? a->q_parts : i == 3 ? a->p_parts : 1;
        text_put(t, rounded[i].name);
        text_type(t, rounded[i].type);
        if (parts > 1)
            text_item(t, " in ", parts, " parts");
    }
    if (a->matrix)
        text_put(t, ", matrix cores");
    text_item(t, ", rescaled every ", a->kv_tile, " keys");
    text_put(t, a->flush ? ", subnormals may be flushed\n" : "\n");
}

size_t attn_plan_text(const struct attn_plan *p, char *out, size_t cap)
{
    struct text t = { out, cap, 0 };
    const struct attn_head_size *instance = attn_head_size(p->head_size);
    text_device(&t, &p->device);
    text_put(&t, ": ");
    text_put(&t, kernel_name(p->kernel));
    text_put(&t, ", head size ");
    if (instance)
        text_head_size(&t, *instance, true);
    else
        text_put(&t, "any");
    text_item(&t, ", columns ", p->columns, " (");
    text_item(&t, "", p->columns_q, " rows x ");
    text_item(&t, "", p->columns_gqa, " heads)");
    text_item(&t, ", KV tile ", p->kv_tile, "");
    text_item(&t, ", ", p->waves, " waves of ");
    text_item(&t, "", p->wave_size, "");
    text_item(&t, ", splits ", p->splits, "\n");
    text_item(&t, "  loads: k ", p->load_k, " bytes");
    text_item(&t, ", v ", p->load_v, " bytes\n");
    if (p->stage_k > 0) {
        text_item(&t, "  through LDS: k by ", p->stage_k, " bytes");
        text_item(&t, ", v by ", p->stage_v, " bytes\n");
    }
    if (p->convert_k >= 0 || p->convert_v >= 0) {
        text_put(&t, "  converted:");
        if (p->convert_k >= 0) {
            text_put(&t, " k to ");
            text_type(&t, p->convert_k);
        }
        if (p->convert_v >= 0) {
            text_put(&t, p->convert_k >= 0 ? ", v to " : " v to ");
            text_type(&t, p->convert_v);
        }
        text_char(&t, '\n');
    }
    if (p->scan)
        text_item(&t, "  mask scan: blocks of ", p->scan_q, " rows\n");
    for (int s = 0; s < ATTN_STEP_COUNT; s++)
        if (has_step(p, s))
            text_launch(&t, attn_step_name(s), &p->launch[s]);
    text_item(&t, "  workspace: ", p->workspace_bytes, " bytes");
    for (int i = 0; i < ATTN_REGION_COUNT; i++) {
        if (p->region_bytes[i] == 0)
            continue;
        text_put(&t, ", ");
        text_put(&t, attn_region_name(i));
        text_item(&t, " ", p->region_bytes[i], "");
        text_item(&t, " at ", p->region_offset[i], "");
    }
    text_char(&t, '\n');
    text_arithmetic(&t, &p->arithmetic);
    text_sums(&t, &p->arithmetic);
    text_put(&t, "  cost: ");
    text_cost(&t, p->cost);
    text_put(&t, "\n  key: ");
    text_key(&t, &p->key);
    text_char(&t, '\n');
    return text_end(&t);
}
