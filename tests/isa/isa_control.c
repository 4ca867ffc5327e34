/* isa_control.c: branches, calls, waits, hardware registers, what ends a wave: by the encoding of each generation.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/machine.h"
#include "isa/rows/control.h"
#include "tests/isa/one_wave.h"

/* An instruction made by hand: its row, the immediate. */
static enum isa_next run_row(struct isa_wave *w, const char *name, uint64_t immediate, struct isa_instr *i)
{
    const struct isa_row *row = isa_row_find(name);
    assert_non_null(row);
    i->row = row;
    i->immediate = immediate;
    return row->run(w, i);
}

static enum isa_next run_number(struct isa_wave *w, const char *name, uint64_t immediate)
{
    struct isa_instr i = { .target = ISA_NO_CODE };
    i.src[0] = (struct isa_operand){ .place = ISA_P_SCALAR, .reg = ISA_NULL };
    return run_row(w, name, immediate, &i);
}

/* ---- Branches ---------------------------------------------------------------------------------------------------- */

struct branch_case {
    const char *name;
    uint32_t scc;
    uint64_t vcc, exec;
    bool taken;
};
static const struct branch_case branches[] = {
    { "s_branch", 0, 0, 0, true },
    { "s_cbranch_scc0", 0, 0, 0, true },
    { "s_cbranch_scc0", 1, 0, 0, false },
    { "s_cbranch_scc1", 1, 0, 0, true },
    { "s_cbranch_scc1", 0, 0, 0, false },
    { "s_cbranch_vccz", 1, 0, 1, true },
    { "s_cbranch_vccz", 1, UINT64_C(1) << 40, 0, false },
    { "s_cbranch_vccnz", 1, UINT64_C(1) << 40, 0, true },
    { "s_cbranch_vccnz", 1, 0, 1, false },
    { "s_cbranch_execz", 1, 1, 0, true },
    { "s_cbranch_execz", 1, 0, UINT64_C(1) << 40, false },
    { "s_cbranch_execnz", 1, 0, UINT64_C(1) << 40, true },
    { "s_cbranch_execnz", 1, 1, 0, false },
    { "s_cbranch_cdbgsys", 1, 1, 1, false },
    { "s_cbranch_cdbguser", 1, 1, 1, false },
    { "s_cbranch_cdbgsys_or_user", 1, 1, 1, false },
    { "s_cbranch_cdbgsys_and_user", 1, 1, 1, false },
};

static void test_branches(void **state)
{
    (void)state;
    struct isa_wave *w = new_wave("gfx90a", 64);
    for (size_t k = 0; k < sizeof branches / sizeof *branches; k++) {
        const struct branch_case *c = &branches[k];
        struct isa_instr i = { .target = 77 };
        w->s[ISA_SCC] = c->scc;
        isa_set_lane_mask(w, ISA_VCC, c->vcc);
        isa_set_scalar(w, ISA_EXEC, 2, c->exec);
        w->next = 5;
        const enum isa_next next = run_row(w, c->name, 0, &i);
        if (next != (c->taken ? ISA_JUMP : ISA_GO) || w->next != (c->taken ? 77 : 5))
            fail_msg("%s, case %zu", c->name, k);
    }
    free(w);
}

/* ---- Waits ------------------------------------------------------------------------------------------------------- */

/* Ten operations of each counter on their way; what the wait leaves: all are 10 where it waits for none. */
struct wait_case {
    const char *target, *name;
    uint32_t immediate, left[ISA_COUNTERS]; /* LOAD, STORE, DS, KM, EXP */
};
static const struct wait_case waits[] = {
    { "gfx90a", "s_waitcnt", 0xcf7f, { 10, 10, 10, 10, 10 } },
    { "gfx90a", "s_waitcnt", 0x0f70, { 0, 10, 10, 10, 10 } },
    { "gfx90a", "s_waitcnt", 0x0f73, { 3, 10, 10, 10, 10 } },
    { "gfx90a", "s_waitcnt", 0x4f70, { 10, 10, 10, 10, 10 } }, /* 16 */
    { "gfx90a", "s_waitcnt", 0xc27f, { 10, 10, 2, 10, 10 } },
    { "gfx90a", "s_waitcnt", 0xc07f, { 10, 10, 0, 0, 10 } },
    { "gfx1030", "s_waitcnt", 0xc07f, { 10, 10, 0, 0, 10 } },
    { "gfx1030", "s_waitcnt", 0xff70, { 10, 10, 10, 10, 10 } },
    { "gfx1030", "s_waitcnt", 0xd17f, { 10, 10, 10, 10, 10 } }, /* lgkmcnt(17) */
    { "gfx1030", "s_waitcnt", 0x3f71, { 1, 10, 10, 10, 10 } },
    { "gfx1100", "s_waitcnt", 0xfc07, { 10, 10, 0, 0, 10 } },
    { "gfx1100", "s_waitcnt", 0x03f7, { 0, 10, 10, 10, 10 } },
    { "gfx1100", "s_waitcnt", 0x07f7, { 1, 10, 10, 10, 10 } },
    { "gfx1100", "s_waitcnt_vscnt", 2, { 10, 2, 10, 10, 10 } },
    { "gfx1030", "s_waitcnt_vmcnt", 2, { 2, 10, 10, 10, 10 } },
    { "gfx1030", "s_waitcnt_lgkmcnt", 0, { 10, 10, 0, 0, 10 } },
    { "gfx1030", "s_waitcnt_expcnt", 0, { 10, 10, 10, 10, 0 } },
    { "gfx1201", "s_wait_loadcnt", 1, { 1, 10, 10, 10, 10 } },
    { "gfx1201", "s_wait_storecnt", 1, { 10, 1, 10, 10, 10 } },
    { "gfx1201", "s_wait_dscnt", 1, { 10, 10, 1, 10, 10 } },
    { "gfx1201", "s_wait_kmcnt", 0, { 10, 10, 10, 0, 10 } },
    { "gfx1201", "s_wait_expcnt", 1, { 10, 10, 10, 10, 1 } },
    { "gfx1201", "s_wait_samplecnt", 0, { 10, 10, 10, 10, 10 } },
    { "gfx1201", "s_wait_bvhcnt", 0, { 10, 10, 10, 10, 10 } },
    { "gfx1201", "s_wait_loadcnt_dscnt", 0x302, { 3, 10, 2, 10, 10 } },
    { "gfx1201", "s_wait_storecnt_dscnt", 0x302, { 10, 3, 2, 10, 10 } },
};

static void test_waits(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof waits / sizeof *waits; k++) {
        const struct wait_case *c = &waits[k];
        struct isa_wave *w = new_wave(c->target, !strcmp(c->target, "gfx90a") ? 64 : 32);
        w->checked = true;
        for (int n = 0; n < ISA_COUNTERS; n++)
            w->issued[n] = 110, w->done[n] = 100;
        assert_int_equal(run_number(w, c->name, c->immediate), ISA_GO);
        for (int n = 0; n < ISA_COUNTERS; n++)
            if (w->issued[n] - w->done[n] != c->left[n])
                fail_msg("%s %s %#x: counter %d has %u left", c->target, c->name, c->immediate, n,
                         w->issued[n] - w->done[n]);
        free(w);
    }
}

/* ---- Registers of the hardware, relative ones -------------------------------------------------------------------- */

static uint64_t hwreg(unsigned number, unsigned at, unsigned width) { return number | at << 6 | (width - 1) << 11; }

static void test_registers(void **state)
{
    (void)state;
    struct isa_wave *w = new_wave("gfx1100", 32);
    struct isa_instr i = { .n_dst = 1 };
    i.dst[0] = (struct isa_operand){ .place = ISA_P_SCALAR, .reg = 4 };
    i.src[0] = (struct isa_operand){ .place = ISA_P_CONSTANT, .value = 5 };
    w->mode = 0x3f5;
    assert_int_equal(run_row(w, "s_getreg_b32", hwreg(1, 4, 4), &i), ISA_GO);
    assert_int_equal(w->s[4], 0xf);
    assert_int_equal(run_row(w, "s_setreg_b32", hwreg(1, 0, 2), &i), ISA_GO);
    assert_int_equal(w->mode, 0x3f5);
    assert_int_equal(run_row(w, "s_setreg_imm32_b32", hwreg(1, 4, 4), &i), ISA_GO);
    assert_int_equal(w->mode, 0x355);
    assert_int_equal(run_row(w, "s_round_mode", 3, &i), ISA_GO);
    assert_int_equal(run_row(w, "s_denorm_mode", 0xf, &i), ISA_GO);
    assert_int_equal(w->mode, 0x3f3);
    w->s[ISA_SHARED_BASE + 1] = 0x00010000, w->s[ISA_PRIVATE_BASE + 1] = 0x00020000;
    assert_int_equal(run_row(w, "s_getreg_b32", hwreg(15, 16, 16), &i), ISA_GO);
    assert_int_equal(w->s[4], 1);
    assert_int_equal(run_row(w, "s_sendmsg_rtn_b32", 128, &i), ISA_GO);
    struct isa_machine *machine = calloc(1, sizeof *machine);
    assert_non_null(machine);
    machine->spent = UINT64_C(0x40012345);
    w->machine = machine;
    assert_int_equal(run_row(w, "s_sendmsg_rtn_b64", 131, &i), ISA_GO);
    assert_true(isa_s64(w, 4) == UINT64_C(0x100048d14));
    assert_int_equal(run_row(w, "s_getreg_b32", hwreg(29, 0, 20), &i), ISA_GO);
    assert_int_equal(w->s[4], 0x48d14);
    free(machine);
    w->s[ISA_M0] = 2;
    w->s[7] = 77, w->s[8] = 78;
    i.src[0] = (struct isa_operand){ .place = ISA_P_SCALAR, .reg = 5 };
    assert_int_equal(run_row(w, "s_movrels_b32", 0, &i), ISA_GO);
    assert_int_equal(w->s[4], 77);
    assert_int_equal(run_row(w, "s_movrels_b64", 0, &i), ISA_GO);
    assert_int_equal(w->s[5], 78);
    w->s[5] = 80, w->s[6] = 81;
    assert_int_equal(run_row(w, "s_movreld_b64", 0, &i), ISA_GO);
    assert_true(w->s[6] == 80 && w->s[7] == 81);
    assert_int_equal(run_row(w, "s_movreld_b32", 0, &i), ISA_GO);
    assert_int_equal(w->s[6], 80);
    assert_int_equal(run_row(w, "s_set_gpr_idx_on", 0x9, &i), ISA_GO);
    assert_true(w->mode & ISA_INDEX_MODE && (w->s[ISA_M0] & 0xf0ff) == (0x9000 | 80));
    assert_int_equal(run_row(w, "s_set_gpr_idx_mode", 0x1, &i), ISA_GO);
    w->s[5] = 3;
    assert_int_equal(run_row(w, "s_set_gpr_idx_idx", 0, &i), ISA_GO);
    assert_int_equal(w->s[ISA_M0] & 0xf0ff, 0x1003);
    assert_int_equal(run_row(w, "s_set_gpr_idx_off", 0, &i), ISA_GO);
    assert_false(w->mode & ISA_INDEX_MODE);
    free(w);
}

/* What does nothing does nothing, but go on; what ends ends. */
static void test_rest(void **state)
{
    (void)state;
    struct isa_wave *w = new_wave("gfx1201", 32), *before = new_wave("gfx1201", 32);
#define NOTHING(name)                                  \
    assert_int_equal(run_number(w, #name, 3), ISA_GO); \
    assert_memory_equal(w, before, sizeof *w);
    ISA_ROWS_NOTHING(NOTHING)
    assert_int_equal(run_number(w, "s_endpgm", 0), ISA_END);
    assert_int_equal(run_number(w, "s_endpgm_saved", 0), ISA_END);
    assert_int_equal(run_number(w, "s_endpgm_ordered_ps_done", 0), ISA_END);
    assert_int_equal(run_number(w, "s_sleep", 1), ISA_YIELD);
    assert_int_equal(run_number(w, "s_sleep_var", 1), ISA_YIELD);
    assert_int_equal(run_number(w, "s_sethalt", 0), ISA_GO);
    assert_memory_equal(w, before, sizeof *w);
    free(w);
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_branches), cmocka_unit_test(test_waits),
                                        cmocka_unit_test(test_registers), cmocka_unit_test(test_rest) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
