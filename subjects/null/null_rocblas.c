/* null_rocblas.c: librocblas. Names and status numbers: rocBLAS 6.4.4 and 7.2.4, rocblas.h and rocblas-types.h.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "subjects/null/blas.h"

enum { SUCCESS = 0, INVALID_HANDLE = 1, INVALID_POINTER = 3, INVALID_SIZE = 4, MEMORY_ERROR = 5, INTERNAL_ERROR = 6 };

static struct null_blas_handles handles = { .lock = PTHREAD_MUTEX_INITIALIZER };
static const char version[] = "0.0.0.attnfuzz-null";

/* Loads the library's kernels beforehand: there are none. */
void rocblas_initialize(void) {}

int rocblas_get_version_string_size(size_t *bytes)
{
    if (!bytes)
        return INVALID_POINTER;
    *bytes = sizeof version;
    return SUCCESS;
}

int rocblas_get_version_string(char *text, size_t bytes)
{
    if (!text)
        return INVALID_POINTER;
    if (bytes < sizeof version)
        return INVALID_SIZE;
    memcpy(text, version, sizeof version);
    return SUCCESS;
}

int rocblas_create_handle(void **handle)
{
    if (!handle)
        return INVALID_POINTER;
    *handle = null_blas_new(&handles);
    return *handle ? SUCCESS : MEMORY_ERROR;
}

int rocblas_destroy_handle(void *handle) { return null_blas_free(&handles, handle) ? SUCCESS : INVALID_HANDLE; }

int rocblas_set_stream(void *handle, void *stream)
{
    struct null_blas *blas = null_blas_get(&handles, handle);
    if (blas)
        blas->stream = stream;
    return blas ? SUCCESS : INVALID_HANDLE;
}

int rocblas_get_stream(void *handle, void **stream)
{
    const struct null_blas *blas = null_blas_get(&handles, handle);
    if (blas && stream)
        *stream = blas->stream;
    return !blas ? INVALID_HANDLE : stream ? SUCCESS : INVALID_POINTER;
}

#define RECORD(name)                                                                                           \
    int name(void *handle)                                                                                     \
    {                                                                                                          \
        const struct null_blas *blas = null_blas_get(&handles, handle);                                        \
        return !blas ? INVALID_HANDLE : null_hip_library_call(#name, blas->stream) ? INTERNAL_ERROR : SUCCESS; \
    }
RECORD(rocblas_sgemm)
RECORD(rocblas_hgemm)
RECORD(rocblas_dgemm)
RECORD(rocblas_gemm_ex)
RECORD(rocblas_gemm_batched_ex)
RECORD(rocblas_gemm_strided_batched_ex)
