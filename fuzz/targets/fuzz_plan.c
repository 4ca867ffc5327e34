/* fuzz_plan.c: plans every problem on every device and weakening of one, and checks the properties of plans.
 *
 * SPDX-License-Identifier: MIT */
#include "fuzz/domain/domain.h"
#include "fuzz/properties/properties.h"
#include "fuzz/shrink/shrink.h"
#include "fuzz/targets/genome_line.h"
#include "fuzz/targets/target.h"

ATTN_TARGET_OF("fuzz_plan", genome_line)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct attn_sweep sweep;
    struct attn_case c;
    struct attn_error error;
    struct attn_finding finding;

    attn_crash_begin(data, size);
    genome_case(data, size, &c);
    if (attn_problem_check(&c.problem, &error) != ATTN_E_OK) {
        char text[256], line[ATTN_CASE_LINE_MAX];
        attn_error_text(&error, text, sizeof text);
        attn_case_print(&c, line, sizeof line);
        attn_crash_named();
        fprintf(stderr, "the domain made an illegal problem: %s\n  line:   %s\n", text, line);
        abort();
    }
    bool held = attn_check_plan(&stats.fleet, &c, true, &sweep, &finding);
    if (!held) {
        struct attn_shrink_how how = { .fleet = &stats.fleet };
        attn_finding_print(stderr, &finding);
        attn_crash_named();
        attn_stats_write(&stats);
        attn_shrink_print(stderr, &how, &finding);
        abort();
    }
    attn_stats_sweep(&stats, &sweep);
    attn_stats_tick(&stats);
    return 0;
}
