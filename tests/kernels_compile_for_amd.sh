#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every kernel compiles for a wave32 and a wave64 AMD GPU, device code only, and the object holds kernels. (The
# device compiler instantiates what attn_entry_* names; a file that compiles to nothing would prove nothing. Only a
# file NAME.hip whose instances are compiled apart, in NAME_*.hip, has none of its own, and of those parts one that is for
# other GPUs.) Then the objects' metadata is held
# against plans (support/amd_metadata.c), and must not stand when every plan's LDS is made wrong by one byte.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=${ATTN_BUILD:-$here/build}/amd
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
mkdir -p "$work/objects"

sh "$here/kernels/amd-toolchain.sh" "$work" >"$work/words" || exit $? # 77 with its reason: skipped
compile=$(cat "$work/words")
readobj=
major=$("${CXX:-clang++}" -dumpversion | cut -d. -f1)
for tool in "llvm-readobj-$major" llvm-readobj "${ROCM_PATH:-/opt/rocm}/llvm/bin/llvm-readobj"; do
    command -v "$tool" >/dev/null 2>&1 && { readobj=$tool; break; }
done
[ -n "$readobj" ] || { echo "skipped: no llvm-readobj to look into the objects with"; exit 77; }

one() { # ARCH FILE
    name=$(basename "$2" .hip)
    object=$work/objects/$name.$1.o
    # shellcheck disable=SC2086 # words without spaces
    if ! $compile -Wall -Wextra -Werror -I"$here/kernels" -I"$here/planner" --offload-arch="$1" -o "$object" "$2" \
        >"$object.log" 2>&1; then
        echo "FAILED $1 $name.hip"
        head -n 40 "$object.log"
        return 1
    fi
    # The object's own metadata (AMDGPU code object V5, .note section) for each kernel.
    apart=0
    for part in "${2%.hip}"_*.hip; do [ -e "$part" ] && apart=1; done
    case $1:$name in # the instances of a matrix core family
    gfx11*:mma_wmma11 | gfx12*:mma_wmma12 | gfx90a:mma_mfma | gfx908:mma_mfma | gfx94*:mma_mfma | gfx95*:mma_mfma) ;;
    *:mma_*) apart=2 ;;
    esac
    "$readobj" --notes "$object" | awk -v what="$1 $name.hip" -v apart=$apart '
        $1 == ".vgpr_spill_count:" { spills += $2; kernels++ }
        $1 == ".vgpr_count:" && $2 > vgprs { vgprs = $2 }
        $1 == ".group_segment_fixed_size:" && $2 > lds { lds = $2 }
        $1 == ".private_segment_fixed_size:" && $2 > scratch { scratch = $2 }
        END {
            if (apart == 2) { print (kernels ? "FAILED " : "ok ") what ": " kernels + 0 " kernels, its instances are for other GPUs"; exit kernels > 0 }
            if (!kernels && apart) { print "ok " what ": its instances are compiled apart"; exit 0 }
            if (!kernels) { print "FAILED " what ": the object holds no kernel"; exit 1 }
            printf "ok %s: %d kernels, at most %d VGPRs, %d bytes of LDS, %d of scratch, %d spills\n",
                what, kernels, vgprs, lds, scratch, spills
        }'
}

failed=0
n=0
running=
for file in "$here"/kernels/*.hip; do
    [ -e "$file" ] || { echo "FAILED: no kernels in kernels/"; exit 1; }
    for arch in gfx1100 gfx942; do
        one $arch "$file" &
        running="$running $!"
        n=$((n + 1))
        if [ $((n % jobs)) = 0 ]; then
            for pid in $running; do wait "$pid" || failed=$((failed + 1)); done
            running=
        fi
    done
done
for pid in $running; do wait "$pid" || failed=$((failed + 1)); done
echo "$((n - failed)) of $n compiled"
[ $failed = 0 ] || exit 1

"$ATTN_BIN/amd_metadata" "$here/tests/amd_scratch.txt" "$work"/objects/*.o
for bytes in 1 -1; do
    if "$ATTN_BIN/amd_metadata" --wrong-lds $bytes "$here/tests/amd_scratch.txt" "$work"/objects/*.o >"$work/wrong-lds" 2>&1; then
        echo "FAILED: plans with LDS wrong by $bytes stand"
        exit 1
    fi
    grep 'bytes of static LDS, the plan says' "$work/wrong-lds" | head -n 1
done
