/* executor_results.c: what wave operations, indices and conversions of simt.h give on the host, against values worked
 * out here; and that the order in which threads and blocks run changes no bit.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/executor_support.h"

#include <math.h>

static float partial_at(const struct bench *b, int index)
{
    float value;
    memcpy(&value, (const char *)b->args.partial + 4 * index, 4);
    return value;
}

static void launch(struct bench *b, attn_entry entry, uint32_t blocks)
{
    struct attn_failure failure;
    attn_host_begin(b->memory, &b->regions);
    if (!bench_launch(b, entry, blocks, 64, 0, &failure))
        fail_msg("%s", failure.text);
}

/* The butterfly of simt.h, all lanes at every step: value of lane `lane`. */
static float butterfly(const float *values, int width, int lane, bool most)
{
    float now[64], next[64];
    int group = lane / width * width;
    memcpy(now, values + group, (size_t)width * sizeof(float));
    for (int step = width / 2; step > 0; step /= 2) {
        for (int l = 0; l < width; l++)
            next[l] = !most ? now[l] + now[l ^ step] : now[l] > now[l ^ step] ? now[l] : now[l ^ step];
        memcpy(now, next, (size_t)width * sizeof(float));
    }
    return now[lane - group];
}

static void wave_operations_give_every_lane_its_value(void **state)
{
    (void)state;
    for (int wave = 32; wave <= 64; wave += 32)
        for (uint64_t schedule = 0; schedule < 4; schedule++) {
            struct attn_host_options options = { schedule, true, 0 };
            struct bench b;
            bench_open(&b, &options);
            b.device.wave_size = wave;
            for (int lane = 0; lane < wave; lane++) {
                b.args.n_q = lane;
                launch(&b, executor_wave_entry(wave), 1);
                float v[5][64], tenth[64];
                uint64_t votes = 0;
                for (int l = 0; l < wave; l++) {
                    for (int i = 0; i < 5; i++)
                        v[i][l] = (float)((l * 7 + i * 3) % 11) + 0.1f * (float)l;
                    tenth[l] = 0.1f * (float)l;
                    votes |= (uint64_t)(l % 3 == 0) << l;
                }
                for (int i = 0; i < 5; i++) {
                    assert_true(partial_at(&b, i) == butterfly(v[i], wave, lane, false));
                    assert_true(partial_at(&b, 5 + i) == butterfly(v[i], 4, lane, true));
                }
                assert_true(partial_at(&b, 10) == butterfly(tenth, 8, lane, false));
                assert_true(partial_at(&b, 11) == (float)((lane + 5) % wave));
                assert_true(partial_at(&b, 12) == (float)(lane ^ 3));
                assert_true(partial_at(&b, 13) == (float)(uint32_t)votes);
                assert_true(partial_at(&b, 14) == (float)(uint32_t)(votes >> 32));
            }
            bench_close(&b);
        }
}

/* Numbers whose sum depends on the order: every width, every lane, every schedule, to the bit. */
static void sums_are_added_in_the_order_of_the_butterfly(void **state)
{
    (void)state;
    struct attn_host_options options = { 0, true, 0 };
    struct bench b;
    bench_open(&b, &options);
    b.device.wave_size = 64;
    struct attn_buffer *v = &b.image.buffer[b.image.buffer_of[ATTN_V]];
    float values[64];
    for (int i = 0; i < 64; i++) {
        /* normal f16: exponent 1..30, any fraction */
        uint16_t h = (uint16_t)((unsigned)(i * 7 % 30 + 1) << 10 | (unsigned)(i * 37 % 1024) | (i % 3 ? 0u : 0x8000u));
        values[i] = ldexpf(1.0f + (float)(h & 1023) / 1024.0f, (h >> 10 & 31) - 15) * (h & 0x8000u ? -1.0f : 1.0f);
        memcpy(v->bytes + 2 * i, &h, 2);
    }
    struct attn_failure failure;
    assert_true(b.backend->ops->upload(b.backend, b.memory, &b.image, &failure));
    int differs = 0;
    for (int width = 1; width <= 64; width *= 2)
        for (uint64_t schedule = 0; schedule < 8; schedule++) {
            attn_host_schedule(b.backend, schedule);
            launch(&b, executor_sum_entry(width), 1);
            for (int lane = 0; lane < 64; lane++) {
                assert_true(partial_at(&b, lane) == butterfly(values, width, lane, false));
                float in_order = 0.0f;
                for (int l = lane / width * width; l < lane / width * width + width; l++)
                    in_order += values[l];
                differs += partial_at(&b, lane) != in_order;
            }
        }
    assert_true(differs > 0); /* else the numbers above would not tell one order from another */
    bench_close(&b);
}

/* The value of f16 bits, from the format's definition (IEEE 754-2008, 3.4). */
static double f16_value(unsigned h)
{
    int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
    double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return h & 0x8000u ? -magnitude : magnitude;
}

static void f16_is_exact_there_and_back(void **state)
{
    (void)state;
    struct attn_host_options options = { 0, false, 0 };
    struct bench b;
    bench_open(&b, &options);
    for (int first = 0; first < 65536; first += 64) {
        b.args.n_q = first;
        launch(&b, executor_f16_entry(), 1);
        for (int t = 0; t < 64; t++) {
            unsigned h = (unsigned)(first + t);
            uint16_t back;
            memcpy(&back, (const char *)b.args.partial + 2 * (128 + t), 2);
            float f = partial_at(&b, t);
            if ((h & 0x7C00u) == 0x7C00u) {
                assert_true((h & 1023u) ? isnan(f) : isinf(f) && (f < 0) == (h >= 0x8000u));
                assert_true((h & 1023u) ? (back & 0x7C00u) == 0x7C00u && (back & 1023u) : back == h);
            } else {
                assert_true((double)f == f16_value(h) && (signbit(f) != 0) == (h >= 0x8000u));
                assert_int_equal(back, h);
            }
        }
    }
    bench_close(&b);
}

static void threads_and_blocks_know_where_they_are(void **state)
{
    (void)state;
    for (uint64_t schedule = 0; schedule < 6; schedule++) {
        struct attn_host_options options = { schedule, true, 0 };
        struct bench b;
        bench_open(&b, &options);
        attn_host_begin(b.memory, &b.regions);
        struct simt_launch launch_3d;
        memset(&launch_3d, 0, sizeof launch_3d);
        launch_3d.entry = executor_where_entry();
        launch_3d.args = &b.args;
        launch_3d.device = &b.device;
        const struct attn_launch shape = { { 2, 1, 3 }, { 5, 2, 2 }, 0, 0 };
        launch_3d.shape = shape;
        struct attn_failure failure;
        if (!attn_host_launch(b.backend, b.memory, &launch_3d, &failure))
            fail_msg("%s", failure.text);
        for (uint32_t i = 0; i < 120; i++) {
            uint32_t value;
            memcpy(&value, (const char *)b.args.partial + 4 * i, 4);
            assert_int_equal(value, 1000 * (i / 20) + i % 20);
        }
        bench_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wave_operations_give_every_lane_its_value),
        cmocka_unit_test(sums_are_added_in_the_order_of_the_butterfly),
        cmocka_unit_test(f16_is_exact_there_and_back),
        cmocka_unit_test(threads_and_blocks_know_where_they_are),
    };
    return cmocka_run_group_tests_name("executor results", tests, NULL, NULL);
}
