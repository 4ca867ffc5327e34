/* trap.h: calls into foreign code that may end the process, without a fork: its abort callback, a fatal signal and a
 * call that does not come back all return to the caller.
 *
 * An abort leaves as a C++ exception, so that the foreign code gives back what it holds as it does for its own
 * exceptions. Where that does not get through (a frame that lets none pass) and for signals the stack is left by a
 * jump: what the foreign code held at that moment is lost, so whoever catches one makes the foreign state anew.
 *
 * A callback without a context pointer and signal handlers can only find the trap through a global: the one trap of the
 * process that is armed. So a process has one trap at a time, used by one thread.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TRAP_H
#define ATTN_TRAP_H

#include <setjmp.h>
#include <stdbool.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum attn_trap_what {
    ATTN_TRAP_NOTHING,
    ATTN_TRAP_ABORT,
    ATTN_TRAP_SIGNAL,
    ATTN_TRAP_TIME,
    ATTN_TRAP_LACKS /* attn_trap_fork: the machine gives no process for it; nothing is known */
};

struct attn_trap {
    sigjmp_buf at;
    volatile sig_atomic_t armed;
    volatile sig_atomic_t ticks;              /* seconds since it was armed, about */
    int seconds;                              /* after so many it is ATTN_TRAP_TIME */
    const volatile sig_atomic_t *hurry;       /* not 0: so it is within one; NULL: never */
    volatile sig_atomic_t number;             /* of the signal */
    volatile sig_atomic_t catching, aborting; /* within attn_trap_run; its exception is on the way */
    int limit;                                /* of the last ATTN_TRAP_TIME: what `seconds` were */
    volatile pid_t child;                     /* of attn_trap_fork, which listens at `ear`; 0: there is none */
    volatile int ear;
    int report;        /* in a child of attn_trap_fork, the pipe to its parent; else -1 */
    char message[640]; /* of the abort */
    void *stack;
    struct sigaction before[6];
    stack_t stack_before;
};

/* Installs the handlers (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and a timer's SIGALRM); false when that fails or
 * another trap is installed. */
bool attn_trap_install(struct attn_trap *trap, int seconds);
void attn_trap_remove(struct attn_trap *trap);

/* The callback for the foreign code: does not return while a trap is armed. */
void attn_trap_abort(const char *message);

/* `switch (ATTN_TRAP(trap))`: 0 the first time, with the trap armed; again with what happened (not armed any more).
 * Variables changed in between are volatile. attn_trap_disarm when the foreign call came back. */
#define ATTN_TRAP(trap) ((trap)->ticks = 0, (trap)->armed = 1, sigsetjmp((trap)->at, 0))
static inline void attn_trap_disarm(struct attn_trap *trap) { trap->armed = 0; }

/* call(context) with the trap armed. What happened; *unwound: the foreign code has given back what it held. */
int attn_trap_run(struct attn_trap *trap, void (*call)(void *), void *context, bool *unwound);

/* call(context) in a child process, for foreign code that has threads: a trap's jump cannot leave theirs. What
 * happened, with *result what the call returned and message and number as ever; after `seconds` it is ATTN_TRAP_TIME.
 * What the call writes to memory that is not shared is lost. A jump out of it ends the child. */
int attn_trap_fork(struct attn_trap *trap, int (*call)(void *), void *context, int seconds, int *result);
/* In the child: tells the parent what happened, and ends. */
__attribute__((noreturn)) void attn_trap_report(const struct attn_trap *trap, int what, int result);

/* trap_throw.cc: the exception, and a call that catches it and no other: true when it came. */
__attribute__((noreturn)) void attn_trap_throw(void);
bool attn_trap_catch(void (*call)(void *), void *context);

/* "SIGFPE"; "signal" for others. */
const char *attn_trap_signal_name(int number);

#ifdef __cplusplus
}
#endif
#endif
