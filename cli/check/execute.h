/* execute.h: a supported call, computed: what its kernels' machine code does on the machine, and its result held
 * against the reference.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_EXECUTE_H
#define ATTNFUZZ_CHECK_EXECUTE_H

#include "cli/check/call.h"
#include "kernels/attn_backend.h"

/* What is executed of a check's calls: those of so many multiply-adds at most, for most of its time; of lines that were
 * given, the larger ones too. */
#define CHECK_EXECUTE_WORK INT64_C(300000)
#define CHECK_EXECUTE_GIVEN INT64_C(20000000)
#define CHECK_ALONE_WORK INT64_C(8000000) /* of a subject that computes by itself, now and then */

/* An image's bytes as a subject computes with them; dst is computed into the image. */
struct attn_subject_data check_execute_data(const struct attn_problem *problem, const struct attn_image *image);

/* The bytes that the problem is computed with: always the same ones. False when they are too many. */
bool check_execute_image(const struct attn_problem *problem, struct attn_image *image);

/* What a component of a row may be off by, on that data; infinite where it is data that nobody has such a limit for. */
double check_execute_limit(const struct attn_problem *problem);

/* Computes the problem on a device on which its call launched an attention kernel and broke nothing: v->kind becomes
 * STOPPED, WRONG or LOOSE, with what it was in v->message, v->detail and v->said; or stays. Of a subject that computes
 * by itself it may also be how the call ended. Counts in *check. */
void check_execute(struct check *check, int device, const struct attn_problem *p, struct check_verdict *v);

/* The same with the values of another seed for each round but 0, and with the subject's answer; TOO_BIG where it was
 * not asked. */
void check_execute_round(struct check *check, int device, const struct attn_problem *p, int round,
                         struct check_verdict *v, struct attn_subject_answer *answer);

/* Computes it alone, without a verdict, on the data that check_execute draws for it: all of dst. False where that did
 * not go to its end. */
bool check_execute_raw(struct check *check, int device, const struct attn_problem *p, float *dst);
/* What v->bits is of a dst. */
uint64_t check_execute_bits(const struct attn_problem *p, const float *dst);

#endif
