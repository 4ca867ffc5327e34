#!/bin/sh
# SPDX-License-Identifier: MIT
#
# .clusterfuzzlite/build.sh does what OSS-Fuzz's builder asks of it: run as the builder runs it, for libFuzzer and for
# AFL++, with ASan and with UBSan (flags of infra/base-images/base-builder in OSS-Fuzz, with libc++ as there), it leaves
# in $OUT for each target a binary with that engine and that sanitizer in it, a seed corpus, options that name only
# what is there; and each target runs its seeds. Compiling is what this test costs: -O0 keeps it short.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
list=$here/fuzz/targets/targets.txt
work=${ATTN_BUILD:-$here/build}/clusterfuzzlite
compiler=${CC:-clang}
afl=/usr/lib/afl

for tool in "$compiler" cmake ninja python3 nm bash; do
    command -v "$tool" >/dev/null 2>&1 || { echo "skipped: $tool is not on this machine"; exit 77; }
done
fail() { echo "FAILED $combination: $*"; failed=$((failed + 1)); }

# Sanitizers as in OSS-Fuzz; unsigned overflow is legal C and reported there as coverage only.
undefined=array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,return,returns-nonnull-attribute
undefined=$undefined,shift,signed-integer-overflow,unreachable,vla-bound,vptr

build() { # ENGINE SANITIZER
    combination=$1-$2
    dir=$work/$combination
    mkdir -p "$dir/src" "$dir/work"
    rm -rf "$dir/out"
    mkdir "$dir/out"
    ln -sfn "$here" "$dir/src/attnfuzz"
    case $2 in
    address) sanitize="-fsanitize=address -fsanitize-address-use-after-scope" ;;
    undefined) sanitize="-fsanitize=$undefined -fno-sanitize-recover=$undefined" ;;
    esac
    case $1 in
    libfuzzer) coverage="-fsanitize=fuzzer-no-link" link="$libfuzzer" ;;
    # AFL++'s own compiler wrapper carries an older clang on Debian; this is the way around it that OSS-Fuzz has too
    # (compile_afl, AFL_LLVM_MODE_WORKAROUND).
    afl) coverage="-fsanitize-coverage=trace-pc-guard" link="$afl/libAFLDriver.a $afl/afl-compiler-rt-64.o" ;;
    esac
    flags="-O0 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
    flags="$flags $sanitize $coverage"
    if ! env SRC="$dir/src" OUT="$dir/out" WORK="$dir/work" CC="$compiler" CXX="${CXX:-clang++}" CFLAGS="$flags" \
        CXXFLAGS="$flags$stdlib" LIB_FUZZING_ENGINE="$link" FUZZING_ENGINE="$1" SANITIZER="$2" ARCHITECTURE=x86_64 \
        FUZZING_LANGUAGE=c++ bash -eu "$here/.clusterfuzzlite/build.sh" >"$dir/log" 2>&1; then
        tail -n 12 "$dir/log" | cut -c1-300
        fail "build.sh returned an error"
        return 0
    fi
    check "$1" "$2"
}

check() { # ENGINE SANITIZER
    out=$dir/out
    targets=0
    for target in $(awk '/^[a-z]/ && $7 == "-" { print $1 }' "$list"); do
        targets=$((targets + 1))
        [ -x "$out/$target" ] || { fail "$target is not in OUT"; continue; }
        nm "$out/$target" >"$dir/names"
        grep -q ' LLVMFuzzerTestOneInput$' "$dir/names" || fail "$target has no LLVMFuzzerTestOneInput"
        input=$(awk -v target="$target" '$1 == target { print $2 }' "$list")
        if [ -e "$here/fuzz/targets/entry_$input.c" ]; then
            grep -q ' LLVMFuzzerCustomMutator$' "$dir/names" || fail "$target has no custom mutator"
        fi
        case $2 in
        address) grep -q ' __asan_report_load' "$dir/names" || fail "$target is not built with ASan" ;;
        undefined) grep -q ' __ubsan_handle' "$dir/names" || fail "$target is not built with UBSan" ;;
        esac
        case $1 in
        libfuzzer)
            grep -q ' __sanitizer_cov_8bit_counters_init$' "$dir/names" || fail "$target has no libFuzzer in it"
            ;;
        afl) grep -q ' __afl_area_ptr$' "$dir/names" || fail "$target has no AFL++ in it" ;;
        esac
        [ -s "$out/$target.options" ] || fail "$target has no options"
        dict=$(sed -n 's/^dict *= *//p' "$out/$target.options")
        [ -z "$dict" ] || [ -s "$out/$dict" ] || fail "$target names the dictionary $dict, which is not there"
        rm -rf "$dir/seeds"
        python3 -m zipfile -e "$out/${target}_seed_corpus.zip" "$dir/seeds" ||
            { fail "$target has no seed corpus"; continue; }
        seeds=$(find "$dir/seeds" -type f | sort | awk 'NR % 7 == 1' | head -n 8)
        # shellcheck disable=SC2086 # file names without spaces
        case $1 in
        libfuzzer) "$out/$target" ${dict:+-dict="$out/$dict"} $seeds >"$dir/$target.log" 2>&1 ;;
        afl) "$out/$target" $seeds >"$dir/$target.log" 2>&1 ;;
        esac || { tail -n 20 "$dir/$target.log"; fail "$target does not run its seeds"; continue; }
        ran=$((ran + 1))
    done
    [ $targets -gt 0 ] || fail "there are no targets"
}

stdlib=
libfuzzer=-fsanitize=fuzzer
if printf '#include <vector>\nint main() { return (int)std::vector<int>().size(); }\n' |
    "${CXX:-clang++}" -stdlib=libc++ -x c++ - -o /dev/null 2>/dev/null; then
    stdlib=" -stdlib=libc++"
    # Debian's libFuzzer is built with libstdc++ (OSS-Fuzz's with the libc++ of the targets): it brings its own.
    archive=$("$compiler" -print-file-name=libclang_rt.fuzzer-x86_64.a)
    [ -e "$archive" ] || archive=$("$compiler" -print-runtime-dir)/libclang_rt.fuzzer-x86_64.a
    libfuzzer="$archive -Wl,-lstdc++"
else
    echo "libc++ is not on this machine: built with the compiler's own"
fi
failed=0
ran=0
combinations=0
# Four combinations; a run makes two of them by turns (share.py), with each engine and each sanitizer once.
chosen=$(python3 "$here/tests/support/share.py" 2 libfuzzer-address libfuzzer-undefined afl-undefined afl-address)
for engine in libfuzzer afl; do
    if [ $engine = afl ] && [ ! -e $afl/libAFLDriver.a ]; then
        echo "skipped: afl++ is not on this machine"
        [ $failed = 0 ] && exit 77
        exit 1
    fi
    for sanitizer in address undefined; do
        echo "$chosen" | grep -qx "$engine-$sanitizer" || continue
        began=$(date +%s)
        build $engine $sanitizer
        combinations=$((combinations + 1))
        echo "$engine with $sanitizer: $(($(date +%s) - began)) s"
    done
done
echo "$ran runs of a target in $combinations combinations, $failed failures"
[ $failed = 0 ]
