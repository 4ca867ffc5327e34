/* found.c: what a session's check writes down: findings, and what is suspect. See steps.h.
 *
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/session/steps.h"

bool session_found(struct session_steps *k, const struct attn_session_at *at, int property, int kernel,
                   const char *format, ...)
{
    va_list args;
    k->f->at = *at;
    k->f->finding = (struct attn_finding){ .property = property, .kernel = kernel, .rule = -1, .at = k->c };
    k->f->finding.at.run.kernel = kernel;
    va_start(args, format);
    vsnprintf(k->f->finding.text, sizeof k->f->finding.text, format, args);
    va_end(args);
    return false;
}

enum { SUSPECTS_MOST = 16 }; /* that are asked about: what is wrong in one step is wrong in many */

void session_note_suspect(struct session_steps *k, const struct attn_session_at *at, int kernel,
                          const struct attn_sample *sample, const struct attn_judgement *judgement)
{
    if (!k->suspect)
        k->suspect = malloc(SUSPECTS_MOST * sizeof *k->suspect);
    if (!k->suspect || k->n_suspects == SUSPECTS_MOST)
        return;
    struct session_suspect *one = &k->suspect[k->n_suspects++];
    *one = (struct session_suspect){
        .at = *at, .problem = k->c.problem, .kernel = kernel, .sampled = sample != NULL, .judgement = *judgement
    };
    if (sample)
        one->sample = *sample;
}
