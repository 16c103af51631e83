// SPDX-License-Identifier: Apache-2.0
#include "datasets/objects_page.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SPLIT, STEM, PATH, WIDTH, HEIGHT, N, OBJECTS, N_PARTS };

const struct field picture_fields[] = {
    { "name",   TEXT(struct picture, name),   .doc = "name of the image, without its ending" },
    { "path",   TEXT(struct picture, path),   .doc = "path of the image on the server" },
    { "labels", TEXT(struct picture, labels), .doc = "labels of its objects, comma separated" },
    { .type = FIELD_END },
};

/* The first word of each object. */
static const char *labels_of(char *objects, struct mem *mem)
{
    CLEANUP(text_done) struct text t = {0};
    char *rest = objects, *object;

    while ((object = strsep(&rest, ";"))) {
        object[strcspn(object, ",")] = '\0';
        if (*object)
            text_addf(&t, "%s%s", t.len ? "," : "", object);
    }
    return mem_strdup(mem, t.data ? t.data : "");
}

static bool split_line(char *line, char *parts[N_PARTS])
{
    for (int i = 0; i < N_PARTS; i++) {
        parts[i] = strsep(&line, "\t");
        if (!parts[i])
            return false;
    }
    return true;
}

static struct picture make_picture(char *parts[N_PARTS], const char *dir, struct mem *mem)
{
    return (struct picture){
        .name = mem_strdup(mem, parts[STEM]), .labels = labels_of(parts[OBJECTS], mem),
        .path = parts[PATH][0] == '/' ? mem_strdup(mem, parts[PATH]) : mem_printf(mem, "%s/%s", dir, parts[PATH]),
    };
}

static void close_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

int objects_page_read(int fd, const char *dir, const char *split, int64_t start, int64_t length, struct mem *mem,
                      struct list *ret, struct err *err)
{
    CLEANUP(freep) char *line = xcalloc(1, OBJECTS_LINE_MAX);
    CLEANUP(close_file) FILE *file = fdopen(dup(fd), "r");
    struct picture *pictures = mem_alloc(mem, ((size_t)length + 1) * sizeof *pictures);
    int64_t seen = 0;
    size_t n = 0;

    if (!file)
        return err_errno(err, ERR_INTERNAL, "objects.index");
    while ((int64_t)n < length && fgets(line, OBJECTS_LINE_MAX, file)) {
        char *parts[N_PARTS];

        line[strcspn(line, "\r\n")] = '\0';
        if (!split_line(line, parts) || strcmp(parts[SPLIT], split) != 0)
            continue;
        if (seen++ >= start)
            pictures[n++] = make_picture(parts, dir, mem);
    }
    *ret = (struct list){ pictures, n };
    return 0;
}
