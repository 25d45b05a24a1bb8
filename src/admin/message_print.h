/* message_print.h - messages as the Java tools print them. */
#ifndef RMQ_ADMIN_MESSAGE_PRINT_H
#define RMQ_ADMIN_MESSAGE_PRINT_H

#include "admin/admin.h"

/* Appends `text` in UTF-8; charset absent: it is UTF-8 already. What cannot be read becomes '?'.
 * ERR_BAD_PARAMETER: no such character set. */
enum err message_text(struct bytes text, struct bytes charset, struct buf *out) MUST_USE;
/* One line: "MSGID: ... MessageExt [...] BODY: ...". */
enum err message_print_line(FILE *out, const rmq_message_ext_t *message, bool with_body, struct bytes charset) MUST_USE;
/* A line for each property of interest. The body goes to a file, whose path is printed; charset given: it is printed
 * too. number: of several messages with one id, from 0. */
enum err message_print_details(struct admin *admin, const rmq_message_ext_t *message, bool with_offset_id,
                               size_t number, struct bytes charset) MUST_USE;

#endif
