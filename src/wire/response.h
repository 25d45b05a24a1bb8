/* response.h - response codes by name, and the code a peer gets for one of our errors. */
#ifndef RMQ_WIRE_RESPONSE_H
#define RMQ_WIRE_RESPONSE_H

#include "base/err.h"

enum response_code {
#define RESPONSE(name, code) RESPONSE_##name = code,
#include "wire/responses.def"
#undef RESPONSE
};
const char *response_name(int code); /* "UNKNOWN" for codes we do not list */
int response_of(enum err err);       /* the second column of err.def */

#endif
