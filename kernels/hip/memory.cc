/* memory.cc: see memory.h. No call of a runtime here.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/hip/memory.h"

#include "kernels/spread.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

static const int64_t arena_limit = INT64_C(1) << 46; /* beyond any device's memory; sums of it do not overflow */

bool hip_fail(struct attn_failure *failure, int code, int step, const char *format, ...)
{
    std::memset(failure, 0, sizeof *failure);
    failure->code = code;
    failure->step = step;
    failure->operand = -1;
    std::va_list values;
    va_start(values, format);
    std::vsnprintf(failure->text, sizeof failure->text, format, values);
    va_end(values);
    return false;
}

static int64_t round_up(int64_t n) { return (n + 255) & ~INT64_C(255); }

bool hip_memory_layout(struct attn_memory *memory, const struct attn_problem *problem, const struct attn_image *image,
                       int64_t workspace_bytes)
{
    int64_t at = 0;
    memory->n_buffers = image->n_buffers;
    memory->between.clear();
    std::memcpy(memory->buffer_of, image->buffer_of, sizeof memory->buffer_of);
    for (int i = 0; i < image->n_buffers; i++) {
        if (image->buffer[i].size > arena_limit)
            return false;
        memory->start[i] = at + HIP_GUARD;
        memory->size[i] = image->buffer[i].size;
        at = round_up(memory->start[i] + memory->size[i]);
        for (int32_t s = 1; s < image->buffer[i].n_stretches; s++)
            memory->between.push_back({ memory->start[i] + image->buffer[i].stretch[s - 1].end,
                                        memory->start[i] + image->buffer[i].stretch[s].start, "rows of buffer", i });
        if (image->buffer[i].n_stretches > 0 && image->buffer[i].stretch[0].start > 0)
            memory->between.push_back(
                { memory->start[i], memory->start[i] + image->buffer[i].stretch[0].start, "start of buffer", i });
    }
    if (workspace_bytes > arena_limit)
        return false;
    memory->dst_offset = problem->t[ATTN_DST].offset;
    memory->workspace_start = at + HIP_GUARD;
    memory->workspace_bytes = workspace_bytes;
    memory->end = round_up(memory->workspace_start + attn_spread_bytes(workspace_bytes, HIP_GUARD)) + HIP_GUARD;
    memory->runs = 0;
    return true;
}

void hip_memory_present(struct attn_memory *memory, const struct attn_image *image, int64_t granule)
{
    std::vector<hip_range> all;
    const auto add = [&all](int64_t begin, int64_t end) { all.push_back({ begin, end }); };
    for (int i = 0; i < image->n_buffers; i++) {
        const int64_t start = memory->start[i], end = start + memory->size[i];
        add(start - HIP_GUARD, start);
        add(end, end + HIP_GUARD);
        for (int32_t s = 0; s < image->buffer[i].n_stretches; s++)
            add(start + image->buffer[i].stretch[s].start, start + image->buffer[i].stretch[s].end);
    }
    add(memory->workspace_start - HIP_GUARD, memory->end);
    for (hip_range &range : all)
        range = { range.begin / granule * granule, (range.end + granule - 1) / granule * granule };
    std::sort(all.begin(), all.end(), [](const hip_range &a, const hip_range &b) { return a.begin < b.begin; });
    memory->present.clear();
    for (const hip_range &range : all)
        if (!memory->present.empty() && range.begin <= memory->present.back().end)
            memory->present.back().end = std::max(memory->present.back().end, range.end);
        else
            memory->present.push_back(range);
}

/* Of each gap what is memory. */
static void keep_present(const std::vector<hip_range> &present, std::vector<hip_gap> &gaps)
{
    std::vector<hip_gap> kept;
    for (const hip_gap &gap : gaps) {
        auto range = std::upper_bound(present.begin(), present.end(), gap.begin,
                                      [](int64_t at, const hip_range &r) { return at < r.end; });
        for (; range != present.end() && range->begin < gap.end; ++range) {
            const int64_t begin = std::max(gap.begin, range->begin);
            kept.push_back({ begin, std::min(gap.end, range->end), gap.after, gap.number, begin - gap.begin });
        }
    }
    gaps.swap(kept);
}

void hip_memory_gaps(const struct attn_memory *memory, std::vector<hip_gap> &gaps)
{
    int64_t from = 0;
    const char *after = "start";
    int number = 0;
    gaps = memory->between;
    for (int i = 0; i < memory->n_buffers; i++) {
        gaps.push_back({ from, memory->start[i], after, number });
        from = memory->start[i] + memory->size[i];
        after = "buffer";
        number = i;
    }
    gaps.push_back({ from, memory->workspace_start, after, number });
    from = memory->workspace_start;
    after = "workspace's start";
    number = 0;
    if (memory->runs > 1) { /* several plans' regions lie over each other */
        from += attn_spread_bytes(memory->workspace_bytes, HIP_GUARD);
    } else {
        std::vector<int> order;
        for (int r = 0; r < ATTN_REGION_COUNT && memory->runs == 1; r++)
            if (memory->region_bytes[r] > 0)
                order.push_back(r);
        std::sort(order.begin(), order.end(),
                  [memory](int a, int b) { return memory->region_offset[a] < memory->region_offset[b]; });
        for (int r : order) {
            gaps.push_back({ from, memory->workspace_start + memory->region_offset[r], after, number });
            from = memory->workspace_start + memory->region_offset[r] + memory->region_bytes[r];
            after = "region";
            number = r;
        }
    }
    gaps.push_back({ from, memory->end, after, number });
    if (!memory->present.empty())
        keep_present(memory->present, gaps);
}

static bool unwritten(int64_t offset, struct attn_failure *failure)
{
    hip_fail(failure, ATTN_F_DST_UNWRITTEN, ATTN_STEP_MAIN,
             "byte %lld of dst holds the pattern it had before: not written, or computed from bytes of no element",
             static_cast<long long>(offset));
    failure->operand = ATTN_DST;
    failure->offset = offset;
    failure->bytes = 4;
    return false;
}

bool hip_dst_written(const struct attn_memory *memory, const struct attn_image *image, struct attn_failure *failure)
{
    const int b = memory->buffer_of[ATTN_DST];
    const struct attn_buffer *buffer = &image->buffer[b];
    if (buffer->role == nullptr)
        return true;
    for (int32_t s = 0; s < buffer->n_stretches; s++) {
        const struct attn_stretch stretch = buffer->stretch[s];
        /* f32: its elements are so aligned, as are pages */
        for (int64_t at = std::max(memory->dst_offset, stretch.start); at + 4 <= stretch.end; at += 4) {
            uint32_t bits;
            std::memcpy(&bits, buffer->bytes + at, sizeof bits);
            if (bits == 0xFFFFFFFFu && buffer->role[at] == ATTN_ROLE_DST)
                return unwritten(at - memory->dst_offset, failure);
        }
    }
    return true;
}
