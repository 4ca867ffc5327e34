/* speed_reference.h: what attnfuzz bench measured once, as ratios to the calibration loop of that run: a row each that
 * `attnfuzz bench --as reference` printed. A change that makes something faster or slower for good brings new ones.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_SPEED_REFERENCE_H
#define ATTNFUZZ_SPEED_REFERENCE_H

#define SPEED_REFERENCE_RUN "none yet"

/* X(name, ratio) */
#define SPEED_REFERENCES(X) \
    X(plans, 0)

#endif
