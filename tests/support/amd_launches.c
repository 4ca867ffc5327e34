/* amd_launches.c: the hip backend for AMD GPUs makes exactly the launches of a plan.
 *
 *   amd_launches [--wrong grid|block|lds|order|kernel] ATTN_HIP_SO RUNTIMES N [DEVICE]
 *
 * Loads the null HIP runtime from the folder RUNTIMES, and on it the backend, as it was compiled for AMD GPUs. On each
 * device (or the one named) N problems are generated from their numbers, and every able kernel's plan of each is run.
 * What the runtime recorded must be the plan's launches, in order, with grid, block and dynamic LDS; static LDS the
 * backend itself reads from the code and compares. Each launch's kernel is the one that the step or plan names, and one
 * instance of the host's build always comes out as one instance of AMD's, and the other way round.
 * --wrong makes what is expected wrong, now and then: then it must fail.
 * Exit code 0: all so; 1: something is not, it is printed; 2: usage, or something cannot be loaded.
 *
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/hip/attn_hip.h"
#include "fuzz/domain/domain.h"
#include "kernels/entries.h"
#include "fuzz/domain/mutate.h"
#include "subjects/null/null_hip.h"

enum { SHOWN_MAX = 20, INSTANCES_MAX = 4096, WRONG_EVERY = 1000, DEAR_EVERY = 16, DEVICES_MAX = 32 };

static const char *const step_names[] = { "convert", "convert", "scan", NULL, "combine" }; /* NULL: the kernel's own */
static const char *wrong = "";
static int failures;
static uint64_t launches, plans, per_kernel[ATTN_KERNEL_COUNT], per_step[ATTN_STEP_COUNT];

/* What the null runtime exports, from the copy of it that the backend was bound to. */
static const struct null_hip_launch *(*read_launches)(size_t *);
static void (*reset_launches)(void);
static void (*move_data)(bool);
static int (*count_devices)(void);
static int (*set_device)(int);
static const char *(*device_name)(int);

#define complain(...)                      \
    do {                                   \
        if (failures++ < SHOWN_MAX) {      \
            printf("FAILED " __VA_ARGS__); \
            printf("\n");                  \
        }                                  \
    } while (0)

/* ---- Instances: the host's entry and AMD's name of the same kernel --------------------------------------- */

static struct {
    attn_entry host;
    const char *amd;
} pair[INSTANCES_MAX];
static int n_pairs;

/* True when this host entry and this name belong together, or neither was seen before. Names are interned. */
static bool belong(attn_entry host, const char *amd)
{
    for (int i = 0; i < n_pairs; i++)
        if (pair[i].host == host || !strcmp(pair[i].amd, amd))
            return pair[i].host == host && !strcmp(pair[i].amd, amd);
    if (n_pairs == INSTANCES_MAX)
        return false;
    pair[n_pairs].host = host;
    pair[n_pairs++].amd = amd;
    return true;
}

/* ---- One plan -------------------------------------------------------------------------------------------- */

static bool same(const char *what, const uint32_t got[3], const uint32_t want[3], const char *context)
{
    if (!memcmp(got, want, 3 * sizeof *got))
        return true;
    complain("%s: %s %u %u %u, planned %u %u %u", context, what, got[0], got[1], got[2], want[0], want[1], want[2]);
    return false;
}

static void check_launch(const struct attn_plan *plan, int step, const struct null_hip_launch *l, int device,
                         const char *context)
{
    const struct attn_launch *want = &plan->launch[step];
    char kernel[64];
    snprintf(kernel, sizeof kernel, "%s_kernel", step_names[step] ? step_names[step] : attn_kernel(plan->kernel)->name);
    launches++;
    per_step[step]++;
    if (!strstr(l->kernel, kernel))
        complain("%s: launched %s, planned a %s", context, l->kernel, kernel);
    else if (!belong(attn_entry_find_plain(plan, step), l->kernel))
        complain("%s: launched %s, another instance than the host's build has for such a plan", context, l->kernel);
    same("grid", l->grid, want->grid, context);
    same("block", l->block, want->block, context);
    if (l->lds_dynamic != want->lds_dynamic_bytes)
        complain("%s: %u bytes of dynamic LDS, planned %u", context, l->lds_dynamic, want->lds_dynamic_bytes);
    if (l->flags || l->device != device)
        complain("%s: device %d, flags %u", context, l->device, l->flags);
}

/* What is expected is made wrong for one plan of many; returns false for a plan that cannot be. */
static bool spoil(struct attn_plan *plan)
{
    int step = ATTN_STEP_MAIN;
    if (!strcmp(wrong, "grid"))
        plan->launch[step].grid[1]++;
    else if (!strcmp(wrong, "block"))
        plan->launch[step].block[0] += (uint32_t)plan->wave_size;
    else if (!strcmp(wrong, "lds"))
        plan->launch[step].lds_dynamic_bytes++;
    else if (!strcmp(wrong, "order") && plan->steps >> ATTN_STEP_COMBINE & 1)
        plan->steps ^= 1u << ATTN_STEP_COMBINE | 1u << ATTN_STEP_SCAN;
    else if (!strcmp(wrong, "kernel") && plan->kernel != ATTN_KERNEL_naive)
        plan->kernel = ATTN_KERNEL_naive;
    else
        return false;
    return true;
}

static void check_plan(struct attn_backend *backend, struct attn_memory *memory, const struct attn_case *c,
                       const struct attn_plan *plan, int device)
{
    static bool spoiled;
    struct attn_failure failure;
    struct attn_plan expected = *plan;
    char context[256];
    size_t n, at = 0, want = 0;
    snprintf(context, sizeof context, "%s %s", plan->device.name, attn_kernel(plan->kernel)->name);
    plans++;
    per_kernel[plan->kernel]++;
    if (plans % WRONG_EVERY == 0)
        spoiled = false;
    if (*wrong && !spoiled)
        spoiled = spoil(&expected);
    reset_launches();
    if (!backend->ops->run(backend, memory, &c->problem, plan, &failure)) {
        complain("%s: %s", context, failure.text);
        return;
    }
    const struct null_hip_launch *l = read_launches(&n);
    for (int step = 0; step < ATTN_STEP_COUNT; step++) {
        if (!(expected.steps >> step & 1))
            continue;
        if (at < n)
            check_launch(&expected, step, &l[at++], device, context);
        want++;
    }
    if (n != want)
        complain("%s: %zu launches, planned %zu", context, n, want);
}

/* ---- Problems -------------------------------------------------------------------------------------------- */

/* One device with the backend open on it. */
struct opened {
    struct attn_backend *backend;
    struct attn_device described;
    int index;
    uint64_t plans;
};

static void check_on(struct opened *device, const struct attn_case *c, const struct attn_key *key,
                     const struct attn_image *image)
{
    struct attn_plan plan[ATTN_KERNEL_COUNT];
    struct attn_failure failure = { .text = "" };
    bool able[ATTN_KERNEL_COUNT];
    int64_t workspace = 0;
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++) {
        able[k] = attn_plan_kernel(&device->described, key, k, &plan[k], NULL);
        if (able[k] && plan[k].workspace_bytes > workspace)
            workspace = plan[k].workspace_bytes;
    }
    struct attn_backend *backend = device->backend;
    struct attn_memory *memory =
        set_device(device->index) ? NULL : backend->ops->alloc(backend, &c->problem, image, workspace, &failure);
    if (!memory || !backend->ops->upload(backend, memory, image, &failure))
        complain("%s: no memory: %s", device->described.name, failure.text);
    for (int k = 0; memory && k < ATTN_KERNEL_COUNT; k++)
        if (able[k]) {
            check_plan(backend, memory, c, &plan[k], device->index);
            device->plans++;
        }
    backend->ops->free(backend, memory);
}

static void check_problem(struct opened *devices, int n, uint64_t seed)
{
    /* Conversions, scans and many splits are planned for problems dearer than most. */
    static const struct attn_domain_limits usual = { 1 << 24, 1 << 18, 1 << 16, 0 },
                                           dear = { INT64_C(1) << 34, 1 << 23, 1 << 20, 0 };
    struct attn_genome genome;
    struct attn_case c;
    struct attn_key key;
    struct attn_image image;
    attn_genome_random(&genome, seed);
    attn_genome_case(&genome, seed % DEAR_EVERY ? &usual : &dear, &c);
    attn_key_of(&c.problem, &key);
    if (!attn_image_create(&c.problem, INT64_MAX, &image)) {
        complain("no memory for a problem");
        return;
    }
    for (int i = 0; i < n; i++)
        check_on(&devices[i], &c, &key, &image);
    attn_image_free(&image);
}

/* ---- The backend and its runtime ------------------------------------------------------------------------- */

static void bind(void *object, const char *name, void *function)
{
    void *symbol = dlsym(object, name);
    if (!symbol) {
        fprintf(stderr, "amd_launches: the backend was not bound to the null runtime: %s\n", dlerror());
        exit(2);
    }
    memcpy(function, &symbol, sizeof symbol);
}

static const struct attn_hip_plugin *load(const char *backend, const char *runtimes)
{
    static const char *const names[] = { "libamdhip64.so.6", "libamdhip64.so.7" };
    char path[4096];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", runtimes, names[i]);
        if (!dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
            fprintf(stderr, "amd_launches: %s\n", dlerror());
            exit(2);
        }
    }
    void *object = dlopen(backend, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        fprintf(stderr, "amd_launches: %s\n", dlerror());
        exit(2);
    }
    /* Looked up through the backend: in the runtime that it needs by name, of the two. */
    bind(object, "null_hip_launches", &read_launches);
    bind(object, "null_hip_reset", &reset_launches);
    bind(object, "null_hip_move_data", &move_data);
    bind(object, "null_hip_devices", &count_devices);
    bind(object, "null_hip_device", &device_name);
    bind(object, "hipSetDevice", &set_device);
    attn_hip_plugin_function plugin;
    bind(object, "attn_hip_plugin", &plugin);
    if (strcmp(plugin()->abi, ATTN_HIP_ABI)) {
        fprintf(stderr, "amd_launches: %s is of another build\n", backend);
        exit(2);
    }
    return plugin();
}

static bool open_device(const struct attn_hip_plugin *plugin, int index, struct opened *device)
{
    char error[256];
    *device = (struct opened){ .backend = plugin->open(index, error, sizeof error), .index = index };
    if (!device->backend)
        complain("%s: %s", device_name(index), error);
    else if (!device->backend->ops->describe(device->backend, &device->described) ||
             strcmp(device->described.name, device_name(index)))
        complain("%s: the backend takes it for another device", device_name(index));
    return device->backend != NULL;
}

/* Without names, every device is. */
static bool asked_for(const char *name, int n, char **names)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return true;
    return n <= 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "--wrong")) {
        wrong = argv[2];
        argv += 2, argc -= 2;
    }
    long long n = argc >= 4 ? atoll(argv[3]) : 0;
    if (n < 1) {
        fprintf(stderr,
                "usage: amd_launches [--wrong grid|block|lds|order|kernel] ATTN_HIP_SO RUNTIMES N [DEVICE...]\n");
        return 2;
    }
    const struct attn_hip_plugin *plugin = load(argv[1], argv[2]);
    struct opened opened[DEVICES_MAX];
    int devices = 0;
    move_data(false); /* nothing is computed from it */
    for (int i = 0; i < count_devices() && devices < DEVICES_MAX; i++)
        if (asked_for(device_name(i), argc - 4, argv + 4))
            devices += open_device(plugin, i, &opened[devices]);
    for (long long seed = 1; seed <= n; seed++)
        check_problem(opened, devices, (uint64_t)seed);
    for (int i = 0; i < devices; i++) {
        printf("%s: %lld problems, %" PRIu64 " plans\n", opened[i].described.name, n, opened[i].plans);
        opened[i].backend->ops->close(opened[i].backend);
    }
    printf("%d devices, %" PRIu64 " launches of %" PRIu64 " plans, %d instances\n", devices, launches, plans, n_pairs);
    for (int k = 0; k < ATTN_KERNEL_COUNT; k++)
        printf("  %s: %" PRIu64 " plans\n", attn_kernel(k)->name, per_kernel[k]);
    printf("  convert %" PRIu64 ", scan %" PRIu64 ", combine %" PRIu64 " launches\n",
           per_step[ATTN_STEP_CONVERT_K] + per_step[ATTN_STEP_CONVERT_V], per_step[ATTN_STEP_SCAN],
           per_step[ATTN_STEP_COMBINE]);
    /* A test that never saw a step would say nothing about it. */
    for (int step = 0; step < ATTN_STEP_COUNT; step++)
        if (!per_step[step] && n >= 1000)
            complain("no plan had a launch of step %d", step);
    return failures || !devices;
}
