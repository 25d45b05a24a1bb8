/* request.c - names of request codes */
#include "wire/request.h"

#define CLIENT(name, code, function, header)                                                                           \
    _Static_assert(REQUEST_##name == code, "a CLIENT row repeats the code of another row");
#include "wire/requests.def"

const char *request_name(int code) {
    switch (code) {
#define BROKER(name, code, function, runs, header)                                                                     \
    case code:                                                                                                         \
        return #name;
#define NAMESRV(name, code, function, header)                                                                          \
    case code:                                                                                                         \
        return #name;
#define KNOWN(name, code)                                                                                              \
    case code:                                                                                                         \
        return #name;
#include "wire/requests.def"
    default:
        return "UNKNOWN";
    }
}
