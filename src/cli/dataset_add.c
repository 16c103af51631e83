// SPDX-License-Identifier: Apache-2.0
/* `dataset add`: says what it takes the data for, sends them or names them, and watches the build. */
#include "cli/dataset.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "cli/dataset_guess.h"
#include "cli/pack.h"
#include "cli/term.h"

#include <stdio.h>
#include <string.h>

enum { BAR_WIDTH = 24 };

struct add {                    /* the options */
    const char *path, *name, *kind;
    const char *height, *width, *resize, *val, *test, *shards, *group;
    bool on_server, lmdb, grey, by_class, encoded, copy, shared, watch;
};

/* --- the document --- */

static const struct { const char *word, *kind, *backend; } kinds[] = {
    { "images", "IMAGEFORCLASSIFICATION", "TFrecords" }, { "detection", "IMAGEFOROBJECTDETECTION", "ObjectDetection" },
    { "vectors", "IMGTOVECTOR", "ImageVector" },         { "csv", "CSV", "CSV" },
    { "lmdb", "LMDB", "LMDB" },                          { "tfrecords", "TFRECORDS", "TFrecords" },
    { "nlp", "NLP", "Other" },                           { "raw", "RAWDATA", "Other" },
    { "other", "OTHER", "Other" },
};

static bool take_kind(const char *word, struct guess *g)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (text_same(word, kinds[i].word) || text_same(word, kinds[i].kind)) {
            g->kind = kinds[i].kind;
            g->backend = kinds[i].backend;
            return true;
        }
    }
    return false;
}

/* Where the server finds a part: below the path it knows, or in what is sent. */
static json_t *place(const struct add *a, const struct guess *g, const char *part)
{
    CLEANUP(text_done) struct text t = {0};
    bool whole = strcmp(part, ".") == 0 || g->file;

    if (a->on_server && !whole)
        text_addf(&t, "%s/%s", a->path, part);
    else
        text_add(&t, a->on_server ? a->path : part);
    return json_string(t.data);
}

static void put_part(const struct add *a, const struct guess *g, json_t *doc, json_t *image, const char *part, const char *at)
{
    CLEANUP(text_done) struct text key = {0};
    bool images = strcmp(g->kind, "IMAGEFORCLASSIFICATION") == 0;

    if (!at)
        return;
    text_addf(&key, "%s%s", part, g->lists ? "textpath" : images ? "imagepath" : "path");
    json_object_set_new(g->lists || images ? image : doc, key.data, place(a, g, at));
}

/* The server reads numbers that come as text, and says what is wrong with others. */
static void put_text(json_t *object, const char *key, const char *value)
{
    if (value)
        json_object_set_new(object, key, json_string(value));
}

static char *make_document(const struct add *a, const struct guess *g, const char *name)
{
    json_auto_t *doc = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b}", "name", name, "datasourcetype", g->kind,
                                 "dbbackend", g->backend, "sigid", a->group ? a->group : "", "byclass", a->by_class,
                                 "encoded", a->encoded, "copy", a->copy, "shared", a->shared);
    json_t *image = json_pack("{s:b}", "isusingtext", g->lists);

    put_part(a, g, doc, image, "train", g->train);
    put_part(a, g, doc, image, "val", g->val);
    put_part(a, g, doc, image, "test", g->test);
    if (g->labels)
        json_object_set_new(g->lists ? image : doc, g->lists ? "labeltextpath" : "labels", place(a, g, g->labels));
    if (g->mean_file)
        json_object_set_new(doc, "meanfilepath", place(a, g, g->mean_file));
    put_text(doc, "shards", a->shards);
    put_text(image, "height", a->height);
    put_text(image, "width", a->width);
    put_text(image, "resizetransformation", a->resize);
    put_text(image, "valpercentage", a->val);
    put_text(image, "testpercentage", a->test);
    put_text(image, "imagetype", a->grey ? "Grayscale" : NULL);
    json_object_set_new(doc, "imagedetail", image);
    return json_dumps(doc, JSON_COMPACT);
}

/* "pets" of "/srv/pets/" and of "pets.tar.gz". */
static char *default_name(const char *path)
{
    CLEANUP(freep) char *full = realpath(path, NULL);
    char *name = xstrdup(path_base(full ? full : path));

    if (*name && name[0] != '.' && !(full && file_is_dir(full)))
        name[strcspn(name, ".")] = '\0';
    return name;
}

/* --- sending it --- */

static int send_it(struct cli *cli, const struct add *a, const char *document, struct err *err)
{
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    CLEANUP(pack_done) struct pack pack = {0};
    struct upload upload = { .data = document };

    if (a->on_server)
        return client_send(cli->client, "POST", "/datasets", document, &answer, err);
    if (pack_make(a->path, &pack, err) < 0)
        return -1;
    upload.path = pack.path;
    upload.filename = pack.filename;
    return client_call(cli->client, "POST", "/datasets/upload", &upload, &answer, err);
}

/* --- watching --- */

struct watcher {
    struct client *client;      /* a second connection: the first one carries the events */
    const char *name;
    json_t *record;             /* last seen; owned */
    int n_drawn;
    bool live, ended;
    struct err err;
};

static void draw(struct watcher *w)
{
    CLEANUP(text_done) struct text line = {0};
    double percent = json_number_value(json_object_get(w->record, "percent"));
    const char *progress = cli_str(w->record, "progress");

    term_bar(&line, (int64_t)percent, 100, BAR_WIDTH);
    text_addf(&line, " %3.0f%%  %s", percent, *progress ? progress : cli_str(w->record, "status"));
    printf("%s%.*s%s\n", term_on(BOLD), (int)line.len, line.data, term_off());
    w->n_drawn = 1;
}

static bool look(void *arg)
{
    struct watcher *w = arg;

    json_decref(w->record);
    w->record = dataset_get(w->client, w->name, "", &w->err);
    if (!w->record)
        return false;
    w->ended = cli_state_is_final(cli_str(w->record, "status"));
    term_erase(w->n_drawn);
    w->n_drawn = 0;
    if (w->live && !w->ended)
        draw(w);
    fflush(stdout);
    return !w->ended;
}

static bool on_notice(void *arg, const char *kind, const json_t *data)
{
    (void)data;
    return strcmp(kind, "dataset.state") == 0 ? look(arg) : true;
}

static int watch(struct cli *cli, const char *name)
{
    CLEANUP(client_freep) struct client *second = client_twin(cli->client);
    struct watcher w = { .client = second, .name = name, .live = term_is_live() && !cli->json };
    bool good;
    int rc = 1;

    if (look(&w))
        while (rc > 0 && !w.ended)
            rc = client_events(cli->client, name, on_notice, look, &w, &w.err);
    good = strcmp(cli_str(w.record, "status"), "FINISHED") == 0;
    if (w.ended && !cli->json)
        printf("%s %s%s%s, %.1f MB in %.0f s\n", name, term_on(good ? GREEN : RED), cli_str(w.record, "status"), term_off(),
               json_number_value(json_object_get(w.record, "size")),
               json_number_value(json_object_get(w.record, "runduration")) * 60);
    if (w.ended && !good)
        fprintf(stderr, "%s\n", cli_str(w.record, "message"));
    json_decref(w.record);
    if (!w.ended)
        return cli_fail(&w.err);
    return good ? EXIT_DONE : EXIT_BAD_END;
}

/* --- all of it --- */

static int add(struct cli *cli, const struct add *a, struct guess *g)
{
    CLEANUP(freep) char *name = a->name ? xstrdup(a->name) : default_name(a->path);
    CLEANUP(freep) char *document = NULL;
    struct err err = {0};

    if (!a->kind && !g->kind)
        return cli_usage(cli, a->on_server && !file_exists(a->path) ? "PATH cannot be looked at from here: say --kind"
                                                                 : "an archive is not looked into: say --kind");
    if (a->kind && !take_kind(a->kind, g))
        return cli_usage(cli, "--kind is one of images, detection, vectors, csv, lmdb, tfrecords, nlp, raw, other");
    if (!a->kind)
        fprintf(stderr, "%s looks like %s: %s\n", name, g->kind, g->why.data);
    if (a->lmdb)
        g->backend = "LMDB";
    document = make_document(a, g, name);
    if (send_it(cli, a, document, &err) < 0)
        return cli_fail(&err);
    if (cli->json) {
        json_auto_t *reply = json_pack("{s:s, s:s, s:s}", "name", name, "datasourcetype", g->kind, "dbbackend", g->backend);

        cli_print_json(reply);
    } else if (!a->watch) {
        printf("%s\n", name);
    }
    return a->watch ? watch(cli, name) : EXIT_DONE;
}

int dataset_add_command(struct cli *cli, int argc, char **argv)
{
    struct add a = {0};
    const struct flag flags[] = {
        { "name", 0, "NAME", &a.name },         { "on-server", 0, NULL, &a.on_server },   { "kind", 0, "KIND", &a.kind },
        { "lmdb", 0, NULL, &a.lmdb },           { "height", 0, "N", &a.height },    { "width", 0, "N", &a.width },
        { "grey", 0, NULL, &a.grey },           { "resize", 0, "HOW", &a.resize },  { "val", 0, "N", &a.val },
        { "test", 0, "N", &a.test },            { "shards", 0, "N", &a.shards },    { "by-class", 0, NULL, &a.by_class },
        { "encoded", 0, NULL, &a.encoded },     { "copy", 0, NULL, &a.copy },       { "shared", 0, NULL, &a.shared },
        { "group", 0, "NAME", &a.group },       { "watch", 'w', NULL, &a.watch },
    };
    CLEANUP(guess_done) struct guess guess = {0};
    int code = cli_flags(cli, argc, argv, flags, ARRAY_LEN(flags));

    if (code < 0 && cli->n_words != 1)
        return cli_usage(cli, "which folder or file?");
    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    a.path = cli->words[0];
    if (!a.on_server && !file_exists(a.path)) {
        struct err err = {0};

        err_set(&err, ERR_NOT_FOUND, "there is no file or folder %s; with --on-server it is looked for on the server", a.path);
        return cli_fail(&err);
    }
    guess_make(a.path, &guess);
    return add(cli, &a, &guess);
}
