// faults.s: faults that a compiler does not make, for gfx90a: each kernel NAME commits one, NAME_good stops short of it.
// Assembled by isa_faults.c. s[0:1]: the arguments, a and b (256 ints each).
//
// SPDX-License-Identifier: MIT
.macro kernel name
.globl \name
.p2align 8
.type \name,@function
\name:
.endm
.macro done name
    s_endpgm
.size \name, .-\name
.rodata
.p2align 6
.amdhsa_kernel \name
    .amdhsa_next_free_vgpr 16
    .amdhsa_next_free_sgpr 16
    .amdhsa_accum_offset 8
    .amdhsa_user_sgpr_kernarg_segment_ptr 1
    .amdhsa_group_segment_fixed_size 512
.end_amdhsa_kernel
.text
.endm
.macro arguments
    s_load_dwordx4 s[4:7], s[0:1], 0x0
    s_waitcnt lgkmcnt(0)
    v_lshlrev_b32_e32 v1, 2, v0
.endm
.text

// A value used before the wait that covers it: vector loads come in order.
kernel load_early
    arguments
    global_load_dword v2, v1, s[4:5]
    global_load_dword v3, v1, s[4:5]
    s_waitcnt vmcnt(1)
    v_add_u32_e32 v4, v3, v3
done load_early
kernel load_early_good
    arguments
    global_load_dword v2, v1, s[4:5]
    global_load_dword v3, v1, s[4:5]
    s_waitcnt vmcnt(1)
    v_add_u32_e32 v4, v2, v2
done load_early_good
// The halves of a register come apart.
kernel half_early
    arguments
    global_load_short_d16 v2, v1, s[4:5]
    global_load_short_d16_hi v2, v1, s[4:5]
    s_waitcnt vmcnt(1)
    v_lshlrev_b32_e32 v3, 1, v2
done half_early
// Its register is overwritten by something else.
kernel overwritten
    arguments
    global_load_dword v2, v1, s[4:5]
    v_mov_b32_e32 v2, 0
done overwritten
kernel overwritten_good
    arguments
    global_load_dword v2, v1, s[4:5]
    global_load_dword v2, v1, s[4:5]
    s_waitcnt vmcnt(0)
    v_mov_b32_e32 v2, 0
done overwritten_good
// Scalar loads come back in any order: of two, a wait for one is none.
kernel scalar_order
    s_load_dwordx2 s[4:5], s[0:1], 0x0
    s_load_dwordx2 s[6:7], s[0:1], 0x8
    s_waitcnt lgkmcnt(1)
    s_add_u32 s8, s4, 1
done scalar_order
kernel scalar_order_good
    s_load_dwordx2 s[4:5], s[0:1], 0x0
    s_load_dwordx2 s[6:7], s[0:1], 0x8
    s_waitcnt lgkmcnt(0)
    s_add_u32 s8, s4, 1
done scalar_order_good
// LDS, with a store before that counts too.
kernel lds_early
    arguments
    ds_write_b32 v1, v0
    ds_read_b32 v2, v1
    ds_write_b32 v1, v0 offset:256
    s_waitcnt lgkmcnt(2)
    v_add_u32_e32 v3, v2, v2
done lds_early
kernel lds_early_good
    arguments
    ds_write_b32 v1, v0
    ds_read_b32 v2, v1
    ds_write_b32 v1, v0 offset:256
    s_waitcnt lgkmcnt(1)
    v_add_u32_e32 v3, v2, v2
done lds_early_good
// A store to LDS that may not be there when the others are let go.
kernel barrier_early
    arguments
    ds_write_b32 v1, v0
    s_barrier
done barrier_early
kernel barrier_early_good
    arguments
    ds_write_b32 v1, v0
    s_waitcnt lgkmcnt(0)
    s_barrier
done barrier_early_good
// Stores do not hold what they read.
kernel stored_good
    arguments
    v_mov_b32_e32 v2, 1
    global_store_dword v1, v2, s[6:7]
    v_mov_b32_e32 v2, 2
done stored_good
kernel vector_unwritten
    arguments
    global_store_dword v1, v5, s[6:7]
done vector_unwritten
kernel vector_unwritten_good
    arguments
    v_mov_b32_e32 v5, v6
    v_mov_b32_e32 v5, 3
    global_store_dword v1, v5, s[6:7]
done vector_unwritten_good
// Half of a register is known, and its other half is written later.
kernel halves_good
    arguments
    v_mov_b32_e32 v4, 7
    v_lshl_or_b32 v5, v6, 16, v4
    v_and_b32_e32 v5, 0xffff, v5
    global_store_dword v1, v5, s[6:7]
done halves_good
// The other of two is not chosen.
kernel chosen
    arguments
    v_mov_b32_e32 v4, 7
    s_mov_b64 vcc, 1
    v_cndmask_b32_e32 v5, v4, v6, vcc
    global_store_dword v1, v5, s[6:7]
done chosen
kernel chosen_good
    arguments
    v_mov_b32_e32 v4, 7
    s_mov_b64 vcc, 0
    v_cndmask_b32_e32 v5, v4, v6, vcc
    global_store_dword v1, v5, s[6:7]
done chosen_good
// Through LDS too.
kernel stored_unwritten
    arguments
    ds_write_b32 v1, v5
    s_waitcnt lgkmcnt(0)
    ds_read_b32 v6, v1
    s_waitcnt lgkmcnt(0)
    global_store_dword v1, v6, s[6:7]
done stored_unwritten
kernel stored_unwritten_good
    arguments
    ds_write_b32 v1, v5
    v_mov_b32_e32 v5, 3
    ds_write_b32 v1, v5
    s_waitcnt lgkmcnt(0)
    ds_read_b32 v6, v1
    s_waitcnt lgkmcnt(0)
    global_store_dword v1, v6, s[6:7]
done stored_unwritten_good
// One lane was left out.
kernel lane_unwritten
    arguments
    s_mov_b64 exec, -2
    v_mov_b32_e32 v5, 3
    s_mov_b64 exec, -1
    global_store_dword v1, v5, s[6:7]
done lane_unwritten
kernel lane_unwritten_good
    arguments
    s_mov_b64 exec, -2
    v_mov_b32_e32 v5, 3
    global_store_dword v1, v5, s[6:7]
done lane_unwritten_good
kernel scalar_unwritten
    s_cmp_eq_u32 s9, 0
done scalar_unwritten
kernel scalar_unwritten_good
    s_mov_b64 s[8:9], 5
    s_and_b64 s[8:9], s[10:11], 0
    s_cmp_eq_u32 s9, 0
done scalar_unwritten_good
kernel vector_beyond
    v_mov_b32_e32 v8, 0
done vector_beyond
kernel vector_beyond_good
    v_mov_b32_e32 v7, 0
    v_accvgpr_write_b32 a7, 0
done vector_beyond_good
kernel scalar_beyond
    s_mov_b32 s40, 0
done scalar_beyond
kernel scalar_alignment
    arguments
    s_or_b32 s4, s4, 2
    s_load_dword s8, s[4:5], 0x0
done scalar_alignment
kernel atomic_alignment
    arguments
    v_mov_b32_e32 v1, 6
    v_mov_b32_e32 v2, 2
    v_mov_b32_e32 v3, 2
    ds_write_b64 v1, v[2:3]
    s_waitcnt lgkmcnt(0)
    ds_add_u32 v1, v2
done atomic_alignment
kernel atomic_alignment_good
    arguments
    v_mov_b32_e32 v1, 4
    v_mov_b32_e32 v2, 2
    v_mov_b32_e32 v3, 2
    ds_write_b64 v1, v[2:3]
    s_waitcnt lgkmcnt(0)
    ds_add_u32 v1, v2
done atomic_alignment_good
kernel nowhere
    s_getpc_b64 s[4:5]
    s_add_u32 s4, s4, 0x100000
    s_addc_u32 s5, s5, 0
    s_setpc_b64 s[4:5]
done nowhere
kernel nowhere_good
    s_getpc_b64 s[4:5]
    s_add_u32 s4, s4, 16
    s_addc_u32 s5, s5, 0
    s_setpc_b64 s[4:5]
    v_mov_b32_e32 v100, 0
done nowhere_good
kernel not_here
    s_mov_b32 m0, 0
    s_sendmsghalt sendmsg(MSG_INTERRUPT)
    buffer_load_format_x v2, off, s[4:7], 0
done not_here
kernel not_reached_good
    s_branch 2
    buffer_load_format_x v2, off, s[4:7], 0
done not_reached_good

.amdgpu_metadata
---
amdhsa.version: [ 1, 2 ]
amdhsa.target: amdgcn-amd-amdhsa--gfx90a
amdhsa.kernels: []
...
.end_amdgpu_metadata
