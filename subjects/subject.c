/* subject.c: names of what subjects answer. See attn_subject.h.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/attn_subject.h"

const char *attn_subject_status_name(int status)
{
    static const char *const names[] = { "supported", "refused", "aborted", "crashed", "hung", "too_big" };
    _Static_assert(sizeof names / sizeof names[0] == ATTN_SUBJECT_STATUS_COUNT, "a status has no name");
    return status >= 0 && status < ATTN_SUBJECT_STATUS_COUNT ? names[status] : "unknown";
}

const char *attn_unfit_name(int unfit)
{
    static const char *const names[] = { "fit", "no_device", "no_code", "stub", "threads", "lds", "grid", "wave" };
    _Static_assert(sizeof names / sizeof names[0] == ATTN_UNFIT_COUNT, "a reason has no name");
    return unfit >= 0 && unfit < ATTN_UNFIT_COUNT ? names[unfit] : "unknown";
}
