/* gpu.c: see gpu.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/bench/gpu.h"

#include <string.h>

#include "cli/bench/rank.h"
#include "cli/bench/rates.h"
#include "cli/input/backend.h"
#include "cli/input/message.h"

static bool measure_copy(struct bench_gpu *b)
{
    enum { REPEATS = 20 };
    const int64_t bytes = INT64_C(1) << 31;
    double ms[REPEATS];
    struct attn_failure failure = { 0 };
    if (!b->ops->time_copy(b->backend, bytes, REPEATS, ms, &failure)) {
        cli_error("%s", failure.text);
        return false;
    }
    b->copy_rate = 2.0 * (double)bytes / (bench_median(ms, REPEATS) / 1e3);
    bench_gpu_put(b, "copy", "GB/s read and written", b->copy_rate / 1e9);
    return true;
}

int bench_gpu(const struct bench_gpu_options *options)
{
    struct bench_gpu b = { .options = *options };
    struct cli_backend where;
    char error[256];
    if (!cli_backend_parse(options->backend, &where))
        return CLI_USAGE;
    if (strcmp(where.name, "hip") || where.all || where.n != 1) {
        cli_error("--backend %s: one GPU is measured, hip or hip:N", options->backend);
        return CLI_USAGE;
    }
    b.backend = cli_backend_open(&where, 0, error, sizeof error);
    if (!b.backend) {
        cli_error("%s", error);
        return CLI_LACKS;
    }
    b.ops = attn_hip_ops_of(b.backend);
    b.ops->base.describe(b.backend, &b.device);
    if (options->json) {
        fputs("{\"gpu\":", stdout);
        cli_json_string(stdout, b.ops->card(b.backend));
        printf(",\"device\":\"%s\"", b.device.name);
    } else {
        printf("%s, planned for as %s\n", b.ops->card(b.backend), b.device.name);
    }
    int code = measure_copy(&b) ? CLI_GOOD : CLI_BROKEN;
    if (code == CLI_GOOD && options->rates)
        code = bench_rates(&b);
    if (code == CLI_GOOD && options->rank)
        code = bench_rank(&b);
    if (options->json)
        puts("}");
    b.ops->base.close(b.backend);
    return code;
}
