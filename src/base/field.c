// SPDX-License-Identifier: Apache-2.0
#include "base/field.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

enum { SHOWN_MAX = 40 /* bytes of a wrong value that an error repeats */ };

/* Where decoding stands, from the innermost member outwards; turned into text only for an error. */
struct place {
    const struct place *up;
    const char *name;       /* NULL: item `index` of the list above */
    size_t index;
};

static int decode_object(const struct field *fields, const json_t *json, void *out,
                         const struct place *at, struct mem *mem, struct err *err);

const struct field *fields_find(const struct field *fields, const char *name)
{
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        if (strcmp(f->name, name) == 0)
            return f;
    }
    return NULL;
}

void fields_init(const struct field *fields, void *out)
{
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        void *member = (char *)out + f->offset;

        switch (f->type) {
        case FIELD_TEXT:   *(const char **)member = NULL; break;
        case FIELD_INT:    *(int64_t *)member = INT_UNSET; break;
        case FIELD_REAL:   *(double *)member = NAN; break;
        case FIELD_BOOL:   *(bool *)member = false; break;
        case FIELD_JSON:   *(json_t **)member = NULL; break;
        case FIELD_OBJECT: fields_init(f->sub, member); break;
        case FIELD_LIST:   *(struct list *)member = (struct list){0}; break;
        case FIELD_END:    break;
        }
    }
}

/* --- sentences about what is wrong --- */

void json_show(const json_t *json, struct text *t)
{
    const char *s;
    size_t len, end;

    if (json_is_object(json)) {
        text_add(t, "an object");
    } else if (json_is_array(json)) {
        text_addf(t, "a list of %zu items", json_array_size(json));
    } else if (!json_is_string(json)) {
        json_to_text(json, t);
    } else {
        s = json_string_value(json);
        len = json_string_length(json);
        end = len < SHOWN_MAX ? len : SHOWN_MAX;
        while (end > 0 && end < len && ((unsigned char)s[end] & 0xC0) == 0x80)
            end--;
        text_add_json_n(t, s, end);
        if (end < len)
            text_addf(t, " and %zu bytes more", len - end);
    }
}

static void add_place(const struct place *at, struct text *t)
{
    if (!at)
        return;
    add_place(at->up, t);
    if (at->name)
        text_addf(t, "%s%s", t->len ? "." : "", at->name);
    else
        text_addf(t, "[%zu]", at->index);
}

static bool has_limits(const struct field *f) { return f->min != 0 || f->max != 0; }
static bool has_max(const struct field *f) { return has_limits(f) && f->max >= f->min; }

static bool in_limits(const struct field *f, double v)
{
    return !has_limits(f) || (v >= f->min && (!has_max(f) || v <= f->max));
}

/* " from 1 to 60 minutes", " of 1 or more bytes" */
static void add_limits(const struct field *f, const char *unit, struct text *t)
{
    bool counts = f->type == FIELD_TEXT || f->type == FIELD_LIST;

    if (!has_limits(f))
        return;
    text_addf(t, " %s %.15g", counts ? "of" : "from", f->min);
    if (has_max(f))
        text_addf(t, " to %.15g", f->max);
    else if (counts)
        text_add(t, " or more");
    if (unit)
        text_addf(t, " %s", unit);
}

static void add_accepted(const struct field *f, struct text *t)
{
    switch (f->type) {
    case FIELD_TEXT:
        if (!f->allowed) {
            text_add(t, "text");
            add_limits(f, "bytes", t);
            break;
        }
        text_add(t, "one of ");
        for (const char *const *word = f->allowed; *word; word++)
            text_addf(t, "%s%s", word == f->allowed ? "" : ", ", *word);
        break;
    case FIELD_INT:
        text_add(t, "a whole number");
        add_limits(f, f->unit, t);
        break;
    case FIELD_REAL:
        text_add(t, "a number");
        add_limits(f, f->unit, t);
        break;
    case FIELD_BOOL:
        text_add(t, "true or false");
        break;
    case FIELD_OBJECT:
        text_add(t, "an object");
        break;
    case FIELD_LIST:
        text_add(t, "a list");
        add_limits(f, "items", t);
        break;
    case FIELD_JSON:
    case FIELD_END:
        text_add(t, "any value");
        break;
    }
}

/* `given` may be NULL: the member is missing. */
static int refuse(const struct place *at, const struct field *f, const json_t *given,
                  struct err *err)
{
    CLEANUP(text_done) struct text path = {0};
    CLEANUP(text_done) struct text accepted = {0};
    CLEANUP(text_done) struct text value = {0};

    add_place(at, &path);
    add_accepted(f, &accepted);
    if (!given) {
        text_add(&value, "missing");
    } else {
        json_show(given, &value);
        if (f->type == FIELD_TEXT && !f->allowed && json_is_string(given))
            text_addf(&value, " (%zu bytes)", json_string_length(given));
    }
    if (!path.len)
        return err_field(err, "", accepted.data, "%s is needed here, not %s", accepted.data,
                         value.data);
    return err_field(err, path.data, accepted.data, "\"%s\" is %s; it must be %s", path.data,
                     value.data, accepted.data);
}

/* --- JSON to struct --- */

/* A number written as text, in decimal; blanks around it are fine. */
static bool number_of_text(const char *s, double *ret)
{
    char *end;

    s += strspn(s, " \t\r\n");
    if (!*s || s[strspn(s, "0123456789+-.eE \t\r\n")])
        return false;       /* strtod() would also take hexadecimal and "nan" */
    *ret = strtod(s, &end);
    return end != s && !end[strspn(end, " \t\r\n")] && isfinite(*ret);
}

static bool int_of_text(const char *s, int64_t *ret)
{
    char *end;

    s += strspn(s, " \t\r\n");
    errno = 0;
    *ret = strtoll(s, &end, 10);
    return end != s && errno == 0 && !end[strspn(end, " \t\r\n")];
}

static bool int_of_real(double v, int64_t *ret)
{
    const double limit = 9223372036854775808.0;     /* 2^63, exact as a double */

    if (v != floor(v) || v < -limit || v >= limit)
        return false;
    *ret = (int64_t)v;
    return true;
}

static bool int_of_json(const json_t *json, int64_t *ret)
{
    double v;

    if (json_is_integer(json)) {
        *ret = json_integer_value(json);
        return true;
    }
    if (json_is_real(json))
        return int_of_real(json_real_value(json), ret);
    if (!json_is_string(json))
        return false;
    return int_of_text(json_string_value(json), ret) ||
           (number_of_text(json_string_value(json), &v) && int_of_real(v, ret));
}

static bool real_of_json(const json_t *json, double *ret)
{
    if (json_is_string(json))
        return number_of_text(json_string_value(json), ret);
    *ret = json_number_value(json);
    return json_is_number(json);
}

static bool bool_of_json(const json_t *json, bool *ret)
{
    const char *s = json_string_value(json);
    bool no = json_is_false(json) || (json_is_number(json) && json_number_value(json) == 0);
    bool yes = json_is_true(json) || (json_is_number(json) && json_number_value(json) == 1);

    if (s) {
        yes = text_same(s, "true") || strcmp(s, "1") == 0;
        no = text_same(s, "false") || strcmp(s, "0") == 0;
    }
    *ret = yes;
    return yes || no;
}

static const char *text_of_json(const json_t *json, struct mem *mem)
{
    char buf[32];

    switch (json_typeof(json)) {
    case JSON_STRING:
        if (memchr(json_string_value(json), '\0', json_string_length(json)))
            return NULL;
        return mem_strdup(mem, json_string_value(json));
    case JSON_INTEGER:
        return mem_printf(mem, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    case JSON_REAL:
        real_to_text(json_real_value(json), buf);
        return mem_strdup(mem, buf);
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return NULL;
    }
}

static const char *allowed_word(const struct field *f, const char *s)
{
    for (const char *const *word = f->allowed; *word; word++) {
        if (text_same(*word, s))
            return *word;
    }
    return NULL;
}

static int decode_text(const struct field *f, const json_t *json, const char **ret,
                       const struct place *at, struct mem *mem, struct err *err)
{
    const char *s = text_of_json(json, mem);

    if (s && f->allowed)
        s = allowed_word(f, s);
    else if (s && !in_limits(f, (double)strlen(s)))
        s = NULL;
    if (!s)
        return refuse(at, f, json, err);
    *ret = s;
    return 0;
}

static int decode_scalar(const struct field *f, const json_t *json, void *member,
                         const struct place *at, struct mem *mem, struct err *err)
{
    bool fine;

    switch (f->type) {
    case FIELD_TEXT:
        return decode_text(f, json, member, at, mem, err);
    case FIELD_INT:
        fine = int_of_json(json, member) && *(int64_t *)member != INT_UNSET &&
               in_limits(f, (double)*(int64_t *)member);
        break;
    case FIELD_REAL:
        fine = real_of_json(json, member) && in_limits(f, *(double *)member);
        break;
    default:
        fine = bool_of_json(json, member);
        break;
    }
    return fine ? 0 : refuse(at, f, json, err);
}

static size_t size_of_item(const struct field *f)
{
    if (f->sub)
        return f->sub_size;
    return f->item == FIELD_INT ? sizeof(int64_t) : f->item == FIELD_REAL ? sizeof(double)
         : f->item == FIELD_LIST ? sizeof(struct list) : sizeof(const char *);
}

/* One value where a list is expected is a list of one: several clients send it so. */
static int decode_list(const struct field *f, const json_t *json, struct list *list,
                       const struct place *at, struct mem *mem, struct err *err)
{
    const struct field item = { .type = f->item, .allowed = f->allowed };
    bool single = f->sub ? json_is_object(json) : !json_is_object(json) && !json_is_array(json);
    size_t n = single ? 1 : json_array_size(json);

    if (!(single || json_is_array(json)) || !in_limits(f, (double)n))
        return refuse(at, f, json, err);
    if (n > FIELD_LIST_MAX)
        return refuse(at, &(struct field){ .type = FIELD_LIST, .max = FIELD_LIST_MAX }, json, err);
    list->n = n;
    list->items = mem_alloc(mem, n * size_of_item(f) + 1 /* not NULL when empty */);
    for (size_t i = 0; i < n; i++) {
        const struct place here = { .up = at, .index = i };
        const json_t *value = single ? json : json_array_get(json, i);
        void *to = (char *)list->items + i * size_of_item(f);

        if ((f->sub ? decode_object(f->sub, value, to, &here, mem, err)
                    : decode_scalar(&item, value, to, &here, mem, err)) < 0)
            return -1;
    }
    return 0;
}

static int decode_member(const struct field *f, json_t *json, void *member,
                         const struct place *at, struct mem *mem, struct err *err)
{
    switch (f->type) {
    case FIELD_JSON:
        *(json_t **)member = json;
        return 0;
    case FIELD_OBJECT:
        return decode_object(f->sub, json, member, at, mem, err);
    case FIELD_LIST:
        return decode_list(f, json, member, at, mem, err);
    default:
        return decode_scalar(f, json, member, at, mem, err);
    }
}

static json_t *get(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    return json_is_null(value) ? NULL : value;
}

static bool spells(const struct field *f, const char *key)
{
    bool same = text_same(f->name, key);

    for (const char *const *alias = f->aliases; alias && *alias && !same; alias++)
        same = text_same(*alias, key);
    return same;
}

/* The value for a field: its own name, then its other spellings, then either in any case (but not a
 * key that is another field's own name). */
static json_t *look_up(const struct field *fields, const struct field *f, const json_t *object)
{
    json_t *value = get(object, f->name);
    const char *key;
    json_t *other;

    for (const char *const *alias = f->aliases; alias && *alias && !value; alias++)
        value = get(object, *alias);
    if (value)
        return value;
    json_object_foreach((json_t *)object, key, other) {
        if (spells(f, key) && !json_is_null(other) && !fields_find(fields, key))
            return other;
    }
    return NULL;
}

static int decode_object(const struct field *fields, const json_t *json, void *out,
                         const struct place *at, struct mem *mem, struct err *err)
{
    static const struct field an_object = { .type = FIELD_OBJECT };

    fields_init(fields, out);
    if (!json_is_object(json))
        return refuse(at, &an_object, json, err);
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        const struct place here = { .up = at, .name = f->name };
        json_t *value = look_up(fields, f, json);

        if (value && decode_member(f, value, (char *)out + f->offset, &here, mem, err) < 0)
            return -1;
        if (!value && f->required)
            return refuse(&here, f, NULL, err);
    }
    return 0;
}

int fields_from_json(const struct field *fields, const json_t *json, void *out,
                     struct mem *mem, struct err *err)
{
    return decode_object(fields, json, out, NULL, mem, err);
}

/* --- struct to JSON --- */

void json_to_text(const json_t *json, struct text *out)
{
    const char *key, *before = "";
    json_t *value;
    size_t i;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        text_add_char(out, '{');
        json_object_foreach((json_t *)json, key, value) {
            text_add(out, before);
            text_add_json(out, key);
            text_add_char(out, ':');
            json_to_text(value, out);
            before = ",";
        }
        text_add_char(out, '}');
        break;
    case JSON_ARRAY:
        text_add_char(out, '[');
        json_array_foreach(json, i, value) {
            text_add(out, i ? "," : "");
            json_to_text(value, out);
        }
        text_add_char(out, ']');
        break;
    case JSON_STRING:
        text_add_json_n(out, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER: text_add_int(out, json_integer_value(json)); break;
    case JSON_REAL:    text_add_real(out, json_real_value(json)); break;
    case JSON_TRUE:    text_add(out, "true"); break;
    case JSON_FALSE:   text_add(out, "false"); break;
    case JSON_NULL:    text_add(out, "null"); break;
    }
}

static bool all_absent(const struct field *fields, const void *in);

static bool is_absent(const struct field *f, const void *member)
{
    switch (f->type) {
    case FIELD_TEXT:   return !*(const char *const *)member;
    case FIELD_INT:    return *(const int64_t *)member == INT_UNSET;
    case FIELD_REAL:   return isnan(*(const double *)member);
    case FIELD_BOOL:   return !*(const bool *)member;
    case FIELD_JSON:   return !*(json_t *const *)member;
    case FIELD_OBJECT: return all_absent(f->sub, member);
    case FIELD_LIST:   return !((const struct list *)member)->items;
    case FIELD_END:    break;
    }
    return true;
}

static bool all_absent(const struct field *fields, const void *in)
{
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        if (!is_absent(f, (const char *)in + f->offset))
            return false;
    }
    return true;
}

static void add_list(const struct field *f, const struct list *list, struct text *out);

static void add_value(const struct field *f, enum field_type type, const void *member,
                      struct text *out)
{
    switch (type) {
    case FIELD_TEXT:   text_add_json(out, *(const char *const *)member); break;
    case FIELD_INT:    text_add_int(out, *(const int64_t *)member); break;
    case FIELD_REAL:   text_add_real(out, *(const double *)member); break;
    case FIELD_BOOL:   text_add(out, *(const bool *)member ? "true" : "false"); break;
    case FIELD_JSON:   json_to_text(*(json_t *const *)member, out); break;
    case FIELD_OBJECT: fields_to_text(f->sub, member, out); break;
    case FIELD_LIST:   add_list(f, member, out); break;
    case FIELD_END:    break;
    }
}

static void add_list(const struct field *f, const struct list *list, struct text *out)
{
    enum field_type type = f->sub ? FIELD_OBJECT : f->item;

    const struct field inner = { .type = FIELD_LIST, .item = f->inner };

    text_add_char(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            text_add_char(out, ',');
        add_value(type == FIELD_LIST ? &inner : f, type, (const char *)list->items + i * size_of_item(f), out);
    }
    text_add_char(out, ']');
}

void fields_to_text(const struct field *fields, const void *in, struct text *out)
{
    bool first = true;

    text_add_char(out, '{');
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        const void *member = (const char *)in + f->offset;

        if (f->hidden || (f->type != FIELD_BOOL && is_absent(f, member)))
            continue;
        text_add(out, first ? "\"" : ",\"");
        text_add(out, f->name);
        text_add(out, "\":");
        add_value(f, f->type, member, out);
        first = false;
    }
    text_add_char(out, '}');
}
