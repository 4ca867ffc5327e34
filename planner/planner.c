/* planner.c: the planner's translation unit. Its parts are included here rather than linked, so that everything
 * that is not in attn_planner.h stays static and the library exports the header's names alone. The kernels'
 * contracts (kernel_*.c) are units of their own: each exports its one object, which the header names.
 *
 * SPDX-License-Identifier: MIT */
#include "planner/attn_planner.h"
#include "planner/arith.h"
#include "planner/bits.h"
#include "planner/forced.h"
#include "planner/hash.h"

#include <string.h>

#include "planner/type.c"
#include "planner/tensor.c"
#include "planner/check.c"
#include "planner/device.c"
#include "planner/key.c"
#include "planner/select.c"

#include "planner/text/out.c"
#include "planner/text/float.c"
#include "planner/text/problem.c"
#include "planner/text/plan.c"
#include "planner/text/json.c"
