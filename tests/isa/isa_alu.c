/* isa_alu.c: scalar and vector instructions against values that are known by themselves: of the manuals' words, or of a
 * plain C expression on the CPU. Every vector case runs with part of the lanes off: those keep what they had.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "isa/narrow.h"
#include "tests/isa/alu_cases.h"
#include "tests/isa/one_wave.h"

#define LANES UINT64_C(0x7ffffff77fffff0f)

static void check_vector(struct isa_wave *w, const struct vector_case *c)
{
    const uint64_t all = w->lanes == 64 ? UINT64_MAX : UINT32_MAX, active = LANES & all;
    w->mode = (MODE_DENORMALS | MODE_DX10) ^ c->mode;
    for (int r = 0; r < 8; r++)
        for (int l = 0; l < ISA_LANES; l++)
            w->v[r][l] = r < 6 ? c->in[r] : KEPT;
    isa_set_scalar(w, ISA_EXEC, 2, active);
    isa_set_lane_mask(w, ISA_VCC, c->vcc < 0 ? 0 : UINT64_MAX);
    run_to_go(w, c->text);
    for (int l = 0; l < w->lanes; l++) {
        const bool on = active >> l & 1;
        const bool two = strstr(c->text, "v[6:7]") || strstr(c->text, "v_dual");
        if (w->v[6][l] != (on ? c->out[0] : KEPT) || w->v[7][l] != (on && two ? c->out[1] : KEPT))
            fail_msg("%s %s: lane %d has %08x %08x", c->target, c->text, l, w->v[6][l], w->v[7][l]);
    }
    if (c->vcc >= 0 && strstr(c->text, ", vcc") == NULL && strstr(c->text, " vcc"))
        assert_int_equal(isa_lane_mask(w, ISA_VCC), c->vcc ? active : 0);
    else if (c->vcc >= 0 && strstr(c->text, "v6, vcc"))
        assert_int_equal(isa_lane_mask(w, ISA_VCC), c->vcc ? active : 0);
    assert_true(w->exec == active);
}

static void test_vector(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++) {
        const bool rdna = !strncmp(vectors[k].target, "gfx1", 4);
        struct isa_wave *w = new_wave(vectors[k].target, rdna ? 32 : 64);
        check_vector(w, &vectors[k]);
        free(w);
    }
}

static void test_scalar(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof scalars / sizeof *scalars; k++) {
        const struct scalar_case *c = &scalars[k];
        struct isa_wave *w = new_wave(c->target, 64);
        isa_set_scalar(w, ISA_EXEC, 2, LANES);
        for (int r = 0; r < 8; r++)
            w->s[r] = r < 6 ? c->in[r] : KEPT;
        w->s[ISA_SCC] = c->scc;
        run_to_go(w, c->text);
        if (w->s[6] != c->out[0] || w->s[7] != c->out[1] || w->s[ISA_SCC] != c->scc_out)
            fail_msg("%s %s: %08x %08x, scc %u", c->target, c->text, w->s[6], w->s[7], w->s[ISA_SCC]);
        free(w);
    }
}

/* EXEC: saved and changed by scalars, by v_cmpx, by half in wave32. */
static void test_exec(void **state)
{
    (void)state;
    struct isa_wave *w = new_wave(G, 64);
    isa_set_scalar(w, ISA_EXEC, 2, UINT64_C(0xff00ff));
    isa_set_scalar(w, 0, 2, UINT64_C(0x0f000f));
    run_to_go(w, "s_and_saveexec_b64 s[2:3], s[0:1]");
    assert_true(isa_s64(w, 2) == 0xff00ff && w->exec == 0x0f000f && w->s[ISA_SCC] == 1);
    assert_true(w->mask[0] == UINT32_MAX && w->mask[4] == 0 && w->mask[16] == UINT32_MAX && w->mask[63] == 0);
    run_to_go(w, "s_xor_b64 exec, exec, s[2:3]");
    assert_true(w->exec == 0xf000f0);
    run_to_go(w, "v_mov_b32_e32 v0, 5");
    run_to_go(w, "v_cmpx_eq_u32_e32 vcc, 5, v0");
    assert_true(w->exec == 0xf000f0 && isa_lane_mask(w, ISA_VCC) == 0xf000f0);
    run_to_go(w, "v_cmpx_ne_u32_e64 s[4:5], 5, v0");
    assert_true(w->exec == 0 && isa_s64(w, 4) == 0);
    free(w);
    w = new_wave(R, 32);
    isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
    assert_true(w->exec == UINT32_MAX && w->mask[31] == UINT32_MAX && w->mask[32] == 0);
    w->s[ISA_VCC] = 77;
    run_to_go(w, "v_mov_b32_e32 v0, s0");
    run_to_go(w, "v_cmpx_eq_u32_e32 s0, v0");
    assert_true(w->exec == UINT32_MAX && w->s[ISA_VCC] == 77);
    run_to_go(w, "s_and_not1_saveexec_b32 s3, s2");
    assert_true(w->s[3] == UINT32_MAX && w->exec == 0);
    free(w);
}

/* Registers by number; the null register; transcendentals that are off by as much as is documented, and no more. */
static void test_more(void **state)
{
    (void)state;
    struct isa_wave *w = new_wave(G, 64);
    isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
    w->mode |= ISA_INDEX_MODE;
    w->s[ISA_M0] = 0x1002; /* source 0 */
    run_to_go(w, "v_mov_b32_e32 v6, v0");
    assert_int_equal(w->v[6][5], 0xdead0002);
    w->s[ISA_M0] = 0x8003; /* destination */
    run_to_go(w, "v_mov_b32_e32 v6, v1");
    assert_int_equal(w->v[9][5], 0xdead0001);
    w->mode &= ~(uint32_t)ISA_INDEX_MODE;
    run_to_go(w, "v_mbcnt_lo_u32_b32 v10, -1, 0");
    run_to_go(w, "v_mbcnt_hi_u32_b32 v11, -1, v10");
    for (uint32_t l = 0; l < ISA_LANES; l++)
        assert_true(w->v[10][l] == (l < 32 ? l : 32) && w->v[11][l] == l);
    run_to_go(w, "v_swap_b32 v10, v12");
    assert_true(w->v[12][7] == 7 && w->v[10][7] == 0xdead000c);
    run_to_go(w, "v_cmpx_class_f32_e64 s[4:5], v10, 8"); /* what was there before is a normal number below 0 */
    assert_true(w->exec == UINT64_MAX);
    run_to_go(w, "v_cmpx_class_f16_e64 s[4:5], v10, 8"); /* 0x000c is subnormal */
    assert_true(w->exec == 0);
    isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
    run_to_go(w, "v_cmpx_class_f64_e64 s[4:5], v[10:11], 8");
    assert_true(w->exec == 0);
    isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
    w->random = 77;
    int off[2] = { 0, 0 }; /* a third lies between two numbers; a half is one */
    for (int k = 0; k < 10; k++) {
        for (int l = 0; l < ISA_LANES; l++)
            w->v[0][l] = l & 1 ? 0x40400000 : 0x40000000;
        run_to_go(w, "v_rcp_f32_e32 v0, v0");
        for (int l = 0; l < ISA_LANES; l++) {
            const uint32_t by = w->v[0][l] - (l & 1 ? 0x3eaaaaaa : 0x3f000000);
            assert_true(by < (l & 1 ? 2 : 1));
            off[by] += l & 1;
        }
    }
    assert_true(off[0] > 100 && off[1] > 100);
    free(w);
    w = new_wave(R, 32);
    isa_set_scalar(w, ISA_EXEC, 2, UINT32_MAX);
    w->s[ISA_M0] = 4;
    run_to_go(w, "v_movrels_b32_e32 v6, v1");
    assert_int_equal(w->v[6][5], 0xdead0005);
    run_to_go(w, "v_movreld_b32_e32 v6, v1");
    assert_int_equal(w->v[10][5], 0xdead0001);
    run_to_go(w, "v_movrelsd_b32_e32 v7, v2");
    assert_int_equal(w->v[11][5], 0xdead0005 + 1 - 0xdead0006 + 0xdead0005);
    w->s[ISA_M0] = 5 << 16 | 4;
    run_to_go(w, "v_movrelsd_2_b32_e32 v7, v4");
    assert_int_equal(w->v[12][5], 0xdead0008);
    run_to_go(w, "v_swap_b16 v20.h, v21.l");
    assert_true(w->v[20][5] == 0x00150014 && w->v[21][5] == 0xdeaddead);
    run_to_go(w, "s_mov_b64 null, 0");
    assert_true(w->exec == UINT32_MAX && w->s[ISA_NULL] == 0);
    free(w);
}

/* 8-bit floats: the nearest of all 256, of two as near the one with an even code; `sr` with no chance goes towards 0.
 */
static void check_f8(struct isa_wave *w, float v, const char *convert, const char *chanced, int mantissa)
{
    const bool fnuz = w->target->fp8_fnuz;
    uint32_t best = 0, below = 0;
    double best_off = INFINITY, below_off = INFINITY;
    for (uint32_t code = 0; code < 128; code++) {
        const double at = (double)isa_f8_to_f32(code, mantissa, fnuz), off = fabs(at - fabs((double)v));
        if (isnan(at) || isinf(at))
            continue;
        if (off < best_off || (off == best_off && !(code & 1)))
            best_off = off, best = code;
        if (at <= fabs((double)v) && off < below_off)
            below_off = off, below = code;
    }
    const uint32_t sign = v < 0 ? 0x80 : 0;
    best = fnuz && !best ? 0 : best | sign, below = fnuz && !below ? 0 : below | sign;
    for (int l = 0; l < ISA_LANES; l++)
        memcpy(&w->v[0][l], &v, 4), w->v[1][l] = 0, w->v[6][l] = KEPT;
    run_to_go(w, convert);
    if (w->v[6][9] != ((KEPT & 0xffff) | best << 24))
        fail_msg("%s of %a: %08x, not %02x", convert, (double)v, w->v[6][9], best);
    run_to_go(w, chanced);
    if ((w->v[6][9] >> 8 & 0xff) != below || (w->v[6][9] & 0xff) != (KEPT & 0xff))
        fail_msg("%s of %a: %08x, not %02x", chanced, (double)v, w->v[6][9], below);
}

static void test_f8(void **state)
{
    (void)state;
    static const char *const targets[] = { "gfx942", "gfx950" };
    for (int t = 0; t < 2; t++) {
        struct isa_wave *w = new_wave(targets[t], 64);
        isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
        uint64_t seed = 1;
        for (int k = 0; k < 600; k++) {
            const float v = ldexpf((float)(draw(&seed) % 33 + 32), (int)(draw(&seed) % 24) - 24) * (k & 1 ? -1 : 1);
            if (fabsf(v) <= 224)
                check_f8(w, v, "v_cvt_pk_fp8_f32 v6, v1, v0 op_sel:[0,0,1]",
                         "v_cvt_sr_fp8_f32 v6, v0, v1 op_sel:[0,0,1,0]", 3);
            check_f8(w, v, "v_cvt_pk_bf8_f32 v6, v1, v0 op_sel:[0,0,1]", "v_cvt_sr_bf8_f32 v6, v0, v1 op_sel:[0,0,1,0]",
                     2);
        }
        for (int l = 0; l < ISA_LANES; l++)
            w->v[0][l] = 0x40380000 | (uint32_t)l;
        run_to_go(w, "v_cvt_f32_fp8_sdwa v1, v0 src0_sel:BYTE_2");
        run_to_go(w, "v_cvt_f32_bf8_sdwa v2, v0 src0_sel:BYTE_3");
        run_to_go(w, "v_cvt_pk_f32_fp8_sdwa v[3:4], v0 src0_sel:WORD_1");
        run_to_go(w, "v_cvt_pk_f32_bf8_sdwa v[8:9], v0 src0_sel:WORD_1");
        const uint32_t one = t ? ONE : 0x3f000000; /* a bias that is one more: half */
        assert_true(w->v[1][5] == one && w->v[2][5] == 0x40000000 - (t ? 0 : 0x00800000));
        assert_true(w->v[3][5] == one && w->v[4][5] == 0x40000000 - (t ? 0 : 0x00800000));
        assert_true(w->v[8][5] == (t ? 0x3f000000 : 0x3e800000) && w->v[9][5] == w->v[2][5]);
        free(w);
    }
}

/* The steps that the compiler divides and takes roots by, with the CPU's own: every pair of the edges and drawn ones.
 */
static void run_all(struct isa_wave *w, const char *const *text, size_t count)
{
    for (size_t k = 0; k < count; k++)
        run_to_go(w, text[k]);
}
#define RUN_ALL(w, text) run_all(w, text, sizeof(text) / sizeof *(text))

static const uint32_t edges[] = { 0,          1,          2,          0x007fffff, 0x00800000, 0x00800001,
                                  0x01000000, 0x0b800000, 0x0c000001, 0x1fffffff, 0x20000001, 0x3f7fffff,
                                  0x3f800000, 0x3f800001, 0x40490fdb, 0x5f800000, 0x6f800001, 0x7e7fffff,
                                  0x7e800000, 0x7e800001, 0x7f000000, 0x7f7fffff, 0x7f800000, 0x7fc00000 };
enum { EDGES = sizeof edges / sizeof *edges };

static bool same32(uint32_t a, float b)
{
    uint32_t u;
    memcpy(&u, &b, 4);
    return a == u || ((a & 0x7fffffff) > INF32 && b != b);
}

static void test_division(void **state)
{
    (void)state;
    static const char *const divide[] = {
        "v_div_scale_f32 v2, s[4:5], v1, v1, v0",
        "v_rcp_f32_e32 v3, v2",
        "v_fma_f32 v4, -v2, v3, 1.0",
        "v_fmac_f32_e32 v3, v4, v3",
        "v_div_scale_f32 v4, vcc, v0, v1, v0",
        "v_mul_f32_e32 v5, v4, v3",
        "v_fma_f32 v6, -v2, v5, v4",
        "v_fmac_f32_e32 v5, v6, v3",
        "v_fma_f32 v2, -v2, v5, v4",
        "v_div_fmas_f32 v2, v2, v3, v5",
        "v_div_fixup_f32 v0, v2, v1, v0",
    };
    struct isa_wave *w = new_wave(G, 64);
    isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
    uint64_t seed = 5;
    for (int round = 0; round < 200; round++) {
        uint32_t a[ISA_LANES], b[ISA_LANES];
        for (int l = 0; l < ISA_LANES; l++) {
            const int pair = round * ISA_LANES + l;
            a[l] = w->v[0][l] = pair < EDGES * EDGES ? edges[pair / EDGES] : draw(&seed) << 1 ^ draw(&seed);
            b[l] = w->v[1][l] = pair < EDGES * EDGES ? edges[pair % EDGES] | MINUS : draw(&seed) << 1 ^ draw(&seed);
        }
        RUN_ALL(w, divide);
        for (int l = 0; l < ISA_LANES; l++) {
            float x, y;
            memcpy(&x, &a[l], 4), memcpy(&y, &b[l], 4);
            if (!same32(w->v[0][l], x / y))
                fail_msg("%a / %a is %08x", (double)x, (double)y, w->v[0][l]);
        }
    }
    free(w);
}

static void test_division_f64(void **state)
{
    (void)state;
    static const char *const divide[] = {
        "v_div_scale_f64 v[4:5], s[4:5], v[2:3], v[2:3], v[0:1]",
        "v_rcp_f64_e32 v[6:7], v[4:5]",
        "v_fma_f64 v[8:9], -v[4:5], v[6:7], 1.0",
        "v_fmac_f64_e32 v[6:7], v[6:7], v[8:9]",
        "v_fma_f64 v[8:9], -v[4:5], v[6:7], 1.0",
        "v_fmac_f64_e32 v[6:7], v[6:7], v[8:9]",
        "v_div_scale_f64 v[8:9], vcc, v[0:1], v[2:3], v[0:1]",
        "v_mul_f64 v[10:11], v[8:9], v[6:7]",
        "v_fma_f64 v[4:5], -v[4:5], v[10:11], v[8:9]",
        "v_div_fmas_f64 v[4:5], v[4:5], v[6:7], v[10:11]",
        "v_div_fixup_f64 v[0:1], v[4:5], v[2:3], v[0:1]",
    };
    static const uint32_t high[] = { 0,          1,          0x000fffff, 0x00100000, 0x03500000, 0x03600001,
                                     0x3ff00000, 0x3ff00001, 0x6ff00000, 0x7fc00000, 0x7fd00001, 0x7fe00000,
                                     0x7fefffff, 0x7ff00000, 0x7ff80000, 0x30000000 };
    struct isa_wave *w = new_wave(G, 64);
    isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
    uint64_t seed = 5;
    for (int round = 0; round < 200; round++) {
        uint64_t a[ISA_LANES], b[ISA_LANES];
        for (int l = 0; l < ISA_LANES; l++) {
            const int pair = round * ISA_LANES + l;
            const bool edge = pair < 16 * 16 * 4;
            a[l] = (uint64_t)(edge ? high[pair / 4 / 16] : draw(&seed) << 1) << 32 | (pair & 1 ? draw(&seed) : 0);
            b[l] = (uint64_t)(edge ? high[pair / 4 % 16] : draw(&seed) << 1) << 32 | (pair & 2 ? draw(&seed) : 0);
            w->v[0][l] = (uint32_t)a[l], w->v[1][l] = (uint32_t)(a[l] >> 32);
            w->v[2][l] = (uint32_t)b[l], w->v[3][l] = (uint32_t)(b[l] >> 32);
        }
        RUN_ALL(w, divide);
        for (int l = 0; l < ISA_LANES; l++) {
            double x, y, is;
            memcpy(&x, &a[l], 8), memcpy(&y, &b[l], 8);
            const uint64_t u = w->v[0][l] | (uint64_t)w->v[1][l] << 32;
            memcpy(&is, &u, 8);
            const double quotient = x / y;
            if (memcmp(&is, &quotient, 8) && (is == is || quotient == quotient))
                fail_msg("%a / %a is %a", x, y, is);
        }
    }
    free(w);
}

/* exp2, log2, 1/sqrt and sin of drawn numbers: libm's double, rounded, or its neighbour where that is a near tie. */
static void test_transcendental(void **state)
{
    (void)state;
    struct isa_wave *w = new_wave(G, 64);
    isa_set_scalar(w, ISA_EXEC, 2, UINT64_MAX);
    uint64_t seed = 9;
    for (int round = 0; round < 100; round++) {
        float x[ISA_LANES];
        for (int l = 0; l < ISA_LANES; l++) {
            x[l] = (float)(draw(&seed) % 2000000) / 8000 - 125;
            memcpy(&w->v[0][l], &x[l], 4);
        }
        run_to_go(w, "v_exp_f32_e32 v1, v0");
        run_to_go(w, "v_log_f32_e64 v2, |v0|");
        run_to_go(w, "v_rsq_f32_e64 v3, |v0|");
        run_to_go(w, "v_sin_f32_e32 v4, v0");
        for (int l = 0; l < ISA_LANES; l++) {
            const double a = (double)x[l], size = fabs(a), turn = a - rint(a);
            const float sine = (float)sin(turn * 6.283185307179586476925);
            if (size == 0)
                continue;
            if (!same32(w->v[1][l], (float)exp2(a)) || !same32(w->v[2][l], (float)log2(size)) ||
                !same32(w->v[3][l], (float)(1 / sqrt(size))))
                fail_msg("of %a: %08x %08x %08x", a, w->v[1][l], w->v[2][l], w->v[3][l]);
            float is;
            memcpy(&is, &w->v[4][l], 4);
            if (fabs((double)is - (double)sine) > 1e-7)
                fail_msg("sine of %a turns: %a", a, (double)is);
        }
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector),       cmocka_unit_test(test_scalar),
        cmocka_unit_test(test_exec),         cmocka_unit_test(test_more),
        cmocka_unit_test(test_f8),           cmocka_unit_test(test_division),
        cmocka_unit_test(test_division_f64), cmocka_unit_test(test_transcendental),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
