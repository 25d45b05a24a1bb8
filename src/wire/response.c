/* response.c - names of response codes, and codes of errors */
#include "wire/response.h"

const char *response_name(int code) {
    switch (code) {
#define RESPONSE(name, code)                                                                                           \
    case code:                                                                                                         \
        return #name;
#include "wire/responses.def"
#undef RESPONSE
    default:
        return "UNKNOWN";
    }
}

int response_of(enum err err) {
    static const int codes[ERR_COUNT] = {
#define ERR(name, response, text) [ERR_##name] = RESPONSE_##response,
#include "base/err.def"
#undef ERR
    };
    return (unsigned)err < ERR_COUNT ? codes[err] : RESPONSE_SYSTEM_ERROR;
}
