/* restated.h: what the planner's API says, said a second time in other words, and the two held against each other.
 *
 * Numbers are read and printed by the C library, problem lines are written by another hand, legality is worked out in
 * 128 bits: none of it uses the code that it judges. Each check is drawn by a seed, which a target takes from its
 * input, and costs microseconds. The functions that are judged come in a table, so that a test can put a wrong one in
 * the place of each.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_RESTATED_H
#define ATTN_RESTATED_H

#include "kernels/attn_backend.h"
#include "planner/attn_planner.h"

/* X(name, result, parameters): the function attn_<name>. */
#define ATTN_RESTATED(X)                                                                                      \
    X(float_print, size_t, (float, char *, size_t))                                                           \
    X(float_parse, size_t, (const char *, size_t, float *))                                                   \
    X(problem_print, size_t, (const struct attn_problem *, char *, size_t))                                   \
    X(problem_parse, bool, (const char *, size_t, struct attn_problem *, size_t *, struct attn_text_error *)) \
    X(problem_check, int, (const struct attn_problem *, struct attn_error *))                                 \
    X(problem_equal, bool, (const struct attn_problem *, const struct attn_problem *))                        \
    X(problem_hash, uint64_t, (const struct attn_problem *))                                                  \
    X(tensor_is_contiguous, bool, (const struct attn_tensor *))                                               \
    X(key_of, void, (const struct attn_problem *, struct attn_key *))                                         \
    X(key_equal, bool, (const struct attn_key *, const struct attn_key *))                                    \
    X(key_hash, uint64_t, (const struct attn_key *))                                                          \
    X(device_check, const char *, (const struct attn_device *))                                               \
    X(device_covers, bool, (const struct attn_device *, const struct attn_device *))                          \
    X(device_weaken, bool, (const struct attn_device *, int, struct attn_device *, const char **))            \
    X(device_find, const struct attn_device *, (const char *))                                                \
    X(device_named, bool, (const char *, size_t, int *, int *))                                               \
    X(head_size_known, bool, (int64_t, int64_t))                                                              \
    X(head_size_instance, int, (int64_t, int64_t, int64_t))                                                   \
    X(head_size_operand, int64_t, (int64_t, int64_t))                                                         \
    X(head_size_pair, struct attn_head_size, (int64_t))                                                       \
    X(plan_kernel, bool,                                                                                      \
      (const struct attn_device *, const struct attn_key *, int, struct attn_plan *, struct attn_verdict *))  \
    X(plan_check, const char *, (const struct attn_plan *))                                                   \
    X(plan_equal, bool, (const struct attn_plan *, const struct attn_plan *))                                 \
    X(failure_name, const char *, (int))                                                                      \
    X(image_create, bool, (const struct attn_problem *, int64_t, struct attn_image *))                        \
    X(image_mirror, bool, (const struct attn_image *, struct attn_image *))                                   \
    X(image_bytes, int64_t, (const struct attn_problem *))

struct attn_restated {
#define X(name, result, parameters) result(*name) parameters;
    ATTN_RESTATED(X)
#undef X
};
/* The planner itself. */
extern const struct attn_restated attn_restated_planner;

/* What differs, one sentence with the values. */
struct attn_restated_fault {
    char text[2048];
};

/* All checks return true when both say the same, else false with *fault. */

/* A float printed, and a text read as one: any bits, halfway points, long digits, hexadecimal, words, rubbish. */
bool attn_restate_number(const struct attn_restated *said, uint64_t seed, struct attn_restated_fault *fault);
/* A problem's canonical line, the same problem said in another way, and that with one thing wrong in it, whose column
 * and message are known. Fields of the problem, which is legal, are changed to anything that a line can say. */
bool attn_restate_line(const struct attn_restated *said, const struct attn_problem *legal, uint64_t seed,
                       struct attn_restated_fault *fault);
/* Whether a problem is legal, and else which rule it breaks first, by which values: the legal problem with some of its
 * fields changed. */
bool attn_restate_legality(const struct attn_restated *said, const struct attn_problem *legal, uint64_t seed,
                           struct attn_restated_fault *fault);
/* The key of a legal problem, field by field. */
bool attn_restate_key(const struct attn_restated *said, const struct attn_problem *legal,
                      struct attn_restated_fault *fault);
/* A device with one field at an edge: valid or not, what it covers, its weakenings, and names of devices. Known head
 * sizes, their instances, and pairs of them as operands. */
bool attn_restate_device(const struct attn_restated *said, uint64_t seed, struct attn_restated_fault *fault);
/* Two problems, keys, plans that differ in one field are not equal, and have other hashes; they are equal again without
 * it. A plan with a field at an edge is in order or not. */
bool attn_restate_plan(const struct attn_restated *said, const struct attn_problem *legal, const struct attn_plan *plan,
                       uint64_t seed, struct attn_restated_fault *fault);
/* What contracts promise of the plans of a problem on a device: which types a kernel takes, columns, scans,
 * conversions, staged copies, room in the stated tree of additions, cost. */
bool attn_restate_routes(const struct attn_restated *said, const struct attn_device *device,
                         const struct attn_problem *legal, uint64_t seed, struct attn_restated_fault *fault);
/* What an image needs of memory: its rows, and not much more, however far apart they are. */
bool attn_restate_image(const struct attn_restated *said, const struct attn_problem *legal,
                        struct attn_restated_fault *fault);

#endif
