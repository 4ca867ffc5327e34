/* fuzz_text.c: the readers of problem lines and session scripts take any bytes: no crash, an error's place lies in the
 * text, and what they read is printed and read again as the same. Few bytes are a line, and fewer have a long number in
 * it: so each input also draws numbers and a problem that are written, read and broken by another hand (fuzz/restated).
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/case/attn_case.h"
#include "fuzz/domain/mutate.h"
#include "fuzz/restated/restated.h"
#include "fuzz/session/session.h"
#include "fuzz/targets/target.h"
#include "planner/hash.h"

/* The text itself may be anything. */
static const char *line_of(const uint8_t *data, size_t size)
{
    static char line[4 * 4096 + 16];
    char *at = line;
    *at++ = '#';
    *at++ = ' ';
    for (size_t i = 0; i < size && at < line + sizeof line - 8; i++)
        at += data[i] >= 0x20 && data[i] < 0x7f ? (*at = (char)data[i], 1) : sprintf(at, "\\x%02x", data[i]);
    *at = 0;
    return line;
}

ATTN_TARGET_OF("fuzz_text", line_of)

static void demand(bool holds, const char *what, const char *text, size_t size)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_text: %s\n  text: ", what);
    for (size_t i = 0; i < size; i++)
        fprintf(stderr, text[i] >= 0x20 && text[i] < 0x7f ? "%c" : "\\x%02x", (unsigned char)text[i]);
    fprintf(stderr, "\n");
    abort();
}

/* Bytes that begin with `session` are a script. */
static void read_script(const char *text, size_t size)
{
    static struct attn_session first, second;
    static char script[ATTN_SESSION_TEXT_MAX], again[ATTN_SESSION_TEXT_MAX];
    struct attn_session_error error = { 0 };
    size_t used;

    if (!attn_session_parse(text, size, &first, &used, &error)) {
        stats.unread++;
        demand(error.line >= 1 && error.column >= 1 && (size_t)error.line <= size + 1 && error.column <= size + 1,
               "the error's place lies outside the text", text, size);
        demand(error.message[0] != 0 && memchr(error.message, 0, sizeof error.message), "an error without a message",
               text, size);
        return;
    }
    stats.read++;
    demand(used <= size && !attn_session_check(&first), "a session was read that cannot be played", text, size);
    size_t length = attn_session_print(&first, script, sizeof script);
    demand(length < sizeof script && strlen(script) == length, "the script is longer than ATTN_SESSION_TEXT_MAX", text,
           size);
    demand(attn_session_parse(script, length, &second, &used, &error), "what was printed cannot be read", script,
           length);
    demand(memcmp(&first, &second, sizeof first) == 0, "read again it is another session", script, length);
    demand(attn_session_print(&second, again, sizeof again) == length && memcmp(script, again, length) == 0,
           "printed again it is another script", script, length);
}

/* What the input draws. */
static void restate(const uint8_t *data, size_t size)
{
    enum { NUMBERS = 4 };
    static const struct attn_domain_limits limits = ATTN_DOMAIN_UNLIMITED;
    uint64_t seed = attn_hash(ATTN_HASH_START, data, size);
    struct attn_restated_fault fault;
    struct attn_genome genome;
    struct attn_case c;
    attn_genome_random(&genome, attn_random(&seed));
    attn_genome_case(&genome, &limits, &c);
    bool same = attn_restate_line(&attn_restated_planner, &c.problem, attn_random(&seed), &fault);
    for (int i = 0; i < NUMBERS && same; i++)
        same = attn_restate_number(&attn_restated_planner, attn_random(&seed), &fault);
    if (same)
        return;
    fprintf(stderr, "fuzz_text: %s\n", fault.text);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct attn_case first, second;
    struct attn_text_error error = { 0, "" };
    struct attn_error illegal;
    char line[ATTN_CASE_LINE_MAX], again[ATTN_CASE_LINE_MAX];

    attn_crash_begin(data, size);
    attn_stats_tick(&stats);
    restate(data, size);
    if (size >= 7 && memcmp(text, "session", 7) == 0) {
        read_script(text, size);
        return 0;
    }
    if (!attn_case_parse(text, size, &first, &error)) {
        stats.unread++;
        demand(error.column >= 1 && error.column <= size + 1, "the error's column lies outside the text", text, size);
        demand(error.message[0] != 0 && memchr(error.message, 0, sizeof error.message), "an error without a message",
               text, size);
        return 0;
    }
    stats.read++;
    size_t length = attn_case_print(&first, line, sizeof line);
    demand(length < sizeof line && strlen(line) == length, "the line is longer than ATTN_CASE_LINE_MAX", text, size);
    demand(attn_case_parse(line, length, &second, &error), "what was printed cannot be read", line, length);
    demand(attn_case_equal(&first, &second), "read again it is another case", line, length);
    demand(attn_case_hash(&first) == attn_case_hash(&second), "equal cases have different hashes", line, length);
    demand(attn_case_print(&second, again, sizeof again) == length && memcmp(line, again, length) == 0,
           "printed again it is another line", line, length);
    /* A cut line is terminated and says how long it would have been. */
    char cut[16];
    demand(attn_case_print(&first, cut, sizeof cut) == length && memchr(cut, 0, sizeof cut), "a cut line is wrong",
           line, length);
    attn_problem_check(&first.problem, &illegal);
    return 0;
}
