/* kernel_drive.h: runs a plan on the checked host executor, under several schedules, and holds the result against the
 * reference. For all tests of kernels.
 *
 * SPDX-License-Identifier: MIT */
#ifndef KERNEL_DRIVE_H
#define KERNEL_DRIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/attn_backend.h"
#include "planner/attn_planner.h"
#include "reference/attn_reference.h"

/* Is every byte that is not dst's as it was, and, of all, as in the run before? */
static inline bool kernel_same_bytes(const struct attn_image *image, const struct attn_image *first,
                                     const struct attn_image *out, char *text, size_t cap)
{
    for (int b = 0; b < image->n_buffers; b++)
        for (int64_t i = 0; i < image->buffer[b].size; i++) {
            const uint8_t now = out->buffer[b].bytes[i];
            const bool own = image->buffer[b].role[i] == ATTN_ROLE_DST;
            if (!own && image->buffer[b].bytes[i] != now) {
                snprintf(text, cap, "byte %lld of buffer %d was changed", (long long)i, b);
                return false;
            }
            if (first->buffer[b].bytes[i] != now) {
                snprintf(text, cap, "byte %lld of buffer %d differs between schedules", (long long)i, b);
                return false;
            }
        }
    return true;
}

/* Runs the plan on the image's data under each of the schedules: no failure, every component within the bound, every
 * byte that is not dst's as it was, the same bits each time. Else text says what is wrong. */
static inline bool kernel_drive(const struct attn_problem *p, const struct attn_image *image,
                                const struct attn_plan *plan, const uint64_t *schedules, int n_schedules,
                                struct attn_judgement *j, char *text, size_t cap)
{
    struct attn_host_options options = { .checked = true };
    struct attn_image out, first;
    struct attn_failure failure = { 0 };
    const void *base[ATTN_OPERAND_COUNT];
    bool good = true;
    assert_true(attn_image_create(p, (int64_t)1 << 30, &out));
    assert_true(attn_image_create(p, (int64_t)1 << 30, &first));
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        base[o] = attn_image_at(image, p, o);
    struct attn_reference *reference = attn_reference_compute(p, base);
    struct attn_backend *backend = attn_host_open(&options);
    assert_non_null(reference);
    assert_non_null(backend);
    struct attn_memory *memory = backend->ops->alloc(backend, p, image, plan->workspace_bytes, &failure);
    if (!memory)
        fail_msg("%s", failure.text);

    for (int s = 0; good && s < n_schedules; s++) {
        struct attn_image *to = s == 0 ? &first : &out;
        attn_host_schedule(backend, schedules[s]);
        good = backend->ops->upload(backend, memory, image, &failure) &&
               backend->ops->run(backend, memory, p, plan, &failure) &&
               backend->ops->download(backend, memory, to, &failure);
        if (!good)
            snprintf(text, cap, "%s: %s", attn_failure_name(failure.code), failure.text);
        else
            good = kernel_same_bytes(image, &first, to, text, cap);
    }
    if (good && !attn_judge(reference, &plan->arithmetic, attn_image_at(&first, p, ATTN_DST), j)) {
        snprintf(text, cap,
                 "%lld of %lld components failed; worst %g times its limit: d %lld h %lld iq %lld s %lld: got %.9g, "
                 "want %.9g +- %g",
                 (long long)j->failed, (long long)j->components, j->worst, (long long)j->d, (long long)j->h,
                 (long long)j->iq, (long long)j->s, j->got, j->want, j->limit);
        good = false;
    }
    backend->ops->free(backend, memory);
    backend->ops->close(backend);
    attn_reference_free(reference);
    attn_image_free(&out);
    attn_image_free(&first);
    return good;
}

/* A device of the table, or a weakening of it. */
static inline struct attn_device kernel_device(const char *name)
{
    int row, weakening;
    assert_true(attn_device_named(name, strlen(name), &row, &weakening));
    struct attn_device device = *attn_device(row);
    if (weakening >= 0)
        assert_true(attn_device_weaken(attn_device(row), weakening, &device, NULL));
    return device;
}

/* A kernel's plan of a legal problem on such a device; else the test fails. */
static inline void kernel_plan_of(const struct attn_problem *p, const char *device, int kernel, struct attn_plan *plan)
{
    struct attn_error error;
    struct attn_key key;
    if (attn_problem_check(p, &error) != ATTN_E_OK) {
        char text[256];
        attn_error_text(&error, text, sizeof text);
        fail_msg("the test's problem is not legal: %s", text);
    }
    attn_key_of(p, &key);
    const struct attn_device on = kernel_device(device);
    if (!attn_plan_kernel(&on, &key, kernel, plan, NULL))
        fail_msg("%s is not able on %s for %lld/%lld", attn_kernel(kernel)->name, device, (long long)attn_d_k(p),
                 (long long)attn_d_v(p));
}

/* ---- Plans edited by tests ------------------------------------------------------------------------------- */

/* Gives a plan a new region at the end of its workspace. */
static inline void kernel_region(struct attn_plan *plan, int region, int64_t bytes)
{
    plan->region_offset[region] = plan->workspace_bytes;
    plan->region_bytes[region] = bytes;
    plan->workspace_bytes += (bytes + 255) & ~(int64_t)255;
}

static inline void kernel_launch(struct attn_plan *plan, int step, uint32_t x, uint32_t threads)
{
    struct attn_launch launch = { .grid = { x, 1, 1 }, .block = { threads, 1, 1 } };
    plan->steps |= 1u << step;
    plan->launch[step] = launch;
}

#endif
