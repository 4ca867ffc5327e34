/* collective.cc: what kernels call through simt.h: where a thread is, barriers, wave operations.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/executor.h"

#include <string.h>

/* ---- Where a thread is ----------------------------------------------------------------------------------- */

SIMT_HOT_FUNCTION struct dim3 simt_host_thread(void) { return simt_hot.fiber->index; }
SIMT_HOT_FUNCTION struct dim3 simt_host_block(void) { return simt_hot.executor->block; }
SIMT_HOT_FUNCTION struct dim3 simt_host_block_dim(void) { return simt_hot.executor->block_dim; }
SIMT_HOT_FUNCTION struct dim3 simt_host_grid_dim(void) { return simt_hot.executor->grid_dim; }

/* ---- Items ------------------------------------------------------------------------------------------------ */

int64_t simt_host_next_item(int64_t item, int64_t step, int64_t end)
{
    const struct simt_items *items = simt_hot.executor->launch->items;
    return items ? simt_items_next(items, item, step, end) : item;
}

bool simt_host_is_item(int64_t item)
{
    const struct simt_items *items = simt_hot.executor->launch->items;
    return !items || simt_items_has(items, item);
}

/* ---- Barriers -------------------------------------------------------------------------------------------- */

void simt_host_barrier(int line) { simt_arrive(simt_key(SIMT_OP_BARRIER, 0, 0, line)); }

int simt_host_barrier_or(int pred, int line)
{
    simt_hot.executor->block_or_next |= pred;
    simt_arrive(simt_key(SIMT_OP_OR, 0, 0, line));
    return simt_hot.executor->block_or;
}

/* ---- Wave operations ------------------------------------------------------------------------------------- */

static void check_wave_size(int wave)
{
    const int device = simt_hot.executor->launch->device->wave_size;
    if (wave != device)
        simt_fail(ATTN_F_WAVE_SIZE, 0, 0, 0, "the instance is built for waves of %d, the device has %d", wave, device);
}

void simt_host_wave_sync(int wave, int line)
{
    check_wave_size(wave);
    simt_arrive(simt_key(SIMT_OP_WAVE_SYNC, wave, 0, line));
}

/* A lane's value is kept until every lane has arrived at the operation after the next: whoever runs ahead writes
 * to the other half. */
static uint64_t exchange(int op, uint64_t bits, uint32_t lane, int wave_size, int line)
{
    check_wave_size(wave_size);
    struct simt_executor *ex = simt_hot.executor;
    struct simt_fiber *self = simt_hot.fiber;
    struct simt_wave *wave = self->wave;
    if (lane >= wave->lanes)
        simt_fail(ATTN_F_WAVE, 0, 0, 0, "a shuffle from lane %d of a wave with %u lanes", static_cast<int>(lane),
                  wave->lanes);
    uint64_t *half = ex->bits[wave->parity];
    half[self->thread] = bits;
    simt_arrive(simt_key(op, wave_size, 0, line));
    return half[wave->first + lane];
}

uint64_t simt_host_shfl(uint64_t bits, int lane, int wave, int line)
{
    return exchange(SIMT_OP_SHFL, bits, static_cast<uint32_t>(lane), wave, line);
}

uint64_t simt_host_shfl_xor(uint64_t bits, int mask, int wave, int line)
{
    return exchange(SIMT_OP_SHFL_XOR, bits, simt_hot.fiber->lane ^ static_cast<uint32_t>(mask), wave, line);
}

uint64_t simt_host_ballot(int pred, int wave_size, int line)
{
    check_wave_size(wave_size);
    struct simt_fiber *self = simt_hot.fiber;
    struct simt_wave *wave = self->wave;
    if (pred)
        wave->ballot_next |= static_cast<uint64_t>(1) << self->lane;
    simt_arrive(simt_key(SIMT_OP_BALLOT, wave_size, 0, line));
    return wave->ballot;
}

SIMT_HOT_FUNCTION simt_f32x4 simt_host_reduce(int op, int width, int n, int line, simt_f32x4 a, simt_f32x4 b,
                                              simt_f32x4 c, simt_f32x4 d)
{
    struct simt_executor *ex = simt_hot.executor;
    struct simt_fiber *self = simt_hot.fiber;
    struct simt_wave *wave = self->wave;
    if (width > ex->launch->device->wave_size)
        simt_fail(ATTN_F_WAVE_SIZE, 0, 0, 0, "a reduction over %d lanes, the device's waves have %d", width,
                  ex->launch->device->wave_size);
    if (wave->lanes % static_cast<uint32_t>(width) != 0)
        simt_fail(ATTN_F_WAVE, 0, 0, 0, "a reduction over groups of %d lanes in a wave with %u lanes", width,
                  wave->lanes);
    float (*in)[64] = ex->in[wave->number];
    const uint32_t lane = self->lane;
    const simt_f32x4 v[4] = { a, b, c, d };
    for (int i = 0; i < n; i++)
        in[i][lane] = v[i >> 2][i & 3];
    simt_arrive(simt_key(op, width, n, line));
    return ex->out[self->thread][0];
}

SIMT_HOT_FUNCTION simt_f32x4 simt_host_fetch(int index)
{
    return simt_hot.executor->out[simt_hot.fiber->thread][index];
}

template <bool ADD, class T> SIMT_HOT_FUNCTION static inline T merge(T a, T b)
{
    if constexpr (ADD)
        return a + b;
    else
        return a > b ? a : b;
}

/* The butterfly: lane l combines with l ^ step, steps width/2 ... 1. Both lanes of a pair get the same sum, so
 * only the lower half of each group has to be worked out. */
template <bool ADD>
SIMT_HOT_FUNCTION static void reduce(struct simt_executor *ex, const struct simt_wave *wave, uint32_t width, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        float *row = ex->in[wave->number][i];
        for (uint32_t group = 0; group < wave->lanes; group += width) {
            float *v = row + group;
            uint32_t step = width / 2;
            for (; step >= 4; step /= 2)
                for (uint32_t l = 0; l < step; l += 4) {
                    simt_f32x4 *low = reinterpret_cast<simt_f32x4 *>(v + l);
                    const simt_f32x4 high = *reinterpret_cast<const simt_f32x4 *>(v + l + step);
                    if constexpr (ADD)
                        *low = *low + high;
                    else
                        *low = *low > high ? *low : high;
                }
            for (; step >= 1; step /= 2)
                for (uint32_t l = 0; l < step; l++)
                    v[l] = merge<ADD>(v[l], v[l + step]);
            const float result = v[0];
            for (uint32_t l = 0; l < width; l++)
                ex->out[wave->first + group + l][i >> 2][i & 3] = result;
        }
    }
}

void simt_collective(struct simt_executor *ex, struct simt_wave *wave)
{
    const uint32_t width = wave->key >> 8 & 0xFFFF, n = wave->key >> 24 & 0xFF;
    switch (wave->key & 255) {
    case SIMT_OP_BALLOT:
        wave->ballot = wave->ballot_next;
        wave->ballot_next = 0;
        break;
    case SIMT_OP_ADD: reduce<true>(ex, wave, width, n); break;
    case SIMT_OP_MAX: reduce<false>(ex, wave, width, n); break;
    case SIMT_OP_MATRIX_S8: simt_matrix_s8(ex, wave); break;
    case SIMT_OP_MATRIX: simt_matrix(ex, wave, static_cast<int>(width)); break;
    case SIMT_OP_WGMMA: simt_wgmma(ex, wave, static_cast<int>(width), static_cast<int>(n)); break;
    default: break;
    }
}
