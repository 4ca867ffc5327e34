/* domain.c: bytes to genome and back. See domain.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/domain/domain.h"

#include <string.h>

enum { FEATURE_BYTES = (ATTN_FEATURE_COUNT + 7) / 8 };

const struct attn_gene_info attn_genes[ATTN_GENE_COUNT] = {
#define RANGE(bytes, range) ((range) ? (range) : (bytes) == 1 ? 0x100u : 0x10000u)
#define ATTN_FEATURE_ALWAYS ATTN_ALWAYS
#define X(name, bytes, range, feature) { #name, bytes, RANGE(bytes, range), ATTN_FEATURE_##feature },
    ATTN_GENES(X)
#undef X
};

static const char *const features[] = {
#define X(NAME, text) #NAME,
    ATTN_FEATURES(X)
#undef X
};

#define X(name, bytes, range, feature) +bytes
_Static_assert(FEATURE_BYTES + 0 ATTN_GENES(X) <= ATTN_GENOME_BYTES_MAX, "ATTN_GENOME_BYTES_MAX is too small");
#undef X
_Static_assert(ATTN_FEATURE_COUNT <= 32, "features are bits of a uint32_t");

const char *attn_feature_name(int feature)
{
    return feature >= 0 && feature < ATTN_FEATURE_COUNT ? features[feature] : "unknown";
}

static int is_on(const struct attn_genome *genome, int gene)
{
    return attn_genes[gene].feature == ATTN_ALWAYS || (genome->features >> attn_genes[gene].feature & 1);
}

void attn_genome_decode(const uint8_t *bytes, size_t size, struct attn_genome *genome)
{
    size_t at = 0;
    memset(genome, 0, sizeof *genome);
    for (int i = 0; i < FEATURE_BYTES; i++, at++)
        if (at < size)
            genome->features |= (uint32_t)bytes[at] << (8 * i);
    genome->features &= (uint32_t)(((uint64_t)1 << ATTN_FEATURE_COUNT) - 1);
    for (int g = 0; g < ATTN_GENE_COUNT && at < size; g++) {
        if (!is_on(genome, g))
            continue;
        uint32_t value = 0;
        for (int i = 0; i < attn_genes[g].bytes; i++, at++)
            if (at < size)
                value |= (uint32_t)bytes[at] << (8 * i);
        genome->gene[g] = value % attn_genes[g].range;
    }
}

size_t attn_genome_encode(const struct attn_genome *genome, uint8_t bytes[ATTN_GENOME_BYTES_MAX])
{
    size_t at = 0;
    for (int i = 0; i < FEATURE_BYTES; i++)
        bytes[at++] = (uint8_t)(genome->features >> (8 * i));
    for (int g = 0; g < ATTN_GENE_COUNT; g++)
        if (is_on(genome, g))
            for (int i = 0; i < attn_genes[g].bytes; i++)
                bytes[at++] = (uint8_t)(genome->gene[g] >> (8 * i));
    while (at > 0 && bytes[at - 1] == 0)
        at--;
    return at;
}

void attn_genome_settle(struct attn_genome *genome)
{
    genome->features &= (uint32_t)(((uint64_t)1 << ATTN_FEATURE_COUNT) - 1);
    for (int g = 0; g < ATTN_GENE_COUNT; g++)
        genome->gene[g] = is_on(genome, g) ? genome->gene[g] % attn_genes[g].range : 0;
}
