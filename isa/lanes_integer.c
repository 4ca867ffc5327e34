/* lanes_integer.c: the lane functions of rows/vector_integer.h.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/lanes.h"

ISA_LANE_TABLE(integer, ISA_ROWS_VECTOR_INTEGER);
