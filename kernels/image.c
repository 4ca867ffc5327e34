/* image.c: the bytes of a problem's buffers in host memory, and which of them belong to elements.
 *
 * Work is proportional to the bytes of stretches: rows that lie side by side are marked as one run, and dimensions that
 * are broadcast are marked once. A sparse buffer is reserved address space, whose pages come into being when touched.
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/attn_backend.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernels/stretch.h"
#include "planner/arith.h"

enum { LARGE = 64 << 20 }; /* bytes of a buffer's stretches */

void attn_image_layout(const struct attn_problem *problem, struct attn_image *image)
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

static int64_t reach(const struct attn_image *image)
{
    int64_t total = 0;
    for (int b = 0; b < image->n_buffers; b++)
        total = attn_add_sat(total, image->buffer[b].size);
    return total;
}

int64_t attn_image_reach(const struct attn_problem *problem)
{
    struct attn_image image;
    attn_image_layout(problem, &image);
    return reach(&image);
}

static int64_t bytes_of(const struct attn_buffer *buffer)
{
    return attn_stretches_bytes(buffer->stretch, buffer->n_stretches, buffer->size);
}

/* The stretches of what the sample has of the tensors in a buffer. A sample has the keys of one head, and where heads
 * lie side by side in a long context the pages between are most of the bytes: a large one goes without them. Nothing is
 * lost by it: what runs in some rows is checked, and there no byte outside of a stretch is an element. */
static bool find_stretches(const struct attn_problem *problem, const struct attn_sample *sample,
                           struct attn_image *image, int b)
{
    struct attn_buffer *buffer = &image->buffer[b];
    struct attn_tensor *part = NULL;
    int n = 0;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        struct attn_box box[ATTN_SAMPLE_BOXES_MAX];
        if (image->buffer_of[o] != b)
            continue;
        const int boxes = attn_sample_boxes(sample, problem, o, box);
        struct attn_tensor *more = realloc(part, (size_t)(n + boxes) * sizeof *part);
        if (!more) {
            free(part);
            return false;
        }
        part = more;
        for (int i = 0; i < boxes; i++)
            part[n++] = attn_box_tensor(&problem->t[o], &box[i]);
    }
    buffer->n_stretches = attn_stretches_find(part, n, buffer->size, false, &buffer->stretch);
    if (sample && buffer->n_stretches > 0 && bytes_of(buffer) > LARGE) {
        free(buffer->stretch);
        buffer->n_stretches = attn_stretches_find(part, n, buffer->size, true, &buffer->stretch);
    }
    free(part);
    if (buffer->n_stretches <= 0)
        return false;
    buffer->sparse = buffer->n_stretches > 1 || buffer->stretch[0].start > 0 || buffer->stretch[0].end < buffer->size;
    return true;
}

int64_t attn_image_bytes(const struct attn_problem *problem) { return attn_image_bytes_sample(problem, NULL); }

int64_t attn_image_bytes_sample(const struct attn_problem *problem, const struct attn_sample *sample)
{
    struct attn_image image;
    int64_t total = 0;
    attn_image_layout(problem, &image);
    for (int b = 0; b < image.n_buffers; b++) {
        const bool found = find_stretches(problem, sample, &image, b);
        total = attn_add_sat(total, found ? bytes_of(&image.buffer[b]) : image.buffer[b].size);
        free(image.buffer[b].stretch);
    }
    return total;
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
    int64_t run = attn_tensor_row_bytes(t);
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

/* Memory of a buffer: all zero where it is sparse, of no value else. NULL when there is none. */
static uint8_t *take(const struct attn_buffer *buffer)
{
    const size_t size = (size_t)buffer->size;
    if (!buffer->sparse)
        return malloc(size);
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    madvise(map, size, MADV_NOHUGEPAGE); /* a row would take two megabytes */
    return map;
}

static void give_back(const struct attn_buffer *buffer, uint8_t *memory)
{
    if (memory && buffer->sparse)
        munmap(memory, (size_t)buffer->size);
    else
        free(memory);
}

/* A buffer's stretches and bytes; what does not exist is NULL then. */
static bool make_buffer(const struct attn_problem *problem, const struct attn_sample *sample, struct attn_image *image,
                        int b, int64_t *left)
{
    struct attn_buffer *buffer = &image->buffer[b];
    if (!find_stretches(problem, sample, image, b) || (*left -= bytes_of(buffer)) < 0)
        return false;
    buffer->bytes = take(buffer);
    buffer->role = take(buffer);
    if (!buffer->bytes || !buffer->role)
        return false;
    for (int32_t i = 0; i < buffer->n_stretches; i++) {
        const struct attn_stretch s = buffer->stretch[i];
        memset(buffer->bytes + s.start, 0xFF, (size_t)(s.end - s.start));
        memset(buffer->role + s.start, ATTN_ROLE_GAP, (size_t)(s.end - s.start));
    }
    return true;
}

bool attn_image_create(const struct attn_problem *problem, int64_t max_bytes, struct attn_image *image)
{
    return attn_image_create_sample(problem, NULL, max_bytes, image);
}

bool attn_image_create_sample(const struct attn_problem *problem, const struct attn_sample *sample, int64_t max_bytes,
                              struct attn_image *image)
{
    int64_t left = max_bytes;
    attn_image_layout(problem, image);
    bool good = reach(image) <= ATTN_REACH_MOST;
    for (int b = 0; b < image->n_buffers && good; b++)
        good = make_buffer(problem, sample, image, b, &left);
    if (!good) {
        attn_image_free(image);
        return false;
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
        give_back(&image->buffer[b], image->buffer[b].bytes);
        give_back(&image->buffer[b], image->buffer[b].role);
        free(image->buffer[b].stretch);
    }
    memset(image, 0, sizeof *image);
}

bool attn_image_mirror(const struct attn_image *image, struct attn_image *mirror)
{
    *mirror = *image;
    for (int b = 0; b < mirror->n_buffers; b++)
        mirror->buffer[b].bytes = NULL;
    for (int b = 0; b < mirror->n_buffers; b++)
        if (!(mirror->buffer[b].bytes = take(&mirror->buffer[b]))) {
            attn_image_mirror_free(mirror);
            return false;
        }
    return true;
}

void attn_image_mirror_free(struct attn_image *mirror)
{
    for (int b = 0; b < mirror->n_buffers; b++)
        give_back(&mirror->buffer[b], mirror->buffer[b].bytes);
    memset(mirror, 0, sizeof *mirror);
}

void *attn_image_at(const struct attn_image *image, const struct attn_problem *problem, int operand)
{
    int b = image->buffer_of[operand];
    return b < 0 ? NULL : image->buffer[b].bytes + problem->t[operand].offset;
}
