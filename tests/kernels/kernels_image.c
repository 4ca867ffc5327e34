/* The image of a problem's buffers: sizes, aliasing, roles of each byte, and that its cost goes by bytes.
 *
 * SPDX-License-Identifier: MIT */
#include "tests/kernels/kernels_common.h"

static struct attn_problem plain_problem(void)
{
    struct kernel_case c = { .d_k = 32,
                             .d_v = 16,
                             .n_q = 3,
                             .n_kv = 5,
                             .n_head = 4,
                             .n_head_kv = 2,
                             .n_seq = 2,
                             .type_k = ATTN_F16,
                             .type_v = ATTN_F16,
                             .mask = KERNEL_MASK_CAUSAL,
                             .sinks = true };
    struct attn_problem p;
    kernel_problem(&c, &p);
    return p;
}

static struct attn_image create(const struct attn_problem *p)
{
    struct attn_image image;
    assert_int_equal(attn_problem_check(p, NULL), ATTN_E_OK);
    assert_true(attn_image_create(p, 1 << 28, &image));
    return image;
}

/* Marks elements one by one, as the definition of strides says. */
static uint8_t *roles_by_definition(const struct attn_problem *p, const struct attn_image *image, int buffer)
{
    uint8_t *role = calloc((size_t)image->buffer[buffer].size, 1);
    assert_non_null(role);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const struct attn_tensor *t = &p->t[o];
        if (image->buffer_of[o] != buffer)
            continue;
        const struct attn_type_info *info = attn_type_info(t->type);
        for (int64_t i3 = 0; i3 < t->ne[3]; i3++)
            for (int64_t i2 = 0; i2 < t->ne[2]; i2++)
                for (int64_t i1 = 0; i1 < t->ne[1]; i1++)
                    for (int64_t b = 0; b < t->ne[0] / info->block_elems; b++) {
                        int64_t at = t->offset + b * info->block_bytes;
                        at += (t->ne[1] > 1 ? i1 * t->nb[1] : 0) + (t->ne[2] > 1 ? i2 * t->nb[2] : 0);
                        at += t->ne[3] > 1 ? i3 * t->nb[3] : 0;
                        memset(role + at, o == ATTN_DST ? ATTN_ROLE_DST : ATTN_ROLE_INPUT, (size_t)info->block_bytes);
                    }
    }
    return role;
}

static void expect_roles(const struct attn_problem *p)
{
    struct attn_image image = create(p);
    int64_t bytes = 0;
    for (int b = 0; b < image.n_buffers; b++) {
        uint8_t *want = roles_by_definition(p, &image, b);
        assert_memory_equal(image.buffer[b].role, want, (size_t)image.buffer[b].size);
        for (int64_t i = 0; i < image.buffer[b].size; i++)
            assert_int_equal(image.buffer[b].bytes[i], 0xFF);
        bytes += image.buffer[b].size;
        free(want);
    }
    assert_int_equal(attn_image_bytes(p), bytes);
    attn_image_free(&image);
}

static void roles_follow_strides_on_every_layout(void **state)
{
    (void)state;
    for (int layout = 0; layout < KERNEL_LAYOUT_COUNT; layout++)
        for (int type = 0; type < ATTN_TYPE_COUNT; type++) {
            struct kernel_case c = { .d_k = 64,
                                     .d_v = 32,
                                     .n_q = 3,
                                     .n_kv = 5,
                                     .n_head = 4,
                                     .n_head_kv = 2,
                                     .n_seq = 2,
                                     .type_k = type,
                                     .type_v = type,
                                     .mask = KERNEL_MASK_CAUSAL,
                                     .mask_wider = 3,
                                     .mask_taller = 1,
                                     .layout = (enum kernel_layout)layout,
                                     .sinks = true };
            struct attn_problem p;
            kernel_problem(&c, &p);
            expect_roles(&p);
        }
}

static void strides_of_single_extents_are_not_looked_at(void **state)
{
    (void)state;
    struct attn_problem p = plain_problem();
    p.t[ATTN_SINKS].nb[1] = p.t[ATTN_SINKS].nb[2] = INT64_MAX & ~(int64_t)3;
    p.t[ATTN_MASK].nb[3] = 2;
    expect_roles(&p);
}

static void operands_without_a_letter_have_buffers_of_their_own(void **state)
{
    (void)state;
    struct attn_problem p = plain_problem();
    struct attn_image image = create(&p);
    assert_int_equal(image.n_buffers, ATTN_OPERAND_COUNT);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        assert_int_equal(image.buffer_of[o], o);
        assert_ptr_equal(attn_image_at(&image, &p, o), image.buffer[o].bytes);
    }
    attn_image_free(&image);
}

static void absent_operands_have_none(void **state)
{
    (void)state;
    struct attn_problem p = plain_problem();
    p.t[ATTN_MASK].present = p.t[ATTN_SINKS].present = 0;
    p.t[ATTN_MASK].offset = INT64_MAX; /* nothing of an absent tensor is read */
    struct attn_image image = create(&p);
    assert_int_equal(image.n_buffers, 4);
    assert_int_equal(image.buffer_of[ATTN_MASK], -1);
    assert_null(attn_image_at(&image, &p, ATTN_MASK));
    assert_null(attn_image_at(&image, &p, ATTN_SINKS));
    attn_image_free(&image);
}

static void equal_letters_share_a_buffer_and_mark_only_their_rows(void **state)
{
    (void)state;
    struct attn_problem p = plain_problem();
    /* K and V row by row in one buffer, then dst behind them. */
    int64_t row_k = 64, row_v = 32, row = row_k + row_v;
    for (int o = ATTN_K; o <= ATTN_V; o++) {
        struct attn_tensor *t = &p.t[o];
        t->buffer = 3;
        t->offset = o == ATTN_K ? 0 : row_k;
        t->nb[1] = row;
        t->nb[2] = row * 5 + 6; /* a gap of three elements between heads */
        t->nb[3] = 2 * t->nb[2];
    }
    p.t[ATTN_DST].buffer = 3;
    p.t[ATTN_DST].offset = 4096;
    expect_roles(&p);
    struct attn_image image = create(&p);
    assert_int_equal(image.buffer_of[ATTN_K], image.buffer_of[ATTN_V]);
    assert_int_equal(image.buffer_of[ATTN_K], image.buffer_of[ATTN_DST]);
    const uint8_t *role = image.buffer[image.buffer_of[ATTN_K]].role;
    assert_int_equal(role[row * 5 - 1], ATTN_ROLE_INPUT);
    assert_int_equal(role[row * 5], ATTN_ROLE_GAP);
    assert_int_equal(role[4095], ATTN_ROLE_GAP);
    assert_int_equal(role[4096], ATTN_ROLE_DST);
    attn_image_free(&image);
}

static void more_than_the_caller_allows_is_refused(void **state)
{
    (void)state;
    struct attn_problem p = plain_problem();
    struct attn_image image;
    int64_t bytes = attn_image_bytes(&p);
    assert_false(attn_image_create(&p, bytes - 1, &image));
    assert_int_equal(image.n_buffers, 0);
    assert_true(attn_image_create(&p, bytes, &image));
    attn_image_free(&image);
}

static void sizes_near_the_end_of_int64_saturate(void **state)
{
    (void)state;
    struct attn_problem p = plain_problem();
    struct attn_image image;
    p.t[ATTN_K].offset = INT64_MAX / 4 * 2; /* each fits, their sum does not */
    p.t[ATTN_V].offset = INT64_MAX / 4 * 2;
    p.t[ATTN_Q].offset = INT64_MAX / 8 * 4;
    assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
    assert_int_equal(attn_image_reach(&p), INT64_MAX);
    assert_false(attn_image_create(&p, INT64_MAX, &image));
    assert_int_equal(image.n_buffers, 0);
}

/* K's rows lie `stride` apart, Q begins and the mask's heads follow as far away. */
static struct attn_problem far_problem(int64_t stride)
{
    struct attn_problem p = plain_problem();
    p.t[ATTN_K].nb[1] = stride;
    p.t[ATTN_K].nb[2] = 5 * stride;
    p.t[ATTN_K].nb[3] = 10 * stride;
    p.t[ATTN_Q].offset = stride;
    p.t[ATTN_MASK].nb[2] = p.t[ATTN_MASK].nb[3] = stride;
    return p;
}

/* Every byte of a tensor's elements is in a stretch, with gap bytes of the pattern before and behind it. */
static void expect_rows(const struct attn_problem *p, const struct attn_image *image, int o)
{
    const struct attn_tensor *t = &p->t[o];
    const struct attn_buffer *b = &image->buffer[image->buffer_of[o]];
    const int64_t row = attn_row_bytes(t->type, t->ne[0]), margin = 256;
    for (int64_t i3 = 0; i3 < t->ne[3]; i3++)
        for (int64_t i2 = 0; i2 < t->ne[2]; i2++)
            for (int64_t i1 = 0; i1 < t->ne[1]; i1++) {
                const int64_t at = t->offset + (t->ne[1] > 1 ? i1 * t->nb[1] : 0) + (t->ne[2] > 1 ? i2 * t->nb[2] : 0) +
                                   (t->ne[3] > 1 ? i3 * t->nb[3] : 0);
                int32_t s = 0;
                while (s < b->n_stretches && b->stretch[s].end <= at)
                    s++;
                assert_true(s < b->n_stretches);
                assert_true(b->stretch[s].start <= (at > margin ? at - margin : 0));
                assert_true(b->stretch[s].end >= (at + row + margin < b->size ? at + row + margin : b->size));
                for (int64_t i = 0; i < row; i++)
                    assert_int_equal(b->role[at + i], o == ATTN_DST ? ATTN_ROLE_DST : ATTN_ROLE_INPUT);
                for (int64_t i = b->stretch[s].start; i < b->stretch[s].end; i++)
                    assert_int_equal(b->bytes[i], 0xFF);
            }
}

/* Rows terabytes apart take some pages each, and say where they are. */
static void rows_far_apart_are_stretches(void **state)
{
    (void)state;
    static const int64_t strides[] = { 20000, 1 << 21, INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(0x1999999998) };
    for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++) {
        struct attn_problem p = far_problem(strides[i]);
        struct attn_image image = create(&p), mirror;
        int64_t bytes = 0, reach = 0;
        for (int b = 0; b < image.n_buffers; b++) {
            reach += image.buffer[b].size;
            for (int32_t s = 0; s < image.buffer[b].n_stretches; s++) {
                const struct attn_stretch at = image.buffer[b].stretch[s];
                assert_true(at.start < at.end && at.end <= image.buffer[b].size);
                assert_true(s == 0 || at.start > image.buffer[b].stretch[s - 1].end);
                bytes += at.end - at.start;
            }
        }
        assert_int_equal(attn_image_bytes(&p), bytes);
        assert_int_equal(attn_image_reach(&p), reach);
        assert_true(bytes < 1 << 20);
        for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
            expect_rows(&p, &image, o);
        assert_true(attn_image_mirror(&image, &mirror));
        memset(attn_image_at(&mirror, &p, ATTN_K), 1, 64);
        assert_int_equal(*(uint8_t *)attn_image_at(&image, &p, ATTN_K), 0xFF);
        attn_image_mirror_free(&mirror);
        attn_image_free(&image);
        assert_false(attn_image_create(&p, bytes - 1, &image));
    }
}

/* What reaches further than there are addresses for is refused, however little of it there is. */
static void a_reach_beyond_the_address_space_is_refused(void **state)
{
    (void)state;
    struct attn_problem p = plain_problem();
    struct attn_image image;
    p.t[ATTN_Q].offset = ATTN_REACH_MOST;
    assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
    assert_true(attn_image_bytes(&p) < 1 << 20);
    assert_false(attn_image_create(&p, INT64_MAX, &image));
    p.t[ATTN_Q].offset = ATTN_REACH_MOST - (1 << 20);
    image = create(&p);
    attn_image_free(&image);
}

/* Rows in such numbers that a list of them would be longer than they are one stretch, with their gaps. */
static void very_many_far_rows_are_one_stretch(void **state)
{
    (void)state;
    struct attn_problem p = plain_problem();
    p.t[ATTN_MASK].ne[1] = (1 << 16) + 1;
    p.t[ATTN_MASK].ne[2] = p.t[ATTN_MASK].ne[3] = 1;
    p.t[ATTN_MASK].nb[1] = 20000;
    assert_int_equal(attn_problem_check(&p, NULL), ATTN_E_OK);
    assert_true(attn_image_bytes(&p) >= INT64_C(20000) << 16);
    p.t[ATTN_MASK].ne[1]--;
    assert_true(attn_image_bytes(&p) < INT64_C(20000) << 16);
}

/* A mask of 2^40 rows in a kilobyte: broadcast rows are marked once. */
static void broadcast_extents_cost_nothing(void **state)
{
    (void)state;
    struct attn_problem p = plain_problem();
    p.t[ATTN_MASK].ne[1] = (int64_t)1 << 40;
    p.t[ATTN_MASK].nb[1] = 0;
    p.t[ATTN_MASK].nb[2] = p.t[ATTN_MASK].nb[3] = 0;
    struct attn_image image = create(&p);
    assert_int_equal(image.buffer[image.buffer_of[ATTN_MASK]].size, 10);
    attn_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_follow_strides_on_every_layout),
        cmocka_unit_test(strides_of_single_extents_are_not_looked_at),
        cmocka_unit_test(operands_without_a_letter_have_buffers_of_their_own),
        cmocka_unit_test(absent_operands_have_none),
        cmocka_unit_test(equal_letters_share_a_buffer_and_mark_only_their_rows),
        cmocka_unit_test(more_than_the_caller_allows_is_refused),
        cmocka_unit_test(sizes_near_the_end_of_int64_saturate),
        cmocka_unit_test(rows_far_apart_are_stretches),
        cmocka_unit_test(a_reach_beyond_the_address_space_is_refused),
        cmocka_unit_test(very_many_far_rows_are_one_stretch),
        cmocka_unit_test(broadcast_extents_cost_nothing),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
