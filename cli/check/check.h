/* check.h: attnfuzz check: a subject is asked about generated problems on each of its devices, and what it answers is
 * held against what every subject owes its callers.
 *
 *   check.c           the verb: options, the order of things, exit codes
 *   open.c      the subject that --subject names
 *   loop.c      problems, calls, properties, feedback
 *   finding.c   findings: one row for each that is distinct, shrunk
 *   hole.c      legal and refused: which fields matter
 *   baseline.c  findings that are known and accepted
 *   report.c    text, JSON, HTML
 *   snippet.c   a C program that shows a finding
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_CHECK_H
#define ATTNFUZZ_CHECK_H

#include "fuzz/case/attn_case.h"
#include "subjects/attn_subject.h"
#include "cli/cli.h"

/* ---- What a subject owes its callers --------------------------------------------------------------------- */

/* X(NAME, name, what was broken) */
#define CHECK_KINDS(X)                                                                      \
    X(ABORT, abort, "a legal call ends the process after it was said to be supported")      \
    X(CRASH, crash, "a legal call crashes the host code after it was said to be supported") \
    X(HANG, hang, "a legal call does not come back after it was said to be supported")      \
    X(FAILED, failed, "a legal call that was said to be supported returns an error")        \
    X(ASK, ask, "asking whether a legal call is supported ends the process")                \
    X(SILENT, silent, "a supported call launches no attention kernel")                      \
    X(UNFIT, unfit, "a launch cannot run on its device")                                    \
    X(IMPURE, impure, "the same call is answered in two ways")                              \
    X(HOLE, hole, "a legal call is refused: it falls back to the CPU, or fails")

enum check_kind {
#define X(NAME, name, text) CHECK_##NAME,
    CHECK_KINDS(X)
#undef X
        CHECK_KIND_COUNT
};
const char *check_kind_name(int kind);
const char *check_kind_meaning(int kind);

/* ---- Findings -------------------------------------------------------------------------------------------- */

enum { CHECK_KEY_MAX = 256, CHECK_FINDINGS_MAX = 4096, CHECK_SIGNS = 1 << 16 };

/* One distinct finding. */
struct check_finding {
    int32_t kind;
    char key[CHECK_KEY_MAX];     /* what makes it distinct, for a baseline: words without blanks, joined by one */
    char group[CHECK_KEY_MAX];   /* findings of one group are shown together: the key without its particulars */
    struct attn_problem problem; /* the smallest that shows it */
    int32_t device;              /* number of a device that shows it */
    uint32_t devices;            /* every device on which the problem shows it */
    char message[ATTN_SUBJECT_MESSAGE_MAX]; /* the subject's own, or what is wrong with the launch */
    struct attn_subject_launch launch;      /* kind UNFIT: the launch; kernel NULL: none */
    bool has_neighbour;
    struct attn_problem neighbour; /* holes: the nearest problem that is supported */
    char field[32];                /* holes: the field in which the two differ */
    char fields[128];              /* holes: every field that alone would do, commas between them */
    uint64_t calls;                /* that fell into it */
    bool known;                    /* the baseline has it */
};

/* What a call looked like before it was shrunk: calls of one sign are counted together and looked at once. */
struct check_sign {
    uint64_t hash; /* 0: free */
    uint64_t calls;
    int32_t kind;
    int32_t device;
    struct attn_problem problem; /* the smallest seen */
};

/* Two devices of a family that were given different kernels: information. */
enum { CHECK_DIFFERENCES_MAX = 256 };
struct check_difference {
    int32_t a, b;                    /* devices */
    char kernel_a[64], kernel_b[64]; /* "refused" where it was */
    uint64_t calls;
    struct attn_problem problem; /* an example, the smallest seen */
};

struct check {
    struct attn_subject *subject;
    /* options */
    uint32_t devices; /* bit set of the subject's */
    uint64_t seed;
    int64_t max_calls; /* 0: no limit */
    double seconds;    /* 0: no limit */
    /* counts: calls are pairs of a problem and a device; `again` of them were made a second time (P5) */
    uint64_t problems, calls, again, supported, refused, launches, too_big, not_legal;
    uint64_t pairs;        /* (attention kernel, device) seen */
    uint64_t shrink_calls; /* made to shrink what was noted; not among calls */
    double elapsed_seconds, cpu_seconds;
    char too_big_text[ATTN_SUBJECT_MESSAGE_MAX]; /* of the last such call that said something */
    char not_legal_text[160];                    /* why the last one was left out, where lines were given */
    struct check_sign *sign;                     /* CHECK_SIGNS */
    uint64_t n_signs, lost_signs;
    struct check_finding *finding; /* CHECK_FINDINGS_MAX */
    int n_findings;
    uint64_t lost_findings;
    struct check_difference difference[CHECK_DIFFERENCES_MAX];
    int n_differences;
    /* the simplest supported problem of each known head size (last: any other) on each device */
    struct attn_problem works[ATTN_HEAD_SIZE_COUNT + 1][ATTN_SUBJECT_DEVICES_MAX];
    bool has_works[ATTN_HEAD_SIZE_COUNT + 1][ATTN_SUBJECT_DEVICES_MAX];
};

/* ---- Loop (loop.c) ---------------------------------------------------------------------------------- */

/* What one call showed. */
struct check_verdict {
    int32_t kind;  /* enum check_kind, -1: nothing is wrong */
    int32_t unfit; /* kind UNFIT */
    bool supported, too_big;
    const struct attn_subject_launch *main; /* the attention launch, NULL: none; valid until the next call */
    struct attn_subject_launch bad;         /* kind UNFIT */
    size_t n_launches;
    uint64_t launched; /* hash of all launches */
    char message[ATTN_SUBJECT_MESSAGE_MAX];
};
/* One call of a legal problem on a device, all properties checked but P5 where `pure` is false. */
void check_call(struct check *check, int device, const struct attn_problem *p, bool pure,
                struct check_verdict *verdict);
/* Generates and calls until a limit is reached; or asks about what given() gives until it says false, where it is not
 * NULL. `progress` is called now and then. */
void check_run(struct check *check, bool (*given)(void *, struct attn_problem *), void *context,
               void (*progress)(const struct check *));
/* Index into check->works. */
int check_head_size(const struct attn_problem *p);
/* The strides of extent-1 dimensions as ggml's own operations leave them. */
void check_plain_strides(struct attn_problem *p);

/* ---- Findings (finding.c) --------------------------------------------------------------------------- */

/* Notes a call that broke something on these devices (the first of them is `device`); what it was is found out later.
 */
void check_note(struct check *check, int device, uint32_t devices, const struct attn_problem *p,
                const struct check_verdict *verdict);
/* Is problem a a simpler example than b: fewer things that a plain call has not, then less work? */
bool check_simpler(const struct attn_problem *a, const struct attn_problem *b);
/* Shrinks what was noted to distinct findings. */
void check_settle(struct check *check);
/* Sorts them: unknown ones first, then by kind, then group. */
void check_sort(struct check *check);
/* The function's own name in a mangled or plain kernel name: "flash_attn_tile". */
void check_kernel_name(const char *mangled, char *name, size_t cap);
/* "gfx906,gfx908", or "all" when it is every device asked about. */
void check_device_list(const struct check *check, uint32_t devices, char *text, size_t cap);

/* ---- Holes (hole.c) --------------------------------------------------------------------------------- */

/* Brings a refused problem as close to check->works as it goes while it stays refused: what is left different is what
 * matters. Fills problem, neighbour, fields, devices, key and group of *finding (whose device is set). */
void check_hole(struct check *check, const struct check_sign *sign, struct check_finding *finding);

/* ---- Baseline (baseline.c) -------------------------------------------------------------------------- */

struct check_baseline {
    int n;
    struct {
        char *pattern;
        int64_t line;
        uint64_t used;
    } *entry;
};
/* Reads a file of patterns (fnmatch), one a line, '#' begins a comment. CLI_GOOD, or CLI_USAGE with a message. */
int check_baseline_read(const char *path, struct check_baseline *baseline);
/* Marks the known findings; returns how many are not known. */
int check_baseline_apply(struct check_baseline *baseline, struct check *check);
void check_baseline_free(struct check_baseline *baseline);

/* ---- Report (report.c, html.c), snippets (snippet.c) ------------------------------------ */

void check_report_text(FILE *out, const struct check *check, const struct check_baseline *baseline);
void check_report_json(FILE *out, const struct check *check);
void check_report_html(FILE *out, const struct check *check);
/* A finding's line, with its device. */
void check_line(const struct check *check, const struct check_finding *finding, char line[ATTN_CASE_LINE_MAX]);
/* A complete C program against ggml's public headers. */
void check_snippet(FILE *out, const struct check *check, const struct check_finding *finding);
/* Writes one file a group of findings into a folder: NUMBER-KIND.c; false with a message. */
bool check_snippets_write(const char *folder, const struct check *check);
/* The finding that stands for its group: the first of it that is not known, else the first. Number of groups in *n. */
const struct check_finding *check_group(const struct check *check, int number, int *n, uint64_t *calls, int *members);
/* Head sizes of a group and, for holes that are about them, types K/V: words, each list into cap bytes. */
void check_particulars(const struct check *check, int number, char *heads, char *types, size_t cap);
/* Every device on which a finding of the same group shows. */
uint32_t check_group_devices(const struct check *check, const struct check_finding *of);

/* ---- Subjects (open.c) ------------------------------------------------------------------------------ */

struct check_subject_options {
    const char *subject;      /* own, ggml=PATH, ggml=debian */
    const char *null_runtime; /* folder; NULL: beside the command */
    const char *cache;        /* folder for ggml=debian; NULL: the user's cache */
    bool prec_default, no_code;
};
/* Opens it, or replaces this process by one that runs on the C library that the subject needs (argv: its arguments).
 * CLI_GOOD, or an exit code after a message. */
int check_open(const struct check_subject_options *options, char **argv, struct attn_subject **subject);

#endif
