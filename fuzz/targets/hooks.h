/* hooks.h: what an engine calls: libFuzzer's interface (LLVM, docs/LibFuzzer.rst and FuzzerInterface.h), which AFL++'s
 * driver and replay.c call too.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HOOKS_H
#define ATTN_HOOKS_H

#include <stddef.h>
#include <stdint.h>

/* Of a target. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of a kind of input that has a mutator: entry_INPUT.c. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t max_size, unsigned int seed);

#endif
