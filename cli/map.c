/* map.c: attnfuzz map: which kernel is chosen where, as a picture.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/check/open.h"
#include "cli/input/interrupt.h"
#include "cli/input/message.h"
#include "cli/input/output.h"
#include "cli/map/ask.h"
#include "cli/picture/own.h"
#include "cli/picture/svg.h"
#include "cli/picture/text.h"
#include "cli/verbs.h"

enum map_option {
    SUBJECT = 1,
    DIFF,
    SVG,
    DEVICE,
    HEAD,
    GQA,
    TYPE,
    WITH,
    KV_HEADS,
    MASK,
    N_Q,
    N_KV,
    PREC,
    NO_CODE,
    RUNTIME
};

static const struct cli_option rows[] = {
    { "subject", SUBJECT, "SUBJECT", "whose choices (default own, the planner of this command)", "what" },
    { "diff", DIFF, NULL, "two subjects, OLD and NEW, and what changed between them", NULL },
    { "device", DEVICE, "DEVICE", "these only, several with commas; default: all that the subject has code for", NULL },
    { "prec-default", PREC, NULL, "nodes keep ggml's default precision; without it GGML_PREC_F32, as llama.cpp sets it",
      NULL },
    { "no-code", NO_CODE, NULL, "do not read the library's GPU code: stubs are not seen", NULL },
    { "null-runtime", RUNTIME, "DIR", "where the null HIP runtime is, when it is not beside the command", NULL },
    { "head", HEAD, "LIST", "head sizes D or D_K/D_V (default 64,128,256,576/512)", "panels" },
    { "gqa", GQA, "LIST", "query heads of a KV head (default 1,8)", NULL },
    { "type", TYPE, "LIST", "types of K and V, K/V where they differ (default f16)", NULL },
    { "with", WITH, "LIST", "what all calls have besides: softcap, alibi, sinks", NULL },
    { "kv-heads", KV_HEADS, "N", "KV heads (default 8)", NULL },
    { "mask", MASK, "N", "rows of the mask end at a multiple of N keys (default 1), or none: no mask", NULL },
    { "n-q", N_Q, "LIST", "columns of cells; default: two an octave from 1 to 4096", NULL },
    { "n-kv", N_KV, "LIST", "rows of cells; default: one an octave from 32 to 131072", NULL },
    { "svg", SVG, "FILE", "write the picture as SVG (- is standard output, and no text)", "results" },
    { NULL, 0, NULL, NULL, NULL },
};

static void put_subjects(void) { check_subject_list(stdout); }

static const struct cli_manual manual = {
    .name = "map",
    .summary = "which kernel is chosen where, as a picture",
    .usage = "[options]\n--diff OLD NEW [options]",
    .brief =
        "Draws which kernel a planner chooses over n_q (to the right) and n_kv (upwards): a panel for each device, "
        "head size, GQA ratio and type, as text and as SVG. Holes, launches that cannot run, naive and cliffs "
        "stand out; with --diff what changed does.",
    .text =
        "A letter is a cell, and what it means is printed below the panels, with a line that shows it. Devices whose "
        "panels are the same share one. Small letters are kernels. H is a hole, S a stub (a launch that cannot run), F "
        "a call that fails after a yes. A kernel's capital is a cliff: it costs more than three times as much as a "
        "neighbour with no less to do, and a contract says why. ! breaks P11: naive for a known head size, or a cliff "
        "that no contract names. Costs are known of this command's own planner alone.\n\n"
        "With --diff a dot is the same, ~ the same kernel launched otherwise, a small letter another kernel, + better: "
        "it runs now; H, S, F or ! is worse: it ran before, or was only refused. Each subject runs in a process of its "
        "own.",
    .options = rows,
    .heading = "subjects",
    .table = put_subjects,
    .examples = { { "map --device gfx1100 --head 128 --svg map.svg", "one device's panels, printed and drawn" },
                  { "map --diff ggml=old/libggml-hip.so ggml=new/libggml-hip.so", "what a change to routing moved" } },
    .codes = "0  nothing is bad; with --diff nothing is worse\n1  holes, stubs, failures, or what P11 forbids; with "
             "--diff something is worse\n2  wrong usage, or a library that is none\n3  something is missing here\n"
             "130, 143, 129  ended by Ctrl-C, SIGTERM, SIGHUP: what was asked until then is drawn",
};

struct options {
    struct map_options map;
    const char *svg, *head, *gqa, *type, *n_q, *n_kv;
    int64_t kv_heads, mask;
    bool diff, softcap, alibi, sinks;
};

/* ---- Lists ----------------------------------------------------------------------------------------------- */

/* The next word of a list with commas, of text that it changes; NULL: none. */
static const char *next_word(char **rest) { return *rest ? strsep(rest, ",") : NULL; }

static bool bad_word(const char *option, const char *word, const char *what)
{
    cli_error("--%s is %s, got '%s'", option, what, word);
    return false;
}

enum { LIST_MAX = 1024 };

/* False, with a message, where it is cut. */
static bool copy_list(const char *option, const char *list, char text[LIST_MAX])
{
    if (snprintf(text, LIST_MAX, "%s", list) < LIST_MAX)
        return true;
    cli_error("--%s is a list of more than %d bytes", option, LIST_MAX - 1);
    return false;
}

static bool read_extents(const char *option, const char *list, int64_t *extent, int *n)
{
    char text[LIST_MAX], *rest = text;
    if (!copy_list(option, list, text))
        return false;
    *n = 0;
    for (const char *word; (word = next_word(&rest));) {
        int64_t value;
        if (*n == PICTURE_SIDE_MAX || !cli_number(word, 1, INT64_C(1) << 30, &value) || (*n && value <= extent[*n - 1]))
            return bad_word(option, word, "whole numbers from 1 to 1073741824, rising, at most 64 of them");
        extent[(*n)++] = value;
    }
    return true;
}

static bool read_head(const char *word, struct picture_what *what)
{
    char text[64];
    if (snprintf(text, sizeof text, "%s", word) >= (int)sizeof text)
        return false;
    char *v = strchr(text, '/');
    if (v)
        *v++ = 0;
    return cli_number(text, 1, 65536, &what->d_k) && cli_number(v ? v : text, 1, 65536, &what->d_v);
}

static int type_named(const char *name, size_t n)
{
    for (int type = 0; type < ATTN_TYPE_COUNT; type++)
        if (strlen(attn_type_info(type)->name) == n && !strncmp(attn_type_info(type)->name, name, n))
            return type;
    return -1;
}

static bool read_type(const char *word, struct picture_what *what)
{
    const char *slash = strchr(word, '/');
    const int k = type_named(word, slash ? (size_t)(slash - word) : strlen(word));
    const int v = slash ? type_named(slash + 1, strlen(slash + 1)) : k;
    what->type_k = (uint8_t)k;
    what->type_v = (uint8_t)v;
    return k >= 0 && v >= 0;
}

/* Every head size with every ratio and every type, in this order. */
static bool read_whats(const struct options *o, struct picture *p)
{
    char heads[LIST_MAX], ratios[LIST_MAX], types[LIST_MAX], *h = heads;
    struct picture_what what = { .mask_pad = o->mask, .softcap = o->softcap, .alibi = o->alibi, .sinks = o->sinks };
    if (!copy_list("head", o->head, heads) || !copy_list("type", o->type, types) || !copy_list("gqa", o->gqa, ratios))
        return false;
    for (const char *head; (head = next_word(&h));) {
        char *t = types;
        if (!read_head(head, &what))
            return bad_word("head", head, "head sizes D or D_K/D_V from 1 to 65536");
        snprintf(types, sizeof types, "%s", o->type);
        for (const char *type; (type = next_word(&t));) {
            char *r = ratios;
            if (!read_type(type, &what))
                return bad_word("type", type, "types of the planner's, such as f16 or q8_0/q4_0");
            snprintf(ratios, sizeof ratios, "%s", o->gqa);
            for (const char *ratio; (ratio = next_word(&r));) {
                if (!cli_number(ratio, 1, 65536, &what.ratio))
                    return bad_word("gqa", ratio, "whole numbers from 1 to 65536");
                if (p->n_whats == PICTURE_WHATS_MAX) {
                    cli_error("more than %d panels a device", PICTURE_WHATS_MAX);
                    return false;
                }
                p->what[p->n_whats++] = what;
            }
        }
    }
    return true;
}

/* ---- Options --------------------------------------------------------------------------------------------- */

static bool read_mask(const char *text, int64_t *pad)
{
    *pad = 0;
    return !strcmp(text, "none") || cli_number(text, 1, 65536, pad) ||
           bad_word("mask", text, "none, or a whole number from 1 to 65536");
}

static bool read_with(const char *list, struct options *o)
{
    char text[LIST_MAX], *rest = text;
    if (!copy_list("with", list, text))
        return false;
    for (const char *word; (word = next_word(&rest));) {
        bool *is = !strcmp(word, "softcap") ? &o->softcap
                   : !strcmp(word, "alibi") ? &o->alibi
                   : !strcmp(word, "sinks") ? &o->sinks
                                            : NULL;
        if (!is)
            return bad_word("with", word, "a list of softcap, alibi and sinks");
        *is = true;
    }
    return true;
}

static bool read_subjects(int argc, char **argv, struct options *o, const char *subject)
{
    const int n = argc - optind;
    if (o->diff && (n != 2 || subject)) {
        cli_error("--diff takes two subjects: OLD NEW");
        return false;
    }
    if (!o->diff && n > 0) {
        cli_error("map takes no input: %s", argv[optind]);
        return false;
    }
    o->map.n_subjects = o->diff ? 2 : 1;
    o->map.subject[0] = o->diff ? argv[optind] : subject ? subject : "own";
    o->map.subject[1] = o->diff ? argv[optind + 1] : NULL;
    return true;
}

static bool read_options(int argc, char **argv, struct options *o)
{
    const char *subject = NULL;
    bool good = true;
    for (int c; good && (c = cli_option_next(&manual, argc, argv)) != -1;)
        switch (c) {
        case SUBJECT: subject = optarg; break;
        case DIFF: o->diff = true; break;
        case SVG: o->svg = optarg; break;
        case DEVICE: good = cli_devices_add(&o->map.devices, optarg); break;
        case HEAD: o->head = optarg; break;
        case GQA: o->gqa = optarg; break;
        case TYPE: o->type = optarg; break;
        case WITH: good = read_with(optarg, o); break;
        case KV_HEADS: good = cli_option_number(&manual, c, optarg, 1, 65536, &o->kv_heads); break;
        case MASK: good = read_mask(optarg, &o->mask); break;
        case N_Q: o->n_q = optarg; break;
        case N_KV: o->n_kv = optarg; break;
        case PREC: o->map.prec_default = true; break;
        case NO_CODE: o->map.no_code = true; break;
        case RUNTIME: o->map.null_runtime = optarg; break;
        default: return false;
        }
    return good && read_subjects(argc, argv, o, subject);
}

/* ---- The verb -------------------------------------------------------------------------------------------- */

static void own_devices(const struct cli_devices *asked, struct cli_devices *devices, struct picture *p)
{
    cli_devices_wanted(asked, -1, -1, devices);
    for (int i = 0; i < devices->n && i < PICTURE_DEVICES_MAX; i++)
        cli_device_name(devices->at[i].row, devices->at[i].weakening, p->device[p->n_devices++], sizeof p->device[0]);
}

static int fill(struct options *o, struct picture *p)
{
    struct diff_side side[2] = { { .subject = NULL } };
    struct cli_devices devices = { .n = 0 };
    const bool here = !o->diff && !strcmp(o->map.subject[0], "own"); /* with costs */
    int code = CLI_GOOD;
    if (here) {
        snprintf(p->subject, sizeof p->subject, "attnfuzz's own planner");
        own_devices(&o->map.devices, &devices, p);
    } else {
        signal(SIGPIPE, SIG_IGN); /* a side that ends is an answer */
        code = map_start(&o->map, side, p);
    }
    if (code == CLI_GOOD && !picture_open(p))
        code = CLI_LACKS;
    cli_interrupt_keep();
    if (code == CLI_GOOD && !here && !map_ask(&o->map, side, p))
        code = CLI_LACKS;
    for (int i = 0; code == CLI_GOOD && here && i < p->n_devices; i++) {
        struct attn_device device;
        cli_device_get(devices.at[i].row, devices.at[i].weakening, &device);
        if (!picture_ask_own(p, i, &device, true))
            break;
    }
    for (int s = 0; s < 2; s++)
        diff_side_stop(&side[s]);
    picture_letters(p);
    return code;
}

static int columns(void)
{
    struct winsize size;
    enum { USUAL = 112 };
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : USUAL;
}

static int draw(const struct options *o, struct picture *p)
{
    const bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    struct cli_output out;
    if (o->svg) {
        if (!cli_output_begin(&out, o->svg))
            return CLI_USAGE;
        picture_svg(out.file, p);
        if (!cli_output_end(&out))
            return CLI_USAGE;
    }
    if (!o->svg || strcmp(o->svg, "-"))
        picture_text(stdout, p, columns(), colour);
    const int stopped = cli_interrupted();
    if (stopped)
        printf("stopped by %s: cells that were not reached are -\n", cli_interrupt_name(stopped));
    struct picture_count count;
    picture_count(p, 0, -1, &count);
    return picture_is_bad(&count, p->diff) ? CLI_BROKEN : CLI_GOOD;
}

static int run(int argc, char **argv)
{
    struct options o = { .head = "64,128,256,576/512", .gqa = "1,8", .type = "f16", .kv_heads = 8, .mask = 1 };
    if (!read_options(argc, argv, &o) || (o.svg && !cli_output_try(o.svg)))
        return CLI_USAGE;
    struct picture *p = calloc(1, sizeof *p);
    if (!p) {
        cli_out_of_memory();
        return CLI_LACKS;
    }
    cli_interrupt_catch();
    p->kv_heads = o.kv_heads;
    snprintf(p->title, sizeof p->title, "%s",
             o.diff ? "Which kernel is chosen: what changed" : "Which kernel is chosen");
    picture_axes(p);
    int code = CLI_GOOD;
    if (!read_whats(&o, p) || (o.n_q && !read_extents("n-q", o.n_q, p->q, &p->n_q)) ||
        (o.n_kv && !read_extents("n-kv", o.n_kv, p->kv, &p->n_kv)))
        code = CLI_USAGE;
    if (code == CLI_GOOD)
        code = fill(&o, p);
    if (code == CLI_GOOD)
        code = cli_interrupt_code(draw(&o, p));
    picture_close(p);
    free(p);
    return code;
}

const struct cli_verb cli_map = { .manual = &manual, .run = run };
