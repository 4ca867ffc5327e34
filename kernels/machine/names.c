/* names.c: the host's side of attn_amd.so: which device function a launch names. The compiler's code registers each of
 * them with the HIP runtime when the library is loaded; here that runtime is this file, which keeps the names and can
 * launch nothing.
 *
 * Source: Clang, lib/CodeGen/CGCUDANV.cpp (the calls that a module's constructor makes).
 *
 * SPDX-License-Identifier: MIT */
#include "kernels/machine/plugin.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/args.h"

enum { FUNCTIONS_MAX = 8192 };

static struct function {
    const void *stub;
    const char *name;
} function[FUNCTIONS_MAX];
static size_t n_functions;

void **__hipRegisterFatBinary(const void *wrapper);
void __hipUnregisterFatBinary(void **modules);
void __hipRegisterFunction(void **modules, const void *stub, char *symbol, const char *name, unsigned threads,
                           void *thread_id, void *block_id, void *block, void *grid, int *wave);
void __hipRegisterVar(void **modules, void *variable, char *symbol, const char *name, int external, size_t bytes,
                      int constant, int global);
int __hipPushCallConfiguration(void);
int __hipPopCallConfiguration(void);
int hipLaunchKernel(void);

void **__hipRegisterFatBinary(const void *wrapper)
{
    static void *module;
    (void)wrapper;
    return &module;
}

void __hipUnregisterFatBinary(void **modules) { (void)modules; }

void __hipRegisterFunction(void **modules, const void *stub, char *symbol, const char *name, unsigned threads,
                           void *thread_id, void *block_id, void *block, void *grid, int *wave)
{
    (void)modules, (void)symbol, (void)threads, (void)thread_id, (void)block_id, (void)block, (void)grid, (void)wave;
    if (n_functions == FUNCTIONS_MAX)
        abort();
    function[n_functions++] = (struct function){ stub, name };
}

void __hipRegisterVar(void **modules, void *variable, char *symbol, const char *name, int external, size_t bytes,
                      int constant, int global)
{
    (void)modules, (void)variable, (void)symbol, (void)name, (void)external, (void)bytes, (void)constant, (void)global;
}

/* A kernel's stub calls these; nobody calls a stub. */
int __hipPushCallConfiguration(void) { abort(); }
int __hipPopCallConfiguration(void) { abort(); }
int hipLaunchKernel(void) { abort(); }

static const char *name_of(const struct attn_plan *plan, int step)
{
    attn_entry entry = attn_entry_find(plan, step);
    for (size_t i = 0; entry && i < n_functions; i++)
        if (!memcmp(&function[i].stub, &entry, sizeof entry))
            return function[i].name;
    return NULL;
}

__attribute__((visibility("default"))) const struct attn_amd_plugin *attn_amd_plugin(void)
{
    static const struct attn_amd_plugin plugin = { ATTN_HIP_ABI, name_of };
    return &plugin;
}
