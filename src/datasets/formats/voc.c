// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/voc.h"

#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

enum { PATH_SIZE = 128, TEXT_SIZE = VOC_NAME_MAX + 1, SIDE_MAX = 1000000 };

struct parse {
    XML_Parser xml;
    struct mem *mem;
    struct err *err;
    struct voc *voc;
    size_t cap;                     /* of voc->boxes */
    char path[PATH_SIZE];           /* "annotation/object/name"; "" outside */
    int too_deep;                   /* elements below, whose names do not fit in: none that matters */
    char text[TEXT_SIZE + 1];       /* of the element so far; more than TEXT_SIZE bytes are cut */
    size_t text_len;
    struct voc_box box;             /* of the object that is read; members NULL or NaN until they come */
    bool failed;
};

static const struct voc_box no_box = { NULL, NAN, NAN, NAN, NAN };

static void freep_parser(XML_Parser *p)
{
    if (*p)
        XML_ParserFree(*p);
}

#define refuse(p, ...)                                        \
    do {                                                      \
        err_set((p)->err, ERR_BAD_INPUT, __VA_ARGS__);        \
        (p)->failed = true;                                   \
        XML_StopParser((p)->xml, /* resumable= */ XML_FALSE); \
    } while (0)

/* --- what elements say --- */

static void set_number(struct parse *p, double *ret)
{
    char *end;

    *ret = strtod(p->text, &end);
    if (end == p->text || *end != '\0' || !isfinite(*ret) || fabs(*ret) > SIDE_MAX)
        refuse(p, "has %s where %s is a number of pixels", p->text[0] ? p->text : "nothing", strrchr(p->path, '/') + 1);
}

static void set_side(struct parse *p, int *ret)
{
    double number;

    set_number(p, &number);
    if (p->failed)
        return;
    if (number < 0 || number != floor(number))
        refuse(p, "has an image of %s pixels", p->text);
    else
        *ret = (int)number;
}

static void set_label(struct parse *p)
{
    if (p->text_len == 0 || p->text_len > VOC_NAME_MAX) {
        refuse(p, "has an object whose name is not of 1 to %d bytes", VOC_NAME_MAX);
        return;
    }
    for (size_t i = 0; i < p->text_len; i++) {
        if ((unsigned char)p->text[i] < ' ' || p->text[i] == 0x7f) {
            refuse(p, "has an object whose name holds control characters");
            return;
        }
    }
    p->box.label = mem_strdup(p->mem, p->text);
}

static void end_object(struct parse *p)
{
    const struct voc_box *b = &p->box;
    struct voc *v = p->voc;

    if (!b->label) {
        refuse(p, "has an object without a name");
        return;
    }
    if (isnan(b->xmin) || isnan(b->ymin) || isnan(b->xmax) || isnan(b->ymax)) {
        refuse(p, "has an object (%s) without a whole box", b->label);
        return;
    }
    if (b->xmin >= b->xmax || b->ymin >= b->ymax) {
        refuse(p, "has a box without area (%s: %g,%g to %g,%g)", b->label, b->xmin, b->ymin, b->xmax, b->ymax);
        return;
    }
    if (v->n == p->cap) {
        struct voc_box *more = mem_alloc(p->mem, (p->cap * 2 + 8) * sizeof *more);

        if (v->n)
            memcpy(more, v->boxes, v->n * sizeof *more);
        v->boxes = more;
        p->cap = p->cap * 2 + 8;
    }
    v->boxes[v->n++] = *b;
}

static void take_element(struct parse *p)
{
    static const char box[] = "annotation/object/bndbox/";
    struct { const char *name; double *to; } corners[] = {
        { "xmin", &p->box.xmin }, { "ymin", &p->box.ymin }, { "xmax", &p->box.xmax }, { "ymax", &p->box.ymax },
    };

    if (strcmp(p->path, "annotation/size/width") == 0)
        set_side(p, &p->voc->width);
    else if (strcmp(p->path, "annotation/size/height") == 0)
        set_side(p, &p->voc->height);
    else if (strcmp(p->path, "annotation/object/name") == 0)
        set_label(p);
    else if (strcmp(p->path, "annotation/object") == 0)
        end_object(p);
    else if (strncmp(p->path, box, sizeof box - 1) == 0)
        for (size_t i = 0; i < ARRAY_LEN(corners); i++)
            if (strcmp(p->path + sizeof box - 1, corners[i].name) == 0)
                set_number(p, corners[i].to);
}

/* --- the parser's events --- */

static void on_start(void *arg, const char *name, const char **attributes)
{
    struct parse *p = arg;
    size_t used = strlen(p->path), len = strlen(name);

    (void)attributes;
    p->text_len = 0;
    if (used == 0 && strcmp(name, "annotation") != 0) {
        refuse(p, "is not an annotation of Pascal VOC: it begins with <%.40s>", name);
        return;
    }
    if (p->too_deep > 0 || used + 1 + len >= PATH_SIZE) {
        p->too_deep++;
        return;
    }
    if (used)
        p->path[used++] = '/';
    memcpy(p->path + used, name, len + 1);
    if (strcmp(p->path, "annotation/object") == 0)
        p->box = no_box;
}

static void on_text(void *arg, const char *s, int len)
{
    struct parse *p = arg;
    size_t n = (size_t)len;

    if (n > TEXT_SIZE - p->text_len)
        n = TEXT_SIZE - p->text_len;
    memcpy(p->text + p->text_len, s, n);
    p->text_len += n;
}

static void trim(struct parse *p)
{
    static const char blanks[] = " \t\r\n";
    size_t before;

    p->text[p->text_len] = '\0';
    before = strspn(p->text, blanks);
    p->text_len -= before;
    memmove(p->text, p->text + before, p->text_len + 1);
    while (p->text_len > 0 && strchr(blanks, p->text[p->text_len - 1]))
        p->text[--p->text_len] = '\0';
}

static void on_end(void *arg, const char *name)
{
    struct parse *p = arg;
    char *slash;

    (void)name;
    if (p->too_deep > 0) {
        p->too_deep--;
        return;
    }
    trim(p);
    take_element(p);
    slash = strrchr(p->path, '/');
    *(slash ? slash : p->path) = '\0';
    p->text_len = 0;
}

static void on_doctype(void *arg, const char *name, const char *system_id, const char *public_id, int has_internal)
{
    struct parse *p = arg;

    (void)name, (void)system_id, (void)public_id, (void)has_internal;
    refuse(p, "has a document type, which annotations of Pascal VOC have not");
}

int voc_parse(const char *xml, size_t len, struct mem *mem, struct voc *ret, struct err *err)
{
    CLEANUP(freep_parser) XML_Parser parser = XML_ParserCreate(NULL);
    struct voc voc = {0};
    struct parse p = { .xml = parser, .mem = mem, .err = err, .voc = &voc };

    if (!parser)
        abort();
    if (len > VOC_FILE_MAX)
        return err_set(err, ERR_BAD_INPUT, "is larger than %d MiB", VOC_FILE_MAX >> 20);
    XML_SetUserData(parser, &p);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);

    if (XML_Parse(parser, xml, (int)len, /* isFinal= */ 1) != XML_STATUS_OK && !p.failed)
        return err_set(err, ERR_BAD_INPUT, "is not XML: line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(parser),
                       XML_ErrorString(XML_GetErrorCode(parser)));
    if (p.failed)
        return -1;
    *ret = voc;
    return 0;
}
