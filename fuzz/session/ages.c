/* ages.c: see ages.h.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/session/ages.h"

#include <stdlib.h>

uint32_t session_ages_after(struct session_ages *ages, uint32_t age, int32_t by)
{
    /* The last ones are those of the shift at hand. */
    for (uint32_t i = ages->n; i > 0 && ages->age[i - 1].by == by; i--)
        if (ages->age[i - 1].before == age)
            return i;
    if (ages->n == ages->room) {
        const uint32_t room = ages->room ? 2 * ages->room : 64;
        struct session_age *grown = realloc(ages->age, room * sizeof *grown);
        if (!grown)
            abort(); /* a few kilobytes */
        ages->age = grown;
        ages->room = room;
    }
    ages->age[ages->n++] = (struct session_age){ age, by };
    return ages->n;
}

void session_ages_free(struct session_ages *ages) { free(ages->age); }
