/* stretch.h: which runs of a buffer's bytes hold elements, where rows may lie any distance apart. Between image.c and
 * stretch.c.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_STRETCH_H
#define ATTN_STRETCH_H

#include "kernels/attn_backend.h"

/* Finds the stretches of a buffer that these tensors are in: they begin and end at pages, 256 gap bytes or more from
 * the next element, but never outside of 0 .. size, and are one where only a few pages lie between. `thin`: the
 * elements alone, in groups of 256 bytes. *stretch is the caller's to free. Returns how many, at least 1; -1 when
 * memory runs out. */
int32_t attn_stretches_find(const struct attn_tensor *tensor, int n, int64_t size, bool thin,
                            struct attn_stretch **stretch);

/* Bytes of the pages that the stretches of a buffer of that size touch. */
int64_t attn_stretches_bytes(const struct attn_stretch *stretch, int32_t n, int64_t size);

#endif
