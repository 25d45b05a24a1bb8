/* msgid.h - the two kinds of message ids. @source shared facts: protocol 3.4 */
#ifndef RMQ_MESSAGE_MSGID_H
#define RMQ_MESSAGE_MSGID_H

#include "base/err.h"
#include "message/record.h"

enum { MSGID_TEXT_MAX = 57 }; /* 56 hex characters and a NUL */

/* Offset id: store host and physical offset, 32 (IPv4) or 56 (IPv6) upper-case hex digits. Returns its length. */
size_t msgid_offset_text(const struct host *store_host, int64_t offset_phys, char out[MSGID_TEXT_MAX]);
enum err msgid_offset_parse(struct bytes text, struct host *store_host, int64_t *offset_phys) MUST_USE;
/* Unique id: unique over hosts, processes and time; 32 hex digits. @thread any */
size_t msgid_unique_text(char out[MSGID_TEXT_MAX]);
/* The time a unique id was made (to the month it can know); ERR_BAD_INPUT if it is none. */
enum err msgid_unique_time_ms(struct bytes text, int64_t now_ms, int64_t *time_ms) MUST_USE;

#endif
