#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Makes a shared library to link with in place of libamdhip64 where only HIP's headers are: it has the names that the
# objects want from HIP, which do nothing, and the name under which the real library is looked for at run time.
#
#   kernels/hip/runtime-stand-in.sh CC NM SONAME OUTPUT OBJECT...
set -eu
cc=$1 nm=$2 soname=$3 output=$4
shift 4
"$nm" -u "$@" | awk '$1 == "U" && $2 ~ /^(__)?hip[A-Z]/ { print $2 }' | sort -u >"$output.names"
[ -s "$output.names" ] || { echo "no name of HIP's runtime is used in: $*" >&2; exit 1; }
awk '{ print "void " $1 "(void);"; print "void " $1 "(void) {}" }' "$output.names" >"$output.c"
"$cc" -shared -fPIC -w -Wl,-soname,"$soname" -o "$output" "$output.c"
