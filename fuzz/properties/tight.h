/* tight.h: P4 tight: a rule is over-strict when problems that fail it alone are computed correctly all the same, by the
 * kernel that it keeps out, limits enforced. Found by running them (attnfuzz tight): a finding to act on, no proof.
 * Structural rules are apart, without an instance there is nothing to run; and so are those of which the contract says
 * why running cannot show what they are for (struct attn_rule_need).
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TIGHT_H
#define ATTN_TIGHT_H

#include "fuzz/properties/properties.h"

/* What the contract says a rule is needed for, NULL: nothing. */
const char *attn_tight_need(int kernel, int rule);

/* Is the rule one that P4 tries? */
bool attn_tight_tries(int kernel, int rule);

/* The rule that alone keeps a kernel from a problem, where P4 tries it; -1: none does, or others do too. */
int attn_tight_alone(const struct attn_device *device, const struct attn_key *key, int kernel);

/* The plan of a kernel as if the rule held. False when its launches do not fit the device, with why in *wrong where
 * that is not NULL. */
bool attn_tight_plan(const struct attn_forced *forced, const struct attn_key *key, struct attn_plan *plan,
                     const char **wrong);

#endif
