/* log.c: writing the log of launches. See log.h.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "subjects/null/log.h"

static int log_file = -1;

/* A FIFO without a reader is an error too: nobody would see the launches. */
void null_log_open(void)
{
    const char *path = getenv(NULL_LOG_VARIABLE);
    if (!path || !*path)
        return;
    log_file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (log_file < 0) {
        fprintf(stderr, "null-hip: %s=%s cannot be written: %s\n", NULL_LOG_VARIABLE, path, strerror(errno));
        abort();
    }
    fcntl(log_file, F_SETFL, O_APPEND);
}

bool null_log_is_open(void) { return log_file >= 0; }

/* One line, in one write: lines of several processes do not mix (POSIX, write(): up to PIPE_BUF bytes into a pipe). */
void null_log_line(const char *line, size_t len)
{
    if (log_file < 0)
        return;
    while (len) {
        ssize_t done = write(log_file, line, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            fprintf(stderr, "null-hip: the log of launches cannot be written: %s\n", strerror(errno));
            abort();
        }
        line += done;
        len -= (size_t)done;
    }
}
