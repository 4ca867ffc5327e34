/* dictionary.c: prints the words of problem lines and session scripts as a dictionary, in the form that libFuzzer and
 * AFL++ read. What a table has is taken from the table, and the keys from what the printers print of a problem and of
 * sessions that leave nothing out: a new type, device, kernel, event or key is in it without more.
 *
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/case/attn_case.h"
#include "fuzz/session/session.h"
#include "fuzz/session/words.h"

enum { WORD_MAX = 64, WORDS_MAX = 1024 }; /* libFuzzer's longest word has 64 bytes */

struct dictionary {
    char word[WORDS_MAX][WORD_MAX];
    int n;
};

/* Prints a word that was not printed before. */
__attribute__((format(printf, 2, 3))) static void add(struct dictionary *d, const char *format, ...)
{
    char word[WORD_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(word, sizeof word, format, args);
    va_end(args);
    if (length <= 0 || length >= WORD_MAX || strpbrk(word, "\"\\"))
        return;
    for (int i = 0; i < d->n; i++)
        if (strcmp(d->word[i], word) == 0)
            return;
    if (d->n == WORDS_MAX) {
        fprintf(stderr, "dictionary: more than %d words\n", WORDS_MAX);
        exit(1);
    }
    memcpy(d->word[d->n++], word, sizeof word);
    printf("\"%s\"\n", word);
}

/* Cuts a text at any of some characters: each piece in turn; NULL after the last. */
static char *piece(char **rest, const char *at)
{
    *rest += strspn(*rest, at);
    char *begin = *rest;
    if (!*begin)
        return NULL;
    *rest += strcspn(begin, at);
    if (**rest)
        *(*rest)++ = 0;
    return begin;
}

/* ---- Problem lines --------------------------------------------------------------------------------------- */

static void add_values(struct dictionary *d)
{
    for (int t = 0; t < ATTN_TYPE_COUNT; t++)
        add(d, "%s[", attn_type_info(t)->name);
    for (int i = 0; i < attn_device_count(); i++)
        add(d, "%s", attn_device(i)->name);
    for (int i = 0; i < attn_device_count(); i++)
        for (int w = 0; w < attn_weakening_count(); w++) {
            struct attn_device weaker;
            const char *what;
            if (attn_device_weaken(attn_device(i), w, &weaker, &what))
                add(d, "%s", what);
        }
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        add(d, "%s", attn_kernel(k)->name);
#define X(NAME, name, text) add(d, #name);
    ATTN_DATA_PROFILES(X)
    ATTN_MASK_CONTENTS(X)
    ATTN_TWINS(X)
#undef X
}

/* Everything that a line can say, said: it is printed, never run, and need not be legal. */
static void full_case(struct attn_case *c)
{
    memset(c, 0, sizeof *c);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        struct attn_tensor *t = &c->problem.t[o];
        *t = (struct attn_tensor){ .ne = { 64, 5, 4, 3 }, .type = ATTN_F32, .present = 1 };
        attn_tensor_contiguous(t);
        t->nb[3] += 64;
        t->offset = 64;
        t->buffer = 1;
    }
    c->problem.scale = c->problem.softcap = c->problem.max_bias = 0.5f;
    c->problem.head_first = 1;
    c->problem.head_total = 8;
    c->problem.prec = ATTN_PREC_F32;
    c->problem.n_kv_max = 1;
    c->problem.further = c->problem.t[ATTN_SINKS];
    c->run = (struct attn_run){ 0, 0, 0, ATTN_DATA_COUNT - 1, ATTN_MASK_CONTENT_COUNT - 1, 0, 1, 1, 1, 0 };
}

static void add_line(struct dictionary *d)
{
    static const char *const marks[] = { " | ", "sinks", "~", "@a", "@z", "+64", ":0,0,0", ":", "[", "]", ",", "/" };
    static const char *const numbers_at_edges[] = { "9223372036854775807",
                                                    "9223372036854775808",
                                                    "-1",
                                                    "4294967296",
                                                    "2147483648",
                                                    "0x1p-126",
                                                    "nan",
                                                    "inf",
                                                    "-inf",
                                                    "1e-45",
                                                    "0.0625",
                                                    "3.4028235e38" };
    struct attn_case c;
    char line[ATTN_CASE_LINE_MAX], *rest = line;
    full_case(&c);
    attn_case_print(&c, line, sizeof line);
    for (char *word; (word = piece(&rest, " "));) {
        size_t key = strcspn(word, "=");
        if (word[key] || word == line)
            add(d, "%.*s%s", (int)key, word, word[key] ? "=" : " ");
    }
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        add(d, "%s", marks[i]);
    for (size_t i = 0; i < sizeof numbers_at_edges / sizeof numbers_at_edges[0]; i++)
        add(d, "%s", numbers_at_edges[i]);
}

/* ---- Session scripts ------------------------------------------------------------------------------------- */

/* A script's words: statements whole, those of a layer one by one. */
static void add_script(struct dictionary *d, const struct attn_session *s, char *script)
{
    char *rest = script;
    attn_session_print(s, script, ATTN_SESSION_TEXT_MAX);
    piece(&rest, "{"); /* the head */
    for (char *statement; (statement = piece(&rest, ";{}"));) {
        char *words = statement + strspn(statement, " ");
        if (strncmp(words, "layer ", 6) != 0) {
            if (*words)
                add(d, " %s;", words);
            continue;
        }
        for (char *word; (word = piece(&words, " "));)
            add(d, " %s", word);
    }
}

static void full_layer(struct attn_session_layer *l)
{
    *l = (struct attn_session_layer){ .name = "a",
                                      .d_k = 576,
                                      .d_v = 512,
                                      .n_head = 2,
                                      .n_head_kv = 1,
                                      .type_k = ATTN_F32,
                                      .type_v = ATTN_BF16,
                                      .view = 1,
                                      .draft = 1,
                                      .sinks = 1,
                                      .window = 9,
                                      .scale = 0.5f,
                                      .softcap = 0.5f,
                                      .max_bias = 0.5f };
}

static void add_sessions(struct dictionary *d)
{
    struct attn_session *s = malloc(sizeof *s);
    char *script = malloc(ATTN_SESSION_TEXT_MAX);
    if (!s || !script)
        exit(1);
    attn_session_default(s);
    s->n_layers = 1;
    full_layer(&s->layer[0]);
    s->device = (s->device + 1) % attn_device_count();
    s->weakening = 0;
    s->seed = s->schedule = 1;
    for (int i = 0; i < N_NUMBERS; i++)
        *field(s, i) = numbers[i].low + 2;
    for (int op = 0; op < ATTN_SESSION_OP_COUNT; op++)
        s->event[s->n_events++] = (struct attn_session_event){ .op = op,
                                                               .slot = 1,
                                                               .tokens = 4,
                                                               .drafted = 4,
                                                               .accepted = 2,
                                                               .times = 3,
                                                               .prompt = 9,
                                                               .share = 995,
                                                               .keep = 1 };
    add(d, "session { ");
    add(d, " layer ");
    for (s->mask = 0; s->mask < ATTN_SESSION_MASK_COUNT; s->mask++) {
        s->mask_pad = s->mask == ATTN_SESSION_MASK_PADDED ? 8 : 1;
        add_script(d, s, script);
    }
    s->mask = ATTN_SESSION_MASK_EXACT;
    for (int i = 0; i < N_CHOICES; i++) {
        *choice(s, i) = !*choice(s, i);
        add_script(d, s, script);
    }
    add(d, " }");
    free(script);
    free(s);
}

int main(void)
{
    static struct dictionary dictionary;
    printf("# Words of problem lines (fuzz/case/attn_case.h) and session scripts (fuzz/session/session.h), by "
           "dictionary.c.\n");
    add_line(&dictionary);
    add_values(&dictionary);
    add_sessions(&dictionary);
    return 0;
}
