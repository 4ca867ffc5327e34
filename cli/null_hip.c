/* null_hip.c: attnfuzz null-hip: runs a command on the null HIP runtime and prints the launches it makes.
 *
 * The launches come through a pipe that the runtime opens by its name in /proc (subjects/null/log.h), so nothing is
 * left on the disk, however many there are, and the command's own files and pipes stay as they are.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/input/device.h"
#include "cli/input/message.h"
#include "cli/verbs.h"
#include "cli/null_check.h"
#include "subjects/null/null_hip.h"
#include "subjects/null/log.h"

enum null_hip_option { DEVICE = 1, EXECUTE, JSON, OUT };

static const struct cli_option options[] = {
    { "execute", EXECUTE, NULL, "run the kernels", "options" },
    { "device", DEVICE, "DEVICE",
      "the devices the program sees, in this order, with commas (default: every AMD device of "
      "the table)",
      NULL },
    { "json", JSON, NULL, "one JSON object", NULL },
    { "out", OUT, "FILE", "the launches to FILE instead of standard output, where the program's own output is", NULL },
    { NULL, 0, NULL, NULL, NULL },
};

static const struct cli_manual manual = {
    .name = "null-hip",
    .summary = "runs a HIP program without a GPU and prints its launches",
    .usage = "[options] -- COMMAND [ARGUMENT...]",
    .brief = "Runs a HIP program on a machine without a GPU: stand-ins for libamdhip64, libhipblas and librocblas take "
             "the place of the real ones. A kernel launch runs nothing and is printed; with --execute it computes.",
    .text =
        "Device memory, copies, streams, events and graphs behave. What the runtime does not provide is said by name "
        "on standard error, and returns an error to the program. What a program needs and the stand-ins lack is named "
        "before it is started.\n\n"
        "SIGINT, SIGQUIT, SIGTERM and SIGHUP are passed on to the command; the launches that it has made when it ends "
        "are printed.\n\n"
        "With --execute the program's own code for the device is executed on the CPU, every access, wait and barrier "
        "checked; what it does wrong is said with its instruction, and is an error of the launch. Calls of hipBLAS and "
        "rocBLAS compute nothing even so; each is refused by name.",
    .options = options,
    .stops = true,
    .examples = { { "null-hip --device gfx942,gfx1100 -- ./program",
                    "its launches on two devices, its own exit status" },
                  { "null-hip --execute --device gfx1100 -- ./program", "the same, and its kernels compute" } },
    .codes = "the command's (128 + N when signal N ended it)\n2  wrong usage\n3  the command is missing, or needs HIP "
             "symbols or libraries that are not there; each is named and nothing is run",
};

struct null_run {
    const char *devices; /* NULL: all */
    bool json, execute;
    FILE *out;
    uint64_t launches, refused;
};

char *__cxa_demangle(const char *name, char *buffer, size_t *length, int *status); /* Itanium C++ ABI, 3.4 */

/* ---- Lines of the log ------------------------------------------------------------------------------------ */

static void put_name(const struct null_run *run, const char *name)
{
    char *plain = __cxa_demangle(name, NULL, NULL, NULL);
    const char *text = plain ? plain : name;
    if (run->json) {
        cli_json_text(run->out, "kernel", name);
        cli_json_text(run->out, "name", text);
    } else {
        cli_put_clean(run->out, text, strlen(text));
    }
    free(plain);
}

static void put_flags(const struct null_run *run, uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = { { NULL_HIP_COOPERATIVE, "cooperative" },
                  { NULL_HIP_GRAPH, "graph" },
                  { NULL_HIP_MODULE, "module" },
                  { NULL_HIP_LIBRARY, "library" },
                  { NULL_HIP_UNKNOWN, "unknown" },
                  { NULL_HIP_NO_CODE, "no-code" },
                  { NULL_HIP_BEYOND, "beyond" } };
    const char *between = "";
    if (run->json)
        fputs(",\"flags\":[", run->out);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (flags & names[i].flag) {
            fprintf(run->out, run->json ? "%s\"%s\"" : "%s%s", run->json ? between : " ", names[i].name);
            between = ",";
        }
    if (run->json)
        putc(']', run->out);
}

/* False when it is no line of the log. */
static bool put_launch(struct null_run *run, const char *line)
{
    char device[64];
    uint32_t g[3], b[3], lds, flags;
    uintptr_t stream;
    int name = 0;
    if (sscanf(line,
               "launch %63s %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32
               " %" SCNu32 " %" SCNxPTR " %n",
               device, &g[0], &g[1], &g[2], &b[0], &b[1], &b[2], &lds, &flags, &stream, &name) != 10 ||
        !name)
        return false;
    if (run->json) {
        fprintf(run->out, "%s{\"device\":", run->launches ? ",\n" : "");
        cli_json_string(run->out, device);
        put_name(run, line + name);
        fprintf(run->out,
                ",\"grid\":[%u,%u,%u],\"block\":[%u,%u,%u],\"lds_dynamic_bytes\":%u,\"stream\":\"0x%" PRIxPTR "\"",
                g[0], g[1], g[2], b[0], b[1], b[2], lds, stream);
        put_flags(run, flags);
        putc('}', run->out);
    } else {
        cli_put_clean(run->out, device, strlen(device));
        fprintf(run->out, " grid %u,%u,%u block %u,%u,%u lds %u stream 0x%" PRIxPTR, g[0], g[1], g[2], b[0], b[1], b[2],
                lds, stream);
        put_flags(run, flags);
        fputs(": ", run->out);
        put_name(run, line + name);
        putc('\n', run->out);
    }
    run->launches++;
    return true;
}

static void put_line(struct null_run *run, const char *line)
{
    if (put_launch(run, line))
        return;
    if (!strncmp(line, "refused ", 8))
        run->refused++; /* the runtime has said its name */
    else
        cli_error("null-hip: the log has a line that is none: %s", line);
}

/* Bytes of the log up to now, and the lines that are whole. */
struct reader {
    int file;
    size_t used;
    char text[NULL_LOG_LINE + 1];
};

/* Reads what there is; false when there is nothing more for now. */
static bool read_log(struct null_run *run, struct reader *r)
{
    ssize_t n = read(r->file, r->text + r->used, sizeof r->text - 1 - r->used);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    r->used += (size_t)n;
    char *from = r->text, *end;
    while ((end = memchr(from, '\n', r->used - (size_t)(from - r->text)))) {
        *end = 0;
        put_line(run, from);
        from = end + 1;
    }
    r->used -= (size_t)(from - r->text);
    memmove(r->text, from, r->used);
    if (r->used == sizeof r->text - 1) { /* no line is so long */
        r->text[r->used] = 0;
        put_line(run, r->text);
        r->used = 0;
    }
    return true;
}

/* ---- The command ----------------------------------------------------------------------------------------- */

/* Signals that ask to end are for the command, whose launches are still to be printed: a file says which came. */
struct signals {
    sigset_t asked, before;
    int file;
};

/* From before the command starts, so that it never goes on without us. What is ignored stays so, in the command too. */
static bool take_signals(struct signals *s)
{
    static const int asks[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
    struct sigaction now;
    sigemptyset(&s->asked);
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
        if (!sigaction(asks[i], NULL, &now) && now.sa_handler != SIG_IGN)
            sigaddset(&s->asked, asks[i]);
    s->file = signalfd(-1, &s->asked, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->file < 0) {
        cli_error("null-hip: %s", strerror(errno));
        return false;
    }
    sigprocmask(SIG_BLOCK, &s->asked, &s->before);
    return true;
}

/* Passes on what has come, to nobody when the command has ended (0). What a terminal sends, it sends to the command
 * itself: they are in one group, as a command of its own could not read from that terminal. */
static void pass_signals(const struct signals *s, pid_t command)
{
    struct signalfd_siginfo one;
    while (read(s->file, &one, sizeof one) == (ssize_t)sizeof one)
        if (command > 0 && one.ssi_code != SI_KERNEL)
            kill(command, (int)one.ssi_signo);
}

static void leave_signals(const struct signals *s)
{
    pass_signals(s, 0);
    close(s->file);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
}

/* In the child. Errors go to the parent as errno, through a pipe that a successful exec closes. */
static void become(const struct null_run *run, const struct null_command *command, char **words, const char *log,
                   const struct signals *signals, int report)
{
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
    bool good = !setenv("LD_LIBRARY_PATH", command->path, 1) && !setenv(NULL_LOG_VARIABLE, log, 1);
    if (run->devices)
        good = good && !setenv(NULL_DEVICES_VARIABLE, run->devices, 1);
    if (run->execute)
        good = good && !setenv(NULL_EXECUTE_VARIABLE, "1", 1);
    if (command->preload[0])
        good = good && !setenv("LD_PRELOAD", command->preload, 1);
    if (good)
        execvp(command->file, words);
    int why = errno;
    (void)!write(report, &why, sizeof why);
    _exit(127);
}

/* Starts it; -1 with a message when it cannot be. */
static pid_t begin(const struct null_run *run, const struct null_command *command, char **words, const char *log,
                   const struct signals *signals)
{
    int report[2], why = 0;
    if (pipe2(report, O_CLOEXEC)) {
        cli_error("null-hip: %s", strerror(errno));
        return -1;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        become(run, command, words, log, signals, report[1]);
    close(report[1]);
    if (child < 0)
        why = errno;
    else if (read(report[0], &why, sizeof why) == (ssize_t)sizeof why)
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
        }
    close(report[0]);
    if (why)
        cli_error("null-hip: %s cannot be run: %s", command->file, strerror(why));
    return why ? -1 : child;
}

/* Prints the log while the command runs, and the rest of it afterwards. Returns its status. */
static int follow(struct null_run *run, pid_t child, int file, const struct signals *signals)
{
    enum { LOOK_MS = 20 };
    struct reader reader = { .file = file };
    struct pollfd wait[] = { { .fd = file, .events = POLLIN }, { .fd = signals->file, .events = POLLIN } };
    int status;
    pid_t done;
    while ((done = waitpid(child, &status, WNOHANG)) == 0)
        if (poll(wait, 2, LOOK_MS) > 0) {
            pass_signals(signals, child);
            read_log(run, &reader);
        }
    while (read_log(run, &reader)) {
    }
    if (done < 0) {
        cli_error("null-hip: waiting for the command: %s", strerror(errno));
        return CLI_LACKS;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_command(struct null_run *run, char **words)
{
    struct null_command command;
    struct signals signals;
    int log[2];
    char name[64];
    if (!null_command_check(words[0], &command))
        return CLI_LACKS;
    if (pipe2(log, O_CLOEXEC) || fcntl(log[0], F_SETFL, O_NONBLOCK) < 0) {
        cli_error("null-hip: %s", strerror(errno));
        null_command_free(&command);
        return CLI_LACKS;
    }
    snprintf(name, sizeof name, "/proc/%ld/fd/%d", (long)getpid(), log[1]);
    const bool taken = take_signals(&signals);
    pid_t child = taken ? begin(run, &command, words, name, &signals) : -1;
    null_command_free(&command);
    if (child < 0) {
        if (taken)
            leave_signals(&signals);
        return CLI_LACKS;
    }
    if (run->json)
        fputs("{\"launches\":[\n", run->out);
    int code = follow(run, child, log[0], &signals);
    close(log[0]);
    close(log[1]);
    if (run->json)
        fprintf(run->out, "],\n\"refused\":%" PRIu64 ",\"status\":%d}\n", run->refused, code);
    else
        fprintf(run->out, "%" PRIu64 " launches, %" PRIu64 " calls refused, status %d\n", run->launches, run->refused,
                code);
    fflush(run->out);
    leave_signals(&signals);
    return code;
}

/* The devices must be such as an AMD runtime has. */
static bool check_devices(const char *text)
{
    struct cli_devices devices = { 0 };
    if (!cli_devices_add(&devices, text))
        return false;
    for (int i = 0; i < devices.n; i++)
        if (strncmp(attn_device(devices.at[i].row)->name, "gfx", 3)) {
            cli_error("%s is no AMD device", attn_device(devices.at[i].row)->name);
            return false;
        }
    return true;
}

static int run(int argc, char **argv)
{
    struct null_run run = { .out = stdout };
    const char *out = NULL;
    for (int o; (o = cli_option_next(&manual, argc, argv)) != -1;)
        switch (o) {
        case DEVICE:
            if (!check_devices(optarg))
                return CLI_USAGE;
            run.devices = strcmp(optarg, "all") ? optarg : NULL;
            break;
        case EXECUTE: run.execute = true; break;
        case JSON: run.json = true; break;
        case OUT: out = optarg; break;
        default: return CLI_USAGE;
        }
    if (optind == argc) {
        cli_error("null-hip: no command");
        return cli_usage_error("null-hip");
    }
    if (out && !(run.out = fopen(out, "we"))) {
        cli_error("%s: %s", out, strerror(errno));
        return CLI_USAGE;
    }
    int code = run_command(&run, argv + optind);
    if (out && (ferror(run.out) | fclose(run.out))) {
        cli_error("%s: %s", out, strerror(errno));
        return CLI_USAGE;
    }
    return code;
}

const struct cli_verb cli_null_hip = { .manual = &manual, .run = run };
