/* explain.c: attnfuzz explain: every kernel's verdict, with rule and values.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/input/message.h"
#include "cli/input/walk.h"
#include "cli/verbs.h"

static const struct cli_option options[] = {
    { "device", WALK_DEVICE, "DEVICE", "on this device; NAME~WEAKENING for a weakened one, several with commas, or all",
      "options" },
    { "all-rules", WALK_FLAG, NULL, "every rule of every contract, also after one failed", NULL },
    { "json", WALK_JSON, NULL, "one JSON object a line", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static const struct cli_manual manual = {
    .name = "explain",
    .summary = "every kernel's verdict, with rule and values",
    .usage = "[options] FILE|DIR|LINE|-...",
    .brief = "Says of every kernel whether it is able to run each problem line, and at which estimated cost; of the "
             "others the first rule of their contract that failed, with its values; and names the cost steps that the "
             "problem lies on the dear side of (P11). Devices are chosen as by attnfuzz plan.",
    .options = options,
    .examples = { { "explain --device gfx906 'fa1 q=f32[96,9,8,1] k=q4_0[96,77,2,1] v=q4_0[96,77,2,1]'",
                    "why this call runs on the kernel that it runs on" },
                  { "explain --all-rules --device gfx942 'fa1 q=f32[128,1,8,1] k=f16[128,99,2,1] v=f16[128,99,2,1]'",
                    "every rule of every kernel, holding or not" } },
};

enum { RULES_MAX = 64 };

static int rules_of(const struct walk_step *at, int kernel, struct attn_rule_result *results)
{
    struct attn_key key;
    attn_key_of(&at->c->problem, &key);
    int n = attn_explain(&at->device, &key, kernel, results, RULES_MAX);
    return n < RULES_MAX ? n : RULES_MAX;
}

static void rules_text(const struct walk_step *at)
{
    struct attn_rule_result results[RULES_MAX];
    char text[1024];
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
        int n = rules_of(at, kernel, results);
        for (int rule = 0; rule < n; rule++) {
            const struct attn_rule_result *r = &results[rule];
            attn_rule_text(kernel, rule, r->holds, r->lhs, r->rhs, text, sizeof text);
            printf("      %s %s\n", r->holds ? "holds" : "FAILS", text);
        }
    }
}

static void rules_json(const struct walk_step *at)
{
    struct attn_rule_result results[RULES_MAX];
    char text[1024];
    fputs(",\"rules\":[", stdout);
    const char *comma = "";
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
        int n = rules_of(at, kernel, results);
        for (int rule = 0; rule < n; rule++) {
            const struct attn_rule_result *r = &results[rule];
            const struct attn_rule *about = &attn_kernel(kernel)->rules[rule];
            attn_rule_text(kernel, rule, r->holds, r->lhs, r->rhs, text, sizeof text);
            printf("%s{\"kernel\":\"%s\",\"rule\":\"%s\",\"structural\":%s,\"holds\":%s,\"lhs\":%" PRId64
                   ",\"rhs\":%" PRId64 ",\"text\":",
                   comma, attn_kernel(kernel)->name, about->name, about->structural ? "true" : "false",
                   r->holds ? "true" : "false", r->lhs, r->rhs);
            cli_json_string(stdout, text);
            putchar('}');
            comma = ",";
        }
    }
    putchar(']');
}

/* Named cost steps that the problem lies on the dear side of. */
static void steps_of(const struct walk_step *at, void (*put)(const char *kernel, const struct attn_cost_step *, int n))
{
    struct attn_key key;
    int n = 0;
    attn_key_of(&at->c->problem, &key);
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++)
        for (int i = 0; i < attn_kernel(kernel)->n_steps; i++)
            if (attn_kernel(kernel)->steps[i].dear(&at->device, &key))
                put(attn_kernel(kernel)->name, &attn_kernel(kernel)->steps[i], n++);
}

static void step_text(const char *kernel, const struct attn_cost_step *step, int n)
{
    (void)n;
    printf("    cost step %s.%s, ", kernel, step->name);
    if (step->times_max)
        printf("up to %" PRIu32 " times a neighbour's cost: %s\n", step->times_max, step->why);
    else
        printf("any number of times a neighbour's cost: %s\n", step->why);
}

static void step_json(const char *kernel, const struct attn_cost_step *step, int n)
{
    printf("%s{\"kernel\":\"%s\",\"step\":\"%s\",\"times_max\":%" PRIu32 ",\"why\":", n ? "," : "", kernel, step->name,
           step->times_max);
    cli_json_string(stdout, step->why);
    putchar('}');
}

static bool explain_step(const struct walk_step *at, bool json, bool all_rules)
{
    struct attn_trace trace;
    char text[8192];
    int chosen = attn_plan(&at->device, &at->c->problem, NULL, &trace);
    if (json) {
        walk_put_json(at);
        if (all_rules)
            rules_json(at);
        fputs(",\"cost_steps\":[", stdout);
        steps_of(at, step_json);
        putchar(']');
        attn_trace_json(&at->device, &trace, text, sizeof text);
        printf(",%s\n", text + 1);
    } else {
        walk_put_text(at);
        attn_trace_text(&at->device, &trace, text, sizeof text);
        cli_put_block("  ", text);
        steps_of(at, step_text);
        if (all_rules)
            rules_text(at);
    }
    return chosen >= 0;
}

static int run(int argc, char **argv)
{
    static const struct walk_verb explain = { .manual = &manual, .step = explain_step };
    return walk(&explain, argc, argv);
}

const struct cli_verb cli_explain = { .manual = &manual, .run = run };
