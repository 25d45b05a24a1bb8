/* topic_print.h - a topic's settings as the Java tools print them. */
#ifndef RMQ_ADMIN_TOPIC_PRINT_H
#define RMQ_ADMIN_TOPIC_PRINT_H

#include <stdio.h>
#include "wire/header.h"

/* "TopicConfig [topicName=...]" without an end of line, from what a broker was told. */
void topic_print(FILE *out, const struct hdr_update_and_create_topic *topic);

#endif
