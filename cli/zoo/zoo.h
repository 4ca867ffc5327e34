/* zoo.h: the zoo: planted faults, how each is looked for, what came of it. For attnfuzz zoo.
 *
 * A woven build (tests/zoo/weave.py) has many faults in one set of programs; which of them is in force the environment
 * says. A trial is one fault looked for in one way with one seed, from an empty corpus, by a process of its own whose
 * CPU time is what counts.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_ZOO_H
#define ATTNFUZZ_ZOO_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* X(NAME, name, text): how a fault is looked for */
#define ZOO_WAYS(X)                                              \
    X(TARGET, target, "its fuzz targets, as they are")           \
    X(RAW, raw, "the same without the mutator: libFuzzer alone") \
    X(UNIFORM, uniform, "the same on uniformly random bytes")    \
    X(GRID, grid, "the cases of test-backend-ops, judged by a tensor's NMSE 5e-4")

enum zoo_way {
#define X(NAME, name, text) ZOO_##NAME,
    ZOO_WAYS(X)
#undef X
        ZOO_WAY_COUNT
};

const char *zoo_way_name(int way);
int zoo_way_find(const char *name); /* -1: none */

enum { ZOO_TARGETS_MAX = 4, ZOO_SEEDS_MAX = 64 };

/* A row of FOLDER/zoo.txt. Number 0: no fault is planted, and what is found is a false alarm. */
struct zoo_fault {
    int number;
    char *name, *class, *what, *properties;
    char *target[ZOO_TARGETS_MAX];  /* looked for by these, one after another */
    char *max_len[ZOO_TARGETS_MAX]; /* of each one's inputs, bytes */
    int n_targets;
    char *equivalent; /* why it changes nothing that can be told; NULL: it is not said to */
};

/* X(name): how a trial ended */
#define ZOO_ENDS(X) X(found) X(missed) X(failed)

enum zoo_end {
#define X(name) ZOO_END_##name,
    ZOO_ENDS(X)
#undef X
        ZOO_END_COUNT
};

/* What came of a trial. `failed`: it could not be carried out. */
struct zoo_result {
    int end;          /* enum zoo_end */
    int64_t cpu_ms;   /* user and system time until it was found, or in all */
    uint64_t reached; /* how often the planted place was, and made a difference there, until the process ended */
    uint64_t triggered;
    int confirmed;     /* the line fails with the fault and holds without: 1 yes, 0 no, -1 not asked */
    char property[16]; /* P2; NMSE; crash; hang */
    char target[32];   /* which found it */
    char commit[48];   /* of the tree that was woven */
    char *line;        /* shrunk, where it was; NULL: none */
};

struct zoo_trial {
    int fault, way;
    int64_t seed, seconds;
    bool done;
    struct zoo_result result;
};

struct zoo {
    char *folder; /* of the build */
    char commit[48];
    struct zoo_fault *fault;
    int n_faults;
    struct zoo_trial *trial;
    int n_trials, n_done;
    int64_t seconds, seeds;
};

/* list.c. Reads FOLDER/zoo.txt: exit code, with a message. `names`: only faults whose names contain one of them. */
int zoo_read_list(struct zoo *zoo, const char *folder, char **names, int n_names);
/* Takes over which faults change nothing that can be told: a name and the reason on each line. False with a message. */
bool zoo_read_equivalent(struct zoo *zoo, const char *path);
/* The trials of so many seeds, in the ways whose bits are set. */
bool zoo_make_trials(struct zoo *zoo, unsigned ways, int64_t seeds, int64_t seconds);
void zoo_free(struct zoo *zoo);

/* record.c. Takes over results of the file that are of these trials, the last of each; with `fresh` only those of this
 * very tree. A last line that was cut off is dropped. False, with a message, when it cannot be read or is another file.
 */
bool zoo_take_records(struct zoo *zoo, const char *path, bool fresh);
/* Appends a result. */
bool zoo_add_record(const struct zoo *zoo, const struct zoo_trial *trial, const char *path);

/* trial.c. Runs the trials that are not done and whose index is i of n, `jobs` at a time, until all are done or *stop
 * is set; results go to `path` as they come (NULL: nowhere). Exit code. */
struct zoo_how {
    int jobs;
    int64_t shard, shards;
    const char *path;
    volatile const sig_atomic_t *stop; /* a signal, 0: none */
};
int zoo_run(struct zoo *zoo, const struct zoo_how *how);

/* report.c. The trials of one fault in one way. */
struct zoo_cell {
    int done, found, unconfirmed;
    int reached, triggered;          /* trials in which it was */
    int64_t cpu_ms[ZOO_SEEDS_MAX];   /* sorted; ZOO_NEVER: not found */
    const struct zoo_result *result; /* of the median, NULL: none was done */
};
#define ZOO_NEVER INT64_MAX
void zoo_read_cell(const struct zoo *zoo, int fault, int way, struct zoo_cell *cell);
/* CPU time until it is found, in ms; ZOO_NEVER: it is not, or nothing was done. */
int64_t zoo_median(const struct zoo_cell *cell);
/* "12.3", "> 60", or "" where nothing was done. */
void zoo_print_seconds(const struct zoo *zoo, const struct zoo_cell *cell, char *text, size_t cap);

/* report.c. Prints what is known of each fault. Returns how many faults are not found in the median of their seeds, or
 * are a false alarm. */
enum zoo_format { ZOO_TEXT, ZOO_JSON, ZOO_MARKDOWN };
int zoo_report(const struct zoo *zoo, int format);

/* page.c. The same as a page that needs nothing else: a row a fault, a column a way, the darker the sooner. */
void zoo_page(FILE *out, const struct zoo *zoo);

#endif
