/* runtime.h: the state of the null runtime, its lock, and its devices. A HIP runtime is one for a process: this is the
 * one place of the project with state that is global, because the interface it stands in for has it.
 *
 * Functions named null_* that say "locked" are called with the lock held; entry points take it for as long as they run,
 * except while they call a function of the program's.
 *
 * Who knows whom, from the bottom: map, intern, log; runtime (state, lock, devices); error and record; handle; memory;
 * image, occupancy, execute; nodes, operation; stream; event; launch; and the entry points of each, graph.c's last.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_RUNTIME_H
#define ATTN_NULL_RUNTIME_H

#include <pthread.h>

#include "planner/attn_planner.h"
#include "subjects/null/map.h"
#include "subjects/null/null_hip.h"

enum { NULL_DEVICES_MAX = 16, NULL_DEVICE_BYTES_LOG2 = 36 /* 64 GiB a device */ };

struct null_device {
    struct attn_device row;
    char name[40];      /* "gfx942~lds/2" */
    char arch[48];      /* what the runtime reports: "gfx942:sramecc+:xnack-" */
    uint64_t allocated; /* bytes */
    uint32_t peers;     /* bit set of devices whose memory it may reach */
};

struct null_runtime {
    pthread_mutex_t lock;
    bool started;
    int n_devices;
    struct null_device device[NULL_DEVICES_MAX];
    struct null_map handles;   /* streams, events, graphs, ...: address -> struct null_handle (handle.h) */
    struct null_map functions; /* host function, hipFunction_t -> struct null_kernel (image.h) */
    struct null_map symbols;   /* host variable -> struct null_symbol (image.h) */
    bool still;                /* data is not moved */
    bool trusting;             /* launches are not held against the code objects */
    bool silent;               /* errors are not said on stderr */
    int executing;             /* enum null_hip_executing */
    struct null_hip_ran ran;
    struct null_hip_captured captured;
    uint64_t refused, lost;
    const char *refused_name;
    size_t n_launches;
    struct null_hip_launch launches[NULL_HIP_LAUNCHES];
};

extern struct null_runtime null_runtime;

/* Takes the lock, after starting the runtime when this is the first call. */
void null_lock(void);
void null_unlock(void);

/* The device current in this thread. */
int null_current(void);
void null_set_current(int index);
/* Is there a device of that number? */
bool null_is_device(int index);

#endif
