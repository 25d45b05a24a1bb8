/* topic_print.c - TopicConfig.toString of 5.x. @source shared golden outputs: mqadmin updateTopic */
#include "admin/topic_print.h"

#include <string.h>
#include "admin/print.h"

/* "+a=b,-c" as a Java map prints: {+a=b, -c=} */
static void print_attributes(FILE *out, struct bytes attributes) {
    const char *separator = "";
    struct bytes item;
    fputc('{', out);
    while (bytes_split(&attributes, ',', &item)) {
        bool has_value = item.len > 0 && memchr(item.data, '=', item.len);
        fprintf(out, "%s%.*s%s", separator, BYTES_ARG(item), has_value ? "" : "=");
        separator = ", ";
    }
    fputc('}', out);
}

void topic_print(FILE *out, const struct hdr_update_and_create_topic *topic) {
    fprintf(out, "TopicConfig [topicName=%.*s, readQueueNums=%d, writeQueueNums=%d, perm=%s, topicFilterType=%.*s",
            BYTES_ARG(topic->topic), topic->read_queue_nums, topic->write_queue_nums, print_perm(topic->perm),
            BYTES_ARG(topic->topic_filter_type));
    fprintf(out, ", topicSysFlag=%d, order=%s, attributes=", topic->topic_sys_flag, print_bool(topic->order));
    print_attributes(out, topic->attributes);
    fputc(']', out);
}
