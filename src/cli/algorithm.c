// SPDX-License-Identifier: Apache-2.0
#include "cli/algorithm.h"

#include "base/err.h"
#include "cli/pack.h"
#include "cli/term.h"

#include <stdio.h>
#include <string.h>

int algorithm_ls_command(struct cli *cli, int argc, char **argv)
{
    static const struct cli_listing algorithms = {
        .path = "/hypersearch/algorithm",
        .columns = { { "NAME", "name" }, { "TYPE", "type" }, { "USER", "creator" }, { "INSTALLED", "createtime" } },
    };

    return cli_list(cli, argc, argv, &algorithms);
}

static int about_one(struct cli *cli, int argc, char **argv, char **ret_name)
{
    return cli_one(cli, argc, argv, NULL, 0, "algorithm", cli_find_algorithm, ret_name);
}

static void add_path(const char *name, struct text *out)
{
    CLEANUP(freep) char *escaped = client_escape(name);

    text_addf(out, "/hypersearch/algorithm/%s", escaped);
}

int algorithm_show_command(struct cli *cli, int argc, char **argv)
{
    static const char *const keys[] = { "type", "creator", "createtime", "path", "condaHome", "condaEnv", "logLevel" };
    static const char *const labels[] = { "type", "user", "installed", "folder", "conda", "environment", "log level" };
    CLEANUP(freep) char *name = NULL;
    CLEANUP(text_done) struct text path = {0};
    json_auto_t *record = NULL;
    struct err err = {0};
    int code = about_one(cli, argc, argv, &name);

    if (code >= 0)
        return code;
    add_path(name, &path);
    record = client_get(cli->client, path.data, &err);
    if (!record)
        return cli_fail(&err);
    if (cli->json) {
        cli_print_json(record);
        return EXIT_DONE;
    }
    printf("%s%s%s\n", term_on(BOLD), name, term_off());
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (*cli_str(record, keys[i]))
            printf("  %-12s %s\n", labels[i], cli_str(record, keys[i]));
    return EXIT_DONE;
}

struct installation {
    const char *name, *path;
    bool on_server;
    const char *conda_home, *conda_env, *log_level;
};

static int install(struct cli *cli, const struct installation *in, struct err *err)
{
    CLEANUP(pack_done) struct pack pack = {0};
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    CLEANUP(freep) char *data = NULL;
    json_auto_t *document = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*}", "name", in->name, "path",
                                      in->on_server ? in->path : NULL, "condaHome", in->conda_home, "condaEnv",
                                      in->conda_env, "logLevel", in->log_level);

    if (!document)
        return err_set(err, ERR_BAD_INPUT, "names and paths are valid UTF-8");
    if (!in->on_server && pack_make(in->path, &pack, err) < 0)
        return -1;
    data = json_dumps(document, JSON_COMPACT);
    return client_call(cli->client, "POST", "/hypersearch/algorithm/install",
                       &(struct upload){ .data = data, .path = pack.path, .filename = pack.filename }, &answer, err);
}

int algorithm_install_command(struct cli *cli, int argc, char **argv)
{
    struct installation in = {0};
    const struct flag flags[] = { { "on-server", 0, NULL, &in.on_server },
                                  { "conda-home", 0, "PATH", &in.conda_home },
                                  { "conda-env", 0, "NAME", &in.conda_env },
                                  { "log-level", 0, "LEVEL", &in.log_level } };
    struct err err = {0};
    int code = cli_flags(cli, argc, argv, flags, ARRAY_LEN(flags));

    if (code < 0 && cli->n_words != 2)
        return cli_usage(cli, "which name, and which folder?");
    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    in.name = cli->words[0];
    in.path = cli->words[1];
    if (install(cli, &in, &err) < 0)
        return cli_fail(&err);
    if (cli->json) {
        json_auto_t *reply = json_pack("{s:s}", "name", in.name);

        cli_print_json(reply);
    } else {
        printf("installed %s\n", in.name);
    }
    return EXIT_DONE;
}

int algorithm_rm_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    CLEANUP(freep) char *name = NULL;
    CLEANUP(text_done) struct text path = {0};
    struct err err = {0};
    int code = about_one(cli, argc, argv, &name);

    if (code >= 0)
        return code;
    add_path(name, &path);
    if (client_call(cli->client, "DELETE", path.data, NULL, &answer, &err) < 0)
        return cli_fail(&err);
    if (!cli->json)
        printf("removed %s\n", name);
    return EXIT_DONE;
}
