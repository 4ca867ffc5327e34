/* What the component bound catches: faults of the kinds that facts and issue trackers know, each planted in a
 * simulated route, on data and masks that a run has anyway. Every line must be caught, on every one of several
 * seeds; the same route without the fault must pass.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/reference/reference_simulation.h"

struct line {
    enum fault fault;
    enum regime regime;
    enum mask mask;
    struct shape shape;
    int kv_tile, waves, splits;
};

/* Most as fp16 caches have it: D 128, 8 heads on 2 KV heads; the measure of the field, a whole-tensor NMSE of 5e-4,
 * is printed beside. */
#define TYPES(k, v) .type_k = ATTN_##k, .type_v = ATTN_##v
#define PLAIN .d_k = 128, .n_q = 2, .n_kv = 1024, .n_head = 8, .n_head_kv = 2, TYPES(F16, F16)
#define SIZES .d_k = 64, .n_q = 8, .n_kv = 333, .n_head = 4, .n_head_kv = 2
#define SMALL SIZES, TYPES(F16, F16)

static const struct line lines[] = {
    { FAULT_GAIN_1, REGIME_UNIFORM, MASK_OPEN, { PLAIN }, 32, 1, 1 },
    { FAULT_GAIN_5, REGIME_UNIFORM, MASK_OPEN, { PLAIN }, 32, 4, 8 },
    { FAULT_ZERO_ROW, REGIME_UNIFORM, MASK_OPEN, { PLAIN }, 32, 1, 1 },
    { FAULT_LAST_KEY, REGIME_UNIFORM, MASK_OPEN, { PLAIN }, 32, 1, 1 },
    { FAULT_LAST_KEY, REGIME_UNIFORM, MASK_TILES, { SMALL, .mask_heads = 1 }, 64, 4, 1 },
    { FAULT_KV_HEAD, REGIME_UNIFORM, MASK_OPEN, { PLAIN }, 32, 1, 1 },
    { FAULT_KV_HEAD, REGIME_PEAK, MASK_OPEN, { SMALL, .softcap = 50.0f }, 32, 1, 1 },
    { FAULT_SEQUENCE, REGIME_UNIFORM, MASK_RANDOM, { SMALL, .n_seq = 2, .mask_heads = 1 }, 32, 1, 1 },
    { FAULT_V_ROW, REGIME_UNIFORM, MASK_WINDOW, { SMALL, .mask_heads = 1 }, 32, 1, 1 },
    { FAULT_CAUSAL_EDGE, REGIME_UNIFORM, MASK_CAUSAL, { SMALL, .mask_heads = 1 }, 32, 1, 1 },
    { FAULT_CAUSAL_EDGE, REGIME_UNIFORM, MASK_WINDOW, { PLAIN, .mask_heads = 1 }, 128, 4, 2 },
    { FAULT_MASK_SHIFT, REGIME_UNIFORM, MASK_RANDOM, { SMALL, .mask_heads = 4 }, 32, 1, 1 },
    { FAULT_MASK_SHIFT, REGIME_UNIFORM, MASK_BIAS, { SMALL, .mask_heads = 1 }, 32, 1, 1 },
    { FAULT_MASK_ROW, REGIME_UNIFORM, MASK_TILES, { SMALL, .mask_heads = 1 }, 32, 1, 1 },
    { FAULT_RESCALE, REGIME_RISING, MASK_OPEN, { PLAIN }, 32, 1, 1 },
    { FAULT_RESCALE, REGIME_UNIFORM, MASK_OPEN, { PLAIN }, 32, 1, 1 },
    { FAULT_COMBINE, REGIME_RISING, MASK_OPEN, { PLAIN }, 32, 4, 8 },
    { FAULT_COMBINE, REGIME_UNIFORM, MASK_OPEN, { SMALL }, 32, 1, 4 },
    { FAULT_SINK_TWICE, REGIME_UNIFORM, MASK_OPEN, { SMALL, .sinks = true }, 32, 1, 4 },
    { FAULT_SINK_LOST, REGIME_UNIFORM, MASK_WINDOW, { SMALL, .mask_heads = 1, .sinks = true }, 32, 1, 1 },
    { FAULT_SOFTCAP, REGIME_UNIFORM, MASK_OPEN, { SMALL, .softcap = 5.0f }, 32, 1, 1 },
    { FAULT_SOFTCAP, REGIME_RISING, MASK_OPEN, { SMALL, .softcap = 50.0f }, 32, 1, 1 },
    { FAULT_SLOPE,
      REGIME_UNIFORM,
      MASK_BIAS,
      { SMALL, .mask_heads = 1, .max_bias = 8.0f, .head_first = 4, .head_total = 8 },
      32,
      1,
      1 },
    { FAULT_TAIL_MAX, REGIME_NEGATIVE, MASK_OPEN, { SMALL }, 32, 1, 1 },
    { FAULT_BLOCK_0, REGIME_UNIFORM, MASK_OPEN, { SIZES, TYPES(Q8_0, Q8_0) }, 32, 1, 1 },
    { FAULT_BLOCK_0, REGIME_UNIFORM, MASK_OPEN, { SIZES, TYPES(Q5_1, Q4_0) }, 32, 1, 1 },
    { FAULT_NIBBLES, REGIME_UNIFORM, MASK_OPEN, { SIZES, TYPES(F16, Q4_1) }, 32, 1, 1 },
    { FAULT_SCORE_F16, REGIME_LARGE, MASK_OPEN, { SMALL }, 32, 1, 1 },
    { FAULT_OUT_F16, REGIME_LARGE, MASK_OPEN, { SMALL, .softcap = 1.0f }, 32, 1, 1 },
};

/* Sum of squared errors over sum of squares, as the field measures; infinite with anything but numbers. */
static double nmse(const struct data *d, const struct attn_reference *r)
{
    double error = 0.0, power = 0.0;
    for (int64_t s = 0; s < attn_n_seq(&d->problem); s++) {
        for (int64_t iq = 0; iq < attn_n_q(&d->problem); iq++) {
            for (int64_t h = 0; h < attn_n_head(&d->problem); h++) {
                for (int64_t i = 0; i < attn_d_v(&d->problem); i++) {
                    float got;
                    memcpy(&got, row_of(d, ATTN_DST, h, iq, s) + 4 * i, 4);
                    const double want = attn_reference_value(r, i, h, iq, s), off = (double)got - want;
                    error += off * off;
                    power += want * want;
                }
            }
        }
    }
    return isfinite(error) ? error / power : INFINITY;
}

static void try_line(const struct line *line, uint64_t seed, double *least, double *largest_nmse)
{
    struct shape shape = line->shape;
    const struct attn_problem p = problem_of(&shape);
    uint64_t rng = seed;
    struct data d = data_of(&p);
    fill_regime(&d, &rng, line->regime);
    fill_mask(&d, &rng, line->mask);
    const struct route route = { .arithmetic = { .q_type = ATTN_F32,
                                                 .k_type = p.t[ATTN_K].type,
                                                 .v_type = p.t[ATTN_V].type,
                                                 .kv_tile = line->kv_tile,
                                                 .splits = line->splits,
                                                 .waves = line->waves,
                                                 .merges = line->waves + line->splits,
                                                 .weights.joins = line->waves,
                                                 .values.joins = line->waves },
                                 .waves = line->waves,
                                 .splits = line->splits,
                                 .lanes = 8 };
    struct attn_reference *r = reference_of(&d);
    struct attn_judgement j;
    simulate(&d, &route, FAULT_NONE, seed);
    assert_true(attn_judge(r, &route.arithmetic, d.base[ATTN_DST], &j));
    simulate(&d, &route, line->fault, seed);
    attn_judge(r, &route.arithmetic, d.base[ATTN_DST], &j);
    *least = fmin(*least, j.worst);
    *largest_nmse = fmax(*largest_nmse, nmse(&d, r));
    attn_reference_free(r);
    data_free(&d);
}

static void every_planted_fault_is_caught(void **state)
{
    (void)state;
    static const char *const faults[] = {
#define X(name, text) text,
        FAULTS(X)
#undef X
    };
    static const char *const regimes[] = {
#define X(name) #name,
        REGIMES(X)
#undef X
    };
    int missed = 0;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        double least = INFINITY, largest_nmse = 0.0;
        for (uint64_t seed = 1; seed <= 3; seed++) {
            try_line(&lines[i], seed, &least, &largest_nmse);
        }
        print_message("%-68s %-10s %12.4g over the limit; NMSE %-8.2g %s\n", faults[lines[i].fault],
                      regimes[lines[i].regime], least, largest_nmse,
                      largest_nmse <= 5e-4 ? "would pass" : "caught too");
        missed += !(least > 1.0);
    }
    assert_int_equal(missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_planted_fault_is_caught) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
