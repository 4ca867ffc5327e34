/* occupancy.c: attnfuzz bench --occupancy: what GPU code in files needs, and how many waves that leaves room for.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/bench/occupancy.h"

#include <inttypes.h>
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

static void print_kernel(const struct attn_code_kernel *k, bool json)
{
    struct attn_occupancy o;
    char name[256];
    int64_t threads = k->max_threads;
    bool known = attn_occupancy_of(k, threads, 0, &o);
    plain_name(k->name, name, sizeof name);
    if (!json) {
        printf("%-10s %-*s %5" PRId32 " %4" PRId32 " %5" PRId32 " %5" PRId32 " %5" PRId32 " %6" PRId64 " %7" PRId64
               " %6" PRId32 " %6" PRId32,
               k->target, NAME_SHOWN, name, k->max_threads, k->wave_size, k->vgprs, k->agprs < 0 ? 0 : k->agprs,
               k->sgprs, k->lds_bytes, k->scratch_bytes, k->vgpr_spills, k->sgpr_spills);
        if (known)
            printf(" %3" PRId32 "/%-2" PRId32 " %4" PRId32 "  %s%s%s\n", o.waves, o.max_waves, o.workgroups,
                   attn_occupancy_limit_name(o.limit), k->body == ATTN_CODE_BODY_REAL ? "" : ", body ",
                   k->body == ATTN_CODE_BODY_REAL ? "" : attn_code_body_name(k->body));
        else
            printf("      -    -  no rules for this target\n");
        return;
    }
    printf("{\"target\":");
    cli_json_string(stdout, k->target);
    printf(",\"kernel\":");
    cli_json_string(stdout, k->name);
    printf(",\"threads\":%" PRId32 ",\"wave_size\":%" PRId32 ",\"vgprs\":%" PRId32 ",\"agprs\":%" PRId32
           ",\"sgprs\":%" PRId32 ",\"lds_bytes\":%" PRId64 ",\"scratch_bytes\":%" PRId64 ",\"vgpr_spills\":%" PRId32
           ",\"sgpr_spills\":%" PRId32 ",\"code_bytes\":%" PRId64 ",\"body\":\"%s\"",
           k->max_threads, k->wave_size, k->vgprs, k->agprs, k->sgprs, k->lds_bytes, k->scratch_bytes, k->vgpr_spills,
           k->sgpr_spills, k->code_bytes, attn_code_body_name(k->body));
    if (known)
        printf(",\"waves\":%" PRId32 ",\"max_waves\":%" PRId32 ",\"vgpr_waves\":%" PRId32 ",\"sgpr_waves\":%" PRId32
               ",\"lds_waves\":%" PRId32 ",\"workgroups\":%" PRId32 ",\"limit\":\"%s\"",
               o.waves, o.max_waves, o.vgpr_waves, o.sgpr_waves, o.lds_waves, o.workgroups,
               attn_occupancy_limit_name(o.limit));
    puts("}");
}

int bench_occupancy(int n, char **files, bool json)
{
    int code = CLI_GOOD;
    if (n == 0) {
        cli_error("--occupancy needs files with GPU code: libraries, bundles or code objects");
        return CLI_USAGE;
    }
    if (!json)
        printf("%-10s %-*s %5s %4s %5s %5s %5s %6s %7s %6s %6s %6s %4s  %s\n", "target", NAME_SHOWN, "kernel", "block",
               "wave", "VGPRs", "AGPRs", "SGPRs", "LDS", "scratch", "vspill", "sspill", "waves", "wgs", "held down by");
    for (int i = 0; i < n; i++) {
        struct attn_code_error error;
        struct attn_code *code_object = attn_code_open(files[i], NULL, &error);
        if (!code_object) {
            if (error.system)
                cli_error("%s: %s", files[i], error.text);
            else
                cli_error("%s: at byte %" PRIu64 ": %s", files[i], error.at, error.text);
            code = CLI_USAGE;
            continue;
        }
        for (size_t k = 0; k < attn_code_count(code_object); k++)
            print_kernel(attn_code_kernel(code_object, k), json);
        attn_code_close(code_object);
    }
    return code;
}
