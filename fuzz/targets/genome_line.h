/* genome_line.h: the line of an input that is a genome, for crash.h, in a target whose problems have no limits.
 * Included by targets alone.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_GENOME_LINE_H
#define ATTN_GENOME_LINE_H

#include "fuzz/domain/domain.h"

static inline void genome_case(const uint8_t *data, size_t size, struct attn_case *c)
{
    static const struct attn_domain_limits limits = ATTN_DOMAIN_UNLIMITED;
    static struct attn_genome genome;
    attn_genome_decode(data, size, &genome);
    attn_genome_case(&genome, &limits, c);
}

static inline const char *genome_line(const uint8_t *data, size_t size)
{
    static struct attn_case c;
    static char line[ATTN_CASE_LINE_MAX];
    genome_case(data, size, &c);
    attn_case_print(&c, line, sizeof line);
    return line;
}

#endif
