/* fuzz_data.c: what a case's data are: the same every time, finite where a row looks, poison where none does, gaps
 * untouched; and a case's line reads back as the case.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/domain/mutate.h"
#include "fuzz/properties/properties.h"

static const struct attn_domain_limits limits = { 60000, 393216, 20480, ATTN_REACH_MOST };

static void make_case(uint64_t seed, struct attn_case *c)
{
    struct attn_genome genome;
    attn_genome_random(&genome, seed);
    attn_genome_case(&genome, &limits, c);
}

static void a_case_survives_its_line(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        struct attn_case c, back;
        struct attn_text_error error;
        char line[ATTN_CASE_LINE_MAX], again[ATTN_CASE_LINE_MAX];
        make_case(i, &c);
        size_t length = attn_case_print(&c, line, sizeof line);
        assert_true(length < sizeof line);
        assert_true(attn_case_parse(line, length, &back, &error));
        assert_memory_equal(&c.run, &back.run, sizeof c.run);
        attn_case_print(&back, again, sizeof again);
        assert_string_equal(line, again);
    }
}

static void bad_run_parts_are_errors_where_they_stand(void **state)
{
    static const struct {
        const char *run;
        size_t column;
    } bad[] = {
        { " dev=gfx1", 6 },    { " dev=gfx906~matrix", 13 },        { " dead=2", 7 }, { " seed=1 seed=2", 9 },
        { " kernel=wide", 9 }, { " seed=18446744073709551616", 7 }, { " seed=", 7 },  { " data", 6 },
        { " colour=1", 2 },
    };
    static const char problem[] = "fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1] |";
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[256];
        struct attn_case c;
        struct attn_text_error error = { 0, "" };
        snprintf(line, sizeof line, "%s%s", problem, bad[i].run);
        assert_false(attn_case_parse(line, strlen(line), &c, &error));
        assert_int_equal(error.column, sizeof problem - 1 + bad[i].column);
        assert_true(error.message[0] != 0);
    }
}

/* Does any row of the heads of a KV head see the key? From the definition, cell by cell. */
static bool is_seen(const struct attn_problem *p, const char *mask, int64_t key, int64_t kv_head, int64_t seq)
{
    const struct attn_tensor *t = &p->t[ATTN_MASK];
    int64_t ratio = attn_n_head(p) / attn_n_head_kv(p);
    if (!mask)
        return true;
    for (int64_t h = kv_head * ratio; h < (kv_head + 1) * ratio; h++)
        for (int64_t iq = 0; iq < attn_n_q(p); iq++) {
            int64_t mh = h % t->ne[2], ms = seq % t->ne[3];
            uint16_t value;
            memcpy(&value,
                   mask + 2 * key + (iq ? iq * t->nb[1] : 0) + (mh ? mh * t->nb[2] : 0) + (ms ? ms * t->nb[3] : 0), 2);
            if (value != 0xfc00)
                return true;
        }
    return false;
}

static int check_cells(const struct attn_case *c, const struct attn_image *image, int operand)
{
    const struct attn_problem *p = &c->problem;
    const struct attn_tensor *t = &p->t[operand];
    bool simple = t->buffer == 0; /* no cell has another's bytes */
    float row[640];
    int dead = 0;
    for (int d = 1; d < 4; d++)
        simple = simple && (t->ne[d] == 1 || t->nb[d] != 0);
    for (int64_t s = 0; s < t->ne[3]; s++)
        for (int64_t h = 0; h < t->ne[2]; h++)
            for (int64_t j = 0; j < t->ne[1]; j++) {
                const char *at = (const char *)attn_image_at(image, p, operand) + (j ? j * t->nb[1] : 0) +
                                 (h ? h * t->nb[2] : 0) + (s ? s * t->nb[3] : 0);
                bool seen = is_seen(p, attn_image_at(image, p, ATTN_MASK), j, h, s);
                int finite = 0;
                attn_row_decode(t->type, at, t->ne[0], row);
                for (int64_t d = 0; d < t->ne[0]; d++)
                    finite += isfinite(row[d]) != 0;
                if (seen || !c->run.dead)
                    assert_int_equal(finite, t->ne[0]);
                else if (simple)
                    assert_true(finite == 0 && ++dead);
            }
    return dead;
}

/* Filled twice alike, and nothing but elements is filled. */
static void check_stretch(const struct attn_buffer *one, const struct attn_buffer *two, struct attn_stretch s)
{
    assert_memory_equal(one->bytes + s.start, two->bytes + s.start, (size_t)(s.end - s.start));
    for (int64_t at = s.start; at < s.end; at++)
        if (one->role[at] != ATTN_ROLE_INPUT)
            assert_int_equal(one->bytes[at], 0xff);
}

static void live_cells_are_finite_and_dead_ones_poison(void **state)
{
    int dead = 0;
    (void)state;
    for (uint64_t i = 0; i < 1500; i++) {
        struct attn_case c;
        struct attn_image one, two;
        make_case(i, &c);
        assert_true(attn_image_create(&c.problem, 1 << 24, &one));
        assert_true(attn_image_create(&c.problem, 1 << 24, &two));
        attn_data_fill(&c, &one);
        attn_data_fill(&c, &two);
        dead += check_cells(&c, &one, ATTN_K) + check_cells(&c, &one, ATTN_V);
        for (int b = 0; b < one.n_buffers; b++)
            for (int32_t s = 0; s < one.buffer[b].n_stretches; s++)
                check_stretch(&one.buffer[b], &two.buffer[b], one.buffer[b].stretch[s]);
        attn_image_free(&one);
        attn_image_free(&two);
    }
    assert_true(dead > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_survives_its_line),
        cmocka_unit_test(bad_run_parts_are_errors_where_they_stand),
        cmocka_unit_test(live_cells_are_finite_and_dead_ones_poison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
