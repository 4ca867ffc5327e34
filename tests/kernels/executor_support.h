/* executor_support.h: the memory that the small kernels of executor_*.hip run on.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TESTS_EXECUTOR_SUPPORT_H
#define ATTN_TESTS_EXECUTOR_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/args.h"
#include "kernels/attn_backend.h"
#include "tests/kernels/executor_kernels.h"
#include "kernels/host/launch.h"

struct bench {
    struct attn_problem problem;
    struct attn_plan regions; /* only its workspace regions are looked at */
    struct attn_device device;
    struct attn_image image;
    struct attn_backend *backend;
    struct attn_memory *memory;
    struct attn_args args;
};

enum { PARTIAL_BYTES = 512, META_BYTES = 64, WORKSPACE_BYTES = 1024 };

static inline struct attn_tensor tensor(int type, int64_t element, int64_t ne0, int64_t ne1, int64_t ne2, int64_t nb1,
                                        int64_t nb2)
{
    struct attn_tensor t;
    memset(&t, 0, sizeof t);
    t.type = (uint8_t)type;
    t.present = 1;
    t.ne[0] = ne0;
    t.ne[1] = ne1;
    t.ne[2] = ne2;
    t.ne[3] = 1;
    t.nb[0] = element;
    t.nb[1] = nb1;
    t.nb[2] = nb2;
    t.nb[3] = nb2;
    return t;
}

static inline void bench_open(struct bench *b, const struct attn_host_options *options)
{
    memset(b, 0, sizeof *b);
    b->problem.t[ATTN_Q] = tensor(ATTN_F32, 4, 7, 4, 1, 48, 192);
    b->problem.t[ATTN_K] = tensor(ATTN_F16, 2, 7, 8, 1, 16, 128);
    b->problem.t[ATTN_V] = tensor(ATTN_F16, 2, 8, 8, 1, 16, 128);
    b->problem.t[ATTN_DST] = tensor(ATTN_F32, 4, 8, 1, 4, 32, 40);
    b->problem.scale = 1.0f;
    b->problem.head_total = 1;
    struct attn_error error;
    assert_int_equal(attn_problem_check(&b->problem, &error), ATTN_E_OK);
    b->regions.region_bytes[ATTN_REGION_PARTIAL] = PARTIAL_BYTES;
    b->regions.region_offset[ATTN_REGION_META] = PARTIAL_BYTES;
    b->regions.region_bytes[ATTN_REGION_META] = META_BYTES;
    b->regions.workspace_bytes = WORKSPACE_BYTES;
    b->device = *attn_device_find("gfx1100");
    assert_int_equal(b->device.wave_size, 32);
    assert_true(attn_image_create(&b->problem, 1 << 20, &b->image));
    b->backend = attn_host_open(options);
    assert_non_null(b->backend);
    struct attn_failure failure;
    b->memory = b->backend->ops->alloc(b->backend, &b->problem, &b->image, WORKSPACE_BYTES, &failure);
    assert_non_null(b->memory);
    assert_true(b->backend->ops->upload(b->backend, b->memory, &b->image, &failure));
    b->args.q.data = attn_host_at(b->memory, ATTN_Q);
    b->args.k.data = attn_host_at(b->memory, ATTN_K);
    b->args.v.data = attn_host_at(b->memory, ATTN_V);
    b->args.dst.data = attn_host_at(b->memory, ATTN_DST);
    b->args.partial = attn_host_workspace(b->memory);
    b->args.meta = b->args.partial + PARTIAL_BYTES / 4;
    b->args.n_q = 4;
}

static inline void bench_close(struct bench *b)
{
    b->backend->ops->free(b->backend, b->memory);
    b->backend->ops->close(b->backend);
    attn_image_free(&b->image);
}

static inline bool bench_launch(struct bench *b, attn_entry entry, uint32_t blocks, uint32_t threads,
                                uint32_t lds_bytes, struct attn_failure *failure)
{
    struct simt_launch launch;
    memset(&launch, 0, sizeof launch);
    launch.entry = entry;
    launch.args = &b->args;
    launch.device = &b->device;
    launch.step = ATTN_STEP_MAIN;
    launch.shape.grid[0] = blocks;
    launch.shape.grid[1] = launch.shape.grid[2] = 1;
    launch.shape.block[0] = threads;
    launch.shape.block[1] = launch.shape.block[2] = 1;
    launch.shape.lds_static_bytes = lds_bytes;
    launch.shape.lds_dynamic_bytes = lds_bytes == 0 ? 256 : 0;
    return attn_host_launch(b->backend, b->memory, &launch, failure);
}

#endif
