/* compute.c: a call whose kernels run: on the null runtime's machine, with data in its tensors, and only the bytes that
 * are elements to be touched.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>

#include "planner/arith.h"
#include "subjects/ggml/subject.h"

enum { SECONDS = 60, ROLE_NONE = 0, ROLE_READ = 1, ROLE_WRITE = 2 };

/* Calls f(offset, bytes) for each row of a tensor, from the first byte of its base. */
static void mark_rows(uint8_t *role, const struct attn_tensor *t, int64_t offset, uint8_t value)
{
    const size_t row = (size_t)attn_tensor_row_bytes(t);
    for (int64_t i3 = 0; i3 < t->ne[3]; i3++)
        for (int64_t i2 = 0; i2 < t->ne[2]; i2++)
            for (int64_t i1 = 0; i1 < t->ne[1]; i1++)
                memset(role + offset + i1 * t->nb[1] + i2 * t->nb[2] + i3 * t->nb[3], value, row);
}

/* Elements of the node's tensors in the arena, at their places; dst comes last. Bytes used go to *used. */
static void mark(struct ggml_subject *s, struct ggml_device *device, const struct attn_problem *p, uint8_t value,
                 int64_t *dst, int64_t *used)
{
    int64_t place[ATTN_DST] = { 0 }, at = 0;
    for (int o = 0; o < ATTN_DST; o++)
        if (s->node.base[o]) {
            place[o] = at;
            at += ggml_place_bytes(s->node.bytes[o]);
        }
    for (int o = 0; o < ATTN_DST; o++)
        if (s->node.tensor[o])
            mark_rows(device->role, &p->t[o], place[ggml_node_base_of(p, o)] + (s->node.view[o] ? p->t[o].offset : 0),
                      value);
    *dst = at;
    /* Behind dst is what the library asked for with it: room of its own, for copies that it converts to. */
    *used = at + (int64_t)s->abi.backend_buft_get_alloc_size(device->type, s->node.node);
    memset(device->role + at, value ? ROLE_WRITE : ROLE_NONE, (size_t)(*used - at));
}

/* Copies what of a base there is in the caller's buffers. */
static void fill(const struct ggml_subject *s, const struct ggml_device *device, const struct attn_subject_data *data)
{
    char *at = device->base;
    for (int o = 0; o < ATTN_DST; o++)
        if (s->node.base[o]) {
            const int64_t from = s->node.view[o] ? 0 : data->offset[o];
            const int64_t there = data->bytes[o] - from;
            memcpy(at, data->buffer[o] + from, (size_t)attn_min(s->node.bytes[o], there));
            at += ggml_place_bytes(s->node.bytes[o]);
        }
}

struct computing {
    struct ggml_subject *s;
    int number;
    const struct attn_problem *p;
    const struct attn_subject_data *data;
    struct attn_subject_answer *answer;
    int64_t dst;
};

static void compute(void *context)
{
    struct computing *c = context;
    struct ggml_device *device = &c->s->device[c->number];
    int64_t used = 0;
    ggml_compute_begin(c->s, device, c->p, c->answer);
    if (c->answer->status != ATTN_SUBJECT_YES)
        return;
    fill(c->s, device, c->data);
    mark(c->s, device, c->p, ROLE_READ, &c->dst, &used);
    c->s->null.roles(device->base, device->role);
    ggml_compute_graph(c->s, device, c->answer);
}

/* The roles of an arena: address space, of which what a problem takes becomes memory. */
static bool has_roles(struct ggml_device *device)
{
    if (!device->role) {
        void *role = mmap(NULL, (size_t)device->bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        device->role = role == MAP_FAILED ? NULL : role;
    }
    return device->role != NULL;
}

void ggml_compute(struct attn_subject *base, int number, const struct attn_problem *p,
                  const struct attn_subject_data *data, struct attn_subject_answer *answer,
                  struct attn_subject_ran *ran)
{
    struct ggml_subject *s = (struct ggml_subject *)base;
    struct ggml_device *device = &s->device[number];
    struct computing computing = { s, number, p, data, answer, 0 };
    struct null_hip_ran from;
    bool unwound;
    attn_subject_answer_set(answer, ATTN_SUBJECT_YES, ATTN_SUBJECT_NO_REASON);
    memset(ran, 0, sizeof *ran);
    if (!s->null.execute || !has_roles(device)) {
        attn_subject_answer_set(answer, ATTN_SUBJECT_TOO_BIG, ATTN_SUBJECT_NOT_PROVIDED);
        return;
    }
    if (device->dry)
        ggml_free_backend(s, device);
    s->null.reset();
    s->log[0] = 0;
    s->null.move_data(true);
    s->null.execute(NULL_HIP_NOTE);
    const int seconds = s->trap.seconds;
    s->trap.seconds = SECONDS;
    int what = ggml_call(s, compute, &computing, &unwound);
    s->trap.seconds = seconds;
    s->null.execute(NULL_HIP_NOT);
    s->null.move_data(false);
    s->null.ran(&from);
    ggml_read_captured(s, answer);
    s->null.roles(device->base, NULL);
    if (computing.dst || answer->status == ATTN_SUBJECT_YES) {
        int64_t dst, used;
        if (!what && answer->status == ATTN_SUBJECT_YES)
            memcpy(data->dst, device->base + computing.dst, (size_t)attn_tensor_span(&p->t[ATTN_DST]));
        if (s->is_built)
            mark(s, device, p, ROLE_NONE, &dst, &used);
    }
    if (what)
        ggml_trapped(s, device, what, unwound, answer);
    ran->counts = from.counts;
    ran->whole = from.whole;
    ran->stopped = from.stopped;
    ran->unsupported = from.unsupported;
    const struct null_hip_stop *stop = from.stopped ? &from.first : &from.unknown;
    if (from.stopped || from.unsupported) {
        ran->stop = stop->code;
        ggml_launch_set(&ran->launch, &stop->launch);
        ran->number = stop->number;
        ran->at = stop->at;
        memcpy(ran->source, stop->source, sizeof ran->source);
        memcpy(ran->instruction, stop->instruction, sizeof ran->instruction);
        memcpy(ran->text, stop->text, sizeof ran->text);
    }
}
