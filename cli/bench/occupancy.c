/* occupancy.c: attnfuzz bench --occupancy: what GPU code in files needs, and how many waves that leaves room for.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/bench/occupancy.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/input/message.h"
#include "code/object.h"
#include "code/occupancy.h"

enum { NAME_SHOWN = 40 }; /* longer ones push the rest of their line */

/* A number in decimal; how many digits it has, 0: none. */
static size_t read_length(const char *at, size_t *value)
{
    size_t digits = 0;
    *value = 0;
    while (at[digits] >= '0' && at[digits] <= '9' && digits < 4)
        *value = 10 * *value + (size_t)(at[digits++] - '0');
    return digits;
}

/* Template arguments that are numbers, from after 'I' to after 'E': "Li64E", "Lb1E", "L9ggml_type1E", "LS0_1E" (of an
 * enumeration). False for others. */
static bool plain_arguments(const char *at, char *text, size_t cap)
{
    size_t used = 0, len;
    const char *separator = "<";
    while (*at == 'L') {
        size_t digits = read_length(++at, &len);
        len = digits       ? digits + len
              : *at == 'S' ? strcspn(at, "_") + 1
                           : 1; /* a type by its name, one from before, a letter */
        if (strlen(at) <= len)
            return false;
        at += len;
        size_t n = strcspn(at, "E");
        if (!at[n] || n == 0 || used + n + 3 >= cap)
            return false;
        used += (size_t)snprintf(text + used, cap - used, "%s%s%.*s", separator, *at == 'n' ? "-" : "",
                                 (int)n - (*at == 'n'), at + (*at == 'n'));
        separator = ",";
        at += n + 1;
    }
    return *at == 'E' && snprintf(text + used, cap - used, "%s", used ? ">" : "") >= 0;
}

/* "tile_kernel<64,64,16>" of "_Z11tile_kernelILi64ELi64ELi16EEv9attn_args". What is mangled in another way is shown as
 * it is. */
static void plain_name(const char *mangled, char *text, size_t cap)
{
    static const char unnamed[] = "N12_GLOBAL__N_1"; /* of an unnamed namespace */
    const char *at = mangled;
    char arguments[128] = "";
    size_t len = 0;
    if (strncmp(at, "_Z", 2) == 0)
        at += at[2] == 'L' ? 3 : 2;
    if (strncmp(at, unnamed, sizeof unnamed - 1) == 0)
        at += sizeof unnamed - 1;
    at += read_length(at, &len);
    bool good =
        len > 0 && len <= strlen(at) && (at[len] != 'I' || plain_arguments(at + len + 1, arguments, sizeof arguments));
    if (good)
        snprintf(text, cap, "%.*s%s", (int)len, at, arguments);
    else
        snprintf(text, cap, "%s", mangled);
}

/* ---- Columns --------------------------------------------------------------------------------------------- */

struct row {
    const struct attn_code_kernel *kernel;
    size_t number; /* in the files */
    bool known;    /* is its occupancy? */
    struct attn_occupancy occupancy;
    int64_t value[BENCH_COLUMN_COUNT];
    uint32_t over; /* bit set of enum bench_column: beyond a limit */
};

const char *bench_column_name(int column)
{
    static const char *const names[] = {
#define X(NAME, column, value) #column,
        BENCH_COLUMNS(X)
#undef X
    };
    return column >= 0 && column < BENCH_COLUMN_COUNT ? names[column] : "unknown";
}

int bench_column_find(const char *name)
{
    int column = BENCH_COLUMN_COUNT - 1;
    while (column >= 0 && strcmp(bench_column_name(column), name))
        column--;
    return column;
}

void bench_occupancy_defaults(struct bench_occupancy_options *o)
{
    *o = (struct bench_occupancy_options){ .sort = -1 };
    for (int column = 0; column < BENCH_COLUMN_COUNT; column++)
        o->most[column] = o->least[column] = -1;
}

static void fill(const struct bench_occupancy_options *options, struct row *row)
{
    const struct attn_code_kernel *k = row->kernel;
    const struct attn_occupancy *o = &row->occupancy;
    const bool known = row->known = attn_occupancy_of(k, k->max_threads, 0, &row->occupancy);
    const int64_t value[] = {
#define X(NAME, column, value) value,
        BENCH_COLUMNS(X)
#undef X
    };
    memcpy(row->value, value, sizeof value);
    row->over = 0;
    for (int c = 0; c < BENCH_COLUMN_COUNT; c++)
        if ((options->most[c] >= 0 && value[c] > options->most[c]) ||
            (options->least[c] >= 0 && value[c] < options->least[c])) /* nor what is not known: a gate lets none by */
            row->over |= 1u << c;
}

static bool is_wanted(const struct bench_occupancy_options *o, const struct attn_code_kernel *k)
{
    char name[256];
    if (o->target && fnmatch(o->target, k->target, 0))
        return false;
    if (!o->kernel)
        return true;
    plain_name(k->name, name, sizeof name);
    return !fnmatch(o->kernel, name, 0) || !fnmatch(o->kernel, k->name, 0);
}

/* ---- Printing -------------------------------------------------------------------------------------------- */

static void print_json(const struct row *row)
{
    const struct attn_code_kernel *k = row->kernel;
    const struct attn_occupancy *o = &row->occupancy;
    printf("{\"target\":");
    cli_json_string(stdout, k->target);
    printf(",\"kernel\":");
    cli_json_string(stdout, k->name);
    printf(",\"threads\":%" PRId32 ",\"wave_size\":%" PRId32 ",\"vgprs\":%" PRId32 ",\"agprs\":%" PRId32
           ",\"sgprs\":%" PRId32 ",\"lds_bytes\":%" PRId64 ",\"scratch_bytes\":%" PRId64 ",\"vgpr_spills\":%" PRId32
           ",\"sgpr_spills\":%" PRId32 ",\"code_bytes\":%" PRId64 ",\"body\":\"%s\"",
           k->max_threads, k->wave_size, k->vgprs, k->agprs, k->sgprs, k->lds_bytes, k->scratch_bytes, k->vgpr_spills,
           k->sgpr_spills, k->code_bytes, attn_code_body_name(k->body));
    if (row->known)
        printf(",\"waves\":%" PRId32 ",\"max_waves\":%" PRId32 ",\"vgpr_waves\":%" PRId32 ",\"sgpr_waves\":%" PRId32
               ",\"lds_waves\":%" PRId32 ",\"workgroups\":%" PRId32 ",\"limit\":\"%s\"",
               o->waves, o->max_waves, o->vgpr_waves, o->sgpr_waves, o->lds_waves, o->workgroups,
               attn_occupancy_limit_name(o->limit));
    printf(",\"beyond\":[");
    for (int c = 0, any = 0; c < BENCH_COLUMN_COUNT; c++)
        if (row->over >> c & 1)
            printf("%s\"%s\"", any++ ? "," : "", bench_column_name(c));
    puts("]}");
}

static void print_text(const struct row *row)
{
    const struct attn_code_kernel *k = row->kernel;
    const struct attn_occupancy *o = &row->occupancy;
    char name[256];
    plain_name(k->name, name, sizeof name);
    printf("%-10s %-*s %5" PRId32 " %4" PRId32 " %5" PRId32 " %5" PRId32 " %5" PRId32 " %6" PRId64 " %7" PRId64
           " %6" PRId32 " %6" PRId32,
           k->target, NAME_SHOWN, name, k->max_threads, k->wave_size, k->vgprs, k->agprs < 0 ? 0 : k->agprs, k->sgprs,
           k->lds_bytes, k->scratch_bytes, k->vgpr_spills, k->sgpr_spills);
    if (row->known)
        printf(" %3" PRId32 "/%-2" PRId32 " %4" PRId32 "  %s%s%s", o->waves, o->max_waves, o->workgroups,
               attn_occupancy_limit_name(o->limit), k->body == ATTN_CODE_BODY_REAL ? "" : ", body ",
               k->body == ATTN_CODE_BODY_REAL ? "" : attn_code_body_name(k->body));
    else
        printf("      -    -  no rules for this target");
    for (int c = 0, any = 0; c < BENCH_COLUMN_COUNT; c++)
        if (row->over >> c & 1) {
            printf("%s%s ", any++ ? ", " : "   BEYOND: ", bench_column_name(c));
            if (row->value[c] < 0)
                printf("not known");
            else
                printf("%" PRId64, row->value[c]);
        }
    putchar('\n');
}

/* ---- All ------------------------------------------------------------------------------------------------- */

struct table {
    const struct bench_occupancy_options *options;
    struct attn_code **code; /* open as long as the rows are used */
    int n_code;
    struct row *row;
    size_t n_rows, cap;
    int code_exit;
};

static void read_file(struct table *t, const char *path)
{
    struct attn_code_error error;
    struct attn_code *code = attn_code_open(path, NULL, &error);
    if (!code) {
        if (error.system)
            cli_error("%s: %s", path, error.text);
        else
            cli_error("%s: at byte %" PRIu64 ": %s", path, error.at, error.text);
        t->code_exit = CLI_USAGE;
        return;
    }
    t->code[t->n_code++] = code;
    for (size_t i = 0; i < attn_code_count(code); i++) {
        if (!is_wanted(t->options, attn_code_kernel(code, i)))
            continue;
        if (t->n_rows == t->cap) {
            const size_t cap = 2 * t->cap + 256;
            struct row *row = realloc(t->row, cap * sizeof *row);
            if (!row) {
                cli_out_of_memory();
                t->code_exit = CLI_LACKS;
                return;
            }
            t->row = row;
            t->cap = cap;
        }
        t->row[t->n_rows] = (struct row){ .kernel = attn_code_kernel(code, i), .number = t->n_rows };
        fill(t->options, &t->row[t->n_rows++]);
    }
}

static int in_order(const void *a, const void *b, void *context)
{
    const struct bench_occupancy_options *o = context;
    const struct row *x = a, *y = b;
    const int64_t left = x->value[o->sort], right = y->value[o->sort];
    if (left != right)
        return (left < right) != o->ascending ? 1 : -1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static bool has_limit(const struct bench_occupancy_options *o)
{
    for (int c = 0; c < BENCH_COLUMN_COUNT; c++)
        if (o->most[c] >= 0 || o->least[c] >= 0)
            return true;
    return false;
}

static int print(const struct table *t)
{
    const struct bench_occupancy_options *o = t->options;
    size_t over = 0;
    if (!o->json)
        printf("%-10s %-*s %5s %4s %5s %5s %5s %6s %7s %6s %6s %6s %4s  %s\n", "target", NAME_SHOWN, "kernel", "block",
               "wave", "VGPRs", "AGPRs", "SGPRs", "LDS", "scratch", "vspill", "sspill", "waves", "wgs", "held down by");
    for (size_t i = 0; i < t->n_rows; i++) {
        over += t->row[i].over != 0;
        if (o->json)
            print_json(&t->row[i]);
        else
            print_text(&t->row[i]);
    }
    if (has_limit(o) && !o->json)
        printf("%zu of %zu kernels are beyond a limit\n", over, t->n_rows);
    return over ? CLI_BROKEN : CLI_GOOD;
}

int bench_occupancy(const struct bench_occupancy_options *options, int n, char **files)
{
    if (n == 0) {
        cli_error("--occupancy needs files with GPU code: libraries, bundles or code objects");
        return CLI_USAGE;
    }
    struct table t = { .options = options, .code = calloc((size_t)n, sizeof *t.code) };
    if (!t.code) {
        cli_out_of_memory();
        return CLI_LACKS;
    }
    for (int i = 0; i < n && t.code_exit != CLI_LACKS; i++)
        read_file(&t, files[i]);
    if (t.code_exit == CLI_GOOD && t.n_rows == 0 && (options->kernel || options->target)) {
        cli_error("no kernel of that name and target is in these files"); /* a gate that lets everything through */
        t.code_exit = CLI_USAGE;
    }
    if (options->sort >= 0 && t.n_rows)
        qsort_r(t.row, t.n_rows, sizeof *t.row, in_order, (void *)(uintptr_t)options);
    const int code = print(&t);
    for (int i = 0; i < t.n_code; i++)
        attn_code_close(t.code[i]);
    free(t.code);
    free(t.row);
    return t.code_exit != CLI_GOOD ? t.code_exit : code;
}
