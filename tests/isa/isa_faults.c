/* isa_faults.c: each named failure of a launch is found in a small kernel that commits it, and not in its near miss.
 *
 * The kernels are compiled here (faults.hip, faults.s); without a clang that makes code for AMD GPUs, its linker and
 * libLLVM the test is skipped.
 *
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "isa/isa.h"

enum { SKIP = 77, INTS = 256, SCHEDULES = 8, GAP = 64 };

/* Between and around them lies what belongs to nobody. */
static int memory[3 * GAP + 2 * INTS], *const a = memory + GAP, *const b = memory + 2 * GAP + INTS;

/* ---- Objects --------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/isa_faults.XXXXXX";

static void *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long n = ftell(f);
    assert_true(n > 0);
    rewind(f);
    void *bytes = malloc((size_t)n);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)n, f), (size_t)n);
    fclose(f);
    *size = (size_t)n;
    return bytes;
}

/* Compiles a source for a target; NULL when there is nothing to do it with. */
static void *compile(const char *source, const char *target, size_t *size)
{
    char command[512], out[128];
    snprintf(out, sizeof out, "%s/%s.o", folder, target);
    bool hip = strstr(source, ".hip") != NULL;
    snprintf(
        command, sizeof command,
        hip ? "clang-22 -x hip --cuda-device-only --no-gpu-bundle-output -nogpuinc -nogpulib --offload-arch=%s -O2 "
              "%s -o %s"
            : "clang-22 --target=amdgcn-amd-amdhsa -mcpu=%s %s -o %s",
        target, source, out);
    int status = system(command);
    void *bytes = status == 0 ? read_file(out, size) : NULL;
    remove(out);
    return bytes;
}

static struct isa_machine *machine_for(const char *target)
{
    struct isa_error error;
    struct isa_machine *m = isa_machine_open(target, &error);
    if (!m)
        fail_msg("%s: %s", target, error.text);
    struct isa_region ra = { .bytes = (uint8_t *)a, .size = INTS * sizeof *a, .written = true, .number = 0 };
    struct isa_region rb = { .bytes = (uint8_t *)b, .size = INTS * sizeof *b, .writable = true, .number = 1 };
    assert_true(isa_memory_add(m, &ra));
    assert_true(isa_memory_add(m, &rb));
    return m;
}

/* ---- Launches -------------------------------------------------------------------------------------------- */

struct arguments {
    int *a, *b;
    int n, padding;
};

static int launch(struct isa_machine *m, struct isa_object *o, const char *name, int n, uint32_t grid, uint32_t block,
                  uint64_t schedule, struct isa_stop *stop)
{
    struct arguments arguments = { a, b, n, 0 };
    struct isa_kernel *kernel = isa_object_kernel(o, name);
    struct isa_dispatch d = { { grid, 1, 1 }, { block, 1, 1 }, 0, &arguments, sizeof arguments };
    struct isa_options options = { .schedule = schedule, .checked = true, .budget = 100000 };
    if (!kernel)
        fail_msg("no kernel %s", name);
    if (strcmp(name, "lds_bounds") == 0)
        d.lds_dynamic = 4 * block;
    memset(b, 0, INTS * sizeof *b);
    isa_memory_reset(m);
    bool good = isa_launch(m, kernel, &d, &options, NULL, stop);
    assert_int_equal(good, stop->code == ISA_STOP_NONE);
    return stop->code;
}

static void expect(struct isa_machine *m, struct isa_object *o, const char *target, const char *name, int n,
                   uint32_t grid, uint32_t block, int code)
{
    for (uint64_t schedule = 0; schedule < SCHEDULES; schedule++) {
        struct isa_stop stop;
        int got = launch(m, o, name, n, grid, block, schedule, &stop);
        /* What is raced for may be met before it was written at all. */
        bool raced = code == ISA_STOP_GLOBAL_RACE && got == ISA_STOP_GLOBAL_UNWRITTEN;
        if (got != code && !raced)
            fail_msg("%s on %s, n %d, schedule %d: %s, not %s: %s", name, target, n, (int)schedule, isa_stop_name(got),
                     isa_stop_name(code), stop.text);
        if (code != ISA_STOP_NONE && code != ISA_STOP_RUNAWAY && code != ISA_STOP_BARRIER)
            assert_true(stop.instruction[0] != 0 && strstr(stop.text, stop.instruction));
    }
}

static const struct {
    const char *name;
    int good, bad;
    uint32_t grid, block;
    int code;
} compiled[] = {
    { "bounds", 192, 193, 1, 64, ISA_STOP_GLOBAL_BOUNDS },
    { "bounds", 0, -1, 1, 64, ISA_STOP_GLOBAL_BOUNDS },
    { "read_bounds", 192, 193, 1, 64, ISA_STOP_GLOBAL_BOUNDS },
    { "readonly", 0, 1, 1, 64, ISA_STOP_GLOBAL_READONLY },
    { "unwritten", 0, 1, 1, 64, ISA_STOP_GLOBAL_UNWRITTEN },
    { "race_groups", 0, 1, 2, 64, ISA_STOP_GLOBAL_RACE },
    { "race_reads", 0, 1, 2, 64, ISA_STOP_GLOBAL_RACE },
    { "race_waves", 0, 1, 1, 128, ISA_STOP_GLOBAL_RACE },
    { "lds_bounds", 0, 1, 1, 64, ISA_STOP_LDS_BOUNDS },
    { "lds_unwritten", 0, 1, 1, 64, ISA_STOP_LDS_UNWRITTEN },
    { "lds_moved", 0, 1, 1, 64, ISA_STOP_LDS_UNWRITTEN },
    { "lds_race", 0, 1, 1, 128, ISA_STOP_LDS_RACE },
    { "barrier", 0, 1, 1, 128, ISA_STOP_BARRIER },
    { "runaway", 0, 1, 1, 64, ISA_STOP_RUNAWAY },
    { "trap", 0, 1, 1, 64, ISA_STOP_TRAP },
    { "scratch", 0, 1, 1, 64, ISA_STOP_SCRATCH_BOUNDS },
};

static void test_compiled(void **state)
{
    static const char *const targets[] = { "gfx90a", "gfx1100", "gfx1201" };
    (void)state;
    for (size_t t = 0; t < sizeof targets / sizeof targets[0]; t++) {
        size_t size;
        struct isa_error error;
        void *bytes = compile("tests/isa/faults.hip", targets[t], &size);
        assert_non_null(bytes);
        struct isa_machine *m = machine_for(targets[t]);
        struct isa_object *o = isa_object_load(m, bytes, size, &error);
        free(bytes);
        if (!o)
            fail_msg("%s: %s", targets[t], error.text);
        a[0] = 1; /* runaway goes on while it is */
        for (size_t k = 0; k < sizeof compiled / sizeof compiled[0]; k++) {
            expect(m, o, targets[t], compiled[k].name, compiled[k].good, compiled[k].grid, compiled[k].block,
                   ISA_STOP_NONE);
            expect(m, o, targets[t], compiled[k].name, compiled[k].bad, compiled[k].grid, compiled[k].block,
                   compiled[k].code);
        }
        /* What one launch leaves unwritten is not the next one's, whatever came between. */
        expect(m, o, targets[t], "lds_moved", 2, 1, 64, ISA_STOP_NONE);
        expect(m, o, targets[t], "lds_unwritten", 0, 1, 64, ISA_STOP_NONE);
        expect(m, o, targets[t], "lds_moved", 0, 1, 64, ISA_STOP_NONE);
        isa_machine_close(m);
    }
}

static const struct {
    const char *name;
    int code;
} assembled[] = {
    { "load_early", ISA_STOP_HAZARD },
    { "half_early", ISA_STOP_HAZARD },
    { "overwritten", ISA_STOP_HAZARD },
    { "scalar_order", ISA_STOP_HAZARD },
    { "lds_early", ISA_STOP_HAZARD },
    { "barrier_early", ISA_STOP_HAZARD },
    { "vector_unwritten", ISA_STOP_REGISTER_UNWRITTEN },
    { "chosen", ISA_STOP_REGISTER_UNWRITTEN },
    { "stored_unwritten", ISA_STOP_REGISTER_UNWRITTEN },
    { "lane_unwritten", ISA_STOP_REGISTER_UNWRITTEN },
    { "scalar_unwritten", ISA_STOP_REGISTER_UNWRITTEN },
    { "vector_beyond", ISA_STOP_REGISTER_BOUNDS },
    { "scalar_beyond", ISA_STOP_REGISTER_BOUNDS },
    { "scalar_alignment", ISA_STOP_ALIGNMENT },
    { "atomic_alignment", ISA_STOP_ALIGNMENT },
    { "nowhere", ISA_STOP_CODE_BOUNDS },
    { "not_here", ISA_STOP_UNSUPPORTED },
};

static void test_assembled(void **state)
{
    (void)state;
    size_t size;
    struct isa_error error;
    void *bytes = compile("tests/isa/faults.s", "gfx90a", &size);
    assert_non_null(bytes);
    struct isa_machine *m = machine_for("gfx90a");
    struct isa_object *o = isa_object_load(m, bytes, size, &error);
    free(bytes);
    if (!o)
        fail_msg("%s", error.text);
    for (size_t k = 0; k < sizeof assembled / sizeof assembled[0]; k++)
        expect(m, o, "gfx90a", assembled[k].name, 0, 1, 64, assembled[k].code);
    for (size_t k = 0; k < isa_object_kernels(o); k++) {
        const char *name = isa_object_kernel_name(o, k);
        if (strstr(name, "_good"))
            expect(m, o, "gfx90a", name, 0, 1, 64, ISA_STOP_NONE);
    }
    isa_machine_close(m);
}

/* ---- What a launch asks for, what an object is ----------------------------------------------------------- */

static void test_launch(void **state)
{
    (void)state;
    size_t size;
    struct isa_error error;
    struct isa_stop stop;
    void *bytes = compile("tests/isa/faults.s", "gfx90a", &size);
    assert_non_null(bytes);
    struct isa_machine *m = machine_for("gfx90a"), *other = machine_for("gfx942");
    struct isa_object *o = isa_object_load(m, bytes, size, &error);
    assert_non_null(o);
    assert_int_equal(launch(m, o, "stored_good", 0, 1, 1025, 0, &stop), ISA_STOP_LAUNCH);
    assert_int_equal(launch(m, o, "stored_good", 0, 0, 64, 0, &stop), ISA_STOP_LAUNCH);
    assert_int_equal(launch(m, o, "stored_good", 0, 1, 64, 0, &stop), ISA_STOP_NONE);
    assert_null(isa_object_load(other, bytes, size, &error));
    assert_non_null(strstr(error.text, "gfx942"));
    /* Cut anywhere, it is loaded or refused by name. */
    for (size_t n = 0; n < size; n += 1 + n / 16) {
        struct isa_object *cut = isa_object_load(m, bytes, n, &error);
        if (cut)
            isa_object_unload(m, cut);
        else
            assert_true(error.text[0] != 0);
    }
    /* Its target's name is quoted in the error, whatever bytes it holds. */
    uint8_t *name = memmem(bytes, size, "amdhsa--gfx90a", 14);
    assert_non_null(name);
    name[12] = 0x1b;
    assert_null(isa_object_load(m, bytes, size, &error));
    assert_non_null(strstr(error.text, "gfx9?a"));
    name[12] = '0';
    /* A segment that takes nothing in memory and bytes of the file. */
    Elf64_Ehdr header;
    memcpy(&header, bytes, sizeof header);
    for (uint32_t k = 0; k < header.e_phnum; k++) {
        uint8_t *at = (uint8_t *)bytes + header.e_phoff + k * sizeof(Elf64_Phdr);
        Elf64_Phdr was, hostile;
        memcpy(&was, at, sizeof was);
        if (was.p_type != PT_LOAD || was.p_filesz == 0)
            continue;
        hostile = was;
        hostile.p_memsz = 0;
        memcpy(at, &hostile, sizeof hostile);
        assert_null(isa_object_load(m, bytes, size, &error));
        memcpy(at, &was, sizeof was);
    }
    /* A kernel whose code lies outside of the object's. */
    for (size_t k = 0; k < isa_object_kernels(o); k++)
        assert_non_null(isa_object_kernel(o, isa_object_kernel_name(o, k)));
    free(bytes);
    isa_machine_close(m);
    isa_machine_close(other);
}

int main(void)
{
    size_t size;
    struct isa_error error;
    struct isa_machine *m = isa_machine_open("gfx90a", &error);
    if (!m) {
        printf("skipped: %s\n", error.text);
        return SKIP;
    }
    isa_machine_close(m);
    if (!mkdtemp(folder))
        return 1;
    void *bytes = system("clang-22 --version >/dev/null 2>&1 && command -v ld.lld >/dev/null") == 0
                      ? compile("tests/isa/faults.s", "gfx90a", &size)
                      : NULL;
    if (!bytes) {
        printf("skipped: no clang-22 with code for AMD GPUs, or no ld.lld\n");
        rmdir(folder);
        return SKIP;
    }
    free(bytes);
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_compiled), cmocka_unit_test(test_assembled),
                                        cmocka_unit_test(test_launch) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
