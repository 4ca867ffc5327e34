/* routes.c: what contracts promise of a plan: which types a kernel takes, how columns are shared out, when masks are
 * scanned beforehand, what rows are staged in; that the tree of additions that a plan states has room for all of them.
 * And what an image needs of memory. See restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "fuzz/restated/say.h"
#include "planner/contracts/shapes.h"
#include "planner/random.h"

__extension__ typedef __int128 wide;

/* What is said here of a kernel: of one that is new nothing, until it has a row. */
static const struct promise {
    bool stated;
    bool by_types; /* K and V have to match */
    bool scans;    /* where that pays */
    bool costs;    /* what costs.c says */
} promises[ATTN_KERNEL_COUNT] = {
    [ATTN_KERNEL_naive] = { .stated = true, .costs = true },
    [ATTN_KERNEL_vec] = { .stated = true, .costs = true },
    [ATTN_KERNEL_tile] = { .stated = true, .scans = true, .costs = true },
    [ATTN_KERNEL_mma] = { .stated = true, .by_types = true, .scans = true },
};

/* ---- Types ---------------------------------------------------------------------------------------------------- */

/* May mma's operands be of 16 bits of one kind, when K and V are these? Quantised ones become f16. */
static bool match(int type_k, int type_v)
{
    const bool half_k = type_k == ATTN_F16 || is_quantised(type_k);
    const bool half_v = type_v == ATTN_F16 || is_quantised(type_v);
    return (half_k && half_v) || (type_k == ATTN_BF16 && type_v == ATTN_BF16);
}

/* A kernel that takes f16 takes all types, and mma those that match; nothing else about it is a matter of types, as
 * long as copies of quantised K and V are small. */
static bool check_types(const struct attn_restated *said, const struct attn_device *d, const struct attn_key *key,
                        uint64_t *state, struct attn_restated_fault *fault)
{
    struct attn_key half = *key, other = *key;
    const wide copy = (wide)key->k_copy[0] * key->k_copy[1] * key->k_copy[2] * key->d_k +
                      (wide)key->v_copy[0] * key->v_copy[1] * key->v_copy[2] * key->d_v;
    half.type_k = half.type_v = ATTN_F16;
    other.type_k = (uint8_t)attn_random_below(state, ATTN_TYPE_COUNT);
    other.type_v = attn_random_below(state, 2) ? other.type_k : (uint8_t)attn_random_below(state, ATTN_TYPE_COUNT);
    if (copy > INT64_C(1) << 30)
        return true;
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
        const bool may = !promises[kernel].by_types || match(other.type_k, other.type_v);
        const bool able = may && said->plan_kernel(d, &half, kernel, NULL, NULL);
        const bool is_able = said->plan_kernel(d, &other, kernel, NULL, NULL);
        if (able != is_able && promises[kernel].stated)
            return attn_differs(fault, "%s is %sable with K of %s and V of %s", attn_kernel(kernel)->name,
                                is_able ? "" : "not ", attn_type_info(other.type_k)->name,
                                attn_type_info(other.type_v)->name);
    }
    return true;
}

/* ---- Launches ------------------------------------------------------------------------------------------------- */

/* Of a tile's columns those that are heads of one row, where rows and heads of a group divide. */
static int64_t heads_of_tile(const struct attn_plan *p)
{
    const int64_t shared = p->key.n_head / p->key.n_head_kv;
    const int64_t small = shared < p->columns ? shared : p->columns, large = shared + p->columns - small;
    return large % small ? 1 : small;
}

/* Columns that tile has: few, or the most where there are more than few, and room for that. */
static int32_t columns_of_tile(const struct attn_plan *p, wide columns)
{
    const struct attn_head_size size = *attn_head_size(p->head_size);
    const int32_t most = attn_tile_columns_most(size.d_k), threads = attn_tile_threads(most);
    const int64_t lds = attn_tile_lds(size.d_k, size.d_v, most);
    const bool room = lds <= p->device.lds_static_bytes && lds <= p->device.lds_bytes;
    return columns > ATTN_TILE_COLUMNS_FEW && room && threads <= p->device.max_threads ? most : ATTN_TILE_COLUMNS_FEW;
}

/* Is it worth to ask the mask beforehand? Where heads or sequences share the answer, and a tile may be left out. */
static bool scan_pays(const struct attn_plan *p)
{
    const struct attn_key *k = &p->key;
    const wide planes = (wide)k->mask_heads * k->mask_seqs, asked = (wide)k->n_head_kv * k->n_seq;
    return promises[p->kernel].scans && planes > 0 && planes < asked && k->n_q >= ATTN_SCAN_Q &&
           k->n_kv >= 2 * p->kv_tile;
}

static bool converts(const struct attn_plan *p, int type, int64_t head)
{
    return is_quantised(type) &&
           (p->kernel == ATTN_KERNEL_mma || (p->kernel == ATTN_KERNEL_tile && attn_restated_decodes_once(p, head)));
}

/* Bytes that a copy has: all rows are multiples of them, and begin there. */
static int32_t copy_bytes(int type, int64_t elements, int load)
{
    int32_t bytes = 16;
    while (attn_row_bytes(type, elements) % bytes || load % bytes)
        bytes /= 2;
    return bytes;
}

static bool stages(const struct attn_plan *p)
{
    const struct attn_device *d = &p->device;
    const struct attn_key *k = &p->key;
    if (p->kernel != ATTN_KERNEL_vec || d->wave_size == 64 || d->async_copy == 0 || k->d_k > ATTN_VEC_STAGED_MOST ||
        p->load_k == 2 || p->load_v == 2)
        return false;
    const int64_t of_k = attn_row_bytes(k->type_k, k->d_k), of_v = attn_row_bytes(k->type_v, k->d_v);
    const int64_t chunk_k = of_k * attn_vec_chunk_rows(of_k), chunk_v = of_v * attn_vec_chunk_rows(of_v);
    const int64_t chunk = chunk_k > chunk_v ? chunk_k : chunk_v, fixed = attn_vec_staged_lds(k->d_k, p->columns);
    return fixed <= d->lds_static_bytes && fixed <= d->lds_bytes &&
           fixed + ATTN_VEC_WAVES * ATTN_VEC_SLOTS * chunk <= d->lds_bytes;
}

/* Whole pieces of one 16-bit type are for the matrix cores, where there are any that staged rows can be for. */
static bool multiplies(const struct attn_plan *p)
{
    return p->stage_k + p->stage_v == 32 && p->key.type_k == p->key.type_v &&
           attn_type_info(p->key.type_k)->block_bytes == 2 && p->device.matrix >= ATTN_MATRIX_MMA_SM80;
}

static bool check_launches(const struct attn_plan *p, struct attn_restated_fault *fault)
{
    const struct attn_key *k = &p->key;
    const char *name = attn_kernel(p->kernel)->name;
    const wide columns = (wide)k->n_q * (k->n_head / k->n_head_kv), small = INT64_C(1) << 28;
    const int64_t heads = heads_of_tile(p);
    if (!promises[p->kernel].stated)
        return true;
    if (p->kernel == ATTN_KERNEL_tile && p->columns != columns_of_tile(p, columns))
        return attn_differs(fault, "tile has %d columns, not %d", p->columns, columns_of_tile(p, columns));
    if (p->columns_gqa != heads || p->columns_q != p->columns / heads)
        return attn_differs(fault, "%s's %d columns are %d rows of %d heads, not of %" PRId64, name, p->columns,
                            p->columns_q, p->columns_gqa, heads);
    /* What would need more workspace than there is is left out. */
    const wide planes = (wide)k->n_head_kv * k->n_seq;
    if (columns * planes > small || k->n_kv * planes > small || (wide)k->n_q * k->n_kv * planes > small * small >> 20)
        return true;
    if (p->scan != scan_pays(p))
        return attn_differs(fault, "%s %s the mask beforehand", name, p->scan ? "scans" : "does not scan");
    if ((p->convert_k >= 0) != converts(p, k->type_k, k->d_k) || (p->convert_v >= 0) != converts(p, k->type_v, k->d_v))
        return attn_differs(fault, "%s converts K to %d and V to %d", name, p->convert_k, p->convert_v);
    const bool staged = stages(p);
    const int32_t stage_k = staged ? copy_bytes(k->type_k, k->d_k, p->load_k) : 0;
    const int32_t stage_v = staged ? copy_bytes(k->type_v, k->d_v, p->load_v) : 0;
    if (p->stage_k != stage_k || p->stage_v != stage_v)
        return attn_differs(fault, "%s stages K, V in copies of %d, %d bytes, not %d, %d", name, p->stage_k, p->stage_v,
                            stage_k, stage_v);
    if (p->kernel == ATTN_KERNEL_vec && multiplies(p) != (p->arithmetic.matrix == 1))
        return attn_differs(fault, "%s %s on matrix cores", name,
                            p->arithmetic.matrix ? "multiplies" : "does not multiply");
    return true;
}

/* A chain of additions, and so many times two of its kind added up, have at most so many terms: all products of a
 * score? Blocks of 32 bytes that are multiplied are exact. */
static bool check_tree(const struct attn_plan *p, struct attn_restated_fault *fault)
{
    const struct attn_arithmetic *a = &p->arithmetic;
    const int64_t parts = a->q_parts ? a->q_parts : 1, depth = a->depth ? a->depth : 1;
    const int64_t terms = a->q_type == ATTN_Q8_0 ? p->key.d_k / 32 : p->key.d_k * parts;
    if (a->dot_chain == 0 || ((wide)a->dot_chain * depth << (a->dot_joins < 32 ? a->dot_joins : 32)) >= terms)
        return true;
    return attn_differs(fault, "%s's %" PRId64 " products do not fit a chain of %d and %d joins",
                        attn_kernel(p->kernel)->name, terms, a->dot_chain, a->dot_joins);
}

bool attn_restate_routes(const struct attn_restated *said, const struct attn_device *device,
                         const struct attn_problem *legal, uint64_t seed, struct attn_restated_fault *fault)
{
    struct attn_key key;
    struct attn_plan plan;
    attn_key_of(legal, &key);
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++)
        if (said->plan_kernel(device, &key, kernel, &plan, NULL) &&
            (!check_launches(&plan, fault) || !check_tree(&plan, fault) ||
             (promises[kernel].costs && !attn_restated_cost(&plan, fault))))
            return false;
    return check_types(said, device, &key, &seed, fault);
}

/* ---- Memory --------------------------------------------------------------------------------------------------- */

/* An image that is small is there, and so is a second one. */
static bool can_be_had(const struct attn_restated *said, const struct attn_problem *legal, int64_t bytes)
{
    struct attn_image image, mirror;
    if (!said->image_create(legal, bytes, &image))
        return false;
    const bool both = said->image_mirror(&image, &mirror);
    if (both)
        attn_image_mirror_free(&mirror);
    attn_image_free(&image);
    return both;
}

bool attn_restate_image(const struct attn_restated *said, const struct attn_problem *legal,
                        struct attn_restated_fault *fault)
{
    enum { AROUND = 1 << 16, WHOLE = 1 << 20, ROWS_MOST = 4096, SMALL = 1 << 18 };
    wide most = 0, rows_in_all = 0, least = 0;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        const struct attn_tensor *t = &legal->t[o];
        wide rows = 1;
        for (int d = 1; d < 4 && t->present; d++)
            rows *= t->nb[d] == 0 ? 1 : t->ne[d];
        if (!t->present)
            continue;
        const wide bytes = attn_row_bytes(t->type, t->ne[0]);
        most += WHOLE + rows * (bytes + AROUND);
        least = rows * bytes > least ? rows * bytes : least;
        rows_in_all += rows;
    }
    if (rows_in_all > ROWS_MOST || most > INT64_MAX)
        return true;
    const int64_t bytes = said->image_bytes(legal);
    const bool small = bytes < SMALL && attn_image_reach(legal) <= ATTN_REACH_MOST;
    if (bytes <= most && bytes >= least && (!small || can_be_had(said, legal, bytes)))
        return true;
    char line[ATTN_LINE_MAX];
    attn_problem_print(legal, line, sizeof line);
    return attn_differs(fault,
                        "the image of '%s' has %" PRId64 " bytes, or cannot be had; its rows have %" PRId64
                        " at least, %" PRId64 " with what is around them",
                        line, bytes, (int64_t)least, (int64_t)most);
}
