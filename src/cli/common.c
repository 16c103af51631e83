// SPDX-License-Identifier: Apache-2.0
#include "cli/common.h"

#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "cli/term.h"

#include <stdio.h>
#include <string.h>

const char *cli_str(const json_t *record, const char *key)
{
    const char *s = json_string_value(json_object_get(record, key));

    return s ? s : "";
}

bool cli_state_is_final(const char *state)
{
    static const char *const finals[] = { "FINISHED", "KILLED", "ERROR", "FAILED", "STOPPED", "RECOVERFAILED" };

    for (size_t i = 0; i < ARRAY_LEN(finals); i++)
        if (strcmp(finals[i], state) == 0)
            return true;
    return false;
}

int cli_usage(const struct cli *cli, const char *sentence)
{
    fprintf(stderr, "trainyard %s: %s\nusage: trainyard %s %s\n`trainyard %s --help` has examples.\n",
            cli->command->name, sentence, cli->command->name, cli->command->usage, cli->command->name);
    return EXIT_USAGE;
}

int cli_fail(const struct err *err)
{
    fprintf(stderr, "%strainyard:%s %s\n", term_on(RED), term_off(), err->text);
    switch (err->kind) {
    case ERR_NO_LOGIN:
        fputs("Sign in with `trainyard login ADDRESS`.\n", stderr);
        return EXIT_LOGIN;
    case ERR_UNAVAILABLE: return EXIT_NO_SERVER;
    default:              return EXIT_REFUSED;
    }
}

void cli_print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    putchar('\n');
}

static const struct flag *find_flag(const struct flag *flags, size_t n, const char *word, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (word[1] == '-' && strlen(flags[i].name) == len - 2 && strncmp(flags[i].name, word + 2, len - 2) == 0)
            return &flags[i];
        if (word[1] != '-' && len == 2 && flags[i].letter == word[1])
            return &flags[i];
    }
    return NULL;
}

static int show_help(const struct cli *cli)
{
    printf("usage: trainyard %s %s\n\n%s.\n%s", cli->command->name, cli->command->usage, cli->command->summary,
           cli->command->help);
    return EXIT_DONE;
}

/* Reads the flag at argv[*i]; -1 to go on. */
static int take_flag(struct cli *cli, int argc, char **argv, int *i, const struct flag *flags, size_t n_flags)
{
    char *word = argv[*i];
    char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const struct flag *flag = find_flag(flags, n_flags, word, len);
    char sentence[160];

    if (!flag) {
        snprintf(sentence, sizeof sentence, "there is no option %.80s", word);
        return cli_usage(cli, sentence);
    }
    if (!flag->value && !equals) {
        *(bool *)flag->to = true;
        return -1;
    }
    if (!flag->value || (!equals && *i + 1 >= argc)) {
        snprintf(sentence, sizeof sentence, flag->value ? "--%s needs a value (%s)" : "--%s takes no value", flag->name,
                 flag->value);
        return cli_usage(cli, sentence);
    }
    *(const char **)flag->to = equals ? equals + 1 : argv[++*i];
    return -1;
}

int cli_flags(struct cli *cli, int argc, char **argv, const struct flag *flags, size_t n_flags)
{
    int code;

    cli->words = argv + 1;
    cli->after = argv + argc;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            cli->after = argv + i + 1;
            break;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return show_help(cli);
        if (strcmp(argv[i], "--json") == 0) {
            cli->json = true;
        } else if (argv[i][0] != '-' || argv[i][1] == '\0') {
            cli->words[cli->n_words++] = argv[i];
        } else {
            code = take_flag(cli, argc, argv, &i, flags, n_flags);
            if (code >= 0)
                return code;
        }
    }
    return -1;
}

/* ~/.config/trainyard/login.json, or below XDG_CONFIG_HOME; free() the result. */
static char *login_path(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    struct text path = {0};

    if (config && *config)
        text_addf(&path, "%s/trainyard/login.json", config);
    else
        text_addf(&path, "%s/.config/trainyard/login.json", home && *home ? home : "/");
    return text_take(&path);
}

int cli_save_login(const struct client_login *login, struct err *err)
{
    CLEANUP(freep) char *path = login_path();
    CLEANUP(freep) char *text = NULL;
    CLEANUP(freep) char *folder = xstrdup(path);
    json_auto_t *json = json_pack("{s:s, s:s?, s:s?, s:b}", "url", login->url, "user", login->user, "token",
                                  login->token, "insecure", login->insecure);

    *strrchr(folder, '/') = '\0';
    text = json_dumps(json, JSON_INDENT(2));
    if (file_mkdirs(folder, 0700, err) < 0)
        return -1;
    return file_write(path, text, strlen(text), 0600, err);
}

static char *copy_env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? xstrdup(value) : NULL;
}

static void read_login(struct client_login *login)
{
    CLEANUP(freep) char *path = login_path();
    json_auto_t *json = json_load_file(path, 0, NULL);
    const char *url = cli_str(json, "url");

    if (login->url && strcmp(login->url, url) != 0)
        return;         /* TRAINYARD_URL names another server: its token is not ours to send there */
    if (!login->url && *url)
        login->url = xstrdup(url);
    if (!login->token && *cli_str(json, "token"))
        login->token = xstrdup(cli_str(json, "token"));
    if (!login->user && *cli_str(json, "user"))
        login->user = xstrdup(cli_str(json, "user"));
    login->insecure = json_is_true(json_object_get(json, "insecure"));
}

int cli_connect(struct cli *cli)
{
    const char *password = getenv("TRAINYARD_PASSWORD");

    cli->login.url = copy_env("TRAINYARD_URL");
    cli->login.token = copy_env("TRAINYARD_TOKEN");
    cli->login.user = copy_env("TRAINYARD_USER");
    read_login(&cli->login);
    if (!cli->login.url) {
        fputs("trainyard: no server is known yet; sign in with `trainyard login http://127.0.0.1:9280`\n", stderr);
        return EXIT_LOGIN;
    }
    cli->client = client_new(&cli->login);
    if (cli->login.user && password)
        client_basic(cli->client, cli->login.user, password);
    return -1;
}

/* Does `id` answer to `prefix`: its beginning, or the beginning of a part after a dash ("ann-123-45" to "45"). */
static bool answers_to(const char *id, const char *prefix)
{
    if (text_starts(id, prefix))
        return true;
    for (const char *dash = strchr(id, '-'); dash; dash = strchr(dash + 1, '-'))
        if (text_starts(dash + 1, prefix))
            return true;
    return false;
}

static char *find_one(struct cli *cli, const char *path, const char *key, const char *what, const char *lister,
                      const char *prefix, struct err *err)
{
    json_auto_t *list = client_get(cli->client, path, err);
    const char *found = NULL;
    int n_found = 0;
    size_t i;
    json_t *record;

    if (!list)
        return NULL;
    json_array_foreach(list, i, record) {
        const char *id = cli_str(record, key);

        if (strcmp(id, prefix) == 0)
            return xstrdup(id);
        if (answers_to(id, prefix)) {
            found = id;
            n_found++;
        }
    }
    if (n_found == 1)
        return xstrdup(found);
    if (n_found == 0)
        err_set(err, ERR_NOT_FOUND, "no %s is called \"%s\"; `trainyard %s` lists them", what, prefix, lister);
    else
        err_set(err, ERR_BAD_INPUT, "\"%s\" could be any of %d %ss; give more of the name", prefix, n_found, what);
    return NULL;
}

char *cli_find_exec(struct cli *cli, const char *prefix, struct err *err)
{
    return find_one(cli, "/execs", "id", "task", "ps --all", prefix, err);
}

char *cli_find_search(struct cli *cli, const char *prefix, struct err *err)
{
    return find_one(cli, "/hypersearch?fields=hpoName", "hpoName", "search", "search ls", prefix, err);
}

char *cli_find_algorithm(struct cli *cli, const char *prefix, struct err *err)
{
    return find_one(cli, "/hypersearch/algorithm", "name", "algorithm", "algorithm ls", prefix, err);
}

char *cli_find_dataset(struct cli *cli, const char *prefix, struct err *err)
{
    return find_one(cli, "/datasets", "name", "dataset", "dataset ls", prefix, err);
}

int cli_one(struct cli *cli, int argc, char **argv, const struct flag *flags, size_t n_flags, const char *what,
            cli_find_fn *find, char **ret_id)
{
    struct err err = {0};
    char sentence[64];
    int code = cli_flags(cli, argc, argv, flags, n_flags);

    if (code < 0 && cli->n_words != 1) {
        snprintf(sentence, sizeof sentence, cli->n_words ? "one %s at a time" : "which %s?", what);
        return cli_usage(cli, sentence);
    }
    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    *ret_id = find(cli, cli->words[0], &err);
    return *ret_id ? -1 : cli_fail(&err);
}

int cli_each(struct cli *cli, int argc, char **argv, const struct cli_request *r)
{
    int code = cli_flags(cli, argc, argv, NULL, 0);
    int worst = EXIT_DONE;

    if (code < 0 && cli->n_words == 0) {
        char sentence[80];

        snprintf(sentence, sizeof sentence, "which %s?", r->what);
        return cli_usage(cli, sentence);
    }
    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    for (int i = 0; i < cli->n_words; i++) {
        CLEANUP(client_answer_done) struct client_answer answer = {0};
        CLEANUP(text_done) struct text path = {0};
        struct err err = {0};
        CLEANUP(freep) char *name = r->find(cli, cli->words[i], &err);
        CLEANUP(freep) char *escaped = name ? client_escape(name) : NULL;

        text_addf(&path, "%s%s%s", r->place, escaped ? escaped : "", r->suffix);
        if (!name || client_call(cli->client, r->method, path.data, NULL, &answer, &err) < 0)
            worst = cli_fail(&err);
        else if (!cli->json)
            printf("%s %s\n", r->done, name);
    }
    return worst;
}

int cli_save(struct cli *cli, const char *path, const char *to, void (*progress)(int64_t bytes, int64_t total))
{
    CLEANUP(freep) char *served = NULL;
    struct err err = {0};

    if (client_download(cli->client, path, to, &served, cli->json ? NULL : progress, &err) < 0) {
        remove(to);
        return cli_fail(&err);
    }
    if (cli->json) {
        json_auto_t *file = json_pack("{s:s}", "file", to);

        cli_print_json(file);
    } else {
        printf("%s%s\n", progress && term_is_live() ? "\r" : "", to);
    }
    return EXIT_DONE;
}

static void add_member(struct table *table, const json_t *record, const char *key, const char *unit)
{
    const json_t *value = json_object_get(record, key);
    char number[64];

    if (unit)
        snprintf(number, sizeof number, "%.1f %s", json_number_value(value), unit);
    table_cell(table, !unit ? cli_str(record, key) : value ? number : NULL);
}

static void print_records(const struct cli_listing *l, const json_t *list)
{
    struct table *table;
    json_t *record;
    size_t i;
    int n = 0;

    while (n < (int)ARRAY_LEN(l->columns) && l->columns[n].heading)
        n++;
    table = table_new(n);
    for (int k = 0; k < n; k++)
        table_cell(table, l->columns[k].heading);
    json_array_foreach(list, i, record)
        for (int k = 0; k < n; k++)
            add_member(table, record, l->columns[k].key, l->columns[k].unit);
    table_print(table);
}

int cli_list(struct cli *cli, int argc, char **argv, const struct cli_listing *l)
{
    json_auto_t *list = NULL;
    struct err err = {0};
    int code = cli_flags(cli, argc, argv, NULL, 0);

    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    list = client_get(cli->client, l->brief && !cli->json ? l->brief : l->path, &err);
    if (!list)
        return cli_fail(&err);
    if (cli->json)
        cli_print_json(list);
    else if (l->none && json_array_size(list) == 0)
        puts(l->none);
    else
        print_records(l, list);
    return EXIT_DONE;
}
