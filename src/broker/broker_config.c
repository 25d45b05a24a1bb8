/* broker_config.c - the tables made from config.def, and what follows from the machine. */
#include "broker/broker_config.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/check.h"
#include "net/conn.h"
#include "os/thread.h"

void broker_config_init(struct broker_config *c) {
#define KEY     CONFIG_DEFAULT
#define IGNORED CONFIG_NOTHING
#include "broker/config.def"
#undef KEY
#undef IGNORED
}

const struct config_key broker_config_keys[] = {
#define CONFIG_STRUCT struct broker_config
#define KEY           CONFIG_ROW
#define IGNORED       CONFIG_IGNORED_ROW
#include "broker/config.def"
#undef KEY
#undef IGNORED
};
const size_t broker_config_key_count = ARRAY_LEN(broker_config_keys);

static struct bytes host_name(void) {
    char name[256];
    if (gethostname(name, sizeof name) != 0 || name[0] == '\0') return BYTES("DEFAULT_BROKER");
    name[sizeof name - 1] = '\0';
    return bytes_of(bytes_dup(bytes_of(name)));
}

/* The first IPv4 address that is up and no loopback; the loopback when there is none. */
static struct bytes first_address(void) {
    struct ifaddrs *all = NULL;
    char text[INET_ADDRSTRLEN] = "127.0.0.1";
    if (getifaddrs(&all) == 0) {
        for (struct ifaddrs *i = all; i; i = i->ifa_next) {
            if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET) continue;
            if (!(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK)) continue;
            struct sockaddr_in in;
            memcpy(&in, i->ifa_addr, sizeof in);
            if (inet_ntop(AF_INET, &in.sin_addr, text, sizeof text)) break;
        }
        freeifaddrs(all);
    }
    return bytes_of(bytes_dup(bytes_of(text)));
}

enum err namesrv_addresses_check(struct bytes addresses) {
    struct bytes rest = addresses, piece, host;
    uint16_t port;
    while (bytes_split(&rest, ';', &piece)) {
        if (bytes_trim(piece).len > 0 && address_split(bytes_trim(piece), &host, &port) != ERR_OK)
            return fail(ERR_BAD_CONFIG,
                        "The Name Server Address[%.*s] illegal, please set it as follows, "
                        "\"127.0.0.1:9876;192.168.0.1:9876\"",
                        BYTES_ARG(addresses));
    }
    return ERR_OK;
}

enum err broker_config_finish(struct broker_config *config) {
    enum { REACTORS_DEFAULT_MAX = 4 };
    if (config->broker_name.len == 0) config->broker_name = host_name();
    if (config->broker_ip1.len == 0) config->broker_ip1 = first_address();
    if (config->broker_ip2.len == 0) config->broker_ip2 = config->broker_ip1;
    const char *namesrv = getenv("NAMESRV_ADDR");
    if (!config->namesrv_addr.data && namesrv) config->namesrv_addr = bytes_of(bytes_dup(bytes_of(namesrv)));
    if (config->namesrv_addr.data) TRY(namesrv_addresses_check(config->namesrv_addr));
    if (config->server_selector_threads == 0)
        config->server_selector_threads = MAX(MIN(thread_cpu_count() / 2, REACTORS_DEFAULT_MAX), 1);
    return ERR_OK;
}
