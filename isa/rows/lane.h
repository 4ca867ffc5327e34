/* rows/lane.h: instructions between lanes that name them one by one, one row a mnemonic.
 *
 * X(mnemonic, types of the destination and of three sources, flags, function)
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_ROWS_LANE_H
#define ATTN_ISA_ROWS_LANE_H

#define ISA_LANE_ROWS(X)                                                                        \
    X(v_readfirstlane_b32, B32, B32, NONE, NONE, ISA_IGNORES_EXEC | ISA_READS_EXEC, read_first) \
    X(v_readlane_b32, B32, B32, B32, NONE, ISA_IGNORES_EXEC, read_lane)                         \
    X(v_writelane_b32, B32, B32, B32, NONE, ISA_IGNORES_EXEC | ISA_PARTIAL, write_lane)         \
    X(v_permlane16_b32, B32, B32, B32, B32, 0, permute_row)                                     \
    X(v_permlanex16_b32, B32, B32, B32, B32, 0, permute_other_row)                              \
    X(v_permlane16_var_b32, B32, B32, B32, NONE, 0, permute_row_by_lane)                        \
    X(v_permlanex16_var_b32, B32, B32, B32, NONE, 0, permute_other_row_by_lane)                 \
    X(v_permlane64_b32, B32, B32, NONE, NONE, 0, swap_halves)                                   \
    X(v_permlane16_swap_b32, B32, B32, NONE, NONE, ISA_READS_DST, swap_rows)                    \
    X(v_permlane32_swap_b32, B32, B32, NONE, NONE, ISA_READS_DST, swap_half)

#endif
