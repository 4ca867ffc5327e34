/* object_reader.c: GPU code is read the same whatever it is packed in, stubs are told from code, and a broken file is
 * an error that names the place, within bounds of time and memory.
 *
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "code/object.h"
#include "code/sample.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Words as clang 22 makes them for these targets: v_mov_b32, s_waitcnt, a store, s_endpgm. */
static const uint32_t real_9[] = { 0x7e000280, 0xbf8c0070, 0xdc700000, 0x00000100, 0xbf810000 };
static const uint32_t real_11[] = { 0x7e000280, 0xbf890007, 0xdc6a0000, 0x00000100, 0xbfb00000 };
static const uint32_t trap_9[] = { 0xbf800000, 0xbf920002 };
static const uint32_t empty_9[] = { 0xbf810000 };
static const uint32_t empty_11[] = { 0xbf800000, 0xbfb00000 };
static const uint32_t empty_12[] = { 0xbfc00000, 0xbfc70000, 0xbfb00000 };
static const uint32_t wrong_end[] = { 0xbf810000 }; /* gfx9's, where gfx11's is another */

#define KERNEL(name, lds, threads, wave, code) { name, lds, threads, wave, 40, 0, code, COUNT(code) }
static const struct code_sample_kernel on_gfx90a[] = { KERNEL("_Z4realPf", 1024, 256, 64, real_9),
                                                       KERNEL("_Z4trapPf", 0, 1024, 64, trap_9),
                                                       KERNEL("_Z5emptyv", 0, 1024, 64, empty_9),
                                                       { "_Z5noonev", 8, 64, 64, 1, 16, NULL, 0 },
                                                       { "_Z4real", 8, 64, 64, 1, 0, NULL,
                                                         0 } }; /* the beginning of another one's name */
static const struct code_sample_kernel on_gfx1100[] = { KERNEL("_Z4realPf", 2048, 128, 32, real_11),
                                                        KERNEL("_Z4trapPf", 0, 1024, 32, wrong_end),
                                                        KERNEL("_Z5emptyv", 0, 1024, 32, empty_11) };
static const struct code_sample_kernel on_gfx1201[] = { KERNEL("_Z5emptyv", 0, 1024, 32, empty_12) };
static const struct code_sample_kernel elsewhere[] = { KERNEL("_Z5emptyv", 0, 1024, 64, empty_9) };

static void make_bundle(struct code_sample *s)
{
    struct code_sample a = { 0 }, b = { 0 }, c = { 0 };
    code_sample_object(&a, "gfx90a:sramecc+:xnack-", on_gfx90a, COUNT(on_gfx90a));
    code_sample_object(&b, "gfx1100", on_gfx1100, COUNT(on_gfx1100));
    code_sample_object(&c, "gfx1201", on_gfx1201, COUNT(on_gfx1201));
    const struct code_sample_entry entries[] = { { "host-x86_64-unknown-linux-gnu-", NULL },
                                                 { "hipv4-amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-", &a },
                                                 { "hip-amdgcn-amd-amdhsa-gfx1100", &b },
                                                 { "hipv4-amdgcn-amd-amdhsa--gfx1201", &c } };
    code_sample_bundle(s, entries, COUNT(entries));
    free(a.bytes);
    free(b.bytes);
    free(c.bytes);
}

static struct attn_code *read_all(const struct code_sample *s)
{
    struct attn_code_error error;
    struct attn_code *code = attn_code_read(s->bytes, s->size, NULL, &error);
    if (!code)
        print_error("at %llu: %s\n", (unsigned long long)error.at, error.text);
    assert_non_null(code);
    return code;
}

static void check_bundle(const struct code_sample *s, size_t copies)
{
    struct attn_code *code = read_all(s);
    const struct attn_code_kernel *k;
    assert_int_equal(attn_code_count(code), 9 * copies);
    assert_string_equal(attn_code_target(code, 0), "gfx1100");
    assert_string_equal(attn_code_target(code, 1), "gfx1201");
    assert_string_equal(attn_code_target(code, 2), "gfx90a:sramecc+:xnack-");
    assert_null(attn_code_target(code, 3));

    k = attn_code_find(code, "_Z4realPf", "gfx90a:sramecc+:xnack-");
    assert_non_null(k);
    assert_int_equal(k->code_bytes, sizeof real_9);
    assert_int_equal(k->body, ATTN_CODE_BODY_REAL);
    assert_int_equal(k->lds_bytes, 1024);
    assert_int_equal(k->max_threads, 256);
    assert_int_equal(k->wave_size, 64);
    assert_int_equal(k->vgprs, 40);
    assert_int_equal(k->agprs, -1);
    assert_int_equal(k->sgprs, 24);
    assert_int_equal(k->kernarg_bytes, 272);
    assert_int_equal(k->scratch_bytes, 0);
    assert_int_equal(k->vgpr_spills, 0);
    assert_int_equal(attn_code_find(code, "_Z4realPf", "gfx1100")->lds_bytes, 2048);
    assert_int_equal(attn_code_find(code, "_Z4realPf", "gfx1100")->body, ATTN_CODE_BODY_REAL);
    assert_int_equal(attn_code_find(code, "_Z4trapPf", "gfx90a:sramecc+:xnack-")->body, ATTN_CODE_BODY_TRAP);
    assert_int_equal(attn_code_find(code, "_Z4trapPf", "gfx1100")->body, ATTN_CODE_BODY_TRAP);
    assert_int_equal(attn_code_find(code, "_Z5emptyv", "gfx90a:sramecc+:xnack-")->body, ATTN_CODE_BODY_EMPTY);
    assert_int_equal(attn_code_find(code, "_Z5emptyv", "gfx1100")->body, ATTN_CODE_BODY_EMPTY);
    assert_int_equal(attn_code_find(code, "_Z5emptyv", "gfx1201")->body, ATTN_CODE_BODY_EMPTY);
    k = attn_code_find(code, "_Z5noonev", "gfx90a:sramecc+:xnack-");
    assert_int_equal(k->code_bytes, -1);
    assert_int_equal(k->body, ATTN_CODE_BODY_UNKNOWN);
    assert_int_equal(k->scratch_bytes, 16);
    assert_int_equal(attn_code_find(code, "_Z4real", "gfx90a:sramecc+:xnack-")->code_bytes, -1);
    assert_null(attn_code_find(code, "_Z5noonev", "gfx1100"));
    assert_null(attn_code_find(code, "_Z4real", "gfx1100"));
    assert_null(attn_code_find(code, "_Z4realPf", "gfx90a:sramecc+:xnack+"));
    assert_true(attn_code_has_device(code, "gfx1201"));
    assert_false(attn_code_has_device(code, "gfx1200"));
    attn_code_close(code);
}

static void every_packing_reads_the_same(void **state)
{
    struct code_sample bundle = { 0 }, fat = { 0 }, host = { 0 }, object = { 0 };
    (void)state;
    make_bundle(&bundle);
    check_bundle(&bundle, 1);
    code_sample_add(&fat, bundle.bytes, bundle.size);
    for (int version = 1; version <= 3; version++)
        for (int method = 0; method < 2; method++) {
            struct code_sample packed = { 0 };
            code_sample_pack(&packed, &bundle, version, (enum code_sample_method)method);
            check_bundle(&packed, 1);
            code_sample_pad(&fat, 4096);
            code_sample_add(&fat, packed.bytes, packed.size);
            free(packed.bytes);
        }
    check_bundle(&fat, 7);
    code_sample_host(&host, &fat);
    check_bundle(&host, 7);
    code_sample_object(&object, "gfx906", elsewhere, 1);
    struct attn_code *code = read_all(&object);
    assert_int_equal(attn_code_count(code), 1);
    assert_string_equal(attn_code_kernel(code, 0)->target, "gfx906");
    assert_int_equal(attn_code_kernel(code, 0)->bundle, -1);
    attn_code_close(code);
    free(object.bytes);
    free(bundle.bytes);
    free(fat.bytes);
    free(host.bytes);
}

static void alignment_does_not_matter(void **state)
{
    struct code_sample object = { 0 };
    (void)state;
    code_sample_object(&object, "gfx906", elsewhere, 1);
    for (size_t shift = 0; shift < 17; shift++) {
        struct attn_code_error error;
        uint8_t *at = malloc(object.size + shift);
        assert_non_null(at);
        memcpy(at + shift, object.bytes, object.size);
        struct attn_code *code = attn_code_read(at + shift, object.size, NULL, &error);
        assert_non_null(code);
        assert_int_equal(attn_code_kernel(code, 0)->body, ATTN_CODE_BODY_EMPTY);
        attn_code_close(code);
        free(at);
    }
    free(object.bytes);
}

static void targets_fit_devices(void **state)
{
    (void)state;
    assert_true(attn_code_runs_on("gfx90a", "gfx90a:sramecc+:xnack-"));
    assert_true(attn_code_runs_on("gfx90a:xnack-", "gfx90a:sramecc+:xnack-"));
    assert_false(attn_code_runs_on("gfx90a:xnack+", "gfx90a:sramecc+:xnack-"));
    assert_false(attn_code_runs_on("gfx90a:xnack-", "gfx90a"));
    assert_false(attn_code_runs_on("gfx90", "gfx90a"));
    assert_false(attn_code_runs_on("gfx90a", "gfx90"));
    assert_true(attn_code_runs_on("gfx9-generic", "gfx906:sramecc-:xnack-"));
    assert_false(attn_code_runs_on("gfx9-generic", "gfx90a"));
    assert_true(attn_code_runs_on("gfx9-4-generic:xnack-", "gfx942:xnack-"));
    assert_true(attn_code_runs_on("gfx10-3-generic", "gfx1030"));
    assert_true(attn_code_runs_on("gfx11-generic", "gfx1151"));
    assert_true(attn_code_runs_on("gfx12-generic", "gfx1201"));
    assert_false(attn_code_runs_on("gfx12-generic", "gfx12"));
    assert_false(attn_code_runs_on("gfx11-generic", ""));

    struct code_sample a = { 0 }, b = { 0 }, c = { 0 }, bundle = { 0 };
    const struct code_sample_kernel generic[] = { KERNEL("k", 1, 1, 32, real_11) },
                                    any[] = { KERNEL("k", 2, 1, 32, real_11) };
    code_sample_object(&a, "gfx11-generic", generic, 1);
    code_sample_object(&b, "gfx1100", any, 1);
    const struct code_sample_entry entries[] = { { "hipv4-amdgcn-amd-amdhsa--gfx11-generic", &a },
                                                 { "hipv4-amdgcn-amd-amdhsa--gfx1100", &b } };
    code_sample_bundle(&bundle, entries, 2);
    struct attn_code *code = read_all(&bundle);
    assert_int_equal(attn_code_find(code, "k", "gfx1100")->lds_bytes, 2);
    assert_int_equal(attn_code_find(code, "k", "gfx1151")->lds_bytes, 1);
    assert_null(attn_code_find(code, "k", "gfx1201"));
    attn_code_close(code);
    free(a.bytes);
    free(b.bytes);
    free(c.bytes);
    free(bundle.bytes);
}

/* ---- Broken files ---------------------------------------------------------------------------------------- */

static void must_fail(const struct code_sample *s, const char *text, bool exact_place, uint64_t at)
{
    struct attn_code_error error;
    struct attn_code *code = attn_code_read(s->bytes, s->size, NULL, &error);
    assert_null(code);
    if (!strstr(error.text, text) || (exact_place && error.at != at))
        print_error("at %llu: %s\n  must be at %llu: %s\n", (unsigned long long)error.at, error.text,
                    (unsigned long long)at, text);
    assert_non_null(strstr(error.text, text));
    assert_true(!exact_place || error.at == at);
}

/* Where these bytes are first. */
static size_t find(const struct code_sample *s, const char *bytes, size_t n)
{
    for (size_t i = 0; i + n <= s->size; i++)
        if (memcmp(s->bytes + i, bytes, n) == 0)
            return i;
    fail_msg("not there: %s", bytes);
    return 0;
}

static void put(struct code_sample *s, size_t at, uint64_t value, size_t bytes)
{
    memcpy(s->bytes + at, &value, bytes);
}

static void errors_name_the_place(void **state)
{
    struct code_sample s = { 0 }, packed = { 0 };
    (void)state;
    must_fail(&(struct code_sample){ (uint8_t *)(uintptr_t)"hello, world", 12, 12 }, "neither an ELF file nor", true,
              0);
    must_fail(&(struct code_sample){ (uint8_t *)(uintptr_t)"\177ELF", 4, 4 }, "ELF", true, 0);
    must_fail(&(struct code_sample){ (uint8_t *)(uintptr_t)"", 0, 0 }, "neither an ELF file nor", true, 0);

    make_bundle(&s);
    const size_t first = find(&s, ELFMAG, SELFMAG), entries_at = strlen("__CLANG_OFFLOAD_BUNDLE__");
    uint64_t entries;
    memcpy(&entries, s.bytes + entries_at, sizeof entries);
    put(&s, entries_at, UINT64_MAX / 24, 8);
    must_fail(&s, "entries are more than", true, entries_at);
    put(&s, entries_at, entries, 8);
    put(&s, find(&s, "hipv4-", 6) - 3 * sizeof(uint64_t), s.size, 8); /* offset of entry 1, before size and length */
    must_fail(&s, "bundle 0: entry 1", false, 0);
    s.size = 0;
    make_bundle(&s);
    memcpy(s.bytes + first, "BC\xc0\xde", 4);
    must_fail(&s, "bundle 0: gfx90a:sramecc+:xnack-: the entry is no AMD GPU code object (LLVM bitcode", true, first);
    s.size = 0;
    make_bundle(&s);
    size_t kernels = find(&s, "amdhsa.kernels", 14) + 14;
    s.bytes[kernels] = 0xdd; /* array of 2^32 - 1 */
    memset(s.bytes + kernels + 1, 0xff, 4);
    must_fail(&s, "the metadata ends in mid-value", true, kernels);
    s.size = 0;
    make_bundle(&s);
    s.bytes[find(&s, "gfx90a:sramecc+:xnack-", 6) + 4] = 'b'; /* in the bundle's ID, not in the metadata */
    must_fail(&s, "gfx9ba:sramecc+:xnack-: the bundle says", false, 0);
    s.size = 0;
    make_bundle(&s);
    s.bytes[find(&s, ".wavefront_size", 15) + 15] = 0xc0; /* nil */
    must_fail(&s, ".wavefront_size of kernel 0", false, 0);
    s.size = 0;
    make_bundle(&s);
    code_sample_add(&s, "x", 1);
    must_fail(&s, "neither a bundle nor zeros, after 1 bundles", true, s.size - 1);
    s.size = 0;
    make_bundle(&s);

    packed.size = 0;
    code_sample_object(&packed, "gfx906", elsewhere, 1);
    put(&packed, sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset), UINT64_MAX - 8, 8); /* of its one segment */
    must_fail(&packed, "the note segment is not inside the object", true, packed.size);

    for (int version = 1; version <= 3; version++)
        for (int method = 0; method < 2; method++) {
            size_t size_at = version == 1 ? 8 : version == 2 ? 12 : 16;
            packed.size = 0;
            code_sample_pack(&packed, &s, version, (enum code_sample_method)method);
            put(&packed, size_at, s.size - 1, version == 3 ? 8 : 4);
            must_fail(&packed, "unpacks to more than its header says", false, 0);
            put(&packed, size_at, s.size + 1, version == 3 ? 8 : 4);
            must_fail(&packed, "unpacks to less than its header says", false, 0);
            put(&packed, size_at, s.size, version == 3 ? 8 : 4);
            put(&packed, 4, 4, 2);
            must_fail(&packed, "compressed bundle version 4", true, 4);
            put(&packed, 4, (uint64_t)version, 2);
            put(&packed, 6, 7, 2);
            must_fail(&packed, "compression method 7", true, 6);
            put(&packed, 6, (uint64_t)method, 2);
            packed.bytes[packed.size / 2] ^= 0x55;
            struct attn_code_error error;
            attn_code_close(attn_code_read(packed.bytes, packed.size, NULL, &error)); /* zstd has no checksum here */
            packed.bytes[packed.size / 2] ^= 0x55;
            packed.size -= 5;
            must_fail(&packed, version == 1 ? "stream is cut off" : "the compressed bundle says it has", false, 0);
        }
    free(packed.bytes);
    free(s.bytes);
}

/* Whatever one byte or the length is: an end, and no more kernels than there can be. ASan and UBSan watch. */
static void any_byte_may_be_wrong(void **state)
{
    static const uint8_t masks[] = { 0x01, 0x80, 0xff };
    struct code_sample bundle = { 0 }, packed = { 0 }, host = { 0 };
    int64_t reads = 0, sets = 0;
    (void)state;
    make_bundle(&bundle);
    code_sample_pack(&packed, &bundle, 3, CODE_SAMPLE_ZLIB);
    code_sample_host(&host, &bundle);
    struct code_sample *files[] = { &bundle, &packed, &host };
    for (size_t f = 0; f < COUNT(files); f++) {
        for (size_t at = 0; at < files[f]->size; at++) {
            struct attn_code_error error;
            /* Padding is mostly like other padding. */
            bool dull = files[f]->bytes[at] == 0 && at > 0 && files[f]->bytes[at - 1] == 0 && at % 64 != 0;
            for (size_t m = 0; m < COUNT(masks) && !dull; m++) {
                files[f]->bytes[at] ^= masks[m];
                struct attn_code *code = attn_code_read(files[f]->bytes, files[f]->size, NULL, &error);
                files[f]->bytes[at] ^= masks[m];
                assert_true(code || error.text[0]);
                sets += code != NULL;
                reads++;
                attn_code_close(code);
            }
            if (dull)
                continue;
            uint8_t *cut = malloc(at + 1);
            memcpy(cut, files[f]->bytes, at);
            struct attn_code *code = attn_code_read(cut, at, NULL, &error);
            assert_true(code || error.text[0]);
            attn_code_close(code);
            free(cut);
            reads++;
        }
    }
    print_message("%lld broken files, of which %lld could still be read\n", (long long)reads, (long long)sets);
    free(bundle.bytes);
    free(packed.bytes);
    free(host.bytes);
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void memory_is_bounded(void **state)
{
    const struct attn_code_limits few = {
        .bundle_bytes = 1 << 20, .unpacked_bytes = 1 << 20, .bundles = 2, .kernels = 4, .objects = 64
    };
    struct code_sample bundle = { 0 }, packed = { 0 }, zeros = { 0 };
    struct attn_code_error error;
    (void)state;
    make_bundle(&bundle);
    long before = peak_kib();
    /* A header that promises 2 GiB costs nothing; */
    code_sample_pack(&packed, &bundle, 3, CODE_SAMPLE_ZSTD);
    put(&packed, 16, UINT64_C(2) << 30, 8);
    must_fail(&packed, "unpacks to less", false, 0);
    /* one that is true is held against the limit first. */
    code_sample_add(&zeros, bundle.bytes, bundle.size);
    code_sample_pad(&zeros, 3 << 20);
    packed.size = 0;
    code_sample_pack(&packed, &zeros, 3, CODE_SAMPLE_ZLIB);
    assert_null(attn_code_read(packed.bytes, packed.size, &few, &error));
    assert_non_null(strstr(error.text, "more than the limit of 1048576"));
    /* Bundles, kernels and values are counted. */
    assert_null(attn_code_read(bundle.bytes, bundle.size, &few, &error));
    assert_non_null(strstr(error.text, "limit of 64 values"));
    struct attn_code_limits some = few;
    some.objects = 4096;
    assert_null(attn_code_read(bundle.bytes, bundle.size, &some, &error));
    assert_non_null(strstr(error.text, "more kernels than the limit of 4"));
    some.kernels = 1000;
    some.bundles = 0;
    assert_null(attn_code_read(bundle.bytes, bundle.size, &some, &error));
    assert_non_null(strstr(error.text, "more bundles than the limit of 0"));
    assert_true(peak_kib() - before < 64 * 1024);
    free(bundle.bytes);
    free(packed.bytes);
    free(zeros.bytes);
}

static void files_are_opened(void **state)
{
    struct attn_code_error error;
    char path[] = "/tmp/attn_object_XXXXXX";
    (void)state;
    assert_null(attn_code_open("/nonexistent/lib.so", NULL, &error));
    assert_true(error.system);
    assert_non_null(strstr(error.text, "cannot be opened"));
    assert_null(attn_code_open("/", NULL, &error));
    assert_non_null(strstr(error.text, "no regular file"));
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_null(attn_code_open(path, NULL, &error));
    assert_non_null(strstr(error.text, "an empty file"));
    struct code_sample bundle = { 0 };
    make_bundle(&bundle);
    assert_int_equal(write(file, bundle.bytes, bundle.size), (ssize_t)bundle.size);
    close(file);
    struct attn_code *code = attn_code_open(path, NULL, &error);
    assert_non_null(code);
    assert_int_equal(attn_code_count(code), 9);
    attn_code_close(code);
    unlink(path);
    /* This program has no GPU code. */
    assert_null(attn_code_open("/proc/self/exe", NULL, &error));
    assert_non_null(strstr(error.text, "no section .hip_fatbin"));
    free(bundle.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packing_reads_the_same),
        cmocka_unit_test(alignment_does_not_matter),
        cmocka_unit_test(targets_fit_devices),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(any_byte_may_be_wrong),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(files_are_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
