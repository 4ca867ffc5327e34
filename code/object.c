/* object.c: files with GPU code, the set of kernels they make, and look-up in it. See object.h.
 *
 * SPDX-License-Identifier: MIT */
#include "code/object.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gelf.h>
#include <libelf.h>

#include "code/internal.h"

const struct attn_code_limits attn_code_limits_default = { .bundle_bytes = UINT64_C(2) << 30,
                                                           .unpacked_bytes = UINT64_C(16) << 30,
                                                           .bundles = 1 << 16,
                                                           .kernels = 1 << 21,
                                                           .objects = 1 << 22 };

const char *attn_code_body_name(int body)
{
    static const char *const names[] = { "unknown", "real", "empty", "trap" };
    return body >= 0 && body < (int)(sizeof names / sizeof names[0]) ? names[body] : "unknown";
}

/* ---- Errors ---------------------------------------------------------------------------------------------- */

bool code_wrong(struct attn_code *code, const struct code_span *span, uint64_t at, const char *format, ...)
{
    struct attn_code_error *e = code->error;
    va_list list;
    size_t used = 0;
    e->system = false;
    e->at = span->base + (at < span->size ? at : span->size);
    if (span->bundle >= 0)
        used += (size_t)snprintf(e->text, sizeof e->text, "bundle %" PRId32 ": ", span->bundle);
    if (span->entry)
        used += (size_t)snprintf(e->text + used, sizeof e->text - used, "%s: ", span->entry);
    va_start(list, format);
    vsnprintf(e->text + used, sizeof e->text - used, format, list);
    va_end(list);
    for (char *byte = e->text; *byte; byte++) /* parts of it may be the file's */
        if (!isprint((unsigned char)*byte))
            *byte = '?';
    return false;
}

bool code_out_of_memory(struct attn_code *code, const struct code_span *span)
{
    code_wrong(code, span, 0, "out of memory");
    code->error->system = true;
    return false;
}

static void system_error(struct attn_code_error *error, const char *what)
{
    error->system = true;
    error->at = 0;
    snprintf(error->text, sizeof error->text, "%s: %s", what, strerror(errno));
}

/* ---- The set --------------------------------------------------------------------------------------------- */

struct code_chunk {
    struct code_chunk *next;
    size_t used, size;
    char bytes[];
};

/* A terminated copy that lives as long as the set. */
static const char *keep(struct attn_code *code, const char *text, size_t len)
{
    enum { CHUNK = 1 << 18 };
    struct code_chunk *chunk = code->names;
    if (!chunk || chunk->size - chunk->used < len + 1) {
        size_t size = len + 1 > CHUNK ? len + 1 : CHUNK;
        chunk = malloc(sizeof *chunk + size);
        if (!chunk)
            return NULL;
        *chunk = (struct code_chunk){ code->names, 0, size };
        code->names = chunk;
    }
    char *at = chunk->bytes + chunk->used;
    memcpy(at, text, len);
    at[len] = 0;
    chunk->used += len + 1;
    return at;
}

const char *code_target(struct attn_code *code, const struct code_span *span, const char *text, size_t len)
{
    for (size_t i = 0; i < code->n_targets; i++)
        if (strlen(code->target[i]) == len && memcmp(code->target[i], text, len) == 0)
            return code->target[i];
    bool good = len > 0 && len < CODE_TARGET_MAX;
    for (size_t i = 0; i < len && good; i++)
        good = isalnum((unsigned char)text[i]) || strchr("-+:_.", text[i]);
    if (!good) {
        code_wrong(code, span, 0, "a target ID of %zu bytes that is none", len);
        return NULL;
    }
    if (code->n_targets == CODE_TARGETS_MAX) {
        code_wrong(code, span, 0, "more than %d targets", CODE_TARGETS_MAX);
        return NULL;
    }
    char *copy = strndup(text, len);
    if (!copy) {
        code_out_of_memory(code, span);
        return NULL;
    }
    return code->target[code->n_targets++] = copy;
}

bool code_add_kernel(struct attn_code *code, const struct code_span *span, const struct attn_code_kernel *kernel,
                     const char *name, size_t len)
{
    if (code->n_kernels >= code->limits.kernels)
        return code_wrong(code, span, 0, "more kernels than the limit of %" PRIu64, code->limits.kernels);
    if (len >= code->limits.unpacked_bytes - code->name_bytes)
        return code_wrong(code, span, 0, "the names of its kernels have more bytes than the limit of %" PRIu64,
                          code->limits.unpacked_bytes);
    if (code->n_kernels == code->cap_kernels) {
        size_t cap = code->cap_kernels ? 2 * code->cap_kernels : 64;
        struct attn_code_kernel *more = realloc(code->kernel, cap * sizeof *more);
        if (!more)
            return code_out_of_memory(code, span);
        code->kernel = more;
        code->cap_kernels = cap;
    }
    struct attn_code_kernel *to = &code->kernel[code->n_kernels];
    *to = *kernel;
    to->name = keep(code, name, len);
    if (!to->name)
        return code_out_of_memory(code, span);
    code->name_bytes += len + 1;
    code->n_kernels++;
    return true;
}

/* ---- Files ----------------------------------------------------------------------------------------------- */

/* Bundles one after another, with zeros between: what a linker makes of the sections of its inputs. */
static bool read_bundles(struct attn_code *code, const struct code_span *span)
{
    for (size_t at = 0; at < span->size;) {
        if (span->bytes[at] == 0) {
            at++;
            continue;
        }
        struct code_span rest = { span->bytes + at, span->size - at, span->base + at, -1, NULL };
        size_t used = 0;
        if (!code_is_bundle(&rest))
            return code_wrong(code, &rest, 0, "neither a bundle nor zeros, after %" PRIu64 " bundles", code->bundles);
        if (!code_read_bundle(code, &rest, &used))
            return false;
        at += used;
    }
    return true;
}

/* The fat binaries of a library, program or object for the host. */
static bool read_host(struct attn_code *code, const struct code_span *span)
{
    bool good = true, any = false;
    size_t names;
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)(uintptr_t)span->bytes, span->size);
    if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) != 0) {
        const char *why = elf_errmsg(elf_errno());
        good = code_wrong(code, span, 0, "a broken ELF file: %s", why ? why : "not said");
    }
    for (Elf_Scn *section = NULL; good && (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (!name)
            good = code_wrong(code, span, 0, "section %zu has no readable header or name", elf_ndxscn(section));
        else if (strcmp(name, ".hip_fatbin") != 0 || header.sh_type == SHT_NOBITS)
            continue;
        else if (header.sh_offset > span->size || header.sh_size > span->size - header.sh_offset)
            good = code_wrong(code, span, header.sh_offset, ".hip_fatbin is not inside the file, which may be cut off");
        else {
            struct code_span fat = { span->bytes + header.sh_offset, (size_t)header.sh_size,
                                     span->base + header.sh_offset, -1, NULL };
            good = read_bundles(code, &fat);
            any = true;
        }
    }
    elf_end(elf);
    if (good && !any)
        return code_wrong(code, span, 0, "an ELF file without GPU code (no section .hip_fatbin)");
    return good;
}

static bool read_any(struct attn_code *code, const struct code_span *span)
{
    if (code_is_object(span))
        return code_read_object(code, span);
    if (code_is_bundle(span))
        return read_bundles(code, span);
    if (span->size >= SELFMAG && memcmp(span->bytes, ELFMAG, SELFMAG) == 0)
        return read_host(code, span);
    return code_wrong(code, span, 0, "neither an ELF file nor an offload bundle");
}

static int by_name_and_target(const void *a, const void *b)
{
    const struct attn_code_kernel *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    order = order ? order : strcmp(x->target, y->target);
    return order ? order : (x->bundle > y->bundle) - (x->bundle < y->bundle);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

struct attn_code *attn_code_read(const void *bytes, size_t size, const struct attn_code_limits *limits,
                                 struct attn_code_error *error)
{
    struct code_span span = { bytes, size, 0, -1, NULL };
    struct attn_code *code = calloc(1, sizeof *code);
    memset(error, 0, sizeof *error);
    if (!code) {
        system_error(error, "out of memory");
        return NULL;
    }
    code->limits = limits ? *limits : attn_code_limits_default;
    code->error = error;
    if (!read_any(code, &span) ||
        (code->n_targets == 0 && !code_wrong(code, &span, 0, "no code for any AMD GPU in it"))) {
        attn_code_close(code);
        return NULL;
    }
    if (code->n_kernels)
        qsort(code->kernel, code->n_kernels, sizeof *code->kernel, by_name_and_target);
    qsort(code->target, code->n_targets, sizeof *code->target, by_text);
    code->error = NULL;
    return code;
}

struct attn_code *attn_code_open(const char *path, const struct attn_code_limits *limits, struct attn_code_error *error)
{
    struct stat info;
    struct attn_code *code = NULL;
    memset(error, 0, sizeof *error);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        system_error(error, "cannot be opened");
        return NULL;
    }
    if (fstat(file, &info) != 0) {
        system_error(error, "cannot be looked at");
    } else if (!S_ISREG(info.st_mode)) {
        errno = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
        system_error(error, "no regular file");
    } else if (info.st_size == 0) {
        snprintf(error->text, sizeof error->text, "an empty file");
    } else {
        void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes == MAP_FAILED) {
            system_error(error, "cannot be mapped");
        } else {
            code = attn_code_read(bytes, (size_t)info.st_size, limits, error);
            munmap(bytes, (size_t)info.st_size);
        }
    }
    close(file);
    return code;
}

void attn_code_close(struct attn_code *code)
{
    if (!code)
        return;
    for (struct code_chunk *chunk = code->names, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    for (size_t i = 0; i < code->n_targets; i++)
        free(code->target[i]);
    free(code->kernel);
    free(code);
}

/* ---- Look-up --------------------------------------------------------------------------------------------- */

size_t attn_code_count(const struct attn_code *code) { return code->n_kernels; }

const struct attn_code_kernel *attn_code_kernel(const struct attn_code *code, size_t index)
{
    return index < code->n_kernels ? &code->kernel[index] : NULL;
}

const char *attn_code_target(const struct attn_code *code, size_t index)
{
    return index < code->n_targets ? code->target[index] : NULL;
}

/* LLVM, "User Guide for AMDGPU Backend", "Generic Processors". Their members, each between blanks. */
static const char *const generic[][2] = {
    { "gfx9-generic", " gfx900 gfx902 gfx904 gfx906 gfx909 gfx90c " },
    { "gfx9-4-generic", " gfx940 gfx941 gfx942 gfx950 " },
    { "gfx10-1-generic", " gfx1010 gfx1011 gfx1012 gfx1013 " },
    { "gfx10-3-generic", " gfx1030 gfx1031 gfx1032 gfx1033 gfx1034 gfx1035 gfx1036 " },
    { "gfx11-generic", " gfx1100 gfx1101 gfx1102 gfx1103 gfx1150 gfx1151 gfx1152 gfx1153 " },
    { "gfx12-generic", " gfx1200 gfx1201 " },
};

static bool is_member(const char *target, size_t target_len, const char *processor, size_t len)
{
    char word[CODE_TARGET_MAX + 2];
    if (len + 3 > sizeof word)
        return false;
    snprintf(word, sizeof word, " %.*s ", (int)len, processor);
    for (size_t i = 0; i < sizeof generic / sizeof generic[0]; i++)
        if (strlen(generic[i][0]) == target_len && memcmp(generic[i][0], target, target_len) == 0)
            return strstr(generic[i][1], word) != NULL;
    return false;
}

/* Is the feature ("xnack-", len bytes) among the device's? */
static bool has_feature(const char *device, const char *feature, size_t len)
{
    for (const char *at = device; (at = strchr(at, ':'));) {
        at++;
        if (strcspn(at, ":") == len && memcmp(at, feature, len) == 0)
            return true;
    }
    return false;
}

/* 0: does not run; else the more, the more specific. */
static int fit(const char *target, const char *device)
{
    size_t len = strcspn(target, ":"), own = strcspn(device, ":");
    int score = 2;
    if (len != own || memcmp(target, device, len) != 0) {
        if (!is_member(target, len, device, own))
            return 0;
        score = 1;
    }
    for (const char *at = target + len; *at == ':';) {
        size_t n = strcspn(++at, ":");
        if (!has_feature(device, at, n))
            return 0;
        score += 2;
        at += n;
    }
    return score;
}

bool attn_code_runs_on(const char *target, const char *device) { return fit(target, device) > 0; }

bool attn_code_has_device(const struct attn_code *code, const char *device)
{
    for (size_t i = 0; i < code->n_targets; i++)
        if (fit(code->target[i], device) > 0)
            return true;
    return false;
}

const struct attn_code_kernel *attn_code_find(const struct attn_code *code, const char *name, const char *device)
{
    size_t low = 0, high = code->n_kernels;
    const struct attn_code_kernel *best = NULL;
    int best_fit = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(code->kernel[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < code->n_kernels && strcmp(code->kernel[low].name, name) == 0; low++) {
        int score = fit(code->kernel[low].target, device);
        if (score > best_fit) {
            best_fit = score;
            best = &code->kernel[low];
        }
    }
    return best;
}
