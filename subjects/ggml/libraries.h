/* libraries.h: loading a ggml backend into this process; one for HIP with the null runtime in the place of HIP and its
 * BLAS libraries.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_GGML_LIBRARIES_H
#define ATTN_GGML_LIBRARIES_H

#include "subjects/attn_subject.h"

enum { GGML_LIBRARIES_MAX = 16 };

struct ggml_libraries {
    void *backend;                   /* dlopen's handle */
    void *other[GGML_LIBRARIES_MAX]; /* loaded before it */
    int n_other;
    bool hip; /* it is a HIP backend */
};

/* Loads what the file names as needed libraries: those that the null runtime's folder has from there (libamdhip64.so.6
 * and the like), ggml's own (libggml-base.so.0) from beside the file or the two folders above it, and then the file.
 * The loader finds a needed library by the name under which it is loaded already. null_runtime NULL: those that the
 * machine has. A folder: the library in it that says that it suits this processor best, as ggml itself chooses; its
 * path goes to chosen[0..PATH_MAX). Errors as attn_subject_open_ggml. */
enum attn_subject_open ggml_libraries_open(struct ggml_libraries *libraries, const char *path, const char *null_runtime,
                                           char *chosen, char *error, size_t cap);
/* Closes nothing that was loaded: handles are kept by the process until it ends (see open.c). */
void ggml_libraries_close(struct ggml_libraries *libraries);

#endif
