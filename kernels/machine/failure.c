/* failure.c: why a launch of the machine ended, in the words of a backend.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/machine/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool machine_refuse(struct attn_failure *failure, int code, int step, const char *format, ...)
{
    va_list values;
    memset(failure, 0, sizeof *failure);
    failure->code = code;
    failure->step = step;
    failure->operand = -1;
    va_start(values, format);
    vsnprintf(failure->text, sizeof failure->text, format, values);
    va_end(values);
    return false;
}

static int code_of(int stop)
{
    switch (stop) {
    case ISA_STOP_NONE: return ATTN_F_NONE;
    case ISA_STOP_UNSUPPORTED: return ATTN_F_UNSUPPORTED;
    case ISA_STOP_GLOBAL_BOUNDS: return ATTN_F_GLOBAL_BOUNDS;
    case ISA_STOP_GLOBAL_READONLY: return ATTN_F_GLOBAL_READONLY;
    case ISA_STOP_GLOBAL_RACE: return ATTN_F_GLOBAL_RACE;
    case ISA_STOP_GLOBAL_UNWRITTEN: return ATTN_F_GLOBAL_UNWRITTEN;
    case ISA_STOP_ALIGNMENT: return ATTN_F_ALIGNMENT;
    case ISA_STOP_LDS_BOUNDS: return ATTN_F_LDS_BOUNDS;
    case ISA_STOP_LDS_UNWRITTEN: return ATTN_F_LDS_UNWRITTEN;
    case ISA_STOP_LDS_RACE: return ATTN_F_LDS_RACE;
    case ISA_STOP_SCRATCH_BOUNDS: return ATTN_F_SCRATCH_BOUNDS;
    case ISA_STOP_REGISTER_UNWRITTEN:
    case ISA_STOP_REGISTER_BOUNDS: return ATTN_F_REGISTER;
    case ISA_STOP_HAZARD: return ATTN_F_HAZARD;
    case ISA_STOP_BARRIER: return ATTN_F_BARRIER;
    case ISA_STOP_MATRIX: return ATTN_F_MATRIX;
    case ISA_STOP_RUNAWAY: return ATTN_F_RUNAWAY;
    case ISA_STOP_TRAP: return ATTN_F_TRAP;
    case ISA_STOP_OBJECT:
    case ISA_STOP_CODE_BOUNDS: return ATTN_F_CODE;
    default: return ATTN_F_RUNTIME;
    }
}

/* The operand of a buffer that begins last at or before the byte; -1: none does. */
static int operand_at(const struct attn_memory *memory, int buffer, int64_t offset)
{
    int found = -1;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (memory->image.buffer_of[o] == buffer && memory->problem.t[o].offset <= offset &&
            (found < 0 || memory->problem.t[o].offset > memory->problem.t[found].offset))
            found = o;
    return found;
}

void machine_failure(const struct isa_stop *stop, const struct attn_memory *memory, const struct attn_plan *plan,
                     int step, struct attn_failure *failure)
{
    char place[96] = "";
    memset(failure, 0, sizeof *failure);
    failure->code = code_of(stop->code);
    failure->step = step;
    memcpy(failure->block, stop->group, sizeof failure->block);
    failure->thread = stop->wave * (uint32_t)plan->device.wave_size + stop->lane;
    failure->other = stop->other;
    failure->bytes = stop->bytes;
    failure->operand = -1;
    failure->offset = (int64_t)stop->offset;
    if (stop->region >= ATTN_OPERAND_COUNT) {
        failure->operand = stop->region; /* both count regions of the workspace from ATTN_OPERAND_COUNT on */
        snprintf(place, sizeof place, " (workspace region %d, byte %lld)", stop->region - ATTN_OPERAND_COUNT,
                 (long long)failure->offset);
    } else if (stop->region >= 0) {
        failure->operand = operand_at(memory, stop->region, failure->offset);
        if (failure->operand >= 0) {
            failure->offset -= memory->problem.t[failure->operand].offset;
            snprintf(place, sizeof place, " (%s, byte %lld)", attn_operand_name(failure->operand),
                     (long long)failure->offset);
        }
    }
    snprintf(failure->text, sizeof failure->text, "%s: %s launch: %s%s", attn_failure_name(failure->code),
             attn_step_name(step), stop->text, place);
}
