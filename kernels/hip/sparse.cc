/* sparse.cc: see sparse.h. HIP has these calls itself; of CUDA they are the driver's, which is asked for them by name,
 * so that the backend loads where there is no driver.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/hip/sparse.h"
#include "kernels/hip/runtime.h"

#if ATTN_RUNTIME_CUDA
#include <cuda.h>
#endif

namespace
{

#if ATTN_RUNTIME_CUDA

using place = CUmemLocation;
using properties = CUmemAllocationProp;
using access_of = CUmemAccessDesc;
using handle = CUmemGenericAllocationHandle;
using address = CUdeviceptr;
constexpr auto on_device = CU_MEM_LOCATION_TYPE_DEVICE;
constexpr auto pinned = CU_MEM_ALLOCATION_TYPE_PINNED;
constexpr auto read_write = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
constexpr auto least = CU_MEM_ALLOC_GRANULARITY_MINIMUM;
constexpr CUresult success = CUDA_SUCCESS;

address address_of(char *at) { return reinterpret_cast<address>(at); }

bool find(const char *name, void **function)
{
    cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
    const cudaError_t status = cudaGetDriverEntryPointByVersion(name, function, 12000, cudaEnableDefault, &found);
#else
    const cudaError_t status = cudaGetDriverEntryPoint(name, function, cudaEnableDefault, &found);
#endif
    return status == cudaSuccess && found == cudaDriverEntryPointSuccess && *function != nullptr;
}

#define CALL(name) cu##name
#define FIND(name) find("cu" #name, reinterpret_cast<void **>(&name))

#else

using place = hipMemLocation;
using properties = hipMemAllocationProp;
using access_of = hipMemAccessDesc;
using handle = hipMemGenericAllocationHandle_t;
using address = void *;
constexpr auto on_device = hipMemLocationTypeDevice;
constexpr auto pinned = hipMemAllocationTypePinned;
constexpr auto read_write = hipMemAccessFlagsProtReadWrite;
constexpr auto least = hipMemAllocationGranularityMinimum;
constexpr hipError_t success = hipSuccess;

address address_of(char *at) { return at; }

#define CALL(name) hip##name
#define FIND(name) (name = hip##name) != nullptr

#endif

/* X(name): one call each. */
#define CALLS(X)                   \
    X(MemGetAllocationGranularity) \
    X(MemAddressReserve)           \
    X(MemAddressFree)              \
    X(MemCreate)                   \
    X(MemRelease)                  \
    X(MemMap)                      \
    X(MemUnmap)                    \
    X(MemSetAccess)

struct calls {
#define X(name) decltype(&CALL(name)) name = nullptr;
    CALLS(X)
#undef X

    /* The name of a call that is missing, or NULL. */
    const char *find_all()
    {
#define X(name)        \
    if (!(FIND(name))) \
        return #name;
        CALLS(X)
#undef X
        return nullptr;
    }
};

properties properties_of(int gpu)
{
    properties p = {};
    p.type = pinned;
    p.location.type = on_device;
    p.location.id = gpu;
    return p;
}

/* Memory for one range. What it is known by is given back at once: it lives as long as it is mapped. */
bool map(const calls &call, const properties &p, char *at, size_t bytes)
{
    handle memory;
    if (call.MemCreate(&memory, bytes, &p, 0) != success)
        return false;
    const bool mapped = call.MemMap(address_of(at), bytes, 0, memory, 0) == success;
    (void)call.MemRelease(memory);
    if (!mapped)
        return false;
    access_of access = {};
    access.location = p.location;
    access.flags = read_write;
    if (call.MemSetAccess(address_of(at), bytes, &access, 1) == success)
        return true;
    (void)call.MemUnmap(address_of(at), bytes);
    return false;
}

} // namespace

const char *hip_sparse_open(struct attn_memory *memory, const struct attn_image *image, int gpu)
{
    const properties p = properties_of(gpu);
    calls call;
    size_t granule = 0;
    address arena = {};
    if (const char *missing = call.find_all())
        return missing;
    if (call.MemGetAllocationGranularity(&granule, &p, least) != success || granule == 0)
        return "MemGetAllocationGranularity";
    hip_memory_present(memory, image, static_cast<int64_t>(granule));
    memory->capacity = memory->present.back().end; /* the workspace's: it lies last */
    if (call.MemAddressReserve(&arena, static_cast<size_t>(memory->capacity), 0, address{}, 0) != success) {
        memory->present.clear();
        return "MemAddressReserve";
    }
    memory->arena = reinterpret_cast<char *>(arena);
    for (size_t i = 0; i < memory->present.size(); i++) {
        const hip_range range = memory->present[i];
        if (map(call, p, memory->arena + range.begin, static_cast<size_t>(range.end - range.begin)))
            continue;
        memory->present.resize(i);
        hip_sparse_close(memory);
        return "MemCreate, MemMap or MemSetAccess";
    }
    return nullptr;
}

void hip_sparse_close(struct attn_memory *memory)
{
    calls call;
    if (call.find_all())
        return;
    for (const hip_range &range : memory->present)
        (void)call.MemUnmap(address_of(memory->arena + range.begin), static_cast<size_t>(range.end - range.begin));
    (void)call.MemAddressFree(address_of(memory->arena), static_cast<size_t>(memory->capacity));
    memory->arena = nullptr;
    memory->capacity = 0;
    memory->present.clear();
}
