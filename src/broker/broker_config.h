/* broker_config.h - settings of the broker and how a start-up gets them: defaults, then the file, then the command
 * line, then what follows from the machine. @source shared facts: behaviour 1.1 */
#ifndef RMQ_BROKER_BROKER_CONFIG_H
#define RMQ_BROKER_BROKER_CONFIG_H

#include "base/config.h"

enum { REACTORS_MAX = 31 }; /* each has two bits in queue_watch, for pulls and for pops; the last is QUEUE_WATCH_LITE */

/* BrokerConfig and NettyServerConfig of the Java broker */
struct broker_config {
#define KEY     CONFIG_MEMBER
#define IGNORED CONFIG_NOTHING
#include "broker/config.def"
#undef KEY
#undef IGNORED
};

extern const struct config_key broker_config_keys[];
extern const size_t broker_config_key_count;

void broker_config_init(struct broker_config *config);

/* Fills in what was left to the machine: broker name, addresses, name servers from the environment; checks what can
 * not be right. Texts it makes live as long as the process. ERR_BAD_CONFIG says which key and what it must be. */
enum err broker_config_finish(struct broker_config *config) MUST_USE;

/* The same as one line for stdout: 'The Name Server Address[X] illegal, ...' as ERR_BAD_CONFIG. */
enum err namesrv_addresses_check(struct bytes addresses) MUST_USE;

#endif
