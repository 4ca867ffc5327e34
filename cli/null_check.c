/* null_check.c: would a command run on the null runtime? The dynamic loader itself is asked, in the mode that `ldd -r`
 * uses: with LD_TRACE_LOADED_OBJECTS it lists the libraries and, with LD_WARN and LD_BIND_NOW, every symbol and version
 * that is not found, and runs none of the program (ld.so(8)).
 *
 * SPDX-License-Identifier: MIT */
#include "cli/null_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/input/message.h"
#include "cli/input/place.h"

enum { NAMED = 20, INTERPRETER_MAX = 1024, SEGMENTS_MAX = 512 };

/* ---- Where things are ------------------------------------------------------------------------------------ */

/* The folder of the libraries, wherever the command is started from. NULL with a message. */
static char *library_folder(void)
{
    char folder[PATH_MAX + 64];
    char *real = cli_null_runtime("libamdhip64.so.7", folder, sizeof folder) ? realpath(folder, NULL) : NULL;
    if (!real)
        cli_error("null-hip: the null runtime's libraries are not beside the command, in ../lib/attnfuzz-null");
    return real;
}

static bool is_program(const char *path)
{
    struct stat info;
    return !stat(path, &info) && S_ISREG(info.st_mode) && !access(path, X_OK);
}

/* As execvp finds it; NULL when there is none. */
static char *find_program(const char *command)
{
    const char *path = getenv("PATH");
    char *file = NULL;
    if (strchr(command, '/'))
        return is_program(command) ? strdup(command) : NULL;
    for (const char *at = path ? path : "/usr/bin:/bin"; *command; at++) {
        size_t len = strcspn(at, ":");
        if (asprintf(&file, "%.*s%s%s", (int)len, at, len ? "/" : "./", command) < 0)
            return NULL;
        if (is_program(file))
            return file;
        free(file);
        at += len;
        if (!*at)
            break;
    }
    return NULL;
}

/* The loader that a 64-bit ELF program names; false when it is none, or names none. */
static bool interpreter_of(const char *path, char interpreter[INTERPRETER_MAX])
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    bool found = false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    if (read(file, &header, sizeof header) == (ssize_t)sizeof header && !memcmp(header.e_ident, ELFMAG, SELFMAG) &&
        header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_phentsize == sizeof segment &&
        header.e_phnum <= SEGMENTS_MAX)
        for (int i = 0; i < header.e_phnum && !found; i++) {
            if (pread(file, &segment, sizeof segment, (off_t)(header.e_phoff + (uint64_t)i * sizeof segment)) !=
                (ssize_t)sizeof segment)
                break;
            if (segment.p_type != PT_INTERP || segment.p_filesz == 0 || segment.p_filesz > INTERPRETER_MAX)
                continue;
            ssize_t n = pread(file, interpreter, segment.p_filesz, (off_t)segment.p_offset);
            found = n == (ssize_t)segment.p_filesz && interpreter[n - 1] == 0 && interpreter[0] == '/';
        }
    close(file);
    return found;
}

/* ---- What the loader says -------------------------------------------------------------------------------- */

struct finding {
    int missing;
    struct null_command *command;
    const char *folder;
};

/* One thing that is missing: the first few are named. */
static void missing(struct finding *f, const char *what, const char *name, const char *why)
{
    if (f->missing++ < NAMED)
        cli_error("null-hip: %s needs %s %s%s", f->command->file, what, name, why);
}

static bool starts(const char *text, const char *prefix) { return !strncmp(text, prefix, strlen(prefix)); }

static bool is_hip_symbol(const char *name)
{
    return starts(name, "hip") || starts(name, "__hip") || starts(name, "rocblas_") || starts(name, "_Z24hip");
}

/* A HIP library that the loader takes from elsewhere (a program with an RPATH) is put before it. */
static bool preload(struct finding *f, const char *name, const char *path)
{
    static const char *const replaced[] = { "libamdhip64.so.", "libhipblas.so.", "librocblas.so." };
    char *own, *list;
    bool ours = false;
    for (size_t i = 0; i < sizeof replaced / sizeof replaced[0]; i++)
        ours |= starts(name, replaced[i]);
    if (!ours || starts(path, f->folder))
        return true;
    if (asprintf(&own, "%s/%s", f->folder, name) < 0)
        return false;
    if (access(own, R_OK)) {
        missing(f, "library", name, ", which the null runtime has no stand-in for");
        free(own);
        return true;
    }
    const char *before = f->command->preload[0] ? f->command->preload : getenv("LD_PRELOAD");
    int n = asprintf(&list, "%s%s%s", own, before && *before ? ":" : "", before ? before : "");
    free(own);
    if (n < 0)
        return false;
    free(f->command->preload);
    f->command->preload = list;
    return true;
}

/* One line of its output (glibc, elf/rtld.c and elf/dl-version.c: the formats that ldd shows). */
static bool read_line(struct finding *f, char *line)
{
    char *name = line + strspn(line, " \t"), *at;
    if ((at = strstr(name, " => "))) {
        *at = 0;
        if (starts(at + 4, "not found"))
            missing(f, "library", name, ", which is not found");
        else
            return preload(f, name, at + 4);
    } else if (starts(name, "undefined symbol: ")) {
        name += strlen("undefined symbol: ");
        name[strcspn(name, "\t")] = 0;
        if (is_hip_symbol(name))
            missing(f, "symbol", name, ", which the null runtime does not have");
    } else if ((at = strstr(name, "version `")) && strstr(at, "' not found")) {
        at += strlen("version `");
        at[strcspn(at, "'")] = 0;
        missing(f, "version", at, " of a library that has none of that name");
    }
    return true;
}

/* Starts the loader on the program; its output is readable from the file returned. -1 with errno. */
static int trace(const char *interpreter, const struct null_command *command, pid_t *child)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    *child = fork();
    if (*child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        setenv("LD_LIBRARY_PATH", command->path, 1);
        setenv("LD_TRACE_LOADED_OBJECTS", "1", 1);
        setenv("LD_WARN", "yes", 1);
        setenv("LD_BIND_NOW", "yes", 1);
        unsetenv("LD_VERBOSE");
        unsetenv("LD_DEBUG");
        execl(interpreter, interpreter, command->file, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (*child > 0)
        return ends[0];
    close(ends[0]);
    return -1;
}

static bool ask_loader(const char *interpreter, struct null_command *command, const char *folder)
{
    struct finding f = { .command = command, .folder = folder };
    pid_t child;
    char *line = NULL;
    size_t cap = 0;
    bool good = true;
    int file = trace(interpreter, command, &child);
    FILE *output = file < 0 ? NULL : fdopen(file, "r");
    if (!output) {
        cli_error("null-hip: %s: %s", interpreter, strerror(errno));
        if (file >= 0)
            close(file);
        return false;
    }
    for (ssize_t n; (n = getline(&line, &cap, output)) > 0;) {
        line[strcspn(line, "\n")] = 0;
        good = good && read_line(&f, line);
    }
    free(line);
    fclose(output);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    if (f.missing > NAMED)
        cli_error("null-hip: and %d more", f.missing - NAMED);
    return good && f.missing == 0;
}

/* ---- All of it ------------------------------------------------------------------------------------------- */

void null_command_free(struct null_command *command)
{
    free(command->file);
    free(command->path);
    free(command->preload);
    *command = (struct null_command){ NULL, NULL, NULL };
}

bool null_command_check(const char *name, struct null_command *command)
{
    char interpreter[INTERPRETER_MAX];
    const char *before = getenv("LD_LIBRARY_PATH");
    char *folder = library_folder();
    *command = (struct null_command){ find_program(name), NULL, strdup("") };
    bool good = folder != NULL;
    if (good && !command->file) {
        cli_error("null-hip: there is no program '%s'", name);
        good = false;
    }
    if (good && asprintf(&command->path, "%s%s%s", folder, before && *before ? ":" : "", before ? before : "") < 0)
        good = false;
    if (good && interpreter_of(command->file, interpreter))
        good = ask_loader(interpreter, command, folder);
    free(folder);
    if (!good)
        null_command_free(command);
    return good;
}
