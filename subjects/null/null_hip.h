/* null_hip.h: the null HIP runtime: libamdhip64.so.6 and .so.7 (and the BLAS libraries that HIP programs ask for) that
 * stand in for the real ones on a machine without a GPU. A program, or a library loaded into this process, sees one
 * device for each AMD row of the planner's device table. Device memory is host memory, copies copy, streams and events
 * are in order; a kernel launch runs nothing and is *recorded*. An entry point that is not provided says its name on
 * stderr, returns hipErrorNotSupported and is counted (null_hip_refused).
 *
 * Beside HIP's own entry points the libraries export the functions below. A process that loads one reads its launches
 * with them:
 *
 *     void *runtime = dlopen("<folder>/libamdhip64.so.6", RTLD_NOW | RTLD_LOCAL);    // the name the subject asks for
 *     void *subject = dlopen("libggml-hip.so", RTLD_NOW);  // its NEEDED libamdhip64.so.6 is the one already loaded
 *     *(void **)&launches = dlsym(runtime, "null_hip_launches");
 *
 * .so.6 and .so.7 are two libraries with a state of their own each. Loaded with RTLD_LOCAL, both may be there and each
 * subject is bound to the one that it needs; dlsym(subject, "null_hip_launches") finds that one. With RTLD_GLOBAL the
 * first one loaded serves everybody. libhipblas.so.{2,3} and librocblas.so.{4,5} in the same folder are loaded the same
 * way, before the subject, or found through LD_LIBRARY_PATH.
 *
 * All entry points may be called from any thread. The functions below read and change the state of the whole process:
 * the array of launches is valid until the next launch, reset or (in another thread) either of them.
 *
 * Environment, read at the first call:
 *     ATTN_NULL_HIP_DEVICES=gfx942,gfx1100~lds/2  the devices, in this order; default: every AMD row of the table
 *     ATTN_NULL_HIP_EXECUTE=1                     launches run (null_hip_execute)
 *     ATTN_NULL_HIP_LOG=FILE                      every launch is also appended to FILE (see log.h)
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_NULL_HIP_H
#define ATTN_NULL_HIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa/count.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    NULL_HIP_COOPERATIVE = 1, /* hipLaunchCooperativeKernel */
    NULL_HIP_GRAPH = 2,       /* replayed by hipGraphLaunch */
    NULL_HIP_MODULE = 4,      /* a function of a module (hipModuleLaunchKernel) */
    NULL_HIP_LIBRARY = 8,     /* a call of hipBLAS or rocBLAS, under the entry point's name: what the real library would
                                 launch is its own affair, so grid and block are 0 */
    NULL_HIP_UNKNOWN = 16,    /* no kernel is registered for the function; the call returned
                                 hipErrorInvalidDeviceFunction */
    NULL_HIP_NO_CODE = 32,    /* the binary has no code of the kernel for the device: hipErrorNoBinaryForGpu */
    NULL_HIP_BEYOND = 64      /* grid, block or LDS beyond the device, or more threads than the kernel was compiled
                                 for: hipErrorInvalidConfiguration, hipErrorInvalidValue or hipErrorLaunchFailure */
};

/* One launch, in the order they were made. */
struct null_hip_launch {
    const char *kernel;   /* name as registered (mangled), kept until the process ends; "?" for NULL_HIP_UNKNOWN */
    const void *function; /* the host function that stands for the kernel, or the hipFunction_t of a module */
    const void *stream;   /* hipStream_t; NULL: the null stream */
    uint32_t grid[3];     /* workgroups */
    uint32_t block[3];    /* threads */
    uint32_t lds_dynamic; /* bytes */
    int32_t device;       /* index */
    uint32_t flags;       /* NULL_HIP_* */
};

/* The launches since the last reset, *n of them, at most NULL_HIP_LAUNCHES. */
enum { NULL_HIP_LAUNCHES = 1 << 16 };
const struct null_hip_launch *null_hip_launches(size_t *n);

/* Launches since the last reset that found the array full and are counted only. */
uint64_t null_hip_lost(void);

/* Forgets the launches and what null_hip_refused and null_hip_captured count. Devices, memory, streams and registered
 * kernels stay. */
void null_hip_reset(void);

/* Calls since the last reset that were refused because the null runtime does not provide them, and, when there was
 * one, the name of the last (*name; NULL: none). name may be NULL. */
uint64_t null_hip_refused(const char **name);

/* What streams captured since the last reset. */
struct null_hip_captured {
    uint32_t begun, replays; /* captures; graphs launched outside of one */
    uint32_t forbidden;      /* calls that failed because a capture forbids them */
    const char *entry;       /* the first of them, by its function's name; NULL: none */
};
void null_hip_captured(struct null_hip_captured *captured);

/* The devices: how many, and the planner's name of one ("gfx942", "gfx942~lds/2"); NULL outside the range. */
int null_hip_devices(void);
const char *null_hip_device(int index);

/* Chooses the devices as ATTN_NULL_HIP_DEVICES does. Only before the first HIP call: false, with the reason in
 * error[0..cap), after it or when there is no such AMD device. */
bool null_hip_choose(const char *devices, char *error, size_t cap);

/* Whether copies and fills move bytes (the default). Without, they are checked and counted but not done, so that
 * memory a program only copies to and from is never touched and costs nothing. */
void null_hip_move_data(bool on);

/* Whether a launch is held against the code that the program carries for the device (the default): is there any, and is
 * the launch within its threads and LDS? Without, only grid, block and dynamic LDS are held against the device, and the
 * code is never read: for a caller that judges the recorded launches itself. */
void null_hip_hold_launches(bool on);

/* Whether launches run, on a machine that executes the program's own code for the device (isa/isa.h) and checks it as
 * it goes. Off by default: then nothing computes. A launch that ends early returns an error from the call that makes
 * it, said on stderr with the instruction; an instruction that the machine does not know is counted as a refusal. Calls
 * of BLAS libraries stay what they are: recorded. */
enum null_hip_executing {
    NULL_HIP_NOT, /* nothing computes */
    NULL_HIP_RUN, /* a launch that ends early is an error of the call */
    NULL_HIP_NOTE /* it is kept for null_hip_ran, and the call succeeds: for a caller that looks */
};
void null_hip_execute(int how);

/* What the launches since the last reset that were run came to. */
struct null_hip_stop {
    int32_t code; /* enum isa_stop_code (isa/isa.h) */
    struct null_hip_launch launch;
    uint64_t number; /* of the launch since the last reset, from 1 */
    uint64_t at;     /* the instruction: bytes from the kernel's first */
    char instruction[96];
    char source[272]; /* where it comes from, "FILE:LINE"; "" where the code does not say */
    char text[384];   /* one sentence with all of that */
};
struct null_hip_ran {
    uint64_t whole, stopped, unsupported; /* launches: to their end; ended early; not to be executed */
    struct isa_counts counts;             /* of what they did, together */
    struct null_hip_stop first;           /* stopped: the first of them */
    struct null_hip_stop unknown;         /* unsupported: the first */
};
void null_hip_ran(struct null_hip_ran *ran);

/* What the bytes of an allocation are to kernels that run: a byte for each of its, 0 nobody may touch it, 1 it may be
 * read, 2 it may be written, and read once it was. They stay the caller's and are looked at when kernels run. NULL: all
 * may be read and written, as at first. False when there is no such allocation. */
bool null_hip_roles(void *memory, const unsigned char *role);

/* Whether what a call did wrong is also said on stderr (the default): for a caller that makes many on purpose, and
 * reads the error that each returns. */
void null_hip_say_errors(bool on);

/* Says that the calling thread left a call of this runtime by a jump (siglongjmp), if it was in one: the next call does
 * not wait for it. No other thread may be in one. What the call was about to do is not done, what it held is lost. */
void null_hip_left(void);

/* Device, managed and pinned host memory that is allocated now, in bytes and allocations (NULL: not wanted). */
uint64_t null_hip_allocated(uint64_t *allocations);

/* Is everything before and behind the memory that is allocated as it was? False, with the first byte that is not in
 * text[0..cap). It is also checked, and said, when memory is released. */
bool null_hip_memory_intact(char *text, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
