/* amd_metadata.c: every kernel in code objects for AMD GPUs held against the plans that launch it.
 *
 *   amd_metadata [--wrong-lds BYTES] TABLE FILE...
 *
 * For plans of every kind on the devices that the files are for: the instance that each launch names (the host's build
 * says which function it is, its symbol which instance) is there, its static LDS is exactly what the plan says, it
 * takes as many threads as the plan has, its wave size is the plan's, and its body is real. Every instance in the
 * files, but for stubs, is one that a plan launches. Scratch and spills are zero, or listed in TABLE with a reason;
 * what is listed is needed.
 * --wrong-lds makes every plan's static LDS wrong by so much: then it must fail.
 * Exit code 0: all so; 1: something is not, it is printed; 2: a file or the table cannot be read.
 *
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <fnmatch.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code/object.h"
#include "fuzz/domain/domain.h"
#include "kernels/entries.h"
#include "fuzz/domain/mutate.h"

enum { INSTANCES_MAX = 1 << 16, EXEMPT_MAX = 256, SHOWN_MAX = 40, RANDOM_PLANS = 6000 };

struct instance {
    const struct attn_code_kernel *kernel;
    char name[256]; /* as the host names it */
    bool reached;
};

struct exemption {
    char target[32], pattern[256];
    long scratch, vgpr_spills, sgpr_spills;
    int line;
    bool needed;
};

static struct instance instance[INSTANCES_MAX];
static int n_instances;
static struct exemption exempt[EXEMPT_MAX];
static int n_exempt;
static int failures;
static char missing[1024][256]; /* "target name" of instances without code that were complained about */
static int n_missing;
static int64_t wrong_lds, launches;

#define complain(...)                      \
    do {                                   \
        if (failures++ < SHOWN_MAX) {      \
            printf("FAILED " __VA_ARGS__); \
            printf("\n");                  \
        }                                  \
    } while (0)

/* ---- Names ----------------------------------------------------------------------------------------------- */

/* Device functions are visible, the host's are not: "_Z11tile_kernel..." there is "_ZL11tile_kernel..." here. */
static void without_linkage(const char *name, char *text, size_t cap)
{
    bool internal = strncmp(name, "_ZL", 3) == 0;
    snprintf(text, cap, "%s%s", internal ? "_Z" : "", internal ? name + 3 : name);
}

struct function {
    uintptr_t at;
    const char *name;
};
static struct function *function;
static size_t n_functions;
static Elf *self;

static int by_place(const void *a, const void *b)
{
    const struct function *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

int main(int argc, char **argv);

/* Functions of this program, with the places they were loaded to. */
static bool read_self(void)
{
    int file = open("/proc/self/exe", O_RDONLY);
    uintptr_t base = 0;
    bool based = false;
    elf_version(EV_CURRENT);
    self = elf_begin(file, ELF_C_READ, NULL);
    for (Elf_Scn *section = NULL; self && (section = elf_nextscn(self, section));) {
        GElf_Shdr header;
        Elf_Data *data = elf_getdata(section, NULL);
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB || !data)
            continue;
        n_functions = 0;
        function = calloc(data->d_size / header.sh_entsize, sizeof *function);
        for (size_t i = 0; function && i < data->d_size / header.sh_entsize; i++) {
            GElf_Sym symbol;
            gelf_getsym(data, (int)i, &symbol);
            if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
                continue;
            const char *name = elf_strptr(self, header.sh_link, symbol.st_name);
            function[n_functions++] = (struct function){ (uintptr_t)symbol.st_value, name };
            if (name && strcmp(name, "main") == 0) {
                base = (uintptr_t)main - (uintptr_t)symbol.st_value;
                based = true;
            }
        }
    }
    for (size_t i = 0; i < n_functions; i++)
        function[i].at += base;
    if (n_functions)
        qsort(function, n_functions, sizeof *function, by_place);
    return based;
}

static const char *function_at(uintptr_t at)
{
    size_t low = 0, high = n_functions;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (function[middle].at == at)
            return function[middle].name;
        if (function[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Files ----------------------------------------------------------------------------------------------- */

static bool read_file(const char *path, struct attn_code **code)
{
    struct attn_code_error error;
    *code = attn_code_open(path, NULL, &error);
    if (!*code) {
        fprintf(stderr, "%s: at byte %" PRIu64 ": %s\n", path, error.at, error.text);
        return false;
    }
    for (size_t i = 0; i < attn_code_count(*code) && n_instances < INSTANCES_MAX; i++) {
        struct instance *one = &instance[n_instances++];
        one->kernel = attn_code_kernel(*code, i);
        one->reached = false;
        without_linkage(one->kernel->name, one->name, sizeof one->name);
    }
    return true;
}

/* "TARGET PATTERN SCRATCH VGPR_SPILLS SGPR_SPILLS REASON", '#' comments. */
static bool read_table(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[1024];
    if (!file) {
        fprintf(stderr, "%s: cannot be opened\n", path);
        return false;
    }
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        struct exemption *e = &exempt[n_exempt];
        int reason = 0;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (n_exempt == EXEMPT_MAX ||
            sscanf(line, "%31s %255s %ld %ld %ld %n", e->target, e->pattern, &e->scratch, &e->vgpr_spills,
                   &e->sgpr_spills, &reason) != 5 ||
            reason == 0 || strlen(line + reason) < 10) {
            fprintf(stderr, "%s:%d: TARGET PATTERN SCRATCH VGPR_SPILLS SGPR_SPILLS REASON are expected\n", path,
                    number);
            fclose(file);
            return false;
        }
        e->line = number;
        e->needed = false;
        n_exempt++;
    }
    fclose(file);
    return true;
}

/* ---- Plans ----------------------------------------------------------------------------------------------- */

static struct instance *find_instance(const char *target, const char *name)
{
    for (int i = 0; i < n_instances; i++)
        if (strcmp(instance[i].kernel->target, target) == 0 && strcmp(instance[i].name, name) == 0)
            return &instance[i];
    return NULL;
}

static void check_launch(const char *target, const struct attn_plan *plan, int step)
{
    const struct attn_launch *l = &plan->launch[step];
    attn_entry entry = attn_entry_find_plain(plan, step);
    const char *symbol = entry ? function_at((uintptr_t)entry) : NULL;
    char name[256], key[192];
    launches++;
    attn_key_text(&plan->key, key, sizeof key);
    if (!symbol) {
        complain("%s %s %s: the plan names no kernel instance (%s)", target, attn_kernel(plan->kernel)->name,
                 attn_step_name(step), key);
        return;
    }
    without_linkage(symbol, name, sizeof name);
    struct instance *found = find_instance(target, name);
    if (!found) {
        char what[256];
        snprintf(what, sizeof what, "%.31s %.220s", target, name);
        for (int i = 0; i < n_missing; i++)
            if (strcmp(missing[i], what) == 0)
                return;
        if (n_missing < (int)(sizeof missing / sizeof missing[0]))
            memcpy(missing[n_missing++], what, sizeof what);
        complain("%s %s %s: no code for %s (%s)", target, attn_kernel(plan->kernel)->name, attn_step_name(step), name,
                 key);
        return;
    }
    const struct attn_code_kernel *k = found->kernel;
    int64_t threads = (int64_t)l->block[0] * l->block[1] * l->block[2], lds = (int64_t)l->lds_static_bytes + wrong_lds;
    found->reached = true;
    if (k->lds_bytes != lds)
        complain("%s %s: the code has %" PRId64 " bytes of static LDS, the plan says %" PRId64 " (%s)", target, name,
                 k->lds_bytes, lds, key);
    if (k->max_threads < threads)
        complain("%s %s: the code takes %" PRId32 " threads, the plan has %" PRId64 " (%s)", target, name,
                 k->max_threads, threads, key);
    if (k->wave_size != plan->device.wave_size || k->wave_size != plan->wave_size)
        complain("%s %s: the code is for waves of %" PRId32 ", the plan for %" PRId32 " (%s)", target, name,
                 k->wave_size, plan->wave_size, key);
    if (k->body != ATTN_CODE_BODY_REAL)
        complain("%s %s: its body is %s, and a plan launches it (%s)", target, name, attn_code_body_name(k->body), key);
}

static void check_plans(const char *target, const struct attn_device *device, const struct attn_key *key)
{
    for (int kernel = 0; kernel < ATTN_KERNEL_COUNT; kernel++) {
        struct attn_plan plan;
        if (!attn_plan_kernel(device, key, kernel, &plan, NULL))
            continue;
        for (int step = 0; step < ATTN_STEP_COUNT; step++)
            if (plan.steps >> step & 1)
                check_launch(target, &plan, step);
    }
}

/* Every known head size and one unknown, every type, from decode to prefill, ratios and lengths that choose
 * configurations. */
static void check_regular(const char *target, const struct attn_device *device)
{
    static const int64_t n_q[] = { 1, 2, 3, 4, 7, 8, 16, 33, 300 }, ratio[] = { 1, 3, 4, 8, 16 },
                         n_kv[] = { 40, 700, 9000, 200000 };
    for (int h = 0; h <= ATTN_HEAD_SIZE_COUNT; h++)
        for (size_t q = 0; q < sizeof n_q / sizeof n_q[0]; q++)
            for (size_t r = 0; r < sizeof ratio / sizeof ratio[0]; r++)
                for (size_t n = 0; n < sizeof n_kv / sizeof n_kv[0]; n++)
                    for (uint8_t t = 0; t < ATTN_TYPE_COUNT; t++) {
                        const struct attn_head_size *size = attn_head_size(h);
                        int64_t d_k = size ? size->d_k : 96, d_v = size ? size->d_v : 32, heads = 8 * ratio[r];
                        struct attn_problem p = { .scale = 1, .head_total = heads };
                        const int64_t ne[ATTN_OPERAND_COUNT][4] = { [ATTN_Q] = { d_k, n_q[q], heads, 1 },
                                                                    [ATTN_K] = { d_k, n_kv[n], 8, 1 },
                                                                    [ATTN_V] = { d_v, n_kv[n], 8, 1 },
                                                                    [ATTN_MASK] = { n_kv[n], n_q[q], 1, 1 },
                                                                    [ATTN_DST] = { d_v, heads, n_q[q], 1 } };
                        for (int o = 0; o < ATTN_OPERAND_COUNT; o++) {
                            memcpy(p.t[o].ne, ne[o], sizeof ne[o]);
                            p.t[o].type = o == ATTN_K || o == ATTN_V ? t : o == ATTN_MASK ? ATTN_F16 : ATTN_F32;
                            p.t[o].present = o != ATTN_SINKS;
                            if (p.t[o].present)
                                attn_tensor_contiguous(&p.t[o]);
                        }
                        struct attn_key key;
                        if (attn_problem_check(&p, NULL) != ATTN_E_OK)
                            continue;
                        attn_key_of(&p, &key);
                        check_plans(target, device, &key);
                    }
}

static void check_random(const char *target, const struct attn_device *device)
{
    static const struct attn_domain_limits limits = ATTN_DOMAIN_UNLIMITED;
    for (uint64_t seed = 1; seed <= RANDOM_PLANS; seed++) {
        struct attn_genome genome;
        struct attn_case c;
        struct attn_key key;
        struct attn_device weaker;
        attn_genome_random(&genome, seed);
        attn_genome_case(&genome, &limits, &c);
        attn_key_of(&c.problem, &key);
        check_plans(target, device, &key);
        if (attn_device_weaken(device, (int)(seed % (uint64_t)attn_weakening_count()), &weaker, NULL))
            check_plans(target, &weaker, &key);
    }
}

/* ---- Scratch and spills ---------------------------------------------------------------------------------- */

static void check_spills(const struct instance *one)
{
    const struct attn_code_kernel *k = one->kernel;
    if (k->scratch_bytes == 0 && k->vgpr_spills == 0 && k->sgpr_spills == 0)
        return;
    for (int i = 0; i < n_exempt; i++) {
        struct exemption *e = &exempt[i];
        if (fnmatch(e->target, k->target, 0) != 0 || fnmatch(e->pattern, k->name, 0) != 0)
            continue;
        e->needed = true;
        if (k->scratch_bytes <= e->scratch && k->vgpr_spills <= e->vgpr_spills && k->sgpr_spills <= e->sgpr_spills)
            return;
    }
    complain("%s %s: %" PRId64 " bytes of scratch, %" PRId32 " VGPR and %" PRId32
             " SGPR spills, not listed with a reason",
             k->target, k->name, k->scratch_bytes, k->vgpr_spills, k->sgpr_spills);
}

int main(int argc, char **argv)
{
    int first = 1, devices = 0;
    if (argc > 2 && strcmp(argv[1], "--wrong-lds") == 0) {
        wrong_lds = atol(argv[2]);
        first = 3;
    }
    if (argc - first < 2) {
        fprintf(stderr, "usage: amd_metadata [--wrong-lds BYTES] TABLE FILE...\n");
        return 2;
    }
    if (!read_self() || !read_table(argv[first])) {
        fprintf(stderr, "amd_metadata: its own symbols or its table cannot be read\n");
        return 2;
    }
    struct attn_code **code = calloc((size_t)argc, sizeof(struct attn_code *));
    for (int i = first + 1; i < argc; i++)
        if (!code || !read_file(argv[i], &code[i]))
            return 2;
    bool all = true;
    for (int row = 0; row < attn_device_count(); row++) {
        const char *target = attn_device(row)->name;
        bool any = false;
        for (int i = 0; i < n_instances && !any; i++)
            any = strcmp(instance[i].kernel->target, target) == 0;
        all = all && (any || strncmp(target, "gfx", 3) != 0);
        if (!any)
            continue;
        devices++;
        check_regular(target, attn_device(row));
        check_random(target, attn_device(row));
    }
    for (int i = 0; i < n_instances; i++) {
        int body = instance[i].kernel->body;
        bool stub = body == ATTN_CODE_BODY_EMPTY || body == ATTN_CODE_BODY_TRAP;
        if (!instance[i].reached && !stub)
            complain("%s %s: no plan launches it", instance[i].kernel->target, instance[i].kernel->name);
        check_spills(&instance[i]);
    }
    for (int i = 0; i < n_exempt; i++)
        if (!exempt[i].needed && all)
            complain("%s:%d: listed, and no kernel of %s has scratch or spills that it is about", argv[first],
                     exempt[i].line, exempt[i].target);
    printf("%d kernel instances for %d AMD devices held against %" PRId64 " launches of plans: %d failures\n",
           n_instances, devices, launches, failures);
    for (int i = first + 1; i < argc; i++)
        attn_code_close(code[i]);
    free(code);
    free(function);
    elf_end(self);
    return failures || devices == 0;
}
