/* fiber.cc: the context switch: assembly for x86-64 and AArch64, ucontext elsewhere.
 *
 * A switch saves what the calling convention says a function preserves, nothing else: floating point control
 * words are the same in all fibers. (System V ABI AMD64 3.2.1; AAPCS64 6.1.)
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/host/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#if SIMT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__x86_64__) && !defined(SIMT_UCONTEXT)

extern "C" void simt_switch_stack(void **save, void *sp);
__asm__(".text\n"
        ".p2align 4\n"
        ".globl simt_switch_stack\n"
        ".hidden simt_switch_stack\n"
        ".type simt_switch_stack,@function\n"
        "simt_switch_stack:\n"
        "  pushq %rbp\n"
        "  pushq %rbx\n"
        "  pushq %r12\n"
        "  pushq %r13\n"
        "  pushq %r14\n"
        "  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n"
        "  popq %r14\n"
        "  popq %r13\n"
        "  popq %r12\n"
        "  popq %rbx\n"
        "  popq %rbp\n"
        "  retq\n"
        ".size simt_switch_stack,.-simt_switch_stack\n");

static void *fresh_stack(uintptr_t top, void (*entry)(void))
{
    /* entry starts as if it had been called: the return address (none) lies at a multiple of 16 minus 8. */
    void **sp = reinterpret_cast<void **>(top & ~static_cast<uintptr_t>(15));
    *--sp = nullptr;
    *--sp = reinterpret_cast<void *>(entry);
    for (int i = 0; i < 6; i++)
        *--sp = nullptr;
    return sp;
}

#elif defined(__aarch64__) && !defined(SIMT_UCONTEXT)

extern "C" void simt_switch_stack(void **save, void *sp);
__asm__(".text\n"
        ".p2align 4\n"
        ".globl simt_switch_stack\n"
        ".hidden simt_switch_stack\n"
        ".type simt_switch_stack,%function\n"
        "simt_switch_stack:\n"
        "  sub sp, sp, #160\n"
        "  stp x19, x20, [sp, #0]\n"
        "  stp x21, x22, [sp, #16]\n"
        "  stp x23, x24, [sp, #32]\n"
        "  stp x25, x26, [sp, #48]\n"
        "  stp x27, x28, [sp, #64]\n"
        "  stp x29, x30, [sp, #80]\n"
        "  stp d8, d9, [sp, #96]\n"
        "  stp d10, d11, [sp, #112]\n"
        "  stp d12, d13, [sp, #128]\n"
        "  stp d14, d15, [sp, #144]\n"
        "  mov x9, sp\n"
        "  str x9, [x0]\n"
        "  mov sp, x1\n"
        "  ldp x19, x20, [sp, #0]\n"
        "  ldp x21, x22, [sp, #16]\n"
        "  ldp x23, x24, [sp, #32]\n"
        "  ldp x25, x26, [sp, #48]\n"
        "  ldp x27, x28, [sp, #64]\n"
        "  ldp x29, x30, [sp, #80]\n"
        "  ldp d8, d9, [sp, #96]\n"
        "  ldp d10, d11, [sp, #112]\n"
        "  ldp d12, d13, [sp, #128]\n"
        "  ldp d14, d15, [sp, #144]\n"
        "  add sp, sp, #160\n"
        "  ret\n"
        ".size simt_switch_stack,.-simt_switch_stack\n");

static void *fresh_stack(uintptr_t top, void (*entry)(void))
{
    void **sp = reinterpret_cast<void **>(top & ~static_cast<uintptr_t>(15)) - 20;
    for (int i = 0; i < 20; i++)
        sp[i] = nullptr;
    sp[11] = reinterpret_cast<void *>(entry); /* x30 */
    return sp;
}

#else

#include <new>
#include <ucontext.h>

/* The saved "stack pointer" is a ucontext on the stack that is being left. */
static void simt_switch_stack(void **save, void *sp)
{
    ucontext_t here;
    *save = &here;
    swapcontext(&here, static_cast<ucontext_t *>(sp));
}

static void *fresh_stack(uintptr_t top, void (*entry)(void))
{
    ucontext_t *context = reinterpret_cast<ucontext_t *>((top - sizeof(ucontext_t)) & ~static_cast<uintptr_t>(63));
    getcontext(context);
    context->uc_stack.ss_sp = reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(context) - 32768);
    context->uc_stack.ss_size = 32768;
    context->uc_link = nullptr;
    makecontext(context, entry, 0);
    return context;
}

#endif

#if SIMT_ASAN
/* A thread's own stack is known to AddressSanitizer only: the first fiber that it switches to learns its bounds. */
static __thread struct simt_context *unknown_home __attribute__((tls_model("initial-exec")));

static void finish(void *fake_stack)
{
    const void *stack = nullptr;
    size_t bytes = 0;
    __sanitizer_finish_switch_fiber(fake_stack, &stack, &bytes);
    if (unknown_home) {
        unknown_home->stack = reinterpret_cast<uintptr_t>(stack);
        unknown_home->stack_bytes = bytes;
        unknown_home = nullptr;
    }
}
#endif

void simt_context_leave_home(struct simt_context *home, struct simt_context *to)
{
#if SIMT_ASAN
    unknown_home = home;
#endif
    simt_context_switch(home, to, false);
}

void simt_context_switch(struct simt_context *from, struct simt_context *to, bool last)
{
#if SIMT_ASAN
    __sanitizer_start_switch_fiber(last ? nullptr : &from->fake_stack, reinterpret_cast<const void *>(to->stack),
                                   to->stack_bytes);
#else
    (void)last;
#endif
    simt_switch_stack(&from->sp, to->sp);
#if SIMT_ASAN
    finish(from->fake_stack);
#endif
}

void simt_context_prepare(struct simt_context *context, void (*entry)(void), unsigned colour)
{
#if SIMT_ASAN
    /* A thread that was stopped on its way has left its frames' red zones behind. */
    __asan_unpoison_memory_region(reinterpret_cast<void *>(context->stack), context->stack_bytes);
#endif
    context->fake_stack = nullptr;
    context->sp = fresh_stack(context->stack + context->stack_bytes - colour % 64 * 64, entry);
}

void simt_context_started(void)
{
#if SIMT_ASAN
    finish(nullptr);
#endif
}

bool simt_stack_create(struct simt_context *context, size_t bytes)
{
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    bytes = (bytes + page - 1) / page * page;
    void *map = mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return false;
    if (mprotect(map, page, PROT_NONE) != 0) {
        munmap(map, bytes + page);
        return false;
    }
    context->stack = reinterpret_cast<uintptr_t>(map) + page;
    context->stack_bytes = bytes;
    return true;
}

void simt_stack_destroy(struct simt_context *context)
{
    if (context->stack_bytes == 0)
        return;
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
#if SIMT_ASAN
    __asan_unpoison_memory_region(reinterpret_cast<void *>(context->stack), context->stack_bytes);
#endif
    munmap(reinterpret_cast<void *>(context->stack - page), context->stack_bytes + page);
    context->stack = 0;
    context->stack_bytes = 0;
}
