/* interrupt.c: see interrupt.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/interrupt.h"

#include <stddef.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t caught, keeps, group;
static struct timespec came; /* written once, before `caught` */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static void on_signal(int number)
{
    if (!keeps) {
        if (group > 0)
            kill(-(pid_t)group, SIGKILL);
        _exit(128 + number);
    }
    if (caught)
        return; /* it is on its way: a terminal and a script may both have sent one */
    clock_gettime(CLOCK_MONOTONIC, &came);
    caught = number;
    signal(SIGPIPE, SIG_IGN); /* who read our output has ended too; reports in files are written all the same */
}

void cli_interrupt_catch(void)
{
    struct sigaction action = { .sa_handler = on_signal }, before;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) /* the first to come is the first to be seen */
        sigaddset(&action.sa_mask, signals[i]);
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], NULL, &before);
        if (signals[i] == SIGHUP && before.sa_handler == SIG_IGN)
            continue;
        sigaction(signals[i], &action, NULL);
    }
}

void cli_interrupt_keep(void) { keeps = 1; }

void cli_interrupt_group(int number) { group = number; }

int cli_interrupted(void) { return (int)caught; }

const volatile sig_atomic_t *cli_interrupt_flag(void) { return &caught; }

int64_t cli_interrupt_age_ms(void)
{
    struct timespec now;
    if (!caught)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - came.tv_sec) * 1000 + (now.tv_nsec - came.tv_nsec) / 1000000;
}

const char *cli_interrupt_name(int number)
{
    return number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : number == SIGHUP ? "SIGHUP" : "a signal";
}

int cli_interrupt_code(int code) { return caught ? 128 + (int)caught : code; }

void cli_interrupt_child(int parent)
{
    for (int i = 0; i < SIGNALS; i++)
        signal(signals[i], SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it ended before this was asked for */
        _exit(128 + SIGKILL);
}
