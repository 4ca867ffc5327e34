/* isa_memory.c: every row of the memory classes, by its name: what is loaded, stored, exchanged, for lanes of which a
 * part is off. What a name says is read here a second time, from its words.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "isa/machine.h"
#include "tests/isa/one_wave.h"

enum { SLOT = 64, OFFSET = 16, BYTES = ISA_LANES * SLOT, DATA = 4, RESULT = 8, LDS = BYTES + 2048 };
#define LANES UINT64_C(0xfff0ffff7ffffff5)

static const uint64_t apertures[] = { ISA_SHARED_APERTURE, ISA_PRIVATE_APERTURE };

/* A machine without a code object: areas, LDS and scratch are as in a launch. */
struct bench {
    struct isa_machine m;
    struct isa_stop stop;
    struct isa_kernel kernel;
    struct isa_wave *w;
    uint8_t *global;
};

static void open_bench(struct bench *b, const char *target)
{
    memset(b, 0, sizeof *b);
    b->m.target = isa_target_find(target);
    b->m.stop = &b->stop;
    b->m.stamp = b->m.launch_first = b->m.group_first = 1u << ISA_STAMP_SHIFT;
    for (size_t i = 0; i < ISA_HOT_AREAS; i++)
        b->m.hot[i] = SIZE_MAX;
    b->m.group = isa_group_new(&b->m);
    b->kernel.lanes = 64;
    assert_non_null(b->m.group);
    assert_true(isa_group_prepare(b->m.group, &b->kernel, 1, LDS, SLOT));
    b->global = isa_sparse(BYTES);
    struct isa_region r = { .bytes = b->global, .size = BYTES, .writable = true, .written = true };
    assert_true(isa_memory_add(&b->m, &r));
    b->w = b->m.group->wave[0];
    b->w->machine = &b->m;
    b->w->group = b->m.group;
    b->w->target = b->m.target;
    b->w->lanes = 64;
    set_exec(b->w, LANES);
}

static void close_bench(struct bench *b)
{
    isa_areas_free(&b->m);
    isa_group_free(b->m.group);
    isa_sparse_free(b->global, BYTES);
}

/* ---- What a name says ------------------------------------------------------------------------------------ */

static bool has(const char *name, const char *word) { return strstr(name, word) != NULL; }
static int bytes_of(const char *n)
{
    static const struct {
        const char *word;
        int bytes;
    } words[] = { { "dwordx2", 8 },
                  { "dwordx3", 12 },
                  { "dwordx4", 16 },
                  { "dword", 4 },
                  { "byte", 1 },
                  { "short", 2 },
                  { "b128", 16 },
                  { "b96", 12 },
                  { "64", 8 },
                  { "_x2", 8 },
                  { "pk_add_f16", 4 },
                  { "pk_add_bf16", 4 },
                  { "pk_add_rtn_f16", 4 },
                  { "pk_add_rtn_bf16", 4 },
                  { "b16", 2 },
                  { "u16", 2 },
                  { "i16", 2 },
                  { "b8", 1 },
                  { "u8", 1 },
                  { "i8", 1 } };
    char name[64];
    snprintf(name, sizeof name, "%s", n);
    char *stride = has(n, "stride64") ? strstr(name, "stride64") : has(n, "st64") ? strstr(name, "st64") : NULL;
    if (stride) /* says where the second is, not what */
        memset(stride, '.', strcspn(stride, "_"));
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (has(name, words[k].word))
            return words[k].bytes;
    return 4;
}

static uint32_t loaded(const char *n, uint32_t old, const uint8_t *from, int bytes)
{
    uint32_t value = 0;
    memcpy(&value, from, (size_t)(bytes < 4 ? bytes : 4));
    bool is_signed = has(n, "sbyte") || has(n, "sshort") || has(n, "_i8") || has(n, "_i16");
    if (is_signed && bytes == 1)
        value = (uint32_t)(int8_t)value;
    if (is_signed && bytes == 2)
        value = (uint32_t)(int16_t)value;
    if (has(n, "d16") && has(n, "_hi"))
        return (old & 0xffff) | value << 16;
    return has(n, "d16") ? (old & 0xffff0000) | (value & 0xffff) : value;
}

static double float_of(uint64_t bits, int bytes)
{
    float f;
    double d;
    uint32_t low = (uint32_t)bits;
    memcpy(&f, &low, 4);
    memcpy(&d, &bits, 8);
    return bytes == 8 ? d : (double)f;
}

static uint64_t bits_of(double d, int bytes)
{
    float f = (float)d;
    uint32_t low;
    uint64_t all;
    memcpy(&low, &f, 4);
    memcpy(&all, &d, 8);
    return bytes == 8 ? all : low;
}

static uint64_t half_sum(uint64_t m, uint64_t d, bool bf16)
{
    uint64_t sum = 0;
    for (int k = 0; k < 32; k += 16) {
        uint16_t a = (uint16_t)(m >> k), b = (uint16_t)(d >> k), s;
        if (bf16) {
            float exact = (float)(float_of((uint64_t)a << 16, 4) + float_of((uint64_t)b << 16, 4));
            uint64_t bits = bits_of(exact, 4);
            s = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        } else {
            _Float16 x, y;
            memcpy(&x, &a, 2);
            memcpy(&y, &b, 2);
            _Float16 z = (_Float16)((float)x + (float)y);
            memcpy(&s, &z, 2);
        }
        sum |= (uint64_t)s << k;
    }
    return sum;
}

/* m in memory, d the data, c the other data. */
static uint64_t changed(const char *n, int bytes, uint64_t m, uint64_t d, uint64_t c)
{
    uint64_t all = bytes == 8 ? UINT64_MAX : UINT32_MAX;
    int64_t sm = bytes == 8 ? (int64_t)m : (int32_t)m, sd = bytes == 8 ? (int64_t)d : (int32_t)d;
    bool floats = has(n, "_f32") || has(n, "_f64") || has(n, "fmin") || has(n, "fmax") || has(n, "fcmpswap");
    double fm = float_of(m, bytes), fd = float_of(d, bytes);
    if (has(n, "cmpst_")) { /* the older DS form has them the other way round */
        uint64_t t = d;
        d = c;
        c = t;
    }
    if (has(n, "cmps"))
        return (floats ? fm == float_of(c, bytes) : m == c) ? d : m;
    if (has(n, "swap") || has(n, "xchg"))
        return d;
    if (has(n, "pk_add"))
        return half_sum(m, d, has(n, "bf16"));
    if (has(n, "mskor"))
        return (m & ~d) | c;
    if (floats && has(n, "add"))
        return bits_of(fm + fd, bytes);
    if (floats)
        return has(n, "min") ? (fd < fm ? d : m) : (fd > fm ? d : m);
    if (has(n, "sub_clamp") || has(n, "csub"))
        return m < d ? 0 : m - d;
    if (has(n, "cond_sub"))
        return m < d ? m : m - d;
    if (has(n, "rsub"))
        return (d - m) & all;
    if (has(n, "sub"))
        return (m - d) & all;
    if (has(n, "add"))
        return (m + d) & all;
    if (has(n, "inc"))
        return m >= d ? 0 : m + 1;
    if (has(n, "dec"))
        return m == 0 || m > d ? d : m - 1;
    bool is_signed = has(n, "smin") || has(n, "smax") || has(n, "_i32") || has(n, "_i64");
    if (has(n, "min"))
        return is_signed ? (sm < sd ? m : d) : m < d ? m : d;
    if (has(n, "max"))
        return is_signed ? (sm > sd ? m : d) : m > d ? m : d;
    return has(n, "and") ? m & d : has(n, "xor") ? m ^ d : m | d;
}

/* ---- One row --------------------------------------------------------------------------------------------- */

static const char *registers(int first, int words, char text[24])
{
    if (words == 1)
        snprintf(text, 24, "v%d", first);
    else
        snprintf(text, 24, "v[%d:%d]", first, first + words - 1);
    return text;
}

/* The instruction as LLVM prints it. */
static void write_text(const char *n, int words, bool returns, bool compares, char text[128])
{
    char data[24], result[24], other[24];
    bool ds = strncmp(n, "ds_", 3) == 0, two = has(n, "2_") || has(n, "2st64") || has(n, "2addr");
    bool store = has(n, "store_") || has(n, "write"), atomic = has(n, "atomic");
    bool alike = !ds && !atomic;
    const char *where = strncmp(n, "global", 6) == 0 || strncmp(n, "scratch", 7) == 0 ? ", off" : "";
    const char *at = strncmp(n, "global", 6) == 0 || strncmp(n, "flat", 4) == 0 ? "v[0:1]" : "v0";
    registers(DATA, ds || !compares ? words : 2 * words, data);
    registers(RESULT, two ? 2 * words : words, result);
    registers(DATA + words, words, other);
    if (has(n, "xchg") || has(n, "cmps"))
        store = false;
    if (strncmp(n, "buffer", 6) == 0)
        snprintf(text, 128, "%s %s, v0, s[4:7], 0 offen offset:%d%s", n, store || atomic ? data : result, OFFSET,
                 atomic && returns ? " glc" : "");
    else if (ds && two && store)
        snprintf(text, 128, "%s v0, %s, %s offset0:1 offset1:3", n, data, other);
    else if (ds && two)
        snprintf(text, 128, "%s %s, v0 offset0:1 offset1:3", n, result);
    else if (ds && !store && !atomic && (has(n, "read") || has(n, "load")))
        snprintf(text, 128, "%s %s, v0 offset:%d", n, result, OFFSET);
    else if (ds && store)
        snprintf(text, 128, "%s v0, %s offset:%d", n, data, OFFSET);
    else if (ds)
        snprintf(text, 128, "%s %s%sv0, %s%s%s offset:%d", n, returns ? result : "", returns ? ", " : "", data,
                 compares ? ", " : "", compares ? other : "", OFFSET);
    else if (alike && !store)
        snprintf(text, 128, "%s %s, %s%s offset:%d", n, result, at, where, OFFSET);
    else
        snprintf(text, 128, "%s %s%s%s, %s%s offset:%d%s", n, returns ? result : "", returns ? ", " : "", at, data,
                 where, OFFSET, returns ? " glc" : "");
}

struct memories {
    uint8_t before[LDS];
    uint8_t *now; /* of the kind that the row is for */
    size_t stride;
};

static void fill(struct bench *b, struct memories *mem, uint8_t *now, size_t stride, const char *n, uint64_t *state)
{
    struct isa_wave *w = b->w;
    bool special = has(n, "cmps") || has(n, "inc") || has(n, "dec");
    const size_t size = now == b->m.group->lds ? LDS : BYTES;
    mem->now = now;
    mem->stride = stride;
    for (size_t k = 0; k < size; k++)
        mem->now[k] = (uint8_t)draw(state);
    for (int r = 2; r < 16; r++)
        for (int lane = 0; lane < ISA_LANES; lane++)
            w->v[r][lane] = draw(state) << 1 ^ draw(state);
    if (has(n, "f16") || has(n, "f32") || has(n, "f64") || has(n, "fm") || has(n, "fc")) /* no NaN */
        for (size_t k = 0; k < size; k++)
            mem->now[k] &= 0xbb;
    for (int r = 2; r < 16; r++)
        for (int lane = 0; lane < ISA_LANES; lane++)
            w->v[r][lane] &= has(n, "_f") || has(n, "bf16") ? 0xbbbbbbbb : UINT32_MAX;
    /* What is compared is there for half of the lanes. */
    for (int lane = 0; special && lane < ISA_LANES; lane += 2)
        for (int word = 0; word < 4; word++)
            memcpy(&w->v[DATA + word][lane], mem->now + (size_t)lane * stride + OFFSET + 4 * (word % (bytes_of(n) / 4)),
                   4);
    memcpy(mem->before, mem->now, size);
}

static void check_row(struct bench *b, const char *n, struct memories *mem, bool returns)
{
    struct isa_wave *w = b->w;
    static uint32_t v[16][ISA_LANES];
    char text[128];
    int bytes = bytes_of(n), words = bytes < 4 ? 1 : bytes / 4;
    bool two = has(n, "2_") || has(n, "2st64") || has(n, "2addr");
    bool load = has(n, "load") || has(n, "read"),
         store = (has(n, "store") || has(n, "write")) && !has(n, "xchg") && !has(n, "cmps");
    bool compares = has(n, "cmps") || has(n, "mskor");
    write_text(n, words, returns, compares, text);
    memcpy(v, w->v, sizeof v);
    if (run_text(w, text) != ISA_GO)
        fail_msg("%s: %s", text, b->stop.text);
    for (int lane = 0; lane < ISA_LANES; lane++) {
        bool active = LANES >> lane & 1;
        for (int k = 0; k < (two ? 2 : 1); k++) {
            size_t step = has(n, "64_") && two && (has(n, "st64") || has(n, "stride64")) ? 64 : 1;
            size_t at = (size_t)lane * mem->stride + (two ? (size_t)(k ? 3 : 1) * step * (size_t)bytes : OFFSET);
            const uint8_t *before = mem->before + at, *now = mem->now + at;
            for (int word = 0; load && word < words; word++) {
                int r = RESULT + k * words + word;
                uint32_t expected = active ? loaded(n, v[r][lane], before + 4 * word, bytes) : v[r][lane];
                if (w->v[r][lane] != expected)
                    fail_msg("%s: lane %d, v%d: 0x%x, not 0x%x", text, lane, r, w->v[r][lane], expected);
            }
            uint64_t old = 0, d = 0, c = 0, value = 0;
            uint8_t stored[16];
            memcpy(stored, before, (size_t)bytes);
            if (store && active)
                for (int word = 0; word < words; word++) {
                    uint32_t from = v[DATA + k * words + word][lane] >> (has(n, "_hi") ? 16 : 0);
                    memcpy(stored + 4 * word, &from, (size_t)(bytes < 4 ? bytes : 4));
                }
            if (!load && !store) {
                memcpy(&old, before, (size_t)bytes);
                d = v[DATA][lane] | (bytes == 8 ? (uint64_t)v[DATA + 1][lane] << 32 : 0);
                c = v[DATA + words][lane] | (bytes == 8 ? (uint64_t)v[DATA + words + 1][lane] << 32 : 0);
                value = active ? changed(n, bytes, old, d, c) : old;
                memcpy(stored, &value, (size_t)bytes);
                int r = strncmp(n, "buffer", 6) == 0 ? DATA : RESULT;
                for (int word = 0; returns && word < words; word++) {
                    uint32_t expected = active ? (uint32_t)(old >> (32 * word)) : v[r + word][lane];
                    if (w->v[r + word][lane] != expected)
                        fail_msg("%s: lane %d, v%d: 0x%x, not 0x%x", text, lane, r, w->v[r + word][lane], expected);
                }
            }
            if (memcmp(now, stored, (size_t)bytes) != 0)
                fail_msg("%s: lane %d: memory is not as it should be", text, lane);
        }
    }
}

/* ---- All of them ----------------------------------------------------------------------------------------- */

static bool is_plain(const struct isa_row *row)
{
    return row->run == isa_run_global || row->run == isa_run_flat || row->run == isa_run_scratch ||
           row->run == isa_run_buffer || row->run == isa_run_ds;
}

static void place_addresses(struct isa_wave *w, uint64_t base, uint64_t stride)
{
    for (int lane = 0; lane < ISA_LANES; lane++) {
        uint64_t address = base + (uint64_t)lane * stride;
        w->v[0][lane] = (uint32_t)address;
        w->v[1][lane] = (uint32_t)(address >> 32);
    }
}

static void run_row(struct bench *b, const struct isa_row *row, uint64_t *state)
{
    static struct memories mem;
    const char *n = row->name;
    struct isa_wave *w = b->w;
    bool flat = row->run == isa_run_flat, atomic = has(n, "atomic");
    for (int kind = 0; kind < (flat ? 3 : 1); kind++) {
        bool lds = row->run == isa_run_ds || kind == 1, scratch = row->run == isa_run_scratch || kind == 2;
        if (scratch && atomic)
            continue;
        for (int returns = 0; returns < (atomic ? 2 : 1); returns++) {
            /* Far apart, a lane's second access would fall on another's first. */
            size_t stride = has(n, "st64_") || has(n, "stride64_") ? 8 : SLOT;
            fill(b, &mem, lds ? b->m.group->lds : scratch ? w->scratch : b->global, stride, n, state);
            place_addresses(w,
                            flat && kind     ? apertures[kind - 1]
                            : lds || scratch ? 0
                                             : (uint64_t)(uintptr_t)b->global,
                            scratch ? 0 : stride);
            if (row->run == isa_run_buffer) {
                place_addresses(w, 0, SLOT);
                uint64_t base = (uint64_t)(uintptr_t)b->global;
                const uint32_t v_sharp[4] = { (uint32_t)base, (uint32_t)(base >> 32), BYTES, 0 };
                memcpy(&w->s[4], v_sharp, sizeof v_sharp);
            }
            check_row(b, n, &mem, returns || has(n, "_rtn_"));
        }
    }
}

static void test_rows(void **state)
{
    static const struct isa_row_set *const sets[] = { &isa_rows_global, &isa_rows_scratch, &isa_rows_buffer,
                                                      &isa_rows_ds };
    struct bench b;
    uint64_t random = 5;
    int done = 0;
    (void)state;
    open_bench(&b, "gfx1100");
    for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++)
        for (size_t k = 0; k < sets[s]->count; k++)
            if (is_plain(&sets[s]->row[k])) {
                run_row(&b, &sets[s]->row[k], &random);
                done++;
            }
    assert_true(done > 400);
    close_bench(&b);
}

/* Scalar loads: into s8 on; the rest is there and does nothing, or says the time. */
static void test_scalar(void **state)
{
    struct bench b;
    uint64_t random = 6;
    (void)state;
    open_bench(&b, "gfx1201");
    for (size_t k = 0; k < BYTES; k++)
        b.global[k] = (uint8_t)draw(&random);
    for (size_t k = 0; k < isa_rows_scalar_memory.count; k++) {
        const struct isa_row *row = &isa_rows_scalar_memory.row[k];
        const char *n = row->name;
        int words = row->dst[0] == ISA_T_B512   ? 16
                    : row->dst[0] == ISA_T_B256 ? 8
                    : row->dst[0] == ISA_T_B128 ? 4
                    : row->dst[0] == ISA_T_B96  ? 3
                    : row->dst[0] == ISA_T_B64  ? 2
                                                : 1;
        char text[128], to[24];
        const uint64_t base = (uint64_t)(uintptr_t)b.global;
        const uint32_t sharp[4] = { (uint32_t)base, (uint32_t)(base >> 32), 64, 0 };
        memcpy(&b.w->s[4], sharp, sizeof sharp);
        memset(&b.w->s[8], 0x5a, 16 * sizeof b.w->s[0]);
        snprintf(to, sizeof to, words == 1 ? "s8" : "s[8:%d]", 7 + words);
        if (!has(n, "load"))
            continue;
        snprintf(text, sizeof text, "%s %s, s[4:%d], 0x10", n, to, has(n, "buffer") ? 7 : 5);
        run_to_go(b.w, text);
        int bytes = has(n, "8") && words == 1 ? 1 : has(n, "16") && words == 1 ? 2 : 4 * words;
        for (int word = 0; word < words; word++) {
            /* A buffer's records end at byte 64. */
            bool outside = has(n, "buffer") && 16 + 4 * word >= 64;
            uint32_t expected = outside ? 0 : loaded(n, 0, b.global + 16 + 4 * word, bytes);
            if (b.w->s[8 + word] != expected)
                fail_msg("%s: s%d: 0x%x, not 0x%x", text, 8 + word, b.w->s[8 + word], expected);
        }
        assert_true(words == 16 || b.w->s[8 + words] == 0x5a5a5a5a);
    }
    run_to_go(b.w, "s_memtime s[8:9]");
    run_to_go(b.w, "s_dcache_inv");
    run_to_go(b.w, "s_prefetch_data s[4:5], 0x10, null, 3");
    run_to_go(b.w, "s_prefetch_inst_pc_rel 0x10, null, 3");
    run_to_go(b.w, "global_inv scope:SCOPE_DEV");
    close_bench(&b);
}

static void run_swizzle(struct isa_wave *w, uint32_t offset)
{
    struct isa_instr i, second;
    char error[128];
    memset(&i, 0, sizeof i);
    i.second = &second;
    assert_true(isa_parse(w->target, w->lanes, "ds_swizzle_b32 v8, v4", &i, error, sizeof error));
    i.encoding[0] = offset;
    assert_int_equal(i.row->run(w, &i), ISA_GO);
}

/* Between lanes: values are lanes' numbers. Lanes 1, 3, 31, 48 to 51 are off (LANES). */
static void test_lanes(void **state)
{
    struct bench b;
    (void)state;
    open_bench(&b, "gfx90a");
    struct isa_wave *w = b.w;
    for (int lane = 0; lane < ISA_LANES; lane++) {
        w->v[4][lane] = 100 + (uint32_t)lane;
        w->v[0][lane] = 4 * (uint32_t)(63 - lane);
        w->v[8][lane] = 7;
    }
    run_to_go(w, "ds_bpermute_b32 v8, v0, v4");
    assert_int_equal(w->v[8][0], 163);
    assert_int_equal(w->v[8][2], 161);
    assert_int_equal(w->v[8][3], 7);
    assert_int_equal(w->v[8][15], 0); /* lane 48 is off */
    assert_int_equal(w->v[8][63], 100);
    run_to_go(w, "ds_permute_b32 v8, v0, v4");
    assert_int_equal(w->v[8][0], 163);
    assert_int_equal(w->v[8][62], 0); /* lane 1 is off and sends nothing */
    run_to_go(w, "ds_bpermute_b32 v8, v0, v4 offset:4");
    assert_int_equal(w->v[8][2], 162);
    run_swizzle(w, 0x1f | 1 << 10); /* and 31, xor 1 */
    assert_int_equal(w->v[8][4], 105);
    assert_int_equal(w->v[8][37], 136);
    assert_int_equal(w->v[8][0], 0);
    run_swizzle(w, 0x801b); /* quads backwards */
    assert_int_equal(w->v[8][4], 107);
    assert_int_equal(w->v[8][38], 137);
    w->s[ISA_M0] = 8;
    memset(b.m.group->lds, 0, LDS);
    b.m.group->lds[12] = 5;
    run_to_go(w, "ds_append v8 offset:4");
    assert_int_equal(w->v[8][63], 5);
    assert_int_equal(b.m.group->lds[12], 5 + __builtin_popcountll(LANES));
    run_to_go(w, "ds_consume v8 offset:4");
    assert_int_equal(w->v[8][0], 5 + __builtin_popcountll(LANES));
    assert_int_equal(b.m.group->lds[12], 5);
    /* gfx10 on: a half of a wave64 does not reach the other. */
    w->target = isa_target_find("gfx1100");
    run_to_go(w, "ds_bpermute_b32 v8, v0, v4");
    assert_int_equal(w->v[8][32], 163);
    assert_int_equal(w->v[8][2], 129);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_scalar),
                                        cmocka_unit_test(test_lanes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
