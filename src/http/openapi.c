// SPDX-License-Identifier: Apache-2.0
#include "http/openapi.h"

#include "http/call.h"

#include "base/err.h"
#include "base/field.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct schema {             /* one entry of components.schemas */
    const char *name;
    const struct field *fields;
    const struct field *list;   /* fields NULL: the inner list of this one */
};

struct document {
    const struct route_table *tables;
    struct text *out;
    struct schema *schemas;
    size_t n_schemas, cap_schemas;
};

/* --- JSON, in order of appearance --- */

/* Before a member or an item: a comma unless it is the first. */
static void comma(struct text *t)
{
    char last = t->len ? t->data[t->len - 1] : '{';

    if (last != '{' && last != '[' && last != ':')
        text_add_char(t, ',');
}

static void add_key(struct text *t, const char *key)
{
    comma(t);
    text_add_json(t, key);
    text_add_char(t, ':');
}

static void add_text(struct text *t, const char *key, const char *value)
{
    if (!value || !*value)
        return;
    add_key(t, key);
    text_add_json(t, value);
}

static void add_real(struct text *t, const char *key, double value)
{
    add_key(t, key);
    if (value >= -9e15 && value <= 9e15 && value == (double)(int64_t)value)
        text_add_int(t, (int64_t)value);
    else
        text_add_real(t, value);
}

/* --- schemas --- */

static void write_object(struct text *t, const struct field *fields);

static void write_limits(struct text *t, const struct field *f)
{
    static const char *const names[][2] = {
        [FIELD_TEXT] = { "minLength", "maxLength" }, [FIELD_INT]  = { "minimum", "maximum" },
        [FIELD_REAL] = { "minimum", "maximum" },     [FIELD_LIST] = { "minItems", "maxItems" },
    };
    bool limited = f->min != 0 || f->max != 0;

    if (!limited || (f->type != FIELD_TEXT && f->type != FIELD_INT && f->type != FIELD_REAL &&
                     f->type != FIELD_LIST))
        return;
    add_real(t, names[f->type][0], f->min);
    add_real(t, names[f->type][1], f->max);
}

static void write_enum(struct text *t, const char *const *allowed)
{
    if (!allowed)
        return;
    add_key(t, "enum");
    text_add_char(t, '[');
    for (; *allowed; allowed++) {
        comma(t);
        text_add_json(t, *allowed);
    }
    text_add_char(t, ']');
}

static void write_type(struct text *t, enum field_type type, const char *format)
{
    static const char *const types[] = {
        [FIELD_TEXT] = "string",    [FIELD_INT] = "integer",    [FIELD_REAL] = "number",
        [FIELD_BOOL] = "boolean",   [FIELD_OBJECT] = "object",  [FIELD_LIST] = "array",
    };

    if (type == FIELD_JSON)
        return;     /* any value */
    add_text(t, "type", types[type]);
    if (!format && type == FIELD_REAL)
        format = "double";
    add_text(t, "format", format);
}

/* The struct inside a field: by name, or in place. */
static void write_inner(struct text *t, const struct field *f)
{
    if (f->schema)
        text_addf(t, "{\"$ref\":\"#/components/schemas/%s\"}", f->schema);
    else
        write_object(t, f->sub);
}

static void write_items(struct text *t, const struct field *f)
{
    add_key(t, "items");
    if (f->sub) {
        write_inner(t, f);
        return;
    }
    if (f->item == FIELD_LIST) {
        text_addf(t, "{\"$ref\":\"#/components/schemas/%s\"}", f->schema);
        return;
    }
    text_add_char(t, '{');
    write_type(t, f->item, f->format);
    text_add_char(t, '}');
}

static void write_inner_list(struct text *t, const struct field *f)
{
    text_add(t, "{\"type\":\"array\",\"items\":{");
    write_type(t, f->inner, f->format);
    text_add(t, "}}");
}

static void write_properties(struct text *t, const struct field *fields)
{
    add_key(t, "properties");
    text_add_char(t, '{');
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        if (f->hidden)
            continue;
        add_key(t, f->name);
        text_add_char(t, '{');
        if (f->type == FIELD_OBJECT) {
            text_add(t, "\"allOf\":[");
            write_inner(t, f);
            text_add_char(t, ']');
        } else {
            write_type(t, f->type, f->type == FIELD_LIST ? NULL : f->format);
        }
        if (f->type == FIELD_LIST)
            write_items(t, f);
        write_enum(t, f->allowed);
        write_limits(t, f);
        add_text(t, "x-unit", f->unit);
        add_text(t, "description", f->doc);
        text_add_char(t, '}');
    }
    text_add_char(t, '}');
}

static void write_required(struct text *t, const struct field *fields)
{
    bool any = false;

    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        if (!f->required || f->hidden)
            continue;
        if (!any) {
            add_key(t, "required");
            text_add_char(t, '[');
        }
        any = true;
        comma(t);
        text_add_json(t, f->name);
    }
    if (any)
        text_add_char(t, ']');
}

static void write_object(struct text *t, const struct field *fields)
{
    text_add(t, "{\"type\":\"object\"");
    write_required(t, fields);
    write_properties(t, fields);
    text_add_char(t, '}');
}

/* "[Exec]" names the schema Exec. */
static size_t schema_name(const char **type)
{
    size_t len = strlen(*type);

    if (**type != '[')
        return len;
    (*type)++;
    return len - 2;
}

static bool is_plain_type(const char *name, size_t len)
{
    static const char *const plain[] = { "string", "integer", "number", "boolean", "object" };

    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (strlen(plain[i]) == len && memcmp(name, plain[i], len) == 0)
            return true;
    return false;
}

/* False when the name has been described already: the first wins. */
static bool add_schema(struct document *w, const char *name, size_t len, const struct field *fields,
                       const struct field *list)
{
    for (size_t i = 0; i < w->n_schemas; i++)
        if (strlen(w->schemas[i].name) == len && memcmp(w->schemas[i].name, name, len) == 0)
            return false;
    if (w->n_schemas == w->cap_schemas) {
        w->cap_schemas = w->cap_schemas ? 2 * w->cap_schemas : 32;
        w->schemas = xrealloc(w->schemas, w->cap_schemas * sizeof *w->schemas);
    }
    w->schemas[w->n_schemas++] = (struct schema){ strndup(name, len), fields, list };
    return true;
}

static void collect(struct document *w, const char *type, const struct field *fields)
{
    size_t len;

    if (!type || !fields)
        return;
    len = schema_name(&type);
    if (!add_schema(w, type, len, fields, NULL))
        return;
    for (const struct field *f = fields; f->type != FIELD_END; f++) {
        if (f->item == FIELD_LIST)
            add_schema(w, f->schema, strlen(f->schema), NULL, f);
        collect(w, f->schema, f->sub);
    }
}

static void write_schema_ref(struct text *t, const char *type, const struct field *fields)
{
    bool is_list = *type == '[';
    size_t len = schema_name(&type);

    text_add(t, is_list ? "{\"type\":\"array\",\"items\":{" : "{");
    if (is_plain_type(type, len))
        text_addf(t, "\"type\":\"%.*s\"", (int)len, type);
    else if (fields)
        text_addf(t, "\"$ref\":\"#/components/schemas/%.*s\"", (int)len, type);
    else
        text_addf(t, "\"type\":\"object\",\"title\":\"%.*s\"", (int)len, type);
    text_add(t, is_list ? "}}" : "}");
}

/* --- operations --- */

static void write_param(struct text *t, const char *where, const char *name, const char *type,
                        bool required, const char *doc)
{
    comma(t);
    text_add_char(t, '{');
    add_text(t, "name", name);
    add_text(t, "in", where);
    add_key(t, "required");
    text_add(t, required ? "true" : "false");
    add_text(t, "description", doc);
    add_key(t, "schema");
    text_add_char(t, '{');
    add_text(t, "type", type);
    text_add(t, "}}");
}

static void write_path_params(struct text *t, const char *path)
{
    char name[64];

    while ((path = strchr(path, '{')) != NULL) {
        size_t len = strcspn(++path, ".}");

        snprintf(name, sizeof name, "%.*s", (int)len, path);
        write_param(t, "path", name, "string", /* required= */ true, NULL);
    }
}

static void write_params(struct text *t, const struct route *r)
{
    add_key(t, "parameters");
    text_add_char(t, '[');
    write_path_params(t, r->path);
    for (const struct param *p = r->query; p && p->name; p++)
        write_param(t, "query", p->name, p->type, p->required, p->doc);
    text_add_char(t, ']');
}

static void write_form(struct text *t, const struct param *parts)
{
    text_add(t, "{\"type\":\"object\",\"properties\":{");
    for (const struct param *p = parts; p && p->name; p++) {
        bool is_file = strcmp(p->type, "file") == 0;

        add_key(t, p->name);
        text_add_char(t, '{');
        add_text(t, "type", is_file ? "string" : p->type);
        add_text(t, "format", is_file ? "binary" : NULL);
        add_text(t, "description", p->doc);
        text_add_char(t, '}');
    }
    text_add(t, "}}");
}

static void write_body(struct text *t, const struct route *r)
{
    if (!r->form && !r->body)
        return;
    add_key(t, "requestBody");
    text_add(t, "{\"content\":{");
    if (r->form) {
        add_key(t, "multipart/form-data");
        text_add(t, "{\"schema\":");
        write_form(t, r->parts);
    } else {
        add_key(t, "application/json");
        text_add(t, "{\"schema\":");
        if (r->body_type)
            write_schema_ref(t, r->body_type, r->body);
        else
            write_object(t, r->body);
    }
    text_add(t, "}}}");
}

static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        { 200, "Done" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "Done; no body" },
        { 400, "The request breaks a rule" },
        { 401, "Not logged in" },
        { 403, "Not allowed" },
        { 404, "No such resource" },
        { 409, "It exists already or is in use" },
        { 416, "Index out of range" },
        { 500, "A failure of the server" },
        { 501, "Not built in this version" },
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "Failure";
}

static void write_responses(struct text *t, const struct route *r)
{
    int status = r->reply.status ? r->reply.status : 200;

    add_key(t, "responses");
    text_addf(t, "{\"%d\":{\"description\":\"%s\"", status, status_text(status));
    if (r->reply.type) {
        text_add(t, ",\"content\":{\"application/json\":{\"schema\":");
        write_schema_ref(t, r->reply.type, r->reply.fields);
        text_add(t, "}}");
    }
    text_add_char(t, '}');
    for (const int *f = r->failures; f && *f; f++)
        text_addf(t, ",\"%d\":{\"description\":\"%s\"}", *f, status_text(*f));
    text_add_char(t, '}');
}

static void write_operation(struct text *t, const struct route *r)
{
    static const char *const methods[N_METHODS] = { "get", "head", "post", "put", "delete" };

    add_key(t, methods[r->method]);
    text_add_char(t, '{');
    add_text(t, "operationId", r->operation);
    add_text(t, "summary", r->summary);
    if (r->tag) {
        add_key(t, "tags");
        text_add_char(t, '[');
        text_add_json(t, r->tag);
        text_add_char(t, ']');
    }
    write_params(t, r);
    write_body(t, r);
    write_responses(t, r);
    if (r->role == ANYONE)
        text_add(t, ",\"security\":[]");
    text_add_char(t, '}');
}

/* "{file...}" is "{file}" to OpenAPI, which has no word for the rest of a path. */
static void write_path(struct text *t, const char *base, const char *path)
{
    CLEANUP(text_done) struct text plain = {0};

    text_add(&plain, base);
    for (; *path; path++) {
        if (text_starts(path, "...}"))
            path += 3;
        text_add_char(&plain, *path);
    }
    add_key(t, plain.data);
}

static bool same_path(const struct route_table *a, const struct route *ra,
                      const struct route_table *b, const struct route *rb)
{
    return strcmp(a->base, b->base) == 0 && strcmp(ra->path, rb->path) == 0;
}

/* Whether an earlier row has the same path, and so has written this one with it. */
static bool is_written(const struct document *w, const struct route_table *table,
                       const struct route *route)
{
    for (const struct route_table *t = w->tables; t->routes; t++) {
        for (const struct route *r = t->routes; r->path; r++) {
            if (r == route)
                return false;
            if (same_path(t, r, table, route))
                return true;
        }
    }
    return false;
}

static void write_path_item(struct document *w, const struct route_table *table,
                            const struct route *route)
{
    write_path(w->out, table->base, route->path);
    text_add_char(w->out, '{');
    for (const struct route_table *t = w->tables; t->routes; t++)
        for (const struct route *r = t->routes; r->path; r++)
            if (same_path(t, r, table, route))
                write_operation(w->out, r);
    text_add_char(w->out, '}');
}

static void write_paths(struct document *w)
{
    add_key(w->out, "paths");
    text_add_char(w->out, '{');
    for (const struct route_table *t = w->tables; t->routes; t++)
        for (const struct route *r = t->routes; r->path; r++)
            if (!is_written(w, t, r))
                write_path_item(w, t, r);
    text_add_char(w->out, '}');
}

static void collect_schemas(struct document *w)
{
    for (const struct route_table *t = w->tables; t->routes; t++) {
        for (const struct route *r = t->routes; r->path; r++) {
            collect(w, r->reply.type, r->reply.fields);
            collect(w, r->body_type, r->body);
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct schema *)a)->name, ((const struct schema *)b)->name);
}

static void write_components(struct document *w)
{
    struct text *t = w->out;

    if (w->n_schemas)
        qsort(w->schemas, w->n_schemas, sizeof *w->schemas, by_name);
    add_key(t, "components");
    text_add(t, "{\"securitySchemes\":{\"basic\":{\"type\":\"http\",\"scheme\":\"basic\"},"
                "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}},\"schemas\":{");
    for (size_t i = 0; i < w->n_schemas; i++) {
        add_key(t, w->schemas[i].name);
        if (w->schemas[i].fields)
            write_object(t, w->schemas[i].fields);
        else
            write_inner_list(t, w->schemas[i].list);
        free((void *)w->schemas[i].name);
    }
    text_add(t, "}}");
    free(w->schemas);
}

void openapi_write(const struct route_table *tables, const char *version, struct text *out)
{
    struct document w = { .tables = tables, .out = out };

    text_add_char(out, '{');
    add_text(out, "openapi", "3.0.3");
    add_key(out, "info");
    text_add_char(out, '{');
    add_text(out, "title", "Trainyard");
    add_text(out, "version", version);
    text_add_char(out, '}');
    add_key(out, "security");
    text_add(out, "[{\"basic\":[]},{\"bearer\":[]}]");
    collect_schemas(&w);
    write_paths(&w);
    write_components(&w);
    text_add_char(out, '}');
}
