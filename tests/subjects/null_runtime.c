/* null_runtime.c: the null HIP runtime's devices and memory, called as a HIP program calls them; what is refused; and
 * its table of addresses.
 *
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/subjects/null_common.h"

#include "planner/random.h"
#include "subjects/null/map.h"
#include "subjects/null/runtime.h"

#include <unistd.h>

int hipIpcGetMemHandle(void); /* an entry point that the null runtime does not provide */

static int reset(void **state)
{
    (void)state;
    reset_runtime(true);
    return 0;
}

/* ---- Devices --------------------------------------------------------------------------------------------- */

static void devices_are_the_amd_rows_of_the_table(void **state)
{
    (void)state;
    int n = 0, count;
    for (int i = 0; i < attn_device_count(); i++) {
        const struct attn_device *row = attn_device(i);
        struct hip_properties p;
        if (strncmp(row->name, "gfx", 3))
            continue;
        assert_string_equal(null_hip_device(n), row->name);
        GOOD(hipGetDevicePropertiesR0600(&p, n));
        assert_int_equal(p.wave_size, row->wave_size);
        assert_int_equal(p.lds_bytes, row->lds_bytes);
        assert_int_equal(p.max_threads, row->max_threads);
        assert_int_equal(p.max_grid[1], row->max_grid[1]);
        assert_int_equal(p.n_cu * (row->wave_size == 32 ? 2 : 1), row->n_cu);
        assert_in_range(p.threads_per_cu, 4 * 8 * row->wave_size, 4 * 20 * row->wave_size);
        assert_int_equal(p.threads_per_cu, p.blocks_per_cu * row->wave_size);
        assert_int_equal(strncmp(p.arch, row->name, strlen(row->name)), 0);
        n++;
    }
    GOOD(hipGetDeviceCount(&count));
    assert_int_equal(count, n);
    assert_true(n > 0);
    FAILS(hipSetDevice(n), hipErrorInvalidDevice);
    FAILS(hipSetDevice(-1), hipErrorInvalidDevice);
}

static void attributes_are_the_properties(void **state)
{
    (void)state;
    struct hip_properties p;
    int value, major, minor, i = device_named("gfx90a");
    GOOD(hipGetDevicePropertiesR0600(&p, i));
    GOOD(hipDeviceGetAttribute(&value, 87, i));
    assert_int_equal(value, 64);
    GOOD(hipDeviceGetAttribute(&value, 74, i));
    assert_int_equal(value, p.lds_bytes);
    GOOD(hipDeviceGetAttribute(&value, 63, i));
    assert_int_equal(value, p.n_cu);
    GOOD(hipDeviceComputeCapability(&major, &minor, device_named("gfx1151")));
    assert_int_equal(major * 10 + minor, 115);
    GOOD(hipDeviceComputeCapability(&major, &minor, i));
    assert_int_equal(major * 10 + minor, 90);
    FAILS(hipDeviceGetAttribute(&value, 4711, i), hipErrorNotSupported);
    assert_int_equal(null_hip_refused(NULL), 1);
}

static void devices_cannot_be_chosen_late_and_peers_are_known(void **state)
{
    (void)state;
    char text[128] = "";
    int can;
    assert_false(null_hip_choose("gfx942", text, sizeof text));
    assert_non_null(strstr(text, "already"));
    GOOD(hipDeviceCanAccessPeer(&can, 0, 1));
    assert_int_equal(can, 1);
    GOOD(hipDeviceEnablePeerAccess(1, 0));
    FAILS(hipDeviceEnablePeerAccess(1, 0), hipErrorPeerAccessAlreadyEnabled);
    GOOD(hipDeviceDisablePeerAccess(1));
    FAILS(hipDeviceDisablePeerAccess(1), hipErrorPeerAccessNotEnabled);
}

/* ---- Memory ---------------------------------------------------------------------------------------------- */

static void memory_is_tracked_and_copies_stay_inside(void **state)
{
    (void)state;
    char *a, *b, host[300];
    uint64_t n, before = null_hip_allocated(&n);
    GOOD(hipMalloc((void **)&a, 300));
    GOOD(hipMalloc((void **)&b, 300));
    assert_int_equal((uintptr_t)a % 256, 0);
    memset(host, 7, sizeof host);
    GOOD(hipMemcpy(a, host, 300, HIP_COPY_HOST_DEVICE));
    GOOD(hipMemcpy(b, a, 300, HIP_COPY_DEVICE_DEVICE));
    memset(host, 0, sizeof host);
    GOOD(hipMemcpy(host, b + 1, 299, HIP_COPY_DEVICE_HOST));
    assert_int_equal(host[298], 7);
    FAILS(hipMemcpy(host, b + 1, 300, HIP_COPY_DEVICE_HOST), hipErrorInvalidValue);
    FAILS(hipMemcpy(host, a - 1, 1, HIP_COPY_DEVICE_HOST), hipErrorInvalidValue);
    FAILS(hipMemcpy(host, host + 1, 1, HIP_COPY_DEVICE_HOST), hipErrorInvalidValue);
    FAILS(hipMemcpy(a, host, 1, 17), hipErrorInvalidMemcpyDirection);
    FAILS(hipMemset(a, 0, 301), hipErrorInvalidValue);
    GOOD(hipMemcpy(a, host, 0, HIP_COPY_HOST_DEVICE));
    FAILS(hipFree(a + 1), hipErrorInvalidValue);
    FAILS(hipHostFree(a), hipErrorInvalidValue);
    assert_int_equal(null_hip_allocated(NULL), before + 600);
    GOOD(hipFree(a));
    FAILS(hipFree(a), hipErrorInvalidValue);
    GOOD(hipFree(b));
    GOOD(hipFree(NULL));
    assert_int_equal(null_hip_allocated(NULL), before);
}

static void a_byte_written_beside_memory_is_found(void **state)
{
    (void)state;
    const ptrdiff_t places[] = { -1, -256, 5000, 5255 };
    char text[128];
    for (size_t i = 0; i < COUNT(places); i++) {
        char *a;
        GOOD(hipMalloc((void **)&a, 5000));
        assert_true(null_hip_memory_intact(text, sizeof text));
        a[places[i]] ^= 1;
        assert_false(null_hip_memory_intact(text, sizeof text));
        FAILS(hipFree(a), hipErrorIllegalAddress);
        assert_true(null_hip_memory_intact(text, sizeof text));
    }
}

static void a_device_has_so_much_and_untouched_memory_costs_nothing(void **state)
{
    (void)state;
    void *large, *more;
    size_t free_bytes, total;
    GOOD(hipMalloc(&large, (size_t)40 << 30));
    FAILS(hipMalloc(&more, (size_t)40 << 30), hipErrorOutOfMemory);
    GOOD(hipMemGetInfo(&free_bytes, &total));
    assert_int_equal(total - free_bytes, (size_t)40 << 30);
    GOOD(hipSetDevice(1));
    GOOD(hipMalloc(&more, (size_t)40 << 30));
    null_hip_move_data(false);
    GOOD(hipMemset(more, 1, (size_t)40 << 30));
    GOOD(hipMemcpy(more, large, (size_t)40 << 30, HIP_COPY_DEVICE_DEVICE));
    FAILS(hipMemset(more, 1, ((size_t)40 << 30) + 1), hipErrorInvalidValue);
    GOOD(hipFree(more));
    GOOD(hipFree(large));
    FAILS(hipMalloc(&more, SIZE_MAX - 100), hipErrorOutOfMemory);
}

static void rows_and_fills(void **state)
{
    (void)state;
    char *a, host[64];
    memset(host, 1, sizeof host);
    GOOD(hipMalloc((void **)&a, 64));
    GOOD(hipMemset(a, 0, 64));
    GOOD(hipMemset2D(a, 16, 9, 4, 4));
    GOOD(hipMemcpy2D(host, 8, a, 16, 6, 4, HIP_COPY_DEVICE_HOST));
    for (int i = 0; i < 32; i++)
        assert_int_equal(host[i], i % 8 < 4 ? 9 : i % 8 < 6 ? 0 : 1);
    FAILS(hipMemcpy2D(host, 5, a, 16, 6, 4, HIP_COPY_DEVICE_HOST), hipErrorInvalidPitchValue);
    FAILS(hipMemcpy2D(host, 8, a, 20, 6, 4, HIP_COPY_DEVICE_HOST), hipErrorInvalidValue); /* 66 bytes */
    GOOD(hipMemsetD32(a, 0x01020304, 16));
    assert_int_equal(a[62], 2);
    GOOD(hipMemsetD16(a, 0x0506, 32));
    assert_int_equal(a[63], 5);
    FAILS(hipMemsetD32(a + 2, 0, 1), hipErrorInvalidValue);
    FAILS(hipMemsetD16(a, 0, 33), hipErrorInvalidValue);
    GOOD(hipFree(a));
}

static void host_memory_is_registered_once(void **state)
{
    (void)state;
    char host[4096];
    void *device;
    struct hip_pointer_attributes p;
    FAILS(hipHostGetDevicePointer(&device, host, 0), hipErrorInvalidValue);
    GOOD(hipHostRegister(host, sizeof host, 0));
    FAILS(hipHostRegister(host + 100, 10, 0), hipErrorHostMemoryAlreadyRegistered);
    GOOD(hipHostGetDevicePointer(&device, host + 5, 0));
    assert_ptr_equal(device, host + 5);
    GOOD(hipPointerGetAttributes(&p, host));
    assert_int_equal(p.type, HIP_MEMORY_HOST);
    FAILS(hipHostUnregister(host + 1), hipErrorHostMemoryNotRegistered);
    GOOD(hipHostUnregister(host));
    GOOD(hipPointerGetAttributes(&p, host));
    assert_int_equal(p.type, HIP_MEMORY_UNREGISTERED);
}

/* ---- What is not provided -------------------------------------------------------------------------------- */

static void what_is_not_provided_says_its_name(void **state)
{
    (void)state;
    const char *name;
    assert_int_equal(null_hip_refused(&name), 0);
    assert_null(name);
    assert_int_equal(hipIpcGetMemHandle(), hipErrorNotSupported);
    assert_int_equal(hipIpcGetMemHandle(), hipErrorNotSupported);
    assert_int_equal(null_hip_refused(&name), 2);
    assert_string_equal(name, "hipIpcGetMemHandle");
    assert_int_equal(hipPeekAtLastError(), hipErrorNotSupported);
    assert_string_equal(hipGetErrorName(hipErrorNotSupported), "hipErrorNotSupported");
    assert_non_null(strstr(hipGetErrorString(hipErrorNotSupported), "null runtime"));
}

/* A caller that leaves by a jump, as attn_trap does out of a launch that takes too long. */
static void a_call_that_was_left_holds_nobody_up(void **state)
{
    (void)state;
    void *memory = NULL;
    null_lock();
    null_hip_left();
    alarm(60); /* without it the next call waits for ever */
    GOOD(hipMalloc(&memory, 64));
    GOOD(hipFree(memory));
    null_hip_left(); /* of a call that had come back */
    GOOD(hipMalloc(&memory, 64));
    GOOD(hipFree(memory));
    alarm(0);
}

/* ---- The table of addresses, against a plain one --------------------------------------------------------- */

static void the_map_agrees_with_a_plain_table(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 200000 };
    static char values[KEYS];
    const char *in[KEYS] = { NULL };
    struct null_map map = { NULL, 0, 0 };
    uint64_t seed = 1;
    size_t n = 0;
    for (int i = 0; i < STEPS; i++) {
        const uint64_t random = attn_random(&seed);
        size_t k = random % KEYS;
        const void *key = (const void *)(uintptr_t)((k + 1) << (k % 3 ? 4 : 20));
        if (random >> 40 & 1) {
            assert_true(null_map_put(&map, key, &values[k]));
            n += !in[k];
            in[k] = &values[k];
        } else {
            null_map_remove(&map, key);
            n -= in[k] != NULL;
            in[k] = NULL;
        }
        assert_int_equal(map.used, n);
        size_t other = (random >> 20) % KEYS;
        assert_ptr_equal(null_map_get(&map, (const void *)(uintptr_t)((other + 1) << (other % 3 ? 4 : 20))), in[other]);
    }
    free(map.slots);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        T(devices_are_the_amd_rows_of_the_table),
        T(attributes_are_the_properties),
        T(devices_cannot_be_chosen_late_and_peers_are_known),
        T(memory_is_tracked_and_copies_stay_inside),
        T(a_byte_written_beside_memory_is_found),
        T(a_device_has_so_much_and_untouched_memory_costs_nothing),
        T(rows_and_fills),
        T(host_memory_is_registered_once),
        T(what_is_not_provided_says_its_name),
        T(a_call_that_was_left_holds_nobody_up),
        T(the_map_agrees_with_a_plain_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
