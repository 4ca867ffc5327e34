/* field.c: names of the fields of a problem.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/field.h"

#include "cli/check/state.h"

const char *check_field_name(int field)
{
    static const char *const names[] = {
#define X(name, copy) #name,
        CHECK_FIELDS(X)
#undef X
    };
    if (field == CHECK_FIELD_SEVERAL)
        return "several";
    if (field == CHECK_FIELD_HEAD_SIZE)
        return "head_size";
    return field >= 0 && field < CHECK_FIELD_COUNT ? names[field] : "unknown";
}
