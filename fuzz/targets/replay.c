/* replay.c: main() of a target without an engine: runs the target once on each file named, and on each file in each
 * folder named, in the order of their names. Ends 0 when all were run; a failing input ends the process as it does
 * under an engine, after its name was printed.
 *
 * SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/targets/feedback.h"
#include "fuzz/targets/hooks.h"

/* Inputs are short; a file beyond this is none. */
enum { INPUT_BYTES_MAX = 1 << 24 };

static int run_path(const char *path, size_t *ran);

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
    fprintf(stderr, "%s (%zu bytes)\n", path, size);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    ++*ran;
    return 0;
}

static int skip_dots(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int run_folder(const char *path, size_t *ran)
{
    struct dirent **entries;
    int n = scandir(path, &entries, skip_dots, alphasort), status = 0;
    if (n < 0)
        return complain(path, "cannot be listed");
    for (int i = 0; i < n; i++) {
        size_t length = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *name = malloc(length);
        if (!name)
            abort();
        snprintf(name, length, "%s/%s", path, entries[i]->d_name);
        int one = run_path(name, ran);
        status = one ? one : status;
        free(name);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int run_path(const char *path, size_t *ran)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return complain(path, "no such file or folder");
    return S_ISDIR(info.st_mode) ? run_folder(path, ran) : run_file(path, (size_t)info.st_size, ran);
}

int main(int argc, char **argv)
{
    size_t ran = 0;
    int status = 0;
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        printf("usage: %s FILE|FOLDER...\nRuns the fuzz target once on each file.\n", argv[0]);
        return argc < 2 ? 2 : 0;
    }
    LLVMFuzzerInitialize(&argc, &argv);
    attn_feedback_run_all();
    for (int i = 1; i < argc; i++) {
        int one = run_path(argv[i], &ran);
        status = one ? one : status;
    }
    fprintf(stderr, "%zu inputs ran\n", ran);
    return status;
}
