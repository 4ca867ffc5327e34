/* picture.h: which kernel a planner chooses, over n_q and n_kv: a panel for each device, head size, GQA ratio and type.
 * Filled by whoever can ask the planner; drawn by svg.h, text.h and page.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_PICTURE_H
#define ATTNFUZZ_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/attn_planner.h"

enum {
    PICTURE_SIDE_MAX = 64,    /* cells of a side of a panel */
    PICTURE_DEVICES_MAX = 32, /* bits of a set */
    PICTURE_WHATS_MAX = 512,
    PICTURE_NAMES_MAX = 24,
    PICTURE_NAIVE_ORDER = 3, /* nothing else is drawn as naive is */
    PICTURE_NAME_MAX = 64
};

/* What came of a cell's problem, for all but RUNS in a letter of its own.
 * X(NAME, letter, word, what it means) */
#define PICTURE_STATES(X)                                                                      \
    X(UNREACHED, '-', "not reached", "asking ended before")                                    \
    X(BLANK, '.', "not asked", "its callers cannot make the call")                             \
    X(RUNS, 0, "runs", "a kernel is launched")                                                 \
    X(LARGE, '?', "too large", "too large to be asked")                                        \
    X(HOLE, 'H', "hole", "refused: no kernel is able")                                         \
    X(STUB, 'S', "stub", "a launch cannot run on the device: no code, a stub, beyond a limit") \
    X(FAILS, 'F', "fails", "supported, then it aborts, crashes, hangs, fails or launches nothing")

enum picture_state {
#define X(NAME, letter, word, text) PICTURE_##NAME,
    PICTURE_STATES(X)
#undef X
        PICTURE_STATE_COUNT
};
const char *picture_state_word(int state);
const char *picture_state_text(int state);
/* Is it one that stands out? */
static inline bool picture_is_trouble(int state) { return state >= PICTURE_HOLE; }

/* What else is said of a cell that runs. */
enum picture_mark {
    PICTURE_NAIVE = 1, /* naive, for a known head size */
    PICTURE_CLIFF = 2, /* more than three times as dear as a neighbour with no less to do, for a reason that is named */
    PICTURE_STEEP = 4  /* the same, and no contract names the reason (P11) */
};

/* How a cell differs from that of the other planner. */
enum picture_change {
    PICTURE_SAME,
    PICTURE_LAUNCH, /* the same kernel, launched otherwise */
    PICTURE_KERNEL, /* another kernel */
    PICTURE_BETTER, /* it runs, and did not; or it is refused, and failed */
    PICTURE_WORSE,  /* it does not run, and did; or it fails, and was refused */
    PICTURE_CHANGE_COUNT
};
const char *picture_change_word(int change);

struct picture_cell {
    uint8_t state, mark;
    uint8_t kernel; /* number of its name; of STUB and FAILS too, where one was launched */
    uint8_t change, old_state, old_kernel;
};
enum { PICTURE_NO_KERNEL = 255 };

/* What the panels of one column are of. */
struct picture_what {
    int64_t d_k, d_v, ratio;
    int64_t mask_pad; /* rows of the mask are a multiple of so many keys long; 0: no mask */
    uint8_t type_k, type_v;
    bool softcap, alibi, sinks; /* with a softcap of 30, a max_bias of 8 (which needs a mask), sinks */
};
bool picture_what_equal(const struct picture_what *a, const struct picture_what *b);
/* That of a problem; a mask with longer rows than it has keys is one of rows of a multiple of 256. */
void picture_what_of(const struct attn_problem *problem, struct picture_what *what);

struct picture {
    char title[96], subject[200], old[200]; /* old: "" but for a difference */
    bool diff, priced;                      /* priced: costs were known, so cliffs are marked */
    int n_q, n_kv;
    int64_t q[PICTURE_SIDE_MAX], kv[PICTURE_SIDE_MAX]; /* rising */
    int64_t kv_heads;
    int n_whats;
    struct picture_what what[PICTURE_WHATS_MAX];
    int n_devices;
    char device[PICTURE_DEVICES_MAX][40];
    int n_names;
    char name[PICTURE_NAMES_MAX][PICTURE_NAME_MAX];
    char letter[PICTURE_NAMES_MAX];
    bool last_resort[PICTURE_NAMES_MAX]; /* a subject's kernel that runs what no other does */
    int order[PICTURE_NAMES_MAX]; /* of a name among all, by which it is coloured; of a last resort PICTURE_NAIVE_ORDER
                                   */
    struct picture_cell *cell;    /* n_devices * n_whats panels of n_kv rows of n_q */
};

/* Axes as they are without --n-q and --n-kv: half octaves of n_q, octaves of n_kv. */
void picture_axes(struct picture *picture);
/* Adds a column where it is not there yet, there are fewer than `most`, and its types are none of a subject's own. */
void picture_what_add(struct picture *picture, const struct picture_what *what, int most);
/* Memory for the cells, once devices, whats and axes are set; false, with a message, when there is none. Until they are
 * asked they are UNREACHED, where there is no such call BLANK. */
bool picture_open(struct picture *picture);
void picture_close(struct picture *picture);

/* A hole, a stub, a failure, or a kernel that it must not be. */
bool picture_is_bad_cell(const struct picture_cell *cell);

static inline struct picture_cell *picture_panel(const struct picture *p, int device, int what)
{
    return p->cell + ((int64_t)device * p->n_whats + what) * p->n_q * p->n_kv;
}
static inline struct picture_cell *picture_cell(const struct picture *p, int device, int what, int q, int kv)
{
    return picture_panel(p, device, what) + (int64_t)kv * p->n_q + q;
}

/* The problem of a cell; false where it is not legal. */
bool picture_problem(const struct picture *picture, int what, int q, int kv, struct attn_problem *problem);
/* What stands for a kernel where a call runs and none is known: of a library that computes by itself. */
#define PICTURE_COMPUTES "computes"
/* The number of a kernel's name, a new one where it is not there yet. PICTURE_NO_KERNEL: it has none, or too many are
 * there. */
int picture_name(struct picture *picture, const char *name);
/* Notes that a kernel is a subject's last resort, where it is. */
void picture_last_resort(struct picture *picture, int kernel, bool is);
/* Is a kernel a last resort, and the column's head size a known one? */
bool picture_is_naive(const struct picture *picture, int what, int kernel);
/* Letters and colours, when all names are there: each name has a letter of its own, of what it does not share with the
 * others, a word's first where it can be. */
void picture_letters(struct picture *picture);
/* Which of so many looks a kernel has, by its order: from the first on again where they are fewer, but for naive's. */
int picture_look(const struct picture *picture, int kernel, int looks);
/* A cell's letter: a kernel's own, small, or as a capital on a cliff; of a state its own; '!' where P11 is broken; of a
 * difference what changed. */
char picture_cell_letter(const struct picture *picture, const struct picture_cell *cell);
/* A number that cells share which are drawn alike, cliffs with a reason apart. */
int picture_cell_look(const struct picture *picture, const struct picture_cell *cell);

/* The devices whose panel of a column is the same as this one's, where it is the first of them; else 0. */
uint32_t picture_group(const struct picture *picture, int device, int what);
/* "gfx908, gfx90a" */
void picture_devices(const struct picture *picture, uint32_t devices, char *text, size_t cap);
/* The same, or "all 5 devices" where it is each of more than two. */
void picture_devices_short(const struct picture *picture, uint32_t devices, char *text, size_t cap);
/* "D 128, GQA 8, f16"; types "q8_0/q4_0" where they differ; then what a plain call has not */
void picture_what_text(const struct picture_what *what, char *text, size_t cap);
/* "576/512", "128" */
void picture_head_text(const struct picture_what *what, char *text, size_t cap);
void picture_type_text(const struct picture_what *what, char *text, size_t cap);
/* 131072 as "128k" */
void picture_number(int64_t n, char *text, size_t cap);

/* How many cells look how, and where the first is. */
struct picture_count {
    int64_t cells, state[PICTURE_STATE_COUNT], kernel[PICTURE_NAMES_MAX], naive, cliff, steep,
        change[PICTURE_CHANGE_COUNT];
};
/* Of one panel, or with what < 0 of all. */
void picture_count(const struct picture *picture, int device, int what, struct picture_count *count);
/* Finds the first cell that `is` says yes of, those of the smallest problems first; false: there is none. */
struct picture_place {
    int device, what, q, kv;
};
bool picture_find(const struct picture *picture, bool (*is)(const struct picture_cell *, int), int argument,
                  struct picture_place *place);
/* Is there anything that stands out: holes, stubs, failures, naive, cliffs without a name; of a difference, what is
 * worse? */
bool picture_is_bad(const struct picture_count *count, bool diff);

#endif
