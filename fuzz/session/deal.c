/* deal.c: which heads of a layer a device has, in each of the ways that servers deal them out. See session.h.
 *
 * The rules are those of llama.cpp (src/llama-model.cpp, llama_meta_device_get_split_state), of ik_llama.cpp's graph
 * split (src/llama-load-tensors.cpp, create_split) and of servers with more devices than KV heads; the function is
 * named at each.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fuzz/session/play.h"
#include "planner/arith.h"

/* The devices' proportions: the same for all where none are given. */
static int64_t weight_of(const struct attn_session *s, int device)
{
    int64_t all = 0;
    for (int i = 0; i < s->split; i++)
        all += s->weight[i];
    return all ? s->weight[device] : 1;
}

/* The device whose turn is `i`: the bounds of that one come first (llama.cpp's rotation, which is a layer's number
 * among those of its kind). Heads are in the devices' order all the same; what turns is who gets what rounding leaves.
 */
static int at_turn(const struct attn_session *s, int i) { return (i + s->turn) % s->split; }

/* llama.cpp: each bound rounded down to a whole multiple of `grain`; the last device gets what is left. */
static void deal_down(const struct attn_session *s, int32_t n, int32_t count[ATTN_SESSION_SPLIT_MAX])
{
    int64_t all = 0, before = 0, low = 0;
    for (int i = 0; i < s->split; i++)
        all += weight_of(s, i);
    for (int i = 0; i + 1 < s->split; i++) {
        before += weight_of(s, at_turn(s, i));
        int64_t high = n * before / all;
        high -= high % s->grain;
        count[at_turn(s, i)] = (int32_t)(high - low);
        low = high;
    }
    count[at_turn(s, s->split - 1)] = (int32_t)(n - low);
}

/* create_split: each device's number of grains is rounded to the nearest; as long as they are too many or too few, the
 * one that is furthest off gives or gets one. (What it takes off for memory that is in use is in the weights here.) */
static void deal_nearest(const struct attn_session *s, int32_t n, int32_t count[ATTN_SESSION_SPLIT_MAX])
{
    const int64_t grain = n % s->grain ? 1 : s->grain, grains = n / grain;
    int64_t all = 0, sum = 0;
    for (int i = 0; i < s->split; i++)
        all += weight_of(s, i);
    for (int i = 0; i < s->split; i++) {
        count[i] = (int32_t)((2 * weight_of(s, i) * grains + all) / (2 * all));
        sum += count[i];
    }
    for (int64_t step; sum != grains; sum += step) {
        int64_t worst = INT64_MIN;
        int which = 0;
        step = sum < grains ? 1 : -1;
        for (int i = 0; i < s->split; i++) {
            const int64_t off = step * (weight_of(s, at_turn(s, i)) * grains - count[at_turn(s, i)] * all);
            if ((step < 0 && count[at_turn(s, i)] == 0) || off <= worst)
                continue;
            worst = off;
            which = at_turn(s, i);
        }
        count[which] += (int32_t)step;
    }
    for (int i = 0; i < s->split; i++)
        count[i] *= (int32_t)grain;
}

/* Several devices have the same KV head and its query heads between them (replicated KV heads: vLLM's
 * QKVParallelLinear, TensorRT-LLM's duplicated KV heads). */
static void share_repeated(const struct attn_session *s, const struct attn_session_layer *l, int device,
                           struct session_share *share)
{
    const int32_t ratio = l->n_head / l->n_head_kv, head = device * l->n_head_kv / s->split;
    int32_t before = 0, devices = 0;
    for (int i = 0; i < s->split; i++) {
        const bool same = i * l->n_head_kv / s->split == head;
        devices += same;
        before += same && i < device;
    }
    const int32_t first = ratio * before / devices, n = ratio * (before + 1) / devices - first;
    *share = (struct session_share){ .first = head * ratio + first, .n_head = n, .first_kv = head, .n_head_kv = 1 };
}

/* Whole KV heads are dealt out with the query heads that read them; of a single KV head (MLA's latent, multi-query),
 * which all devices have then, the query heads, or it goes to one device with all of them. */
void session_share_of(const struct attn_session *s, int layer, int device, struct session_share *share)
{
    const struct attn_session_layer *l = &s->layer[layer];
    const int32_t ratio = l->n_head / l->n_head_kv;
    const bool queries = l->n_head_kv == 1 && s->deal != ATTN_SESSION_DEAL_SINGLE;
    int32_t count[ATTN_SESSION_SPLIT_MAX] = { 0 }, first = 0;
    if (s->deal == ATTN_SESSION_DEAL_REPEATED && s->split > l->n_head_kv) {
        share_repeated(s, l, device, share);
    } else {
        (s->deal == ATTN_SESSION_DEAL_NEAREST ? deal_nearest : deal_down)(s, queries ? l->n_head : l->n_head_kv, count);
        for (int i = 0; i < device; i++)
            first += count[i];
        const int32_t n = count[device];
        *share = queries ? (struct session_share){ .first = first, .n_head = n, .first_kv = 0, .n_head_kv = 1 }
                         : (struct session_share){ first * ratio, n * ratio, first, n, 0, 0 };
    }
    /* The cache lies elsewhere than on the devices (llama.cpp -nkvo), or each has a copy: the rows of all heads, of
     * which a device looks at its own. */
    const bool all = s->deal == ATTN_SESSION_DEAL_MIRRORED && share->n_head_kv > 0;
    share->row_first = all ? 0 : share->first_kv;
    share->row_heads = all ? l->n_head_kv : share->n_head_kv;
}
