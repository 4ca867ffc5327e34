#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh JOBS SECONDS: in the folder that build.sh has made, carried wherever: its faults or mutants, so many at once
# and for so long at most by the clock. What was found is in results.txt beside it; started again, it goes on.
set -u
[ $# = 2 ] || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
cd "$(dirname "$0")" || exit 3
LD_LIBRARY_PATH=$PWD/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
# shellcheck disable=SC2046
timeout --signal=INT "$2" ./attnfuzz zoo --build . --jobs "$1" --resume results.txt $(cat options)
