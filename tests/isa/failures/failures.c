/* failures.c: kernels that commit the machine's failures, one each. isa_failures.py says with which n a kernel commits
 * its own and with which n it just does not.
 *
 * Built for each target with clang -target amdgcn-amd-amdhsa. The arguments are the same everywhere: 64 words that
 * may be read, 64 that may be written and hold values, 64 that may be written and hold none, and n.
 *
 * SPDX-License-Identifier: MIT */
typedef unsigned u32;
#define GLOBAL __attribute__((address_space(1)))
#define LDS static __attribute__((address_space(3), loader_uninitialized))
#define KERNEL(name) \
    __attribute__((amdgpu_kernel)) void name(const GLOBAL u32 *in, GLOBAL u32 *out, GLOBAL u32 *blank, u32 n)
/* Of exactly so many work items. */
#define OF(threads) __attribute__((amdgpu_flat_work_group_size(threads, threads)))
#define TID __builtin_amdgcn_workitem_id_x()
#define GROUP __builtin_amdgcn_workgroup_id_x()
/* Keeps the compiler from knowing a value. */
#define HIDE(x) __asm__ volatile("" : "+v"(x))

#if defined(__GFX12__)
#define WAIT_LOADS "s_wait_loadcnt 0x0\n"
#define WAIT_LDS "s_wait_dscnt 0x0\n"
#define WAIT_SCALARS "s_wait_kmcnt 0x0\n"
#else
#define WAIT_LOADS "s_waitcnt vmcnt(0)\n"
#define WAIT_LDS "s_waitcnt lgkmcnt(0)\n"
#define WAIT_SCALARS "s_waitcnt lgkmcnt(0)\n"
#endif
#if defined(__GFX11__) || defined(__GFX12__)
#define LOAD_WORD "global_load_b32"
#define LDS_WORD "ds_load_b32"
#define SCALAR_WORD "s_load_b32"
#else
#define LOAD_WORD "global_load_dword"
#define LDS_WORD "ds_read_b32"
#define SCALAR_WORD "s_load_dword"
#endif

/* What no way of a kernel leads to: behind its end, and between functions. */
#if defined(__GFX9__)
#define PADDING "s_branch 0x6000" /* it has no instruction for that */
#else
#define PADDING "s_code_end"
#endif

static inline void together(void)
{
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
    __builtin_amdgcn_s_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}

/* ---- Global memory --------------------------------------------------------------------------------------- */

OF(64) KERNEL(bounds_write) { out[TID + n] = 1; }
OF(64) KERNEL(bounds_read) { out[TID] = in[TID + n]; }
/* The words before the first. */
OF(64) KERNEL(bounds_before) { out[TID] = in[(int)TID - (int)n]; }
OF(64) KERNEL(readonly)
{
    GLOBAL u32 *to = n ? (GLOBAL u32 *)in : out;
    to[TID] = 1;
}
OF(64) KERNEL(unwritten_global)
{
    if (TID + n < 64)
        *(volatile GLOBAL u32 *)&blank[TID] = TID;
    out[TID] = *(volatile GLOBAL u32 *)&blank[TID];
}
/* Workgroups of the launch write one word, or each its own. */
OF(32) KERNEL(race_groups) { out[(n ? 0 : GROUP * 32) + TID] = GROUP; }
/* One workgroup reads what another writes. */
OF(32) KERNEL(race_reader)
{
    if (GROUP == 0)
        out[TID] = 7;
    else
        out[32 + TID] = out[(n ? 0 : 32) + TID];
}
OF(32) KERNEL(misaligned_atomic)
{
    GLOBAL u32 *at = (GLOBAL u32 *)((GLOBAL char *)out + n);
    if (TID == 0)
        __atomic_fetch_add(at, 1, __ATOMIC_RELAXED);
}

/* ---- LDS --------------------------------------------------------------------------------------------------*/

OF(64) KERNEL(lds_bounds)
{
    LDS u32 s[64];
    u32 t = TID;
    s[t] = t;
    together();
    out[t] = s[t + n];
}
OF(64) KERNEL(lds_unwritten)
{
    LDS u32 s[64];
    u32 t = TID;
    if (t + n < 64)
        s[t] = t;
    together();
    out[t] = s[t];
}
/* The other wave's words, without the barrier. */
OF(128) KERNEL(lds_race)
{
    LDS u32 s[128];
    u32 t = TID;
    s[t] = 0;
    together();
    s[t] = t;
    if (!n)
        together();
    u32 got = *(volatile __attribute__((address_space(3))) u32 *)&s[t ^ 64];
    if (t < 64)
        out[t] = got;
}

/* ---- Scratch and registers --------------------------------------------------------------------------------*/

OF(64) KERNEL(scratch_bounds)
{
    volatile u32 a[16];
    for (u32 k = 0; k < 16; k++)
        a[k] = k;
    out[TID] = a[n];
}
/* A register that nobody wrote reaches memory. */
OF(64) KERNEL(register_unwritten)
{
    u32 x;
    if (n)
        __asm__ volatile("v_mov_b32 %0, v40" : "=v"(x)::"v40");
    else
        __asm__ volatile("v_mov_b32 v40, 1\nv_mov_b32 %0, v40" : "=v"(x)::"v40");
    out[TID] = x;
}
/* Not among the clobbers: the kernel is given fewer. */
OF(64) KERNEL(register_bounds)
{
    if (n)
        __asm__ volatile("v_mov_b32 v200, 1");
    out[TID] = 1;
}
OF(64) KERNEL(register_in_bounds)
{
    __asm__ volatile("v_mov_b32 v200, 1" ::: "v200");
    out[TID] = 1;
}

/* ---- Waits ------------------------------------------------------------------------------------------------*/

#define WITH_ZERO(text) __asm__ volatile("v_mov_b32 v41, 0\n" text : "=v"(x) : "s"(in), "v"(0) : "v40", "v41", "memory")
/* Used before the wait that covers it. */
OF(64) KERNEL(hazard_load)
{
    u32 x;
    if (n)
        WITH_ZERO(LOAD_WORD " v40, v41, %1\nv_mov_b32 %0, v40\n" WAIT_LOADS);
    else
        WITH_ZERO(LOAD_WORD " v40, v41, %1\n" WAIT_LOADS "v_mov_b32 %0, v40\n");
    out[TID] = x;
}
/* Its register is written before the wait. */
OF(64) KERNEL(hazard_overwrite)
{
    u32 x;
    if (n)
        WITH_ZERO(LOAD_WORD " v40, v41, %1\nv_mov_b32 v40, 3\n" WAIT_LOADS "v_mov_b32 %0, v40\n");
    else
        WITH_ZERO(LOAD_WORD " v40, v41, %1\n" WAIT_LOADS "v_mov_b32 v40, 3\nv_mov_b32 %0, v40\n");
    out[TID] = x;
}
OF(64) KERNEL(hazard_lds)
{
    LDS u32 s[64];
    u32 x, t = TID, at;
    s[t] = t;
    together();
    at = (u32)(__attribute__((address_space(3))) u32 *)&s[t];
    if (n)
        __asm__ volatile(LDS_WORD " v40, %1\nv_mov_b32 %0, v40\n" WAIT_LDS : "=v"(x) : "v"(at) : "v40", "memory");
    else
        __asm__ volatile(LDS_WORD " v40, %1\n" WAIT_LDS "v_mov_b32 %0, v40\n" : "=v"(x) : "v"(at) : "v40", "memory");
    out[t] = x;
}
OF(64) KERNEL(hazard_scalar)
{
    u32 x;
    if (n)
        __asm__ volatile(SCALAR_WORD " s40, %1, 0x0\ns_mov_b32 %0, s40\n" WAIT_SCALARS
                         : "=s"(x)
                         : "s"(in)
                         : "s40", "memory");
    else
        __asm__ volatile(SCALAR_WORD " s40, %1, 0x0\n" WAIT_SCALARS "s_mov_b32 %0, s40\n"
                         : "=s"(x)
                         : "s"(in)
                         : "s40", "memory");
    out[TID] = x;
}

/* RDNA3's half-waves hold the same operands. */
OF(32) KERNEL(matrix_repeated)
{
#if defined(__GFX11__)
    typedef _Float16 f16x16 __attribute__((ext_vector_type(16)));
    typedef float f32x8 __attribute__((ext_vector_type(8)));
    f16x16 a;
    f32x8 c = { 0 };
    for (int k = 0; k < 16; k++)
        a[k] = (_Float16)(int)(TID % (n ? 32 : 16) + k);
    c = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(a, a, c);
    out[TID] = (u32)c[0];
#else
    out[TID] = n;
#endif
}

/* ---- The way of waves -------------------------------------------------------------------------------------*/

OF(128) KERNEL(barrier_missed)
{
    u32 t = TID;
    if (n == 0 || __builtin_amdgcn_readfirstlane(t) < 64)
        __builtin_amdgcn_s_barrier();
    if (t < 64)
        out[t] = 1;
}
OF(64) KERNEL(runaway)
{
    for (u32 k = 0; k < 10 + n; k++)
        *(volatile GLOBAL u32 *)&out[TID] = k;
}
OF(64) KERNEL(trap)
{
    if (n)
        __builtin_trap();
    out[TID] = 1;
}
OF(64) KERNEL(code_bounds)
{
    if (n)
        __asm__ volatile("s_branch 0x7000");
    else
        __asm__ volatile("s_branch 0x0");
    out[TID] = 1;
}
OF(64) KERNEL(padding)
{
    if (n)
        __asm__ volatile(PADDING);
    out[TID] = 1;
}
OF(64) KERNEL(unsupported)
{
    if (n)
        __asm__ volatile("s_getreg_b32 s40, hwreg(7)" ::: "s40");
    else
        __asm__ volatile("s_nop 0");
    out[TID] = 1;
}
OF(64) KERNEL(launch) { out[TID] = 1; }
