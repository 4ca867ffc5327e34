/* replay.c: a proof on one call, by a compiler and without a solver.
 *
 *   replay LINE        runs the proof (PROOF_RUN) on the line's call and device. Exit code 1: it fails, for the reason
 *                      printed; 0: it does not; 2: the line cannot be read
 *   replay - ROW WEAKENING NUMBER...    prints the line of a counterexample: for each tensor present, type, buffer,
 *                      offset, four extents, four strides
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proof/proof.h"

void PROOF_RUN(void);

static struct attn_device device;
static struct attn_problem problem;
static int row, weakening;

/* Every choice is tried: the last one that has a next takes it, those after it begin anew. */
enum { CHOICES = 8 };
static int chosen[CHOICES], among[CHOICES], at, depth;
static bool assumed; /* all that this run has assumed */

void proof_assume(bool holds) { assumed = assumed && holds; }

void proof_assert(bool holds, const char *what)
{
    if (!assumed || holds)
        return;
    printf("%s: no\n", what);
    exit(1);
}

int proof_choice(int n)
{
    if (at == CHOICES)
        exit(2);
    if (at == depth) {
        chosen[depth] = 0;
        among[depth++] = n;
    }
    return chosen[at++];
}

static bool next_choices(void)
{
    while (depth > 0 && chosen[depth - 1] + 1 == among[depth - 1])
        depth--;
    if (depth > 0)
        chosen[depth - 1]++;
    return depth > 0;
}

struct attn_device proof_device(void) { return device; }
struct attn_problem proof_problem(void) { return problem; }

static int print_line(int argc, char **argv)
{
    int i = 2;
    char line[ATTN_LINE_MAX];
    const char *what = "";
    if (argc != 4 + ATTN_OPERAND_COUNT * 12)
        return 2;
    row = atoi(argv[i++]);
    weakening = atoi(argv[i++]);
    for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
        struct attn_tensor *t = &problem.t[o];
        t->present = (uint8_t)atoi(argv[i++]);
        t->type = (uint8_t)atoi(argv[i++]);
        t->buffer = (uint8_t)atoi(argv[i++]);
        t->offset = atoll(argv[i++]);
        for (int d = 0; d < 4; d++)
            t->ne[d] = atoll(argv[i++]);
        for (int d = 0; d < 4; d++)
            t->nb[d] = atoll(argv[i++]);
        for (int d = 1; d < 4; d++) /* strides that mean nothing are left out of the line */
            if (t->present && t->ne[d] == 1) {
                struct attn_tensor same = *t;
                attn_tensor_contiguous(&same);
                t->nb[d] = same.nb[d];
            }
    }
    problem.scale = 1.0f;
    problem.head_total = attn_n_head(&problem);
    attn_problem_print(&problem, line, sizeof line);
    if (weakening >= 0)
        attn_device_weaken(attn_device(row), weakening, &device, &what);
    printf("%s | dev=%s%s%s\n", line, attn_device(row)->name, *what ? "~" : "", what);
    return 0;
}

int main(int argc, char **argv)
{
    size_t used;
    if (argc > 1 && strcmp(argv[1], "-") == 0)
        return print_line(argc, argv);
    if (argc != 2 || !attn_problem_parse(argv[1], strlen(argv[1]), &problem, &used, NULL) ||
        attn_problem_check(&problem, NULL) != ATTN_E_OK)
        return 2;
    const char *name = strstr(argv[1] + used, "dev=");
    if (!name || !attn_device_named(name + 4, strcspn(name + 4, " "), &row, &weakening))
        return 2;
    device = *attn_device(row);
    if (weakening >= 0)
        attn_device_weaken(attn_device(row), weakening, &device, NULL);
    do {
        at = 0;
        assumed = true;
        PROOF_RUN();
    } while (next_choices());
    puts("holds");
    return 0;
}
