/* no_kernels.hip: compiles to a code object without kernels. See amd.cmake.
 *
 * SPDX-License-Identifier: MIT */
#include <hip/hip_runtime.h>
