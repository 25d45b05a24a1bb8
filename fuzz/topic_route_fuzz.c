/* topic_route_fuzz.c - route data and cluster info: any bytes are taken or refused; what is written reads back. */
#include "base/check.h"
#include "wire/body_cluster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct buf text = {0};
    struct topic_route route;
    struct cluster_info info;
    const struct bytes input = bytes_make(data, size);
    if (topic_route_decode(&arena, input, &route) == ERR_OK) {
        const size_t queues = route.queue_count;
        topic_route_encode(&route, size % 2, &text);
        must(topic_route_decode(&arena, buf_bytes(&text), &route) == ERR_OK);
        must(route.queue_count == queues);
    }
    buf_clear(&text);
    if (cluster_info_decode(&arena, input, &info) == ERR_OK) {
        cluster_info_encode(&info, &text);
        must(cluster_info_decode(&arena, buf_bytes(&text), &info) == ERR_OK);
    }
    buf_close(&text);
    arena_close(&arena);
    return 0;
}
