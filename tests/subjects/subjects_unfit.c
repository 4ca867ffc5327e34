/* subjects_unfit.c: each reason for which a ggml launch cannot run on its device, from GPU code made for it.
 *
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "code/sample.h"
#include "subjects/ggml/subject.h"

static const uint32_t real[] = { 0x7e000280, 0xbf810000 }; /* v_mov_b32 v0, 0; s_endpgm */
static const uint32_t empty[] = { 0xbf810000 };            /* s_endpgm */
static const uint32_t trap[] = { 0xbf920002, 0xbf82fffe }; /* s_trap 2; s_branch to itself */

static const struct code_sample_kernel kernels[] = {
    { "attn_real", 1024, 256, 64, 32, 0, real, 2 },
    { "attn_empty", 0, 1024, 64, 1, 0, empty, 1 },
    { "attn_trap", 0, 1024, 64, 1, 0, trap, 2 },
    { "attn_wave32", 0, 1024, 32, 1, 0, real, 2 },
};

static int reason(struct ggml_subject *s, int device, const char *kernel, uint32_t grid, uint32_t threads, uint32_t lds)
{
    char text[200];
    struct attn_subject_launch launch = { kernel, kernel, { grid, 1, 1 }, { threads, 1, 1 }, lds };
    int unfit = ggml_unfit(&s->base, device, &launch, text, sizeof text);
    assert_int_equal(ggml_unfit(&s->base, device, &launch, text, sizeof text), unfit); /* remembered the same */
    return unfit;
}

static void test_reasons(void **state)
{
    (void)state;
    struct ggml_subject *s = calloc(1, sizeof *s);
    struct code_sample object = { NULL, 0, 0 };
    struct attn_code_error error;
    assert_non_null(s);
    code_sample_object(&object, "gfx906", kernels, sizeof kernels / sizeof kernels[0]);
    s->code = attn_code_read(object.bytes, object.size, NULL, &error);
    if (!s->code)
        fail_msg("%s", error.text);
    s->base.n_devices = 2;
    s->base.device[0] = *attn_device_find("gfx906");
    s->base.device[1] = *attn_device_find("gfx1100");
    s->device[0].has_code = attn_code_has_device(s->code, "gfx906");
    s->device[1].has_code = attn_code_has_device(s->code, "gfx1100");

    assert_int_equal(reason(s, 0, "attn_real", 1, 256, 63 * 1024), ATTN_UNFIT_NOT);
    assert_int_equal(reason(s, 0, "attn_real", 1, 256, 63 * 1024 + 1), ATTN_UNFIT_LDS);
    assert_int_equal(reason(s, 0, "attn_real", 1, 257, 0), ATTN_UNFIT_THREADS);
    assert_int_equal(reason(s, 0, "attn_real", 1, 0, 0), ATTN_UNFIT_THREADS);
    assert_int_equal(reason(s, 0, "attn_real", 0, 64, 0), ATTN_UNFIT_GRID);
    assert_int_equal(reason(s, 0, "attn_missing", 1, 64, 0), ATTN_UNFIT_NO_CODE);
    assert_int_equal(reason(s, 0, "attn_empty", 1, 64, 0), ATTN_UNFIT_STUB);
    assert_int_equal(reason(s, 0, "attn_trap", 1, 64, 0), ATTN_UNFIT_STUB);
    assert_int_equal(reason(s, 0, "attn_wave32", 1, 64, 0), ATTN_UNFIT_WAVE);
    assert_int_equal(reason(s, 1, "attn_real", 1, 64, 0), ATTN_UNFIT_NO_DEVICE);

    assert_true(ggml_is_attention(&s->base, "_ZL15flash_attn_tileILi40EEv"));
    assert_false(ggml_is_attention(&s->base, "_ZL25flash_attn_combine_resultsILi64EEv"));
    assert_false(ggml_is_attention(&s->base, "_ZL10convert_f16v"));
    attn_code_close(s->code);
    free(object.bytes);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_reasons) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
