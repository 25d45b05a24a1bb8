/* table_page.h - which part of a table a reader of pages wants (requests 21 and 201 since 5.3.4). */
#ifndef RMQ_BROKER_TABLE_PAGE_H
#define RMQ_BROKER_TABLE_PAGE_H

#include "base/json.h"
#include "wire/body_data_version.h"

struct table_page {
    int32_t first;        /* of the rows sorted by name */
    size_t count;         /* at most */
    struct bytes version; /* that the pages before came with: DataVersion as JSON text */
};
/* Where the page begins: at the first row again when the table has changed since.
 * @source apache/rocketmq TopicConfigManager.subTopicConfigTable, 5.5.0 */
size_t table_page_first(const struct table_page *page, const struct data_version *now);

#endif
