// abi.cc: the null runtime's binary interface (subjects/null/hip_abi.h, subjects/null/entries.h) against HIP's own
// headers, checked while it is compiled. PLAIN_ENTRIES is subjects/null/entries.h without extern "C"; ENTRIES a file
// with ENTRY(name) for each of it.
//
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstdbool>
#include <cstddef>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <type_traits>

#define __HIP_PLATFORM_AMD__ 1
#define __HIP_DISABLE_CPP_FUNCTIONS__ 1
#include <hip/hip_runtime_api.h>

namespace null
{
#include PLAIN_ENTRIES
}

// ---- Functions: as many arguments, each passed the same way -------------------------------------------------

// What decides where an argument goes: class and size (System V ABI, x86-64, "Parameter Passing").
template <class A, class B> constexpr bool alike()
{
    using P = std::decay_t<A>;
    using Q = std::decay_t<B>;
    constexpr bool number_a = std::is_integral_v<P> || std::is_enum_v<P>,
                   number_b = std::is_integral_v<Q> || std::is_enum_v<Q>;
    if constexpr (std::is_void_v<A> || std::is_void_v<B>)
        return std::is_void_v<A> && std::is_void_v<B>;
    else
        return sizeof(P) == sizeof(Q) && std::is_pointer_v<P> == std::is_pointer_v<Q> && number_a == number_b &&
               std::is_class_v<P> == std::is_class_v<Q>;
}
template <class A, class B> struct same : std::false_type {
};
template <class RA, class... A, class RB, class... B> struct same<RA (*)(A...), RB (*)(B...)> {
    template <std::size_t N = sizeof...(A)> static constexpr bool all()
    {
        if constexpr (N == sizeof...(B))
            return (alike<A, B>() && ...);
        else
            return false;
    }
    static constexpr bool value = alike<RA, RB>() && all();
};
#define ENTRY(name) static_assert(same<decltype(&::name), decltype(&null::name)>::value, #name " has other arguments");
#include ENTRIES

// Those that HIP overloads with templates, so that the address alone does not say which: ENTRIES leaves them out.
#define ENTRY_AS(name, ...)                                                        \
    [[maybe_unused]] static hipError_t (*const hip_##name)(__VA_ARGS__) = &::name; \
    static_assert(same<hipError_t (*)(__VA_ARGS__), decltype(&null::name)>::value, #name " has other arguments");
ENTRY_AS(hipGetSymbolAddress, void **, const void *)
ENTRY_AS(hipGetSymbolSize, size_t *, const void *)
ENTRY_AS(hipLaunchCooperativeKernel, const void *, dim3, dim3, void **, unsigned, hipStream_t)
ENTRY_AS(hipMallocAsync, void **, size_t, hipStream_t)
ENTRY_AS(hipMemcpyFromSymbol, void *, const void *, size_t, size_t, hipMemcpyKind)
ENTRY_AS(hipMemcpyFromSymbolAsync, void *, const void *, size_t, size_t, hipMemcpyKind, hipStream_t)
ENTRY_AS(hipMemcpyToSymbol, const void *, const void *, size_t, size_t, hipMemcpyKind)
ENTRY_AS(hipMemcpyToSymbolAsync, const void *, const void *, size_t, size_t, hipMemcpyKind, hipStream_t)
ENTRY_AS(hipOccupancyMaxActiveBlocksPerMultiprocessor, int *, const void *, int, size_t)
ENTRY_AS(hipOccupancyMaxActiveBlocksPerMultiprocessorWithFlags, int *, const void *, int, size_t, unsigned)
ENTRY_AS(hipOccupancyMaxPotentialBlockSize, int *, int *, const void *, size_t, int)

// ---- Structures: each field where HIP has it ----------------------------------------------------------------

#define SIZE(type, own) static_assert(sizeof(type) == sizeof(null::own), #type)
#define FIELD(type, field, own, mine)                                   \
    static_assert(offsetof(type, field) == offsetof(null::own, mine) && \
                      sizeof(type::field) == sizeof(null::own::mine),   \
                  #type "." #field)

SIZE(hipDeviceProp_t, hip_properties);
#define P(field, mine) FIELD(hipDeviceProp_t, field, hip_properties, mine)
P(name, name);
P(uuid, uuid);
P(totalGlobalMem, global_bytes);
P(sharedMemPerBlock, lds_bytes);
P(regsPerBlock, registers_per_block);
P(warpSize, wave_size);
P(memPitch, max_pitch);
P(maxThreadsPerBlock, max_threads);
P(maxThreadsDim, max_block);
P(maxGridSize, max_grid);
P(clockRate, clock_khz);
P(totalConstMem, const_bytes);
P(major, major);
P(minor, minor);
P(textureAlignment, texture_alignment);
P(texturePitchAlignment, texture_pitch_alignment);
P(deviceOverlap, overlap);
P(multiProcessorCount, n_cu);
P(integrated, integrated);
P(canMapHostMemory, maps_host);
P(computeMode, compute_mode);
P(surfaceAlignment, surface_alignment);
P(concurrentKernels, concurrent_kernels);
P(ECCEnabled, ecc);
P(pciBusID, pci_bus);
P(pciDeviceID, pci_device);
P(pciDomainID, pci_domain);
P(asyncEngineCount, copy_engines);
P(unifiedAddressing, unified_addressing);
P(memoryClockRate, memory_clock_khz);
P(memoryBusWidth, memory_bus_bits);
P(l2CacheSize, l2_bytes);
P(maxThreadsPerMultiProcessor, threads_per_cu);
P(sharedMemPerMultiprocessor, lds_per_cu);
P(regsPerMultiprocessor, registers_per_cu);
P(managedMemory, managed);
P(hostNativeAtomicSupported, native_atomics);
P(concurrentManagedAccess, concurrent_managed);
P(canUseHostPointerForRegisteredMem, host_pointer_registered);
P(cooperativeLaunch, cooperative);
P(sharedMemPerBlockOptin, lds_optin);
P(maxBlocksPerMultiProcessor, blocks_per_cu);
P(reservedSharedMemPerBlock, lds_reserved);
P(hostRegisterSupported, host_register);
P(memoryPoolsSupported, memory_pools);
P(unifiedFunctionPointers, function_pointers);
P(gcnArchName, arch);
P(maxSharedMemoryPerMultiProcessor, lds_per_cu_amd);
P(clockInstructionRate, clock_instruction_khz);
P(isLargeBar, large_bar);
P(asicRevision, asic_revision);

SIZE(hipPointerAttribute_t, hip_pointer_attributes);
FIELD(hipPointerAttribute_t, type, hip_pointer_attributes, type);
FIELD(hipPointerAttribute_t, device, hip_pointer_attributes, device);
FIELD(hipPointerAttribute_t, devicePointer, hip_pointer_attributes, device_pointer);
FIELD(hipPointerAttribute_t, hostPointer, hip_pointer_attributes, host_pointer);
FIELD(hipPointerAttribute_t, isManaged, hip_pointer_attributes, is_managed);
FIELD(hipPointerAttribute_t, allocationFlags, hip_pointer_attributes, flags);

SIZE(hipFuncAttributes, hip_function_attributes);
FIELD(hipFuncAttributes, localSizeBytes, hip_function_attributes, scratch_bytes);
FIELD(hipFuncAttributes, maxDynamicSharedSizeBytes, hip_function_attributes, lds_dynamic_max);
FIELD(hipFuncAttributes, maxThreadsPerBlock, hip_function_attributes, max_threads);
FIELD(hipFuncAttributes, numRegs, hip_function_attributes, registers);
FIELD(hipFuncAttributes, sharedSizeBytes, hip_function_attributes, lds_static);

SIZE(hipKernelNodeParams, hip_kernel_node);
FIELD(hipKernelNodeParams, blockDim, hip_kernel_node, block);
FIELD(hipKernelNodeParams, func, hip_kernel_node, function);
FIELD(hipKernelNodeParams, gridDim, hip_kernel_node, grid);
FIELD(hipKernelNodeParams, sharedMemBytes, hip_kernel_node, lds);
SIZE(hipHostNodeParams, hip_host_node);

SIZE(hipLaunchConfig_t, hip_launch_config);
FIELD(hipLaunchConfig_t, gridDim, hip_launch_config, grid);
FIELD(hipLaunchConfig_t, blockDim, hip_launch_config, block);
FIELD(hipLaunchConfig_t, dynamicSmemBytes, hip_launch_config, lds);
FIELD(hipLaunchConfig_t, stream, hip_launch_config, stream);
FIELD(hipLaunchConfig_t, attrs, hip_launch_config, attributes);
FIELD(hipLaunchConfig_t, numAttrs, hip_launch_config, n_attributes);
SIZE(hipLaunchAttribute, hip_launch_attribute);
FIELD(hipLaunchAttribute, val, hip_launch_attribute, value);

// ---- Numbers ------------------------------------------------------------------------------------------------

#define X(name, number, text) static_assert(static_cast<int>(::name) == (number), #name);
HIP_ERRORS(X)
#undef X
#define NUMBER(theirs, ours) static_assert(static_cast<int>(theirs) == static_cast<int>(null::ours), #theirs)
NUMBER(hipMemcpyHostToHost, HIP_COPY_HOST_HOST);
NUMBER(hipMemcpyHostToDevice, HIP_COPY_HOST_DEVICE);
NUMBER(hipMemcpyDeviceToHost, HIP_COPY_DEVICE_HOST);
NUMBER(hipMemcpyDeviceToDevice, HIP_COPY_DEVICE_DEVICE);
NUMBER(hipMemcpyDefault, HIP_COPY_DEFAULT);
NUMBER(hipMemcpyDeviceToDeviceNoCU, HIP_COPY_DEVICE_DEVICE_NO_CU);
NUMBER(hipMemoryTypeUnregistered, HIP_MEMORY_UNREGISTERED);
NUMBER(hipMemoryTypeHost, HIP_MEMORY_HOST);
NUMBER(hipMemoryTypeDevice, HIP_MEMORY_DEVICE);
NUMBER(hipMemoryTypeManaged, HIP_MEMORY_MANAGED);
NUMBER(HIP_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, HIP_FUNCTION_LDS);
NUMBER(HIP_FUNC_ATTRIBUTE_NUM_REGS, HIP_FUNCTION_REGISTERS);
NUMBER(HIP_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, HIP_FUNCTION_CARVEOUT);
NUMBER(hipGraphNodeTypeKernel, HIP_NODE_KERNEL);
NUMBER(hipGraphNodeTypeMemcpy, HIP_NODE_COPY);
NUMBER(hipGraphNodeTypeMemset, HIP_NODE_FILL);
NUMBER(hipGraphNodeTypeHost, HIP_NODE_HOST);
NUMBER(hipGraphNodeTypeEmpty, HIP_NODE_EMPTY);
NUMBER(hipGraphExecUpdateErrorTopologyChanged, HIP_UPDATE_TOPOLOGY);
NUMBER(hipGraphExecUpdateErrorNodeTypeChanged, HIP_UPDATE_NODE_TYPE);
NUMBER(hipStreamCaptureStatusActive, HIP_CAPTURE_ACTIVE);
NUMBER(hipLaunchAttributeCooperative, HIP_LAUNCH_COOPERATIVE);
