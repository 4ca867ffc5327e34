/* count.h: what a launch did, counted: wave instructions by class, bytes, LDS bank conflicts, lanes.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_COUNT_H
#define ATTN_ISA_COUNT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What counts and checks know instructions by: X(NAME, text). */
/* clang-format off */
#define ISA_CLASSES(X)                                                                                                \
    X(SCALAR, "scalar")                                                                                               \
    X(SCALAR_MEMORY, "scalar memory")                                                                                 \
    X(CONTROL, "control")                                                                                             \
    X(WAIT, "wait")                                                                                                   \
    X(VECTOR, "vector")                                                                                               \
    X(TRANSCENDENTAL, "transcendental")                                                                               \
    X(PACKED, "packed")                                                                                               \
    X(COMPARE, "compare")                                                                                             \
    X(LANE, "lane")                                                                                                   \
    X(MATRIX, "matrix")                                                                                               \
    X(DS, "LDS")                                                                                                      \
    X(GLOBAL, "global")                                                                                               \
    X(FLAT, "flat")                                                                                                   \
    X(SCRATCH, "scratch")                                                                                             \
    X(BUFFER, "buffer")
/* clang-format on */
enum isa_class {
#define X(NAME, text) ISA_CLASS_##NAME,
    ISA_CLASSES(X)
#undef X
        ISA_CLASS_COUNT
};
/* "scalar memory"; "?" outside the enum */
const char *isa_class_name(int class_number);

/* Sums: a launch adds to what is there. */
struct isa_counts {
    uint64_t groups, waves;
    uint64_t instructions[ISA_CLASS_COUNT]; /* wave instructions; a dual one is one */
    uint64_t lanes_active, lanes_there;     /* of instructions that work by lanes: with EXEC set, and all */
    uint64_t global_read, global_written;   /* bytes, of all lanes, that instructions ask for */
    uint64_t scalar_read;                   /* bytes of scalar loads */
    uint64_t scratch_read, scratch_written; /* bytes */
    uint64_t lds_read, lds_written;         /* bytes */
    uint64_t lds_passes, lds_passes_least;  /* of the banks: with conflicts, and as if there were none */
};

#ifdef __cplusplus
}
#endif
#endif
