/* device.c: devices and their properties.
 *
 * What programs plan with (wave size, LDS, threads, compute units, grid) is the planner's device table. What that does
 * not say is the same nominal number for every device: 64 GiB of memory, clocks of 1 GHz, 65536 registers a block. A
 * feature whose entry points the null runtime refuses is reported as absent.
 *
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/occupancy.h"
#include "subjects/null/runtime.h"

/* ---- Devices --------------------------------------------------------------------------------------------- */

int hipInit(unsigned flags) { return null_result(flags ? hipErrorInvalidValue : hipSuccess); }

/* HIP_VERSION: major * 10^7 + minor * 10^5 + patch: that of the release whose soname this library has. */
static int version(int *number)
{
    if (!number)
        return null_result(hipErrorInvalidValue);
    *number = NULL_HIP_MAJOR * 10000000;
    return hipSuccess;
}

int hipDriverGetVersion(int *number) { return version(number); }
int hipRuntimeGetVersion(int *number) { return version(number); }

int hipGetDeviceCount(int *count)
{
    if (!count)
        return null_result(hipErrorInvalidValue);
    *count = null_hip_devices();
    return hipSuccess;
}

int hipSetDevice(int index)
{
    if (!null_is_device(index))
        return null_result(hipErrorInvalidDevice);
    null_set_current(index);
    return hipSuccess;
}

int hipGetDevice(int *index)
{
    if (!index)
        return null_result(hipErrorInvalidValue);
    *index = null_current();
    return hipSuccess;
}

/* gfx942: 9.4, gfx90a: 9.0, gfx1100: 11.0: all digits but the last two, and the last but one (LLVM, "User Guide for
 * AMDGPU Backend": gfx, major, minor, stepping, the last two one hexadecimal digit each). */
static void compute_capability(const char *name, int *major, int *minor)
{
    size_t len = strlen(name);
    *major = 0;
    for (size_t i = 3; i + 2 < len; i++)
        *major = 10 * *major + (name[i] - '0');
    *minor = name[len - 2] - '0';
}

/* The error of an entry point about one device: good says whether its other arguments are. */
static int error_of(bool good, int index)
{
    return null_result(!good ? hipErrorInvalidValue : null_is_device(index) ? hipSuccess : hipErrorInvalidDevice);
}

int hipDeviceGet(int *device, int index)
{
    int error = error_of(device, index);
    if (!error)
        *device = index;
    return error;
}

int hipGetDevicePropertiesR0600(struct hip_properties *p, int index)
{
    int error = error_of(p, index);
    if (error)
        return error;
    const struct null_device *d = &null_runtime.device[index];
    const struct attn_device *row = &d->row;
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "attnfuzz null %s", d->name);
    snprintf(p->arch, sizeof p->arch, "%s", d->arch);
    memcpy(p->uuid, "attnfuzz-null-00", 16);
    p->uuid[14] = (char)('0' + index / 10);
    p->uuid[15] = (char)('0' + index % 10);
    p->global_bytes = (size_t)1 << NULL_DEVICE_BYTES_LOG2;
    p->lds_bytes = p->lds_optin = (size_t)row->lds_bytes;
    p->lds_per_cu = p->lds_per_cu_amd = (size_t)null_multiprocessor_lds(row);
    p->registers_per_block = p->registers_per_cu = 65536;
    p->wave_size = row->wave_size;
    p->max_pitch = INT_MAX;
    p->max_threads = row->max_threads;
    for (int i = 0; i < 3; i++) {
        p->max_block[i] = row->max_threads;
        p->max_grid[i] = row->max_grid[i] < INT_MAX ? (int)row->max_grid[i] : INT_MAX;
    }
    p->clock_khz = p->memory_clock_khz = p->clock_instruction_khz = 1000000;
    p->memory_bus_bits = 1024;
    p->const_bytes = INT_MAX;
    compute_capability(row->name, &p->major, &p->minor);
    p->texture_alignment = p->texture_pitch_alignment = p->surface_alignment = 256;
    p->n_cu = null_multiprocessors(row);
    p->maps_host = p->concurrent_kernels = p->unified_addressing = p->managed = p->host_register = 1;
    p->host_pointer_registered = p->cooperative = 1;
    p->pci_bus = index + 1;
    p->copy_engines = 2;
    p->l2_bytes = 4 << 20;
    p->threads_per_cu = null_multiprocessor_threads(row);
    p->blocks_per_cu = p->threads_per_cu / row->wave_size;
    return hipSuccess;
}

/* Numbers: HIP, hip_runtime_api.h, hipDeviceAttribute_t. Every field is an int or a size_t. */
#define X(number, field) { number, offsetof(struct hip_properties, field), sizeof(((struct hip_properties *)0)->field) }
static const struct {
    int number;
    size_t offset, size;
} properties[] = {
    X(0, ecc),
    X(2, copy_engines),
    X(3, maps_host),
    X(4, host_pointer_registered),
    X(5, clock_khz),
    X(6, compute_mode),
    X(7, preemption),
    X(8, concurrent_kernels),
    X(9, concurrent_managed),
    X(10, cooperative),
    X(11, cooperative_multi),
    X(12, overlap),
    X(13, direct_managed),
    X(15, native_atomics),
    X(16, integrated),
    X(17, multi_gpu),
    X(18, run_time_limit),
    X(19, l2_bytes),
    X(23, major),
    X(24, managed),
    X(25, blocks_per_cu),
    X(26, max_block[0]),
    X(27, max_block[1]),
    X(28, max_block[2]),
    X(29, max_grid[0]),
    X(30, max_grid[1]),
    X(31, max_grid[2]),
    X(56, max_threads),
    X(57, threads_per_cu),
    X(58, max_pitch),
    X(59, memory_bus_bits),
    X(60, memory_clock_khz),
    X(61, minor),
    X(63, n_cu),
    X(65, pageable),
    X(66, pageable_tables),
    X(67, pci_bus),
    X(68, pci_device),
    X(69, pci_domain),
    X(71, registers_per_block),
    X(72, registers_per_cu),
    X(73, lds_reserved),
    X(74, lds_bytes),
    X(75, lds_optin),
    X(76, lds_per_cu),
    X(78, stream_priorities),
    X(80, tcc),
    X(83, const_bytes),
    X(84, global_bytes),
    X(85, unified_addressing),
    X(87, wave_size),
    X(88, memory_pools),
    X(90, host_register),
    X(10000, clock_instruction_khz),
    X(10002, lds_per_cu_amd),
    X(10011, large_bar),
    X(10012, asic_revision),
};
#undef X

int hipDeviceGetAttribute(int *value, int attribute, int index)
{
    struct hip_properties p;
    int error = value ? hipGetDevicePropertiesR0600(&p, index) : null_result(hipErrorInvalidValue);
    if (error)
        return error;
    switch (attribute) {
    case 89:    /* virtual memory management */
    case 10013: /* hipStreamWaitValue */
    case 10014: /* images */
    case 10016: /* fine-grained memory of a peer */ *value = 0; return hipSuccess;
    case 10015: *value = null_runtime.device[index].row.n_cu; return hipSuccess; /* physical multiprocessors */
    case 10018: *value = 1; return hipSuccess;                                   /* XCCs */
    }
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        if (properties[i].number == attribute) {
            size_t wide = 0;
            int narrow = 0;
            memcpy(properties[i].size == sizeof wide ? (void *)&wide : (void *)&narrow,
                   (char *)&p + properties[i].offset, properties[i].size);
            *value = properties[i].size != sizeof wide ? narrow : wide < INT_MAX ? (int)wide : INT_MAX;
            return hipSuccess;
        }
    char why[80];
    snprintf(why, sizeof why, "attribute %d is not provided by the null runtime", attribute);
    return null_refuse("hipDeviceGetAttribute", why);
}

int hipDeviceGetName(char *name, int len, int index)
{
    struct hip_properties p;
    int error = name && len > 0 ? hipGetDevicePropertiesR0600(&p, index) : null_result(hipErrorInvalidValue);
    if (!error)
        snprintf(name, (size_t)len, "%s", p.name);
    return error;
}

int hipDeviceGetUuid(void *uuid, int index)
{
    struct hip_properties p;
    int error = uuid ? hipGetDevicePropertiesR0600(&p, index) : null_result(hipErrorInvalidValue);
    if (!error)
        memcpy(uuid, p.uuid, sizeof p.uuid);
    return error;
}

int hipDeviceComputeCapability(int *major, int *minor, int index)
{
    struct hip_properties p;
    int error = major && minor ? hipGetDevicePropertiesR0600(&p, index) : null_result(hipErrorInvalidValue);
    if (!error) {
        *major = p.major;
        *minor = p.minor;
    }
    return error;
}

int hipDeviceTotalMem(size_t *bytes, int index)
{
    int error = error_of(bytes, index);
    if (!error)
        *bytes = (size_t)1 << NULL_DEVICE_BYTES_LOG2;
    return error;
}

int hipDeviceGetPCIBusId(char *text, int len, int index)
{
    int error = error_of(text && len >= 13, index);
    if (!error)
        snprintf(text, (size_t)len, "0000:%02x:00.0", (unsigned)index + 1);
    return error;
}

int hipDeviceGetByPCIBusId(int *index, const char *text)
{
    char own[16];
    if (!index || !text)
        return null_result(hipErrorInvalidValue);
    for (int i = 0; null_is_device(i); i++)
        if (hipDeviceGetPCIBusId(own, sizeof own, i) == hipSuccess && !strcmp(own, text)) {
            *index = i;
            return hipSuccess;
        }
    return null_result(hipErrorInvalidDevice);
}

/* ---- Preferences and limits of a device ------------------------------------------------------------------ */

/* Hints that AMD hardware has no choice about (HIP, "hipDeviceSetCacheConfig": AMD devices and recent NVIDIA GPUs do
 * not support reconfigurable cache; the hint is ignored). */
int hipDeviceSetCacheConfig(int preference)
{
    return null_result(preference < 0 || preference > 3 ? hipErrorInvalidValue : hipSuccess);
}
int hipDeviceSetSharedMemConfig(int preference)
{
    return null_result(preference < 0 || preference > 2 ? hipErrorInvalidValue : hipSuccess);
}

/* How a thread waits: nothing is waited for here. */
int hipSetDeviceFlags(unsigned flags) { return null_result(flags & ~0x1fu ? hipErrorInvalidValue : hipSuccess); }

int hipDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    if (least)
        *least = 0;
    if (greatest)
        *greatest = 0;
    return hipSuccess;
}

/* ---- Peers ----------------------------------------------------------------------------------------------- */

int hipDeviceCanAccessPeer(int *can, int device, int peer)
{
    int error = error_of(can, device) ? error_of(can, device) : error_of(can, peer);
    if (!error)
        *can = device != peer;
    return error;
}

/* Turns the current device's access to a peer on or off. *had: was it on? */
static int set_peer(int peer, bool on, bool *had)
{
    if (!null_is_device(peer) || peer == null_current())
        return hipErrorInvalidDevice;
    null_lock();
    uint32_t *peers = &null_runtime.device[null_current()].peers, bit = 1u << peer;
    *had = *peers & bit;
    *peers = on ? *peers | bit : *peers & ~bit;
    null_unlock();
    return hipSuccess;
}

int hipDeviceEnablePeerAccess(int peer, unsigned flags)
{
    bool had = false;
    int error = flags ? hipErrorInvalidValue : set_peer(peer, true, &had);
    return null_result(had ? hipErrorPeerAccessAlreadyEnabled : error);
}

int hipDeviceDisablePeerAccess(int peer)
{
    bool had = false;
    int error = set_peer(peer, false, &had);
    return null_result(error || had ? error : hipErrorPeerAccessNotEnabled);
}
