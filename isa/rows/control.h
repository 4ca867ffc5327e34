/* rows/control.h: what changes the order of instructions, waits, and the wave's own state.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_CONTROL_H
#define ATTN_ISA_ROWS_CONTROL_H

/* clang-format off */

/* Branches: X(mnemonic, flags, condition). */
#define ISA_ROWS_BRANCH(X)                                                                                             \
    X(s_branch, 0, true)                                                                                               \
    X(s_cbranch_scc0, ISA_READS_SCC, !(w->s[ISA_SCC] & 1))                                                             \
    X(s_cbranch_scc1, ISA_READS_SCC, w->s[ISA_SCC] & 1)                                                                \
    X(s_cbranch_vccz, ISA_READS_VCC, isa_lane_mask(w, ISA_VCC) == 0)                                                   \
    X(s_cbranch_vccnz, ISA_READS_VCC, isa_lane_mask(w, ISA_VCC) != 0)                                                  \
    X(s_cbranch_execz, ISA_READS_EXEC, w->exec == 0)                                                                   \
    X(s_cbranch_execnz, ISA_READS_EXEC, w->exec != 0)                                                                  \
    X(s_cbranch_cdbgsys, 0, false)                                                                                     \
    X(s_cbranch_cdbguser, 0, false)                                                                                    \
    X(s_cbranch_cdbgsys_or_user, 0, false)                                                                             \
    X(s_cbranch_cdbgsys_and_user, 0, false)

/* Nothing that this machine has to do: caches that it has not, priorities, hints for the issue of instructions. Its
 * waits for results that are on their way inside of the ALU are the hardware's own. */
#define ISA_ROWS_NOTHING(X)                                                                                            \
    X(s_nop)                                                                                                           \
    X(s_clause)                                                                                                        \
    X(s_delay_alu)                                                                                                     \
    X(s_inst_prefetch)                                                                                                 \
    X(s_set_inst_prefetch_distance)                                                                                    \
    X(s_setprio)                                                                                                       \
    X(s_setkill)                                                                                                       \
    X(s_waitcnt_depctr)                                                                                                \
    X(s_wait_alu)                                                                                                      \
    X(s_wait_event)                                                                                                    \
    X(s_wait_idle)                                                                                                     \
    X(s_singleuse_vdst)                                                                                                \
    X(s_wakeup)                                                                                                        \
    X(s_sendmsg)                                                                                                       \
    X(s_incperflevel)                                                                                                  \
    X(s_decperflevel)                                                                                                  \
    X(s_ttracedata)                                                                                                    \
    X(s_ttracedata_imm)                                                                                                \
    X(s_icache_inv)                                                                                                    \
    X(s_version)                                                                                                       \
    X(v_nop)                                                                                                           \
    X(v_clrexcp)                                                                                                       \
    X(v_pipeflush)

/* Waits: X(mnemonic, function, shape of operands: SOPP, SOPK). */
#define ISA_ROWS_WAIT(X)                                                                                               \
    X(s_waitcnt, run_waitcnt, NONE)                                                                                    \
    X(s_waitcnt_vmcnt, run_wait_load, B32)                                                                             \
    X(s_waitcnt_vscnt, run_wait_store, B32)                                                                            \
    X(s_waitcnt_expcnt, run_wait_export, B32)                                                                          \
    X(s_waitcnt_lgkmcnt, run_wait_lgkm, B32)                                                                           \
    X(s_wait_loadcnt, run_wait_load, NONE)                                                                             \
    X(s_wait_storecnt, run_wait_store, NONE)                                                                           \
    X(s_wait_dscnt, run_wait_ds, NONE)                                                                                 \
    X(s_wait_kmcnt, run_wait_km, NONE)                                                                                 \
    X(s_wait_expcnt, run_wait_export, NONE)                                                                            \
    X(s_wait_samplecnt, run_nothing, NONE)                                                                             \
    X(s_wait_bvhcnt, run_nothing, NONE)                                                                                \
    X(s_wait_loadcnt_dscnt, run_wait_load_ds, NONE)                                                                    \
    X(s_wait_storecnt_dscnt, run_wait_store_ds, NONE)

/* The rest: X(mnemonic, function, destination, source a, source b, flags). */
#define ISA_ROWS_CONTROL(X)                                                                                            \
    X(s_endpgm, run_end, NONE, NONE, NONE, 0)                                                                          \
    X(s_endpgm_saved, run_end, NONE, NONE, NONE, 0)                                                                    \
    X(s_endpgm_ordered_ps_done, run_end, NONE, NONE, NONE, 0)                                                          \
    X(s_code_end, run_no_code, NONE, NONE, NONE, 0)                                                                    \
    X(v_illegal, run_no_code, NONE, NONE, NONE, 0)                                                                     \
    X(s_trap, run_trap, NONE, NONE, NONE, 0)                                                                           \
    X(s_sethalt, run_halt, NONE, NONE, NONE, 0)                                                                        \
    X(s_sleep, run_sleep, NONE, NONE, NONE, 0)                                                                         \
    X(s_sleep_var, run_sleep, NONE, B32, NONE, 0)                                                                      \
    X(s_barrier, run_barrier, NONE, NONE, NONE, 0)                                                                     \
    X(s_barrier_signal, run_signal, NONE, B32, NONE, 0)                                                                \
    X(s_barrier_signal_isfirst, run_signal_first, NONE, B32, NONE, ISA_WRITES_SCC)                                     \
    X(s_barrier_wait, run_barrier_wait, NONE, NONE, NONE, 0)                                                           \
    X(s_getpc_b64, run_getpc, B64, NONE, NONE, 0)                                                                      \
    X(s_setpc_b64, run_setpc, NONE, B64, NONE, 0)                                                                      \
    X(s_swappc_b64, run_swappc, B64, B64, NONE, 0)                                                                     \
    X(s_call_b64, run_call, B64, NONE, NONE, 0)                                                                        \
    X(s_getreg_b32, run_getreg, B32, NONE, NONE, 0)                                                                    \
    X(s_setreg_b32, run_setreg, NONE, B32, NONE, 0)                                                                    \
    X(s_setreg_imm32_b32, run_setreg, NONE, B32, NONE, 0)                                                              \
    X(s_round_mode, run_round_mode, NONE, NONE, NONE, 0)                                                               \
    X(s_denorm_mode, run_denorm_mode, NONE, NONE, NONE, 0)                                                             \
    X(s_sendmsg_rtn_b32, run_message, B32, NONE, NONE, 0)                                                              \
    X(s_sendmsg_rtn_b64, run_message, B64, NONE, NONE, 0)                                                              \
    X(s_set_gpr_idx_on, run_index_on, NONE, B32, NONE, ISA_READS_M0)                                                   \
    X(s_set_gpr_idx_off, run_index_off, NONE, NONE, NONE, 0)                                                           \
    X(s_set_gpr_idx_mode, run_index_mode, NONE, NONE, NONE, ISA_READS_M0)                                              \
    X(s_set_gpr_idx_idx, run_index, NONE, B32, NONE, ISA_READS_M0)                                                     \
    X(s_movrels_b32, run_movrels, B32, B32, NONE, ISA_READS_M0)                                                        \
    X(s_movrels_b64, run_movrels, B64, B64, NONE, ISA_READS_M0)                                                        \
    X(s_movreld_b32, run_movreld, B32, B32, NONE, ISA_READS_M0)                                                        \
    X(s_movreld_b64, run_movreld, B64, B64, NONE, ISA_READS_M0)
/* clang-format on */

#endif
