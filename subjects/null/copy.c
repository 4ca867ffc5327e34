/* copy.c: copies and fills. Every device address must lie within memory that was allocated, for the whole length;
 * an address that the runtime does not know is plain host memory, and may stand only where the direction has the host.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/execute.h"
#include "subjects/null/image.h"
#include "subjects/null/memory.h"
#include "subjects/null/stream.h"

/* Bytes that rows span: pitch * (height - 1) + width; 0 when that is no number, or there are none. */
static size_t span(size_t pitch, size_t width, size_t height)
{
    if (!width || !height || (height > 1 && (pitch < width || pitch > (SIZE_MAX / 2 - width) / (height - 1))))
        return 0;
    return pitch * (height - 1) + width;
}

/* Is a side of a copy good? device: it must be the device's. Locked; says what is wrong. */
static bool side(const char *entry, const char *what, const void *address, size_t bytes, bool device)
{
    const struct null_memory *m = null_memory_at(address);
    if (!m && device)
        null_wrong(hipErrorInvalidValue, entry, "the %s %p is no device memory", what, address);
    else if (m && bytes > m->begin + m->bytes - (uintptr_t)address)
        null_wrong(hipErrorInvalidValue, entry, "the %s ends %zu bytes after its memory of %zu bytes", what,
                   (size_t)((uintptr_t)address + bytes - m->begin - m->bytes), m->bytes);
    else if (!m && !address)
        null_wrong(hipErrorInvalidValue, entry, "the %s is NULL", what);
    else
        return true;
    return false;
}

static int submit(const char *entry, const struct null_op *op, void *stream)
{
    struct null_stream *s;
    if (!null_stream_get(stream, &s))
        return null_wrong(hipErrorInvalidHandle, entry, "%p is no stream", stream);
    return null_result(null_submit(s, op));
}

static int copy(const char *entry, void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                size_t height, int kind, void *stream)
{
    if (width == 0 || height == 0)
        return hipSuccess;
    bool to_device =
        kind == HIP_COPY_HOST_DEVICE || kind == HIP_COPY_DEVICE_DEVICE || kind == HIP_COPY_DEVICE_DEVICE_NO_CU;
    bool from_device =
        kind == HIP_COPY_DEVICE_HOST || kind == HIP_COPY_DEVICE_DEVICE || kind == HIP_COPY_DEVICE_DEVICE_NO_CU;
    if ((kind < HIP_COPY_HOST_HOST || kind > HIP_COPY_DEFAULT) && kind != HIP_COPY_DEVICE_DEVICE_NO_CU)
        return null_wrong(hipErrorInvalidMemcpyDirection, entry, "there is no direction %d", kind);
    size_t to_bytes = span(to_pitch, width, height), from_bytes = span(from_pitch, width, height);
    if (!to_bytes || !from_bytes)
        return null_wrong(hipErrorInvalidPitchValue, entry, "rows of %zu bytes with pitches of %zu and %zu", width,
                          to_pitch, from_pitch);
    const struct null_op op = { NULL_OP_COPY, .copy = { to, from, to_pitch, from_pitch, width, height } };
    null_lock();
    int error = hipErrorInvalidValue;
    if (side(entry, "target", to, to_bytes, to_device) && side(entry, "source", from, from_bytes, from_device))
        error = submit(entry, &op, stream);
    null_unlock();
    return error;
}

static int fill(const char *entry, void *to, size_t pitch, size_t width, size_t height, uint32_t value,
                uint32_t element, void *stream)
{
    if (width == 0 || height == 0)
        return hipSuccess;
    size_t bytes = width > SIZE_MAX / 4 ? 0 : span(pitch, width * element, height);
    if (!bytes)
        return null_wrong(hipErrorInvalidPitchValue, entry, "rows of %zu elements with a pitch of %zu", width, pitch);
    if ((uintptr_t)to % element)
        return null_wrong(hipErrorInvalidValue, entry, "%p is not aligned to %u bytes", to, element);
    const struct null_op op = { NULL_OP_FILL, .fill = { to, pitch, width, height, value, element } };
    null_lock();
    int error = side(entry, "target", to, bytes, true) ? submit(entry, &op, stream) : hipErrorInvalidValue;
    null_unlock();
    return error;
}

/* ---- Entry points ---------------------------------------------------------------------------------------- */

int hipMemcpy(void *to, const void *from, size_t n, int kind)
{
    return copy("hipMemcpy", to, n, from, n, n, 1, kind, NULL);
}
int hipMemcpyAsync(void *to, const void *from, size_t n, int kind, void *stream)
{
    return copy("hipMemcpyAsync", to, n, from, n, n, 1, kind, stream);
}
int hipMemcpyWithStream(void *to, const void *from, size_t n, int kind, void *stream)
{
    return copy("hipMemcpyWithStream", to, n, from, n, n, 1, kind, stream);
}
int hipMemcpyHtoD(void *to, const void *from, size_t n)
{
    return copy("hipMemcpyHtoD", to, n, from, n, n, 1, HIP_COPY_HOST_DEVICE, NULL);
}
int hipMemcpyDtoH(void *to, void *from, size_t n)
{
    return copy("hipMemcpyDtoH", to, n, from, n, n, 1, HIP_COPY_DEVICE_HOST, NULL);
}
int hipMemcpyDtoD(void *to, void *from, size_t n)
{
    return copy("hipMemcpyDtoD", to, n, from, n, n, 1, HIP_COPY_DEVICE_DEVICE, NULL);
}
int hipMemcpyHtoDAsync(void *to, const void *from, size_t n, void *stream)
{
    return copy("hipMemcpyHtoDAsync", to, n, from, n, n, 1, HIP_COPY_HOST_DEVICE, stream);
}
int hipMemcpyDtoHAsync(void *to, void *from, size_t n, void *stream)
{
    return copy("hipMemcpyDtoHAsync", to, n, from, n, n, 1, HIP_COPY_DEVICE_HOST, stream);
}
int hipMemcpyDtoDAsync(void *to, void *from, size_t n, void *stream)
{
    return copy("hipMemcpyDtoDAsync", to, n, from, n, n, 1, HIP_COPY_DEVICE_DEVICE, stream);
}
int hipMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, int kind)
{
    return copy("hipMemcpy2D", to, to_pitch, from, from_pitch, width, height, kind, NULL);
}
int hipMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                     int kind, void *stream)
{
    return copy("hipMemcpy2DAsync", to, to_pitch, from, from_pitch, width, height, kind, stream);
}

/* Between devices: each side must be memory of the device named. */
static int copy_peer(const char *entry, void *to, int to_device, const void *from, int from_device, size_t n,
                     void *stream)
{
    if (!null_is_device(to_device) || !null_is_device(from_device))
        return null_result(hipErrorInvalidDevice);
    null_lock();
    const struct null_memory *t = null_memory_at(to), *f = null_memory_at(from);
    bool good = n == 0 || ((!t || t->kind != HIP_MEMORY_DEVICE || t->device == to_device) &&
                           (!f || f->kind != HIP_MEMORY_DEVICE || f->device == from_device));
    if (!good)
        null_wrong(hipErrorInvalidValue, entry, "memory of another device than named");
    null_unlock();
    return good ? copy(entry, to, n, from, n, n, 1, HIP_COPY_DEVICE_DEVICE, stream) : hipErrorInvalidValue;
}

int hipMemcpyPeer(void *to, int to_device, const void *from, int from_device, size_t n)
{
    return copy_peer("hipMemcpyPeer", to, to_device, from, from_device, n, NULL);
}
int hipMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t n, void *stream)
{
    return copy_peer("hipMemcpyPeerAsync", to, to_device, from, from_device, n, stream);
}

int hipMemset(void *to, int value, size_t n) { return fill("hipMemset", to, n, n, 1, (uint32_t)value, 1, NULL); }
int hipMemsetAsync(void *to, int value, size_t n, void *stream)
{
    return fill("hipMemsetAsync", to, n, n, 1, (uint32_t)value, 1, stream);
}
int hipMemsetD8(void *to, unsigned char value, size_t n) { return fill("hipMemsetD8", to, n, n, 1, value, 1, NULL); }
int hipMemsetD8Async(void *to, unsigned char value, size_t n, void *stream)
{
    return fill("hipMemsetD8Async", to, n, n, 1, value, 1, stream);
}
int hipMemsetD16(void *to, unsigned short value, size_t n) { return fill("hipMemsetD16", to, 0, n, 1, value, 2, NULL); }
int hipMemsetD16Async(void *to, unsigned short value, size_t n, void *stream)
{
    return fill("hipMemsetD16Async", to, 0, n, 1, value, 2, stream);
}
int hipMemsetD32(void *to, int value, size_t n) { return fill("hipMemsetD32", to, 0, n, 1, (uint32_t)value, 4, NULL); }
int hipMemsetD32Async(void *to, int value, size_t n, void *stream)
{
    return fill("hipMemsetD32Async", to, 0, n, 1, (uint32_t)value, 4, stream);
}
int hipMemset2D(void *to, size_t pitch, int value, size_t width, size_t height)
{
    return fill("hipMemset2D", to, pitch, width, height, (uint32_t)value, 1, NULL);
}
int hipMemset2DAsync(void *to, size_t pitch, int value, size_t width, size_t height, void *stream)
{
    return fill("hipMemset2DAsync", to, pitch, width, height, (uint32_t)value, 1, stream);
}

/* ---- Variables of kernels -------------------------------------------------------------------------------- */

/* The variable's memory on the current device, and its size. What it is initialised with lies in the code object and is
 * not read: see copy_symbol. Locked; says what is wrong. */
static char *symbol(const char *entry, const void *host, size_t *bytes)
{
    struct null_symbol *s = null_map_get(&null_runtime.symbols, host);
    int device = null_current();
    if (!s) {
        null_wrong(hipErrorInvalidSymbol, entry, "%p is no variable of a kernel", host);
        return NULL;
    }
    if (!s->memory[device] && null_executing()) {
        void *at = null_execute_global(s->image, device, s->name, s->bytes);
        if (at && null_memory_in_code(at, s->bytes, device)) {
            s->memory[device] = at;
            s->written |= 1u << device; /* it has the value that it was compiled with */
        }
    }
    if (!s->memory[device])
        s->memory[device] = null_memory_new(s->bytes, HIP_MEMORY_DEVICE, device, 0);
    *bytes = s->bytes;
    return s->memory[device];
}

/* From now on the program knows what is in the variable. Locked. */
static void symbol_written(const void *host)
{
    ((struct null_symbol *)null_map_get(&null_runtime.symbols, host))->written |= 1u << null_current();
}

int hipGetSymbolAddress(void **address, const void *host)
{
    size_t bytes;
    if (!address)
        return null_result(hipErrorInvalidValue);
    null_lock();
    *address = symbol("hipGetSymbolAddress", host, &bytes);
    if (*address)
        symbol_written(host);
    null_unlock();
    return null_result(*address ? hipSuccess : hipErrorInvalidSymbol);
}

int hipGetSymbolSize(size_t *bytes, const void *host)
{
    if (!bytes)
        return null_result(hipErrorInvalidValue);
    null_lock();
    bool good = symbol("hipGetSymbolSize", host, bytes);
    null_unlock();
    return null_result(good ? hipSuccess : hipErrorInvalidSymbol);
}

static int copy_symbol(const char *entry, const void *host, void *other, size_t n, size_t offset, int kind, bool to,
                       void *stream)
{
    size_t bytes = 0;
    null_lock();
    char *memory = symbol(entry, host, &bytes);
    if (memory && to)
        symbol_written(host);
    bool known =
        memory && ((struct null_symbol *)null_map_get(&null_runtime.symbols, host))->written >> null_current() & 1;
    null_unlock();
    if (!memory)
        return null_result(hipErrorInvalidSymbol);
    if (!known)
        return null_refuse(entry, "the value that a variable is compiled with is not provided by the null runtime");
    if (offset > bytes || n > bytes - offset)
        return null_wrong(hipErrorInvalidValue, entry, "%zu bytes at %zu of a variable of %zu bytes", n, offset, bytes);
    return to ? copy(entry, memory + offset, n, other, n, n, 1, kind, stream)
              : copy(entry, other, n, memory + offset, n, n, 1, kind, stream);
}

int hipMemcpyToSymbol(const void *host, const void *from, size_t n, size_t offset, int kind)
{
    return copy_symbol("hipMemcpyToSymbol", host, (void *)(uintptr_t)from, n, offset, kind, true, NULL);
}
int hipMemcpyToSymbolAsync(const void *host, const void *from, size_t n, size_t offset, int kind, void *stream)
{
    return copy_symbol("hipMemcpyToSymbolAsync", host, (void *)(uintptr_t)from, n, offset, kind, true, stream);
}
int hipMemcpyFromSymbol(void *to, const void *host, size_t n, size_t offset, int kind)
{
    return copy_symbol("hipMemcpyFromSymbol", host, to, n, offset, kind, false, NULL);
}
int hipMemcpyFromSymbolAsync(void *to, const void *host, size_t n, size_t offset, int kind, void *stream)
{
    return copy_symbol("hipMemcpyFromSymbolAsync", host, to, n, offset, kind, false, stream);
}
