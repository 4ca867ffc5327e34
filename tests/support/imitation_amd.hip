// imitation_amd.hip: what a library that looks like ggml's HIP backend (imitation_ggml.c) computes with: this project's
// kernels, compiled for AMD GPUs with HIP's own headers. Heads of 64 are for tile, with the keys split where there are
// several tiles of them and combined again; all else is for naive. No call is refused. As ggml does, it captures a node
// that is computed again into a graph (imitation_graphs.c). What check_execute.py plants is planted in the kernels
// themselves, and in what launches and replays them.
//
// The kernels have names that begin as ggml's do: compiled with -Dtile_kernel=flash_attn_tile and the like.
//
// SPDX-License-Identifier: MIT
#include "kernels/tile.h"
#include "tests/support/imitation_ggml.h"

extern "C" attn_entry SIMT_ENTRY(naive)(const struct attn_plan *);
extern "C" attn_entry SIMT_ENTRY(combine)(const struct attn_plan *);

extern "C" bool ggml_backend_dev_supports_op(void *device, const struct ggml_tensor *node);

namespace
{

enum { HEAD = 64, COLUMNS = 16, SPLITS = 3, GRID = 1 << 16 };
constexpr int64_t WORKSPACE_MOST = INT64_C(64) << 20;

attn_view view_of(const ggml_tensor *t)
{
    attn_view view = {};
    if (!t)
        return view;
    view.data = static_cast<char *>(t->data);
    view.nb1 = t->ne[1] > 1 ? static_cast<int64_t>(t->nb[1]) : 0;
    view.nb2 = t->ne[2] > 1 ? static_cast<int64_t>(t->nb[2]) : 0;
    view.nb3 = t->ne[3] > 1 ? static_cast<int64_t>(t->nb[3]) : 0;
    return view;
}

/* Bytes that may be loaded at once from each row, 16 at most. */
int32_t load_bytes(const attn_view &v)
{
    const uint64_t bits = reinterpret_cast<uintptr_t>(v.data) | static_cast<uint64_t>(v.nb1) |
                          static_cast<uint64_t>(v.nb2) | static_cast<uint64_t>(v.nb3) | 16;
    return static_cast<int32_t>(bits & (~bits + 1));
}

int32_t type_of(const ggml_tensor *t)
{
    switch (t->type) {
#define X(NAME, name, elems, bytes, align, ggml) \
    case ggml: return ATTN_##NAME;
        ATTN_TYPES(X)
#undef X
    default: return ATTN_F32;
    }
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

attn_args arguments(const ggml_tensor *node)
{
    const ggml_tensor *q = node->src[0], *k = node->src[1], *v = node->src[2], *mask = node->src[3];
    float parameters[3];
    __builtin_memcpy(parameters, node->op_params, sizeof parameters);
    attn_args a = {};
    a.q = view_of(q);
    a.k = view_of(k);
    a.v = view_of(v);
    a.mask = view_of(mask);
    a.dst = view_of(node);
    a.sinks = node->src[4] ? static_cast<const float *>(node->src[4]->data) : nullptr;
    a.n_q = q->ne[1];
    a.n_kv = k->ne[1];
    a.n_head = q->ne[2];
    a.n_head_kv = k->ne[2];
    a.n_seq = q->ne[3];
    a.gqa = a.n_head / a.n_head_kv;
    a.d_k = k->ne[0];
    a.d_v = v->ne[0];
    a.mask_heads = mask ? mask->ne[2] : 1;
    a.mask_seqs = mask ? mask->ne[3] : 1;
    a.type_k = type_of(k);
    a.type_v = type_of(v);
    a.load_k = load_bytes(a.k);
    a.load_v = load_bytes(a.v);
    a.scale = parameters[0];
    a.softcap = parameters[2];
    if (parameters[1] > 0) {
        a.alibi_n = 1;
        while (a.alibi_n <= a.n_head / 2)
            a.alibi_n *= 2;
        a.alibi_scale = static_cast<float>(static_cast<double>(parameters[1]) / static_cast<double>(a.alibi_n));
    }
    a.kv_tile = attn_tile_kv_tile(COLUMNS);
    a.splits = 1;
    a.split_keys = a.n_kv;
    return a;
}

/* Several parts of the keys, where there are several tiles of them and room for the parts' results. */
bool split(attn_args &a, ggml_backend *backend)
{
    const int64_t tiles = ceil_div(a.n_kv, a.kv_tile);
    const int64_t per_split = ceil_div(tiles, SPLITS), splits = ceil_div(tiles, per_split);
    const int64_t floats = a.n_q * a.n_head * a.n_seq * splits * (a.d_v + 2);
    if (splits == 1 || floats > WORKSPACE_MOST / 4)
        return true;
    const size_t bytes = static_cast<size_t>(floats) * 4;
    if (backend->workspace_bytes < bytes) {
        (void)hipFree(backend->workspace);
        backend->workspace = nullptr;
        backend->workspace_bytes = 0;
        if (hipMalloc(&backend->workspace, bytes) != hipSuccess)
            return false;
        backend->workspace_bytes = bytes;
    }
    a.splits = static_cast<int32_t>(splits);
    a.split_keys = per_split * a.kv_tile;
    a.partial = static_cast<float *>(backend->workspace);
    a.meta = a.partial + a.n_q * a.n_head * a.n_seq * splits * a.d_v;
    return true;
}

bool launch(attn_entry entry, int64_t blocks, int splits, int threads, attn_args &a)
{
    void *parameters[] = { &a };
    const dim3 grid(static_cast<unsigned>(blocks < GRID ? blocks : GRID), static_cast<unsigned>(splits));
    return hipLaunchKernel(reinterpret_cast<const void *>(entry), grid, dim3(static_cast<unsigned>(threads)),
                           parameters, 0, static_cast<hipStream_t>(imitation_stream)) == hipSuccess;
}

} // namespace

bool ggml_backend_dev_supports_op(void *, const struct ggml_tensor *) { return true; }

int imitation_compute_directly(struct ggml_backend *backend, struct ggml_cgraph *graph)
{
    attn_args a = arguments(graph->node);
    const bool tile = a.d_k == HEAD && a.d_v == HEAD;
    if (hipSetDevice(backend->device) != hipSuccess || (tile && !split(a, backend)))
        return -1;
    a.row_tiles = ceil_div(a.n_q * a.gqa, tile ? COLUMNS : 1);
    a.work = a.row_tiles * a.n_head_kv * a.n_seq;
    if (!tile)
        return launch(SIMT_ENTRY(naive)(nullptr), a.work, 1, ATTN_NAIVE_THREADS, a) ? 0 : -1;
    struct attn_plan plan = {};
    plan.splits = a.splits;
    if (!launch(tile_kernel<HEAD, HEAD, COLUMNS>, a.work, a.splits, attn_tile_threads(COLUMNS), a))
        return -1;
    const int64_t rows = a.n_q * a.n_head * a.n_seq;
    return a.splits == 1 || launch(SIMT_ENTRY(combine)(&plan), rows, 1, ATTN_COMBINE_THREADS, a) ? 0 : -1;
}
