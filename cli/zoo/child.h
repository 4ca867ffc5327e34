/* child.h: a program run for a trial: with a fault selected, its messages read line by line, its CPU time asked for.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_ZOO_CHILD_H
#define ATTNFUZZ_ZOO_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { ZOO_CHILD_LINE = 65536 };

struct zoo_child {
    pid_t pid; /* 0: none */
    int from;  /* what it says on standard error, and on standard output */
    char line[ZOO_CHILD_LINE];
    size_t length;
    int64_t cpu_ms; /* user and system time; of a process that has ended, all of it */
    int status;     /* as waitpid gives it, once it has ended */
};

/* Starts arguments[0] in `folder` with fault `number` selected, its counts in folder/counts. */
bool zoo_child_start(struct zoo_child *child, char *const arguments[], const char *folder, int number);
/* Reads what there is and calls `line` for each whole line. Returns false at the end of its output. */
bool zoo_child_read(struct zoo_child *child, void (*line)(void *context, const char *text), void *context);
/* Brings cpu_ms up to date. */
void zoo_child_clock(struct zoo_child *child);
/* Waits for its end, having killed it where that is asked; sets status and cpu_ms. */
void zoo_child_end(struct zoo_child *child, bool kill);
/* The counts that it left in the folder; false: none. */
bool zoo_child_counts(const char *folder, uint64_t *reached, uint64_t *triggered);

#endif
