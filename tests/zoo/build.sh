#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh FOLDER [OPTION...]: a woven build in FOLDER (options are those of weave.py): FOLDER/tree, FOLDER/build, and
# FOLDER/bin with all that attnfuzz zoo --build FOLDER/bin needs, and nothing else, so that it can be carried away.
set -eu
[ $# -ge 1 ] || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
python3 "$here/weave.py" "$folder/tree" "$@"
cmake -S "$folder/tree" -B "$folder/build" -G Ninja -DCMAKE_C_COMPILER="${CC:-clang-22}" \
    -DCMAKE_CXX_COMPILER="${CXX:-clang++-22}" -DATTN_SANITIZE=address,undefined -DATTN_ENGINE=libfuzzer \
    -DATTN_TESTS=OFF -DATTN_WERROR=OFF -DCMAKE_C_FLAGS=-w -DCMAKE_CXX_FLAGS=-w >"$folder/configure.log"
# Mutants are looked for by targets alone.
ways="raw uniform"
programs="attnfuzz zoo_grid"
options="--seconds 60 --seeds 3"
case "${1:-}" in
--mutants*)
    ways=""
    programs=attnfuzz
    options="--seconds 20 --seeds 1 --ways target"
    ;;
esac
for target in $(cut -f3 "$folder/tree/zoo.txt" | tr ' ' '\n' | grep '^fuzz_' | sort -u); do
    programs="$programs $target"
    for way in $ways; do
        grep -q "^build $target-$way: phony" "$folder/build/build.ninja" && programs="$programs $target-$way"
    done
done
# shellcheck disable=SC2086
ninja -k 0 -C "$folder/build" -j "${JOBS:-$(nproc)}" $programs
# shellcheck disable=SC2046
(cd "$folder/build/bin" && python3 "$here/weave.py" "$folder/tree" --compiled $(ls | grep -x 'fuzz_[a-z]*'))
rm -rf "$folder/bin"
mkdir "$folder/bin"
for program in $programs; do
    ${STRIP:-llvm-strip-22} -o "$folder/bin/$program" "$folder/build/bin/$program"
done
for target in $programs; do
    [ ! -e "$folder/build/bin/$target.dict" ] || cp "$folder/build/bin/$target.dict" "$folder/bin/"
done
cp "$folder/tree/zoo.txt" "$folder/bin/zoo.txt"
cp "$here/run.sh" "$folder/bin/run.sh"
echo "$options" >"$folder/bin/options"
cp "$here/../../corpus/seeds/test-backend-ops.txt" "$folder/bin/grid.txt"
echo "attnfuzz zoo --build $folder/bin"
