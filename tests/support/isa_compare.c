/* isa_compare.c: runs generated programs on the machine and on the CPU and compares what they leave.
 *
 *   isa_compare LIBRARY TARGET OBJECT COUNT SEED ROUNDS
 *
 * LIBRARY has the programs p0 .. pCOUNT-1 for the CPU, OBJECT the same as kernels (isa_programs.py makes both). Each
 * runs ROUNDS times over inputs drawn by the seed, on the machine with all checks. Exit code: 0 the same, 1 not.
 *
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/isa.h"

/* As in tests/isa/program.h. */
enum { THREADS = 128, INPUTS = 16, OUTPUTS = 16, COMMON = 16, OUT = THREADS * OUTPUTS + COMMON };

typedef void program(const uint64_t *in, uint64_t *out, int wave);

struct run {
    void *library;
    struct isa_machine *machine;
    struct isa_object *object;
    uint64_t random;
    uint64_t in[THREADS * INPUTS], out[OUT], expected[OUT];
};

static uint64_t draw(struct run *r)
{
    r->random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = r->random;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* A float near 1, as bits of `exponent` and `mantissa` bits. */
static uint64_t float_bits(struct run *r, int exponent, int mantissa)
{
    const uint64_t bias = (UINT64_C(1) << (exponent - 1)) - 1, x = draw(r);
    return (x & 1) << (exponent + mantissa) | (bias - 6 + (x >> 1) % 13) << mantissa |
           (x >> 8 & ((UINT64_C(1) << mantissa) - 1));
}

/* An input is read as any type: a word of 64 bits, its low 32, 16 or 8. */
static uint64_t draw_input(struct run *r)
{
    static const uint64_t special[] = {
        0,          UINT64_MAX, UINT64_C(1) << 63,  INT64_MAX,  UINT64_C(0x8000000080000000), 0x7f8000007f800000,
        0x00000001, 0x80000000, 0x7ff0000000000000, 0x7c007c00, 0xfc00fc00fc00fc00,           0x0001000100010001,
        0x7f7fffff, 0xff7fffff, 0x00800000,         0x8000,     0x3ff0000000000000,           0x00000000ffffffff
    };
    switch (draw(r) % 7) {
    case 0: return draw(r);
    case 1: return (uint64_t)((int64_t)(draw(r) % 64) - 24);
    case 2: return float_bits(r, 11, 52);
    case 3: return float_bits(r, 8, 23) << 32 | float_bits(r, 8, 23);
    case 4: return float_bits(r, 5, 10) | float_bits(r, 5, 10) << 16 | float_bits(r, 5, 10) << 32;
    case 5: return draw(r) & draw(r) >> draw(r) % 64;
    default: return special[draw(r) % (sizeof special / sizeof *special)];
    }
}

/* False when the machine stops, or what it leaves differs. */
static bool run_one(struct run *r, const char *name, int round)
{
    program *on_cpu;
    void *symbol = dlsym(r->library, name);
    memcpy(&on_cpu, &symbol, sizeof symbol);
    struct isa_kernel *kernel = isa_object_kernel(r->object, name);
    if (!symbol || !kernel) {
        printf("%s: not in the %s\n", name, symbol ? "object" : "library");
        return false;
    }
    for (int i = 0; i < THREADS * INPUTS; i++) {
        r->in[i] = draw_input(r);
    }
    memset(r->out, 0, sizeof r->out);
    memset(r->expected, 0, sizeof r->expected);
    on_cpu(r->in, r->expected, isa_kernel_wave_size(kernel));

    const uint64_t *arguments[] = { r->in, r->out };
    const struct isa_dispatch dispatch = {
        .grid = { 1, 1, 1 }, .block = { THREADS, 1, 1 }, .arguments = arguments, .argument_bytes = sizeof arguments
    };
    const struct isa_options options = { .schedule = draw(r) >> 1, .checked = true, .budget = 50000000 };
    struct isa_stop stop;
    if (!isa_launch(r->machine, kernel, &dispatch, &options, NULL, &stop)) {
        printf("%s round %d: %s: %s\n", name, round, isa_stop_name(stop.code), stop.text);
        return false;
    }
    for (int i = 0; i < OUT; i++) {
        if (r->out[i] != r->expected[i]) {
            int more = 0;
            for (int k = i; k < OUT; k++) {
                more += r->out[k] != r->expected[k];
            }
            printf("%s round %d: output %d of thread %d is 0x%llx, on the CPU 0x%llx (%d words differ)\n", name, round,
                   i % OUTPUTS, i / OUTPUTS, (unsigned long long)r->out[i], (unsigned long long)r->expected[i], more);
            return false;
        }
    }
    return true;
}

static bool read_object(struct run *r, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return false;
    }
    enum { MOST = 64 << 20 };
    char *bytes = malloc(MOST);
    const size_t size = bytes ? fread(bytes, 1, MOST, f) : 0;
    fclose(f);
    struct isa_error error;
    r->object = isa_object_load(r->machine, bytes, size, &error);
    if (!r->object) {
        printf("%s: %s\n", path, error.text);
    }
    free(bytes);
    return r->object != NULL;
}

int main(int argc, char **argv)
{
    static struct run r;
    if (argc != 7) {
        fprintf(stderr, "usage: isa_compare LIBRARY TARGET OBJECT COUNT SEED ROUNDS\n");
        return 2;
    }
    r.library = dlopen(argv[1], RTLD_NOW);
    struct isa_error error;
    r.machine = isa_machine_open(argv[2], &error);
    if (!r.library || !r.machine || !read_object(&r, argv[3])) {
        printf("%s\n", r.library ? r.machine ? "" : error.text : dlerror());
        return 1;
    }
    const struct isa_region in = { .bytes = (uint8_t *)r.in, .size = sizeof r.in, .written = true, .number = 0 };
    const struct isa_region out = {
        .bytes = (uint8_t *)r.out, .size = sizeof r.out, .writable = true, .written = true, .number = 1
    };
    if (!isa_memory_add(r.machine, &in) || !isa_memory_add(r.machine, &out)) {
        printf("no memory\n");
        return 1;
    }
    int bad = 0;
    for (int i = 0; i < atoi(argv[4]); i++) {
        char name[32];
        snprintf(name, sizeof name, "p%d", i);
        bool good = true;
        for (int round = 0; round < atoi(argv[6]) && good; round++) {
            r.random = strtoull(argv[5], NULL, 10) * 1000003 + (uint64_t)(i * 1009 + round);
            isa_memory_reset(r.machine);
            good = run_one(&r, name, round);
        }
        bad += !good;
    }
    isa_machine_close(r.machine);
    dlclose(r.library);
    return bad != 0;
}
