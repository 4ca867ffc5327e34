/* interrupt.h: the signals that ask the command to end: SIGINT (Ctrl-C), SIGTERM, SIGHUP.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_INTERRUPT_H
#define ATTNFUZZ_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* From now on such a signal ends the process with the exit code that says so: 128 and its number, as shells have it.
 * SIGHUP stays ignored where it was (nohup). */
void cli_interrupt_catch(void);
/* From now on the first such signal is kept instead: the verb has something to say, looks now and then, and ends. */
void cli_interrupt_keep(void);
/* While a signal would end the process, it ends this group of processes too; 0: none. */
void cli_interrupt_group(int group);
/* The signal that was kept; 0: none. */
int cli_interrupted(void);
/* The same for code that is given a place to look at. */
const volatile sig_atomic_t *cli_interrupt_flag(void);
/* Milliseconds since it came; 0: none has. */
int64_t cli_interrupt_age_ms(void);
/* SIGINT and the like. */
const char *cli_interrupt_name(int number);
/* The exit code: 128 and the signal, or without one `code`. */
int cli_interrupt_code(int code);

/* In a child process: the signals are for the parent, which ends its children; and when the parent ends, however that
 * is, so does this process. `parent` is what getpid() was there. */
void cli_interrupt_child(int parent);

#endif
