/* backend.h: the executor that a target runs kernels on, from its start to the end of the process. Included by such
 * targets alone, each of which is one program.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TARGET_BACKEND_H
#define ATTN_TARGET_BACKEND_H

#include <signal.h>
#include <stdlib.h>

#include "kernels/attn_backend.h"

static struct attn_backend *backend;

static void close_backend_at_exit(void) { backend->ops->close(backend); }

/* A kernel that runs without checks may touch what is not there; other faults are whose they were. */
static struct sigaction faults_before[2];

static void handle_fault(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *before = &faults_before[signal == SIGBUS];
    attn_host_fault();
    if (before->sa_flags & SA_SIGINFO)
        before->sa_sigaction(signal, info, context);
    else
        abort();
}

static void handle_faults(void)
{
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_NODEFER };
    action.sa_sigaction = handle_fault;
    sigaction(SIGSEGV, &action, &faults_before[0]);
    sigaction(SIGBUS, &action, &faults_before[1]);
}

/* `steps`: accesses and wave operations that a launch may take. */
static inline void open_backend(uint64_t steps)
{
    const struct attn_host_options options = { .schedule = 0, .checked = true, .budget = steps };
    backend = attn_host_open(&options);
    if (!backend)
        abort();
    atexit(close_backend_at_exit);
    handle_faults();
}

#endif
