/* isa_packed.c: packed, dot and mixed instructions, each row once at least; lanes that read others; DPP and SDWA. What
 * is wanted is worked out by hand, or by the plainest loop.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/narrow.h"
#include "tests/isa/one_wave.h"

#include <math.h>

/* v0 = old, v1 = a, v2 = b, v3 = c; the instruction's v0 is wanted. */
struct one {
    const char *target, *text;
    uint32_t a, b, c, old, want;
};

enum { F16_1 = 0x3C00, F16_2 = 0x4000, F16_3 = 0x4200, F16_4 = 0x4400, OLD = 0x11223344 };
#define PAIR(high, low) ((uint32_t)(high) << 16 | (uint32_t)(low))

static const struct one ones[] = {
    /* Halves: what op_sel and op_sel_hi take, what neg_lo and neg_hi negate. */
    { "gfx90a", "v_pk_add_f16 v0, v1, v2", PAIR(F16_2, F16_1), PAIR(F16_2, F16_1), 0, OLD, PAIR(F16_4, F16_2) },
    { "gfx90a", "v_pk_add_f16 v0, v1, v2 op_sel:[1,0] op_sel_hi:[0,1]", PAIR(F16_2, F16_1), PAIR(F16_1, F16_1), 0, OLD,
      PAIR(F16_2, F16_3) },
    { "gfx90a", "v_pk_add_f16 v0, v1, v2 neg_lo:[0,1] neg_hi:[1,0]", PAIR(F16_1, F16_4), PAIR(F16_3, F16_2), 0, OLD,
      PAIR(F16_2, F16_2) },
    { "gfx90a", "v_pk_add_f16 v0, v1, 1.0 op_sel_hi:[1,0]", PAIR(F16_1, F16_3), 0, 0, OLD, PAIR(F16_2, F16_4) },
    { "gfx90a", "v_pk_mul_f16 v0, v1, v2 clamp", PAIR(F16_2, 0xC000), PAIR(F16_2, F16_2), 0, OLD, PAIR(F16_1, 0) },
    { "gfx90a", "v_pk_mul_f16 v0, v1, v2", PAIR(0x0001, 0x7BFF), PAIR(0x3800, F16_2), 0, OLD, PAIR(0, 0x7C00) },
    /* One rounding: (1 + 2^-10)^2 - (1 + 2^-9) is 2^-20, which two roundings lose. */
    { "gfx90a", "v_pk_fma_f16 v0, v1, v2, v3", PAIR(0x3C01, F16_2), PAIR(0x3C01, F16_2), PAIR(0xBC02, 0), OLD,
      PAIR(0x0010, F16_4) },
    { "gfx1100", "v_pk_fmac_f16 v0, v1, v2", PAIR(F16_2, F16_1), PAIR(F16_1, F16_1), 0, PAIR(F16_2, F16_2),
      PAIR(F16_4, F16_3) },
    { "gfx90a", "v_pk_min_f16 v0, v1, v2", PAIR(0x0000, 0x7E00), PAIR(0x8000, F16_3), 0, OLD, PAIR(0x8000, F16_3) },
    { "gfx90a", "v_pk_max_f16 v0, v1, v2", PAIR(0x8000, 0xC000), PAIR(0x0000, 0xC200), 0, OLD, PAIR(0x0000, 0xC000) },
    { "gfx1201", "v_pk_min_num_f16 v0, v1, v2", PAIR(F16_2, 0x7D00), PAIR(F16_1, F16_2), 0, OLD, PAIR(F16_1, F16_2) },
    { "gfx1201", "v_pk_max_num_f16 v0, v1, v2", PAIR(F16_2, F16_4), PAIR(F16_1, 0xFE00), 0, OLD, PAIR(F16_2, F16_4) },
    { "gfx1201", "v_pk_minimum_f16 v0, v1, v2", PAIR(F16_2, F16_4), PAIR(F16_1, 0x7E00), 0, OLD, PAIR(F16_1, 0x7E00) },
    { "gfx1201", "v_pk_maximum_f16 v0, v1, v2", PAIR(0x7E00, F16_4), PAIR(F16_1, F16_2), 0, OLD, PAIR(0x7E00, F16_4) },
    { "gfx950", "v_pk_minimum3_f16 v0, v1, v2, v3", PAIR(F16_3, F16_4), PAIR(F16_1, F16_2), PAIR(F16_2, F16_1), OLD,
      PAIR(F16_1, F16_1) },
    { "gfx950", "v_pk_maximum3_f16 v0, v1, v2, v3", PAIR(F16_3, F16_1), PAIR(F16_1, F16_2), PAIR(F16_2, F16_4), OLD,
      PAIR(F16_3, F16_4) },
    /* Integers wrap, or saturate with clamp. */
    { "gfx90a", "v_pk_add_u16 v0, v1, v2", PAIR(0xFFFF, 1), PAIR(2, 3), 0, OLD, PAIR(1, 4) },
    { "gfx90a", "v_pk_add_u16 v0, v1, v2 clamp", PAIR(0xFFFF, 1), PAIR(2, 3), 0, OLD, PAIR(0xFFFF, 4) },
    { "gfx90a", "v_pk_add_u16 v0, v1, -1", PAIR(5, 1), 0, 0, OLD, PAIR(4, 0) },
    { "gfx90a", "v_pk_sub_u16 v0, v1, v2 clamp", PAIR(1, 9), PAIR(2, 3), 0, OLD, PAIR(0, 6) },
    { "gfx90a", "v_pk_mad_u16 v0, v1, v2, v3", PAIR(0xFFFF, 7), PAIR(0xFFFF, 3), PAIR(5, 1), OLD, PAIR(6, 22) },
    { "gfx90a", "v_pk_mul_lo_u16 v0, v1, v2", PAIR(0x100, 7), PAIR(0x101, 3), 0, OLD, PAIR(0x0100, 21) },
    { "gfx90a", "v_pk_min_u16 v0, v1, v2", PAIR(0xFFFF, 7), PAIR(1, 3), 0, OLD, PAIR(1, 3) },
    { "gfx90a", "v_pk_max_u16 v0, v1, v2", PAIR(0xFFFF, 7), PAIR(1, 3), 0, OLD, PAIR(0xFFFF, 7) },
    { "gfx90a", "v_pk_lshlrev_b16 v0, v1, v2", PAIR(17, 4), PAIR(0x8001, 0x8001), 0, OLD, PAIR(0x0002, 0x0010) },
    { "gfx90a", "v_pk_lshrrev_b16 v0, v1, v2", PAIR(1, 4), PAIR(0x8001, 0x8001), 0, OLD, PAIR(0x4000, 0x0800) },
    { "gfx90a", "v_pk_ashrrev_i16 v0, v1, v2", PAIR(1, 4), PAIR(0x8001, 0x7001), 0, OLD, PAIR(0xC000, 0x0700) },
    { "gfx90a", "v_pk_add_i16 v0, v1, v2 clamp", PAIR(0x7FFF, 0x8000), PAIR(1, 0xFFFF), 0, OLD, PAIR(0x7FFF, 0x8000) },
    { "gfx90a", "v_pk_sub_i16 v0, v1, v2 clamp", PAIR(0x7FFF, 3), PAIR(0xFFFF, 5), 0, OLD, PAIR(0x7FFF, 0xFFFE) },
    { "gfx90a", "v_pk_mad_i16 v0, v1, v2, v3", PAIR(0xFFFF, 7), PAIR(3, 0xFFFE), PAIR(5, 1), OLD, PAIR(2, 0xFFF3) },
    { "gfx90a", "v_pk_min_i16 v0, v1, v2", PAIR(0xFFFF, 7), PAIR(1, 3), 0, OLD, PAIR(0xFFFF, 3) },
    { "gfx90a", "v_pk_max_i16 v0, v1, v2", PAIR(0xFFFF, 7), PAIR(1, 3), 0, OLD, PAIR(1, 7) },
    /* Dot products. */
    { "gfx90a", "v_dot2_f32_f16 v0, v1, v2, v3", PAIR(F16_2, F16_1), PAIR(F16_3, F16_4), 0x40000000, OLD, 0x41400000 },
    { "gfx90a", "v_dot2_f32_f16 v0, v1, v2, v3 neg_lo:[1,0,1] neg_hi:[0,1,0]", PAIR(F16_2, F16_1), PAIR(F16_3, F16_4),
      0x40000000, OLD, 0xC1400000 },
    { "gfx90a", "v_dot2_f32_f16 v0, v1, v2, v3 op_sel:[1,0,0]", PAIR(F16_2, F16_1), PAIR(F16_3, F16_4), 0, OLD,
      0x41600000 },
    { "gfx90a", "v_dot2c_f32_f16_e32 v0, v1, v2", PAIR(F16_2, F16_1), PAIR(F16_3, F16_4), 0, 0x3F800000, 0x41300000 },
    { "gfx1100", "v_dot2acc_f32_f16 v0, v1, v2", PAIR(F16_2, F16_1), PAIR(F16_3, F16_4), 0, 0x3F800000, 0x41300000 },
    { "gfx1100", "v_dual_dot2acc_f32_f16 v0, v1, v2 :: v_dual_mov_b32 v5, v0", PAIR(F16_2, F16_1), PAIR(F16_3, F16_4),
      0, 0x3F800000, 0x41300000 },
    { "gfx1100", "v_dot2_f32_bf16 v0, v1, v2, v3", PAIR(0x4000, 0x3F80), PAIR(0x4040, 0x4080), 0x40000000, OLD,
      0x41400000 },
    { "gfx950", "v_dot2c_f32_bf16_e32 v0, v1, v2", PAIR(0x4000, 0x3F80), PAIR(0x4040, 0x4080), 0, 0x40000000,
      0x41400000 },
    { "gfx1100", "v_dot2_f16_f16 v0, v1, v2, v3 op_sel:[0,0,1,1]", PAIR(F16_1, F16_1), PAIR(F16_1, F16_1),
      PAIR(F16_2, F16_1), OLD, PAIR(F16_4, 0x3344) },
    { "gfx1100", "v_dot2_f16_f16 v0, v1, v2, v3", PAIR(F16_1, F16_1), PAIR(F16_1, F16_1), PAIR(F16_2, F16_1), OLD,
      PAIR(0x1122, F16_3) },
    { "gfx1100", "v_dot2_bf16_bf16 v0, v1, v2, v3", PAIR(0x3F80, 0x3F80), PAIR(0x4000, 0x3F80), 0x3F80, OLD,
      PAIR(0x1122, 0x4080) },
    { "gfx90a", "v_dot2_i32_i16 v0, v1, v2, v3", PAIR(0xFFFF, 2), PAIR(3, 4), 10, OLD, 15 },
    { "gfx90a", "v_dot2_u32_u16 v0, v1, v2, v3 clamp", PAIR(0xFFFF, 2), PAIR(0xFFFF, 4), 0x7FFFFFFF, OLD, 0xFFFFFFFF },
    { "gfx90a", "v_dot2c_i32_i16_e32 v0, v1, v2", PAIR(0xFFFF, 2), PAIR(3, 4), 0, 10, 15 },
    { "gfx90a", "v_dot4_i32_i8 v0, v1, v2, v3", 0xFF020304, 0x01020304, 100, OLD, 128 },
    { "gfx90a", "v_dot4_i32_i8 v0, v1, v2, v3 clamp", 0x7F7F7F7F, 0x01010101, 0x7FFFFFFF, OLD, 0x7FFFFFFF },
    { "gfx90a", "v_dot4_u32_u8 v0, v1, v2, v3", 0xFF020304, 0x01020304, 100, OLD, 384 },
    { "gfx90a", "v_dot4c_i32_i8_e32 v0, v1, v2", 0xFF020304, 0x01020304, 0, 100, 128 },
    { "gfx90a", "v_dot8_i32_i4 v0, v1, v2, v3", 0xF1000002, 0x21000003, 1, OLD, 6 },
    { "gfx90a", "v_dot8_u32_u4 v0, v1, v2, v3", 0xF1000002, 0x21000003, 1, OLD, 38 },
    { "gfx90a", "v_dot8c_i32_i4_e32 v0, v1, v2", 0xF1000002, 0x21000003, 0, 1, 6 },
    { "gfx1100", "v_dot4_i32_iu8 v0, v1, v2, v3", 0xFF000000, 0x01000000, 0, OLD, 255 },
    { "gfx1100", "v_dot4_i32_iu8 v0, v1, v2, v3 neg_lo:[1,0,0]", 0xFF000000, 0xFF000000, 0, OLD, (uint32_t)-255 },
    { "gfx1100", "v_dot4_i32_iu8 v0, v1, v2, v3 neg_lo:[1,1,0]", 0xFF000000, 0xFF000000, 0, OLD, 1 },
    { "gfx1100", "v_dot8_i32_iu4 v0, v1, v2, v3 neg_lo:[0,1,0]", 0xF0000000, 0xF0000000, 0, OLD, (uint32_t)-15 },
    { "gfx1201", "v_dot4_f32_fp8_fp8 v0, v1, v2, v3", 0x38383838, 0x40384038, 0x3F800000, OLD, 0x40E00000 },
    { "gfx1201", "v_dot4_f32_fp8_bf8 v0, v1, v2, v3", 0x38383838, 0x403C403C, 0x3F800000, OLD, 0x40E00000 },
    { "gfx1201", "v_dot4_f32_bf8_fp8 v0, v1, v2, v3", 0x3C3C3C3C, 0x40384038, 0x3F800000, OLD, 0x40E00000 },
    { "gfx1201", "v_dot4_f32_bf8_bf8 v0, v1, v2, v3", 0x3C3C3C3C, 0x403C403C, 0x3F800000, OLD, 0x40E00000 },
    /* Mixed widths: op_sel_hi says which source is f16, constants included; the other half of a result is kept. */
    { "gfx90a", "v_fma_mix_f32 v0, v1, v2, v3", 0x40000000, 0x40400000, 0x3F800000, OLD, 0x40E00000 },
    { "gfx90a", "v_fma_mix_f32 v0, v1, v2, v3 op_sel:[1,0,0] op_sel_hi:[1,0,1]", PAIR(F16_2, F16_4), 0x40400000,
      PAIR(F16_4, F16_1), OLD, 0x40E00000 },
    { "gfx90a", "v_fma_mix_f32 v0, -v1, |v2|, v3 op_sel_hi:[1,1,0]", F16_2, PAIR(0, 0xC200), 0x3F800000, OLD,
      0xC0A00000 },
    { "gfx90a", "v_fma_mix_f32 v0, v1, 1.0, v3", 0x40000000, 0, 0x3F800000, OLD, 0x40400000 },
    { "gfx90a", "v_fma_mix_f32 v0, v1, 1.0, v3 op_sel_hi:[0,1,0]", 0x40000000, 0, 0x3F800000, OLD, 0x40400000 },
    { "gfx90a", "v_fma_mix_f32 v0, v1, v2, v3 clamp", 0x40000000, 0x40400000, 0x3F800000, OLD, 0x3F800000 },
    { "gfx90a", "v_fma_mixlo_f16 v0, v1, v2, v3", 0x40000000, 0x3F800000, 0x40000000, OLD, PAIR(0x1122, F16_4) },
    { "gfx90a", "v_fma_mixhi_f16 v0, v1, v2, v3", 0x40000000, 0x3F800000, 0x40000000, OLD, PAIR(F16_4, 0x3344) },
};

static void test_ones(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof ones / sizeof *ones; n++) {
        const struct one *t = &ones[n];
        struct isa_wave *w = new_wave(t->target, t->target[3] == '9' ? 64 : 32);
        set_exec(w, ~UINT64_C(2) & (w->lanes == 64 ? ~UINT64_C(0) : UINT32_MAX)); /* all lanes but 1 */
        for (int l = 0; l < w->lanes; l++) {
            w->v[0][l] = t->old;
            w->v[1][l] = t->a;
            w->v[2][l] = t->b;
            w->v[3][l] = t->c;
        }
        run_to_go(w, t->text);
        for (int l = 0; l < w->lanes; l++)
            if (w->v[0][l] != (l == 1 ? t->old : t->want))
                fail_msg("%s: %08X, not %08X, in lane %d", t->text, w->v[0][l], l == 1 ? t->old : t->want, l);
        free(w);
    }
}

/* Every packed row and every row of lanes is run by this file: a list that is not kept by hand. */
static void test_all_rows(void **state)
{
    (void)state;
    static const char *const elsewhere[] = { "v_pk_add_f32", "v_pk_mul_f32", "v_pk_fma_f32", "v_pk_mov_b32" };
    for (size_t r = 0; r < isa_row_count(); r++) {
        const struct isa_row *row = isa_row(r);
        const size_t length = strlen(row->name);
        bool found = row->class != ISA_CLASS_PACKED;
        for (size_t n = 0; n < sizeof ones / sizeof *ones; n++) {
            if (strncmp(ones[n].text, row->name, length) == 0)
                found = found || ones[n].text[length] == ' ' || ones[n].text[length] == '_';
        }
        for (size_t n = 0; n < sizeof elsewhere / sizeof *elsewhere; n++)
            found = found || strcmp(row->name, elsewhere[n]) == 0;
        if (!found)
            fail_msg("nothing runs %s", row->name);
    }
}

/* Pairs of f32: words chosen by op_sel, of vectors and scalars; the destination may be a source. */
static void test_words(void **state)
{
    (void)state;
    struct isa_wave *w = new_wave("gfx90a", 64);
    set_exec(w, ~UINT64_C(0));
    for (int l = 0; l < 64; l++) {
        w->v[2][l] = isa_f32_bits(2);
        w->v[3][l] = isa_f32_bits(3);
        w->v[4][l] = isa_f32_bits(4);
        w->v[5][l] = isa_f32_bits(5);
    }
    w->s[6] = isa_f32_bits(10);
    w->s[7] = isa_f32_bits(20);
    run_to_go(w, "v_pk_fma_f32 v[0:1], v[2:3], s[6:7], v[4:5]");
    assert_int_equal(w->v[0][9], isa_f32_bits(24));
    assert_int_equal(w->v[1][9], isa_f32_bits(65));
    run_to_go(w, "v_pk_mul_f32 v[0:1], v[2:3], v[4:5] op_sel:[1,0] op_sel_hi:[0,0] neg_hi:[1,0]");
    assert_int_equal(w->v[0][9], isa_f32_bits(12));
    assert_int_equal(w->v[1][9], isa_f32_bits(-8));
    run_to_go(w, "v_pk_add_f32 v[2:3], v[2:3], v[2:3] op_sel:[1,1] op_sel_hi:[0,0]");
    assert_int_equal(w->v[2][9], isa_f32_bits(6));
    assert_int_equal(w->v[3][9], isa_f32_bits(4));
    run_to_go(w, "v_pk_mul_f32 v[0:1], v[4:5], 2.0 op_sel_hi:[1,0]");
    assert_int_equal(w->v[1][9], isa_f32_bits(10));
    run_to_go(w, "v_pk_mov_b32 v[4:5], v[4:5], s[6:7] op_sel:[1,0]");
    assert_int_equal(w->v[4][9], isa_f32_bits(5));
    assert_int_equal(w->v[5][9], isa_f32_bits(10));
    /* MODE decides about subnormals, of f32 and of f16 apart. */
    for (int l = 0; l < 64; l++)
        w->v[2][l] = w->v[3][l] = 0x00400000;
    w->mode = 0xC0;
    run_to_go(w, "v_pk_mul_f32 v[0:1], v[2:3], v[4:5]");
    assert_int_equal(w->v[0][9], 0);
    w->mode = 0xF0;
    run_to_go(w, "v_pk_add_f32 v[0:1], v[2:3], v[2:3]");
    assert_int_equal(w->v[0][9], 0x00800000);
    for (int l = 0; l < 64; l++)
        w->v[2][l] = 0x00018001;
    w->mode = 0x30;
    run_to_go(w, "v_pk_add_f16 v0, v2, v2");
    assert_int_equal(w->v[0][9], 0x00008000);
    free(w);
}

/* ---- Lanes ----------------------------------------------------------------------------------------------- */

static struct isa_wave *numbered(const char *target, int lanes, uint64_t exec)
{
    struct isa_wave *w = new_wave(target, lanes);
    set_exec(w, exec);
    for (int l = 0; l < lanes; l++) {
        w->v[1][l] = 100 + (uint32_t)l;
        w->v[0][l] = 7;
    }
    return w;
}

static void test_one_lane(void **state)
{
    (void)state;
    struct isa_wave *w = numbered("gfx90a", 64, 0xF000);
    run_to_go(w, "v_readfirstlane_b32 s3, v1");
    assert_int_equal(w->s[3], 112);
    w->s[9] = 64 + 5;
    run_to_go(w, "v_readlane_b32 s3, v1, s9"); /* the number counts modulo the wave; EXEC has no say */
    assert_int_equal(w->s[3], 105);
    run_to_go(w, "v_readlane_b32 s3, v1, 33");
    assert_int_equal(w->s[3], 133);
    run_to_go(w, "v_writelane_b32 v0, s3, 2");
    assert_int_equal(w->v[0][2], 133);
    assert_int_equal(w->v[0][1], 7);
    set_exec(w, 0);
    run_to_go(w, "v_readfirstlane_b32 s3, v1"); /* none is active: the first */
    assert_int_equal(w->s[3], 100);
    free(w);
    w = numbered("gfx1100", 32, UINT32_MAX);
    run_to_go(w, "v_readlane_b32 s3, v1, 33");
    assert_int_equal(w->s[3], 101);
    free(w);
}

static void test_permlanes(void **state)
{
    (void)state;
    struct isa_wave *w = numbered("gfx1100", 32, 0xFFFFFFFE); /* lane 0 is not active */
    w->s[2] = 0x76543210;
    w->s[3] = 0x0FEDCBA9; /* the last lane of a row wants lane 0 */
    run_to_go(w, "v_permlane16_b32 v0, v1, s2, s3");
    assert_int_equal(w->v[0][7], 107);
    assert_int_equal(w->v[0][8], 109);
    assert_int_equal(w->v[0][15], 7); /* lane 0: kept */
    assert_int_equal(w->v[0][31], 116);
    run_to_go(w, "v_permlane16_b32 v0, v1, s2, s3 op_sel:[0,1]");
    assert_int_equal(w->v[0][15], 0);
    run_to_go(w, "v_permlane16_b32 v0, v1, s2, s3 op_sel:[1,0]");
    assert_int_equal(w->v[0][15], 100);
    run_to_go(w, "v_permlanex16_b32 v0, v1, s2, s3");
    assert_int_equal(w->v[0][8], 125);
    assert_int_equal(w->v[0][17], 101);
    run_to_go(w, "v_permlane64_b32 v0, v1"); /* a wave of 32 lanes has no halves */
    assert_int_equal(w->v[0][8], 125);
    free(w);
    w = numbered("gfx1100", 64, 0xFF);
    run_to_go(w, "v_permlane64_b32 v0, v1");
    assert_int_equal(w->v[0][5], 137);
    assert_int_equal(w->v[0][40], 7);
    free(w);
    w = numbered("gfx1201", 32, UINT32_MAX);
    for (int l = 0; l < 32; l++)
        w->v[2][l] = 15 - (uint32_t)l % 16;
    run_to_go(w, "v_permlane16_var_b32 v0, v1, v2");
    assert_int_equal(w->v[0][18], 129);
    run_to_go(w, "v_permlanex16_var_b32 v0, v1, v2");
    assert_int_equal(w->v[0][18], 113);
    free(w);
    for (int part = 16; part <= 32; part *= 2) {
        w = numbered("gfx950", 64, ~UINT64_C(0));
        for (int l = 0; l < 64; l++)
            w->v[2][l] = 200 + (uint32_t)l;
        run_to_go(w, part == 16 ? "v_permlane16_swap_b32_e32 v1, v2" : "v_permlane32_swap_b32_e32 v1, v2");
        for (uint32_t l = 0; l < 64; l++) {
            assert_int_equal(w->v[1][l], l & (uint32_t)part ? 200 + l - (uint32_t)part : 100 + l);
            assert_int_equal(w->v[2][l], l & (uint32_t)part ? 200 + l : 100 + l + (uint32_t)part);
        }
        free(w);
    }
}

/* ---- DPP and SDWA ---------------------------------------------------------------------------------------- */

enum { KEPT = 7 };
/* What v_mov_b32_dpp v0, v1 leaves in some lanes: v1 is 100 + lane, v0 was KEPT. */
struct moved {
    const char *target, *control;
    uint64_t exec;
    struct {
        int lane, want;
    } at[4];
};

static const struct moved moves[] = {
    { "gfx90a",
      "quad_perm:[3,2,1,0] row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, 103 }, { 5, 106 }, { 62, 161 }, { 63, 160 } } },
    /* A lane without a source is not written, or, with bound_ctrl, gets 0. */
    { "gfx90a",
      "row_shl:3 row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, 103 }, { 12, 115 }, { 13, KEPT }, { 16, 119 } } },
    { "gfx90a",
      "row_shl:3 row_mask:0xf bank_mask:0xf bound_ctrl:1",
      ~UINT64_C(0),
      { { 12, 115 }, { 13, 0 }, { 31, 0 }, { 0, 103 } } },
    { "gfx90a",
      "row_shr:1 row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, KEPT }, { 1, 100 }, { 16, KEPT }, { 17, 116 } } },
    { "gfx90a",
      "row_ror:1 row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, 115 }, { 1, 100 }, { 16, 131 }, { 17, 116 } } },
    { "gfx90a",
      "wave_shl:1 row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, 101 }, { 15, 116 }, { 62, 163 }, { 63, KEPT } } },
    { "gfx90a",
      "wave_rol:1 row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, 101 }, { 15, 116 }, { 62, 163 }, { 63, 100 } } },
    { "gfx90a",
      "wave_shr:1 row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, KEPT }, { 1, 100 }, { 16, 115 }, { 63, 162 } } },
    { "gfx90a",
      "wave_ror:1 row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, 163 }, { 1, 100 }, { 16, 115 }, { 63, 162 } } },
    { "gfx90a",
      "row_mirror row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, 115 }, { 15, 100 }, { 16, 131 }, { 20, 127 } } },
    { "gfx90a",
      "row_half_mirror row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, 107 }, { 7, 100 }, { 8, 115 }, { 20, 119 } } },
    { "gfx90a",
      "row_bcast:15 row_mask:0xa bank_mask:0xf",
      ~UINT64_C(0),
      { { 15, KEPT }, { 16, 115 }, { 32, KEPT }, { 63, 147 } } },
    { "gfx90a",
      "row_bcast:31 row_mask:0xc bank_mask:0xf",
      ~UINT64_C(0),
      { { 16, KEPT }, { 31, KEPT }, { 32, 131 }, { 63, 131 } } },
    { "gfx90a",
      "row_newbcast:3 row_mask:0xf bank_mask:0xf",
      ~UINT64_C(0),
      { { 0, 103 }, { 15, 103 }, { 16, 119 }, { 63, 151 } } },
    { "gfx1100",
      "row_share:3 row_mask:0xf bank_mask:0xf",
      UINT32_MAX,
      { { 0, 103 }, { 15, 103 }, { 16, 119 }, { 31, 119 } } },
    { "gfx1100",
      "row_xmask:5 row_mask:0xf bank_mask:0xf",
      UINT32_MAX,
      { { 0, 105 }, { 5, 100 }, { 16, 121 }, { 31, 126 } } },
    { "gfx1100", "dpp8:[7,6,5,4,3,2,1,0]", UINT32_MAX, { { 0, 107 }, { 7, 100 }, { 8, 115 }, { 31, 124 } } },
    /* Banks are of four lanes. */
    { "gfx90a",
      "quad_perm:[1,1,1,1] row_mask:0x1 bank_mask:0x2",
      ~UINT64_C(0),
      { { 3, KEPT }, { 4, 105 }, { 7, 105 }, { 20, KEPT } } },
    /* An inactive source counts as none, but with fi; an inactive destination is never written. */
    { "gfx1100",
      "row_shr:1 row_mask:0xf bank_mask:0xf",
      0xFFFFFFFD,
      { { 1, KEPT }, { 2, KEPT }, { 3, 102 }, { 0, KEPT } } },
    { "gfx1100",
      "row_shr:1 row_mask:0xf bank_mask:0xf bound_ctrl:1",
      0xFFFFFFFD,
      { { 1, KEPT }, { 2, 0 }, { 3, 102 }, { 0, 0 } } },
    { "gfx1100",
      "row_shr:1 row_mask:0xf bank_mask:0xf fi:1",
      0xFFFFFFFD,
      { { 1, KEPT }, { 2, 101 }, { 3, 102 }, { 0, KEPT } } },
    { "gfx1100", "dpp8:[1,1,1,1,1,1,1,1]", 0xFFFFFFFD, { { 0, 0 }, { 1, KEPT }, { 8, 109 }, { 9, 109 } } },
    { "gfx1100", "dpp8:[1,1,1,1,1,1,1,1] fi:1", 0xFFFFFFFD, { { 0, 101 }, { 1, KEPT }, { 8, 109 }, { 9, 109 } } },
};

static void test_dpp(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof moves / sizeof *moves; n++) {
        const struct moved *t = &moves[n];
        struct isa_wave *w = numbered(t->target, t->exec >> 32 ? 64 : 32, t->exec);
        char text[128];
        snprintf(text, sizeof text, "v_mov_b32_dpp v0, v1 %s", t->control);
        run_to_go(w, text);
        for (int k = 0; k < 4; k++)
            if ((int)w->v[0][t->at[k].lane] != t->at[k].want)
                fail_msg("%s: lane %d is %u, not %d", t->control, t->at[k].lane, w->v[0][t->at[k].lane], t->at[k].want);
        free(w);
    }
    /* The source is read before the destination is written, and where both are one register. */
    struct isa_wave *w = numbered("gfx90a", 64, ~UINT64_C(0));
    run_to_go(w, "v_add_u32_dpp v1, v1, v1 row_shr:1 row_mask:0xf bank_mask:0xf");
    assert_int_equal(w->v[1][0], 100);
    assert_int_equal(w->v[1][1], 201);
    assert_int_equal(w->v[1][2], 203);
    free(w);
}

struct selected {
    const char *text;
    uint32_t a, b, old, want;
};
static const struct selected selections[] = {
    { "v_add_u32_sdwa v0, v1, v2 dst_sel:DWORD dst_unused:UNUSED_PAD src0_sel:BYTE_1 src1_sel:WORD_1", 0x0000FF00,
      0x00010000, OLD, 0x100 },
    { "v_add_u32_sdwa v0, sext(v1), v2 dst_sel:DWORD dst_unused:UNUSED_PAD src0_sel:BYTE_1 src1_sel:WORD_1", 0x0000FF00,
      0x00010000, OLD, 0 },
    { "v_add_u32_sdwa v0, v1, v2 dst_sel:BYTE_2 dst_unused:UNUSED_PAD src0_sel:DWORD src1_sel:DWORD", 1, 0x184, OLD,
      0x00850000 },
    { "v_add_u32_sdwa v0, v1, v2 dst_sel:BYTE_2 dst_unused:UNUSED_PRESERVE src0_sel:DWORD src1_sel:DWORD", 1, 0x184,
      OLD, 0x11853344 },
    { "v_add_u32_sdwa v0, v1, v2 dst_sel:BYTE_1 dst_unused:UNUSED_SEXT src0_sel:DWORD src1_sel:DWORD", 1, 0x184, OLD,
      0xFFFF8500 },
    { "v_add_u32_sdwa v0, v1, v2 dst_sel:WORD_1 dst_unused:UNUSED_PRESERVE src0_sel:BYTE_3 src1_sel:BYTE_0", 0x7F000000,
      0x1, OLD, 0x00803344 },
};

static void test_sdwa(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof selections / sizeof *selections; n++) {
        const struct selected *t = &selections[n];
        struct isa_wave *w = new_wave("gfx90a", 64);
        set_exec(w, ~UINT64_C(0));
        for (int l = 0; l < 64; l++) {
            w->v[0][l] = t->old;
            w->v[1][l] = t->a;
            w->v[2][l] = t->b;
        }
        run_to_go(w, t->text);
        if (w->v[0][3] != t->want)
            fail_msg("%s: %08X, not %08X", t->text, w->v[0][3], t->want);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ones),     cmocka_unit_test(test_all_rows),  cmocka_unit_test(test_words),
        cmocka_unit_test(test_one_lane), cmocka_unit_test(test_permlanes), cmocka_unit_test(test_dpp),
        cmocka_unit_test(test_sdwa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
