// SPDX-License-Identifier: Apache-2.0
#include "cli/exec.h"

#include "base/err.h"
#include "base/mem.h"
#include "cli/pack.h"
#include "cli/term.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- run --- */
struct run_options {
    const char *framework, *main, *dataset, *group, *workers, *device, *memory, *env, *name, *args;
    bool follow;
};

/* Quotes a word for the args text when it needs it; the server splits like a shell. */
static void add_word(struct text *args, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/=,:+@%";

    text_add_char(args, ' ');
    if (*word && strspn(word, plain) == strlen(word)) {
        text_add(args, word);
        return;
    }
    text_add_char(args, '\'');
    for (; *word; word++)
        if (*word == '\'')
            text_add(args, "'\\''");
        else
            text_add_char(args, *word);
    text_add_char(args, '\'');
}

static void add_option(struct text *args, const char *option, const char *value)
{
    if (!value)
        return;
    text_addf(args, " %s", option);
    add_word(args, value);
}

static char *make_args(const struct run_options *o, const struct pack *pack, char **program)
{
    struct text args = {0};

    text_addf(&args, "--exec-start %s", o->framework ? o->framework : "PyTorch");
    if (pack->folder) {
        add_option(&args, "--model-dir", pack->folder);
        add_option(&args, "--model-main", o->main);
    } else {
        add_option(&args, "--model-main", pack->filename);
    }
    add_option(&args, "--numWorker", o->workers);
    add_option(&args, "--workerDeviceType", o->device);
    add_option(&args, "--workerMemory", o->memory);
    add_option(&args, "--msd-dataset", o->dataset);
    add_option(&args, "--msd-env", o->env);
    add_option(&args, "--appName", o->name);
    if (o->args)
        text_addf(&args, " %s", o->args);
    if (*program)
        text_add(&args, " --");
    for (; *program; program++)
        add_word(&args, *program);
    return text_take(&args);
}

static json_t *submit(struct cli *cli, const struct run_options *o, struct err *err)
{
    CLEANUP(pack_done) struct pack pack = {0};
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    CLEANUP(text_done) struct text path = {0};
    CLEANUP(freep) char *args = NULL;
    CLEANUP(freep) char *escaped = NULL;

    if (pack_make(cli->words[0], &pack, err) < 0)
        return NULL;
    args = make_args(o, &pack, cli->after);
    escaped = client_escape(args);
    text_addf(&path, "/execs?args=%s", escaped);
    if (o->group) {
        CLEANUP(freep) char *group = client_escape(o->group);

        text_addf(&path, "&sigName=%s", group);
    }
    if (client_call(cli->client, "POST", path.data, &(struct upload){ .path = pack.path, .filename = pack.filename },
                    &answer, err) < 0)
        return NULL;
    return json_loadb(answer.body.data, answer.body.len, 0, NULL);
}

int run_command(struct cli *cli, int argc, char **argv)
{
    struct run_options o = {0};
    const struct flag flags[] = {
        { "framework", 0, "NAME", &o.framework }, { "main", 0, "FILE", &o.main }, { "group", 0, "NAME", &o.group },
        { "workers", 0, "N", &o.workers },        { "device", 0, "cpu|gpu", &o.device },
        { "dataset", 0, "NAME", &o.dataset },
        { "memory", 0, "4G", &o.memory },         { "env", 0, "NAME=VALUE", &o.env },
        { "name", 0, "NAME", &o.name },           { "args", 0, "'--option value'", &o.args },
        { "follow", 'f', NULL, &o.follow },
    };
    json_auto_t *record = NULL;
    struct err err = {0};
    int code = cli_flags(cli, argc, argv, flags, ARRAY_LEN(flags));

    if (code < 0 && cli->n_words != 1)
        return cli_usage(cli, cli->n_words ? "one file or folder; arguments of the program go behind --" : "run what?");
    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    record = submit(cli, &o, &err);
    if (!record)
        return cli_fail(&err);
    if (cli->json)
        cli_print_json(record);
    else if (!o.follow)
        printf("%s\n", cli_str(record, "id"));
    return o.follow ? exec_follow(cli, cli_str(record, "id"), "outerrlog") : EXIT_DONE;
}

/* --- ps and show --- */
int ps_command(struct cli *cli, int argc, char **argv)
{
    const char *state = NULL;
    bool all = false;
    const struct flag flags[] = { { "all", 'a', NULL, &all }, { "state", 0, "STATE,...", &state } };
    static const char *const keys[] = { "id", "state", "framework", "creator", "appName", "createTime" };
    json_auto_t *list = NULL;
    CLEANUP(text_done) struct text path = {0};
    struct err err = {0};
    struct table *table;
    size_t i;
    json_t *record;
    int code = cli_flags(cli, argc, argv, flags, ARRAY_LEN(flags));

    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    text_addf(&path, "/execs%s%s", state ? "?state=" : "",
              state ? state : all || cli->json ? "" : "?state=SUBMITTED,PENDING_CRD_SCHEDULER,RUNNING");
    list = client_get(cli->client, path.data, &err);
    if (!list)
        return cli_fail(&err);
    if (cli->json) {
        cli_print_json(list);
        return EXIT_DONE;
    }
    if (json_array_size(list) == 0) {
        puts(all || state ? "No tasks." : "Nothing is running; `trainyard ps --all` shows what has ended.");
        return EXIT_DONE;
    }
    table = table_new(6);
    for (i = 0; i < ARRAY_LEN(keys); i++)
        table_cell(table, ((const char *const[]){ "ID", "STATE", "FRAMEWORK", "USER", "NAME", "SUBMITTED" })[i]);
    json_array_foreach(list, i, record)
        for (size_t k = 0; k < ARRAY_LEN(keys); k++)
            table_cell(table, cli_str(record, keys[k]));
    table_print(table);
    return EXIT_DONE;
}

static int about_one(struct cli *cli, int argc, char **argv, const struct flag *flags, size_t n_flags, char **ret_id)
{
    return cli_one(cli, argc, argv, flags, n_flags, "task", cli_find_exec, ret_id);
}

static json_t *get_exec(struct cli *cli, const char *id, struct err *err)
{
    CLEANUP(text_done) struct text path = {0};

    text_addf(&path, "/execs/%s", id);
    return client_get(cli->client, path.data, err);
}

int show_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *id = NULL;
    json_auto_t *record = NULL;
    struct err err = {0};
    const char *key;
    json_t *value;
    int code = about_one(cli, argc, argv, NULL, 0, &id);

    if (code >= 0)
        return code;
    record = get_exec(cli, id, &err);
    if (!record)
        return cli_fail(&err);
    if (cli->json) {
        cli_print_json(record);
        return EXIT_DONE;
    }
    json_object_foreach(record, key, value) {
        CLEANUP(freep) char *text = json_is_string(value) ? xstrdup(json_string_value(value))
                                                          : json_dumps(value, JSON_ENCODE_ANY);

        if (*text)
            printf("%s%-20s%s %s%s%s\n", term_on(DIM), key, term_off(),
                   term_on(strcmp(key, "state") == 0 ? term_state_colour(text) : PLAIN), text, term_off());
    }
    return EXIT_DONE;
}

/* --- logs --- */
struct follow {
    struct client *client;      /* a second connection: the first one carries the events */
    const char *id, *log_type;
    int64_t offset;             /* bytes printed so far */
    bool ended;
    bool good;
    struct err err;
};

static int print_new(struct follow *f)
{
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    CLEANUP(text_done) struct text path = {0};

    text_addf(&path, "/execs/%s/log?logType=%s&offset=%" PRId64, f->id, f->log_type, f->offset);
    if (client_text(f->client, path.data, &answer, &f->err) < 0)
        return -1;
    fwrite(answer.body.data ? answer.body.data : "", 1, answer.body.len, stdout);
    fflush(stdout);
    f->offset += (int64_t)answer.body.len;
    return 0;
}

/* Whether the task has ended, by its record; errors count as ended. */
static bool has_ended(struct follow *f)
{
    CLEANUP(text_done) struct text path = {0};
    json_auto_t *record = NULL;

    text_addf(&path, "/execs/%s", f->id);
    record = client_get(f->client, path.data, &f->err);
    f->good = record && strcmp(cli_str(record, "state"), "FINISHED") == 0;
    f->ended = !record || cli_state_is_final(cli_str(record, "state"));
    if (record && f->ended && !f->good)
        fprintf(stderr, "%s%s%s %s\n", term_on(RED), cli_str(record, "state"), term_off(), cli_str(record, "events"));
    return f->ended;
}

static bool on_notice(void *arg, const char *kind, const json_t *data)
{
    struct follow *f = arg;

    (void)data;
    if (strcmp(kind, "exec.output") == 0)
        return print_new(f) == 0;
    if (strcmp(kind, "exec.state") == 0)
        return !has_ended(f);
    return true;
}

/* The task may have ended before the stream was open: looked at once a second. */
static bool on_tick(void *arg) { return !has_ended(arg); }

int exec_follow(struct cli *cli, const char *id, const char *log_type)
{
    CLEANUP(client_freep) struct client *second = client_new(&cli->login);
    struct follow f = { .client = second, .id = id, .log_type = log_type };
    int rc = 1;

    if (print_new(&f) < 0)
        return cli_fail(&f.err);
    while (rc > 0 && !f.ended)
        rc = client_events(cli->client, id, on_notice, on_tick, &f, &f.err);
    if (rc < 0 || f.err.kind != ERR_NONE)
        return cli_fail(&f.err);
    if (print_new(&f) < 0)
        return cli_fail(&f.err);
    return f.good ? EXIT_DONE : EXIT_BAD_END;
}

int logs_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *id = NULL;
    CLEANUP(text_done) struct text path = {0};
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    struct err err = {0};
    const char *lines = NULL;
    bool follow = false, only_out = false, only_err = false;
    const struct flag flags[] = {
        { "follow", 'f', NULL, &follow }, { "stdout", 0, NULL, &only_out }, { "stderr", 0, NULL, &only_err },
        { "lines", 'n', "N", &lines },
    };
    const char *type;
    int code = about_one(cli, argc, argv, flags, ARRAY_LEN(flags), &id);

    if (code >= 0)
        return code;
    if (only_out && only_err)
        return cli_usage(cli, "--stdout and --stderr exclude each other; without them both are shown");
    type = only_out ? "outlog" : only_err ? "errlog" : "outerrlog";
    if (follow)
        return exec_follow(cli, id, type);
    text_addf(&path, "/execs/%s/log?logType=%s%s%s", id, type, lines ? "&lastlines=" : "", lines ? lines : "");
    if (client_text(cli->client, path.data, &answer, &err) < 0)
        return cli_fail(&err);
    if (cli->json) {
        json_auto_t *text = json_stringn(answer.body.data ? answer.body.data : "", answer.body.len);

        cli_print_json(text);
    } else {
        fwrite(answer.body.data ? answer.body.data : "", 1, answer.body.len, stdout);
    }
    return EXIT_DONE;
}

/* --- stop, rm, result --- */
int stop_command(struct cli *cli, int argc, char **argv)
{
    return cli_each(cli, argc, argv, &(struct cli_request){ "task", cli_find_exec, "POST", "/execs/", "/stop", "stopping" });
}

int rm_command(struct cli *cli, int argc, char **argv)
{
    return cli_each(cli, argc, argv, &(struct cli_request){ "task", cli_find_exec, "DELETE", "/execs/", "", "removed" });
}

static void show_progress(int64_t bytes, int64_t total)
{
    if (term_is_live() && total > 0)
        fprintf(stderr, "\r%" PRId64 "%% of %.1f MB ", bytes * 100 / total, (double)total / 1e6);
}

int result_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *id = NULL;
    CLEANUP(text_done) struct text path = {0};
    CLEANUP(text_done) struct text to = {0};
    const char *output = NULL;
    const struct flag flags[] = { { "output", 'o', "FILE", &output } };
    int code = about_one(cli, argc, argv, flags, ARRAY_LEN(flags), &id);

    if (code >= 0)
        return code;
    text_addf(&path, "/execs/%s/result", id);
    text_addf(&to, "%s", output ? output : id);
    if (!output)
        text_add(&to, "-result.zip");
    return cli_save(cli, path.data, to.data, show_progress);
}
