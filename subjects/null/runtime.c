/* runtime.c: the runtime's start: its devices, which are rows of the planner's device table.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subjects/null/log.h"
#include "subjects/null/runtime.h"

struct null_runtime null_runtime = { .lock = PTHREAD_MUTEX_INITIALIZER };

#define X(...) +1
_Static_assert(0 ATTN_DEVICES(X) <= NULL_DEVICES_MAX, "a device for each row of the table");
#undef X

static _Thread_local int current;

/* ---- Choice of devices ----------------------------------------------------------------------------------- */

/* The target ID that an AMD runtime reports: processor, and the features that can be on or off (LLVM, "User Guide for
 * AMDGPU Backend", "Target ID" and the processor table; ECC on and XNACK off is how servers come). */
static void name_arch(struct null_device *d)
{
    bool server = d->row.wave_size == 64;
    snprintf(d->arch, sizeof d->arch, "%s%s", d->row.name, server ? ":sramecc+:xnack-" : "");
}

/* The AMD device that name[0..len) means: a row of the table, or ROW~WEAKENING. */
static bool find_device(const char *name, size_t len, struct null_device *d)
{
    int row, weakening;
    if (len >= sizeof d->name || !attn_device_named(name, len, &row, &weakening) ||
        strncmp(attn_device(row)->name, "gfx", 3))
        return false;
    memset(d, 0, sizeof *d);
    memcpy(d->name, name, len);
    d->row = *attn_device(row);
    if (weakening >= 0)
        attn_device_weaken(attn_device(row), weakening, &d->row, NULL);
    name_arch(d);
    return true;
}

/* NULL list: every AMD row. */
static bool choose(const char *list, char *error, size_t cap)
{
    struct null_device chosen[NULL_DEVICES_MAX];
    int n = 0;
    for (int i = 0; !list && i < attn_device_count() && n < NULL_DEVICES_MAX; i++)
        n += find_device(attn_device(i)->name, strlen(attn_device(i)->name), &chosen[n]);
    for (const char *name = list; name; name = strchr(name, ',') ? strchr(name, ',') + 1 : NULL) {
        size_t len = strcspn(name, ",");
        if (n == NULL_DEVICES_MAX) {
            snprintf(error, cap, "more than %d devices", NULL_DEVICES_MAX);
            return false;
        }
        if (!find_device(name, len, &chosen[n])) {
            snprintf(error, cap, "there is no AMD device '%.*s' in the device table", (int)(len < 60 ? len : 60), name);
            return false;
        }
        n++;
    }
    memcpy(null_runtime.device, chosen, (size_t)n * sizeof chosen[0]);
    null_runtime.n_devices = n;
    return true;
}

/* Locked. */
static void start(void)
{
    const char *list = getenv(NULL_DEVICES_VARIABLE);
    char error[128];
    null_runtime.started = true;
    if (!null_runtime.n_devices && !choose(list && *list ? list : NULL, error, sizeof error)) {
        fprintf(stderr, "null-hip: %s: %s\n", NULL_DEVICES_VARIABLE, error);
        abort();
    }
    const char *execute = getenv(NULL_EXECUTE_VARIABLE);
    if (execute && *execute && strcmp(execute, "0"))
        null_runtime.executing = NULL_HIP_RUN;
    null_log_open();
}

void null_lock(void)
{
    pthread_mutex_lock(&null_runtime.lock);
    if (!null_runtime.started)
        start();
}

void null_unlock(void) { pthread_mutex_unlock(&null_runtime.lock); }

bool null_hip_choose(const char *devices, char *error, size_t cap)
{
    pthread_mutex_lock(&null_runtime.lock);
    bool early = !null_runtime.started;
    bool good = early && choose(devices, error, cap);
    if (!early)
        snprintf(error, cap, "the null runtime has been called already");
    pthread_mutex_unlock(&null_runtime.lock);
    return good;
}

int null_hip_devices(void)
{
    null_lock();
    int n = null_runtime.n_devices;
    null_unlock();
    return n;
}

const char *null_hip_device(int index) { return null_is_device(index) ? null_runtime.device[index].name : NULL; }

void null_hip_move_data(bool on)
{
    null_lock();
    null_runtime.still = !on;
    null_unlock();
}

void null_hip_execute(int how)
{
    null_lock();
    null_runtime.executing = how;
    null_unlock();
}

void null_hip_ran(struct null_hip_ran *ran)
{
    null_lock();
    *ran = null_runtime.ran;
    null_unlock();
}

void null_hip_hold_launches(bool on)
{
    null_lock();
    null_runtime.trusting = !on;
    null_unlock();
}

void null_hip_left(void) { null_runtime.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; }

void null_hip_say_errors(bool on)
{
    null_lock();
    null_runtime.silent = !on;
    null_unlock();
}

int null_current(void) { return current; }

bool null_is_device(int index) { return index >= 0 && index < null_hip_devices(); }

void null_set_current(int index) { current = index; }
