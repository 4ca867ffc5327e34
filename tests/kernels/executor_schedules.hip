/* executor_schedules.hip: kernels that are wrong in one kind of schedule only, which no check of accesses sees: waves
 * speak to each other through the workspace and atomics.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_small.h"

namespace
{

enum { WAVES = 4, ROUNDS = 6, TICKETS = 2 * WAVES };

/* In what order waves come to two places of each round: ticket[round * TICKETS + 2 * wave + place]. A wave operation
 * stands between the two, a barrier after them. */
template <int WAVE> __device__ void take_tickets(const struct attn_args &a, uint32_t *ticket)
{
    uint32_t *taken = reinterpret_cast<uint32_t *>(a.meta);
    if (T < ROUNDS)
        taken[T] = 0;
    __syncthreads();
    for (int round = 0; round < ROUNDS; round++) {
        for (int place = 0; place < 2; place++) {
            if (T % WAVE == 0)
                ticket[round * TICKETS + T / WAVE * 2 + place] = atomicAdd(&taken[round], 1u);
            simt_wave_sync<WAVE>();
        }
        __syncthreads();
    }
}

/* Wrong when waves come one after the other, in ascending order in every round. */
__device__ bool wrong_forward(const uint32_t *ticket)
{
    bool wrong = true;
    for (int i = 0; i < ROUNDS * TICKETS; i++)
        wrong = wrong && ticket[i] == static_cast<uint32_t>(i % TICKETS);
    return wrong;
}

/* In descending order. */
__device__ bool wrong_reverse(const uint32_t *ticket)
{
    bool wrong = true;
    for (int i = 0; i < ROUNDS * TICKETS; i++)
        wrong = wrong && ticket[i] == static_cast<uint32_t>((WAVES - 1 - i % TICKETS / 2) * 2 + i % 2);
    return wrong;
}

/* When a wave in the middle begins after all others have ended, in every round. */
__device__ bool wrong_starved(const uint32_t *ticket)
{
    bool any = false;
    for (int wave = 1; wave < WAVES - 1; wave++) {
        bool last = true;
        for (int round = 0; round < ROUNDS; round++)
            last = last && ticket[round * TICKETS + 2 * wave] == TICKETS - 2;
        any = any || last;
    }
    return any;
}

/* When two rounds differ in who is first. */
__device__ bool wrong_random(const uint32_t *ticket)
{
    bool wrong = false;
    for (int round = 1; round < ROUNDS; round++)
        for (int wave = 0; wave < WAVES; wave++)
            wrong = wrong || (ticket[round * TICKETS + 2 * wave] == 0) != (ticket[2 * wave] == 0);
    return wrong;
}

#define WRONG_IN(name)                                              \
    template <int WAVE> KERNEL(name##_order)                        \
    {                                                               \
        uint32_t *ticket = reinterpret_cast<uint32_t *>(a.partial); \
        take_tickets<WAVE>(a, ticket);                              \
        if (T == 0)                                                 \
            a.partial[64] = wrong_##name(ticket) ? 2.0f : 1.0f;     \
    }
WRONG_IN(forward)
WRONG_IN(reverse)
WRONG_IN(starved)
WRONG_IN(random)

/* A barrier is missing between wave 1, which writes, and wave 2, which reads: in ascending order all is well. */
template <int WAVE> KERNEL(barrier_missing)
{
    if (T == 0)
        a.partial[0] = 2.0f;
    __syncthreads();
    if (T == WAVE)
        a.partial[0] = 1.0f;
    if (T == 2 * WAVE)
        a.partial[64] = a.partial[0];
}

/* Wave operations are taken for barriers: the last wave adds up what the others wrote before one. */
template <int WAVE> KERNEL(sync_for_barrier)
{
    if (T < WAVES)
        a.partial[T] = T < WAVES - 1 ? 1.0f : 0.0f;
    __syncthreads();
    simt_wave_sync<WAVE>();
    if (T % WAVE == 0 && T / WAVE < WAVES - 1)
        a.partial[T / WAVE] = 2.0f;
    simt_wave_sync<WAVE>();
    if (T == (WAVES - 1) * WAVE)
        a.partial[64] = (a.partial[0] + a.partial[1] + a.partial[2]) / 6.0f;
}

/* Which block came when. */
KERNEL(blocks_in_turn)
{
    uint32_t *taken = reinterpret_cast<uint32_t *>(a.meta);
    if (T == 0)
        reinterpret_cast<uint32_t *>(a.partial)[B] = atomicAdd(taken, 1u);
}
KERNEL(no_blocks_yet)
{
    if (T == 0)
        reinterpret_cast<uint32_t *>(a.meta)[0] = 0;
}

template <int WAVE> attn_entry entry_of(int which)
{
    switch (which) {
    case ATTN_SCHEDULE_FORWARD: return forward_order<WAVE>;
    case ATTN_SCHEDULE_REVERSE: return reverse_order<WAVE>;
    case ATTN_SCHEDULE_STARVED: return starved_order<WAVE>;
    case ATTN_SCHEDULE_RANDOM: return random_order<WAVE>;
    case EXECUTOR_BARRIER_MISSING: return barrier_missing<WAVE>;
    default: return sync_for_barrier<WAVE>;
    }
}

} // namespace

extern "C" {

attn_entry executor_order_entry(int which, int wave_size)
{
    return wave_size == 32 ? entry_of<32>(which) : entry_of<64>(which);
}
attn_entry executor_blocks_entry(bool begin) { return begin ? no_blocks_yet : blocks_in_turn; }
}
