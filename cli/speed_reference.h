/* speed_reference.h: what attnfuzz bench measured once, as ratios to the calibration loop of that run: a row each that
 * `attnfuzz bench --as reference` printed. A change that makes something faster or slower for good brings new ones.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_SPEED_REFERENCE_H
#define ATTNFUZZ_SPEED_REFERENCE_H

#define SPEED_REFERENCE_RUN "AMD EPYC, clang 22, November 2026, version 0.1.0"

/* X(name, ratio) */
#define SPEED_REFERENCES(X)         \
    X(plans, 0.00260788)            \
    X(check_own, 0.00128763)        \
    X(check_distinct, 0.0011543)    \
    X(reference, 1.65213)           \
    X(mma_plain, 0.54401)           \
    X(mma_checked, 0.325422)        \
    X(amd_mma_plain, 0.0256557)     \
    X(amd_mma_checked, 0.0115945)   \
    X(vec_plain, 1.43622)           \
    X(vec_checked, 0.65333)         \
    X(amd_vec_plain, 0.0266926)     \
    X(amd_vec_checked, 0.0139465)   \
    X(tile_plain, 2.14977)          \
    X(tile_checked, 0.570685)       \
    X(amd_tile_plain, 0.0302442)    \
    X(amd_tile_checked, 0.00951423) \
    X(naive_plain, 0.850603)        \
    X(naive_checked, 0.350813)      \
    X(amd_naive_plain, 0.0329857)   \
    X(amd_naive_checked, 0.0160501) \
    X(judged, 2.88271e-07)

#endif
