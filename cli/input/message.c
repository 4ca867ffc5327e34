/* message.c: messages, numbers, JSON and XML text: what every verb needs.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/input/message.h"

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

bool cli_out_of_memory(void)
{
    cli_error("out of memory");
    return false;
}

int cli_usage_error(const char *verb)
{
    fprintf(stderr, "attnfuzz %s --help shows its options\n", verb);
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

void cli_json_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, ",\"%s\":", name);
    if (text)
        cli_json_string(out, text);
    else
        fputs("null", out);
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
