// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    FREE_MIN_MIB = 2048,        /* below, one package of a usual model may not fit */
    FILES_MIN = 4096,           /* a connection and a few pipes per task */
    YEAR_MIN = 2024,            /* an earlier clock makes every certificate invalid */
};

enum verdict { GOOD, WARN, BAD };

struct report {
    json_t *list;               /* NULL when printing for people */
    enum verdict worst;
};

extern char **environ;

static void tell(struct report *r, enum verdict verdict, const char *what, const char *found, const char *advice)
{
    static const char *const words[] = { "ok", "warning", "problem" };
    static const enum term_colour colours[] = { GREEN, YELLOW, RED };

    if (verdict > r->worst)
        r->worst = verdict;
    if (r->list) {
        json_array_append_new(r->list, json_pack("{s:s, s:s, s:s, s:s}", "check", what, "verdict", words[verdict],
                                                 "found", found, "advice", verdict == GOOD ? "" : advice));
        return;
    }
    printf("%s%-8s%s %-14s %s\n", term_on(colours[verdict]), words[verdict], term_off(), what, found);
    if (verdict != GOOD)
        printf("%24s%s\n", "", advice);
}

static void check_disk(struct report *r, const char *dir)
{
    struct statvfs fs;
    char found[300];
    int64_t free_mib;

    if (statvfs(dir, &fs) < 0) {
        snprintf(found, sizeof found, "%s: %s", dir, strerror(errno));
        tell(r, BAD, "data folder", found, "make it, or name another one with --data");
        return;
    }
    free_mib = (int64_t)(fs.f_bavail * (fs.f_frsize >> 10)) >> 10;
    snprintf(found, sizeof found, "%" PRId64 " MiB free below %.200s", free_mib, dir);
    tell(r, free_mib < FREE_MIN_MIB ? WARN : GOOD, "disk", found, "free some, or move the data folder to a larger disk");
    if (access(dir, W_OK) < 0)
        tell(r, BAD, "data folder", "not writable for this user", "run the server as its owner, or chown it");
}

static void check_limits(struct report *r)
{
    struct rlimit limit;
    char found[80];

    getrlimit(RLIMIT_NOFILE, &limit);
    snprintf(found, sizeof found, "%" PRIu64 " open files (at most %" PRIu64 ")", (uint64_t)limit.rlim_cur,
             (uint64_t)limit.rlim_max);
    tell(r, limit.rlim_max < FILES_MIN ? WARN : GOOD, "limits", found,
         "raise LimitNOFILE= in the systemd unit, or `ulimit -n 65536` before starting");
}

static void check_clock(struct report *r)
{
    char found[32];
    time_t now = time(NULL);
    struct tm tm;

    gmtime_r(&now, &tm);
    tell(r, tm.tm_year + 1900 < YEAR_MIN ? BAD : GOOD, "clock", clock_utc_text(clock_unix_ms(), found),
         "set the clock (timedatectl set-ntp true): tokens and certificates depend on it");
}

/* Runs a short Python program; its one line of output into `out`. */
static int ask_python(const char *code, char *out, size_t size)
{
    char *argv[] = { "/usr/bin/python3", "-c", (char *)code, NULL };
    posix_spawn_file_actions_t actions;
    int ends[2], status = -1;
    ssize_t n;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    n = read(ends[0], out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void check_interpreters(struct report *r)
{
    char found[200];

    if (ask_python("import sys; print('/usr/bin/python3 is', sys.version.split()[0])", found, sizeof found) < 0) {
        tell(r, BAD, "python", "/usr/bin/python3 does not run", "apt install python3, or set paths.python");
        return;
    }
    tell(r, GOOD, "python", found, "");
    if (ask_python("import importlib.metadata as m; print('PyTorch', m.version('torch'))", found, sizeof found) < 0)
        tell(r, WARN, "frameworks", "PyTorch is not installed for it",
             "apt install python3-torch libopenblas0-pthread; other interpreters: docs/admin/frameworks.md");
    else
        tell(r, GOOD, "frameworks", found, "");
}

static void check_server(struct report *r, struct cli *cli)
{
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    struct err err = {0};

    if (cli_connect(cli) >= 0) {
        tell(r, WARN, "server", "no login yet", "trainyard login ADDRESS");
        return;
    }
    if (client_call(cli->client, "GET", "/status", NULL, &answer, &err) < 0)
        tell(r, BAD, "server", err.text, "start it with `trainyard serve --data DIR`, or sign in again");
    else
        tell(r, GOOD, "server", cli->login.url, "");
    if (text_starts(cli->login.url, "https://") && cli->login.insecure)
        tell(r, WARN, "certificate", "is not checked (login --insecure)",
             "put a certificate your machines trust into <data>/tls/cert.pem and key.pem");
}

int doctor_command(struct cli *cli, int argc, char **argv)
{
    const char *data = "/var/lib/trainyard";
    const struct flag flags[] = { { "data", 0, "DIR", &data } };
    struct report report = {0};
    int code = cli_flags(cli, argc, argv, flags, ARRAY_LEN(flags));

    if (code >= 0)
        return code;
    if (cli->n_words > 0)
        return cli_usage(cli, "doctor takes options only");
    report.list = cli->json ? json_array() : NULL;
    check_disk(&report, file_is_dir(data) ? data : ".");
    check_limits(&report);
    check_clock(&report);
    check_interpreters(&report);
    check_server(&report, cli);
    if (report.list)
        cli_print_json(report.list);
    json_decref(report.list);
    return report.worst == BAD ? EXIT_REFUSED : EXIT_DONE;
}
