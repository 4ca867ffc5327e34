/* memchr, which CBMC has no model of.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

void *memchr(const void *bytes, int value, size_t n)
{
    for (const unsigned char *at = bytes; n > 0; at++, n--)
        if (*at == (unsigned char)value)
            return (void *)at;
    return NULL;
}
