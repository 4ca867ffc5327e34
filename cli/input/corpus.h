/* corpus.h: cases and sessions out of a corpus: lines read, parsed and checked for legality, errors reported with their
 * place.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CORPUS_H
#define ATTNFUZZ_CORPUS_H

#include "cli/input/lines.h"
#include "fuzz/case/attn_case.h"
#include "fuzz/session/session.h"

/* Longest line of a corpus; a problem's canonical line is at most ATTN_CASE_LINE_MAX, a session's script on one line
 * longer. */
enum { CORPUS_LINE_MAX = ATTN_SESSION_TEXT_MAX, CORPUS_ERRORS_MAX = 20, CORPUS_EXPANDED_MAX = 1 << 16 };

struct corpus {
    struct lines lines;
    const struct attn_foreign_types *types; /* that lines may have too; NULL, as it is opened: none */
    int errors;                             /* reported so far */
    int64_t number;                         /* line at which the item last returned begins */
    char *script;                           /* of the session being read: CORPUS_LINE_MAX bytes */
    size_t script_len;
    struct attn_session *session; /* last read */
    struct attn_case *expanded;   /* problems of a session still to be returned as cases: from `next` on */
    int64_t n_expanded, next;
};

/* A few words more where a line was not read for a type that only a library has; NULL: that is not why. */
const char *corpus_type_words(const char *text, size_t len, const struct attn_text_error *error);
/* Opens the arguments a verb was given; false with a message when there are none or they cannot be listed. */
bool corpus_open(struct corpus *corpus, int n, char **arguments);
/* The next item: a legal case (*session is NULL), or a session that can be played (valid until the next call); *c then
 * is nothing. What cannot be read or is not legal is reported on stderr as FILE:LINE:COLUMN: why, and counted; after
 * CORPUS_ERRORS_MAX errors reading stops. False at the end. */
bool corpus_next_item(struct corpus *corpus, struct attn_case *c, const struct attn_session **session);
/* The next legal case; a session is the problems of its steps, each different one once. */
bool corpus_next(struct corpus *corpus, struct attn_case *c);
/* The place of what was last returned, as FILE:LINE. */
void corpus_place(const struct corpus *corpus, char *text, size_t cap);
/* Says that there was no problem line, or none that those named (NULL: nobody) can be asked; CLI_USAGE. */
int corpus_none(const char *asked);
/* Exit code for what was read: CLI_USAGE when a line was unreadable, or a file passed over and all else good; else
 * code. */
int corpus_close(struct corpus *corpus, int code);

#endif
