// SPDX-License-Identifier: Apache-2.0
#include "http/multipart.h"

#include "http/url.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

enum {
    BOUNDARY_MAX = 200,                     /* RFC 2046 allows 70 */
    DELIMITER_MAX = BOUNDARY_MAX + 3,       /* "\n--" before it */
    TAIL_MAX = DELIMITER_MAX + 1,           /* and the "\r" before that */
};

enum state { IN_PREAMBLE, IN_PART, AFTER_DELIMITER, IN_HEAD, IN_EPILOGUE };

struct multipart {
    const struct part_sink *sink;
    void *arg;
    enum state state;
    char delimiter[DELIMITER_MAX + 1];
    size_t delimiter_len;
    char tail[2 * TAIL_MAX];    /* data that may be the start of a delimiter */
    size_t tail_len;
    struct text line;           /* the unfinished line of a head, or behind a delimiter */
    struct text head;           /* finished header lines of a part, each NUL-terminated */
};

struct multipart *multipart_new(const char *content_type, const struct part_sink *sink, void *arg,
                                struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *boundary = header_param(content_type, "boundary", mem);
    struct multipart *m;

    if (!boundary || !*boundary) {
        err_set(err, ERR_BAD_INPUT, "the Content-Type of a multipart body must name its boundary");
        return NULL;
    }
    if (strlen(boundary) > BOUNDARY_MAX) {
        err_set(err, ERR_BAD_INPUT, "the multipart boundary is longer than %d bytes", BOUNDARY_MAX);
        return NULL;
    }
    m = xcalloc(1, sizeof *m);
    m->sink = sink;
    m->arg = arg;
    m->delimiter_len = strlen(boundary) + 3;
    memcpy(m->delimiter, "\n--", 3);
    memcpy(m->delimiter + 3, boundary, m->delimiter_len - 3);
    m->tail[m->tail_len++] = '\n';      /* so that the first delimiter needs no line before it */
    return m;
}

void multipart_free(struct multipart *m)
{
    if (!m)
        return;
    text_done(&m->line);
    text_done(&m->head);
    free(m);
}

static int emit(struct multipart *m, const char *data, size_t len, struct err *err)
{
    if (m->state != IN_PART || len == 0)
        return 0;
    return m->sink->data(m->arg, data, len, err);
}

/* What stands before a delimiter belongs to the part, except its own line break. */
static int end_part(struct multipart *m, const char *data, size_t len, struct err *err)
{
    bool in_part = m->state == IN_PART;

    if (len && data[len - 1] == '\r')
        len--;
    if (emit(m, data, len, err) < 0)
        return -1;
    m->state = AFTER_DELIMITER;
    text_clear(&m->line);
    return in_part ? m->sink->end(m->arg, err) : 0;
}

/* Joins the tail of the last piece with the start of this one, in case a delimiter lies across.
 * *used is how much of `data` was consumed. */
static int scan_joint(struct multipart *m, const char *data, size_t len, size_t *used,
                      struct err *err)
{
    size_t more = len < m->delimiter_len ? len : m->delimiter_len;
    size_t joined = m->tail_len + more, keep = m->delimiter_len;
    const char *found;

    memcpy(m->tail + m->tail_len, data, more);
    found = memmem(m->tail, joined, m->delimiter, m->delimiter_len);
    if (found) {
        *used = (size_t)(found - m->tail) + m->delimiter_len - m->tail_len;
        m->tail_len = 0;
        return end_part(m, m->tail, (size_t)(found - m->tail), err);
    }
    if (more == m->delimiter_len && len > more) {   /* no delimiter begins in the tail */
        *used = 0;
        joined = m->tail_len;
        m->tail_len = 0;
        return emit(m, m->tail, joined, err);
    }
    *used = more;
    if (joined <= keep) {
        m->tail_len = joined;
        return 0;
    }
    m->tail_len = keep;
    if (emit(m, m->tail, joined - keep, err) < 0)
        return -1;
    memmove(m->tail, m->tail + joined - keep, keep);
    return 0;
}

/* Looks for the delimiter in preamble or part data, giving out what is surely before it. */
static int scan(struct multipart *m, const char *data, size_t len, size_t *used, struct err *err)
{
    size_t keep = m->delimiter_len;
    const char *found;

    if (m->tail_len)
        return scan_joint(m, data, len, used, err);
    found = memmem(data, len, m->delimiter, m->delimiter_len);
    if (found) {
        *used = (size_t)(found - data) + m->delimiter_len;
        return end_part(m, data, (size_t)(found - data), err);
    }
    if (keep > len)
        keep = len;
    memcpy(m->tail, data + len - keep, keep);
    m->tail_len = keep;
    *used = len;
    return emit(m, data, len - keep, err);
}

/* The value of one header line, or NULL when the line is another header. */
static const char *header_value(const char *line, const char *name)
{
    size_t len = strlen(name);

    if (strncasecmp(line, name, len) != 0 || line[len] != ':')
        return NULL;
    line += len + 1;
    return line + strspn(line, " \t");
}

static int check_name(const char *name, struct err *err)
{
    if (name && !text_is_utf8(name, strlen(name)))
        return err_set(err, ERR_BAD_INPUT, "the name of a part or its file is not valid UTF-8");
    return 0;
}

/* filename*=UTF-8''b%C3%A4r.py (RFC 5987) wins over filename=. */
static const char *read_filename(const char *disposition, struct mem *mem)
{
    const char *extended = header_param(disposition, "filename*", mem);
    const char *text = extended ? strchr(extended, '\'') : NULL;
    char *name;

    text = text ? strchr(text + 1, '\'') : NULL;
    if (!text)
        return header_param(disposition, "filename", mem);
    name = mem_strdup(mem, text + 1);
    name[url_decode(name, name, strlen(name), /* plus_is_space= */ false)] = '\0';
    return name;
}

static int begin_part(struct multipart *m, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct part_head head = { .name = "" };
    const char *name;

    for (size_t at = 0; at < m->head.len; at += strlen(m->head.data + at) + 1) {
        const char *line = m->head.data + at;
        const char *disposition = header_value(line, "Content-Disposition");
        const char *type = header_value(line, "Content-Type");

        if (type && *type)
            head.type = type;
        if (!disposition)
            continue;
        name = header_param(disposition, "name", mem);
        head.name = name ? name : "";
        head.filename = read_filename(disposition, mem);
    }
    if (check_name(head.name, err) < 0 || check_name(head.filename, err) < 0)
        return -1;
    m->state = IN_PART;
    m->tail_len = 0;
    return m->sink->begin(m->arg, &head, err);
}

/* A whole line without its break. */
static int take_line(struct multipart *m, struct err *err)
{
    struct text *line = &m->line;

    if (line->len && line->data[line->len - 1] == '\r')
        line->data[--line->len] = '\0';
    if (m->state == AFTER_DELIMITER) {
        if (line->len && line->data[strspn(line->data, " \t")])
            return err_set(err, ERR_BAD_INPUT, "a multipart delimiter is followed by other text");
        m->state = IN_HEAD;
        text_clear(&m->head);
    } else if (line->len) {
        if (strlen(line->data) != line->len)
            return err_set(err, ERR_BAD_INPUT, "a header of a part contains a NUL byte");
        text_add_n(&m->head, line->data, line->len + 1);
    } else {
        return begin_part(m, err);
    }
    text_clear(line);
    return 0;
}

static int take_head(struct multipart *m, const char *data, size_t len, size_t *used,
                     struct err *err)
{
    const char *newline = memchr(data, '\n', len);
    size_t n = newline ? (size_t)(newline - data) : len;

    if (m->head.len + m->line.len + n > PART_HEAD_MAX)
        return err_set(err, ERR_BAD_INPUT, "the headers of a part are longer than %d bytes",
                       PART_HEAD_MAX);
    text_add_n(&m->line, data, n);
    if (m->state == AFTER_DELIMITER && m->line.len >= 2 && memcmp(m->line.data, "--", 2) == 0) {
        m->state = IN_EPILOGUE;
        *used = len;
        return 0;
    }
    *used = newline ? n + 1 : n;
    return newline ? take_line(m, err) : 0;
}

int multipart_feed(struct multipart *m, const char *data, size_t len, struct err *err)
{
    while (len && m->state != IN_EPILOGUE) {
        size_t used = 0;
        int rc = m->state == IN_PREAMBLE || m->state == IN_PART
                     ? scan(m, data, len, &used, err)
                     : take_head(m, data, len, &used, err);

        if (rc < 0)
            return -1;
        data += used;
        len -= used;
    }
    return 0;
}

int multipart_finish(struct multipart *m, struct err *err)
{
    if (m->state == IN_EPILOGUE || m->state == IN_PREAMBLE)
        return 0;
    return err_set(err, ERR_BAD_INPUT,
                   "the multipart body ends before its last delimiter; was it cut off");
}
