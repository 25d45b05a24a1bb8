/* filter.c - copies of subscriptions that test messages */
#include "broker/pull/filter.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "message/record.h"

/* One block: the struct, the tags, the codes, the texts. */
static size_t filter_size(const struct subscription *s) {
    size_t texts = s->topic.len + s->expression.len + s->expression_type.len;
    for (size_t i = 0; i < s->tag_count; i++) texts += s->tags[i].len;
    return sizeof(struct filter) + s->tag_count * sizeof *s->tags + s->code_count * sizeof *s->codes + texts;
}

static struct bytes copy_text(char **to, struct bytes text) {
    if (!text.data) return text;
    struct bytes copy = bytes_make(*to, text.len);
    memcpy(*to, text.data, text.len);
    *to += text.len;
    return copy;
}

static int by_code(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static bool is_all(struct bytes expression) {
    return expression.len == 0 || bytes_is(expression, "*");
}

static enum err compile(const struct subscription *s, struct sql92 **out) {
    if (!bytes_is(s->expression_type, "SQL92"))
        return fail(ERR_BAD_SUBSCRIPTION, "unknown type of expression: %.*s, use TAG or SQL92",
                    BYTES_ARG(s->expression_type));
    if (s->expression.len > SQL92_TEXT_MAX)
        return fail(ERR_BAD_SUBSCRIPTION, "the expression is longer than %d bytes", SQL92_TEXT_MAX);
    return sql92_compile(s->expression, out);
}

enum err filter_check(const struct subscription *s) {
    struct sql92 *sql;
    if (s->class_filter_mode || subscription_is_tag(s)) return ERR_OK;
    TRY(compile(s, &sql));
    sql92_free(sql);
    return ERR_OK;
}

struct filter *filter_make(const struct subscription *s) {
    struct filter *filter = malloc(filter_size(s));
    must(filter);
    struct bytes *tags = (struct bytes *)(filter + 1);
    int32_t *codes = (int32_t *)(tags + s->tag_count);
    char *texts = (char *)(codes + s->code_count);
    atomic_init(&filter->references, 1);
    filter->match_all = s->class_filter_mode || (subscription_is_tag(s) && is_all(s->expression));
    filter->sql = NULL;
    if (!filter->match_all && !subscription_is_tag(s) && compile(s, &filter->sql) != ERR_OK)
        log_every_ms(1000, WARN, CLIENT, "subscription is no filter: topic=%.*s expression=%.*s cause=%s",
                     BYTES_ARG(s->topic), BYTES_ARG(s->expression), err_detail(ERR_BAD_SUBSCRIPTION));
    filter->subscription = *s;
    filter->subscription.topic = copy_text(&texts, s->topic);
    filter->subscription.expression = copy_text(&texts, s->expression);
    filter->subscription.expression_type = copy_text(&texts, s->expression_type);
    for (size_t i = 0; i < s->tag_count; i++) tags[i] = copy_text(&texts, s->tags[i]);
    if (s->code_count > 0) memcpy(codes, s->codes, s->code_count * sizeof *codes);
    qsort(codes, s->code_count, sizeof *codes, by_code);
    filter->subscription.tags = tags;
    filter->subscription.codes = codes;
    return filter;
}

struct filter *filter_share(struct filter *filter) {
    if (filter) atomic_fetch_add_explicit(&filter->references, 1, memory_order_relaxed);
    return filter;
}

void filter_release(struct filter *filter) {
    if (!filter || atomic_fetch_sub_explicit(&filter->references, 1, memory_order_acq_rel) != 1) return;
    sql92_free(filter->sql);
    free(filter);
}

bool filter_match_tags(void *ctx, int64_t tags_code) {
    const struct filter *filter = ctx;
    if (filter->match_all || filter->sql) return true;
    if (tags_code < INT32_MIN) return true; /* an address in Java's consumequeue_ext: the consumer filters by itself */
    int32_t code = (int32_t)tags_code;
    const int32_t *codes = filter->subscription.codes;
    if (filter->subscription.code_count == 1) return codes[0] == code;
    return bsearch(&code, codes, filter->subscription.code_count, sizeof code, by_code) != NULL;
}

bool filter_match_record(void *ctx, struct bytes record) {
    const struct filter *filter = ctx;
    struct record decoded;
    if (!filter->sql) return true;
    return record_decode(record, RECORD_CHECK_SHAPE, &decoded) == ERR_OK &&
           sql92_match(filter->sql, decoded.properties);
}
