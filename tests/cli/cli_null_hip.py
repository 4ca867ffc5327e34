#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz null-hip: exit codes, what is missing is named before anything runs, launches of C programs that
call HIP."""

import json
import os
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import ATTNFUZZ, Case  # noqa: E402

CC = os.environ.get("CC", "cc")
LIBRARIES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(ATTNFUZZ))), "lib", "attnfuzz-null")

# Registers a kernel as clang's code does, and launches it argv[1] times; argv[2]: what else it does.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct dim3 { unsigned x, y, z; };
void **__hipRegisterFatBinary(const void *);
void __hipRegisterFunction(void **, const void *, char *, const char *, unsigned, void *, void *, void *, void *,
                           int *);
int hipLaunchKernel(const void *, struct dim3, struct dim3, void **, size_t, void *);
int hipGetDeviceCount(int *);
int hipDeviceReset(void);
int hipblasCreate(void **), hipblasSgemm(void *), hipblasDaxpy(void *);
static const struct {
    unsigned magic, version;
    const void *binary;
    void *unused;
} fat = { 0x48495046, 1, "no code", 0 };
static char kernel;
int main(int argc, char **argv)
{
    void *blas;
    int n = 0;
    __hipRegisterFunction(__hipRegisterFatBinary(&fat), &kernel, 0, NAME, 0, 0, 0, 0, 0, 0);
    hipGetDeviceCount(&n);
    printf("devices %d\n", n);
    fflush(stdout);
    for (int i = 0; i < atoi(argv[1]); i++)
        hipLaunchKernel(&kernel, (struct dim3){ 1 + i, 2, 3 }, (struct dim3){ 64, 1, 1 }, 0, 16, 0);
    if (argc > 2 && !strcmp(argv[2], "abort"))
        abort();
    if (argc > 2 && !strcmp(argv[2], "refused"))
        return hipDeviceReset() == 801 ? 9 : 1;
    if (argc > 2 && !strcmp(argv[2], "blas"))
        return hipblasCreate(&blas) || hipblasSgemm(blas) || hipblasDaxpy(blas) != 7;
    if (argc > 2 && !strcmp(argv[2], "wait")) {
        fprintf(stderr, "ready\n");
        pause();
    }
    return 0;
}
"""


class NullHip(Case):
    def compile(self, name, source, *arguments):
        path = self.path(name)
        done = subprocess.run([CC, "-w", "-x", "c", self.write(name + ".c", source), "-o", path, *arguments],
                              capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path

    def program(self, kernel="_Z6kernelPfi", hip=7, blas=3):
        return self.compile("program", PROGRAM, f'-DNAME="{kernel}"', f"-L{LIBRARIES}", f"-l:libamdhip64.so.{hip}",
                            f"-l:libhipblas.so.{blas}", f"-Wl,-rpath-link,{LIBRARIES}")

    def read(self, path, mode="r"):
        with open(path, mode) as file:
            return file.read()

    def launches(self, *arguments):
        file = self.path("launches.json")
        result = self.ends(0, "null-hip", "--json", "--out", file, *arguments)
        return json.loads(self.read(file)), result

    def test_mistakes(self):
        for code, arguments, word in [
                (2, (), "no command"), (2, ("--",), "no command"), (2, ("--nosuch",), "null-hip --help"),
                (2, ("--device", "gfx999", "--", "true"), "gfx999"),
                (2, ("--device", "sm_90", "--", "true"), "no AMD device"),
                (2, ("--device", "gfx942~nosuch", "--", "true"), "nosuch"),
                (2, ("--out", "/nosuch/folder/x", "--", "true"), "/nosuch/folder/x"),
                (3, ("--", "no-such-program-anywhere"), "no-such-program-anywhere"), (3, ("--", "/"), "no program"),
                (3, ("--", ""), "no program"), (3, ("--", "/etc/passwd"), "/etc/passwd")]:
            result = self.ends(code, "null-hip", *arguments)
            self.assertIn(word, result.err)
            self.assertLessEqual(result.err.count("\n"), 2, result.err)
            self.assertEqual(result.out, "")

    def test_the_status_is_the_commands(self):
        self.assertIn("0 launches", self.ends(0, "null-hip", "true").out)
        self.ends(7, "null-hip", "--", "sh", "-c", "exit 7")
        self.ends(128 + 9, "null-hip", "--", "sh", "-c", "kill -9 $$")

    def test_a_file_that_cannot_be_executed_is_3(self):
        script = self.write("script", "#!/no/such/interpreter\n")
        os.chmod(script, 0o755)
        self.assertIn("cannot be run", self.ends(3, "null-hip", "--", script).err)
        for cut in (b"\x7fELF", b"\x7fELF\x02\x01\x01" + b"\xff" * 200, self.read("/bin/true", "rb")[:700]):
            broken = self.path("broken")
            with open(broken, "wb") as file:
                file.write(cut)
            os.chmod(broken, 0o755)
            result = self.ends_in((2, 3, 126, 127), "null-hip", "--", broken)
            self.assertTrue(result.err)

    def ends_in(self, codes, *arguments):
        from command import attnfuzz
        result = attnfuzz(*arguments)
        self.assertIn(result.code, codes, result.err)
        return result

    def test_launches_are_printed_in_order(self):
        file, result = self.launches("--device", "gfx1100,gfx942~lds/2", "--", self.program(), "3")
        self.assertEqual(result.out, "devices 2\n")
        self.assertEqual([l["grid"] for l in file["launches"]], [[1, 2, 3], [2, 2, 3], [3, 2, 3]])
        one = file["launches"][0]
        self.assertEqual((one["kernel"], one["name"], one["block"], one["lds_dynamic_bytes"], one["device"],
                          one["flags"]),
                         ("_Z6kernelPfi", "kernel(float*, int)", [64, 1, 1], 16, "gfx1100", ["no-code"]))
        self.assertEqual((file["refused"], file["status"]), (0, 0))
        self.assertIn("has no code of _Z6kernelPfi for gfx1100", result.err)

    def test_both_majors_and_any_name_of_a_kernel(self):
        name = "weird name\\x1b[31m\\x80" + "x" * 5000
        file, _ = self.launches("--", self.program(kernel=name, hip=6, blas=2), "1")
        self.assertTrue(file["launches"][0]["kernel"].startswith("weird name\x1b[31m\x80xxx"))
        text = self.ends(0, "null-hip", "--", self.path("program"), "1").out
        self.assertNotIn("\x1b", text)

    def test_many_launches_stream_through(self):
        result = self.ends(0, "null-hip", "--out", "/dev/null", "--", self.program(), "100000")
        self.assertLess(result.peak_bytes, 600 << 20)
        out = self.path("many")
        self.ends(0, "null-hip", "--out", out, "--", self.path("program"), "5000")
        lines = self.read(out).splitlines()
        self.assertEqual(lines[-1], "5000 launches, 0 calls refused, status 0")
        self.assertTrue(all(f" grid {i + 1},2,3 " in line for i, line in enumerate(lines[:-1])))

    def test_launches_before_an_abort_are_printed(self):
        said = self.ends(134, "null-hip", "--", self.program(), "2", "abort").out
        self.assertIn("2 launches, 0 calls refused, status 134", said)

    def interrupt(self, numbers, *command, **how):
        """Sent signals once the command, which says "ready" on standard error, is there: exit code, output."""
        out = self.path("signalled")
        with open(out, "w") as file, subprocess.Popen([ATTNFUZZ, "null-hip", *command], stdout=file, text=True,
                                                      stderr=subprocess.PIPE, start_new_session=True, **how) as child:
            late = threading.Timer(60, os.killpg, (child.pid, signal.SIGKILL))
            late.start()
            said = ""
            while "ready" not in said and child.poll() is None:
                said += child.stderr.readline()
            for number in numbers:
                child.send_signal(number)
            child.stderr.read()
            child.wait()
            late.cancel()
        return child.returncode, self.read(out)

    def test_a_signal_ends_the_command_and_the_launches_until_then_are_printed(self):
        program = self.program()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            code, out = self.interrupt([number], "--", program, "2", "wait")
            self.assertEqual(code, 128 + number, out)
            self.assertIn(f"2 launches, 0 calls refused, status {128 + number}", out)
        code, out = self.interrupt([signal.SIGTERM], "--json", "--", program, "2", "wait")
        self.assertIn('"status":143', out.splitlines()[-1])

    def test_a_command_may_take_its_signal_otherwise(self):
        code, out = self.interrupt([signal.SIGTERM], "--", "sh", "-c",
                                   "trap 'exit 7' TERM; echo ready >&2; while :; do sleep 0.02; done")
        self.assertEqual(code, 7, out)
        self.assertIn("0 launches, 0 calls refused, status 7", out)

    def test_a_signal_that_is_ignored_stays_so(self):
        ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
        code, out = self.interrupt([signal.SIGHUP, signal.SIGTERM], "--", "sh", "-c",
                                   "echo ready >&2; exec sleep 60", preexec_fn=ignore)
        self.assertEqual(code, 128 + signal.SIGTERM, out)

    def test_launches_of_children_are_printed(self):
        program = self.program()
        out = self.ends(0, "null-hip", "--", "sh", "-c", f"{program} 1; {program} 2").out
        self.assertIn("3 launches", out)

    def test_a_call_that_is_not_provided(self):
        result = self.ends(9, "null-hip", "--", self.program(), "0", "refused")
        self.assertIn("null-hip: hipDeviceReset: not provided", result.err)
        self.assertIn("0 launches, 1 calls refused, status 9", result.out)

    def test_linear_algebra(self):
        file, result = self.launches("--", self.program(), "0", "blas")
        self.assertEqual([(l["kernel"], l["flags"]) for l in file["launches"]], [("hipblasSgemm", ["library"])])
        self.assertIn("hipblasDaxpy", result.err)

    # ---- What is missing -------------------------------------------------------------------------------------------

    def stand_in(self, soname, version):
        script = self.write("map", f"{version} {{ global: hip*; }};\n") if version else None
        library = self.compile(soname, "int hipInit(unsigned x) { return x; } int hipOfTomorrow(void) { return 0; }",
                               "-shared",
                               "-fPIC", f"-Wl,-soname,{soname}",
                               *([f"-Wl,--version-script,{script}"] if script else []))
        return os.path.dirname(library)

    def user(self, folder, soname, call="hipInit(0)", *arguments):
        return self.compile("user", f"int hipInit(unsigned), hipOfTomorrow(void); int main(void) {{ return {call}; }}",
                            f"-L{folder}", f"-l:{soname}", *arguments)

    def test_a_symbol_that_is_missing_is_named(self):
        folder = self.stand_in("libamdhip64.so.7", None)
        result = self.ends(3, "null-hip", "--", self.user(folder, "libamdhip64.so.7", "hipInit(0) + hipOfTomorrow()"))
        self.assertIn("symbol hipOfTomorrow", result.err)
        self.assertEqual(result.err.count("\n"), 1)

    def test_a_version_that_is_missing_is_named(self):
        folder = self.stand_in("libamdhip64.so.7", "hip_99.9")
        self.assertIn("hip_99.9", self.ends(3, "null-hip", "--", self.user(folder, "libamdhip64.so.7")).err)

    def test_a_library_that_is_missing_is_named(self):
        folder = self.stand_in("libamdhip64.so.5", None)
        self.assertIn("libamdhip64.so.5", self.ends(3, "null-hip", "--", self.user(folder, "libamdhip64.so.5")).err)

    def test_a_program_that_brings_its_own_path_still_gets_the_null_runtime(self):
        folder = self.stand_in("libamdhip64.so.7", "hip_4.2")
        program = self.user(folder, "libamdhip64.so.7", "hipInit(7)", "-Wl,--disable-new-dtags", f"-Wl,-rpath,{folder}")
        self.assertEqual(subprocess.run([program]).returncode, 7)  # the library in its path
        self.ends(1, "null-hip", "--", program)                    # hipErrorInvalidValue


if __name__ == "__main__":
    unittest.main()
