/* executor_lds.hip: kernels that commit each failure of LDS, and for each its near miss.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_small.h"

namespace
{

/* ---- LDS nobody wrote ---- */
KERNEL(lds_unwritten)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T != 3)
        s.word[T] = 1;
    __syncthreads();
    if (T == 5)
        use(s.word[3]);
}
KERNEL(lds_unwritten_byte)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint8_t *bytes = reinterpret_cast<uint8_t *>(&s);
    bytes[4 * T] = bytes[4 * T + 1] = bytes[4 * T + 3] = 1;
    __syncthreads();
    if (T == 5)
        use(s.word[5]);
}
KERNEL(lds_left_by_other_block)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (B == 0)
        s.word[T] = 1;
    __syncthreads();
    if (B == 1)
        use(s.word[T]);
}
KERNEL(lds_written)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint8_t *bytes = reinterpret_cast<uint8_t *>(&s);
    if (T < 32)
        s.word[2 * T] = 1;
    else
        for (int i = 0; i < 4; i++)
            bytes[8 * (T - 32) + 4 + i] = 2;
    __syncthreads();
    use(s.word[63 - T]);
    use(simt_load<simt_u32x4>(&s.word[T / 4 * 4]).x);
}
KERNEL(lds_conditional) /* a read that the source does not make must not be made early */
{
    SIMT_LDS(lds_words, s);
    const uint32_t v = a.n_q != 4 ? s.word[T] : 7u;
    use(v);
    s.word[T] = v;
}

/* ---- LDS races ---- */
KERNEL(race_read_after_write)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    s.word[T] = static_cast<uint32_t>(T);
    use(s.word[T ^ 1] + 1);
}
KERNEL(race_other_wave)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    s.word[T] = 1;
    simt_wave_sync<32>();
    use(s.word[T ^ 32]);
}
KERNEL(race_own_wave_sync) /* a wave's operation orders nothing that another wave did */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    if (T == 0)
        s.word[0] = 1;
    if (T >= 32) {
        simt_wave_sync<32>();
        if (T == 40)
            use(s.word[0]);
    }
}
KERNEL(race_long_ago) /* and so it stays, however many operations follow */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    if (T == 0)
        s.word[0] = 1;
    if (T < 32)
        for (int i = 0; i < 30; i++)
            simt_wave_sync<32>();
    if (T == 40)
        use(s.word[0]);
}
KERNEL(race_two_readers) /* of one wave; the second of them writes */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    if (T == 1 || T == 2)
        use(s.word[0]);
    if (T == 2)
        s.word[0] = 1;
}
KERNEL(race_two_reading_waves)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    if (T == 1 || T == 33)
        use(s.word[0]);
    if (T == 33)
        s.word[0] = 1;
}
KERNEL(race_write_write)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T == 2 || T == 9)
        s.word[7] = static_cast<uint32_t>(T);
}
KERNEL(race_write_after_read)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 1;
    __syncthreads();
    use(s.word[0]);
    if (T == 40)
        s.word[0] = 2;
}
KERNEL(race_bytes)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint8_t *bytes = reinterpret_cast<uint8_t *>(&s);
    s.word[T] = 0;
    __syncthreads();
    bytes[T] = 1;
    if (T == 9)
        use(static_cast<uint32_t>(*reinterpret_cast<uint16_t *>(bytes + 10)));
}
KERNEL(race_atomic_and_plain)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    atomicAdd(&s.word[0], 1u);
    if (T == 33)
        use(s.word[0]);
}
KERNEL(race_after_copy) /* a block copy is an access */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 1;
    __syncthreads();
    struct part {
        uint32_t word[20];
    };
    part copy;
    if (T == 1)
        copy = *reinterpret_cast<part *>(&s.word[4]);
    else
        copy.word[3] = 0;
    use(copy.word[hidden(3)]);
    if (T == 50)
        s.word[9] = 2;
}
KERNEL(ordered_by_barrier)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 1;
    __syncthreads();
    use(s.word[T ^ 33]);
    __syncthreads();
    s.word[63 - T] = 2;
    __syncthreads();
    use(s.word[0]);
}
KERNEL(ordered_by_wave)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    for (int i = 0; i < 5; i++) {
        s.word[T] = 1;
        simt_wave_sync<32>();
        use(s.word[T ^ 1]);
        use(s.word[T / 32 * 32]);
        const float sum = simt_reduce_add<32>(1.0f);
        s.word[T ^ 2] = static_cast<uint32_t>(sum);
        use(static_cast<uint32_t>(simt_ballot<32>(T & 1)));
    }
}
KERNEL(broadcast_read)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T == 0)
        s.word[0] = 1;
    __syncthreads();
    for (int i = 0; i < 3; i++)
        use(s.word[0]);
}
KERNEL(adjacent_bytes)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint8_t *bytes = reinterpret_cast<uint8_t *>(&s);
    uint16_t *halves = reinterpret_cast<uint16_t *>(&s) + 64;
    bytes[T] = 1;
    halves[T] = 2;
    use(static_cast<uint32_t>(bytes[T]));
    __syncthreads();
    use(s.word[T % 16]);
    __syncthreads();
    s.word[T] = 3;
}
KERNEL(own_rewrites)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    for (uint32_t i = 0; i < 4; i++) {
        s.word[T] = i;
        use(s.word[T]);
    }
}
KERNEL(atomics)
{
    SIMT_LDS(lds_words, s);
    s.word[T] = 0;
    __syncthreads();
    atomicAdd(&s.word[0], 1u);
    atomicMax(&s.word[1], static_cast<uint32_t>(T));
    atomicOr(&s.word[2], 1u << (T & 31));
    __syncthreads();
    if (T < 8)
        for (int row = 0; row < 4; row++)
            dst_row(a, row)[T] = s.word[0] == 64 && s.word[1] == 63 && s.word[2] == 0xFFFFFFFFu ? 1.0f : 0.0f;
}

/* ---- LDS bounds and size ---- */
KERNEL(lds_past_end)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint32_t *words = s.word;
    words[hidden(T == 7 ? 64 : T)] = 1;
}
KERNEL(lds_half_past_end)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T == 1)
        simt_store<simt_u32x2>(reinterpret_cast<char *>(&s) + hidden(LDS - 8), simt_u32x2{ 1, 2 });
    struct __attribute__((packed)) place {
        uint16_t half;
    };
    if (T == 0)
        reinterpret_cast<place *>(reinterpret_cast<char *>(&s) + hidden(LDS - 1))->half = 1;
}
KERNEL(lds_before_start)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    reinterpret_cast<volatile uint32_t *>(&s)[hidden(T == 9 ? -2 : T)] = 1;
}
KERNEL(lds_other_size)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    s.word[T] = 1;
}
KERNEL(lds_not_declared) { use(static_cast<uint32_t>(a.n_q)); }
KERNEL(lds_dynamic)
{
    (void)a;
    SIMT_LDS_DYNAMIC(uint32_t, words);
    words[T] = 1;
    __syncthreads();
    use(words[63 - T]);
}

const struct executor_case cases[] = {
    ROW(lds_unwritten, LDS_UNWRITTEN, 1, LDS, "reads 12+4", 5, -1, 12),
    ROW(lds_unwritten_byte, LDS_UNWRITTEN, 1, LDS, "reads 20+4", 5, -1, 20),
    ROW(lds_left_by_other_block, LDS_UNWRITTEN, 2, LDS, "reads", -1, -1, -1),
    ROW(lds_written, NONE, 2, LDS, nullptr, -1, -1, -1),
    ROW(lds_conditional, NONE, 2, LDS, nullptr, -1, -1, -1),
    ROW(race_read_after_write, LDS_RACE, 1, LDS, "writes 4+4 which thread 0 read", 1, -1, 4),
    ROW(race_other_wave, LDS_RACE, 1, LDS, "writes 128+4 which thread 0 read", 32, -1, 128),
    ROW(race_own_wave_sync, LDS_RACE, 1, LDS, "reads 0+4 which thread 0 wrote", 40, -1, 0),
    ROW(race_long_ago, LDS_RACE, 1, LDS, "reads 0+4 which thread 0 wrote", 40, -1, 0),
    ROW(race_two_readers, LDS_RACE, 1, LDS, "read", 2, -1, 0),
    ROW(race_two_reading_waves, LDS_RACE, 1, LDS, "read", 33, -1, 0),
    ROW(race_write_write, LDS_RACE, 1, LDS, "writes 28+4 which thread 2 wrote", 9, -1, 28),
    ROW(race_write_after_read, LDS_RACE, 1, LDS, "read", 40, -1, 0),
    ROW(race_bytes, LDS_RACE, 1, LDS, nullptr, -1, -1, -1),
    ROW(race_atomic_and_plain, LDS_RACE, 1, LDS, nullptr, 33, -1, 0),
    ROW(race_after_copy, LDS_RACE, 1, LDS, nullptr, 50, -1, 36),
    ROW(ordered_by_barrier, NONE, 2, LDS, nullptr, -1, -1, -1),
    ROW(ordered_by_wave, NONE, 2, LDS, nullptr, -1, -1, -1),
    ROW(broadcast_read, NONE, 2, LDS, nullptr, -1, -1, -1),
    ROW(adjacent_bytes, NONE, 2, LDS, nullptr, -1, -1, -1),
    ROW(own_rewrites, NONE, 2, LDS, nullptr, -1, -1, -1),
    ROW(atomics, NONE, 1, LDS, nullptr, -1, -1, -1),
    ROW(lds_past_end, LDS_BOUNDS, 1, LDS, "writes 256+4", 7, -1, 256),
    ROW(lds_half_past_end, LDS_BOUNDS, 1, LDS, "writes 255+2", 0, -1, 255),
    ROW(lds_before_start, LDS_BOUNDS, 1, LDS, "before its start", 9, -1, -8),
    ROW(lds_other_size, LDS_SIZE, 1, LDS + 4, "declares 256 bytes, the launch says 260", 0, -1, 0),
    ROW(lds_not_declared, LDS_SIZE, 1, LDS, "declares no LDS", -1, -1, 0),
    ROW(lds_dynamic, NONE, 2, 0, nullptr, -1, -1, -1),
};

} // namespace

CASES(executor_lds_case, cases)
