/* null_runtime.c: the null HIP runtime's entry points, called as a HIP program calls them: what behaves, what is
 * refused, and what is recorded.
 *
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "code/sample.h"
#include "subjects/null/entries.h"
#include "subjects/null/null_hip.h"
#include "subjects/null/state.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define GOOD(call) assert_int_equal(call, hipSuccess)
#define FAILS(call, error)                          \
    do {                                            \
        assert_int_equal(call, error);              \
        assert_int_equal(hipGetLastError(), error); \
    } while (0)

int hipIpcGetMemHandle(void); /* an entry point that the null runtime does not provide */

/* ---- A program with two kernels: one has code for gfx90a and gfx1100, the other for none ----------------- */

static const uint32_t end_9[] = { 0x7e000280, 0xbf810000 }, end_11[] = { 0x7e000280, 0xbfb00000 };
static char kernel_a, kernel_b, kernel_c, variable; /* their addresses stand for the host functions */

struct program {
    struct code_sample bundle;
    struct hip_fat_wrapper wrapper;
    void **handle;
};

static void register_program(struct program *p)
{
    const struct code_sample_kernel on_9[] = { { "_Z1aPf", 1024, 256, 64, 40, 0, end_9, COUNT(end_9) } };
    const struct code_sample_kernel on_11[] = { { "_Z1aPf", 2048, 128, 32, 100, 0, end_11, COUNT(end_11) } };
    struct code_sample a = { 0 }, b = { 0 };
    code_sample_object(&a, "gfx90a", on_9, COUNT(on_9));
    code_sample_object(&b, "gfx1100", on_11, COUNT(on_11));
    const struct code_sample_entry entries[] = { { "host-x86_64-unknown-linux-gnu-", NULL },
                                                 { "hipv4-amdgcn-amd-amdhsa--gfx90a", &a },
                                                 { "hipv4-amdgcn-amd-amdhsa--gfx1100", &b } };
    *p = (struct program){ .wrapper = { .magic = HIP_FAT_MAGIC, .version = 1 } };
    code_sample_bundle(&p->bundle, entries, COUNT(entries));
    free(a.bytes);
    free(b.bytes);
    p->wrapper.binary = p->bundle.bytes;
    p->handle = __hipRegisterFatBinary(&p->wrapper);
    __hipRegisterFunction(p->handle, &kernel_a, NULL, "_Z1aPf", 0, NULL, NULL, NULL, NULL, NULL);
    __hipRegisterFunction(p->handle, &kernel_b, NULL, "_Z1bPf", 0, NULL, NULL, NULL, NULL, NULL);
    __hipRegisterVar(p->handle, &variable, NULL, "variable", 0, 48, 0, 0);
}

static void unregister_program(struct program *p)
{
    __hipUnregisterFatBinary(p->handle);
    free(p->bundle.bytes);
}

static int device_named(const char *name)
{
    for (int i = 0; i < null_hip_devices(); i++)
        if (!strcmp(null_hip_device(i), name))
            return i;
    fail_msg("no device %s", name);
    return -1;
}

static struct hip_dim3 dim(uint32_t x, uint32_t y, uint32_t z) { return (struct hip_dim3){ x, y, z }; }

static int launch(const void *kernel, uint32_t grid, uint32_t block, size_t lds, void *stream)
{
    return hipLaunchKernel(kernel, dim(grid, 1, 1), dim(block, 1, 1), NULL, lds, stream);
}

static size_t launches(const struct null_hip_launch **l)
{
    size_t n;
    *l = null_hip_launches(&n);
    return n;
}

static int reset(void **state)
{
    (void)state;
    null_hip_reset();
    null_hip_move_data(true);
    null_hip_hold_launches(true);
    hipSetDevice(0);
    hipGetLastError();
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
        assert_int_equal(strncmp(p.arch, row->name, strlen(row->name)), 0);
        n++;
    }
    GOOD(hipGetDeviceCount(&count));
    assert_int_equal(count, n);
    assert_int_equal(n, 10);
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

static void a_variable_has_memory_on_each_device(void **state)
{
    (void)state;
    struct program p;
    size_t bytes;
    int value = 5, back = 0;
    register_program(&p);
    GOOD(hipGetSymbolSize(&bytes, &variable));
    assert_int_equal(bytes, 48);
    FAILS(hipMemcpyFromSymbol(&back, &variable, 4, 0, HIP_COPY_DEVICE_HOST),
          hipErrorNotSupported); /* its initial value */
    GOOD(hipMemcpyToSymbol(&variable, &value, 4, 44, HIP_COPY_HOST_DEVICE));
    GOOD(hipMemcpyFromSymbol(&back, &variable, 4, 44, HIP_COPY_DEVICE_HOST));
    assert_int_equal(back, 5);
    FAILS(hipMemcpyToSymbol(&variable, &value, 4, 45, HIP_COPY_HOST_DEVICE), hipErrorInvalidValue);
    GOOD(hipSetDevice(1));
    FAILS(hipMemcpyFromSymbol(&back, &variable, 4, 44, HIP_COPY_DEVICE_HOST), hipErrorNotSupported);
    FAILS(hipGetSymbolSize(&bytes, &back), hipErrorInvalidSymbol);
    unregister_program(&p);
    FAILS(hipGetSymbolSize(&bytes, &variable), hipErrorInvalidSymbol);
}

/* ---- Launches -------------------------------------------------------------------------------------------- */

static void a_launch_is_recorded_as_it_was_made(void **state)
{
    (void)state;
    const struct null_hip_launch *l;
    struct program p;
    struct hip_dim3 grid, block;
    size_t lds;
    void *stream, *popped;
    register_program(&p);
    GOOD(hipSetDevice(device_named("gfx90a")));
    GOOD(hipStreamCreate(&stream));
    GOOD(__hipPushCallConfiguration(dim(3, 4, 5), dim(64, 2, 1), 96, stream));
    GOOD(__hipPopCallConfiguration(&grid, &block, &lds, &popped));
    GOOD(hipLaunchKernel(&kernel_a, grid, block, NULL, lds, popped));
    FAILS(__hipPopCallConfiguration(&grid, &block, &lds, &popped), hipErrorMissingConfiguration);
    assert_int_equal(launches(&l), 1);
    assert_string_equal(l->kernel, "_Z1aPf");
    assert_ptr_equal(l->function, &kernel_a);
    assert_ptr_equal(l->stream, stream);
    assert_memory_equal(l->grid, ((uint32_t[]){ 3, 4, 5 }), 12);
    assert_memory_equal(l->block, ((uint32_t[]){ 64, 2, 1 }), 12);
    assert_int_equal(l->lds_dynamic, 96);
    assert_int_equal(l->flags, 0);
    assert_string_equal(null_hip_device(l->device), "gfx90a");
    GOOD(hipSetDevice(0));
    FAILS(launch(&kernel_a, 1, 64, 0, stream), hipErrorNoBinaryForGpu);
    null_hip_hold_launches(false);
    FAILS(launch(&kernel_a, 1, 64, 0, stream), hipErrorInvalidHandle); /* another device's stream */
    GOOD(hipStreamDestroy(stream));
    FAILS(launch(&kernel_a, 1, 64, 0, stream), hipErrorInvalidHandle);
    unregister_program(&p);
    FAILS(launch(&kernel_a, 1, 64, 0, NULL), hipErrorInvalidDeviceFunction);
    assert_string_equal(l->kernel, "_Z1aPf"); /* outlives its binary */
}

static void a_launch_is_held_against_device_and_code(void **state)
{
    (void)state;
    const struct null_hip_launch *l;
    struct program p;
    const struct {
        uint32_t grid, block;
        size_t lds;
        int error;
        uint32_t flag;
    } on_gfx90a[] = {
        { 1, 256, 64512, hipSuccess, 0 },
        { 1, 256, 64513, hipErrorInvalidValue, NULL_HIP_BEYOND }, /* 1,024 static bytes */
        { 1, 257, 0, hipErrorLaunchFailure, NULL_HIP_BEYOND },    /* compiled for 256 threads */
        { 1, 1025, 0, hipErrorInvalidConfiguration, NULL_HIP_BEYOND },
        { 0, 64, 0, hipErrorInvalidConfiguration, NULL_HIP_BEYOND },
        { 1u << 31, 1, 0, hipErrorInvalidConfiguration, NULL_HIP_BEYOND },
        { 1u << 25, 128, 0, hipErrorInvalidConfiguration, NULL_HIP_BEYOND }, /* 2^32 work items */
        { (1u << 25) - 1, 128, 0, hipSuccess, 0 },
        { 1, 64, (size_t)1 << 40, hipErrorInvalidValue, NULL_HIP_BEYOND },
    };
    register_program(&p);
    GOOD(hipSetDevice(device_named("gfx90a")));
    for (size_t i = 0; i < COUNT(on_gfx90a); i++) {
        assert_int_equal(launch(&kernel_a, on_gfx90a[i].grid, on_gfx90a[i].block, on_gfx90a[i].lds, NULL),
                         on_gfx90a[i].error);
        assert_int_equal(launches(&l), i + 1);
        assert_int_equal(l[i].flags, on_gfx90a[i].flag);
    }
    null_hip_reset();
    FAILS(launch(&kernel_b, 1, 64, 0, NULL), hipErrorNoBinaryForGpu);
    FAILS(launch(&kernel_c, 1, 64, 0, NULL), hipErrorInvalidDeviceFunction);
    null_hip_hold_launches(false);
    GOOD(launch(&kernel_b, 1, 64, 0, NULL));
    assert_int_equal(launches(&l), 3);
    assert_int_equal(l[0].flags, NULL_HIP_NO_CODE);
    assert_int_equal(l[1].flags, NULL_HIP_UNKNOWN);
    assert_int_equal(l[2].flags, 0);
    unregister_program(&p);
}

static void the_array_of_launches_is_bounded_and_says_so(void **state)
{
    (void)state;
    const struct null_hip_launch *l;
    struct program p;
    register_program(&p);
    null_hip_hold_launches(false);
    for (int i = 0; i < NULL_HIP_LAUNCHES + 10; i++)
        GOOD(launch(&kernel_a, 1, 64, 0, NULL));
    assert_int_equal(launches(&l), NULL_HIP_LAUNCHES);
    assert_int_equal(null_hip_lost(), 10);
    null_hip_reset();
    assert_int_equal(launches(&l), 0);
    assert_int_equal(null_hip_lost(), 0);
    unregister_program(&p);
}

static void attributes_and_occupancy_come_from_the_code(void **state)
{
    (void)state;
    struct program p;
    struct hip_function_attributes a;
    int blocks, value, grid, block;
    register_program(&p);
    GOOD(hipSetDevice(device_named("gfx90a")));
    GOOD(hipFuncGetAttributes(&a, &kernel_a));
    assert_int_equal(a.lds_static, 1024);
    assert_int_equal(a.max_threads, 256);
    GOOD(hipFuncGetAttribute(&value, HIP_FUNCTION_LDS, &kernel_a));
    assert_int_equal(value, 1024);
    /* 40 of 512 registers: 8 waves a SIMD at most anyway, 32 of a compute unit; 4 a block; 64 KiB of LDS */
    GOOD(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &kernel_a, 256, 0));
    assert_int_equal(blocks, 8);
    GOOD(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &kernel_a, 256, 15 * 1024));
    assert_int_equal(blocks, 4);
    GOOD(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &kernel_a, 256, 64 * 1024));
    assert_int_equal(blocks, 0);
    GOOD(hipOccupancyMaxPotentialBlockSize(&grid, &block, &kernel_a, 0, 0));
    assert_int_equal(block, 256);
    assert_int_equal(grid, 8 * 104);
    GOOD(hipSetDevice(device_named("gfx1100")));
    /* 100 registers are 120 of 1536: 12 waves a SIMD, 48 of a workgroup processor, 4 a block */
    GOOD(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &kernel_a, 128, 0));
    assert_int_equal(blocks, 12);
    FAILS(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, &kernel_b, 128, 0), hipErrorNoBinaryForGpu);
    FAILS(hipFuncSetAttribute(&kernel_a, 8, 65537), hipErrorInvalidValue);
    GOOD(hipFuncSetAttribute(&kernel_a, 8, 65536));
    unregister_program(&p);
}

static void a_cooperative_launch_must_fit_the_device(void **state)
{
    (void)state;
    struct program p;
    register_program(&p);
    GOOD(hipSetDevice(device_named("gfx90a")));
    GOOD(hipLaunchCooperativeKernel(&kernel_a, dim(8 * 104, 1, 1), dim(256, 1, 1), NULL, 0, NULL));
    FAILS(hipLaunchCooperativeKernel(&kernel_a, dim(8 * 104 + 1, 1, 1), dim(256, 1, 1), NULL, 0, NULL),
          hipErrorCooperativeLaunchTooLarge);
    GOOD(hipSetDevice(device_named("gfx1100"))); /* 96 compute units, 48 multiprocessors */
    GOOD(hipLaunchCooperativeKernel(&kernel_a, dim(12 * 48, 1, 1), dim(128, 1, 1), NULL, 0, NULL));
    FAILS(hipLaunchCooperativeKernel(&kernel_a, dim(12 * 48 + 1, 1, 1), dim(128, 1, 1), NULL, 0, NULL),
          hipErrorCooperativeLaunchTooLarge);
    unregister_program(&p);
}

static void a_module_has_the_kernels_of_its_code(void **state)
{
    (void)state;
    const struct null_hip_launch *l;
    struct program p;
    void *module, *function, *again;
    register_program(&p);
    FAILS(hipModuleLoadData(&module, p.bundle.bytes), hipErrorNoBinaryForGpu); /* gfx906 */
    GOOD(hipSetDevice(device_named("gfx1100")));
    GOOD(hipModuleLoadData(&module, p.bundle.bytes));
    GOOD(hipModuleGetFunction(&function, module, "_Z1aPf"));
    GOOD(hipModuleGetFunction(&again, module, "_Z1aPf"));
    assert_ptr_equal(function, again);
    FAILS(hipModuleGetFunction(&again, module, "_Z1bPf"), hipErrorNotFound);
    GOOD(hipModuleLaunchKernel(function, 2, 3, 4, 128, 1, 1, 16, NULL, NULL, NULL));
    FAILS(hipModuleLaunchKernel(function, 2, 3, 4, 129, 1, 1, 16, NULL, NULL, NULL), hipErrorLaunchFailure);
    assert_int_equal(launches(&l), 2);
    assert_int_equal(l->flags, NULL_HIP_MODULE);
    assert_int_equal(l->grid[2], 4);
    GOOD(hipModuleUnload(module));
    FAILS(hipModuleUnload(module), hipErrorInvalidHandle);
    FAILS(hipModuleLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL), hipErrorInvalidDeviceFunction);
    FAILS(hipModuleLoadData(&module, "no image of a module at all, as anybody can see"), hipErrorInvalidImage);
    FAILS(hipModuleLoad(&module, "/nosuch/file"), hipErrorFileNotFound);
    unregister_program(&p);
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

/* ---- The table of addresses, against a plain one --------------------------------------------------------- */

static void the_map_agrees_with_a_plain_table(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 200000 };
    static char values[KEYS];
    const char *in[KEYS] = { NULL };
    struct null_map map = { NULL, 0, 0 };
    uint64_t random = 88172645463325252u;
    size_t n = 0;
    for (int i = 0; i < STEPS; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
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
        T(a_variable_has_memory_on_each_device),
        T(a_launch_is_recorded_as_it_was_made),
        T(a_launch_is_held_against_device_and_code),
        T(the_array_of_launches_is_bounded_and_says_so),
        T(attributes_and_occupancy_come_from_the_code),
        T(a_cooperative_launch_must_fit_the_device),
        T(a_module_has_the_kernels_of_its_code),
        T(what_is_not_provided_says_its_name),
        T(the_map_agrees_with_a_plain_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
