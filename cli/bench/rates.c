/* rates.c: how fast a GPU decodes and prefills: bytes of K and V a second beside a copy's, multiply-adds,
 * and the time of some other shapes.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/bench/rates.h"
#include "cli/input/message.h"

/* The plan of a kernel, or of the planner's choice where the kernel is -1 or not able. */
static bool plan_of(const struct bench_gpu *b, const struct attn_key *key, int kernel, struct attn_plan *plan)
{
    return (kernel >= 0 && attn_plan_kernel(&b->device, key, kernel, plan, NULL)) ||
           attn_plan_key(&b->device, key, plan, NULL) >= 0;
}

static bool key_of_line(const char *line, struct attn_key *key)
{
    struct attn_case c;
    struct attn_text_error where;
    if (!attn_case_parse(line, strlen(line), &c, &where))
        return false;
    attn_key_of(&c.problem, key);
    return true;
}

/* ---- Decode ---------------------------------------------------------------------------------------------- */

/* One token for each of 16 sequences of 32,768 keys: K and V are read once and nothing else is of size. With a mask, as
 * servers have one, or without. */
static int decode(struct bench_gpu *b, int d, const char *type, bool masked)
{
    enum { REPEATS = 20 };
    char line[256], name[64], of[48];
    struct attn_key key;
    struct attn_plan plan;
    struct bench_problem p;
    snprintf(line, sizeof line, "fa1 q=f32[%d,1,32,16] k=%s[%d,32768,8,16] v=%s[%d,32768,8,16] scale=0.0625%s", d, type,
             d, type, d, masked ? " mask=f16[32768,1,1,1]" : "");
    if (!key_of_line(line, &key) || !plan_of(b, &key, attn_kernel_find("vec"), &plan))
        return CLI_BROKEN;
    int code = CLI_BROKEN;
    if (bench_problem_open(b, line, plan.workspace_bytes, 1, &p)) {
        const double ms = bench_milliseconds(b, &p, &plan, REPEATS, NULL);
        const double bytes =
            (double)(attn_tensor_span(&p.c.problem.t[ATTN_K]) + attn_tensor_span(&p.c.problem.t[ATTN_V]));
        if (ms > 0 && bench_judge(b, &p, &plan)) {
            double steps[ATTN_STEP_COUNT];
            b->ops->step_milliseconds(b->backend, steps);
            snprintf(of, sizeof of, "decode_%s_d%d_%s%s", attn_kernel(plan.kernel)->name, d, type,
                     masked ? "_mask" : "");
            bench_gpu_put(b, of, "GB/s of K and V", bytes / ms / 1e6);
            snprintf(name, sizeof name, "%s_of_copy", of);
            bench_gpu_put(b, name, "of the copy's rate", bytes / ms * 1e3 / b->copy_rate);
            snprintf(name, sizeof name, "%s_combine", of);
            bench_gpu_put(b, name, "of its time is the combine launch", steps[ATTN_STEP_COMBINE] / ms);
            code = CLI_GOOD;
        }
    }
    bench_problem_close(b, &p);
    return code;
}

/* ---- Prefill --------------------------------------------------------------------------------------------- */

static bool save(const char *folder, const char *name, const void *bytes, int64_t size)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return false;
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(bytes, 1, (size_t)size, file) == (size_t)size;
    if (file && fclose(file))
        good = false;
    if (!good)
        cli_error("%s: %s", path, strerror(errno));
    return good;
}

/* Q, K, V and dst as raw bytes and a description, for tests/gpu/sdpa.py. */
static bool save_all(const char *folder, const struct bench_problem *p, const struct attn_plan *plan, bool causal,
                     double ms)
{
    static const struct {
        int operand;
        const char *name;
    } files[] = { { ATTN_Q, "q.f32" }, { ATTN_K, "k.f16" }, { ATTN_V, "v.f16" }, { ATTN_DST, "dst.f32" } };
    char text[512];
    if (mkdir(folder, 0777) && errno != EEXIST) {
        cli_error("%s: %s", folder, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const struct attn_buffer *buffer = &p->image.buffer[p->image.buffer_of[files[i].operand]];
        if (!save(folder, files[i].name, buffer->bytes, buffer->size))
            return false;
    }
    const struct attn_problem *problem = &p->c.problem;
    int n = snprintf(
        text, sizeof text,
        "{\"d\":%" PRId64 ",\"n_q\":%" PRId64 ",\"n_kv\":%" PRId64 ",\"n_head\":%" PRId64 ",\"n_head_kv\":%" PRId64
        ",\"n_seq\":%" PRId64 ",\"scale\":%.9g,\"causal\":%s,\"kernel\":\"%s\",\"milliseconds\":%.6g}\n",
        attn_d_k(problem), attn_n_q(problem), attn_n_kv(problem), attn_n_head(problem), attn_n_head_kv(problem),
        attn_n_seq(problem), (double)problem->scale, causal ? "true" : "false", attn_kernel(plan->kernel)->name, ms);
    return save(folder, "problem.json", text, n);
}

/* Other shapes whose time is of interest: milliseconds and, where the multiply-adds are what costs, their rate. */
static const struct shape {
    const char *name, *line;
    const char *kernel; /* that is measured where it is able; else the planner's choice is */
    bool rate;
} shapes[] = {
    { "prefill_d256", "fa1 q=f32[256,4096,32,1] k=f16[256,4096,16,1] v=f16[256,4096,16,1] scale=0.0625", "mma", true },
    { "prefill_d256_causal",
      "fa1 q=f32[256,4096,32,1] k=f16[256,4096,16,1] v=f16[256,4096,16,1] mask=f16[4096,4096,1,1] scale=0.0625", "mma",
      false },
    { "prefill_d512", "fa1 q=f32[512,2048,16,1] k=f16[512,2048,2,1] v=f16[512,2048,2,1] scale=0.0441941738", "mma",
      true },
    { "prefill_d512_causal",
      "fa1 q=f32[512,2048,16,1] k=f16[512,2048,2,1] v=f16[512,2048,2,1] mask=f16[2048,2048,1,1] scale=0.0441941738",
      "mma", false },
    { "decode_mla",
      "fa1 q=f32[576,1,128,1] k=f16[576,16384,1,1]@a v=f16[512,16384,1,1]@a:1152,18874368,18874368 "
      "scale=0.0416666679",
      NULL, false },
    { "decode_mla_masked",
      "fa1 q=f32[576,1,128,1] k=f16[576,16384,1,1]@a v=f16[512,16384,1,1]@a:1152,18874368,18874368 "
      "mask=f16[16384,1,1,1] scale=0.0416666679",
      NULL, false },
    { "rows11_d256",
      "fa1 q=f32[256,11,32,1] k=f16[256,8192,16,1] v=f16[256,8192,16,1] mask=f16[8192,11,1,1] "
      "scale=0.0625",
      NULL, false },
};

static int measure_shape(struct bench_gpu *b, const struct shape *shape)
{
    enum { REPEATS = 11 };
    char name[64];
    struct attn_key key;
    struct attn_plan plan;
    struct bench_problem p;
    const int kernel = shape->kernel ? attn_kernel_find(shape->kernel) : -1;
    if (!key_of_line(shape->line, &key) || !plan_of(b, &key, kernel, &plan))
        return CLI_BROKEN;
    int code = CLI_BROKEN;
    if (bench_problem_open(b, shape->line, plan.workspace_bytes, 1, &p)) {
        const double ms = bench_milliseconds(b, &p, &plan, REPEATS, NULL);
        if (ms > 0 && bench_judge(b, &p, &plan)) {
            snprintf(name, sizeof name, "%s_%s", shape->name, attn_kernel(plan.kernel)->name);
            bench_gpu_put(b, name, "ms", ms);
            if (shape->rate) {
                snprintf(name, sizeof name, "%s_%s_rate", shape->name, attn_kernel(plan.kernel)->name);
                bench_gpu_put(b, name, "TFLOP/s", 2 * (double)attn_problem_work(&p.c.problem) / ms / 1e9);
            }
            code = CLI_GOOD;
        }
    }
    bench_problem_close(b, &p);
    return code;
}

static int prefill(struct bench_gpu *b, bool causal)
{
    enum { REPEATS = 11 };
    static const char *const masks[] = { "", " mask=f16[8192,8192,1,1]" };
    char line[256], name[64], folder[4096];
    struct attn_key key;
    struct attn_plan plan;
    struct bench_problem p;
    snprintf(line, sizeof line, "fa1 q=f32[128,8192,32,1] k=f16[128,8192,8,1] v=f16[128,8192,8,1]%s scale=0.088388346",
             masks[causal]);
    if (!key_of_line(line, &key) || !plan_of(b, &key, attn_kernel_find("mma"), &plan))
        return CLI_BROKEN;
    int code = CLI_BROKEN;
    if (bench_problem_open(b, line, plan.workspace_bytes, 1, &p)) {
        const double ms = bench_milliseconds(b, &p, &plan, REPEATS, NULL);
        const double madds = (double)attn_problem_work(&p.c.problem);
        const char *kernel = attn_kernel(plan.kernel)->name, *what = causal ? "_causal" : "";
        if (ms > 0 && bench_judge(b, &p, &plan)) {
            snprintf(name, sizeof name, "prefill_%s%s", kernel, what);
            bench_gpu_put(b, name, "ms", ms);
            if (!causal) {
                snprintf(name, sizeof name, "prefill_%s_rate", kernel);
                bench_gpu_put(b, name, "TFLOP/s", 2 * madds / ms / 1e9);
            }
            code = CLI_GOOD;
        }
        if (code == CLI_GOOD && b->options.save) {
            snprintf(folder, sizeof folder, "%s%s", b->options.save, what);
            if (!save_all(folder, &p, &plan, causal, ms))
                code = CLI_USAGE;
        }
    }
    bench_problem_close(b, &p);
    return code;
}

int bench_rates(struct bench_gpu *b)
{
    static const struct {
        int d;
        const char *type;
        bool masked;
    } decodes[] = { { 128, "q8_0", false }, { 256, "q8_0", false }, { 128, "q4_0", false }, { 256, "q4_0", false },
                    { 128, "f16", false },  { 256, "f16", false },  { 128, "bf16", false }, { 256, "bf16", false },
                    { 128, "f16", true },   { 256, "f16", true },   { 128, "bf16", true },  { 256, "bf16", true } };
    int code = CLI_GOOD;
    for (size_t i = 0; i < sizeof decodes / sizeof decodes[0]; i++) {
        int one = decode(b, decodes[i].d, decodes[i].type, decodes[i].masked);
        code = one > code ? one : code;
    }
    for (int causal = 0; causal < 2; causal++) {
        int one = prefill(b, causal);
        code = one > code ? one : code;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        int one = measure_shape(b, &shapes[i]);
        code = one > code ? one : code;
    }
    return code;
}
