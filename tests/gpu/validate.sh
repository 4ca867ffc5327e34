#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every run and measurement on a GPU in one go: tests/gpu/validate.sh --help says which. Exit code: 0 all good, 1 a step
# failed, 2 wrong usage, 3 something is missing or a step is not finished (the same command goes on from there).
exec python3 "$(dirname "$0")/validate.py" "$@"
