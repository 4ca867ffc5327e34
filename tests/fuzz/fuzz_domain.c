/* fuzz_domain.c: bytes become legal cases whatever they are, genomes survive being written, and an empty corpus reaches
 * what is rare.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/domain/domain.h"
#include "fuzz/domain/mutate.h"
#include "planner/random.h"
#include "fuzz/properties/properties.h"

enum { INPUTS = 10000 };
static const struct attn_domain_limits kernel_limits = { 60000, 393216, 20480, ATTN_REACH_MOST };
static const struct attn_domain_limits least_limits = { 4096, 65536, 1024, ATTN_REACH_MOST };
static const struct attn_domain_limits no_limits = ATTN_DOMAIN_UNLIMITED;

struct input {
    uint8_t bytes[128];
    size_t size;
};

/* Random bytes of a random length, 0 to 127. */
static void random_inputs(struct input *inputs, uint64_t seed)
{
    for (int i = 0; i < INPUTS; i++) {
        inputs[i].size = attn_random(&seed) % 128;
        for (size_t b = 0; b < inputs[i].size; b++)
            inputs[i].bytes[b] = (uint8_t)attn_random(&seed);
    }
}

/* What an engine makes out of the empty input: each is a child of one or two earlier ones. */
static void grow(struct input *grown, uint64_t seed)
{
    grown[0].size = 0;
    for (int i = 1; i < INPUTS; i++) {
        const struct input *a = &grown[attn_random(&seed) % (uint64_t)i], *b = &grown[attn_random(&seed) % (uint64_t)i];
        if (attn_random(&seed) % 4 == 0)
            grown[i].size =
                attn_input_cross(a->bytes, a->size, b->bytes, b->size, grown[i].bytes, 128, attn_random(&seed));
        else
            grown[i].size = attn_input_mutate(a->bytes, a->size, grown[i].bytes, 128, attn_random(&seed));
    }
}

/* From several growths: what the first few inputs of one have, half of its others have, so that any one of them says
 * little about shares. */
static void grown_inputs(struct input *inputs, uint64_t seed)
{
    enum { GROWTHS = 16 };
    static struct input grown[INPUTS];
    for (int g = 0; g < GROWTHS; g++) {
        grow(grown, seed * GROWTHS + (uint64_t)g);
        for (int i = g; i < INPUTS; i += GROWTHS)
            inputs[i] = grown[i];
    }
}

static void decode(const struct input *input, const struct attn_domain_limits *limits, struct attn_case *c)
{
    struct attn_genome genome;
    attn_genome_decode(input->bytes, input->size, &genome);
    attn_genome_case(&genome, limits, c);
}

static void require_legal(const struct attn_case *c)
{
    struct attn_error error;
    char text[256], line[ATTN_CASE_LINE_MAX];
    if (attn_problem_check(&c->problem, &error) == ATTN_E_OK)
        return;
    attn_error_text(&error, text, sizeof text);
    attn_case_print(c, line, sizeof line);
    print_error("%s\n%s\n", text, line);
    fail();
}

static struct input inputs[INPUTS];

static void every_input_is_a_legal_case_within_the_limits(void **state)
{
    static const struct attn_domain_limits *const limits[] = { &no_limits, &kernel_limits, &least_limits };
    struct attn_case c;
    (void)state;
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            random_inputs(inputs, 1);
        else
            grown_inputs(inputs, 2);
        for (int i = 0; i < INPUTS; i++)
            for (int l = 0; l < 3; l++) {
                decode(&inputs[i], limits[l], &c);
                require_legal(&c);
                assert_true(attn_problem_work(&c.problem) <= limits[l]->work);
                assert_true(attn_d_v(&c.problem) * attn_n_head(&c.problem) <=
                            limits[l]->components / attn_n_q(&c.problem));
                assert_true(attn_image_bytes(&c.problem) <= limits[l]->bytes);
            }
    }
}

static void the_empty_input_is_the_simplest_case(void **state)
{
    struct input empty = { { 0 }, 0 };
    struct attn_case c;
    char line[ATTN_CASE_LINE_MAX];
    (void)state;
    decode(&empty, &kernel_limits, &c);
    attn_case_print(&c, line, sizeof line);
    assert_string_equal(line, "fa1 q=f32[40,1,1,1] k=f16[40,1,1,1] v=f16[40,1,1,1] scale=0.15811388 | dev=gfx906");
}

static void a_genome_survives_encoding(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 50000; i++) {
        struct attn_genome genome, back;
        uint8_t bytes[ATTN_GENOME_BYTES_MAX];
        attn_genome_random(&genome, i);
        size_t size = attn_genome_encode(&genome, bytes);
        assert_true(size <= sizeof bytes);
        attn_genome_decode(bytes, size, &back);
        assert_memory_equal(&genome, &back, sizeof genome);
        attn_genome_mutate(&back, i);
        genome = back;
        attn_genome_settle(&back);
        assert_memory_equal(&genome, &back, sizeof genome);
    }
}

static void a_child_has_its_features_from_its_parents(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        struct attn_genome a, b, child;
        attn_genome_random(&a, 2 * i);
        attn_genome_random(&b, 2 * i + 1);
        attn_genome_cross(&a, &b, i, &child);
        assert_true((child.features & ~(a.features | b.features)) == 0);
        assert_true((child.features & (a.features & b.features)) == (a.features & b.features));
        for (int g = 0; g < ATTN_GENE_COUNT; g++)
            assert_true(child.gene[g] == a.gene[g] || child.gene[g] == b.gene[g] || child.gene[g] == 0);
    }
}

enum { TILE_WORK = 480000 }; /* of a column tile, where only some rows of a problem are run */

/* For who runs some rows of them, problems have huge extents too, within the reach of addresses. */
static void some_inputs_are_huge_where_they_are_sampled(void **state)
{
    (void)state;
    for (int grown = 0; grown < 2; grown++) {
        int huge = 0, past = 0;
        (grown ? grown_inputs : random_inputs)(inputs, 29);
        for (int i = 0; i < INPUTS; i++) {
            struct attn_genome genome;
            struct attn_case c;
            attn_genome_decode(inputs[i].bytes, inputs[i].size, &genome);
            attn_genome_case_sampled(&genome, &kernel_limits, TILE_WORK, &c);
            require_legal(&c);
            const struct attn_problem *p = &c.problem;
            assert_true(attn_image_reach(p) <= ATTN_REACH_MOST);
            if (attn_problem_work(p) <= kernel_limits.work)
                continue;
            const int64_t columns = attn_n_q(p) * (attn_n_head(p) / attn_n_head_kv(p));
            assert_true((columns < 64 ? columns : 64) * attn_n_kv(p) * (attn_d_k(p) + attn_d_v(p)) <= TILE_WORK);
            if (attn_effort_fills(genome.gene[ATTN_GENE_effort]))
                continue;
            huge++;
            past += attn_n_q(p) * attn_n_head(p) * attn_n_seq(p) > INT64_C(1) << 31;
        }
        if (huge < INPUTS / 100 || huge > INPUTS / 8 || past < INPUTS / 1000)
            fail_msg("%s: %d of %d are huge, %d have more than 2^31 rows", grown ? "grown" : "random", huge, INPUTS,
                     past);
    }
}

/* Are waves given several tiles, though the device has many compute units? By vec, whose waves have their own. */
static bool a_wave_has_several_tiles(const struct attn_case *c)
{
    struct attn_device device = *attn_device(c->run.device);
    struct attn_plan plan;
    struct attn_key key;
    if (c->run.weakening >= 0)
        assert_true(attn_device_weaken(attn_device(c->run.device), c->run.weakening, &device, NULL));
    attn_key_of(&c->problem, &key);
    return device.n_cu >= 100 && attn_plan_kernel(&device, &key, ATTN_KERNEL_vec, &plan, NULL) &&
           (int64_t)plan.kv_tile * plan.arithmetic.waves * plan.splits < attn_n_kv(&c->problem);
}

static void some_inputs_fill_a_device_where_they_are_sampled(void **state)
{
    (void)state;
    for (int grown = 0; grown < 2; grown++) {
        int several = 0;
        (grown ? grown_inputs : random_inputs)(inputs, 31);
        for (int i = 0; i < INPUTS; i++) {
            struct attn_genome genome;
            struct attn_case c;
            attn_genome_decode(inputs[i].bytes, inputs[i].size, &genome);
            attn_genome_case_sampled(&genome, &kernel_limits, TILE_WORK, &c);
            several += a_wave_has_several_tiles(&c);
        }
        print_message("%s: waves of vec have several tiles of %.2f%%\n", grown ? "grown" : "random",
                      100.0 * several / INPUTS);
        assert_true(several >= INPUTS / 500);
    }
}

/* ---- Shares ---------------------------------------------------------------------------------------------- */

enum {
    SHARE_TILES,
    SHARE_SPLITS,
    SHARE_D256,
    SHARE_STRIDES,
    SHARE_MASK,
    SHARE_RATIO,
    SHARE_WAVE32,
    SHARE_WAVE64,
    SHARE_FAR,
    SHARES
};
static const struct {
    const char *name;
    int percent; /* at least */
} shares[SHARES] = { { "two or more KV tiles", 5 },
                     { "two or more splits", 5 },
                     { "D >= 256", 5 },
                     { "non-contiguous strides", 5 },
                     { "a mask wider than n_kv", 5 },
                     { "a GQA ratio that is no power of two", 5 },
                     { "wave32", 5 },
                     { "wave64", 5 },
                     { "a stride or an offset that reaches past 2^31 bytes", 2 } };

static bool reaches_far(const struct attn_problem *p)
{
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (p->t[o].present && p->t[o].offset + attn_tensor_span(&p->t[o]) > INT64_C(1) << 31)
            return true;
    return false;
}

static uint32_t traits(const struct attn_case *c)
{
    const struct attn_problem *p = &c->problem;
    struct attn_device device = *attn_device(c->run.device);
    struct attn_plan plan;
    int64_t ratio = attn_n_head(p) / attn_n_head_kv(p);
    uint32_t set = 0;
    if (c->run.weakening >= 0)
        assert_true(attn_device_weaken(attn_device(c->run.device), c->run.weakening, &device, NULL));
    attn_plan(&device, p, &plan, NULL);
    set |= (uint32_t)(attn_n_kv(p) > plan.kv_tile) << SHARE_TILES;
    set |= (uint32_t)(plan.splits > 1) << SHARE_SPLITS;
    set |= (uint32_t)(attn_d_k(p) >= 256) << SHARE_D256;
    set |= (uint32_t)(!attn_tensor_is_contiguous(&p->t[ATTN_Q]) || !attn_tensor_is_contiguous(&p->t[ATTN_K]) ||
                      !attn_tensor_is_contiguous(&p->t[ATTN_V]))
           << SHARE_STRIDES;
    set |= (uint32_t)(p->t[ATTN_MASK].present && p->t[ATTN_MASK].ne[0] > attn_n_kv(p)) << SHARE_MASK;
    set |= (uint32_t)((ratio & (ratio - 1)) != 0) << SHARE_RATIO;
    set |= (uint32_t)reaches_far(p) << SHARE_FAR;
    set |= 1u << (device.wave_size == 32 ? SHARE_WAVE32 : SHARE_WAVE64);
    return set;
}

static void require_shares(const struct attn_domain_limits *limits, const char *who)
{
    int count[SHARES] = { 0 };
    for (int i = 0; i < INPUTS; i++) {
        struct attn_case c;
        decode(&inputs[i], limits, &c);
        uint32_t set = traits(&c);
        for (int s = 0; s < SHARES; s++)
            count[s] += set >> s & 1;
    }
    for (int s = 0; s < SHARES; s++) {
        print_message("%s: %.1f%% have %s\n", who, 100.0 * count[s] / INPUTS, shares[s].name);
        assert_true(count[s] * 100 >= INPUTS * shares[s].percent);
    }
}

static void rare_things_are_a_twentieth_of_random_inputs(void **state)
{
    (void)state;
    random_inputs(inputs, 3);
    require_shares(&kernel_limits, "random, to run");
    require_shares(&no_limits, "random, to plan");
}

static void rare_things_are_a_twentieth_of_what_grows_from_the_empty_input(void **state)
{
    (void)state;
    grown_inputs(inputs, 4);
    require_shares(&kernel_limits, "grown, to run");
    require_shares(&no_limits, "grown, to plan");
}

/* Every feature makes a difference, and every gene takes its first and last value. */
static void every_feature_matters(void **state)
{
    (void)state;
    random_inputs(inputs, 5);
    for (int feature = 0; feature < ATTN_FEATURE_COUNT; feature++) {
        int differs = 0;
        for (int i = 0; i < 2000; i++) {
            struct attn_genome genome;
            struct attn_case with, without;
            attn_genome_decode(inputs[i].bytes, inputs[i].size, &genome);
            genome.features |= 1u << feature;
            for (int g = 0; g < ATTN_GENE_COUNT; g++)
                if (attn_gene_info(g)->feature == feature)
                    genome.gene[g] = inputs[i].bytes[g % 100] % attn_gene_info(g)->range;
            attn_genome_case(&genome, &no_limits, &with);
            genome.features &= ~(1u << feature);
            attn_genome_settle(&genome);
            attn_genome_case(&genome, &no_limits, &without);
            differs += memcmp(&with, &without, sizeof with) != 0;
        }
        if (differs < 20) {
            print_error("%s changes %d of 2000 cases\n", attn_feature_name(feature), differs);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_input_is_a_legal_case_within_the_limits),
        cmocka_unit_test(the_empty_input_is_the_simplest_case),
        cmocka_unit_test(a_genome_survives_encoding),
        cmocka_unit_test(a_child_has_its_features_from_its_parents),
        cmocka_unit_test(some_inputs_are_huge_where_they_are_sampled),
        cmocka_unit_test(some_inputs_fill_a_device_where_they_are_sampled),
        cmocka_unit_test(rare_things_are_a_twentieth_of_random_inputs),
        cmocka_unit_test(rare_things_are_a_twentieth_of_what_grows_from_the_empty_input),
        cmocka_unit_test(every_feature_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
