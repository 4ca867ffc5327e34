/* json.c: traces and plans as JSON. Any bits in the data give valid JSON. Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

/* Bytes outside printable ASCII are taken for Latin-1, so that any bytes are valid JSON. */
static void json_bytes(struct text *t, const char *s, size_t n)
{
    text_char(t, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 32 || c >= 127) {
            text_put(t, "\\u00");
            text_hex_byte(t, c);
            continue;
        }
        if (c == '"' || c == '\\')
            text_char(t, '\\');
        text_char(t, (char)c);
    }
    text_char(t, '"');
}

static void json_string(struct text *t, const char *s) { json_bytes(t, s, strlen(s)); }

/* "name": after a comma unless it is the object's first. */
static void json_key(struct text *t, const char *name)
{
    bool first = t->len == 0;
    text_put(t, first ? "{\"" : ",\"");
    text_put(t, name);
    text_put(t, "\":");
}

static void json_i64(struct text *t, const char *name, int64_t value)
{
    json_key(t, name);
    text_i64(t, value);
}

static void json_bool(struct text *t, const char *name, bool value)
{
    json_key(t, name);
    text_put(t, value ? "true" : "false");
}

/* A type by name, null for none. */
static void json_type(struct text *t, const char *name, int32_t type)
{
    json_key(t, name);
    if (type >= 0 && type < ATTN_TYPE_COUNT)
        json_string(t, attn_type_info(type)->name);
    else
        text_put(t, "null");
}

static void json_kernel(struct text *t, const char *name, int kernel)
{
    json_key(t, name);
    if (attn_kernel(kernel))
        json_string(t, kernel_name(kernel));
    else
        text_put(t, "null");
}

static void json_device(struct text *t, const struct attn_device *device)
{
    json_key(t, "device");
    json_bytes(t, device->name, device_name_length(device));
}

/* Sixteenths of a nanosecond have an exact decimal form. */
static void json_cost(struct text *t, uint64_t cost)
{
    json_key(t, "cost_ns");
    text_u64(t, cost / 16);
    uint64_t part = cost % 16 * 625;
    if (part == 0)
        return;
    text_char(t, '.');
    for (uint64_t unit = 1000; part; part %= unit, unit /= 10)
        text_char(t, (char)('0' + part / unit));
}

static void json_extents(struct text *t, const char *name, const uint32_t extents[3])
{
    json_key(t, name);
    text_char(t, '[');
    text_u32s(t, extents, 3);
    text_char(t, ']');
}

static void json_launch(struct text *t, const struct attn_launch *l)
{
    json_extents(t, "grid", l->grid);
    json_extents(t, "block", l->block);
    json_i64(t, "lds_static_bytes", l->lds_static_bytes);
    json_i64(t, "lds_dynamic_bytes", l->lds_dynamic_bytes);
}

size_t attn_trace_json(const struct attn_device *device, const struct attn_trace *trace, char *out, size_t cap)
{
    struct text t = { out, cap, 0 };
    json_device(&t, device);
    json_kernel(&t, "chosen", trace->chosen);
    json_key(&t, "kernels");
    for (int i = 0; i < ATTN_KERNEL_COUNT; i++) {
        const struct attn_verdict *v = &trace->verdict[i];
        text_put(&t, i ? ",{\"kernel\":" : "[{\"kernel\":");
        json_string(&t, kernel_name(i));
        json_bool(&t, "able", v->able != 0);
        if (v->able) {
            json_cost(&t, v->cost);
        } else {
            const struct attn_rule *r = find_rule(i, v->rule);
            json_key(&t, "rule");
            if (r)
                json_string(&t, r->name);
            else
                text_put(&t, "null");
            json_bool(&t, "structural", r && r->structural);
            json_i64(&t, "lhs", v->lhs);
            json_i64(&t, "rhs", v->rhs);
            /* Rule names and operands' names need no escapes. */
            json_key(&t, "text");
            text_char(&t, '"');
            text_rule(&t, i, v->rule, false, v->lhs, v->rhs);
            text_char(&t, '"');
        }
        text_char(&t, '}');
    }
    text_put(&t, "]}");
    return text_end(&t);
}

static void json_chain(struct text *t, const char *name, const struct attn_chain *c)
{
    json_key(t, name);
    text_item(t, "{\"lanes\":", c->lanes > 1 ? c->lanes : 1, "");
    json_i64(t, "joins", c->joins);
    json_i64(t, "block", c->block);
    text_char(t, '}');
}

/* The order of additions: members of the arithmetic. */
static void json_sums(struct text *t, const struct attn_arithmetic *a)
{
    json_i64(t, "splits", a->splits > 1 ? a->splits : 1);
    json_i64(t, "waves", a->waves > 1 ? a->waves : 1);
    json_i64(t, "dot_chain", a->dot_chain);
    json_i64(t, "dot_joins", a->dot_joins);
    json_i64(t, "depth", a->depth);
    json_i64(t, "q_rest_first", a->q_rest_first);
    json_i64(t, "mask_asked", a->mask_asked);
    json_chain(t, "sum_of_weights", &a->weights);
    json_chain(t, "sum_of_values", &a->values);
}

size_t attn_plan_json(const struct attn_plan *p, char *out, size_t cap)
{
    struct text t = { out, cap, 0 };
    const struct attn_head_size *instance = attn_head_size(p->head_size);
    json_kernel(&t, "kernel", p->kernel);
    json_device(&t, &p->device);
    json_key(&t, "head_size");
    if (instance) {
        text_item(&t, "[", instance->d_k, ",");
        text_item(&t, "", instance->d_v, "]");
    } else {
        text_put(&t, "null"); /* any */
    }
    json_launch(&t, &p->launch[ATTN_STEP_MAIN]);
    json_i64(&t, "workspace_bytes", p->workspace_bytes);
    json_i64(&t, "splits", p->splits);
    json_i64(&t, "columns", p->columns);
    json_i64(&t, "columns_q", p->columns_q);
    json_i64(&t, "columns_gqa", p->columns_gqa);
    json_i64(&t, "kv_tile", p->kv_tile);
    json_i64(&t, "waves", p->waves);
    json_i64(&t, "wave_size", p->wave_size);
    json_i64(&t, "load_k_bytes", p->load_k);
    json_i64(&t, "load_v_bytes", p->load_v);
    json_i64(&t, "stage_k_bytes", p->stage_k);
    json_i64(&t, "stage_v_bytes", p->stage_v);
    json_bool(&t, "scan", p->scan != 0);
    json_i64(&t, "scan_q", p->scan_q);
    json_type(&t, "convert_k", p->convert_k);
    json_type(&t, "convert_v", p->convert_v);
    json_key(&t, "launches");
    text_char(&t, '[');
    for (int s = 0, n = 0; s < ATTN_STEP_COUNT; s++) {
        if (!has_step(p, s))
            continue;
        text_put(&t, n++ ? ",{\"step\":" : "{\"step\":");
        json_string(&t, attn_step_name(s));
        json_launch(&t, &p->launch[s]);
        text_char(&t, '}');
    }
    text_char(&t, ']');
    json_key(&t, "workspace");
    text_char(&t, '[');
    for (int i = 0, n = 0; i < ATTN_REGION_COUNT; i++) {
        if (p->region_bytes[i] == 0)
            continue;
        text_put(&t, n++ ? ",{\"region\":" : "{\"region\":");
        json_string(&t, attn_region_name(i));
        json_i64(&t, "offset_bytes", p->region_offset[i]);
        json_i64(&t, "bytes", p->region_bytes[i]);
        text_char(&t, '}');
    }
    text_char(&t, ']');
    json_key(&t, "arithmetic");
    text_put(&t, "{\"kv_tile\":");
    text_i64(&t, p->arithmetic.kv_tile);
    json_i64(&t, "merges", p->arithmetic.merges);
    json_bool(&t, "flush", p->arithmetic.flush != 0);
    json_bool(&t, "matrix", p->arithmetic.matrix != 0);
    json_i64(&t, "q_parts", p->arithmetic.q_parts > 1 ? p->arithmetic.q_parts : 1);
    json_i64(&t, "weight_parts", p->arithmetic.p_parts > 1 ? p->arithmetic.p_parts : 1);
    json_type(&t, "q", p->arithmetic.q_type);
    json_type(&t, "k", p->arithmetic.k_type);
    json_type(&t, "v", p->arithmetic.v_type);
    json_type(&t, "weights", p->arithmetic.p_type);
    json_sums(&t, &p->arithmetic);
    text_char(&t, '}');
    json_cost(&t, p->cost);
    /* A key's text needs no escapes. */
    json_key(&t, "key");
    text_char(&t, '"');
    text_key(&t, &p->key);
    text_put(&t, "\"}");
    return text_end(&t);
}
