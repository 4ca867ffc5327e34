/* attn_machine.h: the backends amd:TARGET: plans run by the kernels' machine code for an AMD GPU, executed on the CPU
 * (isa/isa.h).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_MACHINE_H
#define ATTN_MACHINE_H

#include "kernels/attn_backend.h"

#ifdef __cplusplus
extern "C" {
#endif

struct isa_counts;
struct isa_options;

/* Opens a backend that runs plans of any AMD row of the device table, each on the machine of its target; machines are
 * opened when they are first needed. With a target ("gfx1100") plans are of that one alone, and `describe` gives its
 * row. NULL, with one line in error[cap] that says what is missing: the code objects (attn_amd.so in the folder of the
 * running program, or where the environment's ATTN_AMD says), code for that target in them, or the disassembler. */
struct attn_backend *attn_machine_open(const char *target, char *error, size_t cap);
/* Fills target[] with the AMD rows of the device table that the code objects are for, by their numbers; how many there
 * are. -1, with one line in error[cap], when there are no code objects. */
int attn_machine_targets(int16_t target[], int most, char *error, size_t cap);
/* How it runs from now on: order of waves and workgroups (seed; the second run of a problem takes another one), checks,
 * budget of wave instructions of a launch, perturbation of transcendentals. */
void attn_machine_options(struct attn_backend *backend, const struct isa_options *options);
/* What launches add to from now on: ATTN_STEP_COUNT of them, one for each step of a plan; NULL: nothing is counted. */
void attn_machine_count(struct attn_backend *backend, struct isa_counts *counts);
/* Is it one of these? */
bool attn_machine_is(const struct attn_backend *backend);

#ifdef __cplusplus
}
#endif
#endif
