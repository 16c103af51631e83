// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Configuration: dlpd.conf, lines of `key = value`, `#` comments. One table (settings_table) has every
 * key with type, range, default, unit and doc; the sample file, `serve --help-config`, GET /conf and
 * docs/admin/settings.md are printed from it. Unknown keys and values out of range are refused with
 * file and line. Read once at start. */

#include "base/field.h"

struct err;
struct text;

struct setting_group {          /* group.<name>.<key>: one instance group */
    const char *name;
    int64_t slots;              /* CPU slots; 0 = one per core */
    const char *gpus;           /* "auto", "none", or indices "0,1" */
    int64_t memory_mib;         /* 0 = the machine's */
    const char *user;           /* OS user that runs tasks; "" = the server's own */
    const char *backend;        /* "local", "null" */
    const char *consumer;
};

struct settings {
    const char *data_dir;               /* from --data */
    const char *http_listen;            /* http.listen = 127.0.0.1:9280 */
    const char *https_listen;           /* https.listen = 0.0.0.0:9243 */
    int64_t http_threads;               /* http.threads = 0 */
    int64_t http_header_max_kib;        /* http.header_max = 32; libmicrohttpd clears a
                                         * buffer of this size for every request */
    int64_t http_body_max_mib;          /* http.body_max = 16: JSON bodies */
    int64_t http_upload_max_mib;        /* http.upload_max = 8192 */
    int64_t http_connections_max;       /* http.connections_max = 1024 */
    int64_t http_idle_s;                /* http.idle_timeout = 120 */
    const char *http_csrf;              /* http.csrf = required | lenient */
    const char *log_level;              /* log.level = info */
    int64_t token_hours;                /* accounts.token_lifetime = 12 */
    int64_t password_cache_s;           /* accounts.password_cache = 600 */
    const char *data_fs;                /* paths.data = <data>/data      -> DLI_DATA_FS */
    const char *shared_fs;              /* paths.shared = <data>/shared  -> DLI_SHARED_FS */
    const char *result_fs;              /* <data>/results                -> DLI_RESULT_FS; not settable */
    const char *python;                 /* paths.python = /usr/bin/python3 */
    const char *conda_home;             /* paths.conda = "" */
    const char *default_conda_env;      /* frameworks.default_env = "" */
    const char *frameworks_dir;         /* paths.frameworks: shipped definitions */
    const char *plugins_dir;            /* paths.plugins = <data>/plugins: site *.conf, rescanned */
    const char *runtime_dir;            /* paths.runtime: runtime/python */
    const char *shepherd;               /* paths.shepherd: program; default beside trainyard */
    int64_t task_grace_s;               /* tasks.stop_grace = 10 */
    int64_t task_wall_max_h;            /* tasks.wall_limit = 0 (none) */
    int64_t task_files_max;             /* tasks.open_files = 65536 */
    bool task_enforce_memory;           /* tasks.enforce_memory = false */
    const char *precreate_model_dir;    /* tasks.precreate_model_dir = auto | always | never */
    int64_t package_entries_max;        /* packages.entries_max = 200000 */
    int64_t package_bytes_max_mib;      /* packages.unpacked_max = 65536 */
    const char *dataset_roots;          /* datasets.roots = "" (paths.data and paths.shared) */
    int64_t dataset_entries_max;        /* datasets.entries_max = 5000000 */
    int64_t dataset_bytes_max_mib;      /* datasets.unpacked_max = 1048576 */
    const char *unknown_group;          /* cluster.unknown_group = refuse | default */
    const char *default_group;          /* cluster.default_group = "default" */
    int64_t warm_interpreters;          /* search.warm_interpreters = 4 */
    int64_t warm_idle_s;                /* search.warm_idle = 60 */
    const char *power_sampling;         /* search.power_sampling = log | linear */
    const char *create_reply;           /* search.create_reply = auto | name | object */
    const char *unknown_algorithm;      /* search.unknown_algorithm = empty | refuse */
    const char *plugin_install;         /* search.plugin_install = users | admins */
    int64_t plugin_limit_s;             /* search.plugin_limit = 600 */
    int64_t plugin_log_max_mib;         /* search.plugin_log_max = 16 */
    const char *success_status;         /* api.success_status = openapi */
    int64_t events_keep_days;           /* events.keep = 90 */
    const struct setting_group *groups; /* at least the default one */
    int n_groups;
};

extern const struct field settings_table[];     /* names as in dlpd.conf; .doc has the default */

/* Reads conf_path, or when it is NULL <data>/dlpd.conf if there is one. data_dir becomes absolute.
 * When groups are described one must be the default group; when none is, there is that one alone.
 * ERR_BAD_INPUT has file and line; ERR_NOT_FOUND when conf_path does not exist. */
struct settings *settings_load(const char *data_dir, const char *conf_path /* may be NULL */,
                               struct err *err);
void settings_free(struct settings *s);
void settings_sample(struct text *out);         /* a commented dlpd.conf with every key */
void settings_public(const struct settings *s, struct text *json);     /* GET /conf: StringMap */
