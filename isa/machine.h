/* machine.h: what the loader, the launch and memory share: the machine, its areas, objects and kernels.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_MACHINE_H
#define ATTN_ISA_MACHINE_H

#include "isa/internal.h"

enum {
    ISA_MAX_WAVES = 32, /* of a workgroup: 1024 work items, 32 a wave */
    ISA_TARGET_MAX = 64,
    ISA_HOT_AREAS = 4, /* found last */
    ISA_TAINT_WORDS = 32
};

/* Flat addresses of LDS and of scratch: no pointer of the host begins so. The upper word is what code compares. */
#define ISA_SHARED_APERTURE (UINT64_C(0x00010000) << 32)
#define ISA_PRIVATE_APERTURE (UINT64_C(0x00020000) << 32)
/* Base of the private segment's buffer (gfx9, gfx10): bit 47 is never set in a pointer of a program. */
#define ISA_SCRATCH_BUFFER (UINT64_C(1) << 47)

/* ---- Stamps: who touched a byte last --------------------------------------------------------------------- */

/* A stamp is a point in time (one for each workgroup and each stretch between its barriers; they only rise, workgroups
 * run one after another) and who it was. Stamps below the launch's first say nothing. */
enum {
    ISA_STAMP_SHIFT = 8,
    ISA_STAMP_WHO = 63,  /* wave of the workgroup */
    ISA_STAMP_MANY = 32, /* as a wave: several of them */
    ISA_STAMP_OTHERS = 64,
    /* another workgroup of this launch read it too */ ISA_STAMP_ATOMIC = 128
};

/* ---- Areas ----------------------------------------------------------------------------------------------- */

struct isa_area {
    struct isa_region region;
    uint64_t begin, end;       /* addresses */
    uint8_t *written;          /* a byte for each: not 0 once written. NULL: all are */
    uint32_t *writer, *reader; /* stamps, a byte each; NULL when nobody may write, or nothing was checked yet */
    bool own;                  /* the machine's: not for isa_memory_remove */
};

struct isa_machine {
    const struct isa_target *target;
    char id[ISA_TARGET_MAX]; /* with features */
    struct isa_area *area;   /* by address */
    size_t n_areas, cap_areas;
    size_t hot[ISA_HOT_AREAS], next_hot;
    struct isa_object *objects;
    struct isa_group *group; /* kept between launches */
    /* Of the launch that runs. */
    struct isa_options options;
    struct isa_counts *counts; /* NULL: nothing is counted */
    struct isa_stop *stop;
    uint64_t spent;        /* wave instructions */
    uint32_t stamp;        /* now, shifted */
    uint32_t launch_first; /* stamps of this launch, of this workgroup begin here */
    uint32_t group_first;
    /* Of the instruction that runs: lanes of each word of dst[0] (bit 0: of a scalar) that hold what nobody wrote. */
    bool tainted, partly; /* partly: known are the bits of the scalar result that `known` says */
    uint64_t known;
    uint64_t taint[ISA_TAINT_WORDS];
};

/* The area that has [address, address + bytes); NULL when none has all of it. */
struct isa_area *isa_area_find(struct isa_machine *m, uint64_t address, uint64_t bytes);
/* isa_memory_add for what is the machine's own. */
bool isa_area_add(struct isa_machine *m, const struct isa_region *region);
void isa_area_remove(struct isa_machine *m, const void *bytes);
void isa_areas_free(struct isa_machine *m);
/* The next point in time; all shadows are forgotten when they run out. */
void isa_stamp_next(struct isa_machine *m);
/* One access, with everything that is checked. `atomic`: it reads and writes. */
enum isa_access { ISA_READ, ISA_WRITE, ISA_READ_WRITE };
bool isa_global_check(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address, int bytes,
                      enum isa_access how, const struct isa_area *known);

bool isa_lds_check(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes,
                   enum isa_access how);

/* Sparse memory, zero until written; NULL when there is none. */
void *isa_sparse(uint64_t bytes);
void isa_sparse_free(void *p, uint64_t bytes);

/* ---- Objects (object.c, metadata.c) ---------------------------------------------------------------------- */

/* Kinds of arguments that are set up: X(NAME, name of .value_kind, without "hidden_"). */
#define ISA_HIDDEN(X)                           \
    X(BLOCK_COUNT_X, "block_count_x")           \
    X(BLOCK_COUNT_Y, "block_count_y")           \
    X(BLOCK_COUNT_Z, "block_count_z")           \
    X(GROUP_SIZE_X, "group_size_x")             \
    X(GROUP_SIZE_Y, "group_size_y")             \
    X(GROUP_SIZE_Z, "group_size_z")             \
    X(REMAINDER_X, "remainder_x")               \
    X(REMAINDER_Y, "remainder_y")               \
    X(REMAINDER_Z, "remainder_z")               \
    X(GLOBAL_OFFSET_X, "global_offset_x")       \
    X(GLOBAL_OFFSET_Y, "global_offset_y")       \
    X(GLOBAL_OFFSET_Z, "global_offset_z")       \
    X(GRID_DIMS, "grid_dims")                   \
    X(DYNAMIC_LDS_SIZE, "dynamic_lds_size")     \
    X(PRIVATE_BASE, "private_base")             \
    X(SHARED_BASE, "shared_base")               \
    X(QUEUE_PTR, "queue_ptr")                   \
    X(HOSTCALL_BUFFER, "hostcall_buffer")       \
    X(PRINTF_BUFFER, "printf_buffer")           \
    X(MULTIGRID_SYNC_ARG, "multigrid_sync_arg") \
    X(HEAP_V1, "heap_v1")                       \
    X(DEFAULT_QUEUE, "default_queue")           \
    X(COMPLETION_ACTION, "completion_action")   \
    X(NONE, "none")
enum isa_hidden {
#define X(NAME, name) ISA_HIDDEN_##NAME,
    ISA_HIDDEN(X)
#undef X
        ISA_HIDDEN_COUNT
};
struct isa_argument {
    uint32_t offset, size;
    int hidden; /* enum isa_hidden; -1: explicit */
};

/* What the metadata says of a kernel. */
struct isa_kernel_metadata {
    const char *symbol, *name; /* in the object's bytes, not terminated */
    uint32_t symbol_len, name_len;
    uint32_t max_threads, kernarg_size, kernarg_align, lds, scratch, wave_size;
    bool dynamic_stack;
    uint32_t n_arguments;
};
enum { ISA_ARGUMENTS_MAX = 4096, ISA_KERNELS_MAX = 1 << 20 };
/* The msgpack of the note. `each` is called for each kernel, its arguments are in argument[0 .. n_arguments); it
 * returns false to stop. False with what is wrong in *error (at: byte of the note). */
typedef bool isa_each_kernel(void *context, const struct isa_kernel_metadata *kernel,
                             const struct isa_argument *argument);
bool isa_metadata_read(const uint8_t *bytes, size_t size, char target[ISA_TARGET_MAX], isa_each_kernel *each,
                       void *context, struct isa_error *error);

struct isa_kernel {
    char *name;
    struct isa_object *object;
    uint8_t descriptor[64];
    uint64_t entry; /* address */
    struct isa_argument *argument;
    struct isa_kernel_metadata metadata; /* symbol, name: not kept */
    bool described;                      /* the metadata knows it */
    /* Of the descriptor. */
    uint32_t lds, scratch, rsrc1, rsrc2, rsrc3;
    uint16_t properties, preload;
    int lanes;
    uint32_t vgprs, agprs, sgprs; /* granted */
    uint32_t explicit_bytes;
};

struct isa_segment {
    uint64_t at, size; /* of the image */
    bool executable, writable;
};
struct isa_global {
    char *name;
    uint64_t at, size;
};
struct isa_object {
    struct isa_object *next;
    struct isa_machine *machine;
    uint8_t *image;
    uint64_t image_bytes;
    struct isa_segment *segment;
    size_t n_segments;
    struct isa_kernel *kernel;
    size_t n_kernels;
    struct isa_global *global;
    size_t n_globals;
    struct isa_code_of {
        struct isa_code *code;
        uint64_t begin, size; /* addresses */
        int lanes;
    } *code;
    size_t n_codes;
};
/* The code that has an address, for waves of that many lanes; opened when it is the first time. NULL: no executable
 * segment has it, or no memory. */
struct isa_code *isa_object_code(struct isa_object *object, uint64_t address, int lanes);
void isa_object_free(struct isa_object *object);

/* ---- A workgroup (group.c) ------------------------------------------------------------------------------- */

struct isa_group {
    struct isa_machine *machine;
    const struct isa_kernel *kernel;
    uint32_t id[3];
    uint32_t n_waves, lds_bytes;
    uint8_t *lds;
    uint32_t cap_lds;
    uint32_t *lds_writer, *lds_reader; /* stamps, a byte each */
    uint8_t *lds_unknown;              /* not 0: what was written there nobody had written; only when any_unknown */
    bool any_unknown;
    bool read_unwritten; /* the workgroup read a byte of LDS that none of it had written: the first */
    uint32_t unwritten_at;
    struct isa_wave *wave[ISA_MAX_WAVES];
    uint64_t scratch_bytes[ISA_MAX_WAVES]; /* there is that much */
    uint32_t arrived;                      /* at the barrier */
    uint32_t ended;
    uint32_t phase; /* barriers completed */
    bool signalled[ISA_MAX_WAVES];
    uint32_t signalled_phase[ISA_MAX_WAVES];
    uint32_t stored[ISA_MAX_WAVES]; /* number of the wave's last store to LDS, of its DS counter */
    uint64_t random;                /* of the schedule */
    int order;                      /* 0 forward, 1 reverse, 2 starved, 3 random */
    uint32_t starved;
};
struct isa_group *isa_group_new(struct isa_machine *m);
void isa_group_free(struct isa_group *g);
/* Makes room for the workgroups of a launch. */
bool isa_group_prepare(struct isa_group *g, const struct isa_kernel *kernel, uint32_t n_waves, uint32_t lds_bytes,
                       uint32_t scratch);
/* Runs the workgroup, whose waves were set up. */
bool isa_group_run(struct isa_group *g);

/* ---- Waves (wave.c, check.c) ----------------------------------------------------------------------------- */

/* Runs until it waits, ends, fails, or `quantum` instructions are done (ISA_YIELD). `turns`: a lane instruction, or one
 * of memory, ends the turn too. */
enum isa_next isa_wave_run(struct isa_wave *w, uint32_t quantum, bool turns);
/* Registers, waits: before an instruction runs; and what it leaves, after. */
bool isa_check_before(struct isa_wave *w, const struct isa_instr *i);
void isa_check_after(struct isa_wave *w, const struct isa_instr *i, uint64_t exec); /* exec: as it was before */
/* Of a load from scratch that nobody wrote, a move of such a register: these lanes of a word of dst[0] count as not
 * written, after the instruction. */
static inline void isa_taint(struct isa_wave *w, int word, uint64_t lanes)
{
    w->machine->tainted = true;
    w->machine->taint[word & (ISA_TAINT_WORDS - 1)] |= lanes;
}
/* Of a scalar instruction of which a source is not known whole (check_scalar.c): the bits of its result, or of EXEC
 * where it writes that besides, that are known. */
uint64_t isa_scalar_known(const struct isa_wave *w, const struct isa_instr *i);
/* isa_issue of a flat instruction: it counts under two counters, and comes back under that of the memory where its
 * lanes' addresses were. */
void isa_issue_flat(struct isa_wave *w, const struct isa_instr *i, bool stores, bool lds, bool other);
/* The next instruction's number, decoded when it has to be; ISA_NO_CODE when isa_fail was called. */
uint32_t isa_next_number(struct isa_wave *w, const struct isa_instr *i);
/* Registers of a new wave: nothing is written, nothing on its way. */
void isa_check_start(struct isa_wave *w);
static inline void isa_scalar_start(struct isa_wave *w, int reg, uint32_t value)
{
    w->s[reg] = value;
    w->s_defined[reg] = UINT32_MAX;
}
static inline void isa_vector_start(struct isa_wave *w, int reg) { w->v_written[reg] = w->exec; }

#endif
