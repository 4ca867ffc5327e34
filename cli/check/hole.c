/* hole.c: why is a legal call refused? Nobody says: so the call is brought, one field after another, to what a
 * supported call of the same head size on the same device has, as long as it stays refused. The fields that are left
 * different are the ones that matter, and giving any one of them the supported call's value makes the call supported.
 *
 * Where no call of that head size is supported at all, the head size is what matters.
 *
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/check/field.h"
#include "cli/check/hole.h"
#include "cli/check/identity.h"
#include "cli/check/problem.h"
#include "planner/arith.h"

/* A problem in terms that can be changed one at a time. */
struct sketch {
    int64_t d_k, d_v, n_q, n_kv, n_head_kv, ratio, n_seq;
    struct attn_tensor type_k, type_v; /* the type alone */
    bool mask, sinks;
    int64_t mask_extra_kv, mask_extra_q;
    int64_t mask_heads, mask_seqs; /* extents 2 and 3 of the mask; brought to divisors where the heads change */
    float scale, softcap, max_bias;
    int32_t n_kv_max;
    uint8_t prec;
    struct attn_tensor further;
    int64_t head_first, head_after;
    struct attn_tensor layout[4]; /* Q, K, V, mask: strides, offset and buffer as they were */
    bool contiguous[4];           /* the layout is not used */
    int64_t sinks_at;
    uint8_t sinks_buffer;
};

static void copy_field(int field, struct sketch *to, const struct sketch *from)
{
    switch (field) {
#define X(name, copy) \
    case CHECK_FIELD_##name: copy; break;
        CHECK_FIELDS(X)
#undef X
    default: break;
    }
}

static struct attn_tensor type_of(const struct attn_tensor *t)
{
    return (struct attn_tensor){ .type = t->type, .foreign = t->foreign };
}

static void sketch_of(const struct attn_problem *p, struct sketch *s)
{
    const struct attn_tensor *mask = &p->t[ATTN_MASK];
    memset(s, 0, sizeof *s);
    s->d_k = attn_d_k(p);
    s->d_v = attn_d_v(p);
    s->n_q = attn_n_q(p);
    s->n_kv = attn_n_kv(p);
    s->n_head_kv = attn_n_head_kv(p);
    s->ratio = attn_n_head(p) / s->n_head_kv;
    s->n_seq = attn_n_seq(p);
    s->type_k = type_of(&p->t[ATTN_K]);
    s->type_v = type_of(&p->t[ATTN_V]);
    s->n_kv_max = p->n_kv_max;
    s->prec = p->prec;
    s->further = p->further;
    s->mask_heads = s->mask_seqs = 1;
    if ((s->mask = mask->present)) {
        s->mask_extra_kv = mask->ne[0] - s->n_kv;
        s->mask_extra_q = mask->ne[1] - s->n_q;
        s->mask_heads = mask->ne[2];
        s->mask_seqs = mask->ne[3];
    }
    if ((s->sinks = p->t[ATTN_SINKS].present)) {
        s->sinks_at = p->t[ATTN_SINKS].offset;
        s->sinks_buffer = p->t[ATTN_SINKS].buffer;
    }
    s->scale = p->scale;
    s->softcap = p->softcap;
    s->max_bias = p->max_bias;
    s->head_first = p->head_first;
    s->head_after = p->head_total - p->head_first - attn_n_head(p);
    for (int o = ATTN_Q; o <= ATTN_MASK; o++) {
        s->contiguous[o] = !p->t[o].present || check_tensor_is_plain(&p->t[o]);
        if (!s->contiguous[o])
            s->layout[o] = p->t[o];
    }
}

/* Strides for new extents in the order, and where it can be with the values, that old ones had. */
static void lay_out(struct attn_tensor *t, const struct attn_tensor *old)
{
    int order[3];
    attn_tensor_order(old, order);
    const struct attn_type_info *type = attn_tensor_info(t);
    int64_t span = t->ne[0] / type->block_elems * type->block_bytes;
    t->nb[0] = type->block_bytes;
    for (int i = 0; i < 3; i++) {
        int d = order[i];
        int64_t nb = old->nb[d], more;
        if (t->ne[d] == 1 && old->ne[d] == 1) {
            t->nb[d] = nb;
            continue;
        }
        nb = attn_round_up(nb, type->block_bytes);
        while (nb < span) { /* keeps what the stride is modulo small powers of two, as far as blocks allow */
            int64_t step = 256 * (type->block_elems == 1 ? 1 : type->block_bytes);
            nb = attn_add_sat(nb, attn_round_up(span - nb, step));
        }
        t->nb[d] = nb;
        if (!attn_mul(nb, t->ne[d] - 1, &more) || !attn_add(span, more, &span))
            return; /* attn_problem_check says so */
    }
    t->offset = old->offset - old->offset % type->block_bytes;
    t->buffer = old->buffer;
}

static int64_t divisor(int64_t wanted, int64_t of)
{
    if (wanted > of)
        wanted = of;
    while (of % wanted)
        wanted--;
    return wanted;
}

static bool build(const struct sketch *s, struct attn_problem *p)
{
    int64_t n_head;
    memset(p, 0, sizeof *p);
    if (!attn_mul(s->n_head_kv, s->ratio, &n_head))
        return false;
    attn_tensor_set(&p->t[ATTN_Q], ATTN_F32, s->d_k, s->n_q, n_head, s->n_seq);
    attn_tensor_set(&p->t[ATTN_K], ATTN_F16, s->d_k, s->n_kv, s->n_head_kv, s->n_seq);
    attn_tensor_set(&p->t[ATTN_V], ATTN_F16, s->d_v, s->n_kv, s->n_head_kv, s->n_seq);
    attn_tensor_retype(&p->t[ATTN_K], &s->type_k);
    attn_tensor_retype(&p->t[ATTN_V], &s->type_v);
    attn_tensor_set(&p->t[ATTN_DST], ATTN_F32, s->d_v, n_head, s->n_q, s->n_seq);
    if (s->mask)
        attn_tensor_set(&p->t[ATTN_MASK], ATTN_F16, s->n_kv + s->mask_extra_kv, s->n_q + s->mask_extra_q,
                        divisor(s->mask_heads, n_head), divisor(s->mask_seqs, s->n_seq));
    if (s->sinks) {
        attn_tensor_set(&p->t[ATTN_SINKS], ATTN_F32, n_head, 1, 1, 1);
        p->t[ATTN_SINKS].offset = s->sinks_at;
        p->t[ATTN_SINKS].buffer = s->sinks_buffer;
    }
    for (int o = ATTN_Q; o <= ATTN_MASK; o++)
        if (p->t[o].present && !s->contiguous[o])
            lay_out(&p->t[o], &s->layout[o]);
    p->scale = s->scale;
    p->softcap = s->softcap;
    p->max_bias = s->mask ? s->max_bias : 0;
    p->n_kv_max = s->n_kv_max;
    p->prec = s->prec;
    p->further = s->further;
    p->head_first = s->head_first;
    p->head_total = s->head_first + n_head + s->head_after;
    return attn_problem_check(p, NULL) == ATTN_E_OK;
}

/* What the subject says of it; ATTN_SUBJECT_STATUS_COUNT when its callers cannot make such a call. */
static int status_of(struct check *check, int device, const struct attn_problem *p)
{
    struct attn_subject_answer answer;
    const char *why;
    if (!attn_subject_legal(check->subject, p, &why))
        return ATTN_SUBJECT_STATUS_COUNT;
    check->shrink_calls++;
    attn_subject_supports(check->subject, device, p, &answer);
    return answer.status;
}

/* Is it refused, and no farther than that (enum check_reach)? */
static bool refused(struct check *check, int device, int reach, const struct attn_problem *p)
{
    return status_of(check, device, p) == ATTN_SUBJECT_NO && (reach == CHECK_REACH_FAR || check_reach(p) <= reach);
}

static bool supported(struct check *check, int device, const struct attn_problem *p)
{
    return status_of(check, device, p) == ATTN_SUBJECT_YES;
}

/* Tries small values of the fields that matter, so that the example is a small one. */
static void make_small(struct check *check, int device, int reach, struct sketch *s, const struct sketch *works,
                       uint32_t differs)
{
    struct {
        int field;
        int64_t *value, other;
    } numbers[] = {
        { CHECK_FIELD_n_kv, &s->n_kv, works->n_kv },
        { CHECK_FIELD_n_q, &s->n_q, works->n_q },
        { CHECK_FIELD_gqa, &s->ratio, works->ratio },
        { CHECK_FIELD_n_head_kv, &s->n_head_kv, works->n_head_kv },
        { CHECK_FIELD_n_seq, &s->n_seq, works->n_seq },
        { CHECK_FIELD_mask_heads, &s->mask_heads, works->mask_heads },
        { CHECK_FIELD_mask_width, &s->mask_extra_kv, works->mask_extra_kv },
        { CHECK_FIELD_mask_height, &s->mask_extra_q, works->mask_extra_q },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (!(differs >> numbers[i].field & 1))
            continue;
        int64_t was = *numbers[i].value;
        for (int64_t n = 1; n <= 16 && n < was; n++) {
            struct attn_problem p;
            *numbers[i].value = n;
            if (n != numbers[i].other && build(s, &p) && refused(check, device, reach, &p))
                break;
            *numbers[i].value = was;
        }
    }
}

/* No supported call to come close to: the plainest of the head size is as close as it gets. */
static void plainest(struct sketch *works)
{
    works->n_q = works->n_kv = works->n_head_kv = works->ratio = works->n_seq = works->mask_heads = works->mask_seqs =
        1;
    works->type_k = works->type_v = (struct attn_tensor){ .type = ATTN_F16 };
    works->prec = ATTN_PREC_UNSAID;
    works->n_kv_max = 0;
    works->further = (struct attn_tensor){ .present = 0 };
    works->mask = works->sinks = false;
    works->mask_extra_kv = works->mask_extra_q = works->head_first = works->head_after = 0;
    works->scale = 1;
    works->softcap = works->max_bias = 0;
    works->contiguous[0] = works->contiguous[1] = works->contiguous[2] = works->contiguous[3] = true;
}

/* Returns the fields that are left different. */
static uint32_t come_close(struct check *check, int device, int reach, struct sketch *s, const struct sketch *works)
{
    struct attn_problem p;
    uint32_t differs = 0;
    for (bool again = true; again;) {
        again = false;
        differs = 0;
        for (int field = 0; field < CHECK_FIELD_COUNT; field++) {
            struct sketch changed = *s;
            copy_field(field, &changed, works);
            if (!memcmp(&changed, s, sizeof *s))
                continue;
            if (build(&changed, &p) && refused(check, device, reach, &p)) {
                *s = changed;
                again = true;
            } else {
                differs |= 1u << field;
            }
        }
    }
    return differs;
}

/* Where a type of K and V matters, is it one of them alone? */
static void part_types(struct check *check, int device, int reach, struct sketch *s, const struct sketch *works)
{
    struct attn_problem p;
    struct sketch changed = *s;
    changed.type_k = works->type_k;
    if (build(&changed, &p) && refused(check, device, reach, &p))
        *s = changed;
    changed = *s;
    changed.type_v = works->type_v;
    if (build(&changed, &p) && refused(check, device, reach, &p))
        *s = changed;
}

/* Each field that is left makes the call a supported one when it alone is changed; where one does not (what it would
 * make is no legal call), it is not said. The first is the most particular: it names the hole. */
static void put_down(struct check *check, const struct sketch *s, const struct sketch *works, uint32_t differs,
                     struct check_finding *f)
{
    struct attn_problem p;
    size_t used = 0;
    const bool has_works = f->has_neighbour;
    for (int field = 0; field < CHECK_FIELD_COUNT && has_works; field++) {
        struct sketch changed = *s;
        copy_field(field, &changed, works);
        if (!(differs >> field & 1) || !build(&changed, &p) || !supported(check, f->device, &p))
            continue;
        if (!used) {
            f->neighbour = p;
            f->field = field;
        }
        if (used < sizeof f->fields)
            used += (size_t)snprintf(f->fields + used, sizeof f->fields - used, "%s%s", used ? ", " : "",
                                     check_field_name(field));
    }
    if (!used) {
        f->has_neighbour = false;
        f->field = has_works ? CHECK_FIELD_SEVERAL : CHECK_FIELD_HEAD_SIZE;
    }
}

/* Where lines were given, none of them may have been a supported one of the head size: the plain ones are asked about.
 */
static void find_works(struct check *check, int head, int device)
{
    enum { EACH = CHECK_PLAIN_CALLS / ATTN_HEAD_SIZE_COUNT };
    struct attn_problem p;
    if (check->has_works[head][device] || head == ATTN_HEAD_SIZE_COUNT)
        return;
    for (int i = head * EACH; i < (head + 1) * EACH && !check->has_works[head][device]; i++)
        if (check_plain_call(i, &p) && supported(check, device, &p)) {
            check->has_works[head][device] = true;
            check->works[head][device] = p;
        }
}

/* Fills problem, neighbour and fields; the problem is no farther than `reach`. */
static void look(struct check *check, const struct attn_problem *noted, int reach, struct check_finding *f)
{
    const int head = check_head_size(noted);
    struct sketch s, works;
    struct attn_problem p;
    find_works(check, head, f->device);
    sketch_of(noted, &s);
    f->problem = *noted;
    f->has_neighbour = check->has_works[head][f->device] && head != ATTN_HEAD_SIZE_COUNT;
    if (f->has_neighbour) {
        sketch_of(&check->works[head][f->device], &works);
    } else {
        works = s;
        plainest(&works);
    }
    const uint32_t differs = come_close(check, f->device, reach, &s, &works);
    if (differs >> CHECK_FIELD_types & 1)
        part_types(check, f->device, reach, &s, &works);
    make_small(check, f->device, reach, &s, &works, differs);
    if (build(&s, &p) && refused(check, f->device, reach, &p))
        f->problem = p;
    put_down(check, &s, &works, differs, f);
}

void check_hole(struct check *check, const struct check_sign *sign, struct check_finding *f)
{
    look(check, &sign->problem, CHECK_REACH_FAR, f);
    /* Why it is refused is best seen far and wide; the example is one that is as near as the hole was met. */
    if (check_reach(&f->problem) > sign->reach) {
        struct check_finding near = *f;
        near.fields[0] = 0;
        look(check, &sign->problem, sign->reach, &near);
        if (near.field == f->field)
            *f = near;
    }
    for (int d = 0; d < check->subject->n_devices; d++)
        if (check->devices >> d & 1 && refused(check, d, CHECK_REACH_FAR, &f->problem))
            f->devices |= 1u << d;
    check_identity_hole(check, f);
}
