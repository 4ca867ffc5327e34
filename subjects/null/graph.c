/* graph.c: entry points: graphs. A launch of one runs its operations in the order of its nodes.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "subjects/null/entries.h"
#include "subjects/null/error.h"
#include "subjects/null/launch.h"
#include "subjects/null/nodes.h"
#include "subjects/null/runtime.h"

int hipGraphCreate(void **graph, unsigned flags)
{
    if (!graph || flags)
        return null_result(hipErrorInvalidValue);
    null_lock();
    *graph = null_graph_new();
    null_unlock();
    return null_result(*graph ? hipSuccess : hipErrorOutOfMemory);
}

static int destroy(void *graph, enum null_kind kind)
{
    null_lock();
    struct null_graph *g = null_handle_get(graph, kind);
    if (g)
        null_graph_free(g);
    null_unlock();
    return null_result(g ? hipSuccess : hipErrorInvalidHandle);
}

int hipGraphDestroy(void *graph) { return destroy(graph, NULL_GRAPH); }
int hipGraphExecDestroy(void *exec) { return destroy(exec, NULL_EXEC); }

/* Copies the nodes; false when memory runs out. */
static bool copy_nodes(struct null_graph *to, const struct null_graph *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (!null_graph_add(to, from->nodes[i]->type, &from->nodes[i]->op))
            return false;
    return true;
}

int hipGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long flags)
{
    if (!exec || flags & ~15ull)
        return null_result(hipErrorInvalidValue);
    *exec = NULL;
    null_lock();
    const struct null_graph *g = null_handle_get(graph, NULL_GRAPH);
    struct null_graph *x = g ? null_graph_new() : NULL;
    int error = !g ? hipErrorInvalidHandle : x ? hipSuccess : hipErrorOutOfMemory;
    if (x && !copy_nodes(x, g)) {
        null_graph_free(x);
        error = hipErrorOutOfMemory;
    }
    if (!error) {
        x->handle.kind = NULL_EXEC;
        *exec = x;
    }
    null_unlock();
    return null_result(error);
}

int hipGraphInstantiate(void **exec, void *graph, void **error_node, char *text, size_t bytes)
{
    if (error_node)
        *error_node = NULL;
    if (text && bytes)
        *text = 0;
    return hipGraphInstantiateWithFlags(exec, graph, 0);
}

int hipGraphUpload(void *exec, void *stream)
{
    struct null_stream *s;
    null_lock();
    bool good = null_handle_get(exec, NULL_EXEC) && null_stream_get(stream, &s);
    null_unlock();
    return null_result(good ? hipSuccess : hipErrorInvalidHandle);
}

/* Into a capturing stream it goes as nodes; else its operations run. A host function may destroy the graph: the
 * operations are copied first. */
int hipGraphLaunch(void *exec, void *stream)
{
    struct null_stream *s;
    int error = hipSuccess;
    null_lock();
    struct null_graph *x = null_handle_get(exec, NULL_EXEC);
    if (!x || !null_stream_get(stream, &s)) {
        null_unlock();
        return null_result(hipErrorInvalidHandle);
    }
    size_t n = x->n;
    struct null_op *ops = malloc((n ? n : 1) * sizeof *ops);
    for (size_t i = 0; ops && i < n; i++) {
        ops[i] = x->nodes[i]->op;
        null_op_keep(&ops[i]); /* a host function may end the graph */
    }
    if (!ops)
        error = hipErrorOutOfMemory;
    null_runtime.captured.replays += !(s && s->capture);
    for (size_t i = 0; !error && i < n; i++)
        error = s && s->capture ? null_submit(s, &ops[i]) : null_run(&ops[i], NULL_HIP_GRAPH, stream);
    for (size_t i = 0; ops && i < n; i++)
        null_op_drop(&ops[i]);
    null_unlock();
    free(ops);
    return null_result(error);
}

int hipGraphExecUpdate(void *exec, void *graph, void **error_node, int *result)
{
    if (error_node)
        *error_node = NULL;
    null_lock();
    struct null_graph *x = null_handle_get(exec, NULL_EXEC), *g = null_handle_get(graph, NULL_GRAPH);
    int outcome = !x || !g ? HIP_UPDATE_ERROR : x->n != g->n ? HIP_UPDATE_TOPOLOGY : HIP_UPDATE_SUCCESS;
    for (size_t i = 0; outcome == HIP_UPDATE_SUCCESS && i < g->n; i++)
        if (x->nodes[i]->type != g->nodes[i]->type) {
            outcome = HIP_UPDATE_NODE_TYPE;
            if (error_node)
                *error_node = g->nodes[i];
        }
    for (size_t i = 0; outcome == HIP_UPDATE_SUCCESS && i < g->n; i++) {
        null_op_keep(&g->nodes[i]->op);
        null_op_drop(&x->nodes[i]->op);
        x->nodes[i]->op = g->nodes[i]->op;
    }
    null_unlock();
    if (result)
        *result = outcome;
    if (!x || !g)
        return null_result(hipErrorInvalidHandle);
    return null_result(outcome == HIP_UPDATE_SUCCESS ? hipSuccess : hipErrorGraphExecUpdateFailure);
}

int hipGraphGetNodes(void *graph, void **nodes, size_t *n)
{
    if (!n)
        return null_result(hipErrorInvalidValue);
    null_lock();
    const struct null_graph *g = null_handle_get(graph, NULL_GRAPH);
    for (size_t i = 0; g && nodes && i < *n; i++) /* places beyond the last are set to NULL, as HIP documents */
        nodes[i] = i < g->n ? g->nodes[i] : NULL;
    if (g)
        *n = nodes && *n < g->n ? *n : g->n;
    null_unlock();
    return null_result(g ? hipSuccess : hipErrorInvalidHandle);
}

int hipGraphNodeGetType(void *node, int *type)
{
    null_lock();
    const struct null_node *n = type ? null_handle_get(node, NULL_NODE) : NULL;
    if (n)
        *type = n->type;
    null_unlock();
    return null_result(n ? hipSuccess : hipErrorInvalidValue);
}

/* ---- Nodes made by hand ---------------------------------------------------------------------------------- */

/* Are the dependencies nodes of that graph? Locked. */
static bool depends_on(const struct null_graph *graph, void *const *dependencies, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < graph->n && graph->nodes[k] != dependencies[i])
            k++;
        if (k == graph->n)
            return false;
    }
    return true;
}

static int add(void **node, void *graph, void *const *dependencies, size_t n, int type, const struct null_op *op)
{
    if (!node || (n && !dependencies))
        return null_result(hipErrorInvalidValue);
    null_lock();
    struct null_graph *g = null_handle_get(graph, NULL_GRAPH);
    int error = !g ? hipErrorInvalidHandle : !depends_on(g, dependencies, n) ? hipErrorInvalidValue : hipSuccess;
    if (!error) {
        *node = null_graph_add(g, type, op);
        error = *node ? hipSuccess : hipErrorOutOfMemory;
    }
    null_unlock();
    return null_result(error);
}

int hipGraphAddEmptyNode(void **node, void *graph, void *const *dependencies, size_t n)
{
    return add(node, graph, dependencies, n, HIP_NODE_EMPTY, &(struct null_op){ .kind = NULL_OP_NOTHING });
}

int hipGraphAddHostNode(void **node, void *graph, void *const *dependencies, size_t n, const struct hip_host_node *host)
{
    if (!host || !host->function)
        return null_result(hipErrorInvalidValue);
    const struct null_op op = { NULL_OP_HOST, .host = { host->function, host->data } };
    return add(node, graph, dependencies, n, HIP_NODE_HOST, &op);
}

int hipGraphAddKernelNode(void **node, void *graph, void *const *dependencies, size_t n,
                          const struct hip_kernel_node *k)
{
    struct null_op op = { .kind = NULL_OP_LAUNCH };
    if (!k)
        return null_result(hipErrorInvalidValue);
    int error =
        null_launch_make(&op, "hipGraphAddKernelNode", k->function, k->grid, k->block, k->lds, k->arguments, k->extra);
    if (!error) {
        error = add(node, graph, dependencies, n, HIP_NODE_KERNEL, &op);
        null_lock();
        null_op_drop(&op);
        null_unlock();
    }
    return error;
}
