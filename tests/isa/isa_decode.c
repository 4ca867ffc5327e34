/* Instructions of every form that LLVM prints, from their bytes to the decoded structure; what is not understood is
 * an error; code that ends in mid-instruction or goes outside is named.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "isa/internal.h"

struct form {
    const char *target;
    int lanes;
    uint32_t word[4];
    const char *text;     /* as LLVM 22 prints it */
    const char *expected; /* as describe() below says it */
};

static const struct form forms[] = {
#include "tests/isa/decode_forms.h"
};

/* ---- What an instruction is, in one line ------------------------------------------------------------------- */

struct line {
    char text[512];
    size_t at;
};

static void say(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct line *l, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(l->text + l->at, sizeof l->text - l->at, format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && l->at + (size_t)n < sizeof l->text);
    l->at += (size_t)n;
}

static void say_operand(struct line *l, const struct isa_operand *o)
{
    static const char *const halves[] = { "", ".l", ".h" };
    static const char *const places[] = { "none", "v", "s", "", "off" };
    say(l, " %s%s%s", o->neg ? "-" : "", o->abs ? "|" : "", places[o->place]);
    if (o->place == ISA_P_CONSTANT) {
        say(l, "0x%llx", (unsigned long long)o->value);
        assert_non_null(o->row);
        assert_int_equal(o->row[0], (uint32_t)o->value);
        assert_int_equal(o->row[ISA_LANES - 1], (uint32_t)o->value);
        assert_int_equal(o->row[ISA_LANES], (uint32_t)(o->value >> 32));
    } else if (o->place != ISA_P_OFF) {
        say(l, "%d", o->reg);
        if (o->words > 1) {
            say(l, "*%d", o->words);
        }
        say(l, "%s", halves[o->half]);
    }
    if (o->sel) {
        say(l, "/sel%d", o->sel);
    }
    if (o->sext) {
        say(l, "/sext");
    }
}

static void say_number(struct line *l, const char *name, long long value, long long usual)
{
    if (value != usual) {
        say(l, " %s=%lld", name, value);
    }
}

static void describe(struct line *l, const struct isa_instr *i)
{
    say(l, "%s", i->row->name);
    for (int k = 0; k < i->n_dst; k++) {
        say_operand(l, &i->dst[k]);
    }
    say(l, " <-");
    for (int k = 0; k < i->n_src; k++) {
        say_operand(l, &i->src[k]);
    }
#define SAY(field, usual) say_number(l, #field, (long long)i->field, usual)
    SAY(op_sel, 0);
    SAY(op_sel_hi, 0);
    SAY(neg_lo, 0);
    SAY(neg_hi, 0);
    SAY(clamp, 0);
    SAY(omod, 0);
    SAY(dpp, ISA_DPP_NONE);
    SAY(dpp_value, 0);
    SAY(row_mask, 15);
    SAY(bank_mask, 15);
    SAY(bound_ctrl, 0);
    SAY(fi, 0);
    SAY(sdwa, 0);
    SAY(dst_sel, 0);
    SAY(dst_unused, 0);
    SAY(cbsz, 0);
    SAY(abid, 0);
    SAY(blgp, 0);
    SAY(glc, 0);
    SAY(slc, 0);
    SAY(dlc, 0);
    SAY(nt, 0);
    SAY(sc0, 0);
    SAY(sc1, 0);
    SAY(lds, 0);
    SAY(offen, 0);
    SAY(idxen, 0);
    SAY(scope, 0);
    SAY(th, 0);
    SAY(offset[0], 0);
    SAY(offset[1], 0);
    SAY(immediate, 0);
    if (i->target != ISA_NO_CODE) {
        SAY(target, -1);
    }
    if (i->second) {
        say(l, " :: ");
        describe(l, i->second);
    }
}

/* ---- Tests ------------------------------------------------------------------------------------------------ */

static void test_forms(void **state)
{
    (void)state;
    int different = 0;
    for (size_t n = 0; n < sizeof forms / sizeof *forms; n++) {
        const struct form *f = &forms[n];
        struct isa_code *code =
            isa_code_open(isa_target_find(f->target), f->lanes, (const uint8_t *)f->word, sizeof f->word);
        assert_non_null(code);
        const struct isa_instr *i = isa_code_instr(code, 0);
        char text[256];
        isa_code_text(code, i, text, sizeof text);
        struct line l = { .at = 0 };
        if (i->row) {
            describe(&l, i);
        } else {
            say(&l, "%s", isa_code_why(code, i));
        }
        if (strcmp(text, f->text) != 0 || strcmp(l.text, f->expected) != 0) {
            print_message("%s: %s\n  is        %s\n  should be %s\n", f->target, text, l.text, f->expected);
            different++;
        }
        isa_code_close(code);
    }
    assert_int_equal(different, 0);
}

/* Text that no printer writes, and forms that must not be guessed. */
static void test_not_understood(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "v_no_such_instruction v0, v1",
        "v_add_f32_e32 v0, v1",
        "v_add_f32_e32 v0, v1, v2, v3",
        "v_add_f32_e32 v0, v1, v256",
        "v_add_f32_e32 v0, v1, v[5:4]",
        "v_add_f32_e32 v0, v1, v[0:",
        "v_add_f32_e32 v0, v1, s106",
        "v_add_f32_e32 v0, v1, |v2",
        "v_add_f32_e32 v0, v1, neg(v2",
        "v_add_f32_e32 v0, v1, 1.25",
        "v_add_f32_e32 v0, v1, 0x",
        "v_add_f32_e32 v0, v1, 0x11111111111111111",
        "v_add_f32_e32 v0, v1, v2 unheard_of",
        "v_add_f32_e32 v0, v1, v2 mul:3",
        "v_add_f32_e32 v0, v1, v2 clampx",
        "v_add_f32_dpp v0, v1, v2 quad_perm:[0,1,2,4] row_mask:0xf bank_mask:0xf",
        "v_add_f32_dpp v0, v1, v2 quad_perm:[0,1,2] row_mask:0xf bank_mask:0xf",
        "v_add_f32_dpp v0, v1, v2 row_shl:16 row_mask:0xf bank_mask:0xf",
        "v_add_f32_sdwa v0, v1, v2 dst_sel:WORD_2 dst_unused:UNUSED_PAD src0_sel:DWORD src1_sel:DWORD",
        "v_add_f32_e32 v0, v1, v2/*Invalid register*/",
        "v_pk_fma_f32 v[0:1], v[2:3], v[4:5], 1.0",
        "s_waitcnt vmcnt(0)",                             /* without the encoding */
        "v_dual_mov_b32 v0, v1 :: v_dual_mov_b32 v2, v3", /* without a place for the second */
        "global_load_dword v0, v[2:3], off offset:99999999999999999999",
    };
    for (size_t n = 0; n < sizeof lines / sizeof *lines; n++) {
        struct isa_instr i;
        char error[128];
        memset(&i, 0, sizeof i);
        if (isa_parse(isa_target_find("gfx90a"), 64, lines[n], &i, error, sizeof error)) {
            print_message("understood: \"%s\"\n", lines[n]);
            fail();
        }
        assert_true(strlen(error) > 0);
    }
}

static void test_addresses(void **state)
{
    (void)state;
    /* s_branch -1; v_add_f64 with its literal cut off. */
    static const uint32_t words[] = { 0xbf82ffff, 0xd2800000, 0x0002ff02 };
    struct isa_code *code = isa_code_open(isa_target_find("gfx1030"), 32, (const uint8_t *)words, sizeof words);
    assert_non_null(code);
    struct isa_stop stop;
    memset(&stop, 0, sizeof stop);
    assert_int_equal(isa_code_at(code, 0, &stop), 0);
    assert_int_equal(isa_code_instr(code, 0)->target, 0);
    assert_int_equal(isa_code_instr(code, 0)->next, 1);
    const struct isa_instr *cut = isa_code_instr(code, 1);
    assert_null(cut->row);
    assert_true(strlen(isa_code_why(code, cut)) > 0);
    static const uint64_t outside[] = { sizeof words, 2, 1u << 30, UINT64_MAX - 3, (uint64_t)-8 };
    for (size_t n = 0; n < sizeof outside / sizeof *outside; n++) {
        memset(&stop, 0, sizeof stop);
        assert_int_equal(isa_code_at(code, outside[n], &stop), ISA_NO_CODE);
        assert_int_equal(stop.code, ISA_STOP_CODE_BOUNDS);
        assert_true(strlen(stop.text) > 0);
    }
    isa_code_close(code);
}

/* Any bytes end in an instruction or a reason. */
static void test_random_bytes(void **state)
{
    (void)state;
    static const char *const targets[] = { "gfx906", "gfx90a", "gfx942", "gfx1030", "gfx1100", "gfx1201" };
    static uint32_t words[2048];
    uint64_t seed = 12;
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++) {
        for (size_t n = 0; n < sizeof words / sizeof *words; n++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            words[n] = (uint32_t)(seed >> 32);
        }
        struct isa_code *code =
            isa_code_open(isa_target_find(targets[t]), t < 3 ? 64 : 32, (const uint8_t *)words, sizeof words);
        assert_non_null(code);
        for (uint32_t n = 0; n < sizeof words / sizeof *words; n++) {
            const struct isa_instr *i = isa_code_instr(code, n);
            assert_true(i->row || strlen(isa_code_why(code, i)));
            assert_true(i->bytes >= 4 && i->n_src <= ISA_SOURCES && i->n_dst <= ISA_DESTINATIONS);
        }
        isa_code_close(code);
    }
}

/* Encodings that end LLVM's printer are refused before it sees them. */
static void test_unprintable(void **state)
{
    (void)state;
    static const struct form hostile[] = {
        { "gfx906", 64, { 0xd1d64636, 0xe3c800ff }, "", "" }, { "gfx1030", 32, { 0x6b3a80f9, 0xd7405e3d }, "", "" },
        { "gfx90a", 64, { 0x166712f9, 0xd37765c2 }, "", "" }, { "gfx90a", 64, { 0xe1b0e045, 0xff26419a }, "", "" },
        { "gfx950", 64, { 0xd3ae83e2, 0x6611a18f }, "", "" }, { "gfx1201", 32, { 0xbed451ff, 0x6cc82c54 }, "", "" },
        { "gfx942", 64, { 0x454e08f9, 0xc067afb7 }, "", "" },
    };
    for (size_t n = 0; n < sizeof hostile / sizeof *hostile; n++) {
        const struct form *f = &hostile[n];
        struct isa_code *code =
            isa_code_open(isa_target_find(f->target), f->lanes, (const uint8_t *)f->word, sizeof f->word);
        assert_non_null(code);
        const struct isa_instr *i = isa_code_instr(code, 0);
        assert_null(i->row);
        assert_string_equal(isa_code_why(code, i), "bytes that are no instruction");
        isa_code_close(code);
    }
}

static void test_targets(void **state)
{
    (void)state;
    assert_null(isa_target_find("gfx90"));
    assert_null(isa_target_find("gfx90ab"));
    assert_null(isa_target_find(""));
    assert_ptr_equal(isa_target_find("gfx90a:sramecc+:xnack-"), isa_target_find("gfx90a"));
    struct isa_error error;
    assert_true(isa_code_ready(isa_target_find("gfx1201"), &error));
}

int main(void)
{
    struct isa_error error;
    if (!isa_code_ready(isa_target_find("gfx906"), &error)) {
        printf("%s\n", error.text);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),        cmocka_unit_test(test_not_understood), cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_random_bytes), cmocka_unit_test(test_unprintable),    cmocka_unit_test(test_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
