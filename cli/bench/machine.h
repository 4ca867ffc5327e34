/* machine.h: attnfuzz bench --machine: what the machine code of a problem's kernels does.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_BENCH_MACHINE_H
#define ATTNFUZZ_BENCH_MACHINE_H

#include <stdbool.h>

#include "fuzz/case/attn_case.h"
#include "isa/count.h"
#include "kernels/attn_backend.h"

/* Prints, for each kernel that is able to run the problem on the device, what each of its launches does: wave
 * instructions by class, bytes against the least that the problem needs, LDS bank conflicts, lanes; and how fast the
 * machine executes it. Returns an exit code. */
int bench_machine(const struct attn_case *c, const struct attn_device *device, const struct attn_image *image,
                  double seconds, bool json);

/* Wave instructions a second of CPU time that the machine executes of a plan of the case, without checks and with;
 * false where there is no machine code for the device, or it fails. */
bool bench_machine_rates(const struct attn_case *c, const struct attn_device *device, const struct attn_image *image,
                         const struct attn_plan *plan, double seconds, double *plain, double *checked);

/* Bytes of every element once: what the problem needs. */
void bench_machine_least(const struct attn_problem *problem, uint64_t *read, uint64_t *written);
/* Prints what a launch did, or several together; bytes against those where they are not 0. */
void bench_machine_put(const char *name, const struct isa_counts *counts, uint64_t read, uint64_t written);
void bench_machine_put_json(const char *name, const struct isa_counts *counts, const char *comma);

#endif
