/* launch.c: a dispatch: its arguments and packet in memory, and the registers that a wave begins with.
 *
 * LLVM, "User Guide for AMDGPU Backend": "Initial Kernel Execution State" (SGPR and VGPR register set up order),
 * "Kernel Descriptor", "Kernel Prolog", "Kernarg Preload"; HSA Runtime Programmer's Reference Manual,
 * hsa_kernel_dispatch_packet.
 *
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/machine.h"
#include "planner/random.h"
#include "planner/attn_planner.h"

enum {
    PACKET_BYTES = 64,
    QUEUE_BYTES = 256,
    QUEUE_SHARED_BASE = 0x40, /* amd_queue_t: upper words of the apertures */
    QUEUE_PRIVATE_BASE = 0x44,
    PRELOAD_SKIP = 256, /* bytes of code for a firmware that does not preload */
    DYNAMIC_STACK = 16384,
    SCRATCH_MOST = 1 << 20 /* bytes a lane */
};

/* What a launch keeps beside its options. */
struct launch {
    struct isa_machine *m;
    const struct isa_kernel *kernel;
    const struct isa_dispatch *d;
    struct isa_stop *stop;
    uint32_t items, n_waves, lds, scratch;
    uint8_t *memory; /* packet, queue; then, an area by itself, the arguments */
    uint8_t *kernarg;
    uint32_t kernarg_bytes;
    struct isa_code *code;
    uint32_t entry; /* number of the instruction */
};

static bool refuse(struct isa_stop *stop, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool refuse(struct isa_stop *stop, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    stop->code = code;
    vsnprintf(stop->text, sizeof stop->text, format, args);
    va_end(args);
    return false;
}

/* ---- What is asked for ----------------------------------------------------------------------------------- */

static bool sizes(struct launch *l)
{
    const struct isa_kernel *k = l->kernel;
    const struct isa_dispatch *d = l->d;
    const struct attn_device *device = attn_device_find(l->m->target->name);
    uint64_t most_lds = device ? (uint64_t)device->lds_bytes : 65536, items = 1;
    for (int i = 0; i < 3; i++) {
        if (d->block[i] == 0 || d->block[i] > 1024 || d->grid[i] == 0 ||
            (uint64_t)d->grid[i] * d->block[i] > UINT32_MAX)
            return refuse(l->stop, ISA_STOP_LAUNCH, "dimension %d: %u workgroups of %u work items", i, d->grid[i],
                          d->block[i]);
        items *= d->block[i];
    }
    if (items > 1024 || (k->described && k->metadata.max_threads && items > k->metadata.max_threads))
        return refuse(l->stop, ISA_STOP_LAUNCH, "workgroups of %llu work items, the kernel is for %u at most",
                      (unsigned long long)items, k->described ? k->metadata.max_threads : 1024);
    if ((uint64_t)k->lds + d->lds_dynamic > most_lds)
        return refuse(l->stop, ISA_STOP_LAUNCH, "%u + %u bytes of LDS, a workgroup can have %llu", k->lds,
                      d->lds_dynamic, (unsigned long long)most_lds);
    if (d->argument_bytes < k->explicit_bytes)
        return refuse(l->stop, ISA_STOP_LAUNCH, "%u bytes of arguments, the kernel takes %u", d->argument_bytes,
                      k->explicit_bytes);
    l->items = (uint32_t)items;
    l->n_waves = (l->items + (uint32_t)k->lanes - 1) / (uint32_t)k->lanes;
    l->lds = k->lds + d->lds_dynamic;
    l->scratch = k->scratch;
    if ((k->described && k->metadata.dynamic_stack) || (k->properties >> 11 & 1))
        l->scratch += DYNAMIC_STACK;
    l->scratch = (l->scratch + 3) / 4 * 4;
    if (k->scratch > SCRATCH_MOST)
        return refuse(l->stop, ISA_STOP_LAUNCH, "%u bytes of scratch a work item", k->scratch);
    return true;
}

/* ---- Memory of the dispatch ------------------------------------------------------------------------------ */

static uint64_t hidden_value(const struct launch *l, int hidden)
{
    const struct isa_dispatch *d = l->d;
    switch (hidden) {
    case ISA_HIDDEN_BLOCK_COUNT_X: return d->grid[0];
    case ISA_HIDDEN_BLOCK_COUNT_Y: return d->grid[1];
    case ISA_HIDDEN_BLOCK_COUNT_Z: return d->grid[2];
    case ISA_HIDDEN_GROUP_SIZE_X: return d->block[0];
    case ISA_HIDDEN_GROUP_SIZE_Y: return d->block[1];
    case ISA_HIDDEN_GROUP_SIZE_Z: return d->block[2];
    case ISA_HIDDEN_GRID_DIMS: return 3;
    case ISA_HIDDEN_DYNAMIC_LDS_SIZE: return d->lds_dynamic;
    case ISA_HIDDEN_PRIVATE_BASE: return ISA_PRIVATE_APERTURE >> 32;
    case ISA_HIDDEN_SHARED_BASE: return ISA_SHARED_APERTURE >> 32;
    case ISA_HIDDEN_QUEUE_PTR: return (uint64_t)(uintptr_t)(l->memory + PACKET_BYTES);
    default: return 0; /* whole workgroups, offset 0; no host to call, no heap: using them reads address 0 */
    }
}

static void put(uint8_t *to, uint64_t value, size_t bytes) { memcpy(to, &value, bytes); }

static void fill_packet(const struct launch *l)
{
    const struct isa_dispatch *d = l->d;
    uint8_t *p = l->memory, *queue = l->memory + PACKET_BYTES;
    put(p, 2, 2);     /* header: a kernel dispatch */
    put(p + 2, 3, 2); /* setup: dimensions */
    for (size_t i = 0; i < 3; i++) {
        put(p + 4 + 2 * i, d->block[i], 2);
        put(p + 12 + 4 * i, d->grid[i] * d->block[i], 4);
    }
    put(p + 24, l->scratch, 4);
    put(p + 28, l->lds, 4);
    put(p + 32, (uint64_t)(uintptr_t)l->kernel->descriptor, 8);
    put(p + 40, (uint64_t)(uintptr_t)l->kernarg, 8);
    put(queue + QUEUE_SHARED_BASE, ISA_SHARED_APERTURE >> 32, 4);
    put(queue + QUEUE_PRIVATE_BASE, ISA_PRIVATE_APERTURE >> 32, 4);
}

static bool make_memory(struct launch *l)
{
    const struct isa_kernel *k = l->kernel;
    uint32_t bytes = k->described ? k->metadata.kernarg_size : l->d->argument_bytes;
    if (bytes < k->explicit_bytes)
        bytes = k->explicit_bytes;
    l->kernarg_bytes = (bytes + 63) / 64 * 64; /* a wide load may reach beyond the last argument */
    l->memory = aligned_alloc(64, PACKET_BYTES + QUEUE_BYTES + l->kernarg_bytes + 64);
    if (!l->memory)
        return refuse(l->stop, ISA_STOP_MEMORY, "no memory for the launch");
    memset(l->memory, 0, PACKET_BYTES + QUEUE_BYTES + l->kernarg_bytes + 64);
    /* Not side by side: what reads past the queue's end reads no argument. */
    l->kernarg = l->memory + PACKET_BYTES + QUEUE_BYTES + 64;
    if (k->explicit_bytes)
        memcpy(l->kernarg, l->d->arguments, k->explicit_bytes);
    else if (!k->described && bytes)
        memcpy(l->kernarg, l->d->arguments, bytes);
    for (uint32_t a = 0; a < k->metadata.n_arguments; a++) {
        const struct isa_argument *arg = &k->argument[a];
        if (arg->hidden >= 0)
            put(l->kernarg + arg->offset, hidden_value(l, arg->hidden), arg->size < 8 ? arg->size : 8);
    }
    fill_packet(l);
    struct isa_region own = { .bytes = l->memory, .size = PACKET_BYTES + QUEUE_BYTES, .written = true, .number = -1 };
    struct isa_region arguments = { .bytes = l->kernarg, .size = l->kernarg_bytes, .written = true, .number = -1 };
    if (isa_area_add(l->m, &own) && isa_area_add(l->m, &arguments))
        return true;
    return refuse(l->stop, ISA_STOP_MEMORY, "no memory for the launch");
}

static void drop_memory(struct launch *l)
{
    if (!l->memory)
        return;
    isa_area_remove(l->m, l->memory);
    isa_area_remove(l->m, l->kernarg);
    free(l->memory);
}

/* ---- Registers ------------------------------------------------------------------------------------------- */

/* MODE from compute_pgm_rsrc1: FLOAT_MODE 12..19, ENABLE_DX10_CLAMP 21, ENABLE_IEEE_MODE 23 (both before gfx12),
 * FP16_OVFL 26. */
static uint32_t first_mode(const struct isa_kernel *k, const struct isa_target *t)
{
    uint32_t r = k->rsrc1, mode = r >> 12 & 0xff;
    mode |= t->generation == ISA_GFX12 ? 1u << 8 : (r >> 21 & 1) << 8 | (r >> 23 & 1) << 9;
    return mode | (r >> 26 & 1) << 23;
}

static void user_pair(struct isa_wave *w, uint32_t *n, uint64_t value)
{
    isa_scalar_start(w, (int)*n, (uint32_t)value);
    isa_scalar_start(w, (int)*n + 1, (uint32_t)(value >> 32));
    *n += 2;
}

/* User SGPRs, in the order of the document's table. */
static void user_scalars(const struct launch *l, struct isa_wave *w)
{
    const struct isa_kernel *k = l->kernel;
    uint32_t n = 0, p = k->properties, length = k->preload & 127, from = k->preload >> 7;
    if (p & 1) {
        /* Word 3: add the lane's number, swizzle by 4 bytes, over a wave; memory_scratch.c does what they say. */
        user_pair(w, &n, ISA_SCRATCH_BUFFER | UINT64_C(1) << 63);
        user_pair(w, &n, UINT64_C(0x00e00000) << 32 | UINT32_MAX);
    }
    if (p >> 1 & 1)
        user_pair(w, &n, (uint64_t)(uintptr_t)l->memory);
    if (p >> 2 & 1)
        user_pair(w, &n, (uint64_t)(uintptr_t)(l->memory + PACKET_BYTES));
    if (p >> 3 & 1)
        user_pair(w, &n, (uint64_t)(uintptr_t)l->kernarg);
    if (p >> 4 & 1)
        user_pair(w, &n, 1);
    if (p >> 5 & 1)
        user_pair(w, &n, ISA_SCRATCH_BUFFER);
    if (p >> 6 & 1)
        isa_scalar_start(w, (int)n++, l->scratch);
    for (uint32_t i = 0; i < length && n < 32 && 4 * (from + i) + 4 <= l->kernarg_bytes; i++) {
        uint32_t word;
        memcpy(&word, l->kernarg + 4 * (from + i), 4);
        isa_scalar_start(w, (int)n++, word);
    }
}

static void system_scalars(const struct launch *l, struct isa_wave *w, const uint32_t id[3])
{
    uint32_t r = l->kernel->rsrc2;
    int n = (int)(r >> 1 & 31);
    if (w->target->workgroup_in_ttmp) {
        isa_scalar_start(w, ISA_TTMP + 9, id[0]);
        isa_scalar_start(w, ISA_TTMP + 7, id[1] | id[2] << 16);
    } else {
        for (int i = 0; i < 3; i++)
            if (r >> (7 + i) & 1)
                isa_scalar_start(w, n++, id[i]);
    }
    if (r >> 10 & 1)
        isa_scalar_start(w, n++, l->n_waves | (w->number == 0 ? UINT32_C(1) << 31 : 0));
    if ((r & 1) && !w->target->architected_scratch)
        isa_scalar_start(w, n, w->number * l->scratch * (uint32_t)w->lanes);
}

static void apertures(struct isa_wave *w)
{
    const struct {
        int reg;
        uint64_t value;
    } pairs[] = { { ISA_SHARED_BASE, ISA_SHARED_APERTURE },
                  { ISA_SHARED_LIMIT, ISA_SHARED_APERTURE | UINT32_MAX },
                  { ISA_PRIVATE_BASE, ISA_PRIVATE_APERTURE },
                  { ISA_PRIVATE_LIMIT, ISA_PRIVATE_APERTURE | UINT32_MAX } };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        isa_scalar_start(w, pairs[i].reg, (uint32_t)pairs[i].value);
        isa_scalar_start(w, pairs[i].reg + 1, (uint32_t)(pairs[i].value >> 32));
    }
    isa_scalar_start(w, ISA_NULL, 0);
    if (w->target->architected_scratch) {
        isa_scalar_start(w, ISA_FLAT_SCRATCH, (uint32_t)ISA_SCRATCH_BUFFER);
        isa_scalar_start(w, ISA_FLAT_SCRATCH + 1, (uint32_t)(ISA_SCRATCH_BUFFER >> 32));
    }
}

/* Work item IDs: packed into v0 from gfx90a and gfx11 on. */
static void work_items(const struct launch *l, struct isa_wave *w)
{
    uint32_t ids = l->kernel->rsrc2 >> 11 & 3, x = l->d->block[0], y = l->d->block[1];
    bool packed = w->target->unified || w->target->generation >= ISA_GFX11;
    for (int lane = 0; lane < w->lanes; lane++) {
        uint32_t item = w->number * (uint32_t)w->lanes + (uint32_t)lane;
        uint32_t id[3] = { item % x, item / x % y, item / x / y };
        if (item >= l->items)
            break;
        if (packed) {
            w->v[0][lane] = id[0] | (ids > 0 ? id[1] << 10 : 0) | (ids > 1 ? id[2] << 20 : 0);
            continue;
        }
        for (uint32_t i = 0; i <= ids && i < 3; i++)
            w->v[i][lane] = id[i];
    }
    for (uint32_t i = 0; i <= (packed ? 0 : ids) && i < 3; i++)
        isa_vector_start(w, (int)i);
}

static void start_wave(const struct launch *l, struct isa_wave *w, uint32_t number, const uint32_t id[3],
                       uint64_t serial)
{
    const struct isa_kernel *k = l->kernel;
    uint32_t first = number * (uint32_t)k->lanes, left = l->items - first;
    memset(w->v, 0, k->vgprs * sizeof w->v[0]);
    if (k->agprs)
        memset(w->v[ISA_ACC], 0, k->agprs * sizeof w->v[0]);
    memset(w->s, 0, sizeof w->s);
    w->lanes = k->lanes;
    w->target = l->m->target;
    w->machine = l->m;
    w->group = l->m->group;
    w->code = l->code;
    w->next = l->entry;
    w->number = number;
    w->checked = l->m->options.checked;
    w->mode = first_mode(k, w->target);
    w->status = 0;
    w->state = ISA_GO;
    uint64_t seed = l->m->options.perturb + serial * ISA_MAX_WAVES + number;
    w->random = l->m->options.perturb ? attn_random(&seed) | 1 : 0;
    isa_check_start(w);
    uint64_t exec = left >= 64 ? UINT64_MAX : (UINT64_C(1) << left) - 1;
    if (w->lanes == 32)
        exec &= UINT32_MAX;
    isa_scalar_start(w, ISA_EXEC, (uint32_t)exec);
    isa_scalar_start(w, ISA_EXEC + 1, (uint32_t)(exec >> 32));
    isa_exec_changed(w);
    user_scalars(l, w);
    system_scalars(l, w, id);
    apertures(w);
    work_items(l, w);
}

/* ---- The grid -------------------------------------------------------------------------------------------- */

/* Kinds of order by the seed, as the source executor has them: kernels/attn_backend.h, ATTN_SCHEDULES. */
static int order_of(uint64_t schedule)
{
    static const uint8_t kinds[8] = { 0, 1, 2, 2, 3, 3, 3, 3 };
    return kinds[schedule % 8];
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Workgroup `turn` of n in the order of the schedule. random: steps of a length that meets all of them. */
static uint64_t in_turn(int order, uint64_t turn, uint64_t n, uint64_t drawn, uint64_t stride)
{
    switch (order) {
    case 1: return n - 1 - turn;
    case 2: return turn == n - 1 ? drawn % n : turn + (turn >= drawn % n);
    case 3: return (uint64_t)(((unsigned __int128)turn * stride + drawn) % n);
    default: return turn;
    }
}

static bool run_groups(struct launch *l)
{
    struct isa_machine *m = l->m;
    struct isa_group *g = m->group;
    const struct isa_dispatch *d = l->d;
    uint64_t n = (uint64_t)d->grid[0] * d->grid[1];
    if (n > UINT64_MAX / d->grid[2])
        return refuse(l->stop, ISA_STOP_LAUNCH, "too many workgroups");
    n *= d->grid[2];
    g->order = order_of(m->options.schedule);
    g->random = m->options.schedule;
    uint64_t drawn = attn_random(&g->random), stride = attn_random(&g->random) % n | 1;
    while (greatest_divisor(stride, n) != 1)
        stride = stride + 2 < n ? stride + 2 : 1;
    isa_stamp_next(m);
    m->launch_first = m->stamp;
    for (uint64_t turn = 0; turn < n; turn++) {
        uint64_t at = in_turn(g->order, turn, n, drawn, stride);
        uint32_t id[3] = { (uint32_t)(at % d->grid[0]), (uint32_t)(at / d->grid[0] % d->grid[1]),
                           (uint32_t)(at / d->grid[0] / d->grid[1]) };
        isa_stamp_next(m);
        m->group_first = m->stamp;
        memcpy(g->id, id, sizeof id);
        for (uint32_t k = 0; k < l->n_waves; k++)
            start_wave(l, g->wave[k], k, id, at);
        if (m->counts) {
            m->counts->groups++;
            m->counts->waves += l->n_waves;
        }
        if (!isa_group_run(g))
            return false;
    }
    return true;
}

static bool find_entry(struct launch *l)
{
    const struct isa_kernel *k = l->kernel;
    uint64_t at = k->entry + ((k->preload & 127) ? PRELOAD_SKIP : 0);
    l->code = isa_object_code(k->object, at, k->lanes);
    if (!l->code)
        return refuse(l->stop, ISA_STOP_MEMORY, "no memory to decode the kernel");
    l->entry = isa_code_at(l->code, at - isa_code_base(l->code), l->stop);
    return l->entry != ISA_NO_CODE;
}

bool isa_launch(struct isa_machine *machine, struct isa_kernel *kernel, const struct isa_dispatch *dispatch,
                const struct isa_options *options, struct isa_counts *counts, struct isa_stop *stop)
{
    struct launch l = { .m = machine, .kernel = kernel, .d = dispatch, .stop = stop };
    *stop = (struct isa_stop){ .region = -1 };
    machine->options = *options;
    machine->counts = counts;
    machine->stop = stop;
    machine->spent = 0;
    bool good = sizes(&l) && make_memory(&l) && find_entry(&l);
    if (good && !isa_group_prepare(machine->group, kernel, l.n_waves, l.lds, l.scratch))
        good = refuse(stop, ISA_STOP_MEMORY, "no memory for a workgroup of %u waves", l.n_waves);
    good = good && run_groups(&l);
    drop_memory(&l);
    return good;
}
