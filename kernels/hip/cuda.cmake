# SPDX-License-Identifier: MIT
#
# attn_hip.so for NVIDIA. CUDA's runtime is linked statically: the machine it runs on needs the driver alone.
# wgmma is sm_90a's; in a build without it a Hopper GPU counts as sm_80.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 90a)
endif()
set(sm90a 0)
if(CMAKE_CUDA_ARCHITECTURES MATCHES "90a")
  set(sm90a 1)
endif()
find_program(nvcc nvcc PATHS /usr/local/cuda/bin)
if(NOT DEFINED CMAKE_CUDA_COMPILER AND nvcc)
  set(CMAKE_CUDA_COMPILER "${nvcc}")
endif()
enable_language(CUDA)
set(CMAKE_CUDA_FLAGS_RELWITHDEBINFO "-O3 -lineinfo")
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)

# A warp has 32 lanes: files with instances for waves of 64 give way to absent_wave64.cc.
list(FILTER kernels EXCLUDE REGEX "_wave64\\.hip$")
set(cuda_sources ${kernels} "${CMAKE_CURRENT_SOURCE_DIR}/backend.cc" "${CMAKE_CURRENT_SOURCE_DIR}/sparse.cc"
                 "${CMAKE_CURRENT_SOURCE_DIR}/absent_wave64.cc")
set_source_files_properties(${cuda_sources} PROPERTIES LANGUAGE CUDA)
add_library(attn_hip MODULE ${cuda_sources} $<TARGET_OBJECTS:attn_hip_host>)
target_include_directories(attn_hip PRIVATE ${includes})
target_compile_definitions(attn_hip PRIVATE ATTN_HIP_ABI="${ATTN_HIP_ABI}" ATTN_HIP_SM90A=${sm90a})
target_compile_options(attn_hip PRIVATE
  "SHELL:-x cu" "SHELL:-Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra"
  # Instances that a wave size or an architecture leaves out have functions without use.
  "SHELL:--diag-suppress 177" $<$<BOOL:${ATTN_WERROR}>:--Werror=all-warnings>)
target_link_options(attn_hip PRIVATE "LINKER:--exclude-libs,ALL" -static-libgcc -static-libstdc++)
set_target_properties(attn_hip PROPERTIES LINKER_LANGUAGE CUDA CUDA_RUNTIME_LIBRARY Static)
