/* price.c: P11 priced: what a plan costs and what its neighbours cost. See properties.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "fuzz/properties/sweep.h"
#include "planner/arith.h"

/* A step that no contract names stays within this. */
enum { TIMES = 3 };

/* Larger extents have no neighbours: their products do not fit. */
#define EXTENT_MAX ((int64_t)1 << 40)

/* ---- Neighbours ------------------------------------------------------------------------------------------ */

struct list {
    const struct attn_key *from;
    struct attn_neighbour *to;
    int n;
};

/* An extent of a dense copy: what was broadcast stays so. */
static void follow(const int64_t from[3], const struct attn_key *k, int64_t copy[3], const struct attn_key *old)
{
    const int64_t was[3] = { old->n_kv, old->n_head_kv, old->n_seq }, is[3] = { k->n_kv, k->n_head_kv, k->n_seq };
    for (int i = 0; i < 3; i++)
        copy[i] = from[i] == was[i] ? is[i] : from[i];
}

/* The extent of the mask that goes with one of n: all of them stay all of them. -1: it does not divide. */
static int64_t mask_extent(int64_t extent, int64_t was, int64_t is)
{
    return extent > 1 && extent == was ? is : extent > 1 && is % extent != 0 ? -1 : extent;
}

static bool whole_blocks(int type, int64_t d) { return d % attn_type_info(type)->block_elems == 0; }

/* Adds a changed copy of the key, once what hangs on the change is changed too and it is of a problem. */
static void add(struct list *list, struct attn_key k, const char *step)
{
    const struct attn_key *old = list->from;
    const int64_t heads = mask_extent(k.mask_heads, old->n_head, k.n_head);
    const int64_t seqs = mask_extent(k.mask_seqs, old->n_seq, k.n_seq);
    if (k.n_q > EXTENT_MAX || k.n_kv > EXTENT_MAX || k.n_head > EXTENT_MAX || k.n_seq > EXTENT_MAX || heads < 0 ||
        seqs < 0 || !whole_blocks(k.type_k, k.d_k) || !whole_blocks(k.type_v, k.d_v))
        return;
    k.mask_heads = heads;
    k.mask_seqs = seqs;
    follow(old->k_copy, &k, k.k_copy, old);
    follow(old->v_copy, &k, k.v_copy, old);
    list->to[list->n++] = (struct attn_neighbour){ k, step };
}

static void add_rows_and_keys(struct list *list)
{
    struct attn_key k = *list->from;
    k.n_q = attn_bucket_n_q(k.n_q + 1);
    add(list, k, "n_q in the next bucket");
    k.n_q = attn_bucket_n_q(2 * list->from->n_q);
    add(list, k, "twice the n_q");
    k = *list->from;
    k.n_kv = attn_bucket_n_kv(k.n_kv + 1);
    add(list, k, "n_kv in the next bucket");
    k.n_kv = attn_bucket_n_kv(2 * list->from->n_kv);
    add(list, k, "twice the n_kv");
    k = *list->from;
    k.n_seq++;
    add(list, k, "a sequence more");
    k.n_seq = 2 * list->from->n_seq;
    add(list, k, "twice the sequences");
}

/* The next multiple of n that divides `of`, by a small factor; n where there is none. */
static int64_t next_divisor(int64_t n, int64_t of)
{
    for (int64_t factor = 2; factor <= 16; factor++)
        if (n > 0 && of % (n * factor) == 0)
            return n * factor;
    return n;
}

static void add_heads(struct list *list)
{
    const struct attn_key *from = list->from;
    const int64_t ratio = from->n_head / from->n_head_kv;
    struct attn_key k = *from;
    k.n_head_kv++;
    k.n_head += ratio;
    add(list, k, "a KV head more");
    k.n_head_kv = 2 * from->n_head_kv;
    k.n_head = 2 * from->n_head;
    add(list, k, "twice the KV heads");
    k = *from;
    k.n_head = (ratio + 1) * k.n_head_kv;
    add(list, k, "a GQA ratio larger by one");
    k.n_head = 2 * from->n_head;
    add(list, k, "twice the GQA ratio");
    k = *from;
    k.n_head_kv = next_divisor(k.n_head_kv, k.n_head);
    if (k.n_head_kv != from->n_head_kv)
        add(list, k, "as many heads with more KV heads");
    k = *from;
    k.mask_heads = next_divisor(k.mask_heads, k.n_head);
    if (k.mask_heads != from->mask_heads)
        add(list, k, "a mask of more heads");
    k = *from;
    k.mask_seqs = next_divisor(k.mask_seqs, k.n_seq);
    if (k.mask_seqs != from->mask_seqs)
        add(list, k, "a mask of more sequences");
}

/* The next head size from d on that is known, with the other as it is, or with both alike; 0: none. */
static int64_t next_known(const struct attn_key *k, bool of_k, bool of_v)
{
    const int64_t largest = attn_head_size(ATTN_HEAD_SIZE_COUNT - 1)->d_k;
    for (int64_t d = (of_k ? k->d_k : k->d_v) + 1; d <= largest; d++)
        if (attn_head_size_known(of_k ? d : k->d_k, of_v ? d : k->d_v))
            return d;
    return 0;
}

static void add_head_sizes(struct list *list)
{
    const struct attn_key *from = list->from;
    for (int which = 1; which <= 3; which++) {
        static const char *const by_one[] = { "", "D_K larger by one", "D_V larger by one", "D larger by one" };
        static const char *const known[] = { "", "D_K the next known", "D_V the next known", "D the next known" };
        const bool of_k = which & 1, of_v = which & 2;
        if (of_k && of_v && from->d_k != from->d_v)
            continue;
        struct attn_key k = *from;
        k.d_k += of_k;
        k.d_v += of_v;
        add(list, k, by_one[which]);
        const int64_t next = next_known(from, of_k, of_v);
        if (next == 0)
            continue;
        k.d_k = of_k ? next : from->d_k;
        k.d_v = of_v ? next : from->d_v;
        add(list, k, known[which]);
    }
}

int attn_neighbours(const struct attn_key *key, struct attn_neighbour neighbour[ATTN_NEIGHBOURS_MAX])
{
    struct list list = { key, neighbour, 0 };
    if (key->n_q > EXTENT_MAX || key->n_kv > EXTENT_MAX || key->n_head > EXTENT_MAX || key->n_seq > EXTENT_MAX ||
        key->d_k > EXTENT_MAX || key->d_v > EXTENT_MAX)
        return 0;
    add_rows_and_keys(&list);
    add_heads(&list);
    add_head_sizes(&list);
    return list.n;
}

/* ---- P11 priced ------------------------------------------------------------------------------------------ */

uint32_t attn_price_limit(const struct attn_device *device, const struct attn_key *key, const struct attn_key *than)
{
    uint32_t limit = TIMES;
    for (int id = 0; id < ATTN_KERNEL_COUNT; id++)
        for (int i = 0; i < attn_kernel(id)->n_steps; i++) {
            const struct attn_cost_step *step = &attn_kernel(id)->steps[i];
            if (!step->dear(device, key) || step->dear(device, than))
                continue;
            if (step->times_max == 0)
                return 0;
            if (step->times_max > limit)
                limit = step->times_max;
        }
    return limit;
}

/* The dearer part, on the probe: no step down to a neighbour that has no less to do. */
static bool check_steps(struct attn_sweep *s, struct attn_finding *f)
{
    const struct attn_device *device = &s->fleet->device[s->probe];
    struct attn_neighbour neighbour[ATTN_NEIGHBOURS_MAX];
    const int n = s->plan.cost < ATTN_PRICED_MOST ? attn_neighbours(&s->key, neighbour) : 0;
    for (int i = 0; i < n; i++) {
        struct attn_plan plan;
        const int chosen = attn_plan_key(device, &neighbour[i].key, &plan, NULL);
        s->plans++;
        if (chosen < 0 || plan.cost >= s->plan.cost / TIMES) /* nearly always: the limit is asked for where it counts */
            continue;
        const uint32_t limit = attn_price_limit(device, &s->key, &neighbour[i].key);
        if (limit == 0 || plan.cost >= s->plan.cost / limit)
            continue;
        char text[160];
        attn_key_text(&neighbour[i].key, text, sizeof text);
        return attn_sweep_found(s, ATTN_P_PRICED, s->probe, s->plan.kernel, -1, f,
                                "on %s %s costs %.3f us, more than %" PRIu32 " times what %s costs, %.3f us, with %s "
                                "(%s); no contract names the step",
                                attn_member_name(s->fleet, s->probe).text, attn_kernel(s->plan.kernel)->name,
                                (double)s->plan.cost / 16e3, limit, attn_kernel(chosen)->name, (double)plan.cost / 16e3,
                                neighbour[i].step, text);
    }
    return true;
}

bool attn_sweep_priced(struct attn_sweep *s, struct attn_finding *f)
{
    const bool known = attn_head_size_known(s->key.d_k, s->key.d_v);
    for (int m = s->first; m < s->last; m++) {
        const struct attn_trace *t = &s->trace[m];
        for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
            if (!t->verdict[k].able || t->chosen < 0)
                continue;
            const uint64_t cost = t->verdict[t->chosen].cost;
            if (t->verdict[k].cost < cost || (t->verdict[k].cost == cost && k < t->chosen))
                return attn_sweep_found(s, ATTN_P_PRICED, m, t->chosen, -1, f,
                                        "on %s %s is chosen, which costs %.3f us, and %s is able, for %.3f us",
                                        attn_member_name(s->fleet, m).text, attn_kernel(t->chosen)->name,
                                        (double)cost / 16e3, attn_kernel(k)->name, (double)t->verdict[k].cost / 16e3);
        }
        if (known && t->chosen == ATTN_KERNEL_naive)
            return attn_sweep_found(s, ATTN_P_PRICED, m, t->chosen, -1, f,
                                    "on %s naive is chosen for head size %" PRId64 "/%" PRId64 ", a known one",
                                    attn_member_name(s->fleet, m).text, s->key.d_k, s->key.d_v);
    }
    const int chosen = s->trace[s->probe].chosen;
    if (chosen < 0)
        return true;
    if (s->plan.kernel != chosen || s->plan.cost != s->trace[s->probe].verdict[chosen].cost)
        return attn_sweep_found(s, ATTN_P_PRICED, s->probe, chosen, -1, f,
                                "on %s the plan is of %s and states another cost than the verdict on %s",
                                attn_member_name(s->fleet, s->probe).text, attn_kernel(s->plan.kernel)->name,
                                attn_kernel(chosen)->name);
    return check_steps(s, f);
}
