/* record_fuzz.c - bytes of a commit log or a pull answer: what is a record comes back byte for byte. */
#include <stdlib.h>
#include "base/check.h"
#include "message/msgid.h"
#include "message/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hosts(const struct record *record) {
    struct host back;
    int64_t offset_phys;
    char id[MSGID_TEXT_MAX], text[64];
    size_t len = msgid_offset_text(&record->store_host, record->offset_phys, id);
    must(msgid_offset_parse(bytes_make(id, len), &back, &offset_phys) == ERR_OK);
    must(offset_phys == record->offset_phys && memcmp(&back, &record->store_host, sizeof back) == 0);
    if (host_parse(bytes_of(host_text(&record->born_host, text)), &back) == ERR_OK)
        must(memcmp(&back, &record->born_host, sizeof back) == 0);
    else
        must(record->born_host.port < 0 || record->born_host.port > UINT16_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct record record;
    for (struct bytes rest = bytes_make(data, size); record_decode(rest, RECORD_CHECK_SHAPE, &record) == ERR_OK;
         rest = bytes_skip(rest, record.size_bytes)) {
        check_hosts(&record);
        bool short_in_v2 = record_size(&record) != record.size_bytes; /* no writer of version 2 has short topics */
        if (short_in_v2 || record_decode(rest, RECORD_CHECK_BODY_CRC, &record) != ERR_OK) continue;
        char *again = malloc(record.size_bytes);
        must(again != NULL);
        record_encode(&record, again);
        must(memcmp(again, rest.data, record.size_bytes) == 0);
        free(again);
    }
    return 0;
}
