# SPDX-License-Identifier: MIT
#
# attn_hip.so for AMD GPUs. Each kernel file is compiled for each AMD row of the device table into a code object of its
# own, amd/<target>/<file>.o in the build folder (an ELF that tests and people look into); the objects of a file are
# bundled, and the host's side of the file is compiled around the bundle, as the compiler driver does in one go
# (`clang -x hip -###` shows its steps). The compiler and HIP's headers are those that ../amd-toolchain.sh finds.
set(amd "${CMAKE_BINARY_DIR}/amd")
execute_process(
  COMMAND "${CMAKE_COMMAND}" -E env "CXX=${CMAKE_CXX_COMPILER}" sh "${root}/kernels/amd-toolchain.sh" "${amd}/toolchain"
  OUTPUT_VARIABLE words ERROR_VARIABLE source RESULT_VARIABLE code OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_STRIP_TRAILING_WHITESPACE)
message(STATUS "${source}")
if(NOT code EQUAL 0)
  message(FATAL_ERROR "Kernels cannot be compiled for AMD GPUs here: ${source}")
endif()
string(REPLACE "\n" ";" words "${words}")
set(host_words ${words})
list(REMOVE_ITEM host_words --cuda-device-only --no-gpu-bundle-output)

# The targets, with their wave sizes.
file(STRINGS "${root}/planner/tables.h" rows REGEX "^ *X\\(gfx[0-9a-f]+, +(32|64),")
string(REPLACE "\\" "" rows "${rows}") # that goes on in the next line
set(targets "")
foreach(row ${rows})
  string(REGEX REPLACE "^ *X\\((gfx[0-9a-f]+), +([0-9]+),.*" "\\1 \\2" row "${row}")
  separate_arguments(row)
  list(GET row 0 target)
  list(GET row 1 wave_of_${target})
  list(APPEND targets ${target})
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${root}/planner/tables.h")
set(ATTN_AMD_TARGETS "" CACHE STRING "AMD targets to compile for, of those in the device table; empty: all")
if(ATTN_AMD_TARGETS)
  set(targets ${ATTN_AMD_TARGETS})
endif()

list(GET words 0 clang)
find_program(clang NAMES "${clang}" REQUIRED)
file(REAL_PATH "${clang}" clang)
get_filename_component(tools "${clang}" DIRECTORY)
string(REGEX MATCH "[0-9]+" major "${CMAKE_CXX_COMPILER_VERSION}")
find_program(ATTN_BUNDLER NAMES clang-offload-bundler clang-offload-bundler-${major} HINTS "${tools}")
if(NOT ATTN_BUNDLER)
  message(FATAL_ERROR "clang-offload-bundler is missing (Debian: clang-tools-${major}; a ROCm has it beside its clang)")
endif()
find_program(ATTN_CCACHE ccache)
set(launcher "")
if(ATTN_CCACHE)
  set(launcher "${ATTN_CCACHE}")
endif()

set(warnings -Wall -Wextra $<$<BOOL:${ATTN_WERROR}>:-Werror>)
set(include_flags "")
foreach(folder ${includes})
  list(APPEND include_flags "-I${folder}")
endforeach()

# The driver writes no dependencies for device code alone.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${root}/planner/*.h" "${root}/kernels/*.h")

set(code_objects "")
set(host_objects "")
foreach(kernel ${kernels})
  get_filename_component(name "${kernel}" NAME_WE)
  set(objects "")
  set(bundle_targets "host-x86_64-unknown-linux-gnu")
  set(bundle_inputs -input=/dev/null)
  foreach(target ${targets})
    set(object "${amd}/${target}/${name}.o")
    set(device_source "${kernel}")
    if(name MATCHES "_wave(32|64)$" AND NOT CMAKE_MATCH_1 EQUAL wave_of_${target})
      # The runtime wants an object for its GPU in every bundle, also where no instance is for that wave size.
      set(device_source "${CMAKE_CURRENT_SOURCE_DIR}/no_kernels.hip")
    endif()
    file(MAKE_DIRECTORY "${amd}/${target}")
    add_custom_command(
      OUTPUT "${object}"
      COMMAND ${launcher} ${words} ${warnings} ${include_flags} --offload-arch=${target} -cuid=${name} -o
              "${object}" "${device_source}"
      DEPENDS "${device_source}" ${headers} VERBATIM COMMAND_EXPAND_LISTS COMMENT "Compiling ${name} for ${target}")
    list(APPEND objects "${object}")
    string(APPEND bundle_targets ",hipv4-amdgcn-amd-amdhsa--${target}")
    list(APPEND bundle_inputs "-input=${object}")
  endforeach()
  add_custom_command(
    OUTPUT "${amd}/${name}.hipfb"
    COMMAND "${ATTN_BUNDLER}" -type=o -bundle-align=4096 -targets=${bundle_targets} ${bundle_inputs}
            "-output=${amd}/${name}.hipfb"
    DEPENDS ${objects} VERBATIM COMMENT "Bundling ${name}")
  add_custom_command(
    OUTPUT "${amd}/${name}.o"
    COMMAND ${host_words} ${warnings} ${include_flags} --cuda-host-only -cuid=${name} -Xclang
            -fcuda-include-gpubinary -Xclang "${amd}/${name}.hipfb" -fPIC -fvisibility=hidden -o "${amd}/${name}.o"
            "${kernel}"
    DEPENDS "${kernel}" "${amd}/${name}.hipfb" ${headers} VERBATIM COMMAND_EXPAND_LISTS
    COMMENT "Compiling ${name} for the host")
  list(APPEND code_objects ${objects})
  list(APPEND host_objects "${amd}/${name}.o")
endforeach()
add_custom_target(attn_amd_objects DEPENDS ${code_objects})

# attn_amd.so: the code objects and their kernels' names, for the machine that executes them on the CPU
# (../machine/); no runtime.
set(kernel_objects ${host_objects})
add_library(attn_amd MODULE "${root}/kernels/machine/names.c" ${kernel_objects} $<TARGET_OBJECTS:attn_hip_host>)
target_include_directories(attn_amd PRIVATE ${includes})
target_compile_definitions(attn_amd PRIVATE ATTN_HIP_ABI="${ATTN_HIP_ABI}")
target_compile_options(attn_amd PRIVATE -O2 -fvisibility=hidden ${warnings})
target_link_options(attn_amd PRIVATE LINKER:--no-undefined LINKER:--exclude-libs,ALL -static-libgcc -static-libstdc++)
set_source_files_properties(${kernel_objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
set_target_properties(attn_amd PROPERTIES PREFIX "" OUTPUT_NAME attn_amd SUFFIX .so LINKER_LANGUAGE CXX
                                          LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

# The backend has no kernel of its own.
foreach(file backend sparse)
  add_custom_command(
    OUTPUT "${amd}/${file}.o"
    COMMAND ${host_words} ${warnings} ${include_flags} --cuda-host-only -DATTN_HIP_ABI="${ATTN_HIP_ABI}" -fPIC
            -fvisibility=hidden -o "${amd}/${file}.o" "${CMAKE_CURRENT_SOURCE_DIR}/${file}.cc"
    DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${file}.cc" ${headers} VERBATIM COMMAND_EXPAND_LISTS
    COMMENT "Compiling the hip backend: ${file}")
  list(APPEND host_objects "${amd}/${file}.o")
endforeach()

# The runtime, libamdhip64: the machine's, or, where there are only its headers, a stand-in for the linker with the
# names that are used and the name that HIP of this version has at run time.
set(rocm "")
foreach(word ${words})
  if(word MATCHES "^--rocm-path=(.*)$")
    set(rocm "${CMAKE_MATCH_1}")
  endif()
endforeach()
find_library(ATTN_AMDHIP64 amdhip64 HINTS "${rocm}/lib" "${rocm}/lib/x86_64-linux-gnu" NO_DEFAULT_PATH)
if(ATTN_AMDHIP64)
  set(runtime "${ATTN_AMDHIP64}")
else()
  file(GLOB_RECURSE version_header "${rocm}/include/hip/hip_version.h" "${rocm}/include/*/hip/hip_version.h")
  list(GET version_header 0 version_header)
  file(STRINGS "${version_header}" version REGEX "#define HIP_VERSION_MAJOR")
  string(REGEX MATCH "[0-9]+$" version "${version}")
  set(runtime "${amd}/libamdhip64.so")
  add_custom_command(
    OUTPUT "${runtime}"
    COMMAND sh "${CMAKE_CURRENT_SOURCE_DIR}/runtime-stand-in.sh" "${CMAKE_C_COMPILER}" "${CMAKE_NM}"
            "libamdhip64.so.${version}" "${runtime}" ${host_objects}
    DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/runtime-stand-in.sh" ${host_objects} VERBATIM
    COMMENT "Making a stand-in for libamdhip64.so.${version} to link with")
endif()
add_custom_target(attn_amd_runtime DEPENDS "${runtime}")

set_source_files_properties(${host_objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
add_library(attn_hip MODULE ${host_objects} $<TARGET_OBJECTS:attn_hip_host>)
add_dependencies(attn_hip attn_amd_runtime)
target_link_libraries(attn_hip PRIVATE "${runtime}")
target_link_options(attn_hip PRIVATE LINKER:--no-undefined LINKER:--exclude-libs,ALL -static-libgcc -static-libstdc++)
set_target_properties(attn_hip PROPERTIES LINKER_LANGUAGE CXX BUILD_RPATH "${rocm}/lib")
