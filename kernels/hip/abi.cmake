# SPDX-License-Identifier: MIT
#
# ATTN_HIP_ABI: one word made of the headers whose layouts a program and attn_hip.so must agree on. kernels/ and
# kernels/hip/ both include this.
set(abi_text "")
foreach(header planner/attn_planner.h planner/attn_problem.h planner/tables.h kernels/attn_backend.h
               kernels/hip/attn_hip.h)
  get_filename_component(header "${CMAKE_CURRENT_LIST_DIR}/../../${header}" ABSOLUTE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
  file(SHA256 "${header}" sum)
  string(APPEND abi_text "${sum}\n")
endforeach()
string(SHA256 ATTN_HIP_ABI "${abi_text}")
