/* simt.h: the one header that knows the platform. Kernels (*.hip) are written in HIP's dialect against it and
 * build three ways:
 *   - HIP for AMD (clang -x hip): HIP's own headers;
 *   - CUDA (nvcc -x cu): CUDA's own, no HIP header is needed;
 *   - host (clang -x c++): the SIMT executor of kernels/host, one fiber a thread.
 *
 * HIP's names work everywhere:
 *   __global__  __device__  __forceinline__  __launch_bounds__(threads)  __restrict__  dim3
 *   threadIdx  blockIdx  blockDim  gridDim (.x .y .z)     __syncthreads()
 *   atomicAdd, atomicMax (int, unsigned; atomicAdd float too), atomicOr (unsigned)
 *
 * Added here, the same on every platform:
 *
 *   SIMT_LDS(T, name)             Declares the kernel's one static LDS object, a `T &name`. Its size is what the
 *                                 plan's launch must say (lds_static_bytes). Put everything in one struct. T is
 *                                 trivial; nothing is initialised.
 *   SIMT_LDS_DYNAMIC(T, name)     `T *name`: the launch's dynamic LDS, which follows the static object.
 *   SIMT_LDS_DYNAMIC_ALIGNED(T, name, 1024)   the same on a boundary of 1024 bytes (a plain number, 16 or more); for
 * kernels without a static object, whose size it would change.
 *
 * Wave operations. WAVE is the wave size that the instance is built for, 32 or 64, and must be the device's.
 * Every lane of the wave must arrive at the same operation together; that is checked on the host.
 *   simt_wave_sync<WAVE>()        LDS and global accesses of the wave's lanes before it happen before those after.
 *   simt_shfl<WAVE>(v, lane)      v of lane `lane` (0 <= lane < WAVE); T of 4 or 8 bytes.
 *   simt_shfl_xor<WAVE>(v, mask)  v of lane (own lane ^ mask).
 *   simt_ballot<WAVE>(pred)       uint64_t with bit l set when lane l's pred is true.
 *   simt_reduce_add<WIDTH>(v)     v: float or float (&)[N], N <= 16. Sum (maximum) over the aligned group of
 *   simt_reduce_max<WIDTH>(v)     WIDTH lanes (a power of two up to the wave size) that the lane is in; all lanes
 *                                 get the result, in place for an array, returned for a float. A butterfly: steps
 *                                 WIDTH/2, ..., 2, 1; the order of additions is the same on every platform. All N
 *                                 values take one rendezvous on the host: prefer one call with an array.
 *                                 The whole wave arrives, whatever WIDTH is. Numbers, no NaN, for max.
 *   simt_reduce_add_apart<WIDTH>(v)   v: float (&)[N], N a power of two up to 256. The same sums, but a lane gets only
 * its part of them, N / WIDTH from v[0] on: lane l of a group those from l * N / WIDTH on. With fewer sums than lanes
 * WIDTH / N neighbours get the same one. Wave operations order the accesses of a wave's lanes on the host and on NVIDIA
 * as simt_wave_sync does; on AMD only simt_wave_sync orders memory. So: LDS written by one lane and read by another of
 * the same wave needs a simt_wave_sync (or a barrier) between.
 *
 * Block operations (a barrier inside: all threads of the block arrive):
 *   simt_syncthreads_or(pred)     true for every thread when pred is true for one.
 *
 * Items: what a launch's loop counts. A GPU runs all; the host can run a launch in some of them.
 *   simt_next_item(item, step, end)   of item, item + step, ... the first that is run; `end` or more when none is.
 *   simt_is_item(item)            is that one? Of items that threads with one loop between them have.
 *
 * Memory:
 *   simt_load<T>(p), simt_store<T>(p, v)   T of 1, 2, 4, 8 or 16 bytes at an address that is a multiple of
 *                                 sizeof(T), anything underneath. Misaligned is a named failure on the host.
 *   simt_u32x2 simt_u32x4 simt_f32x2 simt_f32x4   vectors for that: .x .y .z .w and v[i] (i a constant after
 *                                 unrolling), simt_make_f32x4(a, b, c, d), simt_splat_f32x4(a); simt_fma(a, b, c)
 *                                 = a * b + c elementwise with b a vector or a float; simt_mul(a, b) likewise.
 *                                 simt_dot(a, b, x, y): a . x + b . y, added up in the order that is fastest.
 *
 * Where the device has them (attn_device: async_copy; matrix: ATTN_MATRIX_MMA_SM80). On AMD copies are made at once,
 * and there is no simt_matrix_s8: simt_copy_async<BYTES>(lds, from)   starts a copy of 4, 8 or 16 bytes, both addresses
 * multiples of that, from memory to LDS. simt_copy_async_or_zero<BYTES>(lds, from, exists)   the same; when !exists
 * nothing is read, and zeros arrive. simt_copy_commit()            the copies that this lane has started since the last
 * one are a group. simt_copy_wait<N>()           all groups of this lane but the last N have arrived. Other lanes see
 * them after a simt_wave_sync or a barrier. simt_copy_wait_all()          all copies of this lane have arrived, in a
 * group or not. simt_matrix_s8(product, a, b) int32_t (&)[4] = uint32_t (&)[4] times uint32_t (&)[2] of the wave's
 * lanes: 16 x 32 signed bytes times 32 x 8. Which lane holds what: kernels/host/matrix_s8.cc. simt_bytes_to_f32x4(word)
 * four signed bytes as floats, the lowest first.
 *
 * Numbers:
 *   simt_f16_to_f32(uint16_t)  simt_f32_to_f16(float)  simt_bf16_to_f32(uint16_t)   bits in and out; exact, and to
 *                                 nearest even; every value including subnormals, infinities, NaN.
 *   simt_pack_f16(float, float)  simt_pack_bf16(float, float)   two numbers to nearest even as a word, the first in its
 * low half; finite ones. simt_exp2_fast(x)             2^x within 2 ulp (PTX ISA, ex2.approx.ftz.f32; V_EXP_F32 of
 * AMD's instruction set documents: 1 ulp); below 2^-126 it may be 0. simt_exp simt_exp2 simt_log simt_tanh simt_abs
 * simt_max simt_min simt_fma   of float. simt_first_bit(uint64_t)      number of the lowest bit that is set; some bit
 * is. SIMT_INFINITY                 +infinity as a float.
 *
 *   simt_prefetch(p)              memory at p is wanted soon.
 *
 *   SIMT_UNROLL                   before a loop with constant bounds: unroll it on a GPU.
 *   SIMT_GPU_INLINE               for a large function that a GPU compiler must inline (its LDS pointers and constant
 *                                 arguments are known then) and that the host shares between instances.
 *   SIMT_OUTLINE                  likewise; on the host results of up to four vectors come back in registers, where
 *                                 nothing is traced. Arguments are pointers and numbers.
 *   simt_rarely(bool)             the same; a GPU compiler may put what it guards out of the way.
 *   simt_opaque(int)              the same number, of which a GPU compiler knows nothing: what is worked out from it
 *                                 in a loop stays there and takes no registers around it.
 *   SIMT_ENTRY(kernel)            the name of a kernel file's entry: extern "C" attn_entry SIMT_ENTRY(vec)(plan).
 *   SIMT_HOST                     1 on the host, else 0.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_SIMT_H
#define ATTN_SIMT_H

#include <stdint.h>

#define SIMT_JOIN_(a, b) a##b
#define SIMT_JOIN(a, b) SIMT_JOIN_(a, b)
#ifdef ATTN_ENTRY_SUFFIX
#define SIMT_ENTRY(kernel) SIMT_JOIN(attn_entry_##kernel, ATTN_ENTRY_SUFFIX)
#else
#define SIMT_ENTRY(kernel) attn_entry_##kernel
#endif

#if defined(__HIP__) || defined(__HIPCC__)
#define SIMT_HOST 0
#include "kernels/simt/hip.h"
#elif defined(__CUDACC__)
#define SIMT_HOST 0
#include "kernels/simt/cuda.h"
#else
#define SIMT_HOST 1
#include "kernels/simt/host.h"
#endif

#endif
