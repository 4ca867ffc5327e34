/* abi.c: see abi.h.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/ggml/abi.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ggml_abi_load(struct ggml_abi *abi, void *library, char *error, size_t cap)
{
    void *at;
    memset(abi, 0, sizeof *abi);
#define FIND(name) (at = dlsym(library, "ggml_" #name), memcpy(&abi->name, &at, sizeof at), at != NULL)
#define X(type, name, parameters)                                                                                   \
    if (!FIND(name)) {                                                                                              \
        snprintf(error, cap, "it has no function ggml_%s: no ggml, or a version whose interface is not known here", \
                 #name);                                                                                            \
        return false;                                                                                               \
    }
    GGML_ABI_REQUIRED(X)
#undef X
#define X(type, name, parameters) (void)FIND(name);
    GGML_ABI_OPTIONAL(X)
#undef X
#undef FIND
    /* GGML_PREC_F32 was 1 as long as traits were returned by value, and for some months after. */
    abi->prec_f32 = abi->internal_get_type_traits ? 1 : 10;
    if (!abi->backend_cuda_reg && !abi->backend_init && !abi->backend_cpu_reg) {
        snprintf(error, cap, "it has none of ggml_backend_cuda_reg, _cpu_reg and ggml_backend_init: no ggml backend");
        return false;
    }
    return true;
}

int ggml_abi_type(const struct ggml_abi *abi, const struct attn_tensor *t)
{
    return t->type >= ATTN_TYPE_FOREIGN ? t->foreign->info.ggml : abi->type[t->type];
}

/* Numbers of types are part of ggml's file format and stay, but a fork may have ones of its own: names decide. */
static void find_types(struct ggml_abi *abi)
{
    for (int t = 0; t < ATTN_TYPE_COUNT; t++) {
        const struct attn_type_info *info = attn_type_info(t);
        const char *name = abi->type_name(info->ggml);
        bool same = name && !strcmp(name, info->name) && (int64_t)abi->type_size(info->ggml) == info->block_bytes &&
                    abi->blck_size(info->ggml) == info->block_elems;
        abi->type[t] = same ? info->ggml : -1;
    }
}

/* Where `what`, of n bytes, is in the node, at a multiple of `step`; 0: nowhere (a node does not begin with it). */
static size_t find_in(const void *node, size_t bytes, const void *what, size_t n, size_t step)
{
    for (size_t at = step; at + n <= bytes; at += step)
        if (!memcmp((const char *)node + at, what, n))
            return at;
    return 0;
}

bool ggml_abi_probe(struct ggml_abi *abi, char *error, size_t cap)
{
    find_types(abi);
    if (abi->type[ATTN_F32] < 0 || abi->type[ATTN_F16] < 0) {
        snprintf(error, cap, "its types f32 and f16 are not numbers 0 and 1");
        return false;
    }
    size_t overhead = abi->tensor_overhead();
    if (overhead < 128 || overhead > 4096) {
        snprintf(error, cap, "ggml_tensor_overhead says %zu bytes, not between 128 and 4096", overhead);
        return false;
    }
    struct ggml_context *ctx = abi->init((struct ggml_abi_init){ overhead * 8, NULL, true });
    if (!ctx) {
        snprintf(error, cap, "ggml_init gives no context");
        return false;
    }
    int f16 = abi->type[ATTN_F16], f32 = abi->type[ATTN_F32];
    struct ggml_tensor *source[5] = {
        abi->new_tensor_4d(ctx, f32, 64, 3, 4, 1),
        abi->new_tensor_4d(ctx, f16, 64, 256, 2, 1),
        abi->new_tensor_4d(ctx, f16, 64, 256, 2, 1),
        abi->new_tensor_4d(ctx, f16, 256, 64, 1, 1),
        abi->flash_attn_ext_add_sinks ? abi->new_tensor_1d(ctx, f32, 4) : NULL,
    };
    const float parameter[3] = { 0.123f, 4.56f, 7.89f };
    struct ggml_tensor *node =
        abi->flash_attn_ext(ctx, source[0], source[1], source[2], source[3], parameter[0], parameter[1], parameter[2]);
    if (abi->flash_attn_ext_add_sinks)
        abi->flash_attn_ext_add_sinks(node, source[4]);
    /* ggml_tensor_overhead is the tensor and a header; the node is the last object, with room behind it. */
    const int64_t extents[4] = { 64, 4, 3, 1 };
    struct ggml_tensor *none = NULL;
    const size_t sources = find_in(node, overhead, source, sizeof source, 8), after = sources + sizeof source;
    const char *lacks = !find_in(node, overhead, extents, sizeof extents, 8)       ? "its extents"
                        : !find_in(node, overhead, parameter, sizeof parameter, 4) ? "scale, max_bias, softcap"
                        : !sources                                                 ? "its sources"
                                                                                   : NULL;
    /* Ten since 2023, of which a node of attention has five: the sixth is there, and empty. */
    if (!lacks && after + sizeof none <= overhead && !memcmp((const char *)node + after, &none, sizeof none))
        abi->sources_at = sources;
    abi->free(ctx);
    if (lacks)
        snprintf(error, cap, "a FLASH_ATTN_EXT node does not hold %s as expected: a version not known here", lacks);
    return lacks == NULL;
}
