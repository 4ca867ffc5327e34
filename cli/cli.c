/* cli.c: messages, numbers, JSON and XML text, devices: what every verb needs.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- Messages ---------------------------------------------------------------------------------------- */

void cli_put_clean(FILE *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte < 0x7f)
            putc(byte, out);
        else
            fprintf(out, "\\x%02x", byte);
    }
}

static void put_message(const char *format, va_list list)
{
    char text[2048];
    int len = vsnprintf(text, sizeof text, format, list);
    size_t shown = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    cli_put_clean(stderr, text, shown);
    putc('\n', stderr);
}

void cli_error(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("attnfuzz: ", stderr);
    put_message(format, list);
    va_end(list);
}

void cli_error_at(const char *file, int64_t line, size_t column, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    cli_put_clean(stderr, file, strlen(file));
    fprintf(stderr, ":%" PRId64 ":", line);
    if (column)
        fprintf(stderr, "%zu:", column);
    putc(' ', stderr);
    put_message(format, list);
    va_end(list);
}

int cli_usage_error(const struct cli_verb *verb)
{
    fprintf(stderr, "attnfuzz %s --help shows its options\n", verb->name);
    return CLI_USAGE;
}

int cli_finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    cli_error("standard output: %s", strerror(errno));
    return CLI_USAGE;
}

void cli_put_block(const char *indent, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        printf("%s%.*s\n", indent, (int)len, text);
        text += len + (text[len] == '\n');
    }
}

/* ---- Numbers ----------------------------------------------------------------------------------------- */

bool cli_number(const char *text, int64_t low, int64_t high, int64_t *value)
{
    char *end;
    if ((*text < '0' || *text > '9') && *text != '-')
        return false;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || *end || end == text || n < low || n > high)
        return false;
    *value = n;
    return true;
}

bool cli_shard(const char *text, int64_t *i, int64_t *n)
{
    char first[24];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof first)
        return false;
    memcpy(first, text, (size_t)(slash - text));
    first[slash - text] = 0;
    return cli_number(slash + 1, 1, INT32_MAX, n) && cli_number(first, 1, *n, i);
}

/* ---- JSON and XML ------------------------------------------------------------------------------------- */

void cli_json_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            fprintf(out, "\\u%04x", byte);
        else
            putc(byte, out);
    }
    putc('"', out);
}

void cli_xml_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        switch (byte) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\n': fputs("&#10;", out); break;
        default: putc(byte >= 0x20 && byte < 0x7f ? byte : '?', out);
        }
    }
}

/* ---- Devices ------------------------------------------------------------------------------------------ */

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

static int find_row(const char *name)
{
    for (int row = 0; row < attn_device_count(); row++)
        if (!strcmp(attn_device(row)->name, name))
            return row;
    return -1;
}

static int find_weakening(int row, const char *name)
{
    for (int i = 0; i < attn_weakening_count(); i++) {
        struct attn_device weaker;
        const char *what;
        if (attn_device_weaken(attn_device(row), i, &weaker, &what) && !strcmp(what, name))
            return i;
    }
    return -1;
}

static bool add_named(struct cli_devices *devices, char *name)
{
    if (!strcmp(name, "all")) {
        cli_devices_all(devices);
        return true;
    }
    char *tilde = strchr(name, '~');
    if (tilde)
        *tilde = 0;
    int row = find_row(name);
    if (row < 0) {
        char known[256] = "";
        for (int i = 0; i < attn_device_count(); i++) {
            size_t used = strlen(known);
            snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", attn_device(i)->name);
        }
        cli_error("there is no device '%s'; the table has %s", name, known);
        return false;
    }
    int weakening = tilde ? find_weakening(row, tilde + 1) : -1;
    if (tilde && weakening < 0) {
        cli_error("device %s has no weakening '%s'", name, tilde + 1);
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
