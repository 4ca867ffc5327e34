/* machine.c: see machine.h.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/bench/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/input/clock.h"
#include "cli/input/message.h"
#include "isa/count.h"
#include "isa/isa.h"
#include "kernels/machine/attn_machine.h"

struct counted {
    struct isa_counts step[ATTN_STEP_COUNT];
    double plain, checked; /* wave instructions a second */
};

struct measured {
    struct attn_backend *backend;
    struct attn_memory *memory;
    const struct attn_problem *problem;
    const struct attn_image *image;
    double seconds;
    struct attn_failure failure;
};

/* ---- Counting -------------------------------------------------------------------------------------------- */

static uint64_t instructions_of(const struct isa_counts *counts)
{
    uint64_t n = 0;
    for (int class = 0; class < ISA_CLASS_COUNT; class++)
        n += counts->instructions[class];
    return n;
}

static bool run_once(struct measured *m, const struct attn_plan *plan)
{
    const struct attn_backend_ops *ops = m->backend->ops;
    return ops->upload(m->backend, m->memory, m->image, &m->failure) &&
           ops->run(m->backend, m->memory, m->problem, plan, &m->failure);
}

/* Runs the plan for a while; 0 when it fails. CPU time: the machine may be a busy one. */
static double rate(struct measured *m, const struct attn_plan *plan, bool checked, uint64_t instructions)
{
    const struct isa_options options = { .checked = checked };
    attn_machine_options(m->backend, &options);
    attn_machine_count(m->backend, NULL);
    int64_t runs = 0;
    double begin = cli_cpu_now(), took = 0;
    for (; took < m->seconds; took = cli_cpu_now() - begin, runs++)
        if (!run_once(m, plan))
            return 0;
    return (double)runs * (double)instructions / took;
}

static bool measure(struct measured *m, const struct attn_plan *plan, struct counted *counted)
{
    const struct isa_options options = { .checked = true };
    uint64_t instructions = 0;
    memset(counted, 0, sizeof *counted);
    m->memory = m->backend->ops->alloc(m->backend, m->problem, m->image, plan->workspace_bytes, &m->failure);
    if (!m->memory)
        return false;
    attn_machine_options(m->backend, &options);
    attn_machine_count(m->backend, counted->step);
    bool good = run_once(m, plan);
    for (int step = 0; step < ATTN_STEP_COUNT; step++)
        instructions += instructions_of(&counted->step[step]);
    good = good && (counted->plain = rate(m, plan, false, instructions)) > 0 &&
           (counted->checked = rate(m, plan, true, instructions)) > 0;
    m->backend->ops->free(m->backend, m->memory);
    return good;
}

/* ---- What the problem needs ------------------------------------------------------------------------------ */

static uint64_t bytes_of(const struct attn_problem *p, int operand)
{
    const struct attn_tensor *t = &p->t[operand];
    return (uint64_t)(attn_row_bytes(t->type, t->ne[0]) * t->ne[1] * t->ne[2] * t->ne[3]);
}

void bench_machine_least(const struct attn_problem *p, uint64_t *read, uint64_t *written)
{
    *read = 0;
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++)
        if (o != ATTN_DST && p->t[o].present)
            *read += bytes_of(p, o);
    *written = bytes_of(p, ATTN_DST);
}

static double times(uint64_t a, uint64_t b) { return b ? (double)a / (double)b : 0; }

/* ---- Printing -------------------------------------------------------------------------------------------- */

void bench_machine_put(const char *name, const struct isa_counts *n, uint64_t read, uint64_t written)
{
    printf("  %-9s %" PRIu64 " wave instructions of %" PRIu64 " waves:", name, instructions_of(n), n->waves);
    const char *comma = "";
    for (int class = 0; class < ISA_CLASS_COUNT; class++)
        if (n->instructions[class]) {
            printf("%s %s %" PRIu64, comma, isa_class_name(class), n->instructions[class]);
            comma = ",";
        }
    printf("\n            read %" PRIu64 " bytes", n->global_read + n->scalar_read);
    if (read)
        printf(" (%.2f of the least)", times(n->global_read + n->scalar_read, read));
    printf(", written %" PRIu64, n->global_written);
    if (written)
        printf(" (%.2f)", times(n->global_written, written));
    if (n->scratch_read + n->scratch_written)
        printf(", scratch %" PRIu64 " and %" PRIu64, n->scratch_read, n->scratch_written);
    printf("; LDS read %" PRIu64 ", written %" PRIu64 ", bank passes %.2f of the least; lanes active %.1f%%\n",
           n->lds_read, n->lds_written, times(n->lds_passes, n->lds_passes_least),
           100 * times(n->lanes_active, n->lanes_there));
}

void bench_machine_put_json(const char *name, const struct isa_counts *n, const char *comma)
{
    printf("%s\"%s\":{\"groups\":%" PRIu64 ",\"waves\":%" PRIu64 ",\"wave_instructions\":%" PRIu64 ",\"by_class\":{",
           comma, name, n->groups, n->waves, instructions_of(n));
    const char *between = "";
    for (int class = 0; class < ISA_CLASS_COUNT; class++)
        if (n->instructions[class]) {
            printf("%s\"%s\":%" PRIu64, between, isa_class_name(class), n->instructions[class]);
            between = ",";
        }
    printf("},\"global_read\":%" PRIu64 ",\"scalar_read\":%" PRIu64 ",\"global_written\":%" PRIu64
           ",\"scratch_read\":%" PRIu64 ",\"scratch_written\":%" PRIu64 ",\"lds_read\":%" PRIu64
           ",\"lds_written\":%" PRIu64 ",\"lds_passes\":%" PRIu64 ",\"lds_passes_least\":%" PRIu64
           ",\"lanes_active\":%" PRIu64 ",\"lanes_there\":%" PRIu64 "}",
           n->global_read, n->scalar_read, n->global_written, n->scratch_read, n->scratch_written, n->lds_read,
           n->lds_written, n->lds_passes, n->lds_passes_least, n->lanes_active, n->lanes_there);
}

static void put_kernel(const struct attn_plan *plan, const struct counted *c, uint64_t read, uint64_t written,
                       bool json, const char *comma)
{
    if (json)
        printf("%s\"%s\":{\"plain_per_second\":%.6g,\"checked_per_second\":%.6g,\"launches\":{", comma,
               attn_kernel(plan->kernel)->name, c->plain, c->checked);
    else
        printf("%-10s executed at %.2f M wave instructions/s, checked at %.2f M\n", attn_kernel(plan->kernel)->name,
               c->plain / 1e6, c->checked / 1e6);
    const char *between = "";
    for (int step = 0; step < ATTN_STEP_COUNT; step++)
        if (plan->steps >> step & 1u) {
            if (json)
                bench_machine_put_json(attn_step_name(step), &c->step[step], between);
            else
                bench_machine_put(attn_step_name(step), &c->step[step], step == ATTN_STEP_MAIN ? read : 0,
                                  step == ATTN_STEP_MAIN ? written : 0);
            between = ",";
        }
    if (json)
        fputs("}}", stdout);
}

/* ---- The verb's part ------------------------------------------------------------------------------------- */

bool bench_machine_rates(const struct attn_case *c, const struct attn_device *device, const struct attn_image *image,
                         const struct attn_plan *plan, double seconds, double *plain, double *checked)
{
    char error[512];
    struct counted counted;
    struct measured m = { .problem = &c->problem, .image = image, .seconds = seconds };
    m.backend = attn_machine_open(device->name, error, sizeof error);
    if (!m.backend)
        return false;
    const bool good = measure(&m, plan, &counted);
    m.backend->ops->close(m.backend);
    *plain = counted.plain;
    *checked = counted.checked;
    return good;
}

int bench_machine(const struct attn_case *c, const struct attn_device *device, const struct attn_image *image,
                  double seconds, bool json)
{
    char error[512];
    struct attn_key key;
    struct measured m = { .problem = &c->problem, .image = image, .seconds = seconds };
    uint64_t read, written;
    int code = CLI_GOOD;
    m.backend = attn_machine_open(device->name, error, sizeof error);
    if (!m.backend) {
        cli_error("%s", error);
        return CLI_LACKS;
    }
    attn_key_of(&c->problem, &key);
    bench_machine_least(&c->problem, &read, &written);
    if (json)
        printf("{\"device\":\"%s\",\"least_read\":%" PRIu64 ",\"least_written\":%" PRIu64 ",\"kernels\":{",
               device->name, read, written);
    else
        printf("%s, least bytes read %" PRIu64 ", written %" PRIu64 "\n", device->name, read, written);
    const char *comma = "";
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
        struct attn_plan plan;
        struct counted counted;
        if (!attn_plan_kernel(device, &key, kernel, &plan, NULL))
            continue;
        if (!measure(&m, &plan, &counted)) {
            cli_error("%s", m.failure.text);
            code = CLI_BROKEN;
            continue;
        }
        put_kernel(&plan, &counted, read, written, json, comma);
        comma = ",";
    }
    if (json)
        puts("}}");
    m.backend->ops->close(m.backend);
    return code;
}
