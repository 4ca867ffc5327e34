/* grid.c: what a fixed list of problems finds that is judged as is the custom: test-backend-ops of ggml (its cases are
 * corpus/seeds/test-backend-ops.txt) fills tensors with uniform numbers, runs the kernel that a device gets, and
 * accepts a result whose normalised mean squared error over the whole tensor is at most 5e-4. Kernels run here as on a
 * GPU: nothing watches what they access.
 *
 * usage: zoo_grid SEED FILE   the file's problems, each on a device of the table, both drawn by the seed; then again
 *                             with other data, until one fails
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/case/attn_case.h"
#include "kernels/attn_backend.h"
#include "planner/random.h"
#include "reference/attn_reference.h"

enum { LINES_MAX = 16384 };

#define NMSE_MOST 5e-4
#define WORK_MOST INT64_C(20000000) /* multiply-adds: as attnfuzz run */
#define BYTES_MOST INT64_C(268435456)

static struct attn_case list[LINES_MAX];

static int read_list(const char *path)
{
    static char line[ATTN_CASE_LINE_MAX];
    struct attn_text_error error;
    int n = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    while (n < LINES_MAX && fgets(line, sizeof line, file)) {
        size_t length = strcspn(line, "\r\n");
        if (line[0] == '#' || !attn_case_parse(line, length, &list[n], &error))
            continue;
        n += attn_problem_work(&list[n].problem) <= WORK_MOST;
    }
    fclose(file);
    return n;
}

/* The tensor's error: the sum of squares of what is off over that of what should be there. */
static double nmse(const struct attn_problem *p, const struct attn_reference *r, const char *dst)
{
    const struct attn_tensor *t = &p->t[ATTN_DST];
    double off = 0, all = 0;
    for (int64_t s = 0; s < t->ne[3]; s++)
        for (int64_t iq = 0; iq < t->ne[2]; iq++)
            for (int64_t h = 0; h < t->ne[1]; h++)
                for (int64_t d = 0; d < t->ne[0]; d++) {
                    float got;
                    memcpy(&got, dst + d * t->nb[0] + h * t->nb[1] + iq * t->nb[2] + s * t->nb[3], sizeof got);
                    double want = attn_reference_value(r, d, h, iq, s);
                    off += (got - want) * (got - want);
                    all += want * want;
                }
    return all > 0 ? off / all : off;
}

static void report(const struct attn_case *c, const struct attn_plan *plan, const char *what)
{
    char line[ATTN_CASE_LINE_MAX];
    attn_case_print(c, line, sizeof line);
    fprintf(stderr, "NMSE %s on %s: %s\n  line:   %s\n", attn_kernel(plan->kernel)->name, plan->device.name, what,
            line);
    exit(1);
}

static void judge(const struct attn_case *c, const struct attn_plan *plan, const struct attn_image *image)
{
    const void *base[ATTN_OPERAND_COUNT];
    char what[64];
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(image, &c->problem, o);
    struct attn_reference *r = attn_reference_compute(&c->problem, base);
    if (!r)
        return;
    double error = nmse(&c->problem, r, base[ATTN_DST]);
    attn_reference_free(r);
    snprintf(what, sizeof what, "%.3g", error);
    if (!(error <= NMSE_MOST))
        report(c, plan, what);
}

static void run(struct attn_backend *backend, const struct attn_case *c)
{
    struct attn_plan plan;
    struct attn_image image;
    struct attn_failure failure = { 0 };
    if (attn_plan(attn_device(c->run.device), &c->problem, &plan, NULL) < 0) {
        fprintf(stderr, "NMSE no kernel on %s\n", attn_device(c->run.device)->name);
        exit(1);
    }
    if (!attn_image_create(&c->problem, BYTES_MOST, &image))
        return;
    attn_data_fill(c, &image);
    struct attn_memory *memory = backend->ops->alloc(backend, &c->problem, &image, plan.workspace_bytes, &failure);
    if (memory && backend->ops->upload(backend, memory, &image, &failure)) {
        if (!backend->ops->run(backend, memory, &c->problem, &plan, &failure) ||
            !backend->ops->download(backend, memory, &image, &failure))
            report(c, &plan, failure.text);
        judge(c, &plan, &image);
    }
    if (memory)
        backend->ops->free(backend, memory);
    attn_image_free(&image);
}

int main(int argc, char **argv)
{
    const struct attn_host_options options = { .checked = false };
    int n = argc == 3 ? read_list(argv[2]) : 0;
    if (n == 0) {
        fprintf(stderr, "usage: %s SEED FILE\n", argv[0]);
        return 2;
    }
    uint64_t state = strtoull(argv[1], NULL, 10);
    struct attn_backend *backend = attn_host_open(&options);
    if (!backend)
        return 3;
    for (;;) {
        for (int i = n - 1; i > 0; i--) {
            int other = (int)attn_random_below(&state, (uint64_t)i + 1);
            struct attn_case kept = list[i];
            list[i] = list[other];
            list[other] = kept;
        }
        for (int i = 0; i < n; i++) {
            struct attn_case *c = &list[i];
            attn_run_default(&c->run);
            c->run.device = (int32_t)attn_random_below(&state, (uint64_t)attn_device_count());
            c->run.mask = ATTN_MASK_RANDOM;
            c->run.dead = 0;
            c->run.seed = attn_random(&state) >> 32;
            run(backend, c);
        }
    }
}
