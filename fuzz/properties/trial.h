/* trial.h: one plan's runs, as the parts of the runner share them: runner.c, metamorphic.c. See runner.h.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TRIAL_H
#define ATTN_TRIAL_H

#include "fuzz/properties/runner.h"

struct trial {
    struct attn_runner *r;
    const struct attn_plan *plan;
    const char *how;
    struct attn_kernel_outcome *outcome;
    struct attn_failure failure; /* of the run that did not come to its end */
    uint64_t schedule;           /* of this run */
};

/* Fills *f, whose text begins with kernel, device and plan; false. */
__attribute__((format(printf, 4, 5))) bool trial_found(const struct trial *trial, int property, struct attn_finding *f,
                                                       const char *format, ...);

/* P8: the result is what the twins' say: of the kind that the case names, else of those of the limits. */
bool attn_twins_agree(struct trial *trial, struct attn_finding *f);
/* Frees what that keeps between the plans of a problem, before the runner is closed; NULL: nothing. */
void attn_twins_free(struct attn_twins *twins);

#endif
