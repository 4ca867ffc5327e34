/* list.c: the list of faults of a woven build, and the trials that are made of it.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/zoo/zoo.h"

enum { LINE = 4096 };

static const char *const way_names[ZOO_WAY_COUNT] = {
#define X(NAME, name, text) #name,
    ZOO_WAYS(X)
#undef X
};

const char *zoo_way_name(int way) { return way_names[way]; }

int zoo_way_find(const char *name)
{
    for (int way = 0; way < ZOO_WAY_COUNT; way++)
        if (!strcmp(name, way_names[way]))
            return way;
    return -1;
}

/* The next part of a line up to a tab; NULL when there is none. */
static char *field(char **rest)
{
    char *begin = *rest;
    if (!begin)
        return NULL;
    char *tab = strchr(begin, '\t');
    if (tab)
        *tab = 0;
    *rest = tab ? tab + 1 : NULL;
    return begin;
}

/* The targets and how long each one's inputs are, two lists with spaces. */
static bool read_targets(char *targets, char *lengths, struct zoo_fault *f)
{
    char *rest = NULL, *rest_lengths = NULL, *word, *length;
    int64_t bytes;
    while (f->n_targets < ZOO_TARGETS_MAX && (word = strtok_r(targets, " ", &rest))) {
        length = strtok_r(lengths, " ", &rest_lengths);
        if (!length || !cli_number(length, 1, 4096, &bytes) || strchr(word, '/') ||
            strlen(word) >= sizeof((struct zoo_result *)0)->target)
            return false;
        f->max_len[f->n_targets] = strdup(length);
        f->target[f->n_targets++] = strdup(word);
        targets = lengths = NULL;
    }
    return f->n_targets > 0;
}

static bool read_row(char *line, struct zoo_fault *f)
{
    char *text[7], *rest = line;
    int64_t number;
    memset(f, 0, sizeof *f);
    for (int i = 0; i < 7; i++)
        if (!(text[i] = field(&rest)))
            return false;
    if (rest || !cli_number(text[0], 0, 1000000, &number) || !*text[1] || strpbrk(text[1], " |/"))
        return false;
    f->number = (int)number;
    f->name = strdup(text[1]);
    f->properties = strdup(text[4]);
    f->class = strdup(text[5]);
    f->what = strdup(text[6]);
    return read_targets(text[2], text[3], f);
}

static bool wanted(const struct zoo_fault *f, char **names, int n_names)
{
    for (int i = 0; i < n_names; i++)
        if (strstr(f->name, names[i]))
            return true;
    return n_names == 0;
}

static void free_fault(struct zoo_fault *f)
{
    for (int i = 0; i < f->n_targets; i++) {
        free(f->target[i]);
        free(f->max_len[i]);
    }
    free(f->name);
    free(f->properties);
    free(f->class);
    free(f->what);
    free(f->equivalent);
}

static int read_lines(struct zoo *zoo, FILE *file, const char *path, char **names, int n_names)
{
    static const char commit[] = "# commit: ";
    char line[LINE];
    for (int64_t number = 1; fgets(line, sizeof line, file); number++) {
        struct zoo_fault fault;
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, commit, sizeof commit - 1))
            snprintf(zoo->commit, sizeof zoo->commit, "%.40s", line + sizeof commit - 1);
        if (!line[0] || line[0] == '#')
            continue;
        if (!read_row(line, &fault)) {
            free_fault(&fault);
            cli_error_at(path, number, 0, "not a row of a list of faults");
            return CLI_USAGE;
        }
        struct zoo_fault *more = realloc(zoo->fault, (size_t)(zoo->n_faults + 1) * sizeof *more);
        if (!more) {
            cli_out_of_memory();
            return CLI_LACKS;
        }
        zoo->fault = more;
        if (wanted(&fault, names, n_names))
            zoo->fault[zoo->n_faults++] = fault;
        else
            free_fault(&fault);
    }
    if (zoo->n_faults)
        return CLI_GOOD;
    cli_error(n_names ? "zoo: no fault has such a name" : "zoo: %s lists no fault", path);
    return CLI_USAGE;
}

int zoo_read_list(struct zoo *zoo, const char *folder, char **names, int n_names)
{
    char path[4096];
    memset(zoo, 0, sizeof *zoo);
    zoo->folder = realpath(folder, NULL);
    snprintf(path, sizeof path, "%s/zoo.txt", folder);
    FILE *file = zoo->folder ? fopen(path, "r") : NULL;
    if (!file) {
        cli_error("zoo: %s cannot be read: a woven build is made by tests/zoo/build.sh", path);
        return CLI_LACKS;
    }
    int code = read_lines(zoo, file, path, names, n_names);
    fclose(file);
    return code;
}

bool zoo_read_equivalent(struct zoo *zoo, const char *path)
{
    char line[LINE];
    FILE *file = fopen(path, "r");
    bool good = file != NULL;
    if (!file)
        cli_error("%s: cannot be read", path);
    for (int64_t number = 1; good && fgets(line, sizeof line, file); number++) {
        line[strcspn(line, "\n")] = 0;
        char *reason = line + strcspn(line, " ");
        if (!line[0] || line[0] == '#')
            continue;
        if (!*reason || !reason[1]) {
            cli_error_at(path, number, 0, "a name without a reason");
            good = false;
            continue;
        }
        *reason++ = 0;
        for (int i = 0; i < zoo->n_faults; i++)
            if (!strcmp(zoo->fault[i].name, line) && !zoo->fault[i].equivalent)
                zoo->fault[i].equivalent = strdup(reason);
    }
    if (file)
        fclose(file);
    return good;
}

bool zoo_make_trials(struct zoo *zoo, unsigned ways, int64_t seeds, int64_t seconds)
{
    zoo->seeds = seeds;
    zoo->seconds = seconds;
    zoo->trial = calloc((size_t)zoo->n_faults * ZOO_WAY_COUNT * (size_t)seeds, sizeof *zoo->trial);
    if (!zoo->trial)
        return cli_out_of_memory();
    /* The targets themselves first: what is interrupted has the most to say then. */
    for (int way = 0; way < ZOO_WAY_COUNT; way++)
        for (int64_t seed = 1; seed <= seeds && (ways >> way & 1u); seed++)
            for (int f = 0; f < zoo->n_faults; f++)
                zoo->trial[zoo->n_trials++] =
                    (struct zoo_trial){ .fault = f, .way = way, .seed = seed, .seconds = seconds };
    return true;
}

void zoo_free(struct zoo *zoo)
{
    for (int i = 0; i < zoo->n_faults; i++)
        free_fault(&zoo->fault[i]);
    for (int i = 0; i < zoo->n_trials; i++)
        free(zoo->trial[i].result.line);
    free(zoo->fault);
    free(zoo->trial);
    free(zoo->folder);
}
