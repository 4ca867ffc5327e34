/* executor_global.hip: kernels that commit each failure of global memory, and for each its near miss.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_small.h"

namespace
{

/* ---- Global bounds ---- */
KERNEL(global_gap_of_two)
{
    use(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(a.k.data)[hidden(T == 4 ? 15 : T % 7)]));
}
KERNEL(global_vector_over_gap)
{
    if (T == 6)
        use(simt_load<simt_u32x4>(a.k.data + hidden(16)).x);
}
KERNEL(global_past_end)
{
    if (T == 6)
        use(reinterpret_cast<const float *>(a.q.data + 3 * 48)[hidden(7)]);
}
KERNEL(global_before_start)
{
    if (T == 6)
        use(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(a.v.data)[hidden(-1)]));
}
KERNEL(global_write_to_gap)
{
    if (T == 6)
        dst_row(a, 1)[hidden(8)] = 1.0f;
}
KERNEL(global_workspace_past_end)
{
    if (T == 6)
        a.meta[hidden(16)] = 1.0f;
}
KERNEL(global_copy_over_gap) /* a struct copy, which the compiler makes a block copy */
{
    struct rows {
        char bytes[32];
    };
    if (T == 2)
        *reinterpret_cast<rows *>(a.partial) = *reinterpret_cast<const rows *>(a.k.data + 32);
}
KERNEL(global_set_over_gap)
{
    if (T == 2)
        __builtin_memset(a.dst.data, 0, static_cast<size_t>(hidden(72)));
}
#if defined(__x86_64__)
struct __attribute__((packed)) ten_bytes { /* what a load of x87's format takes */
    long double value;
};
KERNEL(global_odd_size)
{
    if (T == 2)
        use(static_cast<float>(reinterpret_cast<const ten_bytes *>(a.k.data + hidden(16 + 8))->value));
}
#endif
KERNEL(global_null)
{
    const uintptr_t address = hidden(T) == 3 ? 64 : reinterpret_cast<uintptr_t>(a.v.data);
    use(*reinterpret_cast<const uint32_t *>(address));
}
KERNEL(global_others_private) /* the address of another thread's variable */
{
    (void)a;
    SIMT_LDS(lds_words, s);
    uint64_t mine = 1;
    uint64_t *const addresses = reinterpret_cast<uint64_t *>(&s);
    if (T < 32)
        addresses[T] = reinterpret_cast<uint64_t>(&mine);
    __syncthreads();
    if (T < 32)
        use(static_cast<uint32_t>(*reinterpret_cast<volatile uint64_t *>(addresses[(T + 1) % 32])));
    __syncthreads();
    use(static_cast<uint32_t>(mine));
}
KERNEL(global_elements)
{
    for (int row = 0; row < 8; row++) {
        for (int d = 0; d < 7; d++)
            use(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(a.k.data + 16 * row)[hidden(d)]));
        use(simt_load<simt_u32x2>(a.k.data + 16 * row).x);
        use(simt_load<uint32_t>(a.k.data + 16 * row + 8));
        use(simt_load<simt_u32x4>(a.v.data + 16 * row).y);
    }
#if defined(__x86_64__)
    use(static_cast<float>(reinterpret_cast<const ten_bytes *>(a.k.data + hidden(16 + 4))->value));
#endif
    if (T == 0)
        for (int row = 0; row < 4; row++)
            __builtin_memset(dst_row(a, row), 0, static_cast<size_t>(hidden(32)));
}
__device__ const uint32_t table[8] = { 3, 1, 4, 1, 5, 9, 2, 6 };
KERNEL(private_memory)
{
    uint32_t mine[16];
    for (int i = 0; i < 16; i++)
        mine[hidden(i)] = table[hidden(i) % 8] + static_cast<uint32_t>(a.n_q);
    use(mine[hidden(T) % 16]);
}

/* ---- Inputs, blocks, unwritten ---- */
KERNEL(write_to_input)
{
    if (T == 11)
        reinterpret_cast<uint16_t *>(a.v.data)[3 * 8 + hidden(2)] = 0;
}
KERNEL(blocks_write_same)
{
    if (T == 0)
        dst_row(a, 2)[3] = static_cast<float>(B);
}
KERNEL(blocks_write_and_read)
{
    if (T == 0 && B == 0)
        a.meta[1] = 1.0f;
    if (T == 0 && B == 1)
        use(a.meta[1]);
}
KERNEL(blocks_read_and_write)
{
    if (T != 0)
        return;
    if (B < 2)
        use(a.meta[1]);
    else
        a.meta[1] = 2.0f;
}
KERNEL(blocks_read_one_writes) /* the last to read, then to write, is the same block */
{
    if (T != 0)
        return;
    use(*static_cast<volatile float *>(&a.meta[1]));
    if (B == static_cast<int>(gridDim.x) - 1)
        a.meta[1] = 2.0f;
}
KERNEL(blocks_apart)
{
    uint8_t *bytes = reinterpret_cast<uint8_t *>(a.partial);
    bytes[64 * B + T] = static_cast<uint8_t>(T);
    use(static_cast<uint32_t>(bytes[64 * B + T]));
    bytes[64 * B + T] = 1;
    use(static_cast<uint32_t>(reinterpret_cast<const uint16_t *>(a.v.data)[T]));
}
KERNEL(blocks_adjacent_bytes)
{
    if (T == 0)
        reinterpret_cast<uint8_t *>(a.partial)[B] = 1;
}
KERNEL(blocks_read_same) { use(a.meta[T % 16]); }
KERNEL(write_meta)
{
    if (T < 16)
        a.meta[T] = 1.0f;
}
KERNEL(blocks_atomics)
{
    if (T == 0)
        atomicAdd(&a.meta[2], 1.0f);
}
KERNEL(dst_read_unwritten)
{
    if (T == 5)
        use(dst_row(a, 3)[hidden(4)]);
}
KERNEL(dst_all_but_one)
{
    if (T < 8)
        for (int row = 0; row < 4; row++)
            if (row != 2 || T != 3)
                dst_row(a, row)[T] = 1.0f;
}
KERNEL(workspace_read_unwritten)
{
    if (T < 8)
        a.partial[T] = 1.0f;
    if (T == 9)
        use(a.partial[8]);
}
KERNEL(dst_written_then_read)
{
    if (T < 8)
        for (int row = 0; row < 4; row++) {
            dst_row(a, row)[T] = 1.0f;
            use(*static_cast<volatile float *>(&dst_row(a, row)[T]));
        }
}

/* ---- Alignment ---- */
KERNEL(misaligned_global) { use(simt_load<simt_u32x4>(a.v.data + hidden(T == 3 ? 8 : 16)).x); }
KERNEL(misaligned_lds)
{
    (void)a;
    SIMT_LDS(lds_words, s);
    if (T == 3)
        simt_store<simt_u32x2>(&s.word[hidden(5)], simt_u32x2{ 1, 2 });
}
KERNEL(aligned_enough)
{
    SIMT_LDS(lds_words, s);
    use(simt_load<simt_u32x2>(a.v.data + hidden(8)).x);
    use(static_cast<uint32_t>(simt_load<uint16_t>(a.v.data + hidden(6))));
    if (T == 3)
        simt_store<simt_u32x2>(&s.word[hidden(6)], simt_u32x2{ 1, 2 });
}

/* ---- Deep in the stack when another thread fails ---- */
__device__ __attribute__((noinline)) uint32_t deep(const struct attn_args &a, int level)
{
    uint32_t frame[32];
    for (int i = 0; i < 32; i++)
        frame[hidden(i)] = static_cast<uint32_t>(level + i);
    if (level > 0)
        return deep(a, level - 1) + frame[hidden(3)];
    __syncthreads();
    if (T == 63)
        use(reinterpret_cast<const float *>(a.q.data)[hidden(8)]);
    return frame[hidden(5)];
}
KERNEL(fails_deep) { use(deep(a, 20)); }

const struct executor_case cases[] = {
    ROW(global_gap_of_two, GLOBAL_BOUNDS, 1, 0, "k[7,1,0,0], past its row", 4, ATTN_K, 30),
    ROW(global_vector_over_gap, GLOBAL_BOUNDS, 1, 0, "reads 16 bytes at k[0,1,0,0]", 6, ATTN_K, 16),
    ROW(global_past_end, GLOBAL_BOUNDS, 1, 0, "q+172, past its end", 6, ATTN_Q, 172),
    ROW(global_before_start, GLOBAL_BOUNDS, 1, 0, "v-2, before its start", 6, ATTN_V, -2),
    ROW(global_write_to_gap, GLOBAL_BOUNDS, 1, 0, "writes 4 bytes at dst", 6, ATTN_DST, 72),
    ROW(global_workspace_past_end, GLOBAL_BOUNDS, 1, 0, "workspace meta+64, past its end", 6,
        ATTN_OPERAND_COUNT + ATTN_REGION_META, 64),
    ROW(global_copy_over_gap, GLOBAL_BOUNDS, 1, 0, "k[", 2, ATTN_K, -1),
    ROW(global_set_over_gap, GLOBAL_BOUNDS, 1, 0, "dst[", 2, ATTN_DST, -1),
#if defined(__x86_64__)
    ROW(global_odd_size, GLOBAL_BOUNDS, 1, 0, "k[4,1,0,0]", 2, ATTN_K, 24),
#endif
    ROW(global_null, GLOBAL_BOUNDS, 1, 0, "in no buffer", 3, -1, 0),
    ROW(global_others_private, GLOBAL_BOUNDS, 1, LDS, "not the thread's own", -1, -1, 0),
    ROW(global_elements, NONE, 1, 0, nullptr, -1, -1, -1),
    ROW(private_memory, NONE, 1, 0, nullptr, -1, -1, -1),
    ROW(write_to_input, GLOBAL_READONLY, 1, 0, "writes 2 bytes at v[2,3,0,0]", 11, ATTN_V, 52),
    ROW(blocks_write_same, GLOBAL_RACE, 2, 0, "dst[3,0,2,0]", 0, ATTN_DST, 92),
    ROW(write_meta, NONE, 1, 0, nullptr, -1, -1, -1),
    AFTER(blocks_write_and_read, GLOBAL_RACE, 2, 0, "workspace meta+4", 0, ATTN_OPERAND_COUNT + ATTN_REGION_META, 4),
    ROW(write_meta, NONE, 1, 0, nullptr, -1, -1, -1),
    AFTER(blocks_read_and_write, GLOBAL_RACE, 3, 0, "workspace meta+4", 0, ATTN_OPERAND_COUNT + ATTN_REGION_META, 4),
    ROW(write_meta, NONE, 1, 0, nullptr, -1, -1, -1),
    AFTER(blocks_read_one_writes, GLOBAL_RACE, 2, 0, "workspace meta+4", 0, ATTN_OPERAND_COUNT + ATTN_REGION_META, 4),
    ROW(write_meta, NONE, 1, 0, nullptr, -1, -1, -1),
    AFTER(blocks_read_same, NONE, 5, 0, nullptr, -1, -1, -1),
    AFTER(blocks_atomics, NONE, 5, 0, nullptr, -1, -1, -1),
    ROW(blocks_apart, NONE, 5, 0, nullptr, -1, -1, -1),
    ROW(blocks_adjacent_bytes, NONE, 5, 0, nullptr, -1, -1, -1),
    ROW(dst_read_unwritten, GLOBAL_UNWRITTEN, 1, 0, "dst[4,0,3,0]", 5, ATTN_DST, 136),
    ROW(workspace_read_unwritten, GLOBAL_UNWRITTEN, 1, 0, "workspace partial+32", 9,
        ATTN_OPERAND_COUNT + ATTN_REGION_PARTIAL, 32),
    ROW(dst_all_but_one, DST_UNWRITTEN, 1, 0, "dst[3,0,2,0]", -1, ATTN_DST, 92),
    ROW(dst_written_then_read, NONE, 1, 0, nullptr, -1, -1, -1),
    ROW(misaligned_global, ALIGNMENT, 1, 0, "v[4,0,0,0]", 3, ATTN_V, 8),
    ROW(misaligned_lds, ALIGNMENT, 1, LDS, "no multiple of 8", 3, -1, 20),
    ROW(aligned_enough, NONE, 1, LDS, nullptr, -1, -1, -1),
    ROW(fails_deep, GLOBAL_BOUNDS, 1, 0, "q[", 63, ATTN_Q, 32),
};

} // namespace

CASES(executor_global_case, cases)
