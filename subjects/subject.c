/* subject.c: what subjects answer: names, whether two are the same, and what no device can run. See attn_subject.h.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/attn_subject.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *attn_subject_status_name(int status)
{
    static const char *const names[] = { "supported", "refused", "aborted", "crashed", "hung", "too_big" };
    _Static_assert(sizeof names / sizeof names[0] == ATTN_SUBJECT_STATUS_COUNT, "a status has no name");
    return status >= 0 && status < ATTN_SUBJECT_STATUS_COUNT ? names[status] : "unknown";
}

const char *attn_subject_reason_name(int reason)
{
    static const char *const names[] = { "none",     "no_kernel", "no_backend",   "returned",
                                         "asserted", "gave_up",   "device_error", "signal",
                                         "memory",   "launches",  "not_provided" };
    _Static_assert(sizeof names / sizeof names[0] == ATTN_SUBJECT_REASON_COUNT, "a reason has no name");
    return reason >= 0 && reason < ATTN_SUBJECT_REASON_COUNT ? names[reason] : "unknown";
}

const char *attn_unfit_name(int unfit)
{
    static const char *const names[] = { "fit", "no_device", "no_code", "stub", "threads", "lds", "grid", "wave" };
    _Static_assert(sizeof names / sizeof names[0] == ATTN_UNFIT_COUNT, "a reason has no name");
    return unfit >= 0 && unfit < ATTN_UNFIT_COUNT ? names[unfit] : "unknown";
}

void attn_subject_answer_set(struct attn_subject_answer *answer, int status, int reason)
{
    answer->status = status;
    answer->why = (struct attn_subject_why){ .reason = reason };
    answer->n_launches = 0;
    answer->captured = (struct attn_subject_captured){ .entry = NULL };
    answer->launch = NULL;
    answer->message[0] = 0;
}

bool attn_subject_why_equal(const struct attn_subject_why *a, const struct attn_subject_why *b)
{
    return a->reason == b->reason && a->number == b->number && a->line == b->line && !strcmp(a->file, b->file);
}

int attn_unfit_device(const struct attn_device *d, const struct attn_subject_launch *launch, uint64_t lds_bytes,
                      char *text, size_t cap)
{
    const uint32_t *grid = launch->grid, *most = d->max_grid;
    uint64_t threads = (uint64_t)launch->block[0] * launch->block[1] * launch->block[2];
    for (int i = 0; i < 3; i++)
        if (grid[i] == 0 || grid[i] > most[i]) {
            snprintf(text, cap,
                     "a grid of %" PRIu32 " x %" PRIu32 " x %" PRIu32 " workgroups, the device takes 1 to %" PRIu32
                     " x %" PRIu32 " x %" PRIu32,
                     grid[0], grid[1], grid[2], most[0], most[1], most[2]);
            return ATTN_UNFIT_GRID;
        }
    if (threads == 0 || threads > (uint64_t)d->max_threads) {
        snprintf(text, cap, "%" PRIu64 " threads, the device takes 1 to %d", threads, d->max_threads);
        return ATTN_UNFIT_THREADS;
    }
    if (lds_bytes > (uint64_t)d->lds_bytes) {
        snprintf(text, cap, "%" PRIu64 " bytes of LDS, the device has %d", lds_bytes, d->lds_bytes);
        return ATTN_UNFIT_LDS;
    }
    return ATTN_UNFIT_NOT;
}
