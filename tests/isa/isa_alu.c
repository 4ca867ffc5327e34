/* isa_alu.c: scalar and vector instructions against values that are known by themselves: of the manuals' words, or of a
 * plain C expression on the CPU. Every vector case runs with part of the lanes off: those keep what they had.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "tests/isa/one_wave.h"

#define LANES UINT64_C(0x7ffffff77fffff0f)
enum { KEPT = 0x13572468 };

/* Vector: v0..v5 come in (v[0:1], v[2:3], v[4:5] of 64-bit operands), v6 and v7 go out; VCC is all lanes when `vcc`. */
struct vector_case {
    const char *target, *text;
    uint32_t mode; /* on top of denormals kept: what is xored */
    uint32_t in[6], out[2];
    int vcc; /* -1: is not looked at; else what each active lane's bit is to be */
};

#define NAN32 0x7fc00000u
#define INF32 0x7f800000u
#define ONE 0x3f800000u
#define MINUS 0x80000000u
#define G "gfx90a"
#define R "gfx1100"
#define R4 "gfx1201"

static const struct vector_case vectors[] = {
    /* f32: signed zeros, NaN, subnormals, flush, modifiers */
    { G, "v_add_f32_e32 v6, v0, v1", 0, { ONE, ONE }, { 0x40000000 }, -1 },
    { G, "v_add_f32_e32 v6, v0, v1", 0, { MINUS, MINUS }, { MINUS }, -1 },
    { G, "v_add_f32_e32 v6, v0, v1", 0, { 0x00000001, 0x00000001 }, { 2 }, -1 },
    { G, "v_add_f32_e32 v6, v0, v1", 0x30, { 0x00400000, 0x80000001 }, { 0 }, -1 },
    { G, "v_mul_f32_e32 v6, v0, v1", 0x20, { 0x20000000, 0x1f000000 }, { 0 }, -1 }, /* 2^-127, not let out */
    { G, "v_mul_f32_e32 v6, v0, v1", 0, { 0x20000000, 0x1f000000 }, { 0x00200000 }, -1 },
    { G, "v_sub_f32_e64 v6, -v0, |v1|", 0, { ONE, 0xc0000000 }, { 0xc0400000 }, -1 },
    { G, "v_subrev_f32_e32 v6, v0, v1", 0, { ONE, 0x40400000 }, { 0x40000000 }, -1 },
    { G, "v_mul_f32_e64 v6, v0, v1 clamp", 0, { 0x40000000, ONE }, { ONE }, -1 },
    { G, "v_mul_f32_e64 v6, v0, v1 clamp", 0, { 0xc0000000, ONE }, { 0 }, -1 },
    { G, "v_mul_f32_e64 v6, v0, v1 clamp", 0, { NAN32, ONE }, { 0 }, -1 },
    { G, "v_mul_f32_e64 v6, v0, v1 clamp", 0x100, { NAN32, ONE }, { NAN32 }, -1 },
    { G, "v_mul_f32_e64 v6, v0, v1 mul:4", 0x20, { ONE, ONE }, { 0x40800000 }, -1 },
    { G, "v_mul_f32_e64 v6, v0, v1 div:2", 0x20, { ONE, ONE }, { 0x3f000000 }, -1 },
    { G, "v_mul_f32_e64 v6, v0, v1 div:2", 0, { ONE, ONE }, { ONE }, -1 }, /* not where subnormals go out */
    { G, "v_fma_f32 v6, v0, v1, v2", 0, { 0x3f800001, 0x3f800001, 0xbf800002 }, { 0x28800000 }, -1 },
    { G, "v_mad_f32 v6, v0, v1, v2", 0, { 0x3f800001, 0x3f800001, 0xbf800002 }, { 0 }, -1 },
    { G, "v_fmac_f32_e32 v6, v0, v1", 0, { ONE, 0 }, { KEPT }, -1 },
    { G, "v_add_f32_e32 v6, v0, v1", 1, { ONE, 0x00000001 }, { 0x3f800001 }, -1 }, /* round towards +infinity */
    { G, "v_add_f32_e32 v6, v0, v1", 3, { ONE, 0x33c00000 }, { ONE }, -1 },
    /* min, max */
    { G, "v_min_f32_e32 v6, v0, v1", 0, { 0, MINUS }, { MINUS }, -1 },
    { G, "v_max_f32_e32 v6, v0, v1", 0, { MINUS, 0 }, { 0 }, -1 },
    { G, "v_max_f32_e32 v6, v0, v1", 0, { NAN32, ONE }, { ONE }, -1 },
    { G, "v_max_f32_e32 v6, v0, v1", 0, { 0x7f800001, ONE }, { ONE }, -1 },
    { G, "v_max_f32_e32 v6, v0, v1", 0x200, { 0x7f800001, ONE }, { 0x7fc00001 }, -1 }, /* MODE.ieee */
    { R4, "v_max_num_f32_e32 v6, v0, v1", 0x200, { 0x7f800001, ONE }, { ONE }, -1 },
    { R4, "v_maximum_f32 v6, v0, v1", 0, { NAN32, ONE }, { NAN32 }, -1 },
    { G, "v_med3_f32 v6, v0, v1, v2", 0, { 0x40400000, ONE, 0x40000000 }, { 0x40000000 }, -1 },
    { G, "v_med3_f32 v6, v0, v1, v2", 0, { 0x40400000, NAN32, 0x40000000 }, { 0x40000000 }, -1 },
    { G, "v_max3_f32 v6, v0, v1, v2", 0, { 0x40400000, ONE, 0x40000000 }, { 0x40400000 }, -1 },
    /* whole numbers, parts */
    { G, "v_rndne_f32_e32 v6, v0", 0, { 0x40200000 }, { 0x40000000 }, -1 },
    { G, "v_rndne_f32_e32 v6, v0", 0, { 0xbf000000 }, { MINUS }, -1 },
    { G, "v_fract_f32_e32 v6, v0", 0, { 0x80000001 }, { 0x3f7fffff }, -1 },
    { G, "v_ldexp_f32 v6, v0, v1", 0, { 0x00000001, 149 }, { ONE }, -1 },
    { G, "v_ldexp_f32 v6, v0, v1", 0, { ONE, 0xfffffc00 }, { 0 }, -1 },
    { G, "v_frexp_mant_f32_e32 v6, v0", 0, { 0x00000001 }, { 0x3f000000 }, -1 },
    { G, "v_frexp_exp_i32_f32_e32 v6, v0", 0, { 0x00000001 }, { (uint32_t)-148 }, -1 },
    { G, "v_frexp_exp_i32_f64_e32 v6, v[0:1]", 0, { 0, 0x40000000 }, { 2 }, -1 },
    { G, "v_ldexp_f64 v[6:7], v[0:1], v2", 0, { 1, 0, 1074 }, { 0, 0x3ff00000 }, -1 },
    /* conversions */
    { G, "v_cvt_i32_f32_e32 v6, v0", 0, { 0x4f000000 }, { 0x7fffffff }, -1 },
    { G, "v_cvt_i32_f32_e32 v6, v0", 0, { 0xff800000 }, { 0x80000000 }, -1 },
    { G, "v_cvt_i32_f32_e32 v6, v0", 0, { 0xbfc00000 }, { (uint32_t)-1 }, -1 },
    { G, "v_cvt_i32_f32_e32 v6, v0", 0, { NAN32 }, { 0 }, -1 },
    { G, "v_cvt_u32_f32_e32 v6, v0", 0, { 0x4f800000 }, { UINT32_MAX }, -1 },
    { G, "v_cvt_u32_f32_e32 v6, v0", 0, { 0x4f7fffff }, { 0xffffff00 }, -1 },
    { G, "v_cvt_u32_f32_e32 v6, v0", 0, { 0xbf800000 }, { 0 }, -1 },
    { G, "v_cvt_f32_u32_e32 v6, v0", 0, { 0xffffffff }, { 0x4f800000 }, -1 },
    { G, "v_cvt_f32_ubyte2_e32 v6, v0", 0, { 0x00ff0000 }, { 0x437f0000 }, -1 },
    { G, "v_cvt_off_f32_i4_e32 v6, v0", 0, { 0x8 }, { 0xbf000000 }, -1 },
    { G, "v_cvt_f16_f32_e32 v6, v0", 0, { 0x477ff000 }, { 0x7c00 }, -1 },
    { G, "v_cvt_f16_f32_e32 v6, v0", 0, { 0x33000001 }, { 1 }, -1 },
    { R, "v_cvt_f16_f32_e64 v6.h, v0", 0, { ONE }, { 0x3c000000 | (KEPT & 0xffff) }, -1 },
    { R, "v_cvt_f32_f16_e64 v6, v0.h", 0, { 0x3c00ffff }, { ONE }, -1 },
    { G, "v_cvt_pkrtz_f16_f32 v6, v0, v1", 0, { 0x477fffff, 0x3fffffff }, { 0x3fff7bff }, -1 },
    { G, "v_cvt_pk_i16_i32 v6, v0, v1", 0, { 0x00012345, 0xffff0000 }, { 0x80007fff }, -1 },
    { G, "v_cvt_pknorm_i16_f32 v6, v0, v1", 0, { 0xbf800000, 0x40000000 }, { 0x7fff8001 }, -1 },
    { G, "v_cvt_pk_u8_f32 v6, v0, 1, v1", 0, { 0x43c00000, 0x11223344 }, { 0x1122ff44 }, -1 },
    { G, "v_cvt_f64_f32_e32 v[6:7], v0", 0, { 0x00000001 }, { 0, 0x36a00000 }, -1 },
    { G, "v_cvt_f32_f64_e32 v6, v[0:1]", 0, { 1, 0x36900000 }, { 1 }, -1 },
    { G, "v_cvt_i32_f64_e32 v6, v[0:1]", 0, { 0, 0xc1f00000 }, { 0x80000000 }, -1 },
    /* f16: what the other half becomes by generation */
    { G, "v_add_f16_e32 v6, v0, v1", 0, { 0x00003c00, 0x7777bc00 }, { 0 }, -1 },
    { G, "v_fma_f16 v6, v0, v1, v2", 0, { 0x3c01, 0x3c01, 0xbc02 }, { (KEPT & 0xffff0000) | 0x0010 }, -1 },
    { R, "v_add_f16_e32 v6.l, v0.l, v1.h", 0, { 0x3c00, 0x3c00bc00 }, { (KEPT & 0xffff0000) | 0x4000 }, -1 },
    { "gfx1030", "v_add_f16_e32 v6, v0, v1", 0, { 0x3c00, 0x3c00 }, { (KEPT & 0xffff0000) | 0x4000 }, -1 },
    { "gfx1030",
      "v_mad_u16 v6, v0, v1, v2 op_sel:[1,0,0,1]",
      0,
      { 0x00030000, 5, 7 },
      { 22 << 16 | (KEPT & 0xffff) },
      -1 },
    { G, "v_max_f16_e32 v6, v0, v1", 0, { 0x7e00, 0xbc00 }, { 0xbc00 }, -1 },
    { G, "v_ldexp_f16_e32 v6, v0, v1", 0, { 0x3c00, 0xffe8 }, { 1 }, -1 },
    { G,
      "v_add_f16_sdwa v6, v0, v1 dst_sel:WORD_1 dst_unused:UNUSED_PRESERVE src0_sel:WORD_1 src1_sel:WORD_0",
      0,
      { 0x3c000000, 0x3c00 },
      { 0x40000000 | (KEPT & 0xffff) },
      -1 },
    /* transcendentals */
    { G, "v_exp_f32_e32 v6, v0", 0, { 0x40400000 }, { 0x41000000 }, -1 },
    { G, "v_exp_f32_e32 v6, v0", 0, { 0x3f000000 }, { 0x3fb504f3 }, -1 },
    { G, "v_exp_f32_e32 v6, v0", 0, { 0xc2fe0000 }, { 0 }, -1 }, /* 2^-127 */
    { G, "v_exp_f32_e32 v6, v0", 0, { 0xff800000 }, { 0 }, -1 },
    { G, "v_exp_f32_e32 v6, v0", 0, { INF32 }, { INF32 }, -1 },
    { G, "v_log_f32_e32 v6, v0", 0, { 0x41000000 }, { 0x40400000 }, -1 },
    { G, "v_log_f32_e32 v6, v0", 0, { 0x40400000 }, { 0x3fcae00d }, -1 },
    { G, "v_log_f32_e32 v6, v0", 0, { 0x00000001 }, { 0xff800000 }, -1 },
    { G, "v_log_f32_e32 v6, v0", 0, { 0x3f7fffff }, { 0xb3b8aa3c }, -1 },
    { G, "v_rcp_f32_e32 v6, v0", 0, { MINUS }, { 0xff800000 }, -1 },
    { G, "v_rcp_f32_e32 v6, v0", 0, { 0x40400000 }, { 0x3eaaaaab }, -1 },
    { G, "v_rcp_f32_e32 v6, v0", 0, { 0x7f000000 }, { 0 }, -1 }, /* 2^-127 */
    { G, "v_rsq_f32_e32 v6, v0", 0, { 0x40800000 }, { 0x3f000000 }, -1 },
    { G, "v_sqrt_f32_e32 v6, v0", 0, { MINUS }, { MINUS }, -1 },
    { G, "v_sin_f32_e32 v6, v0", 0, { 0x3e800000 }, { ONE }, -1 },
    { G, "v_sin_f32_e32 v6, v0", 0, { 0x3f000000 }, { 0 }, -1 },
    { G, "v_cos_f32_e32 v6, v0", 0, { 0x3f000000 }, { 0xbf800000 }, -1 },
    { G, "v_cos_f32_e32 v6, v0", 0, { 0x3e800000 }, { 0 }, -1 },
    { G, "v_exp_f16_e32 v6, v0", 0, { 0xcc00 }, { 0x0100 }, -1 }, /* 2^-16, a subnormal, is kept */
    { G, "v_trig_preop_f64 v[6:7], v[0:1], 0", 0, { 0, 0x3ff00000 }, { 0x6dc9c882, 0x3fe45f30 }, -1 },
    { G, "v_trig_preop_f64 v[6:7], v[0:1], 1", 0, { 0, 0x3ff00000 }, { 0x9d5f47d4, 0x3c94a7f0 }, -1 },
    /* division by steps */
    { G, "v_div_fixup_f32 v6, v0, v1, v2", 0, { ONE, 0, 0xbf800000 }, { 0xff800000 }, -1 },
    { G, "v_div_fixup_f32 v6, v0, v1, v2", 0, { ONE, 0xff800000, ONE }, { MINUS }, -1 },
    { G, "v_div_scale_f32 v6, vcc, v0, v0, v1", 0, { 0x00000001, ONE }, { 0x15000000 }, 1 },
    { G, "v_div_scale_f32 v6, vcc, v1, v0, v1", 0, { 0x1f800000, 0x7f000000 }, { 0x7f000000 }, 1 },
    { G, "v_div_fmas_f32 v6, v0, v1, v2", 0, { 0, 0, 0x00800000 }, { 0 }, 1 },
    /* integers */
    { G, "v_mul_hi_i32 v6, v0, v1", 0, { 0x80000000, 0x80000000 }, { 0x40000000 }, -1 },
    { G, "v_mul_i32_i24_e32 v6, v0, v1", 0, { 0x00ffffff, 0xff000003 }, { (uint32_t)-3 }, -1 },
    { G, "v_mad_u32_u24 v6, v0, v1, v2", 0, { 0xff000003, 5, 7 }, { 22 }, -1 },
    { G,
      "v_mad_u64_u32 v[6:7], vcc, v0, v1, v[2:3]",
      0,
      { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX },
      { 0, 0xfffffffe },
      1 },
    { G, "v_mad_i64_i32 v[6:7], s[4:5], v0, v1, v[2:3]", 0, { UINT32_MAX, 5, 2, 0 }, { (uint32_t)-3, UINT32_MAX }, -1 },
    { G, "v_add_co_u32_e32 v6, vcc, v0, v1", 0, { UINT32_MAX, 1 }, { 0 }, 1 },
    { G, "v_addc_co_u32_e32 v6, vcc, v0, v1, vcc", 0, { UINT32_MAX, 0 }, { 0 }, 1 },
    { G, "v_subb_co_u32_e32 v6, vcc, v0, v1, vcc", 0, { 0, 0 }, { UINT32_MAX }, 1 },
    { G, "v_subrev_co_u32_e32 v6, vcc, v0, v1", 0, { 1, 0 }, { UINT32_MAX }, 1 },
    { G, "v_add_u32_e64 v6, v0, v1 clamp", 0, { UINT32_MAX, 5 }, { UINT32_MAX }, -1 },
    { G, "v_sub_u32_e64 v6, v0, v1 clamp", 0, { 3, 5 }, { 0 }, -1 },
    { G, "v_add_i32 v6, v0, v1 clamp", 0, { 0x7fffffff, 5 }, { 0x7fffffff }, -1 },
    { G, "v_ashrrev_i32_e32 v6, v0, v1", 0, { 33, 0x80000000 }, { 0xc0000000 }, -1 },
    { G, "v_lshlrev_b64 v[6:7], v0, v[2:3]", 0, { 36, 0, 3, 0 }, { 0, 0x30 }, -1 },
    { G, "v_ashrrev_i64 v[6:7], v0, v[2:3]", 0, { 4, 0, 0, 0x80000000 }, { 0, 0xf8000000 }, -1 },
    { G, "v_lshlrev_b16_e32 v6, v0, v1", 0, { 20, 0xffff0fff }, { 0xfff0 }, -1 },
    { G, "v_bfe_u32 v6, v0, v1, v2", 0, { 0x12345678, 8, 8 }, { 0x56 }, -1 },
    { G, "v_bfe_i32 v6, v0, v1, v2", 0, { 0x1234f678, 8, 8 }, { 0xfffffff6 }, -1 },
    { G, "v_bfe_i32 v6, v0, v1, v2", 0, { 0x1234f678, 8, 0 }, { 0 }, -1 },
    { G, "v_bfi_b32 v6, v0, v1, v2", 0, { 0xff00, 0x11111111, 0x22222222 }, { 0x22221122 }, -1 },
    { G, "v_bfm_b32 v6, v0, v1", 0, { 4, 8 }, { 0xf00 }, -1 },
    { G, "v_perm_b32 v6, v0, v1, v2", 0, { 0x11223344, 0x55667788, 0x0c0d0400 }, { 0x00ff4488 }, -1 },
    { G, "v_alignbit_b32 v6, v0, v1, v2", 0, { 0x1, 0x80000000, 31 }, { 3 }, -1 },
    { G, "v_alignbyte_b32 v6, v0, v1, v2", 0, { 0x11223344, 0x55667788, 5 }, { 0x44556677 }, -1 },
    { G, "v_ffbh_u32_e32 v6, v0", 0, { 0x00010000 }, { 15 }, -1 },
    { G, "v_ffbh_u32_e32 v6, v0", 0, { 0 }, { UINT32_MAX }, -1 },
    { G, "v_ffbl_b32_e32 v6, v0", 0, { 0x00010000 }, { 16 }, -1 },
    { G, "v_ffbh_i32_e32 v6, v0", 0, { 0xffff0000 }, { 16 }, -1 },
    { G, "v_bfrev_b32_e32 v6, v0", 0, { 0x00000013 }, { 0xc8000000 }, -1 },
    { G, "v_bcnt_u32_b32 v6, v0, v1", 0, { 0xf0f0, 5 }, { 13 }, -1 },
    { G, "v_sad_u8 v6, v0, v1, v2", 0, { 0x01020304, 0x04030201, 100 }, { 108 }, -1 },
    { G, "v_xad_u32 v6, v0, v1, v2", 0, { 0xf0, 0xff, 1 }, { 0x10 }, -1 },
    { G, "v_lshl_add_u32 v6, v0, v1, v2", 0, { 3, 4, 5 }, { 53 }, -1 },
    { G, "v_min_i16_e32 v6, v0, v1", 0, { 0x8000, 1 }, { 0x8000 }, -1 },
    { G, "v_med3_i32 v6, v0, v1, v2", 0, { (uint32_t)-5, 7, 1 }, { 1 }, -1 },
    { G, "v_mad_u16 v6, v0, v1, v2 clamp", 0, { 0xffff, 0xffff, 1 }, { (KEPT & 0xffff0000) | 0xffff }, -1 },
    { "gfx950",
      "v_bitop3_b32 v6, v0, v1, v2 bitop3:0xd8",
      0,
      { 0xf0f0f0f0, 0xcccccccc, 0xaaaaaaaa },
      { 0xd8d8d8d8 },
      -1 },
    { "gfx942", "v_lshl_add_u64 v[6:7], v[0:1], 3, v[4:5]", 0, { 0x20000000, 0, 0, 0, 5, 0 }, { 5, 1 }, -1 },
    { G, "v_cndmask_b32_e32 v6, v0, v1, vcc", 0, { 1, 2 }, { 2 }, 1 },
    { G, "v_cndmask_b32_e64 v6, v0, -v1, vcc", 0, { 1, 2 }, { 0x80000002 }, 1 },
    { R, "v_dual_add_f32 v6, v0, v1 :: v_dual_mov_b32 v7, v0", 0, { ONE, ONE }, { 0x40000000, ONE }, -1 },
    { R, "v_dual_mov_b32 v6, v1 :: v_dual_mul_f32 v7, v6, v0", 0, { ONE, 5 }, { 5, KEPT }, -1 },
    { R, "v_clz_i32_u32_e32 v6, v0", 0, { 0x00010000 }, { 15 }, -1 },
    { R, "v_ctz_i32_b32_e32 v6, v0", 0, { 0x00010000 }, { 16 }, -1 },
    { R, "v_cls_i32_e32 v6, v0", 0, { 0xffff0000 }, { 16 }, -1 },
    { "gfx950", "v_bitop3_b16 v6, v0, v1, v2 bitop3:0x80", 0, { 0xff00f0f0, 0x0000cccc, 0x1111aaaa }, { 0x8080 }, -1 },
    { G, "v_mad_u32_u16 v6, v0, v1, v2", 0, { 0x7777ffff, 0xffff, 1 }, { 0xfffe0002 }, -1 },
    { G, "v_mad_i32_i16 v6, v0, v1, v2", 0, { 0x7777ffff, 5, 1 }, { (uint32_t)-4 }, -1 },
    { G, "v_mul_hi_i32_i24_e32 v6, v0, v1", 0, { 0x00800000, 0x00800000 }, { 0x4000 }, -1 },
    { G, "v_mul_u32_u24_e32 v6, v0, v1", 0, { 0xff000003, 5 }, { 15 }, -1 },
    { G, "v_mul_hi_u32_u24_e32 v6, v0, v1", 0, { 0xffffffff, 0x00ffffff }, { 0xffff }, -1 },
    { G, "v_mad_i32_i24 v6, v0, v1, v2", 0, { 0x00ffffff, 5, 1 }, { (uint32_t)-4 }, -1 },
    { R4, "v_mad_co_u64_u32 v[6:7], vcc_lo, v0, v1, v[2:3]", 0, { UINT32_MAX, 2, 1, 0 }, { 0xffffffff, 1 }, 0 },
    { R4,
      "v_mad_co_i64_i32 v[6:7], vcc_lo, v0, v1, v[2:3]",
      0,
      { UINT32_MAX, 2, 1, 0 },
      { 0xffffffff, UINT32_MAX },
      0 },
    { G, "v_msad_u8 v6, v0, v1, v2", 0, { 0x01020304, 0x04000201, 100 }, { 107 }, -1 },
    { G, "v_sad_hi_u8 v6, v0, v1, v2", 0, { 0x01020304, 0x04030201, 100 }, { 0x80064 }, -1 },
    { G, "v_sad_u16 v6, v0, v1, v2", 0, { 0x00050001, 0x00010002, 1 }, { 6 }, -1 },
    { G, "v_sad_u32 v6, v0, v1, v2", 0, { 1, 4, 1 }, { 4 }, -1 },
    { G, "v_lerp_u8 v6, v0, v1, v2", 0, { 0xff000102, 0x00010203, 0x01000100 }, { 0x80000202 }, -1 },
    { G, "v_cvt_f32_ubyte0_e32 v6, v0", 0, { 0xffffff01 }, { ONE }, -1 },
    { G, "v_cvt_f32_ubyte1_e32 v6, v0", 0, { 0xffff01ff }, { ONE }, -1 },
    { G, "v_cvt_f32_ubyte3_e32 v6, v0", 0, { 0x01ffffff }, { ONE }, -1 },
    { G, "v_cvt_norm_i16_f16_e32 v6, v0", 0, { 0xbc00 }, { 0x8001 }, -1 },
    { G, "v_cvt_norm_u16_f16_e32 v6, v0", 0, { 0x3800 }, { 0x8000 }, -1 }, /* 32767.5, a tie */
    { G, "v_cvt_pknorm_u16_f32 v6, v0, v1", 0, { ONE, 0xbf800000 }, { 0xffff }, -1 },
    { R, "v_cvt_pk_norm_i16_f32 v6, v0, v1", 0, { ONE, 0xbf800000 }, { 0x80017fff }, -1 },
    { R, "v_cvt_pk_norm_u16_f32 v6, v0, v1", 0, { ONE, NAN32 }, { 0xffff }, -1 },
    { G, "v_cvt_pknorm_i16_f16 v6, v0, v1", 0, { 0x3c00, 0xbc00 }, { 0x80017fff }, -1 },
    { G, "v_cvt_pknorm_u16_f16 v6, v0, v1", 0, { 0x3c00, 0x7e00 }, { 0xffff }, -1 },
    { R, "v_cvt_pk_norm_i16_f16 v6, v0.l, v1.h", 0, { 0x3c00, 0xbc000000 }, { 0x80017fff }, -1 },
    { R, "v_cvt_pk_norm_u16_f16 v6, v0.l, v1.h", 0, { 0x3c00, 0x3c000000 }, { 0xffffffff }, -1 },
    { R, "v_cvt_pk_rtz_f16_f32_e32 v6, v0, v1", 0, { 0xc77fffff, 0x33000001 }, { 0x0000fbff }, -1 },
    { "gfx950", "v_cvt_pk_f16_f32 v6, v0, v1", 0, { 0x477fffff, 0x33000001 }, { 0x00017c00 }, -1 },
    { "gfx950", "v_cvt_pk_bf16_f32 v6, v0, v1", 0, { 0x3f808000, 0x3f818000 }, { 0x3f823f80 }, -1 },
    { G, "v_cvt_pk_u16_u32 v6, v0, v1", 0, { 0x00012345, 5 }, { 0x0005ffff }, -1 },
    { R, "v_cvt_pk_i16_f32 v6, v0, v1", 0, { 0xc7800000, 0x40200000 }, { 0x00028000 }, -1 },
    { R, "v_cvt_pk_u16_f32 v6, v0, v1", 0, { 0xc7800000, 0x47c00000 }, { 0xffff0000 }, -1 },
    { G, "v_sat_pk_u8_i16_e32 v6, v0", 0, { 0x0100ffff }, { 0xff00 }, -1 },
    { G, "v_pack_b32_f16 v6, v0, v1 op_sel:[1,0,0]", 0, { 0x12340000, 0x5678 }, { 0x56781234 }, -1 },
    { G, "v_frexp_mant_f64_e32 v[6:7], v[0:1]", 0, { 1, 0 }, { 0, 0x3fe00000 }, -1 },
    { G, "v_frexp_mant_f16_e32 v6, v0", 0, { 0xc200 }, { 0xba00 }, -1 },
    { G, "v_frexp_exp_i16_f16_e32 v6, v0", 0, { 1 }, { (uint16_t)-23 }, -1 },
    { G, "v_div_fixup_f16 v6, v0, v1, v2", 0, { 0x3c00, 0, 0xbc00 }, { (KEPT & 0xffff0000) | 0xfc00 }, -1 },
    { G, "v_div_fixup_legacy_f16 v6, v0, v1, v2", 0, { 0x3c00, 0xbc00, 0x4000 }, { 0xbc00 }, -1 },
    /* f64 */
    { G,
      "v_fma_f64 v[6:7], v[0:1], v[2:3], v[4:5]",
      0,
      { 1, 0x3ff00000, 1, 0x3ff00000, 2, 0xbff00000 },
      { 0, 0x39700000 },
      -1 },
    { G, "v_add_f64 v[6:7], v[0:1], -v[2:3]", 0, { 0, 0x3ff00000, 0, 0x3ff00000 }, { 0, 0 }, -1 },
    { G, "v_max_f64 v[6:7], v[0:1], v[2:3] clamp", 0, { 0, 0x40080000, 0, 0x40000000 }, { 0, 0x3ff00000 }, -1 },
    { G, "v_add_f64 v[6:7], v[0:1], 1.0", 0, { 0, 0x3ff00000 }, { 0, 0x40000000 }, -1 },
    /* compares */
    { G, "v_cmp_lt_f32_e32 vcc, v0, v1", 0, { NAN32, ONE }, { KEPT }, 0 },
    { G, "v_cmp_nge_f32_e32 vcc, v0, v1", 0, { NAN32, ONE }, { KEPT }, 1 },
    { G, "v_cmp_eq_f32_e32 vcc, v0, v1", 0, { 0, MINUS }, { KEPT }, 1 },
    { G, "v_cmp_lt_f32_e32 vcc, v0, v1", 0x30, { 0x00000001, 0x00000002 }, { KEPT }, 0 },
    { G, "v_cmp_lt_i64_e32 vcc, v[0:1], v[2:3]", 0, { 5, UINT32_MAX, 4, 0 }, { KEPT }, 1 },
    { G, "v_cmp_lt_u64_e32 vcc, v[0:1], v[2:3]", 0, { 5, UINT32_MAX, 4, 0 }, { KEPT }, 0 },
    { G, "v_cmp_ne_u16_e32 vcc, v0, v1", 0, { 0x00010005, 5 }, { KEPT }, 0 },
    { R, "v_cmp_ne_u16_e64 vcc_lo, v0.h, v1.l", 0, { 0x00010005, 5 }, { KEPT }, 1 },
    { G, "v_cmp_class_f32_e32 vcc, v0, v1", 0, { 0x80000001, 1 << 4 }, { KEPT }, 1 },
    { G, "v_cmp_class_f32_e32 vcc, v0, v1", 0, { 0x7f800001, 1 }, { KEPT }, 1 },
    { G, "v_cmp_class_f64_e32 vcc, v[0:1], v2", 0, { 0, 0xfff00000, 1 << 2 }, { KEPT }, 1 },
    { G, "v_cmp_class_f16_e32 vcc, v0, v1", 0, { 0x7e00, 2 }, { KEPT }, 1 },
};

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

/* Scalar: s0..s5 and SCC come in, s6, s7 and SCC go out. */
struct scalar_case {
    const char *target, *text;
    uint32_t in[6], scc, out[2], scc_out;
};
static const struct scalar_case scalars[] = {
    { G, "s_add_u32 s6, s0, s1", { UINT32_MAX, 1 }, 0, { 0, KEPT }, 1 },
    { G, "s_addc_u32 s6, s0, s1", { UINT32_MAX, 0 }, 1, { 0, KEPT }, 1 },
    { G, "s_subb_u32 s6, s0, s1", { 5, 5 }, 1, { UINT32_MAX, KEPT }, 1 },
    { G, "s_add_i32 s6, s0, s1", { 0x7fffffff, 1 }, 0, { 0x80000000, KEPT }, 1 },
    { G, "s_sub_i32 s6, s0, s1", { 0x80000000, 1 }, 0, { 0x7fffffff, KEPT }, 1 },
    { G, "s_mul_i32 s6, s0, s1", { 0x10001, 0x10001 }, 1, { 0x20001, KEPT }, 1 },
    { G, "s_mul_hi_i32 s6, s0, s1", { UINT32_MAX, 2 }, 0, { UINT32_MAX, KEPT }, 0 },
    { G, "s_and_b64 s[6:7], s[0:1], s[2:3]", { 1, 2, 2, 1 }, 1, { 0, 0 }, 0 },
    { G, "s_andn2_b32 s6, s0, s1", { 7, 2 }, 0, { 5, KEPT }, 1 },
    { G, "s_lshl_b64 s[6:7], s[0:1], s2", { 1, 0, 33 }, 0, { 0, 2 }, 1 },
    { G, "s_ashr_i32 s6, s0, 4", { 0x80000000 }, 0, { 0xf8000000, KEPT }, 1 },
    { G, "s_bfe_u32 s6, s0, 0x80008", { 0x12345678 }, 0, { 0x56, KEPT }, 1 },
    { G, "s_bfe_i64 s[6:7], s[0:1], 0x200000", { 0x80000000, 5 }, 0, { 0x80000000, UINT32_MAX }, 1 },
    { G, "s_bfm_b64 s[6:7], 36, 4", { 0 }, 0, { 0xfffffff0, 0xff }, 0 },
    { G, "s_flbit_i32_b32 s6, s0", { 0x00010000 }, 0, { 15, KEPT }, 0 },
    { G, "s_flbit_i32_b64 s6, s[0:1]", { 0, 0 }, 0, { UINT32_MAX, KEPT }, 0 },
    { G, "s_ff1_i32_b64 s6, s[0:1]", { 0, 1 }, 0, { 32, KEPT }, 0 },
    { G, "s_bcnt1_i32_b64 s6, s[0:1]", { 0xf, 0xf0 }, 0, { 8, KEPT }, 1 },
    { G, "s_brev_b32 s6, s0", { 1 }, 0, { 0x80000000, KEPT }, 0 },
    { G, "s_abs_i32 s6, s0", { (uint32_t)-3 }, 0, { 3, KEPT }, 1 },
    { G, "s_absdiff_i32 s6, s0, s1", { 3, 8 }, 0, { 5, KEPT }, 1 },
    { G, "s_min_i32 s6, s0, s1", { (uint32_t)-3, 8 }, 0, { (uint32_t)-3, KEPT }, 1 },
    { G, "s_max_u32 s6, s0, s1", { 3, 8 }, 1, { 8, KEPT }, 0 },
    { G, "s_cselect_b32 s6, s0, s1", { 3, 8 }, 1, { 3, KEPT }, 1 },
    { G, "s_cselect_b64 s[6:7], s[0:1], 7", { 3, 8 }, 0, { 7, 0 }, 0 },
    { G, "s_pack_lh_b32_b16 s6, s0, s1", { 0x11112222, 0x33334444 }, 0, { 0x33332222, KEPT }, 0 },
    { G, "s_sext_i32_i8 s6, s0", { 0x80 }, 0, { 0xffffff80, KEPT }, 0 },
    { G, "s_bitset1_b32 s6, s0", { 31 }, 0, { KEPT | 0x80000000, KEPT }, 0 },
    { G, "s_bitreplicate_b64_b32 s[6:7], s0", { 0x80000001 }, 0, { 3, 0xc0000000 }, 0 },
    { G, "s_quadmask_b64 s6, s[0:1]", { 0x10, 0x80000000 }, 0, { 0x8002, 0 }, 1 },
    { G, "s_wqm_b32 s6, s0", { 0x10 }, 0, { 0xf0, KEPT }, 1 },
    { G, "s_movk_i32 s6, 0x8000", { 0 }, 0, { 0xffff8000, KEPT }, 0 },
    { G, "s_addk_i32 s6, 0xffff", { 0 }, 0, { KEPT - 1, KEPT }, 0 },
    { G, "s_mulk_i32 s6, 0x2", { 0 }, 0, { KEPT * 2u, KEPT }, 0 },
    { G, "s_cmpk_eq_i32 s0, 0xffff", { UINT32_MAX }, 0, { KEPT, KEPT }, 1 },
    { G, "s_cmpk_eq_u32 s0, 0xffff", { UINT32_MAX }, 1, { KEPT, KEPT }, 0 },
    { G, "s_cmp_lt_i32 s0, s1", { UINT32_MAX, 0 }, 0, { KEPT, KEPT }, 1 },
    { G, "s_cmp_lt_u32 s0, s1", { UINT32_MAX, 0 }, 1, { KEPT, KEPT }, 0 },
    { G, "s_cmp_lg_u64 s[0:1], s[2:3]", { 0, 1, 0, 0 }, 0, { KEPT, KEPT }, 1 },
    { G, "s_bitcmp0_b32 s0, 3", { 8 }, 1, { KEPT, KEPT }, 0 },
    { G, "s_lshl2_add_u32 s6, s0, s1", { 0x40000000, 5 }, 0, { 5, KEPT }, 1 },
    { G, "s_bfm_b32 s6, 4, 8", { 0 }, 0, { 0xf00, KEPT }, 0 },
    { G, "s_bfe_i32 s6, s0, 0x80004", { 0xff0 }, 0, { UINT32_MAX, KEPT }, 1 },
    { G, "s_bfe_i32 s6, s0, 0x20001c", { 0x80000000 }, 0, { 0xfffffff8, KEPT }, 1 },
    { G, "s_bfe_u64 s[6:7], s[0:1], 0x100018", { 0x12345678, 0x9abcdef0 }, 0, { 0xf012, 0 }, 1 },
    { G, "s_pack_ll_b32_b16 s6, s0, s1", { 0x11112222, 0x33334444 }, 0, { 0x44442222, KEPT }, 0 },
    { G, "s_pack_hh_b32_b16 s6, s0, s1", { 0x11112222, 0x33334444 }, 0, { 0x33331111, KEPT }, 0 },
    { R, "s_pack_hl_b32_b16 s6, s0, s1", { 0x11112222, 0x33334444 }, 0, { 0x44441111, KEPT }, 0 },
    { G, "s_brev_b64 s[6:7], s[0:1]", { 1, 0x10 }, 0, { 0x08000000, 0x80000000 }, 0 },
    { G, "s_sext_i32_i16 s6, s0", { 0x8000 }, 0, { 0xffff8000, KEPT }, 0 },
    { G, "s_bitset0_b32 s6, s0", { 35 }, 0, { KEPT & ~8u, KEPT }, 0 },
    { G, "s_bitset0_b64 s[6:7], s0", { 37 }, 0, { KEPT, KEPT & ~0x20u }, 0 },
    { G, "s_bitset1_b64 s[6:7], s0", { 63 }, 0, { KEPT, KEPT | 0x80000000 }, 0 },
    { G, "s_quadmask_b32 s6, s0", { 0x80000010 }, 0, { 0x82, KEPT }, 1 },
    { G, "s_wqm_b64 s[6:7], s[0:1]", { 0x10, 0x80000000 }, 0, { 0xf0, 0xf0000000 }, 1 },
    { G, "s_bcnt0_i32_b32 s6, s0", { UINT32_MAX }, 1, { 0, KEPT }, 0 },
    { G, "s_bcnt0_i32_b64 s6, s[0:1]", { 0, 0xf0 }, 0, { 60, KEPT }, 1 },
    { G, "s_bcnt1_i32_b32 s6, s0", { 0xf0f }, 0, { 8, KEPT }, 1 },
    { G, "s_ff0_i32_b32 s6, s0", { 0xffff }, 0, { 16, KEPT }, 0 },
    { G, "s_ff0_i32_b64 s6, s[0:1]", { UINT32_MAX, UINT32_MAX }, 0, { UINT32_MAX, KEPT }, 0 },
    { G, "s_ff1_i32_b32 s6, s0", { 0x50 }, 0, { 4, KEPT }, 0 },
    { R, "s_ctz_i32_b32 s6, s0", { 0 }, 0, { UINT32_MAX, KEPT }, 0 },
    { R, "s_ctz_i32_b64 s6, s[0:1]", { 0, 2 }, 0, { 33, KEPT }, 0 },
    { R, "s_clz_i32_u32 s6, s0", { 1 }, 0, { 31, KEPT }, 0 },
    { R, "s_clz_i32_u64 s6, s[0:1]", { 1, 0 }, 0, { 63, KEPT }, 0 },
    { G, "s_flbit_i32 s6, s0", { 0xffff0000 }, 0, { 16, KEPT }, 0 },
    { G, "s_flbit_i32_i64 s6, s[0:1]", { UINT32_MAX, UINT32_MAX }, 0, { UINT32_MAX, KEPT }, 0 },
    { R, "s_cls_i32 s6, s0", { 0x0000ffff }, 0, { 16, KEPT }, 0 },
    { R, "s_cls_i32_i64 s6, s[0:1]", { 0, 1 }, 0, { 31, KEPT }, 0 },
    { G, "s_bitcmp1_b32 s0, 35", { 8 }, 0, { KEPT, KEPT }, 1 },
    { G, "s_bitcmp0_b64 s[0:1], 35", { 8, 0 }, 0, { KEPT, KEPT }, 1 },
    { G, "s_bitcmp1_b64 s[0:1], 35", { 0, 8 }, 0, { KEPT, KEPT }, 1 },
    { G, "s_cmovk_i32 s6, 0x8000", { 0 }, 1, { 0xffff8000, KEPT }, 1 },
    { G, "s_cmovk_i32 s6, 0x8000", { 0 }, 0, { KEPT, KEPT }, 0 },
    { R4, "s_fmaak_f32 s6, s0, s1, 0x3f800000", { ONE, ONE }, 0, { 0x40000000, KEPT }, 0 },
    { R4, "s_fmamk_f32 s6, s0, 0x40000000, s1", { ONE, ONE }, 0, { 0x40400000, KEPT }, 0 },
    { R4, "s_cvt_hi_f32_f16 s6, s0", { 0x3c000000 }, 0, { ONE, KEPT }, 0 },
    { R4, "s_cvt_pk_rtz_f16_f32 s6, s0, s1", { 0x477fffff, 0x3fffffff }, 0, { 0x3fff7bff, KEPT }, 0 },
    { R4, "s_mul_u64 s[6:7], s[0:1], s[2:3]", { UINT32_MAX, 0, UINT32_MAX, 0 }, 0, { 1, 0xfffffffe }, 0 },
    { R4, "s_add_f32 s6, s0, s1", { ONE, ONE }, 0, { 0x40000000, KEPT }, 0 },
    { R4, "s_fmac_f32 s6, s0, s1", { ONE, 0 }, 0, { KEPT, KEPT }, 0 },
    { R4, "s_cvt_u32_f32 s6, s0", { 0xbf800000 }, 0, { 0, KEPT }, 0 },
    { R4, "s_cmp_neq_f32 s0, s1", { NAN32, NAN32 }, 0, { KEPT, KEPT }, 1 },
    { R4, "v_s_rcp_f32 s6, s0", { 0x40800000 }, 0, { 0x3e800000, KEPT }, 0 },
};

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
    int off[3] = { 0, 0, 0 };
    for (int k = 0; k < 10; k++) {
        for (int l = 0; l < ISA_LANES; l++)
            w->v[0][l] = 0x40400000;
        run_to_go(w, "v_rcp_f32_e32 v1, v0");
        for (int l = 0; l < ISA_LANES; l++) {
            const uint32_t by = w->v[1][l] - 0x3eaaaaaa;
            assert_true(by < 3);
            off[by]++;
        }
    }
    assert_true(off[0] > 100 && off[1] > 100 && off[2] > 100);
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
        cmocka_unit_test(test_vector),         cmocka_unit_test(test_scalar),   cmocka_unit_test(test_exec),
        cmocka_unit_test(test_more),           cmocka_unit_test(test_division), cmocka_unit_test(test_division_f64),
        cmocka_unit_test(test_transcendental),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
