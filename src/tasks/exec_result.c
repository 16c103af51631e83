// SPDX-License-Identifier: Apache-2.0
/* GET /execs/{id}/result: what a task left in its result directory, as a zip. */
#include "base/archive.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "tasks/exec.h"
#include "tasks/exec_own.h"
#include "tasks/exec_paths.h"
#include "tasks/exec_routes.h"
#include "tasks/tasks.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { ENTRIES_MAX = 4096 /* at the top of a result directory */ };

struct result {
    const char *id;
    const char *folder;         /* the result directory */
    const char *zip;            /* being made here, below the folder that is emptied at each start */
    bool all;                   /* with the submitted code */
};

static const char **list_entries(const struct result *r, struct mem *mem, int *ret_n)
{
    const char **entries = mem_alloc(mem, ENTRIES_MAX * sizeof *entries);
    DIR *dir = opendir(r->folder);
    struct dirent *entry;
    int n = 0;

    while (dir && n < ENTRIES_MAX && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && (r->all || strcmp(entry->d_name, "_submitted_code") != 0))
            entries[n++] = mem_strdup(mem, entry->d_name);
    if (dir)
        closedir(dir);
    *ret_n = n;
    return entries;
}

/* On a worker thread. */
static int make_zip(struct call *c, struct err *err)
{
    const struct tasks *t = c->room;
    const struct result *r = c->state;
    const char **entries;
    int n;

    if (!file_is_dir(r->folder))
        return err_set(err, ERR_NOT_FOUND, "the results of task %s are no longer there", r->id);
    if (file_mkdirs(mem_printf(c->mem, "%s/uploads", t->config.settings->data_dir), 0700, err) < 0)
        return -1;
    entries = list_entries(r, c->mem, &n);
    if (archive_zip(r->folder, entries, n, r->zip, err) < 0) {
        unlink(r->zip);
        return -1;
    }
    return 0;
}

/* Clients take the name up to the next semicolon, and turn everything after "size=" into a number: no
 * blank after a semicolon, no quotes, size last. */
static int send_zip(struct call *c, struct err *err)
{
    const struct result *r = c->state;
    struct stat st;

    if (stat(r->zip, &st) < 0)
        return err_errno(err, ERR_INTERNAL, "%s", r->zip);
    reply_header(c, "Content-Disposition",
                 mem_printf(c->mem, "attachment;filename=dlpd-model-%" PRId64 "-%s-result.zip;size=%lld",
                            clock_mono_ns(), r->id, (long long)st.st_size));
    return reply_file(c, r->zip, "application/zip", /* remove_after= */ true);
}

int download_result(struct call *c, struct err *err)
{
    const struct settings *s = ((const struct tasks *)c->room)->config.settings;
    struct result *r = mem_alloc(c->mem, sizeof *r);
    struct exec exec;

    if (exec_own(c, &exec, err) < 0)
        return -1;
    *r = (struct result){ .id = exec.id, .folder = exec_result_dir(s, exec.creator, exec.id, c->mem),
                          .zip = mem_printf(c->mem, "%s/uploads/result-%s.zip", s->data_dir,
                                            c->request_id),
                          .all = call_query_bool(c, "all") };
    c->state = r;
    return call_work(c, make_zip, send_zip);
}
