// SPDX-License-Identifier: Apache-2.0
#include "shepherd/shepherd.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Since the shepherd is a subreaper, whoever descends from its children stays below it in the tree of
 * processes, whatever session or group it made for itself. So does the sheepdog, for a program that was started warm. */
struct family {
    pid_t *pids;
    size_t n, cap;
};

static void add(struct family *f, pid_t pid)
{
    if (f->n == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 64;
        f->pids = xrealloc(f->pids, f->cap * sizeof *f->pids);
    }
    f->pids[f->n++] = pid;
}

static void done(struct family *f) { free(f->pids); }

/* A small file of /proc as text; "" when the process has gone. */
static void read_proc(const char *path, char *buf, size_t size)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, buf, size - 1) : 0;

    buf[len > 0 ? len : 0] = '\0';
}

/* The children of one thread. A list longer than the buffer is finished in the next round of killing. */
static void add_children(struct family *f, pid_t pid, const char *thread)
{
    char path[300], list[16384];
    char *at = list, *end;
    long child;

    snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, thread);
    read_proc(path, list, sizeof list);
    for (child = strtol(at, &end, 10); end > at; child = strtol(at, &end, 10)) {
        if (*end != ' ')
            return;     /* cut off in the middle of a number */
        add(f, (pid_t)child);
        at = end;
    }
}

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static void add_children_of_threads(struct family *f, pid_t pid)
{
    CLEANUP(closedirp) DIR *dir = NULL;
    const struct dirent *e;
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    dir = opendir(path);
    if (!dir)
        return;
    for (e = readdir(dir); e; e = readdir(dir))
        if (isdigit((unsigned char)e->d_name[0]))
            add_children(f, pid, e->d_name);
}

/* Parents before children. The sheepdog itself must live: it tells how the program ended. */
static void find_all(const struct shepherd *s, struct family *f)
{
    add_children_of_threads(f, getpid());
    if (s->sheepdog)
        add_children_of_threads(f, s->sheepdog);
    for (size_t i = 0; i < f->n; i++)
        add_children_of_threads(f, f->pids[i]);
}

void family_signal(const struct shepherd *s, int sig)
{
    CLEANUP(done) struct family f = {0};
    const struct process *p = s->orders.processes;

    find_all(s, &f);
    for (size_t i = 0; i < f.n; i++)
        kill(f.pids[i], sig);
    if (f.n > 0)
        return;
    /* A kernel without the lists of children: at least the groups whose leaders we have not reaped. */
    for (; p < s->orders.processes + s->orders.n_processes; p++)
        if (p->pid > 0)
            kill(-p->pid, sig);
}

static int64_t resident_bytes(pid_t pid)
{
    char path[64], buf[128];
    long long pages = 0;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    read_proc(path, buf, sizeof buf);
    return sscanf(buf, "%*d %lld", &pages) == 1 ? pages * sysconf(_SC_PAGESIZE) : 0;
}

/* A page that n processes share counts 1/n for each. */
static int64_t proportional_bytes(pid_t pid)
{
    char path[64], buf[1024];
    long long kib = 0;
    const char *at;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    read_proc(path, buf, sizeof buf);
    at = strstr(buf, "\nPss:");
    if (!at || sscanf(at + strlen("\nPss:"), "%lld", &kib) != 1)
        return resident_bytes(pid);
    return kib * 1024;
}

static int64_t sum(const struct family *f, int64_t (*bytes)(pid_t pid))
{
    int64_t total = 0;

    for (size_t i = 0; i < f->n; i++)
        total += bytes(f->pids[i]);
    return total;
}

/* The resident size is cheap but counts what forked workers share once for each of them, so above the
 * limit the costly exact figure decides. */
int64_t family_memory(const struct shepherd *s)
{
    CLEANUP(done) struct family f = {0};
    int64_t bytes;

    find_all(s, &f);
    bytes = sum(&f, resident_bytes);
    return bytes > s->orders.memory_bytes ? sum(&f, proportional_bytes) : bytes;
}
