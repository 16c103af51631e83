// SPDX-License-Identifier: Apache-2.0
#include "cli/search.h"

#include "base/err.h"
#include "base/field.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/reader.h"
#include "cli/pack.h"
#include "cli/term.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SEARCH_FILE_MAX = 16 << 20 /* bytes */, BEST_ROWS = 5 };

/* --- start --- */
struct start {
    const char *document, *package;
    const char *prior;          /* a file; NULL: none */
    const char *warm;           /* an earlier search; NULL: none */
};

/* Names the earlier search among the parameters of the algorithm. */
static int add_warm_start(struct cli *cli, const char *prefix, struct text *document, struct err *err)
{
    CLEANUP(freep) char *name = cli_find_search(cli, prefix, err);
    json_auto_t *json = name ? reader_parse_object(document->data ? document->data : "", document->len, err) : NULL;
    json_t *algo = json_object_get(json, "algoDef"), *params = json_object_get(algo, "algoParams");

    if (!json)
        return -1;
    if (!json_is_object(algo))
        return err_set(err, ERR_BAD_INPUT, "the search document has no algoDef");
    if (!json_is_array(params)) {
        params = json_array();
        json_object_set_new(algo, "algoParams", params);
    }
    json_array_append_new(params, json_pack("{s:s, s:s}", "name", "WarmStart", "value", name));
    text_clear(document);
    json_to_text(json, document);
    return 0;
}

static char *start_search(struct cli *cli, const struct start *s, struct err *err)
{
    CLEANUP(pack_done) struct pack pack = {0};
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    CLEANUP(text_done) struct text text = {0};
    json_auto_t *reply = NULL;
    struct upload upload = { .prior = s->prior };

    if (file_read(s->document, SEARCH_FILE_MAX, &text, err) < 0)
        return NULL;
    if (s->warm && add_warm_start(cli, s->warm, &text, err) < 0)
        return NULL;
    if (s->package && pack_make(s->package, &pack, err) < 0)
        return NULL;
    if (s->prior && !file_exists(s->prior)) {
        err_set(err, ERR_NOT_FOUND, "there is no file %s", s->prior);
        return NULL;
    }
    upload.data = text.data;
    upload.path = pack.path;
    upload.filename = pack.filename;
    if (client_call(cli->client, "POST", "/hypersearch", &upload, &answer, err) < 0)
        return NULL;
    reply = json_loadb(answer.body.data, answer.body.len, JSON_DECODE_ANY, NULL);
    return xstrdup(json_is_string(reply) ? json_string_value(reply) : cli_str(reply, "uid"));
}

int search_start_command(struct cli *cli, int argc, char **argv)
{
    struct start start = {0};
    bool watch = false;
    const struct flag flags[] = { { "file", 0, "PATH", &start.package }, { "watch", 'w', NULL, &watch },
                                  { "prior", 0, "FILE", &start.prior }, { "warm-start", 0, "NAME", &start.warm } };
    CLEANUP(freep) char *name = NULL;
    struct err err = {0};
    int code = cli_flags(cli, argc, argv, flags, ARRAY_LEN(flags));

    if (code < 0 && cli->n_words != 1)
        return cli_usage(cli, "which search document?");
    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    start.document = cli->words[0];
    name = start_search(cli, &start, &err);
    if (!name)
        return cli_fail(&err);
    if (cli->json) {
        json_auto_t *reply = json_pack("{s:s}", "hpoName", name);

        cli_print_json(reply);
    } else if (!watch) {
        printf("%s\n", name);
    }
    return watch ? search_follow(cli, name) : EXIT_DONE;
}

/* --- ls --- */
int search_ls_command(struct cli *cli, int argc, char **argv)
{
    static const struct cli_listing searches = {
        .path = "/hypersearch", .brief = "/hypersearch?fields=hpoName,state,progress,duration,creator,createtime",
        .none = "No searches yet; `trainyard search start --help` shows how to start one.",
        .columns = { { "NAME", "hpoName" }, { "STATE", "state" }, { "TRIALS", "progress" }, { "DURATION", "duration" },
                     { "USER", "creator" }, { "STARTED", "createtime" } },
    };

    return cli_list(cli, argc, argv, &searches);
}

/* --- show --- */
static double metric_of(const json_t *experiment) { return json_number_value(json_object_get(experiment, "metricVal")); }

static bool maximizes(const json_t *search)
{
    const char *objective = cli_str(json_object_get(search, "algoDef"), "objective");

    return text_same(objective, "maximize");
}

static bool ended_well(const json_t *experiment) { return strcmp(cli_str(experiment, "state"), "FINISHED") == 0; }

/* The finished experiment that ranks next after `last` (NULL: the best). Ties keep the lower id. */
static const json_t *next_best(const json_t *search, const json_t *const *shown, int n_shown)
{
    const json_t *best = NULL;
    const json_t *list = json_object_get(search, "experiments");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        bool taken = !ended_well(e);

        for (int k = 0; k < n_shown; k++)
            taken |= shown[k] == e;
        if (!taken && (!best || (maximizes(search) ? metric_of(e) > metric_of(best) : metric_of(e) < metric_of(best))))
            best = e;
    }
    return best;
}

/* A hyperparameter's value: numbers with six digits, which are enough to look at. */
static void add_value(struct table *table, const char *value)
{
    char text[40], *end;
    double number = strtod(value, &end);

    snprintf(text, sizeof text, "%.6g", number);
    table_cell(table, *value && !*end ? text : value);
}

static void add_row(struct table *table, const json_t *e, const json_t *names)
{
    char text[40];

    snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(e, "id")));
    table_cell(table, text);
    snprintf(text, sizeof text, "%.6g", metric_of(e));
    table_cell(table, text);
    for (size_t k = 0; k < json_array_size(names); k++)
        add_value(table, cli_str(json_array_get(json_object_get(e, "hyperParams"), k), "fixedVal"));
    table_cell(table, cli_str(e, "appId"));
}

void search_print_best(const json_t *search, int n_rows)
{
    const json_t *shown[BEST_ROWS];
    const json_t *names = json_object_get(json_object_get(search, "best"), "hyperParams");
    struct table *table;

    if (!names)
        return;
    printf("\n%sBest trials%s\n", term_on(BOLD), term_off());
    table = table_new((int)json_array_size(names) + 3);
    table_cell(table, "TRIAL");
    table_cell(table, cli_str(json_object_get(search, "algoDef"), "objectiveMetric"));
    for (size_t k = 0; k < json_array_size(names); k++)
        table_cell(table, cli_str(json_array_get(names, k), "name"));
    table_cell(table, "TASK");
    for (int i = 0; i < n_rows && i < BEST_ROWS; i++) {
        shown[i] = next_best(search, shown, i);
        if (!shown[i])
            break;
        add_row(table, shown[i], names);
    }
    table_print(table);
}

static int about_one(struct cli *cli, int argc, char **argv, const struct flag *flags, size_t n_flags, char **ret_name)
{
    return cli_one(cli, argc, argv, flags, n_flags, "search", cli_find_search, ret_name);
}

static json_t *get_search(struct client *client, const char *name, struct err *err)
{
    CLEANUP(freep) char *escaped = client_escape(name);
    CLEANUP(text_done) struct text path = {0};

    text_addf(&path, "/hypersearch/%s", escaped);
    return client_get(client, path.data, err);
}

static void print_prior(const json_t *prior)
{
    if (prior)
        printf("began with %" JSON_INTEGER_FORMAT " known points, %" JSON_INTEGER_FORMAT " were skipped\n",
               json_integer_value(json_object_get(prior, "told")), json_integer_value(json_object_get(prior, "skipped")));
}

int search_show_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *name = NULL;
    json_auto_t *search = NULL;
    struct err err = {0};
    const char *state;
    bool importance = false;
    const struct flag flags[] = { { "importance", 'i', NULL, &importance } };
    int code = about_one(cli, argc, argv, flags, ARRAY_LEN(flags), &name);

    if (code >= 0)
        return code;
    if (importance)
        return search_show_importance(cli, name);
    search = get_search(cli->client, name, &err);
    if (!search)
        return cli_fail(&err);
    if (cli->json) {
        cli_print_json(search);
        return EXIT_DONE;
    }
    state = cli_str(search, "state");
    printf("%s%s%s  %s%s%s  %s trials in %s, %" JSON_INTEGER_FORMAT " failed\n", term_on(BOLD), name, term_off(),
           term_on(term_state_colour(state)), state, term_off(), cli_str(search, "progress"), cli_str(search, "duration"),
           json_integer_value(json_object_get(search, "failed")));
    if (*cli_str(search, "message"))
        printf("%s\n", cli_str(search, "message"));
    print_prior(json_object_get(search, "prior"));
    search_print_best(search, BEST_ROWS);
    return EXIT_DONE;
}

int search_watch_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *name = NULL;
    int code = about_one(cli, argc, argv, NULL, 0, &name);

    return code >= 0 ? code : search_follow(cli, name);
}

/* --- stop, restart, rm --- */
static int change(struct cli *cli, const char *name, const char *method, const char *suffix, const char *done)
{
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    CLEANUP(freep) char *escaped = client_escape(name);
    CLEANUP(text_done) struct text path = {0};
    struct err err = {0};

    text_addf(&path, "/hypersearch/%s%s", escaped, suffix);
    if (client_call(cli->client, method, path.data, NULL, &answer, &err) < 0)
        return cli_fail(&err);
    if (!cli->json)
        printf("%s %s\n", done, name);
    return EXIT_DONE;
}

int search_stop_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *name = NULL;
    bool force = false;
    const struct flag flags[] = { { "force", 0, NULL, &force } };
    int code = about_one(cli, argc, argv, flags, ARRAY_LEN(flags), &name);

    return code >= 0 ? code : change(cli, name, "PUT", force ? "/force" : "", "stopping");
}

int search_restart_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *name = NULL;
    int code = about_one(cli, argc, argv, NULL, 0, &name);

    return code >= 0 ? code : change(cli, name, "PUT", "/restart", "restarted");
}

int search_rm_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *name = NULL;
    bool with_tasks = false;
    const struct flag flags[] = { { "with-tasks", 0, NULL, &with_tasks } };
    int code = about_one(cli, argc, argv, flags, ARRAY_LEN(flags), &name);

    return code >= 0 ? code : change(cli, name, "DELETE", with_tasks ? "?withExecs=true" : "", "removed");
}
