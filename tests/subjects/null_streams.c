/* null_streams.c: streams, events, captures and graphs of the null HIP runtime.
 *
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/subjects/null_common.h"

static char kernel_a, kernel_b; /* their addresses stand for the host functions */
static const uint64_t no_code[4] = { 0 };
static const struct hip_fat_wrapper wrapper = { HIP_FAT_MAGIC, 1, no_code, NULL };
static void **program;

static int reset(void **state)
{
    (void)state;
    reset_runtime(false); /* there is no code here */
    if (!program) {
        program = __hipRegisterFatBinary(&wrapper);
        __hipRegisterFunction(program, &kernel_a, NULL, "a", 0, NULL, NULL, NULL, NULL, NULL);
        __hipRegisterFunction(program, &kernel_b, NULL, "b", 0, NULL, NULL, NULL, NULL, NULL);
    }
    return 0;
}

/* The launches as text: "a1 b2", with g for those of a graph. */
static const char *made(void)
{
    static char text[256];
    size_t n;
    const struct null_hip_launch *l = null_hip_launches(&n);
    text[0] = 0;
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s%u%s", i ? " " : "", l[i].kernel, l[i].grid[0],
                 l[i].flags & NULL_HIP_GRAPH ? "g" : "");
    }
    return text;
}

static void streams_are_handles(void **state)
{
    (void)state;
    void *s, *t;
    unsigned flags;
    int priority, device;
    GOOD(hipSetDevice(3));
    GOOD(hipStreamCreateWithFlags(&s, 1));
    GOOD(hipStreamCreateWithPriority(&t, 0, -1));
    GOOD(hipStreamGetFlags(s, &flags));
    assert_int_equal(flags, 1);
    GOOD(hipStreamGetPriority(t, &priority));
    assert_int_equal(priority, 0);
    GOOD(hipStreamGetDevice(s, &device));
    assert_int_equal(device, 3);
    GOOD(hipStreamSynchronize(s));
    GOOD(hipStreamQuery(NULL));
    FAILS(hipStreamCreateWithFlags(&t, 8), hipErrorInvalidValue);
    FAILS(hipStreamDestroy(NULL), hipErrorInvalidHandle);
    GOOD(hipStreamDestroy(s));
    FAILS(hipStreamDestroy(s), hipErrorInvalidHandle);
    FAILS(hipStreamSynchronize(s), hipErrorInvalidHandle);
    FAILS(hipStreamSynchronize(&device), hipErrorInvalidHandle);
    GOOD(hipStreamDestroy(t));
}

static void events_know_when(void **state)
{
    (void)state;
    void *a, *b, *untimed;
    float ms = -1;
    GOOD(hipEventCreate(&a));
    GOOD(hipEventCreate(&b));
    GOOD(hipEventCreateWithFlags(&untimed, 2));
    FAILS(hipEventElapsedTime(&ms, a, b), hipErrorInvalidHandle); /* not recorded */
    GOOD(hipEventRecord(a, NULL));
    GOOD(hipEventRecord(b, NULL));
    GOOD(hipEventRecord(untimed, NULL));
    GOOD(hipEventElapsedTime(&ms, a, b));
    assert_true(ms >= 0);
    FAILS(hipEventElapsedTime(&ms, a, untimed), hipErrorInvalidHandle);
    GOOD(hipEventSynchronize(a));
    GOOD(hipEventDestroy(a));
    FAILS(hipEventQuery(a), hipErrorInvalidHandle);
    FAILS(hipEventRecord(a, NULL), hipErrorInvalidHandle);
    FAILS(hipStreamWaitEvent(NULL, a, 0), hipErrorInvalidHandle);
    GOOD(hipEventDestroy(b));
    GOOD(hipEventDestroy(untimed));
}

static void count_call(void *data) { ++*(int *)data; }

static void a_capture_becomes_a_graph_that_replays(void **state)
{
    (void)state;
    void *s, *graph, *exec, *memory, *back_up;
    int status, calls = 0;
    char host[8] = "before", back[8];
    struct null_hip_captured captured;
    null_hip_reset();
    GOOD(hipMalloc(&memory, 8));
    GOOD(hipStreamCreate(&s));
    GOOD(hipStreamBeginCapture(s, 0));
    FAILS(hipStreamBeginCapture(s, 0), hipErrorIllegalState);
    GOOD(hipStreamIsCapturing(s, &status));
    assert_int_equal(status, HIP_CAPTURE_ACTIVE);
    GOOD(launch(&kernel_a, 1, 64, 0, s));
    GOOD(hipMemcpyAsync(memory, host, 8, HIP_COPY_HOST_DEVICE, s));
    GOOD(hipLaunchHostFunc(s, count_call, &calls));
    GOOD(launch(&kernel_b, 2, 64, 0, s));
    FAILS(launch(&kernel_b, 9, 64, 0, NULL), hipErrorStreamCaptureImplicit);
    FAILS(hipStreamSynchronize(s), hipErrorStreamCaptureUnsupported);
    FAILS(hipDeviceSynchronize(), hipErrorStreamCaptureUnsupported);
    FAILS(hipMalloc(&back_up, 8), hipErrorStreamCaptureUnsupported);
    FAILS(hipFree(memory), hipErrorStreamCaptureUnsupported);
    null_hip_captured(&captured);
    assert_int_equal(captured.begun, 1);
    assert_int_equal(captured.forbidden, 5);
    assert_string_equal(captured.entry, "hipLaunchKernel");
    assert_string_equal(made(), "");
    assert_int_equal(calls, 0);
    GOOD(hipStreamEndCapture(s, &graph));
    GOOD(hipGraphDestroy(graph));
    FAILS(hipStreamEndCapture(s, &graph), hipErrorIllegalState);
    GOOD(hipStreamSynchronize(s));
    GOOD(hipStreamBeginCapture(s, 2));
    GOOD(launch(&kernel_b, 7, 64, 0, NULL)); /* a relaxed capture forbids nothing */
    GOOD(hipMalloc(&back_up, 8));
    GOOD(hipFree(back_up));
    GOOD(launch(&kernel_a, 1, 64, 0, s));
    GOOD(hipMemcpyAsync(memory, host, 8, HIP_COPY_HOST_DEVICE, s));
    GOOD(hipLaunchHostFunc(s, count_call, &calls));
    GOOD(launch(&kernel_b, 2, 64, 0, s));
    GOOD(hipStreamEndCapture(s, &graph));
    GOOD(hipGraphInstantiate(&exec, graph, NULL, NULL, 0));
    GOOD(hipGraphDestroy(graph));
    FAILS(hipGraphDestroy(graph), hipErrorInvalidHandle);
    null_hip_reset();
    memcpy(host, "after!", 7);
    GOOD(hipGraphLaunch(exec, s));
    GOOD(hipGraphLaunch(exec, s));
    null_hip_captured(&captured);
    assert_int_equal(captured.replays, 2);
    assert_int_equal(captured.begun + captured.forbidden, 0);
    assert_string_equal(made(), "a1g b2g a1g b2g");
    assert_int_equal(calls, 2);
    GOOD(hipMemcpy(back, memory, 8, HIP_COPY_DEVICE_HOST));
    assert_string_equal(back, "after!");
    GOOD(hipGraphExecDestroy(exec));
    FAILS(hipGraphLaunch(exec, s), hipErrorInvalidHandle);
    GOOD(hipStreamDestroy(s));
    GOOD(hipFree(memory));
}

static void *capture_of(void *s, const void *first, const void *second)
{
    void *graph;
    GOOD(hipStreamBeginCapture(s, 1));
    GOOD(launch(first, 5, 64, 0, s));
    if (second)
        GOOD(launch(second, 6, 64, 0, s));
    GOOD(hipStreamEndCapture(s, &graph));
    return graph;
}

static void an_executable_graph_is_updated_where_its_shape_is_kept(void **state)
{
    (void)state;
    void *s, *exec, *node;
    int result;
    GOOD(hipStreamCreate(&s));
    void *one = capture_of(s, &kernel_a, &kernel_b), *other = capture_of(s, &kernel_b, &kernel_a),
         *shorter = capture_of(s, &kernel_a, NULL);
    GOOD(hipGraphInstantiateWithFlags(&exec, one, 0));
    GOOD(hipGraphExecUpdate(exec, other, &node, &result));
    assert_int_equal(result, HIP_UPDATE_SUCCESS);
    GOOD(hipGraphLaunch(exec, s));
    assert_string_equal(made(), "b5g a6g");
    FAILS(hipGraphExecUpdate(exec, shorter, &node, &result), hipErrorGraphExecUpdateFailure);
    assert_int_equal(result, HIP_UPDATE_TOPOLOGY);
    GOOD(hipGraphDestroy(shorter));
    GOOD(hipGraphCreate(&shorter, 0));
    GOOD(hipGraphAddEmptyNode(&node, shorter, NULL, 0));
    GOOD(hipGraphAddEmptyNode(&node, shorter, &node, 1));
    FAILS(hipGraphExecUpdate(exec, shorter, &node, &result), hipErrorGraphExecUpdateFailure);
    assert_int_equal(result, HIP_UPDATE_NODE_TYPE);
    GOOD(hipGraphDestroy(one));
    GOOD(hipGraphDestroy(other));
    GOOD(hipGraphDestroy(shorter));
    GOOD(hipGraphExecDestroy(exec));
    GOOD(hipStreamDestroy(s));
}

static void streams_join_a_capture_by_events(void **state)
{
    (void)state;
    void *s, *t, *fork, *join, *graph, *exec;
    GOOD(hipStreamCreate(&s));
    GOOD(hipStreamCreate(&t));
    GOOD(hipEventCreateWithFlags(&fork, 2));
    GOOD(hipEventCreateWithFlags(&join, 2));
    for (int joined = 0; joined < 2; joined++) {
        GOOD(hipStreamBeginCapture(s, 0));
        GOOD(launch(&kernel_a, 1, 64, 0, s));
        GOOD(hipEventRecord(fork, s));
        GOOD(hipStreamWaitEvent(t, fork, 0));
        GOOD(launch(&kernel_b, 2, 64, 0, t));
        GOOD(hipEventRecord(join, t));
        FAILS(hipEventSynchronize(join), hipErrorCapturedEvent);
        FAILS(hipStreamEndCapture(t, &graph), hipErrorStreamCaptureUnmatched);
        if (joined)
            GOOD(hipStreamWaitEvent(s, join, 0));
        GOOD(launch(&kernel_a, 3, 64, 0, s));
        if (joined)
            GOOD(hipStreamEndCapture(s, &graph));
        else
            FAILS(hipStreamEndCapture(s, &graph), hipErrorStreamCaptureUnjoined);
        assert_string_equal(made(), "");
    }
    void *cut;
    GOOD(hipStreamBeginCapture(s, 0));
    GOOD(hipEventRecord(fork, s));
    GOOD(hipStreamWaitEvent(t, fork, 0));
    GOOD(hipEventRecord(join, t));
    GOOD(hipStreamWaitEvent(s, join, 0));
    GOOD(launch(&kernel_b, 2, 64, 0, t)); /* after what was waited for */
    FAILS(hipStreamEndCapture(s, &cut), hipErrorStreamCaptureUnjoined);
    GOOD(hipGraphInstantiateWithFlags(&exec, graph, 0));
    GOOD(hipGraphLaunch(exec, NULL));
    assert_string_equal(made(), "a1g b2g a3g");
    FAILS(hipStreamWaitEvent(t, join, 0), hipErrorCapturedEvent); /* of a capture that is over */
    GOOD(launch(&kernel_b, 4, 64, 0, t));                         /* no longer part of it */
    assert_string_equal(made(), "a1g b2g a3g b4");
    GOOD(hipGraphExecDestroy(exec));
    GOOD(hipGraphDestroy(graph));
    GOOD(hipEventDestroy(fork));
    GOOD(hipEventDestroy(join));
    GOOD(hipStreamDestroy(s));
    GOOD(hipStreamDestroy(t));
}

static void graphs_are_made_by_hand_too(void **state)
{
    (void)state;
    void *graph, *exec, *first, *second, *third, *nodes[4];
    int type, calls = 0;
    size_t n = 4;
    const struct hip_kernel_node kernel = { .block = { 64, 1, 1 }, .grid = { 8, 1, 1 }, .function = &kernel_b };
    const struct hip_kernel_node wrong = { .block = { 0, 1, 1 }, .grid = { 8, 1, 1 }, .function = &kernel_b };
    const struct hip_host_node host = { count_call, &calls };
    GOOD(hipGraphCreate(&graph, 0));
    GOOD(hipGraphAddKernelNode(&first, graph, NULL, 0, &kernel));
    GOOD(hipGraphAddHostNode(&second, graph, &first, 1, &host));
    FAILS(hipGraphAddEmptyNode(&third, graph, &graph, 1), hipErrorInvalidValue);
    assert_int_equal(hipGraphAddKernelNode(&third, graph, NULL, 0, &wrong), hipErrorInvalidConfiguration);
    GOOD(hipGraphGetNodes(graph, NULL, &n));
    assert_int_equal(n, 2);
    GOOD(hipGraphGetNodes(graph, nodes, &n));
    assert_ptr_equal(nodes[1], second);
    GOOD(hipGraphNodeGetType(second, &type));
    assert_int_equal(type, HIP_NODE_HOST);
    GOOD(hipGraphInstantiateWithFlags(&exec, graph, 0));
    null_hip_reset();
    GOOD(hipGraphLaunch(exec, NULL));
    assert_string_equal(made(), "b8g");
    assert_int_equal(calls, 1);
    GOOD(hipGraphDestroy(graph));
    GOOD(hipGraphExecDestroy(exec));
    FAILS(hipGraphNodeGetType(second, &type), hipErrorInvalidValue);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        T(streams_are_handles),
        T(events_know_when),
        T(a_capture_becomes_a_graph_that_replays),
        T(an_executable_graph_is_updated_where_its_shape_is_kept),
        T(streams_join_a_capture_by_events),
        T(graphs_are_made_by_hand_too),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (program)
        __hipUnregisterFatBinary(program);
    return failed;
}
