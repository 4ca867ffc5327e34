/* fiber.h: stacks and the switch between them. A fiber is one thread of a block; its stack is kept for all blocks
 * and launches of an executor.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_HOST_FIBER_H
#define ATTN_HOST_FIBER_H

#include <stddef.h>
#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMT_ASAN 1
#endif
#endif
#ifndef SIMT_ASAN
#define SIMT_ASAN 0
#endif

/* Saved context: where the stack pointer of a suspended fiber points. */
struct simt_context {
    void *sp;
    void *fake_stack; /* AddressSanitizer's, while suspended */
    uintptr_t stack;  /* lowest byte */
    size_t stack_bytes;
};

/* Suspends `from` and resumes `to`; returns when something switches back to `from`. last: `from` is never
 * resumed (its stack may be prepared anew). */
void simt_context_switch(struct simt_context *from, struct simt_context *to, bool last);

/* Makes `context` start `entry` (which never returns) on its stack when it is switched to. `colour` (a small number
 * that differs between neighbours) shifts the stack's top, so that the frames of a block's threads, which are all
 * alike, do not fall into one set of the data cache. entry must call simt_context_started first. */
void simt_context_prepare(struct simt_context *context, void (*entry)(void), unsigned colour);

/* To be called first on a fresh stack. */
void simt_context_started(void);

/* simt_context_switch from the OS thread's own stack. */
void simt_context_leave_home(struct simt_context *home, struct simt_context *to);

/* A stack of at least `bytes`, with an inaccessible page below; false when there is no memory. */
bool simt_stack_create(struct simt_context *context, size_t bytes);
void simt_stack_destroy(struct simt_context *context);

#endif
