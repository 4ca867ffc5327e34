/* feedback.h: what a target has run, by traits of routes (properties/route.h), one by one and in pairs, and what
 * follows from that: counters that an engine takes for coverage, so that its corpus spreads over routes; which plan of
 * an input is run, and with which checks; which of several inputs is worth most.
 *
 * A pair is one of two traits' classes, of one kernel's code for so many columns on one kind of device (matrix cores,
 * wave size): what it takes to meet a fault is seldom more. Pairs that were run seldom are worth more. All state is
 * that of the process, and begins empty.
 *
 * What runs without checks of its accesses at first is what had its pairs run with them before, three times in four; so
 * each new pair is checked, and a quarter of everything, however long a process runs.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_FEEDBACK_H
#define ATTN_FEEDBACK_H

#include "fuzz/domain/domain.h"
#include "fuzz/properties/properties.h"
#include "fuzz/properties/route.h"

/* The watch of a target's runs (attn_run_limits.watch). */
const struct attn_run_watch *attn_feedback_watch(void);
/* An input begins: true when it is the one before once more and the engine runs inputs again to see what of them is
 * stable (AFL++). What was chosen and shown the first time is then chosen and shown again, and nothing is counted; what
 * a target remembers from input to input it takes back likewise. */
bool attn_feedback_begin(const uint8_t *data, size_t size);
/* Does the engine do so? */
bool attn_feedback_may_repeat(void);
/* Is it under way? */
bool attn_feedback_repeats(void);
/* Does this process run kernels under that watch? */
bool attn_feedback_watches(void);
/* From now on every able kernel of every input is run with all checks: for replays. */
void attn_feedback_run_all(void);

/* How much there is to learn from running the genome's case within such limits, by the kernel that is best: divided by
 * what it costs; or, when `rare`, how seldom its rarest classes of single traits were run, whatever that costs. */
double attn_feedback_worth(const struct attn_genome *genome, const struct attn_domain_limits *limits, bool rare);

/* Shows an engine one thing more that is new, by a number. */
void attn_feedback_show(uint32_t what);

/* How often a class of a trait was run. */
uint64_t attn_feedback_runs(int trait, int class);

/* Runs with all checks, and without. */
uint64_t attn_feedback_count(bool checked);

#endif
