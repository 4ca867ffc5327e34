/* rendezvous.cc: where threads wait for each other, and which runs next.
 *
 * Of a block, one thread runs at a time and goes on until it must wait for others (simt_arrive); then the next lane of
 * its wave gets its turn, and when the whole wave waits at a barrier, the next wave. The lane that arrives last does
 * the work of the operation, which the executor was given (simt_operations). So a rendezvous costs one switch a lane.
 *
 * The schedule (ATTN_SCHEDULES in attn_backend.h) says which lane, wave and block is next, and whether waves take turns
 * at wave operations too.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/executor.h"
#include "planner/random.h"

#include <numeric>

/* ---- Schedules ------------------------------------------------------------------------------------------- */

int attn_schedule_kind(uint64_t schedule)
{
    uint64_t class_of_seed = schedule % 8;
#define X(NAME, name, share, text)   \
    if (class_of_seed < (share))     \
        return ATTN_SCHEDULE_##NAME; \
    class_of_seed -= (share);
    ATTN_SCHEDULES(X)
#undef X
    return ATTN_SCHEDULE_RANDOM;
}

uint64_t attn_schedule_of(int kind, uint64_t seed)
{
    uint64_t schedule = 8;
    while (attn_schedule_kind(schedule) != kind)
        schedule++;
    /* Seeds that a person can read are many enough. */
    return schedule + 8 * (attn_mix(seed) >> 44);
}

const char *attn_schedule_name(int kind)
{
    switch (kind) {
#define X(NAME, name, share, text) \
    case ATTN_SCHEDULE_##NAME: return #name;
        ATTN_SCHEDULES(X)
#undef X
    default: return "unknown";
    }
}

static uint32_t draw_below(struct simt_executor *ex, uint32_t n)
{
    return static_cast<uint32_t>(attn_random_below(&ex->random, n));
}

/* Coprime to n: a step that visits all of n places. */
static uint32_t draw_stride(struct simt_executor *ex, uint32_t n)
{
    uint32_t stride = 1 + draw_below(ex, n);
    if ((n & (n - 1)) == 0)
        return stride | 1;
    while (std::gcd(stride, n) != 1)
        stride = stride % n + 1;
    return stride;
}

struct simt_turns simt_turns_of_blocks(struct simt_executor *ex, uint64_t blocks)
{
    struct simt_turns turns = { blocks, 0, 1, blocks };
    const uint32_t n = blocks <= UINT32_MAX ? static_cast<uint32_t>(blocks) : UINT32_MAX;
    switch (ex->order) {
    case ATTN_SCHEDULE_REVERSE:
        turns.start = blocks - 1;
        turns.stride = blocks - 1;
        break;
    case ATTN_SCHEDULE_STARVED: turns.last = draw_below(ex, n); break;
    case ATTN_SCHEDULE_RANDOM:
        if (blocks <= UINT32_MAX) {
            turns.stride = draw_stride(ex, n);
            turns.start = draw_below(ex, n);
        }
        break;
    default: break;
    }
    return turns;
}

uint64_t simt_in_turn(const struct simt_turns *turns, uint64_t turn)
{
    if (turns->last < turns->n)
        return turn + 1 == turns->n ? turns->last : turn + (turn >= turns->last);
    return static_cast<uint64_t>((static_cast<unsigned __int128>(turn) * turns->stride + turns->start) % turns->n);
}

/* ---- Switching ------------------------------------------------------------------------------------------- */

void simt_become(struct simt_fiber *to)
{
    simt_hot.fiber = to;
    simt_hot.stack = to->context.stack;
    simt_hot.stack_bytes = to->context.stack_bytes;
    simt_hot.tag = simt_lds_tag(to->wave->sync, to->thread);
    simt_hot.many = simt_lds_tag(to->wave->sync, SIMT_MAX_THREADS + to->wave->number);
}

static inline void run_fiber(struct simt_fiber *from, struct simt_fiber *to)
{
    simt_become(to);
    if (from != to)
        simt_context_switch(&from->context, &to->context, false);
}

static inline bool lanes_ascend(const struct simt_executor *ex)
{
    return ex->order == ATTN_SCHEDULE_FORWARD || ex->order == ATTN_SCHEDULE_STARVED;
}

/* The thread whose turn it is as number `turn` of its wave. */
static inline struct simt_fiber *lane_in_turn(struct simt_executor *ex, const struct simt_wave *wave, uint32_t turn)
{
    const uint32_t lane = lanes_ascend(ex) ? turn : (turn * wave->stride + wave->start) % wave->lanes;
    return &ex->fiber[wave->first + lane];
}

/* The order in which a wave's lanes run until its next operation. */
static void new_order(struct simt_executor *ex, struct simt_wave *wave)
{
    if (ex->order == ATTN_SCHEDULE_RANDOM) {
        wave->start = draw_below(ex, wave->lanes);
        wave->stride = draw_stride(ex, wave->lanes);
    } else {
        wave->start = wave->stride = wave->lanes - 1; /* descending */
    }
    wave->resume = static_cast<uint32_t>(lane_in_turn(ex, wave, 0) - ex->fiber);
}

/* A wave of the block that does not wait at a barrier: the next after `number` in the order of the schedule. */
static struct simt_wave *next_wave(struct simt_executor *ex, uint32_t number)
{
    const uint32_t starved = ex->order == ATTN_SCHEDULE_STARVED ? ex->starved : ex->waves;
    const bool descend = ex->order == ATTN_SCHEDULE_REVERSE;
    uint32_t i = ex->order == ATTN_SCHEDULE_RANDOM ? draw_below(ex, ex->waves) : number;
    for (uint32_t tried = 0; tried < ex->waves; tried++) {
        i = descend ? (i == 0 ? ex->waves : i) - 1 : i + 1 == ex->waves ? 0 : i + 1;
        if (!ex->wave[i].waiting && i != starved)
            break;
    }
    return ex->wave[i].waiting || i == starved ? &ex->wave[starved] : &ex->wave[i];
}

/* Does the wave give its turn to another at a wave operation? */
static bool gives_way(struct simt_executor *ex)
{
    return ex->order == ATTN_SCHEDULE_STARVED ||
           (ex->order == ATTN_SCHEDULE_RANDOM && (attn_random(&ex->random) & 3) == 0);
}

struct simt_wave *simt_first_wave(struct simt_executor *ex)
{
    ex->starved = ex->order == ATTN_SCHEDULE_STARVED ? draw_below(ex, ex->waves) : ex->waves;
    for (uint32_t w = 0; w < ex->waves; w++)
        new_order(ex, &ex->wave[w]);
    return next_wave(ex, ex->order == ATTN_SCHEDULE_REVERSE ? 0 : ex->waves - 1);
}

/* ---- Rendezvous ------------------------------------------------------------------------------------------ */

static int operation_of(uint64_t key) { return static_cast<int>(key & 255); }

static bool block_wide(uint64_t key)
{
    const int op = operation_of(key);
    return op == SIMT_OP_BARRIER || op == SIMT_OP_OR || op == SIMT_KEY_EXIT;
}

static const char *operation_name(uint64_t key)
{
    static const char *const names[SIMT_OP_COUNT] = { "nothing",
                                                      "barrier",
                                                      "wave sync",
                                                      "shuffle",
                                                      "xor shuffle",
                                                      "ballot",
                                                      "sum over lanes",
                                                      "maximum over lanes",
                                                      "barrier",
                                                      "matrix instruction",
                                                      "warpgroup's matrix instruction",
                                                      "matrix instruction" };
    const int op = operation_of(key);
    return op < SIMT_OP_COUNT ? names[op] : "end of the kernel";
}

[[noreturn]] static void diverged(uint64_t mine, uint64_t theirs, uint32_t other)
{
    const int code = block_wide(mine) && block_wide(theirs) ? ATTN_F_BARRIER : ATTN_F_WAVE;
    simt_fail(code, 0, 0, other, "this thread is at %s (line %u), thread %u at %s (line %u)", operation_name(mine),
              static_cast<unsigned>(mine >> 32), other, operation_name(theirs), static_cast<unsigned>(theirs >> 32));
}

/* All threads of the block wait at one barrier: everything before it is ordered before everything after. */
static void release_block(struct simt_executor *ex)
{
    const uint32_t now = simt_lds_tick(ex);
    simt_hot.block_sync = simt_lds_tag(now, 0);
    ex->waves_waiting = 0;
    ex->block_key = 0;
    ex->block_or = ex->block_or_next;
    ex->block_or_next = 0;
    for (uint32_t w = 0; w < ex->waves; w++) {
        struct simt_wave *wave = &ex->wave[w];
        wave->waiting = false;
        wave->key = 0;
        wave->arrived = 0;
        wave->sync = now;
        new_order(ex, wave);
    }
}

/* The last lane of a wave has arrived at a barrier or its end. Returns the thread to run next, NULL when the
 * block is finished. */
static struct simt_fiber *wave_waits(struct simt_executor *ex, struct simt_fiber *self)
{
    struct simt_wave *wave = self->wave;
    wave->waiting = true;
    if (ex->waves_waiting == 0)
        ex->block_key = wave->key;
    else if (ex->block_key != wave->key) {
        uint32_t other = 0;
        while (!ex->wave[other].waiting || &ex->wave[other] == wave)
            other++;
        diverged(wave->key, ex->block_key, ex->wave[other].first);
    }
    if (++ex->waves_waiting < ex->waves)
        return &ex->fiber[next_wave(ex, wave->number)->resume];
    ex->operations->barrier(ex);
    if (operation_of(wave->key) == SIMT_KEY_EXIT)
        return nullptr;
    release_block(ex);
    return &ex->fiber[next_wave(ex, wave->number)->resume]; /* in order: the last is followed by the first */
}

/* All lanes of a wave have arrived at a wave operation. Returns the thread to run next. */
static struct simt_fiber *wave_done(struct simt_executor *ex, struct simt_fiber *self)
{
    struct simt_wave *wave = self->wave;
    ex->operations->wave(ex, wave);
    wave->sync = simt_lds_tick(ex);
    wave->parity ^= 1;
    wave->arrived = 0;
    wave->key = 0;
    new_order(ex, wave);
    if (gives_way(ex))
        wave = next_wave(ex, wave->number);
    return &ex->fiber[wave->resume];
}

void simt_arrive(uint64_t key)
{
    struct simt_fiber *self = simt_hot.fiber;
    struct simt_executor *ex = simt_hot.executor;
    struct simt_wave *wave = self->wave;
    if (simt_hot.budget-- == 0)
        simt_fail(ATTN_F_RUNAWAY, 0, 0, 0, "the launch's budget of accesses and wave operations is used up");
    if (wave->arrived == 0)
        wave->key = key;
    else if (wave->key != key)
        diverged(key, wave->key, lane_in_turn(ex, wave, 0)->thread);
    wave->arrived++;
    struct simt_fiber *next;
    if (wave->arrived < wave->lanes) {
        next = lane_in_turn(ex, wave, wave->arrived);
    } else if (block_wide(key)) {
        next = wave_waits(ex, self);
    } else {
        next = wave_done(ex, self);
    }
    if (next)
        run_fiber(self, next);
    else
        simt_context_switch(&self->context, &ex->home, false);
}
