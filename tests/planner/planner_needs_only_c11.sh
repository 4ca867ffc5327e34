#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The planner builds as an archive with a C11 compiler alone, no build system; the archive exports the names that
# attn_planner.h declares and no other, and needs nothing but the memory and string functions of <string.h>.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
work=${ATTN_BUILD:-$here/build}/c11
rm -rf "$work"
mkdir -p "$work"
failed=0
tried=0

try() { # COMPILER
    command -v "$1" >/dev/null 2>&1 || { echo "$1: not on this machine"; return 0; }
    tried=$((tried + 1))
    dir=$work/$1
    mkdir -p "$dir"
    cd "$dir"
    for source in "$here"/planner/planner.c "$here"/planner/contracts/kernel_*.c; do
        "$1" -std=c11 -pedantic-errors -Wall -Wextra -Werror -O2 -I"$here" -c "$source" || {
            echo "FAILED $1: $source does not compile"
            failed=1
            return 0
        }
    done
    ar rcs libattn_planner.a ./*.o

    nm -g --defined-only libattn_planner.a | awk 'NF == 3 { print $3 }' | sort -u >exported
    "$1" -std=c11 -E -P -I"$here" "$here/planner/attn_planner.h" | tr -cs 'A-Za-z0-9_' '\n' | sort -u >declared
    [ -s exported ] || { echo "FAILED $1: nothing is exported"; failed=1; }
    if ! comm -23 exported declared >undeclared || [ -s undeclared ]; then
        echo "FAILED $1: exported, but not in attn_planner.h:"
        sed 's/^/    /' undeclared
        failed=1
    fi
    # Names that begin with two underscores are the compiler's own (128-bit division).
    nm -g --undefined-only libattn_planner.a | awk 'NF == 2 { print $2 }' | sort -u | comm -23 - exported |
        grep -vxE '__.*|_GLOBAL_OFFSET_TABLE_|mem(cpy|move|set|cmp|chr)|bcmp|str(len|cmp|ncmp|chr)' >foreign || :
    if [ -s foreign ]; then
        echo "FAILED $1: needs from outside:"
        sed 's/^/    /' foreign
        failed=1
    fi

    cat >use.c <<'TEXT'
#include "planner/attn_planner.h"
int main(void) {
    struct attn_problem problem = {.scale = 1};
    const int64_t q[4] = {256, 11, 32, 1}, k[4] = {256, 271, 16, 1}, dst[4] = {256, 32, 11, 1};
    const uint8_t operands[] = {ATTN_Q, ATTN_K, ATTN_V, ATTN_DST};
    for (int i = 0; i < 4; i++) {
        struct attn_tensor *t = &problem.t[operands[i]];
        const int64_t *ne = operands[i] == ATTN_Q ? q : operands[i] == ATTN_DST ? dst : k;
        for (int d = 0; d < 4; d++) t->ne[d] = ne[d];
        t->type = operands[i] == ATTN_K || operands[i] == ATTN_V ? ATTN_F16 : ATTN_F32;
        t->present = 1;
        attn_tensor_contiguous(t);
    }
    problem.head_total = 32;
    if (attn_problem_check(&problem, NULL) != ATTN_E_OK) return 1;
    for (int i = 0; i < attn_device_count(); i++)
        if (!attn_supports(attn_device(i), &problem)) return 2;
    return 0;
}
TEXT
    "$1" -std=c11 -Wall -Wextra -Werror -I"$here" use.c libattn_planner.a -o use || { failed=1; return 0; }
    ./use || { echo "FAILED $1: the program that plans returned $?"; failed=1; }
    echo "$1: $(wc -l <exported) names exported"
}

try gcc
try "${CC:-clang}"
[ $tried -gt 0 ] || { echo "skipped: no C compiler"; exit 77; }
exit $failed
