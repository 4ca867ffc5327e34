#!/bin/sh
# SPDX-License-Identifier: MIT
#
# include/attnfuzz_line.h compiles as C99 and as C++ by itself, without a warning, with each compiler there is.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/line.c" <<'TEXT'
#include "tests/support/imitation_ggml.h"
#include "attnfuzz_line.h"

const char *ggml_type_name(enum ggml_type type) { return type == GGML_TYPE_F32 ? "f32" : "f16"; }
int64_t ggml_blck_size(enum ggml_type type) { return type == GGML_TYPE_F32 ? 1 : 1; }

static struct ggml_tensor tensor(enum ggml_type type, size_t bytes, int64_t a, int64_t b, int64_t c)
{
    struct ggml_tensor t;
    memset(&t, 0, sizeof t);
    t.type = type;
    t.ne[0] = a, t.ne[1] = b, t.ne[2] = c, t.ne[3] = 1;
    t.nb[0] = bytes, t.nb[1] = bytes * (size_t)a, t.nb[2] = t.nb[1] * (size_t)b, t.nb[3] = t.nb[2] * (size_t)c;
    return t;
}

int main(void)
{
    char line[ATTNFUZZ_LINE_MAX];
    const float parameters[3] = { 0.1f, 0, 30 };
    int32_t more[2] = { 0, 12 }; /* the default precision, n_kv_max */
    struct ggml_tensor q = tensor(GGML_TYPE_F32, 4, 64, 3, 8), k = tensor(GGML_TYPE_F16, 2, 64, 100, 2);
    struct ggml_tensor v = k, node = q;
    node.src[0] = &q, node.src[1] = &k, node.src[2] = &v;
    memcpy(node.op_params, parameters, sizeof parameters);
    memcpy(node.op_params + 3, more, sizeof more);
    attnfuzz_line_of_node(&node, line, sizeof line);
    puts(line);
    return 0;
}
TEXT
cp "$dir/line.c" "$dir/line.cc"
flags="-Wall -Wextra -Wshadow -Wconversion -Werror -pedantic-errors -I$ATTN_SOURCE -I$ATTN_SOURCE/include"
expected='fa1 q=f32[64,3,8,1] k=f16[64,100,2,1] v=f16[64,100,2,1] scale=0.100000001 softcap=30 prec=default n_kv_max=12'
tried=0
try() { # COMPILER STANDARD SOURCE
    command -v "$1" >/dev/null 2>&1 || return 0
    # shellcheck disable=SC2086 # a list of words
    "$1" "-std=$2" $flags -o "$dir/line" "$dir/$3"
    got=$("$dir/line")
    [ "$got" = "$expected" ] || { echo "$1 -std=$2: $got"; exit 1; }
    tried=$((tried + 1))
}
for cc in "$CC" gcc; do try "$cc" c99 line.c; try "$cc" c17 line.c; done
for cxx in "$CXX" g++; do try "$cxx" c++11 line.cc; try "$cxx" c++20 line.cc; done
[ $tried -ge 4 ] || { echo "only $tried compilers tried"; exit 1; }
"$ATTNFUZZ" plan --device gfx1100 "$got" >/dev/null
echo "attnfuzz_line.h: $tried builds"
