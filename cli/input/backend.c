/* backend.c: the backends by name.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/backend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/input/message.h"
#include "kernels/machine/attn_machine.h"

/* ---- Host and hip ---------------------------------------------------------------------------------------- */

static struct attn_backend *open_host(const struct cli_backend *backend, int index, char *error, size_t cap)
{
    static const struct attn_host_options options = { .schedule = 0, .checked = true, .budget = 0 };
    (void)backend;
    (void)index;
    struct attn_backend *host = attn_host_open(&options);
    if (!host)
        snprintf(error, cap, "out of memory");
    return host;
}

static struct attn_backend *open_hip(const struct cli_backend *backend, int index, char *error, size_t cap)
{
    (void)backend;
    return attn_hip_open(index, error, cap);
}

static struct attn_backend *open_machine(const struct cli_backend *backend, int index, char *error, size_t cap)
{
    (void)backend, (void)index;
    return attn_machine_open(NULL, error, cap);
}

bool cli_backend_targets(struct cli_devices *devices, char *error, size_t cap)
{
    int16_t row[ATTN_FLEET_MAX];
    const int n = attn_machine_targets(row, ATTN_FLEET_MAX, error, cap);
    for (devices->n = 0; devices->n < n; devices->n++) {
        devices->at[devices->n].row = row[devices->n];
        devices->at[devices->n].weakening = -1;
    }
    if (n == 0)
        snprintf(error, cap, "the code objects are for no AMD row of the device table");
    return n > 0;
}

#ifdef ATTN_TEST_BACKEND
static struct attn_backend *open_test(const struct cli_backend *backend, int index, char *error, size_t cap)
{
    (void)index;
    return attn_flaky_open(backend->rest ? backend->rest : "", error, cap);
}
#endif

/* ---- Names ----------------------------------------------------------------------------------------------- */

static bool add_index(struct cli_backend *backend, const char *text)
{
    int64_t number;
    if (!cli_number(text, 0, 1023, &number) || backend->n == CLI_SLOTS_MAX)
        return false;
    for (int i = 0; i < backend->n; i++)
        if (backend->index[i] == number)
            return false;
    backend->index[backend->n++] = (int)number;
    return true;
}

/* What stands after "hip": nothing, ":all" or ":N,M,..." */
static bool hip_devices(struct cli_backend *backend)
{
    char copy[256], *rest = copy;
    backend->device = true;
    backend->open = open_hip;
    if (!backend->rest) {
        backend->n = 1;
        return true;
    }
    if (!strcmp(backend->rest, "all"))
        return backend->all = true;
    if (strlen(backend->rest) >= sizeof copy)
        return false;
    strcpy(copy, backend->rest);
    for (char *one; (one = strsep(&rest, ","));)
        if (!add_index(backend, one))
            return false;
    return true;
}

/* What stands after "amd:": names of the device table's AMD rows. */
static bool machine_targets(struct cli_backend *backend)
{
    if (!cli_devices_add(&backend->devices, backend->rest))
        return false;
    for (int i = 0; i < backend->devices.n; i++) {
        const struct attn_device *device = attn_device(backend->devices.at[i].row);
        if (backend->devices.at[i].weakening >= 0 || strncmp(device->name, "gfx", 3)) {
            cli_error("--backend amd:%s: %s is no AMD GPU as the device table has it", backend->rest, device->name);
            return false;
        }
    }
    return true;
}

bool cli_backend_parse(const char *text, struct cli_backend *backend)
{
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    memset(backend, 0, sizeof *backend);
    backend->rest = colon ? colon + 1 : NULL;
    if (len == 4 && !strncmp(text, "host", len) && !colon) {
        backend->name = "host";
        backend->open = open_host;
        backend->n = 1;
        return true;
    }
    if (len == 3 && !strncmp(text, "amd", len)) {
        backend->name = "amd";
        backend->machine = true;
        backend->open = open_machine;
        backend->n = 1;
        backend->all = !colon || !strcmp(backend->rest, "all");
        return backend->all || machine_targets(backend);
    }
    if (len == 3 && !strncmp(text, "hip", len)) {
        backend->name = "hip";
        if (hip_devices(backend))
            return true;
        cli_error("--backend %s: after hip: come device numbers with commas, each once, or all", text);
        return false;
    }
#ifdef ATTN_TEST_BACKEND
    if (len == 4 && !strncmp(text, "test", len)) {
        backend->name = "test";
        backend->open = open_test;
        backend->device = true;
        backend->n = 2;
        backend->index[1] = 1;
        return true;
    }
#endif
    cli_error("--backend %s: there are host, amd:TARGET, amd:all, hip, hip:N, hip:N,M, hip:all", text);
    return false;
}

void cli_backend_slot_name(const struct cli_backend *backend, int i, char *text, size_t cap)
{
    if (backend->device)
        snprintf(text, cap, "%s:%d", backend->name, backend->index[i]);
    else
        snprintf(text, cap, "%s", backend->name);
}

/* ---- Devices --------------------------------------------------------------------------------------------- */

struct attn_backend *cli_backend_open(const struct cli_backend *backend, int i, char *error, size_t cap)
{
    return backend->open(backend, backend->index[i], error, cap);
}

/* In the child: opens one device after the other until one is not there; the last message goes to the parent. */
static int count_devices(const struct cli_backend *backend, int out)
{
    char error[256] = "";
    int n = 0;
    while (n < CLI_SLOTS_MAX) {
        struct attn_backend *device = backend->open(backend, n, error, sizeof error);
        if (!device)
            break;
        device->ops->close(device);
        n++;
    }
    return write(out, error, strlen(error)) < 0 ? 0 : n;
}

bool cli_backend_count(struct cli_backend *backend, char *error, size_t cap)
{
    int ends[2], status = 0;
    if (pipe(ends)) {
        snprintf(error, cap, "a pipe: %s", strerror(errno));
        return false;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        _exit(count_devices(backend, ends[1]));
    }
    close(ends[1]);
    size_t got = 0;
    for (ssize_t n; pid > 0 && got + 1 < cap && (n = read(ends[0], error + got, cap - 1 - got)) > 0;)
        got += (size_t)n;
    error[got] = 0;
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        snprintf(error, cap, "the process that counts devices died");
        return false;
    }
    backend->n = WEXITSTATUS(status);
    for (int i = 0; i < backend->n; i++)
        backend->index[i] = i;
    return backend->n > 0;
}
