/* crash.c: see crash.h.
 *
 * SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE
#include "fuzz/targets/crash.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/attn_backend.h"
#include "planner/attn_planner.h"

static struct {
    const char *name;
    attn_crash_line *line;
    const uint8_t *data;
    size_t size;
    int kernel; /* -1: none was begun */
    bool named, installed, fibers;
} now = { .kernel = -1 };

static const struct {
    int number;
    const char *name;
} signals[] = {
    { SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" }, { SIGABRT, "SIGABRT" }
};
enum { SIGNALS = sizeof signals / sizeof signals[0] };
static struct sigaction before[SIGNALS];

static const char *line_of(const uint8_t *data, size_t size)
{
    static char bytes[32];
    if (now.line)
        return now.line(data, size);
    snprintf(bytes, sizeof bytes, "# %zu bytes", size);
    return bytes;
}

/* Once: what comes over it is about the same. */
static void say(const char *what)
{
    if (now.named || !now.data)
        return;
    now.named = true;
    const char *line = line_of(now.data, now.size);
    fprintf(stderr, "crash target=%s", now.name);
    if (attn_kernel(now.kernel))
        fprintf(stderr, " kernel=%s", attn_kernel(now.kernel)->name);
    if (line[0] == '#')
        fprintf(stderr, ": %s\n  input:  %s\n  replay: %s-replay FILE\n", what, line, now.name);
    else
        fprintf(stderr, ": %s\n  line:   %s\n  replay: attnfuzz run '%s'\n", what, line, line);
}

/* What the sanitizers call when they report (sanitizer/asan_interface.h; compiler-rt, ubsan/ubsan_monitor.h). A fault
 * of a kernel without checks does not get that far. */
void __asan_on_error(void);
void __ubsan_on_report(void);
void __asan_on_error(void) { say("a report of the sanitizer"); }
void __ubsan_on_report(void) { say("a report of the sanitizer"); }

static void on_signal(int number, siginfo_t *info, void *context)
{
    int i = 0;
    while (i < SIGNALS - 1 && signals[i].number != number)
        i++;
    if (number == SIGSEGV || number == SIGBUS)
        attn_host_fault();
    say(signals[i].name);
    if (before[i].sa_flags & SA_SIGINFO)
        before[i].sa_sigaction(number, info, context);
    else if (before[i].sa_handler != SIG_DFL && before[i].sa_handler != SIG_IGN)
        before[i].sa_handler(number);
    else
        signal(number, SIG_DFL); /* it comes again, and ends the process */
}

void attn_crash_target(const char *name, attn_crash_line *line, bool fibers)
{
    now.name = name;
    now.fibers = fibers;
    now.line = line;
}

void attn_crash_begin(const uint8_t *data, size_t size)
{
    now.data = data;
    now.size = size;
    now.kernel = -1;
    if (now.installed)
        return;
    /* A fiber's fault is left by switching to another stack, which the one for signals is not to take part in. */
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_NODEFER | (now.fibers ? 0 : SA_ONSTACK) };
    action.sa_sigaction = on_signal;
    now.installed = true;
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i].number, &action, &before[i]);
}

void attn_crash_trying(void *context, int kernel)
{
    (void)context;
    now.kernel = kernel;
}

void attn_crash_named(void) { now.named = true; }

const char *attn_crash_line_of(const uint8_t *data, size_t size) { return line_of(data, size); }
