// SPDX-License-Identifier: Apache-2.0
/* POST /datasets and POST /datasets/upload: from a document, and perhaps files, to a stored dataset with its task. */
#include "base/err.h"
#include "base/files.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/settings.h"
#include "datasets/build.h"
#include "datasets/dataset_own.h"
#include "datasets/upload.h"
#include "store/writer.h"

#include <string.h>

struct creating {               /* a request on its way */
    struct call *call;
    struct datasets *datasets;
    struct placing placing;
    struct dataset_news news;
};

static int make_dataset(struct db *db, void *arg, struct err *err)
{
    struct creating *n = arg;

    return datasets_insert(db, &n->placing.row, &n->placing.submission.exec, &n->news, err);
}

static int store(struct creating *n, struct err *err)
{
    struct datasets *d = n->datasets;
    struct placing *p = &n->placing;
    const struct dataset *row = &p->row;
    int rc = writer_run(d->tasks->config.writer, make_dataset, n, err);

    if (rc == 0) {
        dataset_publish(d, row->creator, row->spec.name, &n->news);
        loop_post(d->tasks->config.loop, build_adopt, build_new(d, row->spec.name, row->exec));
        tasks_admit(d->tasks, row->exec);   /* behind the line above: the build is known when its task moves */
    } else {
        build_unplace(p, n->call->mem);
    }
    text_done(&n->news.json);
    return rc;
}

/* A name that is taken is refused before a large upload is unpacked; the change that stores it refuses it again. */
static int check_free(const struct creating *n, struct err *err)
{
    const char *name = n->placing.row.spec.name;
    struct err missing = {0};
    struct dataset row;

    if (datasets_find(n->call->db, name, n->call->mem, &row, &missing) == 0)
        return err_field(err, "name", "another name", "there is a dataset named \"%.100s\" already", name);
    if (missing.kind == ERR_NOT_FOUND)
        return 0;
    *err = missing;
    return -1;
}

/* On a worker. */
static int create(struct call *c, struct err *err)
{
    struct creating *n = c->state;
    struct placing *p = &n->placing;
    const struct settings *s = n->datasets->tasks->config.settings;
    const char *folder = NULL;
    struct err ignored = {0};
    int rc = 0;

    if (p->upload) {
        folder = new_dir(n->datasets, p->upload, c->mem);
        rc = upload_put(s, c->parts, c->n_parts, folder, c->mem, err);
    }
    if (rc == 0)
        rc = build_place(p, c->mem, err);
    if (rc == 0)
        rc = store(n, err);
    if (rc < 0 && folder)
        file_remove_tree(folder, &ignored);     /* what is left goes at the next start */
    return rc;
}

struct creation {
    const char *uid, *href;
};

static const struct field creation_fields[] = {
    { "uid",  TEXT(struct creation, uid),  .doc = "name of the dataset" },
    { "href", TEXT(struct creation, href), .doc = "path of the dataset" },
    { .type = FIELD_END },
};

static char *escaped(const char *name, struct mem *mem)
{
    CLEANUP(text_done) struct text t = {0};

    for (; *name; name++) {
        unsigned char byte = (unsigned char)*name;

        if (strchr("-._~", byte) || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= 'a' && byte <= 'z'))
            text_add_char(&t, *name);
        else
            text_addf(&t, "%%%02X", byte);
    }
    return mem_strdup(mem, t.data);
}

static int created(struct call *c, struct err *err)
{
    const struct creating *n = c->state;
    const char *name = n->placing.row.spec.name;
    const struct creation creation = { name, mem_printf(c->mem, BASE_DL "/datasets/%s", escaped(name, c->mem)) };

    (void)err;
    reply_header(c, "Location", creation.href);
    return reply_fields(c, 201, creation_fields, &creation);
}

static int begin(struct call *c, const struct dataset_spec *spec, const char *upload, struct err *err)
{
    struct creating *n = mem_alloc(c->mem, sizeof *n);

    n->call = c;
    n->datasets = c->room;
    n->placing = (struct placing){ .datasets = c->room, .user = c->user, .admin = c->role == ADMIN, .upload = upload };
    fields_init(dataset_fields, &n->placing.row);
    fields_init(dataset_row_fields, &n->placing.row);
    n->placing.row.spec = *spec;
    c->state = n;
    if (dataset_spec_check(&n->placing.row.spec, upload != NULL, err) < 0 || check_free(n, err) < 0)
        return -1;
    return call_work(c, create, created);
}

int dataset_create(struct call *c, struct err *err) { return begin(c, c->body, NULL, err); }

/* --- with files --- */

static void drop_json(void *json) { json_decref(json); }

static int part_text(const struct part *p, struct text *ret, struct err *err)
{
    if (!p->data)
        return file_read(p->path, READER_SIZE_MAX, ret, err);
    text_add_n(ret, p->data, (size_t)p->len);
    return 0;
}

int dataset_upload(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text text = {0};
    const struct part *data = call_part(c, "data");
    struct dataset_spec spec;
    json_t *json;

    if (!data)
        return err_field(err, "data", "an object as JSON in a part named data", "the part named data with the dataset is missing");
    if (part_text(data, &text, err) < 0)
        return -1;
    json = reader_parse_object(text.data ? text.data : "", text.len, err);
    if (!json)
        return err_wrap(err, "data");
    mem_on_free(c->mem, drop_json, json);
    if (fields_from_json(dataset_spec_fields, json, &spec, c->mem, err) < 0)
        return -1;
    return begin(c, &spec, new_name(c->mem), err);
}
