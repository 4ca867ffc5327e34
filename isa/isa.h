/* isa.h: a machine that executes AMD GPU code objects on the CPU: workgroup by workgroup, wave by wave, checking every
 * access as it goes.
 *
 * The order of use: isa_machine_open -> isa_object_load (any number) -> isa_memory_add (what the launch may touch) ->
 * isa_launch (any number) -> close. Device addresses are host addresses: a kernel argument that is a pointer is a
 * pointer into a region that was added.
 *
 * Sources: LLVM documentation, "User Guide for AMDGPU Backend" (kernel descriptor, initial register state, kernarg,
 * memory model, code object metadata); AMD's instruction set documents, named where a fact is taken from them.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_H
#define ATTN_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a launch ends: X(NAME, name, meaning). */
#define ISA_STOPS(X)                                                                                                  \
    X(NONE, none, "ran to the end")                                                                                   \
    X(UNSUPPORTED, unsupported, "an instruction, or a form of one, that this machine does not execute")               \
    X(OBJECT, object, "the code object is broken")                                                                    \
    X(GLOBAL_BOUNDS, global_bounds, "global access to a byte that belongs to no element")                             \
    X(GLOBAL_READONLY, global_readonly, "write to what may only be read")                                             \
    X(GLOBAL_RACE, global_race, "two workgroups or waves touch one global byte, one writes, and nothing orders them") \
    X(GLOBAL_UNWRITTEN, global_unwritten, "read of memory that nothing wrote")                                        \
    X(ALIGNMENT, alignment, "an access at an address that its instruction does not allow")                            \
    X(LDS_BOUNDS, lds_bounds, "LDS access outside what the workgroup has")                                            \
    X(LDS_UNWRITTEN, lds_unwritten, "read of LDS that no lane of the workgroup wrote")                                \
    X(LDS_RACE, lds_race, "two waves touch one LDS byte, one writes, and no barrier is between")                      \
    X(SCRATCH_BOUNDS, scratch_bounds, "scratch access outside of the lane's own")                                     \
    X(REGISTER_UNWRITTEN, register_unwritten, "read of a register that nothing wrote")                                \
    X(REGISTER_BOUNDS, register_bounds, "a register beyond those that the kernel was given")                          \
    X(HAZARD, hazard, "a register used before the wait that covers it")                                               \
    X(BARRIER, barrier, "a barrier that not all waves of the workgroup reach")                                        \
    X(MATRIX, matrix, "operands of a matrix instruction that do not lie as it wants them")                            \
    X(RUNAWAY, runaway, "more instructions than the budget allows")                                                   \
    X(TRAP, trap, "the kernel ended by a trap")                                                                       \
    X(CODE_BOUNDS, code_bounds, "ran into bytes that are no code of the object")                                      \
    X(LAUNCH, launch, "the launch asks for more than the kernel or the device has")                                   \
    X(MEMORY, memory, "no memory for the machine itself")

enum isa_stop_code {
#define X(NAME, name, text) ISA_STOP_##NAME,
    ISA_STOPS(X)
#undef X
        ISA_STOP_COUNT
};
const char *isa_stop_name(int code);
const char *isa_stop_meaning(int code);

/* Why a launch ended, and where. */
struct isa_stop {
    int32_t code;         /* enum isa_stop_code */
    uint32_t group[3];    /* workgroup */
    uint32_t wave, lane;  /* in the workgroup; in the wave: the first lane that it happened to */
    uint32_t other;       /* the second wave, or workgroup, of a race */
    uint64_t at;          /* the instruction: bytes from the kernel's first */
    uint64_t address;     /* of memory or LDS */
    uint64_t offset;      /* the address from the region's start */
    int32_t region;       /* of isa_memory_add; -1: in none */
    int32_t bytes;        /* of the access */
    char instruction[96]; /* its text */
    char text[384];       /* one sentence with all of that */
};

struct isa_error {
    uint64_t at;    /* byte of the object */
    char text[256]; /* printable, whatever the file holds */
};

/* ---- Machine --------------------------------------------------------------------------------------------- */

struct isa_machine;
struct isa_object;
struct isa_kernel;

/* A machine for a processor ("gfx1100"; features behind a colon are read and kept). NULL with *error when it is none
 * of those that this machine knows, when the disassembler (libLLVM, loaded at run time) is missing, or memory is. */
struct isa_machine *isa_machine_open(const char *target, struct isa_error *error);
void isa_machine_close(struct isa_machine *machine); /* objects and memory with it */

/* ---- Memory: what kernels may touch ---------------------------------------------------------------------- */

/* A region of global memory. */
struct isa_region {
    uint8_t *bytes; /* where it is, for host and kernel */
    uint64_t size;
    bool writable;
    bool written; /* all of it holds values already; else a byte has to be written before it is read */
    /* NULL: as the two above say. Else one byte for each of the region's, sparse, and the two above do not count:
     * 0 no access (a tensor's gaps), 1 may be read, 2 may be written, and read once it was (enum attn_role). It must
     * stay where it is. */
    const uint8_t *role;
    int32_t number; /* the caller's, for isa_stop.region */
};
/* Regions must not overlap. False when they do, or memory runs out. */
bool isa_memory_add(struct isa_machine *machine, const struct isa_region *region);
/* Removes the region that begins there. */
void isa_memory_remove(struct isa_machine *machine, const void *bytes);
/* Removes every region that was added. */
void isa_memory_clear(struct isa_machine *machine);
/* All bytes count as not written again, where the region was added so; races are forgotten. */
void isa_memory_reset(struct isa_machine *machine);
/* Was every byte of the range written (or added as written)? Else how far from its start the first is that was not goes
 * to *at. */
bool isa_memory_written(struct isa_machine *machine, const void *bytes, uint64_t size, uint64_t *at);

/* ---- Code ------------------------------------------------------------------------------------------------ */

/* Loads a linked code object (an ELF for EM_AMDGPU): segments, relocations, globals (added to memory). Nothing of bytes
 * is kept. NULL with *error: hostile bytes end in an error that names the place. */
struct isa_object *isa_object_load(struct isa_machine *machine, const void *bytes, size_t size,
                                   struct isa_error *error);
void isa_object_unload(struct isa_machine *machine, struct isa_object *object);
size_t isa_object_kernels(const struct isa_object *object);
/* By number, in the order of the symbol table; its mangled name. NULL past the last. */
const char *isa_object_kernel_name(const struct isa_object *object, size_t index);
/* By its mangled name, without ".kd"; NULL when the object has none. Decodes nothing yet. */
struct isa_kernel *isa_object_kernel(struct isa_object *object, const char *name);
/* Which instructions launches have reached: the address, as the object's symbols have them, of the first at or after
 * `from`; UINT64_MAX: none. */
uint64_t isa_object_reached(const struct isa_object *object, uint64_t from);
/* Address of a global (a __device__ variable); NULL when there is none, else *size. */
void *isa_object_global(struct isa_object *object, const char *name, uint64_t *size);
/* Static LDS of a workgroup, in bytes; bytes of the explicit arguments; lanes of a wave. */
uint32_t isa_kernel_lds(const struct isa_kernel *kernel);
uint32_t isa_kernel_arguments(const struct isa_kernel *kernel);
int isa_kernel_wave_size(const struct isa_kernel *kernel);
/* The address of its first instruction, as the object's symbols have it. */
uint64_t isa_kernel_entry(const struct isa_kernel *kernel);
/* Where explicit argument number `index` lies in the arguments' bytes. False past the last. */
bool isa_kernel_argument(const struct isa_kernel *kernel, uint32_t index, uint32_t *offset, uint32_t *size);

/* ---- Running --------------------------------------------------------------------------------------------- */

struct isa_options {
    uint64_t schedule; /* seed of the order of waves and workgroups; 0: ascending, a wave until it waits */
    bool checked;      /* races, hazards, what is unwritten, roles; without it only what keeps the process alive */
    bool ended_arrive; /* checked too, a barrier does not wait for waves that have ended, as the hardware does not */
    uint64_t budget;   /* wave instructions of a launch; 0: no limit */
    uint64_t perturb;  /* seed by which transcendentals are off within their documented error; 0: correctly rounded */
};

/* What a launch did: counts of wave instructions by class and more; see isa/count.h. */
struct isa_counts;

struct isa_dispatch {
    uint32_t grid[3];  /* workgroups */
    uint32_t block[3]; /* work items of a workgroup */
    uint32_t lds_dynamic;
    const void *arguments; /* the explicit ones, laid out as the kernel's own metadata says */
    uint32_t argument_bytes;
};

/* Runs a launch to its end. False with *stop otherwise; memory is then as it was left. counts may be NULL. */
bool isa_launch(struct isa_machine *machine, struct isa_kernel *kernel, const struct isa_dispatch *dispatch,
                const struct isa_options *options, struct isa_counts *counts, struct isa_stop *stop);

#ifdef __cplusplus
}
#endif
#endif
