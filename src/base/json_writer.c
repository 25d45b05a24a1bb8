/* json_writer.c - commas, quotes and new lines where they belong. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"

/* How a byte is written in a string: 0 = as it is, 'u' = \u00XX, else the letter behind the backslash. */
static const char escapes[256] = {
    'u',         'u',           'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u', /* 0x00 */
    'u',         'u',           'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', /* 0x10 */
    ['"'] = '"', ['\\'] = '\\',
};

static void append_unit(struct buf *out, uint32_t unit) {
    static const char digits[] = "0123456789ABCDEF";
    const char text[6] = {
        '\\', 'u', digits[unit >> 12], digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15]};
    buf_append(out, text, sizeof text);
}

static void append_escape(struct buf *out, unsigned char c) {
    const char how = escapes[c];
    if (how == 'u') {
        append_unit(out, c);
    } else {
        const char text[2] = {'\\', how};
        buf_append(out, text, sizeof text);
    }
}

/* How many bytes at the front need no escape. Looks at eight at a time; the lowest byte marked is the first found. */
static size_t plain_run(const char *at, size_t len) {
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    size_t run = 0;
    for (; len - run >= 8; run += 8) {
        uint64_t word;
        memcpy(&word, at + run, sizeof word);
        const uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
        const uint64_t found =
            ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
        if (found & highs) return run + (size_t)(__builtin_ctzll(found & highs) >> 3);
    }
    while (run < len && escapes[(unsigned char)at[run]] == 0) run++;
    return run;
}

void json_append_quoted(struct buf *out, struct bytes text) {
    buf_reserve(out, text.len + 2);
    buf_append_char(out, '"');
    for (;;) {
        const size_t run = plain_run(text.data, text.len);
        buf_append(out, text.data, run);
        if (run == text.len) break;
        append_escape(out, (unsigned char)text.data[run]);
        text = bytes_skip(text, run + 1);
    }
    buf_append_char(out, '"');
}

static void append_quoted_ascii(struct buf *out, struct bytes text) {
    buf_append_char(out, '"');
    while (text.len > 0) {
        const uint32_t point = bytes_next_code_point(&text);
        if (point >= 0x10000) {
            append_unit(out, 0xD800 + ((point - 0x10000) >> 10));
            append_unit(out, 0xDC00 + (point & 0x3FF));
        } else if (point >= 0x7F) {
            append_unit(out, point);
        } else if (escapes[point] != 0) {
            append_escape(out, (unsigned char)point);
        } else {
            buf_append_char(out, (char)point);
        }
    }
    buf_append_char(out, '"');
}

static void append_text(struct json_writer *w, struct bytes text) {
    if (w->ascii_only)
        append_quoted_ascii(w->out, text);
    else
        json_append_quoted(w->out, text);
}

static void new_line(struct json_writer *w) {
    buf_append_char(w->out, '\n');
    for (int i = 0; i < w->depth; i++) buf_append_char(w->out, '\t');
}

/* What stands before a key or an element. */
static void separate(struct json_writer *w) {
    if (w->need_comma) buf_append_char(w->out, ',');
    if (w->pretty && w->depth > 0) new_line(w);
}

/* What stands before a value: behind a key nothing. */
static void before_value(struct json_writer *w) {
    if (!w->after_key) separate(w);
    w->after_key = false;
    w->need_comma = true;
}

static void begin(struct json_writer *w, char c) {
    buf_append_char(w->out, c);
    must(w->depth < JSON_DEPTH_MAX);
    w->depth++;
    w->need_comma = false;
}

static void end(struct json_writer *w, char c) {
    must(w->depth > 0);
    w->depth--;
    if (w->pretty && w->need_comma) new_line(w);
    buf_append_char(w->out, c);
    w->need_comma = true;
}

static void end_key(struct json_writer *w) {
    buf_append_char(w->out, ':');
    w->need_comma = false;
    w->after_key = true;
}

void json_begin_object(struct json_writer *w) {
    before_value(w);
    begin(w, '{');
}

void json_end_object(struct json_writer *w) {
    end(w, '}');
}

void json_begin_array(struct json_writer *w) {
    before_value(w);
    begin(w, '[');
}

void json_end_array(struct json_writer *w) {
    end(w, ']');
}

void json_key(struct json_writer *w, struct bytes key) {
    separate(w);
    append_text(w, key);
    end_key(w);
}

void json_key_text(struct json_writer *w, const char *key) {
    json_key(w, bytes_of(key));
}

void json_key_i64(struct json_writer *w, int64_t key) {
    separate(w);
    if (!w->bare_int_keys) buf_append_char(w->out, '"');
    buf_append_i64(w->out, key);
    if (!w->bare_int_keys) buf_append_char(w->out, '"');
    end_key(w);
}

void json_begin_key_object(struct json_writer *w) {
    separate(w);
    begin(w, '{');
}

void json_end_key_object(struct json_writer *w) {
    end(w, '}');
    end_key(w);
}

void json_string(struct json_writer *w, struct bytes text) {
    if (text.data == NULL) {
        json_null(w);
        return;
    }
    before_value(w);
    append_text(w, text);
}

void json_int(struct json_writer *w, int64_t value) {
    before_value(w);
    buf_append_i64(w->out, value);
}

/* The fewest digits that read back as the same number, laid out as Java does: plain from 10^-3 up to 10^7, else with
 * an exponent; always a digit behind the point. @source java.lang.Double.toString */
void json_real(struct json_writer *w, double value) {
    if (!isfinite(value)) {
        json_null(w);
        return;
    }
    before_value(w);
    char text[32];
    int precision = 0;
    for (;; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, value);
        if (precision == 16 || strtod(text, NULL) == value) break;
    }
    const char *exponent = strchr(text, 'e');
    const int power = (int)strtol(exponent + 1, NULL, 10);
    if (value != 0 && (power < -3 || power >= 7)) {
        const struct bytes mantissa = bytes_make(text, (size_t)(exponent - text));
        buf_append_bytes(w->out, mantissa);
        if (memchr(text, '.', mantissa.len) == NULL) buf_append_text(w->out, ".0");
        buf_printf(w->out, "E%d", power);
        return;
    }
    const int digits_behind = MAX(precision - power, 1);
    buf_printf(w->out, "%.*f", digits_behind, value);
}

void json_boolean(struct json_writer *w, bool value) {
    before_value(w);
    buf_append_text(w->out, value ? "true" : "false");
}

void json_null(struct json_writer *w) {
    before_value(w);
    buf_append_text(w->out, "null");
}

void json_raw(struct json_writer *w, struct bytes json) {
    before_value(w);
    buf_append_bytes(w->out, json);
}

static void node_members(struct json_writer *w, const struct json *node) {
    for (const struct json *member = node->first; member != NULL; member = member->next) {
        if (member->key_object != NULL) {
            json_begin_key_object(w);
            node_members(w, member->key_object);
            json_end_key_object(w);
        } else if (node->type == JSON_TYPE_OBJECT) {
            json_key(w, member->key);
        }
        json_node(w, member);
    }
}

void json_node(struct json_writer *w, const struct json *node) {
    switch (node->type) {
    case JSON_TYPE_NULL:
        json_null(w);
        break;
    case JSON_TYPE_BOOL:
        json_boolean(w, node->boolean);
        break;
    case JSON_TYPE_NUMBER:
        json_raw(w, node->text);
        break;
    case JSON_TYPE_STRING:
        json_string(w, node->text);
        break;
    case JSON_TYPE_ARRAY:
        json_begin_array(w);
        node_members(w, node);
        json_end_array(w);
        break;
    case JSON_TYPE_OBJECT:
        json_begin_object(w);
        node_members(w, node);
        json_end_object(w);
    }
}

struct bytes json_node_copy(struct arena *arena, const struct json *node) {
    struct buf text = {0};
    json_node(&(struct json_writer){.out = &text}, node);
    const struct bytes copy = arena_copy(arena, buf_bytes(&text));
    buf_close(&text);
    return copy;
}

void json_member(struct json_writer *w, const char *key, struct bytes text) {
    json_key_text(w, key);
    json_string(w, text);
}

void json_member_opt(struct json_writer *w, const char *key, struct bytes text) {
    if (text.data != NULL) json_member(w, key, text);
}

void json_member_int(struct json_writer *w, const char *key, int64_t value) {
    json_key_text(w, key);
    json_int(w, value);
}

void json_member_real(struct json_writer *w, const char *key, double value) {
    json_key_text(w, key);
    json_real(w, value);
}

void json_member_bool(struct json_writer *w, const char *key, bool value) {
    json_key_text(w, key);
    json_boolean(w, value);
}
