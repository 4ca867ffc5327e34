/* backend.cc: the hip backend: plans run on an AMD GPU through HIP, or on an NVIDIA GPU through CUDA under HIP's names.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/args.h"
#include "kernels/hip/attn_hip.h"
#include "kernels/hip/memory.h"
#include "kernels/hip/runtime.h"
#include "kernels/hip/sparse.h"
#include "kernels/spread.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

namespace
{

constexpr int pattern = 0xFF;
constexpr int64_t spare_most = INT64_C(256) << 20; /* a freed arena up to this size serves the next problem */
constexpr int64_t whole_most = INT64_C(16) << 30;  /* one up to this size is memory throughout */

struct hip_backend {
    struct attn_backend base; /* first: callers see this */
    struct attn_device device;
    int gpu;
    char card[256];
    hipEvent_t event[ATTN_STEP_COUNT + 1]; /* before each step, and after the last */
    double milliseconds[ATTN_STEP_COUNT];
    char *spare;
    int64_t spare_capacity;
    std::vector<uint8_t> staging;
    std::vector<hip_gap> gaps;
};

hip_backend *self(struct attn_backend *b) { return reinterpret_cast<hip_backend *>(b); }

/* True when the call succeeded. Else says which failed, and whether the device runs anything after it: most errors of
 * a kernel (an address, a trap, a watchdog) stay with the process for good. */
bool good(hipError_t status, const char *what, int step, struct attn_failure *failure)
{
    if (status == hipSuccess)
        return true;
    (void)hipGetLastError();
    const bool lost = hipDeviceSynchronize() != hipSuccess || hipGetLastError() != hipSuccess;
    return hip_fail(failure, lost ? ATTN_F_DEVICE_LOST : ATTN_F_RUNTIME, step, "%s: %s: %s%s",
                    lost ? "device_lost" : "runtime", what, hipGetErrorString(status),
                    lost ? "; the device runs nothing more for this process" : "");
}

bool describe(struct attn_backend *b, struct attn_device *device)
{
    *device = self(b)->device;
    return true;
}

const char *card(struct attn_backend *b) { return self(b)->card; }

/* ---- Memory ---------------------------------------------------------------------------------------------- */

void free_memory(struct attn_backend *b, struct attn_memory *memory)
{
    hip_backend *my = self(b);
    if (!memory)
        return;
    if (!memory->present.empty())
        hip_sparse_close(memory);
    if (memory->arena && memory->capacity <= spare_most && memory->capacity > my->spare_capacity) {
        char *const smaller = my->spare;
        my->spare = memory->arena;
        my->spare_capacity = memory->capacity;
        memory->arena = smaller;
    }
    if (memory->arena)
        (void)hipFree(memory->arena);
    delete memory;
}

struct attn_memory *alloc(struct attn_backend *b, const struct attn_problem *problem, const struct attn_image *image,
                          int64_t workspace_bytes, struct attn_failure *failure)
{
    hip_backend *my = self(b);
    struct attn_memory *memory = new (std::nothrow) attn_memory();
    if (!memory || !hip_memory_layout(memory, problem, image, workspace_bytes)) {
        delete memory;
        hip_fail(failure, ATTN_F_RUNTIME, ATTN_STEP_MAIN, "runtime: no memory for the problem's buffers and workspace");
        return nullptr;
    }
    if (memory->end > whole_most) {
        const char *failed = hip_sparse_open(memory, image, my->gpu);
        if (!failed)
            return memory;
        delete memory;
        hip_fail(failure, ATTN_F_RUNTIME, ATTN_STEP_MAIN, "runtime: no memory for rows far apart: %s", failed);
        return nullptr;
    }
    if (my->spare_capacity >= memory->end) {
        memory->arena = my->spare;
        memory->capacity = my->spare_capacity;
        my->spare = nullptr;
        my->spare_capacity = 0;
        return memory;
    }
    void *arena = nullptr;
    if (!good(hipMalloc(&arena, static_cast<size_t>(memory->end)), "allocating device memory", ATTN_STEP_MAIN,
              failure)) {
        delete memory;
        return nullptr;
    }
    memory->arena = static_cast<char *>(arena);
    memory->capacity = memory->end;
    return memory;
}

/* Calls for what there is of each buffer, as long as that returns true: all of it where an image names no stretches. */
template <class COPY>
bool each_stretch(const struct attn_memory *memory, const struct attn_image *image, const COPY &copy)
{
    for (int i = 0; i < image->n_buffers; i++) {
        const struct attn_buffer *buffer = &image->buffer[i];
        const struct attn_stretch whole = { 0, memory->size[i] };
        for (int32_t s = 0; s < std::max(buffer->n_stretches, 1); s++) {
            const struct attn_stretch at = buffer->n_stretches > 0 ? buffer->stretch[s] : whole;
            if (!copy(memory->arena + memory->start[i] + at.start, buffer->bytes + at.start,
                      static_cast<size_t>(at.end - at.start)))
                return false;
        }
    }
    return true;
}

bool fill(const struct attn_memory *memory, int64_t begin, int64_t end, struct attn_failure *failure)
{
    return good(hipMemset(memory->arena + begin, pattern, static_cast<size_t>(end - begin)), "filling guards",
                ATTN_STEP_MAIN, failure);
}

bool upload(struct attn_backend *, struct attn_memory *memory, const struct attn_image *image,
            struct attn_failure *failure)
{
    memory->runs = 0;
    if (memory->present.empty() && !fill(memory, 0, memory->end, failure))
        return false;
    for (const hip_range &range : memory->present)
        if (!fill(memory, range.begin, range.end, failure))
            return false;
    return each_stretch(memory, image, [&](char *there, uint8_t *here, size_t bytes) {
        return good(hipMemcpy(there, here, bytes, hipMemcpyHostToDevice), "copying to the device", ATTN_STEP_MAIN,
                    failure);
    });
}

/* Guards and leftovers of the workspace are as they were filled. */
bool gaps_hold(hip_backend *my, const struct attn_memory *memory, struct attn_failure *failure)
{
    constexpr int64_t most = INT64_C(1) << 20;
    hip_memory_gaps(memory, my->gaps);
    for (const hip_gap &gap : my->gaps)
        for (int64_t from = gap.begin; from < gap.end; from += most) {
            const size_t n = static_cast<size_t>(gap.end - from < most ? gap.end - from : most);
            my->staging.resize(n);
            if (!good(hipMemcpy(my->staging.data(), memory->arena + from, n, hipMemcpyDeviceToHost),
                      "copying from the device", ATTN_STEP_MAIN, failure))
                return false;
            for (size_t i = 0; i < n; i++)
                if (my->staging[i] != pattern) {
                    const long long past =
                        static_cast<long long>(gap.past + from - gap.begin + static_cast<int64_t>(i));
                    hip_fail(failure, ATTN_F_GLOBAL_BOUNDS, ATTN_STEP_MAIN,
                             "global_bounds: wrote byte %lld past the %s %d, which belongs to no element", past,
                             gap.after, gap.number);
                    failure->offset = past;
                    failure->bytes = 1;
                    return false;
                }
        }
    return true;
}

bool download(struct attn_backend *b, struct attn_memory *memory, struct attn_image *image,
              struct attn_failure *failure)
{
    const bool copied = each_stretch(memory, image, [&](char *there, uint8_t *here, size_t bytes) {
        return good(hipMemcpy(here, there, bytes, hipMemcpyDeviceToHost), "copying from the device", ATTN_STEP_MAIN,
                    failure);
    });
    return copied && gaps_hold(self(b), memory, failure) && hip_dst_written(memory, image, failure);
}

/* ---- Running --------------------------------------------------------------------------------------------- */

/* The plan can be run here, in this memory. */
bool may_run(const hip_backend *my, const struct attn_memory *memory, const struct attn_plan *plan,
             struct attn_failure *failure)
{
    const char *wrong = attn_plan_check(plan);
    if (!wrong && plan->workspace_bytes > memory->workspace_bytes)
        wrong = "its workspace is larger than what was allocated";
    if (wrong)
        return hip_fail(failure, ATTN_F_RUNTIME, ATTN_STEP_MAIN, "runtime: the plan cannot be run: %s", wrong);
    if (plan->device.wave_size != my->device.wave_size)
        return hip_fail(failure, ATTN_F_WAVE_SIZE, ATTN_STEP_MAIN,
                        "wave_size: the plan is for waves of %d lanes, %s has %d", plan->device.wave_size, my->card,
                        my->device.wave_size);
    return true;
}

/* The instance is what the plan thinks it is. */
bool check_instance(attn_entry entry, const struct attn_plan *plan, int step, struct attn_failure *failure)
{
    const struct attn_launch *l = &plan->launch[step];
    if (!entry)
        return hip_fail(failure, ATTN_F_NO_INSTANCE, step, "no_instance: none of %s was built for this plan",
                        attn_kernel(plan->kernel)->name);
    const void *function = reinterpret_cast<const void *>(entry);
    hipFuncAttributes attributes;
    if (!good(hipFuncGetAttributes(&attributes, function), "reading a kernel's attributes", step, failure))
        return false;
    if (attributes.sharedSizeBytes != l->lds_static_bytes)
        return hip_fail(failure, ATTN_F_LDS_SIZE, step,
                        "lds_size: the kernel declares %zu bytes of static LDS, the plan says %u",
                        attributes.sharedSizeBytes, l->lds_static_bytes);
    const uint64_t threads = static_cast<uint64_t>(l->block[0]) * l->block[1] * l->block[2];
    if (threads > static_cast<uint64_t>(attributes.maxThreadsPerBlock))
        return hip_fail(failure, ATTN_F_LIMIT_THREADS, step,
                        "limit_threads: the kernel was built for workgroups of up to %d threads, the plan has %llu",
                        attributes.maxThreadsPerBlock, static_cast<unsigned long long>(threads));
    return l->lds_dynamic_bytes == 0 || good(hipFuncSetAttribute(function, hipFuncAttributeMaxDynamicSharedMemorySize,
                                                                 static_cast<int>(l->lds_dynamic_bytes)),
                                             "asking for dynamic LDS", step, failure);
}

/* Queues one launch. */
bool launch(const struct attn_memory *memory, const struct attn_problem *problem, const struct attn_plan *plan,
            int step, struct attn_failure *failure)
{
    const struct attn_launch *l = &plan->launch[step];
    void *base[ATTN_OPERAND_COUNT] = {};
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (memory->buffer_of[o] >= 0)
            base[o] = memory->arena + memory->start[memory->buffer_of[o]] + problem->t[o].offset;
    struct attn_args args;
    attn_args_build(problem, plan, step, base, memory->arena + memory->workspace_start, &args);
    void *parameters[] = { &args };
    const dim3 grid(l->grid[0], l->grid[1], l->grid[2]), block(l->block[0], l->block[1], l->block[2]);
    return good(hipLaunchKernel(reinterpret_cast<const void *>(attn_entry_find(plan, step)), grid, block, parameters,
                                l->lds_dynamic_bytes, nullptr),
                "launching", step, failure);
}

bool has(const struct attn_plan *plan, int step) { return (plan->steps >> step & 1u) != 0; }

bool run(struct attn_backend *b, struct attn_memory *memory, const struct attn_problem *problem,
         const struct attn_plan *plan, struct attn_failure *failure)
{
    hip_backend *my = self(b);
    std::memset(failure, 0, sizeof *failure);
    failure->operand = -1;
    if (!may_run(my, memory, plan, failure))
        return false;
    memory->runs++;
    struct attn_plan apart = *plan;
    attn_plan_spread(&apart, HIP_GUARD);
    std::memcpy(memory->region_offset, apart.region_offset, sizeof memory->region_offset);
    std::memcpy(memory->region_bytes, apart.region_bytes, sizeof memory->region_bytes);
    for (int step = 0; step < ATTN_STEP_COUNT; step++) {
        if (has(plan, step) && !check_instance(attn_entry_find(plan, step), plan, step, failure))
            return false;
        if (!good(hipEventRecord(my->event[step], nullptr), "recording an event", step, failure))
            return false;
        if (has(plan, step) && !launch(memory, problem, &apart, step, failure))
            return false;
    }
    if (!good(hipEventRecord(my->event[ATTN_STEP_COUNT], nullptr), "recording an event", ATTN_STEP_MAIN, failure) ||
        !good(hipDeviceSynchronize(), "running", ATTN_STEP_MAIN, failure) ||
        !good(hipGetLastError(), "running", ATTN_STEP_MAIN, failure))
        return false;
    for (int step = 0; step < ATTN_STEP_COUNT; step++) {
        float ms = 0.0f;
        if (has(plan, step) &&
            !good(hipEventElapsedTime(&ms, my->event[step], my->event[step + 1]), "reading an event", step, failure))
            return false;
        my->milliseconds[step] = static_cast<double>(ms);
    }
    return true;
}

/* ---- Time ------------------------------------------------------------------------------------------------ */

void step_milliseconds(struct attn_backend *b, double milliseconds[ATTN_STEP_COUNT])
{
    std::memcpy(milliseconds, self(b)->milliseconds, sizeof self(b)->milliseconds);
}

/* Times `repeats` calls of queue(i), which queues work, between events that are queued too: the host's own time is
 * hidden behind the device's, where that is longer. */
template <class QUEUE>
bool time_queued(int repeats, double milliseconds[], struct attn_failure *failure, const QUEUE &queue)
{
    std::vector<hipEvent_t> event(static_cast<size_t>(repeats) + 1);
    size_t made = 0;
    bool well = true;
    while (well && made < event.size())
        if ((well = good(hipEventCreate(&event[made]), "making an event", ATTN_STEP_MAIN, failure)))
            made++;
    well = well && good(hipEventRecord(event[0], nullptr), "recording an event", ATTN_STEP_MAIN, failure);
    for (int i = 0; well && i < repeats; i++)
        well = queue(i) && good(hipEventRecord(event[static_cast<size_t>(i) + 1], nullptr), "recording an event",
                                ATTN_STEP_MAIN, failure);
    well = well && good(hipDeviceSynchronize(), "running", ATTN_STEP_MAIN, failure);
    for (int i = 0; well && i < repeats; i++) {
        float ms = 0.0f;
        well = good(hipEventElapsedTime(&ms, event[static_cast<size_t>(i)], event[static_cast<size_t>(i) + 1]),
                    "reading an event", ATTN_STEP_MAIN, failure);
        milliseconds[i] = static_cast<double>(ms);
    }
    for (size_t i = 0; i < made; i++)
        (void)hipEventDestroy(event[i]);
    return well;
}

bool time_plan(struct attn_backend *b, struct attn_memory *const memories[], int n_memories,
               const struct attn_problem *problem, const struct attn_plan *plan, int repeats, double milliseconds[],
               struct attn_failure *failure)
{
    for (int i = 0; i < n_memories; i++) {
        if (!may_run(self(b), memories[i], plan, failure))
            return false;
        memories[i]->runs += 2; /* what the workspace holds afterwards is nobody's business */
    }
    for (int step = 0; step < ATTN_STEP_COUNT; step++)
        if (has(plan, step) && !check_instance(attn_entry_find(plan, step), plan, step, failure))
            return false;
    return time_queued(repeats, milliseconds, failure, [&](int i) {
        for (int step = 0; step < ATTN_STEP_COUNT; step++)
            if (has(plan, step) && !launch(memories[i % n_memories], problem, plan, step, failure))
                return false;
        return true;
    });
}

bool time_copy(struct attn_backend *, int64_t bytes, int repeats, double milliseconds[], struct attn_failure *failure)
{
    const size_t size = static_cast<size_t>(bytes);
    void *from = nullptr, *to = nullptr;
    bool well = good(hipMalloc(&from, size), "allocating device memory", ATTN_STEP_MAIN, failure) &&
                good(hipMalloc(&to, size), "allocating device memory", ATTN_STEP_MAIN, failure) &&
                good(hipMemset(from, 1, size), "filling memory", ATTN_STEP_MAIN, failure) &&
                time_queued(repeats, milliseconds, failure, [&](int) {
                    return good(hipMemcpyAsync(to, from, size, hipMemcpyDeviceToDevice, nullptr), "copying",
                                ATTN_STEP_MAIN, failure);
                });
    (void)hipFree(from);
    (void)hipFree(to);
    return well;
}

/* ---- Opening --------------------------------------------------------------------------------------------- */

void close_backend(struct attn_backend *b)
{
    hip_backend *my = self(b);
    if (!my)
        return;
    if (my->spare)
        (void)hipFree(my->spare);
    for (hipEvent_t &event : my->event)
        (void)hipEventDestroy(event);
    delete my;
}

const struct attn_hip_ops hip_ops = { { "hip", describe, alloc, upload, run, download, free_memory, close_backend,
                                        false, true },
                                      step_milliseconds,
                                      time_plan,
                                      time_copy,
                                      card };

/* The GPU's row of the device table, with this very card's limits where they are below the row's. The number of compute
 * units stays the row's: it decides how keys are split, and a line that failed here is to be planned alike without the
 * card. (It is not the runtime's multiProcessorCount on RDNA either, which counts pairs of them.) */
bool describe_card(const hipDeviceProp_t *properties, struct attn_device *device, char *error, size_t cap)
{
    char name[64];
#if ATTN_RUNTIME_CUDA
    /* The row sm_80 serves every NVIDIA GPU from there on: all that the kernels need is mma.sync. Hopper's own has
     * wgmma, for which not every build is (cuda.cmake). */
    const int own = 10 * properties->major + properties->minor;
    std::snprintf(name, sizeof name, "sm_%d", own < 80 ? own : own == 90 && ATTN_HIP_SM90A ? 90 : 80);
    const size_t lds = properties->sharedMemPerBlockOptin;
#else
    std::snprintf(name, sizeof name, "%.*s", static_cast<int>(std::strcspn(properties->gcnArchName, ":")),
                  properties->gcnArchName);
    const size_t lds = properties->sharedMemPerBlock;
#endif
    const struct attn_device *row = attn_device_find(name);
    if (!row) {
        std::snprintf(error, cap, "the GPU, %s (%s), is not in the device table", properties->name, name);
        return false;
    }
    *device = *row;
    if (properties->maxThreadsPerBlock < device->max_threads)
        device->max_threads = properties->maxThreadsPerBlock;
    if (lds < static_cast<size_t>(device->lds_bytes))
        device->lds_bytes = static_cast<int32_t>(lds);
    if (device->lds_static_bytes > device->lds_bytes)
        device->lds_static_bytes = device->lds_bytes;
    if (properties->warpSize != device->wave_size) {
        std::snprintf(error, cap, "the GPU, %s, reports waves of %d lanes, the device table says %d", properties->name,
                      properties->warpSize, device->wave_size);
        return false;
    }
    return true;
}

/* There is a driver, a GPU, and one of that number; else what is missing. */
bool find_gpu(int index, char *error, size_t cap)
{
    int count = 0, driver = 0;
    /* CUDA says "insufficient driver" where there is none at all. */
    if (ATTN_RUNTIME_CUDA && hipDriverGetVersion(&driver) == hipSuccess && driver == 0) {
        std::snprintf(error, cap, "no GPU: the driver's library (libcuda.so.1) is missing");
        return false;
    }
    const hipError_t status = hipGetDeviceCount(&count);
    if (status != hipSuccess || count == 0) {
        std::snprintf(error, cap, "no GPU: %s",
                      status != hipSuccess ? hipGetErrorString(status) : "the runtime finds none");
        return false;
    }
    if (index < 0 || index >= count) {
        std::snprintf(error, cap, "no GPU number %d: there %s %d", index, count == 1 ? "is" : "are", count);
        return false;
    }
    return true;
}

struct attn_backend *open_gpu(int index, char *error, size_t cap)
{
    hipDeviceProp_t properties;
    if (!find_gpu(index, error, cap))
        return nullptr;
    hip_backend *my = new (std::nothrow) hip_backend();
    if (!my) {
        std::snprintf(error, cap, "out of memory");
        return nullptr;
    }
    my->base.ops = &hip_ops.base;
    my->gpu = index;
    hipError_t status = hipSetDevice(index);
    if (status == hipSuccess)
        status = hipGetDeviceProperties(&properties, index);
    for (hipEvent_t &event : my->event)
        if (status == hipSuccess)
            status = hipEventCreate(&event);
    if (status != hipSuccess) {
        std::snprintf(error, cap, "opening GPU %d: %s", index, hipGetErrorString(status));
    } else if (describe_card(&properties, &my->device, error, cap)) {
        std::snprintf(my->card, sizeof my->card, "%s", properties.name);
        return &my->base;
    }
    delete my;
    return nullptr;
}

const struct attn_hip_plugin plugin = { ATTN_HIP_ABI, open_gpu };

} // namespace

extern "C" __attribute__((visibility("default"))) const struct attn_hip_plugin *attn_hip_plugin(void)
{
    return &plugin;
}
