# SPDX-License-Identifier: MIT
#
# What a woven copy of the tree (weave.py) is built with besides its own rules: the selection, and what found faults are
# compared with:
#   NAME-raw      the target without our mutator and feedback: the engine alone on the bytes
#   NAME-uniform  the target on random bytes, without an engine that learns
#   zoo_grid      a fixed list of problems, judged by NMSE alone
#
# Whatever has the planner's sources has the selection.
foreach(library attn_planner attn_null attn_null_amdhip6 attn_null_amdhip7)
  if(TARGET ${library})
    target_sources(${library} PRIVATE "${CMAKE_SOURCE_DIR}/planted.c")
  endif()
endforeach()
set(unseen "-fno-sanitize=all;-fno-sanitize-coverage=edge,trace-cmp,indirect-calls,stack-depth,trace-pc-guard")
set_source_files_properties("${CMAKE_SOURCE_DIR}/planted.c" TARGET_DIRECTORY attn_planner
  PROPERTIES COMPILE_OPTIONS "${unseen},inline-8bit-counters,pc-table")

set(fuzz "${CMAKE_SOURCE_DIR}/fuzz/targets")
foreach(name fuzz_plan fuzz_kernel fuzz_session)
  foreach(way raw uniform)
    add_executable(${name}-${way} ${fuzz}/${name}.c ${fuzz}/crash.c ${fuzz}/stats.c tests/zoo/no_feedback.c)
    target_compile_options(${name}-${way} PRIVATE ${ATTN_COVERAGE})
    target_link_libraries(${name}-${way} PRIVATE attn_fuzz)
    set_target_properties(${name}-${way} PROPERTIES LINKER_LANGUAGE CXX)
  endforeach()
  target_link_options(${name}-raw PRIVATE -fsanitize=fuzzer)
  target_sources(${name}-uniform PRIVATE tests/zoo/uniform.c)
endforeach()
add_executable(zoo_grid tests/zoo/grid.c)
target_link_libraries(zoo_grid PRIVATE attn_fuzz)
set_target_properties(zoo_grid PROPERTIES LINKER_LANGUAGE CXX)
