/* isa_launch.c: launches kernels on the machine as lines on stdin ask, and says how each ended, a line each.
 *
 *   TARGET OBJECT KERNEL N GROUPS ITEMS SCHEDULE    ->  the failure's name ("none") and, behind a tab, its text
 *   TARGET OBJECT first BYTES                       ->  the same of loading that much of an object
 *
 * A kernel's arguments are those of tests/isa/failures/failures.c: three areas of 64 words (read, written, blank), n.
 *
 * SPDX-License-Identifier: MIT */
#include "isa/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 64, BUDGET = 20000 };

static void *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    void *bytes = NULL;
    if (f && fseek(f, 0, SEEK_END) == 0) {
        *size = (size_t)ftell(f);
        rewind(f);
        bytes = malloc(*size + 1);
        if (bytes && fread(bytes, 1, *size, f) != *size) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (f)
        fclose(f);
    return bytes;
}

static void say(const char *name, const char *text)
{
    printf("%s\t%s\n", name, text);
    fflush(stdout);
}

/* The areas lie apart in one block, so that what is beside one is in none. NULL: no memory. */
static uint32_t *add_areas(struct isa_machine *m, uint32_t *area[3])
{
    uint32_t *block = aligned_alloc(256, 4 * 7 * WORDS);
    for (int k = 0; block && k < 3; k++) {
        area[k] = block + (2 * k + 1) * WORDS;
        for (uint32_t n = 0; n < WORDS; n++)
            area[k][n] = n;
        const struct isa_region region = {
            .bytes = (uint8_t *)area[k], .size = 4 * WORDS, .writable = k > 0, .written = k < 2, .number = k
        };
        if (!isa_memory_add(m, &region)) {
            free(block);
            return NULL;
        }
    }
    return block;
}

static void launch(struct isa_machine *m, struct isa_object *object, const char *name, const char *rest)
{
    unsigned n, groups, items;
    unsigned long long schedule;
    struct isa_kernel *kernel = isa_object_kernel(object, name);
    if (!kernel || sscanf(rest, "%u %u %u %llu", &n, &groups, &items, &schedule) != 4) {
        say("?", "no such kernel, or not four numbers");
        return;
    }
    uint32_t *area[3] = { NULL, NULL, NULL }, *block = add_areas(m, area);
    struct isa_stop stop;
    memset(&stop, 0, sizeof stop);
    if (block) {
        struct {
            void *area[3];
            uint32_t n, unused;
        } arguments = { { area[0], area[1], area[2] }, n, 0 };
        const struct isa_dispatch dispatch = { { groups, 1, 1 }, { items, 1, 1 }, 0, &arguments, 28 };
        const struct isa_options options = { .schedule = schedule, .checked = true, .budget = BUDGET };
        const bool ended = isa_launch(m, kernel, &dispatch, &options, NULL, &stop);
        say(isa_stop_name(ended ? ISA_STOP_NONE : stop.code), ended ? "" : stop.text);
    } else {
        say("?", "no memory");
    }
    for (int k = 0; block && k < 3; k++)
        isa_memory_remove(m, area[k]);
    free(block);
}

/* The object that was asked for last, kept while lines ask for it. */
struct kept {
    char target[32], path[512];
    struct isa_machine *machine;
    struct isa_object *object;
    void *bytes;
    size_t size;
    struct isa_error error;
};

static void drop(struct kept *k)
{
    if (k->machine)
        isa_machine_close(k->machine);
    free(k->bytes);
    memset(k, 0, sizeof *k);
}

static void keep(struct kept *k, const char *target, const char *path)
{
    if (strcmp(k->target, target) == 0 && strcmp(k->path, path) == 0)
        return;
    drop(k);
    snprintf(k->target, sizeof k->target, "%s", target);
    snprintf(k->path, sizeof k->path, "%s", path);
    k->machine = isa_machine_open(target, &k->error);
    k->bytes = read_file(path, &k->size);
    if (k->machine && k->bytes)
        k->object = isa_object_load(k->machine, k->bytes, k->size, &k->error);
    else if (k->machine)
        snprintf(k->error.text, sizeof k->error.text, "no such file");
}

static void load_first(struct kept *k, size_t bytes)
{
    struct isa_object *object = isa_object_load(k->machine, k->bytes, bytes < k->size ? bytes : k->size, &k->error);
    say(object ? "none" : "object", object ? "" : k->error.text);
    if (object)
        isa_object_unload(k->machine, object);
}

static void line(struct kept *k, const char *text)
{
    char target[32], path[512], name[128];
    int end = 0;
    size_t some;
    if (sscanf(text, "%31s %511s %127s %n", target, path, name, &end) != 3) {
        say("?", "not a line");
        return;
    }
    keep(k, target, path);
    if (!k->machine || !k->bytes)
        say("?", k->error.text);
    else if (strcmp(name, "first") == 0 && sscanf(text + end, "%zu", &some) == 1)
        load_first(k, some);
    else if (!k->object)
        say("object", k->error.text);
    else
        launch(k->machine, k->object, name, text + end);
}

int main(void)
{
    char text[1024];
    struct kept kept;
    memset(&kept, 0, sizeof kept);
    while (fgets(text, sizeof text, stdin))
        line(&kept, text);
    drop(&kept);
    return 0;
}
