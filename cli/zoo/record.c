/* record.c: the file that keeps what trials have shown: a line each, fields apart by tabs, the newest of a trial's
 * last. It is text, to be committed and merged.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/input/message.h"
#include "cli/zoo/zoo.h"

static const char head[] =
    "# attnfuzz zoo 1: fault, way, seed, CPU seconds it may take, end, property, target, CPU ms, "
    "reached, triggered, confirmed, commit, line\n";
enum { FIELDS = 13 };

static const char *const ends[ZOO_END_COUNT] = {
#define X(name) #name,
    ZOO_ENDS(X)
#undef X
};

static struct zoo_trial *trial_of(struct zoo *zoo, const char *fault, const char *way, int64_t seed, int64_t seconds)
{
    for (int i = 0; i < zoo->n_trials; i++) {
        struct zoo_trial *t = &zoo->trial[i];
        if (t->seed == seed && t->seconds == seconds && !strcmp(zoo->fault[t->fault].name, fault) &&
            !strcmp(zoo_way_name(t->way), way))
            return t;
    }
    return NULL;
}

static bool read_result(char *const text[FIELDS], struct zoo_result *r)
{
    int64_t number[4];
    memset(r, 0, sizeof *r);
    r->end = -1;
    for (int i = 0; i < ZOO_END_COUNT; i++)
        if (!strcmp(text[4], ends[i]))
            r->end = i;
    for (int i = 0; i < 4; i++)
        if (!cli_number(text[7 + i], i == 3 ? -1 : 0, INT64_MAX, &number[i]))
            return false;
    snprintf(r->property, sizeof r->property, "%s", text[5]);
    snprintf(r->target, sizeof r->target, "%s", text[6]);
    r->cpu_ms = number[0];
    r->reached = (uint64_t)number[1];
    r->triggered = (uint64_t)number[2];
    r->confirmed = (int)number[3];
    snprintf(r->commit, sizeof r->commit, "%s", text[11]);
    r->line = *text[12] ? strdup(text[12]) : NULL;
    return r->end >= 0;
}

/* A line of the file into the trial it is of; false: it is no such line. */
static bool take_line(struct zoo *zoo, char *line, bool fresh)
{
    char *text[FIELDS];
    int64_t seed, seconds;
    struct zoo_result result;
    for (int i = 0; i < FIELDS; i++) {
        text[i] = line;
        char *tab = line ? strchr(line, '\t') : NULL;
        if (!line || (i < FIELDS - 1 && !tab))
            return false;
        if (tab)
            *tab = 0;
        line = tab ? tab + 1 : NULL;
    }
    if (line || !cli_number(text[2], 0, INT64_MAX, &seed) || !cli_number(text[3], 1, INT64_MAX, &seconds) ||
        !read_result(text, &result))
        return false;
    struct zoo_trial *t = trial_of(zoo, text[0], text[1], seed, seconds);
    if (!t || result.end == ZOO_END_failed || (fresh && strcmp(result.commit, zoo->commit))) {
        free(result.line);
        return true;
    }
    zoo->n_done += !t->done;
    free(t->result.line);
    t->result = result;
    t->done = true;
    return true;
}

static char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    char *all = NULL;
    *size = 0;
    if (!file)
        return NULL;
    for (size_t got = 1; got > 0;) {
        char *more = realloc(all, *size + 65537);
        if (!more)
            break;
        all = more;
        got = fread(all + *size, 1, 65536, file);
        *size += got;
        all[*size] = 0;
    }
    if (ferror(file)) {
        free(all);
        all = NULL;
        errno = errno ? errno : EIO;
    }
    fclose(file);
    return all;
}

bool zoo_take_records(struct zoo *zoo, const char *path, bool fresh)
{
    size_t size;
    char *all = read_whole(path, &size);
    if (!all && errno == ENOENT)
        return true;
    if (!all) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    bool good = size == 0 || (size >= sizeof head - 1 && !memcmp(all, head, sizeof head - 1));
    if (!good)
        cli_error("%s: not a file of attnfuzz zoo", path);
    char *line = all, *end;
    for (int64_t number = 1; good && (end = strchr(line, '\n')); number++, line = end + 1) {
        *end = 0;
        good = line[0] == '#' || take_line(zoo, line, fresh);
        if (!good)
            cli_error_at(path, number, 0, "not a result of attnfuzz zoo");
    }
    /* What was being written when its process was killed. */
    if (good && *line && truncate(path, (off_t)(line - all)) != 0) {
        cli_error("%s: %s", path, strerror(errno));
        good = false;
    }
    free(all);
    return good;
}

bool zoo_add_record(const struct zoo *zoo, const struct zoo_trial *t, const char *path)
{
    const struct zoo_result *r = &t->result;
    FILE *file = fopen(path, "a");
    bool good = file != NULL;
    if (good && fseek(file, 0, SEEK_END) == 0 && ftell(file) == 0)
        good = fputs(head, file) >= 0;
    good = good &&
           fprintf(file,
                   "%s\t%s\t%" PRId64 "\t%" PRId64 "\t%s\t%s\t%s\t%" PRId64 "\t%" PRIu64 "\t%" PRIu64 "\t%d\t%s\t%s\n",
                   zoo->fault[t->fault].name, zoo_way_name(t->way), t->seed, t->seconds, ends[r->end], r->property,
                   r->target, r->cpu_ms, r->reached, r->triggered, r->confirmed, r->commit, r->line ? r->line : "") > 0;
    if (file && fclose(file) != 0)
        good = false;
    if (!good)
        cli_error("%s: %s", path, strerror(errno));
    return good;
}
