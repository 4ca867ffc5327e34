/* null_launches.c: kernels on the null HIP runtime: what is registered, launched, held against device and code, and
 * recorded.
 *
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/subjects/null_common.h"

#include "code/sample.h"

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

static int reset(void **state)
{
    (void)state;
    reset_runtime(true);
    return 0;
}

/* ---- Variables ------------------------------------------------------------------------------------------- */

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

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        T(a_variable_has_memory_on_each_device),        T(a_launch_is_recorded_as_it_was_made),
        T(a_launch_is_held_against_device_and_code),    T(the_array_of_launches_is_bounded_and_says_so),
        T(attributes_and_occupancy_come_from_the_code), T(a_cooperative_launch_must_fit_the_device),
        T(a_module_has_the_kernels_of_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
