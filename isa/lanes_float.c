/* lanes_float.c: the lane functions of rows/vector_float.h.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/lanes.h"

ISA_LANE_TABLE(float, ISA_ROWS_VECTOR_FLOAT);
