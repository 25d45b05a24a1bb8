/* fault.h - brokers that failed or were slow, so that sends go to others for a while.
 * @source apache/rocketmq client/.../latency/MQFaultStrategy.java @thread the I/O thread */
#ifndef RMQ_CLIENT_FAULT_H
#define RMQ_CLIENT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/bytes.h"

struct fault {
    struct bytes broker_name; /* a kept name */
    int64_t until_ms;
};
struct faults {
    struct fault *items;
    size_t count;
};
void faults_close(struct faults *faults);
/* A send to the broker took latency_ms; failed: counts as a very slow one. */
void faults_update(struct faults *faults, struct bytes broker_name, int64_t latency_ms, bool failed, int64_t now_ms);
bool faults_available(const struct faults *faults, struct bytes broker_name, int64_t now_ms);

#endif
