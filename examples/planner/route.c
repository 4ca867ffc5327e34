/* route.c: a program that asks the planner: which kernel runs this call on this GPU, and why none of the others.
 *
 *     route gfx1100 'fa1 q=f32[128,1,32,1] k=f16[128,4096,8,1] v=f16[128,4096,8,1]'
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "planner/attn_planner.h"

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: route DEVICE LINE\n");
        return 2;
    }
    const struct attn_device *device = attn_device_find(argv[1]);
    struct attn_problem problem;
    struct attn_text_error wrong;
    if (!device) {
        fprintf(stderr, "route: there is no device '%s'\n", argv[1]);
        return 2;
    }
    struct attn_error illegal;
    if (!attn_problem_parse(argv[2], strlen(argv[2]), &problem, NULL, &wrong)) {
        fprintf(stderr, "route: column %zu: %s\n", wrong.column, wrong.message);
        return 2;
    }
    if (attn_problem_check(&problem, &illegal) != 0) {
        fprintf(stderr, "route: no legal call: %s\n", attn_error_name(illegal.code));
        return 2;
    }
    struct attn_plan plan;
    struct attn_trace trace;
    char text[4096];
    if (attn_plan(device, &problem, &plan, &trace) < 0)
        return 1;
    attn_trace_text(device, &trace, text, sizeof text);
    fputs(text, stdout);
    return 0;
}
