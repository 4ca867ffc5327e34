// program.hip: a small HIP program, as anybody's would be: what a program compiled for AMD GPUs and linked with HIP
// does on the null runtime. It prints what it sees; the test compares. Compiled for gfx90a and gfx1100.
//
// SPDX-License-Identifier: MIT
#include <hip/hip_runtime.h>

#include <cstdio>
#include <cstring>
#include <vector>

#define CHECK(call)                                                  \
    do {                                                             \
        hipError_t status = (call);                                  \
        if (status != hipSuccess) {                                  \
            std::printf("%s: %s\n", #call, hipGetErrorName(status)); \
            return 1;                                                \
        }                                                            \
    } while (0)

__device__ float factor;

__global__ __launch_bounds__(128) void reverse(float *x)
{
    __shared__ float s[128];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = factor * s[blockDim.x - 1 - threadIdx.x];
}

template <int N> __global__ void shift(float *x, int by)
{
    extern __shared__ float s[];
    s[threadIdx.x] = x[threadIdx.x] + N;
    __syncthreads();
    x[threadIdx.x] = s[(threadIdx.x + by) % blockDim.x];
}

// Every attribute that has a property of its own says the same as it.
static int attributes(int device)
{
    hipDeviceProp_t p;
    CHECK(hipGetDeviceProperties(&p, device));
    const struct {
        hipDeviceAttribute_t attribute;
        int value;
        const char *name;
    } pairs[] = {
#define PAIR(attribute, field) { hipDeviceAttribute##attribute, static_cast<int>(p.field), #attribute }
        PAIR(WarpSize, warpSize),
        PAIR(MultiprocessorCount, multiProcessorCount),
        PAIR(MaxThreadsPerBlock, maxThreadsPerBlock),
        PAIR(MaxBlockDimX, maxThreadsDim[0]),
        PAIR(MaxBlockDimZ, maxThreadsDim[2]),
        PAIR(MaxGridDimX, maxGridSize[0]),
        PAIR(MaxGridDimY, maxGridSize[1]),
        PAIR(MaxGridDimZ, maxGridSize[2]),
        PAIR(MaxSharedMemoryPerBlock, sharedMemPerBlock),
        PAIR(SharedMemPerBlockOptin, sharedMemPerBlockOptin),
        PAIR(SharedMemPerMultiprocessor, sharedMemPerMultiprocessor),
        PAIR(MaxSharedMemoryPerMultiprocessor, maxSharedMemoryPerMultiProcessor),
        PAIR(ComputeCapabilityMajor, major),
        PAIR(ComputeCapabilityMinor, minor),
        PAIR(MaxRegistersPerBlock, regsPerBlock),
        PAIR(ClockRate, clockRate),
        PAIR(MemoryClockRate, memoryClockRate),
        PAIR(MemoryBusWidth, memoryBusWidth),
        PAIR(L2CacheSize, l2CacheSize),
        PAIR(MaxThreadsPerMultiProcessor, maxThreadsPerMultiProcessor),
        PAIR(MaxPitch, memPitch),
        PAIR(MaxBlocksPerMultiProcessor, maxBlocksPerMultiProcessor),
        PAIR(Integrated, integrated),
        PAIR(CooperativeLaunch, cooperativeLaunch),
        PAIR(ManagedMemory, managedMemory),
        PAIR(PciBusId, pciBusID),
        PAIR(ConcurrentKernels, concurrentKernels),
        PAIR(CanMapHostMemory, canMapHostMemory),
        PAIR(UnifiedAddressing, unifiedAddressing),
        PAIR(MemoryPoolsSupported, memoryPoolsSupported),
        PAIR(HostRegisterSupported, hostRegisterSupported),
        PAIR(AsyncEngineCount, asyncEngineCount),
        PAIR(IsLargeBar, isLargeBar),
        PAIR(EccEnabled, ECCEnabled),
        PAIR(TotalConstantMemory, totalConstMem),
        PAIR(ConcurrentManagedAccess, concurrentManagedAccess),
        PAIR(PageableMemoryAccess, pageableMemoryAccess),
        PAIR(StreamPrioritiesSupported, streamPrioritiesSupported),
        PAIR(ComputeMode, computeMode),
    };
    for (const auto &pair : pairs) {
        int value;
        CHECK(hipDeviceGetAttribute(&value, pair.attribute, device));
        if (value != pair.value) {
            std::printf("attribute %s is %d, the property %d\n", pair.name, value, pair.value);
            return 1;
        }
    }
    return 0;
}

static int run(int device)
{
    hipDeviceProp_t p;
    float *x, host[128], two = 2.0f;
    hipStream_t stream;
    hipEvent_t begin, end;
    CHECK(hipSetDevice(device));
    CHECK(hipGetDeviceProperties(&p, device));
    CHECK(hipMalloc(&x, sizeof host));
    CHECK(hipStreamCreate(&stream));
    CHECK(hipEventCreate(&begin));
    CHECK(hipEventCreate(&end));
    for (int i = 0; i < 128; i++)
        host[i] = static_cast<float>(i);
    CHECK(hipMemcpyAsync(x, host, sizeof host, hipMemcpyHostToDevice, stream));
    CHECK(hipMemcpyToSymbol(HIP_SYMBOL(factor), &two, sizeof two));
    hipFuncAttributes attributes;
    CHECK(hipFuncGetAttributes(&attributes, reinterpret_cast<const void *>(reverse)));
    std::printf("%s wave %d static LDS %zu threads %d\n", p.gcnArchName, p.warpSize, attributes.sharedSizeBytes,
                attributes.maxThreadsPerBlock);
    CHECK(hipEventRecord(begin, stream));
    reverse<<<dim3(2, 3), 128, 0, stream>>>(x);
    CHECK(hipGetLastError());
    shift<7><<<1, dim3(32, 2), 256, stream>>>(x, 1);
    CHECK(hipGetLastError());
    CHECK(hipEventRecord(end, stream));
    hipGraph_t graph;
    hipGraphExec_t exec;
    CHECK(hipStreamBeginCapture(stream, hipStreamCaptureModeGlobal));
    shift<9><<<4, 64, 512, stream>>>(x, 2);
    CHECK(hipStreamEndCapture(stream, &graph));
    CHECK(hipGraphInstantiate(&exec, graph, nullptr, nullptr, 0));
    CHECK(hipGraphLaunch(exec, stream));
    CHECK(hipGraphLaunch(exec, stream));
    CHECK(hipStreamSynchronize(stream));
    float ms = -1.0f;
    CHECK(hipEventElapsedTime(&ms, begin, end));
    std::memset(host, 0, sizeof host);
    CHECK(hipMemcpy(host, x, sizeof host, hipMemcpyDeviceToHost));
    std::printf("x[5] is %g, time %s\n", static_cast<double>(host[5]), ms >= 0 ? "known" : "unknown");
    reverse<<<1, 256, 0, stream>>>(x); // more threads than it was compiled for
    std::printf("too many threads: %s\n", hipGetErrorName(hipGetLastError()));
    hipIpcMemHandle_t handle;
    std::printf("ipc: %s\n", hipGetErrorName(hipIpcGetMemHandle(&handle, x)));
    (void)hipGetLastError();
    CHECK(hipGraphExecDestroy(exec));
    CHECK(hipGraphDestroy(graph));
    CHECK(hipEventDestroy(begin));
    CHECK(hipEventDestroy(end));
    CHECK(hipStreamDestroy(stream));
    CHECK(hipFree(x));
    return 0;
}

int main()
{
    int count;
    CHECK(hipGetDeviceCount(&count));
    for (int i = 0; i < count; i++)
        if (attributes(i) || run(i))
            return 1;
    return 5;
}
