// compute.hip: a HIP program that says whether its kernels computed what they should: compiled for gfx90a, gfx1100 and
// gfx1201, run by attnfuzz null-hip --execute. With an argument it does what a kernel must not.
//
// SPDX-License-Identifier: MIT
#include <hip/hip_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#define CHECK(call)                                                  \
    do {                                                             \
        hipError_t status = (call);                                  \
        if (status != hipSuccess) {                                  \
            std::printf("%s: %s\n", #call, hipGetErrorName(status)); \
            return 1;                                                \
        }                                                            \
    } while (0)

__device__ float factor = 2.5f;
__constant__ int table[4] = { 3, 1, 4, 1 };

__global__ void add(const float *a, const float *b, float *c, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        c[i] = a[i] + factor * b[i];
}

// A sum in LDS, with the dynamic part behind the static one, and a shuffle.
__global__ __launch_bounds__(256) void sum(const double *x, double *out, int n)
{
    __shared__ int seen;
    extern __shared__ double part[];
    if (threadIdx.x == 0)
        seen = 0;
    __syncthreads();
    double s = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        s += x[i];
    for (int mask = warpSize / 2; mask > 0; mask /= 2)
        s += __shfl_xor(s, mask);
    if (threadIdx.x % warpSize == 0)
        part[threadIdx.x / warpSize] = s;
    atomicAdd(&seen, 1);
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int i = 1; i < static_cast<int>(blockDim.x / warpSize); i++)
            s += part[i];
        out[0] = s;
        out[1] = seen;
    }
}

__global__ void count(const unsigned char *x, int n, unsigned *bins)
{
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        atomicAdd(&bins[x[i] % 4 + table[x[i] % 4] % 2], 1u);
}

__global__ void beyond(float *x, int n) { x[n + threadIdx.x] = 1.0f; }

template <class T> static T *device(const std::vector<T> &from)
{
    void *p = nullptr;
    if (hipMalloc(&p, from.size() * sizeof(T)) != hipSuccess ||
        hipMemcpy(p, from.data(), from.size() * sizeof(T), hipMemcpyHostToDevice) != hipSuccess)
        std::abort();
    return static_cast<T *>(p);
}

static int vectors()
{
    const int n = 1000;
    std::vector<float> a(n), b(n), c(n);
    for (int i = 0; i < n; i++) {
        a[i] = i * 0.5f;
        b[i] = 1.0f / (i + 1);
    }
    float *da = device(a), *db = device(b), *dc = device(c);
    for (float f : { 2.5f, -3.0f }) {
        if (f != 2.5f)
            CHECK(hipMemcpyToSymbol(HIP_SYMBOL(factor), &f, sizeof f));
        add<<<(n + 127) / 128, 128>>>(da, db, dc, n);
        CHECK(hipGetLastError());
        CHECK(hipMemcpy(c.data(), dc, n * sizeof(float), hipMemcpyDeviceToHost));
        int wrong = 0;
        for (int i = 0; i < n; i++)
            wrong += std::fabs(c[i] - (a[i] + f * b[i])) > 1e-4f;
        std::printf("add with %g: %d of %d wrong\n", f, wrong, n);
    }
    // The same launch twice in a graph.
    hipGraph_t graph;
    hipGraphExec_t exec;
    hipStream_t stream;
    CHECK(hipStreamCreate(&stream));
    CHECK(hipStreamBeginCapture(stream, hipStreamCaptureModeGlobal));
    add<<<(n + 127) / 128, 128, 0, stream>>>(dc, db, dc, n);
    CHECK(hipStreamEndCapture(stream, &graph));
    CHECK(hipGraphInstantiate(&exec, graph, nullptr, nullptr, 0));
    for (int i = 0; i < 2; i++)
        CHECK(hipGraphLaunch(exec, stream));
    CHECK(hipMemcpy(c.data(), dc, n * sizeof(float), hipMemcpyDeviceToHost));
    std::printf("after a graph twice: c[0] is %g\n", c[0]);
    CHECK(hipGraphExecDestroy(exec));
    CHECK(hipGraphDestroy(graph));
    CHECK(hipStreamDestroy(stream));
    CHECK(hipFree(da));
    CHECK(hipFree(db));
    CHECK(hipFree(dc));
    return 0;
}

static int sums()
{
    std::vector<double> x(777), out(2);
    for (size_t i = 0; i < x.size(); i++)
        x[i] = static_cast<double>(i);
    double *dx = device(x), *dout = device(out);
    sum<<<1, 256, 256 / 32 * sizeof(double)>>>(dx, dout, static_cast<int>(x.size()));
    CHECK(hipGetLastError());
    CHECK(hipMemcpy(out.data(), dout, sizeof(double) * 2, hipMemcpyDeviceToHost));
    std::printf("sum %g, threads seen %g\n", out[0], out[1]);
    std::vector<unsigned char> bytes(5000);
    for (size_t i = 0; i < bytes.size(); i++)
        bytes[i] = static_cast<unsigned char>(i * i);
    std::vector<unsigned> bins(5), want(5);
    const int odd[] = { 1, 1, 0, 1 };
    for (unsigned char b : bytes)
        want[b % 4 + odd[b % 4]]++;
    unsigned char *dbytes = device(bytes);
    unsigned *dbins = device(bins);
    count<<<3, 64>>>(dbytes, static_cast<int>(bytes.size()), dbins);
    CHECK(hipGetLastError());
    CHECK(hipMemcpy(bins.data(), dbins, 5 * sizeof(unsigned), hipMemcpyDeviceToHost));
    std::printf("bins %s\n", bins == want ? "right" : "wrong");
    CHECK(hipFree(dx));
    CHECK(hipFree(dout));
    CHECK(hipFree(dbytes));
    CHECK(hipFree(dbins));
    return 0;
}

int main(int argc, char **)
{
    int n = 0;
    CHECK(hipGetDeviceCount(&n));
    for (int i = 0; i < n; i++) {
        hipDeviceProp_t p;
        CHECK(hipSetDevice(i));
        CHECK(hipGetDeviceProperties(&p, i));
        std::printf("%.*s\n", static_cast<int>(std::strcspn(p.gcnArchName, ":")), p.gcnArchName);
        if (argc > 1) {
            std::vector<float> x(100);
            float *dx = device(x);
            beyond<<<1, 32>>>(dx, 84);
            std::printf(
                "beyond: %s\n",
                hipGetErrorName(hipDeviceSynchronize() | hipGetLastError() ? hipErrorIllegalAddress : hipSuccess));
            CHECK(hipFree(dx));
        } else if (vectors() || sums()) {
            return 1;
        }
    }
    return 0;
}
