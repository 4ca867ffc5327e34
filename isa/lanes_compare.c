/* lanes_compare.c: the lane functions of rows/compare.h.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/lanes.h"

ISA_LANE_TABLE(compare, ISA_ROWS_COMPARE);
