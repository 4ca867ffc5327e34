/* target.h: the head of a target's file: the hooks that it implements, and its counts, which are written when the
 * process ends. Included by targets alone, each of which is one program.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TARGET_H
#define ATTN_TARGET_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz/targets/crash.h"
#include "fuzz/targets/hooks.h"
#include "fuzz/targets/stats.h"

static struct attn_stats stats;

static void write_stats_at_exit(void) { attn_stats_write(&stats); }

/* What every target begins with; `line` makes lines of its inputs, `fibers`: it runs kernels. */
static inline void begin_target(const char *name, attn_crash_line *line, bool fibers)
{
    attn_stats_begin(&stats, name);
    attn_crash_target(name, line, fibers);
    atexit(write_stats_at_exit);
}

/* Does the engine run single files, and no search? */
static inline bool runs_files(int argc, char **argv)
{
    struct stat info;
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-' && stat(argv[i], &info) == 0 && S_ISREG(info.st_mode))
            return true;
    return false;
}

/* For a target that begins with nothing else; `line` as above, NULL: its inputs are bytes. */
#define ATTN_TARGET_OF(name, line)                    \
    int LLVMFuzzerInitialize(int *argc, char ***argv) \
    {                                                 \
        (void)argc;                                   \
        (void)argv;                                   \
        begin_target(name, line, false);              \
        return 0;                                     \
    }
#define ATTN_TARGET(name) ATTN_TARGET_OF(name, NULL)

#endif
