/* imitation_graphs.c: imitation_ggml.c as a backend that, as ggml's own, captures a node that is computed again
 * unchanged into a graph and replays it from then on, unless GGML_CUDA_DISABLE_GRAPHS is in the environment. With
 * IMITATION_COMPUTES what runs nodes is imitation_amd.hip. Faults of its own (IMITATION_FAULT):
 *   capture  the conversion is launched beside the graph, which then lacks it
 *   sync     the stream is waited for while it captures, and the error is not looked at
 *   malloc   memory is allocated in a capture that is not relaxed, and the error aborts
 *   again    the graph is computed a third time, and that returns an error
 *
 * SPDX-License-Identifier: MIT */
#define ggml_backend_graph_compute imitation_compute_directly
#define ggml_backend_free imitation_free_directly
#define IMITATION_CAPTURES
#include "tests/support/imitation_ggml.c"
#undef ggml_backend_graph_compute
#undef ggml_backend_free

int hipStreamCreateWithFlags(void **stream, unsigned flags);
int hipStreamDestroy(void *stream);
int hipStreamBeginCapture(void *stream, int mode);
int hipStreamEndCapture(void *stream, void **graph);
int hipStreamSynchronize(void *stream);
int hipGraphInstantiate(void **exec, void *graph, void **error_node, char *text, size_t bytes);
int hipGraphDestroy(void *graph);
int hipGraphExecDestroy(void *exec);
int hipGraphLaunch(void *exec, void *stream);

enum { THREAD_LOCAL = 1, RELAXED = 2, NON_BLOCKING = 1 };

struct kept {
    void *stream, *exec;
    const struct ggml_tensor *node;
    struct ggml_tensor before, source[5];
    int times;
};

/* Is the node with its sources as it was? */
static bool unchanged(struct kept *k, const struct ggml_tensor *node)
{
    bool same = k->node == node && !memcmp(&k->before, node, sizeof *node);
    k->node = node;
    k->before = *node;
    for (int i = 0; i < 5; i++)
        if (node->src[i]) {
            same = same && !memcmp(&k->source[i], node->src[i], sizeof k->source[i]);
            k->source[i] = *node->src[i];
        }
    return same;
}

static int capture(struct kept *k, struct ggml_backend *backend, struct ggml_cgraph *graph)
{
    void *captured = NULL, *memory = NULL;
    hipStreamBeginCapture(k->stream, fault("malloc") ? THREAD_LOCAL : RELAXED);
    imitation_stream = k->stream;
    if (fault("sync"))
        hipStreamSynchronize(k->stream);
    if (fault("malloc") && hipMalloc(&memory, 256) != 0)
        fail("/somewhere/graphs.cpp:5: ROCm error");
    const int status = imitation_compute_directly(backend, graph);
    imitation_stream = NULL;
    hipStreamEndCapture(k->stream, &captured);
    if (k->exec)
        hipGraphExecDestroy(k->exec);
    hipGraphInstantiate(&k->exec, captured, NULL, NULL, 0);
    hipGraphDestroy(captured);
    return status;
}

void ggml_backend_free(struct ggml_backend *backend);
void ggml_backend_free(struct ggml_backend *backend)
{
    struct kept *k = backend->kept;
    if (k && k->exec)
        hipGraphExecDestroy(k->exec);
    if (k)
        hipStreamDestroy(k->stream);
    free(k);
    imitation_free_directly(backend);
}

int ggml_backend_graph_compute(struct ggml_backend *backend, struct ggml_cgraph *graph);
int ggml_backend_graph_compute(struct ggml_backend *backend, struct ggml_cgraph *graph)
{
    struct kept *k = backend->kept ? backend->kept : calloc(1, sizeof *k);
    hipSetDevice(backend->device);
    imitation_stream = NULL;
    if (!backend->kept)
        hipStreamCreateWithFlags(&k->stream, NON_BLOCKING);
    backend->kept = k;
    k->times = unchanged(k, graph->node) ? k->times + 1 : 0;
    if (k->times == 0 || getenv("GGML_CUDA_DISABLE_GRAPHS"))
        return imitation_compute_directly(backend, graph);
    if (k->times == 3 && fault("again"))
        return -1;
    const int status = k->times == 1 ? capture(k, backend, graph) : 0;
    return status ? status : hipGraphLaunch(k->exec, k->stream);
}
