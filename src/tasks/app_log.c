// SPDX-License-Identifier: Apache-2.0
#include "tasks/app_log.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/call.h"
#include "tasks/exec.h"
#include "tasks/exec_log.h"
#include "tasks/exec_paths.h"
#include "tasks/tasks.h"

#include <inttypes.h>
#include <string.h>

enum { LINES_MAX = 10000000 };

static const char text_type[] = "text/plain; charset=utf-8";

/* The file, in *ret_path; NULL: a log that is always empty. */
static int find_log(struct call *c, const struct exec *e, int64_t worker, const char *type,
                    const char **ret_path, struct err *err)
{
    const struct tasks *t = c->room;
    const char *run_dir = exec_run_dir(t->config.settings, e->id, c->mem);
    bool out = strcmp(type, "stdout") == 0, bad = strcmp(type, "stderr") == 0;
    const char *label;

    if (!out && !bad && strcmp(type, "launcherlog") != 0)
        return err_field(err, "type", "launcherlog, stdout or stderr", "there is no log %.40s",
                         type);
    if (worker != APP_DRIVER && (worker < 0 || worker >= e->n_workers))
        return err_set(err, ERR_NOT_FOUND,
                       "task %s has %" PRId64 " worker%s, and no executor %" PRId64, e->id,
                       e->n_workers, e->n_workers == 1 ? "" : "s", worker + 1);
    if (worker == APP_DRIVER || (!out && !bad)) {
        *ret_path = bad ? NULL : exec_launcher_log(run_dir, c->mem);
        return 0;
    }
    label = mem_printf(c->mem, "worker-%" PRId64, worker);
    *ret_path = exec_log_path(run_dir, label, out ? "out" : "err", c->mem);
    return 0;
}

int app_log_reply(struct call *c, const struct exec *e, int64_t worker, const char *type,
                  struct err *err)
{
    struct log_range range = { .lines = INT_UNSET, .offset = INT_UNSET };
    CLEANUP(text_done) struct text out = {0};
    const char *path = NULL;

    if (find_log(c, e, worker, type, &path, err) < 0 ||
        call_query_int(c, "lastlines", 0, LINES_MAX, &range.lines, err) < 0)
        return -1;
    if (path && range.lines == INT_UNSET && file_exists(path))
        return reply_file(c, path, text_type, /* remove_after= */ false);
    if (path && log_piece(path, &range, &out, err) < 0)
        return -1;
    return reply_text(c, 200, text_type, &out);
}
