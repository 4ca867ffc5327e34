/* reader.c: the reader of problem lines stays within its text and what it writes to, whatever a text of up to
 * PROOF_TEXT bytes holds. A function at a time: those that it calls are replaced by what is proved of them (name_is
 * below, by proof/prove.py). Numbers with a point are proof/number.c.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/attn_planner.h"
#include "planner/arith.h"
#include "planner/bits.h"
#include "planner/hash.h"

#include <string.h>

#include "planner/type.c"
#include "planner/tensor.c"
#include "planner/text/out.c"

static void text_float(struct text *t, float value)
{
    (void)t;
    (void)value;
}

#include "planner/text/problem.c"

size_t nondet_size(void);
int nondet_int(void);
int64_t nondet_int64(void);
uint32_t nondet_uint32(void);
bool nondet_bool(void);
float nondet_float(void);

/* ---- What is proved of each, and stands in its place ----------------------------------------------------------- */

static bool is_reader(const struct reader *r) { return r->at <= r->len; }

/* The reader goes on by `least` bytes at least, and stays within its text. */
static void goes_on(struct reader *r, size_t least)
{
    const size_t at = nondet_size();
    __CPROVER_assert(is_reader(r), "the reader is within its text");
    __CPROVER_assume(at >= r->at && at <= r->len && at - r->at >= least);
    r->at = at;
}

static bool reads(struct reader *r)
{
    const bool read = nondet_bool();
    goes_on(r, read);
    return read;
}

void skip_blanks_is(struct reader *r) { goes_on(r, 0); }

bool fail_at_is(struct reader *r, size_t at, const char *message)
{
    (void)at;
    __CPROVER_assert(is_reader(r) && message != NULL, "the reader is within its text");
    return false;
}

bool fail_expected_is(struct reader *r, const char *what)
{
    __CPROVER_assert(is_reader(r) && what != NULL, "the reader is within its text");
    return false;
}

bool read_i64_is(struct reader *r, const char *what, int64_t *value)
{
    __CPROVER_assert(what != NULL, "it says what is expected");
    *value = nondet_int64();
    return reads(r);
}

size_t attn_float_parse(const char *text, size_t len, float *value)
{
    const size_t used = nondet_size();
    __CPROVER_assert(len == 0 || __CPROVER_r_ok(text, len), "the number's text is there");
    __CPROVER_assume(used <= len);
    *value = nondet_float();
    return used;
}

static int names_of(const char *(*name)(int))
{
    return name == type_name ? (int)ATTN_TYPE_COUNT : name == prec_name ? ATTN_PREC_COUNT - 1 : (int)KEY_COUNT;
}

int choose_is(struct reader *r, size_t first, const char *what, const char *(*name)(int))
{
    const int chosen = nondet_int();
    __CPROVER_assert(is_reader(r) && first <= r->at && what != NULL, "the word is within its text");
    __CPROVER_assume(chosen >= -1 && chosen < names_of(name));
    return chosen;
}

int word_distance_is(const char *s, size_t len, const char *word, int limit)
{
    (void)limit;
    __CPROVER_assert((len == 0 || __CPROVER_r_ok(s, len)) && word != NULL, "the word is there");
    return nondet_int();
}

bool read_tensor_is(struct reader *r, struct attn_tensor *t)
{
    struct attn_tensor any;
    *t = any;
    return reads(r);
}

bool read_word_is(struct reader *r, struct attn_problem *p, uint32_t *seen, bool *bare_sinks)
{
    struct attn_problem any;
    *p = any;
    *seen |= nondet_uint32();
    *bare_sinks = nondet_bool();
    return reads(r);
}

/* ---- Proofs ----------------------------------------------------------------------------------------------------- */

static char bytes[PROOF_TEXT];
static struct attn_text_error written;

/* Anywhere in a text of up to PROOF_TEXT bytes. */
static struct reader any_reader(void)
{
    struct reader r;
    r.len = nondet_size();
    __CPROVER_assume(r.len <= PROOF_TEXT);
    /* At the beginning or at the end of what may be read. */
    r.text = nondet_bool() ? bytes : bytes + (PROOF_TEXT - r.len);
    r.at = nondet_size();
    __CPROVER_havoc_object(bytes);
    __CPROVER_assume(r.at <= r.len);
    r.error = nondet_bool() ? &written : NULL;
    r.types = NULL;
    return r;
}

static void still_in(const struct reader *r, size_t before, bool read)
{
    __CPROVER_assert(r->at >= before && is_reader(r) && r->at - before >= read, "the reader goes on within its text");
}

static void message_ends(void)
{
    __CPROVER_assert(memchr(written.message, 0, sizeof written.message) != NULL, "the message ends");
}

/* Of any message, though there is none as long. */
void proof_fail(void)
{
    struct reader r = any_reader();
    char message[40];
    message[sizeof message - 1] = '\0';
    if (nondet_bool())
        fail_at(&r, nondet_size(), message);
    else
        fail_expected(&r, message);
    still_in(&r, r.at, false);
    message_ends();
}

void proof_skip_blanks(void)
{
    struct reader r = any_reader();
    const size_t before = r.at;
    skip_blanks(&r);
    still_in(&r, before, false);
}

void proof_read_i64(void)
{
    struct reader r = any_reader();
    const size_t before = r.at;
    int64_t value;
    still_in(&r, before, read_i64(&r, "an extent", &value));
}

void proof_word_distance(void)
{
    struct reader r = any_reader();
    char word[16];
    word[sizeof word - 1] = '\0';
    word_distance(r.text + r.at, r.len - r.at, word, 3);
}

static void choose_of(const char *(*name)(int))
{
    struct reader r = any_reader();
    const size_t first = nondet_size(), before = r.at;
    __CPROVER_assume(first <= r.at);
    const int chosen = choose(&r, first, "key", name);
    __CPROVER_assert(chosen >= -1 && chosen < names_of(name), "a name or none");
    still_in(&r, before, false);
    message_ends();
}

void proof_choose_type(void) { choose_of(type_name); }
void proof_choose_key(void) { choose_of(key_name); }
void proof_choose_prec(void) { choose_of(prec_name); }

void proof_read_tensor(void)
{
    struct reader r = any_reader();
    const size_t before = r.at;
    struct attn_tensor t;
    still_in(&r, before, read_tensor(&r, &t));
}

void proof_read_word(void)
{
    struct reader r = any_reader();
    const size_t before = r.at;
    struct attn_problem p;
    uint32_t seen = nondet_uint32();
    bool bare_sinks;
    still_in(&r, before, read_word(&r, &p, &seen, &bare_sinks));
}

void proof_parse(void)
{
    const struct reader r = any_reader();
    struct attn_problem p;
    size_t used;
    attn_problem_parse(r.text, r.len, &p, nondet_bool() ? &used : NULL, r.error);
}
