/* standin_hip.c: stands in for the real libamdhip64.so.6, as far as imitation_compute.c uses it: device memory is host
 * memory, and a kernel is a function of the host that is called with its arguments, once. A launch without workgroups
 * runs nothing and returns an error, as HIP's does.
 *
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct dim3 {
    uint32_t x, y, z;
};
enum { SUCCESS = 0, OUT_OF_MEMORY = 2, INVALID_CONFIGURATION = 9 };

int hipGetDeviceCount(int *n);
int hipMalloc(void **at, size_t bytes);
int hipFree(void *at);
int hipMemcpy(void *to, const void *from, size_t bytes, int kind);
int hipLaunchKernel(const void *function, struct dim3 grid, struct dim3 block, void **arguments, size_t lds,
                    void *stream);

int hipGetDeviceCount(int *n) { return *n = 1, SUCCESS; }
int hipMalloc(void **at, size_t bytes) { return *at = malloc(bytes), *at ? SUCCESS : OUT_OF_MEMORY; }
int hipFree(void *at) { return free(at), SUCCESS; }
int hipMemcpy(void *to, const void *from, size_t bytes, int kind)
{
    return (void)kind, memcpy(to, from, bytes), SUCCESS;
}
int hipLaunchKernel(const void *function, struct dim3 grid, struct dim3 block, void **arguments, size_t lds,
                    void *stream)
{
    void (*kernel)(void **) = NULL;
    (void)block, (void)lds, (void)stream;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0)
        return INVALID_CONFIGURATION;
    memcpy(&kernel, &function, sizeof kernel);
    kernel(arguments);
    return SUCCESS;
}
