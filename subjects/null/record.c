/* record.c: the launches: the array that the process reads, and the log that another one reads.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "subjects/null/log.h"
#include "subjects/null/record.h"
#include "subjects/null/runtime.h"

void null_record(const struct null_hip_launch *l)
{
    struct null_runtime *r = &null_runtime;
    if (r->n_launches < NULL_HIP_LAUNCHES)
        r->launches[r->n_launches++] = *l;
    else
        r->lost++;
    if (!null_log_is_open()) /* a line costs as much as all else of a launch */
        return;
    char line[NULL_LOG_LINE];
    int len = snprintf(line, sizeof line,
                       "launch %s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32
                       " %" PRIu32 " %" PRIxPTR " %s\n",
                       r->device[l->device].name, l->grid[0], l->grid[1], l->grid[2], l->block[0], l->block[1],
                       l->block[2], l->lds_dynamic, l->flags, (uintptr_t)l->stream, l->kernel);
    if ((size_t)len >= sizeof line) { /* a name longer than a line: cut, and still a line */
        len = sizeof line - 1;
        line[len - 1] = '\n';
    }
    null_log_line(line, (size_t)len);
}

void null_record_refusal(const char *entry)
{
    char line[NULL_LOG_LINE];
    null_runtime.refused++;
    null_runtime.refused_name = entry;
    null_log_line(line, (size_t)snprintf(line, sizeof line, "refused %.200s\n", entry));
}

const struct null_hip_launch *null_hip_launches(size_t *n)
{
    null_lock();
    *n = null_runtime.n_launches;
    null_unlock();
    return null_runtime.launches;
}

uint64_t null_hip_lost(void)
{
    null_lock();
    uint64_t lost = null_runtime.lost;
    null_unlock();
    return lost;
}

void null_hip_reset(void)
{
    null_lock();
    null_runtime.n_launches = 0;
    null_runtime.lost = null_runtime.refused = 0;
    null_runtime.refused_name = NULL;
    null_runtime.captured = (struct null_hip_captured){ .entry = NULL };
    if (null_runtime.ran.whole || null_runtime.ran.stopped || null_runtime.ran.unsupported)
        null_runtime.ran = (struct null_hip_ran){ .whole = 0 };
    null_unlock();
}

uint64_t null_hip_refused(const char **name)
{
    null_lock();
    if (name)
        *name = null_runtime.refused_name;
    uint64_t refused = null_runtime.refused;
    null_unlock();
    return refused;
}

void null_record_forbidden(const char *entry)
{
    if (null_runtime.captured.forbidden++ == 0)
        null_runtime.captured.entry = entry;
}

void null_hip_captured(struct null_hip_captured *captured)
{
    null_lock();
    *captured = null_runtime.captured;
    null_unlock();
}
