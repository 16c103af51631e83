// SPDX-License-Identifier: Apache-2.0
#include "search/form.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/reader.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* --- what was sent --- */

static int part_text(const struct part *p, struct text *ret, struct err *err)
{
    if (!p->data)
        return file_read(p->path, READER_SIZE_MAX, ret, err);
    text_add_n(ret, p->data, (size_t)p->len);
    return 0;
}

bool form_is_data(const struct part *p)
{
    bool bare = p->name[0] == '\0' && !p->filename && p->data;

    return strcmp(p->name, "data") == 0 ||
           (bare && p->data[strspn(p->data, " \t\r\n\xEF\xBB\xBF")] == '{');
}

bool form_is_file(const struct part *p)
{
    return !form_is_data(p) && (p->filename || strcmp(p->name, "file") == 0);
}

int form_document(struct call *c, const char *what, struct text *ret, struct err *err)
{
    struct err first = {0};

    for (int i = 0; i < c->n_parts; i++) {
        struct err why = {0};
        json_t *json = NULL;

        if (!form_is_data(&c->parts[i]))
            continue;
        text_clear(ret);
        if (part_text(&c->parts[i], ret, &why) == 0)
            json = reader_parse_object(ret->data ? ret->data : "", ret->len, &why);
        if (json) {
            json_decref(json);
            return 0;
        }
        if (first.kind == ERR_NONE)
            first = why;
    }
    if (first.kind != ERR_NONE) {
        *err = first;
        snprintf(err->field, sizeof err->field, "data");
        return err_wrap(err, "data");
    }
    return err_field(err, "data", "an object as JSON or Python text in a part named data",
                     "the part named data with %s is missing", what);
}

/* --- the answer --- */

struct creation {
    const char *uid, *href;
};

const struct field creation_fields[] = {
    { "uid",  TEXT(struct creation, uid),  .doc = "its name" },
    { "href", TEXT(struct creation, href), .doc = "its path" },
    { .type = FIELD_END },
};

static void add_escaped(const char *name, struct text *out)
{
    for (; *name; name++) {
        unsigned char byte = (unsigned char)*name;

        if (strchr("-._~", byte) || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= 'a' && byte <= 'z'))
            text_add_char(out, *name);
        else
            text_addf(out, "%%%02X", byte);
    }
}

int reply_creation(struct call *c, const char *path, const char *name)
{
    CLEANUP(text_done) struct text href = {0};
    struct creation creation = { .uid = name };

    text_add(&href, BASE_DL);
    text_add(&href, path);
    add_escaped(name, &href);
    creation.href = href.data;
    return reply_fields(c, 200, creation_fields, &creation);
}
