/* lookup.c: what a set of kernels is asked, once it is read. See object.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "code/internal.h"

const char *attn_code_body_name(int body)
{
    static const char *const names[] = { "unknown", "real", "empty", "trap" };
    return body >= 0 && body < (int)(sizeof names / sizeof names[0]) ? names[body] : "unknown";
}

size_t attn_code_count(const struct attn_code *code) { return code->n_kernels; }

const struct attn_code_kernel *attn_code_kernel(const struct attn_code *code, size_t index)
{
    return index < code->n_kernels ? &code->kernel[index] : NULL;
}

const char *attn_code_target(const struct attn_code *code, size_t index)
{
    return index < code->n_targets ? code->target[index] : NULL;
}

/* LLVM, "User Guide for AMDGPU Backend", "Generic Processors". Their members, each between blanks. */
static const char *const generic[][2] = {
    { "gfx9-generic", " gfx900 gfx902 gfx904 gfx906 gfx909 gfx90c " },
    { "gfx9-4-generic", " gfx940 gfx941 gfx942 gfx950 " },
    { "gfx10-1-generic", " gfx1010 gfx1011 gfx1012 gfx1013 " },
    { "gfx10-3-generic", " gfx1030 gfx1031 gfx1032 gfx1033 gfx1034 gfx1035 gfx1036 " },
    { "gfx11-generic", " gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1152 gfx1153 " },
    { "gfx12-generic", " gfx1200 gfx1201 " },
};

static bool is_member(const char *target, size_t target_len, const char *processor, size_t len)
{
    char word[CODE_TARGET_MAX + 2];
    if (len + 3 > sizeof word)
        return false;
    snprintf(word, sizeof word, " %.*s ", (int)len, processor);
    for (size_t i = 0; i < sizeof generic / sizeof generic[0]; i++)
        if (strlen(generic[i][0]) == target_len && memcmp(generic[i][0], target, target_len) == 0)
            return strstr(generic[i][1], word) != NULL;
    return false;
}

/* Is the feature ("xnack-", len bytes) among the device's? */
static bool has_feature(const char *device, const char *feature, size_t len)
{
    for (const char *at = device; (at = strchr(at, ':'));) {
        at++;
        if (strcspn(at, ":") == len && memcmp(at, feature, len) == 0)
            return true;
    }
    return false;
}

/* 0: does not run; else the more, the more specific. */
static int fit(const char *target, const char *device)
{
    size_t len = strcspn(target, ":"), own = strcspn(device, ":");
    int score = 2;
    if (len != own || memcmp(target, device, len) != 0) {
        if (!is_member(target, len, device, own))
            return 0;
        score = 1;
    }
    for (const char *at = target + len; *at == ':';) {
        size_t n = strcspn(++at, ":");
        if (!has_feature(device, at, n))
            return 0;
        score += 2;
        at += n;
    }
    return score;
}

bool attn_code_runs_on(const char *target, const char *device) { return fit(target, device) > 0; }

bool attn_code_has_device(const struct attn_code *code, const char *device)
{
    for (size_t i = 0; i < code->n_targets; i++)
        if (fit(code->target[i], device) > 0)
            return true;
    return false;
}

const struct attn_code_kernel *attn_code_find(const struct attn_code *code, const char *name, const char *device)
{
    size_t low = 0, high = code->n_kernels;
    const struct attn_code_kernel *best = NULL;
    int best_fit = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(code->kernel[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < code->n_kernels && strcmp(code->kernel[low].name, name) == 0; low++) {
        int score = fit(code->kernel[low].target, device);
        if (score > best_fit) {
            best_fit = score;
            best = &code->kernel[low];
        }
    }
    return best;
}
