/* open.c: attn_hip_open for programs: finds attn_hip.so beside the running program and opens a GPU with it.
 *
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernels/beside.h"
#include "kernels/hip/attn_hip.h"

static const char name[] = "attn_hip.so";

struct attn_backend *attn_hip_open(int index, char *error, size_t cap)
{
    char path[PATH_MAX];
    if (!attn_beside(name, path, sizeof path) || access(path, R_OK)) {
        snprintf(error, cap, "this build has no hip backend (no %s beside the program; see docs/machines.md)", name);
        return NULL;
    }
    /* Never closed: a GPU's runtime keeps threads and handlers at exit. */
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        snprintf(error, cap, "the hip backend cannot be loaded: %s", dlerror());
        return NULL;
    }
    attn_hip_plugin_function function;
    void *symbol = dlsym(object, "attn_hip_plugin");
    memcpy(&function, &symbol, sizeof function); /* ISO C has no conversion between the two kinds of pointers */
    const struct attn_hip_plugin *plugin = symbol ? function() : NULL;
    if (!plugin || strcmp(plugin->abi, ATTN_HIP_ABI)) {
        snprintf(error, cap, "%s beside the program is of another build", name);
        return NULL;
    }
    return plugin->open(index, error, cap);
}
