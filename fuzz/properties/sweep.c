/* sweep.c: findings about a member of the fleet. See sweep.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <string.h>

#include "fuzz/properties/sweep.h"

bool attn_sweep_found(const struct attn_sweep *s, int property, int member, int kernel, int rule,
                      struct attn_finding *f, const char *format, ...)
{
    va_list args;
    memset(f, 0, sizeof *f);
    f->property = property;
    f->kernel = kernel;
    f->rule = rule;
    f->failure = ATTN_F_NONE;
    f->at = *s->c;
    f->at.run.device = s->fleet->row[member];
    f->at.run.weakening = s->fleet->weakening[member];
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    return false;
}

struct attn_member_name attn_member_name(const struct attn_fleet *fleet, int m)
{
    struct attn_member_name name;
    snprintf(name.text, sizeof name.text, "%s%s%s", attn_device(fleet->row[m])->name, fleet->what[m] ? "~" : "",
             fleet->what[m] ? fleet->what[m] : "");
    return name;
}
