/* trap.c: see trap.h.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/trap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct attn_trap *installed; /* the process's trap; trap.h says why it is global */

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM };
enum { N_SIGNALS = sizeof signals / sizeof signals[0], STACK_BYTES = 1 << 16 };
_Static_assert(N_SIGNALS == sizeof((struct attn_trap *)0)->before / sizeof(struct sigaction),
               "a place for each handler");

const char *attn_trap_signal_name(int number)
{
    switch (number) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    case SIGABRT: return "SIGABRT";
    default: return "signal";
    }
}

static void leave(struct attn_trap *trap, int what)
{
    trap->armed = 0;
    trap->catching = trap->aborting = 0;
    if (trap->child > 0) {
        kill(trap->child, SIGKILL);
        while (waitpid(trap->child, NULL, 0) < 0 && errno == EINTR)
            ;
        close(trap->ear);
        trap->child = 0;
    }
    siglongjmp(trap->at, what);
}

static void on_signal(int number)
{
    struct attn_trap *trap = installed;
    if (!trap || !trap->armed) {
        if (number == SIGALRM)
            return;
        signal(number, SIG_DFL); /* not the foreign code's: what would have happened without us */
        raise(number);
        return;
    }
    if (number == SIGALRM) {
        trap->ticks = trap->ticks + 1;
        if (trap->ticks > trap->seconds || (trap->hurry && *trap->hurry)) {
            trap->limit = trap->seconds;
            leave(trap, ATTN_TRAP_TIME);
        }
        return;
    }
    trap->number = number;
    /* An exception that nobody lets through ends in abort(). */
    leave(trap, number == SIGABRT && trap->aborting ? ATTN_TRAP_ABORT : ATTN_TRAP_SIGNAL);
}

void attn_trap_abort(const char *message)
{
    struct attn_trap *trap = installed;
    if (!trap || (!trap->armed && trap->report < 0))
        return; /* then the caller aborts by itself */
    size_t len = 0;
    for (; message && message[len] && len + 1 < sizeof trap->message; len++)
        trap->message[len] = message[len] >= 0x20 && message[len] < 0x7f ? message[len] : ' ';
    trap->message[len] = 0;
    if (trap->report >= 0)
        attn_trap_report(trap, ATTN_TRAP_ABORT, 0);
    if (!trap->catching)
        leave(trap, ATTN_TRAP_ABORT);
    trap->aborting = 1;
    attn_trap_throw();
}

int attn_trap_run(struct attn_trap *trap, void (*call)(void *), void *context, bool *unwound)
{
    *unwound = false;
    int what = ATTN_TRAP(trap);
    if (what)
        return what;
    trap->catching = 1;
    bool aborted = attn_trap_catch(call, context);
    trap->catching = trap->aborting = 0;
    attn_trap_disarm(trap);
    *unwound = true;
    return aborted ? ATTN_TRAP_ABORT : ATTN_TRAP_NOTHING;
}

bool attn_trap_install(struct attn_trap *trap, int seconds)
{
    if (installed)
        return false;
    memset(trap, 0, sizeof *trap);
    trap->seconds = seconds;
    trap->report = -1;
    trap->stack = malloc(STACK_BYTES);
    if (!trap->stack)
        return false;
    stack_t stack = { .ss_sp = trap->stack, .ss_size = STACK_BYTES };
    if (sigaltstack(&stack, &trap->stack_before) != 0) {
        free(trap->stack);
        return false;
    }
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NODEFER | SA_ONSTACK | SA_RESTART };
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &action, &trap->before[i]);
    installed = trap;
    struct itimerval second = { { 1, 0 }, { 1, 0 } };
    setitimer(ITIMER_REAL, &second, NULL);
    return true;
}

void attn_trap_remove(struct attn_trap *trap)
{
    if (installed != trap)
        return;
    struct itimerval never = { { 0, 0 }, { 0, 0 } };
    setitimer(ITIMER_REAL, &never, NULL);
    installed = NULL;
    for (int i = 0; i < N_SIGNALS; i++)
        sigaction(signals[i], &trap->before[i], NULL);
    sigaltstack(&trap->stack_before, NULL);
    free(trap->stack);
}
