/* error.c: errors: names and texts, the last one of a thread, and what is said on stderr.
 *
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/record.h"
#include "subjects/null/runtime.h"

static _Thread_local int last_error;

int null_result(int error)
{
    if (error != hipSuccess && error != hipErrorNotReady)
        last_error = error;
    return error;
}

/* Complaints of a process that are said: a program that does the same wrong thing a million times has been told. */
enum { COMPLAINTS = 1000 };

int null_wrong(int error, const char *entry, const char *format, ...)
{
    static atomic_int complaints;
    char text[512];
    va_list list;
    if (null_runtime.silent)
        return null_result(error);
    int n = atomic_load(&complaints) <= COMPLAINTS ? atomic_fetch_add(&complaints, 1) : COMPLAINTS + 1;
    if (n == COMPLAINTS)
        fprintf(stderr, "null-hip: %d complaints, further ones are not shown\n", COMPLAINTS);
    if (n >= COMPLAINTS)
        return null_result(error);
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fprintf(stderr, "null-hip: %s: %s\n", entry, text);
    return null_result(error);
}

/* Names that were said already: a program that asks a million times is told once. The table is small, and a name that
 * finds it full is said again. */
static bool said(const char *name)
{
    static const char *names[256];
    static size_t n;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return true;
    if (n < sizeof names / sizeof names[0])
        names[n++] = name;
    return false;
}

int null_refuse(const char *entry, const char *why)
{
    null_lock();
    null_record_refusal(entry);
    if (!said(entry))
        fprintf(stderr, "null-hip: %s: %s\n", entry, why ? why : "not provided by the null runtime");
    null_unlock();
    return null_result(hipErrorNotSupported);
}

int hipGetLastError(void)
{
    int error = last_error;
    last_error = hipSuccess;
    return error;
}

int hipExtGetLastError(void) { return hipGetLastError(); }
int hipPeekAtLastError(void) { return last_error; }

const char *hipGetErrorName(int error)
{
    switch (error) {
#define X(name, number, text) \
    case number: return #name;
        HIP_ERRORS(X)
#undef X
    }
    return "hipErrorUnknown";
}

const char *hipGetErrorString(int error)
{
    switch (error) {
#define X(name, number, text) \
    case number: return text;
        HIP_ERRORS(X)
#undef X
    }
    return "an error the null runtime does not know";
}

int hipDrvGetErrorName(int error, const char **text)
{
    *text = hipGetErrorName(error);
    return hipSuccess;
}

int hipDrvGetErrorString(int error, const char **text)
{
    *text = hipGetErrorString(error);
    return hipSuccess;
}

/* For the BLAS libraries. */
int null_hip_refuse(const char *name) { return null_refuse(name, NULL); }
