// SPDX-License-Identifier: Apache-2.0
#include "http/form.h"

#include "http/multipart.h"
#include "http/url.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum kind { RAW, SNIFFED, URLENCODED, MULTIPART };

struct form {
    enum kind kind;
    const char *spool_dir, *prefix;
    size_t text_max;
    struct mem *mem;
    struct multipart *multipart;
    struct part *parts;         /* malloc; the last one may still be growing */
    int n_parts, cap_parts;
    struct text text;           /* of the growing part, while it is in memory */
    int fd;                     /* of the growing part, once it is in a file; -1 before */
    bool is_open;               /* a part is growing */
    int64_t in_memory;          /* bytes of all finished parts in memory */
};

/* --- parts --- */

static struct part *add_part(struct form *f)
{
    if (f->n_parts == f->cap_parts) {
        f->cap_parts = f->cap_parts ? f->cap_parts * 2 : 8;
        f->parts = xrealloc(f->parts, (size_t)f->cap_parts * sizeof *f->parts);
    }
    f->parts[f->n_parts] = (struct part){ .name = "" };
    return &f->parts[f->n_parts++];
}

static int write_all(struct form *f, const char *data, size_t len, struct err *err)
{
    if (file_write_all(f->fd, data, len) < 0)
        return err_errno(err, ERR_INTERNAL, "the upload could not be stored");
    return 0;
}

static int open_file(struct form *f, struct part *p, struct err *err)
{
    const char *path = mem_printf(f->mem, "%s/%s-%d", f->spool_dir, f->prefix, f->n_parts);

    f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0)
        return err_errno(err, ERR_INTERNAL, "the upload could not be stored");
    p->path = path;
    return 0;
}

/* Whether the growing part has become too long for memory. */
static bool outgrows(const struct form *f, size_t more)
{
    size_t len = f->text.len + more;

    return len > PART_MEMORY_MAX || f->in_memory + (int64_t)len > FORM_MEMORY_MAX;
}

static int move_to_file(struct form *f, struct part *p, struct err *err)
{
    if (open_file(f, p, err) < 0 || write_all(f, f->text.data, f->text.len, err) < 0)
        return -1;
    text_done(&f->text);
    return 0;
}

static int begin(void *arg, const struct part_head *head, struct err *err)
{
    struct form *f = arg;
    enum media media = media_type(head->type);
    struct part *p;
    bool is_file;

    if (f->n_parts == FORM_PARTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a form may have %d parts", FORM_PARTS_MAX);
    p = add_part(f);
    p->name = mem_strdup(f->mem, head->name);
    p->type = mem_strdup(f->mem, head->type);
    if (head->filename && *head->filename)
        p->filename = mem_strdup(f->mem, path_base(head->filename));
    f->is_open = true;
    is_file = p->filename || strcmp(p->name, "file") == 0 || media == MEDIA_OTHER;
    return is_file ? open_file(f, p, err) : 0;
}

static int take(void *arg, const char *data, size_t len, struct err *err)
{
    struct form *f = arg;
    struct part *p = &f->parts[f->n_parts - 1];

    p->len += (int64_t)len;
    if (f->fd < 0 && outgrows(f, len) && move_to_file(f, p, err) < 0)
        return -1;
    if (f->fd >= 0)
        return write_all(f, data, len, err);
    text_add_n(&f->text, data, len);
    return 0;
}

static int end(void *arg, struct err *err)
{
    struct form *f = arg;
    struct part *p = &f->parts[f->n_parts - 1];

    f->is_open = false;
    if (f->fd >= 0) {
        int rc = close(TAKE_FD(f->fd));

        return rc < 0 ? err_errno(err, ERR_INTERNAL, "the upload could not be stored") : 0;
    }
    if (f->text.len && memchr(f->text.data, '\0', f->text.len))
        return err_set(err, ERR_BAD_INPUT, "form field \"%.60s\" contains a NUL byte; a file needs a filename in its Content-Disposition", p->name);
    if (f->text.len && !text_is_utf8(f->text.data, f->text.len))
        return err_set(err, ERR_BAD_INPUT, "form field \"%.60s\" is not valid UTF-8", p->name);
    p->data = mem_strndup(f->mem, f->text.len ? f->text.data : "", f->text.len);
    f->in_memory += p->len;
    text_clear(&f->text);
    return 0;
}

static const struct part_sink sink = { begin, take, end };

/* --- bodies --- */

/* A raw body is one part: "data" for text, "file" for anything else. */
static int begin_raw(struct form *f, bool is_text, const char *type, struct err *err)
{
    struct part_head head = { .name = is_text ? "data" : "file", .type = type };

    f->kind = RAW;
    return begin(f, &head, err);
}

static int start(struct form *f, const char *content_type, struct err *err)
{
    enum media media = media_type(content_type);

    switch (media) {
    case MEDIA_MULTIPART:
        f->kind = MULTIPART;
        f->multipart = multipart_new(content_type, &sink, f, err);
        return f->multipart ? 0 : -1;
    case MEDIA_URLENCODED:
        f->kind = URLENCODED;
        return 0;
    case MEDIA_NONE:
        f->kind = SNIFFED;
        return 0;
    default:
        return begin_raw(f, media != MEDIA_OTHER, content_type, err);
    }
}

struct form *form_new(const char *content_type, const char *spool_dir, const char *prefix,
                      int64_t text_max, struct mem *mem, struct err *err)
{
    CLEANUP(form_freep) struct form *f = xcalloc(1, sizeof *f);

    f->fd = -1;
    f->spool_dir = spool_dir;
    f->prefix = prefix;
    f->text_max = (size_t)text_max;
    f->mem = mem;
    if (start(f, content_type, err) < 0)
        return NULL;
    return TAKE(f);
}

void form_free(struct form *f)
{
    if (!f)
        return;
    fd_closep(&f->fd);
    for (int i = 0; i < f->n_parts; i++)
        if (f->parts[i].path)
            unlink(f->parts[i].path);       /* gone already when a handler renamed it */
    multipart_free(f->multipart);
    text_done(&f->text);
    free(f->parts);
    free(f);
}

/* Whether JSON (or a Python literal) may start here; *ret_seen once anything but blanks was seen. */
static bool looks_like_json(const char *data, size_t len, bool *ret_seen)
{
    for (size_t i = 0; i < len; i++) {
        if (isspace((unsigned char)data[i]))
            continue;
        *ret_seen = true;
        return data[i] == '{' || data[i] == '[';
    }
    *ret_seen = false;
    return false;
}

/* Without a type the first byte decides what the body is; blanks before it are dropped. */
static int feed_sniffed(struct form *f, const char *data, size_t len, struct err *err)
{
    bool seen;
    bool is_text = looks_like_json(data, len, &seen);

    if (!seen)
        return 0;
    if (begin_raw(f, is_text, /* type= */ NULL, err) < 0)
        return -1;
    return take(f, data, len, err);
}

static int feed_urlencoded(struct form *f, const char *data, size_t len, struct err *err)
{
    if (f->text.len + len > f->text_max)
        return err_set(err, ERR_TOO_LARGE, "an urlencoded form may have %zu bytes; send files as "
                       "multipart/form-data", f->text_max);
    text_add_n(&f->text, data, len);
    return 0;
}

int form_feed(struct form *f, const char *data, size_t len, struct err *err)
{
    switch (f->kind) {
    case MULTIPART:
        return multipart_feed(f->multipart, data, len, err);
    case URLENCODED:
        return feed_urlencoded(f, data, len, err);
    case SNIFFED:
        return feed_sniffed(f, data, len, err);
    default:
        return take(f, data, len, err);
    }
}

static int add_text_part(struct form *f, const char *name, const char *value, size_t len,
                         struct err *err)
{
    struct part_head head = { .name = name };
    int rc;

    if (begin(f, &head, err) < 0)
        return -1;
    rc = take(f, value, len, err);
    return rc < 0 ? rc : end(f, err);
}

/* curl calls everything urlencoded unless told otherwise, JSON too. */
static int finish_urlencoded(struct form *f, struct err *err)
{
    CLEANUP(text_done) struct text body = f->text;
    struct pairs pairs;
    bool seen = false;

    f->text = (struct text){0};
    if (looks_like_json(body.data, body.len, &seen))
        return add_text_part(f, "data", body.data, body.len, err);
    if (!seen)
        return 0;
    if (url_pairs(body.data, body.len, "the form", f->mem, &pairs, err) < 0)
        return -1;
    for (int i = 0; i < pairs.n; i++) {
        const struct pair *p = &pairs.items[i];

        if (add_text_part(f, p->key, p->value, strlen(p->value), err) < 0)
            return -1;
    }
    return 0;
}

/* An empty raw body is no part at all. */
static void drop_empty(struct form *f)
{
    struct part *p = &f->parts[f->n_parts - 1];

    if (p->len == 0 && p->path)
        unlink(p->path);
    if (p->len == 0)
        f->n_parts--;
}

int form_finish(struct form *f, struct part **ret_parts, int *ret_n, struct err *err)
{
    if (f->kind == MULTIPART && f->multipart && multipart_finish(f->multipart, err) < 0)
        return -1;
    if (f->kind == URLENCODED && finish_urlencoded(f, err) < 0)
        return -1;
    if (f->is_open && end(f, err) < 0)
        return -1;
    if (f->kind == RAW && f->n_parts)
        drop_empty(f);
    *ret_parts = f->parts;
    *ret_n = f->n_parts;
    return 0;
}
