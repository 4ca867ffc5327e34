/* object.c: files with GPU code: which of the formats one is, and what is in it. See object.h.
 *
 * SPDX-License-Identifier: MIT */
#include "code/object.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

static void system_error(struct attn_code_error *error, const char *what)
{
    error->system = true;
    error->at = 0;
    snprintf(error->text, sizeof error->text, "%s: %s", what, strerror(errno));
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

struct attn_code *attn_code_read_each(const void *bytes, size_t size, const struct attn_code_limits *limits,
                                      attn_code_visitor *visit, void *context, struct attn_code_error *error)
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
    code->visit = visit;
    code->visit_context = context;
    if (!read_any(code, &span) ||
        (code->n_targets == 0 && !code_wrong(code, &span, 0, "no code for any AMD GPU in it"))) {
        attn_code_close(code);
        return NULL;
    }
    if (code->n_kernels)
        qsort(code->kernel, code->n_kernels, sizeof *code->kernel, by_name_and_target);
    qsort(code->target, code->n_targets, sizeof *code->target, by_text);
    code->error = NULL;
    code->visit = NULL;
    return code;
}

struct attn_code *attn_code_read(const void *bytes, size_t size, const struct attn_code_limits *limits,
                                 struct attn_code_error *error)
{
    return attn_code_read_each(bytes, size, limits, NULL, NULL, error);
}

struct attn_code *attn_code_open_each(const char *path, const struct attn_code_limits *limits, attn_code_visitor *visit,
                                      void *context, struct attn_code_error *error)
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
            code = attn_code_read_each(bytes, (size_t)info.st_size, limits, visit, context, error);
            munmap(bytes, (size_t)info.st_size);
        }
    }
    close(file);
    return code;
}

struct attn_code *attn_code_open(const char *path, const struct attn_code_limits *limits, struct attn_code_error *error)
{
    return attn_code_open_each(path, limits, NULL, NULL, error);
}
