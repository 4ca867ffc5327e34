#!/bin/bash -eu
# SPDX-License-Identifier: MIT
#
# Builds the fuzz targets as OSS-Fuzz and ClusterFuzzLite ask for it (OSS-Fuzz documentation, "Setting up a new
# project", build.sh): compilers and flags come from $CC, $CXX, $CFLAGS, $CXXFLAGS; the engine only through
# $LIB_FUZZING_ENGINE; sanitizer and coverage are whatever the flags say. Into $OUT go, for each target, the binary
# (no extension), its seed corpus, its options and, where it reads text, a dictionary.
: "${SRC:?}" "${OUT:?}" "${CC:?}" "${CXX:?}" "${LIB_FUZZING_ENGINE:?}"
source=$SRC/attnfuzz
build=${WORK:-$SRC}/attnfuzz-build

# CFLAGS and CXXFLAGS reach CMake through the environment. No build type: nothing is added to them.
cmake -S "$source" -B "$build" -G Ninja \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE=None \
  -DATTN_ENGINE=external -DATTN_ENGINE_LIB="$LIB_FUZZING_ENGINE" -DATTN_TESTS=OFF -DATTN_WERROR=OFF
targets=()
for file in "$source"/fuzz/targets/fuzz_*.c; do targets+=("$(basename "$file" .c)"); done
cmake --build "$build" -j "${ATTN_JOBS:-$(nproc)}" --target "${targets[@]}"

for target in "${targets[@]}"; do
  cp "$build/bin/$target" "$OUT/$target"
  cp "$source/.clusterfuzzlite/$target.options" "$OUT/" 2>/dev/null || cp "$source/.clusterfuzzlite/default.options" \
    "$OUT/$target.options"
  if [ -e "$source/.clusterfuzzlite/$target.dict" ]; then cp "$source/.clusterfuzzlite/$target.dict" "$OUT/"; fi
  python3 "$source/.clusterfuzzlite/seeds.py" "$target" "$source/corpus" "$OUT/${target}_seed_corpus.zip"
done
