/* table_page.c - a page of a table that has not changed. */
#include "broker/tables/table_page.h"

size_t table_page_first(const struct table_page *page, const struct data_version *now) {
    struct arena arena = {0};
    const struct json *json;
    size_t first = 0;
    if (page->first > 0 && json_parse(&arena, page->version, &json) == ERR_OK) {
        struct data_version then = data_version_decode(json);
        if (data_version_equal(&then, now)) first = (size_t)page->first;
    }
    arena_close(&arena);
    return first;
}
