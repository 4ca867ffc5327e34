/* gpu.h: attnfuzz bench --backend hip.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_BENCH_GPU_H
#define ATTNFUZZ_BENCH_GPU_H

#include "cli/bench/measure.h"

/* Opens the GPU and measures what the options ask for. An exit code: CLI_LACKS without a GPU, CLI_BROKEN when a result
 * is wrong or a kernel fails, CLI_USAGE when a file cannot be written. */
int bench_gpu(const struct bench_gpu_options *options);

#endif
