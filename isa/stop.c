/* stop.c: how a launch fails, and what it says then.
 *
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "isa/machine.h"

const char *isa_stop_name(int code)
{
#define X(NAME, name, text) #name,
    static const char *const names[] = { ISA_STOPS(X) };
#undef X
    return code >= 0 && code < ISA_STOP_COUNT ? names[code] : "?";
}

const char *isa_stop_meaning(int code)
{
#define X(NAME, name, text) text,
    static const char *const meanings[] = { ISA_STOPS(X) };
#undef X
    return code >= 0 && code < ISA_STOP_COUNT ? meanings[code] : "?";
}

const char *isa_class_name(int class_number)
{
#define X(NAME, text) text,
    static const char *const names[] = { ISA_CLASSES(X) };
#undef X
    return class_number >= 0 && class_number < ISA_CLASS_COUNT ? names[class_number] : "?";
}

enum isa_next isa_fail(struct isa_wave *w, const struct isa_instr *i, int code, int lane, const char *format, ...)
{
    struct isa_stop *stop = w->machine->stop;
    const struct isa_group *g = w->group;
    char why[160];
    va_list args;
    if (stop->code != ISA_STOP_NONE) /* the first counts */
        return ISA_FAIL;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    stop->code = code;
    memcpy(stop->group, g->id, sizeof stop->group);
    stop->wave = w->number;
    stop->lane = lane < 0 ? 0 : (uint32_t)lane;
    stop->at = i ? isa_code_base(w->code) + i->at - g->kernel->entry : 0;
    if (i)
        isa_code_text(w->code, i, stop->instruction, sizeof stop->instruction);
    char where[24] = "";
    if (lane >= 0)
        snprintf(where, sizeof where, ", lane %d", lane);
    snprintf(stop->text, sizeof stop->text, "%s: workgroup %u,%u,%u, wave %u%s, at 0x%llx, %s: %s", isa_stop_name(code),
             g->id[0], g->id[1], g->id[2], w->number, where, (unsigned long long)stop->at, stop->instruction, why);
    return ISA_FAIL;
}
