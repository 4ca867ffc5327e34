/* subjects_answer.c: answers as data: what ggml's words are read as, and which subject a text opens.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "subjects/ggml/words.h"

static void test_words(void **state)
{
    static const struct {
        const char *message, *log, *file, *words;
        int line, reason;
    } cases[] = {
        { "/b/ggml-cuda/template-instances/../fattn-tile.cuh:1319: fatal error", "", "fattn-tile.cuh", "fatal error",
          1319, ATTN_SUBJECT_GAVE_UP },
        { "ggml-cuda.cu:109: ROCm error", "ROCm error: invalid launch configuration", "ggml-cuda.cu",
          "ROCm error: ROCm error: invalid launch configuration", 109, ATTN_SUBJECT_DEVICE_ERROR },
        { "ggml-cuda.cu:109: ROCm error", "ROCm error: out of memory", "ggml-cuda.cu",
          "ROCm error: ROCm error: out of memory", 109, ATTN_SUBJECT_MEMORY },
        { "/a/ggml.c:7: GGML_ASSERT(a:b) failed", "", "ggml.c", "GGML_ASSERT(a:b) failed", 7, ATTN_SUBJECT_ASSERTED },
        { "another way to say it", "", "", "another way to say it", 0, ATTN_SUBJECT_NO_REASON },
        { "folder/:3: fatal error", "", "", "folder/:3: fatal error", 0, ATTN_SUBJECT_GAVE_UP },
        { "a.c:0: fatal error", "", "", "a.c:0: fatal error", 0, ATTN_SUBJECT_GAVE_UP },
        { "a.c:12", "", "", "a.c:12", 0, ATTN_SUBJECT_NO_REASON },
        { "", "", "", "", 0, ATTN_SUBJECT_NO_REASON },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attn_subject_answer answer;
        attn_subject_answer_set(&answer, ATTN_SUBJECT_YES, ATTN_SUBJECT_NO_REASON);
        ggml_words_read(cases[i].message, cases[i].log, &answer);
        assert_int_equal(answer.status, ATTN_SUBJECT_ABORTED);
        assert_int_equal(answer.why.reason, cases[i].reason);
        assert_int_equal(answer.why.line, cases[i].line);
        assert_string_equal(answer.why.file, cases[i].file);
        assert_string_equal(answer.message + answer.why.words, cases[i].words);
    }
}

static void test_same(void **state)
{
    struct attn_subject_answer a, b;
    (void)state;
    attn_subject_answer_set(&a, ATTN_SUBJECT_ABORTED, ATTN_SUBJECT_GAVE_UP);
    attn_subject_answer_set(&b, ATTN_SUBJECT_ABORTED, ATTN_SUBJECT_GAVE_UP);
    assert_true(attn_subject_why_equal(&a.why, &b.why));
    b.why.line = 1;
    assert_false(attn_subject_why_equal(&a.why, &b.why));
    b.why.line = 0;
    strcpy(b.why.file, "fattn.cu");
    assert_false(attn_subject_why_equal(&a.why, &b.why));
    b.why = a.why;
    b.why.number = 4;
    assert_false(attn_subject_why_equal(&a.why, &b.why));
    b.why = a.why;
    b.why.reason = ATTN_SUBJECT_ASSERTED;
    assert_false(attn_subject_why_equal(&a.why, &b.why));
}

/* Each row is found by its own name, with an argument where it takes one and only there. */
static void test_openers(void **state)
{
    const char *argument;
    (void)state;
    assert_true(attn_subject_opener_count() >= 2);
    for (int i = 0; i < attn_subject_opener_count(); i++) {
        const struct attn_subject_opener *o = attn_subject_opener(i);
        char text[64];
        assert_true(o->help[0] && o->open);
        snprintf(text, sizeof text, "%s", o->name);
        const bool may_lack = !o->argument || o->argument[0] == '[';
        assert_ptr_equal(attn_subject_opener_find(text, &argument), may_lack ? o : NULL);
        snprintf(text, sizeof text, "%s=", o->name);
        assert_null(attn_subject_opener_find(text, &argument));
        snprintf(text, sizeof text, "%s=a=b", o->name);
        assert_ptr_equal(attn_subject_opener_find(text, &argument), o->argument ? o : NULL);
        assert_string_equal(argument, "a=b");
        snprintf(text, sizeof text, "%sx", o->name);
        assert_null(attn_subject_opener_find(text, &argument));
    }
    assert_null(attn_subject_opener(-1));
    assert_null(attn_subject_opener(attn_subject_opener_count()));
    assert_null(attn_subject_opener_find("", &argument));
}

static void test_own_opens(void **state)
{
    const char *argument;
    char error[128] = "";
    struct attn_subject *subject = NULL;
    struct attn_subject_options options = { 0 };
    (void)state;
    const struct attn_subject_opener *own = attn_subject_opener_find("own", &argument);
    assert_non_null(own);
    assert_int_equal(own->open(&options, &subject, error, sizeof error), ATTN_SUBJECT_OPENED);
    assert_int_equal(subject->n_devices, attn_device_count());
    attn_subject_close(subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_words), cmocka_unit_test(test_same),
                                        cmocka_unit_test(test_openers), cmocka_unit_test(test_own_opens) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
