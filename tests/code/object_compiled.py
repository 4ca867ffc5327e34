#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the compiler makes for every AMD row of the device table is read as it is: stubs and empty kernels are told from
real ones, and the waves of a SIMD that registers, LDS and slots allow are those that LLVM states
(-Rpass-analysis=kernel-resource-usage). Where clang-offload-bundler is on the machine, its bundles are read too, plain
and compressed."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import command  # noqa: E402

COMPILER = os.environ.get("CC", "clang")
TARGETS = [device for device in command.devices() if device.startswith("gfx")]
WITHOUT_AGPRS = ("gfx906",)  # of those with waves of 64
BODIES = {"empty": "empty", "trap": "trap", "stub": "trap", "store": "real", "late": "real"}
SOURCE = """
#define GLOBAL __attribute__((address_space(1)))
#define LDS __attribute__((address_space(3), loader_uninitialized))
#define KERNEL __attribute__((amdgpu_kernel)) void
KERNEL empty(void) {}
KERNEL trap(GLOBAL float *x) { __builtin_trap(); }
KERNEL store(GLOBAL float *x, int n) { if (n > 3) x[n] = 1.0f; }
#define NORETURN __attribute__((noinline, noreturn)) static void
NORETURN no_device_code(GLOBAL volatile float *x) { *x = 2.0f; __builtin_trap(); }
KERNEL stub(GLOBAL float *x) { no_device_code(x); }
KERNEL late(GLOBAL float *x, int n) { if (n > 3) no_device_code(x); x[n] = 1.0f; }
"""
VGPRS = [1, 24, 25, 40, 48, 64, 65, 72, 84, 96, 97, 128, 129, 144, 168, 169, 192, 216, 240, 256]
# Threads and LDS; multiples of what LDS is given out in (512 bytes, 1280 on gfx950), which LLVM does not round up to.
SHAPES = [(64, 0), (64, 10240), (128, 30720), (256, 0), (256, 17920), (1024, 0), (192, 5120), (32, 0), (1024, 61440)]


def registers(target):
    """Kernels of every shape that touch so many registers; their names say which."""
    text = []
    for i, vgprs in enumerate(VGPRS):
        for j, (threads, lds) in enumerate(SHAPES):
            if (i + j) % 3 or vgprs > 128 and threads == 1024:
                continue
            clobber = '"v%d"' % (vgprs - 1)
            if command.devices()[target] == 64 and target not in WITHOUT_AGPRS and i % 2 and threads < 512:
                clobber += ', "a%d"' % (vgprs // 2)
            if i % 4 == 1:
                clobber += ', "s92"'
            name = "v%d_t%d_l%d" % (vgprs, threads, lds)
            array = "static volatile LDS char l_%s[%d];" % (name, lds) if lds else ""
            touch = "l_%s[x[0]] = 1; " % name if lds else ""
            text.append("%s\n__attribute__((amdgpu_flat_work_group_size(%d, %d))) KERNEL %s(GLOBAL int *x) "
                        "{ %s__asm__ volatile(\"\" ::: %s); }" % (array, threads, threads, name, touch, clobber))
    return "\n".join(text)


def run(words, **options):
    return subprocess.run(words, capture_output=True, text=True, **options)


def kernels(path):
    done = run([os.environ["ATTNFUZZ"], "bench", "--occupancy", "--json", path])
    if done.returncode != 0:
        sys.exit("bench --occupancy ended with %d: %s" % (done.returncode, done.stderr))
    return [json.loads(line) for line in done.stdout.splitlines()]


def main(work):
    source = work + "/k.c"
    wrong, compared, objects = [], 0, {}
    for target in TARGETS:
        open(source, "w").write(SOURCE + registers(target))
        objects[target] = "%s/%s.o" % (work, target)
        done = run([COMPILER, "-target", "amdgcn-amd-amdhsa", "-mcpu=" + target, "-nogpulib", "-O2", "-Wno-everything",
                    "-Rpass-analysis=kernel-resource-usage", "-o", objects[target], source])
        if done.returncode != 0:
            if "lld" in done.stderr and "executable" in done.stderr:
                print("skipped: no lld to link AMD code objects with")
                return 77
            sys.exit("\n".join(re.findall(r".*error:.*", done.stderr))[:2000])
        remarks = dict(re.findall(r"Function Name: (\S+).*?Occupancy \[waves/SIMD\]: (\d+)", done.stderr, re.S))
        found = {k["kernel"]: k for k in kernels(objects[target])}
        for name, body in BODIES.items():
            if found[name]["body"] != body:
                wrong.append("%s %s: body %s, must be %s" % (target, name, found[name]["body"], body))
        for name, k in found.items():
            if k["target"].split(":")[0] != target:
                wrong.append("%s %s: target %s" % (target, name, k["target"]))
            match = re.fullmatch(r"v(\d+)_t(\d+)_l(\d+)", name)
            if not match:
                continue
            if k["vgprs"] < int(match[1]) or k["threads"] != int(match[2]) or k["lds_bytes"] != int(match[3]):
                wrong.append("%s %s: read as %s" % (target, name, k))
            compared += 1
            least = min(k["vgpr_waves"], k["sgpr_waves"], k["lds_waves"])
            if least != int(remarks[name]) or not (0 < k["waves"] <= least or k["limit"] == "too large"):
                wrong.append("%s %s: occupancy %d, LLVM says %s (%s)" % (target, name, least, remarks[name], k))
    print("%d kernels of %d targets: occupancy as LLVM has it" % (compared, len(TARGETS)))
    if not TARGETS or compared < 40 * len(TARGETS):
        wrong.append("only %d kernels were compared" % compared)
    wrong += bundles(work, objects)
    for line in wrong[:40]:
        print(line)
    return 1 if wrong else 0


def bundles(work, objects):
    major = re.search(r"version (\d+)", run([COMPILER, "--version"]).stdout)
    bundler = shutil.which("clang-offload-bundler-" + major[1]) or shutil.which("clang-offload-bundler")
    if not bundler:
        print("no clang-offload-bundler here: bundles are read in object_reader alone")
        return []
    bundler = os.path.realpath(bundler)  # it looks for llvm-objcopy beside the name that it is called by
    wrong = []
    whole = sorted(json.dumps(k) for o in objects.values() for k in kernels(o))
    targets = ["host-x86_64-unknown-linux-gnu-"] + ["hipv4-amdgcn-amd-amdhsa--" + t for t in objects]
    for version in ("", "2", "3"):
        bundle = "%s/bundle%s" % (work, version)
        words = [bundler, "-type=o", "-bundle-align=4096", "-targets=" + ",".join(targets), "-input=/dev/null",
                 *("-input=" + o for o in objects.values()), "-output=" + bundle] + (["-compress"] if version else [])
        done = run(words, env=dict(os.environ, COMPRESSED_BUNDLE_FORMAT_VERSION=version or "3"))
        if done.returncode != 0:
            sys.exit(done.stderr)
        head = open(bundle, "rb").read(6)
        if head != (b"CCOB" + bytes([int(version), 0]) if version else b"__CLAN"):
            wrong.append("the bundler made %r, version '%s' was asked for" % (head, version))
        if sorted(json.dumps(k) for k in kernels(bundle)) != whole:
            wrong.append("bundle version '%s' is not read as its objects are" % version)
    print("%s: plain and compressed, versions 2 and 3, read as their %d objects"
          % (os.path.basename(bundler), len(objects)))
    return wrong


with tempfile.TemporaryDirectory() as folder:
    sys.exit(main(folder))
