/* machine.h: what the parts of the machine backend share.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MACHINE_INTERNAL_H
#define ATTN_MACHINE_INTERNAL_H

#include "isa/isa.h"
#include "kernels/machine/attn_machine.h"
#include "kernels/machine/plugin.h"

/* Bytes before each buffer, region of the workspace, and behind the last: no access falls from one into the next. */
enum { MACHINE_GUARD = 4096 };

struct attn_memory {
    struct attn_memory *next; /* of the backend's */
    uint8_t *arena;           /* address space; pages come when they are touched */
    int64_t arena_bytes;
    struct attn_image image; /* the caller's roles and stretches: they outlive this memory */
    struct attn_problem problem;
    int64_t start[ATTN_OPERAND_COUNT]; /* of each buffer */
    int64_t workspace_start, workspace_bytes;
    int runs; /* since upload */
};

/* memory.c */
struct attn_memory *machine_memory_new(const struct attn_problem *problem, const struct attn_image *image,
                                       int64_t workspace_bytes);
void machine_memory_free(struct attn_memory *memory);
void machine_memory_upload(struct attn_memory *memory, const struct attn_image *image);
void machine_memory_download(const struct attn_memory *memory, struct attn_image *image);
/* Address of an operand's first element; NULL when absent. */
void *machine_memory_at(const struct attn_memory *memory, int operand);
/* For the run of a plan, spread (kernels/spread.h): the machine may touch the buffers and the regions of the plan's
 * workspace; dst and workspace count as unwritten. False when memory runs out; nothing is kept then. */
bool machine_memory_begin(struct isa_machine *machine, const struct attn_memory *memory, const struct attn_plan *plan);
void machine_memory_end(struct isa_machine *machine, const struct attn_memory *memory, const struct attn_plan *plan);
/* False, with *failure, when an element of dst was not written. */
bool machine_memory_dst_whole(struct isa_machine *machine, const struct attn_memory *memory,
                              struct attn_failure *failure);

/* failure.c: what a launch's stop is in a backend's words. */
void machine_failure(const struct isa_stop *stop, const struct attn_memory *memory, const struct attn_plan *plan,
                     int step, struct attn_failure *failure);
bool machine_refuse(struct attn_failure *failure, int code, int step, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* objects.c: attn_amd.so and what is in it, for one target. */
struct machine_objects;
struct machine_objects *machine_objects_open(struct isa_machine *machine, const char *target, char *error, size_t cap);
void machine_objects_close(struct machine_objects *objects); /* the machine has what it loaded */
/* The kernel that a step of a plan launches; NULL when none was built. */
struct isa_kernel *machine_objects_kernel(struct machine_objects *objects, const struct attn_plan *plan, int step);

/* log.c: a line for what was downloaded, its hash; for each instruction that ran, its object's first kernel and its
 * address. */
void machine_log_results(const struct attn_image *image);
void machine_log_reached(const struct isa_object *object);

#endif
