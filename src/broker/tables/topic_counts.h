/* topic_counts.h - a count for each topic, kept in a file under config/: how many of its messages wait for the end of
 * their transaction (transactionMetrics), or for their time (timermetrics). A statistic: a crash may leave the file
 * wrong, a damaged one is begun anew. @thread any. @source shared facts: store 6 */
#ifndef RMQ_BROKER_TOPIC_COUNTS_H
#define RMQ_BROKER_TOPIC_COUNTS_H

#include "base/json.h"
#include "broker/broker.h"

struct topic_counts;
/* `file`: its name; `member`: the object in it that holds the counts. Both are literals. */
enum err topic_counts_open(struct broker *broker, const char *file, const char *member,
                           struct topic_counts **out) MUST_USE;
void topic_counts_close(struct topic_counts *counts); /* saves */
void topic_counts_save(struct topic_counts *counts);  /* if something changed. Waits for the disk */

/* `change` more of that real topic; takes LOCK_STATS for the first of a topic. */
void topic_counts_add(struct topic_counts *counts, struct bytes topic, int64_t change);
void topic_counts_set(struct topic_counts *counts, struct bytes topic, int64_t count);
int64_t topic_counts_of(const struct topic_counts *counts, struct bytes topic);
void topic_counts_each(const struct topic_counts *counts, void (*visit)(struct bytes topic, int64_t count, void *arg),
                       void *arg);
/* The content of the file, and the answer to request 61. */
void topic_counts_write(void *counts, struct json_writer *w);

#endif
