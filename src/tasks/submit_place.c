// SPDX-License-Identifier: Apache-2.0
/* Where a task's files go, and which of them is the program. */
#include "tasks/submit.h"

#include "base/archive.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "cluster/cluster.h"
#include "tasks/exec_owner.h"
#include "tasks/exec_paths.h"
#include "tasks/tasks.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_NAMED = 5 /* of a package, in a refusal */ };

static char *join(struct mem *mem, const char *folder, const char *name)
{
    return mem_printf(mem, "%s/%s", folder, name);
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* --- files into the code folder --- */

static int put_file(const struct submission_file *f, const char *to, struct err *err)
{
    if (!f->path)
        return file_write(to, f->data, (size_t)f->len, 0644, err);
    if (f->move && rename(f->path, to) == 0) {
        if (chmod(to, 0644) < 0)
            return err_errno(err, ERR_INTERNAL, "%s", to);
        return 0;
    }
    return file_copy(f->path, to, err);
}

static const char *file_name(const struct submission *s, const struct submission_file *f)
{
    const char *name = f->name;

    if (!name && s->parsed.model_main)
        name = path_base(s->parsed.model_main);
    return name && path_name_ok(name) ? name : NULL;
}

static int unpack(struct tasks *t, const char *path, const char *code_dir, struct err *err)
{
    const struct settings *s = t->config.settings;
    const struct archive_limits limits = { s->package_entries_max, s->package_bytes_max_mib << 20 };

    return archive_unpack(path, code_dir, &limits, err);
}

static int put_model(struct tasks *t, const struct submission *s, const char *code_dir,
                     struct mem *mem, struct err *err)
{
    struct submission_file f = s->files[0];
    const char *name, *bytes = mem_printf(mem, "%s.upload", code_dir);
    int result;

    if (!f.path) {      /* whether it is an archive is seen in a file only */
        if (put_file(&f, bytes, err) < 0)
            return -1;
        f.path = bytes;
        f.move = true;
    }
    if (file_is_dir(f.path))
        return file_copy_tree(f.path, code_dir, err);
    if (archive_is(f.path)) {
        result = unpack(t, f.path, code_dir, err);
        if (f.path == bytes)
            unlink(bytes);
        return result;
    }
    name = file_name(s, &f);
    if (!name)
        return err_field(err, "file", "a part with a filename",
                         "the file has no name: give it one, or name it by --model-main");
    return put_file(&f, join(mem, code_dir, name), err);
}

/* --- the work dir --- */

/* The only entry of a folder if that is a folder; NULL otherwise. */
static const char *only_folder(const char *folder, struct mem *mem)
{
    const char *found = NULL;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int n = 0;

    while (dir && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        n++;
        found = mem_strdup(mem, entry->d_name);
    }
    if (dir)
        closedir(dir);
    if (n != 1 || !file_is_dir(join(mem, folder, found)))
        return NULL;
    return found;
}

static const char *find_work_dir(const struct submission *s, const char *code_dir, struct mem *mem)
{
    const char *model_dir = s->parsed.model_dir, *only;
    size_t len = model_dir ? strlen(model_dir) : 0;
    const char *path;

    while (len > 0 && (model_dir[len - 1] == '/' || model_dir[len - 1] == '\\'))
        len--;
    if (len > 0) {
        const char *name = path_base(mem_strndup(mem, model_dir, len));

        path = join(mem, code_dir, name);
        if (path_name_ok(name) && file_is_dir(path))
            return path;
    }
    only = only_folder(code_dir, mem);
    return only ? join(mem, code_dir, only) : code_dir;
}

/* --- the main file --- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The files of a folder that end in `suffix`, sorted. */
static void list_files(const char *folder, const char *suffix, struct mem *mem, struct list *ret)
{
    size_t n = 0, cap = 0, len, end = strlen(suffix);
    const char **names = NULL;
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        len = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || len < end || strcmp(entry->d_name + len - end, suffix) != 0
            || !is_file(join(mem, folder, entry->d_name)))
            continue;
        if (n == cap) {
            const char **more = mem_alloc(mem, (cap = cap * 2 + 8) * sizeof *more);

            if (n > 0)
                memcpy(more, names, n * sizeof *more);
            names = more;
        }
        names[n++] = mem_strdup(mem, entry->d_name);
    }
    if (dir)
        closedir(dir);
    if (n > 0)
        qsort(names, n, sizeof *names, by_name);
    *ret = (struct list){ names, n };
}

/* "main.py, model.py and 3 more" */
static char *describe_files(const char *folder, struct mem *mem)
{
    CLEANUP(text_done) struct text t = {0};
    const char *const *names;
    struct list files;
    size_t i;

    list_files(folder, "", mem, &files);
    names = files.items;
    for (i = 0; i < files.n && i < FILES_NAMED; i++)
        text_addf(&t, "%s%.60s", i ? ", " : "", names[i]);
    if (i < files.n)
        text_addf(&t, " and %zu more", files.n - i);
    return mem_strdup(mem, t.len ? t.data : "no files");
}

static int find_named_main(const char *main, const char *work_dir, struct mem *mem, const char **ret,
                           struct err *err)
{
    const char *base = path_base(main);

    if (path_inside(main) && is_file(join(mem, work_dir, main)))
        *ret = main;
    else if (path_name_ok(base) && is_file(join(mem, work_dir, base)))
        *ret = base;
    else
        return err_field(err, "--model-main", "a file of the package",
                         "main file \"%.120s\" is not in the package, which has %s", main,
                         describe_files(work_dir, mem));
    return 0;
}

static int find_default_main(const char *work_dir, struct mem *mem, const char **ret, struct err *err)
{
    struct list files;

    if (is_file(join(mem, work_dir, "main.py"))) {
        *ret = "main.py";
        return 0;
    }
    list_files(work_dir, ".py", mem, &files);
    if (files.n == 0)
        list_files(work_dir, "", mem, &files);
    if (files.n != 1)
        return err_field(err, "--model-main", "a file of the package",
                         "the package has %s: say with --model-main which to run",
                         describe_files(work_dir, mem));
    *ret = *(const char *const *)files.items;
    return 0;
}

/* --- all of it --- */

static int make_folders(struct tasks *t, const struct submission *s, const char *result_dir,
                        struct mem *mem, struct err *err)
{
    const char *wish = t->config.settings->precreate_model_dir;
    bool model = strcmp(wish, "always") == 0
              || (strcmp(wish, "auto") == 0 && s->framework.precreate_model_dir);

    if (file_mkdirs(join(mem, result_dir, "_submitted_code"), 0755, err) < 0
        || file_mkdirs(join(mem, result_dir, "log"), 0755, err) < 0
        || file_mkdirs(join(mem, result_dir, "checkpoint"), 0755, err) < 0)
        return -1;
    return model ? file_mkdirs(join(mem, result_dir, "model"), 0755, err) : 0;
}

static int put_prebuilt(struct tasks *t, struct submission *s, const char *code_dir, struct mem *mem,
                        struct err *err)
{
    const char *dir = s->framework.prebuilt_dir;

    if (dir[0] != '/')
        dir = join(mem, t->config.settings->shared_fs, dir);
    if (!file_is_dir(dir))
        return err_field(err, "--pbmodel-name", "", "the prebuilt models of %s are not installed: "
                         "there is no folder %s", s->framework.name, dir);
    return file_copy_tree(dir, code_dir, err);
}

static int put_code(struct tasks *t, struct submission *s, const char *code_dir, struct mem *mem,
                    struct err *err)
{
    struct exec *e = &s->exec;
    const char *main = s->parsed.model_main;

    if (s->parsed.prebuilt_name) {
        if (put_prebuilt(t, s, code_dir, mem, err) < 0)
            return -1;
        main = s->framework.prebuilt_main;
    } else if (s->n_files > 0 && put_model(t, s, code_dir, mem, err) < 0) {
        return -1;
    }

    e->work_dir = find_work_dir(s, code_dir, mem);
    for (int i = 1; i < s->n_files; i++) {
        const char *name = file_name(s, &s->files[i]);

        if (!name)
            return err_field(err, "file", "a part with a filename", "file %d has no name", i + 1);
        if (put_file(&s->files[i], join(mem, e->work_dir, name), err) < 0)
            return -1;
    }
    if (s->parsed.user_cmd)
        return 0;
    if (main)
        return find_named_main(main, e->work_dir, mem, &e->main_file, err);
    return find_default_main(e->work_dir, mem, &e->main_file, err);
}

static int place(struct tasks *t, struct submission *s, struct mem *mem, struct err *err)
{
    const struct settings *settings = t->config.settings;
    struct exec *e = &s->exec;
    const char *result_dir = exec_result_dir(settings, e->creator, e->id, mem);
    const char *code_dir = exec_code_dir(settings, e->creator, e->id, mem);
    struct group *g = cluster_group(t->config.cluster, e->sig_name, err);

    if (!g)
        return -1;
    if (make_folders(t, s, result_dir, mem, err) < 0 || put_code(t, s, code_dir, mem, err) < 0)
        return -1;
    if (s->config_json
        && file_write(join(mem, e->work_dir, "config.json"), s->config_json, strlen(s->config_json),
                      0644, err) < 0)
        return -1;
    if (owner_give(result_dir, g->user, err) < 0)
        return -1;
    return file_mkdirs(exec_run_dir(settings, e->id, mem), 0755, err);
}

int submit_place(struct tasks *t, struct submission *s, struct mem *mem, struct err *err)
{
    if (place(t, s, mem, err) == 0)
        return 0;
    submit_undo(t, s->exec.id, s->exec.creator);
    return -1;
}
