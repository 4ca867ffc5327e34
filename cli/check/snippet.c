/* snippet.c: a finding as a C program against ggml's public headers that needs nothing else of ours: what a
 * maintainer runs to see it.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/check/group.h"
#include "cli/check/problem.h"
#include "cli/check/snippet.h"
#include "cli/check/snippet_compute.h"
#include "cli/check/word.h"
#include "cli/input/message.h"
#include "cli/input/output.h"
#include "subjects/ggml/node.h"

static void put_float(FILE *out, float value) { fprintf(out, "%af", (double)value); /* hexadecimal: exact */ }

/* A stride; where the usual one is another, the program chooses. */
static void put_stride(FILE *out, int64_t given, int64_t usual)
{
    if (given == usual)
        fprintf(out, ", %" PRId64, given);
    else
        fprintf(out, ", usual ? %" PRId64 " : %" PRId64, usual, given);
}

/* both: with the usual strides of dimensions of extent 1 as the other choice. */
static void put_tensors(FILE *out, const struct attn_problem *p, bool both)
{
    struct attn_problem usual = *p;
    if (both)
        check_plain_strides(&usual);
    for (int o = 0; o < ATTN_DST; o++) {
        const struct attn_tensor *t = &p->t[o];
        const struct attn_type_info *type = attn_tensor_info(t);
        if (!t->present) {
            if (o == ATTN_MASK)
                fputs("    struct ggml_tensor *mask = NULL;\n", out);
            continue;
        }
        if (ggml_node_is_plain(p, o)) {
            fprintf(out,
                    "    struct ggml_tensor *%s = ggml_new_tensor_4d(ctx, %s, %" PRId64 ", %" PRId64 ", %" PRId64
                    ", %" PRId64 ");\n",
                    attn_operand_name(o), type->ggml_name, t->ne[0], t->ne[1], t->ne[2], t->ne[3]);
            continue;
        }
        int base = ggml_node_base_of(p, o);
        if (base == o)
            fprintf(out, "    struct ggml_tensor *%s_buffer = ggml_new_tensor_1d(ctx, %s, %" PRId64 ");\n",
                    attn_operand_name(o), type->ggml_name,
                    ggml_node_base_bytes(p, o) / type->block_bytes * type->block_elems);
        fprintf(out,
                "    struct ggml_tensor *%s = ggml_view_4d(ctx, %s_buffer, %" PRId64 ", %" PRId64 ", %" PRId64
                ", %" PRId64,
                attn_operand_name(o), attn_operand_name(base), t->ne[0], t->ne[1], t->ne[2], t->ne[3]);
        for (int d = 1; d < 4; d++)
            put_stride(out, t->nb[d], usual.t[o].nb[d]);
        fprintf(out, ", %" PRId64 ");\n", t->offset);
    }
}

static void put_further(FILE *out, const struct attn_tensor *t)
{
    fprintf(out,
            "    node->src[5] = ggml_new_tensor_4d(ctx, %s, %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ");\n",
            attn_tensor_info(t)->ggml_name, t->ne[0], t->ne[1], t->ne[2], t->ne[3]);
}

/* What a machine checks while a kernel runs no GPU shows; what comes out of it can be looked at. */
static bool is_of_results(const struct check_finding *f)
{
    return f->kind == CHECK_STOPPED || f->kind == CHECK_WRONG || f->kind == CHECK_LOOSE;
}

static void put_head(FILE *out, const struct check *check, const struct check_finding *f)
{
    const bool computes = is_of_results(f);
    char line[ATTN_CASE_LINE_MAX], devices[192];
    check_line(check, f, line);
    check_device_list(check, f->devices, devices, sizeof devices);
    fprintf(out, "/* %s\n *\n * %s\n * expect: %s\n * devices: %s\n *\n", f->id, check_kind_meaning(f->kind),
            f->kind == CHECK_HOLE ? "supported: no" : check_kind_name(f->kind), devices);
    fprintf(out, " * %s\n *\n", line);
    if (f->message[0])
        fprintf(out, " * %s\n *\n", f->message);
    fputs(" *     cc finding.c -lggml -lggml-base -lm -o finding && ./finding [BACKEND-LIBRARY [DEVICE-NUMBER", out);
    fputs(f->kind == CHECK_IMPURE ? " [usual]]]" : "]]", out);
    fputs("\n *\n"
          " * BACKEND-LIBRARY: libggml-hip.so; without it every backend that ggml finds is loaded.",
          out);
    fputs(computes ? " The result is held\n * against attention in double precision. */\n" : " */\n", out);
    fputs("#include <ggml.h>\n#include <ggml-alloc.h>\n#include <ggml-backend.h>\n", out);
    fputs(computes ? "#include <math.h>\n#include <stdint.h>\n" : "", out);
    fputs("#include <stdio.h>\n#include <stdlib.h>\n", out);
    fputs(computes ? "#include <string.h>\n\n" : "\n", out);
}

void check_snippet(FILE *out, const struct check *check, const struct check_finding *f)
{
    const struct attn_problem *p = &f->problem;
    put_head(out, check, f);
    const bool computes = is_of_results(f), drawn = computes && !check_snippet_functions(out, p);
    fputs("int main(int argc, char **argv)\n{\n", out);
    fputs("    struct ggml_init_params params = { 1 << 20, NULL, true };\n"
          "    struct ggml_context *ctx = ggml_init(params);\n",
          out);
    bool both = f->kind == CHECK_IMPURE && f->impure.strides;
    if (both)
        fputs("    int usual = argc > 3; /* the usual strides of dimensions of extent 1: the same call */\n", out);
    put_tensors(out, p, both);
    fputs("    struct ggml_tensor *node = ggml_flash_attn_ext(ctx, q, k, v, mask, ", out);
    put_float(out, p->scale);
    fputs(", ", out);
    put_float(out, p->max_bias);
    fputs(", ", out);
    put_float(out, p->softcap);
    fputs(");\n", out);
    if (p->prec == ATTN_PREC_F32 || (p->prec == ATTN_PREC_UNSAID && !check->prec_default))
        fputs("    ggml_flash_attn_ext_set_prec(node, GGML_PREC_F32);\n", out);
    if (p->n_kv_max > 0)
        fprintf(out, "    ggml_flash_attn_ext_set_n_kv_max(node, %d);\n", (int)p->n_kv_max);
    if (p->further.present)
        put_further(out, &p->further);
    if (p->t[ATTN_SINKS].present)
        fputs("    ggml_flash_attn_ext_add_sinks(node, sinks);\n", out);
    fputs("    struct ggml_cgraph *graph = ggml_new_graph(ctx);\n"
          "    ggml_build_forward_expand(graph, node);\n\n"
          "    if (argc > 1)\n        ggml_backend_load(argv[1]);\n    else\n        ggml_backend_load_all();\n"
          "    ggml_backend_dev_t device = NULL;\n"
          "    int number = argc > 2 ? atoi(argv[2]) : 0;\n"
          "    for (size_t i = 0; i < ggml_backend_dev_count(); i++) {\n"
          "        ggml_backend_dev_t one = ggml_backend_dev_get(i);\n",
          out);
    if (check->subject->alone)
        fputs("        if (number-- == 0)\n", out);
    else
        fputs("        enum ggml_backend_dev_type type = ggml_backend_dev_type(one);\n"
              "        if (type != GGML_BACKEND_DEVICE_TYPE_CPU && type != GGML_BACKEND_DEVICE_TYPE_ACCEL &&\n"
              "            number-- == 0)\n",
              out);
    fputs("            device = one;\n"
          "    }\n"
          "    if (!device) {\n        puts(\"no such device\");\n        return 3;\n    }\n"
          "    printf(\"device: %s\\n\", ggml_backend_dev_description(device));\n\n"
          "    bool supported = ggml_backend_dev_supports_op(device, node);\n"
          "    printf(\"supported: %s\\n\", supported ? \"yes\" : \"no\");\n"
          "    fflush(stdout);\n"
          "    if (!supported)\n        return 1;\n"
          "    ggml_backend_t backend = ggml_backend_dev_init(device, NULL);\n"
          "    ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(ctx, backend);\n"
          "    if (!buffer) {\n        puts(\"no memory\");\n        return 3;\n    }\n",
          out);
    if (computes)
        check_snippet_fill(out, p, drawn);
    fputs("    enum ggml_status status = ggml_backend_graph_compute(backend, graph);\n"
          "    printf(\"computed: %s\\n\", ggml_status_to_string(status));\n",
          out);
    if (computes)
        check_snippet_compare(out, p);
    else
        fputs("    return status == GGML_STATUS_SUCCESS ? 0 : 1;\n}\n", out);
}

bool check_snippets_write(const char *folder, const struct check *check)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        cli_error("%s: %s", folder, strerror(errno));
        return false;
    }
    struct check_group group;
    for (int i = 0; check_group_get(check, i, &group); i++) {
        const struct check_finding *f = group.stands;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%03d-%s.c", folder, i + 1, check_kind_name(f->kind));
        struct cli_output out;
        if (!cli_output_begin(&out, path))
            return false;
        check_snippet(out.file, check, f);
        if (!cli_output_end(&out))
            return false;
    }
    return true;
}
