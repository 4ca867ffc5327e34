/* executor.cc: launches and their blocks.
 *
 * Blocks run one after another, in the order of the schedule. What threads do
 * together in a block is rendezvous.cc's, which is told here what wave operations do.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/executor.h"

#include <dlfcn.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if SIMT_ASAN
extern "C" void __asan_get_shadow_mapping(size_t *scale, size_t *offset);
#endif

/* ---- Threads --------------------------------------------------------------------------------------------- */

/* What a fiber runs: the kernel, once a block, for as long as the executor lives. */
static void fiber_main(void)
{
    struct simt_executor *ex = simt_hot.executor;
    simt_context_started();
    for (;;) {
        ex->launch->entry(*ex->launch->args);
        simt_arrive(simt_key(SIMT_KEY_EXIT, 0, 0, 0));
    }
}

/* ---- Failures of a launch as a whole ------------------------------------------------------------------------ */

static void launch_failure(struct simt_executor *ex, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A failure of the launch as a whole. */
static void launch_failure(struct simt_executor *ex, int code, const char *format, ...)
{
    struct attn_failure *failure = ex->failure;
    memset(failure, 0, sizeof *failure);
    failure->code = code;
    failure->step = ex->launch->step;
    failure->operand = -1;
    va_list values;
    va_start(values, format);
    vsnprintf(failure->text, sizeof failure->text, format, values);
    va_end(values);
    ex->failed = true;
}

/* ---- Blocks ---------------------------------------------------------------------------------------------- */

/* Threads and waves of a launch's blocks. Fibers that stand at the end of a block are ready for the next. */
static bool prepare_threads(struct simt_executor *ex, const struct simt_launch *launch)
{
    const uint32_t wave_size = static_cast<uint32_t>(launch->device->wave_size);
    const struct dim3 dim = { launch->shape.block[0], launch->shape.block[1], launch->shape.block[2] };
    const uint32_t threads = dim.x * dim.y * dim.z;
    for (; ex->fibers < threads; ex->fibers++) {
        struct simt_context *context = &ex->fiber[ex->fibers].context;
        if (!simt_stack_create(context, SIMT_STACK_BYTES))
            return false;
        simt_context_prepare(context, fiber_main, ex->fibers);
    }
    if (!ex->started) {
        for (uint32_t t = 0; t < ex->fibers; t++)
            simt_context_prepare(&ex->fiber[t].context, fiber_main, t);
        ex->started = true;
    }
    ex->block_dim = dim;
    if (ex->prepared_threads == threads && ex->prepared_wave_size == wave_size && ex->prepared_dim.x == dim.x &&
        ex->prepared_dim.y == dim.y)
        return true;
    ex->prepared_threads = threads;
    ex->prepared_wave_size = wave_size;
    ex->prepared_dim = dim;
    ex->threads = threads;
    ex->waves = (threads + wave_size - 1) / wave_size;
    for (uint32_t t = 0; t < threads; t++) {
        struct simt_fiber *fiber = &ex->fiber[t];
        fiber->wave = &ex->wave[t / wave_size];
        fiber->lane = t % wave_size;
        fiber->thread = t;
        fiber->index = { t % dim.x, t / dim.x % dim.y, t / dim.x / dim.y };
    }
    for (uint32_t w = 0; w < ex->waves; w++) {
        struct simt_wave *wave = &ex->wave[w];
        wave->number = w;
        wave->first = w * wave_size;
        wave->lanes = threads - wave->first < wave_size ? threads - wave->first : wave_size;
    }
    return true;
}

static void run_block(struct simt_executor *ex)
{
    simt_lds_block(ex);
    ex->waves_waiting = 0;
    ex->block_key = 0;
    ex->block_or_next = 0;
    ex->grouped = false;
    memset(ex->published, 0, ex->threads * sizeof ex->published[0]);
    for (uint32_t t = 0; t < ex->threads; t++)
        ex->copies[t].first = ex->copies[t].count = ex->copies[t].group = 0;
    for (uint32_t w = 0; w < ex->waves; w++) {
        struct simt_wave *wave = &ex->wave[w];
        wave->arrived = 0;
        wave->key = 0;
        wave->sync = ex->clock;
        wave->parity = 0;
        wave->waiting = false;
        wave->ballot_next = 0;
        wave->group = 0;
    }
    struct simt_wave *first = simt_first_wave(ex);
    struct simt_fiber *fiber = &ex->fiber[first->resume];
    simt_become(fiber);
    simt_context_leave_home(&ex->home, &fiber->context);
}

static void run_grid(struct simt_executor *ex, const struct simt_launch *launch)
{
    const uint32_t *grid = launch->shape.grid;
    uint32_t columns = grid[0]; /* blocks of a row that are run */
    uint32_t *column = launch->items ? simt_items_blocks(launch->items, grid[0], &columns) : nullptr;
    if (launch->items && !column) {
        launch_failure(ex, ATTN_F_RUNTIME, "no memory for the numbers of %u blocks", grid[0]);
        return;
    }
    const uint64_t blocks = static_cast<uint64_t>(columns) * grid[1] * grid[2];
    ex->grid_dim = { grid[0], grid[1], grid[2] };
    const struct simt_turns turns = simt_turns_of_blocks(ex, blocks);
    for (uint64_t i = 0; i < blocks && !ex->failed; i++) {
        const uint64_t b = simt_in_turn(&turns, i);
        const uint32_t x = static_cast<uint32_t>(b % columns);
        ex->block = { column ? column[x] : x, static_cast<uint32_t>(b / columns % grid[1]),
                      static_cast<uint32_t>(b / columns / grid[1]) };
        if (ex->memory)
            simt_hot.mine = ++ex->memory->region.serial << 1;
        run_block(ex);
    }
    free(column);
}

/* ---- Launches -------------------------------------------------------------------------------------------- */

/* Is the launch within the limits of its device, and the executor's own? */
static bool within_limits(struct simt_executor *ex, const struct simt_launch *launch)
{
    const struct attn_device *device = launch->device;
    const struct attn_launch *shape = &launch->shape;
    if (!launch->entry) {
        launch_failure(ex, ATTN_F_NO_INSTANCE, "no kernel instance was built for this launch");
        return false;
    }
    if (device->wave_size != 32 && device->wave_size != 64) {
        launch_failure(ex, ATTN_F_WAVE_SIZE, "%s has waves of %d, must be 32 or 64", device->name, device->wave_size);
        return false;
    }
    uint64_t threads = 1;
    for (int d = 0; d < 3; d++) {
        if (shape->grid[d] == 0 || shape->grid[d] > device->max_grid[d]) {
            launch_failure(ex, ATTN_F_LIMIT_GRID, "grid[%d] is %u, %s allows 1 to %u", d, shape->grid[d], device->name,
                           device->max_grid[d]);
            return false;
        }
        threads = shape->block[d] <= UINT32_MAX / 2 && threads <= UINT32_MAX ? threads * shape->block[d] : UINT32_MAX;
    }
    if (threads == 0 || device->max_threads < 0 || threads > static_cast<uint64_t>(device->max_threads)) {
        launch_failure(ex, ATTN_F_LIMIT_THREADS, "the block has %llu threads, %s allows 1 to %d",
                       static_cast<unsigned long long>(threads), device->name, device->max_threads);
        return false;
    }
    const uint64_t lds = static_cast<uint64_t>(shape->lds_static_bytes) + shape->lds_dynamic_bytes;
    if (lds > static_cast<uint64_t>(device->lds_bytes > 0 ? device->lds_bytes : 0) ||
        shape->lds_static_bytes > static_cast<uint64_t>(device->lds_static_bytes > 0 ? device->lds_static_bytes : 0)) {
        launch_failure(ex, ATTN_F_LIMIT_LDS, "the block needs %llu bytes of LDS (%u static), %s has %d (%d static)",
                       static_cast<unsigned long long>(lds), shape->lds_static_bytes, device->name, device->lds_bytes,
                       device->lds_static_bytes);
        return false;
    }
    if (threads > SIMT_MAX_THREADS || lds > SIMT_LDS_CAPACITY) {
        launch_failure(ex, ATTN_F_RUNTIME, "the host executor runs blocks of at most %d threads and %d bytes of LDS",
                       SIMT_MAX_THREADS, SIMT_LDS_CAPACITY);
        return false;
    }
    return true;
}

static void enter(struct simt_executor *ex, const struct simt_launch *launch)
{
    struct simt_hot *hot = &simt_hot;
    hot->executor = ex;
#if SIMT_ASAN
    __asan_get_shadow_mapping(&hot->asan_scale, &hot->asan_offset);
#endif
    hot->budget = ex->options.budget ? ex->options.budget : ~static_cast<uint64_t>(0);
    hot->lds = reinterpret_cast<uintptr_t>(ex->lds);
    hot->lds_bytes = launch->shape.lds_static_bytes + launch->shape.lds_dynamic_bytes;
    hot->lds_span = SIMT_LDS_CAPACITY + SIMT_LDS_GUARD;
    hot->lds_write = ex->lds_write;
    hot->lds_read = ex->lds_read;
    hot->global = 0;
    hot->global_span = 0;
    if (ex->memory) {
        struct simt_region *region = &ex->memory->region;
        hot->global = reinterpret_cast<uintptr_t>(region->bytes);
        hot->global_span = region->capacity;
        hot->kind = region->kind;
        hot->global_tag = region->tag;
        hot->launch = ++region->serial << 1;
        hot->run = region->run_serial << 1;
    }
}

static void leave(void) { simt_hot = {}; }

bool simt_executor_launch(struct simt_executor *ex, struct attn_memory *memory, const struct simt_launch *launch,
                          struct attn_failure *failure)
{
    memset(failure, 0, sizeof *failure);
    failure->operand = -1;
    failure->step = launch->step;
    ex->launch = launch;
    ex->memory = memory;
    ex->failure = failure;
    ex->failed = false;
    ex->lds_declared = false;
    ex->order = attn_schedule_kind(ex->options.schedule);
    ex->random = ex->options.schedule;
    if (!within_limits(ex, launch))
        return false;
    if (!prepare_threads(ex, launch)) {
        launch_failure(ex, ATTN_F_RUNTIME, "no memory for the stacks of %u threads",
                       launch->shape.block[0] * launch->shape.block[1] * launch->shape.block[2]);
        return false;
    }
    enter(ex, launch);
    run_grid(ex, launch);
    leave();
    if (ex->failed)
        ex->started = false;
    else if (!ex->lds_declared && launch->shape.lds_static_bytes != 0)
        launch_failure(ex, ATTN_F_LDS_SIZE, "the kernel declares no LDS, the launch says %u bytes",
                       launch->shape.lds_static_bytes);
    return !ex->failed;
}

/* ---- Life ------------------------------------------------------------------------------------------------ */

/* Bounds of the program or library that this code is part of: its constants are what kernels may read. */
static int find_image(struct dl_phdr_info *info, size_t, void *data)
{
    struct simt_executor *ex = static_cast<struct simt_executor *>(data);
    const uintptr_t here = reinterpret_cast<uintptr_t>(&find_image);
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        const uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        const uintptr_t end = start + info->dlpi_phdr[i].p_memsz;
        low = start < low ? start : low;
        high = end > high ? end : high;
    }
    if (here < low || here >= high)
        return 0;
    ex->image_low = low;
    ex->image_high = high;
    return 1;
}

struct simt_executor *simt_executor_create(const struct attn_host_options *options)
{
    struct simt_executor *ex = static_cast<struct simt_executor *>(aligned_alloc(64, (sizeof *ex + 63) / 64 * 64));
    if (!ex)
        return nullptr;
    memset(static_cast<void *>(ex), 0, sizeof *ex);
    static const struct simt_operations operations = { simt_collective, simt_wgmma_agree };
    ex->options = *options;
    ex->operations = &operations;
    if (!simt_lds_create(ex)) {
        free(ex);
        return nullptr;
    }
    dl_iterate_phdr(find_image, ex);
    return ex;
}

void simt_executor_destroy(struct simt_executor *ex)
{
    if (!ex)
        return;
    for (uint32_t t = 0; t < ex->fibers; t++)
        simt_stack_destroy(&ex->fiber[t].context);
    simt_lds_destroy(ex);
    free(ex);
}
