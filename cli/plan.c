/* plan.c: attnfuzz plan: the plan of each line on each device.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/input/message.h"
#include "cli/input/walk.h"
#include "cli/verbs.h"
#include "fuzz/session/words.h"

static const struct cli_option options[] = {
    { "device", WALK_DEVICE, "DEVICE",
      "plan on this device; NAME~WEAKENING for a weakened one, several with commas, or all", "options" },
    { "json", WALK_JSON, NULL,
      "one JSON object a line, with at least kernel, device, grid, block, lds_static_bytes, lds_dynamic_bytes, "
      "workspace_bytes, splits, columns, key, and the line itself",
      NULL },
    { NULL, 0, NULL, NULL, NULL },
};

/* The statements that tables describe: the server's, a number or a word, and what happens. */
static void put_statements(void)
{
    enum { WIDTH = 28 };
    puts("  layer NAME heads=N/M d=D[/DV] [type=T[/TV]] [window=N] [scale=F] [softcap=F]\n"
         "    [max_bias=F] [sinks] [view] [draft] [reads=NAME] [cross=N]\n"
         "  device NAME[~WEAKENING]  seed N  schedule N\n"
         "  weights N/N/... (of the split's devices), grain N (heads go to them in multiples of it),\n"
         "    turn N (the device whose bounds come first: what rounding leaves goes to the one before it)");
    for (int i = 0; i < N_NUMBERS; i++)
        printf("  %s %-*s  from %d to %d\n", numbers[i].name, WIDTH - 1 - (int)strlen(numbers[i].name), "N",
               numbers[i].low, numbers[i].high);
    for (int i = 0; i < N_CHOICES; i++)
        printf("  %s %s|%s\n", choices[i].name, choices[i].zero, choices[i].one);
#define X(NAME, name, text)                                                                                           \
    printf("  mask %-*s  %s\n", WIDTH - 5, ATTN_SESSION_MASK_##NAME == ATTN_SESSION_MASK_PADDED ? #name "=N" : #name, \
           text);
    ATTN_SESSION_MASKS(X)
#undef X
#define X(NAME, name, text) printf("  deal %-*s  %s\n", WIDTH - 5, #name, text);
    ATTN_SESSION_DEALS(X)
#undef X
    putchar('\n');
    /* One that is longer than its column has its meaning on the next line. */
#define X(NAME, name, operands, text)                                          \
    printf("  %-*s%s%*s%s\n", WIDTH, operands[0] ? #name " " operands : #name, \
           sizeof #name + sizeof operands - 1 > WIDTH ? "\n" : "",             \
           sizeof #name + sizeof operands - 1 > WIDTH ? WIDTH + 4 : 2, "", text);
    ATTN_SESSION_OPS(X)
#undef X
}

static bool plan_step(const struct walk_step *at, bool json, bool flag)
{
    (void)flag;
    struct attn_plan plan;
    char text[8192];
    int forced = at->c->run.kernel;
    struct attn_key key;
    attn_key_of(&at->c->problem, &key);
    bool planned = forced >= 0 ? attn_plan_kernel(&at->device, &key, forced, &plan, NULL)
                               : attn_plan(&at->device, &at->c->problem, &plan, NULL) >= 0;
    if (json) {
        walk_put_json(at);
        if (planned) {
            attn_plan_json(&plan, text, sizeof text);
            printf(",%s\n", text + 1);
        } else {
            puts(",\"kernel\":null}");
        }
    } else {
        walk_put_text(at);
        if (planned) {
            attn_plan_text(&plan, text, sizeof text);
            cli_put_block("  ", text);
        } else if (forced >= 0) {
            printf("  %s: %s is not able; attnfuzz explain says why\n", at->device.name, attn_kernel(forced)->name);
        } else {
            printf("  %s: no kernel is able\n", at->device.name);
        }
    }
    return planned || forced >= 0;
}

static const struct cli_manual manual = {
    .name = "plan",
    .summary = "the plan of each line on each device",
    .usage = "[options] FILE|DIR|LINE|-...",
    .brief = "Prints the plan of each problem line: the kernel chosen, its configuration, launches, conversions, "
             "workspace and plan key. A line is planned on the devices of --device, else on the one it names (dev=), "
             "else on every device of the table.",
    .text =
        "A kernel that a line forces (kernel=) is planned where it is able. A session is the problems of its steps, "
        "each different one once, in the order they come up; it is written session { STATEMENT; ... } over one or "
        "more lines, first what the server is, then what happens.",
    .options = options,
    .examples = { { "plan --device gfx1100 'fa1 q=f32[256,11,32,1] k=f16[256,271,16,1] v=f16[256,271,16,1]'",
                    "the plan of one call on one device" },
                  { "plan corpus/sessions/seed-gemma4-31b.txt", "the plans of each step of a server's session" } },
    .heading = "statements of a session",
    .table = put_statements,
};

static int run(int argc, char **argv)
{
    static const struct walk_verb plan = { .manual = &manual, .step = plan_step };
    return walk(&plan, argc, argv);
}

const struct cli_verb cli_plan = { .manual = &manual, .run = run };
