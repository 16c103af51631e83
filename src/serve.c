// SPDX-License-Identifier: Apache-2.0
#include "serve.h"

#include "about_api.h"
#include "accounts/accounts.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/work.h"
#include "cluster/cluster.h"
#include "datasets/datasets.h"
#include "frameworks/framework.h"
#include "http/server.h"
#include "http/stream.h"
#include "http/tls.h"
#include "models/inference_api.h"
#include "models/model_api.h"
#include "models/template_api.h"
#include "models/training_api.h"
#include "models/tuning_api.h"
#include "models/validation_api.h"
#include "search/searches.h"
#include "serving/service_api.h"
#include "store/writer.h"
#include "tasks/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
    WORK_THREADS = 4,       /* for unpacking, zipping and hashing: mostly waiting for the disk */
};

struct options {
    const char *data, *conf, *http, *https;
};

/* Everything that runs, in the order it starts; stop() ends it in the opposite order. */
struct parts {
    struct mem *mem;
    struct settings *settings;
    int lock_fd;
    struct writer *writer;
    struct work *work;
    struct hub *hub;
    struct loop *loop;
    struct accounts *accounts;
    struct cluster *cluster;
    struct frameworks *frameworks;
    struct tasks *tasks;
    struct searches *searches;
    struct datasets *datasets;
    struct about about;
    struct server *server;
    struct route_table tables[32];
};

static void usage(FILE *to)
{
    fputs("usage: trainyard serve --data DIR [--conf FILE] [--http ADDR:PORT] [--https ADDR:PORT]\n"
          "\n"
          "Runs the server. It prints a line `listening ADDRESS` per listener when it answers, logs to\n"
          "standard error, and stops on SIGTERM or Ctrl-C; tasks that run go on and are found again.\n"
          "\n"
          "  --data DIR         where everything is kept; made when absent\n"
          "  --conf FILE        settings (default DIR/dlpd.conf when it exists)\n"
          "  --http ADDR:PORT   plain listener; port 0 takes a free one, \"\" turns it off\n"
          "  --https ADDR:PORT  TLS listener; a certificate is made at first start\n"
          "  --help-config      print every setting with its default, as a sample dlpd.conf\n"
          "\n"
          "examples:\n"
          "  trainyard serve --data /var/lib/trainyard\n"
          "  trainyard serve --data ./data --http 127.0.0.1:9280 --https 127.0.0.1:0\n", to);
}

static int print_sample(void)
{
    CLEANUP(text_done) struct text sample = {0};

    settings_sample(&sample);
    fputs(sample.data, stdout);
    return 0;
}

/* Returns -1 to go on, else the exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        { "data", required_argument, NULL, 'd' },  { "conf", required_argument, NULL, 'c' },
        { "http", required_argument, NULL, 'p' },  { "https", required_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' },        { "help-config", no_argument, NULL, 'H' },
        {0},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (letter) {
        case 'd': o->data = optarg; break;
        case 'c': o->conf = optarg; break;
        case 'p': o->http = optarg; break;
        case 's': o->https = optarg; break;
        case 'H': return print_sample();
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "trainyard serve: what is \"%s\"?\n", argv[optind]);
        return 2;
    }
    if (!o->data) {
        fputs("trainyard serve: --data DIR is missing; for a first try: --data ./trainyard-data\n", stderr);
        return 2;
    }
    return -1;
}

/* One server per data directory. The lock goes with the process, however it ends, and a program that a killed server
 * was just about to start does not inherit it, as it would one of flock(2). */
static int lock_data(struct parts *p, const char *dir, struct err *err)
{
    char *path = mem_printf(p->mem, "%s/server.lock", dir);
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (p->lock_fd < 0)
        return err_errno(err, ERR_UNAVAILABLE, "%s", path);
    if (fcntl(p->lock_fd, F_SETLK, &lock) < 0)
        return err_set(err, ERR_CONFLICT, "another server is running on %s; stop it first or give another --data", dir);
    return 0;
}

static int make_folders(struct parts *p, struct err *err)
{
    static const char *const names[] = { "results", "run", "uploads", "searches", "tls", "plugins", "datasets", "datasets/.new" };
    const char *dir = p->settings->data_dir;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (file_mkdirs(mem_printf(p->mem, "%s/%s", dir, names[i]), 0711, err) < 0)
            return -1;
    if (chmod(mem_printf(p->mem, "%s/tls", dir), 0700) < 0)
        return err_errno(err, ERR_UNAVAILABLE, "%s/tls", dir);
    if (file_mkdirs(p->settings->data_fs, 0777, err) < 0)
        return -1;
    return file_mkdirs(p->settings->shared_fs, 0755, err);
}

static void set_log_level(const char *name)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            log_set_level((enum log_level)i);
}

static int start_settings(struct parts *p, const struct options *o, struct err *err)
{
    const char *conf = o->conf;
    char *dir;

    if (file_mkdirs(o->data, 0711, err) < 0)
        return -1;
    dir = realpath(o->data, NULL);
    if (!dir)
        return err_errno(err, ERR_UNAVAILABLE, "%s", o->data);
    if (!conf) {
        conf = mem_printf(p->mem, "%s/dlpd.conf", dir);
        conf = file_exists(conf) ? conf : NULL;
    }
    p->settings = settings_load(dir, conf, err);
    free(dir);
    if (!p->settings)
        return -1;
    set_log_level(p->settings->log_level);
    if (lock_data(p, p->settings->data_dir, err) < 0)
        return -1;
    return make_folders(p, err);
}

static int start_base(struct parts *p, const char *db_path, struct err *err)
{
    p->writer = writer_start(db_path, err);
    if (!p->writer)
        return -1;
    p->work = work_start(WORK_THREADS, err);
    if (!p->work)
        return -1;
    p->hub = hub_new();
    p->loop = loop_new(err);
    return p->loop ? 0 : -1;
}

static int start_rooms(struct parts *p, const char *db_path, struct err *err)
{
    struct tasks_config tasks;

    p->accounts = accounts_new(p->settings, p->writer, err);
    if (!p->accounts)
        return -1;
    p->cluster = cluster_new(p->settings, err);
    if (!p->cluster)
        return -1;
    p->frameworks = frameworks_new(p->settings, err);
    if (!p->frameworks)
        return -1;
    tasks = (struct tasks_config){ .settings = p->settings, .cluster = p->cluster,
                                   .frameworks = p->frameworks, .writer = p->writer, .work = p->work,
                                   .loop = p->loop, .hub = p->hub, .db_path = db_path };
    p->tasks = tasks_new(&tasks, err);
    if (!p->tasks)
        return -1;
    p->searches = searches_new(p->tasks, err);
    if (!p->searches)
        return -1;
    p->datasets = datasets_new(p->tasks, err);
    if (!p->datasets)
        return -1;
    if (loop_start(p->loop, "engine", err) < 0 || tasks_recover(p->tasks, err) < 0)
        return -1;
    if (searches_recover(p->searches, err) < 0)
        return -1;
    return datasets_recover(p->datasets, err);
}

/* Every route of the server; OpenAPI and the tests walk the same list. */
static void fill_tables(struct parts *p)
{
    const struct route_table tables[] = {
        { BASE_DL, about_routes, &p->about },
        { BASE_DL, accounts_routes, p->accounts },
        { "/auth/v1", accounts_auth_routes, p->accounts },
        { BASE_CONDUCTOR, accounts_conductor_routes, p->accounts },
        { "/platform/rest/ego/v1", accounts_ego_routes, p->accounts },
        { "/dlim/v1", accounts_dlim_routes, p->accounts },
        { BASE_DL, frameworks_routes, p->frameworks },
        { BASE_DL, exec_routes, p->tasks },
        { BASE_DL, metrics_routes, p->tasks },
        { BASE_DL, events_routes, p->tasks },
        { BASE_DL, scheduler_routes, p->tasks },
        { BASE_CONDUCTOR, conductor_routes, p->tasks },
        { BASE_DL, algorithms_routes, p->searches },
        { BASE_DL, searches_routes, p->searches },
        { BASE_DL, learn_routes, p->searches },
        { BASE_DL, datasets_routes, p->datasets },
        { BASE_DL, dataset_look_routes, p->datasets },
        { BASE_DL, templates_routes, NULL },
        { BASE_DL, models_routes, NULL },
        { BASE_DL, trainings_routes, NULL },
        { BASE_DL, tunings_routes, NULL },
        { BASE_DL, validations_routes, NULL },
        { BASE_DL, inferences_routes, NULL },
        { BASE_DL, services_routes, NULL },
    };

    _Static_assert(sizeof tables < sizeof p->tables, "the list ends with an empty table");
    memcpy(p->tables, tables, sizeof tables);
    p->about = (struct about){ p->settings, p->tables };
}

static int start_server(struct parts *p, const struct options *o, const char *db_path, struct err *err)
{
    const struct settings *s = p->settings;
    struct server_config config = {
        .http = o->http ? o->http : s->http_listen,
        .https = o->https ? o->https : s->https_listen,
        .cert_path = mem_printf(p->mem, "%s/tls/cert.pem", s->data_dir),
        .key_path = mem_printf(p->mem, "%s/tls/key.pem", s->data_dir),
        .n_threads = (int)s->http_threads,
        .header_max_bytes = s->http_header_max_kib << 10,
        .body_max_bytes = s->http_body_max_mib << 20,
        .form_max_bytes = s->http_upload_max_mib << 20,
        .connections_max = s->http_connections_max,
        .idle_s = s->http_idle_s,
        .spool_dir = mem_printf(p->mem, "%s/uploads", s->data_dir),
        .db_path = db_path,
        .tables = p->tables,
        .identity = accounts_identity(p->accounts),
        .writer = p->writer,
        .work = p->work,
    };

    if (config.https[0] && tls_ensure(config.cert_path, config.key_path, err) < 0)
        return -1;
    p->server = server_start(&config, err);
    return p->server ? 0 : -1;
}

static int start(struct parts *p, const struct options *o, struct err *err)
{
    const char *db_path;

    if (start_settings(p, o, err) < 0)
        return -1;
    db_path = mem_printf(p->mem, "%s/trainyard.db", p->settings->data_dir);
    if (start_base(p, db_path, err) < 0 || start_rooms(p, db_path, err) < 0)
        return -1;
    fill_tables(p);
    return start_server(p, o, db_path, err);
}

static void stop(struct parts *p)
{
    server_stop(p->server);
    if (p->loop)
        loop_stop(p->loop);
    hub_free(p->hub);           /* nobody publishes any more */
    work_stop(p->work);
    writer_stop(p->writer);
    datasets_free(p->datasets);
    searches_free(p->searches);
    tasks_free(p->tasks);
    frameworks_free(p->frameworks);
    cluster_free(p->cluster);
    accounts_free(p->accounts);
    loop_free(p->loop);
    settings_free(p->settings);
    if (p->lock_fd >= 0)
        close(p->lock_fd);
    mem_free(p->mem);
}

/* Tells systemd (Type=notify) that we answer; without NOTIFY_SOCKET nothing happens. sd_notify(3). */
static void notify_ready(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    CLEANUP(fd_closep) int fd = -1;

    if (!path || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
        log_warn("serve.notify", "reason=\"%s\"", strerror(errno));
}

int serve_command(int argc, char **argv)
{
    struct parts parts = { .mem = mem_new(), .lock_fd = -1 };
    struct options options = {0};
    struct err err = {0};
    int64_t began = clock_mono_ms();
    int code = read_options(argc, argv, &options);
    sigset_t signals;
    int number;

    if (code >= 0) {
        mem_free(parts.mem);
        return code;
    }
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);     /* before any thread starts: all inherit it */
    mallopt(M_ARENA_MAX, 2);    /* an arena per thread would hold megabytes for nothing */
    if (start(&parts, &options, &err) < 0) {
        fprintf(stderr, "trainyard serve: %s\n", err.text);
        stop(&parts);
        return 1;
    }
    for (int i = 0; server_address(parts.server, i); i++)
        printf("listening %s\n", server_address(parts.server, i));
    fflush(stdout);
    notify_ready();
    malloc_trim(0);             /* what start-up needed only once */
    log_info("serve.start", "data=\"%s\" version=%s ms=%" PRId64, parts.settings->data_dir, TRAINYARD_VERSION,
             clock_mono_ms() - began);
    sigwait(&signals, &number);
    log_info("serve.stop", "signal=%d", number);
    stop(&parts);
    return 0;
}
