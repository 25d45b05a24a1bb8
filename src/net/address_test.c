/* address_test.c - texts and socket addresses. */
#include "net/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void check_split(const char *text, const char *host, uint16_t port) {
    struct bytes got;
    uint16_t got_port;
    assert_int_equal(ERR_OK, address_split(bytes_of(text), &got, &got_port));
    assert_true(bytes_is(got, host));
    assert_int_equal(port, got_port);
}

static void host_and_port_are_cut_at_the_last_colon(void **state) {
    (void)state;
    check_split("localhost:9876", "localhost", 9876);
    check_split(" 10.0.0.1:1 ", "10.0.0.1", 1);
    check_split("[::1]:65535", "::1", 65535);
    check_split("::1:10911", "::1", 10911);
}

static void what_is_no_address_is_named(void **state) {
    (void)state;
    const char *bad[] = {"", "localhost", "localhost:", ":9876", "[]:1", "a:0", "a:65536", "a:-1", "a:1x", "a: "};
    struct bytes host;
    uint16_t port;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ERR_BAD_INPUT, address_split(bytes_of(bad[i]), &host, &port));
        assert_non_null(strstr(err_detail(ERR_BAD_INPUT), bad[i]));
    }
    assert_int_equal(ERR_BAD_INPUT, address_split((struct bytes){0}, &host, &port));
}

static void check_socket_address(const char *ip, const char *text) {
    char out[ADDRESS_TEXT_MAX];
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct address address;
    if (inet_pton(AF_INET, ip, &in.sin_addr) == 1)
        address = address_of_sockaddr((struct sockaddr *)&in);
    else if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1)
        address = address_of_sockaddr((struct sockaddr *)&in6);
    else
        fail();
    assert_string_equal(text, address_text(&address, out));
    assert_true(address_equal(&address, &address));
}

static void socket_addresses_have_one_text(void **state) {
    (void)state;
    check_socket_address("127.0.0.1", "127.0.0.1:80");
    check_socket_address("::ffff:1.2.3.4", "1.2.3.4:80");
    check_socket_address("fe80::1", "[fe80::1]:80");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_and_port_are_cut_at_the_last_colon),
        cmocka_unit_test(what_is_no_address_is_named),
        cmocka_unit_test(socket_addresses_have_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
