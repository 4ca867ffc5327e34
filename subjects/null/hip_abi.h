/* hip_abi.h: the part of HIP's binary interface that the null runtime provides, in the runtime's own words, so that it
 * builds where no HIP is installed. Numbers and layouts: HIP 6.4.3 and 7.2.4, hip_runtime_api.h and driver_types.h
 * (tests/subjects/null/abi.cc holds this file against the real headers).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HIP_ABI_H
#define ATTN_HIP_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, number, text): the errors the null runtime returns or is asked the name of. */
#define HIP_ERRORS(X)                                                                             \
    X(hipSuccess, 0, "no error")                                                                  \
    X(hipErrorInvalidValue, 1, "invalid argument")                                                \
    X(hipErrorOutOfMemory, 2, "out of memory")                                                    \
    X(hipErrorNotInitialized, 3, "not initialized")                                               \
    X(hipErrorDeinitialized, 4, "deinitialized")                                                  \
    X(hipErrorInvalidConfiguration, 9, "invalid launch configuration")                            \
    X(hipErrorInvalidPitchValue, 12, "invalid pitch")                                             \
    X(hipErrorInvalidSymbol, 13, "invalid device symbol")                                         \
    X(hipErrorInvalidDevicePointer, 17, "invalid device pointer")                                 \
    X(hipErrorInvalidMemcpyDirection, 21, "invalid direction of a copy")                          \
    X(hipErrorMissingConfiguration, 52, "no launch configuration was pushed")                     \
    X(hipErrorInvalidDeviceFunction, 98, "invalid device function")                               \
    X(hipErrorNoDevice, 100, "no device")                                                         \
    X(hipErrorInvalidDevice, 101, "invalid device number")                                        \
    X(hipErrorInvalidImage, 200, "invalid device image")                                          \
    X(hipErrorInvalidContext, 201, "invalid device context")                                      \
    X(hipErrorNoBinaryForGpu, 209, "no code for this device in the binary")                       \
    X(hipErrorUnsupportedLimit, 215, "unsupported limit")                                         \
    X(hipErrorPeerAccessUnsupported, 217, "peer access is not supported")                         \
    X(hipErrorFileNotFound, 301, "file not found")                                                \
    X(hipErrorInvalidHandle, 400, "invalid handle")                                               \
    X(hipErrorIllegalState, 401, "illegal state")                                                 \
    X(hipErrorNotFound, 500, "not found")                                                         \
    X(hipErrorNotReady, 600, "not ready")                                                         \
    X(hipErrorIllegalAddress, 700, "illegal memory access")                                       \
    X(hipErrorLaunchOutOfResources, 701, "out of resources for a launch")                         \
    X(hipErrorPeerAccessAlreadyEnabled, 704, "peer access is already enabled")                    \
    X(hipErrorPeerAccessNotEnabled, 705, "peer access is not enabled")                            \
    X(hipErrorHostMemoryAlreadyRegistered, 712, "host memory is already registered")              \
    X(hipErrorHostMemoryNotRegistered, 713, "host memory is not registered")                      \
    X(hipErrorLaunchFailure, 719, "launch failure")                                               \
    X(hipErrorCooperativeLaunchTooLarge, 720, "too many blocks for a cooperative launch")         \
    X(hipErrorNotSupported, 801, "not supported by the null runtime")                             \
    X(hipErrorStreamCaptureUnsupported, 900, "not permitted while a stream is capturing")         \
    X(hipErrorStreamCaptureInvalidated, 901, "the capture was invalidated by an earlier error")   \
    X(hipErrorStreamCaptureUnmatched, 903, "the capture was not begun in this stream")            \
    X(hipErrorStreamCaptureUnjoined, 904, "a stream that joined the capture was not joined back") \
    X(hipErrorStreamCaptureImplicit, 906, "an operation on the null stream while capturing")      \
    X(hipErrorCapturedEvent, 907, "the event was recorded in a capturing stream")                 \
    X(hipErrorGraphExecUpdateFailure, 910, "the executable graph cannot be updated so")           \
    X(hipErrorUnknown, 999, "unknown error")

enum hip_error {
#define X(name, number, text) name = number,
    HIP_ERRORS(X)
#undef X
};

enum hip_copy_kind {
    HIP_COPY_HOST_HOST,
    HIP_COPY_HOST_DEVICE,
    HIP_COPY_DEVICE_HOST,
    HIP_COPY_DEVICE_DEVICE,
    HIP_COPY_DEFAULT,
    HIP_COPY_DEVICE_DEVICE_NO_CU = 1024
};

enum hip_memory_type { HIP_MEMORY_UNREGISTERED, HIP_MEMORY_HOST, HIP_MEMORY_DEVICE, HIP_MEMORY_MANAGED };

struct hip_dim3 {
    uint32_t x, y, z;
};

struct hip_pointer_attributes {
    int type; /* enum hip_memory_type */
    int device;
    void *device_pointer, *host_pointer;
    int is_managed;
    unsigned flags;
};

struct hip_function_attributes {
    int binary_version, cache_mode;
    size_t const_bytes, scratch_bytes;
    int lds_dynamic_max, max_threads, registers, carveout, ptx_version;
    size_t lds_static;
};

enum hip_function_attribute {
    HIP_FUNCTION_MAX_THREADS,
    HIP_FUNCTION_LDS,
    HIP_FUNCTION_CONST,
    HIP_FUNCTION_SCRATCH,
    HIP_FUNCTION_REGISTERS,
    HIP_FUNCTION_PTX_VERSION,
    HIP_FUNCTION_BINARY_VERSION,
    HIP_FUNCTION_CACHE_MODE,
    HIP_FUNCTION_LDS_DYNAMIC_MAX,
    HIP_FUNCTION_CARVEOUT
};

struct hip_launch_attribute {
    int id;
    char pad[4];
    union {
        char bytes[64];
        int cooperative;
    } value;
};
enum { HIP_LAUNCH_COOPERATIVE = 2 };

struct hip_launch_config {
    struct hip_dim3 grid, block;
    size_t lds;
    void *stream;
    struct hip_launch_attribute *attributes;
    unsigned n_attributes;
};

struct hip_kernel_node {
    struct hip_dim3 block;
    void **extra, *function;
    struct hip_dim3 grid;
    void **arguments;
    unsigned lds;
};

struct hip_memset_node {
    void *target;
    unsigned element_bytes;
    size_t height, pitch;
    unsigned value;
    size_t width;
};

struct hip_host_node {
    void (*function)(void *);
    void *data;
};

enum hip_node_type { HIP_NODE_KERNEL, HIP_NODE_COPY, HIP_NODE_FILL, HIP_NODE_HOST, HIP_NODE_GRAPH, HIP_NODE_EMPTY };

enum hip_update_result { HIP_UPDATE_SUCCESS, HIP_UPDATE_ERROR, HIP_UPDATE_TOPOLOGY, HIP_UPDATE_NODE_TYPE };

enum hip_capture_status { HIP_CAPTURE_NONE, HIP_CAPTURE_ACTIVE, HIP_CAPTURE_INVALIDATED };

/* The argument of __hipRegisterFatBinary: what clang emits for a translation unit (LLVM,
 * clang/lib/CodeGen/CGCUDANV.cpp,
 * "__hip_fatbin_wrapper"). */
struct hip_fat_wrapper {
    uint32_t magic, version;
    const void *binary;
    void *unused;
};
enum { HIP_FAT_MAGIC = 0x48495046 };

/* hipDeviceProp_tR0600. */
struct hip_properties {
    char name[256], uuid[16], luid[8];
    unsigned luid_mask;
    size_t global_bytes, lds_bytes;
    int registers_per_block, wave_size;
    size_t max_pitch;
    int max_threads, max_block[3], max_grid[3], clock_khz;
    size_t const_bytes;
    int major, minor;
    size_t texture_alignment, texture_pitch_alignment;
    int overlap, n_cu, run_time_limit, integrated, maps_host, compute_mode;
    int texture_limits[40]; /* maxTexture1D ... maxSurfaceCubemapLayered */
    size_t surface_alignment;
    int concurrent_kernels, ecc, pci_bus, pci_device, pci_domain, tcc, copy_engines, unified_addressing;
    int memory_clock_khz, memory_bus_bits, l2_bytes, l2_persisting_bytes, threads_per_cu, stream_priorities;
    int global_l1, local_l1;
    size_t lds_per_cu;
    int registers_per_cu, managed, multi_gpu, multi_gpu_group, native_atomics, single_to_double, pageable;
    int concurrent_managed, preemption, host_pointer_registered, cooperative, cooperative_multi;
    size_t lds_optin;
    int pageable_tables, direct_managed, blocks_per_cu, access_window_bytes;
    size_t lds_reserved;
    int host_register, sparse_arrays, host_register_read_only, semaphore_interop, memory_pools, rdma;
    unsigned rdma_flush;
    int rdma_ordering;
    unsigned pool_handles;
    int deferred_arrays, ipc_events, clusters, function_pointers;
    int reserved[63], hip_reserved[32];
    char arch[256];
    size_t lds_per_cu_amd;
    int clock_instruction_khz;
    unsigned arch_features; /* hipDeviceArch_t: bits in the order of hip_runtime_api.h */
    unsigned *hdp_mem_flush, *hdp_reg_flush;
    int unmatched_function, unmatched_grid, unmatched_block, unmatched_lds;
    int large_bar, asic_revision;
};

#endif
