/* planted.c: which fault of a woven build is selected, and how often its place was reached and made a difference. The
 * counts are in the file that ATTN_PLANTED_COUNTS names, where they stand however the process ends.
 *
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "planted.h"

__attribute__((visibility("hidden"))) int attn_planted_number;

static uint64_t own[2];
static uint64_t *counts = own; /* reached, triggered */

void attn_planted_note(int triggered)
{
    counts[0]++;
    counts[1] += triggered != 0;
}

/* Before any other constructor may run planted code. */
__attribute__((constructor(101))) static void begin(void)
{
    const char *number = getenv("ATTN_PLANTED"), *path = getenv("ATTN_PLANTED_COUNTS");
    attn_planted_number = number ? atoi(number) : 0;
    if (!path)
        return;
    int file = open(path, O_RDWR | O_CREAT, 0666);
    if (file < 0 || ftruncate(file, sizeof own) != 0)
        abort();
    void *shared = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED)
        abort();
    close(file);
    counts = shared;
}
