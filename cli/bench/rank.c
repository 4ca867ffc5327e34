/* rank.c: does the planner's cost rank kernels as the clock does? Shapes are drawn by a seed, every able kernel is
 * timed on each.
 *
 * Two kernels tie on a shape when their times (medians) differ by no more than 2% of the smaller or by the noise, which
 * is the larger of their spreads: the distance between the medians of a kernel's two batches of runs; other kernels'
 * batches lie between the two. The planner is right about a shape when its cheapest kernel is the fastest or ties with
 * it. Pairs of kernels that do not tie agree when cost and time order them alike.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/bench/rank.h"
#include "cli/input/message.h"
#include "planner/random.h"

static const double TIE = 0.02;

/* ---- Shapes ---------------------------------------------------------------------------------------------- */

/* Not attn_random_below: the shapes of a seed are what measurements of earlier versions were made of. */
static int64_t below(uint64_t *state, int64_t n) { return (int64_t)(attn_random(state) % (uint64_t)n); }

/* From low to high, as likely in each octave. */
static int64_t log_uniform(uint64_t *state, int64_t low, int64_t high)
{
    const double u = (double)(attn_random(state) >> 11) * 0x1p-53;
    return (int64_t)(exp(log((double)low) + u * (log((double)high + 1) - log((double)low))));
}

/* A head size that models have: the largest instance is there for what runs padded on it. */
static const struct attn_head_size *draw_head_size(uint64_t *state)
{
    const struct attn_head_size *sizes[ATTN_HEAD_SIZE_COUNT];
    int n = 0;
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++)
        if (attn_head_size(i)->d_v <= 512)
            sizes[n++] = attn_head_size(i);
    return sizes[below(state, n)];
}

/* What servers ask for: one token for some sequences, a draft, or part of a prompt; causal, mostly with a mask. Within
 * what the slowest kernel does in a second. */
static void draw(uint64_t *state, char *line, size_t cap)
{
    static const char *const types[] = { "f16",  "f16",  "f16",  "f16",  "f16",  "f16",
                                         "bf16", "q8_0", "q8_0", "q4_0", "q5_1", "f32" };
    static const int64_t ratios[] = { 1, 1, 2, 3, 4, 4, 5, 7, 8, 8, 12, 16 };
    struct attn_case c;
    struct attn_text_error where;
    do {
        const struct attn_head_size *size = draw_head_size(state);
        const char *type = types[below(state, sizeof types / sizeof types[0])];
        const int64_t kind = below(state, 10);
        const int64_t n_q = kind < 4 ? 1 : kind < 6 ? 2 + below(state, 15) : log_uniform(state, 17, 4096);
        const int64_t n_seq = n_q == 1 ? log_uniform(state, 1, 32) : 1, heads_kv = log_uniform(state, 1, 16);
        const int64_t ratio = ratios[below(state, sizeof ratios / sizeof ratios[0])];
        int64_t n_kv = log_uniform(state, 32, 65536);
        if (n_kv < n_q)
            n_kv = n_q;
        int n = snprintf(line, cap,
                         "fa1 q=f32[%d,%" PRId64 ",%" PRId64 ",%" PRId64 "] k=%s[%d,%" PRId64 ",%" PRId64 ",%" PRId64
                         "] v=%s[%d,%" PRId64 ",%" PRId64 ",%" PRId64 "]",
                         size->d_k, n_q, heads_kv * ratio, n_seq, type, size->d_k, n_kv, heads_kv, n_seq, type,
                         size->d_v, n_kv, heads_kv, n_seq);
        if (below(state, 10) < 8)
            n += snprintf(line + n, cap - (size_t)n, " mask=f16[%" PRId64 ",%" PRId64 ",1,1]", (n_kv + 255) / 256 * 256,
                          n_q);
        snprintf(line + n, cap - (size_t)n, " scale=0.0625");
    } while (!attn_case_parse(line, strlen(line), &c, &where) || attn_problem_check(&c.problem, NULL) != ATTN_E_OK ||
             attn_problem_work(&c.problem) > INT64_C(20000000000) || attn_image_bytes(&c.problem) > INT64_C(1) << 30);
}

/* ---- One shape ------------------------------------------------------------------------------------------- */

struct tally {
    int64_t shapes, right, sole; /* sole: shapes with one able kernel, right without saying */
    int64_t pairs, agree, tied;
    double lost; /* sum of log(time of the cheapest / time of the fastest) */
};

struct timed {
    struct attn_plan plan;
    double ms, spread;
};

static bool ties(const struct timed *a, const struct timed *b)
{
    return fabs(a->ms - b->ms) <= fmax(TIE * fmin(a->ms, b->ms), fmax(a->spread, b->spread));
}

/* Two batches a kernel, in turn. */
static bool time_all(struct bench_gpu *b, struct bench_problem *p, struct timed *timed, int n)
{
    double batch[2][ATTN_KERNEL_COUNT];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < n; i++) {
            /* About 10 ms a batch, at least 3 runs. */
            const double guess = round == 0 ? bench_milliseconds(b, p, &timed[i].plan, 1, NULL) : batch[0][i];
            if (guess < 0)
                return false;
            const int repeats = guess > 3.0 ? 3 : guess < 0.25 ? 40 : (int)(10.0 / guess);
            batch[round][i] = bench_milliseconds(b, p, &timed[i].plan, repeats, NULL);
            if (batch[round][i] < 0)
                return false;
        }
    for (int i = 0; i < n; i++) {
        timed[i].ms = (batch[0][i] + batch[1][i]) / 2;
        timed[i].spread = fabs(batch[0][i] - batch[1][i]);
    }
    return true;
}

static void report(const struct bench_gpu *b, const char *line, const struct timed *timed, int n, bool right)
{
    if (b->options.json) {
        fputs("{\"line\":", stdout);
        cli_json_string(stdout, line);
        printf(",\"right\":%s,\"kernels\":[", right ? "true" : "false");
        for (int i = 0; i < n; i++)
            printf("%s{\"kernel\":\"%s\",\"us\":%.6g,\"spread_us\":%.4g,\"cost_us\":%.6g}", i ? "," : "",
                   attn_kernel(timed[i].plan.kernel)->name, timed[i].ms * 1e3, timed[i].spread * 1e3,
                   (double)timed[i].plan.cost / 16e3);
        fputs("]}", stdout);
    } else {
        printf("%s ", right ? "right" : "wrong");
        for (int i = 0; i < n; i++)
            printf(" %s %.1f us (cost %.1f)", attn_kernel(timed[i].plan.kernel)->name, timed[i].ms * 1e3,
                   (double)timed[i].plan.cost / 16e3);
        printf("  %s\n", line);
    }
    fflush(stdout);
}

static void judge(const struct timed *timed, int n, int cheapest, struct tally *tally, bool *right)
{
    int fastest = 0;
    for (int i = 1; i < n; i++)
        if (timed[i].ms < timed[fastest].ms)
            fastest = i;
    *right = ties(&timed[cheapest], &timed[fastest]);
    tally->shapes++;
    tally->right += *right;
    tally->sole += n == 1;
    tally->lost += log(timed[cheapest].ms / timed[fastest].ms);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            if (ties(&timed[i], &timed[j])) {
                tally->tied++;
                continue;
            }
            tally->pairs++;
            tally->agree += (timed[i].plan.cost < timed[j].plan.cost) == (timed[i].ms < timed[j].ms);
        }
}

static bool rank_one(struct bench_gpu *b, const char *line, struct tally *tally)
{
    const int64_t caches = INT64_C(256) << 20; /* more than any GPU's */
    struct timed timed[ATTN_KERNEL_COUNT];
    struct bench_problem p;
    struct attn_case c;
    struct attn_text_error where;
    struct attn_key key;
    int64_t workspace = 0;
    int n = 0, cheapest = 0;
    bool right;
    attn_case_parse(line, strlen(line), &c, &where);
    attn_key_of(&c.problem, &key);
    const int chosen = attn_plan_key(&b->device, &key, NULL, NULL);
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
        if (!attn_plan_kernel(&b->device, &key, kernel, &timed[n].plan, NULL))
            continue;
        if (kernel == chosen)
            cheapest = n;
        if (timed[n].plan.workspace_bytes > workspace)
            workspace = timed[n].plan.workspace_bytes;
        n++;
    }
    int64_t memories = caches / (attn_image_bytes(&c.problem) + 1) + 1;
    if (memories > BENCH_MEMORIES_MAX)
        memories = BENCH_MEMORIES_MAX;
    bool good = bench_problem_open(b, line, workspace, (int)memories, &p) && time_all(b, &p, timed, n);
    bench_problem_close(b, &p);
    if (good) {
        judge(timed, n, cheapest, tally, &right);
        report(b, line, timed, n, right);
    }
    return good;
}

int bench_rank(struct bench_gpu *b)
{
    uint64_t state = (uint64_t)b->options.seed;
    struct tally tally = { 0 };
    char line[512];
    if (b->options.json)
        fputs(",\"rank\":[", stdout);
    for (int64_t i = 0; i < b->options.rank; i++) {
        draw(&state, line, sizeof line);
        if (i && b->options.json)
            putchar(',');
        if (!rank_one(b, line, &tally))
            return CLI_BROKEN;
    }
    if (b->options.json)
        putchar(']');
    bench_gpu_put(b, "rank_shapes", "shapes", (double)tally.shapes);
    bench_gpu_put(b, "rank_sole", "of them with one able kernel", (double)tally.sole);
    bench_gpu_put(b, "rank_right", "of shapes: the cheapest is the fastest, or ties",
                  (double)tally.right / (double)tally.shapes);
    bench_gpu_put(b, "rank_lost", "times the fastest, geometric mean of the cheapest",
                  exp(tally.lost / (double)tally.shapes));
    bench_gpu_put(b, "rank_pairs", "of pairs that do not tie are in the right order",
                  tally.pairs ? (double)tally.agree / (double)tally.pairs : 1.0);
    bench_gpu_put(b, "rank_tied", "pairs tie", (double)tally.tied);
    return CLI_GOOD;
}
