/* kv_config.h - texts by namespace and key, kept in a file: order configuration of topics and what admins put there.
 * File: {"configTable":{"NAMESPACE":{"KEY":"VALUE"}}}. @thread that of the owner
 * @source shared facts: behaviour 3.1, 3.4 */
#ifndef RMQ_NAMESRV_KV_CONFIG_H
#define RMQ_NAMESRV_KV_CONFIG_H

#include "base/err.h"
#include "wire/body_kv_table.h"

#define NAMESPACE_ORDER_TOPIC_CONFIG BYTES("ORDER_TOPIC_CONFIG")

enum { KV_TOTAL_MAX_BYTES = 16 << 20 /* of all texts */ };

struct kv_config;
/* Loads the file; a missing one is an empty table. ERR_CORRUPT when it cannot be understood. Waits for the disk. */
enum err kv_config_open(const char *path, struct kv_config **out) MUST_USE;
void kv_config_close(struct kv_config *config);

/* ERR_TOO_BIG when the table would pass KV_TOTAL_MAX_BYTES. */
enum err kv_config_put(struct kv_config *config, struct bytes namespace, struct bytes key, struct bytes value) MUST_USE;
void kv_config_delete(struct kv_config *config, struct bytes namespace, struct bytes key);
struct bytes kv_config_get(const struct kv_config *config, struct bytes namespace,
                           struct bytes key); /* absent if none */
/* All of a namespace, in `arena`; texts are valid until the table changes. 0 if there is none. */
size_t kv_config_list(const struct kv_config *config, struct arena *arena, struct bytes namespace,
                      const struct kv **items);
/* The content of the file as it should be now. */
void kv_config_write(struct kv_config *config, struct buf *out);
/* One log line each. */
void kv_config_log(const struct kv_config *config);

#endif
