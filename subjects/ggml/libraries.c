/* libraries.c: see libraries.h. What a file needs is read with libelf before anything of it is mapped: a file
 * that is cut off is found out here, not by a signal.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/ggml/libraries.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEEDED_MAX = 32, NAME_MAX_BYTES = 96 };

struct needed {
    bool ggml; /* it has or needs functions of ggml */
    int n;
    char name[NEEDED_MAX][NAME_MAX_BYTES];
};

/* Does the file hold every byte that its segments say it has? */
static bool whole(Elf *elf, uint64_t bytes)
{
    size_t n;
    if (elf_getphdrnum(elf, &n) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr segment;
        if (!gelf_getphdr(elf, (int)i, &segment))
            return false;
        if (segment.p_filesz > bytes || segment.p_offset > bytes - segment.p_filesz)
            return false;
    }
    return true;
}

static bool read_dynamic(Elf *elf, struct needed *needed)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        Elf_Data *data;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNAMIC || header.sh_entsize == 0)
            continue;
        if (!(data = elf_getdata(section, NULL)))
            return false;
        for (size_t i = 0; i < header.sh_size / header.sh_entsize && i < INT_MAX; i++) {
            GElf_Dyn entry;
            if (!gelf_getdyn(data, (int)i, &entry) || entry.d_tag == DT_NULL)
                break;
            const char *name = entry.d_tag == DT_NEEDED ? elf_strptr(elf, header.sh_link, entry.d_un.d_val) : NULL;
            if (name && strlen(name) < NAME_MAX_BYTES && !strchr(name, '/') && needed->n < NEEDED_MAX)
                strcpy(needed->name[needed->n++], name);
        }
        return true;
    }
    return false;
}

static bool names_ggml(Elf *elf)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        GElf_Sym symbol;
        Elf_Data *data;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM || !(data = elf_getdata(section, NULL)))
            continue;
        for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
            const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
            if (name && !strncmp(name, "ggml_", 5))
                return true;
        }
    }
    return false;
}

static enum attn_subject_open read_needed(const char *path, struct needed *needed, char *error, size_t cap)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) {
        snprintf(error, cap, "%s", strerror(errno));
        if (file >= 0)
            close(file);
        return ATTN_SUBJECT_BAD_FILE;
    }
    const char *wrong = NULL;
    Elf *elf = NULL;
    if (!S_ISREG(status.st_mode))
        wrong = "it is no regular file";
    else if (elf_version(EV_CURRENT) == EV_NONE || !(elf = elf_begin(file, ELF_C_READ, NULL)) ||
             elf_kind(elf) != ELF_K_ELF)
        wrong = "it is no ELF library";
    else if (gelf_getclass(elf) != ELFCLASS64)
        wrong = "it is no library for this machine";
    else if (!whole(elf, (uint64_t)status.st_size))
        wrong = "it is cut off: segments reach past its end";
    else if (!read_dynamic(elf, needed))
        wrong = "it has no dynamic section: no shared library, or cut off";
    else if (!(needed->ggml = names_ggml(elf)))
        wrong = "it has no function ggml_ of any name, and asks for none: no ggml backend";
    if (elf)
        elf_end(elf);
    close(file);
    if (wrong)
        snprintf(error, cap, "%s", wrong);
    return wrong ? ATTN_SUBJECT_BAD_FILE : ATTN_SUBJECT_OPENED;
}

/* folder/name, where there is such a file; loaded for everything after it. False when it is there and cannot be loaded.
 */
static bool load_from(struct ggml_libraries *libraries, const char *folder, size_t len, const char *up,
                      const char *name, bool *found, char *error, size_t cap)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%.*s%s/%s", (int)len, folder, up, name);
    *found = n > 0 && (size_t)n < sizeof path && access(path, R_OK) == 0;
    if (!*found)
        return true;
    void *handle = libraries->n_other < GGML_LIBRARIES_MAX ? dlopen(path, RTLD_NOW | RTLD_GLOBAL) : NULL;
    if (!handle) {
        const char *why = dlerror();
        snprintf(error, cap, "%s cannot be loaded: %s", name, why ? why : "too many libraries");
        return false;
    }
    libraries->other[libraries->n_other++] = handle;
    return true;
}

static bool of_rocm(const char *name)
{
    return !strncmp(name, "libamdhip64", 11) || !strncmp(name, "libhip", 6) || !strncmp(name, "libroc", 6) ||
           !strncmp(name, "libhsa", 6) || !strncmp(name, "librccl", 7);
}

/* What a library needs and is not the machine's: ROCm's from the null runtime's folder (NULL: not), ggml's own from
 * beside it. folder: how much of `path` that is. */
static enum attn_subject_open load_needed(struct ggml_libraries *libraries, const struct needed *needed,
                                          const char *null_runtime, const char *path, size_t folder, char *error,
                                          size_t cap)
{
    for (int i = 0; i < needed->n; i++) {
        bool found = false;
        if (of_rocm(needed->name[i]) && null_runtime) {
            if (!*null_runtime) {
                snprintf(error, cap,
                         "it needs %s, and the null HIP runtime is not beside the command; --null-runtime FOLDER says "
                         "where it is",
                         needed->name[i]);
                return ATTN_SUBJECT_LACKS;
            }
            if (!load_from(libraries, null_runtime, strlen(null_runtime), "", needed->name[i], &found, error, cap))
                return ATTN_SUBJECT_LACKS;
            if (!found) {
                snprintf(error, cap, "it needs %s, which the null runtime in %s does not have", needed->name[i],
                         null_runtime);
                return ATTN_SUBJECT_LACKS;
            }
        } else if (!strncmp(needed->name[i], "libggml", 7)) {
            static const char *const up[] = { "", "/..", "/../.." };
            for (size_t u = 0; u < sizeof up / sizeof up[0] && !found; u++)
                if (!load_from(libraries, path, folder, up[u], needed->name[i], &found, error, cap))
                    return ATTN_SUBJECT_LACKS;
        }
    }
    return ATTN_SUBJECT_OPENED;
}

/* How well a library says that it suits this processor (ggml, src/ggml-backend-reg.cpp, ggml_backend_load_best: the
 * highest ggml_backend_score is taken, 0 is not at all). One that does not say suits any; one that cannot be loaded,
 * none. */
static int score_of(const char *path)
{
    int (*score)(void) = NULL;
    void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL), *at = library ? dlsym(library, "ggml_backend_score") : NULL;
    memcpy(&score, &at, sizeof at);
    const int result = score ? score() : library != NULL;
    if (library)
        dlclose(library);
    return result;
}

/* The library of a folder that suits this processor best. */
static bool choose(struct ggml_libraries *libraries, const char *folder, char chosen[PATH_MAX], char *error, size_t cap)
{
    struct dirent *entry;
    int best = 0;
    char path[PATH_MAX];
    DIR *in = opendir(folder);
    chosen[0] = 0;
    while (in && (entry = readdir(in))) {
        struct needed needed = { .n = 0 };
        const int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strncmp(entry->d_name, "libggml-cpu", 11) || !strstr(entry->d_name, ".so") || n >= (int)sizeof path ||
            read_needed(path, &needed, error, cap) != ATTN_SUBJECT_OPENED ||
            load_needed(libraries, &needed, NULL, path, strlen(folder), error, cap) != ATTN_SUBJECT_OPENED)
            continue;
        const int score = score_of(path);
        if (score > best || (score == best && chosen[0] && strcmp(path, chosen) < 0)) {
            best = score;
            memcpy(chosen, path, sizeof path);
        }
    }
    if (in)
        closedir(in);
    if (!chosen[0])
        snprintf(error, cap, "a folder with no libggml-cpu library for this processor");
    return chosen[0] != 0;
}

enum attn_subject_open ggml_libraries_open(struct ggml_libraries *libraries, const char *path, const char *null_runtime,
                                           char *chosen, char *error, size_t cap)
{
    struct needed needed = { .n = 0 };
    struct stat status;
    char absolute[PATH_MAX];
    /* A name without a slash would be searched for; a path is what was said. */
    if (!realpath(path, absolute)) {
        snprintf(error, cap, "%s", strerror(errno));
        return ATTN_SUBJECT_BAD_FILE;
    }
    memcpy(chosen, absolute, sizeof absolute);
    if (stat(absolute, &status) == 0 && S_ISDIR(status.st_mode) && !choose(libraries, absolute, chosen, error, cap))
        return ATTN_SUBJECT_BAD_FILE;
    enum attn_subject_open result = read_needed(chosen, &needed, error, cap);
    if (result != ATTN_SUBJECT_OPENED)
        return result;
    for (int i = 0; i < needed.n; i++)
        libraries->hip = libraries->hip || !strncmp(needed.name[i], "libamdhip64", 11);
    result = load_needed(libraries, &needed, null_runtime, chosen, (size_t)(strrchr(chosen, '/') - chosen), error, cap);
    if (result != ATTN_SUBJECT_OPENED)
        return result;
    libraries->backend = dlopen(chosen, RTLD_NOW | RTLD_GLOBAL);
    if (!libraries->backend) {
        const char *why = dlerror();
        snprintf(error, cap, "it cannot be loaded: %s", why ? why : "no reason given");
        return ATTN_SUBJECT_LACKS;
    }
    return ATTN_SUBJECT_OPENED;
}

void ggml_libraries_close(struct ggml_libraries *libraries) { memset(libraries, 0, sizeof *libraries); }
