/* json_reader.c - the pull tokenizer, and escapes. */
#include "base/json.h"

#include "base/check.h"
#include "base/scan.h"

/* What may come next. */
enum {
    STATE_VALUE, /* a value must come */
    STATE_FIRST, /* just behind the opening of an object or array: a member or the end */
    STATE_AFTER, /* behind a member: a comma or the end */
    STATE_KEYED, /* behind an object that serves as key: a colon and the value */
    STATE_DONE,
    STATE_BAD
};
/* What is open: the entries of reader->stack. */
enum { OPEN_OBJECT, OPEN_ARRAY, OPEN_KEY_OBJECT };

void json_reader_init(struct json_reader *reader, struct bytes input) {
    reader->at = input.data != NULL ? input.data : "";
    reader->end = reader->at + input.len;
    reader->text = (struct bytes){0};
    reader->escaped = false;
    reader->depth = 0;
    reader->state = STATE_VALUE;
}

static inline const char *skip_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    return at;
}

static enum json_token bad(struct json_reader *reader, const char *at) {
    reader->at = at;
    reader->state = STATE_BAD;
    return JSON_BAD;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `at` is a backslash; returns what is behind the escape, NULL when it is none. */
static const char *skip_escape(const char *at, const char *end) {
    if (end - at < 2) return NULL;
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case '\'':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
        return at + 2;
    case 'u':
        if (end - at < 6) return NULL;
        for (int i = 2; i < 6; i++)
            if (hex_value(at[i]) < 0) return NULL;
        return at + 6;
    default:
        return NULL;
    }
}

const char *json_string_end(const char *at, const char *end, bool *escaped) {
    const char quote = *at++;
    *escaped = false;
    while ((at = scan_for_either(at, end, quote, '\\')) < end && *at == '\\') {
        *escaped = true;
        at = skip_escape(at, end);
        if (at == NULL) return NULL;
    }
    return at == end ? NULL : at + 1;
}

/* `at` is the opening quote. Sets text and escaped; returns what is behind the closing quote, NULL when malformed. */
static const char *take_string(struct json_reader *reader, const char *at) {
    const char *behind = json_string_end(at, reader->end, &reader->escaped);
    if (behind != NULL) reader->text = bytes_make(at + 1, (size_t)(behind - at) - 2);
    return behind;
}

static inline bool is_digit(const char *at, const char *end) {
    return at < end && *at >= '0' && *at <= '9';
}

static const char *skip_digits(const char *at, const char *end) {
    while (is_digit(at, end)) at++;
    return at;
}

static enum json_token take_number(struct json_reader *reader, const char *at) {
    const char *start = at, *end = reader->end;
    if (*at == '-') at++;
    if (!is_digit(at, end)) return bad(reader, at);
    at = skip_digits(at, end);
    if (at < end && *at == '.') {
        if (!is_digit(at + 1, end)) return bad(reader, at);
        at = skip_digits(at + 1, end);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '-' || *at == '+')) at++;
        if (!is_digit(at, end)) return bad(reader, at);
        at = skip_digits(at, end);
    }
    reader->text = bytes_make(start, (size_t)(at - start));
    reader->escaped = false;
    reader->at = at;
    return JSON_NUMBER;
}

static enum json_token take_word(struct json_reader *reader, const char *at, const char *word, enum json_token token) {
    struct bytes rest = bytes_make(at, (size_t)(reader->end - at));
    if (!bytes_starts_with(rest, bytes_of(word))) return bad(reader, at);
    reader->at = at + strlen(word);
    return token;
}

static enum json_token open_container(struct json_reader *reader, const char *at, int kind) {
    if (reader->depth == JSON_DEPTH_MAX) return bad(reader, at);
    reader->stack[reader->depth++] = (uint8_t)kind;
    reader->state = STATE_FIRST;
    reader->at = at + 1;
    return kind == OPEN_ARRAY ? JSON_ARRAY : JSON_OBJECT;
}

static enum json_token close_container(struct json_reader *reader, const char *at) {
    int kind = reader->stack[--reader->depth];
    reader->at = at + 1;
    if (kind == OPEN_KEY_OBJECT)
        reader->state = STATE_KEYED;
    else
        reader->state = reader->depth > 0 ? STATE_AFTER : STATE_DONE;
    return kind == OPEN_ARRAY ? JSON_ARRAY_END : JSON_OBJECT_END;
}

static enum json_token take_value(struct json_reader *reader, const char *at) {
    if (at == reader->end) return bad(reader, at);
    if (*at == '{') return open_container(reader, at, OPEN_OBJECT);
    if (*at == '[') return open_container(reader, at, OPEN_ARRAY);
    reader->state = reader->depth > 0 ? STATE_AFTER : STATE_DONE;
    switch (*at) {
    case '"':
    case '\'': {
        const char *behind = take_string(reader, at);
        if (behind == NULL) return bad(reader, at);
        reader->at = behind;
        return JSON_STRING;
    }
    case 't':
        return take_word(reader, at, "true", JSON_TRUE);
    case 'f':
        return take_word(reader, at, "false", JSON_FALSE);
    case 'n':
        return take_word(reader, at, "null", JSON_NULL);
    default:
        return take_number(reader, at);
    }
}

static bool in_bare_key(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

static enum json_token take_key(struct json_reader *reader, const char *at) {
    if (*at == '{') return open_container(reader, at, OPEN_KEY_OBJECT);
    const char *behind = at;
    if (*at == '"' || *at == '\'') {
        behind = take_string(reader, at);
    } else {
        while (behind < reader->end && in_bare_key(*behind)) behind++;
        reader->text = bytes_make(at, (size_t)(behind - at));
        reader->escaped = false;
    }
    if (behind == NULL || behind == at) return bad(reader, at);
    behind = skip_blanks(behind, reader->end);
    if (behind == reader->end || *behind != ':') return bad(reader, behind);
    reader->at = behind + 1;
    reader->state = STATE_VALUE;
    return JSON_KEY;
}

/* A member or the end of what is open. */
static enum json_token take_member(struct json_reader *reader, const char *at) {
    if (at == reader->end) return bad(reader, at);
    bool array = reader->stack[reader->depth - 1] == OPEN_ARRAY;
    if (*at == (array ? ']' : '}')) return close_container(reader, at);
    return array ? take_value(reader, at) : take_key(reader, at);
}

enum json_token json_next(struct json_reader *reader) {
    const char *end = reader->end, *at = skip_blanks(reader->at, end);
    switch (reader->state) {
    case STATE_VALUE:
        return take_value(reader, at);
    case STATE_FIRST:
        return take_member(reader, at);
    case STATE_AFTER:
        if (at == end) return bad(reader, at);
        if (*at == ',') return take_member(reader, skip_blanks(at + 1, end)); /* a comma may trail */
        if (*at == (reader->stack[reader->depth - 1] == OPEN_ARRAY ? ']' : '}')) return close_container(reader, at);
        return bad(reader, at);
    case STATE_KEYED:
        if (at == end || *at != ':') return bad(reader, at);
        return take_value(reader, skip_blanks(at + 1, end));
    case STATE_DONE:
        return at == end ? JSON_EOF : bad(reader, at);
    default:
        return JSON_BAD;
    }
}

enum err json_skip(struct json_reader *reader) {
    int depth = reader->state == STATE_FIRST ? reader->depth - 1 : reader->depth;
    do {
        if (json_next(reader) == JSON_BAD) return fail(ERR_BAD_INPUT, "malformed JSON");
    } while (reader->depth > depth);
    return ERR_OK;
}

static size_t write_utf8(uint32_t point, char *out) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3F));
    out[2] = (char)(0x80 | (point >> 6 & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

/* The four digits behind "\u". */
static uint32_t hex4(const char *digits) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) value = value << 4 | (uint32_t)(hex_value(digits[i]) & 0xF);
    return value;
}

/* `at` is the backslash of "\uXXXX"; takes the second half of a pair along. */
static const char *unescape_unicode(const char *at, const char *end, char *out, size_t *len) {
    uint32_t unit = hex4(at + 2);
    at += 6;
    if (unit >= 0xD800 && unit < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        uint32_t low = hex4(at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            *len += write_utf8(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), out + *len);
            return at + 6;
        }
    }
    *len += write_utf8(unit >= 0xD800 && unit < 0xE000 ? '?' : unit, out + *len);
    return at;
}

/* Texts between escapes are short, and there is room in `out` for all that is left of the input. */
static inline void copy_plain(char *out, const char *at, size_t len, const char *end) {
    if (len <= 16 && end - at >= 16)
        memcpy(out, at, 16);
    else
        memcpy(out, at, len);
}

size_t json_unescape(struct bytes text, char *out) {
    static const char letters[] = "bfnrtv", meanings[] = "\b\f\n\r\t\v";
    const char *at = text.data, *end = text.data + text.len;
    size_t len = 0;
    while (at < end) {
        const char *plain_end = scan_for(at, end, '\\');
        copy_plain(out + len, at, (size_t)(plain_end - at), end);
        len += (size_t)(plain_end - at);
        at = plain_end;
        if (at == end) break;
        if (end - at >= 6 && memcmp(at, "\\u000", 5) == 0 && hex_value(at[5]) >= 0) { /* those between properties */
            out[len++] = (char)hex_value(at[5]);
            at += 6;
        } else if (end - at >= 6 && at[1] == 'u') {
            at = unescape_unicode(at, end, out, &len);
        } else {
            char c = end - at >= 2 ? at[1] : '\\';
            const char *letter = c == '\0' ? NULL : strchr(letters, c);
            out[len++] = letter != NULL ? meanings[letter - letters] : c;
            at += MIN(end - at, 2);
        }
    }
    return len;
}
