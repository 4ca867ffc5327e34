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
list=$source/fuzz/targets/targets.txt
# What runs machine code needs the library with it, which no builder has by itself.
amd=${ATTN_AMD:-}
mapfile -t targets < <(awk -v amd="$amd" '/^[a-z]/ && ($7 == "-" || amd != "") { print $1 }' "$list")
[ -z "$amd" ] || cp "$amd" "$OUT/attn_amd.so"
cmake --build "$build" -j "${ATTN_JOBS:-$(nproc)}" --target "${targets[@]}"

while read -r target input max_len timeout _ dictionary _; do
  cp "$build/bin/$target" "$OUT/$target"
  {
    printf '[libfuzzer]\nmax_len = %s\ntimeout = %s\nrss_limit_mb = 2560\n' "$max_len" "$timeout"
    if [ "$dictionary" = words ]; then echo "dict = $target.dict"; fi
  } >"$OUT/$target.options"
  if [ "$dictionary" = words ]; then cp "$build/bin/$target.dict" "$OUT/"; fi
  python3 "$source/.clusterfuzzlite/seeds.py" "$input" "$source/corpus" "$OUT/${target}_seed_corpus.zip"
done < <(awk -v amd="$amd" '/^[a-z]/ && ($7 == "-" || amd != "")' "$list")
