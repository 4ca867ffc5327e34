/* isa_rows.c: every row of the scalar, vector and compare sets on drawn operands, against what its name says: an oracle
 * that takes the mnemonic apart and works in wider types, one value at a time. What it does not know by its name must
 * be a case of isa_alu.c: a row that nothing tests is named.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/vector.h"
#include "tests/isa/row_oracle.h"

enum { ROUNDS = 24, DST = 20 };

/* ---- Asking ------------------------------------------------------------------------------------------------------ */

/* "v_dual_add_nc_u32": op and the last word. */
static void take_apart(struct question *q)
{
    const char *name = q->row->name + 2;
    if (!strncmp(name, "dual_", 5))
        name += 5;
    if (!strncmp(name, "s_", 2))
        name += 2;
    const char *last = strrchr(name, '_');
    const size_t n = last ? (size_t)(last - name) : strlen(name);
    snprintf(q->op, sizeof q->op, "%.*s", (int)n, name);
    snprintf(q->type, sizeof q->type, "%s", last ? last + 1 : "");
    q->width = q->type[0] && q->type[1] ? atoi(q->type + 1) : 0;
    if (q->row->dst[0] && q->row->dst[0] != ISA_T_MASK && q->width < 32 && width_of(q->row->dst[0]) != q->width)
        q->width = 0; /* v_mul_i32_i24 and the like */
}

static bool ask(const struct question *q, struct answer *r)
{
    memset(r, 0, sizeof *r);
    const bool real = is_float(q->row->dst[0]) && is_float(q->row->src[0]);
    if (strstr(q->row->name, "_cmp"))
        return compares(q, r);
    if (real && q->type[0] == 'f' && reals(q, r))
        return true;
    if (q->width && q->type[0] != 'f' && !strstr(q->row->name, "cvt") && integers(q, r))
        return true;
    return conversions(q, r);
}

static void fill_question(struct question *q, const struct isa_row *row, uint64_t *seed)
{
    q->row = row;
    for (int k = 0; k < 4; k++) {
        const int type = row->src[k];
        q->s[k] = !type ? 0 : type == ISA_T_MASK ? draw(seed) & 1 : draw_value(seed, type);
        if (k && type && draw(seed) % 6 == 0 && type == row->src[0])
            q->s[k] = q->s[0];
        const int width = type && type != ISA_T_MASK ? width_of(type) : 64;
        const bool is_signed = type == ISA_T_I16 || type == ISA_T_I32 || type == ISA_T_I64;
        q->x[k] = is_signed && q->s[k] >> (width - 1) & 1 ? (wide)q->s[k] - ((wide)1 << width) : (wide)q->s[k];
        q->r[k] = is_float(type) ? real_of(q->s[k], type) : 0;
    }
    q->scc = draw(seed) & 1;
}

/* The text of isa_alu's cases. */
static char *other_cases(void)
{
    static const char *const files[] = { "tests/isa/alu_cases.h", "tests/isa/isa_alu.c" };
    enum { MOST = 1 << 17 };
    char *text = calloc(2, MOST);
    assert_non_null(text);
    size_t length = 0;
    for (int k = 0; k < 2; k++) {
        FILE *f = fopen(files[k], "rb");
        assert_non_null(f);
        length += fread(text + length, 1, MOST - 1, f);
        fclose(f);
    }
    return text;
}

/* Is it a case of the other test? */
static bool named_elsewhere(const char *text, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at += n)
        if (at[-1] == '"' &&
            (at[n] == ' ' || at[n] == '"' || !strncmp(at + n, "_e", 2) || !strncmp(at + n, "_sdwa", 5)))
            return true;
    return false;
}

static bool same(uint64_t is, const struct answer *r, int type)
{
    if (is_float(type) && isnan(real_of(r->bits, type)))
        return isnan(real_of(is, type));
    const int64_t apart = (int64_t)(is - r->bits);
    const double small = type == ISA_T_F16 ? 0x1p-13 : 0x1p-28; /* sine and cosine near 0 */
    return is == r->bits ||
           (r->near && (llabs(apart) <= 1 || fabs(real_of(is, type) - real_of(r->bits, type)) < small));
}

static void set_operand(struct isa_wave *w, struct isa_operand *o, int type, bool scalar, int reg, uint64_t value)
{
    o->place = scalar || type == ISA_T_MASK ? ISA_P_SCALAR : ISA_P_VECTOR;
    o->reg = (uint16_t)reg;
    for (int word = 0; word < 2; word++)
        for (int l = 0; l < ISA_LANES; l++)
            w->v[reg + word][l] = (uint32_t)(value >> 32 * word);
    if (type == ISA_T_MASK)
        value = value ? UINT64_MAX : 0;
    w->s[reg] = (uint32_t)value, w->s[reg + 1] = (uint32_t)(value >> 32);
}

static bool try_row(struct isa_wave *w, const struct isa_row *row, uint64_t *seed)
{
    const bool scalar = row->class == ISA_CLASS_SCALAR || !strncmp(row->name, "v_s_", 4);
    struct question q = { .row = row };
    take_apart(&q);
    for (int round = 0; round < ROUNDS; round++) {
        struct isa_instr i = { .row = row };
        struct answer r;
        fill_question(&q, row, seed);
        const bool immediate = scalar && strstr(row->name, "k_") && !strstr(row->name, "pk_");
        if (immediate) { /* SOPK */
            i.immediate = draw(seed) & 0xffff;
            const int at = row->src[0] ? 1 : 0;
            q.x[at] = strstr(row->name, "_u32") ? (wide)i.immediate : (int16_t)i.immediate;
            q.s[at] = (uint64_t)q.x[at];
            char *k = strstr(q.op, "k");
            if (k && !strstr(q.op, "mov"))
                memmove(k, k + 1, strlen(k));
        }
        if (!ask(&q, &r))
            return false;
        isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
        for (int k = 0; k < 4 && row->src[k]; k++)
            set_operand(w, &i.src[k], row->src[k], scalar, 2 * k, q.s[k]);
        for (int k = 0; k < 2 && row->dst[k]; k++)
            set_operand(w, &i.dst[k], row->dst[k], scalar, DST + 2 * k, 0);
        w->s[ISA_SCC] = (uint32_t)q.scc;
        assert_int_equal(row->run(w, &i), ISA_GO);
        const int type = row->dst[0];
        const uint32_t *at[2] = { scalar ? &w->s[DST] : &w->v[DST][63], scalar ? &w->s[DST + 1] : &w->v[DST + 1][63] };
        const uint64_t is = *at[0] | (width_of(type) == 64 ? (uint64_t)*at[1] << 32 : 0);
        const bool good = !type || type == ISA_T_MASK || same(is, &r, type);
        const uint64_t carry = scalar ? w->s[ISA_SCC] : type == ISA_T_MASK ? isa_s64(w, DST) : isa_s64(w, DST + 2);
        const bool carry_good = !r.has_carry ||
                                carry == (scalar    ? r.carry
                                          : r.carry ? UINT64_MAX
                                                    : 0) ||
                                (row->flags & ISA_WRITES_EXEC && w->exec == (r.carry ? UINT64_MAX : 0));
        if (!good || !carry_good)
            fail_msg("%s of %llx %llx %llx %llx, scc %d: %llx, carry %llx; not %llx, %llx", row->name,
                     (unsigned long long)q.s[0], (unsigned long long)q.s[1], (unsigned long long)q.s[2],
                     (unsigned long long)q.s[3], (int)q.scc, (unsigned long long)is, (unsigned long long)carry,
                     (unsigned long long)r.bits, (unsigned long long)r.carry);
    }
    return true;
}

/* s_X_saveexec, s_X_wrexec: X of the source and EXEC, which becomes that */
static bool saves_exec(const struct question *q, uint64_t exec, uint64_t *now)
{
    const char *end = strstr(q->op, "_saveexec") ? strstr(q->op, "_saveexec") : strstr(q->op, "_wrexec");
    if (!end)
        return false;
    const uint64_t a = q->s[0], all = q->width == 64 ? UINT64_MAX : UINT32_MAX;
    const size_t n = (size_t)(end - q->op);
    static const char *const ops[] = { "and",   "or",       "xor",  "andn2",   "and_not1", "orn2", "or_not1",
                                       "andn1", "and_not0", "orn1", "or_not0", "nand",     "nor",  "xnor" };
    const uint64_t is[] = { a & exec,  a | exec,  a ^ exec,  a & ~exec, a & ~exec,   a | ~exec,   a | ~exec,
                            ~a & exec, ~a & exec, ~a | exec, ~a | exec, ~(a & exec), ~(a | exec), ~(a ^ exec) };
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
        if (strlen(ops[k]) == n && !strncmp(ops[k], q->op, n)) {
            *now = (is[k] & all) | (exec & ~all);
            return true;
        }
    return false;
}

static bool try_exec(struct isa_wave *w, const struct isa_row *row, uint64_t *seed)
{
    struct question q = { .row = row };
    take_apart(&q);
    for (int round = 0; round < ROUNDS; round++) {
        struct isa_instr i = { .row = row };
        const uint64_t exec = draw_value(seed, ISA_T_B64);
        uint64_t now = 0;
        fill_question(&q, row, seed);
        if (!saves_exec(&q, exec, &now))
            return false;
        isa_set_scalar(w, ISA_EXEC, 2, exec);
        set_operand(w, &i.src[0], row->src[0], true, 0, q.s[0]);
        set_operand(w, &i.dst[0], row->dst[0], true, DST, 0);
        assert_int_equal(row->run(w, &i), ISA_GO);
        const uint64_t all = q.width == 64 ? UINT64_MAX : UINT32_MAX;
        const uint64_t result = (strstr(row->name, "_wrexec") ? now : exec) & all;
        if (w->exec != now || (isa_s64(w, DST) & all) != result || w->s[ISA_SCC] != ((now & all) != 0))
            fail_msg("%s of %llx, EXEC %llx: %llx, EXEC %llx", row->name, (unsigned long long)q.s[0],
                     (unsigned long long)exec, (unsigned long long)isa_s64(w, DST), (unsigned long long)w->exec);
    }
    return true;
}

static void test_rows(void **state)
{
    (void)state;
    const struct isa_row_set *const sets[] = { &isa_rows_vector, &isa_rows_compare, &isa_rows_scalar };
    struct isa_wave *w = new_wave("gfx90a", 64);
    char *const cases = other_cases();
    uint64_t seed = 11;
    size_t judged = 0, elsewhere = 0, nowhere = 0;
    for (int k = 0; k < 3; k++) {
        for (size_t n = 0; n < sets[k]->count; n++) {
            const struct isa_row *row = &sets[k]->row[n];
            if (try_row(w, row, &seed) || try_exec(w, row, &seed))
                judged++;
            else if (named_elsewhere(cases, row->name))
                elsewhere++;
            else
                nowhere++, print_message("no test has %s\n", row->name);
        }
    }
    print_message("%zu rows judged by their names, %zu by cases\n", judged, elsewhere);
    free(w);
    free(cases);
    assert_int_equal(nowhere, 0);
}

/* The lane functions for any processor and those for AVX2 give the same bits (a NaN is a NaN). */
static void test_levels(void **state)
{
    (void)state;
    static isa_lanes *const *const level[2][ISA_LANE_SET_COUNT] = {
#define X(SET, set, rows) isa_lanes_##set##_base,
        { ISA_LANE_SETS(X) },
#undef X
#define X(SET, set, rows) isa_lanes_##set##_v3,
        { ISA_LANE_SETS(X) },
#undef X
    };
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c") ||
        !__builtin_cpu_supports("bmi2"))
        skip();
    const struct isa_row_set *const sets[] = { &isa_rows_vector, &isa_rows_compare };
    static uint32_t source[4][2][ISA_LANES], result[2][3][ISA_LANES];
    uint64_t seed = 3;
    for (int k = 0; k < 2; k++) {
        for (size_t n = 0; n < sets[k]->count; n++) {
            const struct isa_row *row = &sets[k]->row[n];
            if (!strncmp(row->name, "v_swap", 6))
                continue;
            struct isa_vector x = { .lanes = 64, .ieee = draw(&seed) & 1, .clamp = draw(&seed) & 1, .table = 0xd8 };
            for (int at = 0; at < 4; at++) {
                for (int l = 0; l < ISA_LANES; l++) {
                    const int type = row->src[at] && row->src[at] != ISA_T_MASK ? row->src[at] : ISA_T_B32;
                    const uint64_t u = draw_value(&seed, type);
                    source[at][0][l] = (uint32_t)u, source[at][1][l] = (uint32_t)(u >> 32);
                }
                x.s[at][0] = source[at][0], x.s[at][1] = source[at][1];
            }
            for (int at = 0; at < 2; at++) {
                x.d[0] = result[at][0], x.d[1] = result[at][1], x.carry = result[at][2];
                memset(result[at], 0, sizeof result[at]);
                level[at][row->op.number >> 16][row->op.number & 0xffff](&x);
            }
            for (int l = 0; l < ISA_LANES; l++) {
                const uint64_t a = result[0][0][l] | (uint64_t)result[0][1][l] << 32;
                const struct answer r = { .bits = result[1][0][l] | (uint64_t)result[1][1][l] << 32 };
                if (!same(a, &r, row->dst[0]) || result[0][2][l] != result[1][2][l])
                    fail_msg("%s: %llx here, %llx there", row->name, (unsigned long long)a, (unsigned long long)r.bits);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_levels) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
