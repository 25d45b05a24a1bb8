/* json.h - the JSON dialect of RocketMQ: what fastjson writes is read, and written when a peer wants it.
 * Beyond the standard it reads bare keys ({0:"a", name:1}), objects as keys ({{...}:1}), single quotes, trailing
 * commas, raw control characters in strings. Depth, size and node count are bounded; duplicate keys: the last wins.
 * @source shared facts: protocol 2.1 and 2.2; jansson serves as the oracle for standard texts in tests. */
#ifndef RMQ_BASE_JSON_H
#define RMQ_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum { JSON_DEPTH_MAX = 64, JSON_NODES_MAX = 2 << 20 /* of a tree */ };

/* --- pull tokenizer: no allocation; for hot paths ------------------------------------------------------ */
enum json_token {
    JSON_BAD, /* malformed or too deep; reader->at stays at the fault */
    JSON_EOF, /* the top value is complete; only blanks may follow, else JSON_BAD */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY,    /* text: the key, escapes unread when `escaped`; a bare number or word too. An object used as a
                    key comes as JSON_OBJECT .. JSON_OBJECT_END where a key is due, then its value */
    JSON_STRING, /* text between the quotes, escapes unread when `escaped` */
    JSON_NUMBER, /* text as written */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};
struct json_reader {
    const char *at, *end;
    struct bytes text; /* of the last JSON_KEY, JSON_STRING or JSON_NUMBER; points into the input */
    bool escaped;      /* text holds backslash escapes: json_unescape it */
    uint8_t depth, state;
    uint8_t stack[JSON_DEPTH_MAX];
};
void json_reader_init(struct json_reader *reader, struct bytes input);
enum json_token json_next(struct json_reader *reader);
/* Skips the value that is due (or the rest of it after its opening token was taken). */
enum err json_skip(struct json_reader *reader) MUST_USE;
/* `at` is the quote that opens a string: what is behind the one that closes it, NULL when it is malformed. */
const char *json_string_end(const char *at, const char *end, bool *escaped);
/* Reads escapes; out needs room for text.len bytes, returns the length written. Unpaired surrogates become '?'. */
size_t json_unescape(struct bytes text, char *out);

/* --- tree: for bodies and files ----------------------------------------------------------------------- */
enum json_type {
    JSON_TYPE_NULL,
    JSON_TYPE_BOOL,
    JSON_TYPE_NUMBER,
    JSON_TYPE_STRING,
    JSON_TYPE_ARRAY,
    JSON_TYPE_OBJECT
};
struct json {
    enum json_type type;
    bool boolean;
    struct bytes key;              /* when a member of an object: its key, unescaped; absent for an object key */
    const struct json *key_object; /* when a member under an object key: that object */
    struct bytes text;             /* string (unescaped) or number as written */
    struct json *first, *next;     /* children in order; next sibling */
    size_t count;                  /* children */
};
/* Parses one value; the tree lives in `arena` and may point into `input`. ERR_BAD_INPUT names the position. */
enum err json_parse(struct arena *arena, struct bytes input, const struct json **out) MUST_USE;
/* All of these take NULL nodes and wrong types and then give the default (lenient as fastjson: "5" is a number,
 * 5 a string, "true" a boolean). */
const struct json *json_get(const struct json *object, const char *key); /* NULL if absent */
struct bytes json_text(const struct json *node);                         /* absent if null or no scalar */
int64_t json_i64(const struct json *node, int64_t otherwise);
double json_double(const struct json *node, double otherwise);
bool json_bool(const struct json *node, bool otherwise);
/* The texts of an array (of an object: of its values), in `arena`; elements without a text are left out. */
void json_texts(struct arena *arena, const struct json *array, const struct bytes **out, size_t *count);
/* for (const struct json *n = json_first(o); n; n = n->next) */
const struct json *json_first(const struct json *node);

/* --- writer ------------------------------------------------------------------------------------------- */
struct json_writer {
    struct buf *out;
    bool bare_int_keys; /* {0:"a"}, as fastjson writes maps with numbers as keys; else {"0":"a"} */
    bool ascii_only;    /* all else as \uXXXX: fastjson's BrowserCompatible */
    bool pretty;        /* one member a line, tabs: the form of the config files */
    uint8_t depth;      /* this and the rest: 0 at the start */
    bool need_comma, after_key;
};
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, struct bytes key);
void json_key_text(struct json_writer *w, const char *key);
void json_key_i64(struct json_writer *w, int64_t key); /* bare or quoted by bare_int_keys */
/* A key that is an object: json_begin_key_object, members, json_end_key_object, then the value. */
void json_begin_key_object(struct json_writer *w);
void json_end_key_object(struct json_writer *w);
void json_string(struct json_writer *w, struct bytes text); /* absent writes null */
void json_int(struct json_writer *w, int64_t value);
void json_real(struct json_writer *w, double value); /* as Double.toString where it matters: 0.0, 12.5 */
void json_boolean(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
void json_raw(struct json_writer *w, struct bytes json);        /* a complete value, already JSON */
void json_node(struct json_writer *w, const struct json *node); /* a tree; keys quoted, members in their order */
struct bytes json_node_copy(struct arena *arena, const struct json *node); /* the same as text in `arena` */
/* json_key_text + value in one; the _opt form leaves the member out when absent. */
void json_member(struct json_writer *w, const char *key, struct bytes text);
void json_member_opt(struct json_writer *w, const char *key, struct bytes text);
void json_member_int(struct json_writer *w, const char *key, int64_t value);
void json_member_real(struct json_writer *w, const char *key, double value);
void json_member_bool(struct json_writer *w, const char *key, bool value);
/* A quoted string alone, for code that writes JSON by hand on hot paths. */
void json_append_quoted(struct buf *out, struct bytes text);

#endif
