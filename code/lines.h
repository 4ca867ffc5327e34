/* lines.h: where in its sources an instruction of a code object comes from, where the object says (it was compiled with
 * -g or -gline-tables-only).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_CODE_LINES_H
#define ATTN_CODE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attn_code_line {
    char file[256]; /* as the compiler was given it, printable; its beginning is cut off where it is longer */
    uint32_t line;  /* from 1 */
};

/* Has the object a line table? */
bool attn_code_has_lines(const void *object, size_t size);
/* The source line of the instruction at an address, as the object's symbols have them; of a function that was inlined
 * the line is that function's own. False when there is none, and where the table is broken: any bytes will do. */
bool attn_code_line_of(const void *object, size_t size, uint64_t address, struct attn_code_line *line);

#endif
