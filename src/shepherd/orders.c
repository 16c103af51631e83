// SPDX-License-Identifier: Apache-2.0
#include "shepherd/shepherd.h"

#include "base/mem.h"
#include "base/orders.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNT_MAX = 1 << 20 };       /* of anything; far above what the kernel lets a process have */

struct cursor {
    char *at, *end;
    bool bad;
};

static char *next_text(struct cursor *c)
{
    char *text = c->at;

    if (c->at >= c->end) {
        c->bad = true;
        return NULL;
    }
    c->at += strlen(text) + 1;
    return text;
}

static int64_t next_number(struct cursor *c)
{
    char *text = next_text(c);

    return text ? strtoll(text, NULL, 10) : 0;
}

static size_t next_count(struct cursor *c)
{
    int64_t n = next_number(c);

    if (n < 0 || n > COUNT_MAX)
        c->bad = true;
    return c->bad ? 0 : (size_t)n;
}

static char **next_list(struct cursor *c)
{
    size_t n = next_count(c);
    char **list = xcalloc(n + 1, sizeof *list);

    for (size_t i = 0; i < n && !c->bad; i++)
        list[i] = next_text(c);
    return list;
}

static void read_user(struct orders *o, struct cursor *c)
{
    const char *uid = next_text(c);

    o->change_user = uid && *uid;
    o->uid = o->change_user ? (uid_t)strtoul(uid, NULL, 10) : 0;
    o->gid = (gid_t)next_number(c);
    o->n_groups = next_count(c);
    o->groups = xcalloc(o->n_groups + 1, sizeof *o->groups);
    for (size_t i = 0; i < o->n_groups; i++)
        o->groups[i] = (gid_t)next_number(c);
}

static bool next_bool(struct cursor *c)
{
    const char *text = next_text(c);

    return text && *text == '1';
}

static void read_process(struct process *p, struct cursor *c)
{
    p->label = next_text(c);
    p->service = next_bool(c);
    p->channel = next_bool(c);
    p->argv = next_list(c);
    p->env = next_list(c);
    p->pipe[0] = p->pipe[1] = p->log[0] = p->log[1] = p->both_log = -1;
    if (!p->argv[0])
        c->bad = true;
}

static bool load(struct cursor *c, int fd)
{
    struct stat st;
    ssize_t len;

    if (fstat(fd, &st) < 0 || st.st_size <= 0)
        return false;
    c->at = xcalloc(1, (size_t)st.st_size + 1);     /* the NUL ends a last string that has none */
    len = pread(fd, c->at, (size_t)st.st_size, 0);
    c->end = c->at + (len > 0 ? len : 0);
    return len == st.st_size;
}

bool orders_read(struct orders *o, int fd)
{
    struct cursor c = {0};
    const char *version;

    if (!load(&c, fd))
        return false;
    o->text = c.at;
    version = next_text(&c);
    if (!version || strcmp(version, ORDERS_VERSION) != 0)
        return false;

    o->exec_id = next_text(&c);
    o->run_dir = next_text(&c);
    o->cwd = next_text(&c);
    read_user(o, &c);
    o->wall_ms = next_number(&c);
    o->grace_ms = next_number(&c);
    o->others_ms = next_number(&c);
    o->memory_bytes = next_number(&c);
    o->files_max = next_number(&c);
    o->leash = next_bool(&c);
    o->log_max_bytes = next_number(&c);
    o->warm = next_bool(&c);
    o->how = next_text(&c);
    o->n_processes = (int)next_count(&c);
    o->processes = xcalloc((size_t)o->n_processes + 1, sizeof *o->processes);
    for (int i = 0; i < o->n_processes && !c.bad; i++)
        read_process(&o->processes[i], &c);
    return !c.bad && o->n_processes > 0;
}
