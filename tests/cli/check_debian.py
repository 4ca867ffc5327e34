#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""attnfuzz check on the ggml HIP backend that Debian ships, where it can be had: thirty seconds of it, no finding
that is not in subjects/ggml/baseline.txt, and one program of each group of findings compiled against ggml's headers and
run alone on the null runtime, where it must show what the report says.
include/attnfuzz_line.h against ggml's real headers."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from command import devices  # noqa: E402

ATTNFUZZ, SOURCE, BUILD = os.environ["ATTNFUZZ"], os.environ["ATTN_SOURCE"], os.environ["ATTN_BUILD"]
CACHE = os.environ.get("ATTN_GGML_DEBIAN", os.path.join(BUILD, "ggml-debian"))
BASELINE = os.path.join(SOURCE, "subjects/ggml/baseline.txt")
VERSION = re.search(r"^# ggml (\S+)", open(BASELINE).read(), re.M).group(1)
SECONDS = os.environ.get("ATTN_CHECK_SECONDS", "30")
NULL = os.path.join(BUILD, "lib", "attnfuzz-null")

failures = []


def fail(text):
    failures.append(text)
    print("FAILED:", text)


def of_the_baseline(report):
    return "ggml " + VERSION + "," in report["subject"]


def fetch():
    done = subprocess.run(["sh", os.path.join(SOURCE, "subjects/ggml/debian.sh"), CACHE], capture_output=True,
                          text=True)
    if done.returncode == 77:
        print("skipped:", done.stderr.strip())
        sys.exit(77)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout.split()[:3]  # the fourth: where the other backends are


LOADER, LIBRARIES, BACKEND = fetch()
HEADERS = os.path.join(LIBRARIES, "..", "..", "include")


def compile_program(source, target, compiler, *flags):
    """Debian's libraries are newer than this machine's C library: what they need of it is looked for at run time."""
    done = subprocess.run([compiler, *flags, "-I", HEADERS, source, "-o", target,
                           os.path.join(LIBRARIES, "libggml.so.0"), os.path.join(LIBRARIES, "libggml-base.so.0"),
                           "-lm", "-Wl,--allow-shlib-undefined"], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{source}: {done.stderr}")


def run_program(program, *arguments, log=None):
    environment = dict(os.environ, GGML_CUDA_DISABLE_GRAPHS="1")
    if log:
        environment["ATTN_NULL_HIP_LOG"] = log
    return subprocess.run([LOADER, "--library-path", LIBRARIES + ":" + NULL, program, *arguments], capture_output=True,
                          text=True, env=environment, timeout=120)


def confirm(source, finding, folder):
    """Runs a finding's program by itself: does it show what was reported?"""
    program, kind = os.path.join(folder, "program"), finding["kind"]
    compile_program(source, program, os.environ["CC"], "-std=c11", "-Wall", "-Wno-deprecated-declarations", "-Werror")
    amd = [name for name in devices() if name.startswith("gfx")]  # what the null runtime shows, in this order
    number = str(amd.index(finding["device"]))

    def once(*more):
        log = os.path.join(folder, "log")
        if os.path.exists(log):
            os.remove(log)
        done = run_program(program, BACKEND, number, *more, log=log)
        launched = open(log).read() if os.path.exists(log) else ""
        return done, "supported: yes" in done.stdout, launched

    done, supported, launched = once()
    said = done.stdout + done.stderr
    if "supported:" not in done.stdout:
        return False, said
    if kind == "hole":
        return not supported, said
    if kind == "abort":
        what = re.sub(r".*/", "", finding["message"].split(": ")[0])
        return supported and done.returncode != 0 and what in said, said
    if kind == "unfit":
        return supported and finding["launch"]["kernel"] in launched, said + launched
    if kind == "impure":
        _, usual_supported, usual_launched = once("usual")
        kernels = [re.findall(r"flash_attn_\w+", text) for text in (launched, usual_launched)]
        return supported != usual_supported or kernels[0] != kernels[1], said + launched + usual_launched
    return False, f"no way to confirm {kind}: " + said


def check():
    with tempfile.TemporaryDirectory() as folder:
        page, data, programs = (os.path.join(folder, name) for name in ("page.html", "report.json", "programs"))
        done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=debian", "--cache", CACHE, "--seconds", SECONDS,
                               "--baseline", BASELINE, "--json", data, "--html", page, "--snippets", programs],
                              capture_output=True, text=True, timeout=600)
        print(done.stdout[:12000])
        if done.returncode not in (0, 1):
            return fail(f"attnfuzz check: exit code {done.returncode}\n{done.stderr}")
        report = json.load(open(data))
        if report["calls"] < 100000:
            fail(f"only {report['calls']} calls")
        if not of_the_baseline(report):
            print(f"the baseline is of ggml {VERSION}: what is new in this one is listed above and is not judged here")
        elif done.returncode != 0:
            fail("findings that the baseline does not have")
        confirmed = 0
        for source in sorted(glob.glob(os.path.join(programs, "*.c"))):
            key = open(source).readline()[3:].strip()
            finding = next(f for f in report["findings"] if f["id"] == key)
            shown, said = confirm(source, finding, folder)
            confirmed += shown
            if not shown:
                fail(f"{os.path.basename(source)}, {key}: run alone it does not show\n{said[:2000]}")
        print(f"{confirmed} programs run alone show their finding")


def executed():
    """Calls as models make them: the library's kernels run to an end on the machine and compute attention."""
    lines = ["fa1 q=f32[128,1,8,1] k=f16[128,256,2,1] v=f16[128,256,2,1] mask=f16[256,1,1,1] scale=0.088388346",
             "fa1 q=f32[64,9,4,1] k=f16[64,256,4,1] v=f16[64,256,4,1] mask=f16[256,9,1,1] scale=0.125",
             "fa1 q=f32[128,2,4,1] k=q8_0[128,256,1,1] v=q8_0[128,256,1,1] mask=f16[256,2,1,1] scale=0.088388346",
             "fa1 q=f32[256,1,2,1] k=f16[256,256,1,1] v=f16[256,256,1,1] mask=f16[256,1,1,1] scale=0.0625 softcap=30"]
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "report.json")
        done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=debian", "--cache", CACHE, "--execute", "--device",
                               "gfx90a,gfx1100", "--json", data, *lines], capture_output=True, text=True, timeout=600)
        if done.returncode not in (0, 1):
            return fail(f"attnfuzz check --execute: exit code {done.returncode}\n{done.stderr}")
        report = json.load(open(data))
    n, launches = report["executed"], report["executed_launches"]
    print(f"executed: {n} calls, {launches} launches, {report['unsupported_launches']} unsupported")
    if n < 2 * len(lines) or report["unsupported_launches"] > launches * 0.05:
        fail(f"of {len(lines)} calls on two devices {n} were executed\n{done.stdout}")
    for f in report["findings"]:
        if f["kind"] == "wrong":
            fail(f"{f['line']}: {f['message']}")


def many_arguments():
    """They all come through where the command starts itself anew, on the library's own C library."""
    lines = [f"fa1 q=f32[128,1,8,1] k=f16[128,{n},2,1] v=f16[128,{n},2,1]" for n in range(1, 401)]
    done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=debian", "--cache", CACHE, "--device", "gfx1100",
                           *lines, "--json", "-"], capture_output=True, text=True, timeout=600)
    asked = json.loads(done.stdout)["problems"] if done.stdout.startswith("{") else done.stdout + done.stderr
    if asked != len(lines):
        fail(f"of {len(lines)} lines {asked} were asked about")


def beyond():
    """What is larger than what is executed is said to be."""
    line = "fa1 q=f32[128,4096,32,1] k=f16[128,32768,8,1] v=f16[128,32768,8,1]"
    done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=debian", "--cache", CACHE, "--execute", "--device",
                           "gfx1100", line], capture_output=True, text=True, timeout=600)
    if "1 of the supported are larger than what is executed here" not in done.stdout:
        fail(f"{line}: not executed, and that is not said\n{done.stdout}{done.stderr}")


def replayed():
    """Calls made again and again come back, and no replay of them is wrong: memory comes and goes between them, and
    code is loaded where some was."""
    done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=debian", "--cache", CACHE, "--execute", "--graphs",
                           "--calls", "650", "--json", "-"], capture_output=True, text=True, timeout=600)
    report = json.loads(done.stdout)
    print(f"again and again: {report['repeated']} calls, {report['replays']} replays, {report['executed']} executed")
    found = [f["id"] for f in report["findings"] if f["kind"] in ("replay", "capture", "hang", "abort")]
    if found or report["calls"] < 650 or report["replays"] < 1000:
        fail(f"--graphs: {report['calls']} calls, {found}")


def program_of_a_result():
    """What is written for a wrong result compiles against ggml's own headers and computes it again: the rows of a mask
    of an odd width, of which ggml 0.27.0 takes another one's values."""
    line = "fa1 q=f32[64,2,1,1] k=f16[64,256,1,1] v=q8_0[64,256,1,1] mask=f16[257,2,1,1]"
    done = subprocess.run([ATTNFUZZ, "check", "--subject", "ggml=debian", "--cache", CACHE, "--execute", "--device",
                           "gfx1100", "--json", "-", line], capture_output=True, text=True, timeout=600)
    report = json.loads(done.stdout)
    findings = [f for f in report["findings"] if f["kind"] == "wrong"]
    if not findings and of_the_baseline(report):
        return fail(f"ggml {VERSION}: nothing wrong is found in {line}\n{done.stdout[:2000]}")
    if not findings:
        return print("this version computes a mask of an odd width")
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "program.c"), os.path.join(folder, "program")
        with open(source, "w") as out:
            out.write(findings[0]["snippet"])
        compile_program(source, program, os.environ["CC"], "-std=c11", "-Wall", "-Wextra",
                        "-Wno-deprecated-declarations", "-Werror")
        done = subprocess.run([ATTNFUZZ, "null-hip", "--execute", "--device", "gfx1100", "--out", os.devnull, "--",
                               LOADER, "--library-path", LIBRARIES + ":" + NULL, program, BACKEND, "0"],
                              capture_output=True, text=True, timeout=600)
    if done.returncode != 1 or "result: wrong" not in done.stdout:
        fail(f"{findings[0]['line']}: its program does not show it\n{done.stdout}\n{done.stderr[-2000:]}")
    print("a program of a wrong result:", re.sub("\n", "; ", done.stdout.strip()))


def line_header():
    source = """
#include <ggml.h>
#include "attnfuzz_line.h"
int main(void)
{
    struct ggml_init_params params = { 1 << 20, NULL, true };
    struct ggml_context *ctx = ggml_init(params);
    struct ggml_tensor *cache = ggml_new_tensor_1d(ctx, GGML_TYPE_Q8_0, 1 << 20);
    struct ggml_tensor *q = ggml_permute(ctx, ggml_new_tensor_4d(ctx, GGML_TYPE_F32, 128, 8, 3, 1), 0, 2, 1, 3);
    struct ggml_tensor *k = ggml_view_4d(ctx, cache, 128, 96, 2, 1, 272, 136, 26112, 0);
    struct ggml_tensor *v = ggml_view_4d(ctx, cache, 128, 96, 2, 1, 272, 136, 26112, 26112 * 4);
    struct ggml_tensor *mask = ggml_new_tensor_4d(ctx, GGML_TYPE_F16, 96, 3, 1, 1);
    struct ggml_tensor *node = ggml_flash_attn_ext(ctx, q, k, v, mask, 0.0883883461f, 0.0f, 50.0f);
    ggml_flash_attn_ext_add_sinks(node, ggml_new_tensor_1d(ctx, GGML_TYPE_F32, 8));
    char line[ATTNFUZZ_LINE_MAX];
    attnfuzz_line_of_node(node, line, sizeof line);
    puts(line);
    return 0;
}
"""
    expected = ("fa1 q=f32[128,3,8,1]:4096,512,12288 k=q8_0[128,96,2,1]@b:272,136,26112"
                " v=q8_0[128,96,2,1]@b+104448:272,136,26112 mask=f16[96,3,1,1] sinks=f32[8,1,1,1] scale=0.0883883461 "
                "softcap=50 prec=default")
    with tempfile.TemporaryDirectory() as folder:
        for compiler, standard, suffix in ((os.environ["CC"], "c99", "c"), (os.environ["CXX"], "c++17", "cc")):
            path, program = os.path.join(folder, "line." + suffix), os.path.join(folder, "line")
            with open(path, "w") as out:
                out.write(source)
            compile_program(path, program, compiler, "-std=" + standard, "-Wall", "-Wextra", "-Werror", "-I",
                            os.path.join(SOURCE, "include"))
            done = run_program(program)
            if done.stdout.strip() != expected:
                fail(f"attnfuzz_line.h as {standard}: {done.stdout}{done.stderr}")
            plan = subprocess.run([ATTNFUZZ, "explain", "--device", "gfx1100", done.stdout.strip()],
                                  capture_output=True)
            if plan.returncode != 0:
                fail(f"the line is not read: {plan.stderr}")


line_header()
check()
executed()
many_arguments()
beyond()
replayed()
program_of_a_result()
sys.exit(1 if failures else 0)
