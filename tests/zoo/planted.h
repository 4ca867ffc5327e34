/* planted.h: the faults and mutants of a woven copy of the tree (weave.py), one of which is selected when a program
 * starts: ATTN_PLANTED=number in the environment. In no build but a woven one.
 *
 * The number is read by an instruction that the compiler takes for pure and that no instrumentation sees: what is not
 * selected costs a comparison, and the executor counts no access more. Counting is out of line and without a branch in
 * instrumented code, so that a fuzzing engine is not told when a fault shows.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_PLANTED_H
#define ATTN_PLANTED_H

#ifndef __x86_64__
#error "woven builds are for x86-64"
#endif

#ifdef __cplusplus
extern "C" {
#define ATTN_PLANTED_AUTO auto
#else
#define ATTN_PLANTED_AUTO __auto_type
#endif

/* Counts that the selected place was reached and, with `triggered`, that it made a difference there. */
__attribute__((visibility("hidden"))) void attn_planted_note(int triggered);

#ifdef __cplusplus
}
#endif

/* Is it the number that was selected? Each use leaves its number in a section of the program: what is in none was not
 * compiled. */
#define ATTN_PLANTED_IS(n)                                      \
    (__extension__({                                            \
        int planted_;                                           \
        __asm__("movl attn_planted_number(%%rip), %0\n\t"       \
                ".pushsection .attn_planted,\"\",@progbits\n\t" \
                ".long " #n "\n\t"                              \
                ".popsection"                                   \
                : "=r"(planted_));                              \
        planted_ == (n);                                        \
    }))

/* A statement's condition: is the fault selected? */
#define ATTN_PLANT(n) (__builtin_expect(ATTN_PLANTED_IS(n), 0) ? (attn_planted_note(1), 1) : 0)

/* The value of `right` or, where n is selected, of `wrong`. */
#define ATTN_PLANT_VALUE(n, right, ...)                                                                              \
    (__builtin_expect(ATTN_PLANTED_IS(n), 0) ? (__extension__({                                                      \
        ATTN_PLANTED_AUTO right_ = (right);                                                                          \
        ATTN_PLANTED_AUTO wrong_ = (__VA_ARGS__);                                                                    \
        attn_planted_note(sizeof right_ != sizeof wrong_ || __builtin_memcmp(&right_, &wrong_, sizeof wrong_) != 0); \
        wrong_;                                                                                                      \
    }))                                                                                                              \
                                             : (right))

#endif
