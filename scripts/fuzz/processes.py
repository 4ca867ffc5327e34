# SPDX-License-Identifier: MIT
"""Child processes of a fuzzing run: none outlives it, however it ends. Signals that ask it to end are an exception."""

import glob
import os
import signal
import subprocess
import time

MARK = "ATTN_FUZZ_RUN"  # in the environment of every process that a run starts, and of all that those start
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    def __init__(self, number):
        super().__init__(number)
        self.number, self.at = number, time.monotonic()


def marked(mark):
    """Processes with the mark; a zombie has no environment."""
    found = []
    wanted = f"{MARK}={mark}".encode()
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if wanted in f.read().split(b"\0"):
                    found.append(int(path.split("/")[2]))
        except OSError:
            continue  # it has ended, or is another's
    return found


def kill_marked(mark, seconds):
    """Ends them all, and those that they start meanwhile."""
    until = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < until:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.02)


class Processes:
    def __init__(self):
        self.mark = f"{os.getpid()}.{time.time_ns()}"
        self.children = []
        self.caught = None
        self.holding = False
        reading, self.held = os.pipe()
        self.guard = os.fork()
        if self.guard == 0:
            self._guard(reading)
        os.close(reading)
        for number in ENDING:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            signal.signal(number, self._on_signal)

    def _guard(self, reading):
        """Another process: waits until this one has ended, be it by SIGKILL, and ends what it has left."""
        try:
            os.setsid()
            for number in ENDING:
                signal.signal(number, signal.SIG_IGN)
            os.close(self.held)
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            os.read(reading, 1)
            kill_marked(self.mark, 5)
        finally:
            os._exit(0)

    def _on_signal(self, number, _):
        if self.caught is None:
            self.caught = Interrupted(number)
            if not self.holding:
                raise self.caught

    def hold(self):
        """From here on a signal is kept, for what must not be left half done."""
        self.holding = True

    def start(self, command, environment=None, **how):
        """A child in a session of its own: a terminal's Ctrl-C is for this process, which ends its children."""
        environment = dict(os.environ, **(environment or {}), **{MARK: self.mark})
        child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True, **how)
        self.children.append(child)
        return child

    def run(self, command, moment_s):
        """A child to its end: its exit code. When a signal comes it gets that signal too, and a moment to say what it
        knows."""
        child = self.start(command)
        try:
            return child.wait()
        except Interrupted as interrupted:
            self.end([child], moment_s, interrupted.number)
            raise
        finally:
            self.children.remove(child)

    def end(self, children, seconds, number=signal.SIGTERM):
        """Asks them to end, then ends them."""
        for child in children:
            if child.poll() is None:
                child.send_signal(number)
        until = time.monotonic() + seconds
        while any(child.poll() is None for child in children) and time.monotonic() < until:
            time.sleep(0.02)
        for child in children:
            if child.poll() is None:
                child.kill()
        for child in children:
            child.wait()

    def close(self):
        kill_marked(self.mark, 1)
        os.close(self.held)
        os.waitpid(self.guard, 0)
