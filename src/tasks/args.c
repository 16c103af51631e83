// SPDX-License-Identifier: Apache-2.0
#include "tasks/args.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/words.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUOTE_MARK "_QUOTE_"    /* a quote character, for clients that join words without quoting */
#define REDACTED   "***"

struct reading {
    const char *text;           /* the whole line */
    size_t len;
    const struct word *words;
    size_t n, at;
    struct mem *mem;
    struct args *args;
    struct text echo;
    size_t echoed;              /* bytes of `text` already in `echo` */
    size_t program_room, env_room, ignored_room;
};

/* One option of the platform.
 *
 *   take     stores the value; err->field is set to the option's name by the caller
 *   offset   of the member of struct args, where take needs one
 *   min, max of a number
 *   leak     belongs to the client program and is dropped in silence, with its value if it has one
 *   secret   its value is shown as *** and kept nowhere */
struct option {
    const char *name;
    int (*take)(struct reading *r, const struct option *o, const char *value, struct err *err);
    size_t offset;
    double min, max;
    const char *const *words;
    bool bare, leak, secret;
    const char *accepted;
};

static void add_text(struct list *list, size_t *room, struct mem *mem, const char *text)
{
    const char **items = list->items;

    if (list->n == *room) {
        items = mem_alloc(mem, (*room * 2 + 8) * sizeof *items);
        if (list->n > 0)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        *room = *room * 2 + 8;
    }
    items[list->n++] = text;
}

static void add_ignored(struct reading *r, const char *text)
{
    add_text(&r->args->ignored, &r->ignored_room, r->mem, text);
}

static int refuse(const struct option *o, const char *value, struct err *err)
{
    return err_field(err, o->name, o->accepted, "%s takes %s, not \"%.80s\"", o->name, o->accepted,
                     value);
}

/* --- what the options do with their values --- */

static int take_text(struct reading *r, const struct option *o, const char *value, struct err *err)
{
    (void)err;
    *(const char **)((char *)r->args + o->offset) = value;
    return 0;
}

static int take_int(struct reading *r, const struct option *o, const char *value, struct err *err)
{
    char *end;
    long long n;

    errno = 0;
    n = strtoll(value, &end, 10);
    if (end == value || *end || errno || (double)n < o->min || (double)n > o->max)
        return refuse(o, value, err);
    *(int64_t *)((char *)r->args + o->offset) = n;
    return 0;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* A plain decimal number: digits, perhaps with a fraction. NULL when `text` does not begin with
 * one; otherwise what follows it. */
static const char *read_decimal(const char *text, double *ret)
{
    const char *p = text;
    double scale = 1;

    for (*ret = 0; is_digit(*p); p++)
        *ret = *ret * 10 + (*p - '0');
    if (p == text)
        return NULL;
    if (*p != '.')
        return p;
    for (p++; is_digit(*p); p++)
        *ret += (*p - '0') * (scale /= 10);
    return p;
}

/* Cores: "2", "0.5", or in thousandths "500m". */
static int take_cores(struct reading *r, const struct option *o, const char *value, struct err *err)
{
    double cores;
    const char *rest = read_decimal(value, &cores);

    if (rest && text_same(rest, "m")) {
        cores /= 1000;
        rest++;
    }
    if (!rest || *rest || cores < o->min || cores > o->max)
        return refuse(o, value, err);
    r->args->cpu_limit = cores;
    return 0;
}

static int take_memory(struct reading *r, const struct option *o, const char *value,
                       struct err *err)
{
    return args_memory_mib(o->name, value, (int64_t *)((char *)r->args + o->offset), err);
}

static int take_word(struct reading *r, const struct option *o, const char *value, struct err *err)
{
    for (const char *const *w = o->words; *w; w++)
        if (text_same(*w, value))
            return take_text(r, o, *w, err);
    return refuse(o, value, err);
}

static int take_warm_interpreter(struct reading *r, const struct option *o, const char *value,
                           struct err *err)
{
    r->args->cold = text_same(value, "false");
    return r->args->cold || text_same(value, "true") ? 0 : refuse(o, value, err);
}

static int take_user_cmd(struct reading *r, const struct option *o, const char *value,
                         struct err *err)
{
    (void)o, (void)value, (void)err;
    r->args->user_cmd = true;
    return 0;
}

static bool is_variable(const char *text)
{
    const char *p = text;

    while (*p == '_' || is_digit(*p) || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'))
        p++;
    return p > text && *p == '=' && !is_digit(*text);
}

static int take_env(struct reading *r, const struct option *o, const char *value, struct err *err)
{
    if (!is_variable(value))
        return refuse(o, value, err);
    add_text(&r->args->env, &r->env_room, r->mem, value);
    return 0;
}

static int take_ignored(struct reading *r, const struct option *o, const char *value,
                        struct err *err)
{
    (void)err;
    add_ignored(r, o->bare     ? o->name
                   : o->secret ? mem_printf(r->mem, "%s " REDACTED, o->name)
                               : mem_printf(r->mem, "%s %s", o->name, value));
    return 0;
}

/* The container's user and groups mean nothing here, but the program may ask for them. */
static int take_container_id(struct reading *r, const struct option *o, const char *value,
                             struct err *err)
{
    char *name = mem_printf(r->mem, "DLI_SC_%s=%s", o->name + strlen("--sc-"), value);

    for (char *p = name; *p != '='; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
    add_text(&r->args->env, &r->env_room, r->mem, name);
    return take_ignored(r, o, value, err);
}

/* Walks "name=value,name=value", blanks around the parts ignored. False at the end; a part without
 * '=' has value NULL. */
static bool next_pair(struct mem *mem, const char **at, const char **ret_name,
                      const char **ret_value)
{
    char *part, *equals, *end;
    size_t len;

    *at += strspn(*at, ", \t\n");
    len = strcspn(*at, ",");
    if (len == 0)
        return false;
    part = mem_strndup(mem, *at, len);
    *at += len;
    for (end = part + len; end > part && strchr(" \t\n", end[-1]); end--)
        end[-1] = '\0';

    equals = strchr(part, '=');
    if (equals)
        *equals = '\0';
    *ret_name = part;
    *ret_value = equals ? equals + 1 : NULL;
    return true;
}

static int take_datastore(struct reading *r, const struct option *o, const char *value,
                          struct err *err)
{
    const char *at = value, *name, *part, *data_path = NULL;

    while (next_pair(r->mem, &at, &name, &part)) {
        if (!part)
            return refuse(o, value, err);
        if (strcmp(name, "type") == 0 && !text_same(part, "fs"))
            return err_field(err, o->name, o->accepted,
                             "%s names the type \"%.40s\"; the only type is fs", o->name, part);
        if (strcmp(name, "data_path") == 0 && *part)
            data_path = part;
    }
    r->args->datastore_meta = value;
    r->args->data_path = data_path;
    return 0;
}

/* Only maxWorkers of the elastic options means something here; --numWorker wins over it. */
static int take_elastic(struct reading *r, const struct option *o, const char *value,
                        struct err *err)
{
    const struct option workers = {
        .name = o->name, .min = o->min, .max = o->max, .offset = o->offset, .accepted = o->accepted
    };
    int64_t before = r->args->n_workers;
    const char *at = value, *name, *part;

    while (next_pair(r->mem, &at, &name, &part)) {
        if (strcmp(name, "maxWorkers") != 0)
            add_ignored(r, mem_printf(r->mem, "%s %s", o->name, name));
        else if (take_int(r, &workers, part ? part : "", err) < 0)
            return -1;
    }
    if (before != INT_UNSET)
        r->args->n_workers = before;
    return 0;
}

/* --- the table --- */

static const char *const device_types[] = { "cpu", "gpu", NULL };
static const char *const debug_levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const prebuilt_cmds[] = { "train", NULL };

enum { WORKERS_MAX = 100000, DEVICES_MAX = 1024, PS_MAX = 1000, CORES_MAX = 100000,
       PRIORITY_MAX = 1000000000, PENDING_MAX_S = 366 * 24 * 3600 };

#define AT(m)           .offset = offsetof(struct args, m)
#define A_TEXT(m)       take_text, AT(m), .accepted = "a text"
#define A_WORD(m, w, s) take_word, AT(m), .words = (w), .accepted = (s)
#define A_COUNT(m, lo, hi, s) take_int, AT(m), .min = (lo), .max = (hi), .accepted = (s)
#define A_MEMORY(m)     take_memory, AT(m), .accepted = "a size such as 4G or 512M"
#define IGNORED         take_ignored, .accepted = "a value"
#define LEAKED          NULL, .leak = true

#define A_DEVICE_COUNT  A_COUNT(devices_per_worker, 0, DEVICES_MAX, "a whole number from 0 to 1024")

static const struct option options[] = {
    { "--exec-start",            A_TEXT(framework) },
    { "--ig",                    A_TEXT(group) },
    { "--model-main",            A_TEXT(model_main) },
    { "--model-dir",             A_TEXT(model_dir) },
    { "--pbmodel-name",          A_TEXT(prebuilt_name) },
    { "--pbmodel-cmd",           A_WORD(prebuilt_cmd, prebuilt_cmds, "train") },
    { "--user-cmd",              take_user_cmd, .bare = true },
    { "--appName",               A_TEXT(app_name) },
    { "--submit-user",           A_TEXT(submit_user) },
    { "--consumer",              A_TEXT(consumer) },
    { "--conda-home",            A_TEXT(conda_home) },
    { "--conda-env-name",        A_TEXT(conda_env) },
    { "--conda-env-yaml",        IGNORED },
    { "--conda-package",         IGNORED },
    { "--python-version",        A_TEXT(python_version) },
    { "--cs-datastore-meta",     take_datastore, .accepted = "type=fs,data_path=<folder>" },
    { "--data-source",           A_TEXT(data_source) },
    { "--numWorker",             A_COUNT(n_workers, 1, WORKERS_MAX, "a whole number from 1 to 100000") },
    { "--edt-options",           take_elastic, AT(n_workers), .min = 1, .max = WORKERS_MAX,
                                 .accepted = "maxWorkers=<a whole number from 1 to 100000>" },
    { "--gpuPerWorker",          A_DEVICE_COUNT },
    { "--workerDeviceNum",       A_DEVICE_COUNT },
    { "--workerDeviceType",      A_WORD(device_type, device_types, "cpu or gpu") },
    { "--msd-task12n-device-type", A_WORD(device_type, device_types, "cpu or gpu") },
    { "--workerMemory",          A_MEMORY(memory_mib) },
    { "--workerMemoryLimit",     A_MEMORY(memory_limit_mib) },
    { "--workerCPULimit",        take_cores, .min = 0.001, .max = CORES_MAX,
                                 .accepted = "a number of cores such as 2, 0.5 or 500m" },
    { "--workerGPULimit",        IGNORED },
    { "--numPs",                 A_COUNT(n_ps, 0, PS_MAX, "a whole number from 0 to 1000") },
    { "--numDriver",             IGNORED },
    { "--driverDeviceType",      IGNORED },
    { "--driverDeviceNum",       IGNORED },
    { "--driverMemory",          IGNORED },
    { "--driverCPULimit",        IGNORED },
    { "--driverGPULimit",        IGNORED },
    { "--driverMemoryLimit",     IGNORED },
    { "--exclusive",             IGNORED, .bare = true },
    { "--accelerators",          IGNORED },
    { "--mpiarg",                IGNORED },
    { "--sc-runasuser",          take_container_id, .accepted = "a user id" },
    { "--sc-runasgroup",         take_container_id, .accepted = "a group id" },
    { "--sc-fsgroup",            take_container_id, .accepted = "a group id" },
    { "--cs-rmq-meta",           IGNORED },
    { "--cs-url-meta",           IGNORED },
    { "--cs-url-bearer",         IGNORED, .secret = true },
    { "--msd-env",               take_env, .accepted = "NAME=VALUE" },
    { "--msd-dataset",           A_TEXT(dataset) },
    { "--msd-attr",              IGNORED },
    { "--msd-label",             IGNORED },
    { "--msd-image-name",        IGNORED },
    { "--msd-image-pull-secret", IGNORED },
    { "--msd-image-pull-policy", IGNORED },
    { "--msd-priority",          A_COUNT(priority, 1, PRIORITY_MAX, "a whole number from 1 to 1000000000") },
    { "--msd-task0-node-selector",       IGNORED },
    { "--msd-task12n-node-selector",     IGNORED },
    { "--msd-pending-timeout",   A_COUNT(pending_timeout_s, 1, PENDING_MAX_S, "seconds, from 1 to a year") },
    { "--msd-warm-interpreter",        take_warm_interpreter, .accepted = "true or false" },
    { "--msd-podaffinity-rule",          IGNORED },
    { "--msd-podaffinity-topology-key",  IGNORED },
    { "--msd-pack-id",           IGNORED },
    { "--lsf-gpu-syntax",        IGNORED },
    { "--debug-level",           A_WORD(debug_level, debug_levels, "debug, info, warn or error") },
    { "--rest-host",             LEAKED },
    { "--rest-port",             LEAKED },
    { "--master-host",           LEAKED },
    { "--dli-rest-port",         LEAKED },
    { "--username",              LEAKED },
    { "--password",              LEAKED, .secret = true },
    { "--jwt-token",             LEAKED, .secret = true },
    { "--query-args",            LEAKED },
};

/* The option a word names, alone or before '='; whole names only. */
static const struct option *find_option(const char *word)
{
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (strncmp(options[i].name, word, len) == 0 && options[i].name[len] == '\0')
            return &options[i];
    return NULL;
}

/* --- the walk over the words --- */

/* Puts `shown` into the echo in place of the word, and what came before it as it was. */
static void echo_instead(struct reading *r, const struct word *word, const char *shown)
{
    text_add_n(&r->echo, r->text + r->echoed, word->start - r->echoed);
    text_add(&r->echo, shown);
    r->echoed = word->end;
}

/* The value of the option at r->at, which moves to the option's last word; NULL: it has none. */
static const char *read_value(struct reading *r, const struct option *o)
{
    const struct word *word = &r->words[r->at];
    const char *equals = strchr(word->text, '=');

    if (equals) {
        if (o->secret)
            echo_instead(r, word, mem_printf(r->mem, "%s=" REDACTED, o->name));
        return equals + 1;
    }
    if (o->bare || r->at + 1 == r->n)
        return NULL;
    word++;
    if (strcmp(word->text, "--") == 0 || find_option(word->text))
        return NULL;
    if (o->secret)
        echo_instead(r, word, REDACTED);
    r->at++;
    return word->text;
}

static int read_option(struct reading *r, const struct option *o, struct err *err)
{
    const char *value = read_value(r, o);

    if (o->leak)
        return 0;
    if (o->bare && value)
        return err_field(err, o->name, "no value", "%s takes no value", o->name);
    if (!o->bare && (!value || !*value))
        return err_field(err, o->name, o->accepted, "%s needs a value: %s", o->name, o->accepted);
    return o->take(r, o, value, err);
}

/* Whether the word at r->at is the client's own output option: the last word of all, or before a
 * word only that option takes. Anything else so spelled is the program's. */
static bool is_output_option(struct reading *r)
{
    const char *word = r->words[r->at].text, *value = strchr(word, '=');

    if (value)
        return strncmp(word, "--output=", strlen("--output=")) == 0 &&
               (strcmp(value + 1, "json") == 0 || text_starts(value + 1, "custom-columns="));
    if (strcmp(word, "-o") != 0 && strcmp(word, "--output") != 0)
        return false;
    if (r->at + 1 == r->n)
        return true;
    value = r->words[r->at + 1].text;
    if (strcmp(value, "json") != 0 && !text_starts(value, "custom-columns="))
        return false;
    r->at++;
    return true;
}

static void add_program(struct reading *r, const char *word)
{
    add_text(&r->args->program, &r->program_room, r->mem, word);
}

/* The words before a bare "--"; r->at ends on it, or behind the last word. */
static int read_options(struct reading *r, struct err *err)
{
    for (; r->at < r->n && strcmp(r->words[r->at].text, "--") != 0; r->at++) {
        const char *word = r->words[r->at].text;
        const struct option *o = find_option(word);

        if (o && read_option(r, o, err) < 0)
            return -1;
        if (!o && !is_output_option(r))
            add_program(r, word);
    }
    return 0;
}

/* With --user-cmd the words after "--" are the whole command, so words before it have no place. */
static void drop_strays(struct reading *r)
{
    struct list strays = r->args->program;

    r->args->program = (struct list){0};
    r->program_room = 0;
    for (size_t i = 0; i < strays.n; i++)
        add_ignored(r, mem_printf(r->mem, "%s (before --)", ((const char **)strays.items)[i]));
}

/* The words after a bare "--" are the program's as they stand; secrets among them are still not
 * shown. */
static void read_rest(struct reading *r)
{
    if (r->at < r->n && r->args->user_cmd)
        drop_strays(r);
    for (r->at++; r->at < r->n; r->at++) {
        const struct option *o = find_option(r->words[r->at].text);
        size_t option = r->at;

        add_program(r, r->words[option].text);
        if (o && o->secret && read_value(r, o) && r->at > option)
            add_program(r, r->words[r->at].text);
    }
}

static int check_whole(const struct args *a, struct err *err)
{
    if (!a->framework)
        return err_field(err, "--exec-start", "a name from GET /execs/frameworks",
                         "args must say --exec-start and the name of a framework");
    if (a->prebuilt_name && !a->prebuilt_cmd)
        return err_field(err, "--pbmodel-cmd", "train",
                         "--pbmodel-name needs --pbmodel-cmd train beside it");
    if (a->user_cmd && a->program.n == 0)
        return err_field(err, "--user-cmd", "-- <command> <words...>",
                         "--user-cmd needs the command to run after --");
    return 0;
}

int args_parse(const char *text, size_t len, struct mem *mem, struct args *ret, struct err *err)
{
    struct args args = { .n_workers = INT_UNSET,
                         .devices_per_worker = INT_UNSET,
                         .memory_mib = INT_UNSET,
                         .memory_limit_mib = INT_UNSET,
                         .cpu_limit = NAN,
                         .n_ps = INT_UNSET,
                         .priority = INT_UNSET,
                         .pending_timeout_s = INT_UNSET };
    struct reading r = { .text = text, .len = len, .mem = mem, .args = &args };
    struct list words;
    int rc;

    if (len > ARGS_MAX_BYTES)
        return err_field(err, "args", "at most 262144 bytes", "args has %zu bytes; the limit is %d",
                         len, ARGS_MAX_BYTES);
    if (words_split(text, len, QUOTE_MARK, ARGS_WORDS_MAX, mem, &words, err) < 0) {
        struct err why = *err;

        return err_field(err, "args", "UTF-8 text of at most 4096 words", "%s", why.text);
    }

    r.words = words.items;
    r.n = words.n;
    rc = read_options(&r, err);
    if (rc == 0)
        read_rest(&r);
    text_add_n(&r.echo, text + r.echoed, len - r.echoed);
    args.echo = mem_strndup(mem, r.echo.data, r.echo.len);
    text_done(&r.echo);
    if (rc < 0 || check_whole(&args, err) < 0)
        return -1;
    *ret = args;
    return 0;
}

int args_memory_mib(const char *option, const char *text, int64_t *ret_mib, struct err *err)
{
    static const char accepted[] = "a size such as 4G, 512M or 2048 (MiB)";
    static const struct {
        char letter;
        double mib;
    } units[] = {
        { 'k', 1.0 / 1024 },
        { 'm', 1 },
        { 'g', 1024 },
        { 't', 1024 * 1024 },
    };
    enum { MEMORY_MAX_MIB = 1 << 30 }; /* a PiB: beyond any machine, and safe to multiply */
    double mib = 0;
    const char *rest = read_decimal(text, &mib);

    for (size_t i = 0; rest && *rest && i < ARRAY_LEN(units); i++) {
        if ((*rest | 0x20) != units[i].letter)
            continue;
        mib *= units[i].mib;
        rest++;
        if (*rest == 'i' || *rest == 'I')
            rest++;
        if (*rest == 'b' || *rest == 'B')
            rest++;
        break;
    }
    if (!rest || *rest || mib <= 0 || mib > MEMORY_MAX_MIB)
        return err_field(err, option, accepted, "%s takes %s, not \"%.40s\"", option, accepted,
                         text);
    *ret_mib = (int64_t)ceil(mib);
    return 0;
}
