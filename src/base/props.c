/* props.c - logical lines out of natural ones, keys and values out of those. */
#include "base/props.h"

#include "base/check.h"
#include "base/json.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\f';
}

static struct bytes skip_blanks(struct bytes text) {
    while (text.len > 0 && is_blank(text.data[0])) text = bytes_skip(text, 1);
    return text;
}

/* Cuts a line off the front of *rest; its end is \n, \r or \r\n. */
static bool cut_line(struct bytes *rest, struct bytes *line) {
    if (rest->len == 0) return false;
    size_t len = 0;
    while (len < rest->len && rest->data[len] != '\n' && rest->data[len] != '\r') len++;
    *line = bytes_make(rest->data, len);
    const bool pair = len + 1 < rest->len && rest->data[len] == '\r' && rest->data[len + 1] == '\n';
    *rest = bytes_skip(*rest, len + (pair ? 2 : 1));
    return true;
}

static bool is_continued(struct bytes line) {
    size_t backslashes = 0;
    while (backslashes < line.len && line.data[line.len - 1 - backslashes] == '\\') backslashes++;
    return backslashes % 2 == 1;
}

/* Cuts the next logical line off *rest into `out`: comments and empty lines left out, continuations joined, leading
 * blanks gone. *number counts lines of the text. */
static bool cut_logical_line(struct bytes *rest, int *number, struct buf *out) {
    struct bytes line;
    do {
        if (!cut_line(rest, &line)) return false;
        ++*number;
        line = skip_blanks(line);
    } while (line.len == 0 || line.data[0] == '#' || line.data[0] == '!');
    buf_clear(out);
    while (is_continued(line)) {
        buf_append(out, line.data, line.len - 1);
        if (!cut_line(rest, &line)) return true;
        ++*number;
        line = skip_blanks(line);
    }
    buf_append_bytes(out, line);
    return true;
}

/* Where the key ends: the first separator that no backslash protects. */
static size_t key_len(struct bytes line) {
    size_t len = 0;
    while (len < line.len && line.data[len] != '=' && line.data[len] != ':' && !is_blank(line.data[len]))
        len += line.data[len] == '\\' ? 2 : 1;
    return MIN(len, line.len);
}

static struct bytes value_of(struct bytes line, size_t key_bytes) {
    struct bytes rest = skip_blanks(bytes_skip(line, key_bytes));
    if (rest.len > 0 && (rest.data[0] == '=' || rest.data[0] == ':')) rest = skip_blanks(bytes_skip(rest, 1));
    return rest;
}

/* The length of the \uXXXX escapes in a row at the front. */
static size_t unicode_run(struct bytes text) {
    size_t len = 0;
    while (text.len - len >= 6 && text.data[len] == '\\' && text.data[len + 1] == 'u' &&
           strspn(text.data + len + 2, "0123456789abcdefABCDEF") >= 4)
        len += 6;
    return len;
}

static enum err unescape(struct arena *arena, struct bytes text, int line, struct bytes *out) {
    static const char letters[] = "tnrf", meanings[] = "\t\n\r\f";
    char *plain = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    while (text.len > 0) {
        const size_t run = unicode_run(text);
        if (run > 0) { /* together: two may be one character */
            len += json_unescape(bytes_make(text.data, run), plain + len);
            text = bytes_skip(text, run);
        } else if (text.data[0] != '\\' || text.len == 1) {
            plain[len++] = text.data[0];
            text = bytes_skip(text, 1);
        } else {
            const char c = text.data[1];
            if (c == 'u') return fail(ERR_BAD_INPUT, "line %d: malformed \\uXXXX escape", line);
            const char *letter = c == '\0' ? NULL : strchr(letters, c);
            plain[len++] = letter != NULL ? meanings[letter - letters] : c;
            text = bytes_skip(text, 2);
        }
    }
    plain[len] = '\0';
    *out = bytes_make(plain, len);
    return ERR_OK;
}

static struct bytes trim_end(struct bytes text) {
    while (text.len > 0 && (unsigned char)text.data[text.len - 1] <= ' ') text.len--;
    return text;
}

static struct prop *new_prop(struct arena *arena, struct props *props, size_t *cap) {
    if (props->count == *cap) {
        *cap = MAX(*cap * 2, (size_t)16);
        struct prop *items = arena_alloc(arena, *cap * sizeof *items);
        if (props->count > 0) memcpy(items, props->items, props->count * sizeof *items);
        props->items = items;
    }
    return &props->items[props->count++];
}

enum err props_parse(struct arena *arena, struct bytes text, struct props *out) {
    struct buf logical = {0};
    size_t cap = 0;
    int number = 0;
    enum err err = ERR_OK;
    *out = (struct props){0};
    while (err == ERR_OK && cut_logical_line(&text, &number, &logical)) {
        buf_append_char(&logical, '\0'); /* ends every scan for hex digits */
        const struct bytes line = bytes_make(logical.data, logical.len - 1);
        const size_t len = key_len(line);
        struct prop *prop = new_prop(arena, out, &cap);
        *prop = (struct prop){.line = number};
        err = unescape(arena, bytes_make(line.data, len), number, &prop->key);
        if (err == ERR_OK) err = unescape(arena, value_of(line, len), number, &prop->value);
        prop->value = trim_end(prop->value);
    }
    buf_close(&logical);
    return err;
}

struct bytes props_get(const struct props *props, const char *key) {
    for (size_t i = props->count; i-- > 0;)
        if (bytes_is(props->items[i].key, key)) return props->items[i].value;
    return (struct bytes){0};
}

void props_append(struct buf *out, struct bytes key, struct bytes value) {
    buf_append_bytes(out, key);
    buf_append_char(out, '=');
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.data[i];
        if (c == '\n')
            buf_append_text(out, "\\n");
        else if (c == '\\')
            buf_append_text(out, "\\\\");
        else
            buf_append_char(out, c);
    }
    buf_append_char(out, '\n');
}
