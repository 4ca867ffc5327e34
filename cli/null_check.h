/* null_check.h: what `attnfuzz null-hip` finds out about a command before it runs it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_NULL_CHECK_H
#define ATTNFUZZ_NULL_CHECK_H

#include <stdbool.h>

struct null_command {
    char *file;    /* the file that COMMAND means */
    char *path;    /* LD_LIBRARY_PATH with the null runtime's folder first */
    char *preload; /* LD_PRELOAD; "": as it is */
};

/* Finds COMMAND (through PATH when it has no '/') and the null runtime's libraries, and asks the program's own loader
 * what would not be found. False, with messages that name what is missing, when it cannot run; then nothing is held. A
 * command that is no dynamically linked ELF program (a script, say) is not looked into. */
bool null_command_check(const char *command, struct null_command *out);
void null_command_free(struct null_command *command);

#endif
