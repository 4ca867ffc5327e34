/* gguf.c: attnfuzz import --gguf: a model's attention as sessions and lines.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/import/gguf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/input/message.h"
#include "fuzz/case/attn_case.h"
#include "fuzz/model/model.h"

enum { LINES_MAX = 4096 };

static size_t read_file(void *file, void *to, size_t n) { return fread(to, 1, n, file); }

/* ---- Printing -------------------------------------------------------------------------------------------- */

static void put_kind(const struct attn_model_kind *kind)
{
    const struct attn_session_layer *l = &kind->layer;
    printf("#   %s: %" PRId32 " %s from layer %" PRId32 " on, heads %" PRId32 "/%" PRId32 ", head size %" PRId32,
           l->name, kind->count, kind->count == 1 ? "layer" : "layers", kind->first, l->n_head, l->n_head_kv, l->d_k);
    if (l->d_v != l->d_k)
        printf("/%" PRId32, l->d_v);
    if (l->window)
        printf(", window %" PRId32, l->window);
    printf(", scale %g", (double)l->scale);
    if (l->softcap > 0)
        printf(", softcap %g", (double)l->softcap);
    if (l->max_bias > 0)
        printf(", ALiBi %g", (double)l->max_bias);
    printf("%s%s\n", l->sinks ? ", sinks" : "", l->view ? ", V is a view of K" : "");
}

static void put_model(const struct attn_gguf *gguf, const struct attn_model *model)
{
    printf("# attnfuzz import --gguf: %s%s%s%s, %" PRId32 " of %" PRId32 " layers have attention", gguf->architecture,
           gguf->name[0] ? " (" : "", gguf->name, gguf->name[0] ? ")" : "", model->attention, model->layers);
    if (model->context)
        printf(", context %" PRId32, model->context);
    putchar('\n');
    for (int i = 0; i < model->n_kinds; i++)
        put_kind(&model->kind[i]);
    for (int i = 0; i < model->n_notes; i++)
        printf("# Note: %s\n", model->note[i]);
}

/* ---- Lines ----------------------------------------------------------------------------------------------- */

struct printed {
    const struct attn_session *session;
    struct attn_case *line; /* printed so far, LINES_MAX places */
    int n;
    int layer; /* lines of this kind of layer */
};

static bool put_line(void *context, const struct attn_player *player, const struct attn_session_at *at,
                     const struct attn_problem *problem)
{
    struct printed *p = context;
    char line[ATTN_CASE_LINE_MAX];
    struct attn_case c = { .problem = *problem };
    (void)player;
    if (at->layer != p->layer)
        return true;
    attn_run_default(&c.run);
    c.run.mask = p->session->layer[at->layer].window ? ATTN_MASK_WINDOW : ATTN_MASK_CAUSAL;
    for (int i = 0; i < p->n; i++)
        if (attn_case_equal(&p->line[i], &c))
            return true;
    if (p->n == LINES_MAX)
        return false;
    p->line[p->n++] = c;
    attn_case_print(&c, line, sizeof line);
    printf("%s\n", line);
    return true;
}

static bool put_session(struct printed *p, const struct attn_session *session)
{
    char *script = malloc(ATTN_SESSION_TEXT_MAX);
    if (!script)
        return cli_out_of_memory();
    attn_session_print(session, script, ATTN_SESSION_TEXT_MAX);
    printf("\n%s\n", script);
    free(script);
    p->session = session;
    for (p->layer = 0; p->layer < session->n_layers; p->layer++) {
        struct attn_player *player = attn_player_open(session, false, 0);
        if (!player)
            return cli_out_of_memory();
        printf("# %s%s\n", session->layer[p->layer].name, p->n ? ", what is not above" : "");
        attn_player_play(player, put_line, p);
        attn_player_close(player);
    }
    return true;
}

static bool put_all(const struct attn_gguf *gguf, const struct attn_model *model, int32_t cells)
{
    struct attn_session *session = malloc(sizeof *session);
    struct printed p = { .line = malloc(LINES_MAX * sizeof *p.line) };
    bool good = (session && p.line) || cli_out_of_memory();
    if (good)
        put_model(gguf, model);
    for (int i = 0; good && i < attn_model_sessions(model); i++) {
        attn_model_session(model, i, cells, session);
        good = put_session(&p, session);
    }
    free(p.line);
    free(session);
    return good;
}

/* ---- The file -------------------------------------------------------------------------------------------- */

int import_gguf(const struct import_gguf_options *options)
{
    bool standard = !strcmp(options->path, "-");
    struct stat status;
    struct attn_gguf_error error;
    char wrong[256];
    struct attn_gguf *gguf = malloc(sizeof *gguf);
    struct attn_model *model = malloc(sizeof *model);
    FILE *file = standard ? stdin : fopen(options->path, "rb");
    int code = CLI_USAGE;
    if (!gguf || !model)
        cli_out_of_memory();
    else if (!file)
        cli_error("%s: %s", options->path, strerror(errno));
    else if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
        cli_error("%s: a folder: name the model's file", options->path);
    else if (!attn_gguf_read(read_file, file, gguf, &error))
        cli_error("%s: at byte %" PRIu64 ": %s", options->path, error.at, error.text);
    else if (ferror(file))
        cli_error("%s: %s", options->path, strerror(errno));
    else if (!attn_model_of(gguf, options->type_k, options->type_v, model, wrong, sizeof wrong))
        cli_error("%s: %s", options->path, wrong);
    else if (put_all(gguf, model, options->cells))
        code = CLI_GOOD;
    if (file && !standard)
        fclose(file);
    free(gguf);
    free(model);
    return code;
}
