/* answer.c: see answer.h. A request is a problem line. The reply: "= N" and N lines, one a device, of fields between
 * tabs (kind, hash, kernel, text), or "!" where the subject's callers cannot make the problem. The first line of all is
 * the subject's name, the second its devices and, behind a ';', its own types. Many requests are sent before a reply is
 * read, as a process that waits for each costs more than what it asks; never more than a pipe holds, so that nobody
 * waits for one that waits for him.
 *
 * SPDX-License-Identifier: MIT */
#include "cli/diff/answer.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/check/call.h"
#include "cli/check/execute.h"
#include "cli/check/foreign.h"
#include "cli/check/word.h"
#include "cli/input/message.h"

#define LAST_RESORT "last="

/* ---- The process that answers ---------------------------------------------------------------------------- */

static void put_answer(FILE *out, struct check *check, int device, const struct attn_problem *p)
{
    struct check_verdict v;
    char kernel[96] = "";
    check_call(check, device, p, false, check->execute, &v);
    if (v.main)
        check_kernel_name(v.main->kernel, kernel, sizeof kernel);
    fprintf(out, "%d\t%" PRIx64 "\t%.*s\t", v.too_big ? -2 : v.kind, v.launched, DIFF_KERNEL_MAX - 1, kernel);
    cli_put_clean(out, v.message, strnlen(v.message, DIFF_TEXT_MAX - 1));
    putc('\n', out);
}

static void reply(FILE *out, struct check *check, const char *line, size_t len)
{
    struct attn_case c;
    struct attn_text_error error;
    const char *why;
    if (!attn_case_parse_types(line, len, &check->subject->types, &c, &error) ||
        attn_problem_check(&c.problem, NULL) != ATTN_E_OK || !attn_subject_legal(check->subject, &c.problem, &why)) {
        fputs("!\n", out);
        return;
    }
    fprintf(out, "= %d\n", __builtin_popcount(check->devices));
    for (int device = 0; device < check->subject->n_devices; device++)
        if (check->devices >> device & 1)
            put_answer(out, check, device, &c.problem);
}

/* Answers what comes on standard input until it ends. What is said goes out when nothing more is there to be answered.
 */
static int answer_lines(FILE *out, struct check *check)
{
    enum { BYTES = 1 << 16 };
    char *bytes = malloc(BYTES);
    size_t used = 0;
    for (ssize_t n; bytes && (n = read(STDIN_FILENO, bytes + used, BYTES - used)) > 0;) {
        char *line = bytes, *end;
        used += (size_t)n;
        for (; (end = memchr(line, '\n', used - (size_t)(line - bytes))); line = end + 1)
            reply(out, check, line, (size_t)(end - line));
        used -= (size_t)(line - bytes);
        memmove(bytes, line, used);
        if (fflush(out) || used == BYTES)
            break;
    }
    free(bytes);
    return bytes ? CLI_GOOD : CLI_LACKS;
}

int diff_answer_all(const struct check_subject_options *options, bool execute, char **argv)
{
    struct check *check = calloc(1, sizeof *check);
    if (!check) {
        cli_out_of_memory();
        return CLI_LACKS;
    }
    int code = check_open(options, argv, &check->subject);
    if (code != CLI_GOOD) {
        free(check);
        return code;
    }
    check->execute = execute || check->subject->alone;
    check->by_name = true;
    check->execute_work = CHECK_EXECUTE_WORK;
    FILE *out = fdopen(dup(STDOUT_FILENO), "w"); /* what the subject prints goes elsewhere */
    if (!out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return CLI_LACKS;
    fprintf(out, "%s\n", check->subject->name);
    for (int i = 0; i < check->subject->n_devices; i++)
        if (attn_subject_has_code(check->subject, i)) {
            check->devices |= 1u << i;
            fprintf(out, "%s ", check->subject->device[i].name);
        }
    putc(';', out);
    check_foreign_choose(check);
    if (check->subject->last_resort)
        fprintf(out, LAST_RESORT "%s ", check->subject->last_resort);
    diff_types_put(out, check);
    fflush(out);
    code = answer_lines(out, check);
    _exit(code); /* a foreign library's end is not waited for */
}

/* ---- The other end --------------------------------------------------------------------------------------- */

/* Is the file a program, by what it is (ELF, "Program Interpreter": libraries have none)? */
static bool is_program(const char *path)
{
    Elf64_Ehdr head;
    Elf64_Phdr part;
    FILE *in = access(path, X_OK) == 0 ? fopen(path, "rb") : NULL;
    if (!in)
        return false;
    bool program = fread(&head, sizeof head, 1, in) != 1 || memcmp(head.e_ident, ELFMAG, SELFMAG); /* a script */
    for (int i = 0; !program && i < head.e_phnum; i++)
        program = fseek(in, (long)(head.e_phoff + (Elf64_Off)i * sizeof part), SEEK_SET) == 0 &&
                  fread(&part, sizeof part, 1, in) == 1 && part.p_type == PT_INTERP;
    fclose(in);
    return program;
}

int diff_side_prepare(struct diff_side *side, const struct check_subject_options *o, bool execute)
{
    static const char other_build[] = "own=";
    const char *argument, *subject = o->subject;
    int n = 0;
    side->subject = subject;
    if (!attn_subject_opener_find(subject, &argument)) {
        char names[256];
        check_subject_names(names, sizeof names);
        cli_error("a subject is %s, got '%s'", names, subject);
        return CLI_USAGE;
    }
    if (!strncmp(subject, other_build, strlen(other_build)) && is_program(argument)) {
        side->program = argument;
        subject = "own";
    }
    side->argument[n++] = "diff";
    side->argument[n++] = "--answer";
    side->argument[n++] = "--subject";
    side->argument[n++] = (char *)(uintptr_t)subject;
    if (o->prec_default)
        side->argument[n++] = "--prec-default";
    if (o->no_code)
        side->argument[n++] = "--no-code";
    if (execute)
        side->argument[n++] = "--execute";
    if (o->null_runtime) {
        side->argument[n++] = "--null-runtime";
        side->argument[n++] = (char *)(uintptr_t)o->null_runtime;
    }
    return CLI_GOOD;
}

static bool get_line(struct diff_side *side, char **line, size_t *cap)
{
    ssize_t n = getline(line, cap, side->from);
    if (n <= 0)
        return false;
    (*line)[strcspn(*line, "\n")] = 0;
    return true;
}

/* Earlier builds do not say it: theirs is called as ours. */
static void read_last_resort(struct diff_side *side, const char *words)
{
    const char *said = strstr(words, LAST_RESORT), *ours = attn_kernel(ATTN_KERNEL_COUNT - 1)->name;
    const char *name = said ? said + strlen(LAST_RESORT) : side->program ? ours : "";
    snprintf(side->last_resort, sizeof side->last_resort, "%.*s", (int)strcspn(name, " "), name);
}

static bool read_head(struct diff_side *side)
{
    char *line = NULL, *rest, *word, none[] = "";
    size_t cap = 0;
    bool good = get_line(side, &line, &cap);
    if (good) {
        snprintf(side->said, sizeof side->said, "%s", line);
        side->name = side->said;
        good = get_line(side, &line, &cap);
    }
    side->n_devices = 0;
    char *types = good ? strchr(line, ';') : NULL;
    if (types)
        *types++ = 0;
    for (rest = line; good && (word = strsep(&rest, " "));)
        if (*word && side->n_devices < DIFF_DEVICES_MAX)
            snprintf(side->device[side->n_devices++], sizeof side->device[0], "%s", word);
    read_last_resort(side, types ? types : none);
    good = good && diff_types_get(types ? types : none, &side->types); /* an earlier build says none */
    free(line);
    return good && side->n_devices > 0;
}

/* With which code a process ends that says no more; one that does not end is not waited for. */
static int end_code(struct diff_side *side)
{
    enum { END_MS = 1500, LOOK_MS = 5 };
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000 };
    for (int ms = 0, status; ms < END_MS; ms += LOOK_MS) {
        const pid_t ended = waitpid(side->pid, &status, WNOHANG);
        if (ended == side->pid) {
            side->pid = 0;
            return WIFEXITED(status) && WEXITSTATUS(status) == CLI_LACKS ? CLI_LACKS : CLI_USAGE;
        }
        if (ended < 0)
            break;
        nanosleep(&look, NULL);
    }
    return CLI_USAGE;
}

int diff_side_start(struct diff_side *side)
{
    int to[2], from[2], code = CLI_USAGE;
    if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)) {
        cli_error("a pipe: %s", strerror(errno));
        return CLI_LACKS;
    }
    fflush(NULL);
    side->pid = fork();
    if (side->pid == 0) {
        char self[] = "/proc/self/exe";
        char *words[20] = { self };
        for (int i = 0; side->argument[i] && i < 18; i++)
            words[i + 1] = side->argument[i];
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        signal(SIGINT, SIG_IGN);
        execv(side->program ? side->program : self, words);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    side->to = to[1];
    side->from = side->pid > 0 ? fdopen(from[0], "r") : NULL;
    if (side->from && read_head(side))
        return CLI_GOOD;
    if (!side->from)
        code = CLI_LACKS;
    else if (feof(side->from))
        code = end_code(side);
    cli_error("%s cannot be asked", side->subject);
    diff_side_stop(side);
    return code;
}

void diff_side_stop(struct diff_side *side)
{
    if (side->from)
        fclose(side->from);
    if (side->to > 0)
        close(side->to);
    if (side->pid > 0) {
        kill(side->pid, SIGKILL);
        waitpid(side->pid, NULL, 0);
    }
    side->from = NULL;
    side->to = side->pid = 0;
}

static bool read_answer(char *line, const struct diff_side *side, struct diff_answer *answer)
{
    char *rest = line, *kind = strsep(&rest, "\t"), *launch = strsep(&rest, "\t"), *kernel = strsep(&rest, "\t");
    if (!kernel || !rest)
        return false;
    answer->kind = (int32_t)strtol(kind, NULL, 10);
    answer->launch = strtoull(launch, NULL, 16);
    snprintf(answer->kernel, sizeof answer->kernel, "%s", kernel);
    snprintf(answer->text, sizeof answer->text, "%s", rest);
    answer->last_resort = *kernel && !strcmp(answer->kernel, side->last_resort);
    return true;
}

/* Less than a pipe holds (pipe(7): 65,536 bytes, since Linux 2.6.11). */
enum { PIPE_BYTES = 60000 };
_Static_assert(ATTN_LINE_MAX < PIPE_BYTES, "a line fits");

static bool put_all(int file, const char *text, size_t n)
{
    for (ssize_t done; n > 0; text += done, n -= (size_t)done)
        if ((done = write(file, text, n)) < 0) {
            if (errno != EINTR)
                return false;
            done = 0;
        }
    return true;
}

/* Lines of as many of n problems as fit into a pipe. */
struct request {
    int n;
    size_t bytes;
    char text[PIPE_BYTES];
};

static void print_request(struct request *r, const struct attn_problem *p, int n)
{
    r->bytes = 0;
    for (r->n = 0; r->n < n && sizeof r->text - r->bytes > ATTN_LINE_MAX; r->n++) {
        r->bytes += attn_problem_print(&p[r->n], r->text + r->bytes, ATTN_LINE_MAX - 1);
        r->text[r->bytes++] = '\n';
    }
}

static bool send_request(struct diff_side *side, const struct request *r)
{
    return (side->pid || diff_side_start(side) == CLI_GOOD) && put_all(side->to, r->text, r->bytes);
}

/* The replies to n lines; false when the process ends before them. */
static bool receive(struct diff_side *side, int n, struct diff_reply *reply)
{
    char *line = NULL;
    size_t cap = 0;
    bool good = true;
    for (int i = 0; good && i < n; i++) {
        good = get_line(side, &line, &cap);
        reply[i].said = good && line[0] == '=';
        for (int d = 0; good && reply[i].said && d < side->n_devices; d++)
            good = get_line(side, &line, &cap) && read_answer(line, side, &reply[i].answer[d]);
    }
    free(line);
    return good;
}

/* A side whose callers have no such cache, as it does not know the type, goes without: that is its answer. */
static void go_without(const struct diff_side *side, const struct attn_problem *p, struct diff_reply *reply)
{
    if (reply->said != 0 || diff_types_known(&side->types, p))
        return;
    reply->said = 1;
    for (int i = 0; i < side->n_devices; i++)
        reply->answer[i] = (struct diff_answer){ .kind = CHECK_HOLE, .text = "a type that it does not have" };
}

static void lost(struct diff_side *side)
{
    diff_side_stop(side);
    side->restarts++;
}

void diff_side_ask(struct diff_side *side, const struct attn_problem *p, struct diff_reply *reply)
{
    struct request r;
    print_request(&r, p, 1);
    if (send_request(side, &r) && receive(side, 1, reply)) {
        go_without(side, p, reply);
        return;
    }
    lost(side);
    reply->said = -1;
}

/* Asks both about as many as fit; how many these are. */
static int ask_some(struct diff_side side[2], const struct attn_problem *p, int n, struct diff_reply *const reply[2])
{
    struct request r;
    bool good[2];
    print_request(&r, p, n);
    for (int s = 0; s < 2; s++)
        good[s] = send_request(&side[s], &r);
    for (int s = 0; s < 2; s++) {
        good[s] = good[s] && receive(&side[s], r.n, reply[s]);
        for (int i = 0; good[s] && i < r.n; i++)
            go_without(&side[s], &p[i], &reply[s][i]);
    }
    for (int s = 0; s < 2; s++) {
        if (good[s])
            continue;
        lost(&side[s]);
        reply[s][0].said = -1;
        for (int i = 0; r.n > 1 && i < r.n; i++)
            diff_side_ask(&side[s], &p[i], &reply[s][i]);
    }
    return r.n;
}

void diff_sides_ask(struct diff_side side[2], const struct attn_problem *p, int n, struct diff_reply *const reply[2])
{
    for (int done = 0; done < n;) {
        struct diff_reply *const rest[2] = { reply[0] + done, reply[1] + done };
        done += ask_some(side, p + done, n - done, rest);
    }
}
