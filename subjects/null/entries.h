/* entries.h: the entry points that the null runtime provides, by HIP's names and binary interface, grouped by the
 * file that has them. HIP's own documentation says what they do. Handles (hipStream_t, hipEvent_t, ...) are void *,
 * enumerations int. Every other entry point of the real libraries (hip_entries.txt) is refused by name.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_ENTRIES_H
#define ATTN_NULL_ENTRIES_H

#include "subjects/null/hip_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* allocate.c */
int hipMalloc(void **memory, size_t bytes);
int hipExtMallocWithFlags(void **memory, size_t bytes, unsigned flags);
int hipMallocManaged(void **memory, size_t bytes, unsigned flags);
int hipHostMalloc(void **memory, size_t bytes, unsigned flags);
int hipHostAlloc(void **memory, size_t bytes, unsigned flags);
int hipMallocHost(void **memory, size_t bytes);
int hipMemAllocHost(void **memory, size_t bytes);
int hipMallocPitch(void **memory, size_t *pitch, size_t width, size_t height);
int hipMallocAsync(void **memory, size_t bytes, void *stream);
int hipFree(void *memory);
int hipHostFree(void *memory);
int hipFreeHost(void *memory);
int hipFreeAsync(void *memory, void *stream);
int hipHostRegister(void *memory, size_t bytes, unsigned flags);
int hipHostUnregister(void *memory);
int hipHostGetDevicePointer(void **device, void *host, unsigned flags);
int hipHostGetFlags(unsigned *flags, void *host);
int hipMemGetInfo(size_t *free_bytes, size_t *total_bytes);
int hipMemPtrGetInfo(void *memory, size_t *bytes);
int hipMemGetAddressRange(void **begin, size_t *bytes, void *memory);
int hipPointerGetAttributes(struct hip_pointer_attributes *attributes, const void *memory);
int hipMemAdvise(const void *memory, size_t bytes, int advice, int device);
int hipMemPrefetchAsync(const void *memory, size_t bytes, int device, void *stream);

/* copy.c */
int hipMemcpy(void *to, const void *from, size_t n, int kind);
int hipMemcpyAsync(void *to, const void *from, size_t n, int kind, void *stream);
int hipMemcpyWithStream(void *to, const void *from, size_t n, int kind, void *stream);
int hipMemcpyHtoD(void *to, const void *from, size_t n);
int hipMemcpyDtoH(void *to, void *from, size_t n);
int hipMemcpyDtoD(void *to, void *from, size_t n);
int hipMemcpyHtoDAsync(void *to, const void *from, size_t n, void *stream);
int hipMemcpyDtoHAsync(void *to, void *from, size_t n, void *stream);
int hipMemcpyDtoDAsync(void *to, void *from, size_t n, void *stream);
int hipMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, int kind);
int hipMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                     int kind, void *stream);
int hipMemcpyPeer(void *to, int to_device, const void *from, int from_device, size_t n);
int hipMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t n, void *stream);
int hipMemset(void *to, int value, size_t n);
int hipMemsetAsync(void *to, int value, size_t n, void *stream);
int hipMemsetD8(void *to, unsigned char value, size_t n);
int hipMemsetD8Async(void *to, unsigned char value, size_t n, void *stream);
int hipMemsetD16(void *to, unsigned short value, size_t n);
int hipMemsetD16Async(void *to, unsigned short value, size_t n, void *stream);
int hipMemsetD32(void *to, int value, size_t n);
int hipMemsetD32Async(void *to, int value, size_t n, void *stream);
int hipMemset2D(void *to, size_t pitch, int value, size_t width, size_t height);
int hipMemset2DAsync(void *to, size_t pitch, int value, size_t width, size_t height, void *stream);
int hipGetSymbolAddress(void **address, const void *host);
int hipGetSymbolSize(size_t *bytes, const void *host);
int hipMemcpyToSymbol(const void *host, const void *from, size_t n, size_t offset, int kind);
int hipMemcpyToSymbolAsync(const void *host, const void *from, size_t n, size_t offset, int kind, void *stream);
int hipMemcpyFromSymbol(void *to, const void *host, size_t n, size_t offset, int kind);
int hipMemcpyFromSymbolAsync(void *to, const void *host, size_t n, size_t offset, int kind, void *stream);

/* device.c */
int hipInit(unsigned flags);
int hipDriverGetVersion(int *number);
int hipRuntimeGetVersion(int *number);
int hipGetDeviceCount(int *count);
int hipSetDevice(int index);
int hipGetDevice(int *index);
int hipDeviceGet(int *device, int index);
int hipGetDevicePropertiesR0600(struct hip_properties *p, int index);
int hipDeviceGetAttribute(int *value, int attribute, int index);
int hipDeviceGetName(char *name, int len, int index);
int hipDeviceGetUuid(void *uuid, int index);
int hipDeviceComputeCapability(int *major, int *minor, int index);
int hipDeviceTotalMem(size_t *bytes, int index);
int hipDeviceGetPCIBusId(char *text, int len, int index);
int hipDeviceGetByPCIBusId(int *index, const char *text);
int hipDeviceSetCacheConfig(int preference);
int hipDeviceSetSharedMemConfig(int preference);
int hipSetDeviceFlags(unsigned flags);
int hipDeviceGetStreamPriorityRange(int *least, int *greatest);
int hipDeviceCanAccessPeer(int *can, int device, int peer);
int hipDeviceEnablePeerAccess(int peer, unsigned flags);
int hipDeviceDisablePeerAccess(int peer);

/* error.c */
int hipGetLastError(void);
int hipExtGetLastError(void);
int hipPeekAtLastError(void);
const char *hipGetErrorName(int error);
const char *hipGetErrorString(int error);
int hipDrvGetErrorName(int error, const char **text);
int hipDrvGetErrorString(int error, const char **text);

/* event.c */
int hipEventCreateWithFlags(void **event, unsigned flags);
int hipEventCreate(void **event);
int hipEventDestroy(void *event);
int hipEventRecord(void *event, void *stream);
int hipEventRecordWithFlags(void *event, void *stream, unsigned flags);
int hipEventSynchronize(void *event);
int hipEventQuery(void *event);
int hipEventElapsedTime(float *ms, void *start, void *stop);
int hipStreamWaitEvent(void *stream, void *event, unsigned flags);

/* function.c */
int hipOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *function, int block, size_t lds);
int hipOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *function, int block, size_t lds,
                                                          unsigned flags);
int hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *function, int block, size_t lds);
int hipModuleOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, void *function, int block, size_t lds,
                                                                unsigned flags);
int hipOccupancyMaxPotentialBlockSize(int *grid, int *block, const void *function, size_t lds, int limit);
int hipModuleOccupancyMaxPotentialBlockSize(int *grid, int *block, void *function, size_t lds, int limit);
int hipFuncGetAttributes(struct hip_function_attributes *attributes, const void *function);
int hipFuncGetAttribute(int *value, int attribute, void *function);
int hipFuncSetAttribute(const void *function, int attribute, int value);
int hipFuncSetCacheConfig(const void *function, int preference);
int hipFuncSetSharedMemConfig(const void *function, int preference);

/* graph.c */
int hipGraphCreate(void **graph, unsigned flags);
int hipGraphDestroy(void *graph);
int hipGraphExecDestroy(void *exec);
int hipGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long flags);
int hipGraphInstantiate(void **exec, void *graph, void **error_node, char *text, size_t bytes);
int hipGraphUpload(void *exec, void *stream);
int hipGraphLaunch(void *exec, void *stream);
int hipGraphExecUpdate(void *exec, void *graph, void **error_node, int *result);
int hipGraphGetNodes(void *graph, void **nodes, size_t *n);
int hipGraphNodeGetType(void *node, int *type);
int hipGraphAddEmptyNode(void **node, void *graph, void *const *dependencies, size_t n);
int hipGraphAddHostNode(void **node, void *graph, void *const *dependencies, size_t n,
                        const struct hip_host_node *host);
int hipGraphAddKernelNode(void **node, void *graph, void *const *dependencies, size_t n,
                          const struct hip_kernel_node *k);

/* image.c */
int hipModuleLoadData(void **module, const void *bytes);
int hipModuleLoadDataEx(void **module, const void *bytes, unsigned n, void *options, void **values);
int hipModuleLoadFatBinary(void **module, const void *bytes);
int hipModuleLoad(void **module, const char *path);
int hipModuleUnload(void *module);
int hipModuleGetFunction(void **function, void *module, const char *name);
int hipGetFuncBySymbol(void **function, const void *host);
const char *hipKernelNameRef(const void *function);
const char *hipKernelNameRefByPtr(const void *host, void *stream);

/* launch.c */
int __hipPushCallConfiguration(struct hip_dim3 grid, struct hip_dim3 block, size_t lds, void *stream);
int __hipPopCallConfiguration(struct hip_dim3 *grid, struct hip_dim3 *block, size_t *lds, void **stream);
int hipLaunchKernel(const void *function, struct hip_dim3 grid, struct hip_dim3 block, void **arguments, size_t lds,
                    void *stream);
int hipLaunchCooperativeKernel(const void *function, struct hip_dim3 grid, struct hip_dim3 block, void **arguments,
                               unsigned lds, void *stream);
int hipExtLaunchKernel(const void *function, struct hip_dim3 grid, struct hip_dim3 block, void **arguments, size_t lds,
                       void *stream, void *start, void *stop, int flags);
int hipLaunchKernelExC(const struct hip_launch_config *c, const void *function, void **arguments);
int hipModuleLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                          unsigned lds, void *stream, void **arguments, void **extra);
int hipModuleLaunchCooperativeKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                     unsigned bz, unsigned lds, void *stream, void **arguments);
int _Z24hipExtModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_j(
    void *function, uint32_t x, uint32_t y, uint32_t z, uint32_t bx, uint32_t by, uint32_t bz, size_t lds, void *stream,
    void **arguments, void **extra, void *start, void *stop, uint32_t flags);
/* A call of a BLAS library, recorded as a launch under its name. */
int null_hip_library_call(const char *name, void *stream);

/* register.c */
void **__hipRegisterFatBinary(const void *data);
void __hipRegisterFunction(void **image, const void *host, char *device_function, const char *name,
                           unsigned thread_limit, void *thread, void *block, void *block_size, void *grid_size,
                           int *wave_size);
void __hipRegisterVar(void **image, void *host, char *host_name, char *name, int external, size_t bytes, int constant,
                      int global);
void __hipRegisterManagedVar(void **image, void **pointer, void *initial, const char *name, size_t bytes,
                             unsigned align);
void __hipUnregisterFatBinary(void **image);

/* stream.c */
int hipStreamCreate(void **stream);
int hipStreamCreateWithFlags(void **stream, unsigned flags);
int hipStreamCreateWithPriority(void **stream, unsigned flags, int priority);
int hipStreamDestroy(void *stream);
int hipStreamSynchronize(void *stream);
int hipStreamQuery(void *stream);
int hipDeviceSynchronize(void);
int hipStreamGetFlags(void *stream, unsigned *flags);
int hipStreamGetPriority(void *stream, int *priority);
int hipStreamGetDevice(void *stream, int *device);
int hipLaunchHostFunc(void *stream, void (*function)(void *), void *data);
int hipStreamAddCallback(void *stream, void (*callback)(void *, int, void *), void *data, unsigned flags);
int hipStreamBeginCapture(void *stream, int mode);
int hipStreamEndCapture(void *stream, void **graph);
int hipStreamIsCapturing(void *stream, int *status);
int hipStreamGetCaptureInfo(void *stream, int *status, unsigned long long *id);

#ifdef __cplusplus
}
#endif
#endif
