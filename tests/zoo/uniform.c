/* uniform.c: main() of a target on uniformly random bytes, until it fails: what the search of an engine is held
 * against. usage: NAME-uniform SEED MAX_LEN
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/targets/hooks.h"
#include "planner/random.h"

int main(int argc, char **argv)
{
    if (argc != 3 || atoi(argv[2]) < 1 || atoi(argv[2]) > 4096) {
        fprintf(stderr, "usage: %s SEED MAX_LEN\n", argv[0]);
        return 2;
    }
    uint64_t state = strtoull(argv[1], NULL, 10);
    size_t most = (size_t)atoi(argv[2]);
    LLVMFuzzerInitialize(&argc, &argv);
    for (;;) {
        size_t size = attn_random(&state) % (most + 1);
        uint8_t *bytes = malloc(size ? size : 1);
        if (!bytes)
            return 3;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(attn_random(&state) >> 32);
        LLVMFuzzerTestOneInput(bytes, size);
        free(bytes);
    }
}
