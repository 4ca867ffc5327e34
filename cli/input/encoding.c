/* encoding.c: what a text's bytes are.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/encoding.h"

#include <stdbool.h>
#include <string.h>

enum { SNIFFED = 64 };

/* Is byte `zero` of nearly every pair zero, and the other one of nearly none? */
static bool has_zeros(const char *bytes, size_t n, size_t zero)
{
    size_t zeros = 0, others = 0;
    n = n < SNIFFED ? n & ~(size_t)1 : SNIFFED;
    for (size_t i = 0; i < n; i += 2) {
        others += !bytes[i + 1 - zero];
        zeros += !bytes[i + zero];
    }
    return n >= 4 && zeros >= (n / 2 * 3 + 3) / 4 && others <= n / 2 / 8;
}

enum encoding encoding_of(const char *bytes, size_t n, size_t *mark)
{
    *mark = 0;
    if (n >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) {
        *mark = 3;
        return ENCODING_UTF8_MARK;
    }
    bool little = n >= 2 && !memcmp(bytes, "\xff\xfe", 2), big = n >= 2 && !memcmp(bytes, "\xfe\xff", 2);
    *mark = little || big ? 2 : 0;
    if (little || has_zeros(bytes, n, 1))
        return ENCODING_UTF16_LITTLE;
    return big || has_zeros(bytes, n, 0) ? ENCODING_UTF16_BIG : ENCODING_BYTES;
}

const char *encoding_name(enum encoding encoding)
{
    switch (encoding) {
    case ENCODING_UTF16_LITTLE: return "UTF-16 (little endian)";
    case ENCODING_UTF16_BIG: return "UTF-16 (big endian)";
    case ENCODING_UTF8_MARK: return "UTF-8 with a byte order mark";
    default: return "bytes";
    }
}

static size_t put(uint32_t c, char *to)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n - 1; i; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(first[n] | c);
    return n;
}

size_t encoding_to_utf8(struct encoding_state *s, const char *from, size_t n, char *to)
{
    enum { NO_CHARACTER = 0xfffd };
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned byte = (unsigned char)from[i];
        if (!s->half) {
            s->half = (int)byte + 1;
            continue;
        }
        unsigned before = (unsigned)s->half - 1;
        uint32_t unit = s->encoding == ENCODING_UTF16_BIG ? before << 8 | byte : byte << 8 | before;
        bool low = unit >= 0xdc00 && unit < 0xe000;
        s->half = 0;
        if (s->high && low) {
            out += put(0x10000 + ((s->high - 0xd800) << 10) + (unit - 0xdc00), to + out);
            s->high = 0;
            continue;
        }
        if (s->high)
            out += put(NO_CHARACTER, to + out);
        s->high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
        if (!s->high)
            out += put(low ? NO_CHARACTER : unit, to + out);
    }
    return out;
}

const char *encoding_words(const char *text, size_t len)
{
    static const struct {
        const char *bytes, *words;
    } known[] = {
        { "\x1b[", "the line holds colour codes" },
        { "\xc2\xa0", "the line holds a no-break space (U+00A0)" },
        { "\xe2\x80\x8b", "the line holds a space without width (U+200B)" },
        { "\xe2\x80\x98", "the line holds typographic quotation marks" },
        { "\xe2\x80\x99", "the line holds typographic quotation marks" },
        { "\xe2\x80\x9c", "the line holds typographic quotation marks" },
        { "\xe2\x80\x9d", "the line holds typographic quotation marks" },
        { "\xe2\x80\x93", "the line holds a dash that is no minus (U+2013)" },
        { "\xe2\x88\x92", "the line holds a minus that is no ASCII (U+2212)" },
        { "\xc3\x97", "the line holds a multiplication sign that is no x (U+00D7)" },
    };
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        return "the line begins with a UTF-8 byte order mark";
    if (memchr(text, 0, len))
        return "the line holds a NUL byte";
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        size_t n = strlen(known[k].bytes);
        for (size_t i = 0; i + n <= len; i++)
            if (!memcmp(text + i, known[k].bytes, n))
                return known[k].words;
    }
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] >= 0x80)
            return "the line holds bytes that are no ASCII";
    return NULL;
}
