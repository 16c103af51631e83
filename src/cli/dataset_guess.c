// SPDX-License-Identifier: Apache-2.0
#include "cli/dataset_guess.h"

#include "base/archive.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ENTRIES_LOOKED_AT = 2000, LINE_BYTES = 4096 };

static const char *const image_ends[] = { "jpg", "jpeg", "png", "bmp", "gif", "webp", "tif", "tiff", NULL };
static const char *const record_ends[] = { "tfrecord", "tfrecords", NULL };
static const char *const csv_ends[] = { "csv", NULL };
static const char *const mdb_names[] = { "mdb", NULL };

/* --- names in folders --- */

static bool ends_with(const char *name, const char *const *ends)
{
    const char *dot = strrchr(name, '.');

    for (; dot && *ends; ends++)
        if (text_same(dot + 1, *ends))
            return true;
    return false;
}

static char *join(const char *folder, const char *name)
{
    struct text t = {0};

    if (strcmp(folder, ".") == 0 || !*name)
        text_add(&t, *name ? name : folder);
    else
        text_addf(&t, "%s/%s", folder, name);
    return text_take(&t);
}

/* How many entries of a folder end so, of those that are looked at; *ret_name (may be NULL) gets one of them. */
static int count_ending(const char *folder, const char *const *ends, char **ret_name)
{
    struct dirent *entry;
    DIR *dir = opendir(folder);
    int n = 0;

    for (int i = 0; dir && i < ENTRIES_LOOKED_AT && (entry = readdir(dir)); i++) {
        if (entry->d_name[0] == '.' || !ends_with(entry->d_name, ends))
            continue;
        if (n++ == 0 && ret_name)
            *ret_name = xstrdup(entry->d_name);
    }
    if (dir)
        closedir(dir);
    return n;
}

/* How many folders with images are in a folder. */
static int count_classes(const char *folder)
{
    struct dirent *entry;
    DIR *dir = opendir(folder);
    int n = 0;

    for (int i = 0; dir && i < ENTRIES_LOOKED_AT && (entry = readdir(dir)); i++) {
        CLEANUP(freep) char *path = join(folder, entry->d_name);

        if (entry->d_name[0] != '.' && file_is_dir(path))
            n += count_ending(path, image_ends, NULL) > 0;
    }
    if (dir)
        closedir(dir);
    return n;
}

/* --- parts --- */

static const char *const part_words[3][4] = {
    { "train", "training", NULL }, { "val", "valid", "validation", NULL }, { "test", "testing", NULL },
};

/* The entry of `path` that is a part: "train", "train_db", "train.csv", as `end` has it. */
static char *find_part(const char *path, int part, const char *end)
{
    for (int i = 0; part_words[part][i]; i++) {
        CLEANUP(freep) char *full = NULL;
        struct text name = {0}, at = {0};
        char *found;

        text_addf(&name, "%s%s", part_words[part][i], end);
        text_addf(&at, "%s/%s", path, name.data);
        full = text_take(&at);
        found = text_take(&name);
        if (file_exists(full) && file_is_dir(full) == (end[0] != '.'))
            return found;
        free(found);
    }
    return NULL;
}

static bool find_parts(struct guess *g, const char *path, const char *end)
{
    g->train = find_part(path, 0, end);
    if (!g->train)
        return false;
    g->val = find_part(path, 1, end);
    g->test = find_part(path, 2, end);
    return true;
}

static char *file_in(const char *path, const char *name)
{
    CLEANUP(freep) char *full = join(path, name);

    return file_exists(full) && !file_is_dir(full) ? xstrdup(name) : NULL;
}

static char *training_part(const struct guess *g, const char *path)
{
    return strcmp(g->train, ".") == 0 ? xstrdup(path) : join(path, g->train);
}

static void set(struct guess *g, const char *kind, const char *backend)
{
    g->kind = kind;
    g->backend = backend;
}

/* --- kinds, the surest first --- */

static bool is_voc(struct guess *g, const char *path)
{
    CLEANUP(freep) char *images = join(path, "JPEGImages"), *boxes = join(path, "Annotations");

    if (!file_is_dir(images) || !file_is_dir(boxes))
        return false;
    g->train = xstrdup(".");
    set(g, "IMAGEFOROBJECTDETECTION", "ObjectDetection");
    text_add(&g->why, "it has folders JPEGImages and Annotations");
    return true;
}

static void forget_parts(struct guess *g)
{
    free(g->train);
    free(g->val);
    free(g->test);
    g->train = g->val = g->test = NULL;
}

/* How many numbers a line ends in; -1 when it is a single word. */
static int count_numbers(char *line)
{
    char *rest = line, *word, *end;
    int words = 0, numbers = 0;

    while ((word = strsep(&rest, " \t\r\n"))) {
        if (!*word)
            continue;
        words++;
        strtod(word, &end);
        numbers = *end ? 0 : numbers + 1;
    }
    return words < 2 ? -1 : numbers;
}

static bool is_text_list(struct guess *g, const char *path)
{
    CLEANUP(freep) char *list = NULL;
    char line[LINE_BYTES] = "";
    FILE *file;
    int numbers;

    if (!find_parts(g, path, ".txt"))
        return false;
    list = join(path, g->train);
    file = fopen(list, "r");
    if (file && !fgets(line, sizeof line, file))
        line[0] = '\0';
    if (file)
        fclose(file);
    numbers = count_numbers(line);
    if (numbers < 0) {
        forget_parts(g);
        return false;
    }
    g->lists = true;
    g->labels = file_in(path, "labels.txt");
    if (numbers < 2)
        set(g, "IMAGEFORCLASSIFICATION", "TFrecords");
    else
        set(g, "IMGTOVECTOR", "ImageVector");
    text_addf(&g->why, "%s has a path and %s a line", g->train, numbers < 2 ? "a label" : "numbers");
    return true;
}

static bool is_csv(struct guess *g, const char *path)
{
    CLEANUP(freep) char *only = NULL;

    if (find_parts(g, path, ".csv"))
        text_addf(&g->why, "it has a file %s", g->train);
    else if (count_ending(path, csv_ends, &only) == 1)
        g->train = TAKE(only);
    else
        return false;
    set(g, "CSV", "CSV");
    if (!g->why.len)
        text_addf(&g->why, "%s is the only table in it", g->train);
    return true;
}

static bool find_folders(struct guess *g, const char *path)
{
    return find_parts(g, path, "") || find_parts(g, path, "_db") || find_parts(g, path, "_lmdb");
}

/* What is in the training part, or in the folder itself. */
static void look_into(struct guess *g, const char *path)
{
    CLEANUP(freep) char *train = NULL;
    int n;

    if (!find_folders(g, path))
        g->train = xstrdup(".");
    train = training_part(g, path);
    g->labels = file_in(path, "labels.txt");
    if (count_ending(train, mdb_names, NULL) > 0) {
        g->mean_file = file_in(path, "mean.binaryproto");
        set(g, "LMDB", "LMDB");
        text_addf(&g->why, "%s holds data.mdb", strcmp(g->train, ".") ? g->train : "it");
    } else if ((n = count_ending(train, record_ends, NULL)) > 0) {
        set(g, "TFRECORDS", "TFrecords");
        text_addf(&g->why, "%s holds %d record files", strcmp(g->train, ".") ? g->train : "it", n);
    } else if ((n = count_classes(train)) > 0) {
        set(g, "IMAGEFORCLASSIFICATION", "TFrecords");
        text_addf(&g->why, "%s holds %d folders of images", strcmp(g->train, ".") ? g->train : "it", n);
    } else {
        set(g, "OTHER", "Other");
        text_add(&g->why, "nothing in it tells more");
    }
}

static void look_at_file(struct guess *g, const char *path)
{
    g->file = true;
    g->train = xstrdup(path_base(path));
    if (ends_with(path, csv_ends)) {
        set(g, "CSV", "CSV");
        text_add(&g->why, "its name ends in csv");
    } else if (ends_with(path, record_ends)) {
        set(g, "TFRECORDS", "TFrecords");
        text_add(&g->why, "it is a file of records");
    } else if (!archive_is(path)) {
        set(g, "RAWDATA", "Other");
        text_add(&g->why, "it is a single file");
    }
}

void guess_make(const char *path, struct guess *ret)
{
    *ret = (struct guess){ .kind = NULL };
    if (file_is_dir(path)) {
        if (!is_voc(ret, path) && !is_text_list(ret, path) && !is_csv(ret, path))
            look_into(ret, path);
    } else if (file_exists(path)) {
        look_at_file(ret, path);
    }
    if (!ret->train || !ret->kind) {
        free(ret->train);
        ret->train = xstrdup(".");
    }
}

void guess_done(struct guess *g)
{
    forget_parts(g);
    free(g->labels);
    free(g->mean_file);
    text_done(&g->why);
}
