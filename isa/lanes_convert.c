/* lanes_convert.c: the lane functions of rows/vector_convert.h.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/lanes.h"

ISA_LANE_TABLE(convert, ISA_ROWS_VECTOR_CONVERT);
