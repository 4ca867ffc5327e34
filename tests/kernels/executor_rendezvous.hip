/* executor_rendezvous.hip: kernels that commit each failure of barriers and wave operations, or never end, and for each
 * its near miss.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_small.h"

namespace
{

/* ---- Rendezvous ---- */
KERNEL(barrier_skipped)
{
    (void)a;
    if (T == 37)
        return;
    __syncthreads();
}
KERNEL(barrier_skipped_by_wave)
{
    (void)a;
    if (T < 32)
        __syncthreads();
}
KERNEL(barrier_two_places)
{
    (void)a;
    if (T < 32)
        __syncthreads();
    else
        __syncthreads();
}
KERNEL(barrier_with_shuffle)
{
    (void)a;
    if (T == 5)
        use(simt_shfl<32>(1u, 0));
    else
        __syncthreads();
}
KERNEL(wave_half)
{
    (void)a;
    if (T % 32 < 16)
        use(simt_shfl<32>(1u, 0));
}
KERNEL(wave_two_operations)
{
    (void)a;
    if (T % 32 < 16)
        use(simt_shfl<32>(1u, 0));
    else
        simt_wave_sync<32>();
}
KERNEL(wave_two_widths)
{
    (void)a;
    if (T % 32 < 16)
        use(simt_reduce_add<16>(1.0f));
    else
        use(simt_reduce_add<8>(1.0f));
}
KERNEL(wave_no_such_lane)
{
    (void)a;
    use(simt_shfl<32>(1u, hidden(T == 40 ? 32 : 0)));
}
/* The driver's device is gfx1100. */
static void multiply(int what, uint32_t word)
{
    uint32_t a[8], b[8];
    float acc[8];
    for (int i = 0; i < 8; i++) {
        a[i] = word;
        b[i] = 0x3C003C00u;
        acc[i] = 0.0f;
    }
    simt_host_matrix(what, a, b, acc, __LINE__);
    use(acc[0]);
}
KERNEL(matrix_half_waves_alike)
{
    (void)a;
    multiply(SIMT_WMMA11_F16, T % 16);
}
KERNEL(matrix_half_waves_differ)
{
    (void)a;
    multiply(SIMT_WMMA11_F16, T % 32 == 20 ? 5 : 4);
}
KERNEL(matrix_of_another_family)
{
    (void)a;
    multiply(SIMT_WMMA12_F16, 4);
}
KERNEL(matrix_in_half_a_wave)
{
    (void)a;
    if (hidden(T % 32) < 16)
        multiply(SIMT_WMMA11_F16, 4);
    else
        simt_wave_sync<32>();
}
KERNEL(wave_of_64)
{
    (void)a;
    simt_wave_sync<64>();
}
KERNEL(wave_reduce_64)
{
    (void)a;
    use(simt_reduce_max<64>(1.0f));
}
KERNEL(uniform_branches) /* whole waves and whole blocks may go their own way */
{
    (void)a;
    for (int i = 0; i < (T < 32 ? 3 : 7); i++)
        use(simt_reduce_add<32>(1.0f));
    if (T < 32)
        use(simt_shfl_xor<32>(static_cast<uint32_t>(T), 5));
    __syncthreads();
    if (B == 1) {
        __syncthreads();
        simt_wave_sync<32>();
    }
    if (simt_syncthreads_or(T == 63))
        __syncthreads();
}

/* ---- Runaway ---- */
KERNEL(forever_reading)
{
    const volatile uint32_t *v = reinterpret_cast<const volatile uint32_t *>(a.v.data);
    while (v[0] != 0x12345678u) {
    }
}
KERNEL(forever_waiting)
{
    while (hidden(1) + a.n_q > 0)
        __syncthreads();
}
KERNEL(not_forever)
{
    const volatile uint32_t *v = reinterpret_cast<const volatile uint32_t *>(a.v.data);
    for (int i = 0; i < 100; i++) {
        use(v[0]);
        __syncthreads();
    }
}

const struct executor_case cases[] = {
    ROW(barrier_skipped, BARRIER, 1, 0, "end of the kernel", -1, -1, 0),
    ROW(barrier_skipped_by_wave, BARRIER, 1, 0, "end of the kernel", -1, -1, 0),
    ROW(barrier_two_places, BARRIER, 1, 0, "barrier (line", -1, -1, 0),
    ROW(barrier_with_shuffle, WAVE, 1, 0, "shuffle", -1, -1, 0),
    ROW(wave_half, WAVE, 1, 0, "shuffle", -1, -1, 0),
    ROW(wave_two_operations, WAVE, 1, 0, "wave sync", -1, -1, 0),
    ROW(wave_two_widths, WAVE, 1, 0, "sum over lanes", -1, -1, 0),
    ROW(wave_no_such_lane, WAVE, 1, 0, "lane 32", 40, -1, 0),
    ROW(wave_of_64, WAVE_SIZE, 1, 0, "waves of 64, the device has 32", -1, -1, 0),
    ROW(wave_reduce_64, WAVE_SIZE, 1, 0, "64", -1, -1, 0),
    ROW(matrix_half_waves_alike, NONE, 1, 0, nullptr, -1, -1, -1),
    ROW(matrix_half_waves_differ, MATRIX, 1, 0, "half-waves", -1, -1, 0),
    ROW(matrix_of_another_family, MATRIX, 1, 0, "gfx1100 does not have", -1, -1, 0),
    ROW(matrix_in_half_a_wave, WAVE, 1, 0, "matrix instruction", -1, -1, 0),
    ROW(uniform_branches, NONE, 3, 0, nullptr, -1, -1, -1),
    ROW(forever_reading, RUNAWAY, 1, 0, "budget", -1, -1, 0),
    ROW(forever_waiting, RUNAWAY, 1, 0, "budget", -1, -1, 0),
    ROW(not_forever, NONE, 1, 0, nullptr, -1, -1, -1),
};

} // namespace

CASES(executor_rendezvous_case, cases)
