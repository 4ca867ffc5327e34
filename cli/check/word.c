/* word.c: the words that findings are named and shown with.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/check/word.h"

#include <stdio.h>
#include <string.h>

#include "cli/check/problem.h"
#include "cli/input/device.h"

/* Itanium C++ ABI, section 5.1 "External Names": <source-name> is a decimal length and so many characters; the
 * function's own is the last one before template arguments (I) or parameters. */
void check_kernel_name(const char *mangled, char *name, size_t cap)
{
    const char *at = mangled;
    if (at[0] != '_' || at[1] != 'Z') {
        snprintf(name, cap, "%s", mangled);
        return;
    }
    at += 2;
    while (*at == 'N' || *at == 'L' || *at == 'K')
        at++;
    const char *best = NULL;
    size_t best_len = 0;
    while (*at >= '0' && *at <= '9') {
        size_t len = 0;
        for (; *at >= '0' && *at <= '9' && len < 4096; at++)
            len = len * 10 + (size_t)(*at - '0');
        if (strnlen(at, len) < len)
            break;
        best = at;
        best_len = len;
        at += len;
        while (*at == 'L')
            at++;
    }
    if (best)
        snprintf(name, cap, "%.*s", (int)best_len, best);
    else
        snprintf(name, cap, "%s", mangled);
}

void check_device_list(const struct check *check, uint32_t devices, char *text, size_t cap)
{
    size_t used = 0;
    text[0] = 0;
    if (devices == check->devices && (devices & (devices - 1))) {
        snprintf(text, cap, "all");
        return;
    }
    for (int i = 0; i < check->subject->n_devices; i++)
        if (devices >> i & 1 && used < cap)
            used += (size_t)snprintf(text + used, cap - used, "%s%s", used ? "," : "", check->subject->device[i].name);
}

void check_head_word(const struct attn_problem *p, char *word, size_t cap)
{
    if (check_head_size(p) == ATTN_HEAD_SIZE_COUNT)
        snprintf(word, cap, "other");
    else
        snprintf(word, cap, "%d/%d", (int)attn_d_k(p), (int)attn_d_v(p));
}

void check_line(const struct check *check, const struct check_finding *f, char line[ATTN_CASE_LINE_MAX])
{
    struct attn_case c = { .problem = f->problem };
    attn_run_default(&c.run);
    c.run.device = cli_device_row(check->subject->device[f->device].name);
    attn_case_print(&c, line, ATTN_CASE_LINE_MAX);
}
