/* access.c: an access to global memory, LDS or scratch, checked byte by byte: bounds, roles, what nobody wrote, races.
 *
 * Races: two accesses of one byte, one of which writes, by different workgroups of a launch, or by different waves of
 * one workgroup with no barrier between; atomics do not race with each other. Within a wave, program order is order.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "isa/machine.h"

static uint32_t who_now(const struct isa_wave *w) { return w->machine->stamp | w->number; }

/* Does what a stamp says conflict with an access of this wave, now? *other: the wave or, from another workgroup, its
 * point in time. */
static inline bool conflicts(const struct isa_machine *m, uint32_t stamp, uint32_t now)
{
    if (stamp < m->launch_first)
        return false;
    if (stamp < m->group_first || (stamp & ISA_STAMP_OTHERS))
        return true;
    return stamp >= m->stamp && ((stamp ^ now) & ISA_STAMP_WHO) != 0;
}

/* The stamp of a further access beside the one before: that several waves, several workgroups did it is kept. */
static inline uint32_t joined(const struct isa_machine *m, uint32_t before, uint32_t now)
{
    if (before < m->launch_first)
        return now;
    if (before < m->group_first)
        return now | ISA_STAMP_OTHERS;
    uint32_t others = before & ISA_STAMP_OTHERS;
    if (before >= m->stamp && ((before ^ now) & ISA_STAMP_WHO))
        return (now & ~(uint32_t)ISA_STAMP_WHO) | ISA_STAMP_MANY | others;
    return now | others;
}

/* ---- Global ---------------------------------------------------------------------------------------------- */

static bool global_fail(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address, int bytes,
                        const struct isa_area *a, int code, const char *what)
{
    struct isa_stop *stop = w->machine->stop;
    stop->address = address;
    stop->bytes = bytes;
    stop->region = a ? a->region.number : -1;
    stop->offset = a ? address - a->begin : 0;
    isa_fail(w, i, code, lane, "%s at 0x%llx, %d bytes%s", what, (unsigned long long)address, bytes,
             a ? "" : ", in no region");
    return false;
}

static bool race_fail(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address, int bytes,
                      const struct isa_area *a, uint32_t stamp, const char *what)
{
    uint32_t wave = stamp & ISA_STAMP_WHO;
    w->machine->stop->other = wave;
    return global_fail(w, i, lane, address, bytes, a, ISA_STOP_GLOBAL_RACE, what);
}

static bool shadows(struct isa_area *a)
{
    uint64_t bytes = a->end - a->begin;
    if (!a->writer)
        a->writer = isa_sparse(bytes * sizeof *a->writer);
    if (!a->reader)
        a->reader = isa_sparse(bytes * sizeof *a->reader);
    return a->writer && a->reader;
}

static bool race_check(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address, int bytes,
                       enum isa_access how, struct isa_area *a)
{
    struct isa_machine *m = w->machine;
    uint64_t offset = address - a->begin;
    uint32_t now = who_now(w) | (how == ISA_READ_WRITE ? ISA_STAMP_ATOMIC : 0);
    bool reads = how == ISA_READ;
    if (!shadows(a)) {
        isa_fail(w, i, ISA_STOP_MEMORY, lane, "no memory for the shadow of a region");
        return false;
    }
    for (int k = 0; k < bytes; k++) {
        uint32_t *writer = &a->writer[offset + (uint64_t)k], *reader = &a->reader[offset + (uint64_t)k];
        bool both_atomic = how == ISA_READ_WRITE && (*writer & ISA_STAMP_ATOMIC);
        if (!both_atomic && conflicts(m, *writer, now))
            return race_fail(w, i, lane, address, bytes, a, *writer,
                             reads ? "reads what another writes" : "writes what another writes");
        if (reads) {
            *reader = joined(m, *reader, now);
            continue;
        }
        if (conflicts(m, *reader, now))
            return race_fail(w, i, lane, address, bytes, a, *reader, "writes what another reads");
        *writer = both_atomic ? joined(m, *writer, now) : now;
    }
    return true;
}

bool isa_global_check(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address, int bytes,
                      enum isa_access how, const struct isa_area *known)
{
    struct isa_area *a =
        known ? (struct isa_area *)(uintptr_t)known : isa_area_find(w->machine, address, (uint64_t)bytes);
    if (!a)
        return global_fail(w, i, lane, address, bytes, isa_area_find(w->machine, address, 1), ISA_STOP_GLOBAL_BOUNDS,
                           "access");
    if (how != ISA_READ && !a->region.writable)
        return global_fail(w, i, lane, address, bytes, a, ISA_STOP_GLOBAL_READONLY, "write");
    if (!w->checked)
        return true;
    static const uint8_t may_be_read[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    uint64_t offset = address - a->begin;
    const uint8_t *role = a->region.role ? a->region.role + offset : NULL;
    uint8_t *written = a->written ? a->written + offset : NULL;
    /* Most accesses: nobody may write there. */
    if (role && how == ISA_READ && memcmp(role, may_be_read, (size_t)bytes) == 0)
        return true;
    for (int k = 0; k < bytes; k++) {
        if (role && role[k] == 0)
            return global_fail(w, i, lane, address, bytes, a, ISA_STOP_GLOBAL_BOUNDS, "access to a gap");
        if (role && how != ISA_READ && role[k] != 2)
            return global_fail(w, i, lane, address, bytes, a, ISA_STOP_GLOBAL_READONLY, "write");
        if (how != ISA_WRITE && written && !written[k] && !(role && role[k] == 1))
            return global_fail(w, i, lane, address, bytes, a, ISA_STOP_GLOBAL_UNWRITTEN, "read");
    }
    if (how != ISA_READ && written)
        memset(written, 1, (size_t)bytes);
    return !a->region.writable || race_check(w, i, lane, address, bytes, how, a);
}

bool isa_global_load(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address, int bytes, void *to)
{
    if (!isa_global_check(w, i, lane, address, bytes, ISA_READ, NULL))
        return false;
    memcpy(to, (const void *)(uintptr_t)address, (size_t)bytes);
    return true;
}

bool isa_global_store(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address, int bytes,
                      const void *from)
{
    if (!isa_global_check(w, i, lane, address, bytes, ISA_WRITE, NULL))
        return false;
    memcpy((void *)(uintptr_t)address, from, (size_t)bytes);
    return true;
}

/* ---- LDS ------------------------------------------------------------------------------------------------- */

static bool lds_fail(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes, int code,
                     uint32_t stamp, const char *what)
{
    struct isa_stop *stop = w->machine->stop;
    stop->address = stop->offset = address;
    stop->bytes = bytes;
    stop->other = stamp & ISA_STAMP_WHO;
    isa_fail(w, i, code, lane, "%s of LDS byte %u, %d bytes; the workgroup has %u", what, address, bytes,
             w->group->lds_bytes);
    return false;
}

/* The stamps of one access. Plain loops over a few bytes: nothing leaves them, so that they are vectorised; which byte
 * it was, and why, is found when something is wrong. */
enum { UNWRITTEN = 2 };
static bool lds_stamps(struct isa_wave *w, uint32_t address, int bytes, enum isa_access how, uint32_t *bad)
{
    const struct isa_machine *m = w->machine;
    uint32_t *writer = w->group->lds_writer + address, *reader = w->group->lds_reader + address;
    const uint32_t stamp = m->stamp, first = m->group_first;
    const uint32_t now = stamp | w->number | (how == ISA_READ_WRITE ? ISA_STAMP_ATOMIC : 0);
    uint32_t wrong = 0;
    if (how == ISA_READ) {
        for (int k = 0; k < bytes; k++) {
            uint32_t by = writer[k], was = reader[k];
            wrong |= (uint32_t)(by < first) << 1 | (uint32_t)((by >= stamp) & (((by ^ now) & ISA_STAMP_WHO) != 0));
            uint32_t many = (now & ~(uint32_t)ISA_STAMP_WHO) | ISA_STAMP_MANY;
            reader[k] = ((was >= stamp) & (((was ^ now) & ISA_STAMP_WHO) != 0)) ? many : now;
        }
    } else {
        for (int k = 0; k < bytes; k++) {
            uint32_t by = writer[k], was = reader[k];
            bool atomic = how == ISA_READ_WRITE && (by & ISA_STAMP_ATOMIC) != 0;
            wrong |= (uint32_t)((by >= stamp) & (((by ^ now) & ISA_STAMP_WHO) != 0) & !atomic) |
                     (uint32_t)((was >= stamp) & (((was ^ now) & ISA_STAMP_WHO) != 0)) |
                     (uint32_t)((how == ISA_READ_WRITE) & (by < first));
            writer[k] = now;
        }
    }
    *bad = wrong;
    return wrong == 0;
}

static bool lds_explain(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes,
                        enum isa_access how)
{
    const struct isa_machine *m = w->machine;
    const uint32_t now = m->stamp | w->number;
    for (int k = 0; k < bytes; k++) {
        uint32_t by = w->group->lds_writer[address + (uint32_t)k], was = w->group->lds_reader[address + (uint32_t)k];
        if (by < m->group_first && how == ISA_READ_WRITE)
            return lds_fail(w, i, lane, address, bytes, ISA_STOP_LDS_UNWRITTEN, 0, "read");
        if (how == ISA_READ && by >= m->stamp && ((by ^ now) & ISA_STAMP_WHO))
            return lds_fail(w, i, lane, address, bytes, ISA_STOP_LDS_RACE, by, "read of what another wave writes:");
        if (how != ISA_READ && was >= m->stamp && ((was ^ now) & ISA_STAMP_WHO))
            return lds_fail(w, i, lane, address, bytes, ISA_STOP_LDS_RACE, was, "write of what another wave reads:");
    }
    return lds_fail(w, i, lane, address, bytes, ISA_STOP_LDS_RACE, 0, "write of what another wave writes:");
}

/* What nobody wrote may be read, as a register that nobody wrote may be moved: what comes of it is not known, and where
 * that is seen it fails (check.c). */
static void lds_unwritten(struct isa_wave *w, uint32_t address, int bytes)
{
    struct isa_group *g = w->group;
    if (!g->read_unwritten)
        g->unwritten_at = address;
    g->any_unknown = g->read_unwritten = true;
    for (uint32_t k = address; k < address + (uint32_t)bytes; k++)
        if (g->lds_writer[k] < w->machine->group_first)
            g->lds_unknown[k] = 1;
}

bool isa_lds_check(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes,
                   enum isa_access how)
{
    uint32_t bad;
    if (address > w->group->lds_bytes || (uint32_t)bytes > w->group->lds_bytes - address)
        return lds_fail(w, i, lane, address, bytes, ISA_STOP_LDS_BOUNDS, 0, how == ISA_READ ? "read" : "write");
    if (!w->checked || lds_stamps(w, address, bytes, how, &bad))
        return true;
    if (bad == UNWRITTEN) {
        lds_unwritten(w, address, bytes);
        return true;
    }
    return lds_explain(w, i, lane, address, bytes, how);
}

bool isa_lds_load(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes, void *to)
{
    if (!isa_lds_check(w, i, lane, address, bytes, ISA_READ))
        return false;
    memcpy(to, w->group->lds + address, (size_t)bytes);
    return true;
}

bool isa_lds_store(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes,
                   const void *from)
{
    if (!isa_lds_check(w, i, lane, address, bytes, ISA_WRITE))
        return false;
    memcpy(w->group->lds + address, from, (size_t)bytes);
    return true;
}

/* ---- Scratch --------------------------------------------------------------------------------------------- */

static bool scratch_inside(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes)
{
    if (address <= w->scratch_bytes && (uint32_t)bytes <= w->scratch_bytes - address)
        return true;
    struct isa_stop *stop = w->machine->stop;
    stop->address = stop->offset = address;
    stop->bytes = bytes;
    isa_fail(w, i, ISA_STOP_SCRATCH_BOUNDS, lane, "scratch byte %u, %d bytes; a lane has %u", address, bytes,
             w->scratch_bytes);
    return false;
}

bool isa_scratch_load(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes, void *to)
{
    if (!scratch_inside(w, i, lane, address, bytes))
        return false;
    memcpy(to, w->scratch + (size_t)lane * w->scratch_bytes + address, (size_t)bytes);
    return true;
}

bool isa_scratch_store(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes,
                       const void *from)
{
    if (!scratch_inside(w, i, lane, address, bytes))
        return false;
    memcpy(w->scratch + (size_t)lane * w->scratch_bytes + address, from, (size_t)bytes);
    return true;
}
