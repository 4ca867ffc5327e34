/* measure.c: see measure.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/bench/measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input/message.h"
#include "planner/random.h"
#include "reference/attn_reference.h"

void bench_gpu_put(const struct bench_gpu *b, const char *name, const char *unit, double value)
{
    if (b->options.json)
        printf(",\"%s\":%.6g", name, value);
    else
        printf("%-40s %12.4g %s\n", name, value, unit);
    fflush(stdout);
}

/* ---- Numbers --------------------------------------------------------------------------------------------- */

static int compare_doubles(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

double bench_median(double values[], int n)
{
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/* ---- Data ------------------------------------------------------------------------------------------------ */

/* In [-1, 1). */
static float next_value(uint64_t *state) { return (float)((double)(int64_t)attn_random(state) * 0x1p-63); }

static bool fill_rows(const struct attn_tensor *t, uint8_t *bytes, int64_t size, int64_t period, uint64_t seed)
{
    const struct attn_type_info *info = attn_type_info(t->type);
    const int64_t row = t->ne[0] / info->block_elems * info->block_bytes, rows = size / row;
    const int64_t filled = rows < period ? rows : period;
    float *values = malloc((size_t)t->ne[0] * sizeof *values);
    if (!values)
        return false;
    for (int64_t r = 0; r < filled; r++) {
        for (int64_t d = 0; d < t->ne[0]; d++)
            values[d] = next_value(&seed);
        attn_row_encode(t->type, values, t->ne[0], bytes + r * row);
    }
    for (int64_t done = filled * row; done < size;) {
        const int64_t n = size - done < done ? size - done : done;
        memcpy(bytes + done, bytes, (size_t)n);
        done += n;
    }
    free(values);
    return true;
}

/* Query i sees keys up to n_kv - n_q + i. */
static void fill_mask(const struct attn_problem *p, uint8_t *bytes)
{
    const struct attn_tensor *m = &p->t[ATTN_MASK];
    const int64_t planes = m->ne[2] * m->ne[3];
    for (int64_t i = 0; i < planes * m->ne[1]; i++) {
        const int64_t live = attn_n_kv(p) - attn_n_q(p) + i % m->ne[1] + 1;
        uint8_t *row = bytes + i * m->ne[0] * 2;
        for (int64_t key = 0; key < m->ne[0]; key++) {
            const uint16_t bits = key < live ? 0 : 0xFC00;
            memcpy(row + key * 2, &bits, sizeof bits);
        }
    }
}

static bool fill(struct bench_problem *p)
{
    enum { PERIOD = 4099 }; /* rows; a prime, so that no two heads or sequences are alike */
    int seen = 0; /* buffers filled; they are numbered in the order of the operands, and what is absent has none: -1 */
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const int b = p->image.buffer_of[o];
        if (b < seen)
            continue;
        seen = b + 1;
        struct attn_buffer *buffer = &p->image.buffer[b];
        const struct attn_tensor *t = &p->c.problem.t[o];
        if (o == ATTN_MASK)
            fill_mask(&p->c.problem, buffer->bytes);
        else if (o == ATTN_DST)
            memset(buffer->bytes, 0xFF, (size_t)buffer->size);
        else if (!fill_rows(t, buffer->bytes, buffer->size, o == ATTN_Q ? INT64_MAX : PERIOD, (uint64_t)o + 1))
            return false;
    }
    return true;
}

/* Contiguous tensors, but for V in K: the first operand of a buffer fills it. */
static bool lay_out(struct bench_problem *p)
{
    attn_image_layout(&p->c.problem, &p->image);
    for (int b = 0; b < p->image.n_buffers; b++)
        if (!(p->image.buffer[b].bytes = malloc((size_t)p->image.buffer[b].size)))
            return false;
    return fill(p);
}

bool bench_problem_open(struct bench_gpu *b, const char *line, int64_t workspace_bytes, int memories,
                        struct bench_problem *p)
{
    struct attn_text_error where;
    struct attn_failure failure = { 0 };
    memset(p, 0, sizeof *p);
    if (!attn_case_parse(line, strlen(line), &p->c, &where) || attn_problem_check(&p->c.problem, NULL) != ATTN_E_OK) {
        cli_error("%s: not a legal line", line);
        return false;
    }
    attn_key_of(&p->c.problem, &p->key);
    if (!lay_out(p))
        return cli_out_of_memory();
    for (; p->n_memories < memories; p->n_memories++) {
        struct attn_memory **m = &p->memory[p->n_memories];
        *m = b->ops->base.alloc(b->backend, &p->c.problem, &p->image, workspace_bytes, &failure);
        if (!*m || !b->ops->base.upload(b->backend, *m, &p->image, &failure)) {
            p->n_memories += *m != NULL;
            cli_error("%s", failure.text);
            return false;
        }
    }
    return true;
}

void bench_problem_close(struct bench_gpu *b, struct bench_problem *p)
{
    for (int i = 0; i < p->n_memories; i++)
        b->ops->base.free(b->backend, p->memory[i]);
    attn_image_free(&p->image);
}

/* ---- Running --------------------------------------------------------------------------------------------- */

double bench_milliseconds(struct bench_gpu *b, struct bench_problem *p, const struct attn_plan *plan, int repeats,
                          double *spread)
{
    enum { WARM = 2 };
    double ms[WARM + BENCH_REPEATS_MAX];
    struct attn_failure failure = { 0 };
    if (!b->ops->time(b->backend, p->memory, p->n_memories, &p->c.problem, plan, WARM + repeats, ms, &failure)) {
        cli_error("%s: %s", attn_kernel(plan->kernel)->name, failure.text);
        return -1;
    }
    const int half = repeats / 2;
    if (spread) {
        double first[BENCH_REPEATS_MAX], second[BENCH_REPEATS_MAX];
        memcpy(first, ms + WARM, (size_t)half * sizeof *ms);
        memcpy(second, ms + WARM + half, (size_t)(repeats - half) * sizeof *ms);
        *spread = half ? fabs(bench_median(first, half) - bench_median(second, repeats - half)) : ms[WARM];
    }
    return bench_median(ms + WARM, repeats);
}

bool bench_judge(struct bench_gpu *b, struct bench_problem *p, const struct attn_plan *plan)
{
    const struct attn_backend_ops *ops = &b->ops->base;
    const void *base[ATTN_OPERAND_COUNT];
    struct attn_failure failure = { 0 };
    struct attn_judgement j = { 0 };
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(&p->image, &p->c.problem, o);
    struct attn_reference *reference = attn_reference_compute_some(&p->c.problem, base, 1, 1, NULL);
    bool good = reference && ops->upload(b->backend, p->memory[0], &p->image, &failure) &&
                ops->run(b->backend, p->memory[0], &p->c.problem, plan, &failure) &&
                ops->download(b->backend, p->memory[0], &p->image, &failure);
    if (!good)
        cli_error("%s: %s", attn_kernel(plan->kernel)->name, reference ? failure.text : "out of memory");
    else if (!attn_judge(reference, &plan->arithmetic, base[ATTN_DST], &j)) {
        cli_error("%s: %" PRId64 " of %" PRId64 " components are wrong, one is %.9g, must be %.9g within %.3g",
                  attn_kernel(plan->kernel)->name, j.failed, j.components, j.got, j.want, j.limit);
        good = false;
    }
    attn_reference_free(reference);
    return good;
}
