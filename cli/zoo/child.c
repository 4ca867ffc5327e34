/* child.c: a program run for a trial.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/zoo/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/input/interrupt.h"

/* In the child: nothing is returned from. */
static void become(char *const arguments[], const char *folder, int number, int to, pid_t parent)
{
    char text[32], counts[4096];
    int nothing = open("/dev/null", O_RDONLY);
    snprintf(text, sizeof text, "%d", number);
    snprintf(counts, sizeof counts, "%s/counts", folder);
    setenv("ATTN_PLANTED", text, 1);
    setenv("ATTN_PLANTED_COUNTS", counts, 1);
    /* A stack with names takes a symbolizer minutes; whether memory is given back is not what is asked. */
    setenv("ASAN_OPTIONS", "symbolize=0:detect_leaks=0", 1);
    setenv("UBSAN_OPTIONS", "symbolize=0:print_stacktrace=0", 1);
    setpgid(0, 0); /* an interrupt is for the parent, which ends its children */
    cli_interrupt_child(parent);
    for (int i = 1; i < NSIG; i++) /* what it is asked by a signal of its own it does */
        signal(i, SIG_DFL);
    if (nothing >= 0)
        dup2(nothing, 0);
    dup2(to, 1);
    dup2(to, 2);
    if (chdir(folder) == 0)
        execv(arguments[0], arguments);
    dprintf(2, "zoo: %s: %s\n", arguments[0], strerror(errno));
    _exit(126);
}

bool zoo_child_start(struct zoo_child *child, char *const arguments[], const char *folder, int number)
{
    int ends[2];
    const pid_t parent = getpid();
    memset(child, 0, sizeof *child);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    child->pid = fork();
    if (child->pid == 0)
        become(arguments, folder, number, ends[1], parent);
    close(ends[1]);
    child->from = ends[0];
    if (child->pid < 0) {
        close(ends[0]);
        child->pid = 0;
        return false;
    }
    fcntl(child->from, F_SETFL, O_NONBLOCK);
    return true;
}

bool zoo_child_read(struct zoo_child *child, void (*line)(void *context, const char *text), void *context)
{
    for (;;) {
        ssize_t n = read(child->from, child->line + child->length, sizeof child->line - 1 - child->length);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        child->length += (size_t)n;
        child->line[child->length] = 0;
        char *begin = child->line, *end;
        for (; (end = strchr(begin, '\n')); begin = end + 1) {
            *end = 0;
            line(context, begin);
        }
        child->length = strlen(begin);
        memmove(child->line, begin, child->length + 1);
        if (child->length == sizeof child->line - 1) /* longer than any that means something */
            child->length = 0;
    }
}

void zoo_child_clock(struct zoo_child *child)
{
    clockid_t clock;
    struct timespec at;
    if (child->pid && clock_getcpuclockid(child->pid, &clock) == 0 && clock_gettime(clock, &at) == 0)
        child->cpu_ms = (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

void zoo_child_end(struct zoo_child *child, bool kill_it)
{
    struct rusage used;
    if (!child->pid)
        return;
    if (kill_it)
        kill(-child->pid, SIGKILL);
    while (wait4(child->pid, &child->status, 0, &used) < 0 && errno == EINTR)
        ;
    child->cpu_ms = ((int64_t)used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                    (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
    close(child->from);
    child->pid = 0;
}

bool zoo_child_counts(const char *folder, uint64_t *reached, uint64_t *triggered)
{
    char path[4096];
    uint64_t counts[2] = { 0, 0 };
    snprintf(path, sizeof path, "%s/counts", folder);
    FILE *file = fopen(path, "rb");
    bool good = file && fread(counts, sizeof counts, 1, file) == 1;
    if (file)
        fclose(file);
    *reached = counts[0];
    *triggered = counts[1];
    return good;
}
