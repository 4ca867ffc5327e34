/* encoding.h: what a text's bytes are: UTF-8 with or without a byte order mark, UTF-16.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_ENCODING_H
#define ATTNFUZZ_ENCODING_H

#include <stddef.h>
#include <stdint.h>

enum encoding { ENCODING_BYTES, ENCODING_UTF8_MARK, ENCODING_UTF16_LITTLE, ENCODING_UTF16_BIG };

/* What a text is that begins with these bytes: by its byte order mark; without one UTF-16 by the zero beside each of
 * its first characters. *mark gets the bytes of the byte order mark, 0 when there is none. */
enum encoding encoding_of(const char *bytes, size_t n, size_t *mark);
/* "UTF-16 (little endian)" */
const char *encoding_name(enum encoding encoding);

/* UTF-16 that comes in pieces. All zero but `encoding` at the beginning. */
struct encoding_state {
    enum encoding encoding;
    int half;      /* first byte of a unit whose second has not come, plus one; 0: none */
    uint32_t high; /* first half of a pair of surrogates; 0: none */
};

/* Writes a piece as UTF-8, at most 3 bytes for each 2 of the piece and 6 more; what is no character becomes U+FFFD.
 * Returns how many bytes were written. */
size_t encoding_to_utf8(struct encoding_state *state, const char *from, size_t n, char *to);

/* What is in a line that no reader here takes, in words: a byte order mark, a NUL, colour codes, characters that look
 * like others; NULL when there is nothing to say. */
const char *encoding_words(const char *text, size_t len);

#endif
