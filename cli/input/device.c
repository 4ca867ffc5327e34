/* device.c: the devices that --device names.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/device.h"

#include <string.h>

#include "cli/input/message.h"

void cli_device_get(int row, int weakening, struct attn_device *device)
{
    *device = *attn_device(row);
    if (weakening >= 0)
        attn_device_weaken(attn_device(row), weakening, device, NULL);
}

void cli_device_name(int row, int weakening, char *text, size_t cap)
{
    struct attn_device weaker;
    const char *what = NULL;
    if (weakening >= 0)
        attn_device_weaken(attn_device(row), weakening, &weaker, &what);
    snprintf(text, cap, "%s%s%s", attn_device(row)->name, what ? "~" : "", what ? what : "");
}

static bool add(struct cli_devices *devices, int row, int weakening)
{
    for (int i = 0; i < devices->n; i++)
        if (devices->at[i].row == row && devices->at[i].weakening == weakening)
            return true;
    if (devices->n == ATTN_FLEET_MAX)
        return false;
    devices->at[devices->n].row = (int16_t)row;
    devices->at[devices->n].weakening = (int16_t)weakening;
    devices->n++;
    return true;
}

void cli_devices_all(struct cli_devices *devices)
{
    for (int row = 0; row < attn_device_count(); row++)
        add(devices, row, -1);
}

void cli_devices_wanted(const struct cli_devices *asked, int row, int weakening, struct cli_devices *devices)
{
    *devices = *asked;
    if (asked->n > 0)
        return;
    if (row >= 0)
        add(devices, row, weakening);
    else
        cli_devices_all(devices);
}

int cli_device_row(const char *name)
{
    int row, weakening;
    return attn_device_named(name, strlen(name), &row, &weakening) && weakening < 0 ? row : -1;
}

static bool add_named(struct cli_devices *devices, const char *name)
{
    if (!strcmp(name, "all")) {
        cli_devices_all(devices);
        return true;
    }
    int row, weakening;
    bool good = attn_device_named(name, strlen(name), &row, &weakening);
    if (row < 0) {
        char known[256] = "";
        for (int i = 0; i < attn_device_count(); i++) {
            size_t used = strlen(known);
            snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", attn_device(i)->name);
        }
        cli_error("there is no device '%.*s'; the table has %s", (int)strcspn(name, "~"), name, known);
        return false;
    }
    if (!good) {
        cli_error("device %s has no weakening '%s'", attn_device(row)->name, strchr(name, '~') + 1);
        return false;
    }
    if (!add(devices, row, weakening)) {
        cli_error("more than %d devices", ATTN_FLEET_MAX);
        return false;
    }
    return true;
}

bool cli_devices_add(struct cli_devices *devices, const char *text)
{
    char copy[1024];
    size_t len = strlen(text);
    if (len >= sizeof copy) {
        cli_error("--device has %zu characters, more than %zu", len, sizeof copy - 1);
        return false;
    }
    memcpy(copy, text, len + 1);
    char *rest = copy;
    for (char *name; (name = strsep(&rest, ","));)
        if (!add_named(devices, name))
            return false;
    return true;
}
