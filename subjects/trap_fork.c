/* trap_fork.c: a call into foreign code in a process of its own. See trap.h.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "subjects/trap.h"

/* What a child tells its parent; less than a pipe takes at once. */
struct report {
    int32_t what, result;
    char message[sizeof((struct attn_trap *)0)->message];
};

void attn_trap_report(const struct attn_trap *trap, int what, int result)
{
    struct report report = { .what = what, .result = result };
    memcpy(report.message, trap->message, sizeof report.message);
    while (write(trap->report, &report, sizeof report) < 0 && errno == EINTR)
        ;
    _exit(0);
}

static void be_child(struct attn_trap *trap, int (*call)(void *), void *context, int seconds, int pipe_end)
{
    trap->armed = 0; /* a signal ends the process */
    trap->child = 0;
    trap->catching = 0;
    trap->message[0] = 0;
    trap->report = pipe_end;
    signal(SIGALRM, SIG_DFL);
    alarm((unsigned)seconds);
    attn_trap_report(trap, ATTN_TRAP_NOTHING, call(context));
}

/* Reads until the child has ended. */
static bool listen_to(int end, struct report *report)
{
    size_t used = 0;
    for (ssize_t n; used < sizeof *report; used += (size_t)n) {
        n = read(end, (char *)report + used, sizeof *report - used);
        if (n < 0 && errno == EINTR)
            n = 0;
        else if (n <= 0)
            return false;
    }
    return true;
}

/* No jump out of here while what it has to clean up is being written down. */
static void hold(bool on)
{
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &alarm, NULL);
}

int attn_trap_fork(struct attn_trap *trap, int (*call)(void *), void *context, int seconds, int *result)
{
    struct report report = { .what = ATTN_TRAP_NOTHING };
    int ends[2], status = 0;
    *result = -1;
    hold(true);
    if (pipe(ends) != 0) {
        hold(false);
        return ATTN_TRAP_LACKS;
    }
    const pid_t child = fork();
    if (child == 0) {
        hold(false);
        close(ends[0]);
        be_child(trap, call, context, seconds, ends[1]);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        hold(false);
        return ATTN_TRAP_LACKS;
    }
    trap->ear = ends[0];
    trap->child = child;
    hold(false);
    const bool said = listen_to(ends[0], &report);
    hold(true); /* it has ended, or is about to */
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    trap->child = 0;
    hold(false);
    if (said) {
        memcpy(trap->message, report.message, sizeof trap->message);
        *result = report.result;
        return report.what;
    }
    trap->limit = seconds;
    if (!WIFSIGNALED(status))
        return ATTN_TRAP_TIME; /* it left without a word */
    trap->number = WTERMSIG(status);
    return trap->number == SIGALRM ? ATTN_TRAP_TIME : ATTN_TRAP_SIGNAL;
}
