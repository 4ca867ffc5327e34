/* planner.c: the planner's translation unit. Its parts are included here rather than linked, so that everything
 * that is not in attn_planner.h stays static and the library exports the header's names alone. The kernels'
 * contracts (kernel_*.c) are units of their own: each exports its one object, which the header names.
 *
 * SPDX-License-Identifier: MIT */
#include "attn_planner.h"
#include "arith.h"

#include <string.h>

#include "type.c"
#include "check.c"
#include "device.c"
#include "key.c"
#include "plan.c"

#include "text_out.c"
#include "text_float.c"
#include "text_problem.c"
#include "text_plan.c"
#include "text_json.c"
