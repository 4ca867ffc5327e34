/* backend.h: the backends that problems can be run on, by their name in --backend, and the one place that opens
 * them. Nothing here touches a device before cli_backend_open, which only worker processes call: a GPU's runtime does
 * not survive fork.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_BACKEND_H
#define ATTNFUZZ_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/input/device.h"
#include "kernels/attn_backend.h"

enum { CLI_SLOTS_MAX = 64 };

/* What --backend named. */
struct cli_backend {
    const char *name; /* "host", "hip" */
    const char *rest; /* what stood after the colon; NULL: nothing */
    bool device;      /* it is a device, described by the backend itself; false: it runs plans of any device */
    bool machine;     /* amd: plans of `devices`, by their machine code on the CPU */
    struct cli_devices devices;
    bool all; /* every device there is: cli_backend_count finds out how many */
    int n;    /* devices named; 1 for the host */
    int index[CLI_SLOTS_MAX];
    struct attn_backend *(*open)(const struct cli_backend *, int index, char *error, size_t cap);
};

/* Reads host, amd:TARGET, amd:TARGET,..., amd:all, hip, hip:N, hip:N,M,... or hip:all. False, with a message, when it
 * is none of them. `text` is kept. */
bool cli_backend_parse(const char *text, struct cli_backend *backend);
/* For `all`: counts the devices, in a child process, and names them in *backend. False with why, one line, when there
 * is none or they cannot be asked. */
bool cli_backend_count(struct cli_backend *backend, char *error, size_t cap);
/* For amd:all: every target that there are code objects for. False with why, one line, when there is none. */
bool cli_backend_targets(struct cli_devices *devices, char *error, size_t cap);
/* Opens device number backend->index[i]; NULL with why, one line. */
struct attn_backend *cli_backend_open(const struct cli_backend *backend, int i, char *error, size_t cap);
/* "host", "hip:2" */
void cli_backend_slot_name(const struct cli_backend *backend, int i, char *text, size_t cap);

#ifdef ATTN_TEST_BACKEND
/* The tests' own device (tests/support/flaky_backend.c): test:WHAT. */
struct attn_backend *attn_flaky_open(const char *what, char *error, size_t cap);
#endif

#endif
