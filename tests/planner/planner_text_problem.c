/* planner_text_problem.c: a problem's line reads back to the same problem, whatever the problem; bad lines are errors
 * at the right column with words that help; no bytes and no capacity can hurt.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/planner/planner_text.h"

/* ---- Random problems: everything that the text can represent, legal or not ---------------------------- */

static int64_t random_i64(uint64_t *seed)
{
    static const int64_t edges[] = { INT64_MIN, INT64_MIN + 1,   -1, 0, 1, 2, 32, INT64_MAX - 1,
                                     INT64_MAX, INT64_C(1) << 62 };
    switch (attn_random_below(seed, 4)) {
    case 0: return edges[attn_random_below(seed, sizeof edges / sizeof edges[0])];
    case 1: return (int64_t)attn_random(seed);
    case 2: return (int64_t)(attn_random(seed) >> attn_random_below(seed, 64));
    default: return (int64_t)attn_random_below(seed, 600);
    }
}

static float random_float(uint64_t *seed, float preset)
{
    if (attn_random_below(seed, 3) == 0)
        return preset;
    float f = attn_float_of_bits((uint32_t)attn_random(seed));
    return f == f ? f : attn_float_of_bits(0x7fc00000); /* nan has one text, so one bit pattern comes back */
}

static void random_tensor(uint64_t *seed, struct attn_tensor *t)
{
    t->present = 1;
    t->type = (uint8_t)attn_random_below(seed, ATTN_TYPE_COUNT);
    t->buffer = (uint8_t)(attn_random_below(seed, 2) ? attn_random_below(seed, 27) : 0);
    t->offset = attn_random_below(seed, 2) ? random_i64(seed) : 0;
    for (int i = 0; i < 4; i++)
        t->ne[i] = attn_random_below(seed, 3) ? random_i64(seed) : 1;
    attn_tensor_contiguous(t);
    for (int i = 1; i < 4; i++)
        if (attn_random_below(seed, 3) == 0)
            t->nb[i] = random_i64(seed);
}

static void random_problem(uint64_t *seed, struct attn_problem *p)
{
    memset(p, 0, sizeof *p);
    for (int i = 0; i < ATTN_OPERAND_COUNT; i++) {
        bool optional = i == ATTN_MASK || i == ATTN_SINKS;
        if (!optional || attn_random_below(seed, 2))
            random_tensor(seed, &p->t[i]);
    }
    if (attn_random_below(seed, 2))
        attn_tensor_set(&p->t[ATTN_DST], ATTN_F32, attn_d_v(p), attn_n_head(p), attn_n_q(p), attn_n_seq(p));
    if (p->t[ATTN_SINKS].present && attn_random_below(seed, 2))
        attn_tensor_set(&p->t[ATTN_SINKS], ATTN_F32, attn_n_head(p), 1, 1, 1);
    p->scale = random_float(seed, 1.0f);
    p->softcap = random_float(seed, 0.0f);
    p->max_bias = random_float(seed, 0.0f);
    p->head_first = attn_random_below(seed, 2) ? random_i64(seed) : 0;
    p->head_total = attn_random_below(seed, 2) ? random_i64(seed) : attn_n_head(p);
    p->prec = (uint8_t)attn_random_below(seed, ATTN_PREC_COUNT);
    p->n_kv_max = attn_random_below(seed, 2) ? 0 : (int32_t)(attn_random(seed) & INT32_MAX);
    if (attn_random_below(seed, 3) == 0)
        random_tensor(seed, &p->further);
}

static void check_round_trip(const struct attn_problem *p)
{
    char text[ATTN_LINE_MAX], again[ATTN_LINE_MAX];
    struct attn_problem back;
    struct attn_text_error error;
    size_t used = 0, len = attn_problem_print(p, text, sizeof text);
    assert_true(len < sizeof text);
    char *exact = exact_copy(text, len);
    if (!attn_problem_parse(exact, len, &back, &used, &error))
        fail_msg("%s\ncolumn %zu: %s", text, error.column, error.message);
    free(exact);
    assert_int_equal(used, len);
    if (memcmp(p, &back, sizeof back) != 0)
        fail_msg("another problem comes back from %s", text);
    assert_int_equal(attn_problem_print(&back, again, sizeof again), len);
    assert_string_equal(again, text);
}

static void random_problems_read_back_byte_for_byte(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        struct attn_problem p;
        random_problem(&seed, &p);
        check_round_trip(&p);
    }
}

static void odd_strides_of_extent_one_dimensions_survive(void **state)
{
    (void)state;
    struct attn_problem p = parse("fa1 q=f32[64,1,1,1] k=f16[64,1,1,1] v=f16[64,1,1,1] mask=f16[1,1,1,1] sinks");
    uint64_t seed = 2;
    for (int i = 0; i < 1000; i++) {
        p.t[attn_random_below(&seed, ATTN_OPERAND_COUNT)].nb[1 + attn_random_below(&seed, 3)] = random_i64(&seed);
        check_round_trip(&p);
    }
}

static void the_longest_line_fits_the_stated_maximum(void **state)
{
    (void)state;
    struct attn_problem p;
    memset(&p, 0, sizeof p);
    for (int i = 0; i < ATTN_OPERAND_COUNT; i++) {
        struct attn_tensor *t = &p.t[i];
        t->present = 1;
        t->type = ATTN_Q8_0;
        t->buffer = 26;
        t->offset = INT64_MIN;
        t->nb[0] = 34;
        for (int d = 0; d < 4; d++)
            t->ne[d] = INT64_MIN;
        for (int d = 1; d < 4; d++)
            t->nb[d] = INT64_MIN + 1;
    }
    p.scale = p.softcap = p.max_bias = attn_float_of_bits(0x80800000); /* -1.1754944e-38: no float's text is longer */
    p.head_first = p.head_total = INT64_MIN;
    check_round_trip(&p);
}

/* ---- What is written, what is left out ------------------------------------------------------------------ */

static void canonical_text_is_as_the_design_shows_it(void **state)
{
    (void)state;
    static const struct {
        const char *line, *canonical;
    } cases[] = {
        { "fa1 q=f32[256,11,32,1] k=f16[256,271,16,1]@a+64:8192,512,2220032 v=f16[256,271,16,1]@b "
          "mask=f16[512,11,1,1] scale=0.0625",
          "fa1 q=f32[256,11,32,1] k=f16[256,271,16,1]@a+64:8192,512,2220032 v=f16[256,271,16,1]@b "
          "mask=f16[512,11,1,1] scale=0.0625" },
        { "fa1 q=f32[576,3,128,1] k=q8_0[576,113,1,1]@a v=q8_0[512,113,1,1]@a:612,612,69156 scale=0.0417 sinks "
          "heads=0/128 ",
          "fa1 q=f32[576,3,128,1] k=q8_0[576,113,1,1]@a v=q8_0[512,113,1,1]@a:612,612,69156 sinks scale=0.0417" },
        /* any order; defaults spelt out; blanks */
        { " \tfa1\tdst=f32[80,4,3,2]  max_bias=0 softcap=0.0 scale=1.0 heads=0/4 sinks=f32[4,1,1,1]:16,16,16 "
          "v=q4_0[80,9,2,2]+18 k=f32[80,9,2,2]:320,2880,5760 q=f32[80,3,4,2]\t ",
          "fa1 q=f32[80,3,4,2] k=f32[80,9,2,2] v=q4_0[80,9,2,2]+18 sinks" },
        { "fa1 q=f32[64,1,8,1] k=bf16[64,7,8,1] v=q5_1[64,7,8,1] scale=0x1p-3 softcap=50 max_bias=8 heads=8/32 "
          "dst=f32[64,8,1,1]@z:256,4096,4096 mask=f16[7,1,1,1]:0,14,14",
          "fa1 q=f32[64,1,8,1] k=bf16[64,7,8,1] v=q5_1[64,7,8,1] mask=f16[7,1,1,1]:0,14,14 "
          "dst=f32[64,8,1,1]@z:256,4096,4096 scale=0.125 softcap=50 max_bias=8 heads=8/32" },
        { "fa1 q=f32[-1,007,-0,9223372036854775807] k=q5_0[1,1,1,-9223372036854775808] v=f16[1,1,1,1]",
          "fa1 q=f32[-1,7,0,9223372036854775807] k=q5_0[1,1,1,-9223372036854775808] v=f16[1,1,1,1]" },
        { "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1] scale=1e999 softcap=-0 max_bias=nan",
          "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1] scale=inf softcap=-0 max_bias=nan" },
        { "fa1 q=f32[1,1,4,1] k=f16[1,1,1,1] v=f16[1,1,1,1] heads=4/8",
          "fa1 q=f32[1,1,4,1] k=f16[1,1,1,1] v=f16[1,1,1,1] heads=4/8" },
        { "fa1 q=f32[1,1,4,1] k=f16[1,1,1,1] v=f16[1,1,1,1] heads=0/5 sinks=f32[5,1,1,1]",
          "fa1 q=f32[1,1,4,1] k=f16[1,1,1,1] v=f16[1,1,1,1] sinks=f32[5,1,1,1] heads=0/5" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attn_problem p = parse(cases[i].line);
        char text[ATTN_LINE_MAX];
        attn_problem_print(&p, text, sizeof text);
        assert_string_equal(text, cases[i].canonical);
        check_round_trip(&p);
    }
}

static void fields_get_what_the_text_says(void **state)
{
    (void)state;
    struct attn_problem p =
        parse("fa1 q=f32[576,3,128,2] k=q8_0[576,113,1,2]@c+68 v=f16[512,113,1,2]:2048,4096,8192 sinks "
              "scale=0.5 softcap=30 max_bias=8 heads=2/256");
    const struct attn_tensor *k = &p.t[ATTN_K], *v = &p.t[ATTN_V], *s = &p.t[ATTN_SINKS], *dst = &p.t[ATTN_DST];
    assert_int_equal(p.t[ATTN_Q].ne[2], 128);
    assert_int_equal(p.t[ATTN_Q].nb[1], 576 * 4);
    assert_int_equal(k->type, ATTN_Q8_0);
    assert_int_equal(k->buffer, 3);
    assert_int_equal(k->offset, 68);
    assert_int_equal(k->nb[0], 34);
    assert_int_equal(k->nb[1], 576 / 32 * 34);
    assert_int_equal(k->nb[2], 576 / 32 * 34 * 113);
    assert_int_equal(v->buffer, 0);
    assert_int_equal(v->nb[1], 2048);
    assert_int_equal(v->nb[2], 4096);
    assert_int_equal(v->nb[3], 8192);
    assert_false(p.t[ATTN_MASK].present);
    assert_true(s->present && s->ne[0] == 128 && s->ne[1] == 1 && s->type == ATTN_F32);
    assert_true(dst->present && dst->ne[0] == 512 && dst->ne[1] == 128 && dst->ne[2] == 3 && dst->ne[3] == 2);
    assert_int_equal(dst->nb[2], 512 * 128 * 4);
    assert_true(p.scale == 0.5f && p.softcap == 30.0f && p.max_bias == 8.0f);
    assert_true(p.head_first == 2 && p.head_total == 256);
}

static void reading_stops_at_a_bar_or_the_end_of_the_line(void **state)
{
    (void)state;
#define MINIMUM "fa1 q=f32[1,1,1,1] k=f16[1,1,1,1] v=f16[1,1,1,1]"
    static const struct {
        const char *text;
        size_t used;
    } cases[] = {
        { MINIMUM, 48 },         { MINIMUM " ", 49 },           { MINIMUM "|dev=x", 48 }, { MINIMUM " | dev=x", 49 },
        { MINIMUM "\nfa1", 48 }, { MINIMUM "\r\nfa1", 49 },     { MINIMUM "\r", 49 },     { MINIMUM " \r\n", 50 },
        { MINIMUM "\n|", 48 },   { MINIMUM " scale=2|\n", 56 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attn_problem p;
        struct attn_text_error error;
        size_t used = 0;
        if (!attn_problem_parse(cases[i].text, strlen(cases[i].text), &p, &used, &error))
            fail_msg("%s\ncolumn %zu: %s", cases[i].text, error.column, error.message);
        assert_int_equal(used, cases[i].used);
    }
}

/* ---- Errors ---------------------------------------------------------------------------------------------- */

/* In `text`, ^ stands before the offending byte and is not part of the line. */
struct bad_line {
    const char *text, *message;
};

#define K1 " k=f16[1,1,1,1]"
#define V1 " v=f16[1,1,1,1]"
#define QKV "fa1 q=f32[1,1,1,1]" K1 V1
#define NAME_OF_TYPE(NAME, name, elems, bytes, align, ggml) " " #name
static const struct bad_line bad_lines[] = {
    { "^", "expected fa1" },
    { " ^", "expected fa1" },
    { "   ^q=f32[1,1,1,1]", "expected fa1" },
    { "^fa2 q=f32[1,1,1,1]", "unknown version, this reads fa1" },
    { "^fa11 q=f32[1,1,1,1]", "expected fa1" },
    { "^FA1", "expected fa1" },
    { "fa1^", "q is missing" },
    { "fa1^|", "q is missing" },
    { "fa1^,", "expected a blank after this, found ','" },
    { "fa1 q=f32[1,1,1,1]" V1 "^", "k is missing" },
    { "fa1 q=f32[1,1,1,1]" K1 " ^\nv=f16[1,1,1,1]", "v is missing" },
    { "fa1 q=f32[1,1,1,1]" K1 " ^\r\n", "v is missing" },
    { "fa1" K1 V1 "^", "q is missing" },
    { QKV " ^k=f16[1,1,1,1]", "given before" },
    { QKV " scale=1 ^scale=1", "given before" },
    { QKV " sinks ^sinks", "given before" },
    { QKV " heads=0/1 ^heads=0/1", "given before" },
    { QKV " ^sclae=1", "unknown key 'sclae', did you mean scale?" },
    { QKV " ^scaalee=1", "did you mean scale?" },
    { QKV " ^sftcp=1", "did you mean softcap?" },
    { QKV " ^maxbias=1", "did you mean max_bias?" },
    { QKV " ^head=0/1", "did you mean heads?" },
    { QKV " ^sink", "did you mean sinks?" },
    { QKV " ^Mask=f16[1,1,1,1]", "did you mean mask?" },
    { QKV " ^x=1", "expected one of q k v mask sinks dst scale softcap max_bias heads" },
    { QKV " ^aVeryLongKeyThatGoesOnAndOn=1", "unknown key 'aVeryLongKeyThat...', expected one of q k v" },
    { QKV " ^=1", "expected a key" },
    { QKV " ^#", "expected a key, as in q=f32[128,1,32,1], found '#'" },
    { QKV " ^\x01", "found '\\x01'" },
    { QKV " ^\xc3\xa9=1", "found '\\xc3'" },
    { QKV "^\r x", "expected a blank after this, found '\\x0d'" },
    { QKV "^\x0b", "expected a blank after this" },
    { QKV " mask^", "expected '=' and a value, found the end of the problem" },
    { QKV " mask^ =f16[1,1,1,1]", "expected '=' and a value, found ' '" },
    { QKV " mask=^ f16[1,1,1,1]", "expected a type" },
    { QKV " mask=^f61[1,1,1,1]", "unknown type 'f61', did you mean f16?" },
    { QKV " mask=^fp16[1,1,1,1]", "did you mean f16?" },
    { QKV " mask=^q8_1[1,1,1,1]", "did you mean q8_0?" },
    { QKV " mask=^i32[1,1,1,1]", "did you mean f32?" },
    { QKV " mask=^float[1,1,1,1]", "unknown type 'float', expected one of" ATTN_TYPES(NAME_OF_TYPE) },
    { QKV " mask=f16^", "expected '[' and four extents, found the end" },
    { QKV " mask=f16^(1,1,1,1)", "expected '['" },
    { QKV " mask=f16[^]", "expected an extent, found ']'" },
    { QKV " mask=f16[1^]", "expected ',' and the next of four extents" },
    { QKV " mask=f16[1,1,1^]", "expected ',' and the next of four extents" },
    { QKV " mask=f16[1,1,1,1^,1]", "expected ']' after four extents, found ','" },
    { QKV " mask=f16[1,1,^ 1,1]", "expected an extent, found ' '" },
    { QKV " mask=f16[1,1,^+1,1]", "expected an extent" },
    { QKV " mask=f16[1,1,-^,1]", "expected an extent" },
    { QKV " mask=f16[1,1,1^.5,1]", "expected ','" },
    { QKV " mask=f16[1,1,^9223372036854775808,1]", "does not fit in 64 bits" },
    { QKV " mask=f16[1,1,^-9223372036854775809,1]", "does not fit in 64 bits" },
    { QKV " mask=f16[1,1,^18446744073709551617,1]", "does not fit in 64 bits" },
    { QKV " mask=f16[1,1,1,1]@^", "expected a buffer, one letter a to z, found the end" },
    { QKV " mask=f16[1,1,1,1]@^A", "expected a buffer" },
    { QKV " mask=f16[1,1,1,1]@^1", "expected a buffer" },
    { QKV " mask=f16[1,1,1,1]@a^b", "expected a blank after this" },
    { QKV " mask=f16[1,1,1,1]@a+^", "expected an offset in bytes" },
    { QKV " mask=f16[1,1,1,1]+^x", "expected an offset in bytes" },
    { QKV " mask=f16[1,1,1,1]+2^@a", "expected a blank after this, found '@'" },
    { QKV " mask=f16[1,1,1,1]+^99999999999999999999", "does not fit in 64 bits" },
    { QKV " mask=f16[1,1,1,1]:^", "expected a stride in bytes" },
    { QKV " mask=f16[1,1,1,1]:2^", "expected ',' and the next of three strides" },
    { QKV " mask=f16[1,1,1,1]:2,2^ ", "expected ',' and the next of three strides" },
    { QKV " mask=f16[1,1,1,1]:2,2,2^,2", "expected a blank after this" },
    { QKV " mask=f16[1,1,1,1]^x", "expected a blank after this" },
    { QKV " sinks=^", "expected a type" },
    { QKV " sinks^[1]", "expected a blank after this" },
    { QKV " scale=^", "expected a number, found the end" },
    { QKV " scale=^x", "expected a number, found 'x'" },
    { QKV " scale=1^e", "expected a blank after this, found 'e'" },
    { QKV " scale=1^,5", "expected a blank after this" },
    { QKV " scale=0^xg", "expected a blank after this" },
    { QKV " heads=^", "expected the first head" },
    { QKV " heads=4^", "expected '/' and the total of heads" },
    { QKV " heads=4/^", "expected the total of heads" },
    { QKV " heads=0/4^/4", "expected a blank after this" },
};

static void check_error(const char *line, size_t len, size_t column, const char *message)
{
    struct attn_problem p;
    struct attn_text_error error;
    memset(&error, '#', sizeof error);
    char *exact = exact_copy(line, len);
    bool ok = attn_problem_parse(exact, len, &p, NULL, &error);
    bool same = attn_problem_parse(exact, len, &p, NULL, NULL);
    free(exact);
    if (ok || same)
        fail_msg("was read: %s", line);
    assert_non_null(memchr(error.message, '\0', sizeof error.message));
    if (error.column != column || strstr(error.message, message) == NULL)
        fail_msg("%s\nwanted column %zu: %s\ngot    column %zu: %s", line, column, message, error.column,
                 error.message);
}

static void every_error_has_its_column_and_says_what_was_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_lines / sizeof bad_lines[0]; i++) {
        char line[512];
        const char *caret = strchr(bad_lines[i].text, '^');
        size_t before = (size_t)(caret - bad_lines[i].text);
        snprintf(line, sizeof line, "%.*s%s", (int)before, bad_lines[i].text, caret + 1);
        check_error(line, strlen(line), before + 1, bad_lines[i].message);
    }
}

static void an_embedded_nul_is_an_error_where_it_stands(void **state)
{
    (void)state;
    static const char line[] = QKV " scale=1\0 softcap=1";
    check_error(line, sizeof line - 1, sizeof QKV " scale=1", "expected a blank after this, found '\\x00'");
    check_error("\0fa1", 4, 1, "expected fa1");
    check_error("fa1\0", 4, 4, "found '\\x00'");
}

/* A line cut anywhere is read or refused, at a column within it, and never read past its end. */
static void cut_lines_are_refused_within_their_length(void **state)
{
    (void)state;
    static const char line[] =
        "fa1 q=f32[576,3,128,1]@b+64:2304,6912,884736 k=q8_0[576,113,1,1]@a v=q8_0[512,113,1,1]@a:612,612,69156 "
        "mask=f16[128,3,1,1] sinks dst=f32[512,128,3,1] scale=0.0417e0 softcap=0x1p2 max_bias=8 heads=0/128";
    int refused = 0;
    for (size_t len = 0; len < sizeof line; len++) {
        struct attn_problem p;
        struct attn_text_error error;
        char *exact = exact_copy(line, len);
        if (!attn_problem_parse(exact, len, &p, NULL, &error)) {
            assert_in_range(error.column, 1, len + 1);
            refused++;
        }
        free(exact);
    }
    assert_in_range(refused, 100, sizeof line - 1);
}

static void check_any(const char *bytes, size_t len)
{
    struct attn_problem p;
    struct attn_text_error error;
    size_t used = 0;
    char *exact = exact_copy(bytes, len);
    if (attn_problem_parse(exact, len, &p, &used, &error)) {
        assert_true(used <= len);
        check_round_trip(&p);
    } else {
        assert_in_range(error.column, 1, len + 1);
        assert_non_null(memchr(error.message, '\0', sizeof error.message));
        for (const char *c = error.message; *c; c++)
            assert_in_range(*c, 32, 126);
    }
    free(exact);
}

static void random_bytes_and_mutated_lines_do_no_harm(void **state)
{
    (void)state;
    static const char alphabet[] = "fa1 qkv=f16f32[1,2]@a+:|\n\r\t-0x.e5/maskdstheadsinkscalesoftcapmax_bias";
    uint64_t seed = 3;
    for (int i = 0; i < 100000; i++) {
        char bytes[ATTN_LINE_MAX];
        size_t len = attn_random_below(&seed, 100);
        for (size_t j = 0; j < len; j++)
            bytes[j] = i % 2 ? (char)attn_random(&seed) : alphabet[attn_random_below(&seed, sizeof alphabet)];
        check_any(bytes, len);

        struct attn_problem p;
        random_problem(&seed, &p);
        len = attn_problem_print(&p, bytes, sizeof bytes);
        for (uint64_t n = 1 + attn_random_below(&seed, 3); n > 0; n--) {
            size_t at = attn_random_below(&seed, len);
            char c = attn_random_below(&seed, 4) ? alphabet[attn_random_below(&seed, sizeof alphabet)]
                                                 : (char)attn_random(&seed);
            if (attn_random_below(&seed, 2)) {
                bytes[at] = c;
            } else {
                memmove(bytes + at, bytes + at + 1, len - at - 1);
                len--;
            }
        }
        check_any(bytes, len);
    }
}

static void ten_megabyte_lines_are_judged_at_once(void **state)
{
    (void)state;
    enum { N = 10000000 };
    static const char fill[] = " 1x=,\t-[\0a\xff";
    char *line = malloc(N);
    assert_non_null(line);
    for (size_t i = 0; i < sizeof fill - 1; i++) {
        memset(line, fill[i], N);
        check_any(line, N);
        memcpy(line, QKV " scale=", sizeof QKV " scale=" - 1);
        check_any(line, N);
        memcpy(line, "fa1 q=f32[", 10);
        check_any(line, N);
    }
    memset(line, ' ', N);
    memcpy(line + N - sizeof QKV + 1, QKV, sizeof QKV - 1);
    struct attn_problem p;
    size_t used = 0;
    assert_true(attn_problem_parse(line, N, &p, &used, NULL));
    assert_int_equal(used, N);
    free(line);
}

/* ---- Printing anything, anywhere ------------------------------------------------------------------------ */

static size_t print_problem(const void *what, char *text, size_t cap) { return attn_problem_print(what, text, cap); }

static void every_capacity_is_respected(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int i = 0; i < 20; i++) {
        struct attn_problem p;
        random_problem(&seed, &p);
        check_capacities(print_problem, &p);
    }
}

static void a_problem_of_random_bits_prints_within_the_stated_maximum(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int i = 0; i < 20000; i++) {
        struct attn_problem p;
        char text[ATTN_LINE_MAX];
        for (size_t j = 0; j < sizeof p; j++)
            ((unsigned char *)&p)[j] = (unsigned char)attn_random(&seed);
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            p.t[o].foreign = NULL;
        p.further.foreign = NULL;
        assert_true(attn_problem_print(&p, text, sizeof text) < sizeof text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_problems_read_back_byte_for_byte),
        cmocka_unit_test(odd_strides_of_extent_one_dimensions_survive),
        cmocka_unit_test(the_longest_line_fits_the_stated_maximum),
        cmocka_unit_test(canonical_text_is_as_the_design_shows_it),
        cmocka_unit_test(fields_get_what_the_text_says),
        cmocka_unit_test(reading_stops_at_a_bar_or_the_end_of_the_line),
        cmocka_unit_test(every_error_has_its_column_and_says_what_was_expected),
        cmocka_unit_test(an_embedded_nul_is_an_error_where_it_stands),
        cmocka_unit_test(cut_lines_are_refused_within_their_length),
        cmocka_unit_test(random_bytes_and_mutated_lines_do_no_harm),
        cmocka_unit_test(ten_megabyte_lines_are_judged_at_once),
        cmocka_unit_test(every_capacity_is_respected),
        cmocka_unit_test(a_problem_of_random_bits_prints_within_the_stated_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
