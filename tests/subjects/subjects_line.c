/* subjects_line.c: what attnfuzz_line.h prints of a node is the problem that the node was built from, for generated
 * problems: built as a subject builds them, on tensors that are laid out otherwise than the real ones (the header may
 * rely on names only).
 *
 * SPDX-License-Identifier: MIT */
#define IMITATION_WITHOUT_HIP
#define IMITATION_FORK
#include "tests/support/imitation_ggml.c"

#include "attnfuzz_line.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "subjects/ggml/node.h"
#include "fuzz/domain/foreign.h"
#include "fuzz/domain/mutate.h"

enum { PROBLEMS = 20000 };
/* As the fork has it. */
static const struct attn_foreign_type own[] = {
    { .info = { "tq4_x", "", TQ4_X, 128, 68, 1 }, .number = ATTN_TYPE_FOREIGN },
    { .info = { "i32", "", I32, 1, 4, 1 }, .number = ATTN_TYPE_FOREIGN + 1 },
};

/* The functions by which nodes are built, with types as numbers. */
static struct ggml_tensor *new_1d(struct ggml_context *ctx, int type, int64_t n)
{
    return ggml_new_tensor_1d(ctx, (enum ggml_type)type, n);
}
static struct ggml_tensor *new_4d(struct ggml_context *ctx, int type, int64_t a, int64_t b, int64_t c, int64_t d)
{
    return ggml_new_tensor_4d(ctx, (enum ggml_type)type, a, b, c, d);
}

static void bind(struct ggml_abi *abi)
{
    memset(abi, 0, sizeof *abi);
    abi->new_tensor_1d = new_1d;
    abi->new_tensor_4d = new_4d;
    abi->view_4d = ggml_view_4d;
    abi->flash_attn_ext = ggml_flash_attn_ext;
    abi->prec_set_acc = ggml_prec_set_acc;
    abi->flash_attn_ext_set_n_kv_max = ggml_flash_attn_ext_set_n_kv_max;
    abi->prec_f32 = 10;
    abi->sources_at = offsetof(struct ggml_tensor, src);
    abi->flash_attn_ext_add_sinks = ggml_flash_attn_ext_add_sinks;
    for (int t = 0; t < ATTN_TYPE_COUNT; t++)
        abi->type[t] = attn_type_info(t)->ggml;
}

/* What a node cannot say, and what a line says in one of several ways: the names of buffers, and how many multiples of
 * 256 bytes a tensor lies behind the first of its buffer. */
static void normalise(struct attn_problem *p)
{
    uint8_t buffer[ATTN_DST];
    int64_t offset[ATTN_DST];
    for (int o = 0; o < ATTN_DST; o++) {
        if (!p->t[o].present)
            continue;
        int base = ggml_node_base_of(p, o);
        int64_t lowest = p->t[o].offset;
        bool shared = false;
        for (int other = 0; other <= ATTN_V; other++)
            if (other != o && p->t[other].present && ggml_node_base_of(p, other) == base) {
                shared = true;
                lowest = p->t[other].offset < lowest ? p->t[other].offset : lowest;
            }
        buffer[o] = shared ? (uint8_t)(base + 1) : 0;
        offset[o] = p->t[o].offset - lowest / 256 * 256;
    }
    for (int o = 0; o < ATTN_DST; o++)
        if (p->t[o].present) {
            p->t[o].buffer = buffer[o];
            p->t[o].offset = offset[o];
        }
    if (p->prec == ATTN_PREC_F32) /* which is what a line without one means */
        p->prec = ATTN_PREC_UNSAID;
    attn_tensor_contiguous(&p->t[ATTN_DST]); /* which ggml makes; what we give to dimensions of extent 1 is lost */
    p->head_first = 0;
    p->head_total = attn_n_head(p);
}

static void test_generated(void **state)
{
    (void)state;
    const struct attn_domain_limits limits = { INT64_MAX, INT64_C(1) << 40, INT64_MAX, 0 };
    struct ggml_abi abi;
    bind(&abi);
    const struct attn_foreign_draw draw = {
        .n_types = 1,
        .type = { &own[0] },
        .prec = true,
        .n_kv_max = true,
        .further = { { .type = ATTN_F32, .forms = 31 },
                     { .type = ATTN_TYPE_FOREIGN + 1, .forms = 31, .foreign = &own[1] } },
        .n_further = 2,
    };
    const struct attn_foreign_types known = { own, 2 };
    int shared = 0, views = 0, tried = 0, foreign = 0, further = 0;
    for (uint64_t seed = 0; tried < PROBLEMS; seed++) {
        struct attn_genome genome;
        struct attn_case c;
        const char *why;
        attn_genome_random(&genome, seed);
        attn_genome_case(&genome, &limits, &c);
        attn_foreign_apply(&draw, seed, &c.problem);
        if (!ggml_node_legal(&abi, &c.problem, &why))
            continue;
        tried++;
        struct ggml_context *ctx = ggml_init((struct ggml_init_params){ 0, NULL, true });
        struct ggml_node node;
        ggml_node_build(&abi, ctx, &c.problem, true, &node);
        char line[ATTNFUZZ_LINE_MAX], expected[ATTN_LINE_MAX], got[ATTN_LINE_MAX];
        assert_true(attnfuzz_line_of_node(node.node, line, sizeof line) < sizeof line);
        struct attn_problem read;
        struct attn_text_error error;
        size_t used;
        if (!attn_problem_parse_types(line, strlen(line), &known, &read, &used, &error))
            fail_msg("%s: column %zu: %s", line, error.column, error.message);
        normalise(&c.problem);
        attn_problem_print(&c.problem, expected, sizeof expected);
        attn_problem_print(&read, got, sizeof got);
        assert_string_equal(got, expected);
        foreign += attn_problem_is_foreign(&read);
        further += read.further.present;
        shared += read.t[ATTN_K].buffer != 0;
        views += node.view[ATTN_K];
        ggml_free(ctx);
    }
    assert_true(shared > PROBLEMS / 50);
    assert_true(foreign > PROBLEMS / 5);
    assert_true(further > PROBLEMS / 50);
    assert_true(views > PROBLEMS / 5);
}

/* Where memory is known, a tensor's place in it is said. */
static void test_addresses(void **state)
{
    (void)state;
    struct ggml_context *ctx = ggml_init((struct ggml_init_params){ 0, NULL, true });
    struct ggml_tensor *cache = ggml_new_tensor_1d(ctx, GGML_TYPE_F16, 1 << 20);
    struct ggml_tensor *q = ggml_new_tensor_4d(ctx, GGML_TYPE_F32, 64, 2, 4, 1);
    struct ggml_tensor *k = ggml_view_4d(ctx, cache, 64, 16, 2, 1, 256, 128, 4096, 0);
    struct ggml_tensor *v = ggml_view_4d(ctx, cache, 64, 16, 2, 1, 256, 128, 4096, 65536);
    cache->data = (void *)(uintptr_t)0x7f0000001040;
    q->data = (void *)(uintptr_t)0x7f0000800080;
    k->data = (char *)cache->data;
    v->data = (char *)cache->data + 65536;
    char line[ATTNFUZZ_LINE_MAX];
    attnfuzz_line_of_node(ggml_flash_attn_ext(ctx, q, k, v, NULL, 0.125f, 0, 0), line, sizeof line);
    assert_string_equal(
        line, "fa1 q=f32[64,2,4,1]+128 k=f16[64,16,2,1]@b+64:256,128,4096 v=f16[64,16,2,1]@b+65600:256,128,4096"
              " scale=0.125 prec=default");
    /* Cut off, and terminated all the same. */
    char small[8];
    assert_true(attnfuzz_line(q, k, v, NULL, NULL, 1, 0, 0, small, sizeof small) > sizeof small);
    assert_string_equal(small, "fa1 q=f");
    assert_true(attnfuzz_line(q, k, v, NULL, NULL, 1, 0, 0, NULL, 0) > 0);
    ggml_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_generated), cmocka_unit_test(test_addresses) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
