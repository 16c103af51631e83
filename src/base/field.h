// SPDX-License-Identifier: Apache-2.0
#pragma once
/* A struct described by a table of its fields. One table serves: request body -> struct, database
 * row -> struct, struct -> JSON reply, error messages, the CLI's columns and the OpenAPI document.
 *
 * Absent members: TEXT and JSON are NULL, INT is INT_UNSET, REAL is NaN, LIST has items NULL, BOOL is
 * false. fields_init() sets a struct so. Absent members are left out of replies; BOOL is always
 * written; an empty list with items != NULL is written as []; an OBJECT is absent when all its members
 * are (a false BOOL counts as absent there). */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct mem;
struct text;

#define INT_UNSET INT64_MIN

enum { FIELD_LIST_MAX = 100000 /* items of any list in a request, whatever its table says */ };

enum field_type {
    FIELD_END,
    FIELD_TEXT,     /* const char * */
    FIELD_INT,      /* int64_t */
    FIELD_REAL,     /* double */
    FIELD_BOOL,     /* bool */
    FIELD_JSON,     /* json_t *, any value, passed through; owned by the json that was decoded */
    FIELD_OBJECT,   /* a struct embedded at offset, described by .sub */
    FIELD_LIST,     /* struct list: of structs (.sub, .sub_size), of scalars (.item), or, in replies only, of
                     * lists of scalars (.item FIELD_LIST, .inner) */
};

struct list {
    void *items;    /* array of n structs, or of const char *, int64_t, double, struct list */
    size_t n;
};

struct field {
    const char *name;               /* the JSON key, and the SQL column */
    enum field_type type;
    size_t offset;
    const char *const *aliases;     /* other spellings accepted on input, NULL-ended; may be NULL */
    bool required;                  /* request bodies only */
    bool hidden;                    /* read from rows, never written to replies or the API page */
    double min, max;                /* value, or bytes of text, or items; both 0 means no limit,
                                     * max below min no upper one */
    const char *const *allowed;     /* TEXT: allowed words, NULL-ended. Compared without case; the
                                     * table's spelling is what the struct gets */
    const struct field *sub;        /* OBJECT, LIST of structs */
    size_t sub_size;                /* LIST of structs */
    const char *schema;             /* name of .sub, or of the inner list, in the OpenAPI document; NULL: described in place */
    enum field_type item;           /* LIST of scalars: TEXT, INT or REAL */
    enum field_type inner;          /* LIST of lists: of what */
    const char *format;             /* OpenAPI format where it matters ("double", "int64"); may be NULL */
    const char *unit;               /* "ms", "minutes"; may be NULL */
    const char *doc;                /* one line: meaning, default */
};

/* Offset of t.m, refused by the compiler unless t.m has type ctype. */
#define FIELD_AT(ctype, t, m) (offsetof(t, m) + 0 * sizeof((ctype *)0 == &((t *)0)->m))

#define TEXT(t, m)         .type = FIELD_TEXT, .offset = FIELD_AT(const char *, t, m)
#define INT(t, m)          .type = FIELD_INT,  .offset = FIELD_AT(int64_t, t, m)
#define REAL(t, m)         .type = FIELD_REAL, .offset = FIELD_AT(double, t, m)
#define BOOLEAN(t, m)      .type = FIELD_BOOL, .offset = FIELD_AT(bool, t, m)
#define JSON(t, m)         .type = FIELD_JSON, .offset = FIELD_AT(json_t *, t, m)
#define OBJECT(t, m, tbl)  .type = FIELD_OBJECT, .offset = offsetof(t, m), .sub = (tbl)
#define LIST(t, m, it, tbl) .type = FIELD_LIST, .offset = FIELD_AT(struct list, t, m), \
                            .sub = (tbl), .sub_size = sizeof(it)
#define LIST_OF(t, m, kind) .type = FIELD_LIST, .offset = FIELD_AT(struct list, t, m), .item = (kind)
#define LIST_OF_LISTS(t, m, kind) .type = FIELD_LIST, .offset = FIELD_AT(struct list, t, m), .item = FIELD_LIST, .inner = (kind)
#define ALIASES(...)        .aliases = (const char *const[]){ __VA_ARGS__, NULL }
#define ALLOWED(...)        .allowed = (const char *const[]){ __VA_ARGS__, NULL }

/* Sets every member to absent. */
void fields_init(const struct field *fields, void *out);

/* Fills the struct at `out`, which need not be initialised. Text and lists are copied to `mem`; JSON
 * members are borrowed from `json`. Read the way real clients write: a key is its field's name, else
 * an alias, else either in any case; null is absent, unknown keys are ignored, numbers may come as
 * numeric strings (3.0 is a whole number), text as numbers or booleans, booleans as strings of any
 * case or 0 and 1, a list of one as its bare item. A wrong type, a value out of range, a word
 * that is not allowed or a missing required member is ERR_BAD_INPUT; err->field is its path
 * ("algoDef.maxJobNum", "hyperParams[2].type") and err->accepted what would do. Text with a NUL
 * byte is refused. */
int fields_from_json(const struct field *fields, const json_t *json, void *out,
                     struct mem *mem, struct err *err);

/* Appends the struct as one JSON object. */
void fields_to_text(const struct field *fields, const void *in, struct text *out);

/* Appends any value as fields_to_text() would write it: compact, reals in the shortest form. */
void json_to_text(const json_t *json, struct text *out);

/* Appends any value as a sentence about it shows it: on one line, long text shortened to whole characters. */
void json_show(const json_t *json, struct text *out);

/* The field of exactly this name, or NULL. */
const struct field *fields_find(const struct field *fields, const char *name);
