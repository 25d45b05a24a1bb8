/* runtime_info.h - what request 28 tells of the running broker: names and texts that consoles and tools parse.
 * @source shared facts: behaviour 14.1 */
#ifndef RMQ_BROKER_RUNTIME_INFO_H
#define RMQ_BROKER_RUNTIME_INFO_H

#include "broker/broker.h"
#include "wire/body_kv_table.h"

enum { RUNTIME_INFO_MAX = 128 };

/* Fills `out`; texts live in `arena`. Returns how many. Waits for the disk. @thread work */
size_t runtime_info(struct broker *broker, struct arena *arena, struct kv out[RUNTIME_INFO_MAX]);

/* "1.5 KiB": bytes as people read them. */
struct bytes human_size(struct arena *arena, int64_t bytes);

#endif
