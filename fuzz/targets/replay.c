/* replay.c: main() of a target without an engine: runs the target once on each file named, and on each file in each
 * folder named, in the order of their names; what is no file there is named and passed over. Ends 0 when all were run;
 * a failing input ends the process as it does under an engine, after its name was printed.
 *
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/case/folder.h"
#include "fuzz/targets/crash.h"
#include "fuzz/targets/feedback.h"
#include "fuzz/targets/hooks.h"

/* Inputs are short; a file beyond this is none. */
enum { INPUT_BYTES_MAX = 1 << 24 };

static bool only_lines;

static int complain(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    return 2;
}

static int run_file(const char *path, size_t size, size_t *ran)
{
    if (size > INPUT_BYTES_MAX)
        return complain(path, "larger than any input (16 MiB)");
    FILE *file = fopen(path, "rb");
    if (!file)
        return complain(path, "cannot be opened");
    /* Exactly as large as the input, so that a sanitizer sees a read past its end. */
    uint8_t *bytes = malloc(size ? size : 1);
    if (!bytes || fread(bytes, 1, size, file) != size) {
        fclose(file);
        free(bytes);
        return complain(path, "cannot be read");
    }
    fclose(file);
    if (only_lines) {
        puts(attn_crash_line_of(bytes, size));
    } else {
        fprintf(stderr, "%s (%zu bytes)\n", path, size);
        LLVMFuzzerTestOneInput(bytes, size);
    }
    free(bytes);
    ++*ran;
    return 0;
}

/* What the folders named have come to. */
struct replayed {
    size_t ran;
    int status;
};

static bool run_met(void *context, const char *path, enum attn_folder_entry entry, const char *what)
{
    struct replayed *r = context;
    struct stat info;
    if (entry == ATTN_FOLDER_OTHER) {
        fprintf(stderr, "%s: %s: passed over\n", path, what);
        return true;
    }
    int one = entry == ATTN_FOLDER_FILE && stat(path, &info) == 0 ? run_file(path, (size_t)info.st_size, &r->ran)
                                                                  : complain(path, what ? what : "is gone");
    r->status = one ? one : r->status;
    return true;
}

static void run_path(const char *path, struct replayed *r)
{
    struct stat info;
    const char *what = NULL;
    if (stat(path, &info) != 0)
        r->status = complain(path, "no such file or folder");
    else if (S_ISDIR(info.st_mode) && !attn_folder_walk(path, NULL, run_met, r, &what))
        r->status = complain(path, what);
    else if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode))
        r->status = complain(path, "no file and no folder");
    else if (S_ISREG(info.st_mode) && run_file(path, (size_t)info.st_size, &r->ran))
        r->status = 2;
}

int main(int argc, char **argv)
{
    struct replayed r = { .ran = 0 };
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        printf("usage: %s [--lines] FILE|FOLDER...\nRuns the fuzz target once on each file; with --lines prints what "
               "each is and runs nothing.\n",
               argv[0]);
        return argc < 2 ? 2 : 0;
    }
    LLVMFuzzerInitialize(&argc, &argv);
    attn_feedback_run_all();
    only_lines = strcmp(argv[1], "--lines") == 0;
    for (int i = 1 + only_lines; i < argc; i++)
        run_path(argv[i], &r);
    if (!only_lines)
        fprintf(stderr, "%zu inputs ran\n", r.ran);
    return r.status;
}
