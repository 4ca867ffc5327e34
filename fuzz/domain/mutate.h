/* mutate.h: mutation and crossover of genomes, one implementation for every engine.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MUTATE_H
#define ATTN_MUTATE_H

#include "fuzz/domain/domain.h"

/* A random genome: a few features on, their genes drawn. */
void attn_genome_random(struct attn_genome *genome, uint64_t seed);

/* Changes a canonical genome in one to a few places: a feature switched (its genes drawn anew when it comes on), a gene
 * drawn, a gene moved by one or set to an end of its range, now and then all of it. The result is canonical. */
void attn_genome_mutate(struct attn_genome *genome, uint64_t seed);

/* A child that takes each feature, with its genes, from one of two parents. */
void attn_genome_cross(const struct attn_genome *a, const struct attn_genome *b, uint64_t seed,
                       struct attn_genome *child);

/* The same on inputs: decode, change, encode into out[cap]. Returns the child's size, at most cap. */
size_t attn_input_mutate(const uint8_t *in, size_t size, uint8_t *out, size_t cap, uint64_t seed);
size_t attn_input_cross(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t cap,
                        uint64_t seed);

#endif
