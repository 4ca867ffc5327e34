/* words.h: what ggml says in words, as data. ggml has no other way to tell why it gave up than the text of its abort
 * and of its log, and what a kernel does than its name: this is the one file where foreign text decides anything.
 *
 * Version whose words are known: ggml 0.27.0, as Debian ships it. One that words it otherwise gives
 * ATTN_SUBJECT_NO_REASON and no place: its aborts are findings all the same, named by their whole message.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_GGML_WORDS_H
#define ATTN_GGML_WORDS_H

#include "subjects/attn_subject.h"

/* Answers a call that ended in ggml_abort: message is what its callback was given, log the first error that was logged
 * in the call ("" for none). ABORTED, with its reason and place; launches in the answer stay. */
void ggml_words_read(const char *message, const char *log, struct attn_subject_answer *answer);

/* Does a kernel of that name compute attention? */
bool ggml_words_attention(const char *kernel);

#endif
