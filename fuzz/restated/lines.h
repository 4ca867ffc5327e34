/* lines.h: a problem line in pieces, so that one of them can be made wrong.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_RESTATED_LINES_H
#define ATTN_RESTATED_LINES_H

#include "fuzz/restated/say.h"

enum attn_line_kind {
    ATTN_PIECE_VERSION,
    ATTN_PIECE_BLANK,
    ATTN_PIECE_KEY,
    ATTN_PIECE_EQUALS,
    ATTN_PIECE_TYPE,
    ATTN_PIECE_MARK,   /* a character that must be there */
    ATTN_PIECE_AFTER,  /* one that may be */
    ATTN_PIECE_NUMBER, /* an integer */
    ATTN_PIECE_BUFFER,
    ATTN_PIECE_FLOAT
};

struct attn_line_piece {
    int kind;
    size_t at, n;
    const char *what; /* as a message says that it was expected there */
};

enum { ATTN_LINE_PIECES = 256, ATTN_LINE_TEXT = 4096 };

struct attn_line {
    bool loose;      /* any order, blanks, and presets said; else as it is printed */
    uint64_t *state; /* of what is drawn */
    size_t n;
    int n_pieces;
    struct attn_line_piece piece[ATTN_LINE_PIECES];
    char text[ATTN_LINE_TEXT];
};

/* A problem that a line can say, of one that is legal. */
void attn_line_draw(const struct attn_problem *legal, uint64_t *state, struct attn_problem *p);
/* Equal in all that a line says? */
bool attn_line_same(const struct attn_problem *a, const struct attn_problem *b);
bool attn_line_same_tensor(const struct attn_tensor *a, const struct attn_tensor *b);
void attn_line_write(struct attn_line *line, const struct attn_problem *p);

/* Is the problem printed as that, whole and cut? */
bool attn_line_printed(const struct attn_restated *said, const struct attn_problem *p, uint64_t *state,
                       struct attn_restated_fault *fault);
/* Is it read from a line that is written loosely? */
bool attn_line_read(const struct attn_restated *said, const struct attn_problem *p, uint64_t *state,
                    struct attn_restated_fault *fault);

#endif
