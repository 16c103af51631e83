// SPDX-License-Identifier: Apache-2.0
/* GET /execs/{id}/log: what the processes of a task printed. */
#include "tasks/exec_log.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "tasks/exec.h"
#include "tasks/exec_own.h"
#include "tasks/exec_paths.h"
#include "tasks/exec_routes.h"
#include "tasks/tasks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK = 64 << 10, LINES_MAX = 10000000 };

/* --- pieces of files --- */

static int64_t file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static int add_range(int fd, int64_t from, int64_t len, struct text *out, struct err *err)
{
    char block[BLOCK];

    while (len > 0) {
        ssize_t n = pread(fd, block, len < BLOCK ? (size_t)len : BLOCK, from);

        if (n < 0)
            return err_errno(err, ERR_INTERNAL, "cannot read a log");
        if (n == 0)
            break;
        text_add_n(out, block, (size_t)n);
        from += n;
        len -= n;
    }
    return 0;
}

/* Where the last `lines` lines of a file of `size` bytes begin, no further back than `max` bytes. */
static int64_t tail_start(int fd, int64_t size, int64_t lines, int64_t max)
{
    int64_t at = size, floor = size > max ? size - max : 0;
    char block[BLOCK];

    while (at > floor) {
        int64_t len = at - floor < BLOCK ? at - floor : BLOCK;
        ssize_t n = pread(fd, block, (size_t)len, at - len);

        if (n != len)
            return at;      /* cut short meanwhile */
        for (int64_t i = len - 1; i >= 0; i--)
            if (block[i] == '\n' && at - len + i + 1 < size && lines-- <= 1)
                return at - len + i + 1;
        at -= len;
    }
    return floor;
}

int log_piece(const char *path, const struct log_range *range, struct text *out, struct err *err)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int64_t size, from, max = range->max_bytes ? range->max_bytes : LOG_TEXT_MAX;

    if (fd < 0)
        return 0;           /* nothing printed yet */
    if (fstat(fd, &st) < 0)
        return err_errno(err, ERR_INTERNAL, "cannot read a log");
    size = st.st_size;
    if (range->offset != INT_UNSET)
        return add_range(fd, range->offset, size - range->offset < max ? size - range->offset : max,
                         out, err);
    if (range->lines == 0)
        return 0;
    from = range->lines != INT_UNSET ? tail_start(fd, size, range->lines, max)
         : size > max ? size - max : 0;
    return add_range(fd, from, size - from, out, err);
}

/* --- one task --- */

struct log_request {
    struct exec exec;
    const char *run_dir, *result_dir;
    const char *type;           /* "outlog", "errlog", "outerrlog", NULL */
    struct list labels;
    struct log_range range;
};

/* The file that shows what one process printed. */
static const char *pick_file(const struct log_request *r, const char *label, struct mem *mem)
{
    const char *path;

    if (r->type && strcmp(r->type, "errlog") == 0)
        return exec_log_path(r->run_dir, label, "err", mem);
    if (r->type && strcmp(r->type, "outerrlog") == 0)
        return exec_log_path(r->run_dir, label, "both", mem);
    if (r->exec.elastic && !r->type) {      /* elastic programs write what clients chart here */
        path = mem_printf(mem, "%s/stdout", exec_process_dir(r->result_dir, label, mem));
        if (file_exists(path))
            return path;
    }
    path = exec_log_path(r->run_dir, label, "out", mem);
    if (!r->type && file_size(path) == 0)
        return exec_log_path(r->run_dir, label, "err", mem);
    return path;
}

static int read_request(struct call *c, struct log_request *r, struct err *err)
{
    const struct tasks *t = c->room;
    const char *type = call_query(c, "logType");
    static const char *const types[] = { "outlog", "errlog", "outerrlog" };

    *r = (struct log_request){ .range = { .lines = INT_UNSET, .offset = INT_UNSET } };
    if (exec_own(c, &r->exec, err) < 0)
        return -1;
    for (size_t i = 0; type && *type && i < ARRAY_LEN(types); i++)
        if (text_same(type, types[i]))
            r->type = types[i];
    if (type && *type && !r->type)
        return err_field(err, "logType", "outlog, errlog or outerrlog", "there is no logType %.40s", type);
    if (call_query_int(c, "lastlines", 0, LINES_MAX, &r->range.lines, err) < 0
        || call_query_int(c, "offset", 0, INT64_MAX, &r->range.offset, err) < 0)
        return -1;
    r->run_dir = exec_run_dir(t->config.settings, r->exec.id, c->mem);
    r->result_dir = exec_result_dir(t->config.settings, r->exec.creator, r->exec.id, c->mem);
    exec_labels(r->run_dir, c->mem, &r->labels);
    return 0;
}

/* Processes one after the other, each with a line above it; the limit is theirs together. */
static int add_all(struct call *c, struct log_request *r, struct text *out, struct err *err)
{
    const char *const *labels = r->labels.items;

    r->range.max_bytes = LOG_TEXT_MAX / (int64_t)(r->labels.n ? r->labels.n : 1);
    for (size_t i = 0; i < r->labels.n; i++) {
        text_addf(out, "==> %s <==\n", labels[i]);
        if (log_piece(pick_file(r, labels[i], c->mem), &r->range, out, err) < 0)
            return -1;
        if (out->len > 0 && out->data[out->len - 1] != '\n')
            text_add_char(out, '\n');
    }
    return 0;
}

int show_log(struct call *c, struct err *err)
{
    CLEANUP(text_done) struct text out = {0};
    struct log_request r;
    const char *path;

    if (read_request(c, &r, err) < 0)
        return -1;
    if (r.labels.n > 1) {
        if (add_all(c, &r, &out, err) < 0)
            return -1;
        return reply_string(c, &out);
    }
    path = r.labels.n == 1 ? pick_file(&r, *(const char *const *)r.labels.items, c->mem) : "";
    reply_header(c, "X-Log-Size", mem_printf(c->mem, "%" PRId64, file_size(path)));
    if (!call_wants_json(c) && r.range.lines == INT_UNSET && r.range.offset == INT_UNSET
        && file_exists(path))
        return reply_file(c, path, "text/plain; charset=utf-8", /* remove_after= */ false);
    if (log_piece(path, &r.range, &out, err) < 0)
        return -1;
    return reply_string(c, &out);
}
