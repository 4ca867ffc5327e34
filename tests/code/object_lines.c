/* object_lines.c: the source line of an instruction is found in the line tables of versions 4 and 5 that clang writes,
 * and broken tables end in no answer.
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

#include <cmocka.h>

#include "code/lines.h"
#include "code/sample.h"
#include "planner/random.h"

enum { BYTES_MOST = 1 << 16, FIRST = 0x1000 };

/* Six instructions of four bytes: from one file, from another, from nowhere, from far down; and a second function. */
static const char source[] = ".file 1 \"rooms\" \"first.c\"\n.file 2 \"/whole\" \"second.h\"\n"
                             ".section .text\n.globl f\nf:\n"
                             ".loc 1 7\ns_nop 0\ns_nop 0\n.loc 2 3\ns_nop 0\n.loc 2 0\ns_nop 0\n"
                             ".loc 1 70000\ns_nop 0\n.loc 1 6\ns_endpgm\n"
                             ".section code_g,\"ax\",@progbits\n.loc 2 40\ng: s_endpgm\n";

struct object {
    uint8_t bytes[BYTES_MOST];
    size_t size;
};

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* Assembled and linked with f at FIRST and g behind it. */
static void assemble(int version, struct object *o)
{
    char folder[] = "/tmp/object_lines.XXXXXX", command[512];
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "%s/a.s", folder);
    FILE *out = fopen(command, "w");
    assert_non_null(out);
    fputs(source, out);
    fclose(out);
    snprintf(command, sizeof command,
             "cd %s && clang-22 --target=amdgcn-amd-amdhsa -mcpu=gfx90a -gdwarf-%d -c a.s -o a.o && "
             "ld.lld-22 -shared --section-start=.text=0x%x --section-start=code_g=0x%x a.o -o a",
             folder, version, FIRST, FIRST + 0x100);
    run(command);
    snprintf(command, sizeof command, "%s/a", folder);
    FILE *in = fopen(command, "rb");
    assert_non_null(in);
    o->size = fread(o->bytes, 1, sizeof o->bytes, in);
    fclose(in);
    snprintf(command, sizeof command, "rm -r %s", folder);
    run(command);
    assert_in_range(o->size, 64, BYTES_MOST - 1);
}

static void expect(const struct object *o, uint64_t address, const char *file, uint32_t number)
{
    struct attn_code_line line;
    if (!attn_code_line_of(o->bytes, o->size, address, &line))
        fail_msg("no line of 0x%llx", (unsigned long long)address);
    assert_string_equal(line.file, file);
    assert_int_equal(line.line, number);
}

static void test_lines(void **state)
{
    static struct object o;
    struct attn_code_line line;
    for (int version = 4; version <= 5; version++) {
        assemble(version, &o);
        assert_true(attn_code_has_lines(o.bytes, o.size));
        expect(&o, FIRST, "rooms/first.c", 7);
        expect(&o, FIRST + 4, "rooms/first.c", 7);
        expect(&o, FIRST + 8, "/whole/second.h", 3);
        expect(&o, FIRST + 12, "/whole/second.h", 3); /* of nowhere: the one before */
        expect(&o, FIRST + 16, "rooms/first.c", 70000);
        expect(&o, FIRST + 20, "rooms/first.c", 6);
        expect(&o, FIRST + 0x100, "/whole/second.h", 40);
        assert_false(attn_code_line_of(o.bytes, o.size, FIRST - 1, &line));
        assert_false(attn_code_line_of(o.bytes, o.size, FIRST + 24, &line));
        assert_false(attn_code_line_of(o.bytes, o.size, FIRST + 0x104, &line));
    }
    (void)state;
}

static void test_an_object_without_lines(void **state)
{
    static const uint32_t code[] = { 0xbf810000 };
    const struct code_sample_kernel kernel = { "f", 0, 64, 64, 0, 0, code, 1 };
    struct code_sample s = { 0 };
    struct attn_code_line line;
    code_sample_object(&s, "gfx90a", &kernel, 1);
    assert_false(attn_code_has_lines(s.bytes, s.size));
    assert_false(attn_code_line_of(s.bytes, s.size, FIRST, &line));
    free(s.bytes);
    (void)state;
}

/* Of exactly its size, so that a sanitizer sees a read past its end. */
static void look(const uint8_t *bytes, size_t size)
{
    struct attn_code_line line;
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    if (attn_code_line_of(exact, size, FIRST + 16, &line)) {
        assert_true(line.line > 0 && memchr(line.file, 0, sizeof line.file));
        for (const char *c = line.file; *c; c++)
            assert_in_range(*c, 0x20, 0x7e);
    }
    free(exact);
}

static void test_broken_bytes(void **state)
{
    static struct object o, broken;
    uint64_t random = 1;
    assemble(5, &o);
    for (size_t size = 0; size < o.size; size += 1 + size / 256)
        look(o.bytes, size);
    /* Where the sections with lines and their headers lie: the second half of so small a file. */
    for (int i = 0; i < 20000; i++) {
        broken = o;
        for (int k = 0; k < 1 + i % 4; k++) {
            random = attn_mix(random + 1);
            const size_t at = i % 8 ? o.size / 2 + random % (o.size - o.size / 2) : random % o.size;
            broken.bytes[at] = (uint8_t)(random >> 32);
        }
        look(broken.bytes, broken.size);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_an_object_without_lines),
                                        cmocka_unit_test(test_broken_bytes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
