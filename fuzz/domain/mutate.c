/* mutate.c: mutation and crossover of genomes. See mutate.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/domain/mutate.h"

#include <string.h>

#include "planner/random.h"

static bool is_on(const struct attn_genome *genome, int gene)
{
    int feature = attn_gene_info(gene)->feature;
    return feature == ATTN_ALWAYS || (genome->features >> feature & 1);
}

static void draw_genes(struct attn_genome *genome, int feature, uint64_t *state)
{
    for (int g = 0; g < ATTN_GENE_COUNT; g++)
        if (attn_gene_info(g)->feature == feature)
            genome->gene[g] = (uint32_t)attn_random_below(state, attn_gene_info(g)->range);
}

static int pick_gene(const struct attn_genome *genome, uint64_t *state)
{
    for (;;) {
        int g = (int)attn_random_below(state, ATTN_GENE_COUNT);
        if (is_on(genome, g))
            return g;
    }
}

void attn_genome_random(struct attn_genome *genome, uint64_t seed)
{
    uint64_t state = seed;
    memset(genome, 0, sizeof *genome);
    /* How full a genome is differs from one to the next: 1 to 12 features of 16. */
    uint64_t share = 1 + attn_random_below(&state, 12);
    for (int i = 0; i < ATTN_FEATURE_COUNT; i++)
        if (attn_random_below(&state, 16) < share)
            genome->features |= 1u << i;
    for (int feature = 0; feature <= ATTN_ALWAYS; feature++)
        draw_genes(genome, feature, &state);
    attn_genome_settle(genome);
}

static void change_once(struct attn_genome *genome, uint64_t *state)
{
    uint64_t what = attn_random_below(state, 16);
    if (what < 5) {
        int feature = (int)attn_random_below(state, ATTN_FEATURE_COUNT);
        genome->features ^= 1u << feature;
        if (genome->features >> feature & 1)
            draw_genes(genome, feature, state);
    } else if (what < 12) {
        int g = pick_gene(genome, state);
        genome->gene[g] = (uint32_t)attn_random_below(state, attn_gene_info(g)->range);
    } else {
        int g = pick_gene(genome, state);
        uint32_t range = attn_gene_info(g)->range, value = genome->gene[g];
        switch (attn_random_below(state, 4)) {
        case 0: value = value + 1 < range ? value + 1 : 0; break;
        case 1: value = value > 0 ? value - 1 : range - 1; break;
        case 2: value = 0; break;
        default: value = range - 1; break;
        }
        genome->gene[g] = value;
    }
}

void attn_genome_mutate(struct attn_genome *genome, uint64_t seed)
{
    uint64_t state = seed;
    if (attn_random_below(&state, 12) == 0) {
        attn_genome_random(genome, attn_random(&state));
        return;
    }
    static const uint8_t changes[8] = { 1, 1, 1, 2, 2, 3, 4, 8 };
    for (int n = changes[attn_random_below(&state, 8)]; n > 0; n--)
        change_once(genome, &state);
    attn_genome_settle(genome);
}

void attn_genome_cross(const struct attn_genome *a, const struct attn_genome *b, uint64_t seed,
                       struct attn_genome *child)
{
    uint64_t from_b = attn_random(&seed);
    memset(child, 0, sizeof *child);
    for (int i = 0; i < ATTN_FEATURE_COUNT; i++)
        child->features |= (from_b >> i & 1 ? b : a)->features & 1u << i;
    for (int g = 0; g < ATTN_GENE_COUNT; g++) {
        int feature = attn_gene_info(g)->feature;
        /* Genes that every case has are taken one by one. */
        bool b_gives = feature == ATTN_ALWAYS ? attn_random(&seed) >> 63 : from_b >> feature & 1;
        child->gene[g] = (b_gives ? b : a)->gene[g];
    }
    attn_genome_settle(child);
}

static size_t put(const struct attn_genome *genome, uint8_t *out, size_t cap)
{
    uint8_t bytes[ATTN_GENOME_BYTES_MAX];
    size_t size = attn_genome_encode(genome, bytes);
    if (size > cap)
        size = cap;
    memcpy(out, bytes, size);
    return size;
}

size_t attn_input_mutate(const uint8_t *in, size_t size, uint8_t *out, size_t cap, uint64_t seed)
{
    struct attn_genome genome;
    attn_genome_decode(in, size, &genome);
    attn_genome_mutate(&genome, seed);
    return put(&genome, out, cap);
}

size_t attn_input_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t cap,
                        uint64_t seed)
{
    struct attn_genome one, two, child;
    attn_genome_decode(a, a_size, &one);
    attn_genome_decode(b, b_size, &two);
    attn_genome_cross(&one, &two, seed, &child);
    return put(&child, out, cap);
}
