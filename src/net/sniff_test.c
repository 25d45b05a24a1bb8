/* sniff_test.c - each beginning of a connection, whole, cut short and damaged. */
#include "net/sniff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define TEXT(literal) ((struct bytes){literal, sizeof(literal) - 1})
#define V2_SIGNATURE  "\r\n\r\n\0\r\nQUIT\n"

static enum sniff_kind kind_of(struct bytes input) {
    struct sniffed sniffed;
    assert_int_equal(ERR_OK, sniff_first_bytes(input, &sniffed));
    return sniffed.kind;
}

static void remoting_and_tls_show_in_the_first_byte(void **state) {
    (void)state;
    assert_int_equal(SNIFF_PLAIN, kind_of(TEXT("\0")));
    assert_int_equal(SNIFF_PLAIN, kind_of(TEXT("GET / HTTP/1.1\r\n")));
    assert_int_equal(SNIFF_PLAIN, kind_of(TEXT("PUT")));
    assert_int_equal(SNIFF_PLAIN, kind_of(TEXT("\r\n\r\nx")));
    assert_int_equal(SNIFF_TLS, kind_of(TEXT("\x16\x03\x01")));
}

/* Every proper beginning waits, the whole tells skip and peer. */
static void check_header(struct bytes header, const char *peer) {
    struct sniffed sniffed;
    for (size_t len = 1; len < header.len; len++) {
        assert_int_equal(SNIFF_MORE, kind_of((struct bytes){header.data, len}));
    }
    assert_int_equal(ERR_OK, sniff_first_bytes(header, &sniffed));
    assert_int_equal(SNIFF_PROXY, sniffed.kind);
    assert_int_equal(header.len, sniffed.skip);
    assert_int_equal(peer != NULL, sniffed.has_peer);
    char text[ADDRESS_TEXT_MAX];
    if (peer) assert_string_equal(peer, address_text(&sniffed.peer, text));
}

static void proxy_headers_name_the_client(void **state) {
    (void)state;
    check_header(TEXT("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"), "192.168.0.1:56324");
    check_header(TEXT("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"), "[2001:db8::1]:1");
    check_header(TEXT("PROXY UNKNOWN\r\n"), NULL);
    check_header(TEXT("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), NULL);
    check_header(TEXT(V2_SIGNATURE "\x21\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\x12\x34\0\x50"), "10.0.0.1:4660");
    check_header(TEXT(V2_SIGNATURE "\x21\x11\0\x0f\x0a\0\0\x01\x0a\0\0\x02\x12\x34\0\x50\x04\0\0"), "10.0.0.1:4660");
    check_header(TEXT(V2_SIGNATURE "\x21\x21\0\x24"
                                   "\x20\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x07"
                                   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x07\0\x08"),
                 "[2001::7]:7");
    check_header(TEXT(V2_SIGNATURE "\x20\0\0\0"), NULL);
}

static void damaged_proxy_headers_are_refused(void **state) {
    (void)state;
    const struct bytes damaged[] = {
        TEXT("PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n"),
        TEXT("PROXY TCP4 192.168.0.256 192.168.0.11 56324 443\r\n"),
        TEXT("PROXY TCP4 1.1.1.1 1.1.1.1 65536 443\r\n"),
        TEXT("PROXY UDP4 1.1.1.1 1.1.1.1 1 443\r\n"),
        TEXT("PROXY TCP4 1.1.1.1 1.1.1.1 1 443\n"),
        TEXT("PROXY TCP4 1.1.1.1 1.1.1.1 1 443 4 5 6\r\n"),
        TEXT("PROXY \n"),
        TEXT(
            "PROXY xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxxxxxxxxxxx"),
        TEXT(V2_SIGNATURE "\x31\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\x12\x34\0\x50"),
        TEXT(V2_SIGNATURE "\x21\x11\0\x04\x0a\0\0\x01"),
    };
    struct sniffed sniffed;
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++)
        assert_int_equal(ERR_BAD_INPUT, sniff_first_bytes(damaged[i], &sniffed));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remoting_and_tls_show_in_the_first_byte),
        cmocka_unit_test(proxy_headers_name_the_client),
        cmocka_unit_test(damaged_proxy_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
