/* faults.hip: kernels that commit one fault each when n says so, and stop just short of it when not. Compiled for AMD
 * GPUs by isa_faults.c, without any header.
 *
 * SPDX-License-Identifier: MIT */
#define KERNEL(name) extern "C" __attribute__((global)) void name(int *a, int *b, int n)
#define DEVICE static inline __attribute__((device))
#define SHARED __attribute__((shared))

DEVICE int lane(void) { return (int)__builtin_amdgcn_workitem_id_x(); }
DEVICE int group(void) { return (int)__builtin_amdgcn_workgroup_id_x(); }
DEVICE void sync(void)
{
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
    __builtin_amdgcn_s_barrier();
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}

/* a: 256 ints that may be read. b: 256 ints that may be written. */
KERNEL(bounds) { b[lane() + n] = a[lane()]; }
KERNEL(read_bounds) { b[lane()] = a[lane() + n]; }
KERNEL(readonly) { (n ? a : b)[lane()] = 1; }
KERNEL(unwritten)
{
    int t = lane();
    b[t] = t;
    b[t + 64] = b[t + 128 * n];
}
KERNEL(race_groups) { b[n ? lane() : group() * 64 + lane()] = group(); }
KERNEL(race_reads)
{
    int t = lane();
    if (group() == 0)
        b[t] = 1;
    else if (n)
        b[t + 64] = ((volatile int *)b)[t];
}
KERNEL(race_atomics)
{
    if (n && group() == 1)
        *b = 1;
    else
        __atomic_fetch_add(b, 1, __ATOMIC_RELAXED);
}
KERNEL(race_waves)
{
    int t = lane();
    b[t] = t;
    if (!n)
        sync();
    b[128 + t] = ((volatile int *)b)[t ^ 64];
}
KERNEL(lds_bounds)
{
    extern SHARED volatile int s[];
    s[lane() + n] = 1;
}
KERNEL(lds_unwritten)
{
    SHARED int s[128];
    int t = lane();
    s[t] = t;
    sync();
    b[t] = s[t + n];
}
/* Moves what nobody wrote about, which is no fault before it is seen: with n = 1. With n = 2 it stays in the upper
 * half, which lds_unwritten has not. */
KERNEL(lds_moved)
{
    SHARED int s[256];
    int t = lane();
    s[t] = t;
    if (n != 2)
        s[t + 128] = t;
    sync();
    s[t + (n == 2 ? 128 : 64)] = s[t + 192];
    sync();
    b[t] = s[t + (n == 0 ? 128 : n == 1 ? 64 : 0)];
}
KERNEL(lds_race)
{
    SHARED int s[128];
    int t = lane();
    s[t] = t;
    sync();
    b[t] = s[t ^ 64];
    if (!n)
        sync();
    s[t] = 2 * t;
    sync();
    b[t + 128] = s[t ^ 64];
}
KERNEL(barrier)
{
    if (lane() < 64 || !n)
        sync();
}
KERNEL(runaway)
{
    while (n)
        n = *(volatile int *)a;
}
KERNEL(trap)
{
    if (n)
        __builtin_trap();
}
KERNEL(scratch)
{
    volatile int x[4];
    for (int k = 0; k < 4; k++)
        x[k] = k;
    b[lane()] = x[(lane() & 3) + n * 1000];
}
KERNEL(undefined)
{
    int x; /* only where it is not used */
    if (n == 2)
        x = lane();
    b[lane()] = n ? 7 : 8;
    if (n == 2)
        b[lane() + 64] = x;
}
