/* request.h - request codes by name; who serves which: requests.def. */
#ifndef RMQ_WIRE_REQUEST_H
#define RMQ_WIRE_REQUEST_H

enum request_code {
#define BROKER(name, code, function, runs, header) REQUEST_##name = code,
#define NAMESRV(name, code, function, header)      REQUEST_##name = code,
#define KNOWN(name, code)                          REQUEST_##name = code,
#include "wire/requests.def"
};
const char *request_name(int code); /* "UNKNOWN" for codes we do not list */

#endif
