/* image.c: the bytes of a problem's buffers in host memory, and which of them belong to elements.
 *
 * Work is proportional to the bytes: rows that lie side by side are marked as one run, and dimensions that are
 * broadcast are marked once.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/attn_backend.h"

#include <stdlib.h>
#include <string.h>

#include "planner/arith.h"

/* Buffers of a problem without their bytes: which operand lies in which, and how large each is. */
static void layout(const struct attn_problem *problem, struct attn_image *image)
{
    int of_letter[256];
    memset(of_letter, 0xFF, sizeof of_letter);
    memset(image, 0, sizeof *image);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const struct attn_tensor *t = &problem->t[o];
        image->buffer_of[o] = -1;
        if ((o == ATTN_MASK || o == ATTN_SINKS) && !t->present)
            continue;
        int b = t->buffer ? of_letter[t->buffer] : -1;
        if (b < 0) {
            b = image->n_buffers++;
            of_letter[t->buffer] = b;
        }
        image->buffer_of[o] = b;
        int64_t end = attn_add_sat(t->offset, attn_tensor_span(t));
        image->buffer[b].size = attn_max(image->buffer[b].size, end);
    }
}

static int64_t total_bytes(const struct attn_image *image)
{
    int64_t total = 0;
    for (int b = 0; b < image->n_buffers; b++)
        total = attn_add_sat(total, image->buffer[b].size);
    return total;
}

int64_t attn_image_bytes(const struct attn_problem *problem)
{
    struct attn_image image;
    layout(problem, &image);
    return total_bytes(&image);
}

/* Marks dimensions 1..dim below `at`. run: bytes side by side that one index of dimension dim covers. */
static void mark(const struct attn_tensor *t, uint8_t *at, const int64_t ne[4], int dim, int64_t run, int role)
{
    while (dim > 0 && ne[dim] == 1)
        dim--;
    if (dim == 0) {
        memset(at, role, (size_t)run);
        return;
    }
    for (int64_t i = 0; i < ne[dim]; i++)
        mark(t, at + i * t->nb[dim], ne, dim - 1, run, role);
}

static void mark_elements(const struct attn_tensor *t, uint8_t *first, int role)
{
    int64_t run = attn_row_bytes(t->type, t->ne[0]);
    int64_t ne[4] = { 1, 1, 1, 1 };
    for (int d = 1; d < 4; d++)
        ne[d] = t->nb[d] == 0 ? 1 : t->ne[d];
    /* Contiguous dimensions join the run. */
    for (int d = 1; d < 4 && (ne[d] == 1 || t->nb[d] == run); d++) {
        run *= ne[d];
        ne[d] = 1;
    }
    mark(t, first, ne, 3, run, role);
}

/* Marks what the sample has of an operand: each box as if it were a tensor. */
static void mark_operand(const struct attn_problem *problem, const struct attn_sample *sample, int o, uint8_t *role)
{
    struct attn_box box[ATTN_SAMPLE_BOXES_MAX];
    const int n = attn_sample_boxes(sample, problem, o, box);
    for (int i = 0; i < n; i++) {
        const struct attn_tensor t = attn_box_tensor(&problem->t[o], &box[i]);
        mark_elements(&t, role + t.offset, o == ATTN_DST ? ATTN_ROLE_DST : ATTN_ROLE_INPUT);
    }
}

bool attn_image_create(const struct attn_problem *problem, int64_t max_bytes, struct attn_image *image)
{
    return attn_image_create_sample(problem, NULL, max_bytes, image);
}

bool attn_image_create_sample(const struct attn_problem *problem, const struct attn_sample *sample, int64_t max_bytes,
                              struct attn_image *image)
{
    layout(problem, image);
    if (total_bytes(image) > max_bytes) {
        memset(image, 0, sizeof *image);
        return false;
    }
    for (int b = 0; b < image->n_buffers; b++) {
        struct attn_buffer *buffer = &image->buffer[b];
        buffer->bytes = malloc((size_t)buffer->size);
        buffer->role = calloc((size_t)buffer->size, 1);
        if (!buffer->bytes || !buffer->role) {
            attn_image_free(image);
            return false;
        }
        memset(buffer->bytes, 0xFF, (size_t)buffer->size);
    }
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        if (image->buffer_of[o] >= 0)
            mark_operand(problem, sample, o, image->buffer[image->buffer_of[o]].role);
    }
    return true;
}

void attn_image_free(struct attn_image *image)
{
    for (int b = 0; b < image->n_buffers; b++) {
        free(image->buffer[b].bytes);
        free(image->buffer[b].role);
    }
    memset(image, 0, sizeof *image);
}

void *attn_image_at(const struct attn_image *image, const struct attn_problem *problem, int operand)
{
    int b = image->buffer_of[operand];
    return b < 0 ? NULL : image->buffer[b].bytes + problem->t[operand].offset;
}
