/* tables.h: what there is, a row each: element types, operands, errors, head sizes, matrix core families, devices,
 * kernels, rules' relations and units, steps and regions of a plan. Everything that has to know all of them (enums,
 * names, codecs, loaders, tests, dictionaries) expands the table; a new thing is one row here, and what only its owner
 * can write. Macros alone: also for kernels and for scripts that read rows.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_TABLES_H
#define ATTN_TABLES_H

/* Types of elements.
 * X(NAME, name, elements in a block, bytes of a block, bytes a block's address is a multiple of, number in ggml)
 * Block layouts: ggml, ggml-common.h (block_q8_0 and the others); numbers: ggml.h, enum ggml_type, where the type is
 * GGML_TYPE_<NAME>. The reference's codec table and the kernels' loader table fail to compile until they have a new
 * row's codec and loader. */
#define ATTN_TYPES(X)           \
    X(F32, f32, 1, 4, 4, 0)     \
    X(F16, f16, 1, 2, 2, 1)     \
    X(BF16, bf16, 1, 2, 2, 30)  \
    X(Q8_0, q8_0, 32, 34, 2, 8) \
    X(Q4_0, q4_0, 32, 18, 2, 2) \
    X(Q4_1, q4_1, 32, 20, 2, 3) \
    X(Q5_0, q5_0, 32, 22, 2, 6) \
    X(Q5_1, q5_1, 32, 24, 2, 7) \
    X(IQ4_NL, iq4_nl, 32, 18, 2, 20)

/* The tensors of a problem, in the order of its line.
 * X(NAME, name, type: the only one it may have, but K and V, which may have any and have this one where none is given)
 */
#define ATTN_OPERANDS(X) \
    X(Q, q, F32)         \
    X(K, k, F16)         \
    X(V, v, F16)         \
    X(MASK, mask, F16)   \
    X(SINKS, sinks, F32) \
    X(DST, dst, F32)

/* What can be wrong with a problem.
 * X(NAME, name, meaning with {t} the tensor, {d} the dimension, {a} and {b} the offending values) */
#define ATTN_ERRORS(X)                                                                                       \
    X(OK, ok, "legal")                                                                                       \
    X(ABSENT, absent, "{t} is missing")                                                                      \
    X(EXTENT, extent, "{t}.ne[{d}] is {a}, must be at least 1")                                              \
    X(TYPE, type, "{t} has type {a}, not allowed there")                                                     \
    X(BUFFER, buffer, "{t} names buffer {a}, must be 0 to 26")                                               \
    X(D_K, d_k, "k.ne[0] is {a}, must equal q.ne[0] = {b}")                                                  \
    X(N_KV, n_kv, "v.ne[1] is {a}, must equal k.ne[1] = {b}")                                                \
    X(N_HEAD_KV, n_head_kv, "v.ne[2] is {a}, must equal k.ne[2] = {b}")                                      \
    X(N_SEQ, n_seq, "{t}.ne[3] is {a}, must equal q.ne[3] = {b}")                                            \
    X(GQA, gqa, "n_head {a} is no multiple of n_head_kv {b}")                                                \
    X(MASK_KV, mask_kv, "mask.ne[0] is {a}, must be at least n_kv = {b}")                                    \
    X(MASK_Q, mask_q, "mask.ne[1] is {a}, must be at least n_q = {b}")                                       \
    X(MASK_HEADS, mask_heads, "mask.ne[2] is {a}, must divide n_head = {b}")                                 \
    X(MASK_SEQ, mask_seq, "mask.ne[3] is {a}, must divide n_seq = {b}")                                      \
    X(SINKS_SHAPE, sinks_shape, "sinks.ne[{d}] is {a}, must be {b}")                                         \
    X(DST_SHAPE, dst_shape, "dst.ne[{d}] is {a}, must be {b}")                                               \
    X(BLOCK, block, "{t}.ne[0] is {a}, must be a multiple of its block of {b}")                              \
    X(ROW_DENSE, row_dense, "{t}.nb[0] is {a}, must be {b}")                                                 \
    X(OFFSET, offset, "{t} offset is {a}, must be a multiple of {b}, at least 0")                            \
    X(STRIDE, stride, "{t}.nb[{d}] is {a}, must be a multiple of {b}, at least 0")                           \
    X(BROADCAST, broadcast, "{t}.nb[{d}] is 0, only q, k, v and mask can be broadcast")                      \
    X(OVERLAP, overlap, "{t}.nb[{d}] is {a}, elements overlap below {b}")                                    \
    X(OVERFLOW, overflow, "{t} does not fit in 63 bits of bytes (dimension {d}: {a} x {b})")                 \
    X(ALIAS_DST, alias_dst, "dst shares bytes with {t} (from {a} to {b})")                                   \
    X(ALIAS_INPUT, alias_input, "{t} and an earlier tensor of another type or use share bytes ({a} to {b})") \
    X(SCALE, scale, "scale is not finite")                                                                   \
    X(SOFTCAP, softcap, "softcap is negative or not finite")                                                 \
    X(MAX_BIAS, max_bias, "max_bias is negative or not finite")                                              \
    X(MAX_BIAS_MASK, max_bias_mask, "max_bias without a mask")                                               \
    X(HEADS, heads, "heads={a}/{b}: first must be at least 0 and first + n_head at most total")              \
    X(N_KV_MAX, n_kv_max, "n_kv_max is {a}, must be at least 0")                                             \
    X(PREC, prec, "prec has no value {a}")

/* What a caller of ggml asks of the accumulation: X(NAME, name), enum ggml_prec. */
#define ATTN_PRECS(X)   \
    X(DEFAULT, default) \
    X(F32, f32)

/* Head sizes that kernels have instances for, X(D_K, D_V), by size. Each is a known one, and so is every multiple of 8
 * from 8 on, of K and V alike, up to the largest that is alike here (attn_head_size_known): where a kernel has no
 * instance for it, it runs on the next larger one, with zeros behind each row. For a known one a kernel other than
 * naive is able on every device of the table and weakening of it. */
#define ATTN_HEAD_SIZES(X) \
    X(40, 40)              \
    X(64, 64)              \
    X(72, 72)              \
    X(80, 80)              \
    X(96, 96)              \
    X(112, 112)            \
    X(128, 128)            \
    X(192, 128)            \
    X(192, 192)            \
    X(256, 256)            \
    X(320, 256)            \
    X(512, 512)            \
    X(576, 512)            \
    X(576, 576)

/* Matrix core families.
 * X(NAME, name, wave size of its instructions, the family whose instructions it has besides its own (or itself),
 *   multiply-adds a ns and compute unit that mma reckons with: about a third of what the table's cards can do by their
 *   data sheets, because Q K^T is done twice and there is more to do than multiply;
 *   lanes that share a query column's scores;
 *   how mma cuts many columns of heads up to 128, and of those up to 256: groups of 16 columns, waves that a group's
 *   head is split over, keys of a tile. A lane of CDNA has 512 registers, and NVIDIA's operands are compact; RDNA has
 *   256, which Q and the output of a whole head would fill)
 *   NONE        no matrix cores
 *   MFMA        CDNA
 *   WMMA_GFX11  RDNA3, operands replicated over half-waves
 *   WMMA_GFX12  RDNA4, its own fragment layout
 *   MMA_SM80    NVIDIA mma.sync, sm_80 and later
 *   WGMMA_SM90  that, and wgmma, which Hopper alone has (sm_90a) */
#define ATTN_MATRICES(X)                                                  \
    X(NONE, none, 32, NONE, 500, 1, 1, 4, 32, 1, 4, 32)                   \
    X(MFMA, mfma, 64, MFMA, 500, 4, 4, 1, 32, 2, 2, 32)                   \
    X(WMMA_GFX11, wmma_gfx11, 32, WMMA_GFX11, 200, 2, 4, 2, 32, 2, 4, 16) \
    X(WMMA_GFX12, wmma_gfx12, 32, WMMA_GFX12, 400, 2, 4, 2, 32, 2, 4, 16) \
    X(MMA_SM80, mma_sm80, 32, MMA_SM80, 900, 4, 8, 1, 64, 2, 2, 32)       \
    X(WGMMA_SM90, wgmma_sm90, 32, MMA_SM80, 900, 4, 8, 1, 64, 2, 2, 32)

/* clang-format off */

/* Devices.
 * X(name, wave size, compute units, KiB of LDS a workgroup can have, KiB of it static, threads of a workgroup,
 *   matrix core family, dot_f16, matrix_flush, async_copy) -- card. Fields: struct attn_device. Every grid:
 *   ATTN_GRID_X, ATTN_GRID_YZ.
 *
 * Sources
 *   wave size      LLVM, "User Guide for AMDGPU Backend" (GFX9: 64; GFX10 and later: 32 by default).
 *   compute units  the vendor's product pages of the named card.
 *   LDS, threads   the same backend's addressable local memory size: 65536 bytes, gfx950 163840; 1024 work-items a
 *                  workgroup. NVIDIA: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability",
 *                  8.0 and 9.0: 48 KiB static shared memory a block, 163 KiB (8.0) and 227 KiB (9.0) in all.
 *   matrix cores   AMD's instruction set architecture documents ("Instinct MI100", "MI200", "MI300", "CDNA4": matrix
 *                  fused multiply-add; "RDNA3", "RDNA3.5", "RDNA4": WMMA). NVIDIA: PTX ISA, "Warp-level matrix
 *                  instructions" (mma) and "Asynchronous warpgroup level matrix instructions" (wgmma: sm_90a only).
 *   dot_f16        the backend selects V_DOT2_F32_F16 for all ten AMD targets; NVIDIA has none (PTX ISA: dp2a and dp4a
 *                  are integer only).
 *   matrix_flush   MIOpen documentation, "MI200 MFMA behavior specifics": f16 and bf16 subnormals are flushed.
 *   async_copy     PTX ISA, cp.async (sm_80 and later). Of AMD's targets gfx950 alone has anything like it; it is not
 *                  used.
 *   grid           HIP runtime and the same CUDA guide: 2^31-1, 65535, 65535. Some AMD runtimes report 65536 in y and
 *                  z; the smaller number serves both. */
#define ATTN_DEVICES(X)                                                         \
    X(gfx906,  64,  60,  64,  64, 1024, NONE,       1, 0, 0) /* MI50 */         \
    X(gfx908,  64, 120,  64,  64, 1024, MFMA,       1, 0, 0) /* MI100 */        \
    X(gfx90a,  64, 104,  64,  64, 1024, MFMA,       1, 1, 0) /* MI210 */        \
    X(gfx942,  64, 304,  64,  64, 1024, MFMA,       1, 0, 0) /* MI300X */       \
    X(gfx950,  64, 256, 160, 160, 1024, MFMA,       1, 0, 0) /* MI350X */       \
    X(gfx1030, 32,  80,  64,  64, 1024, NONE,       1, 0, 0) /* RX 6900 XT */   \
    X(gfx1100, 32,  96,  64,  64, 1024, WMMA_GFX11, 1, 0, 0) /* RX 7900 XTX */  \
    X(gfx1151, 32,  40,  64,  64, 1024, WMMA_GFX11, 1, 0, 0) /* Radeon 8060S */ \
    X(gfx1200, 32,  32,  64,  64, 1024, WMMA_GFX12, 1, 0, 0) /* RX 9060 XT */   \
    X(gfx1201, 32,  64,  64,  64, 1024, WMMA_GFX12, 1, 0, 0) /* RX 9070 XT */   \
    X(sm_80,   32, 108, 163,  48, 1024, MMA_SM80,   0, 0, 1) /* A100 */         \
    X(sm_90,   32, 132, 227,  48, 1024, WGMMA_SM90, 0, 0, 1) /* H100, H200 */
/* clang-format on */

#define ATTN_GRID_X 2147483647u
#define ATTN_GRID_YZ 65535u

/* Is this device code for an AMD GPU of the table with matrix cores of a family? A condition of #if, for use as
 *     #define ATTN_FOR_MFMA 1
 *     #if 0 ATTN_DEVICES(ATTN_TARGET_HAS)
 * The compiler defines __gfx942__ and so on as 1 for the GPU that it compiles for; what is not defined is 0 there. */
#define ATTN_TARGET_HAS(name, wave, cus, lds, lds_static, threads, family, dot, flush, copy) \
    || (__##name##__ && ATTN_FOR_##family)

/* The ordered kernel list, from first choice to last resort: X(name). Ties in cost go to list order. A new kernel is
 * one line here, planner/contracts/kernel_<name>.c (contract, configuration, cost) and kernels/<name>.hip. */
#define ATTN_KERNELS(X) \
    X(mma)              \
    X(vec)              \
    X(tile)             \
    X(naive)

/* How a rule relates its two operands: it holds when lhs RELATION rhs.
 * X(NAME, name, text when it does not hold, text when it does)
 *   MEMBER  lhs is a bit number (0..62) set in rhs; an lhs outside 0..62 is no member */
#define ATTN_RELATIONS(X)               \
    X(EQ, eq, " is not ", " is ")       \
    X(LE, le, " is more than ", " <= ") \
    X(GE, ge, " is less than ", " >= ") \
    X(MEMBER, member, " is none of ", " is one of ")

/* What a rule's operands are, for people and JSON: X(NAME, name, text after a value).
 *   HEAD_SIZE  as attn_head_size_operand makes it */
#define ATTN_UNITS(X)               \
    X(COUNT_OF, count, "")          \
    X(BYTES, bytes, " bytes")       \
    X(THREADS, threads, " threads") \
    X(HEAD_SIZE, head_size, "")     \
    X(TYPE, type, "")

/* The launches of a plan, in the order they run: X(NAME, name). */
#define ATTN_STEPS(X)       \
    X(CONVERT_K, convert_k) \
    X(CONVERT_V, convert_v) \
    X(SCAN, scan)           \
    X(MAIN, main)           \
    X(COMBINE, combine)

/* Regions of the workspace: X(NAME, name).
 *   K, V     converted to f16, dense, extents d x k_copy[], v_copy[]
 *   SCAN     a byte for each mask sequence, mask head, scan_q rows, KV tile: enum attn_scanned
 *   PARTIAL  f32 [d_v, splits, n_head * n_q * n_seq]: unnormalised output of each split
 *   META     f32 [2, splits, n_head * n_q * n_seq]: running maximum and sum of each split */
#define ATTN_REGIONS(X) \
    X(K, k)             \
    X(V, v)             \
    X(SCAN, scan)       \
    X(PARTIAL, partial) \
    X(META, meta)

#endif
