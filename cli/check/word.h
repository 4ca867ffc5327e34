/* word.h: the words that findings are named and shown with.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_WORD_H
#define ATTNFUZZ_CHECK_WORD_H

#include <stddef.h>
#include <stdint.h>

#include "cli/check/state.h"
#include "fuzz/case/attn_case.h"

/* The function's own name in a mangled or plain kernel name: "flash_attn_tile". */
void check_kernel_name(const char *mangled, char *name, size_t cap);
/* "gfx906,gfx908", or "all" when it is every device asked about. */
void check_device_list(const struct check *check, uint32_t devices, char *text, size_t cap);
/* "256/256"; "other" for a head size that is not known. */
void check_head_word(const struct attn_problem *p, char *word, size_t cap);
/* A finding's line, with its device. */
void check_line(const struct check *check, const struct check_finding *finding, char line[ATTN_CASE_LINE_MAX]);

#endif
