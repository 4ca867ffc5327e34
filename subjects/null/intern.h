/* intern.h: texts that are kept until the process ends.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_INTERN_H
#define ATTN_NULL_INTERN_H

/* The same text for the same name, kept until the process ends; NULL when memory runs out. Locked. */
const char *null_intern(const char *name);

#endif
