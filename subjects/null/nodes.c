/* nodes.c: see nodes.h. Nodes are kept in the order they were added, which is an order that their dependencies allow: a
 * node can only depend on nodes that exist when it is made (hipGraphAddDependencies, which could change that, is
 * refused).
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "subjects/null/nodes.h"
#include "subjects/null/hip_abi.h"
#include "subjects/null/runtime.h"

static size_t captures;
static unsigned long long next_id;

size_t null_graph_captures(void) { return captures; }
unsigned long long null_graph_id(const struct null_graph *graph) { return graph->id; }

bool null_graph_bars(const struct null_graph *graph)
{
    return graph->mode == 0 || (graph->mode == 1 && pthread_equal(graph->thread, pthread_self()));
}

struct null_graph *null_graph_new(void) { return null_handle_new(NULL_GRAPH, sizeof(struct null_graph)); }

void null_graph_free(struct null_graph *graph)
{
    for (size_t i = 0; i < graph->n; i++) {
        null_op_drop(&graph->nodes[i]->op);
        null_handle_free(graph->nodes[i]);
    }
    free(graph->nodes);
    null_handle_free(graph);
}

struct null_node *null_graph_add(struct null_graph *graph, int type, const struct null_op *op)
{
    if (graph->n == graph->cap) {
        size_t cap = graph->cap ? 2 * graph->cap : 16;
        struct null_node **larger = realloc(graph->nodes, cap * sizeof *larger);
        if (!larger)
            return NULL;
        graph->nodes = larger;
        graph->cap = cap;
    }
    struct null_node *node = null_handle_new(NULL_NODE, sizeof *node);
    if (!node)
        return NULL;
    node->type = type;
    node->op = *op;
    null_op_keep(op);
    return graph->nodes[graph->n++] = node;
}

/* ---- Capture --------------------------------------------------------------------------------------------- */

int null_capture_begin(struct null_stream *origin, int mode)
{
    struct null_graph *graph = null_graph_new();
    if (!graph)
        return hipErrorOutOfMemory;
    graph->mode = mode;
    graph->thread = pthread_self();
    graph->id = ++next_id;
    captures++;
    null_runtime.captured.begun++;
    origin->capture = graph;
    origin->origin = true;
    return hipSuccess;
}

bool null_capture_joined(const struct null_stream *origin)
{
    const struct null_map *map = &null_runtime.handles;
    for (size_t i = 0; i < map->cap; i++) {
        const struct null_stream *s = map->slots[i].value;
        if (s && s->handle.kind == NULL_STREAM && s != origin && s->capture == origin->capture && !s->joined)
            return false;
    }
    return true;
}

struct null_graph *null_capture_end(struct null_stream *origin)
{
    struct null_graph *graph = origin->capture;
    const struct null_map *map = &null_runtime.handles;
    for (size_t i = 0; i < map->cap; i++) {
        struct null_stream *s = map->slots[i].value;
        if (s && s->handle.kind == NULL_STREAM && s->capture == graph) {
            s->capture = NULL;
            s->origin = false;
        }
    }
    captures--;
    return graph;
}
