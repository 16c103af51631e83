// SPDX-License-Identifier: Apache-2.0
#include "cluster/local/local.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/orders.h"
#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

enum {
    ROUNDS_MAX = 20,            /* each finds what was born while the one before killed */
    DEATH_MS = 2000,            /* how long one round waits for a killed process to be gone */
    GROUPS_MAX = 1024,
};

struct search {
    char marker[300];
    size_t marker_len;          /* with its NUL */
    pid_t groups[GROUPS_MAX];   /* recorded by the shepherd, and still the same */
    int n_groups;
};

static void closedirp(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* All of a file of /proc; "" when the process has gone or is not ours to look at. */
static void read_all(const char *path, struct text *out)
{
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char buf[4096];
    ssize_t len;

    text_clear(out);
    text_add(out, "");
    if (fd < 0)
        return;
    for (len = read(fd, buf, sizeof buf); len > 0; len = read(fd, buf, sizeof buf))
        text_add_n(out, buf, (size_t)len);
}

/* The fields of /proc/<pid>/stat behind the name, which may hold blanks and parentheses itself. */
static bool read_stat(pid_t pid, char *ret_state, pid_t *ret_group, unsigned long long *ret_start)
{
    CLEANUP(text_done) struct text text = {0};
    const char *rest;
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    read_all(path, &text);
    rest = strrchr(text.data, ')');
    return rest && sscanf(rest, ") %c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                          "%*d %llu", ret_state, ret_group, ret_start) == 3;
}

/* A number is no longer our group when its leader is younger than the note: then the group had died and
 * the number was given out again. While any member lives, the kernel does not do that. */
static bool is_still_ours(pid_t group, long long noted_ms)
{
    long long tick_ms = 1000 / sysconf(_SC_CLK_TCK);
    unsigned long long start;
    pid_t of;
    char state;

    return !read_stat(group, &state, &of, &start) || (long long)start * tick_ms <= noted_ms + tick_ms;
}

/* False: the machine was started anew since, so nothing is left. */
static bool read_groups(struct search *s, const char *run_dir)
{
    CLEANUP(text_done) struct text text = {0};
    CLEANUP(text_done) struct text machine = {0};
    CLEANUP(freep) char *path = NULL;
    const char *noted;
    long long noted_ms;
    int group;

    if (asprintf(&path, "%s/" LOCK_FILE, run_dir) < 0)
        abort();
    read_all(path, &text);
    read_all(BOOT_ID_FILE, &machine);
    noted = strstr(text.data, "machine ");
    if (noted && strncmp(noted + strlen("machine "), machine.data, machine.len) != 0)
        return false;
    for (const char *at = strstr(text.data, "group "); at; at = strstr(at + 1, "group "))
        if (sscanf(at, "group %d %lld", &group, &noted_ms) == 2 && group > 1 && s->n_groups < GROUPS_MAX
            && is_still_ours(group, noted_ms))
            s->groups[s->n_groups++] = group;
    return true;
}

static bool has_marker(const struct search *s, pid_t pid)
{
    CLEANUP(text_done) struct text env = {0};
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    read_all(path, &env);
    for (const char *at = env.data; at && (size_t)(at - env.data) + s->marker_len <= env.len;) {
        if (memcmp(at, s->marker, s->marker_len) == 0)
            return true;
        at = memchr(at, '\0', env.len - (size_t)(at - env.data));
        at = at ? at + 1 : NULL;
    }
    return false;
}

static bool is_ours(const struct search *s, pid_t pid)
{
    unsigned long long start;
    pid_t group;
    char state;

    if (!read_stat(pid, &state, &group, &start) || state == 'Z' || state == 'X')
        return false;
    for (int i = 0; i < s->n_groups; i++)
        if (s->groups[i] == group)
            return true;
    return has_marker(s, pid);
}

/* The descriptor keeps the number from naming another process between the look and the kill. */
static bool kill_if_ours(const struct search *s, pid_t pid)
{
    CLEANUP(fd_closep) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd gone = { .fd = fd, .events = POLLIN };

    if (fd < 0 || !is_ours(s, pid))
        return false;
    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    poll(&gone, 1, DEATH_MS);
    return true;
}

/* Returns how many it killed. */
static int kill_round(const struct search *s)
{
    CLEANUP(closedirp) DIR *dir = opendir("/proc");
    const struct dirent *e;
    int n = 0;
    pid_t pid;

    if (!dir)
        return 0;
    for (e = readdir(dir); e; e = readdir(dir)) {
        pid = isdigit((unsigned char)e->d_name[0]) ? (pid_t)strtol(e->d_name, NULL, 10) : 0;
        if (pid > 1 && pid != getpid())
            n += kill_if_ours(s, pid);
    }
    return n;
}

void remains_kill(const char *exec_id, const char *run_dir)
{
    CLEANUP(freep) struct search *s = xcalloc(1, sizeof *s);
    int len = snprintf(s->marker, sizeof s->marker, "TRAINYARD_TASK=%s", exec_id);

    s->marker_len = (size_t)len + 1;
    if (len >= (int)sizeof s->marker || !read_groups(s, run_dir))
        return;
    for (int i = 0; i < ROUNDS_MAX; i++)
        if (kill_round(s) == 0)
            return;
}
